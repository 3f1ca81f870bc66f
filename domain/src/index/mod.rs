//! The blind index: records are found by keyed tokens, never by what they say.
//!
//! ```text
//!   K(tenant, field, version) = HMAC-SHA256( index key of the tenant, fields( field code, version ) )
//!   token                     = HMAC-SHA256( K, kind code u8 | normalise(field, value) ), first 16 bytes
//! ```
//!
//! What a token gives away: that two records of one tenant share a value in one field, and how many
//! do. Never indexed: gender, race, status, category, labels, free text, values; those are filtered
//! after opening. A code or an identifier is indexed without its system, and every hit is looked at
//! again after opening, so a token may find too much and never too little.

mod normalise;
#[cfg(test)]
mod tests;

pub use normalise::{NORMALISER_VERSION, normalise};

use crate::keys::{Fields, MacKey};
use crate::kind::Kind;
use crate::secret::Secret;
use alloc::string::String;
use alloc::vec::Vec;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        /// A field by which records are found.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $($(#[$doc])* $name),+ }

        impl Field {
            /// Every field, in the order of their codes.
            pub const ALL: &'static [Field] = &[$(Field::$name),+];

            /// Returns the number that stands for this field under the MAC; never reused.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Field::$name => $code),+ }
            }
        }
    };
}

fields! {
    /// The patient a record is about.
    Patient = 1,
    /// The encounter a record belongs to.
    Encounter = 2,
    /// The order a record answers.
    BasedOn = 3,
    /// Who answers for a result.
    Performer = 4,
    /// The specimen a result comes from.
    Specimen = 5,
    /// What a provenance tells about.
    Target = 6,
    /// An identifier's value, without its system.
    Identifier = 7,
    /// A code, without its system.
    Code = 8,
    /// A clinical date, to the day.
    Day = 9,
    /// A clinical date, to the month.
    Month = 10,
    /// A family name.
    Family = 11,
    /// A given name.
    Given = 12,
    /// Any part of a name.
    Name = 13,
    /// A birth date.
    BirthDate = 14,
    /// The sender's control id of a message (MSH-10).
    MessageControlId = 15,
    /// A word an operator or a rule put on a record.
    Label = 16,
}

/// What a record can be found by, still in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Term {
    /// The kind of the record or resource that has the value.
    pub kind: Kind,
    /// The field it has it in.
    pub field: Field,
    /// The value as it came; it is normalised when the token is made.
    pub value: String,
}

/// A keyed term: 16 bytes that say nothing without the tenant's index key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexToken(pub [u8; 16]);

/// Makes index tokens for one tenant.
pub struct IndexKey(Vec<(Field, MacKey)>);

impl IndexKey {
    /// Schedules one key per field, for the present version of the normalisers.
    #[must_use]
    pub(crate) fn new(of_tenant: &Secret<32>) -> Self {
        let root = MacKey::new(of_tenant);
        let key = |field: &Field| {
            let purpose =
                Fields::of("sealgate/index/field/1").with(&[field.code()]).with(&NORMALISER_VERSION.to_be_bytes());
            (*field, MacKey::new(&root.derive(purpose.as_bytes())))
        };
        Self(Field::ALL.iter().map(key).collect())
    }

    /// Returns the token of a term.
    #[must_use]
    pub fn token(&self, term: &Term) -> IndexToken {
        let mut token = [0; 16];
        // Every field has its key, so this always finds one.
        for (_, key) in self.0.iter().filter(|(field, _)| *field == term.field) {
            let mac = key.mac(&[&[term.kind.code()], normalise(term.field, &term.value).as_bytes()]);
            for (place, byte) in token.iter_mut().zip(mac) {
                *place = byte;
            }
        }
        IndexToken(token)
    }
}
