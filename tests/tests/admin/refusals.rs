//! Who may not gets nothing, and each attempt is in the chain.

use crate::script::{PATCH, Script, chain};
use reqwest::Method;
use serde_json::{Value, json};
use tests::application::{ASSERTION_TYPE, Application};
use tests::browser::Browser;
use tests::gateway::eventually;
use tests::home::Home;
use tests::person::signed_in;

pub(crate) fn who_may_not_gets_nothing(home: &Home) {
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
