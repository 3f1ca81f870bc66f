//! Emergency access: a reason before anything opens, a banner on every page, an end.

use super::house::{Browser, House};
use actix_web::http::StatusCode;

const REASON: (&str, &str) = ("reason", "ETREAT");
const WORDS: (&str, &str) = ("words", "unconscious in the emergency room");

async fn broken<'a>(house: &'a House) -> (Browser<'a>, String) {
    let mut browser = house.signed_in("vic", "visiting").await;
    browser.get("/break-glass").await;
    let got = browser.post("/break-glass", &[("identifier", "m1"), ("born", "1970-01-31"), REASON, WORDS]).await;
    (browser, got.location().to_owned())
}

#[actix_web::test]
async fn a_patient_who_is_kept_back_opens_for_a_reason_and_closes_again() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let other = house.store_patient(2, "Other").await;
    let report = house.store_report(patient, 1, "final", "9.80").await;
    let others = house.store_report(other, 2, "final", "1").await;
    let (mut browser, to) = broken(&house).await;
    assert_eq!(to, format!("/patients/{patient}"));
    let page = browser.get(&to).await;
    assert!(
        page.body.contains("Quillfeather")
            && page.body.contains("Emergency access is on")
            && page.body.contains("60 minutes left")
    );
    assert!(browser.get(&format!("/reports/{report}")).await.body.contains("9.80"));
    assert_eq!(browser.get(&format!("/reports/{others}")).await.status, StatusCode::NOT_FOUND, "one patient only");
    assert!(browser.get("/account").await.body.contains("Emergency access is on"), "the banner is on every page");
    for seconds in [800, 800, 800, 800, 350] {
        house.doubles.clock.advance(seconds);
        browser.get("/account").await;
    }
    assert!(browser.get("/account").await.body.contains("1 minute left"));
    browser.post("/break-glass/end", &[]).await;
    let closed = browser.get(&format!("/reports/{report}")).await;
    assert_eq!(closed.status, StatusCode::NOT_FOUND);
    assert!(!closed.body.contains("Emergency access is on"));
    let entries = house.entries().await;
    for action in ["BreakGlassActivated", "BreakGlassEnded"] {
        assert!(entries.contains(&(action.to_owned(), "success".to_owned())), "{action}");
    }
}

#[actix_web::test]
async fn no_file_leaves_while_the_glass_is_broken() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "final", "9.80").await;
    house.store_report(patient, 1, "corrected", "4.10").await;
    let other = house.store_report(house.store_patient(2, "Other").await, 2, "final", "1").await;
    let absent = "00000000-0000-4000-8000-000000000000";
    let mut before = house.signed_in("ann", "doctors").await;
    assert_eq!(before.get(&format!("/reports/{report}/documents/1")).await.status, StatusCode::OK);
    let (mut browser, _) = broken(&house).await;
    let page = browser.get(&format!("/reports/{report}")).await;
    assert!(page.body.contains("Letter &#60;1&#62;") && page.body.contains("not handed out during emergency access"));
    assert!(!page.body.contains("/documents/1"), "{}", page.body);
    assert!(!browser.get(&format!("/reports/{report}/versions/1")).await.body.contains("/documents/1"));
    let mut answers = Vec::new();
    for path in [format!("{report}"), format!("{report}/versions/1"), format!("{other}"), absent.to_owned()] {
        let got = browser.get(&format!("/reports/{path}/documents/1")).await;
        assert_eq!(got.header("content-disposition"), "", "{path}");
        // Around it stands where to go back to after the end of the session.
        let told = got.body.split("<main").nth(1).and_then(|rest| rest.split("class=\"code\">").next()).unwrap();
        answers.push((got.status, told.to_owned()));
    }
    assert_eq!(answers[0].0, StatusCode::FORBIDDEN);
    assert!(answers[0].1.contains("No files during emergency access"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "it tells nothing of what there is");
    let reasons: Vec<_> = house.contexts("report.export").await.into_iter().map(|context| context.reason).collect();
    let forbidden = |reason: &&Option<String>| reason.as_deref() == Some("broken-glass-exports-nothing");
    assert_eq!((reasons.len(), reasons.iter().filter(forbidden).count()), (5, 3), "{reasons:?}");
}

#[actix_web::test]
async fn who_may_see_a_patient_gets_no_file_either_until_the_glass_is_mended() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let document = format!("/reports/{}/documents/1", house.store_report(patient, 1, "final", "9.80").await);
    let mut ann = house.signed_in("ann", "doctors").await;
    assert_eq!(ann.get(&document).await.status, StatusCode::OK);
    ann.get("/break-glass").await;
    ann.post("/break-glass", &[("identifier", "m1"), ("born", "1970-01-31"), REASON, WORDS]).await;
    assert_eq!(ann.get(&document).await.status, StatusCode::FORBIDDEN);
    ann.get("/account").await;
    ann.post("/break-glass/end", &[]).await;
    assert_eq!(ann.get(&document).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn it_closes_by_itself() {
    let house = House::with(crate::Limits { glass_seconds: 300, ..crate::Limits::default() }).await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = format!("/reports/{}", house.store_report(patient, 1, "final", "9.80").await);
    let (mut browser, _) = broken(&house).await;
    assert_eq!(browser.get(&report).await.status, StatusCode::OK);
    house.doubles.clock.advance(300);
    assert_eq!(browser.get(&report).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn without_a_reason_in_ten_characters_nothing_opens() {
    let house = House::new().await;
    house.store_patient(1, "Quillfeather").await;
    let mut browser = house.signed_in("vic", "visiting").await;
    browser.get("/break-glass").await;
    let who = [("identifier", "M1"), ("born", "1970-01-31")];
    for (more, link) in [
        (&[REASON, ("words", "because   ")][..], "#words"),
        (&[WORDS], "#reason"),
        (&[("reason", "CURIOUS"), WORDS], "#reason"),
        (&[REASON, WORDS, ("patient", "")], ""),
    ] {
        let fields: Vec<_> = who.iter().chain(more).copied().collect();
        let got = browser.post("/break-glass", &fields).await;
        match link {
            "" => assert_eq!(got.status, StatusCode::SEE_OTHER),
            link => assert!(got.body.contains(&format!("href=\"{link}\"")), "{}", got.body),
        }
    }
}

#[actix_web::test]
async fn a_number_and_a_birth_date_that_do_not_belong_together_open_nothing() {
    let house = House::new().await;
    house.store_patient(1, "Quillfeather").await;
    let mut browser = house.signed_in("vic", "visiting").await;
    browser.get("/break-glass").await;
    let got = browser.post("/break-glass", &[("identifier", "M1"), ("born", "1970-02-01"), REASON, WORDS]).await;
    assert!(got.body.contains("Not exactly one patient") && !got.body.contains("Quillfeather"));
    assert!(house.entries().await.contains(&("BreakGlassActivated".to_owned(), "failure".to_owned())));
}

#[actix_web::test]
async fn whoever_proved_it_long_ago_proves_it_once_more_first() {
    let house = House::new().await;
    let mut browser = house.signed_in("vic", "visiting").await;
    house.doubles.clock.advance(300);
    let got = browser.get("/break-glass").await;
    assert_eq!(got.location(), "/step-up?return=%2Fbreak-glass");
}

#[actix_web::test]
async fn no_form_prolongs_the_time_within_which_it_was_proved() {
    let house = House::new().await;
    house.store_patient(1, "Quillfeather").await;
    let fields = [("identifier", "m1"), ("born", "1970-01-31"), REASON, WORDS];
    let mut browser = house.signed_in("vic", "visiting").await;
    house.doubles.clock.advance(179);
    assert_eq!(browser.get("/break-glass").await.status, StatusCode::OK);
    let mut later = browser.clone();
    house.doubles.clock.advance(1);
    assert_eq!(later.get("/break-glass").await.location(), "/step-up?return=%2Fbreak-glass", "too little is left");
    house.doubles.clock.advance(120);
    assert_eq!(browser.post("/break-glass", &fields).await.location(), "/step-up?return=%2Fbreak-glass");
    assert!(!house.entries().await.iter().any(|(action, _)| action == "BreakGlassActivated"));
}

#[actix_web::test]
async fn administration_does_not_break_glass_and_the_attempt_is_recorded() {
    let house = House::new().await;
    let mut admin = house.signed_in("root", "admins").await;
    assert_eq!(admin.get("/break-glass").await.status, StatusCode::FORBIDDEN);
    assert!(house.entries().await.contains(&("breakglass.start".to_owned(), "denied".to_owned())));
}

#[actix_web::test]
async fn no_access_outlasts_its_recorded_end() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = format!("/reports/{}", house.store_report(patient, 1, "final", "9.80").await);
    let (mut browser, _) = broken(&house).await;
    house.tickets.refuse_replacing(true);
    assert_eq!(browser.post("/break-glass/end", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    house.tickets.refuse_replacing(false);
    assert_eq!(browser.get(&report).await.status, StatusCode::OK);
    let ended = ("BreakGlassEnded".to_owned(), "success".to_owned());
    assert!(!house.entries().await.contains(&ended), "it goes on, and nothing says that it does not");
    browser.post("/break-glass/end", &[]).await;
    assert!(house.entries().await.contains(&ended));
}
