//! Rules for the texts of the directory, and the form of a moment in it.

use super::entry::Invalid;

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
