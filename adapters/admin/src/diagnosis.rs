//! What is asked of the part that tries connections out and explains refused sign-ins; commands show the same.

use domain::administration::By;
use domain::directory::Connection;
use domain::id::{CorrelationId, RecordId};
use domain::ports::BoxFuture;
use serde_json::{Value, json};
pub use sso::oidc::{Step, Verdict};

/// Tries connections out and explains refused sign-ins.
pub trait Diagnosis: Send + Sync {
    /// Looks at a connection and at what its provider publishes, step by step.
    fn test<'a>(&'a self, connection: &'a Connection) -> BoxFuture<'a, Vec<Step>>;

    /// Explains refused sign-ins of the tenant of whoever asks, newest last; that they were read is in the chain before.
    fn explain<'a>(
        &'a self,
        by: &'a By<'a>,
        looking: &'a Looking,
    ) -> BoxFuture<'a, Result<Vec<Explained>, NotExplained>>;
}

/// Which refused sign-ins are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looking {
    /// The one of this number, which whoever was refused was shown.
    pub correlation: Option<CorrelationId>,
    /// Those by this connection.
    pub connection: Option<RecordId>,
    /// At most so many, the newest.
    pub last: usize,
}

/// Why nothing is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotExplained {
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// The chain is broken, or a key of it does not open.
    Integrity,
    /// The database or the ledger does not answer.
    Unavailable,
}

/// A refused sign-in, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The number of its entry in the chain.
    pub sequence: u64,
    /// When it was, as the entry says it.
    pub time: String,
    /// What was refused: `Person`, `Application`, `ApiClient`.
    pub what: String,
    /// Whom, where that is known.
    pub who: String,
    /// The number that was shown to whoever was refused.
    pub correlation: String,
    /// The connection by which they came, where they came by one.
    pub connection: Option<String>,
    /// The precise word.
    pub reason: String,
    /// The address they came from.
    pub address: Option<String>,
    /// What the word means; several where several protocols have it.
    pub meanings: Vec<Meaning>,
}

/// What a word in the chain means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// How the person or system came.
    pub by: &'static str,
    /// The step that did not hold.
    pub step: &'static str,
    /// What it means and what to do.
    pub sentence: &'static str,
}

impl Explained {
    /// Returns it as commands and answers write it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let meanings: Vec<Value> = self
            .meanings
            .iter()
            .map(|Meaning { by, step, sentence }| json!({ "by": by, "step": step, "means": sentence }))
            .collect();
        json!({ "entry": self.sequence, "time": self.time, "what": self.what, "who": self.who,
                "correlation": self.correlation, "connection": self.connection, "reason": self.reason,
                "address": self.address, "meanings": meanings })
    }
}
