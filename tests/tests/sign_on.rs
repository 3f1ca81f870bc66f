//! People sign in by a real OpenID provider: the whole way of a browser, and what must not work.
//!
//! Runs where `TEST_PROVIDERS` says that the providers are (`tests/providers/run` fetches them); otherwise shows as ignored.
//! `REQUIRE_PROVIDERS=1` turns that into failures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use libtest_mimic::{Arguments, Trial};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, eventually};
use tests::home::Home;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
const SECRET: &str = "gateway-secret-of-tests-0123456789abcdef";
const COOKIE: &str = "__Host-sealgate";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let providers = std::env::var("TEST_PROVIDERS").ok();
    let required = std::env::var("REQUIRE_PROVIDERS").is_ok_and(|value| value == "1");
    let trial = |name: &'static str, test: fn(&Site)| match providers.clone() {
        Some(folder) => Trial::test(name, move || {
            test(&Site::new(Path::new(&folder)));
            Ok(())
        }),
        None if required => Trial::test(name, || Err("REQUIRE_PROVIDERS=1 but TEST_PROVIDERS is not set".into())),
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
        trial(
            "a_session_is_good_for_its_tenant_and_ends_with_its_connection",
            a_session_is_good_for_its_tenant_and_ends_with_its_connection,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A gateway, and a provider that it is connected with.
struct Site {
    gateway: Gateway,
    home: Home,
    origin: String,
    start: String,
    _provider: Provider,
}

struct Provider(Child);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Site {
    fn new(providers: &Path) -> Self {
        let home = Home::new(PROGRAM);
        let gateway = home.serve();
        let origin = format!("http://{}", gateway.fhir_address());
        let mut child = Command::new("node")
            .arg(providers.join("oidc.mjs"))
            .current_dir(providers)
            .env("RP", &origin)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let issuer = line.trim().strip_prefix("oidc ").unwrap_or_else(|| panic!("no provider: {line}")).to_owned();
        let provider = Provider(child);

        let secret = home.path("client-secret");
        std::fs::write(&secret, SECRET).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
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

fn a_mapped_person_signs_in_reads_and_signs_out(site: &Site) {
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

fn who_fits_no_rule_or_shows_no_second_factor_gets_none(site: &Site) {
    for name in ["dave", "carol"] {
        let mut browser = Browser::new();
        let page = site.sign_in(&mut browser, name);
        assert!((400..500).contains(&page.status), "{name}: {}", page.status);
        assert!(browser.cookie(&site.host(), COOKIE).is_none(), "{name}");
    }
    let reasons = site.home.done(&["audit", "show", "--tenant", &site.home.first().name, "--context"]);
    assert!(reasons.contains("unmapped") && reasons.contains("factor-missing"), "{reasons}");
}

fn an_answer_is_good_for_one_browser_and_once(site: &Site) {
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
    assert!((400..500).contains(&again.get(answer.as_str()).status), "the same answer again");
}

fn a_session_is_good_for_its_tenant_and_ends_with_its_connection(site: &Site) {
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
