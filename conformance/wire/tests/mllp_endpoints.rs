//! The MLLP suite against small endpoints: it passes the correct one and finds what is wrong with each of the others.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod endpoint;

use conformance::case::{Finding, Selection, Verdict, run};
use conformance::mllp::{Bench, Options, cases};
use endpoint::{Manner, serve};
use std::collections::BTreeSet;
use std::time::Duration;

async fn findings(manner: Manner, only: &[&str]) -> Vec<Finding> {
    let mut options = Options::plain(serve(manner).await, "SGTEST");
    options.timeout =
        Duration::from_millis(if matches!(manner, Manner::NeverAnswers | Manner::MergesFrames) { 300 } else { 5_000 });
    options.quiet = Duration::from_millis(60);
    let selection = Selection {
        only: only.iter().map(|id| (*id).to_owned()).collect(),
        without: BTreeSet::from(["enhanced-ack".to_owned()]),
        ..Selection::default()
    };
    run(&cases(), &Bench::new(options), &selection, &mut |_| {}).await
}

async fn failed(manner: Manner, only: &[&str]) -> Vec<&'static str> {
    findings(manner, only)
        .await
        .into_iter()
        .filter(|finding| matches!(finding.verdict, Verdict::Fail(_)))
        .map(|finding| finding.id)
        .collect()
}

#[tokio::test]
async fn a_correct_endpoint_fails_nothing() {
    let findings = findings(Manner::Correct, &[]).await;
    let wrong: Vec<_> = findings
        .iter()
        .filter(|finding| !matches!(finding.verdict, Verdict::Pass | Verdict::Skip(_)))
        .map(|finding| format!("{} {:?}", finding.id, finding.verdict))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let skipped: Vec<_> = findings
        .iter()
        .filter(|finding| matches!(finding.verdict, Verdict::Skip(_)))
        .map(|finding| finding.id)
        .collect();
    assert!(skipped.iter().all(|id| id.starts_with("ENH")), "{skipped:?}");
    assert!(findings.len() > 100, "{} cases", findings.len());
}

#[tokio::test]
async fn merged_frames_are_found() {
    let failed = failed(Manner::MergesFrames, &["MLLP-02", "FRAME-02", "ACK-01"]).await;
    assert_eq!(failed, ["MLLP-02", "FRAME-02"]);
}

#[tokio::test]
async fn a_changed_control_id_is_found() {
    assert_eq!(failed(Manner::FoldsControlId, &["ACK-01", "ACK-02"]).await, ["ACK-02"]);
}

#[tokio::test]
async fn a_patients_name_in_an_acknowledgement_is_found() {
    assert_eq!(failed(Manner::NamesThePatient, &["ACK-01", "ACK-16"]).await, ["ACK-16"]);
}

#[tokio::test]
async fn silence_is_found() {
    let failed = failed(Manner::NeverAnswers, &["ACK-01", "MLLP-01", "FRAME-01", "VER-251"]).await;
    assert_eq!(failed, ["MLLP-01", "FRAME-01", "ACK-01", "VER-251"]);
}

#[tokio::test]
async fn a_second_reply_is_found() {
    let failed = failed(Manner::AnswersTwice, &["ACK-14", "FRAME-01"]).await;
    assert_eq!(failed, ["FRAME-01", "ACK-14"]);
}

#[tokio::test]
async fn a_reply_to_an_acknowledgement_is_found() {
    let failed = failed(Manner::AnswersAcknowledgements, &["ACK-13", "FRAME-37", "ACK-01"]).await;
    assert_eq!(failed, ["FRAME-37", "ACK-13"]);
}

#[tokio::test]
async fn accepting_what_must_be_refused_is_found() {
    let failed = failed(Manner::AcceptsAnything, &["ERR-01", "ERR-02", "ERR-03", "ERR-04", "ERR-08", "FRAME-28"]).await;
    assert_eq!(failed, ["FRAME-28", "ERR-01", "ERR-02", "ERR-03", "ERR-04", "ERR-08"]);
}

#[tokio::test]
async fn lost_components_of_sender_and_receiver_are_found() {
    assert_eq!(failed(Manner::DropsAuthorities, &["ACK-03", "ACK-04"]).await, ["ACK-04"]);
}

#[tokio::test]
async fn a_foreign_version_and_foreign_delimiters_are_found() {
    let failed = failed(Manner::SpeaksOneVersion, &["ACK-06", "ACK-08", "VER-24", "VER-251"]).await;
    assert_eq!(failed, ["ACK-06", "ACK-08", "VER-251"]);
}

#[tokio::test]
async fn a_reply_in_two_pieces_is_found() {
    assert_eq!(failed(Manner::WritesTwice, &["MLLP-01", "MLLP-07"]).await, ["MLLP-07"]);
}

#[tokio::test]
async fn a_connection_closed_too_early_is_found() {
    assert_eq!(failed(Manner::ClosesAfterOne, &["MLLP-08", "ACK-01"]).await, ["MLLP-08"]);
}

#[tokio::test]
async fn an_endpoint_that_dies_is_an_error_and_not_a_pass() {
    let findings = findings(Manner::DiesOnJunk, &["FRAME-28"]).await;
    assert!(matches!(findings[0].verdict, Verdict::Error(_)), "{:?}", findings[0].verdict);
}

#[tokio::test]
async fn a_failure_carries_its_evidence() {
    let findings = findings(Manner::DropsAuthorities, &["ACK-04"]).await;
    let Verdict::Fail(evidence) = &findings[0].verdict else { panic!("{:?}", findings[0].verdict) };
    assert!(evidence.expected.starts_with("MSH-3 RECEIVER^2.16"), "{}", evidence.expected);
    assert!(evidence.sent.starts_with("<VT>MSH|^~\\&|CONFORMANCE^"), "{}", evidence.sent);
    assert!(evidence.received.starts_with("<VT>MSH|^~\\&|RECEIVER|"), "{}", evidence.received);
    assert!(evidence.reproduce.starts_with("printf '\\013MSH|"), "{}", evidence.reproduce);
    assert!(evidence.reproduce.contains("| nc -w 5 127.0.0.1 "), "{}", evidence.reproduce);
}

#[tokio::test]
async fn the_testers_sender_is_used_in_messages_and_raw_frames() {
    let mut options = Options::plain(serve(Manner::Correct).await, "SGTEST");
    options.quiet = Duration::from_millis(60);
    options.sending_application = Some("LAB7".into());
    options.sending_facility = Some("EAST".into());
    // An endpoint that drops components makes the case show what was sent.
    options.address = serve(Manner::DropsAuthorities).await;
    let selection = Selection { only: vec!["ACK-04".into(), "FRAME-02".into()], ..Selection::default() };
    let findings = run(&cases(), &Bench::new(options), &selection, &mut |_| {}).await;
    assert_eq!(findings[0].verdict, Verdict::Pass);
    let Verdict::Fail(evidence) = &findings[1].verdict else { panic!("{:?}", findings[1].verdict) };
    assert!(evidence.sent.contains("|LAB7|EAST|RECEIVER^"), "{}", evidence.sent);
}

#[test]
fn ids_are_unique_in_the_whole_tool() {
    let mllp = cases().into_iter().map(|case| case.id).collect::<Vec<_>>();
    let fhir = conformance::fhir::cases().into_iter().map(|case| case.id).collect::<Vec<_>>();
    let distinct: BTreeSet<_> = mllp.iter().chain(&fhir).collect();
    assert_eq!(distinct.len(), mllp.len() + fhir.len());
}

#[test]
fn every_feature_a_case_names_is_known_and_every_known_one_is_used() {
    let mllp: BTreeSet<_> = cases().iter().filter_map(|case| case.feature).collect();
    let known: BTreeSet<_> = conformance::mllp::FEATURES.iter().map(|(name, _)| *name).collect();
    assert_eq!(mllp, known);
    let fhir: BTreeSet<_> = conformance::fhir::cases().iter().filter_map(|case| case.feature).collect();
    let known: BTreeSet<_> = conformance::fhir::FEATURES.iter().map(|(name, _)| *name).collect();
    assert_eq!(fhir, known);
}
