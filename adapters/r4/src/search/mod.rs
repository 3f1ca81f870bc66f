//! Reading FHIR search: a query string becomes index terms, which never find too little, and a test on the
//! resource's text, which decides.
//!
//! ```text
//!   patient=7&category=LAB,http://…|LAB&date=ge2024     (AND by repetition, OR by comma)
//!        │ read
//!        ├─► terms   [[patient 7]]          what the blind index can answer; all of the groups, any term in one
//!        ├─► matches patient ∧ category ∧ date, on the exact JSON text
//!        └─► self_query  what was understood, for the `self` link
//! ```
//! What is not understood is refused, never ignored, unless the client asked for leniency. Deliberately absent:
//! chains, `_has`, `_sort`, quantities, composites.

mod date;
mod part;
mod query;
mod reference;
mod table;
mod terms;
mod test;
mod text;
mod token;
mod value;

pub use part::fits;
pub use query::{Query, Total};
pub use table::{Parameter, include, parameters};
pub use terms::terms;

use domain::id::RecordId;
use domain::kind::Kind;
use domain::time::Timestamp;
use test::Test;

/// What a question is read with.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// Our own FHIR address, without a slash at its end.
    pub base: &'a str,
    /// The present, from which `ap` measures.
    pub now: Timestamp,
    /// Matches on a page when the question does not say.
    pub default_count: u32,
    /// Most matches on a page, whatever the question says.
    pub max_count: u32,
    /// Whether unknown parameters are left out instead of refused (`Prefer: handling=lenient`).
    pub lenient: bool,
}

/// Most parameters in one question.
pub const MAX_PARAMETERS: usize = 64;
/// Most alternatives in one parameter.
pub const MAX_ALTERNATIVES: usize = 200;

/// Why a question is refused; carries nothing of what was asked but names from our own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A parameter that this type does not have here.
    UnknownParameter(Kind),
    /// A modifier that this parameter does not have here.
    UnknownModifier(&'static str),
    /// A value that cannot be read.
    Value(&'static str),
    /// A parameter that may be given once and was given again.
    Repeated(&'static str),
    /// More than [`MAX_PARAMETERS`] parameters, or [`MAX_ALTERNATIVES`] alternatives.
    TooMany,
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Fault::UnknownParameter(kind) => {
                write!(f, "a search parameter is not supported for {kind}; supported: _id, _lastUpdated")?;
                for parameter in parameters(*kind) {
                    write!(f, ", {}", parameter.name)?;
                }
                f.write_str(", _count, _total, _summary=count")?;
                include(*kind).map_or(Ok(()), |include| write!(f, ", _include={include}"))
            }
            Fault::UnknownModifier(name) => write!(f, "the modifier is not supported for the search parameter {name}"),
            Fault::Value(name) => write!(f, "the value of the search parameter {name} cannot be read"),
            Fault::Repeated(name) => write!(f, "the search parameter {name} may be given once"),
            Fault::TooMany => write!(
                f,
                "more than {MAX_PARAMETERS} search parameters, or {MAX_ALTERNATIVES} alternatives in one of them"
            ),
        }
    }
}

impl core::error::Error for Fault {}

/// Reads the decoded name-value pairs of a search.
///
/// # Errors
/// [`Fault`].
pub fn read(kind: Kind, pairs: &[(String, String)], settings: Settings<'_>) -> Result<Query, Fault> {
    if pairs.len() > MAX_PARAMETERS {
        return Err(Fault::TooMany);
    }
    let mut query = Query::new(kind, settings);
    for (name, value) in pairs {
        if query.take_control(name, value, settings)? {
            continue;
        }
        let (bare, modifier) = match name.split_once(':') {
            Some((bare, modifier)) => (bare, Some(modifier)),
            None => (name.as_str(), None),
        };
        let Some(parameter) = parameters(kind).iter().find(|parameter| parameter.name == bare) else {
            if settings.lenient {
                query.ignored = query.ignored.saturating_add(1);
                continue;
            }
            return Err(Fault::UnknownParameter(kind));
        };
        query.add(Test::read(parameter, modifier, value, settings)?);
        query.applied.push((name.clone(), value.clone()));
    }
    Ok(query)
}

/// Reads the alternatives of a value; each must be readable.
fn alternatives<T>(name: &'static str, value: &str, mut read: impl FnMut(&str) -> Option<T>) -> Result<Vec<T>, Fault> {
    let pieces = value::split(value, ',');
    if pieces.len() > MAX_ALTERNATIVES {
        return Err(Fault::TooMany);
    }
    pieces.into_iter().map(|piece| read(piece).ok_or(Fault::Value(name))).collect()
}

/// Reads `_id`: ids that cannot be ours are left out, since they match nothing.
fn ids(kind: Kind, value: &str) -> Result<Vec<RecordId>, Fault> {
    let texts = alternatives("_id", value, |text| {
        let id = text.split_once('/').map_or(Some(text), |(of, id)| (of == kind.name()).then_some(id))?;
        reference::is_id(id).then(|| id.to_owned())
    })?;
    Ok(texts.iter().filter_map(|id| id.parse().ok()).collect())
}

#[cfg(test)]
mod tests;
