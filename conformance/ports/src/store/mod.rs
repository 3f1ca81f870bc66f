//! The contract of [`Store`], sentence by sentence.

mod chains;
mod find;
mod keys;
mod records;
mod writes;

use crate::Verdict;
use domain::ports::{BoxFuture, Store};

/// One sentence of the port, put to a store.
pub struct StoreCase {
    /// Stable name, never reused for another sentence.
    pub id: &'static str,
    /// What a store does when it conforms.
    pub sentence: &'static str,
    /// Runs the case on an empty store.
    pub run: for<'s> fn(&'s dyn Store) -> BoxFuture<'s, Verdict>,
}

macro_rules! cases {
    ($($id:literal $sentence:literal $run:path;)+) => {
        /// Every case, in the order of their ids.
        pub const STORE: &[StoreCase] =
            &[$(StoreCase { id: $id, sentence: $sentence, run: |store| Box::pin($run(store)) }),+];
    };
}

cases! {
    "STORE-01" "load returns the current version of each id, and leaves out those that are absent" records::load;
    "STORE-02" "a record reads back as it was written, whatever its kind, clinic, routing and size" records::verbatim;
    "STORE-03" "load answers for hundreds of ids, also when one is asked for twice" records::load_many;
    "STORE-04" "load_family returns the family of an id and nobody else, at most 8" records::family;
    "STORE-05" "versions are returned newest first, below the one given, up to the limit" records::versions;
    "STORE-06" "mark changes with every record of its tenant and kinds, and with no other" records::mark;
    "STORE-10" "find returns latest arrival first, then highest id, up to the limit" find::order;
    "STORE-11" "paging by the last place returns every record once" find::paging;
    "STORE-12" "a record is found when it has a token of every group" find::and_of_or;
    "STORE-13" "a record with several tokens of a group is found once, and an empty group finds nothing" find::once;
    "STORE-14" "kinds narrow, and no kinds means any" find::kinds;
    "STORE-15" "routing narrows, with tokens and without" find::routing;
    "STORE-16" "a group may hold many tokens" find::many_tokens;
    "STORE-17" "find returns the current version of a record that was replaced" find::current;
    "STORE-18" "a rare token and a frequent one find the same in either order" find::rare_and_frequent;
    "STORE-20" "a claim is taken once, and the conflict names the member that came too late" writes::claims;
    "STORE-21" "within a batch the later of two equal claims or records is in conflict" writes::doubles;
    "STORE-22" "a record is added only when absent and replaced only at the version named" writes::version_conflicts;
    "STORE-23" "invariant 4: a refused batch leaves nothing behind" writes::nothing_half_written;
    "STORE-24" "a head moves only from where the batch was linked" writes::head_moves;
    "STORE-25" "when one of two heads has moved, neither moves" writes::one_of_two_heads;
    "STORE-26" "of two commits linked to one head exactly one is applied" writes::race;
    "STORE-27" "a batch of 512 members with many terms is applied whole" writes::large_batch;
    "STORE-28" "a commit that is dropped half-way leaves the store whole and writable" writes::dropped;
    "STORE-29" "terms and data keys that are there already are left alone" writes::left_alone;
    "STORE-30" "invariant 1: equal ids, tokens, claims and keys of two tenants never meet" keys::tenants;
    "STORE-31" "data keys are found by id and by compartment, the newest first" keys::data_keys;
    "STORE-32" "data keys below a generation are listed up to the limit" keys::below;
    "STORE-33" "rewrap replaces stored keys and adds none" keys::rewrap;
    "STORE-34" "a generation of a tenant's key is added once, and all are listed lowest first" keys::tenant_keys;
    "STORE-40" "entries come back byte for byte, in order, from a place, up to a limit" chains::entries;
    "STORE-41" "a context is stored with its entry and with no other" chains::contexts;
    "STORE-42" "the first checkpoint of a segment stays, and all are listed lowest first" chains::checkpoints;
    "STORE-43" "what was committed verifies, chain by chain" chains::verifies;
}
