//! Connections, rules, tokens: added, shown and changed.

use crate::house::House;
use actix_web::http::Method;
use domain::directory::{OidcSettings, Protocol};
use domain::double::SeededEntropy;
use domain::ports::Entropy;
use serde_json::{Value, json};

fn oidc(name: &str) -> Value {
    let settings =
        json!({ "issuer": "https://idp.example", "client_id": "sealgate", "client_secret": "a-planted-secret" });
    json!({ "name": name, "protocol": { "oidc": settings } })
}

fn rules() -> Value {
    json!([
        { "when": { "group": "doctors" }, "roles": ["provider"], "clinics": "all", "purpose": "treatment" },
        { "when": { "attribute": { "name": "ward", "value": "7" } }, "roles": ["staff"], "clinics": "all", "purpose": "treatment" },
    ])
}

#[actix_web::test]
async fn a_connection_is_added_shown_and_changed_and_never_gives_its_secret() {
    let house = House::new().await;
    let added = house.post("admin", "connections", &oidc("Hospital login")).await;
    assert_eq!((added.status, added.header("etag")), (201, "\"1\""), "{}", added.text);
    let id = added.id();
    let path = format!("connections/{id}");
    assert_eq!(added.header("location"), format!("https://here.example/admin/v1/{path}"));
    assert_eq!(added.json()["addresses"]["redirect"], format!("https://here.example/auth/oidc/callback/{id}"));
    assert!(house.chain().await.contains(&"create Connection success admin".to_owned()));

    let change = json!({ "enabled": false, "protocol": { "oidc": { "scopes": ["openid"], "max_age_seconds": 600 } } });
    let changed = house.change("admin", Method::PATCH, &path, "\"1\"", &change).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""), "{}", changed.text);
    let shown = house.get("admin", &path).await;
    assert_eq!((shown.text.as_str(), shown.header("etag")), (changed.text.as_str(), "\"2\""));
    let value = shown.json();
    assert_eq!((&value["enabled"], &value["protocol"]["oidc"]["max_age_seconds"]), (&json!(false), &json!(600)));
    assert_eq!(value["protocol"]["oidc"]["client_id"], "sealgate", "what is left out stays");
    assert_eq!(value["protocol"]["oidc"]["client_secret_set"], true);
    assert_eq!(house.last().await, "directory.read Connection success admin");

    house.reload().await;
    let listed = house.get("admin", "connections").await;
    assert_eq!(listed.json()["items"], json!([value]));
    for text in [&added.text, &changed.text, &listed.text] {
        assert!(!text.contains("a-planted-secret") && !text.contains("\"client_secret\""), "{text}");
    }
    let gone = json!({ "protocol": { "oidc": { "client_secret": null } } });
    let changed = house.change("admin", Method::PATCH, &path, "*", &gone).await;
    assert_eq!(changed.json()["protocol"]["oidc"]["client_secret_set"], false, "{}", changed.text);
}

#[actix_web::test]
async fn a_secret_does_not_go_along_to_another_issuer() {
    let house = House::new().await;
    let path = format!("connections/{}", house.post("admin", "connections", &oidc("Hospital login")).await.id());
    let leads = |secret: Option<Value>| {
        let mut oidc = json!({ "issuer": "https://elsewhere.example" });
        oidc.as_object_mut().unwrap().extend(secret.map(|secret| ("client_secret".to_owned(), secret)));
        json!({ "protocol": { "oidc": oidc } })
    };
    let refused = house.change("admin", Method::PATCH, &path, "*", &leads(None)).await;
    assert_eq!(refused.problem(), (422, "field".into(), "/protocol/oidc/client_secret".to_owned()));
    for secret in [json!("another"), Value::Null] {
        let changed = house.change("admin", Method::PATCH, &path, "*", &leads(Some(secret))).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    }
}

#[actix_web::test]
async fn where_a_connection_leads_is_marked_as_named_by_api_and_by_the_operator_is_not() {
    let house = House::new().await;
    let added = house.post("admin", "connections", &oidc("Hospital login")).await;
    assert_eq!(added.json()["protocol"]["oidc"]["by_api"], true, "{}", added.text);
    let settings = OidcSettings::new("https://idp.example".to_owned(), "sealgate".to_owned());
    let id = house.connection("Operator's", Protocol::Oidc(settings)).await;
    let path = format!("connections/{id}");
    let change = async |oidc: Value| {
        let body = json!({ "protocol": { "oidc": oidc } });
        let changed = house.change("admin", Method::PATCH, &path, "*", &body).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        changed.json()["protocol"]["oidc"].get("by_api").cloned()
    };
    assert_eq!(change(json!({ "groups_claim": "teams" })).await, None, "it leads where the operator said");
    assert_eq!(change(json!({ "egress": ["keys.idp.example"] })).await, Some(json!(true)));
    assert_eq!(change(json!({ "egress": [] })).await, Some(json!(true)), "and stays so");
}

#[actix_web::test]
async fn rules_are_replaced_as_a_whole_at_the_version_that_was_seen() {
    let house = House::new().await;
    let id = house.post("admin", "connections", &oidc("Hospital login")).await.id();
    let path = format!("connections/{id}/rules");
    let empty = house.get("admin", &path).await;
    assert_eq!((empty.text.as_str(), empty.header("etag")), ("[]", "\"1\""));
    let put = house.change("admin", Method::PUT, &path, "\"1\"", &rules()).await;
    assert_eq!((put.status, put.json(), put.header("etag")), (200, rules(), "\"2\""));
    // Two who saw the same: one is told to look again.
    let late = house.change("admin", Method::PUT, &path, "\"1\"", &json!([])).await;
    assert_eq!(late.problem(), (412, "other-version".into(), String::new()));
    assert_eq!(house.last().await, "administration Administration failure admin");
    assert_eq!(house.get("admin", &path).await.json(), rules());
    let blind = house.post("admin", &path, &json!([])).await;
    assert_eq!((blind.problem().0, blind.header("allow")), (405, "GET, PUT"));
    let request = house.request("admin", Method::PUT, &path).insert_header(("content-type", "application/json"));
    let blind = house.send(request.set_payload("[]")).await;
    assert_eq!(blind.problem(), (428, "if-match-needed".into(), String::new()));
    let foreign = json!([{ "when": { "role": "a" }, "roles": ["staff"],
                           "clinics": { "some": ["0199a1b2-0000-7000-8000-000000000001"] } }]);
    let refused = house.change("admin", Method::PUT, &path, "*", &foreign).await;
    assert_eq!(refused.problem().1, "field", "a clinic of nobody");
}

#[actix_web::test]
async fn two_changes_at_once_are_never_both_made() {
    let house = House::new().await;
    let id = house.post("admin", "connections", &oidc("Hospital login")).await.id();
    let path = format!("connections/{id}/rules");
    let (empty, full) = (json!([]), rules());
    let one = house.change("admin", Method::PUT, &path, "\"1\"", &full);
    let other = house.change("admin", Method::PUT, &path, "\"1\"", &empty);
    let (one, other) = tokio::join!(one, other);
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}

#[actix_web::test]
async fn each_refused_field_is_named_and_nothing_is_written() {
    let house = House::new().await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut value = oidc("Hospital login");
        change(&mut value);
        value
    };
    let leads = |to: &str| with(&|v| v["protocol"]["oidc"]["issuer"] = json!(to));
    let cases: [(Value, &str); 18] = [
        (leads("https://10.0.0.5:8443"), "/protocol/oidc/issuer"),
        (leads("https://localhost:9100"), "/protocol/oidc/issuer"),
        (leads("https://db:5432"), "/protocol/oidc/issuer"),
        (with(&|v| v["protocol"]["oidc"]["egress"] = json!(["intranet."])), "/protocol/oidc/egress/0"),
        (with(&|v| v["protocol"]["oidc"]["egress"] = json!(["keys.example", "127.1:80"])), "/protocol/oidc/egress/1"),
        (with(&|v| v["protocol"]["oidc"]["allow_http_loopback"] = json!(true)), "/protocol/oidc/allow_http_loopback"),
        (json!([]), ""),
        (json!({}), "/name"),
        (with(&|v| v["name"] = json!("")), "/name"),
        (with(&|v| v["enabeld"] = json!(true)), "/enabeld"),
        (with(&|v| v["tenant"] = json!("x")), "/tenant"),
        (with(&|v| v["protocol"] = json!({})), "/protocol"),
        (with(&|v| v["protocol"]["oidc"]["issuer"] = json!("http://idp.example")), "/protocol/oidc/issuer"),
        (with(&|v| v["protocol"]["oidc"]["issuer"] = json!(7)), "/protocol/oidc/issuer"),
        (with(&|v| v["protocol"]["oidc"]["algorithms"] = json!(["HS256"])), "/protocol/oidc/algorithms"),
        (with(&|v| v["protocol"]["oidc"]["client_secret_set"] = json!(true)), "/protocol/oidc/client_secret_set"),
        (with(&|v| v["rules"] = json!([{ "when": { "role": "a" }, "roles": ["doctor"] }])), "/rules/0/roles/0"),
        (with(&|v| v["protocol"] = json!({ "saml": { "metadata": "<x/>" } })), "/protocol/saml/metadata"),
    ];
    for (body, place) in cases {
        let refused = house.post("admin", "connections", &body).await;
        assert_eq!(refused.problem(), (422, "field".into(), place.to_owned()), "{body}");
        assert!(!refused.text.contains("a-planted-secret"), "{}", refused.text);
    }
    assert!(!house.chain().await.iter().any(|entry| entry.starts_with("create Connection")));
    house.post("admin", "connections", &oidc("Hospital login")).await;
    let taken = house.post("admin", "connections", &oidc("HOSPITAL LOGIN")).await;
    assert_eq!(taken.problem(), (409, "name-taken".into(), String::new()));
}

#[actix_web::test]
async fn a_provider_gets_a_token_once_and_loses_it() {
    let house = House::new().await;
    let id = house.post("admin", "connections", &oidc("Hospital login")).await.id();
    let path = format!("connections/{id}/provisioning-tokens");
    let send = |method, path: String, tag: &'static str| {
        house.send(house.request("admin", method, &path).insert_header(("if-match", tag)))
    };
    let added = send(Method::POST, path.clone(), "\"1\"").await;
    assert_eq!((added.status, added.header("etag")), (201, "\"2\""), "{}", added.text);
    let (token, mark) =
        (added.json()["token"].as_str().unwrap().to_owned(), added.json()["mark"].as_str().unwrap().to_owned());
    house.reload().await;
    let known = || house.administration.load_directory();
    let connection = id.parse().unwrap();
    assert!(known().await.unwrap().connection(connection).unwrap().provisioner(&token).is_some());
    let shown = house.get("admin", &format!("connections/{id}")).await;
    assert_eq!(shown.json()["provisioning"]["tokens"][0]["mark"], mark);
    assert!(!shown.text.contains("hash"), "{}", shown.text);
    assert_eq!(send(Method::DELETE, format!("{path}/00000000"), "*").await.problem().0, 404);
    assert_eq!(send(Method::DELETE, format!("{path}/{mark}"), "\"1\"").await.problem().0, 412);
    assert_eq!(send(Method::DELETE, format!("{path}/{mark}"), "\"2\"").await.status, 204);
    assert!(known().await.unwrap().connection(connection).unwrap().provisioner(&token).is_none());
}

#[actix_web::test]
async fn a_connection_is_tried_out_and_refused_sign_ins_are_explained() {
    let house = House::new().await;
    let id = house.post("admin", "connections", &oidc("Hospital login")).await.id();
    let test = house.send(house.request("admin", Method::POST, &format!("connections/{id}/test"))).await;
    assert_eq!((test.status, &test.json()["well"]), (200, &json!(false)), "{}", test.text);
    assert_eq!(test.json()["steps"][0], json!({ "step": "rules", "verdict": "bad", "advice": "Add one." }));
    assert!(house.chain().await.contains(&"test.run Connection success admin".to_owned()));
    let told = house.get("admin", &format!("refused-sign-ins?connection={id}&last=2")).await.json();
    assert_eq!((told["items"].as_array().unwrap().len(), &told["items"][1]["connection"]), (2, &json!(id)));
    assert_eq!(house.get("plain-admin", "refused-sign-ins").await.problem().0, 403, "it takes the role auditor");
    assert_eq!(
        house.get("admin", "refused-sign-ins?last=101").await.problem(),
        (400, "parameter".into(), "last".into())
    );
}

#[actix_web::test]
async fn a_list_comes_in_pages() {
    let house = House::new().await;
    for number in 0..5 {
        assert_eq!(house.post("admin", "connections", &oidc(&format!("Login {number}"))).await.status, 201);
    }
    house.reload().await;
    let (mut path, mut names) = ("connections?limit=2".to_owned(), Vec::new());
    loop {
        let page = house.get("admin", &path).await.json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("connections?limit=2&after={next}");
    }
    assert_eq!(names, (0..5).map(|number| format!("Login {number}")).collect::<Vec<_>>());
}

#[actix_web::test]
async fn no_body_breaks_the_reading() {
    let house = House::new().await;
    let entropy = SeededEntropy::new(7);
    let whole = oidc("Hospital login").to_string();
    for round in 0..200_usize {
        let mut random = [0; 8];
        entropy.fill(&mut random).unwrap();
        let mut bytes = whole.clone().into_bytes();
        let at = usize::from(random[0]) % bytes.len();
        match round % 3 {
            0 => bytes[at] = random[1],
            1 => bytes.truncate(at),
            _ => bytes.insert(at, random[1]),
        }
        let json = ("content-type", "application/json");
        let request = house.request("admin", Method::POST, "connections").insert_header(json);
        let answer = house.send(request.set_payload(bytes)).await;
        assert!([201, 400, 409, 422].contains(&answer.status), "{}", answer.text);
    }
}
