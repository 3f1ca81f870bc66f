//! Real SMART applications are launched by a person in a browser: alone, and from a patient's page.
//!
//! Runs where `TEST_PROVIDERS` says that the providers and applications are (`tests/providers/run` fetches them); otherwise shows as
//! ignored. `REQUIRE_PROVIDERS=1` turns that into failures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, eventually};
use tests::home::Home;
use tests::message::{Oru, PLANTED_MRN};
use tests::provider::Provider;
use tests::trials::{passing, with_providers};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
const SCOPES: &[&str] =
    &["openid", "fhirUser", "profile", "launch", "launch/patient", "offline_access", "patient/*.rs", "user/*.rs"];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = [
        with_providers("an_application_of_npm_is_launched_alone_and_from_a_patient_s_page", npm_launches),
        with_providers("an_application_of_pypi_finds_us_by_our_statement_and_is_launched", pypi_launches),
    ];
    let scripts = match scripts() {
        Some(folder) => passing("the_smart_testscripts_pass", move || smart_testscripts(&folder)),
        None => Trial::test("the_smart_testscripts_pass (ignored: SEALGATE_SHARED is not there)", || Ok(()))
            .with_ignored_flag(true),
    };
    libtest_mimic::run(&arguments, trials.into_iter().chain([scripts]).collect()).exit_code()
}

/// Where the FHIR TestScripts of mock.health about SMART are.
fn scripts() -> Option<PathBuf> {
    let shared = std::env::var_os("SEALGATE_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    Some(shared.join("data/fhir/testscripts-mock-health/smart-on-fhir-v2")).filter(|folder| folder.is_dir())
}

fn smart_testscripts(folder: &Path) {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let base = format!("http://{}/fhir", gateway.fhir_address());
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/lib/testscripts.py");
    let run = Command::new("python3").arg(program).arg(base).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success() && said.lines().count() >= 7, "{said}{}", String::from_utf8_lossy(&run.stderr));
}

/// A gateway with a patient, and a provider whose people sign in there.
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
        home.done(&["connection", "rule", "add", "Hospital", "--if-role", "Provider", "--role", "provider"]);
        let start = format!("{origin}/sign-in/{}/with/{connection}", home.first().id);
        let message = Oru::new("LAUNCH-1", "F-1", 3).render();
        gateway.sender_of(home.first()).exchange(&message).unwrap();
        Self { gateway, home, origin, start, _provider: provider }
    }

    /// Registers an application; it is in force when this returns.
    fn register(&self, browser: &mut Browser, redirect: &str, launch_uri: Option<&str>) -> String {
        let mut arguments = vec!["application", "add-launch", "chart", "--tenant", &self.home.first().name];
        arguments.extend(["--redirect-uri", redirect, "--json"]);
        arguments.extend(launch_uri.into_iter().flat_map(|uri| ["--launch-uri", uri]));
        arguments.extend(SCOPES.iter().flat_map(|scope| ["--scope", *scope]));
        let client = self.home.json(&arguments)["client_id"].as_str().unwrap().to_owned();
        let ask = format!("{}/oauth/authorize?client_id={client}&redirect_uri={redirect}", self.origin);
        eventually("the application is in force", || browser.get(&ask).location.is_some());
        client
    }

    fn sign_in(&self, browser: &mut Browser) {
        eventually("somebody signs in", || {
            let begun = browser.get(&self.start);
            let form = browser.follow(begun);
            let page = browser.post(form.url.as_str(), &[("login", "alice"), ("password", "any")]);
            browser.follow(page).status == 200 && browser.get(&format!("{}/account", self.origin)).status == 200
        });
    }

    /// Chooses the patient of this page and returns the consent.
    fn choose(&self, browser: &mut Browser, page: &Page) -> Page {
        assert!(page.url.path().ends_with("/patient"), "{}: {}", page.url, page.body);
        let csrf = page.field("csrf").unwrap();
        let found = browser.post(page.url.as_str(), &[("csrf", &csrf), ("identifier", PLANTED_MRN)]);
        let patient = found.field("patient").unwrap_or_else(|| panic!("a patient: {}", found.body));
        let chosen = browser.post(page.url.as_str(), &[("csrf", &csrf), ("patient", &patient)]);
        browser.follow(chosen)
    }

    /// Lets the application in, with everything it asks for, and returns the way back to it.
    fn allow(&self, browser: &mut Browser, consent: &Page) -> Page {
        assert!(consent.body.contains("It asks to"), "{}: {}", consent.url, consent.body);
        let csrf = consent.field("csrf").unwrap();
        let boxes: Vec<String> =
            (0..consent.body.matches("type=\"checkbox\"").count()).map(|n| format!("wish-{n}")).collect();
        let mut fields = vec![("csrf", csrf.as_str()), ("answer", "allow")];
        let patient = consent.field("patient");
        fields.extend(patient.iter().map(|patient| ("patient", patient.as_str())));
        fields.extend(boxes.iter().map(|name| (name.as_str(), "1")));
        browser.post(consent.url.as_str(), &fields)
    }
}

fn npm_launches(providers: &Path) {
    let site = Site::new(providers);
    let app = Provider::start(providers, "smart-app.mjs", &[]);
    let mut browser = Browser::new();
    let (back, launch) = (format!("{}/back", app.address), format!("{}/launch", app.address));
    let client = site.register(&mut browser, &back, Some(&launch));
    site.sign_in(&mut browser);

    let settings = |browser: &mut Browser, scope: &str| {
        let iss = format!("{}/fhir", site.origin);
        let url = format!("{}/settings?client_id={client}&iss={iss}&scope={scope}", app.address);
        assert_eq!(browser.get(&url).status, 200);
    };
    settings(&mut browser, "openid+fhirUser+profile+launch/patient+offline_access+patient/*.rs");
    let begun = browser.get(&launch);
    let choice = browser.follow(begun);
    let consent = site.choose(&mut browser, &choice);
    let allowed = site.allow(&mut browser, &consent);
    let said = browser.follow(allowed);
    let did: Value = serde_json::from_str(&said.body).unwrap_or_else(|_| panic!("{}: {}", said.url, said.body));
    assert!(did.get("fault").is_none(), "{did}");
    let patient = did["patient"].as_str().unwrap().to_owned();
    assert_eq!((&did["same"], &did["observations"], &did["rotated"]), (&true.into(), &3.into(), &true.into()), "{did}");
    assert!(did["fhirUser"].as_str().unwrap().starts_with("Practitioner/"), "{did}");
    assert_eq!(
        (&did["user"]["name"][0]["text"], &did["user"]["resourceType"]),
        (&"Alice Adams".into(), &"Practitioner".into())
    );
    assert_eq!((&did["claims"]["name"], &did["claims"]["iss"]), (&"Alice Adams".into(), &site.origin.clone().into()));

    // From the patient's page, without being asked whom it is about.
    settings(&mut browser, "openid+fhirUser+launch+patient/*.rs");
    let page = browser.get(&format!("{}/patients/{patient}", site.origin));
    let (csrf, application) = (page.field("csrf").unwrap(), page.field("application").unwrap());
    let open = format!("{}/patients/{patient}/open", site.origin);
    let opened = browser.post(&open, &[("csrf", &csrf), ("application", &application)]);
    let consent = browser.follow(opened);
    let allowed = site.allow(&mut browser, &consent);
    let said = browser.follow(allowed);
    let did: Value = serde_json::from_str(&said.body).unwrap_or_else(|_| panic!("{}: {}", said.url, said.body));
    assert_eq!((&did["patient"], &did["observations"]), (&patient.into(), &3.into()), "{did}");

    // Whoever signs out takes the application along.
    let read = || {
        let token = did["access_token"].as_str().unwrap().to_owned();
        let url = format!("{}/fhir/Observation", site.origin);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked =
            async { reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap().status().as_u16() };
        runtime.block_on(asked)
    };
    assert_eq!(read(), 200);
    let csrf = browser.get(&format!("{}/account", site.origin)).field("csrf").unwrap();
    browser.post(&format!("{}/sign-out", site.origin), &[("csrf", &csrf)]);
    assert_eq!(read(), 401);

    let chain = site.home.done(&["audit", "show", "--tenant", &site.home.first().name, "--json"]);
    for action in ["AuthorizationGranted", "TokenIssued", "TokenRefreshed", "ApplicationOpened"] {
        assert!(chain.contains(action), "{action}");
    }
    let line = chain.lines().find(|line| line.contains(&format!("application:{client}"))).unwrap();
    assert!(line.contains("Alice Adams"), "an entry names the person and the application: {line}");
    drop(site.gateway);
}

fn pypi_launches(providers: &Path) {
    let site = Site::new(providers);
    let mut browser = Browser::new();
    let back = "http://127.0.0.1:9/back";
    let client = site.register(&mut browser, back, None);
    site.sign_in(&mut browser);
    let base = format!("{}/fhir", site.origin);
    let mut app = Command::new(providers.join("python/bin/python"))
        .arg(providers.join("smart-app.py"))
        .args([&base, &client, back, "openid fhirUser launch/patient patient/*.rs"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(app.stdout.take().unwrap()).lines();
    let address = said.next().unwrap().unwrap();
    let begun = browser.get(&address);
    let choice = browser.follow(begun);
    let consent = site.choose(&mut browser, &choice);
    let answer = site.allow(&mut browser, &consent).location.unwrap();
    writeln!(app.stdin.take().unwrap(), "{answer}").unwrap();
    let did = said.next().unwrap_or_else(|| panic!("it ended: {:?}", app.wait())).unwrap();
    let did: Value = serde_json::from_str(&did).unwrap();
    assert_eq!((&did["family"], &did["reports"]), (&tests::message::PLANTED_FAMILY.into(), &1.into()), "{did}");
    assert!(app.wait().unwrap().success());
}
