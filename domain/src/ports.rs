//! What the domain asks of the world, on one page.
//!
//! Every port is used as `Arc<dyn Port>`; asynchronous methods return a [`BoxFuture`].

use crate::audit::{ChainHead, ChainId, Contents, NotRead};
use crate::id::{DataKeyId, RecordId, TenantId};
use crate::index::IndexToken;
use crate::keys::{Compartment, DataKey, TenantSecrets, WrappedDataKey, WrappedTenantKey};
use crate::kind::Kind;
use crate::ticket::{Owner, StoredTicket, TicketKey};
use crate::time::Timestamp;
use crate::write::{Batch, Conflict, ConflictReason, Routing, StoredRecord, Version, WriteSet};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::future::Future;
use core::pin::Pin;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}

/// Draws randomness fit for keys.
pub trait Entropy: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`Unavailable`] when the source fails; the buffer must then not be used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Unavailable>;
}

/// Makes writes durable and chained; the only way anything is written.
pub trait Ledger: Send + Sync {
    /// Links and commits a write set. When this returns `Ok`, it is durable and in the chain.
    ///
    /// # Errors
    /// [`NotRecorded`]; in every case nothing of the write set is stored.
    fn record(&self, write: WriteSet) -> BoxFuture<'_, Result<Receipt, NotRecorded>>;
}

/// Proof that a write set is durable and chained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The chain and sequence number of each draft, in the order of the drafts.
    pub entries: Vec<(ChainId, u64)>,
}

/// Why a write set was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRecorded {
    /// It cannot be applied as it is; load again and decide anew.
    Conflict(ConflictReason),
    /// The queue is full or the ledger is stopping; try later.
    Busy,
    /// The database does not answer or has no space; nothing is half-written.
    Unavailable,
}

/// Opens and makes the keys of a tenant; the root key stays behind it.
pub trait KeyVault: Send + Sync {
    /// Returns the data key that new writes in a compartment use, making one where there is none.
    ///
    /// # Errors
    /// [`KeyFault`].
    fn current(&self, tenant: TenantId, compartment: Compartment) -> BoxFuture<'_, Result<HeldKey, KeyFault>>;
    /// Returns the data key of this id.
    ///
    /// # Errors
    /// [`KeyFault::Missing`] when it is not there (shredded, or never was).
    fn find(&self, tenant: TenantId, id: DataKeyId) -> BoxFuture<'_, Result<Arc<DataKey>, KeyFault>>;
    /// Takes note that these data keys are stored now, so that later writes need not carry them.
    fn stored(&self, tenant: TenantId, ids: &[DataKeyId]);
    /// Returns the keys of a tenant that are derived from the roots: index, naming, content hashes.
    fn secrets(&self, tenant: TenantId) -> Arc<TenantSecrets>;
}

/// Tells what the chains say that is stored.
pub trait Witness: Send + Sync {
    /// Returns what the system chain says of the directory, verified up to the present head.
    ///
    /// # Errors
    /// [`NotRead`].
    fn directory(&self) -> BoxFuture<'_, Result<Contents, NotRead>>;
}

/// Makes generations of tenants' keys and moves data keys between them; asked by the administration only.
pub trait TenantKeyMaker: Send + Sync {
    /// Makes the key of a generation, wrapped under the root and not yet stored.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    fn make_tenant_key(&self, tenant: TenantId, generation: u32) -> Result<WrappedTenantKey, Unavailable>;
    /// Wraps stored data keys of one tenant under a generation of its key that is stored already.
    ///
    /// # Errors
    /// [`KeyFault`]; then none of them is to be replaced.
    fn rewrap(
        &self,
        tenant: TenantId,
        keys: Vec<WrappedDataKey>,
        generation: u32,
    ) -> BoxFuture<'_, Result<Vec<WrappedDataKey>, KeyFault>>;
}

/// A data key to seal with, and its wrapped form while it is not known to be stored.
pub struct HeldKey {
    /// The key.
    pub key: Arc<DataKey>,
    /// What must be stored in the same write set; `None` once it is known to be stored.
    pub unstored: Option<WrappedDataKey>,
}

/// Why a key cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// There is no such key: it was destroyed, or the tenant has none.
    Missing,
    /// The stored form does not open: wrong root or altered row.
    Broken,
    /// The database or the randomness source does not answer.
    Unavailable,
}

/// Keeps records, index, keys and chains.
///
/// One contract suite (`conformance/ports`) holds every implementation to these sentences.
pub trait Store: Send + Sync {
    /// Returns the current version of each record whose id is in the list; absent ones are left out, order is free.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn load(&self, tenant: TenantId, ids: &[RecordId]) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>>;

    /// Returns the current version of every record in the family of this id, at most 8.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn load_family(&self, tenant: TenantId, id: RecordId) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>>;

    /// Returns versions of one record, newest first, those below `before` when given, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn versions(
        &self,
        tenant: TenantId,
        id: RecordId,
        before: Option<Version>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>>;

    /// Returns current records that fit the query, latest arrival first (then highest id), at most `limit`.
    ///
    /// Of more than four groups of tokens a store may leave out some: the answer then has every record that fits
    /// and others besides, so the caller checks what it opens.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn find(&self, tenant: TenantId, query: Find) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>>;

    /// Returns the wrapped data key of this id.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn data_key(&self, tenant: TenantId, id: DataKeyId) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>>;

    /// Returns a wrapped data key of a compartment, the newest when there are several.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn data_key_of(
        &self,
        tenant: TenantId,
        compartment: Compartment,
    ) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>>;

    /// Returns at most `limit` data keys of a tenant wrapped under a generation below `generation`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn data_keys_below(
        &self,
        tenant: TenantId,
        generation: u32,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<WrappedDataKey>, Unavailable>>;

    /// Replaces the wrapped form of data keys that are stored; never adds one. Returns how many were replaced.
    ///
    /// # Errors
    /// [`Unavailable`]; then none is replaced.
    fn rewrap(&self, keys: Vec<WrappedDataKey>) -> BoxFuture<'_, Result<u64, Unavailable>>;

    /// Returns every generation of a tenant's key, lowest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn tenant_keys(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<WrappedTenantKey>, Unavailable>>;

    /// Adds a generation of a tenant's key; `false` when that generation is there already.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn add_tenant_key(&self, key: WrappedTenantKey) -> BoxFuture<'_, Result<bool, Unavailable>>;

    /// Returns the head of every chain.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn heads(&self) -> BoxFuture<'_, Result<Vec<(ChainId, ChainHead)>, Unavailable>>;

    /// Returns stored entries of a chain in the order of their sequence column, from `from`, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn entries(&self, chain: ChainId, from: u64, limit: u32) -> BoxFuture<'_, Result<EntryBlock, Unavailable>>;

    /// Returns the sealed context of an entry.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn context(&self, chain: ChainId, sequence: u64) -> BoxFuture<'_, Result<Option<Vec<u8>>, Unavailable>>;

    /// Returns the sealed contexts of the entries with the `count` sequence numbers from `from` on, each with its number, lowest
    /// first; entries without one are left out.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn contexts(&self, chain: ChainId, from: u64, count: u32) -> BoxFuture<'_, Result<SealedContexts, Unavailable>>;

    /// Stores the signed checkpoint of a closed segment, if it is not there yet.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn add_checkpoint(&self, chain: ChainId, segment: u64, note: String) -> BoxFuture<'_, Result<(), Unavailable>>;

    /// Returns the signed checkpoints of a chain, lowest segment first.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn checkpoints(&self, chain: ChainId) -> BoxFuture<'_, Result<Vec<(u64, String)>, Unavailable>>;

    /// Returns a number that changes whenever a record of this tenant and one of these kinds does.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn mark(&self, tenant: TenantId, kinds: &[Kind]) -> BoxFuture<'_, Result<u64, Unavailable>>;

    /// Applies a batch: every member, every entry and every head move in one transaction, or nothing.
    ///
    /// # Errors
    /// [`CommitFault`]; after `HeadMoved`, `Conflicts` and `Full` nothing is applied. After
    /// `Unknown` the caller decides by reading the heads.
    fn commit<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<(), CommitFault>>;
}

/// Keeps what is short-lived and shared by every gateway: sign-ins under way, sessions, tokens, marks of what was used once.
///
/// What it keeps is sealed; it knows keys, owners and times only. A ticket whose time is over is as if it were not there,
/// whether it was swept or not. Held to these sentences by the same contract suite as [`Store`].
pub trait Tickets: Send + Sync {
    /// Stores a new ticket at revision 1, unless one with its key is there. Says whether it was stored.
    ///
    /// # Errors
    /// [`Unavailable`]; then it is stored or not.
    fn put(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>>;

    /// Returns a ticket.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn find(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>>;

    /// Removes a ticket and returns it; of several callers at once, one gets it.
    ///
    /// # Errors
    /// [`Unavailable`]; then it is removed or not.
    fn take(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>>;

    /// Replaces a ticket that is still at the revision before this one's. Says whether it was replaced.
    ///
    /// # Errors
    /// [`Unavailable`]; then it is replaced or not.
    fn replace(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>>;

    /// Returns the tickets of an owner, soonest to expire first, at most `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn of_owner(
        &self,
        owner: Owner,
        now: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredTicket>, Unavailable>>;

    /// Removes every ticket of an owner. Returns how many.
    ///
    /// # Errors
    /// [`Unavailable`]; then all are removed or none.
    fn remove_all(&self, owner: Owner) -> BoxFuture<'_, Result<u64, Unavailable>>;

    /// Removes at most `limit` tickets whose time is over. Returns how many.
    ///
    /// # Errors
    /// [`Unavailable`].
    fn sweep(&self, now: Timestamp, limit: u32) -> BoxFuture<'_, Result<u64, Unavailable>>;
}

/// A question to the index: all of the groups, any token within a group.
#[derive(Clone, Default)]
pub struct Find {
    /// Kinds of record; empty means any.
    pub kinds: Vec<Kind>,
    /// Tokens: a record fits when it has at least one token of every group. No group: every record fits.
    pub all_of: Vec<Vec<IndexToken>>,
    /// Routing state to which messages are narrowed.
    pub routing: Option<Routing>,
    /// Only records before this place in the order (arrival, id).
    pub before: Option<(Timestamp, RecordId)>,
    /// Most records returned.
    pub limit: u32,
}

/// Stored entries of one chain, joined: one line an entry, `sequence SP canonical-bytes LF`.
#[derive(Clone, Default)]
pub struct EntryBlock {
    /// The lines.
    pub lines: Vec<u8>,
    /// How many lines.
    pub count: u32,
    /// Which of them, by their sequence column, are stored without a sealed context; lowest first.
    pub without_context: Vec<u64>,
}

/// Sealed contexts, each with the sequence number of its entry.
pub type SealedContexts = Vec<(u64, Vec<u8>)>;

/// Why a batch was not committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitFault {
    /// A chain head is not where the batch was linked; read the heads and link anew.
    HeadMoved,
    /// These members cannot be applied; leave them out and link anew.
    Conflicts(Vec<Conflict>),
    /// The database has no space or cannot be written to.
    Full,
    /// The database did not answer before anything was committed.
    Unavailable,
    /// The answer to COMMIT was lost: the batch is applied or not, the heads tell.
    Unknown,
}

/// Says that something outside did not answer; carries no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store or the source of randomness did not answer")
    }
}

impl core::error::Error for Unavailable {}
