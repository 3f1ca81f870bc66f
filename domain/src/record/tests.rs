use super::content::{Content, Directory, Member};
use super::*;
use crate::access::{
    self, Clinics, Permit, Principal, PrincipalKind, Purpose, Read, ReadAudit, Resource, Role, Roles, VerifyAudit,
};
use crate::id::{ClinicId, CorrelationId, DataKeyId, RecordId, TenantId};
use crate::keys::fixture::{Counting, Dry, OTHER_TENANT, TENANT, data_key, hex, roots, vector};
use crate::keys::{Compartment, ContentMac, TenantSecrets};
use crate::kind::Kind;
use crate::ports::Receipt;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::write::Routing;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const PATIENT: RecordId = RecordId([0x55; 16]);
const REPORT: RecordId = RecordId([0x66; 16]);
const RESULT: RecordId = RecordId([0x67; 16]);
const CLINIC: ClinicId = ClinicId([0x33; 16]);
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);
const CONTEXT: ContextBinding<'_> = ContextBinding {
    tenant: TENANT,
    resource_id: "DiagnosticReport/x",
    after: ContentMac([0x77; 32]),
    correlation: CorrelationId([0x88; 16]),
};

fn binding() -> Binding {
    Binding {
        tenant: TENANT,
        clinic: Some(CLINIC),
        compartment: Compartment::Patient(PATIENT),
        kind: Kind::DiagnosticReport,
        id: REPORT,
        version: 2,
    }
}

fn key() -> DataKey {
    data_key(Compartment::Patient(PATIENT))
}

/// Seals and opens below the permit, where any bytes will do.
fn sealed_bytes(plaintext: &[u8]) -> Vec<u8> {
    seal(&key(), &binding(), plaintext, &Counting::from(0)).unwrap()
}

fn open_bytes(binding: &Binding, sealed: &[u8]) -> Result<Vec<u8>, IntegrityFailure> {
    sealed::open(&key(), sealed, |heading| binding.aad(heading))
}

fn content() -> Content<'static> {
    let member =
        |kind, id, bytes: &[u8]| Member { kind, id, version: 2, last_updated: NOW, bytes: bytes.to_vec().into() };
    Content {
        as_of: Timestamp(5),
        members: vec![
            member(Kind::DiagnosticReport, REPORT, br#"{"resourceType":"DiagnosticReport"}"#),
            member(
                Kind::Observation,
                RESULT,
                "{\"valueQuantity\":{\"value\":1.50,\"unit\":\"µg\"}}".repeat(20).as_bytes(),
            ),
        ],
    }
}

fn stored() -> StoredRecord {
    StoredRecord {
        tenant: TENANT,
        id: REPORT,
        kind: Kind::DiagnosticReport,
        clinic: Some(CLINIC),
        version: 2,
        arrival: NOW,
        last_updated: NOW,
        routing: Routing::None,
        sealed: sealed_bytes(&content().encode().unwrap()),
    }
}

fn subject(tenant: TenantId, role: Role, purpose: Purpose) -> access::Subject {
    access::Subject {
        principal: Principal { id: String::from("p"), display: String::from("P"), kind: PrincipalKind::System },
        tenant,
        roles: Roles::of(&[role]),
        clinics: Clinics::All,
        purpose,
        scopes: access::Scopes::Unrestricted,
        compartment: None,
    }
}

fn permit_for(tenant: TenantId, kind: Kind, patient: Option<RecordId>) -> Permit<Read> {
    let resource = Resource::record(tenant, kind).with_patient(patient).with_clinic(Some(CLINIC));
    let context = access::Context::at(NOW);
    access::authorise::<Read>(&subject(tenant, Role::Provider, Purpose::Treatment), &resource, &context).unwrap()
}

fn permit() -> Permit<Read> {
    permit_for(TENANT, Kind::DiagnosticReport, Some(PATIENT))
}

#[test]
fn invariant_2_clear_content_exists_only_in_memory_and_only_behind_a_permit() {
    let stored = stored();
    let planted = b"valueQuantity";
    assert!(!stored.sealed.windows(planted.len()).any(|window| window == planted));

    // A permit for anything else opens nothing: another tenant, another patient, no patient, another kind.
    let refused = |permit| open(permit, &key(), &stored).err() == Some(IntegrityFailure);
    assert!(refused(permit_for(OTHER_TENANT, Kind::DiagnosticReport, Some(PATIENT))));
    assert!(refused(permit_for(TENANT, Kind::DiagnosticReport, Some(RESULT))));
    assert!(refused(permit_for(TENANT, Kind::DiagnosticReport, None)));
    assert!(refused(permit_for(TENANT, Kind::Patient, Some(PATIENT))));

    // The right one opens it once; what leaves for a reader leaves against a receipt.
    let opened = open(permit(), &key(), &stored).unwrap();
    let disclosed = opened.disclose(&Receipt { entries: vec![] });
    assert_eq!(disclosed.text(Kind::DiagnosticReport, REPORT), Some(r#"{"resourceType":"DiagnosticReport"}"#));
}

#[test]
fn an_opened_record_says_what_was_sealed() {
    let stored = stored();
    let opened = open(permit(), &key(), &stored).unwrap();
    assert_eq!(opened.as_of(), Timestamp(5));
    assert_eq!(opened.binding().version, 2);
    assert_eq!(opened.version_of(Kind::Observation, RESULT), Some(2));
    assert_eq!(opened.version_of(Kind::Observation, REPORT), None);
    let kinds: Vec<_> = opened.members().map(|heading| (heading.kind, heading.id, heading.last_updated)).collect();
    assert_eq!(kinds, [(Kind::DiagnosticReport, REPORT, NOW), (Kind::Observation, RESULT, NOW)]);

    let mut texts = vec![];
    opened.inspect(|heading, text| texts.push((heading.kind, text.len())));
    assert_eq!(texts, [(Kind::DiagnosticReport, 35), (Kind::Observation, 900)]);
    let mut texts = 0;
    opened.inspect_kind(Kind::Observation, |_, text| texts += text.len());
    assert_eq!(texts, 900);
    assert_eq!(opened.with(Kind::Observation, RESULT, |heading, text| (heading.version, text.len())), Some((2, 900)));
    assert_eq!(opened.with(Kind::Observation, REPORT, |_, _| ()), None);

    let secrets = TenantSecrets::derive(&roots(), TENANT);
    assert_eq!(opened.content_mac(&secrets.content), secrets.content.mac(&content().encode().unwrap()));
}

#[test]
fn an_opened_record_may_move_between_threads() {
    fn moves<T: Send>() {}
    moves::<Opened>();
    moves::<Disclosed>();
}

#[test]
fn records_and_contexts_are_sealed_as_the_fixed_vectors_say() {
    let sealed = sealed_bytes(br#"{"resourceType":"DiagnosticReport"}"#);
    assert_eq!(sealed, hex(vector("record")));
    assert_eq!(sealed.len(), 89 + 256 + 16);

    let long: Vec<u8> = (0..1024 * 1024 + 5).map(|at: u32| u8::try_from(at * 7 % 251).unwrap()).collect();
    let sealed = sealed_bytes(&long);
    assert_eq!(Sha256::digest(&sealed).to_vec(), hex(vector("chunked")));
    assert!(open_bytes(&binding(), &sealed).unwrap() == long);

    let key = data_key(Compartment::Context);
    let sealed = seal_context(&key, &CONTEXT, br#"{"reason":"read"}"#, &Counting::from(0)).unwrap();
    assert_eq!(sealed, hex(vector("context")));
}

#[test]
fn the_heading_is_read_without_a_key() {
    let sealed = sealed_bytes(b"x");
    let heading = heading(&sealed).unwrap();
    assert_eq!((heading.suite, heading.kek_generation, heading.data_key), (Suite::Single, 3, DataKeyId([0x44; 16])));
    assert_eq!(super::heading(&sealed[..88]).err(), Some(IntegrityFailure));
    assert_eq!(super::heading(b"").err(), Some(IntegrityFailure));
    for suite in [0, 3, 255] {
        let mut unknown = sealed.clone();
        unknown[4] = suite;
        assert_eq!(super::heading(&unknown).err(), Some(IntegrityFailure));
    }
}

#[test]
fn a_record_whose_binding_differs_in_any_field_is_refused() {
    let sealed = sealed_bytes(b"text");
    assert_eq!(open_bytes(&binding(), &sealed).as_deref(), Ok(b"text".as_slice()));
    for moved in [
        Binding { tenant: OTHER_TENANT, ..binding() },
        Binding { clinic: None, ..binding() },
        Binding { clinic: Some(ClinicId([0x34; 16])), ..binding() },
        Binding { compartment: Compartment::Patient(REPORT), ..binding() },
        Binding { compartment: Compartment::Own(PATIENT), ..binding() },
        Binding { kind: Kind::Patient, ..binding() },
        Binding { id: RESULT, ..binding() },
        Binding { version: 1, ..binding() },
    ] {
        assert_eq!(open_bytes(&moved, &sealed), Err(IntegrityFailure));
    }
    for (at, what) in [(8, "generation"), (9, "data key id"), (25, "message id"), (57, "commitment")] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(open_bytes(&binding(), &changed), Err(IntegrityFailure), "{what}");
    }
}

#[test]
fn a_stored_row_whose_columns_were_changed_is_refused() {
    let other = RecordId([0x68; 16]);
    for moved in [
        StoredRecord { id: other, ..stored() },
        StoredRecord { version: 3, ..stored() },
        StoredRecord { clinic: None, ..stored() },
        StoredRecord { tenant: OTHER_TENANT, ..stored() },
        StoredRecord { kind: Kind::Hl7Message, ..stored() },
    ] {
        assert_eq!(open(permit(), &key(), &moved).err(), Some(IntegrityFailure));
    }
}

#[test]
fn another_key_of_the_same_id_is_refused() {
    let stored = stored();
    let stranger = DataKey { secret: Secret::new([8; 32]), ..key() };
    assert_eq!(open(permit(), &stranger, &stored).err(), Some(IntegrityFailure));
    let renamed = DataKey { id: DataKeyId([0x45; 16]), ..key() };
    assert_eq!(open(permit(), &renamed, &stored).err(), Some(IntegrityFailure));
    let foreign = DataKey { tenant: OTHER_TENANT, ..key() };
    assert_eq!(open(permit(), &foreign, &stored).err(), Some(IntegrityFailure));
}

#[test]
fn a_key_seals_in_its_own_tenant_and_compartment_only() {
    let seal = |binding: Binding| seal(&key(), &binding, b"x", &Counting::from(0)).err();
    assert_eq!(seal(Binding { tenant: OTHER_TENANT, ..binding() }), Some(SealFault::WrongKey));
    assert_eq!(seal(Binding { compartment: Compartment::Own(REPORT), ..binding() }), Some(SealFault::WrongKey));
    assert_eq!(seal_context(&key(), &CONTEXT, b"x", &Counting::from(0)).err(), Some(SealFault::WrongKey));
}

#[test]
fn nothing_is_sealed_without_randomness_or_above_the_limit() {
    assert_eq!(seal(&key(), &binding(), b"x", &Dry).err(), Some(SealFault::Unavailable));
    let large = vec![0; MAX_PLAINTEXT + 1];
    assert_eq!(seal(&key(), &binding(), &large, &Counting::from(0)).err(), Some(SealFault::TooLarge));
    let mut content = content();
    content.members[0].bytes = large.into();
    assert_eq!(content.encode().err(), Some(SealFault::TooLarge));
}

#[test]
fn two_seals_of_one_text_share_nothing_but_their_size() {
    let entropy = Counting::from(0);
    let [one, two] = [(); 2].map(|()| seal(&key(), &binding(), b"text", &entropy).unwrap());
    assert_eq!(one.len(), two.len());
    assert_ne!(one[25..], two[25..]);
    assert_ne!(one[89..], two[89..]);
}

#[test]
fn sizes_are_seen_in_steps_of_256_bytes_only() {
    let size = |length: usize| sealed_bytes(&vec![0; length]).len();
    assert_eq!(size(0), size(255));
    assert_eq!(size(256), size(511));
    assert_eq!(size(256), size(255) + 256);
}

#[test]
fn chunks_cannot_be_cut_off_swapped_or_passed_for_a_single_one() {
    const CHUNK: usize = 1024 * 1024 + 16;
    let plain = vec![7; 2 * 1024 * 1024 + 100];
    let sealed = sealed_bytes(&plain);
    assert_eq!(heading(&sealed).unwrap().suite, Suite::Chunked);
    assert_eq!(sealed.len(), 89 + 2 * CHUNK + 256 + 16);

    let without_last = &sealed[..89 + 2 * CHUNK];
    let without_first = [&sealed[..89], &sealed[89 + CHUNK..]].concat();
    let swapped =
        [&sealed[..89], &sealed[89 + CHUNK..89 + 2 * CHUNK], &sealed[89..89 + CHUNK], &sealed[89 + 2 * CHUNK..]]
            .concat();
    let mut single = sealed.clone();
    single[4] = Suite::Single.code();
    for bad in [without_last, &without_first, &swapped, &single] {
        assert_eq!(open_bytes(&binding(), bad), Err(IntegrityFailure));
    }
    for length in [1024 * 1024, 2 * 1024 * 1024] {
        let plain = vec![9; length];
        assert!(open_bytes(&binding(), &sealed_bytes(&plain)).unwrap() == plain, "{length}");
    }
}

#[test]
fn a_context_opens_for_an_auditor_of_its_tenant_at_its_entry_only() {
    let audit = |tenant| {
        let auditor = subject(tenant, Role::Auditor, Purpose::Operations);
        access::authorise::<ReadAudit>(&auditor, &Resource::of_tenant(tenant), &access::Context::at(NOW)).unwrap()
    };
    let key = data_key(Compartment::Context);
    let sealed = seal_context(&key, &CONTEXT, b"why", &Counting::from(0)).unwrap();
    assert_eq!(open_context(&audit(TENANT), &key, &CONTEXT, &sealed).as_deref(), Ok(b"why".as_slice()));
    assert_eq!(open_context(&audit(OTHER_TENANT), &key, &CONTEXT, &sealed), Err(IntegrityFailure));
    for moved in [
        ContextBinding { tenant: OTHER_TENANT, ..CONTEXT },
        ContextBinding { resource_id: "DiagnosticReport/y", ..CONTEXT },
        ContextBinding { after: ContentMac([0; 32]), ..CONTEXT },
        ContextBinding { correlation: CorrelationId([0; 16]), ..CONTEXT },
    ] {
        assert_eq!(open_context(&audit(TENANT), &key, &moved, &sealed), Err(IntegrityFailure));
    }
    // Neither a cursor nor a record passes for a context.
    assert_eq!(open_cursor(&key, &CONTEXT, &sealed), Err(IntegrityFailure));
    let cursor = seal_cursor(&key, &CONTEXT, b"place", &Counting::from(0)).unwrap();
    assert_eq!(open_cursor(&key, &CONTEXT, &cursor).as_deref(), Ok(b"place".as_slice()));
    assert_eq!(open_context(&audit(TENANT), &key, &CONTEXT, &cursor), Err(IntegrityFailure));
    assert_eq!(open_context(&audit(TENANT), &self::key(), &CONTEXT, &sealed_bytes(b"x")), Err(IntegrityFailure));
}

#[test]
fn a_context_is_verified_as_that_of_its_entry_and_against_its_own_hash() {
    let may = |tenant| {
        let auditor = subject(tenant, Role::Auditor, Purpose::Operations);
        access::authorise::<VerifyAudit>(&auditor, &Resource::of_tenant(tenant), &access::Context::at(NOW)).unwrap()
    };
    let content = TenantSecrets::derive(&roots(), TENANT).content;
    let key = data_key(Compartment::Context);
    let own = ContextBinding { after: content.mac(b"why"), ..CONTEXT };
    let sealed = seal_context(&key, &own, b"why", &Counting::from(0)).unwrap();
    assert_eq!(verify_context(&may(TENANT), &key, &own, Some(&content), &sealed), Ok(()));
    assert_eq!(verify_context(&may(OTHER_TENANT), &key, &own, Some(&content), &sealed), Err(IntegrityFailure));
    assert_eq!(verify_context(&may(TENANT), &key, &CONTEXT, None, &sealed), Err(IntegrityFailure));
    let other = seal_context(&key, &own, b"why not", &Counting::from(0)).unwrap();
    assert_eq!(verify_context(&may(TENANT), &key, &own, None, &other), Ok(()), "a change vouches for no hash of it");
    assert_eq!(verify_context(&may(TENANT), &key, &own, Some(&content), &other), Err(IntegrityFailure));
}

#[test]
fn a_report_is_read_without_unpacking_its_results() {
    let plain = content().encode().unwrap();
    let directory = Directory::read(&plain).unwrap();
    assert_eq!(directory.members.iter().map(|place| place.frame).collect::<Vec<_>>(), [0, 1]);
    // The report alone is too short to shrink and lies as it is; the results are compressed.
    assert_eq!(directory.frames[0].stored.len(), directory.frames[0].raw_length);
    assert!(directory.frames[1].stored.len() < directory.frames[1].raw_length / 4);
    assert_eq!(&plain[..2], b"C1");
}

#[test]
fn lengths_that_promise_more_than_there_is_are_refused_before_anything_is_allocated() {
    let plain = content().encode().unwrap();
    assert!(Directory::read(&plain).is_ok());
    let frames = 12 + 2 * 38 + 1;
    for (at, what) in [
        (10, "more members than there are bytes"),
        (12 + 29, "a frame that is not there"),
        (12 + 30, "an offset outside the frame"),
        (12 + 34, "a length outside the frame"),
        (frames - 1, "more frames than there are bytes"),
        (frames, "a frame of 4 GiB"),
        (frames + 4, "a stored frame longer than the rest"),
    ] {
        let mut forged = plain.clone();
        forged[at] = 0xff;
        assert!(Directory::read(&forged).is_err(), "{what}");
    }
    for end in 0..plain.len() {
        assert!(Directory::read(&plain[..end]).is_err(), "{end}");
    }
    assert!(Directory::read(&[plain.as_slice(), b"x"].concat()).is_err());
    assert_eq!(compression::decompress(b"not zstd", 100), None);
}

type Row = (Kind, [u8; 16], u32, i64, Vec<u8>);

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    let kind = prop::sample::select(Kind::ALL);
    let bytes = prop_oneof![prop::collection::vec(any::<u8>(), 0..200), "[a-c]{0,2000}".prop_map(String::into_bytes)];
    prop::collection::vec((kind, any::<[u8; 16]>(), any::<u32>(), any::<i64>(), bytes), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_opens_the_same(plain in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_eq!(open_bytes(&binding(), &sealed_bytes(&plain)), Ok(plain));
    }

    #[test]
    fn content_comes_out_as_it_went_in(as_of: i64, rows in any_rows()) {
        let member = |(kind, id, version, last_updated, bytes): (Kind, [u8; 16], u32, i64, Vec<u8>)| Member {
            kind,
            id: RecordId(id),
            version,
            last_updated: Timestamp(last_updated),
            bytes: bytes.into(),
        };
        let content = Content { as_of: Timestamp(as_of), members: rows.into_iter().map(member).collect() };
        let plain = content.encode().unwrap();
        let opened = Opened::read(binding(), plain).unwrap();
        prop_assert_eq!(opened.as_of(), content.as_of);
        let headings: Vec<_> = opened.members().copied().collect();
        let disclosed = opened.disclose(&Receipt { entries: vec![] });
        prop_assert_eq!(headings.len(), content.members.len());
        for (heading, member) in headings.iter().zip(&content.members) {
            prop_assert_eq!((heading.kind, heading.id), (member.kind, member.id));
            prop_assert_eq!((heading.version, heading.last_updated), (member.version, member.last_updated));
            prop_assert_eq!(disclosed.bytes(member.kind, member.id), Some(&*member.bytes));
        }
    }

    #[test]
    fn any_bit_flipped_anywhere_is_refused(at: prop::sample::Index, bit in 0u8..8) {
        let mut sealed = sealed_bytes(&[5; 300]);
        *at.get_mut(&mut sealed) ^= 1 << bit;
        prop_assert_eq!(open_bytes(&binding(), &sealed), Err(IntegrityFailure));
    }

    #[test]
    fn anything_cut_or_added_is_refused(more in prop::collection::vec(any::<u8>(), 1..600)) {
        let sealed = sealed_bytes(&[5; 300]);
        prop_assert_eq!(open_bytes(&binding(), &[sealed.as_slice(), &more].concat()), Err(IntegrityFailure));
    }

    #[test]
    fn bytes_that_are_nothing_open_as_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(open_bytes(&binding(), &bytes), Err(IntegrityFailure));
        prop_assert!(Directory::read(&bytes).is_err());
        let tagged = [b"SGR1\x01", bytes.as_slice()].concat();
        prop_assert_eq!(open_bytes(&binding(), &tagged), Err(IntegrityFailure));
    }

    #[test]
    fn a_directory_of_any_bytes_is_read_or_refused_without_harm(at: prop::sample::Index, byte: u8) {
        let mut plain = content().encode().unwrap();
        *at.get_mut(&mut plain) = byte;
        if let Ok(opened) = Opened::read(binding(), plain) {
            opened.inspect(|_, _| ());
        }
    }
}

#[test]
fn truncated_at_any_length_is_refused() {
    let sealed = sealed_bytes(&[5; 300]);
    for end in 0..sealed.len() {
        assert_eq!(open_bytes(&binding(), &sealed[..end]), Err(IntegrityFailure), "{end}");
    }
}
