//! SAML by pysaml2, which is another implementation of it altogether.

use crate::saml::{connected, home_with_keys};
use std::path::Path;
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, eventually};
use tests::home::{Home, write_private};
use tests::person::SESSION;
use tests::provider::Provider;

/// A gateway connected with pysaml2, which is another implementation of SAML altogether.
struct Site {
    gateway: Gateway,
    home: Home,
    origin: String,
    start: String,
    /// The settings with which the provider starts but for what it signs and encrypts.
    settings: Vec<(&'static str, String)>,
}

impl Site {
    fn new(providers: &Path) -> Self {
        let home = home_with_keys();
        let (gateway, at) = (home.serve(), |name: &str| home.path(name).display().to_string());
        let origin = gateway.origin();
        let mut settings = vec![("KEYS", at("idp"))];
        let provider = Provider::start(providers, "pysaml2_idp.py", &pairs(&settings));
        settings.push(("PORT", provider.port().to_owned()));
        let read = ["--display-attribute", "urn:oid:2.16.840.1.113730.3.1.241", "--groups-attribute", "groups"];
        let token = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
        let connection = connected(&home, provider, &[read.as_slice(), &["--second-factor-context", token]].concat());
        let start = format!("{origin}/sign-in/{}/with/{connection}", home.first().id);
        eventually("the connection is in force", || Browser::new().get(&start).location.is_some());
        let ours = Browser::new().get(&format!("{origin}/auth/saml/{connection}/metadata"));
        assert_eq!(ours.status, 200, "{}", ours.body);
        write_private(&home.path("sp.xml"), ours.body.as_bytes());
        settings.push(("SP", at("sp.xml")));
        Self { gateway, home, origin, start, settings }
    }

    /// Starts the provider; it signs and encrypts as it is told.
    fn provider(&self, providers: &Path, sign: &str, encrypt: &str) -> Provider {
        let settings = [pairs(&self.settings).as_slice(), &[("SIGN", sign), ("ENCRYPT", encrypt)]].concat();
        Provider::start(providers, "pysaml2_idp.py", &settings)
    }

    /// The whole way: to the provider, and back with its form.
    fn sign_in(&self, browser: &mut Browser, name: &str) -> Page {
        let begun = browser.get(&self.start).location.unwrap();
        let form = browser.get(&format!("{begun}&user={name}"));
        assert_eq!(form.status, 200, "the provider takes our signed request: {}", form.body);
        let (response, relay) = (form.field("SAMLResponse").unwrap(), form.field("RelayState").unwrap());
        let action = form.body.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        assert!(action.starts_with(&self.origin), "{action}");
        let page = browser.post(action, &[("SAMLResponse", &response), ("RelayState", &relay)]);
        browser.follow(page)
    }

    fn is_signed_in(&self, browser: &mut Browser) -> bool {
        browser.get(&format!("{}/account", self.origin)).status == 200
    }

    fn chain(&self) -> String {
        self.home.done(&["audit", "show", "--tenant", &self.home.first().name, "--context"])
    }
}

fn pairs<'a>(settings: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

pub(crate) fn signs_in(providers: &Path) {
    let site = Site::new(providers);
    for (sign, encrypt) in [("assertion", "0"), ("response", "0"), ("both", "0"), ("assertion", "1"), ("both", "1")] {
        let _provider = site.provider(providers, sign, encrypt);
        eventually("the rule is in force", || site.sign_in(&mut Browser::new(), "alice").status == 200);
        let mut browser = Browser::new();
        let page = site.sign_in(&mut browser, "alice");
        assert_eq!(page.status, 200, "signed {sign}, encrypted {encrypt}: {}", site.chain());
        let account = browser.get(&format!("{}/account", site.origin));
        assert!(account.body.contains("Alice Adams"), "signed {sign}, encrypted {encrypt}: {}", account.body);
        let mut browser = Browser::new();
        let page = site.sign_in(&mut browser, "bob");
        assert!((400..500).contains(&page.status), "{}", page.status);
        assert!(browser.cookie(&site.gateway.fhir_address().to_string(), SESSION).is_none());
    }
    assert!(site.chain().contains("unmapped"));
}

pub(crate) fn is_told_of_signing_out(providers: &Path) {
    let site = Site::new(providers);
    let provider = site.provider(providers, "both", "1");
    let mut browser = Browser::new();
    eventually("somebody is signed in", || site.sign_in(&mut browser, "alice").status == 200);
    let token = browser.get(&format!("{}/account", site.origin)).field("csrf").unwrap();
    let out = browser.post(&format!("{}/sign-out", site.origin), &[("csrf", &token)]);
    let there = format!("href=\"{}/slo", provider.address);
    let rest = out.body.split(&there).nth(1).and_then(|rest| rest.split('"').next());
    let rest = rest.unwrap_or_else(|| panic!("a step to the provider: {}", out.body));
    let step = format!("{}/slo{}", provider.address, rest.replace("&#38;", "&").replace("&amp;", "&"));
    let answered = browser.get(&step);
    assert!(
        answered.location.is_some(),
        "the provider takes our signed request: {} {}",
        answered.status,
        answered.body
    );
    let end = browser.follow(answered);
    assert!(end.status == 200 && end.url.path() == "/signed-out", "{} {}", end.url, end.body);
    assert!(!site.is_signed_in(&mut browser));
}

pub(crate) fn tells_of_signing_out(providers: &Path) {
    let site = Site::new(providers);
    let provider = site.provider(providers, "both", "0");
    let mut browser = Browser::new();
    eventually("somebody is signed in", || site.sign_in(&mut browser, "alice").status == 200);
    assert!(site.is_signed_in(&mut browser));
    let begun = browser.get(&format!("{}/logout?user=alice", provider.address));
    let asked = begun.location.clone().unwrap_or_else(|| panic!("a request: {}", begun.body));
    let end = browser.follow(begun);
    assert!(end.body.contains("signed out everywhere"), "our signed answer is taken: {} {}", end.url, end.body);
    assert!(!site.is_signed_in(&mut browser));
    let again = browser.get(asked.as_str());
    assert!((400..500).contains(&again.status), "a request is good once: {}", again.status);
}
