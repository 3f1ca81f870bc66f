//! A flood of wrong passwords: it is turned away, memory stays bounded, and who is honest gets in and reads on.
//!
//! How fast others are served meanwhile is measured, not asserted: `cargo bench -p tests --bench flood`.

use std::time::Duration;
use tests::flood::{Flood, read, watching};
use tests::home::Home;
use tests::message::Oru;
use tests::mllp::code;
use tests::person::{PASSWORD, Person, SESSION, csrf};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// Sign-ins a second.
const RATE: u32 = 200;
/// How much more memory a gateway may hold in a flood, in kilobytes: the pool of password hashes (64 MiB each) and what waits for it.
const GROWTH: u64 = 400 * 1_024;

#[test]
fn a_flood_of_wrong_passwords_is_turned_away_and_the_honest_get_in() {
    let home = Home::new(PROGRAM);
    let party = home.first().clone();
    let add = ["user", "add", "ada", "--tenant", &party.name, "--role", "provider", "--json"];
    let invitation = home.json(&add)["invitation"].as_str().unwrap().to_owned();
    let gateway = home.serve();
    assert_eq!(code(&gateway.mllp().exchange(&Oru::new("FLOOD", "ORD1", 2).render()).unwrap()), "AA");
    let report = gateway.fhir(&party).get("/DiagnosticReport").resources().remove(0);
    let path = format!("/DiagnosticReport/{}", report["id"].as_str().unwrap());
    let origin = gateway.origin();
    let mut ada = Person::invited(&origin, &invitation);

    let before = gateway.kilobytes("VmRSS");
    let (counts, most) = watching(&gateway, || {
        let flood = Flood::begin(&gateway, &party, "ada", RATE);
        // Every one of these is answered.
        assert_eq!(read(&gateway, &party, &path, 20, Duration::from_secs(4)).len(), 80);
        flood.end()
    });
    let answered = |status: u16| counts.answers.get(&status).copied().unwrap_or_default();
    // Those who guess too often, and those for whom there is no room, in both cases without a look at the password.
    assert!(
        answered(429) > 0 && (answered(429) + answered(503)) * 2 > counts.sent,
        "most are turned away unheard: {counts:?}"
    );
    let others: u64 =
        counts.answers.iter().filter(|(status, _)| ![401, 429, 503].contains(*status)).map(|(_, count)| count).sum();
    assert!(others * 50 < counts.sent, "nothing else is answered: {counts:?}");
    assert!(most < before + GROWTH, "memory is bounded: {before} and {most} KiB");

    // She comes from the browser that she used before; strangers' guesses do not lock her out.
    ada.browser.set_cookie(&gateway.fhir_address().to_string(), SESSION, "over");
    let page = ada.browser.get(&format!("{origin}/sign-in/{}", party.id));
    let form = [("csrf", csrf(&page)), ("name", "ada".to_owned()), ("password", PASSWORD.to_owned())];
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = ada.browser.post(&format!("{origin}/sign-in/{}/password", party.id), &form);
    assert!(answer.location.is_some_and(|to| to.path().ends_with("/code")), "{} {}", answer.status, answer.body);
}
