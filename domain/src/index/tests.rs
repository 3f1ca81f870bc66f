use super::*;
use crate::keys::TenantSecrets;
use crate::keys::fixture::{OTHER_TENANT, TENANT, hex, roots, vector};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::string::ToString;

fn term(kind: Kind, field: Field, value: &str) -> Term {
    Term { kind, field, value: value.to_string() }
}

#[test]
fn tokens_are_as_the_fixed_vectors_say() {
    let ours = TenantSecrets::derive(&roots(), TENANT).index;
    let theirs = TenantSecrets::derive(&roots(), OTHER_TENANT).index;
    let mrn = term(Kind::Patient, Field::Identifier, " MRN-0042 ");
    assert_eq!(ours.token(&mrn).0.as_slice(), hex(vector("token-mrn")));
    assert_eq!(theirs.token(&mrn).0.as_slice(), hex(vector("token-mrn-other")));
    assert_eq!(ours.token(&term(Kind::Patient, Field::Family, "Müller")).0.as_slice(), hex(vector("token-family")));
}

#[test]
fn the_same_value_has_another_token_in_every_field_and_kind() {
    let index = TenantSecrets::derive(&roots(), TENANT).index;
    let tokens: BTreeSet<_> = Kind::ALL
        .iter()
        .flat_map(|kind| Field::ALL.iter().map(|field| index.token(&term(*kind, *field, "2024"))))
        .collect();
    assert_eq!(tokens.len(), Kind::ALL.len() * Field::ALL.len());
}

#[test]
fn codes_of_fields_are_distinct_and_never_zero() {
    let codes: BTreeSet<_> = Field::ALL.iter().map(|field| field.code()).collect();
    assert_eq!(codes.len(), Field::ALL.len());
    assert!(!codes.contains(&0));
}

/// Golden: a change here is a new version of the normalisers, and every index has to be rebuilt.
#[test]
fn values_are_normalised_as_version_1_did() {
    assert_eq!(NORMALISER_VERSION, 1);
    for (field, value, expected) in [
        (Field::Identifier, " MRN-0042 ", "mrn-0042"),
        (Field::Identifier, "ＭＲＮ００４２", "mrn0042"),
        (Field::Identifier, "A B", "a b"),
        (Field::Code, "718-7", "718-7"),
        (Field::Code, "GLU^Serum", "glu^serum"),
        (Field::MessageControlId, "MSG00001\u{a0}", "msg00001"),
        (Field::Label, "Urgent", "urgent"),
        (Field::Patient, "Patient/0A0b", "0a0b"),
        (Field::Patient, "0a0b", "0a0b"),
        (Field::Performer, "https://fhir.example.org/r4/Organization/x1 ", "x1"),
        (Field::Day, "2024-03-05", "2024-03-05"),
        (Field::Day, "2024-03-05T10:11:12.5+02:00", "2024-03-05"),
        (Field::Day, "20240305101112+0200", "2024-03-05"),
        (Field::Month, "2024-03-05T10:11:12Z", "2024-03"),
        (Field::Month, "20240305", "2024-03"),
        (Field::Month, "202403", "2024-03"),
        (Field::BirthDate, "19600229", "1960-02-29"),
        (Field::BirthDate, "1960-02", "1960-02"),
        (Field::BirthDate, " 1960 ", "1960"),
        (Field::Day, "no date a´ at all", "no date a"),
        (Field::Day, "date then text", "date then"),
        (Field::Family, "O'Brien", "obrien"),
        (Field::Family, "O’BRIEN", "obrien"),
        (Field::Family, "Smith-Jones", "smithjones"),
        (Field::Family, "van der Berg", "vanderberg"),
        (Field::Family, "Müller", "muller"),
        (Field::Family, "Mu\u{308}ller", "muller"),
        (Field::Family, "Strauß", "strauss"),
        (Field::Family, "STRAUSS", "strauss"),
        (Field::Family, "ΠΑΠΑΔΌΠΟΥΛΟΣ", "παπαδοπουλοσ"),
        (Field::Family, "Παπαδόπουλος", "παπαδοπουλοσ"),
        (Field::Given, "İlker", "ilker"),
        (Field::Given, "ILKER", "ilker"),
        (Field::Given, "山田", "山田"),
        (Field::Given, "ﾔﾏﾀﾞ", "ヤマタ"),
        (Field::Given, "민준", "민준"),
        (Field::Given, "محمد", "محمد"),
        (Field::Name, "  Ann-Marie 3rd. ", "annmarie3rd"),
        (Field::Name, "-", ""),
        (Field::Patient, "\u{2100}", "c"),
    ] {
        assert_eq!(normalise(field, value), expected, "{field:?} {value}");
    }
}

fn field() -> impl Strategy<Value = Field> {
    prop::sample::select(Field::ALL)
}

proptest! {
    #[test]
    fn two_tenants_never_share_a_token(field in field(), value: String) {
        let term = term(Kind::Patient, field, &value);
        let token = |tenant| TenantSecrets::derive(&roots(), tenant).index.token(&term);
        prop_assert_ne!(token(TENANT), token(OTHER_TENANT));
    }

    #[test]
    fn normalising_twice_is_normalising_once(field in field(), value: String) {
        let once = normalise(field, &value);
        prop_assert_eq!(normalise(field, &once), once);
    }

    #[test]
    fn plain_and_full_width_letters_are_spelled_the_same(field in field(), value in "[!-.0-~ ]{0,16}") {
        let wide = |letter: char| match letter {
            ' ' => '\u{3000}',
            other => char::from_u32(u32::from(other).strict_add(0xfee0)).unwrap(),
        };
        let widened: String = value.chars().map(wide).collect();
        prop_assert_eq!(normalise(field, &widened), normalise(field, &value));
    }

    #[test]
    fn case_and_outer_space_never_matter_to_identifiers_and_codes(value in "[a-zA-Z0-9.^-]{0,12}") {
        for field in [Field::Identifier, Field::Code, Field::MessageControlId, Field::Label] {
            let shouted = [" ", &value.to_uppercase(), "\t"].concat();
            prop_assert_eq!(normalise(field, &shouted), normalise(field, &value));
        }
    }
}
