//! What a session began with, so that what was ended does not come back once that is undone.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The moments of what a session rests on, as they stood when it began.
///
/// Whatever ends sessions and can be undone, as an account that is disabled and enabled, moves the moment of its entry: what began with
/// an earlier one is over for good. The moments are compared with each other, so clocks of gateways may differ, and a directory that is
/// some moments old ends nothing that began since. Of what was kept before there were moments, the beginning is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Since {
    /// Of the tenant's word about the second factor.
    pub factor: Option<Timestamp>,
    /// Of the account or the connection by which the person came.
    pub way: Option<Timestamp>,
    /// Of what the connection's provider told of the person ahead.
    pub told: Option<Timestamp>,
}

/// Returns the moment that an entry moves to: now, and at least a millisecond, the precision that is stored, after the one before. So a
/// moment names one state of an entry, whichever gateway's clock was read.
pub(crate) fn moved(before: Timestamp, now: Timestamp) -> Timestamp {
    now.max(Timestamp(before.0.saturating_add(1_000)))
}
