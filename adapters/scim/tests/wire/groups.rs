//! Groups and who is in them.

use crate::house::House;
use actix_web::http::Method;
use serde_json::{Value, json};

async fn person(house: &House, name: &str) -> String {
    house.post("Users", &json!({ "userName": name, "externalId": name })).await.id()
}

fn members(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    members.iter().filter_map(|member| member["value"].as_str()).collect()
}

#[actix_web::test]
async fn people_come_into_a_group_and_leave_it() {
    let house = House::new().await;
    let (ada, bob) = (person(&house, "ada").await, person(&house, "bob").await);
    let added = house
        .post("Groups", &json!({ "displayName": "Laboratory", "externalId": "g1", "members": [{ "value": ada }] }))
        .await;
    assert_eq!(added.status, 201, "{}", added.text);
    let path = format!("Groups/{}", added.id());
    let both = house
        .patch(&path, json!([{ "op": "Add", "path": "members", "value": [{ "value": bob }, { "value": ada }] }]))
        .await;
    assert_eq!(members(&both.json()).len(), 2);
    house.reload().await;
    assert_eq!(house.get(&format!("Users/{ada}")).await.json()["groups"][0]["display"], "Laboratory");

    assert_eq!(house.find("Groups", r#"displayName eq "laboratory""#).await["totalResults"], 1);
    let by_member = format!("externalId eq \"g1\" and members eq \"{ada}\"");
    assert_eq!(house.find("Groups", &by_member).await["totalResults"], 1);
    assert_eq!(house.find("Groups", r#"members.value eq "nobody""#).await["totalResults"], 0);
    let without = house.get(&format!("{path}?excludedAttributes=members")).await.json();
    assert!(without.get("members").is_none() && without["displayName"] == "Laboratory");

    let left = house.patch(&path, json!([{ "op": "Remove", "path": format!("members[value eq \"{ada}\"]") }])).await;
    assert_eq!(members(&left.json()), [bob.as_str()]);
    // Whoever is taken back is in no group any more.
    house.delete(&format!("Users/{bob}")).await;
    house.reload().await;
    assert!(members(&house.get(&path).await.json()).is_empty());
    let renamed = house.body(Method::PUT, &path, &json!({ "displayName": "Lab", "members": [{ "value": ada }] })).await;
    assert_eq!((members(&renamed.json()), &renamed.json()["displayName"]), (vec![ada.as_str()], &json!("Lab")));
    assert_eq!(house.delete(&path).await.status, 204);
    assert_eq!(house.get(&path).await.problem().0, 404);
}

#[actix_web::test]
async fn nobody_from_elsewhere_comes_into_a_group() {
    let house = House::new().await;
    let group = house.post("Groups", &json!({ "displayName": "Laboratory" })).await.id();
    for stranger in [group.clone(), "01999999-0000-7000-8000-000000000000".to_owned(), "ada".to_owned()] {
        let add = house
            .patch(
                &format!("Groups/{group}"),
                json!([{ "op": "add", "path": "members", "value": [{ "value": stranger }] }]),
            )
            .await;
        assert_eq!(add.problem(), (400, "invalidValue".to_owned()), "{stranger}");
    }
    assert_eq!(
        house.post("Groups", &json!({ "displayName": "LABORATORY" })).await.problem(),
        (409, "uniqueness".to_owned())
    );
}
