//! Joins an Encounter: the place in PV1 tells what each participant and location is.

use domain::time::Timestamp;

use super::filling::{Filling, type_of};
use super::members::Members;
use crate::tables::uri;

/// Joins two states of a visit.
///
/// Participants give way to those of the same role, places to those of the same field (the `id` of the entry).
pub(super) fn join(stored: &str, incoming: &str) -> Option<String> {
    let (stored, mut joined) = (Members::read(stored)?, Members::read(incoming)?);
    let filling = Filling::of(&stored);
    let unclassed = joined.get("class").is_none_or(|class| class.contains("\"not-sent\""));
    joined.unite_by("identifier", &stored, type_of);
    joined.unite_by("participant", &stored, type_of);
    joined.unite_by("location", &stored, |place| Members::read(place)?.get("id").map(ToOwned::to_owned));
    if let Some(stay) = filling.nested("hospitalization", &joined) {
        joined.replace("hospitalization", stay);
    }
    let came = joined.get("period").unwrap_or("{}").to_owned();
    let period = period(stored.get("period").unwrap_or("{}"), &came)?;
    if let Some(status) = status(&stored, &joined, &period, unclassed) {
        joined.replace("status", status.to_owned());
    }
    if period.text != "{}" {
        joined.replace("period", period.text);
    }
    filling.resource(&mut joined, Some("type"));
    Some(joined.write_like(&stored))
}

/// A period, and whether it still has the end that was stored.
struct Joined {
    text: String,
    still_ended: bool,
}

/// Joins periods: each end by itself. A stored end before a new start is another stay's.
fn period(stored: &str, incoming: &str) -> Option<Joined> {
    let (stored, mut joined) = (Members::read(stored)?, Members::read(incoming)?);
    let silent = joined.get("end").is_none() && joined.get("_end").is_none();
    let over = silent && is_before(stored.get("end"), joined.get("start"));
    Filling::of(&stored).rest(&mut joined, |name| !(over && name.trim_start_matches('_') == "end"));
    let ended = stored.get("end").is_some() || stored.get("_end").is_some_and(|end| !end.contains(uri::ABSENT));
    Some(Joined { text: joined.write_like(&stored), still_ended: silent && ended && !over })
}

/// Which stored status stays, if it does: who has left has left until the end is taken back, and a class that did not come says nothing.
fn status<'a>(stored: &'a Members<'_>, joined: &Members<'_>, period: &Joined, unclassed: bool) -> Option<&'a str> {
    const FINISHED: &str = "\"finished\"";
    let (known, came) = (stored.get("status")?, joined.get("status")?);
    let stays = match (known == FINISHED, came == FINISHED) {
        (_, true) => false,
        (true, false) => period.still_ended,
        (false, false) => unclassed,
    };
    stays.then_some(known)
}

/// Whether one moment lies before another, as far as both say.
fn is_before(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return false;
    };
    let (one, other) = (one.trim_matches('"'), other.trim_matches('"'));
    match (Timestamp::from_rfc3339(one), Timestamp::from_rfc3339(other)) {
        (Some(one), Some(other)) => one < other,
        _ => {
            let said = one.len().min(other.len()).min(10);
            one.get(..said) < other.get(..said)
        }
    }
}
