//! The clinical pages: what is shown, what is recorded, and what stands in no address.

use super::house::House;
use actix_web::http::StatusCode;
use domain::id::RecordId;

#[actix_web::test]
async fn a_patient_is_found_by_number_or_by_name_and_birth_date() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let mut browser = house.signed_in("ann", "doctors").await;
    for fields in [
        &[("identifier", "M1")][..],
        &[("family", "quillfeather"), ("born", "1970-01-31")],
        &[("family", "Quill"), ("born", "1970-01-31")],
    ] {
        browser.get("/patients").await;
        let sent = browser.post("/patients", fields).await;
        let to = sent.location().to_owned();
        assert!(to.starts_with("/patients/found?at="), "{to}");
        for word in ["Quill", "quill", "1970-01"] {
            assert!(!to.contains(word), "nothing personal stands in an address: {to}");
        }
        let found = browser.get(&to).await;
        assert!(found.body.contains(&format!("href=\"/patients/{patient}\"")), "{}", found.body);
        assert!(found.body.contains("Quillfeather, Ada") && found.body.contains("31 Jan 1970"));
    }
    browser.get("/patients").await;
    let sent = browser.post("/patients", &[("identifier", "M1,M2|x$\\")]).await;
    assert!(browser.get(sent.location()).await.body.contains("Nobody that you may see"));
}

#[actix_web::test]
async fn a_search_that_is_not_whole_is_told_field_by_field() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    browser.get("/patients").await;
    for (fields, link) in [
        (&[("identifier", " ")][..], "href=\"#identifier\""),
        (&[("family", "Quill")], "href=\"#born\""),
        (&[("born", "1970-01-31")], "href=\"#family\""),
        (&[("family", "Quill"), ("born", "31.1.1970")], "href=\"#born\""),
    ] {
        let got = browser.post("/patients", fields).await;
        assert!(got.body.contains("There is a problem") && got.body.contains(link), "{}", got.body);
        assert!(got.body.contains("<title>Error: Find a patient"));
    }
}

#[actix_web::test]
async fn a_report_shows_its_values_as_they_came_under_its_own_patient() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "preliminary", "9.80").await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let list = browser.get(&format!("/patients/{patient}")).await;
    assert!(list.body.contains(&format!("href=\"/reports/{report}\"")) && list.body.contains("Metabolic panel 1"));
    let shown = browser.get(&format!("/reports/{report}")).await;
    assert_eq!(shown.status, StatusCode::OK);
    for text in [
        "<bdi>9.80</bdi>",
        "mmol/L",
        "Preliminary",
        "Not yet verified",
        "▲",
        "High",
        "Quillfeather, Ada",
        "31 Jan 1970",
        ">M1<",
    ] {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    let read: Vec<_> = house.entries().await.into_iter().filter(|(action, _)| action.starts_with("fhir.")).collect();
    assert!(
        read.len() >= 3 && read.iter().all(|(_, outcome)| outcome == "success"),
        "every view is in the chain: {read:?}"
    );
}

#[actix_web::test]
async fn an_older_version_is_marked_and_shows_the_results_of_its_time() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "final", "9.80").await;
    house.store_report(patient, 1, "corrected", "4.10").await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let now = browser.get(&format!("/reports/{report}")).await;
    assert!(now.body.contains("<bdi>4.10</bdi>") && now.body.contains("Corrected") && !now.body.contains("9.80"));
    let history = browser.get(&format!("/reports/{report}/history")).await;
    assert!(
        history.body.contains("Version 2, current") && history.body.contains(&format!("/reports/{report}/versions/1"))
    );
    let old = browser.get(&format!("/reports/{report}/versions/1")).await;
    assert!(old.body.contains("<bdi>9.80</bdi>") && old.body.contains("This is an older version"), "{}", old.body);
    assert!(!old.body.contains("4.10"));
    assert_eq!(browser.get(&format!("/reports/{report}/versions/2")).await.location(), format!("/reports/{report}"));
    for none in ["0", "3", "x", "4294967295", "99999999999"] {
        assert_eq!(
            browser.get(&format!("/reports/{report}/versions/{none}")).await.status,
            StatusCode::NOT_FOUND,
            "{none}"
        );
    }
}

#[actix_web::test]
async fn a_document_is_handed_out_in_a_form_that_no_browser_runs() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "final", "1").await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let page = browser.get(&format!("/reports/{report}")).await;
    assert!(page.body.contains("Letter &#60;1&#62;"));
    let got = browser.get(&format!("/reports/{report}/documents/1")).await;
    assert_eq!((got.status, got.body.as_str()), (StatusCode::OK, "<b>hi</b>"));
    assert_eq!(got.header("content-type"), "application/octet-stream", "it said text/html");
    assert_eq!(got.header("content-disposition"), "attachment; filename=\"document-1.bin\"");
    assert!(got.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
    assert_eq!((got.header("x-content-type-options"), got.header("cache-control")), ("nosniff", "no-store"));
    for none in ["0", "2", "x", "-1"] {
        assert_eq!(browser.get(&format!("/reports/{report}/documents/{none}")).await.status, StatusCode::NOT_FOUND);
    }
}

#[actix_web::test]
async fn whoever_may_not_read_is_told_whom_to_ask_and_the_denial_is_recorded() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "final", "1").await;
    let mut admin = house.signed_in("root", "admins").await;
    assert_eq!(admin.get("/").await.location(), "/account");
    assert_eq!(admin.get("/patients").await.status, StatusCode::FORBIDDEN);
    // The same on every page, whether there is such a record or none.
    let absent = RecordId([0x77; 16]);
    let of = |report: RecordId| {
        ["", "/history", "/versions/1", "/documents/1"].map(|part| format!("/reports/{report}{part}"))
    };
    let patients = [patient, absent].map(|patient| format!("/patients/{patient}"));
    for path in patients.into_iter().chain(of(report)).chain(of(absent)) {
        let got = admin.get(&path).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            !got.body.contains("Quillfeather") && !got.body.contains("Potassium") && got.body.contains("administrator")
        );
    }
    assert!(house.entries().await.iter().filter(|(_, outcome)| outcome == "denied").count() >= 3);
}

#[actix_web::test]
async fn absent_and_hidden_look_the_same() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let mut visiting = house.signed_in("vic", "visiting").await;
    let reference = |body: &str| {
        let mut parts: Vec<String> = body.split("class=\"code\">").map(str::to_owned).collect();
        parts.iter_mut().skip(1).for_each(|part| *part = part.get(36..).unwrap().to_owned());
        parts.concat()
    };
    let report = house.store_report(patient, 1, "final", "9.80").await;
    let nobodys = RecordId::from_name([77; 16]);
    for page in ["", "/history", "/versions/1", "/documents/1"] {
        let hidden = visiting.get(&format!("/reports/{report}{page}")).await;
        let absent = visiting.get(&format!("/reports/{nobodys}{page}")).await;
        assert_eq!((hidden.status, absent.status), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND), "{page}");
        assert_eq!(
            reference(&hidden.body).replace(&report.to_string(), ""),
            reference(&absent.body).replace(&nobodys.to_string(), ""),
            "{page}"
        );
    }
}

#[actix_web::test]
async fn a_sealed_question_is_good_for_one_person_and_one_page() {
    let house = House::new().await;
    house.store_patient(1, "Quillfeather").await;
    let other = house.store_patient(2, "Other").await;
    let mut ann = house.signed_in("ann", "doctors").await;
    ann.get("/patients").await;
    let to = ann.post("/patients", &[("identifier", "M1")]).await.location().to_owned();
    let mut ben = house.signed_in("ben", "doctors").await;
    assert_eq!(ben.get(&to).await.status, StatusCode::NOT_FOUND);
    let sealed = to.split_once('?').unwrap().1;
    assert_eq!(ann.get(&format!("/patients/{other}?{sealed}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ann.get("/patients/found?at=").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ann.get("/patients/found?at=AAAA").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn reports_are_paged_newest_first() {
    let limits = crate::Limits { page: 2, ..crate::Limits::default() };
    let house = House::with(limits).await;
    let patient = house.store_patient(1, "Quillfeather").await;
    for number in 1..=5 {
        house.store_report(patient, number, "final", "1").await;
    }
    let mut browser = house.signed_in("ann", "doctors").await;
    let mut path = format!("/patients/{patient}");
    let mut seen = Vec::new();
    for _ in 0..3 {
        let page = browser.get(&path).await.body;
        seen.extend((1..=5).filter(|number| page.contains(&format!("Metabolic panel {number}<"))).rev());
        path = page
            .split_once(">Older reports<")
            .map(|(before, _)| before.rsplit_once("href=\"").unwrap().1.trim_end_matches('"').to_owned())
            .unwrap_or_default();
    }
    assert_eq!((seen, path.as_str()), (vec![5, 4, 3, 2, 1], ""));
}
