//! SAML by samlp, and what a site needs for SAML by any provider.

use crate::PROGRAM;
use std::path::Path;
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, eventually};
use tests::home::{Home, write_private};
use tests::person::SESSION;
use tests::provider::Provider;

/// An installation with keys for SAML, and in `idp` others for a provider.
pub(crate) fn home_with_keys() -> Home {
    let home = Home::new(PROGRAM);
    let at = |name: &str| home.path(name).display().to_string();
    let made = home.done(&["sso", "keys", "--folder", &at("saml")]);
    home.configure(false, made.split_once("\n\n").unwrap().1);
    home.done(&["sso", "keys", "--folder", &at("idp"), "--name", "idp.example"]);
    for end in ["key", "crt"] {
        std::fs::copy(home.path(&format!("idp/saml-signing.{end}")), home.path(&format!("idp/idp.{end}"))).unwrap();
    }
    home
}

/// Connects the first tenant, by command and as `Hospital`, with a provider that ends once it has told its metadata; Alice is a
/// provider of care there. Returns the connection's id.
pub(crate) fn connected(home: &Home, provider: Provider, settings: &[&str]) -> String {
    let metadata = Browser::new().get(&format!("{}/metadata", provider.address)).body;
    drop(provider);
    let file = home.path("idp.xml");
    write_private(&file, metadata.as_bytes());
    let (file, tenant) = (file.display().to_string(), home.first().name.clone());
    let add = ["connection", "add-saml", "Hospital", "--tenant", &tenant, "--metadata-file", &file, "--json"];
    let added = home.json(&[add.as_slice(), settings].concat());
    home.done(&["connection", "rule", "add", "Hospital", "--if-group", "alices-group", "--role", "provider"]);
    added["id"].as_str().unwrap_or_else(|| panic!("an id: {added}")).to_owned()
}

/// The names of samlp for what it says of people.
const NAME_ID: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
const DISPLAY: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const GROUPS: &str = "http://schemas.passportjs.com/groups";
/// What samlp says of how it authenticated; this site takes it for two factors.
const CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

/// A gateway, and a SAML provider that it is connected with.
struct Site {
    gateway: Gateway,
    _home: Home,
    origin: String,
    start: String,
    _provider: Provider,
}

impl Site {
    fn new(providers: &Path) -> Self {
        let home = home_with_keys();
        let (gateway, keys) = (home.serve(), home.path("idp").display().to_string());
        let origin = gateway.origin();
        // Its metadata first; where responses go it is told when the connection has an id.
        let provider = Provider::start(providers, "saml.cjs", &[("KEYS", &keys)]);
        let port = provider.port().to_owned();
        let read = ["--subject-attribute", NAME_ID, "--display-attribute", DISPLAY, "--groups-attribute", GROUPS];
        let connection = connected(&home, provider, &[read.as_slice(), &["--second-factor-context", CONTEXT]].concat());
        let (acs, audience) =
            (format!("{origin}/auth/saml/{connection}/acs"), format!("{origin}/auth/saml/{connection}/metadata"));
        let settings = [("KEYS", keys.as_str()), ("PORT", &port), ("ACS", &acs), ("AUD", &audience)];
        let provider = Provider::start(providers, "saml.cjs", &settings);
        let start = format!("{origin}/sign-in/{}/with/{connection}", home.first().id);
        let site = Self { gateway, _home: home, origin, start, _provider: provider };
        eventually("the connection is in force", || Browser::new().get(&site.start).location.is_some());
        eventually("its rule is in force", || {
            let mut browser = Browser::new();
            let form = site.at_provider(&mut browser, "alice");
            site.take_back(&mut browser, &form).status < 400
        });
        site
    }

    /// Goes to the provider and returns its page: a form that a browser posts back by itself.
    fn at_provider(&self, browser: &mut Browser, name: &str) -> Page {
        let begun = browser.get(&self.start).location.unwrap();
        let page = browser.get(&format!("{begun}&user={name}"));
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// Posts the form back, from the provider's site as browsers do.
    fn take_back(&self, browser: &mut Browser, form: &Page) -> Page {
        let acs = self.acs(form);
        let (response, relay) = (form.field("SAMLResponse").unwrap(), form.field("RelayState").unwrap_or_default());
        let page = browser.post(&acs, &[("SAMLResponse", &response), ("RelayState", &relay)]);
        browser.follow(page)
    }

    fn acs(&self, form: &Page) -> String {
        let action = form.body.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let action = action.replace("&#x2F;", "/").replace("&amp;", "&");
        assert!(action.starts_with(&self.origin), "{action}");
        action
    }
}

pub(crate) fn signs_in(providers: &Path) {
    let site = Site::new(providers);
    let host = site.gateway.fhir_address().to_string();
    let mut browser = Browser::new();
    let form = site.at_provider(&mut browser, "alice");
    let page = site.take_back(&mut browser, &form);
    assert_eq!(page.status, 200, "{}", page.body);
    let account = browser.get(&format!("{}/account", site.origin));
    assert!(account.body.contains("Alice Adams"), "{}", account.body);

    // The same response again, from the same browser and from another.
    for mut browser in [browser, Browser::new()] {
        let before = browser.cookie(&host, SESSION).map(str::to_owned);
        let again = site.take_back(&mut browser, &form);
        assert!((400..500).contains(&again.status), "{}", again.status);
        assert_eq!(browser.cookie(&host, SESSION).map(str::to_owned), before, "no new session");
    }
}

pub(crate) fn refuses_the_unmapped(providers: &Path) {
    let site = Site::new(providers);
    let mut browser = Browser::new();
    let form = site.at_provider(&mut browser, "bob");
    let page = site.take_back(&mut browser, &form);
    assert!((400..500).contains(&page.status), "{}", page.status);
    assert!(browser.cookie(&site.gateway.fhir_address().to_string(), SESSION).is_none());
}
