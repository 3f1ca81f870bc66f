//! Rules for the texts of the directory, and the form of a moment in it.

use super::entry::Invalid;
use crate::access::{Clinics, Role, Roles};
use alloc::string::String;
use core::fmt::Write;
use sha2::{Digest, Sha256};

/// Most bytes of a name.
pub const MAX_NAME_BYTES: usize = 128;

/// Most peer ranges of an interface.
pub const MAX_PEERS: usize = 64;

/// Accepts 1 to 128 bytes without control characters and without white space at the ends.
pub(super) fn name(text: &str, otherwise: Invalid) -> Result<(), Invalid> {
    let fits = !text.is_empty()
        && text.len() <= MAX_NAME_BYTES
        && !text.chars().any(char::is_control)
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace);
    if fits { Ok(()) } else { Err(otherwise) }
}

/// Most bytes of a value that is compared or sent: a claim, a group, a scope.
pub const MAX_VALUE_BYTES: usize = 512;

/// Most clinics that a client, a person or a rule names one by one.
pub const MAX_CLINICS: usize = 512;

/// Holds roles to the clinics that they are given in.
pub(crate) fn reach(roles: Roles, clinics: &Clinics) -> Result<(), Invalid> {
    if matches!(clinics, Clinics::Some(ids) if ids.len() > MAX_CLINICS) {
        return Err(Invalid::ClinicCount);
    }
    if roles.within(clinics) == roles { Ok(()) } else { Err(Invalid::AdminOfClinics) }
}

/// Most values in a list.
pub const MAX_VALUES: usize = 64;

/// Accepts 1 to 512 bytes without control characters.
pub(super) fn value(text: &str, otherwise: Invalid) -> Result<(), Invalid> {
    let fits = !text.is_empty() && text.len() <= MAX_VALUE_BYTES && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(otherwise) }
}

/// Accepts at most 64 values, none twice.
pub(super) fn values(texts: &[String], otherwise: Invalid) -> Result<(), Invalid> {
    if texts.len() > MAX_VALUES || has_twins(texts) {
        return Err(otherwise);
    }
    texts.iter().try_for_each(|text| value(text, otherwise))
}

/// Accepts the characters of a client secret (RFC 6749 §A.2).
pub(super) fn secret(text: &str) -> Result<(), Invalid> {
    let fits = (1..=MAX_VALUE_BYTES).contains(&text.len()) && text.bytes().all(|b| matches!(b, 0x20..=0x7e));
    if fits { Ok(()) } else { Err(Invalid::ClientSecret) }
}

/// Accepts scopes (RFC 6749 §3.3), none twice.
pub(super) fn scopes(texts: &[String]) -> Result<(), Invalid> {
    let scope = |text: &String| {
        let letters = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
        !text.is_empty() && text.len() <= MAX_VALUE_BYTES && letters
    };
    let fits = texts.len() <= MAX_VALUES && !has_twins(texts) && texts.iter().all(scope);
    if fits { Ok(()) } else { Err(Invalid::Scope) }
}

/// Refuses roles that are for interfaces or for the machine's own console.
pub(super) fn roles_of_people(roles: Roles) -> Result<(), Invalid> {
    let foreign = roles.contains_any(&[Role::SystemOperator, Role::IntegrationEngine, Role::Provisioner]);
    if foreign { Err(Invalid::RoleNotForPeople) } else { Ok(()) }
}

/// Accepts one role at least, and none that is for interfaces or the gateway itself; who administers reads no results.
pub(super) fn roles_of_systems(roles: Roles) -> Result<(), Invalid> {
    if roles == Roles::NONE {
        return Err(Invalid::Roles);
    }
    if roles.contains_any(&[Role::SystemOperator, Role::IntegrationEngine, Role::Provisioner]) {
        return Err(Invalid::RoleNotForClients);
    }
    // A token or key that is stolen opens one of the two by itself, not both.
    let clinical = roles.contains_any(&[Role::Provider, Role::Staff, Role::ReadOnly, Role::ClinicalDirector]);
    if roles.contains(Role::Admin) && clinical { Err(Invalid::RolesApart) } else { Ok(()) }
}

/// Returns the SHA-256 hash of a text in lower-case hexadecimal digits.
pub(super) fn sha256(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut digits = String::with_capacity(64);
    for byte in digest {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Says whether a text is a SHA-256 hash in lower-case hexadecimal digits.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn has_twins(texts: &[String]) -> bool {
    texts.iter().enumerate().any(|(at, text)| texts.iter().take(at).any(|before| before == text))
}

/// Accepts the form of an IANA zone name (theory.html, "Timezone identifiers"); whether the zone exists is known where zones are.
pub(super) fn zone(text: &str) -> Result<(), Invalid> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+'))
    };
    if text.len() <= MAX_NAME_BYTES && text.split('/').all(part) { Ok(()) } else { Err(Invalid::TimeZone) }
}

/// A moment as RFC 3339 text to the millisecond.
pub(super) mod moment {
    use crate::time::Timestamp;
    use alloc::string::String;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::directory) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&moment.rfc3339())
    }

    pub(in crate::directory) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::from_rfc3339(&text).ok_or_else(|| de::Error::custom("not a moment in RFC 3339"))
    }
}

/// A moment that may be absent.
pub(super) mod optional_moment {
    use crate::time::Timestamp;
    use alloc::string::String;
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::directory) fn serialize<S: Serializer>(
        moment: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => serializer.serialize_some(&moment.rfc3339()),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::directory) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| Timestamp::from_rfc3339(&text).ok_or_else(|| de::Error::custom("not a moment in RFC 3339")))
            .transpose()
    }
}
