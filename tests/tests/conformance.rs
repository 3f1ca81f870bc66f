//! Puts the conformance tool, which knows nothing of the product, to the real gateway.
#![expect(clippy::print_stdout, reason = "the closing line of each suite is what a reader looks for")]
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use conformance::case::{self, Case, Selection};
use conformance::report::{self, Report};
use conformance::{fhir, mllp, sso};
use std::time::Duration;
use tests::gateway::Gateway;
use tests::home::{Home, MAIN};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// The beginning of every control id: each installation is new, so it may be the same in every run.
const RUN: &str = "CONF";

fn started() -> (Home, Gateway) {
    let home = Home::new(PROGRAM);
    // Short enough that cases about deadlines end, long enough for everything that is slow on purpose.
    let text = std::fs::read_to_string(home.path("sealgate.toml")).expect("the configuration");
    let text = text.replace("name = \"main\"\n", "name = \"main\"\nframe_timeout_seconds = 5\n");
    std::fs::write(home.path("sealgate.toml"), text).expect("the configuration");
    let gateway = home.serve();
    (home, gateway)
}

fn sender(gateway: &Gateway) -> mllp::Options {
    mllp::Options { quiet: Duration::from_millis(400), ..mllp::Options::plain(gateway.listener(MAIN).to_string(), RUN) }
}

/// Runs every case but those of features that are not claimed; a failure is shown with its evidence.
fn conforms<B: Sync>(suite: &'static str, target: String, cases: &[Case<B>], bench: &B, without: &[&str]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let without = without.iter().map(|feature| (*feature).to_owned()).collect();
    let selection = Selection { without, ..Selection::default() };
    let findings = runtime.block_on(case::run(cases, bench, &selection, &mut |_| {}));
    let report = Report { suite, target, options: String::new(), findings };
    print!("{}", report::closing(&report));
    let unclean = report
        .findings
        .iter()
        .filter(|finding| matches!(finding.verdict, case::Verdict::Fail(_) | case::Verdict::Error(_)));
    let unclean: String = unclean.map(|finding| report::line(&report, finding)).collect();
    assert!(report.totals().is_clean(), "{unclean}");
    assert!(report.totals().pass > 20, "cases were run");
}

#[test]
fn the_listener_conforms_to_mllp_and_hl7() {
    let (_home, gateway) = started();
    let options = sender(&gateway);
    let target = options.address.clone();
    conforms("mllp", target, &mllp::cases(), &mllp::Bench::new(options), &["enhanced-ack"]);
}

#[test]
fn the_server_conforms_to_fhir_and_us_core() {
    let (home, gateway) = started();
    let base = format!("http://{}/fhir", gateway.fhir_address());
    let options = fhir::Options {
        token: Some(fhir::Token::new(&home.first().token)),
        seed: Some(sender(&gateway)),
        ..fhir::Options::plain(base.clone())
    };
    let bench = fhir::Bench::new(options).expect("a bench");
    // A total is told where it is asked for (`_total=accurate`) or known without counting; the feature means always.
    conforms("fhir", base, &fhir::cases(), &bench, &["total"]);
}

#[test]
fn sign_on_conforms_as_seen_from_outside() {
    let (_home, gateway) = started();
    let base = format!("http://{}/fhir", gateway.fhir_address());
    let bench = fhir::Bench::new(fhir::Options::plain(base.clone())).expect("a bench");
    conforms("sso", base, &sso::cases(), &bench, &[]);
}
