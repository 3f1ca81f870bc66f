//! A connection that nobody but the API set up.

use crate::script::{Script, chain, has};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use tests::browser::Browser;
use tests::gateway::eventually;
use tests::home::Home;
use tests::person::SESSION;
use tests::provider::{CLIENT_SECRET, Provider};

pub(crate) fn sign_people_in(home: &Home, providers: &Path) {
    let gateway = home.serve();
    let script = Script::of_client(home, &gateway, &home.first().name, &["admin", "auditor"]);
    let origin = gateway.origin();
    let provider = Provider::start(providers, "oidc.mjs", &[("RP", &origin)]);

    let settings = json!({ "issuer": provider.address, "client_id": "gateway", "client_secret": CLIENT_SECRET, "allow_http_loopback": true });
    let added = script.post("/connections", &json!({ "name": "Hospital", "protocol": { "oidc": settings } })).done(201);
    let id = added.id();
    assert!(!added.body.to_string().contains(CLIENT_SECRET));
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
