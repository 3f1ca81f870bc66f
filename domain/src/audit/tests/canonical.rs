//! The bytes of an entry.

use super::*;
use crate::audit::{EntryView, TEXT_LIMIT, Verifier, as_recorded};
use proptest::prelude::*;
use std::string::String;

#[test]
fn an_entry_has_these_bytes_for_ever() {
    let (entries, head) = chain_of(2, 0);
    let text: Vec<_> = entries.iter().map(|entry| String::from_utf8(entry.bytes.clone()).unwrap()).collect();
    insta::assert_snapshot!(text.join("\n"), @r#"
{"action":"read","after_hash":null,"before_hash":null,"correlation_id":"00000000-0000-4000-8000-000000000000","entry_mac":"5772febe3acf437b20346c2395017322a8387ecbfc35e8c7d353c1a066470eb6","outcome":"denied","prior_entry_mac":"aa57a5eb76564a94b08c324152449be8987d377dc2fce4b19fc185c330542c8f","resource_id":"00000000-0000-4000-8000-000000000000","resource_type":"DiagnosticReport","schema_version":1,"sequence_number":1,"user_id":{"display":"Ward system \"North\"","id":"client-0"},"utc_timestamp":"2026-11-21T09:30:00.000Z","workstation_id":"fhir.clinic-1.example"}
{"action":"update","after_hash":"0101010101010101010101010101010101010101010101010101010101010101","before_hash":null,"correlation_id":"01010101-0101-4101-8101-010101010101","entry_mac":"c3bb1e5a09e96ac1b2fb0fb509292e91a1373d857666cffc26faecc9bb53eee8","outcome":"success","prior_entry_mac":"5772febe3acf437b20346c2395017322a8387ecbfc35e8c7d353c1a066470eb6","resource_id":"01010101-0101-4101-8101-010101010101","resource_type":"DiagnosticReport","schema_version":1,"sequence_number":2,"user_id":{"display":"Ward system \"North\"","id":"client-1"},"utc_timestamp":"2026-11-21T09:30:01.250Z","workstation_id":"fhir.clinic-1.example"}
"#);
    assert_eq!(entries[1].sequence, 2);
    assert_eq!((head.length, head.time), (2, Timestamp(1_795_253_401_250_000)));
}

#[test]
fn the_fourteen_fields_are_all_there_is() {
    let (entries, _) = chain_of(1, 0);
    let entry: serde_json::Value = serde_json::from_slice(&entries[0].bytes).unwrap();
    let names: Vec<_> = entry.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "action",
            "after_hash",
            "before_hash",
            "correlation_id",
            "entry_mac",
            "outcome",
            "prior_entry_mac",
            "resource_id",
            "resource_type",
            "schema_version",
            "sequence_number",
            "user_id",
            "utc_timestamp",
            "workstation_id",
        ]
    );
    assert_eq!(entry["user_id"].as_object().unwrap().keys().collect::<Vec<_>>(), ["display", "id"]);
}

#[test]
fn control_characters_are_replaced_and_long_texts_cut_at_a_character() {
    let mut act = draft(0);
    act.workstation = "a\n\u{1b}[31m\u{7f}\u{85}z".to_string();
    act.user.display = "ü".repeat(200);
    act.action = "\"".repeat(300);
    let (entries, _) = link(&mut keys(), CHAIN, ChainHead::EMPTY, [&act]);
    let entry = EntryView::read(&entries[0].bytes).unwrap();
    assert_eq!(entry.workstation_id(), "a\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}z");
    assert_eq!(entry.user_display(), "ü".repeat(128));
    assert_eq!(entry.action(), "\"".repeat(TEXT_LIMIT));
    // Whoever binds something to a field binds it to what the field will say.
    for (given, recorded) in [
        (&act.workstation, entry.workstation_id()),
        (&act.user.display, entry.user_display()),
        (&act.action, entry.action()),
    ] {
        assert_eq!(as_recorded(given), recorded);
    }
}

#[test]
fn time_never_runs_backwards_in_a_chain_and_stays_in_four_digit_years() {
    let mut acts = [draft(9), draft(3), draft(4), draft(5)];
    acts[2].time = Timestamp(i64::MIN);
    acts[3].time = Timestamp(i64::MAX);
    let (entries, head) = link(&mut keys(), CHAIN, ChainHead::EMPTY, &acts);
    let times: Vec<_> =
        entries.iter().map(|entry| EntryView::read(&entry.bytes).unwrap().utc_timestamp().to_string()).collect();
    assert_eq!(times[1], times[0]);
    assert_eq!(times[2], times[0]);
    assert_eq!(times[3], "9999-12-31T23:59:59.999Z");
    assert_eq!(head.time.rfc3339(), times[3]);
}

#[test]
fn each_departure_from_the_canonical_form_is_refused() {
    let (entries, _) = chain_of(1, 0);
    let good = String::from_utf8(entries[0].bytes.clone()).unwrap();
    assert!(EntryView::read(good.as_bytes()).is_some());
    for (from, to) in [
        ("{\"action\"", "{ \"action\""),
        (":null,", ": null,"),
        ("\"after_hash\":null,\"before_hash\":null", "\"before_hash\":null,\"after_hash\":null"),
        ("\"schema_version\":1", "\"schema_version\":2"),
        ("\"schema_version\":1", "\"schema_version\":1.0"),
        ("\"sequence_number\":1", "\"sequence_number\":01"),
        ("\"sequence_number\":1", "\"sequence_number\":-1"),
        ("\"sequence_number\":1", "\"sequence_number\":9007199254740992"),
        ("\"sequence_number\":1", "\"sequence_number\":"),
        ("Ward", "\\u0057ard"),
        ("Ward", "Wa\\/rd"),
        ("Ward", "Wa\\nrd"),
        ("Ward", "Wa\nrd"),
        ("Ward", "Wa\u{85}rd"),
        ("Ward", &"x".repeat(257)),
        ("Ward", &"\u{fc}".repeat(129)),
        ("\"outcome\"", "\"extra\":1,\"outcome\""),
        ("Z\"", "+00:00\""),
        (".000Z", "Z"),
        ("}", "} "),
        ("example\"}", "example\"},"),
    ] {
        assert!(good.contains(from), "{from}");
        let bad = good.replacen(from, to, 1);
        assert!(EntryView::read(bad.as_bytes()).is_none(), "{to}");
    }
    let upper = good.replacen("\"entry_mac\":\"", "\"entry_mac\":\"A", 1);
    assert!(EntryView::read(upper.as_bytes()).is_none());
    let mut not_utf8 = good.into_bytes();
    let at = not_utf8.windows(4).position(|four| four == b"Ward").unwrap();
    not_utf8[at] = 0xff;
    assert!(EntryView::read(&not_utf8).is_none());
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~]{0,40}", "[\\\\\"a]{0,300}", "\\PC{0,120}"]
}

prop_compose! {
    fn drafts()(
        id in texts(), display in texts(), workstation in texts(), action in texts(), kind in texts(), resource in texts(),
        time in any::<i64>(), outcome in 0usize..5, before in any::<Option<[u8; 32]>>(), after in any::<Option<[u8; 32]>>(),
        correlation in any::<[u8; 16]>(),
    ) -> Draft {
        Draft {
            chain: CHAIN, time: Timestamp(time), user: UserId { id, display }, workstation, action,
            resource_type: kind, resource_id: resource, outcome: Outcome::ALL[outcome],
            before: before.map(ContentMac), after: after.map(ContentMac), correlation: CorrelationId(correlation), context: None,
        }
    }
}

proptest! {
    /// serde_json writes sorted keys without spaces and, as no control character is left, only the escapes that
    /// RFC 8785 asks for: an oracle for the whole form.
    #[test]
    fn the_bytes_are_what_rfc_8785_says(drafts in prop::collection::vec(drafts(), 1..4)) {
        let (entries, _) = link(&mut keys(), CHAIN, ChainHead::EMPTY, &drafts);
        for (entry, draft) in entries.iter().zip(&drafts) {
            let value: serde_json::Value = serde_json::from_slice(&entry.bytes).unwrap();
            prop_assert_eq!(serde_json::to_vec(&value).unwrap(), entry.bytes.clone());
            let view = EntryView::read(&entry.bytes).unwrap();
            prop_assert_eq!(value["user_id"]["display"].as_str().unwrap(), view.user_display());
            prop_assert_eq!(value["user_id"]["id"].as_str().unwrap(), view.user_id());
            prop_assert_eq!(value["resource_id"].as_str().unwrap(), view.resource_id());
            prop_assert_eq!(value["resource_type"].as_str().unwrap(), view.resource_type());
            prop_assert_eq!(value["workstation_id"].as_str().unwrap(), view.workstation_id());
            prop_assert_eq!(value["action"].as_str().unwrap(), view.action());
            prop_assert_eq!(value["utc_timestamp"].as_str().unwrap(), view.utc_timestamp());
            prop_assert_eq!(value["before_hash"].as_str(), view.before_hash());
            prop_assert_eq!(value["after_hash"].as_str(), view.after_hash());
            prop_assert_eq!(value["correlation_id"].as_str().unwrap(), view.correlation_id());
            prop_assert_eq!(value["prior_entry_mac"].as_str().unwrap(), view.prior_entry_mac());
            prop_assert_eq!(value["entry_mac"].as_str().unwrap(), view.entry_mac());
            prop_assert_eq!(value["sequence_number"].as_u64().unwrap(), view.sequence());
            prop_assert_eq!(view.outcome(), draft.outcome.name());
        }
    }

    #[test]
    fn verify_accepts_what_link_made_however_it_was_batched(
        batches in prop::collection::vec(prop::collection::vec(drafts(), 0..4), 0..5), blocks in 1usize..5,
    ) {
        let mut writer = keys();
        let (mut head, mut all) = (ChainHead::EMPTY, vec![]);
        for batch in &batches {
            let (entries, next) = link(&mut writer, CHAIN, head, batch);
            head = next;
            all.extend(lines(&entries));
        }
        let reader = keys();
        let mut verifier = Verifier::new(CHAIN, &reader);
        let mut seen = 0;
        for block in all.chunks(blocks) {
            prop_assert_eq!(verifier.block_with(&block.concat(), |_| seen += 1), Ok(()));
        }
        prop_assert_eq!(seen, all.len());
        prop_assert_eq!(verifier.finish(&head).map(|verified| verified.head), Ok(head));
    }
}
