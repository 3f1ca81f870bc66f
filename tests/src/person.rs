//! A person with an account kept here: from the invitation to a session, as a browser goes.

use crate::browser::{Browser, Page};
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
