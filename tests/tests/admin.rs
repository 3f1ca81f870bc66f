//! Administration by API from outside: a connection that nobody but the API set up, sessions, reviews, and everything that must
//! not work. Each on SQLite, and on PostgreSQL where `TEST_POSTGRES_URL` says a server is (`tests/postgres` starts one).
//!
//! What needs a real identity provider runs where `TEST_PROVIDERS` says that the providers are (`tests/providers/run` fetches them).
//! What is not run shows as ignored; `REQUIRE_POSTGRES=1` and `REQUIRE_PROVIDERS=1` turn that into failures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use libtest_mimic::{Arguments, Trial};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use tests::application::{ASSERTION_TYPE, Application};
use tests::browser::{Browser, Page};
use tests::database::in_a_database_of_its_own;
use tests::gateway::{Gateway, PATIENCE, eventually};
use tests::home::Home;
use tests::message::{Oru, PLANTED_MRN};
use tests::person::{Person, SESSION};
use tests::provider::{self, Provider};
use tokio::runtime::{Builder, Runtime};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
const SECRET: &str = "gateway-secret-of-tests-0123456789abcdef";
const PATCH: &str = "application/merge-patch+json";

type Test = fn(&Home);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let tests: [(&'static str, Test, bool); 4] = [
        ("a_connection_set_up_by_api_alone_signs_people_in", a_connection_signs_people_in, true),
        ("a_person_reviews_by_a_token_and_a_system_never", a_person_reviews, false),
        ("who_may_not_gets_nothing_and_it_is_recorded", who_may_not_gets_nothing, false),
        ("of_changes_at_once_one_is_made", of_changes_at_once_one_is_made, false),
    ];
    let postgres = std::env::var("TEST_POSTGRES_URL").ok();
    let must = |name: &str| std::env::var(name).is_ok_and(|value| value == "1");
    let mut trials = Vec::new();
    for (name, test, needs_provider) in tests {
        if needs_provider && provider::folder().is_none() {
            trials.push(if provider::required() {
                Trial::test(name, || Err("REQUIRE_PROVIDERS=1 but TEST_PROVIDERS is not set".into()))
            } else {
                Trial::test(format!("{name} (ignored: TEST_PROVIDERS is not set; see tests/providers/run)"), || Ok(()))
                    .with_ignored_flag(true)
            });
            continue;
        }
        trials.push(Trial::test(name, move || {
            test(&Home::new(PROGRAM));
            Ok(())
        }));
        let on_postgres = format!("{name}_on_postgresql");
        trials.push(match postgres.clone() {
            Some(url) => Trial::test(on_postgres, move || {
                let database = name.get(..24).unwrap_or(name);
                in_a_database_of_its_own(&url, database, |own| test(&Home::on_postgres(PROGRAM, own)));
                Ok(())
            }),
            None if must("REQUIRE_POSTGRES") => {
                Trial::test(on_postgres, || Err("REQUIRE_POSTGRES=1 but TEST_POSTGRES_URL is not set".into()))
            }
            None => Trial::test(
                format!("{on_postgres} (ignored: TEST_POSTGRES_URL is not set; see tests/postgres)"),
                || Ok(()),
            )
            .with_ignored_flag(true),
        });
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// An administrator's script.
struct Script {
    origin: String,
    token: String,
    runtime: Runtime,
    http: Client,
}

struct Answer {
    status: u16,
    tag: String,
    number: String,
    body: Value,
}

impl Answer {
    fn done(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("an id: {}", self.body)).to_owned()
    }

    /// The status and the word of a problem.
    fn problem(&self) -> (u16, &str) {
        let word = self.body["type"].as_str().and_then(|name| name.strip_prefix("urn:sealgate:problem:"));
        assert_eq!(self.body["correlation"].as_str(), Some(self.number.as_str()));
        (self.status, word.unwrap_or_else(|| panic!("a problem: {}", self.body)))
    }
}

impl Script {
    fn new(gateway: &Gateway, token: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            origin: origin(gateway),
            token: token.to_owned(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            http: Client::builder().timeout(PATIENCE).no_proxy().build().unwrap(),
        }
    }

    /// A script of a client that is added with these roles.
    fn of_client(home: &Home, gateway: &Gateway, tenant: &str, roles: &[&str]) -> Self {
        let name = roles.join("-");
        let mut add = vec!["client", "add", &name, "--tenant", tenant];
        add.extend(roles.iter().flat_map(|role| ["--role", *role]));
        let script = Self::new(gateway, home.done(&add).trim());
        eventually("the client is in force", || script.get("/openapi.json").status == 200);
        script
    }

    fn ask(&self, method: Method, path: &str, tag: Option<&str>, body: Option<(&str, &Value)>) -> Answer {
        let mut request = self.http.request(method, format!("{}/admin/v1{path}", self.origin)).bearer_auth(&self.token);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        if let Some((media, body)) = body {
            request = request.header("content-type", media).body(body.to_string());
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let header = |name: &str| {
                response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
            };
            let (status, tag, number) = (response.status().as_u16(), header("etag"), header("x-request-id"));
            assert_eq!(header("cache-control"), "no-store");
            let body = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
            Answer { status, tag, number, body }
        })
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, None)
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, None, Some(("application/json", body)))
    }

    fn put(&self, path: &str, tag: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, Some(tag), Some(("application/json", body)))
    }

    fn patch(&self, path: &str, tag: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, path, Some(tag), Some((PATCH, body)))
    }

    fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None, None)
    }
}

fn origin(gateway: &Gateway) -> String {
    format!("http://{}", gateway.fhir_address())
}

fn chain(home: &Home) -> Vec<Value> {
    let shown = home.done(&["audit", "show", "--tenant", &home.first().name, "--limit", "500", "--json"]);
    shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn has(chain: &[Value], action: &str, kind: &str, outcome: &str) -> bool {
    chain.iter().any(|entry| {
        (entry["action"].as_str(), entry["resource_type"].as_str(), entry["outcome"].as_str())
            == (Some(action), Some(kind), Some(outcome))
    })
}

fn a_connection_signs_people_in(home: &Home) {
    let gateway = home.serve();
    let script = Script::of_client(home, &gateway, &home.first().name, &["admin", "auditor"]);
    let origin = origin(&gateway);
    let providers: PathBuf = provider::folder().unwrap();
    let provider = Provider::start(&providers, "oidc.mjs", &[("RP", &origin)]);

    let settings = json!({ "issuer": provider.address, "client_id": "gateway", "client_secret": SECRET, "allow_http_loopback": true });
    let added = script.post("/connections", &json!({ "name": "Hospital", "protocol": { "oidc": settings } })).done(201);
    let id = added.id();
    assert!(!added.body.to_string().contains(SECRET));
    let bad = script.ask(Method::POST, &format!("/connections/{id}/test"), None, None).done(200);
    assert_eq!(bad.body["well"], false, "there is no rule yet: {}", bad.body);
    let rules = json!([
        { "when": { "role": "Staff" }, "roles": ["staff"] },
        { "when": { "role": "Provider" }, "roles": ["provider"] },
    ]);
    script.put(&format!("/connections/{id}/rules"), &added.tag, &rules).done(200);
    let well = script.ask(Method::POST, &format!("/connections/{id}/test"), None, None).done(200);
    assert_eq!(well.body["well"], true, "{}", well.body);

    let start = format!("{origin}/sign-in/{}/with/{id}", home.first().id);
    let sign_in = |browser: &mut Browser, name: &str| {
        let begun = browser.get(&start);
        let form = browser.follow(begun);
        let page = browser.post(form.url.as_str(), &[("login", name), ("password", "any")]);
        browser.follow(page)
    };
    eventually("the connection is in force", || Browser::new().get(&start).location.is_some());
    let mut alice = Browser::new();
    // A browser of its own each time: the provider knows one again, and asks nothing.
    eventually("its rules are in force", || sign_in(&mut Browser::new(), "alice").status == 200);
    assert_eq!(sign_in(&mut alice, "alice").status, 200);
    let account = |browser: &mut Browser| browser.get(&format!("{origin}/account")).status;
    assert_eq!(account(&mut alice), 200);

    // Who is refused is explained by the number on their page.
    let refused = sign_in(&mut Browser::new(), "dave");
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    let told = script.get(&format!("/refused-sign-ins?connection={id}")).done(200);
    let last = told.body["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["reason"].as_str(), last["connection"].as_str()), (Some("unmapped"), Some(id.as_str())));
    assert!(refused.body.contains(last["correlation"].as_str().unwrap()), "the page shows the number");
    let same =
        script.get(&format!("/refused-sign-ins?correlation={}", last["correlation"].as_str().unwrap())).done(200);
    assert_eq!(same.body["items"], json!([last]));
    assert!(last["meanings"][0]["means"].as_str().is_some_and(|text| text.contains("no rule fits")));

    // A session that is ended by API is over with the next request.
    let listed = script.get("/sessions").done(200);
    let sessions = listed.body["items"].as_array().unwrap();
    let hers: Vec<&Value> = sessions.iter().filter(|session| session["display"] == "Alice Adams").collect();
    assert!(hers.iter().all(|session| session["by"] == "Hospital") && !hers.is_empty(), "{}", listed.body);
    let cookie = alice.cookie(&gateway.fhir_address().to_string(), SESSION).unwrap().to_owned();
    for session in hers {
        script.delete(&format!("/sessions/{}", session["id"].as_str().unwrap())).done(204);
    }
    alice.set_cookie(&gateway.fhir_address().to_string(), SESSION, &cookie);
    assert_ne!(account(&mut alice), 200, "the next request is out");

    // And a connection that is switched off lets nobody in.
    let mut alice = Browser::new();
    assert_eq!((sign_in(&mut alice, "alice").status, account(&mut alice)), (200, 200));
    let shown = script.get(&format!("/connections/{id}")).done(200);
    script.patch(&format!("/connections/{id}"), &shown.tag, &json!({ "enabled": false })).done(200);
    eventually("her session ends", || account(&mut alice) != 200);
    let entries = chain(home);
    for (action, kind) in [
        ("create", "Connection"),
        ("update", "Connection"),
        ("test.run", "Connection"),
        ("session.end", "Session"),
        ("user.read", "Session"),
        ("audit.read", "AuditChain"),
        ("Logout", "Session"),
    ] {
        assert!(has(&entries, action, kind, "success"), "{action} {kind}");
    }
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}

/// Somebody with an account who is signed in.
fn signed_in(home: &Home, gateway: &Gateway, name: &str, role: &str) -> Browser {
    let tenant = home.first().name.clone();
    let added = home.json(&["user", "add", name, "--tenant", &tenant, "--role", role, "--json"]);
    let (origin, link) = (origin(gateway), added["invitation"].as_str().unwrap().to_owned());
    taken_up(&origin, &link)
}

fn taken_up(origin: &str, link: &str) -> Browser {
    let (_, secret) = link.split_once("/invitation/").unwrap();
    eventually("the account is in force", || {
        Browser::new().get(&format!("{origin}/invitation/{secret}")).status == 200
    });
    let mut browser = Person::invited(origin, link).browser;
    eventually("the session is in force", || browser.get(&format!("{origin}/account")).status == 200);
    browser
}

/// Lets an application act for somebody; returns its access token.
fn let_act(browser: &mut Browser, origin: &str, client: &str, scope: &str) -> String {
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const BACK: &str = "http://127.0.0.1:9/back";
    let ask = format!(
        "{origin}/oauth/authorize?response_type=code&client_id={client}&redirect_uri={BACK}&scope={scope}\
         &state=state-of-the-console-0123456789&aud={origin}/fhir&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    eventually("the application is in force", || browser.get(&ask).location.is_some());
    let begun = browser.get(&ask);
    let consent = browser.follow(begun);
    assert!(consent.body.contains("Administer with your rights"), "{}: {}", consent.url, consent.body);
    let csrf = consent.field("csrf").unwrap();
    let form = [("csrf", csrf.as_str()), ("answer", "allow"), ("wish-0", "1")];
    let back: Page = browser.post(consent.url.as_str(), &form);
    let location = back.location.unwrap_or_else(|| panic!("a way back: {}", back.body));
    let code = location.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
    let code = code.unwrap_or_else(|| panic!("a code: {location}"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
        ("client_id", client),
        ("code_verifier", VERIFIER),
    ];
    let given = Browser::new().post(&format!("{origin}/oauth/token"), &form);
    let given: Value = serde_json::from_str(&given.body).unwrap();
    given["access_token"].as_str().unwrap_or_else(|| panic!("a token: {given}")).to_owned()
}

fn a_person_reviews(home: &Home) {
    let gateway = home.serve();
    let (origin, tenant) = (origin(&gateway), home.first().name.clone());
    gateway.mllp().exchange(&Oru::new("m1", "F1", 2).render()).unwrap();
    let script = Script::of_client(home, &gateway, &tenant, &["admin"]);
    // An account is added by API, and its link leads in.
    let added =
        script.post("/users", &json!({ "name": "ada", "display": "Ada Byron", "roles": ["provider"] })).done(201);
    let mut ada = taken_up(&origin, added.body["invitation"].as_str().unwrap());
    let form = format!("{origin}/break-glass");
    let page = ada.get(&form);
    let csrf = page.field("csrf").unwrap();
    let words = "unconscious in the emergency room";
    let fields = [
        ("csrf", csrf.as_str()),
        ("identifier", PLANTED_MRN),
        ("born", "1970-04-12"),
        ("reason", "ETREAT"),
        ("words", words),
    ];
    let opened = ada.post(&form, &fields);
    assert!(opened.location.is_some(), "{}", opened.body);

    let add = ["application", "add-launch", "console", "--tenant", &tenant, "--json"];
    let more = ["--redirect-uri", "http://127.0.0.1:9/back", "--scope", "user/Administration.ru"];
    let client = home.json(&[add.as_slice(), &more].concat())["client_id"].as_str().unwrap().to_owned();
    let mut olga = signed_in(home, &gateway, "olga", "auditor");
    let reviewer = Script::new(&gateway, &let_act(&mut olga, &origin, &client, "user/Administration.ru"));
    assert_eq!(script.get("/reviews").problem(), (403, "denied"), "a system reviews nothing");
    let waiting = reviewer.get("/reviews").done(200);
    let review = &waiting.body["items"][0];
    assert_eq!((review["person"]["display"].as_str(), review["overdue"].as_bool()), (Some("Ada Byron"), Some(false)));
    assert!(review["due"].as_str().is_some_and(|due| due > review["broken"].as_str().unwrap()));
    let id = review["id"].as_str().unwrap().to_owned();
    let shown = reviewer.get(&format!("/reviews/{id}")).done(200);
    assert_eq!((shown.body["words"].as_str(), shown.body["opened"].is_array()), (Some(words), true));
    let close = format!("/reviews/{id}/close");
    let curt = reviewer.post(&close, &json!({ "verdict": "not-justified" }));
    assert_eq!((curt.problem(), curt.body["errors"][0]["pointer"].as_str()), ((422, "field"), Some("/note")));
    let closed = reviewer.post(&close, &json!({ "verdict": "justified" })).done(200);
    assert_eq!(closed.body["closed"]["by"]["display"], "olga");
    assert_eq!(reviewer.post(&close, &json!({ "verdict": "justified" })).problem(), (409, "review-closed"));
    assert_eq!(reviewer.get("/reviews").body["items"], json!([]));
    assert_eq!(reviewer.get("/reviews?state=all&limit=1").body["items"][0]["id"], id.as_str());
    // The token is good for what she may, and she administers nothing.
    assert_eq!(reviewer.post("/sessions/end", &json!({ "everybody": true })).problem(), (403, "denied"));
    assert_eq!(reviewer.get("/connections").done(200).body["items"], json!([]));

    // Whoever ends her sessions takes back what she let the application have.
    let users = script.get("/users").done(200);
    let of = |name: &str| users.body["items"].as_array().unwrap().iter().find(|user| user["name"] == name).cloned();
    let person = of("olga").unwrap()["person"].clone();
    script.post("/sessions/end", &json!({ "person": person })).done(200);
    assert_eq!(reviewer.get("/reviews").status, 401);
    let entries = chain(home);
    assert!(has(&entries, "BreakGlassReviewed", "GlassReview", "success"));
    assert!(has(&entries, "breakglass.review", "GlassReview", "denied"), "and the system's attempt");
    assert!(entries.iter().any(|entry| {
        entry["action"] == "BreakGlassReviewed" && entry["workstation_id"] == format!("application:{client}").as_str()
    }));
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}

fn who_may_not_gets_nothing(home: &Home) {
    let gateway = home.serve();
    let (first, second) = (home.first().name.clone(), home.second().name.clone());
    let script = Script::of_client(home, &gateway, &first, &["admin"]);
    let added = script.post("/users", &json!({ "name": "ada", "roles": ["provider"] })).done(201);
    let path = format!("/users/{}", added.id());

    // Another tenant's administrator finds nothing, and learns nothing from the difference.
    let stranger = Script::of_client(home, &gateway, &second, &["admin"]);
    let absent = "/users/0199a1b2-0000-7000-8000-000000000001";
    for other in [path.as_str(), absent] {
        assert_eq!(stranger.get(other).problem(), (404, "not-found"));
        assert_eq!(stranger.patch(other, "*", &json!({ "enabled": false })).problem(), (404, "not-found"));
    }
    assert_eq!(stranger.get("/users").done(200).body["items"], json!([]));

    // Roles: who reads results administers nothing, and no client does both.
    let reader = Script::new(&gateway, &home.first().token);
    for path in ["/users", "/connections", "/sessions", "/reviews", "/settings", "/refused-sign-ins"] {
        assert_eq!(reader.get(path).problem(), (403, "denied"), "{path}");
    }
    let both = home.run(&["client", "add", "both", "--tenant", &first, "--role", "admin", "--role", "read-only"]);
    assert!(both.code == Some(1) && both.stderr.contains("reads no patient data"), "{}", both.stderr);
    let fhir = script.runtime.block_on(async {
        let asked = script.http.get(format!("{}/fhir/Patient", script.origin)).bearer_auth(&script.token).send();
        asked.await.unwrap().status().as_u16()
    });
    assert_eq!(fhir, 403, "who administers reads no results");

    // Scopes: what is for all records is for no administration; what lets it look lets it change nothing.
    let application = |name: &str, scope: &str| {
        let registered = Application::registered(home, &first, name, &["--role", "admin", "--scope", scope]);
        let endpoint = format!("{}/oauth/token", script.origin);
        let mut token = None;
        eventually("the application is in force", || {
            let assertion = registered.assertion(&endpoint, &registered.id, name, 60);
            let form = [
                ("grant_type", "client_credentials"),
                ("scope", scope),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion.as_str()),
            ];
            let given: Value = serde_json::from_str(&Browser::new().post(&endpoint, &form).body).unwrap();
            token = given["access_token"].as_str().map(str::to_owned);
            token.is_some()
        });
        Script::new(&gateway, &token.unwrap())
    };
    let all = application("all-records", "system/*.cruds");
    assert_eq!(all.get("/users").problem(), (403, "denied"));
    let looking = application("looking", "system/Administration.r");
    looking.get(&path).done(200);
    assert_eq!(looking.patch(&path, "*", &json!({ "enabled": false })).problem(), (403, "denied"));
    let changing = application("changing", "system/Administration.ru");
    let changed = changing.patch(&path, &added.tag, &json!({ "display": "Ada Byron" })).done(200);

    // A session's cookie is no proof.
    let mut adam = signed_in(home, &gateway, "adam", "admin");
    assert_eq!(adam.get(&format!("{}/admin/v1/users", script.origin)).status, 401);

    // What is stale, unknown or not to be given.
    assert_eq!(script.patch(&path, &added.tag, &json!({ "enabled": false })).problem(), (412, "other-version"));
    let blind = script.ask(Method::PATCH, &path, None, Some((PATCH, &json!({ "enabled": false }))));
    assert_eq!(blind.problem(), (428, "if-match-needed"));
    let unknown = script.patch(&path, &changed.tag, &json!({ "enabeld": false }));
    assert_eq!((unknown.problem(), unknown.body["errors"][0]["pointer"].as_str()), ((422, "field"), Some("/enabeld")));
    assert_eq!(script.get("/users?name=ada").problem(), (400, "parameter"));
    let auditor = script.patch(&path, &changed.tag, &json!({ "roles": ["auditor"] }));
    assert_eq!(auditor.problem(), (403, "denied"));
    assert_eq!(script.get(&path).body["roles"], json!(["provider"]));

    // Each is in the chain, under the number of its answer.
    let entries = chain(home);
    let told = |number: &str| entries.iter().find(|entry| entry["correlation_id"] == number).cloned();
    for (answer, action) in [(&auditor, "directory.change"), (&blind, "administration"), (&unknown, "administration")] {
        assert_eq!(told(&answer.number).unwrap_or_else(|| panic!("{action}"))["action"], action);
    }
    let reasons = home.done(&["audit", "show", "--tenant", &first, "--context", "--limit", "500"]);
    for reason in ["role-not-given", "if-match-needed", "other-version", "no-role", "scope"] {
        assert!(reasons.contains(reason), "{reason}");
    }
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}

fn of_changes_at_once_one_is_made(home: &Home) {
    let gateway = home.serve();
    let script = Script::of_client(home, &gateway, &home.first().name, &["admin"]);
    let path =
        format!("/users/{}", script.post("/users", &json!({ "name": "ada", "roles": ["provider"] })).done(201).id());
    for _ in 0..5 {
        let seen = script.get(&path).done(200).tag;
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let change = |display: &'static str| {
                let (path, seen, token, gateway) = (&path, &seen, &script.token, &gateway);
                scope.spawn(move || {
                    let mine = Script::new(gateway, token);
                    mine.patch(path, seen, &json!({ "display": display })).status
                })
            };
            let all = ["one", "two", "three"].map(change);
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 2, "{statuses:?}");
    }
    assert_eq!(script.get(&path).done(200).tag, "\"6\"");
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}
