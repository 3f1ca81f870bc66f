//! OpenID Connect, by oidc-provider.

use crate::PROGRAM;
use std::path::Path;
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, eventually};
use tests::home::Home;
use tests::person::SESSION;
use tests::provider::Provider;

/// A gateway, and a provider that it is connected with.
struct Site {
    gateway: Gateway,
    home: Home,
    origin: String,
    start: String,
    _provider: Provider,
}

impl Site {
    fn new(providers: &Path) -> Self {
        let home = Home::new(PROGRAM);
        let gateway = home.serve();
        let origin = gateway.origin();
        let (provider, connection) = Provider::connected(providers, &home, &gateway);
        home.done(&["connection", "rule", "add", "Hospital", "--if-role", "Staff", "--role", "staff"]);
        home.done(&["connection", "rule", "add", "Hospital", "--if-role", "Provider", "--role", "provider"]);
        let start = format!("{origin}/sign-in/{}/with/{connection}", home.first().id);
        let site = Self { gateway, home, origin, start, _provider: provider };
        eventually("the connection is in force", || Browser::new().get(&site.start).location.is_some());
        eventually("its rules are in force", || site.sign_in(&mut Browser::new(), "alice").status == 200);
        site
    }

    fn host(&self) -> String {
        self.gateway.fhir_address().to_string()
    }

    /// Goes to the provider, signs in there as somebody, and returns the way back before it is taken.
    fn at_provider(&self, browser: &mut Browser, name: &str) -> Page {
        let begun = browser.get(&self.start);
        let form = browser.follow(begun);
        assert_eq!(form.status, 200, "the provider's form: {}", form.body);
        let mut page = browser.post(form.url.as_str(), &[("login", name), ("password", "any")]);
        loop {
            let next = page.location.clone().unwrap_or_else(|| panic!("a way back from {}: {}", page.url, page.body));
            if next.as_str().starts_with(&self.origin) {
                return page;
            }
            page = browser.get(next.as_str());
        }
    }

    fn sign_in(&self, browser: &mut Browser, name: &str) -> Page {
        let back = self.at_provider(browser, name);
        browser.follow(back)
    }

    /// The actions of the tenant's chain with their outcomes.
    fn chain(&self) -> String {
        self.home.done(&["audit", "show", "--tenant", &self.home.first().name])
    }
}

pub(crate) fn a_mapped_person_signs_in_reads_and_signs_out(providers: &Path) {
    let site = Site::new(providers);
    let mut browser = Browser::new();
    let page = site.sign_in(&mut browser, "alice");
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(browser.cookie(&site.host(), SESSION).is_some());
    let account = browser.get(&format!("{}/account", site.origin));
    assert!(account.status == 200 && account.body.contains("Alice Adams"), "{}", account.body);
    let find = browser.get(&format!("{}/patients", site.origin));
    assert_eq!(find.status, 200);
    assert!(site.chain().contains("LoginSucceeded"));

    let kept = browser.cookie(&site.host(), SESSION).unwrap().to_owned();
    let token = account.field("csrf").unwrap();
    let out = browser.post(&format!("{}/sign-out", site.origin), &[("csrf", &token)]);
    assert!(out.status < 400 && browser.cookie(&site.host(), SESSION).is_none(), "{}", out.body);
    browser.set_cookie(&site.host(), SESSION, &kept);
    let after = browser.get(&format!("{}/account", site.origin));
    assert!(after.location.is_some_and(|to| to.path().starts_with("/sign-in")), "the session is over at the server");
    assert!(site.chain().contains("Logout"));
}

pub(crate) fn who_fits_no_rule_or_shows_no_second_factor_gets_none(providers: &Path) {
    let site = Site::new(providers);
    for name in ["dave", "carol"] {
        let mut browser = Browser::new();
        let page = site.sign_in(&mut browser, name);
        assert!((400..500).contains(&page.status), "{name}: {}", page.status);
        assert!(browser.cookie(&site.host(), SESSION).is_none(), "{name}");
    }
    let reasons = site.home.done(&["audit", "show", "--tenant", &site.home.first().name, "--context"]);
    assert!(reasons.contains("unmapped") && reasons.contains("factor-missing"), "{reasons}");
}

pub(crate) fn an_answer_is_good_for_one_browser_and_once(providers: &Path) {
    let site = Site::new(providers);
    let mut browser = Browser::new();
    let back = site.at_provider(&mut browser, "alice");
    let answer = back.location.clone().unwrap();
    let mut other = Browser::new();
    assert!((400..500).contains(&other.get(answer.as_str()).status), "another browser");
    assert!(other.cookie(&site.host(), SESSION).is_none());

    let mut again = Browser::new();
    let back = site.at_provider(&mut again, "alice");
    let answer = back.location.clone().unwrap();
    let first = again.get(answer.as_str());
    assert!((300..400).contains(&first.status), "{}", first.body);
    let session = again.cookie(&site.host(), SESSION).map(str::to_owned);
    let repeated = again.get(answer.as_str());
    assert!(repeated.location.is_some_and(|to| to.path() == "/"), "whoever is signed in goes home");
    assert_eq!(again.cookie(&site.host(), SESSION).map(str::to_owned), session, "and gets no other session");
    again.set_cookie(&site.host(), SESSION, "none");
    assert!((400..500).contains(&again.get(answer.as_str()).status), "the same answer again");
}

pub(crate) fn a_key_of_ours_shows_the_provider_who_we_are(providers: &Path) {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let origin = gateway.origin();
    let unknown = Provider::start(providers, "oidc.mjs", &[("RP", &origin)]);
    let tenant = home.first().name.clone();
    let add = ["connection", "add-oidc", "Hospital", "--tenant", &tenant, "--issuer", &unknown.address, "--json"];
    let more = ["--client-id", "gateway-key", "--client-key", "ES256", "--allow-http-loopback"];
    let added = home.json(&[add.as_slice(), more.as_slice()].concat());
    assert!(!added.to_string().contains("private\""), "the key itself is never shown: {added}");
    home.done(&["connection", "rule", "add", "Hospital", "--if-role", "Provider", "--role", "provider"]);
    let made = home.json(&["connection", "key", "make", "Hospital", "--algorithm", "rs256", "--json"]);
    let [first, second] = [0, 1].map(|at| made["keys"][at]["id"].as_str().unwrap().to_owned());
    assert_eq!((&made["keys"][0]["signs"], &made["keys"][1]["signs"]), (&true.into(), &false.into()), "{made}");
    let connection = added["id"].as_str().unwrap().to_owned();
    assert!(added["addresses"]["redirect"].as_str().unwrap().ends_with(&format!("/auth/oidc/callback/{connection}")));

    // The same provider, now that it can be told where our keys are.
    let port = unknown.port().to_owned();
    drop(unknown);
    let settings = [("RP", origin.as_str()), ("PORT", &port), ("CONNECTION", &connection)];
    let provider = Provider::start(providers, "oidc.mjs", &settings);
    let start = format!("{origin}/sign-in/{}/with/{connection}", home.first().id);
    let site = Site { gateway, home, origin, start, _provider: provider };
    eventually("somebody signs in", || site.sign_in(&mut Browser::new(), "alice").status == 200);
    assert!(site.home.done(&["sso", "test", "Hospital"]).contains("signs by its key"));

    let removed = site.home.run(&["connection", "key", "remove", "Hospital", &first]);
    assert_eq!(removed.code, Some(2), "the key that signs stays: {}", removed.stderr);
    site.home.done(&["connection", "key", "use", "Hospital", &second]);
    site.home.done(&["connection", "key", "remove", "Hospital", &first]);
    let listed = site.home.done(&["connection", "key", "list", "Hospital"]);
    assert!(listed.contains(&second) && !listed.contains(&first) && listed.contains("signs"), "{listed}");
    eventually("the other key signs", || {
        let keys = Browser::new().get(&format!("{}/auth/oidc/keys/{connection}", site.origin)).body;
        keys.contains(&second) && !keys.contains(&first)
    });
    assert_eq!(site.sign_in(&mut Browser::new(), "alice").status, 200);
    let pem = site.home.done(&["connection", "key", "certificate", "Hospital", &second]);
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
}

pub(crate) fn a_session_is_good_for_its_tenant_and_ends_with_its_connection(providers: &Path) {
    let site = Site::new(providers);
    let mut browser = Browser::new();
    site.sign_in(&mut browser, "alice");
    // A connection of one tenant is no way into another.
    let foreign = site.start.replace(&site.home.first().id, &site.home.second().id);
    let refused = Browser::new().get(&foreign);
    assert!((400..500).contains(&refused.status));
    // A session is not a bearer token, and its cookie opens no FHIR.
    let fhir = browser.get(&format!("{}/fhir/Patient", site.origin));
    assert!((400..500).contains(&fhir.status), "{}", fhir.status);

    site.home.done(&["connection", "disable", "Hospital"]);
    let cookie = browser.cookie(&site.host(), SESSION).unwrap().to_owned();
    eventually("the session ends", || {
        let mut same = Browser::new();
        same.set_cookie(&site.host(), SESSION, &cookie);
        same.get(&format!("{}/account", site.origin)).status != 200
    });
}
