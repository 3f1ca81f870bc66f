//! Identifiers: 16 bytes, written as lower-case UUID text.

use core::fmt;
use core::str::FromStr;

/// Says that a text is not a UUID in its 36-character form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an identifier: expected 36 characters in the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
    }
}

impl core::error::Error for NotAnId {}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Takes 16 random bytes and marks them as a random UUID (version 4, RFC 9562 §5.4).
            #[must_use]
            pub fn from_random(bytes: [u8; 16]) -> Self {
                Self(marked(bytes, 0x40))
            }

            /// Takes a millisecond time and 10 random bytes and makes a time-ordered UUID (version 7, RFC 9562 §5.7).
            #[must_use]
            pub fn from_time(now: crate::time::Timestamp, random: [u8; 10]) -> Self {
                Self(time_ordered(now, random))
            }

            /// Takes 16 bytes of a keyed hash and marks them as a name-based UUID (version 8, RFC 9562 §5.8).
            #[must_use]
            pub fn from_name(bytes: [u8; 16]) -> Self {
                Self(marked(bytes, 0x80))
            }

            /// Borrows the 16 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Returns the text form, without an allocation and without the machinery of formatting.
            #[must_use]
            pub fn to_text(&self) -> IdText {
                uuid_text(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.to_text().as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.to_text().as_str())
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                read_uuid(text).map(Self).ok_or(NotAnId)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = alloc::string::String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier! {
    /// Names a tenant: the legal party whose data and keys are separate.
    TenantId
}
identifier! {
    /// Names a clinic: a unit inside a tenant.
    ClinicId
}
identifier! {
    /// Names a record, and each FHIR resource in it; a record and the resources sealed in it share the first 8 bytes.
    RecordId
}
identifier! {
    /// Names a data key in the sealed form and in the table of wrapped keys.
    DataKeyId
}
identifier! {
    /// Ties together every audit entry and log line of one message or request.
    CorrelationId
}

impl TenantId {
    /// The system itself: owner of the directory and of the system chain.
    pub const SYSTEM: Self = Self([0; 16]);
}

impl RecordId {
    /// Returns the first 8 bytes, which a record shares with every resource sealed in it.
    #[must_use]
    pub fn family(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }

    /// Replaces the first 8 bytes, so that this id joins the family of `head`.
    #[must_use]
    pub fn in_family_of(self, head: &RecordId) -> Self {
        let [a, b, c, d, e, f, g, h] = head.family();
        let [.., i, j, k, l, m, n, o, p] = self.0;
        Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
    }

    /// Returns the next higher id, or the highest.
    #[must_use]
    pub fn after(&self) -> Self {
        Self(u128::from_be_bytes(self.0).saturating_add(1).to_be_bytes())
    }

    /// Returns the lowest and highest id of this id's family, for a range read.
    #[must_use]
    pub fn family_range(&self) -> (RecordId, RecordId) {
        let [a, b, c, d, e, f, g, h] = self.family();
        (
            Self([a, b, c, d, e, f, g, h, 0, 0, 0, 0, 0, 0, 0, 0]),
            Self([a, b, c, d, e, f, g, h, 255, 255, 255, 255, 255, 255, 255, 255]),
        )
    }
}

fn marked(mut bytes: [u8; 16], version: u8) -> [u8; 16] {
    let [_, _, _, _, _, _, v, _, r, ..] = &mut bytes;
    *v = (*v & 0x0f) | version;
    *r = (*r & 0x3f) | 0x80;
    bytes
}

fn time_ordered(now: crate::time::Timestamp, random: [u8; 10]) -> [u8; 16] {
    let [_, _, t0, t1, t2, t3, t4, t5] = now.millis().to_be_bytes();
    let [a, b, c, d, e, f, g, h, i, j] = random;
    marked([t0, t1, t2, t3, t4, t5, a, b, c, d, e, f, g, h, i, j], 0x70)
}

/// The 36 characters of an identifier.
#[derive(Clone, Copy)]
pub struct IdText([u8; 36]);

impl IdText {
    /// Borrows the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A report has a hundred references, so this runs without branches and in whole groups.
fn uuid_text(bytes: &[u8; 16]) -> IdText {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 0x0f)]);
    }
    let mut text = [b'-'; 36];
    for (group, place) in [(0..8, 0..8), (8..12, 9..13), (12..16, 14..18), (16..20, 19..23), (20..32, 24..36)] {
        if let (Some(place), Some(group)) = (text.get_mut(place), digits.get(group)) {
            place.copy_from_slice(group);
        }
    }
    IdText(text)
}

const fn hex_digit(nibble: u8) -> u8 {
    nibble.wrapping_add(b'0').wrapping_add(if nibble > 9 { 39 } else { 0 })
}

fn read_uuid(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    if text.len() != 36 {
        return None;
    }
    let mut out = [0u8; 16];
    let mut nibbles = text.iter().enumerate().filter(|(at, _)| !matches!(at, 8 | 13 | 18 | 23)).map(|(_, c)| *c);
    if [8usize, 13, 18, 23].iter().any(|at| text.get(*at) != Some(&b'-')) {
        return None;
    }
    for byte in &mut out {
        let (high, low) = (hex_value(nibbles.next()?)?, hex_value(nibbles.next()?)?);
        *byte = (high << 4) | low;
    }
    Some(out)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a').and_then(|d| d.checked_add(10)),
        b'A'..=b'F' => digit.checked_sub(b'A').and_then(|d| d.checked_add(10)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = RecordId::from_random([0xab; 16]);
        assert_eq!(id.to_string(), "abababab-abab-4bab-abab-abababababab");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("abababab-abab-4bab-abab-ababababab".parse::<RecordId>(), Err(NotAnId));
        assert_eq!("abababab+abab-4bab-abab-abababababab".parse::<RecordId>(), Err(NotAnId));
    }

    #[test]
    fn a_member_of_a_family_shares_eight_bytes_with_its_head() {
        let (head, other) = (RecordId::from_name([1; 16]), RecordId::from_name([2; 16]));
        let member = other.in_family_of(&head);
        assert_eq!(member.family(), head.family());
        let (low, high) = head.family_range();
        assert!(low <= member && member <= high && !(low <= other && other <= high));
    }
}
