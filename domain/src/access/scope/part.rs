//! The granular parts of a scope: a search parameter and a value, as a search would be given them.

use super::Types;
use crate::kind::Kind;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

/// A granular part: a search parameter and the value that a resource must have for the scope to speak of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub(super) parameter: Parameter,
    pub(super) value: String,
}

impl Part {
    /// Returns the search parameter.
    #[must_use]
    pub const fn parameter(&self) -> Parameter {
        self.parameter
    }

    /// Borrows the value as a search would be given it, decoded: tokens, alternatives separated by commas.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    pub(super) fn read(types: Types, text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=')?;
        let parameter = Parameter::ALL.into_iter().find(|parameter| parameter.name() == name)?;
        let value = decode(value)?;
        let token = |token: &str| {
            let mut halves = token.split('|');
            let (first, second, more) = (halves.next(), halves.next(), halves.next());
            more.is_none() && !(first.unwrap_or_default().is_empty() && second.unwrap_or_default().is_empty())
        };
        // Escapes have no use in the codes of a scope, and two ways to write one value are one too many.
        let fits = !value.contains('\\') && !value.chars().any(char::is_control) && value.split(',').all(token);
        (fits && parameter.is_of(types)).then_some(Self { parameter, value })
    }
}

/// A search parameter that may limit a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// `category`, of reports, observations and orders.
    Category,
    /// `code`, of reports, observations and orders.
    Code,
    /// `status`, of what has one that is searched by.
    Status,
    /// `_security`, the labels of any resource.
    Security,
}

impl Parameter {
    pub(super) const ALL: [Parameter; 4] =
        [Parameter::Category, Parameter::Code, Parameter::Status, Parameter::Security];

    /// Returns its name in a query.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Parameter::Category => "category",
            Parameter::Code => "code",
            Parameter::Status => "status",
            Parameter::Security => "_security",
        }
    }

    /// Says whether every one of these types has it.
    pub(super) fn is_of(self, types: Types) -> bool {
        let clinical = [Kind::DiagnosticReport, Kind::Observation, Kind::ServiceRequest];
        match (self, types) {
            (_, Types::Administration) => false,
            (Parameter::Security, _) => true,
            (_, Types::Any) => false,
            (Parameter::Category | Parameter::Code, Types::Only(kind)) => clinical.contains(&kind),
            (Parameter::Status, Types::Only(kind)) => {
                clinical.contains(&kind) || matches!(kind, Kind::Specimen | Kind::Encounter)
            }
        }
    }
}

/// Resolves percent escapes; `None` when one is broken or the bytes are not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit()?, digit()?);
        out.push((high << 4) | low);
    }
    String::from_utf8(out).ok()
}

/// Writes what a scope may hold (RFC 6749 §3.3) and what stands for itself in a query, and escapes the rest.
pub(super) fn encode(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~:/|,!$'()*;@".contains(&byte);
        if plain {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}
