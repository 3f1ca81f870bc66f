//! SMART scopes: how far a token lets its holder use the rights they have (SMART App Launch 2.2, "Scopes for requesting FHIR resources").
//!
//! ```text
//!   patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory
//!   level  / type      .letters ? parts: each must hold; alternatives by comma
//! ```
//! A scope only takes away. What it leaves is decided by the roles, as for everybody.
//!
//! One type is not of FHIR: `Administration`, with the letters `r` (look) and `u` (look and change). Administering a tenant by a
//! token takes it, and `*` does not speak of it: whoever registers an application for all records lets it administer nothing.

mod granting;
mod part;

pub use granting::{NotGranted, grant, narrow};
pub use part::{Parameter, Part};

use super::action::Action;
use crate::kind::Kind;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest scope, in bytes.
pub const MAX_SCOPE_BYTES: usize = 1_024;
/// Most parts of one scope.
pub const MAX_SCOPE_PARTS: usize = 8;
/// Most scopes of one token.
pub const MAX_SCOPES: usize = 128;

/// Whether a subject's rights are limited by a token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Scopes {
    /// They are not: a person's own session, an interface, a plain client token.
    #[default]
    Unrestricted,
    /// Only what one of these speaks of; an empty list leaves nothing.
    Limited(Vec<Scope>),
}

impl Scopes {
    /// Returns them as a token response writes them, separated by spaces; nothing when unrestricted.
    #[must_use]
    pub fn render(&self) -> String {
        self.texts().join(" ")
    }

    /// Returns each of them in its canonical form; nothing when unrestricted.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self {
            Scopes::Unrestricted => Vec::new(),
            Scopes::Limited(scopes) => scopes.iter().map(ToString::to_string).collect(),
        }
    }
}

/// One scope, which cannot be malformed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    level: Level,
    types: Types,
    letters: Letters,
    /// In order, none twice.
    parts: Vec<Part>,
}

/// Whose records a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Those of the one patient who was chosen at the launch.
    Patient,
    /// Those that the signed-in person may see.
    User,
    /// Those that the system itself may see.
    System,
}

impl Level {
    /// Returns the word before the slash.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Level::Patient => "patient",
            Level::User => "user",
            Level::System => "system",
        }
    }
}

/// What types of resource a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Types {
    /// Every type: `*`.
    Any,
    /// This one.
    Only(Kind),
    /// No type of resource: how the tenant is set up, and who comes to it.
    Administration,
}

/// What a scope about administering names in place of a type.
const ADMINISTRATION: &str = "Administration";

/// What a scope lets be done: one of its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Letter {
    /// `c`: create.
    Create,
    /// `r`: read, read a version, list the versions of one resource.
    Read,
    /// `u`: update and patch.
    Update,
    /// `d`: delete.
    Delete,
    /// `s`: search, and see what was found.
    Search,
}

impl Letter {
    const ALL: [Letter; 5] = [Letter::Create, Letter::Read, Letter::Update, Letter::Delete, Letter::Search];

    /// Returns the letter that an action needs; `None` for what no scope can speak of.
    #[must_use]
    pub const fn of(action: Action) -> Option<Letter> {
        match action {
            Action::FhirRead | Action::FhirHistory => Some(Letter::Read),
            Action::FhirSearch | Action::FhirHit => Some(Letter::Search),
            Action::FhirCreate => Some(Letter::Create),
            Action::FhirUpdate | Action::FhirPatch => Some(Letter::Update),
            Action::FhirDelete => Some(Letter::Delete),
            // Whatever comes to be done later is out of a token's reach until it is given a letter.
            _ => None,
        }
    }

    /// Returns the letter of a scope about administering that an action needs; `None` for what no token reaches.
    #[must_use]
    pub const fn of_administration(action: Action) -> Option<Letter> {
        match action {
            Action::DirectoryRead | Action::UserRead | Action::AuditRead | Action::TestRun => Some(Letter::Read),
            // To look at a review is part of judging it.
            Action::DirectoryChange | Action::UserChange | Action::BreakGlassReview => Some(Letter::Update),
            _ => None,
        }
    }

    const fn character(self) -> char {
        match self {
            Letter::Create => 'c',
            Letter::Read => 'r',
            Letter::Update => 'u',
            Letter::Delete => 'd',
            Letter::Search => 's',
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Letter::Create => 0b00001,
            Letter::Read => 0b00010,
            Letter::Update => 0b00100,
            Letter::Delete => 0b01000,
            Letter::Search => 0b10000,
        }
    }
}

/// A set of letters, never empty in a [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Letters(u8);

impl Letters {
    fn of(letters: &[Letter]) -> Self {
        Self(letters.iter().fold(0, |set, letter| set | letter.bit()))
    }

    /// Reads letters in the order `cruds`, or a word of version 1.
    fn read(text: &str) -> Option<Self> {
        match text {
            "read" => return Some(Self::of(&[Letter::Read, Letter::Search])),
            "write" => return Some(Self::of(&[Letter::Create, Letter::Update, Letter::Delete])),
            "*" => return Some(Self::of(&Letter::ALL)),
            _ => {}
        }
        let mut set = 0u8;
        for character in text.chars() {
            let letter = Letter::ALL.into_iter().find(|letter| letter.character() == character)?;
            // A bit that is not above all earlier ones is out of order or a repetition.
            if set >= letter.bit() {
                return None;
            }
            set |= letter.bit();
        }
        (set != 0).then_some(Self(set))
    }
}

/// Why a text is no scope here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAScope {
    /// It has not the form `level/Type.letters`, or is longer than [`MAX_SCOPE_BYTES`].
    Form,
    /// Its letters are unknown, repeated or not in the order `cruds`.
    Letters,
    /// It names a type that is not served here.
    Type,
    /// A part of it cannot be judged here.
    Part,
}

impl fmt::Display for NotAScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotAScope::Form => "a scope is written patient, user or system, a slash, a type or *, a dot, and letters",
            NotAScope::Letters => {
                "the letters of a scope are some of cruds in this order, or read, write or *; of Administration r, u or ru"
            }
            NotAScope::Type => "the scope is about a type that is not served",
            NotAScope::Part => "the scope is limited by a parameter or value that is not supported",
        })
    }
}

impl core::error::Error for NotAScope {}

impl Scope {
    /// Returns whose records it is about.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Says whether it lets this be done to resources of a kind, as far as is known without looking at one.
    #[must_use]
    pub fn speaks(&self, letter: Letter, kind: Kind) -> bool {
        let of_kind = match self.types {
            Types::Any => kind.is_fhir(),
            Types::Only(only) => only == kind,
            Types::Administration => false,
        };
        of_kind && self.letters.0 & letter.bit() != 0
    }

    /// Says whether it lets the tenant be administered as this letter says. Who may change may look.
    #[must_use]
    pub fn administers(&self, letter: Letter) -> bool {
        let letters = Letters::of(&[letter, Letter::Update]);
        self.types == Types::Administration && self.letters.0 & letters.0 != 0
    }

    /// Borrows its granular parts: all must hold.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns what both allow; `None` when that is nothing.
    #[must_use]
    pub fn narrowed(&self, by: &Scope) -> Option<Scope> {
        let types = match (self.types, by.types) {
            (Types::Only(one), Types::Only(other)) if one == other => self.types,
            (Types::Any, Types::Only(kind)) | (Types::Only(kind), Types::Any) => Types::Only(kind),
            (Types::Any | Types::Only(_), Types::Administration)
            | (Types::Administration, Types::Any | Types::Only(_))
            | (Types::Only(_), Types::Only(_)) => return None,
            (Types::Any, Types::Any) | (Types::Administration, Types::Administration) => self.types,
        };
        let letters = Letters(self.letters.0 & by.letters.0);
        let parts = in_order(self.parts.iter().chain(&by.parts).cloned().collect());
        let some = self.level == by.level && letters.0 != 0 && parts.len() <= MAX_SCOPE_PARTS;
        some.then_some(Scope { level: self.level, types, letters, parts })
    }

    /// Says whether it allows all that another does.
    #[must_use]
    pub fn covers(&self, other: &Scope) -> bool {
        self.level == other.level
            && (self.types == other.types || (self.types == Types::Any && other.types != Types::Administration))
            && self.letters.0 & other.letters.0 == other.letters.0
            && self.parts.iter().all(|part| other.parts.contains(part))
    }
}

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        if text.len() > MAX_SCOPE_BYTES {
            return Err(NotAScope::Form);
        }
        let (level, rest) = text.split_once('/').ok_or(NotAScope::Form)?;
        let level = [Level::Patient, Level::User, Level::System].into_iter().find(|known| known.name() == level);
        let level = level.ok_or(NotAScope::Form)?;
        let (what, query) = match rest.split_once('?') {
            Some((what, query)) => (what, Some(query)),
            None => (rest, None),
        };
        let (name, letters) = what.split_once('.').ok_or(NotAScope::Form)?;
        let named =
            name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric());
        if name != "*" && !named {
            return Err(NotAScope::Form);
        }
        // Version 1 has words for letters and no parts.
        if query.is_some() && matches!(letters, "read" | "write" | "*") {
            return Err(NotAScope::Form);
        }
        let letters = Letters::read(letters).ok_or(NotAScope::Letters)?;
        let types = match name {
            "*" => Types::Any,
            ADMINISTRATION if level == Level::Patient => return Err(NotAScope::Type),
            ADMINISTRATION => Types::Administration,
            name => Types::Only(Kind::from_name(name).filter(|kind| kind.is_fhir()).ok_or(NotAScope::Type)?),
        };
        let parts = query.into_iter().flat_map(|query| query.split('&'));
        let parts: Option<Vec<Part>> =
            parts.take(MAX_SCOPE_PARTS.saturating_add(1)).map(|part| Part::read(types, part)).collect();
        let parts = in_order(parts.filter(|parts| parts.len() <= MAX_SCOPE_PARTS).ok_or(NotAScope::Part)?);
        let of_administration = Letters::of(&[Letter::Read, Letter::Update]);
        if types == Types::Administration && letters.0 & !of_administration.0 != 0 {
            return Err(NotAScope::Letters);
        }
        Ok(Scope { level, types, letters, parts })
    }
}

impl fmt::Display for Scope {
    /// Writes the canonical form of version 2.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.types {
            Types::Any => "*",
            Types::Only(kind) => kind.name(),
            Types::Administration => ADMINISTRATION,
        };
        write!(f, "{}/{name}.", self.level.name())?;
        for letter in Letter::ALL.into_iter().filter(|letter| self.letters.0 & letter.bit() != 0) {
            f.write_char(letter.character())?;
        }
        for (number, part) in self.parts.iter().enumerate() {
            write!(f, "{}{}=", if number == 0 { '?' } else { '&' }, part.parameter().name())?;
            part::encode(part.value(), f)?;
        }
        Ok(())
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

fn in_order(mut parts: Vec<Part>) -> Vec<Part> {
    parts.sort();
    parts.dedup();
    parts
}

#[cfg(test)]
pub(super) mod tests;
