//! Reviews of emergency access: the queue, what was opened, the judgement.

use super::house::{Browser, House};
use actix_web::http::StatusCode;
use domain::ports::Store;

/// Somebody breaks the glass and opens a report; returns their browser and the report.
async fn broken<'a>(house: &'a House, name: &str, group: &str) -> (Browser<'a>, String) {
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "final", "9.80").await;
    let mut browser = house.signed_in(name, group).await;
    browser.get("/break-glass").await;
    let fields =
        [("identifier", "m1"), ("born", "1970-01-31"), ("reason", "ETREAT"), ("words", "unconscious <b>in</b> room 3")];
    assert_eq!(browser.post("/break-glass", &fields).await.location(), format!("/patients/{patient}"));
    assert_eq!(browser.get(&format!("/reports/{report}")).await.status, StatusCode::OK);
    (browser, report.to_string())
}

fn first_review(body: &str) -> String {
    let (_, rest) = body.split_once("href=\"/reviews/").unwrap();
    format!("/reviews/{}", rest.split_once('"').unwrap().0)
}

#[actix_web::test]
async fn what_was_broken_is_listed_shown_and_judged_by_somebody_else() {
    let house = House::new().await;
    let (_vic, report) = broken(&house, "vic", "visiting").await;
    let mut eve = house.signed_in("eve", "auditors").await;
    let list = eve.get("/reviews").await;
    assert!(list.body.contains("vic &#60;b&#62;") && list.body.contains(">Open</span>"), "{}", list.body);
    let at = first_review(&list.body);
    let page = eve.get(&at).await;
    for shown in ["Emergency treatment", "unconscious &#60;b&#62;in", &report, "With emergency access", "not yet"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert!(!page.body.contains("Quillfeather"), "an auditor works without patients' names");
    assert!(!page.body.contains("href=\"/patients/"));

    let wrong = eve.post(&at, &[("note", "")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.body.contains("href=\"#verdict\""));
    let short = eve.post(&at, &[("verdict", "not-justified"), ("note", "no")]).await;
    assert!(short.body.contains("href=\"#note\""), "{}", short.body);
    let done = eve.post(&at, &[("verdict", "not-justified"), ("note", "there was no emergency")]).await;
    assert_eq!(done.location(), at);
    let closed = eve.get(&at).await;
    assert!(closed.body.contains("Not justified") && closed.body.contains("there was no emergency"));
    assert!(!closed.body.contains("Close the review"));
    assert!(eve.get("/reviews").await.body.contains("Nothing waits for a review"));
    assert!(eve.get("/reviews?all=1").await.body.contains("Not justified"));
    let entries = house.entries().await;
    assert!(entries.contains(&("BreakGlassReviewed".to_owned(), "success".to_owned())));
}

#[actix_web::test]
async fn nobody_reviews_their_own() {
    let house = House::new().await;
    let (mut director, _) = broken(&house, "dee", "directors").await;
    let at = first_review(&director.get("/reviews").await.body);
    let page = director.get(&at).await;
    assert!(page.body.contains("somebody else reviews it") && !page.body.contains("Close the review"));
    let refused = director.post(&at, &[("verdict", "justified"), ("note", "")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(house.entries().await.contains(&("breakglass.review".to_owned(), "denied".to_owned())));
    let mut other = house.signed_in("eva", "directors").await;
    assert!(other.get(&at).await.body.contains("Open the record"), "a director may look at the patient");
    assert_eq!(other.post(&at, &[("verdict", "justified"), ("note", "")]).await.location(), at);
}

#[actix_web::test]
async fn whoever_may_not_review_sees_no_queue() {
    let house = House::new().await;
    broken(&house, "vic", "visiting").await;
    for group in ["doctors", "admins"] {
        let mut browser = house.signed_in("eve", group).await;
        assert_eq!(browser.get("/reviews").await.status, StatusCode::FORBIDDEN, "{group}");
        assert!(!browser.get("/account").await.body.contains("href=\"/reviews\""));
    }
    let mut auditor = house.signed_in("ann", "auditors").await;
    assert!(auditor.get("/account").await.body.contains("href=\"/reviews\""));
    assert_eq!(auditor.get("/reviews/nonsense").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn what_nobody_reviewed_in_time_is_overdue() {
    let house = House::new().await;
    broken(&house, "vic", "visiting").await;
    house.doubles.clock.advance(72 * 3_600);
    let mut eve = house.signed_in("eve", "auditors").await;
    let list = eve.get("/reviews").await;
    assert!(list.body.contains(">Overdue</span>"), "{}", list.body);
    assert!(eve.get(&first_review(&list.body)).await.body.contains("This review was due"));
}

#[actix_web::test]
async fn what_cannot_be_read_is_closed_with_what_was_found() {
    let house = House::new().await;
    broken(&house, "vic", "visiting").await;
    let mut eve = house.signed_in("eve", "auditors").await;
    let at = first_review(&eve.get("/reviews").await.body);
    let id = at.rsplit('/').next().unwrap().parse().unwrap();
    let mut stored = house.doubles.store.load(house.tenant, &[id]).await.unwrap().remove(0);
    *stored.sealed.last_mut().unwrap() ^= 1;
    house.doubles.store.tamper(stored);
    let list = eve.get("/reviews").await.body;
    assert!(list.contains("Cannot be read") && first_review(&list) == at, "{list}");
    assert!(eve.get(&at).await.body.contains("Review that cannot be read"));
    let short = eve.post(&at, &[("verdict", "unreadable"), ("note", "gone")]).await;
    assert_eq!((short.status, short.body.contains("href=\"#note\"")), (StatusCode::BAD_REQUEST, true));
    let done = eve.post(&at, &[("verdict", "unreadable"), ("note", "the row was altered")]).await;
    assert_eq!(done.location(), at);
    let closed = eve.get(&at).await.body;
    assert!(closed.contains("Could not be read") && closed.contains("the row was altered"), "{closed}");
    assert!(closed.contains("vic &#60;b&#62;"), "who it was, the chain says");
    assert!(eve.get("/reviews").await.body.contains("Nothing waits for a review"));
}

#[actix_web::test]
async fn opening_another_patient_ends_the_first_access() {
    let house = House::new().await;
    let (mut vic, _) = broken(&house, "vic", "visiting").await;
    house.store_patient(2, "Other").await;
    vic.get("/break-glass").await;
    let fields = [("identifier", "M2"), ("born", "1970-01-31"), ("reason", "ETREAT"), ("words", "the next one, too")];
    assert_eq!(vic.post("/break-glass", &fields).await.status, StatusCode::SEE_OTHER);
    let actions: Vec<_> = house.entries().await.into_iter().map(|(action, _)| action).collect();
    let of = |name: &str| actions.iter().filter(|action| *action == name).count();
    assert_eq!((of("BreakGlassActivated"), of("BreakGlassEnded")), (2, 1));
}

#[actix_web::test]
async fn glass_broken_in_two_browsers_hides_nothing_from_a_review() {
    let house = House::new().await;
    let (mut one, _) = broken(&house, "vic", "visiting").await;
    let mut other = house.signed_in("vic", "visiting").await;
    other.get("/break-glass").await;
    let fields = [("identifier", "m1"), ("born", "1970-01-31"), ("reason", "ETREAT"), ("words", "on another screen")];
    let to = other.post("/break-glass", &fields).await.location().to_owned();
    let patient = to.rsplit_once('/').unwrap().1.parse().unwrap();
    let late = house.store_report(patient, 7, "final", "7.10").await;
    one.post("/break-glass/end", &[]).await;
    house.doubles.clock.advance(60);
    assert_eq!(other.get(&format!("/reports/{late}")).await.status, StatusCode::OK);
    let mut eve = house.signed_in("eve", "auditors").await;
    let list = eve.get("/reviews").await.body;
    let reviews: Vec<_> = list.match_indices("href=\"/reviews/").map(|(at, _)| first_review(&list[at..])).collect();
    assert_eq!(reviews.len(), 2, "{list}");
    let mut ended = Vec::new();
    for review in reviews {
        let page = eve.get(&review).await.body;
        assert!(page.contains(&late.to_string()), "{page}");
        ended.push(page.contains("before its time"));
    }
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1, "each has an end of its own");
}
