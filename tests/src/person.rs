//! A person with an account kept here: from the invitation to a session, as a browser goes.

use crate::browser::{Browser, Page};
use crate::gateway::{Gateway, eventually};
use crate::home::Home;
use crate::message::{PLANTED_BIRTH, PLANTED_MRN};
use std::time::{SystemTime, UNIX_EPOCH};

/// The password of everybody in tests.
pub const PASSWORD: &str = "harbour-otter-lantern-92";

/// The cookie that is a session.
pub const SESSION: &str = "__Host-sealgate";

/// Somebody who has taken up an invitation.
pub struct Person {
    /// Their browser, signed in.
    pub browser: Browser,
    /// The key of their authenticator app, in base 32.
    pub key: String,
}

impl Person {
    /// Takes up an invitation at a gateway: password, authenticator app, session.
    #[must_use]
    pub fn invited(origin: &str, invitation: &str) -> Self {
        let path = invitation.split_once("/invitation/").map(|(_, secret)| format!("/invitation/{secret}"));
        let url = format!("{origin}{}", path.expect("an invitation is an address"));
        let mut browser = Browser::new();
        let page = browser.get(&url);
        let form = [("csrf", csrf(&page)), ("password", PASSWORD.to_owned()), ("again", PASSWORD.to_owned())];
        let taken = post(&mut browser, &url, &form);
        let enrol = browser.follow(taken);
        let key = key_of(&enrol);
        let form = [("csrf", csrf(&enrol)), ("code", code(&key))];
        let codes = post(&mut browser, enrol.url.as_str(), &form);
        assert_eq!(codes.status, 200, "the first code is taken: {}", codes.body);
        Self { browser, key }
    }
}

/// Adds an account in the first tenant and takes up its invitation; returns the browser, signed in, once that is in force.
#[must_use]
pub fn signed_in(home: &Home, gateway: &Gateway, name: &str, role: &str) -> Browser {
    let tenant = home.first().name.clone();
    let added = home.json(&["user", "add", name, "--tenant", &tenant, "--role", role, "--json"]);
    taken_up(&gateway.origin(), added["invitation"].as_str().expect("an invitation"))
}

/// Takes up an invitation as soon as the account is in force; returns the browser, signed in, once that is in force.
#[must_use]
pub fn taken_up(origin: &str, invitation: &str) -> Browser {
    let (_, secret) = invitation.split_once("/invitation/").expect("an invitation is an address");
    let opens = || Browser::new().get(&format!("{origin}/invitation/{secret}")).status == 200;
    eventually("the account is in force", opens);
    let mut browser = Person::invited(origin, invitation).browser;
    eventually("the session is in force", || browser.get(&format!("{origin}/account")).status == 200);
    browser
}

/// Breaks the glass for the patient of every message, in these words; returns the patient's id.
pub fn break_glass(browser: &mut Browser, origin: &str, words: &str) -> String {
    let form = format!("{origin}/break-glass");
    let page = browser.get(&form);
    let csrf = csrf(&page);
    let fields = [
        ("csrf", csrf.as_str()),
        ("identifier", PLANTED_MRN),
        ("born", PLANTED_BIRTH),
        ("reason", "ETREAT"),
        ("words", words),
    ];
    let opened = browser.post(&form, &fields);
    let patient = opened.location.as_ref().and_then(|to| to.path().strip_prefix("/patients/"));
    patient.unwrap_or_else(|| panic!("a patient: {}", opened.body)).to_owned()
}

/// Returns the hidden field that every form of ours has.
#[must_use]
pub fn csrf(page: &Page) -> String {
    page.field("csrf").unwrap_or_else(|| panic!("a form at {}: {} {}", page.url, page.status, page.body))
}

/// Returns the code that an authenticator app shows now (RFC 6238).
#[must_use]
pub fn code(key: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(key).expect("a key in base 32");
    let app = totp_rs::Builder::new().with_secret(secret).build().expect("an authenticator app");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the time");
    app.generate(now.as_secs()).to_string()
}

fn key_of(page: &Page) -> String {
    let shown = page.body.split("id=\"key\"").nth(1).and_then(|rest| rest.split(['>', '<']).nth(1));
    let shown = shown.unwrap_or_else(|| panic!("a key at {}: {} {}", page.url, page.status, page.body));
    shown.split_whitespace().collect()
}

fn post(browser: &mut Browser, url: &str, form: &[(&str, String)]) -> Page {
    let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post(url, &form)
}
