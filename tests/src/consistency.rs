//! Looks into the tables of a stopped installation: record, index, claim and audit rows are there together or not at all.

use crate::database::Database;
use serde_json::Value;
use std::collections::BTreeMap;

/// Kinds of records that are found by terms: those that FHIR serves.
const INDEXED: &str = "kind BETWEEN 10 AND 32";

/// Checks the rows of every tenant against each other; returns how many messages are stored.
///
/// # Panics
/// With what does not fit, named by ids only.
pub fn everything_fits(database: &mut Database) -> usize {
    let stored = counted(database.texts(
        "SELECT lower(hex(id)) || ' ' || version FROM record UNION ALL \
         SELECT lower(hex(id)) || ' ' || version FROM record_version",
    ));
    let mut written: BTreeMap<String, u32> = BTreeMap::new();
    let mut versions: BTreeMap<String, u32> = BTreeMap::new();
    for text in database.texts("SELECT CAST(entry AS TEXT) FROM audit_entry ORDER BY chain, sequence") {
        let entry: Value = serde_json::from_str(&text).expect("an entry is JSON");
        let is_write = matches!(entry["action"].as_str(), Some("create" | "update")) && entry["outcome"] == "success";
        // The directory's own records are told in the system chain and again in the tenant's.
        let is_of_directory =
            ["Tenant", "Clinic", "Interface", "ApiClient"].iter().any(|kind| entry["resource_type"] == *kind);
        if is_write && !is_of_directory {
            let id = entry["resource_id"].as_str().unwrap_or_default().replace('-', "");
            let version = versions.entry(id.clone()).or_default();
            *version += 1;
            *written.entry(format!("{id} {version}")).or_default() += 1;
        }
    }
    let directory =
        counted(database.texts("SELECT lower(hex(id)) || ' ' || version FROM record WHERE kind BETWEEN 40 AND 49"));
    let older = counted(
        database.texts("SELECT lower(hex(id)) || ' ' || version FROM record_version WHERE kind BETWEEN 40 AND 49"),
    );
    for (row, count) in &stored {
        if !directory.contains_key(row) && !older.contains_key(row) {
            assert_eq!((written.get(row), *count), (Some(&1), 1), "the record {row} is chained once and stored once");
        }
    }
    for row in written.keys() {
        assert!(stored.contains_key(row), "what the chain says was written is there: {row}");
    }
    let unindexed = database.texts(&format!(
        "SELECT hex(id) FROM record WHERE {INDEXED} AND NOT EXISTS \
         (SELECT 1 FROM index_term WHERE index_term.tenant = record.tenant AND index_term.record = record.id)"
    ));
    assert!(unindexed.is_empty(), "records without a term: {unindexed:?}");
    let orphans = database.texts(
        "SELECT hex(record) FROM index_term WHERE NOT EXISTS \
         (SELECT 1 FROM record WHERE record.tenant = index_term.tenant AND record.id = index_term.record)",
    );
    assert!(orphans.is_empty(), "terms without a record: {orphans:?}");
    let unclaimed = database.texts(
        "SELECT hex(id) FROM record WHERE kind = 1 AND NOT EXISTS \
         (SELECT 1 FROM claim WHERE claim.tenant = record.tenant AND claim.message = record.id)",
    );
    assert!(unclaimed.is_empty(), "messages without a claim: {unclaimed:?}");
    let claimed = database.number("SELECT count(*) FROM claim JOIN record ON record.id = claim.message WHERE kind = 1");
    let messages = database.number("SELECT count(*) FROM record WHERE kind = 1");
    assert_eq!(claimed, messages, "one claim for each message");
    let idle = database.texts(
        "SELECT hex(message) FROM claim WHERE NOT EXISTS \
         (SELECT 1 FROM record WHERE record.tenant = claim.tenant AND record.id = claim.message)",
    );
    assert!(idle.is_empty(), "claims without what they claim: {idle:?}");
    let heads = database.texts(
        "SELECT hex(chain) FROM audit_head WHERE length <> (SELECT count(*) FROM audit_entry WHERE audit_entry.chain = audit_head.chain)",
    );
    assert!(heads.is_empty(), "heads that do not count their entries: {heads:?}");
    usize::try_from(messages).unwrap_or_default()
}

fn counted(rows: Vec<String>) -> BTreeMap<String, u32> {
    let mut counted = BTreeMap::new();
    for row in rows {
        *counted.entry(row).or_default() += 1;
    }
    counted
}
