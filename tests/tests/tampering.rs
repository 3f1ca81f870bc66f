//! What an administrator of the database can do to the audit chains, and that none of it goes unnoticed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use std::net::TcpListener;
use std::sync::OnceLock;
use tests::database::Database;
use tests::gateway::Gateway;
use tests::home::{Home, Image, write_private};
use tests::message::Oru;
use tests::mllp::code;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

/// An installation at two moments of its life.
struct Story {
    earlier: Image,
    now: Image,
}

fn story() -> &'static Story {
    static STORY: OnceLock<Story> = OnceLock::new();
    STORY.get_or_init(|| {
        let home = Home::new(PROGRAM);
        let live = |number: u32| {
            let gateway = home.serve();
            for party in [home.first(), home.second()] {
                let name = format!("T{number}");
                accepted(&gateway, &home, party.listener, &name);
                let _ = gateway.fhir(party).get(&format!("/DiagnosticReport?identifier={name}")).resources();
            }
            assert_eq!(gateway.terminate().code, Some(0));
            home.image()
        };
        let earlier = live(1);
        let _ = live(2);
        Story { earlier, now: live(3) }
    })
}

fn accepted(gateway: &Gateway, home: &Home, listener: &str, name: &str) {
    let party = [home.first(), home.second()].into_iter().find(|party| party.listener == listener).unwrap();
    let answer = gateway.sender_of(party).exchange(&Oru::new(name, name, 3).render()).unwrap();
    assert_eq!(code(&answer), "AA");
}

/// A stopped installation whose chains are about to be changed.
struct Victim {
    home: Home,
    database: Database,
    /// The first tenant's chain, as hex for SQL.
    chain: String,
    /// How many entries it has.
    length: i64,
}

/// What the gateway said as it refused to start.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    sequence: i64,
    kind: String,
}

fn refusal(sequence: i64, kind: &str) -> Refusal {
    Refusal { sequence, kind: kind.to_owned() }
}

impl Victim {
    fn new() -> Self {
        let home = story().now.lay(PROGRAM);
        let chain = home.first().id.replace('-', "");
        let mut database = home.database();
        let length = database.number(&format!("SELECT length FROM audit_head WHERE chain = x'{chain}'"));
        assert!(length > 12, "there is something to change");
        Self { home, database, chain, length }
    }

    /// A victim without the triggers that would refuse.
    fn open() -> Self {
        let mut victim = Self::new();
        for trigger in victim.database.texts("SELECT name FROM sqlite_master WHERE type = 'trigger'") {
            victim.database.execute(&format!("DROP TRIGGER {trigger}"));
        }
        victim
    }

    /// Runs a statement; `CHAIN` stands for the chain's id.
    fn sql(&mut self, statement: &str) -> u64 {
        self.database.execute(&statement.replace("CHAIN", &format!("x'{}'", self.chain)))
    }

    fn fix_head(&mut self, length: i64) {
        self.sql(&format!(
            "UPDATE audit_head SET length = {length}, tag = (SELECT unhex(json_extract(CAST(entry AS TEXT), '$.entry_mac')) \
             FROM audit_entry WHERE chain = CHAIN AND sequence = {length}) WHERE chain = CHAIN"
        ));
    }

    /// Starts the gateway: it must refuse, before any port is opened, and `audit verify` must say the same.
    fn refused(self) -> Refusal {
        let Self { home, database, chain, .. } = self;
        database.close();
        let diagnosis = diagnosis(&home);
        let chain_named = diagnosis["chain"].as_str().unwrap().replace('-', "");
        assert_eq!(chain_named, chain, "the chain is named");
        Refusal {
            sequence: diagnosis["first_bad_sequence"].as_i64().unwrap(),
            kind: diagnosis["kind"].as_str().unwrap().to_owned(),
        }
    }
}

fn diagnosis(home: &Home) -> Value {
    // Every port of the configuration is taken: a gateway that reached for one would end with another code.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let text = std::fs::read_to_string(home.path("sealgate.toml")).unwrap();
    let port = taken.local_addr().unwrap().to_string();
    std::fs::write(home.path("sealgate.toml"), text.replace("127.0.0.1:0", &port)).unwrap();
    let said = |arguments: &[&str]| {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(65), "{arguments:?} is refused: {}", ended.stderr);
        let line = ended.stderr.lines().rfind(|line| line.contains("audit_chain_broken")).unwrap().to_owned();
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["audit_chain_broken"], true);
        value
    };
    let served = said(&["serve"]);
    assert_eq!(said(&["audit", "verify"]), served, "the command says what the start says");
    served
}

#[test]
fn an_untouched_installation_starts() {
    let home = story().now.lay(PROGRAM);
    let gateway = home.serve();
    assert_eq!(gateway.operations().get("/health/ready").status, 200);
    home.done(&["audit", "verify"]);
}

#[test]
fn the_database_itself_refuses_to_change_or_delete_an_entry() {
    let mut victim = Victim::new();
    for statement in [
        "UPDATE audit_entry SET entry = x'00'",
        "UPDATE audit_entry SET sequence = sequence + 1000",
        "UPDATE audit_entry SET context = NULL",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE sequence = 1",
    ] {
        let refused = victim.database.try_execute(statement).unwrap_err();
        assert!(refused.contains("audit entries are never"), "{statement}: {refused}");
    }
    assert_eq!(victim.database.number("SELECT count(*) FROM audit_entry WHERE entry = x'00'"), 0);
}

#[test]
fn a_changed_byte_is_found() {
    let mut victim = Victim::open();
    let changed = victim.sql(
        "UPDATE audit_entry SET entry = CAST(replace(CAST(entry AS TEXT), '\"success\"', '\"failure\"') AS BLOB) \
         WHERE chain = CHAIN AND sequence = 7",
    );
    assert_eq!(changed, 1);
    assert_eq!(victim.refused(), refusal(7, "mac_mismatch"));
}

#[test]
fn any_flipped_bit_of_any_entry_is_found() {
    let length = Victim::new().length;
    for step in 0..12 {
        let (sequence, byte, bit) = (1 + (step * 7) % length, 1 + step * 61, 1 << (step % 8));
        let mut victim = Victim::open();
        let entry = victim.database.texts(&format!(
            "SELECT hex(entry) FROM audit_entry WHERE chain = x'{}' AND sequence = {sequence}",
            victim.chain
        ));
        let mut bytes: Vec<u8> =
            (0..entry[0].len() / 2).map(|at| u8::from_str_radix(&entry[0][at * 2..at * 2 + 2], 16).unwrap()).collect();
        let at = usize::try_from(byte).unwrap() % bytes.len();
        bytes[at] ^= u8::try_from(bit).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        victim.sql(&format!("UPDATE audit_entry SET entry = x'{hex}' WHERE chain = CHAIN AND sequence = {sequence}"));
        let found = victim.refused();
        assert_eq!(found.sequence, sequence, "byte {at}: {found:?}");
    }
}

#[test]
fn a_changed_mac_is_found() {
    let mut victim = Victim::open();
    victim.sql(
        "UPDATE audit_entry SET entry = CAST(replace(CAST(entry AS TEXT), '\"entry_mac\":\"' || \
         json_extract(CAST(entry AS TEXT), '$.entry_mac'), '\"entry_mac\":\"' || lower(hex(randomblob(32)))) AS BLOB) \
         WHERE chain = CHAIN AND sequence = 5",
    );
    assert_eq!(victim.refused(), refusal(5, "mac_mismatch"));
}

#[test]
fn a_deleted_entry_is_found_wherever_it_was() {
    let last = Victim::new().length;
    for (sequence, kind) in [(1, "gap"), (6, "gap"), (last, "truncated")] {
        let mut victim = Victim::open();
        assert_eq!(victim.sql(&format!("DELETE FROM audit_entry WHERE chain = CHAIN AND sequence = {sequence}")), 1);
        assert_eq!(victim.refused(), refusal(sequence, kind));
    }
}

#[test]
fn two_swapped_entries_are_found() {
    let mut victim = Victim::open();
    for (from, to) in [(5, 1_000), (9, 5), (1_000, 9)] {
        victim.sql(&format!("UPDATE audit_entry SET sequence = {to} WHERE chain = CHAIN AND sequence = {from}"));
    }
    assert_eq!(victim.refused(), refusal(5, "column_mismatch"));
}

#[test]
fn a_changed_sequence_column_is_found() {
    let mut victim = Victim::open();
    victim.sql("UPDATE audit_entry SET sequence = 1000 WHERE chain = CHAIN AND sequence = 6");
    assert_eq!(victim.refused(), refusal(6, "gap"));
}

#[test]
fn a_fabricated_entry_is_found_with_and_without_its_head() {
    for head in [false, true] {
        let mut victim = Victim::open();
        let length = victim.length;
        let next = length + 1;
        victim.sql(&format!(
            "INSERT INTO audit_entry SELECT chain, {next}, CAST(replace(replace(CAST(entry AS TEXT), \
             '\"sequence_number\":{length}', '\"sequence_number\":{next}'), '\"prior_entry_mac\":\"' || \
             json_extract(CAST(entry AS TEXT), '$.prior_entry_mac'), '\"prior_entry_mac\":\"' || \
             json_extract(CAST(entry AS TEXT), '$.entry_mac')) AS BLOB), NULL \
             FROM audit_entry WHERE chain = CHAIN AND sequence = {length}"
        ));
        if head {
            victim.fix_head(next);
        }
        let kind = if head { "mac_mismatch" } else { "head_mismatch" };
        assert_eq!(victim.refused(), refusal(next, kind));
    }
}

#[test]
fn an_entry_that_is_there_twice_is_found() {
    let mut victim = Victim::open();
    let next = victim.length + 1;
    victim.sql(&format!(
        "INSERT INTO audit_entry SELECT chain, {next}, entry, context FROM audit_entry WHERE chain = CHAIN AND sequence = 4"
    ));
    victim.sql(&format!("UPDATE audit_head SET length = {next} WHERE chain = CHAIN"));
    assert_eq!(victim.refused(), refusal(next, "column_mismatch"));
}

#[test]
fn a_cut_tail_is_found_even_when_the_head_fits_it() {
    for cut in 1..=3 {
        for head in [false, true] {
            let mut victim = Victim::open();
            let left = victim.length - cut;
            victim.sql(&format!("DELETE FROM audit_entry WHERE chain = CHAIN AND sequence > {left}"));
            if head {
                victim.fix_head(left);
            }
            assert_eq!(victim.refused(), refusal(left + 1, "truncated"), "{cut} cut, head fixed: {head}");
        }
    }
}

#[test]
fn a_removed_chain_is_found() {
    let mut victim = Victim::open();
    victim.sql("DELETE FROM audit_entry WHERE chain = CHAIN");
    victim.sql("DELETE FROM audit_head WHERE chain = CHAIN");
    assert_eq!(victim.refused(), refusal(1, "truncated"));
}

#[test]
fn a_changed_or_removed_head_is_found() {
    let mut victim = Victim::open();
    victim.sql("UPDATE audit_head SET tag = randomblob(32) WHERE chain = CHAIN");
    let length = victim.length;
    assert_eq!(victim.refused(), refusal(length, "head_mismatch"));

    let mut victim = Victim::open();
    victim.sql("DELETE FROM audit_head WHERE chain = CHAIN");
    assert_eq!(victim.refused(), refusal(1, "truncated"));
}

#[test]
fn an_older_copy_of_the_whole_database_is_found() {
    let home = story().now.lay(PROGRAM);
    for name in ["sealgate.db-wal", "sealgate.db-shm"] {
        let _ = std::fs::remove_file(home.path(name));
    }
    write_private(&home.path("sealgate.db"), story().earlier.file("sealgate.db"));
    assert_eq!(diagnosis(&home)["kind"], "truncated");
}

#[test]
fn an_older_copy_that_went_on_otherwise_is_found() {
    // The copy is served with the keys and grows beyond the anchors of the original.
    let other = story().earlier.lay(PROGRAM);
    let gateway = other.serve();
    for number in 0..8 {
        accepted(&gateway, &other, "main", &format!("OTHER{number}"));
        accepted(&gateway, &other, "second", &format!("OTHER{number}"));
    }
    assert_eq!(gateway.terminate().code, Some(0));
    write_private(&other.path("anchors"), story().now.file("anchors"));
    assert_eq!(diagnosis(&other)["kind"], "rolled_back");
}

#[test]
fn a_missing_or_altered_anchor_file_stops_the_start() {
    let victim = Victim::new();
    victim.database.close();
    std::fs::remove_file(victim.home.path("anchors")).unwrap();
    assert_eq!(diagnosis(&victim.home)["kind"], "anchor_missing");

    let anchors = story().now.file("anchors");
    let emptied = anchors[..128].to_vec();
    let cut = anchors[..0].to_vec();
    let header_changed = [b"X", &anchors[1..]].concat();
    let mut slots_changed = anchors.to_vec();
    slots_changed.iter_mut().skip(128 + 20).step_by(128).for_each(|byte| *byte ^= 1);
    for (bytes, kind) in [
        (emptied, "anchor_missing"),
        (cut, "anchor_missing"),
        (header_changed, "anchor_altered"),
        (slots_changed, "anchor_altered"),
    ] {
        let home = story().now.lay(PROGRAM);
        write_private(&home.path("anchors"), &bytes);
        assert_eq!(diagnosis(&home)["kind"], kind);
    }
}

/// The anchors of a chain: where its two slots are in the file, with the number of entries each knows of; the newest last.
fn slots_of(anchors: &[u8], chain: &str) -> [(usize, i64); 2] {
    let number = |at: usize| u64::from_be_bytes(anchors[at..at + 8].try_into().unwrap());
    let hex = |at: usize| anchors[at..at + 16].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut slots: Vec<usize> = (128..anchors.len()).step_by(128).filter(|at| hex(*at) == chain).collect();
    slots.sort_by_key(|at| number(at + 64));
    [slots[0], slots[1]].map(|at| (at, i64::try_from(number(at + 16)).unwrap()))
}

/// What is done to the newest anchor of a chain; the one before is lent.
type Change = fn(&mut [u8], &[u8]);

#[test]
fn a_chain_cut_together_with_its_newest_anchor_is_found() {
    let zeros = |slot: &mut [u8], _: &[u8]| slot.fill(0);
    let flipped = |slot: &mut [u8], _: &[u8]| slot[20] ^= 1;
    let copied = |slot: &mut [u8], other: &[u8]| slot.copy_from_slice(other);
    let changes: [Change; 3] = [zeros, flipped, copied];
    for change in changes {
        let mut victim = Victim::open();
        let mut anchors = story().now.file("anchors").to_vec();
        let [(before, left), (newest, _)] = slots_of(&anchors, &victim.chain);
        let other = anchors[before..before + 128].to_vec();
        change(&mut anchors[newest..newest + 128], &other);
        write_private(&victim.home.path("anchors"), &anchors);
        victim.sql(&format!("DELETE FROM audit_entry WHERE chain = CHAIN AND sequence > {left}"));
        victim.fix_head(left);
        assert_eq!(victim.refused(), refusal(left + 1, "anchor_altered"));
    }
}

#[test]
fn an_altered_anchor_alone_is_found_by_verify_and_told_by_a_start() {
    let victim = Victim::new();
    victim.database.close();
    let home = victim.home;
    let mut anchors = story().now.file("anchors").to_vec();
    let [(_, known), (newest, _)] = slots_of(&anchors, &victim.chain);
    anchors[newest + 100] ^= 1;
    write_private(&home.path("anchors"), &anchors);
    let ended = home.run(&["audit", "verify"]);
    assert_eq!(ended.code, Some(65));
    let told = format!("\"first_bad_sequence\":{},\"kind\":\"anchor_altered\"", known + 1);
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    // A power cut leaves the same: results go on, and what was found stays in the chain.
    let ended = home.serve().terminate();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("the newest anchor is not genuine"), "{}", ended.stderr);
    home.done(&["audit", "verify"]);
    let shown =
        home.done(&["audit", "show", "--tenant", "system", "--action", "IntegrityFailure", "--context", "--json"]);
    assert!(shown.contains("AnchorFile") && shown.contains("the newest anchor is not genuine"), "{shown}");
    assert!(shown.contains(&home.first().id), "the chain is named: {shown}");
}

#[test]
fn a_chain_removed_with_its_anchor_is_found() {
    let mut victim = Victim::open();
    let mut anchors = story().now.file("anchors").to_vec();
    for (at, _) in slots_of(&anchors, &victim.chain) {
        anchors[at..at + 128].fill(0);
    }
    write_private(&victim.home.path("anchors"), &anchors);
    victim.sql("DELETE FROM audit_entry WHERE chain = CHAIN");
    victim.sql("DELETE FROM audit_head WHERE chain = CHAIN");
    assert_eq!(victim.refused(), refusal(1, "truncated"));
}

#[test]
fn a_context_moved_to_another_entry_does_not_open_and_is_told() {
    let mut victim = Victim::open();
    let places = victim.database.numbers(&format!(
        "SELECT sequence FROM audit_entry WHERE chain = x'{}' AND context IS NOT NULL ORDER BY sequence DESC LIMIT 2",
        victim.chain
    ));
    victim.sql(&format!(
        "UPDATE audit_entry SET context = (SELECT context FROM audit_entry WHERE chain = CHAIN AND sequence = {}) \
         WHERE chain = CHAIN AND sequence = {}",
        places[0], places[1]
    ));
    let Victim { home, database, .. } = victim;
    database.close();
    let shown = home.done(&["audit", "show", "--tenant", "Harbour", "--context", "--json"]);
    assert!(!shown.is_empty());
    let failures = home.done(&["audit", "show", "--tenant", "Harbour", "--action", "IntegrityFailure", "--json"]);
    assert_eq!(failures.lines().count(), 1, "the failure is in the chain: {failures}");
}

#[test]
fn anchors_are_taken_anew_only_with_a_reason_that_is_recorded() {
    let victim = Victim::new();
    victim.database.close();
    let home = victim.home;
    std::fs::remove_file(home.path("anchors")).unwrap();
    assert_eq!(home.run(&["audit", "anchor", "--reason", " "]).code, Some(2));
    home.done(&["audit", "anchor", "--reason", "disk of the anchors was replaced"]);
    assert_eq!(home.serve().terminate().code, Some(0));
    let shown = home.done(&["audit", "show", "--tenant", "system", "--action", "audit.anchor", "--context", "--json"]);
    assert!(shown.contains("disk of the anchors was replaced"));
}
