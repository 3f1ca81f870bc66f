use super::fixture::{Counting, Dry, OTHER_TENANT, TENANT, data_key, hex, roots, tenant_key, vector};
use super::slot::{KdfParams, Slot, SlotFault, SlotKind};
use super::*;
use crate::id::{DataKeyId, RecordId};
use crate::ports::{KeyFault, Unavailable};
use crate::secret::Secret;
use crate::time::Timestamp;
use alloc::string::ToString;
use alloc::vec::Vec;
use proptest::prelude::*;

const PATIENT: Compartment = Compartment::Patient(RecordId([0x55; 16]));

fn passphrase_params() -> KdfParams {
    KdfParams { memory_kib: 64, passes: 2, lanes: 2, salt: [0xaa; 16] }
}

#[test]
fn keys_are_wrapped_as_the_fixed_vectors_say() {
    let tenant = wrap_tenant_key(&roots().root, &tenant_key(), &Counting::from(0)).unwrap();
    assert_eq!(tenant.wrapped, hex(vector("tenant-key")));
    let data = wrap_data_key(&tenant_key(), &data_key(PATIENT), &Counting::from(0)).unwrap();
    assert_eq!(data.wrapped, hex(vector("data-key")));
}

#[test]
fn a_wrapped_key_opens_as_it_was() {
    let row = wrap_tenant_key(&roots().root, &tenant_key(), &Counting::from(0)).unwrap();
    let key = unwrap_tenant_key(&roots().root, &row).unwrap();
    assert_eq!((key.tenant, key.generation, key.secret.expose()), (TENANT, 3, &[6; 32]));

    let row = wrap_data_key(&key, &data_key(PATIENT), &Counting::from(0)).unwrap();
    let key = unwrap_data_key(&key, &row).unwrap();
    assert_eq!((key.id, key.tenant, key.compartment), (row.id, TENANT, PATIENT));
    assert_eq!((key.kek_generation, key.created, key.secret.expose()), (3, row.created, &[7; 32]));
}

#[test]
fn a_wrapped_tenant_key_opens_in_its_own_row_only() {
    let row = wrap_tenant_key(&roots().root, &tenant_key(), &Counting::from(0)).unwrap();
    let broken = |row: WrappedTenantKey| unwrap_tenant_key(&roots().root, &row).err() == Some(KeyFault::Broken);
    assert!(broken(WrappedTenantKey { tenant: OTHER_TENANT, ..row.clone() }));
    assert!(broken(WrappedTenantKey { generation: 4, ..row.clone() }));
    assert_eq!(unwrap_tenant_key(&roots().audit, &row).err(), Some(KeyFault::Broken));
}

#[test]
fn a_wrapped_data_key_opens_in_its_own_row_only() {
    let row = wrap_data_key(&tenant_key(), &data_key(PATIENT), &Counting::from(0)).unwrap();
    let broken = |row: WrappedDataKey| unwrap_data_key(&tenant_key(), &row).err() == Some(KeyFault::Broken);
    assert!(broken(WrappedDataKey { tenant: OTHER_TENANT, ..row.clone() }));
    assert!(broken(WrappedDataKey { id: DataKeyId([0x45; 16]), ..row.clone() }));
    assert!(broken(WrappedDataKey { compartment: Compartment::Own(RecordId([0x55; 16])), ..row.clone() }));
    assert!(broken(WrappedDataKey { generation: 2, ..row.clone() }));
    assert!(broken(WrappedDataKey { created: Timestamp(1), ..row.clone() }));
    // The other tenant's key of the same generation does not open it, even in a row that names that tenant.
    let other = TenantKey { tenant: OTHER_TENANT, ..tenant_key() };
    assert_eq!(unwrap_data_key(&other, &row).err(), Some(KeyFault::Broken));
    assert_eq!(unwrap_data_key(&other, &WrappedDataKey { tenant: OTHER_TENANT, ..row }).err(), Some(KeyFault::Broken));
}

#[test]
fn a_key_of_one_tenant_wraps_no_data_key_of_another() {
    let other = TenantKey { tenant: OTHER_TENANT, ..tenant_key() };
    assert_eq!(wrap_data_key(&other, &data_key(PATIENT), &Counting::from(0)).err(), Some(KeyFault::Broken));
}

#[test]
fn a_new_generation_opens_what_was_rewrapped_and_the_old_one_does_not() {
    let next = TenantKey { generation: 4, secret: Secret::new([9; 32]), ..tenant_key() };
    let old = wrap_data_key(&tenant_key(), &data_key(PATIENT), &Counting::from(0)).unwrap();
    let new = rewrap_data_key(&tenant_key(), &next, &old, &Counting::from(7)).unwrap();
    assert_eq!((new.id, new.compartment, new.created, new.generation), (old.id, old.compartment, old.created, 4));
    assert_eq!(unwrap_data_key(&next, &new).unwrap().secret.expose(), &[7; 32]);
    assert_eq!(unwrap_data_key(&tenant_key(), &new).err(), Some(KeyFault::Broken));
}

#[test]
fn keys_are_wiped_when_dropped() {
    // Holds only while the `zeroize` features of these crates are switched on; an HMAC is two of these hashes.
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<zeroize::Zeroizing<[u8; 32]>>();
    wiped::<aes_gcm::Aes256Gcm>();
    wiped::<sha2::Sha256>();
}

#[test]
fn no_key_is_made_without_randomness() {
    assert!(Roots::generate(&Dry).is_err());
    assert!(TenantKey::generate(TENANT, 1, &Dry).is_err());
    assert!(DataKey::generate(&tenant_key(), PATIENT, Timestamp(0), &Dry).is_err());
    assert_eq!(wrap_tenant_key(&roots().root, &tenant_key(), &Dry).err(), Some(Unavailable));
    assert_eq!(wrap_data_key(&tenant_key(), &data_key(PATIENT), &Dry).err(), Some(KeyFault::Unavailable));
    assert_eq!(
        Slot::seal(1, &roots(), SlotKind::Passphrase, b"x", Some(passphrase_params()), &Dry).err(),
        Some(SlotFault::Unavailable)
    );
}

#[test]
fn names_claims_and_hashes_are_as_the_fixed_vectors_say() {
    let secrets = TenantSecrets::derive(&roots(), TENANT);
    let half = hex(vector("name")).try_into().unwrap();
    assert_eq!(secrets.naming.name("report", &["LAB", "F-17"]), RecordId::from_name(half));
    assert_eq!(secrets.content.mac(b"abc").to_string(), vector("content"));
    assert_eq!(secrets.content.claim("message", &[b"ab", b"c"]).as_slice(), hex(vector("claim")));
}

#[test]
fn names_and_claims_differ_by_tenant_space_and_where_a_part_ends() {
    let (ours, theirs) = (TenantSecrets::derive(&roots(), TENANT), TenantSecrets::derive(&roots(), OTHER_TENANT));
    let name = ours.naming.name("report", &["ab", "c"]);
    assert_ne!(name, ours.naming.name("report", &["a", "bc"]));
    assert_ne!(name, ours.naming.name("report", &["abc"]));
    assert_ne!(name, ours.naming.name("order", &["ab", "c"]));
    assert_ne!(name, theirs.naming.name("report", &["ab", "c"]));
    let claim = ours.content.claim("message", &[b"ab", b"c"]);
    assert_ne!(claim, ours.content.claim("message", &[b"a", b"bc"]));
    assert_ne!(claim, theirs.content.claim("message", &[b"ab", b"c"]));
    assert_ne!(ours.content.mac(b"ab"), theirs.content.mac(b"ab"));
}

#[test]
fn slots_are_as_the_fixed_vectors_say() {
    let entropy = Counting::from(0);
    let slot = Slot::seal(2, &roots(), SlotKind::CredentialFile, &[0x99; 32], None, &entropy).unwrap();
    assert_eq!(slot.check.as_slice(), hex(vector("credential-check")));
    assert_eq!(slot.wrapped, hex(vector("credential-wrapped")));

    let (kind, secret, entropy) = (SlotKind::Passphrase, b"correct horse", Counting::from(0));
    let slot = Slot::seal(1, &roots(), kind, secret, Some(passphrase_params()), &entropy).unwrap();
    assert_eq!(slot.check.as_slice(), hex(vector("passphrase-check")));
    assert_eq!(slot.wrapped, hex(vector("passphrase-wrapped")));
    let roots_again = slot.open(secret).unwrap();
    assert_eq!(roots_again.to_bytes().expose(), roots().to_bytes().expose());
}

#[test]
fn a_slot_reads_back_from_its_file() {
    let slot =
        Slot::seal(1, &roots(), SlotKind::Passphrase, b"correct horse", Some(passphrase_params()), &Counting::from(0))
            .unwrap();
    let text = serde_json::to_string(&slot).unwrap();
    assert!(
        text.contains(r#""kind":"passphrase","kdf":{"memory_kib":64,"passes":2,"lanes":2,"salt":"aaaaaaaa"#),
        "{text}"
    );
    assert!(serde_json::from_str::<Slot>(&text).unwrap() == slot);
    for bad in [
        text.replace(r#""salt":"aa"#, r#""salt":""#),
        text.replace("lanes", "lines"),
        text.replace("passphrase", "pass"),
    ] {
        assert!(serde_json::from_str::<Slot>(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_slot_tells_a_wrong_secret_from_damage_and_from_demands_out_of_bounds() {
    let seal = |kind, secret: &[u8], kdf| Slot::seal(1, &roots(), kind, secret, kdf, &Counting::from(0));
    let slot = seal(SlotKind::SupportCode, b"secret", Some(passphrase_params())).unwrap();
    assert_eq!(slot.open(b"Secret").err(), Some(SlotFault::Wrong));

    let mut damaged = slot.clone();
    damaged.wrapped.pop();
    assert_eq!(damaged.open(b"secret").err(), Some(SlotFault::Broken));
    let renamed = Slot { id: 2, ..slot.clone() };
    assert_eq!(renamed.open(b"secret").err(), Some(SlotFault::Broken));
    let other_kind = Slot { kind: SlotKind::Passphrase, ..slot.clone() };
    assert_eq!(other_kind.open(b"secret").err(), Some(SlotFault::Broken));

    for forged in [
        KdfParams { memory_kib: slot::MAX_MEMORY_KIB + 1, ..passphrase_params() },
        KdfParams { memory_kib: u32::MAX, ..passphrase_params() },
        KdfParams { memory_kib: 15, ..passphrase_params() },
        KdfParams { passes: slot::MAX_PASSES + 1, ..passphrase_params() },
        KdfParams { passes: 0, ..passphrase_params() },
        KdfParams { lanes: slot::MAX_LANES + 1, ..passphrase_params() },
        KdfParams { lanes: 0, ..passphrase_params() },
    ] {
        let forged = Slot { kdf: Some(forged), ..slot.clone() };
        assert!(matches!(forged.open(b"secret"), Err(SlotFault::Refused(_))));
    }
    assert!(matches!(seal(SlotKind::Passphrase, b"secret", None), Err(SlotFault::Refused(_))));
    assert!(matches!(seal(SlotKind::CredentialFile, &[1; 31], None), Err(SlotFault::Refused(_))));
    assert!(matches!(seal(SlotKind::CredentialFile, &[1; 32], Some(passphrase_params())), Err(SlotFault::Refused(_))));
}

#[test]
fn a_support_code_is_as_the_fixed_vector_says() {
    let code = SupportCode::parse(vector("code")).unwrap();
    assert_eq!(code.expose().as_slice(), (0..20).collect::<Vec<u8>>());
    assert_eq!(code.render().as_str(), vector("code"));
}

#[test]
fn a_support_code_is_read_as_people_write_it() {
    let text = vector("code");
    let sloppy = text.to_lowercase().replace('-', "  ").replace('0', "o").replace('1', "l");
    assert_eq!(SupportCode::parse(&sloppy).unwrap().render().as_str(), text);
    let fault = |text: &str| SupportCode::parse(text).err();
    assert_eq!(fault(&text[1..]), Some(SupportCodeFault::Length));
    assert_eq!(fault(&[text, "0"].concat()), Some(SupportCodeFault::Length));
    assert_eq!(fault(&text.replace('G', "U")), Some(SupportCodeFault::Character));
    assert_eq!(fault(&text.replace('G', "é")), Some(SupportCodeFault::Character));
    assert_eq!(fault(&text.replacen("40", "04", 1)), Some(SupportCodeFault::Check));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_support_code_reads_back(seed: u64) {
        let code = SupportCode::generate(&Counting::from(seed)).unwrap();
        let again = SupportCode::parse(&code.render()).unwrap();
        prop_assert_eq!(again.expose(), code.expose());
    }

    #[test]
    fn a_wrapped_key_with_any_bit_flipped_or_cut_anywhere_does_not_open(at: prop::sample::Index, bit in 0u8..8) {
        let row = wrap_data_key(&tenant_key(), &data_key(PATIENT), &Counting::from(0)).unwrap();
        let mut flipped = row.clone();
        *at.get_mut(&mut flipped.wrapped) ^= 1 << bit;
        prop_assert_eq!(unwrap_data_key(&tenant_key(), &flipped).err(), Some(KeyFault::Broken));
        let mut cut = row.clone();
        cut.wrapped.truncate(at.index(row.wrapped.len()));
        prop_assert_eq!(unwrap_data_key(&tenant_key(), &cut).err(), Some(KeyFault::Broken));
    }
}
