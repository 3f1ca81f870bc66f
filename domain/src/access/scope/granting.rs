//! What is granted of what is asked for: a scope is narrowed, never widened.

use super::{Level, MAX_SCOPES, NotAScope, Scope};
use alloc::vec::Vec;

/// Why nothing is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGranted {
    /// A scope that was asked for is malformed, or there are more than [`MAX_SCOPES`].
    Malformed,
    /// Nothing of what was asked for may be had.
    Nothing,
}

/// Grants what was asked for, separated by spaces, as far as it was registered, at one of these levels.
///
/// A scope is narrowed to what was registered. What is no scope for resources, is about a type that is not served, or is
/// limited in a way that cannot be judged is left out: the answer says what was granted (RFC 6749 §3.3).
///
/// # Errors
/// [`NotGranted`].
pub fn grant(asked: &str, registered: &[Scope], levels: &[Level]) -> Result<Vec<Scope>, NotGranted> {
    let mut wanted: Vec<Scope> = Vec::new();
    for text in asked.split(' ').filter(|text| text.contains('/')) {
        match text.parse::<Scope>() {
            Ok(scope) => wanted.push(scope),
            Err(NotAScope::Type | NotAScope::Part) => {}
            Err(NotAScope::Form | NotAScope::Letters) => return Err(NotGranted::Malformed),
        }
        if wanted.len() > MAX_SCOPES {
            return Err(NotGranted::Malformed);
        }
    }
    let granted = narrow(&wanted, registered).into_iter().filter(|scope| levels.contains(&scope.level));
    let granted: Vec<Scope> = granted.collect();
    match granted.len() {
        0 => Err(NotGranted::Nothing),
        1..=MAX_SCOPES => Ok(granted),
        _ => Err(NotGranted::Malformed),
    }
}

/// Returns what both lists allow, in canonical order, without what is covered by something else in the answer.
#[must_use]
pub fn narrow(scopes: &[Scope], by: &[Scope]) -> Vec<Scope> {
    let mut all: Vec<Scope> =
        scopes.iter().flat_map(|scope| by.iter().filter_map(|limit| scope.narrowed(limit))).collect();
    all.sort();
    all.dedup();
    let needed = |scope: &Scope| !all.iter().any(|other| other != scope && other.covers(scope));
    all.iter().filter(|scope| needed(scope)).cloned().collect()
}
