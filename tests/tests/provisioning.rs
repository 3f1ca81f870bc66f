//! A provider tells of its people by SCIM, one of them signs in by OpenID Connect, and is sent away the moment she is
//! deactivated; what was refused is explained, and an operator ends what goes on.
//!
//! Runs where `TEST_PROVIDERS` says that the providers are (`tests/providers/run` fetches them); otherwise shows as ignored.
//! `REQUIRE_PROVIDERS=1` turns that into failures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use conformance::{case, fhir, scim};
use libtest_mimic::Arguments;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, eventually};
use tests::home::Home;
use tests::provider::Provider;
use tests::trials::with_providers;
use tokio::runtime::{Builder, Runtime};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let name = "whoever_is_deactivated_is_sent_away_at_once";
    let trial = with_providers(name, whoever_is_deactivated_is_sent_away_at_once);
    libtest_mimic::run(&arguments, vec![trial]).exit_code()
}

/// The service of a provider that tells of its people.
struct Teller {
    runtime: Runtime,
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Teller {
    fn new(base: String, token: String) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, http: reqwest::Client::builder().no_proxy().build().unwrap(), base, token }
    }

    fn tell(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}/{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
        })
    }

    /// Tells the same several times at once; returns the statuses, lowest first.
    fn tell_at_once(&self, times: usize, method: &reqwest::Method, path: &str, body: &Value) -> Vec<u16> {
        let address = format!("{}/{path}", self.base);
        let asked = (0..times).map(|_| {
            let request = self.http.request(method.clone(), &address).bearer_auth(&self.token);
            request.header("content-type", "application/scim+json").body(body.to_string()).send()
        });
        let mut statuses: Vec<u16> = self.runtime.block_on(async {
            let asked: Vec<_> = asked.map(tokio::spawn).collect();
            let mut statuses = Vec::new();
            for answer in asked {
                statuses.push(answer.await.unwrap().unwrap().status().as_u16());
            }
            statuses
        });
        statuses.sort_unstable();
        statuses
    }

    fn set_active(&self, id: &str, active: &str) {
        let change = json!({ "Operations": [{ "op": "Replace", "path": "active", "value": active }] });
        let (status, user) = self.tell(reqwest::Method::PATCH, &format!("Users/{id}"), Some(&change));
        assert_eq!((status, user["active"].to_string()), (200, active.to_lowercase()), "{user}");
    }
}

struct Site {
    home: Home,
    _gateway: Gateway,
    _provider: Provider,
    origin: String,
    start: String,
}

impl Site {
    fn sign_in(&self, browser: &mut Browser) -> Page {
        let begun = browser.get(&self.start);
        let form = browser.follow(begun);
        if form.status != 200 {
            return form;
        }
        let page = browser.post(form.url.as_str(), &[("login", "alice"), ("password", "any")]);
        browser.follow(page)
    }

    /// Signs in, as soon as what the provider told is in force; each time in another browser, which the provider does not know.
    fn signed_in(&self) -> Browser {
        let mut signed_in = Browser::new();
        eventually("she signs in", || {
            signed_in = Browser::new();
            self.sign_in(&mut signed_in).status == 200 && self.is_signed_in(&mut signed_in)
        });
        signed_in
    }

    fn is_signed_in(&self, browser: &mut Browser) -> bool {
        browser.get(&format!("{}/account", self.origin)).status == 200
    }

    fn explained(&self) -> String {
        self.home.done(&["sso", "explain", "--tenant", &self.home.first().name, "--last", "1"])
    }
}

fn whoever_is_deactivated_is_sent_away_at_once(providers: &Path) {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let origin = gateway.origin();
    let (provider, connection) = Provider::connected(providers, &home, &gateway);
    home.done(&["connection", "rule", "add", "Hospital", "--if-role", "Provider", "--role", "provider"]);
    home.done(&["connection", "provisioning", "Hospital", "--required", "yes", "--address", "127.0.0.0/8"]);
    let token = home.json(&["connection", "scim-token", "Hospital", "--json"]);
    let shown = home.done(&["connection", "show", "Hospital"]);
    assert!(shown.contains(token["mark"].as_str().unwrap()) && shown.contains("/scim/v2/"), "{shown}");
    let start = format!("{origin}/sign-in/{}/with/{connection}", home.first().id);
    let base = format!("{origin}/scim/v2/{connection}");
    let teller = Teller::new(base, token["token"].as_str().unwrap().to_owned());
    let site = Site { home, _gateway: gateway, _provider: provider, origin, start };
    eventually("the token is in force", || teller.tell(reqwest::Method::GET, "Users", None).0 == 200);

    // As the conformance tool sees it, which knows nothing of the product.
    let bench = fhir::Options {
        token: Some(fhir::Token::new(token["token"].as_str().unwrap())),
        ..fhir::Options::plain(teller.base.clone())
    };
    let bench = fhir::Bench::new(bench).unwrap();
    let findings = teller.runtime.block_on(case::run(&scim::cases(), &bench, &case::Selection::default(), &mut |_| {}));
    for finding in &findings {
        assert_eq!(finding.verdict, case::Verdict::Pass, "{} {}", finding.id, finding.title);
    }
    assert!(findings.len() > 15, "{}", findings.len());

    // A name is one person's however many take it at once, for the first time and after it was given up.
    let same = json!({ "userName": "bob@clinic.example", "externalId": "bob" });
    for _ in 0..2 {
        let statuses = teller.tell_at_once(8, &reqwest::Method::POST, "Users", &same);
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
        let (_, found) = teller.tell(reqwest::Method::GET, "Users?filter=externalId%20eq%20%22bob%22", None);
        assert_eq!(found["totalResults"], 1, "{found}");
        let path = format!("Users/{}", found["Resources"][0]["id"].as_str().unwrap());
        let change = json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "Bob Brown" }] });
        assert_eq!(teller.tell_at_once(4, &reqwest::Method::PATCH, &path, &change), [200; 4]);
        assert_eq!(teller.tell(reqwest::Method::DELETE, &path, None).0, 204);
    }

    // Whom the provider did not tell of is refused, and it is explained by the number that the page shows.
    let refused = site.sign_in(&mut Browser::new());
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    let explained = site.explained();
    assert!(
        explained.contains("not-provisioned") && explained.contains("scim") | explained.contains("SCIM"),
        "{explained}"
    );
    let number = explained.lines().find_map(|line| line.trim().strip_prefix("number")).unwrap().trim().to_owned();
    assert!(refused.body.contains(&number), "{number}");
    let tenant = &site.home.first().name;
    let one = site.home.done(&["sso", "explain", "--tenant", tenant, "--correlation", &number]);
    assert!(one.contains("not-provisioned"), "{one}");

    let last = site.home.done(&["sso", "test", "Hospital", "--last"]);
    assert!(last.contains("not-provisioned"), "{last}");

    let alice = json!({ "userName": "alice@clinic.example", "externalId": "alice", "displayName": "Alice Adams" });
    let (status, alice) = teller.tell(reqwest::Method::POST, "Users", Some(&alice));
    assert_eq!(status, 201, "{alice}");
    let id = alice["id"].as_str().unwrap();
    let mut browser = site.signed_in();
    let listed = site.home.json(&["session", "list", "--tenant", tenant, "--json"]);
    assert_eq!(listed[0]["display"], "Alice Adams", "{listed}");

    teller.set_active(id, "False");
    assert!(!site.is_signed_in(&mut browser), "the very next request is refused");
    eventually("she is refused", || {
        site.sign_in(&mut Browser::new()).status >= 400 && site.explained().contains("deactivated")
    });
    let chain = site.home.done(&["audit", "show", "--tenant", tenant, "--context"]);
    assert!(chain.contains("provisioning by Hospital") && chain.contains("PATCH /Users"), "{chain}");
    assert!(!chain.contains("alice@clinic.example"), "no name of a person in the open");

    teller.set_active(id, "True");
    let mut browser = site.signed_in();
    let ended = site.home.done(&["session", "end", "--tenant", tenant, "--all"]);
    assert!(!ended.starts_with('0') && !site.is_signed_in(&mut browser), "{ended}");

    let mark = token["mark"].as_str().unwrap();
    site.home.done(&["connection", "scim-token", "Hospital", "--revoke", mark]);
    eventually("the token is refused", || teller.tell(reqwest::Method::GET, "Users", None).0 == 401);
    site.home.done(&["audit", "verify", "--records"]);
}
