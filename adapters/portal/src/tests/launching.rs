//! Launching applications: from the request to the code, and everywhere that ends before.

use super::house::{Browser, Got, House};
use super::refused::change;
use crate::launching::destination;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::access::{Context, Role, Roles, Subject};
use domain::administration::By;
use domain::directory::{Application, ApplicationUse};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::journal::Actor;
use domain::launch::Given;
use domain::time::Timestamp;
use form::{Form, encode};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "https://app.example/back?site=1";
const STANDALONE: &str = "openid fhirUser launch/patient patient/*.rs user/Observation.r";

impl House {
    async fn application(&self, tenant: TenantId) -> RecordId {
        let scopes = ["openid", "fhirUser", "launch", "launch/patient", "patient/*.rs", "user/Observation.r"];
        let new = Application {
            id: RecordId([0; 16]),
            tenant,
            name: "Growth <chart>".to_owned(),
            r#use: ApplicationUse::Launch {
                redirect_uris: vec![BACK.to_owned()],
                launch_uri: Some("https://app.example/launch".to_owned()),
                confidential: false,
            },
            jwks: None,
            jwks_uri: None,
            secret_hash: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            enabled: true,
            created: Timestamp(0),
            ended: None,
        };
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(Timestamp(0)) };
        let id = self.doubles.administration().add_application(&by, new).await.unwrap().id;
        self.reload().await;
        id
    }

    async fn redeem(&self, client: RecordId, code: &str) -> Option<Given> {
        let directory = self.service.directory.borrow().clone();
        self.service.launches.redeem(code, client, BACK, VERIFIER, &directory).await.ok()
    }

    async fn saw(&self, action: &str) -> bool {
        self.entries().await.iter().any(|(known, _)| known == action)
    }
}

fn request(client: RecordId, scope: &str, more: &str) -> String {
    let (back, base, scope) = (encode(BACK), encode("https://here.example/fhir"), encode(scope));
    format!(
        "response_type=code&client_id={client}&redirect_uri={back}&scope={scope}&state=s&aud={base}\
         &code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
    )
}

/// Goes to the authorization endpoint and returns the page that the request is answered on.
async fn begin(browser: &mut Browser<'_>, client: RecordId, scope: &str, more: &str) -> String {
    let got = browser.get(&format!("/oauth/authorize?{}", request(client, scope, more))).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.body);
    got.location().to_owned()
}

/// What an application was told.
fn told(got: &Got, name: &str) -> String {
    let (address, query) = got.location().split_once('?').unwrap_or_default();
    assert_eq!((got.status, address), (StatusCode::SEE_OTHER, "https://app.example/back"), "{}", got.body);
    let answer = Form::read(query).unwrap();
    assert_eq!((answer.text("site"), answer.text("iss")), ("1", "https://here.example"));
    assert_eq!(answer.text("state"), "s");
    answer.text(name).to_owned()
}

#[actix_web::test]
async fn somebody_signs_in_chooses_a_patient_and_lets_an_application_in() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let client = house.application(house.tenant).await;
    let mut browser = Browser::new(&house);
    let page = begin(&mut browser, client, STANDALONE, "").await;
    let away = browser.get(&page).await;
    assert_eq!(away.location(), format!("/sign-in/{}?return={}", house.tenant, encode(&page)));
    let back = browser.sign_in("ann", "doctors", &format!("?return={}", encode(&page))).await;
    assert_eq!(back.location(), page, "the same place after signing in");
    let choice = format!("{page}/patient");
    assert_eq!(browser.get(&page).await.location(), choice);
    assert!(browser.get(&choice).await.body.contains("Growth &#60;chart&#62;"));
    let found = browser.post(&choice, &[("identifier", "M1")]).await;
    assert!(found.status == StatusCode::OK && found.body.contains("Quillfeather"), "{}", found.body);
    let chosen = browser.post(&choice, &[("patient", &patient.to_string())]).await;
    assert_eq!(chosen.location(), page);
    let consent = browser.get(&page).await;
    for words in ["Quillfeather", "Open and look for everything of this patient", "https://app.example", "fhirUser"] {
        assert!(consent.body.contains(words), "{words}: {}", consent.body);
    }
    assert!(consent.header("content-security-policy").contains("form-action 'self' https://app.example;"));
    // Records come first: patient/*.rs, user/Observation.r, openid, fhirUser, launch/patient.
    let ticked = [("answer", "allow"), ("wish-0", "1"), ("wish-2", "1"), ("wish-4", "1")];
    // A page that shows somebody else, or nobody, agrees to nothing.
    for other in ["", &RecordId([0x77; 16]).to_string()] {
        let got = browser.post(&page, &[&ticked[..], &[("patient", other)]].concat()).await;
        assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, page.as_str()));
    }
    let patient_shown = patient.to_string();
    let ticked = [&ticked[..], &[("patient", patient_shown.as_str())]].concat();
    let code = told(&browser.post(&page, &ticked).await, "code");
    let given = house.redeem(client, &code).await.unwrap();
    assert_eq!(given.wish.render(), "openid launch/patient patient/*.rs", "what was taken away is not there");
    assert_eq!(given.grant.patient, Some(patient));
    assert!(house.saw("AuthorizationGranted").await);
    assert_eq!(browser.get(&page).await.status, StatusCode::BAD_REQUEST, "answered once");
    assert_eq!(browser.post(&page, &ticked).await.status, StatusCode::BAD_REQUEST);
}

#[actix_web::test]
async fn every_form_on_the_way_to_an_answer_may_lead_to_the_application() {
    let house = House::new().await;
    let client = house.application(house.tenant).await;
    let mut browser = Browser::new(&house);
    let page = begin(&mut browser, client, STANDALONE, "").await;
    let sign_in = browser.get(&page).await.location().to_owned();
    let leads = |got: &Got| got.header("content-security-policy").contains("form-action 'self' https://app.example;");
    assert!(leads(&browser.get(&sign_in).await), "signing in, where the request may be refused then");
    let elsewhere = browser.get(&format!("/sign-in/{}?return=%2Fpatients", house.tenant)).await;
    assert!(!elsewhere.header("content-security-policy").contains("app.example"));
    let unknown = encode(&format!("/oauth/authorize/{}", "A".repeat(43)));
    let unknown = browser.get(&format!("/sign-in/{}?return={unknown}", house.tenant)).await;
    assert!(!unknown.header("content-security-policy").contains("app.example"));
    browser.sign_in("ann", "doctors", "").await;
    assert!(leads(&browser.get(&format!("{page}/patient")).await));
}

#[actix_web::test]
async fn whoever_declines_gives_nothing() {
    let house = House::new().await;
    house.store_patient(1, "Quillfeather").await;
    let client = house.application(house.tenant).await;
    let mut browser = house.signed_in("ann", "doctors").await;
    for answer in [&[("answer", "decline"), ("wish-0", "1")][..], &[("answer", "allow")]] {
        let page = begin(&mut browser, client, "openid user/Observation.r", "").await;
        browser.get(&page).await;
        let got = browser.post(&page, answer).await;
        assert_eq!(told(&got, "error"), "access_denied");
    }
    assert!(house.saw("AuthorizationDeclined").await && !house.saw("AuthorizationGranted").await);
    let page = begin(&mut browser, client, "launch/patient patient/*.rs user/Observation.r", "").await;
    browser.get(&format!("{page}/patient")).await;
    let patient = house.store_patient(1, "Quillfeather").await;
    browser.post(&format!("{page}/patient"), &[("patient", &patient.to_string())]).await;
    browser.get(&page).await;
    let patient = patient.to_string();
    let without_context = [("answer", "allow"), ("wish-0", "1"), ("wish-1", "1"), ("patient", &patient)];
    let code = told(&browser.post(&page, &without_context).await, "code");
    let given = house.redeem(client, &code).await.unwrap();
    assert_eq!((given.wish.render().as_str(), given.grant.patient), ("user/Observation.r", None));
}

#[actix_web::test]
async fn a_patient_whom_somebody_may_not_see_is_nobody_s_to_choose() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await.to_string();
    let client = house.application(house.tenant).await;
    let mut admin = house.signed_in("adm", "admins").await;
    let page = begin(&mut admin, client, STANDALONE, "").await;
    assert_eq!(admin.get(&format!("{page}/patient")).await.status, StatusCode::FORBIDDEN);
    admin.get("/account").await;
    let chosen = admin.post(&format!("{page}/patient"), &[("patient", &patient)]).await;
    assert!(chosen.status.is_client_error() && !chosen.body.contains("Quillfeather"));
    let mut browser = house.signed_in("ann", "doctors").await;
    browser.get("/account").await;
    let absent = RecordId([0x77; 16]).to_string();
    let got = browser.post(&format!("{page}/patient"), &[("patient", &absent)]).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    // What one person chose is not chosen for another.
    browser.post(&format!("{page}/patient"), &[("patient", &patient)]).await;
    let mut other = house.signed_in("ben", "doctors").await;
    assert_eq!(other.get(&page).await.location(), format!("{page}/patient"));
}

#[actix_web::test]
async fn an_application_is_opened_from_a_patient_s_page_for_that_patient_and_person_alone() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let client = house.application(house.tenant).await;
    let id = client.to_string();
    let scope = "launch patient/*.rs";
    let mut browser = house.signed_in("ann", "doctors").await;
    let page = browser.get(&format!("/patients/{patient}")).await;
    assert!(page.body.contains("Open with <bdi>Growth &#60;chart&#62;</bdi>"), "{}", page.body);
    assert!(page.header("content-security-policy").contains("form-action 'self' https://app.example;"));
    let open = format!("/patients/{patient}/open");
    let opened = browser.post(&open, &[("application", &id)]).await;
    let (address, query) = opened.location().split_once('?').unwrap();
    assert_eq!(address, "https://app.example/launch");
    let form = Form::read(query).unwrap();
    assert_eq!(form.text("iss"), "https://here.example/fhir");
    let launch = format!("&launch={}", form.text("launch"));
    assert!(house.saw("ApplicationOpened").await);

    let mut other = house.signed_in("ben", "doctors").await;
    let page = begin(&mut other, client, scope, &launch).await;
    assert_eq!(told(&other.get(&page).await, "error"), "invalid_request", "another person");
    let page = begin(&mut browser, client, scope, &launch).await;
    assert!(browser.get(&page).await.body.contains("Quillfeather"));
    let shown = patient.to_string();
    let allow = [("answer", "allow"), ("wish-0", "1"), ("wish-1", "1"), ("patient", &shown)];
    let code = told(&browser.post(&page, &allow).await, "code");
    assert_eq!(house.redeem(client, &code).await.unwrap().grant.patient, Some(patient));
    let page = begin(&mut browser, client, scope, &launch).await;
    assert_eq!(told(&browser.get(&page).await, "error"), "invalid_request", "used up");
    let page = begin(&mut browser, client, scope, "&launch=made-up").await;
    assert_eq!(told(&browser.get(&page).await, "error"), "invalid_request");

    browser.get("/account").await;
    let absent = RecordId([0x77; 16]);
    for (path, id) in [(format!("/patients/{absent}/open"), &id), (open, &absent.to_string())] {
        let got = browser.post(&path, &[("application", id)]).await;
        assert_eq!((got.status, got.location()), (StatusCode::NOT_FOUND, ""));
    }
}

/// Opens the application from a patient's page and returns the parameter that it comes back with.
async fn opened(browser: &mut Browser<'_>, patient: RecordId, client: RecordId) -> String {
    browser.get(&format!("/patients/{patient}")).await;
    let got = browser.post(&format!("/patients/{patient}/open"), &[("application", &client.to_string())]).await;
    let form = Form::read(got.location().split_once('?').unwrap().1).unwrap();
    format!("&launch={}", form.text("launch"))
}

#[actix_web::test]
async fn a_launch_outlasts_a_proof_that_is_asked_for_anew_a_new_session_and_a_slow_reader() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let client = house.application(house.tenant).await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let launch = opened(&mut browser, patient, client).await;
    house.doubles.clock.advance(62);
    let page = begin(&mut browser, client, "launch patient/*.rs", &format!("{launch}&prompt=login")).await;
    assert!(browser.get(&page).await.location().starts_with("/step-up?"));
    house.doubles.clock.advance(200);
    let back = browser.sign_in("ann", "doctors", &format!("?return={}&again=1", encode(&page))).await;
    assert_eq!(back.location(), page);
    assert!(browser.get(&page).await.body.contains("Quillfeather"));
    // The session is over, and the person comes back by the same way.
    house.doubles.clock.advance(300);
    let mut browser = Browser::new(&house);
    browser.sign_in("ann", "doctors", "").await;
    assert!(browser.get(&page).await.body.contains("Quillfeather"));
    house.doubles.clock.advance(400);
    let shown = patient.to_string();
    let allow = [("answer", "allow"), ("wish-0", "1"), ("wish-1", "1"), ("patient", &shown)];
    let code = told(&browser.post(&page, &allow).await, "code");
    assert_eq!(house.redeem(client, &code).await.unwrap().grant.patient, Some(patient));
}

#[actix_web::test]
async fn of_two_requests_by_one_launch_one_is_granted_and_a_late_one_is_refused() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let client = house.application(house.tenant).await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let launch = opened(&mut browser, patient, client).await;
    let scope = "launch patient/*.rs";
    let pages = [begin(&mut browser, client, scope, &launch).await, begin(&mut browser, client, scope, &launch).await];
    house.doubles.clock.advance(300);
    let late = begin(&mut browser, client, scope, &launch).await;
    assert_eq!(told(&browser.get(&late).await, "error"), "invalid_request");
    let shown = patient.to_string();
    let allow = [("answer", "allow"), ("wish-0", "1"), ("wish-1", "1"), ("patient", &shown)];
    for (page, granted) in pages.iter().zip([true, false]) {
        browser.get(page).await;
        let got = browser.post(page, &allow).await;
        assert_eq!(told(&got, "code").is_empty(), !granted, "{}", got.location());
    }
}

#[actix_web::test]
async fn nobody_is_sent_to_an_address_that_was_not_registered() {
    let house = House::new().await;
    let client = house.application(house.tenant).await;
    let good = request(client, STANDALONE, "");
    let mut browser = house.signed_in("ann", "doctors").await;
    for wrong in [
        good.replace("app.example", "evil.example"),
        good.replace("site%3D1", "site%3D2"),
        good.replace(&client.to_string(), "x"),
        format!("{good}&redirect_uri=https%3A%2F%2Fevil.example"),
        format!("{good}&state=%zz"),
        String::new(),
    ] {
        let got = browser.get(&format!("/oauth/authorize?{wrong}")).await;
        assert_eq!((got.status, got.location()), (StatusCode::BAD_REQUEST, ""), "{wrong}");
        assert!(!got.body.contains("evil.example"));
    }
    let plain = good.replace("S256", "plain");
    let got = browser.get(&format!("/oauth/authorize?{plain}")).await;
    assert_eq!(told(&got, "error"), "invalid_request");
    let elsewhere = good.replace("here.example", "there.example");
    assert_eq!(told(&browser.get(&format!("/oauth/authorize?{elsewhere}")).await, "error"), "invalid_request");
}

#[actix_web::test]
async fn a_request_may_come_by_a_form_of_another_site() {
    let house = House::new().await;
    let client = house.application(house.tenant).await;
    let mut browser = Browser::new(&house);
    let form = TestRequest::post()
        .uri("/oauth/authorize")
        .insert_header(("origin", "https://app.example"))
        .insert_header(("sec-fetch-site", "cross-site"))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(request(client, STANDALONE, ""));
    let got = browser.send(form).await;
    assert!(got.status == StatusCode::SEE_OTHER && got.location().starts_with("/oauth/authorize/"), "{}", got.body);
}

#[actix_web::test]
async fn an_application_of_another_organization_gets_nothing_and_proof_is_asked_for_anew() {
    let house = House::new().await;
    let south = house.service.directory.borrow().tenant_by_name("South Clinic").unwrap().id;
    let foreign = house.application(south).await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let page = begin(&mut browser, foreign, "openid", "").await;
    assert_eq!(told(&browser.get(&page).await, "error"), "access_denied");
    assert!(house.saw("AuthorizationRefused").await);

    let client = house.application(house.tenant).await;
    house.doubles.clock.advance(62);
    for (more, again) in [("&prompt=login", true), ("&max_age=60", true), ("&max_age=600", false)] {
        let page = begin(&mut browser, client, "openid", more).await;
        let got = browser.get(&page).await;
        let expected = if again { format!("/step-up?return={}", encode(&page)) } else { String::new() };
        assert_eq!(got.location(), expected, "{more}");
    }
    let page = begin(&mut browser, client, "openid", "").await;
    house.doubles.clock.advance(1_200);
    let mut browser = house.signed_in("ann", "doctors").await;
    assert_eq!(browser.get(&page).await.status, StatusCode::BAD_REQUEST, "after twenty minutes");
    assert_eq!(destination(BACK), "https://app.example");
}

#[actix_web::test]
async fn no_request_is_kept_that_comes_from_an_address_that_is_not_allowed() {
    let house = House::new().await;
    let client = house.application(house.tenant).await;
    change(&house, |settings| settings.addresses = vec!["10.0.0.0/8".to_owned()]).await;
    let before = house.refusals_in(TenantId::SYSTEM).await;
    let path = format!("/oauth/authorize?{}", request(client, STANDALONE, ""));
    assert_eq!(Browser::new(&house).get(&path).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.refusals_in(TenantId::SYSTEM).await, before.saturating_add(1));
    begin(&mut Browser::at(&house, [10, 0, 0, 7]), client, STANDALONE, "").await;
}
