//! Who is not admitted, and what is too much.

use crate::house::House;
use actix_web::http::{Method, header};
use actix_web::test::TestRequest;
use domain::directory::MAX_PROVISIONED_PEOPLE;
use domain::id::TenantId;
use serde_json::json;

#[actix_web::test]
async fn a_token_is_good_for_its_own_connection_alone() {
    let house = House::new().await;
    let ask = |path: String, token: Option<String>| {
        let request = TestRequest::with_uri(&path);
        let request = match token {
            Some(token) => request.insert_header((header::AUTHORIZATION, token)),
            None => request,
        };
        house.send(request)
    };
    let (own, other) = (format!("/scim/v2/{}/Users", house.connection), format!("/scim/v2/{}/Users", house.other));
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    assert_eq!(ask(own.clone(), bearer(&house.token)).await.status, 200);
    assert_eq!(ask(other.clone(), bearer(&house.other_token)).await.status, 200);
    for (path, token) in [
        (own.clone(), None),
        (own.clone(), bearer("sgp_wrong")),
        (own.clone(), bearer(&house.other_token)),
        (own.clone(), Some(format!("Basic {}", house.token))),
        (other, bearer(&house.token)),
        ("/scim/v2/01999999-0000-7000-8000-000000000000/Users".to_owned(), bearer(&house.token)),
        ("/scim/v2/nonsense/Users".to_owned(), bearer(&house.token)),
        ("/scim/v2".to_owned(), bearer(&house.token)),
    ] {
        let refused = ask(path.clone(), token).await;
        assert_eq!(refused.problem().0, 401, "{path}");
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"scim\"");
    }
    assert!(house.chain(TenantId::SYSTEM).await.contains("\"action\":\"LoginFailed\""));

    // One connection's people are nobody to another.
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await.id();
    let foreign = format!("/scim/v2/{}/Users/{ada}", house.other);
    assert_eq!(ask(foreign, bearer(&house.other_token)).await.problem().0, 404);

    house.change(|connection| connection.provisioning.addresses = vec!["198.51.100.0/24".into()]).await;
    assert_eq!(ask(own.clone(), bearer(&house.token)).await.problem().0, 403);
    assert!(house.chain(house.tenant).await.contains("\"outcome\":\"denied\""));
    house.change(|connection| connection.provisioning.addresses = vec!["192.0.2.0/24".into()]).await;
    assert_eq!(ask(own.clone(), bearer(&house.token)).await.status, 200);
    house.change(|connection| connection.provisioning.tokens.clear()).await;
    assert_eq!(ask(own, bearer(&house.token)).await.problem().0, 401, "revoked");
}

#[actix_web::test]
async fn a_connection_is_told_of_so_many_people_and_no_more() {
    let house = House::new().await;
    house.tell_of(MAX_PROVISIONED_PEOPLE - 1).await;
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await.id();
    house.tell_of(MAX_PROVISIONED_PEOPLE).await;
    let refused = house.post("Users", &json!({ "userName": "bob", "externalId": "object-2" })).await;
    assert_eq!(refused.problem().0, 403);
    assert!(refused.text.contains("as many as it takes"), "{}", refused.text);
    let told = ("ProvisionedPerson".to_owned(), "too-many-resources".to_owned());
    assert_eq!(house.refused().await.pop(), Some(told));
    assert_eq!(house.post("Groups", &json!({ "displayName": "Laboratory" })).await.status, 201);
    let gone = json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(house.patch(&format!("Users/{ada}"), gone).await.status, 200, "nobody stays in for it");
}

#[actix_web::test]
async fn entries_say_from_where_a_change_came_and_which_it_was() {
    let house = House::new().await;
    house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await;
    house.get("Users?filter=userName%20eq%20%22ada%22").await;
    let told = house.doubles.told(house.tenant).await.unwrap();
    let mut asked = told.iter().filter(|told| told.context.address.as_deref() == Some("192.0.2.9"));
    let (added, looked) = (asked.next().unwrap(), asked.next().unwrap());
    assert_eq!((added.action.as_str(), added.context.request.as_deref()), ("create", Some("POST /Users")));
    assert_eq!(looked.action, "directory.read");
    assert!(looked.context.request.as_deref().is_some_and(|asked| !asked.contains("ada")), "without names of people");
}

#[actix_web::test]
async fn a_change_that_is_refused_is_in_the_chain_with_its_reason_and_a_flood_of_them_is_bounded() {
    let house = House::new().await;
    let ada = json!({ "userName": "ada", "externalId": "object-1" });
    assert_eq!(house.post("Users", &ada).await.status, 201);
    let before = house.refused().await.len();
    assert_eq!(house.post("Users", &ada).await.problem(), (409, "uniqueness".to_owned()));
    assert_eq!(house.post("Users", &json!({ "userName": "" })).await.problem(), (400, "invalidValue".to_owned()));
    assert_eq!(house.post("Groups", &json!({ "shoe": 1 })).await.problem(), (400, "invalidPath".to_owned()));
    assert_eq!(house.get("Users?filter=odd").await.problem().0, 400, "a question changes nothing");
    let refused = house.refused().await.split_off(before);
    let wanted = [
        ("ProvisionedPerson", "uniqueness"),
        ("ProvisionedPerson", "invalid-value"),
        ("ProvisionedGroup", "invalid-path"),
    ];
    assert_eq!(refused, wanted.map(|(kind, reason)| (kind.to_owned(), reason.to_owned())));
    for _ in 0..400 {
        assert_eq!(house.body(Method::POST, "Users", &ada).await.problem().0, 409, "the answer stays what it is");
    }
    assert!(house.refused().await.len().abs_diff(before) < 320);
    assert_eq!(house.sign_in.refusals.summarise(true).await, Ok(1));
}

#[actix_web::test]
async fn what_is_too_much_or_no_request_of_scim_is_refused() {
    let house = House::new().await;
    let media = |media: &'static str, body: String| {
        let request = house.request(Method::POST, "Users").insert_header((header::CONTENT_TYPE, media));
        house.send(request.set_payload(body))
    };
    let scim = "application/scim+json";
    assert_eq!(media("text/plain", "{}".to_owned()).await.problem().0, 415);
    assert_eq!(media(scim, "{".to_owned()).await.problem(), (400, "invalidSyntax".to_owned()));
    assert_eq!(media(scim, "[]".to_owned()).await.problem(), (400, "invalidSyntax".to_owned()));
    assert_eq!(media(scim, "{}".to_owned()).await.problem(), (400, "invalidValue".to_owned()));
    // Readers differ on which of the two counts, and here it decides who may sign in.
    let twice = r#"{"userName":"a","active":false,"active":true}"#.to_owned();
    assert_eq!(media(scim, twice).await.problem(), (400, "invalidSyntax".to_owned()));
    let deep = format!(r#"{{"userName":{}{}}}"#, "[".repeat(20), "]".repeat(20));
    assert_eq!(media(scim, deep).await.problem(), (400, "invalidSyntax".to_owned()));
    let long = json!({ "userName": "a", "title": "x".repeat(1024 * 1024) }).to_string();
    assert_eq!(media(scim, long).await.problem().0, 413);
    let name = json!({ "userName": "x".repeat(513) }).to_string();
    assert_eq!(media(scim, name).await.problem(), (400, "invalidValue".to_owned()));

    assert_eq!(house.get("Users?filter=userName%20is%20odd").await.problem(), (400, "invalidFilter".to_owned()));
    assert_eq!(house.get("Nothing").await.problem().0, 404);
    assert_eq!(house.get("Users/ada").await.problem().0, 404);
    let put = house.body(Method::PUT, "Users", &json!({})).await;
    assert_eq!((put.problem().0, put.header("allow")), (405, "GET, POST"));
    for path in ["Bulk", ".search", "Users/.search"] {
        assert_eq!(house.post(path, &json!({})).await.problem().0, 501, "{path}");
    }
    let secret = house.post("Users", &json!({ "userName": "ada", "password": "hunter2hunter2", "shoeSize": 38 })).await;
    assert_eq!(secret.problem(), (400, "invalidPath".to_owned()));
    assert!(!secret.text.contains("hunter2") && !secret.text.contains("shoe"), "nothing that was sent is repeated");
}
