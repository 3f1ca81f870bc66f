//! The question behind `Store::find`, as one statement that never sorts more than it returns.
//!
//! ```text
//!   hits  = for each token of the driving group (or each kind, when there are no groups):
//!             walk the index backwards, keep what fits the other groups, kinds and routing, stop at the limit
//!   answer = the records of the union of hits, newest first, cut at the limit
//! ```
//!
//! The driving group is the rarest. Planning and walking cost more with every other group, and who asks may name as
//! many as an address has room for; so beyond [`ASKED_GROUPS`] the more frequent ones are left out. The answer then
//! has more than was asked for, never less, and whoever asked checks each record after opening it.

use crate::engine::{Engine, Value};
use crate::statements::places;
use domain::id::TenantId;
use domain::index::IndexToken;
use domain::kind::Kind;
use domain::ports::Find;
use domain::write::Routing;
use std::collections::BTreeSet;
use std::fmt::Write;

/// A statement and what it is bound to.
pub(crate) struct Question<'a> {
    pub(crate) sql: String,
    pub(crate) values: Vec<Value<'a>>,
}

/// Most groups of tokens that are asked for in one statement.
pub(crate) const ASKED_GROUPS: usize = 4;
/// Most groups whose records are counted to find the rarest.
const COUNTED_GROUPS: usize = 16;
/// Most tokens walked each by itself; above, they are walked as one sorted set.
const WALKED_TOKENS: usize = 16;
/// Where counting how many records a token finds stops.
const COUNTED_RECORDS: u32 = 256;

/// Takes out what says nothing new, equal tokens in a group and equal groups, and groups beyond what is worth counting.
pub(crate) fn distinct(groups: Vec<Vec<IndexToken>>) -> Vec<Vec<IndexToken>> {
    let mut seen = BTreeSet::new();
    let sorted = groups.into_iter().map(|mut group| {
        group.sort_unstable();
        group.dedup();
        group
    });
    sorted.filter(|group| seen.insert(group.clone())).take(COUNTED_GROUPS).collect()
}

/// Builds the statement; the first group is walked and the others are looked up for each record on the way. No
/// group is empty and the limit is not 0.
pub(crate) fn question<'a, E: Engine>(tenant: &'a TenantId, find: &'a Find) -> Question<'a> {
    let mut values = vec![Value::Blob(&tenant.0), Value::Int(i64::from(find.limit))];
    let before = find.before.as_ref().map(|(arrival, id)| {
        values.extend([Value::Int(arrival.0), Value::Blob(&id.0)]);
        "($3, $4)"
    });
    let branches = match find.all_of.split_first() {
        None => by_kind(find, before),
        Some((driving, others)) => {
            let mut filter = String::new();
            for group in others {
                let list = bound(&mut values, group);
                let _ = write!(
                    filter,
                    " AND EXISTS (SELECT 1 FROM index_term AS g WHERE g.tenant = $1 AND g.token IN ({list})
                     AND g.arrival = t.arrival AND g.record = t.record)"
                );
            }
            if let Some(before) = before {
                let _ = write!(filter, " AND (t.arrival, t.record) < {before}");
            }
            if !find.kinds.is_empty() {
                let _ = write!(filter, " AND q.kind IN ({})", kind_list(&find.kinds));
            }
            if let Some(routing) = find.routing {
                let _ = write!(filter, " AND q.routing = {}", routing.code());
            }
            by_token::<E>(&mut values, driving, &filter)
        }
    };
    let sql = format!(
        "SELECT r.tenant, r.id, r.kind, r.clinic, r.version, r.arrival, r.last_updated, r.routing, r.sealed
         FROM ({branches}) AS hit {record}
         ORDER BY r.arrival DESC, r.id DESC LIMIT $2",
        record = E::joined_record("hit.id", "r"),
    );
    Question { sql, values }
}

fn by_token<'a, E: Engine>(values: &mut Vec<Value<'a>>, driving: &'a [IndexToken], filter: &str) -> String {
    let (distinct, walks): (&str, Vec<&[IndexToken]>) =
        if driving.len() > WALKED_TOKENS { ("DISTINCT", vec![driving]) } else { ("", driving.chunks(1).collect()) };
    let branches = walks.into_iter().enumerate().map(|(at, tokens)| {
        let list = bound(values, tokens);
        format!(
            "SELECT * FROM (SELECT {distinct} t.arrival AS arrival, t.record AS id
             FROM index_term AS t {record}
             WHERE t.tenant = $1 AND t.token IN ({list}){filter}
             ORDER BY t.arrival DESC, t.record DESC LIMIT $2) AS walk{at}",
            record = E::joined_record("t.record", "q"),
        )
    });
    // UNION, not UNION ALL: a record that has two tokens of the group is one hit.
    branches.collect::<Vec<_>>().join(" UNION ")
}

fn by_kind(find: &Find, before: Option<&str>) -> String {
    let kinds = if find.kinds.is_empty() { Kind::ALL } else { find.kinds.as_slice() };
    let mut filter = String::new();
    if let Some(routing) = find.routing {
        let code = routing.code();
        let _ = write!(filter, " AND routing = {code}");
        if code >= FIRST_WORK_CODE {
            // Said twice: SQLite uses the partial index only where its condition stands in the question.
            let _ = write!(filter, " AND routing >= {FIRST_WORK_CODE}");
        }
    }
    if let Some(before) = before {
        let _ = write!(filter, " AND (arrival, id) < {before}");
    }
    let mut codes: Vec<u8> = kinds.iter().map(|kind| kind.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let branches = codes.into_iter().map(|code| {
        format!(
            "SELECT * FROM (SELECT arrival, id FROM record WHERE tenant = $1 AND kind = {code}{filter}
             ORDER BY arrival DESC, id DESC LIMIT $2) AS walk{code}"
        )
    });
    branches.collect::<Vec<_>>().join(" UNION ALL ")
}

/// The lowest routing code in the index of messages that wait for a person.
const FIRST_WORK_CODE: i16 = Routing::Unmapped.code();

/// Asks how many records each group finds, counting no further than [`COUNTED_RECORDS`]: one column a group.
pub(crate) fn frequencies<'a>(tenant: &'a TenantId, groups: &'a [Vec<IndexToken>]) -> Question<'a> {
    let mut values = vec![Value::Blob(tenant.0.as_slice())];
    let counts = groups.iter().enumerate().map(|(at, group)| {
        let list = bound(&mut values, group);
        format!(
            "(SELECT count(*) FROM (SELECT 1 FROM index_term WHERE tenant = $1 AND token IN ({list})
             LIMIT {COUNTED_RECORDS}) AS counted{at})"
        )
    });
    let sql = format!("SELECT {}", counts.collect::<Vec<_>>().join(", "));
    Question { sql, values }
}

/// Binds tokens, padded to a power of two by repeating the last, and returns their places.
fn bound<'a>(values: &mut Vec<Value<'a>>, tokens: &'a [IndexToken]) -> String {
    let first = values.len().saturating_add(1);
    let padded = tokens.len().next_power_of_two();
    values.extend(tokens.iter().map(|token| Value::Blob(&token.0)));
    if let Some(last) = values.last().copied() {
        values.resize(values.len().saturating_add(padded).saturating_sub(tokens.len()), last);
    }
    places(first, padded)
}

/// Writes the codes of kinds: numbers of ours, so they stand in the statement itself.
pub(crate) fn kind_list(kinds: &[Kind]) -> String {
    let codes: Vec<String> = kinds.iter().map(|kind| kind.code().to_string()).collect();
    codes.join(", ")
}
