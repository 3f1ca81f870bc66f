//! What somebody did while the glass was broken, from the entries of the chain.

use super::review::Review;
use super::{Emergency, NotDone, reference};
use crate::access::{Permit, Resource, ReviewGlass, authorise};
use crate::audit::{ChainId, Context, EntryView};
use crate::kind::Kind;
use crate::ports::Unavailable;
use crate::record::{self, ContextBinding};
use crate::retrieval::Caller;
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Most acts that are shown.
pub const MAX_SEEN: usize = 200;

/// What was opened, and how it ended.
#[derive(Default)]
pub struct Seen {
    /// Acts on clinical records in the order in which they were recorded, at most [`MAX_SEEN`]; of those after the end, what was
    /// done behind broken glass nevertheless.
    pub acts: Vec<SeenAct>,
    /// Whether there are more.
    pub more: bool,
    /// When it ended, as its entry says; `None` while it goes on.
    pub ended: Option<Ended>,
}

/// The entry about the end.
pub struct Ended {
    /// When, as the entry says it.
    pub at: String,
    /// Whether it ended by time.
    pub by_time: bool,
}

/// One act on a clinical record.
pub struct SeenAct {
    /// The sequence number of its entry.
    pub sequence: u64,
    /// When, as the entry says it.
    pub at: String,
    /// What was done.
    pub action: String,
    /// The kind of record.
    pub kind: Kind,
    /// Its id; for a search, the search's own.
    pub id: String,
    /// What was given, as `Kind/id`; empty where it is the record itself.
    pub returned: Vec<String>,
    /// How it ended.
    pub outcome: String,
    /// Whether it was done in a session in which the glass was broken for this patient.
    pub behind_glass: bool,
    /// What ties it to the other entries of its request.
    pub correlation: String,
}

impl Emergency {
    /// Returns what the person did to clinical records from the breaking to its end, and what of it was done behind glass that is
    /// broken for this patient until this one's time is over: another browser may hold the same patient open.
    ///
    /// Entries are read as they are stored: what holds the chain to its word is its verification, at start and by command.
    ///
    /// # Errors
    /// [`NotDone::Denied`], [`NotDone::Unavailable`].
    pub async fn seen(&self, caller: &Caller, review: &Review) -> Result<Seen, NotDone> {
        let resource = Resource::record(review.tenant, Kind::GlassReview);
        let permit = authorise::<ReviewGlass>(&caller.subject, &resource, &caller.circumstances);
        let permit = permit.map_err(|_| NotDone::Denied)?;
        let chain = ChainId::from(review.tenant);
        let heads = self.store.heads().await?;
        let length = heads.iter().find(|(known, _)| *known == chain).map_or(0, |(_, head)| head.length);
        let mut from = self.first_since(chain, length, review.broken).await?;
        let until = review.until.rfc3339();
        let last = review.until.plus_seconds(LATE_SECONDS).rfc3339();
        let mut seen = Seen::default();
        let mut left = MAX_SCANNED;
        while from <= length && left > 0 {
            let block = self.store.entries(chain, from, BLOCK).await?;
            if block.count == 0 {
                break;
            }
            for line in block.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let Some(entry) = entry(line) else { continue };
                let last = if seen.ended.is_some() { &until } else { &last };
                if entry.utc_timestamp() > last.as_str() {
                    return Ok(seen);
                }
                self.take(&permit, chain, review, &entry, &mut seen).await?;
            }
            from = from.saturating_add(u64::from(block.count));
            left = left.saturating_sub(u64::from(block.count));
        }
        seen.more |= from <= length;
        Ok(seen)
    }

    /// Takes in an entry.
    async fn take(
        &self,
        permit: &Permit<ReviewGlass>,
        chain: ChainId,
        review: &Review,
        entry: &EntryView<'_>,
        seen: &mut Seen,
    ) -> Result<(), NotDone> {
        let (action, own) = (entry.action(), entry.user_id() == review.person.as_str());
        if matches!(&*action, "BreakGlassEnded" | "BreakGlassExpired")
            && entry.resource_id() == review.patient.to_string().as_str()
        {
            // The same person may have broken the glass for the same patient elsewhere: which one ended, the context says.
            let context = self.context(permit, chain, entry).await?.unwrap_or_default();
            if seen.ended.is_none() && context.returned.contains(&reference(review.id)) {
                let by_time = &*action == "BreakGlassExpired";
                seen.ended = Some(Ended { at: entry.utc_timestamp().to_string(), by_time });
            }
            return Ok(());
        }
        let kind = Kind::from_name(&entry.resource_type()).filter(|kind| kind.is_fhir());
        let Some(kind) = kind.filter(|_| own && action.contains('.')) else { return Ok(()) };
        let full = seen.acts.len() == MAX_SEEN;
        if full && (seen.more || seen.ended.is_none()) {
            seen.more = true;
            return Ok(());
        }
        let context = self.context(permit, chain, entry).await?.unwrap_or_default();
        let behind_glass = context.glass == Some(review.patient.to_string());
        if seen.ended.is_some() && !behind_glass {
            return Ok(());
        }
        if full {
            seen.more = true;
            return Ok(());
        }
        seen.acts.push(SeenAct {
            sequence: entry.sequence(),
            at: entry.utc_timestamp().to_string(),
            action: action.into_owned(),
            kind,
            id: entry.resource_id().into_owned(),
            outcome: entry.outcome().into_owned(),
            behind_glass,
            returned: context.returned,
            correlation: entry.correlation_id().into_owned(),
        });
        Ok(())
    }

    /// Returns the context of an entry; `None` where it has none, or it does not open.
    async fn context(
        &self,
        permit: &Permit<ReviewGlass>,
        chain: ChainId,
        entry: &EntryView<'_>,
    ) -> Result<Option<Context>, Unavailable> {
        let sealed = self.store.context(chain, entry.sequence()).await?;
        let (Some(sealed), Some(after)) = (sealed, entry.after_mac()) else { return Ok(None) };
        let Ok(heading) = record::heading(&sealed) else { return Ok(None) };
        let Ok(key) = self.vault.find(chain.tenant(), heading.data_key).await else { return Ok(None) };
        let resource_id = entry.resource_id();
        let Ok(correlation) = entry.correlation_id().parse() else { return Ok(None) };
        let binding = ContextBinding { tenant: chain.tenant(), resource_id: &resource_id, after, correlation };
        let clear = record::open_context(permit, &key, &binding, &sealed).ok();
        Ok(clear.and_then(|clear| Context::from_json(core::str::from_utf8(&clear).ok()?)))
    }

    /// Returns the sequence number of the first entry that is not older than a moment. Times in a chain never go back.
    pub(super) async fn first_since(&self, chain: ChainId, length: u64, moment: Timestamp) -> Result<u64, Unavailable> {
        let moment = moment.rfc3339();
        let (mut low, mut high) = (1, length.saturating_add(1));
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low).div_euclid(2));
            let block = self.store.entries(chain, middle, 1).await?;
            let line = block.lines.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let older = entry(line).is_some_and(|entry| entry.utc_timestamp() < moment.as_str());
            (low, high) = if older { (middle.saturating_add(1), high) } else { (low, middle) };
        }
        Ok(low)
    }
}

/// Reads a line of a block: `sequence SP canonical-bytes`.
pub(super) fn entry(line: &[u8]) -> Option<EntryView<'_>> {
    let at = line.iter().position(|byte| *byte == b' ')?;
    EntryView::read(line.get(at.saturating_add(1)..)?)
}

/// Entries read at a time.
const BLOCK: u32 = 1_000;
/// Most entries that are looked at for one review.
const MAX_SCANNED: u64 = 200_000;
/// How long after its time the end of a glass may be written down, in seconds.
const LATE_SECONDS: i64 = 600;
