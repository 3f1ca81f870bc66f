//! Applications that people launch: codes, refresh, what the tokens reach, and everything an attacker would try.

use crate::client_keys::RSA_N;
use crate::credentials;
use crate::house::{ADA, Answer, BACK, FAR, House, KEEPER, LAB, LAUNCHED, PUBLIC, SECRET, patient, report, row};
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Address, Clinics, Context, Factor, Purpose, Role, Roles, Subject};
use domain::administration::By;
use domain::audit::ChainId;
use domain::directory::{Account, Application, LOCAL_ISSUER, TenantSettings};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::identity::{Admitted, Assertion, Groups, Session};
use domain::journal::Actor;
use domain::launch::{Asked, Launches, read};
use domain::ports::{Clock, Store};
use domain::refusals::RefusalLimits;
use domain::sign_in::{Ending, Origin, SignIn};
use domain::supervision::{Ended, Supervision};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SCOPE: &str = "openid fhirUser profile launch/patient offline_access patient/*.rs";

impl House {
    fn people(&self) -> SignIn {
        let doubles = &self.doubles;
        doubles.sign_in(&self.book, &doubles.refusals(RefusalLimits::default()).unwrap())
    }

    async fn sign_in(&self) -> Session {
        let connection = Account::connection(self.north);
        let assertion = Assertion {
            connection,
            tenant: self.north,
            issuer: LOCAL_ISSUER.to_owned(),
            subject: ADA.to_string(),
            display: "Ada Okoro".to_owned(),
            roles: Vec::new(),
            groups: Groups::Known(Vec::new()),
            attributes: Vec::new(),
            factor: Factor::Shown,
            authenticated: self.doubles.clock.now(),
            until: None,
            provider_session: None,
        };
        let roles = Roles::of(&[Role::Provider]);
        let admitted = Admitted::given(roles, Clinics::All, Purpose::Treatment);
        let settings = TenantSettings::default();
        let begun = self.people().begin_admitted(&assertion, admitted, &settings, &origin(), None).await;
        begun.ok().unwrap().session
    }

    async fn sign_out(&self, session: &Session) {
        let chosen = |other: &Session| other.id == session.id;
        let ended = self.people().end_of(session.person, Ending::SignedOut, &origin(), chosen).await;
        assert_eq!(ended.ok(), Some(1));
    }

    fn asked(&self, client: RecordId, scope: &str) -> Asked {
        let client = client.to_string();
        let get = |name: &str| match name {
            "client_id" => Some(client.as_str()),
            "redirect_uri" => Some(BACK),
            "response_type" => Some("code"),
            "state" => Some("s"),
            "nonce" => Some("n-0S6_WzA2Mj"),
            "aud" => Some("https://here.example/fhir"),
            "code_challenge" => Some(CHALLENGE),
            "code_challenge_method" => Some("S256"),
            "scope" => Some(scope),
            _ => None,
        };
        read(&get, &self.directory.borrow(), "https://here.example/fhir").ok().unwrap()
    }

    /// The code of a consent to everything that is asked, about the first patient.
    async fn code(&self, client: RecordId, session: &Session, scope: &str) -> String {
        let asked = self.asked(client, scope);
        let wish = asked.wish.clone();
        Launches::new(self.book.clone()).grant(&asked, session, Some(patient(1)), wish).await.unwrap().1
    }

    async fn redeem(&self, code: &str, more: &str) -> Answer {
        self.post("/oauth/token", &format!("{}&{more}", redeeming(code))).await
    }

    async fn redeemed(&self, session: &Session, scope: &str) -> Value {
        let code = self.code(PUBLIC, session, scope).await;
        let answer = self.redeem(&code, &format!("client_id={PUBLIC}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()
    }

    async fn refresh(&self, token: &Value, more: &str) -> Answer {
        let token = token.as_str().unwrap();
        let form = format!("grant_type=refresh_token&refresh_token={token}&client_id={PUBLIC}{more}");
        self.post("/oauth/token", &form).await
    }

    async fn status(&self, path: &str, token: &Value) -> StatusCode {
        self.get(path, token.as_str().unwrap()).await.status
    }

    async fn with_basic(&self, form: &str, user: &str, secret: &str) -> Answer {
        let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{secret}")));
        let request = TestRequest::with_uri("/oauth/token")
            .method(Method::POST)
            .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
            .insert_header((header::AUTHORIZATION, basic));
        self.send(request.set_payload(form.to_owned())).await
    }
}

fn origin() -> Origin<'static> {
    Origin {
        address: "192.0.2.9",
        workstation: "portal",
        allowed: Address::Allowed,
        correlation: CorrelationId([3; 16]),
    }
}

fn redeeming(code: &str) -> String {
    redeeming_with(code, BACK, VERIFIER)
}

fn redeeming_with(code: &str, back: &str, verifier: &str) -> String {
    format!("grant_type=authorization_code&code={code}&redirect_uri={back}&code_verifier={verifier}")
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[actix_web::test]
async fn a_code_gives_tokens_for_one_patient_and_says_who_signed_in() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let given = house.redeemed(&session, SCOPE).await;
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(given["scope"], "openid fhirUser profile launch/patient offline_access patient/*.rs");
    assert_eq!((&given["patient"], &given["need_patient_banner"]), (&json!(patient(1)), &json!(true)));
    assert!(given["refresh_token"].as_str().unwrap().starts_with("sgr_"));
    let (action, _, id, reason) = house.last(house.north).await;
    assert_eq!((action.as_str(), id, reason), ("TokenIssued", PUBLIC.to_string(), None));

    let set = house.send(TestRequest::with_uri("/oauth/jwks")).await.json();
    let key = &set["keys"][0];
    assert_eq!((&key["n"], &key["alg"], &key["use"]), (&json!(RSA_N), &json!("RS256"), &json!("sig")));
    assert!(key.get("d").is_none());
    let text = given["id_token"].as_str().unwrap();
    assert_eq!(json!(jsonwebtoken::decode_header(text).unwrap().kid), key["kid"]);
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[PUBLIC.to_string()]);
    rules.set_issuer(&["https://here.example"]);
    rules.validate_exp = false;
    let key = DecodingKey::from_rsa_components(RSA_N, "AQAB").unwrap();
    let claims = jsonwebtoken::decode::<Value>(text, &key, &rules).unwrap().claims;
    assert_eq!(claims["sub"], json!(session.person));
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(claims["fhirUser"], format!("https://here.example/fhir/Practitioner/{}", session.person));
    assert_eq!(claims["name"], "Ada Okoro");
    assert_eq!(claims["acr"], "urn:sealgate:acr:two-factors");
    assert_eq!(claims["auth_time"], session.authenticated.0 / 1_000_000);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);

    let plain = house.redeemed(&session, "launch/patient patient/Observation.r").await;
    assert!(plain.get("id_token").is_none() && plain.get("refresh_token").is_none());
    let knows = house.redeemed(&session, "openid").await;
    assert!(knows.get("id_token").is_some());
}

#[actix_web::test]
async fn who_signed_in_is_read_with_the_token_that_says_so_and_with_no_other() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let own = format!("Practitioner/{}", session.person);
    for (scope, expected, outcome, reason) in [
        ("openid fhirUser", 200, "success", None),
        ("openid fhirUser launch/patient patient/Observation.rs", 200, "success", None),
        ("user/Practitioner.r", 404, "failure", Some("not found")),
        ("launch/patient patient/*.rs", 404, "failure", Some("not found")),
        ("openid profile user/Observation.rs", 404, "failure", Some("not found")),
    ] {
        let token = house.redeemed(&session, scope).await["access_token"].clone();
        let read = house.get(&own, token.as_str().unwrap()).await;
        assert_eq!(read.status.as_u16(), expected, "{scope}: {}", read.text);
        let (action, said, id, why) = house.last(house.north).await;
        assert_eq!((action.as_str(), id), ("fhir.read", session.person.to_string()), "{scope}");
        assert_eq!((said.as_str(), why.as_deref()), (outcome, reason), "{scope}");
        if expected == 200 {
            let person = read.json();
            assert_eq!((&person["resourceType"], &person["id"]), (&json!("Practitioner"), &json!(session.person)));
            assert_eq!(person["name"], json!([{ "text": "Ada Okoro" }]));
        }
    }
    let told = house.redeemed(&session, "openid fhirUser online_access user/Observation.rs").await;
    // Nothing else of its kind comes with it: no version, no history, nobody else, and no search finds it.
    let token = &told["access_token"];
    for path in [format!("{own}/_history"), format!("{own}/_history/1"), format!("Practitioner/{}", patient(1))] {
        assert_eq!(house.status(&path, token).await, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(house.status("Practitioner?name=Ada", token).await, StatusCode::FORBIDDEN);
    let all = house.redeemed(&session, "user/*.rs").await["access_token"].clone();
    let found = house.get("Practitioner?name=Ada", all.as_str().unwrap()).await;
    assert_eq!((found.status, &found.json()["total"]), (StatusCode::OK, &json!(0)));
    // A system is nobody, whatever it may read.
    let system = house.token(LAB, "system/*.rs").await;
    assert_eq!(house.get(&own, &system).await.status, StatusCode::NOT_FOUND);
    // What is asked anew without it is without it.
    let less = house.refresh(&told["refresh_token"], "&scope=user/Observation.rs").await.json();
    assert_eq!(house.status(&own, &less["access_token"]).await, StatusCode::NOT_FOUND);
    assert_eq!(house.status(&own, token).await, StatusCode::OK);
    // What the application is no longer registered to be told, its tokens no longer tell.
    house.change(&|application: Application| {
        let scopes = application.scopes.iter().filter(|text| *text != "fhirUser").cloned().collect();
        Application { scopes, ..application }
    });
    assert_eq!(house.status(&own, token).await, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn what_the_token_reaches_is_one_patient_within_the_scopes_within_the_roles() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let whole = house.redeemed(&session, "launch/patient patient/*.rs").await["access_token"].clone();
    let reads = house.redeemed(&session, "launch/patient patient/Observation.r").await["access_token"].clone();
    let user = house.redeemed(&session, "user/*.rs").await["access_token"].clone();
    let (mine, other) = (patient(1), patient(2));
    for (path, expected) in [
        (format!("Patient/{mine}"), [200, 404, 200]),
        (format!("Patient/{other}"), [404, 404, 200]),
        (format!("Observation/{}", row(1)), [200, 200, 200]),
        (format!("Observation/{}", row(2)), [404, 404, 200]),
        (format!("Observation/{}/_history", row(2)), [404, 404, 200]),
        (format!("DiagnosticReport/{}", report(2)), [404, 404, 200]),
        ("Observation".to_owned(), [200, 403, 200]),
    ] {
        for (token, status) in [&whole, &reads, &user].into_iter().zip(expected) {
            assert_eq!(house.status(&path, token).await, status, "{path}");
        }
    }
    for (question, mine, all) in [
        ("Observation", 1, 2),
        ("DiagnosticReport", 1, 2),
        ("Patient", 1, 2),
        ("DiagnosticReport?_include=DiagnosticReport:result", 2, 4),
        ("Observation?_count=1", 1, 1),
    ] {
        for (token, count) in [(&whole, mine), (&user, all)] {
            let bundle = house.get(question, token.as_str().unwrap()).await;
            let found = bundle.json()["entry"].as_array().map_or(0, Vec::len);
            assert_eq!(found, count, "{question}");
        }
    }
    let of_another = format!("Observation?patient=Patient/{other}");
    let bundle = house.get(&of_another, whole.as_str().unwrap()).await.json();
    assert!(bundle.get("entry").is_none(), "{bundle}");
}

#[actix_web::test]
async fn a_code_that_comes_twice_takes_back_what_it_gave() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let code = house.code(PUBLIC, &session, SCOPE).await;
    let form = format!("client_id={PUBLIC}");
    let given = house.redeem(&code, &form).await.json();
    assert_eq!(house.status("Patient", &given["access_token"]).await, StatusCode::OK);
    house.doubles.clock.advance(600);
    assert_eq!(house.redeem(&code, &form).await.error(), invalid_grant());
    assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("code-replayed"));
    let (action, _, id, reason) = house.last(house.north).await;
    assert_eq!((action.as_str(), id, reason.as_deref()), ("GrantRevoked", PUBLIC.to_string(), Some("code-replayed")));
    assert_eq!(house.status("Patient", &given["access_token"]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(&given["refresh_token"], "").await.error(), invalid_grant());
}

#[actix_web::test]
async fn a_code_in_other_hands_is_worth_nothing_to_them_and_nothing_afterwards() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let public = format!("client_id={PUBLIC}");
    let elsewhere = format!("{BACK}/too");
    let rows = [
        ("code-of-another-client", BACK, VERIFIER, credentials(&house.assertion(LAUNCHED))),
        ("code-of-another-client", BACK, VERIFIER, format!("client_id={FAR}")),
        ("redirect", elsewhere.as_str(), VERIFIER, public.clone()),
        ("redirect", "", VERIFIER, public.clone()),
        ("verifier", BACK, "", public.clone()),
        ("verifier", BACK, CHALLENGE, public.clone()),
    ];
    for (reason, back, verifier, client) in rows {
        let code = house.code(PUBLIC, &session, SCOPE).await;
        let answer = house.post("/oauth/token", &format!("{}&{client}", redeeming_with(&code, back, verifier))).await;
        assert_eq!(answer.error(), invalid_grant(), "{reason}");
        assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some(reason));
        assert_eq!(house.last(house.north).await.0, "GrantRevoked");
        assert_eq!(house.redeem(&code, &public).await.error(), invalid_grant(), "{reason}: burnt");
    }
    let code = house.code(PUBLIC, &session, SCOPE).await;
    house.doubles.clock.advance(60);
    assert_eq!(house.redeem(&code, &public).await.error(), invalid_grant());
    assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("expired-code"));
    let code = house.code(PUBLIC, &session, SCOPE).await;
    house.sign_out(&session).await;
    let session = house.sign_in().await;
    assert_eq!(house.redeem(&code, &public).await.status, StatusCode::OK, "it may stay without the session");
    let code = house.code(PUBLIC, &session, "launch/patient patient/*.rs").await;
    house.sign_out(&session).await;
    assert_eq!(house.redeem(&code, &public).await.error(), invalid_grant());
    assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("session-ended"));
}

#[actix_web::test]
async fn an_application_that_can_keep_a_secret_must_show_it() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let keeper = KEEPER.to_string();
    let code = house.code(KEEPER, &session, SCOPE).await;
    let form = redeeming(&code);
    let rows = [
        (401, "client-secret", house.with_basic(&form, &keeper, "sga_wrong").await),
        (401, "client-secret", house.with_basic(&form, &keeper, "").await),
        (401, "unknown-client", house.with_basic(&form, "nobody", SECRET).await),
        (401, "client-secret", house.with_basic(&form, &PUBLIC.to_string(), SECRET).await),
        (400, "several-clients", house.with_basic(&format!("{form}&client_id={PUBLIC}"), &keeper, SECRET).await),
    ];
    for (status, reason, answer) in rows {
        assert_eq!(answer.error().0, status, "{reason}");
    }
    assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("several-clients"));
    for (reason, more) in [
        ("no-credentials", format!("client_id={keeper}")),
        ("secret-in-form", format!("client_id={keeper}&client_secret={SECRET}")),
        ("no-credentials", format!("client_id={LAUNCHED}")),
        ("unknown-client", "client_id=x".to_owned()),
        ("no-credentials", String::new()),
    ] {
        assert_eq!(house.redeem(&code, &more).await.error(), (401, "invalid_client".to_owned()), "{reason}");
        assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some(reason));
    }
    assert_eq!(house.redeem(&code, &house.credentials(LAB)).await.error().1, "unauthorized_client");
    let answer = house.with_basic(&form, &keeper, SECRET).await;
    assert_eq!(answer.status, StatusCode::OK, "nobody who could not prove to be it used the code up: {}", answer.text);
    let code = house.code(LAUNCHED, &session, SCOPE).await;
    let answer = house.redeem(&code, &house.credentials(LAUNCHED)).await;
    assert_eq!(answer.status, StatusCode::OK, "by its keys: {}", answer.text);
}

#[actix_web::test]
async fn a_refresh_token_is_good_once_and_for_no_more_than_was_granted() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let first = house.redeemed(&session, SCOPE).await;
    for wider in ["user/*.rs", "patient/*.cruds", "online_access", "system/*.rs"] {
        let answer = house.refresh(&first["refresh_token"], &format!("&scope={wider}")).await;
        assert_eq!(answer.error(), (400, "invalid_scope".to_owned()), "{wider}");
        assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("scope-wider"));
    }
    let second = house.refresh(&first["refresh_token"], "&scope=patient/Observation.r").await.json();
    assert_eq!(house.last(house.north).await.0, "TokenRefreshed");
    assert_eq!((&second["scope"], &second["patient"]), (&json!("patient/Observation.r"), &first["patient"]));
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    let person = format!("Patient/{}", patient(1));
    assert_eq!(house.status(&person, &second["access_token"]).await, StatusCode::NOT_FOUND, "less was asked for");
    assert_eq!(house.status(&person, &first["access_token"]).await, StatusCode::OK);
    let third = house.refresh(&second["refresh_token"], "").await.json();
    assert_eq!(third["scope"], first["scope"]);

    assert_eq!(house.refresh(&first["refresh_token"], "").await.error(), invalid_grant());
    assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("refresh-replayed"));
    for given in [&first, &second, &third] {
        assert_eq!(house.status(&person, &given["access_token"]).await, StatusCode::UNAUTHORIZED);
        assert_eq!(house.refresh(&given["refresh_token"], "").await.error(), invalid_grant());
    }
    let given = house.redeemed(&session, SCOPE).await;
    let nameless = |token: &Value| format!("grant_type=refresh_token&refresh_token={}", token.as_str().unwrap());
    let page = house.page("/oauth/token", &nameless(&given["refresh_token"]), "https://app.example").await;
    assert_eq!(page.header("access-control-allow-origin"), "https://app.example", "its page may read it");
    let given = page.json();
    let given = house.page("/oauth/token", &nameless(&given["refresh_token"]), "https://evil.example").await;
    assert_eq!(given.header("access-control-allow-origin"), "", "no other page may");
    assert_eq!(given.status, StatusCode::OK, "the token names a public application: {}", given.text);
    let given = given.json();
    let code = house.code(KEEPER, &session, SCOPE).await;
    let kept = house.with_basic(&redeeming(&code), &KEEPER.to_string(), SECRET).await.json();
    let refused = house.post("/oauth/token", &nameless(&kept["refresh_token"])).await;
    assert_eq!(refused.error(), (401, "invalid_client".to_owned()), "one with a secret must show it");
    let token = given["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={token}&client_id={FAR}");
    assert_eq!(house.post("/oauth/token", &form).await.error(), invalid_grant());
    assert_eq!(house.refresh(&given["refresh_token"], "").await.error(), invalid_grant(), "stolen, so of no use");
}

#[actix_web::test]
async fn tokens_end_with_the_session_the_person_and_the_application() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let online = house.redeemed(&session, "launch/patient online_access patient/*.rs").await;
    let offline = house.redeemed(&session, "launch/patient offline_access patient/*.rs").await;
    house.sign_out(&session).await;
    assert_eq!(house.status("Observation", &online["access_token"]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(&online["refresh_token"], "").await.error(), invalid_grant());
    assert_eq!(house.status("Observation", &offline["access_token"]).await, StatusCode::OK);
    house.change(&|application| Application { enabled: application.id != PUBLIC, ..application });
    assert_eq!(house.status("Observation", &offline["access_token"]).await, StatusCode::UNAUTHORIZED);
    house.change(&|application| application);
    assert_eq!(house.status("Observation", &offline["access_token"]).await, StatusCode::OK);
    let scopes = vec!["launch/patient".to_owned(), "patient/Patient.r".to_owned()];
    house.change(&|application| Application { scopes: scopes.clone(), ..application });
    assert_eq!(house.status("Observation", &offline["access_token"]).await, StatusCode::FORBIDDEN, "fewer scopes now");
    house.change(&|application| application);
    house.doubles.clock.advance(900);
    assert_eq!(house.status("Observation", &offline["access_token"]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refresh(&offline["refresh_token"], "").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn whoever_ends_the_sessions_of_a_person_or_of_everybody_ends_what_outlasts_them() {
    let house = House::new().await;
    let subject = Subject::console("amy", house.north, Roles::of(&[Role::Admin]));
    let (people, directory) = (house.people(), house.directory.borrow().clone());
    let supervision = Supervision { sign_in: &people, directory: &directory };
    for everybody in [true, false] {
        let session = house.sign_in().await;
        let given = house.redeemed(&session, "launch/patient offline_access patient/*.rs").await;
        house.sign_out(&session).await;
        let given = house.refresh(&given["refresh_token"], "").await.json();
        assert_eq!(house.status("Observation", &given["access_token"]).await, StatusCode::OK);
        let ended = if everybody { Ended::Everybody } else { Ended::Person(session.person) };
        let actor = Actor { address: Some("192.0.2.9"), ..Actor::new(&subject, "admin", CorrelationId([8; 16])) };
        let by = By { actor, context: Context::console(house.doubles.clock.now()) };
        assert_eq!(supervision.end(&by, ended).await, Ok(0), "nobody is signed in");
        assert_eq!(house.last(house.north).await.0, "GrantRevoked");
        assert_eq!(house.refresh(&given["refresh_token"], "").await.error(), invalid_grant());
        assert_eq!(house.status("Observation", &given["access_token"]).await, StatusCode::UNAUTHORIZED);
    }
}

#[actix_web::test]
async fn an_application_gives_up_what_it_has_and_others_of_the_tenant_learn_what_a_token_is() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let given = house.redeemed(&session, SCOPE).await;
    let access = given["access_token"].as_str().unwrap();
    let told = house.post("/oauth/introspect", &format!("token={access}&{}", house.credentials(LAB))).await.json();
    assert_eq!((&told["active"], &told["sub"]), (&json!(true), &json!(session.person)));
    assert_eq!((&told["patient"], &told["client_id"]), (&json!(patient(1)), &json!(PUBLIC)));
    assert_eq!(told["scope"], "patient/*.rs");
    let unnamed = house.redeemed(&session, "launch/patient patient/*.rs").await;
    let form = format!("token={}&{}", unnamed["access_token"].as_str().unwrap(), house.credentials(LAB));
    let told = house.post("/oauth/introspect", &form).await.json();
    assert_eq!((&told["active"], &told["sub"], &told["fhirUser"]), (&json!(true), &Value::Null, &Value::Null));
    let anybody = house.post("/oauth/introspect", &format!("token={access}&client_id={PUBLIC}")).await;
    assert_eq!(anybody.error(), (401, "invalid_client".to_owned()));

    let revoke = async |client: RecordId, token: &Value| {
        let form = format!("token={}&client_id={client}", token.as_str().unwrap());
        house.post("/oauth/revoke", &form).await.status
    };
    assert_eq!(revoke(FAR, &given["refresh_token"]).await, StatusCode::BAD_REQUEST);
    assert_eq!(revoke(FAR, &given["access_token"]).await, StatusCode::BAD_REQUEST);
    let again = house.refresh(&given["refresh_token"], "").await.json();
    assert_eq!(revoke(PUBLIC, &given["access_token"]).await, StatusCode::OK);
    assert_eq!(house.last(house.north).await.0, "TokenRevoked");
    assert_eq!(house.status("Observation", &given["access_token"]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.status("Observation", &again["access_token"]).await, StatusCode::OK);
    assert_eq!(revoke(PUBLIC, &again["refresh_token"]).await, StatusCode::OK);
    let (action, _, _, reason) = house.last(house.north).await;
    assert_eq!((action.as_str(), reason.as_deref()), ("GrantRevoked", Some("given-up")));
    assert_eq!(house.status("Observation", &again["access_token"]).await, StatusCode::UNAUTHORIZED);
}

impl House {
    async fn published(&self) -> String {
        let set = self.send(TestRequest::with_uri("/oauth/jwks")).await;
        assert_eq!((set.status, set.header("content-type")), (StatusCode::OK, "application/json"));
        set.text
    }

    /// The names of the keys that are published, and that of the one that signs.
    async fn keys(&self) -> (Vec<String>, String) {
        let set: Value = serde_json::from_str(&self.published().await).unwrap();
        let names = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned());
        let token = self.redeemed(&self.sign_in().await, "openid").await["id_token"].as_str().unwrap().to_owned();
        (names.collect(), jsonwebtoken::decode_header(&token).unwrap().kid.unwrap())
    }
}

#[actix_web::test]
async fn the_key_of_a_quarter_is_published_before_it_signs_and_until_the_next_is_over() {
    let house = House::new().await;
    let quarter = domain::time::Timestamp(0).plus_seconds(smart::KEY_SECONDS).0;
    let into = house.doubles.clock.now().0.rem_euclid(quarter).div_euclid(1_000_000);
    house.doubles.clock.advance(smart::KEY_SECONDS - into);
    let count = async || house.keys().await.0.len();
    assert_eq!(count().await, 1);
    house.doubles.clock.advance(smart::KEY_SECONDS - smart::AHEAD_SECONDS - 1);
    assert_eq!(count().await, 1);
    house.doubles.clock.advance(1);
    assert_eq!(count().await, 2, "the next is known two days ahead");
    house.doubles.clock.advance(smart::AHEAD_SECONDS);
    assert_eq!(count().await, 2, "what was signed a moment ago still verifies");
    house.doubles.clock.advance(2 * smart::KEY_SECONDS);
    assert_eq!(count().await, 1);
}

#[actix_web::test]
async fn a_next_key_that_cannot_be_made_leaves_the_present_one_published() {
    let house = House::new().await;
    let quarter = domain::time::Timestamp(0).plus_seconds(smart::KEY_SECONDS).0;
    let into = house.doubles.clock.now().0.rem_euclid(quarter).div_euclid(1_000_000);
    house.doubles.clock.advance(smart::KEY_SECONDS - into);
    let present = house.published().await;
    house.doubles.clock.advance(smart::KEY_SECONDS - smart::AHEAD_SECONDS);
    let broken = house.beside_with(crate::house::TestRsa::Fails);
    assert_eq!(broken.published().await, present);
    assert_ne!(house.published().await, present, "whoever can makes it");
}

#[actix_web::test]
async fn a_key_is_published_before_anything_is_signed_and_all_gateways_publish_the_same() {
    let house = House::new().await;
    let other = house.beside();
    let (first, second) = tokio::join!(other.published(), house.published());
    assert_eq!(first, second, "whichever made it");
    let (published, signs) = house.keys().await;
    assert_eq!(published, [signs]);
}

#[actix_web::test]
async fn nothing_is_taken_back_that_is_not_in_the_chain() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let form = format!("client_id={PUBLIC}");
    let code = house.code(PUBLIC, &session, SCOPE).await;
    let given = house.redeem(&code, &form).await.json();
    let grants =
        async || Launches::new(house.book.clone()).granted_by(house.north, session.person).await.unwrap().len();
    let revoke = format!("token={}&{form}", given["refresh_token"].as_str().unwrap());
    house.doubles.store.set_unavailable(true);
    assert_eq!(house.redeem(&code, &form).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(house.post("/oauth/revoke", &revoke).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(grants().await, 1, "what cannot be recorded did not happen");
    house.doubles.store.set_unavailable(false);
    assert_eq!(house.post("/oauth/revoke", &revoke).await.status, StatusCode::OK);
    assert_eq!(house.last(house.north).await.0, "GrantRevoked");
    assert_eq!(grants().await, 0);
}

#[actix_web::test]
async fn what_the_chain_says_was_taken_back_is_even_where_nobody_waits_for_it() {
    use std::time::Duration;
    let house = House::new().await;
    let session = house.sign_in().await;
    let given = house.redeemed(&session, SCOPE).await;
    let launches = Launches::new(house.book.clone());
    let grants = async || launches.granted_by(house.north, session.person).await.unwrap().len();
    assert_eq!(grants().await, 1);
    let revoke = format!("token={}&client_id={PUBLIC}", given["refresh_token"].as_str().unwrap());
    let held = house.tickets.gate.lock().await;
    {
        // Whoever asked goes as soon as the entry is there.
        let mut asked = std::pin::pin!(house.post("/oauth/revoke", &revoke));
        while house.last(house.north).await.0 != "GrantRevoked" {
            let waited = tokio::time::timeout(Duration::from_millis(1), &mut asked).await;
            assert!(waited.is_err(), "it waits for what is held");
        }
    }
    assert_eq!(grants().await, 1);
    drop(held);
    for _ in 0..500 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if grants().await == 0 {
            return;
        }
    }
    panic!("it goes on");
}

#[actix_web::test]
async fn a_refresh_without_end_is_slowed_down_and_told_of_as_one() {
    let house = House::new().await;
    let session = house.sign_in().await;
    let mut token = house.redeemed(&session, SCOPE).await["refresh_token"].clone();
    for _ in 0..30 {
        token = house.refresh(&token, "").await.json()["refresh_token"].clone();
    }
    for _ in 0..20 {
        let slow = house.refresh(&token, "").await;
        assert_eq!((slow.error(), slow.header("retry-after")), ((429, "slow_down".to_owned()), "10"));
    }
    let block = house.doubles.store.entries(ChainId::from(TenantId::SYSTEM), 0, 10_000).await.unwrap();
    assert!(!String::from_utf8(block.lines).unwrap().contains("LoginFailed"), "none has an entry of its own");
    house.doubles.clock.advance(10);
    assert_eq!(house.refresh(&token, "").await.status, StatusCode::OK, "the token is not used up");
}
