//! A review that does not open, as far as the chain tells of it: so that somebody can close it, and nobody their own.

use super::Emergency;
use super::review::Review;
use super::seen::entry;
use crate::audit::ChainId;
use crate::id::{CorrelationId, RecordId};
use crate::kind::Kind;
use crate::ports::Unavailable;
use crate::time::Timestamp;
use crate::write::StoredRecord;
use alloc::string::{String, ToString};

/// Stands for the reason that cannot be read any more.
pub const UNREADABLE: &str = "unreadable";

impl Emergency {
    /// Returns what entries say of a breaking whose review does not open: who broke the glass, for whom, and in which request. Reason
    /// and words are lost; of one that no entry tells of, nobody is known.
    pub(super) async fn told_by_the_chain(&self, stored: &StoredRecord) -> Result<Review, Unavailable> {
        let mut review = Review {
            id: stored.id,
            tenant: stored.tenant,
            person: String::new(),
            display: String::new(),
            session: RecordId([0; 16]),
            correlation: CorrelationId([0; 16]),
            patient: RecordId([0; 16]),
            reason: UNREADABLE.to_string(),
            words: String::new(),
            broken: stored.arrival,
            until: stored.arrival,
            closed: None,
        };
        let chain = ChainId::from(stored.tenant);
        let heads = self.store.heads().await?;
        let length = heads.iter().find(|(known, _)| *known == chain).map_or(0, |(_, head)| head.length);
        // By its id, which says when it was made and which the chain has too; what stands beside the record may be altered as well.
        let mut from = self.first_since(chain, length, made(stored.id)).await?;
        let (id, mut left) = (stored.id.to_string(), MAX_LOOKED_AT);
        while from <= length && left > 0 {
            let block = self.store.entries(chain, from, BLOCK).await?;
            if block.count == 0 {
                break;
            }
            for line in block.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let Some(entry) = entry(line) else { continue };
                let created = entry.action() == "create" && entry.resource_type() == Kind::GlassReview.name();
                if created && entry.resource_id() == id.as_str() {
                    review.person = entry.user_id().into_owned();
                    review.display = entry.user_display().into_owned();
                    review.correlation = entry.correlation_id().parse().unwrap_or(review.correlation);
                }
                // They are written together, this one after that.
                let same = entry.correlation_id() == review.correlation.to_string().as_str();
                if entry.action() == "BreakGlassActivated" && same {
                    review.patient = entry.resource_id().parse().unwrap_or(review.patient);
                    return Ok(review);
                }
            }
            from = from.saturating_add(u64::from(block.count));
            left = left.saturating_sub(u64::from(block.count));
        }
        Ok(review)
    }
}

/// Returns the moment in an id that begins with one (RFC 9562 §5.7).
fn made(id: RecordId) -> Timestamp {
    let milliseconds = id.0.iter().take(6).fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte));
    Timestamp(milliseconds.saturating_mul(1_000))
}

/// Entries read at a time.
const BLOCK: u32 = 100;
/// Most entries that are looked at: those of a review are among the first of its millisecond.
const MAX_LOOKED_AT: u64 = 10_000;
