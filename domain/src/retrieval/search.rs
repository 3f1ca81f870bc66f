//! Searching: the index selects, opening re-checks, the chain names what is returned.

use super::opening::{Found, Located};
use super::{Caller, MAX_HELD_BYTES, Position, Refusal, Resource, Retrieval, asked, reference};
use crate::access::{Action, Hit, Read};
use crate::audit::Context;
use crate::id::RecordId;
use crate::index::{IndexToken, Term};
use crate::journal::Act;
use crate::kind::Kind;
use crate::ports::Find;
use crate::record::Opened;
use crate::write::StoredRecord;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How many records one request may open before it answers with what it has.
pub const MAX_OPENED: usize = 5_000;
/// How many records are fetched at a time when nothing is indexed.
const FETCH: u32 = 64;
/// How many resources an include may add to a page.
pub const MAX_INCLUDED: usize = 2_000;

/// A question: what the index can answer, what must be re-checked, and how much to return.
pub struct Search<'a> {
    /// The type of resource asked for.
    pub kind: Kind,
    /// Indexed terms: all of the groups, any term within a group.
    pub terms: Vec<Vec<Term>>,
    /// The ids asked for, when the question names any.
    pub ids: Option<Vec<RecordId>>,
    /// Says whether an opened resource fits; called for every candidate.
    pub matches: &'a (dyn Fn(&Resource) -> bool + Sync),
    /// Names the resources to add for a match.
    pub include: Option<Include<'a>>,
    /// Most matches returned.
    pub count: u32,
    /// Where the page before ended.
    pub after: Option<Position>,
    /// Whether all matches are to be counted.
    pub total: TotalMode,
    /// Whether only the count is wanted.
    pub only_count: bool,
}

/// Names the resources that belong to a match.
pub type Include<'a> = &'a (dyn Fn(&Resource) -> Vec<(Kind, RecordId)> + Sync);

/// Whether a search counts all its matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalMode {
    /// Only when the first page holds them all.
    None,
    /// Always; too many candidates are refused.
    Accurate,
}

/// A page of results, its disclosure recorded.
pub struct Page {
    /// The matches.
    pub matches: Vec<Resource>,
    /// What the include added; nothing twice.
    pub included: Vec<Resource>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Position>,
    /// How many match in all, where that is known.
    pub total: Option<u64>,
}

/// What was found so far, still undisclosed.
struct Harvest {
    records: Vec<Opened>,
    /// Index into `records`, then which resource.
    matches: Vec<(usize, Kind, RecordId)>,
    included: Vec<(usize, Kind, RecordId)>,
    last: Option<Position>,
    more: bool,
    counted: u64,
    /// Hits that the policy hides.
    hidden: u64,
    opened: usize,
    /// Sealed bytes of the records held.
    bytes: usize,
}

impl Retrieval {
    /// Answers a search. The ids returned are in the chain before this returns.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] when the subject may not search this kind, [`Refusal::TooCostly`] when an
    /// accurate total would open more than [`MAX_OPENED`] records, else as for a read.
    pub async fn search(&self, caller: &Caller, search: Search<'_>) -> Result<Page, Refusal> {
        self.may(caller, Action::FhirSearch, search.kind).await?;
        let mut harvest = Harvest {
            records: Vec::new(),
            matches: Vec::new(),
            included: Vec::new(),
            last: search.after,
            more: false,
            counted: 0,
            hidden: 0,
            opened: 0,
            bytes: 0,
        };
        match &search.ids {
            Some(ids) => self.by_ids(caller, &search, ids, &mut harvest).await?,
            None => self.by_terms(caller, &search, &mut harvest).await?,
        }
        if let Some(include) = search.include {
            self.include(caller, include, &mut harvest).await?;
        }
        let named = |list: &[(usize, Kind, RecordId)]| {
            list.iter().map(|(_, kind, id)| reference(*kind, *id)).collect::<Vec<String>>()
        };
        let mut returned = named(&harvest.matches);
        returned.extend(named(&harvest.included));
        let act = Act::done(Action::FhirSearch.name(), search.kind.name(), &caller.correlation.to_string());
        let reason = (harvest.hidden > 0).then(|| alloc::format!("{} hits hidden by policy", harvest.hidden));
        let receipt = self.record(caller, act, Context { returned, reason, ..asked(caller) }).await?;

        let disclosed: Vec<_> = harvest.records.into_iter().map(|opened| opened.disclose(&receipt)).collect();
        let resource = |(at, kind, id): &(usize, Kind, RecordId)| {
            let record = disclosed.get(*at)?;
            let heading = record.heading(*kind, *id)?;
            let content = record.text(*kind, *id)?.to_string();
            Some(Resource {
                kind: *kind,
                id: *id,
                version: heading.version,
                last_updated: heading.last_updated,
                content,
            })
        };
        let first = search.after.is_none();
        let whole = first && !harvest.more;
        Ok(Page {
            matches: harvest.matches.iter().filter_map(resource).collect(),
            included: harvest.included.iter().filter_map(resource).collect(),
            next: harvest.last.filter(|_| harvest.more && !search.only_count),
            total: (whole || (first && (search.total == TotalMode::Accurate || search.only_count)))
                .then_some(harvest.counted),
        })
    }

    async fn by_ids(
        &self,
        caller: &Caller,
        search: &Search<'_>,
        ids: &[RecordId],
        harvest: &mut Harvest,
    ) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        let skip = search.after.map_or(0, |position| position.skip);
        for (at, id) in ids.iter().filter(|id| seen.insert(**id)).enumerate() {
            let place = u32::try_from(at).unwrap_or(u32::MAX);
            if place < skip {
                continue;
            }
            let opened = match self.locate::<Hit>(caller, search.kind, *id).await? {
                Located::There((_, opened)) => opened,
                Located::Hidden(_) => {
                    harvest.hidden = harvest.hidden.saturating_add(1);
                    continue;
                }
                Located::Absent => continue,
            };
            let fits = opened.with(search.kind, *id, |heading, text| (search.matches)(&view(heading, text)));
            if fits == Some(true) {
                harvest.counted = harvest.counted.saturating_add(1);
                if harvest.full(search) {
                    harvest.more = true;
                    continue;
                }
                harvest.last = Some(Position { skip: place.saturating_add(1), ..Position::START });
                if !search.only_count {
                    harvest.matches.push((harvest.records.len(), search.kind, *id));
                    harvest.records.push(opened);
                }
            }
        }
        Ok(())
    }

    async fn by_terms(&self, caller: &Caller, search: &Search<'_>, harvest: &mut Harvest) -> Result<(), Refusal> {
        let secrets = self.vault.secrets(caller.subject.tenant);
        let all_of: Vec<Vec<IndexToken>> =
            search.terms.iter().map(|group| group.iter().map(|term| secrets.index.token(term)).collect()).collect();
        let counting = search.only_count || search.total == TotalMode::Accurate;
        // The record at which the last page stopped is read again: some of its members may be left.
        let mut before = search.after.map(|position| (position.arrival, position.id.after()));
        let mut skip = search.after;
        loop {
            let query = Find {
                kinds: alloc::vec![search.kind.record()],
                all_of: all_of.clone(),
                routing: None,
                before,
                limit: FETCH,
            };
            let found = self.store.find(caller.subject.tenant, query).await.map_err(|_| Refusal::Unavailable)?;
            let exhausted = found.len() < usize::try_from(FETCH).unwrap_or(usize::MAX);
            for record in &found {
                before = Some((record.arrival, record.id));
                let already =
                    skip.take().filter(|position| position.id == record.id).map_or(0, |position| position.skip);
                harvest.opened = harvest.opened.saturating_add(1);
                if harvest.opened > MAX_OPENED {
                    if counting {
                        return Err(Refusal::TooCostly);
                    }
                    harvest.more = true;
                    harvest.last = Some(Position { arrival: record.arrival, id: record.id, skip: already });
                    return Ok(());
                }
                match self.open::<Hit>(caller, search.kind, record).await? {
                    Found::Opened(opened) => {
                        let visible =
                            |opened: &Opened, text: &str| self.judge::<Hit>(caller, opened, search.kind, text).is_ok();
                        harvest.take(search, record, opened, already, &visible);
                    }
                    // Hidden hits are told together, in the entry of the search.
                    Found::Hidden(_) => harvest.hidden = harvest.hidden.saturating_add(1),
                }
                if harvest.more && !counting {
                    return Ok(());
                }
            }
            if exhausted {
                return Ok(());
            }
        }
    }

    async fn include(&self, caller: &Caller, include: Include<'_>, harvest: &mut Harvest) -> Result<(), Refusal> {
        let mut wanted: Vec<(usize, Kind, RecordId)> = Vec::new();
        let mut seen: BTreeSet<(Kind, RecordId)> = harvest.matches.iter().map(|(_, kind, id)| (*kind, *id)).collect();
        for (at, kind, id) in &harvest.matches {
            let Some(opened) = harvest.records.get(*at) else { continue };
            let named = opened.with(*kind, *id, |heading, text| include(&view(heading, text))).unwrap_or_default();
            wanted.extend(named.into_iter().filter(|target| seen.insert(*target)).map(|(kind, id)| (*at, kind, id)));
        }
        for (at, kind, id) in wanted {
            if harvest.included.len() >= MAX_INCLUDED {
                return Err(Refusal::TooCostly);
            }
            let here = harvest.records.get(at).and_then(|opened| self.visible::<Read>(caller, opened, kind, id));
            match here {
                Some(Ok(())) => harvest.included.push((at, kind, id)),
                Some(Err(_)) => harvest.hidden = harvest.hidden.saturating_add(1),
                None => match self.locate::<Read>(caller, kind, id).await? {
                    Located::There((_, opened)) => {
                        harvest.included.push((harvest.records.len(), kind, id));
                        harvest.records.push(opened);
                    }
                    Located::Hidden(_) => harvest.hidden = harvest.hidden.saturating_add(1),
                    Located::Absent => {}
                },
            }
        }
        Ok(())
    }
}

impl Harvest {
    fn full(&self, search: &Search<'_>) -> bool {
        !search.only_count
            && (self.matches.len() >= usize::try_from(search.count).unwrap_or(usize::MAX)
                || self.bytes > MAX_HELD_BYTES)
    }

    /// Takes the matching members of one opened record, after the `already` returned ones.
    fn take(
        &mut self,
        search: &Search<'_>,
        record: &StoredRecord,
        opened: Opened,
        already: u32,
        visible: &dyn Fn(&Opened, &str) -> bool,
    ) {
        let at = self.records.len();
        let mut place = 0u32;
        let mut kept = false;
        opened.inspect_kind(search.kind, |heading, text| {
            place = place.saturating_add(1);
            if place <= already || !(search.matches)(&view(heading, text)) {
                return;
            }
            if !visible(&opened, text) {
                self.hidden = self.hidden.saturating_add(1);
                return;
            }
            self.counted = self.counted.saturating_add(1);
            if self.full(search) {
                self.more = true;
            } else if !search.only_count {
                self.last = Some(Position { arrival: record.arrival, id: record.id, skip: place });
                self.matches.push((at, heading.kind, heading.id));
                kept = true;
            }
        });
        if kept {
            self.bytes = self.bytes.saturating_add(record.sealed.len());
            self.records.push(opened);
        }
    }
}

fn view(heading: &crate::record::content::MemberHeading, text: &str) -> Resource {
    Resource {
        kind: heading.kind,
        id: heading.id,
        version: heading.version,
        last_updated: heading.last_updated,
        content: text.to_string(),
    }
}
