//! The contract of each port, as cases that any implementation is put to.
//!
//! A case names the sentence of the port that it checks and takes the implementation as a trait object. The
//! list is mounted by `tests/tests/stores.rs` on SQLite, on PostgreSQL and on the in-memory double, so that the
//! double the domain is tested with is held to the same promises as the databases.
//!
//! Every case expects a store that is empty, and says nothing about how it stores.

mod ledger;
mod material;
mod store;
mod tickets;

pub use ledger::{LEDGER, LedgerBench, LedgerCase};
pub use material::audit_root;
pub use store::{STORE, StoreCase};
pub use tickets::{TICKETS, TicketCase};

use domain::audit::TipFault;
use domain::ports::{CommitFault, NotRecorded, Unavailable};
use std::fmt;

/// What a case concludes.
pub type Verdict = Result<(), Failure>;

/// What an implementation did that its port forbids.
#[derive(Debug)]
pub struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Unavailable> for Failure {
    fn from(_: Unavailable) -> Self {
        Self("the store did not answer".into())
    }
}

impl From<TipFault> for Failure {
    fn from(fault: TipFault) -> Self {
        Self(fault.to_string())
    }
}

impl From<CommitFault> for Failure {
    fn from(fault: CommitFault) -> Self {
        Self(format!("a commit that fits was refused: {fault:?}"))
    }
}

impl From<NotRecorded> for Failure {
    fn from(why: NotRecorded) -> Self {
        Self(format!("a write set that fits was not recorded: {why:?}"))
    }
}

/// Fails with this sentence unless it holds.
pub(crate) fn ensure(holds: bool, sentence: &str) -> Verdict {
    if holds { Ok(()) } else { Err(Failure(sentence.to_owned())) }
}

/// Fails with both values unless they are equal.
pub(crate) fn same<T: PartialEq + fmt::Debug>(found: &T, expected: &T, sentence: &str) -> Verdict {
    if found == expected { Ok(()) } else { Err(Failure(format!("{sentence}: {found:?} instead of {expected:?}"))) }
}
