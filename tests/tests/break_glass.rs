//! Emergency access from outside: the alarm within its time, also after a power cut, and the review by command.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tests::browser::Browser;
use tests::gateway::{Gateway, PATIENCE, eventually, pause};
use tests::home::{Home, write_private};
use tests::message::{Oru, PLANTED_BIRTH, PLANTED_FAMILY, PLANTED_MRN};
use tests::person::{break_glass, signed_in};
use tests::receiving::{Receiving, Told};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
const KEY: &[u8] = b"a key of more than thirty-two bytes";
/// How soon somebody is told.
const SOON: Duration = Duration::from_secs(5);

/// The next alarm, its signature checked, and when it came.
fn next(receiving: &Receiving) -> (Value, Instant) {
    let Told { signature, body, at } = receiving.told.recv_timeout(PATIENCE).expect("an alarm");
    let (time, mac) = signature.split_once(",v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let mut expected = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    expected.update(format!("{time}.{body}").as_bytes());
    let hex = expected.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    });
    assert_eq!(mac, hex);
    (serde_json::from_str(&body).unwrap(), at)
}

fn site(receiving: &Receiving) -> Home {
    let home = Home::new(PROGRAM);
    write_private(&home.path("webhook-key"), KEY);
    let path = home.path("sealgate.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let settings = format!(
        "[sign_on]\nbreak_glass_webhook = \"{}\"\nbreak_glass_webhook_key_file = \"webhook-key\"\n",
        receiving.address
    );
    std::fs::write(&path, text.replace("[sign_on]\n", &settings)).unwrap();
    home
}

/// Breaks the glass for the patient of the first message.
fn smash(gateway: &Gateway, browser: &mut Browser) -> Instant {
    let at = Instant::now();
    break_glass(browser, &gateway.origin(), "unconscious in the emergency room");
    at
}

fn actions(home: &Home) -> Vec<String> {
    let shown = home.done(&["audit", "show", "--tenant", &home.first().name, "--limit", "500", "--json"]);
    let entry = |line: &str| serde_json::from_str::<Value>(line).unwrap()["action"].as_str().unwrap().to_owned();
    shown.lines().map(entry).collect()
}

#[test]
fn somebody_is_told_within_five_seconds_and_a_reviewer_judges_it() {
    let receiving = Receiving::start(true);
    let home = site(&receiving);
    let gateway = home.serve();
    gateway.mllp().exchange(&Oru::new("m1", "F1", 2).render()).unwrap();
    let mut ada = signed_in(&home, &gateway, "ada", "provider");
    let broken = smash(&gateway, &mut ada);
    let (alarm, told) = next(&receiving);
    let took = told.duration_since(broken);
    assert!(took <= SOON, "told after {took:?}");
    assert_eq!((alarm["event"].as_str(), alarm["reason"].as_str()), (Some("break-glass"), Some("ETREAT")));
    assert_eq!(alarm["tenant"].as_str(), Some(home.first().id.as_str()));
    assert_eq!(alarm["person"]["display"].as_str(), Some("ada"));
    let text = alarm.to_string();
    for never in [PLANTED_MRN, PLANTED_FAMILY, PLANTED_BIRTH, "unconscious"] {
        assert!(!text.contains(never), "{text}");
    }
    let line = gateway.log().lines().find(|line| line.contains("glass broken")).unwrap().to_owned();
    assert!(line.contains("\"WARN\"") && line.contains(alarm["review"].as_str().unwrap()), "{line}");
    eventually("the telling is in the chain", || actions(&home).iter().any(|action| action == "BreakGlassAlerted"));

    // The gateway counts now and then; it is asked until it has.
    eventually("monitoring sees it", || {
        gateway.operations().get("/metrics").body.contains("sealgate_break_glass_reviews_open 1")
    });
    let tenant = home.first().name.clone();
    let status = home.json(&["status", "--json"]);
    let counted = status["reviews"].as_array().unwrap().iter().find(|one| one["name"] == tenant.as_str()).unwrap();
    assert_eq!((counted["open"].as_u64(), counted["overdue"].as_u64()), (Some(1), Some(0)));
    let listed = home.json(&["review", "list", "--tenant", &tenant, "--json"]);
    assert_eq!(listed[0]["id"], alarm["review"]);
    let id = alarm["review"].as_str().unwrap();
    let shown = home.json(&["review", "show", id, "--tenant", &tenant, "--json"]);
    assert_eq!(shown["words"].as_str(), Some("unconscious in the emergency room"));
    let refused = home.run(&["review", "close", id, "--tenant", &tenant, "--verdict", "not-justified"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("note"), "{}", refused.stderr);
    home.done(&["review", "close", id, "--tenant", &tenant, "--verdict", "justified"]);
    assert_eq!(home.json(&["review", "list", "--tenant", &tenant, "--json"]), serde_json::json!([]));
    let again = home.run(&["review", "close", id, "--tenant", &tenant, "--verdict", "justified"]);
    assert_eq!(again.code, Some(1), "{}", again.stderr);
    let other = home.run(&["review", "show", id, "--tenant", &home.second().name]);
    assert_eq!(other.code, Some(1), "a review stays in its tenant: {}", other.stdout);
    assert!(gateway.terminate().code == Some(0));
    home.done(&["audit", "verify", "--records"]);
}

#[test]
fn an_alarm_outlives_a_gateway_that_is_killed() {
    let receiving = Receiving::start(false);
    let home = site(&receiving);
    let gateway = home.serve();
    gateway.mllp().exchange(&Oru::new("m1", "F1", 2).render()).unwrap();
    let mut ada = signed_in(&home, &gateway, "ada", "provider");
    smash(&gateway, &mut ada);
    gateway.kill();
    receiving.open.store(true, Ordering::SeqCst);
    let gateway = home.serve();
    let started = Instant::now();
    let (alarm, told) = next(&receiving);
    // At most one attempt was under way, and the next follows it after two seconds.
    assert!(told.duration_since(started) <= SOON + Duration::from_secs(2));
    let tenant = home.first().name.clone();
    assert_eq!(home.json(&["review", "list", "--tenant", &tenant, "--json"])[0]["id"], alarm["review"]);
    eventually("the telling is in the chain", || actions(&home).iter().any(|action| action == "BreakGlassAlerted"));
    pause(Duration::from_secs(3));
    assert!(receiving.told.try_recv().is_err(), "what was accepted is not sent again");
    drop(gateway);
}

#[test]
fn settings_of_the_webhook_that_do_not_fit_are_refused() {
    let receiving = Receiving::start(true);
    let home = site(&receiving);
    let path = home.path("sealgate.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    let broken = [
        good.replace("break_glass_webhook_key_file = \"webhook-key\"\n", ""),
        good.replace(&receiving.address, "http://alarms.example/"),
        good.replace(&receiving.address, "https://name:password@alarms.example/"),
        good.replace("\"webhook-key\"", "\"absent\""),
    ];
    for text in broken {
        std::fs::write(&path, text).unwrap();
        let checked = home.run(&["check-config"]);
        assert_eq!(checked.code, Some(78), "{}", checked.stderr);
    }
    std::fs::write(&path, &good).unwrap();
    assert_eq!(home.run(&["check-config"]).code, Some(0));
    write_private(&home.path("webhook-key"), b"short");
    assert_eq!(home.run(&["check-config"]).code, Some(78));
}
