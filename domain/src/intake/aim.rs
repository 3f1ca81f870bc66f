//! Finds the stored result that a row speaks of, where it is stored under another id.
//!
//! HL7 names a result by OBX-3 and OBX-4 alone (HL7 v2.5.1 §7.4.2.4). Ids are made of more, the time and the place of a row, so that
//! a later value of a series never lands on an earlier one. A correction may come with another time or with a code more, and must
//! land on what it corrects all the same: a retracted result that stays in force is worse than a message that waits for a person.

use super::{IncomingRecord, Merge, NamedResult};
use crate::id::RecordId;
use crate::kind::Kind;
use crate::record::Opened;
use alloc::vec::Vec;

/// An id that came, and the one under which the same result is stored.
pub(super) type Renamed = (RecordId, RecordId);

/// Says that a row may speak of several stored results, and nothing tells of which.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unclear;

/// A result with its id.
struct Known {
    id: RecordId,
    named: NamedResult,
}

/// Finds for each row that is stored under no id of its own the one stored result that it speaks of.
///
/// | the row | speaks of |
/// |---|---|
/// | is of the same time as one stored result of its name | that one |
/// | corrects, deletes, withdraws or only changes the status | the one stored result of its name, whatever its time |
/// | brings a further value | the one of its name that was not final yet, when it is final itself |
/// | anything else | a result of its own |
///
/// Rows that the message itself tells apart are never aimed at one result.
pub(super) fn aim(news: &IncomingRecord, opened: &Opened, merge: &dyn Merge) -> Result<Vec<Renamed>, Unclear> {
    if news.kind != Kind::DiagnosticReport {
        return Ok(Vec::new());
    }
    let came = || news.members.iter().filter(|member| member.kind == Kind::Observation);
    let mut rest = Vec::new();
    let mut stored = Vec::new();
    opened.inspect(|heading, text| {
        if heading.kind != Kind::Observation {
            return;
        }
        match came().find(|member| member.id == heading.id) {
            Some(member) => stored.push((heading.id, member.content == text, merge.named_result(text))),
            None => rest.extend(merge.named_result(text).map(|named| Known { id: heading.id, named })),
        }
    });
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let mut strangers = Vec::new();
    for member in came() {
        let Some(named) = merge.named_result(&member.content) else { continue };
        match stored.iter().find(|(id, ..)| *id == member.id) {
            Some((_, true, _)) => {}
            Some((_, false, before)) => certain(&named, before.as_ref(), &rest)?,
            None => strangers.push(Known { id: member.id, named }),
        }
    }
    let mut renamed = Vec::new();
    for row in &strangers {
        let peers: Vec<&Known> =
            strangers.iter().filter(|peer| peer.id != row.id && peer.named.is_called_as(&row.named)).collect();
        let fits: Vec<&Known> = rest.iter().filter(|known| known.named.is_called_as(&row.named)).collect();
        renamed.extend(aimed(row, &peers, &fits)?.map(|known| (row.id, known.id)));
    }
    Ok(renamed)
}

/// Returns the one of `fits` that a row speaks of; `peers` are the rows of its message that are called as it is.
fn aimed<'k>(row: &Known, peers: &[&Known], fits: &[&'k Known]) -> Result<Option<&'k Known>, Unclear> {
    let timed = |known: &&&Known| row.named.at.is_some() && known.named.at == row.named.at;
    let mut same_time = fits.iter().filter(timed);
    if let (Some(one), None, false) = (same_time.next(), same_time.next(), peers.iter().any(|peer| timed(&peer))) {
        return Ok(Some(*one));
    }
    let finishes = |known: &&&Known| row.named.acts || (known.named.open && !row.named.open);
    let mut meant = fits.iter().filter(finishes);
    match (meant.next(), meant.next(), peers.is_empty()) {
        (Some(one), None, true) => Ok(Some(*one)),
        (Some(_), ..) if row.named.acts => Err(Unclear),
        _ => Ok(None),
    }
}

/// Holds against a row that has an id by its place among others of one time, of which some did not come.
fn certain(row: &NamedResult, before: Option<&NamedResult>, rest: &[Known]) -> Result<(), Unclear> {
    let twin =
        |known: &&Known| known.named.is_called_as(row) && before.is_some_and(|before| before.at == known.named.at);
    let unchanged = before.is_some_and(|before| !row.acts && before.value == row.value);
    if unchanged || !rest.iter().any(|known| twin(&known)) { Ok(()) } else { Err(Unclear) }
}
