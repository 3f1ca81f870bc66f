//! Reviews of emergency access: what waits and until when, what was opened, who judges it, and who does not.

use crate::house::{House, nobody};
use domain::access::Role;
use domain::emergency::Review;
use domain::id::RecordId;
use domain::ports::{Clock, Store};
use serde_json::{Value, json};

const PATIENT: RecordId = RecordId([5; 16]);
const REPORT: RecordId = RecordId([8; 16]);
const HOUR: i64 = 3_600;

/// Ada breaks the glass.
async fn broken(house: &House) -> Review {
    house.smash("ada", Role::Provider, PATIENT, REPORT).await
}

fn close(review: &Review) -> String {
    format!("reviews/{}/close", review.id)
}

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Alters what is stored of a review, behind the gateway's back.
async fn altered(house: &House, review: &Review) {
    let mut stored = house.doubles.store.load(house.tenant, &[review.id]).await.unwrap().remove(0);
    *stored.sealed.last_mut().unwrap() ^= 1;
    house.doubles.store.tamper(stored);
}

/// Why the newest act of this name was not done, as the chain tells it.
async fn why(house: &House, action: &str) -> String {
    let told = house.doubles.told(house.tenant).await.unwrap();
    let last = told.into_iter().rfind(|told| told.action == action).unwrap();
    last.context.reason.unwrap()
}

#[actix_web::test]
async fn what_waits_is_listed_with_its_deadline_and_shown_with_what_was_opened() {
    let house = House::new().await;
    let review = broken(&house).await;
    house.doubles.clock.advance(71 * HOUR);
    let listed = house.get("auditor", "reviews").await.json();
    assert_eq!((ids(&listed), &listed["next"]), (vec![review.id.to_string().as_str()], &Value::Null));
    let due = review.broken.plus_seconds(72 * HOUR);
    let item = &listed["items"][0];
    assert_eq!((&item["due"], &item["overdue"]), (&json!(due.rfc3339()), &json!(false)));
    assert_eq!((&item["broken"], &item["closed"]), (&json!(review.broken.rfc3339()), &Value::Null));

    let shown = house.get("auditor", &format!("reviews/{}", review.id)).await.json();
    assert_eq!(shown["person"], json!({ "id": "ada", "display": "ada" }));
    assert_eq!((&shown["reason"], &shown["words"]), (&json!("ETREAT"), &json!("unconscious in room 3")));
    assert_eq!((&shown["patient"], &shown["more_opened"]), (&json!(PATIENT.to_string()), &json!(false)));
    let opened = &shown["opened"][0];
    assert_eq!(opened["id"], REPORT.to_string());
    assert_eq!((&opened["kind"], &opened["action"]), (&json!("DiagnosticReport"), &json!("fhir.read")));
    assert_eq!((&opened["with_emergency_access"], &opened["outcome"]), (&json!(true), &json!("success")));
    assert!(house.last().await.starts_with("breakglass.review GlassReview success olga"), "{}", house.last().await);

    house.doubles.clock.advance(HOUR);
    assert_eq!(house.get("auditor", "reviews").await.json()["items"][0]["overdue"], true);
    assert_eq!(house.get("auditor", &format!("reviews/{}", review.id)).await.json()["overdue"], true);
}

#[actix_web::test]
async fn reviews_come_in_pages_and_those_of_a_page_alone_are_looked_at() {
    let house = House::new().await;
    let mut all = Vec::new();
    for _ in 0..3 {
        all.insert(0, broken(&house).await.id.to_string());
    }
    let first = house.get("auditor", "reviews?limit=2").await.json();
    assert_eq!(
        (ids(&first), first["next"].as_str()),
        (all.iter().take(2).map(String::as_str).collect(), ids(&first).pop())
    );
    let told = house.doubles.told(house.tenant).await.unwrap();
    let looked: Vec<String> = all.iter().take(2).map(|id| format!("GlassReview/{id}")).collect();
    assert_eq!(told.last().unwrap().context.returned, looked);
    // What is closed between two pages moves nothing.
    let path = format!("reviews/{}/close", all[1]);
    assert_eq!(house.post("auditor", &path, &json!({ "verdict": "justified" })).await.status, 200);
    let second = house.get("auditor", &format!("reviews?limit=2&after={}", all[1])).await.json();
    assert_eq!((ids(&second), &second["next"]), (vec![all[2].as_str()], &Value::Null));
    assert_eq!(ids(&house.get("auditor", "reviews?state=all").await.json()), all);
    assert_eq!(ids(&house.get("auditor", "reviews?state=open").await.json()), [&all[0], &all[2]]);
    let lost = house.get("auditor", &format!("reviews?after={}", nobody())).await;
    assert_eq!(lost.problem().0, 404);
}

#[actix_web::test]
async fn a_review_is_judged_once_and_by_a_word_and_a_reason() {
    let house = House::new().await;
    let review = broken(&house).await;
    let judge = async |body: Value| house.post("director", &close(&review), &body).await;
    for (body, place) in [
        (json!({}), "/verdict"),
        (json!({ "verdict": "fine" }), "/verdict"),
        (json!({ "verdict": "unreadable", "note": "it opens, does it not" }), "/verdict"),
        (json!({ "verdict": "not-justified", "note": "no" }), "/note"),
        (json!({ "verdict": "justified", "note": "x".repeat(2_001) }), "/note"),
        (json!({ "verdict": "justified", "by": "olga" }), "/by"),
    ] {
        assert_eq!(judge(body).await.problem(), (422, "field".into(), place.into()));
    }
    assert!(!house.chain().await.iter().any(|entry| entry.starts_with("BreakGlassReviewed")));
    let judged = judge(json!({ "verdict": "not-justified", "note": " there was no emergency " })).await;
    assert_eq!(judged.status, 200, "{}", judged.text);
    let closed = judged.json()["closed"].clone();
    assert_eq!((&closed["verdict"], &closed["note"]), (&json!("not-justified"), &json!("there was no emergency")));
    assert_eq!(closed["by"], json!({ "id": "dee", "display": "dee" }));
    assert_eq!(closed["at"], house.doubles.clock.now().rfc3339());
    assert_eq!(why(&house, "BreakGlassReviewed").await, "not-justified: there was no emergency");
    let entries = house.chain().await;
    assert!(entries.contains(&"BreakGlassReviewed GlassReview success dee".to_owned()), "{entries:?}");

    for token in ["director", "auditor"] {
        let again = house.post(token, &close(&review), &json!({ "verdict": "justified" })).await;
        assert_eq!(again.problem(), (409, "review-closed".into(), String::new()));
    }
    house.doubles.clock.advance(73 * HOUR);
    let shown = house.get("auditor", &format!("reviews/{}", review.id)).await.json();
    assert_eq!((&shown["closed"], &shown["overdue"]), (&closed, &json!(false)));
    assert_eq!(house.get("auditor", "reviews").await.json()["items"], json!([]));
}

#[actix_web::test]
async fn nobody_judges_their_own() {
    let house = House::new().await;
    let review = house.smash("dee", Role::ClinicalDirector, PATIENT, REPORT).await;
    let own = house.post("director", &close(&review), &json!({ "verdict": "justified" })).await;
    assert_eq!(own.problem(), (403, "own-review".into(), String::new()));
    assert_eq!(house.last().await, "breakglass.review GlassReview denied dee");
    assert_eq!(why(&house, "breakglass.review").await, "own-review");
    assert_eq!(house.get("director", "reviews").await.json()["items"][0]["closed"], Value::Null);
    assert_eq!(house.post("auditor", &close(&review), &json!({ "verdict": "justified" })).await.status, 200);
}

#[actix_web::test]
async fn a_review_is_for_reviewers_of_its_tenant() {
    let house = House::new().await;
    let review = broken(&house).await;
    let (path, judged) = (format!("reviews/{}", review.id), json!({ "verdict": "justified" }));
    // Neither is told that it exists: the answer is that to an id which nothing has.
    let (absent, stranger) = (format!("reviews/{}", nobody()), "strange-auditor");
    for path in [&path, &absent] {
        assert_eq!(house.get(stranger, path).await.problem(), (404, "not-found".into(), String::new()));
        let closed = house.post(stranger, &format!("{path}/close"), &judged).await;
        assert_eq!(closed.problem(), (404, "not-found".into(), String::new()));
    }
    let after = house.get(stranger, &format!("reviews?after={}", review.id)).await;
    assert_eq!(after.problem(), (404, "not-found".into(), String::new()));
    assert_eq!(house.get(stranger, "reviews?state=all").await.json()["items"], json!([]));
    for (token, reason) in [("provider", "no-role"), ("admin", "systems-neither-sign-nor-break-glass")] {
        assert_eq!(house.get(token, &path).await.problem().0, 403, "{token}");
        assert_eq!(why(&house, "breakglass.review").await, reason);
        assert_eq!(house.post(token, &close(&review), &judged).await.problem().0, 403, "{token}");
        assert!(house.last().await.starts_with("breakglass.review GlassReview denied"));
    }
    assert_eq!(house.get("auditor", &path).await.json()["closed"], Value::Null);
}

#[actix_web::test]
async fn what_does_not_open_hides_nothing_and_is_closed_with_what_was_found() {
    let house = House::new().await;
    let (review, whole) = (broken(&house).await, broken(&house).await);
    altered(&house, &review).await;
    let listed = house.get("auditor", "reviews").await.json();
    assert_eq!(ids(&listed), [whole.id.to_string(), review.id.to_string()]);
    let due = review.broken.plus_seconds(72 * HOUR).rfc3339();
    let known = json!({ "id": review.id.to_string(), "tenant": house.tenant.to_string(), "unreadable": true,
                        "broken": review.broken.rfc3339(), "due": due, "overdue": false, "open": true });
    assert_eq!(listed["items"][1], known);
    assert!(house.chain().await.contains(&"IntegrityFailure GlassReview failure olga".to_owned()));
    let path = format!("reviews/{}", review.id);
    assert_eq!(house.get("auditor", &path).await.problem(), (500, "integrity".into(), String::new()));

    let judge = async |verdict: &str, note: &str| {
        house.post("auditor", &close(&review), &json!({ "verdict": verdict, "note": note })).await
    };
    assert_eq!(judge("justified", "").await.problem().0, 500, "what nobody can read nobody can judge");
    assert_eq!(judge("unreadable", "gone").await.problem(), (422, "field".into(), "/note".into()));
    let closed = judge("unreadable", "the row was altered").await;
    assert_eq!((closed.status, &closed.json()["closed"]["verdict"]), (200, &json!("unreadable")), "{}", closed.text);
    assert_eq!(closed.json()["person"]["id"], "ada", "who it was, the chain says");
    assert_eq!(closed.json()["patient"], PATIENT.to_string());
    assert_eq!(
        judge("unreadable", "the row was altered").await.problem(),
        (409, "review-closed".into(), String::new())
    );
    assert_eq!(house.get("auditor", &path).await.json()["closed"]["note"], "the row was altered");
    assert_eq!(ids(&house.get("auditor", "reviews").await.json()), [whole.id.to_string()]);

    // Altered once more, it is still known to be closed.
    altered(&house, &review).await;
    let all = house.get("auditor", "reviews?state=all").await.json();
    assert_eq!((&all["items"][1]["unreadable"], &all["items"][1]["open"]), (&json!(true), &json!(false)));
    assert_eq!(judge("unreadable", "the row was altered").await.problem().0, 409);
}

#[actix_web::test]
async fn reviews_are_for_people_who_may_review() {
    let house = House::new().await;
    // A system never reviews, whatever its roles; an auditor by a token that says so does.
    assert_eq!(house.get("admin", "reviews").await.problem().0, 403);
    assert_eq!(house.get("auditor", "reviews?state=all").await.json(), json!({ "items": [], "next": null }));
    assert_eq!(house.get("auditor", "reviews?state=shut").await.problem(), (400, "parameter".into(), "state".into()));
    assert_eq!(house.get("auditor", &format!("reviews/{}", nobody())).await.problem().0, 404);
    let close = format!("reviews/{}/close", nobody());
    assert_eq!(house.post("auditor", &close, &json!({ "verdict": "justified" })).await.problem().0, 404);
    assert_eq!(house.post("auditor", &close, &json!({ "verdict": "fine" })).await.problem().2, "/verdict");
    let settings = house.get("auditor", "settings").await.json();
    assert_eq!(settings["settings"]["break_glass_review_hours"], 72);
}
