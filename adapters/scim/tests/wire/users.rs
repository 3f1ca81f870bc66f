//! Users: added, found, changed and taken back.

use crate::house::House;
use actix_web::http::{Method, header};
use domain::directory::{Connection, ProvisionedSubject};
use serde_json::{Value, json};

/// What Entra ID sends for a new person with its usual mapping.
fn ada() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User",
                    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": "object-1", "userName": "ada@hospital.example", "active": true, "displayName": "Ada Byron",
        "emails": [{ "primary": true, "type": "work", "value": "ada@hospital.example" }],
        "name": { "formatted": "Ada Byron", "familyName": "Byron", "givenName": "Ada" },
        "meta": { "resourceType": "User" }, "title": "Countess",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Laboratory" },
    })
}

#[actix_web::test]
async fn a_person_is_added_found_read_changed_and_taken_back() {
    let house = House::new().await;
    let none = house.find("Users", r#"userName eq "ada@hospital.example""#).await;
    assert_eq!((none["totalResults"].as_u64(), none["Resources"].as_array().map(Vec::len)), (Some(0), Some(0)));

    let added = house.post("Users", &ada()).await;
    assert_eq!(added.status, 201, "{}", added.text);
    let (user, id) = (added.json(), added.id());
    assert_eq!(user["userName"], "ada@hospital.example");
    assert_eq!((&user["name"]["familyName"], &user["active"]), (&json!("Byron"), &json!(true)));
    assert!(user.get("title").is_none() && !added.text.contains("department"), "what is not kept is not shown");
    let location = format!("https://here.example/scim/v2/{}/Users/{id}", house.connection);
    assert_eq!((added.header("location"), added.header("etag")), (location.as_str(), "W/\"1\""));
    assert_eq!(user["meta"]["location"], location);

    for filter in [
        r#"userName eq "ADA@hospital.example""#,
        r#"externalId eq "object-1""#,
        r#"active eq true and userName eq "ada@hospital.example""#,
        r#"emails[type eq "work" and value eq "ada@hospital.example"]"#,
        r#"displayName sw "Ada""#,
    ] {
        assert_eq!(house.find("Users", filter).await["totalResults"], 1, "{filter}");
    }
    let read = house.get(&format!("Users/{id}")).await;
    assert_eq!(read.json(), user);

    let changed = house
        .patch(
            &format!("Users/{id}"),
            json!([
                { "op": "Replace", "path": "displayName", "value": "Countess of Lovelace" },
                { "op": "Add", "path": "name.givenName", "value": "Augusta" },
            ]),
        )
        .await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "W/\"2\""), "{}", changed.text);
    assert_eq!(changed.json()["name"]["givenName"], "Augusta");

    let whole = json!({ "userName": "ada@hospital.example", "externalId": "object-1", "id": "something else" });
    let replaced = house.body(Method::PUT, &format!("Users/{id}"), &whole).await;
    assert!(replaced.status == 200 && replaced.json().get("displayName").is_none(), "{}", replaced.text);
    assert_eq!(replaced.id(), id, "what the server sets is passed over");

    assert_eq!(house.delete(&format!("Users/{id}")).await.status, 204);
    for answer in [house.get(&format!("Users/{id}")).await, house.delete(&format!("Users/{id}")).await] {
        assert_eq!(answer.problem(), (404, String::new()));
    }
    let again = house.post("Users", &ada()).await;
    assert!(again.status == 201 && again.id() != id, "{}", again.text);
}

#[actix_web::test]
async fn one_name_is_one_persons() {
    let house = House::new().await;
    let first = house.post("Users", &ada()).await.id();
    assert_eq!(house.post("Users", &ada()).await.problem(), (409, "uniqueness".to_owned()), "told once more");
    let same_id = json!({ "userName": "other", "externalId": "object-1" });
    assert_eq!(house.post("Users", &same_id).await.problem(), (409, "uniqueness".to_owned()));
    let bob = house.post("Users", &json!({ "userName": "bob", "externalId": "object-2" })).await.id();
    let renamed = house
        .patch(
            &format!("Users/{bob}"),
            json!([{ "op": "replace", "path": "userName", "value": "ADA@hospital.example" }]),
        )
        .await;
    assert_eq!(renamed.problem(), (409, "uniqueness".to_owned()));
    assert_eq!(house.find("Users", r#"userName eq "ada@hospital.example""#).await["Resources"][0]["id"], first);
}

#[actix_web::test]
async fn whoever_could_not_be_known_at_a_sign_in_is_refused() {
    let house = House::new().await;
    let nameless = json!({ "userName": "ada" });
    let refused = house.post("Users", &nameless).await;
    assert_eq!(refused.problem(), (400, "invalidValue".to_owned()));
    assert!(refused.text.contains("externalId is needed"), "{}", refused.text);
    let id = house.post("Users", &ada()).await.id();
    let path = format!("Users/{id}");
    assert_eq!(house.body(Method::PUT, &path, &nameless).await.problem(), (400, "invalidValue".to_owned()));
    let removed = house.patch(&path, json!([{ "op": "remove", "path": "externalId" }])).await;
    assert_eq!(removed.problem(), (400, "invalidValue".to_owned()));
    assert_eq!(house.get(&path).await.json()["externalId"], "object-1");
    let by_name = |connection: &mut Connection| connection.provisioning.subject = ProvisionedSubject::UserName;
    house.change(by_name).await;
    assert_eq!(house.body(Method::PUT, &path, &nameless).await.json()["userName"], "ada", "where names are compared");
}

#[actix_web::test]
async fn a_change_of_a_version_that_is_no_more_is_refused() {
    let house = House::new().await;
    let id = house.post("Users", &ada()).await.id();
    let change = |tag: &'static str| {
        let body = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
        let request = house.request(Method::PATCH, &format!("Users/{id}"));
        let media = (header::CONTENT_TYPE, "application/scim+json");
        house.send(request.insert_header(media).insert_header((header::IF_MATCH, tag)).set_payload(body.to_string()))
    };
    assert_eq!(change("W/\"7\"").await.problem().0, 412);
    assert_eq!(change("W/\"1\"").await.status, 200);
    assert_eq!(change("W/\"1\"").await.problem().0, 412);
    assert_eq!(change("*").await.header("etag"), "W/\"2\"", "what changes nothing makes no version");
    let unchanged =
        house.request(Method::GET, &format!("Users/{id}")).insert_header((header::IF_NONE_MATCH, "W/\"2\""));
    assert_eq!(house.send(unchanged).await.status, 304);
}

#[actix_web::test]
async fn an_operation_that_is_refused_takes_the_others_with_it() {
    let house = House::new().await;
    let id = house.post("Users", &ada()).await.id();
    let refused = house
        .patch(
            &format!("Users/{id}"),
            json!([
                { "op": "replace", "path": "active", "value": false },
                { "op": "replace", "path": "shoeSize", "value": 38 },
            ]),
        )
        .await;
    assert_eq!(refused.problem(), (400, "invalidPath".to_owned()));
    let user = house.get(&format!("Users/{id}")).await;
    assert_eq!((user.json()["active"].as_bool(), user.header("etag")), (Some(true), "W/\"1\""));
}

#[actix_web::test]
async fn a_list_is_read_page_by_page_with_the_attributes_that_are_asked_for() {
    let house = House::new().await;
    for number in 1..=5 {
        let name = format!("user-{number}");
        let user = json!({ "userName": name, "externalId": name, "displayName": "Somebody" });
        house.post("Users", &user).await;
    }
    let page = house.get("Users?startIndex=2&count=2&attributes=userName").await.json();
    assert_eq!(
        (page["totalResults"].as_u64(), page["startIndex"].as_u64(), page["itemsPerPage"].as_u64()),
        (Some(5), Some(2), Some(2))
    );
    assert_eq!(page["Resources"][0]["userName"], "user-2");
    assert!(page["Resources"][0].get("displayName").is_none() && page["Resources"][0].get("id").is_some());
    let none = house.get("Users?count=0").await.json();
    assert_eq!((none["totalResults"].as_u64(), none["itemsPerPage"].as_u64()), (Some(5), Some(0)));
    assert_eq!(house.get("Users?startIndex=6").await.json()["itemsPerPage"], 0);
}

#[actix_web::test]
async fn everything_is_in_the_chain_and_no_name_of_a_person_is() {
    let house = House::new().await;
    let id = house.post("Users", &ada()).await.id();
    house.find("Users", r#"userName eq "ada@hospital.example""#).await;
    house.patch(&format!("Users/{id}"), json!([{ "op": "replace", "path": "active", "value": "False" }])).await;
    house.delete(&format!("Users/{id}")).await;
    let chain = house.chain(house.tenant).await;
    for action in ["create", "directory.read", "update"] {
        assert!(chain.contains(&format!("\"action\":\"{action}\"")), "{action}: {chain}");
    }
    assert!(chain.contains("provisioning by Hospital login"));
    assert!(!chain.contains("ada@") && !chain.contains("Byron") && !chain.contains("object-1"), "{chain}");
}

#[actix_web::test]
async fn who_is_entered_whole_stays_as_active_as_they_were() {
    let house = House::new().await;
    let whole = json!({ "userName": "ada", "externalId": "object-1", "displayName": "Ada" });
    let added = house.post("Users", &whole).await;
    assert_eq!(added.json()["active"], true, "who is new is active");
    let path = format!("Users/{}", added.id());
    let told = house.body(Method::PUT, &path, &whole).await.json();
    assert_eq!(told["active"], true);
    let gone = json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(house.patch(&path, gone).await.status, 200);
    let told = house.body(Method::PUT, &path, &whole).await.json();
    assert_eq!((&told["active"], &told["displayName"]), (&json!(false), &json!("Ada")), "nothing was said of it");
    let mut back = whole;
    back["active"] = json!(true);
    assert_eq!(house.body(Method::PUT, &path, &back).await.json()["active"], true);
}

#[actix_web::test]
async fn an_attribute_that_stands_twice_is_refused_however_it_is_written() {
    let house = House::new().await;
    let ada = json!({ "userName": "ada", "externalId": "object-1", "active": false });
    let path = format!("Users/{}", house.post("Users", &ada).await.id());
    let schema = "urn:ietf:params:scim:schemas:core:2.0:User";
    for twice in [
        json!({ "userName": "ada", "externalId": "object-1", "active": false, "Active": true }),
        json!({ "userName": "ada", "externalId": "object-1", "active": false, format!("{schema}:active"): true }),
    ] {
        let wanted = (400, "invalidSyntax".to_owned());
        assert_eq!(house.body(Method::PUT, &path, &twice).await.problem(), wanted, "{twice}");
        assert_eq!(house.patch(&path, json!([{ "op": "replace", "value": twice }])).await.problem(), wanted);
        assert_eq!(house.get(&path).await.json()["active"], false);
    }
    let twice = json!([{ "op": "replace", "OP": "remove", "path": "active", "value": true }]);
    assert_eq!(house.patch(&path, twice).await.problem(), (400, "invalidSyntax".to_owned()));
}
