//! Reviews of emergency access by a token that a person let an application have.

use crate::script::{Script, chain, has, let_act};
use serde_json::{Value, json};
use tests::home::Home;
use tests::message::Oru;
use tests::person::{break_glass, signed_in, taken_up};

const SCOPE: &str = "user/Administration.ru";

/// Registers an application of the tenant that administers for people; returns its client id.
fn console(home: &Home) -> String {
    let add = ["application", "add-launch", "console", "--tenant", &home.first().name, "--json"];
    let more = ["--redirect-uri", "http://127.0.0.1:9/back", "--scope", SCOPE];
    home.json(&[add.as_slice(), &more].concat())["client_id"].as_str().unwrap().to_owned()
}

pub(crate) fn a_person_reviews(home: &Home) {
    let gateway = home.serve();
    let (origin, tenant) = (gateway.origin(), home.first().name.clone());
    gateway.mllp().exchange(&Oru::new("m1", "F1", 2).render()).unwrap();
    let script = Script::of_client(home, &gateway, &tenant, &["admin"]);
    // An account is added by API, and its link leads in.
    let added =
        script.post("/users", &json!({ "name": "ada", "display": "Ada Byron", "roles": ["provider"] })).done(201);
    let mut ada = taken_up(&origin, added.body["invitation"].as_str().unwrap());
    let words = "unconscious in the emergency room";
    let patient = break_glass(&mut ada, &origin, words);
    let page = ada.get(&format!("{origin}/patients/{patient}"));
    let (_, report) = page.body.split_once("href=\"/reports/").unwrap();
    let report = report.split('"').next().unwrap().to_owned();
    assert_eq!(ada.get(&format!("{origin}/reports/{report}")).status, 200);

    let client = console(home);
    let mut olga = signed_in(home, &gateway, "olga", "auditor");
    let reviewer = Script::new(&gateway, &let_act(&mut olga, &origin, &client, SCOPE));
    assert_eq!(script.get("/reviews").problem(), (403, "denied"), "a system reviews nothing");
    let waiting = reviewer.get("/reviews").done(200);
    let review = &waiting.body["items"][0];
    assert_eq!((review["person"]["display"].as_str(), review["overdue"].as_bool()), (Some("Ada Byron"), Some(false)));
    assert!(review["due"].as_str().is_some_and(|due| due > review["broken"].as_str().unwrap()));
    let id = review["id"].as_str().unwrap().to_owned();
    let shown = reviewer.get(&format!("/reviews/{id}")).done(200);
    assert_eq!((shown.body["words"].as_str(), shown.body["patient"].as_str()), (Some(words), Some(patient.as_str())));
    let opened = shown.body["opened"].as_array().unwrap();
    let named = json!(format!("DiagnosticReport/{report}"));
    let gave = |act: &&Value| act["returned"].as_array().unwrap().contains(&named);
    let of_it = opened.iter().rfind(gave).unwrap_or_else(|| panic!("{}", shown.body));
    assert_eq!((of_it["with_emergency_access"].as_bool(), of_it["outcome"].as_str()), (Some(true), Some("success")));
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

pub(crate) fn nobody_reviews_their_own(home: &Home) {
    let gateway = home.serve();
    let origin = gateway.origin();
    gateway.mllp().exchange(&Oru::new("m1", "F1", 2).render()).unwrap();
    let client = console(home);
    let mut reviewers = ["dee", "eva"].map(|name| signed_in(home, &gateway, name, "clinical-director"));
    let patient = break_glass(&mut reviewers[0], &origin, "unconscious in the emergency room");
    let [own, other] = reviewers.each_mut().map(|who| Script::new(&gateway, &let_act(who, &origin, &client, SCOPE)));
    let review = own.get("/reviews").done(200).body["items"][0].clone();
    assert_eq!(
        (review["person"]["display"].as_str(), review["patient"].as_str()),
        (Some("dee"), Some(patient.as_str()))
    );
    let close = format!("/reviews/{}/close", review["id"].as_str().unwrap());
    // The token is another name than the session, and the same person.
    let refused = own.post(&close, &json!({ "verdict": "justified" }));
    assert_eq!(refused.problem(), (403, "own-review"));
    let entries = chain(home);
    let entry = entries.iter().find(|entry| entry["correlation_id"] == refused.number.as_str()).unwrap();
    assert_eq!((entry["action"].as_str(), entry["outcome"].as_str()), (Some("breakglass.review"), Some("denied")));
    assert_eq!(entry["user_id"]["id"], review["person"]["id"]);
    let told = home.done(&["audit", "show", "--tenant", &home.first().name, "--context", "--limit", "500"]);
    assert!(told.contains("own-review"), "{told}");
    let closed = other.post(&close, &json!({ "verdict": "justified" })).done(200);
    assert_eq!(closed.body["closed"]["by"]["display"], "eva");
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}
