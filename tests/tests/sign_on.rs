//! People sign in by real identity providers, OpenID Connect and SAML: the whole way of a browser, and what must not work.
//!
//! Runs where `TEST_PROVIDERS` says that the providers are (`tests/providers/run` fetches them); otherwise shows as ignored.
//! `REQUIRE_PROVIDERS=1` turns that into failures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use libtest_mimic::{Arguments, Trial};
use std::path::Path;
use std::process::ExitCode;
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, eventually};
use tests::home::{Home, write_private};
use tests::provider::{self, Provider};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
const SECRET: &str = "gateway-secret-of-tests-0123456789abcdef";
const COOKIE: &str = "__Host-sealgate";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = |name: &'static str, test: fn(&Path)| match provider::folder() {
        Some(folder) => Trial::test(name, move || {
            test(&folder);
            Ok(())
        }),
        None if provider::required() => {
            Trial::test(name, || Err("REQUIRE_PROVIDERS=1 but TEST_PROVIDERS is not set".into()))
        }
        None => Trial::test(format!("{name} (ignored: TEST_PROVIDERS is not set; see tests/providers/run)"), || Ok(()))
            .with_ignored_flag(true),
    };
    let trials = vec![
        trial("a_mapped_person_signs_in_reads_and_signs_out", a_mapped_person_signs_in_reads_and_signs_out),
        trial(
            "who_fits_no_rule_or_shows_no_second_factor_gets_none",
            who_fits_no_rule_or_shows_no_second_factor_gets_none,
        ),
        trial("an_answer_is_good_for_one_browser_and_once", an_answer_is_good_for_one_browser_and_once),
        trial("a_key_of_ours_shows_the_provider_who_we_are", a_key_of_ours_shows_the_provider_who_we_are),
        trial(
            "a_session_is_good_for_its_tenant_and_ends_with_its_connection",
            a_session_is_good_for_its_tenant_and_ends_with_its_connection,
        ),
    ];
    let trials = trials.into_iter().chain([
        trial("a_mapped_person_signs_in_by_saml_and_the_response_is_good_once", saml_signs_in),
        trial("who_fits_no_rule_gets_no_session_by_saml", saml_refuses_the_unmapped),
        trial("pysaml2_signs_people_in_however_it_signs_and_encrypts", pysaml2_signs_in),
        trial("signing_out_here_signs_out_at_pysaml2", pysaml2_is_told_of_signing_out),
        trial("signing_out_at_pysaml2_signs_out_here", pysaml2_tells_of_signing_out),
    ]);
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

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
        let origin = format!("http://{}", gateway.fhir_address());
        let provider = Provider::start(providers, "oidc.mjs", &[("RP", &origin)]);
        let issuer = provider.address.clone();

        let secret = home.path("client-secret");
        write_private(&secret, SECRET.as_bytes());
        let secret = secret.display().to_string();
        let tenant = home.first().name.clone();
        let add =
            ["connection", "add-oidc", "Hospital", "--tenant", &tenant, "--issuer", &issuer, "--client-id", "gateway"];
        let more = ["--client-secret-file", &secret, "--allow-http-loopback", "--json"];
        let added = home.json(&[add.as_slice(), more.as_slice()].concat());
        home.done(&["connection", "rule", "add", "Hospital", "--if-role", "Staff", "--role", "staff"]);
        home.done(&["connection", "rule", "add", "Hospital", "--if-role", "Provider", "--role", "provider"]);
        let connection = added["id"].as_str().unwrap_or_else(|| panic!("an id: {added}"));
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

fn a_mapped_person_signs_in_reads_and_signs_out(providers: &Path) {
    let site = Site::new(providers);
    let mut browser = Browser::new();
    let page = site.sign_in(&mut browser, "alice");
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(browser.cookie(&site.host(), COOKIE).is_some());
    let account = browser.get(&format!("{}/account", site.origin));
    assert!(account.status == 200 && account.body.contains("Alice Adams"), "{}", account.body);
    let find = browser.get(&format!("{}/patients", site.origin));
    assert_eq!(find.status, 200);
    assert!(site.chain().contains("LoginSucceeded"));

    let kept = browser.cookie(&site.host(), COOKIE).unwrap().to_owned();
    let token = account.field("csrf").unwrap();
    let out = browser.post(&format!("{}/sign-out", site.origin), &[("csrf", &token)]);
    assert!(out.status < 400 && browser.cookie(&site.host(), COOKIE).is_none(), "{}", out.body);
    browser.set_cookie(&site.host(), COOKIE, &kept);
    let after = browser.get(&format!("{}/account", site.origin));
    assert!(after.location.is_some_and(|to| to.path().starts_with("/sign-in")), "the session is over at the server");
    assert!(site.chain().contains("Logout"));
}

fn who_fits_no_rule_or_shows_no_second_factor_gets_none(providers: &Path) {
    let site = Site::new(providers);
    for name in ["dave", "carol"] {
        let mut browser = Browser::new();
        let page = site.sign_in(&mut browser, name);
        assert!((400..500).contains(&page.status), "{name}: {}", page.status);
        assert!(browser.cookie(&site.host(), COOKIE).is_none(), "{name}");
    }
    let reasons = site.home.done(&["audit", "show", "--tenant", &site.home.first().name, "--context"]);
    assert!(reasons.contains("unmapped") && reasons.contains("factor-missing"), "{reasons}");
}

fn an_answer_is_good_for_one_browser_and_once(providers: &Path) {
    let site = Site::new(providers);
    let mut browser = Browser::new();
    let back = site.at_provider(&mut browser, "alice");
    let answer = back.location.clone().unwrap();
    let mut other = Browser::new();
    assert!((400..500).contains(&other.get(answer.as_str()).status), "another browser");
    assert!(other.cookie(&site.host(), COOKIE).is_none());

    let mut again = Browser::new();
    let back = site.at_provider(&mut again, "alice");
    let answer = back.location.clone().unwrap();
    let first = again.get(answer.as_str());
    assert!((300..400).contains(&first.status), "{}", first.body);
    let session = again.cookie(&site.host(), COOKIE).map(str::to_owned);
    let repeated = again.get(answer.as_str());
    assert!(repeated.location.is_some_and(|to| to.path() == "/"), "whoever is signed in goes home");
    assert_eq!(again.cookie(&site.host(), COOKIE).map(str::to_owned), session, "and gets no other session");
    again.set_cookie(&site.host(), COOKIE, "none");
    assert!((400..500).contains(&again.get(answer.as_str()).status), "the same answer again");
}

fn a_key_of_ours_shows_the_provider_who_we_are(providers: &Path) {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let origin = format!("http://{}", gateway.fhir_address());
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

fn a_session_is_good_for_its_tenant_and_ends_with_its_connection(providers: &Path) {
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
    let cookie = browser.cookie(&site.host(), COOKIE).unwrap().to_owned();
    eventually("the session ends", || {
        let mut same = Browser::new();
        same.set_cookie(&site.host(), COOKIE, &cookie);
        same.get(&format!("{}/account", site.origin)).status != 200
    });
}

/// The names of samlp for what it says of people.
const NAME_ID: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";
const DISPLAY: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const GROUPS: &str = "http://schemas.passportjs.com/groups";
/// What samlp says of how it authenticated; this site takes it for two factors.
const CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

/// A gateway, and a SAML provider that it is connected with.
struct SamlSite {
    gateway: Gateway,
    _home: Home,
    origin: String,
    start: String,
    _provider: Provider,
}

impl SamlSite {
    fn new(providers: &Path) -> Self {
        let home = Home::new(PROGRAM);
        let at = |name: &str| home.path(name).display().to_string();
        let made = home.done(&["sso", "keys", "--folder", &at("saml")]);
        home.configure(false, made.split_once("\n\n").unwrap().1);
        home.done(&["sso", "keys", "--folder", &at("idp"), "--name", "idp.example"]);
        for end in ["key", "crt"] {
            std::fs::copy(home.path(&format!("idp/saml-signing.{end}")), home.path(&format!("idp/idp.{end}"))).unwrap();
        }
        let gateway = home.serve();
        let origin = format!("http://{}", gateway.fhir_address());

        // Its metadata first; where responses go it is told when the connection has an id.
        let keys = at("idp");
        let provider = Provider::start(providers, "saml.cjs", &[("KEYS", &keys)]);
        let metadata = Browser::new().get(&format!("{}/metadata", provider.address)).body;
        write_private(&home.path("idp.xml"), metadata.as_bytes());
        let port = provider.port().to_owned();
        drop(provider);
        let tenant = home.first().name.clone();
        let add =
            ["connection", "add-saml", "Hospital", "--tenant", &tenant, "--metadata-file", &at("idp.xml"), "--json"];
        let read = ["--subject-attribute", NAME_ID, "--display-attribute", DISPLAY, "--groups-attribute", GROUPS];
        let added = home.json(&[add.as_slice(), &read, &["--second-factor-context", CONTEXT]].concat());
        let connection = added["id"].as_str().unwrap_or_else(|| panic!("an id: {added}")).to_owned();
        home.done(&["connection", "rule", "add", "Hospital", "--if-group", "alices-group", "--role", "provider"]);
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

fn saml_signs_in(providers: &Path) {
    let site = SamlSite::new(providers);
    let host = site.gateway.fhir_address().to_string();
    let mut browser = Browser::new();
    let form = site.at_provider(&mut browser, "alice");
    let page = site.take_back(&mut browser, &form);
    assert_eq!(page.status, 200, "{}", page.body);
    let account = browser.get(&format!("{}/account", site.origin));
    assert!(account.body.contains("Alice Adams"), "{}", account.body);

    // The same response again, from the same browser and from another.
    for mut browser in [browser, Browser::new()] {
        let before = browser.cookie(&host, COOKIE).map(str::to_owned);
        let again = site.take_back(&mut browser, &form);
        assert!((400..500).contains(&again.status), "{}", again.status);
        assert_eq!(browser.cookie(&host, COOKIE).map(str::to_owned), before, "no new session");
    }
}

fn saml_refuses_the_unmapped(providers: &Path) {
    let site = SamlSite::new(providers);
    let mut browser = Browser::new();
    let form = site.at_provider(&mut browser, "bob");
    let page = site.take_back(&mut browser, &form);
    assert!((400..500).contains(&page.status), "{}", page.status);
    assert!(browser.cookie(&site.gateway.fhir_address().to_string(), COOKIE).is_none());
}

/// A gateway connected with pysaml2, which is another implementation of SAML altogether.
struct PySaml2 {
    gateway: Gateway,
    home: Home,
    origin: String,
    start: String,
    /// The settings with which the provider starts but for what it signs and encrypts.
    settings: Vec<(&'static str, String)>,
}

impl PySaml2 {
    fn new(providers: &Path) -> Self {
        let home = Home::new(PROGRAM);
        let at = |name: &str| home.path(name).display().to_string();
        let made = home.done(&["sso", "keys", "--folder", &at("saml")]);
        home.configure(false, made.split_once("\n\n").unwrap().1);
        home.done(&["sso", "keys", "--folder", &at("idp"), "--name", "idp.example"]);
        for end in ["key", "crt"] {
            std::fs::copy(home.path(&format!("idp/saml-signing.{end}")), home.path(&format!("idp/idp.{end}"))).unwrap();
        }
        let gateway = home.serve();
        let origin = format!("http://{}", gateway.fhir_address());
        let mut settings = vec![("KEYS", at("idp"))];
        let provider = Provider::start(providers, "pysaml2_idp.py", &pairs(&settings));
        let metadata = Browser::new().get(&format!("{}/metadata", provider.address)).body;
        write_private(&home.path("idp.xml"), metadata.as_bytes());
        settings.push(("PORT", provider.port().to_owned()));
        drop(provider);
        let tenant = home.first().name.clone();
        let add =
            ["connection", "add-saml", "Hospital", "--tenant", &tenant, "--metadata-file", &at("idp.xml"), "--json"];
        let read = ["--display-attribute", "urn:oid:2.16.840.1.113730.3.1.241", "--groups-attribute", "groups"];
        let token = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
        let added = home.json(&[add.as_slice(), &read, &["--second-factor-context", token]].concat());
        let connection = added["id"].as_str().unwrap_or_else(|| panic!("an id: {added}")).to_owned();
        home.done(&["connection", "rule", "add", "Hospital", "--if-group", "alices-group", "--role", "provider"]);
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

fn pysaml2_signs_in(providers: &Path) {
    let site = PySaml2::new(providers);
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
        assert!(browser.cookie(&site.gateway.fhir_address().to_string(), COOKIE).is_none());
    }
    assert!(site.chain().contains("unmapped"));
}

fn pysaml2_is_told_of_signing_out(providers: &Path) {
    let site = PySaml2::new(providers);
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

fn pysaml2_tells_of_signing_out(providers: &Path) {
    let site = PySaml2::new(providers);
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
