//! What provisioning does to sign-in: who is admitted, and whose sessions end at once.

use crate::house::House;
use domain::directory::ProvisionedGroups;
use domain::identity::{Groups, NotAdmitted};
use domain::sign_in::Refused;
use serde_json::json;

fn lab() -> Groups {
    Groups::Known(vec!["Laboratory".into()])
}

#[actix_web::test]
async fn only_who_was_told_of_signs_in_and_whoever_is_deactivated_is_out_at_once() {
    let house = House::new().await;
    let refused = house.begin("object-1", lab()).await.err();
    assert_eq!(refused, Some(Refused::NotAdmitted(NotAdmitted::NotProvisioned)));
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await.id();
    house.post("Users", &json!({ "userName": "bob", "externalId": "object-2" })).await;
    house.reload().await;
    let (one, two) = (house.begin("object-1", lab()).await.unwrap(), house.begin("object-1", lab()).await.unwrap());
    let bob = house.begin("object-2", lab()).await.unwrap();
    assert!(house.goes_on(&one).await && house.goes_on(&two).await);

    let told =
        house.patch(&format!("Users/{ada}"), json!([{ "op": "Replace", "path": "active", "value": "False" }])).await;
    assert_eq!(told.json()["active"], false, "{}", told.text);
    // Before the directory is loaded again, and so at every gateway.
    assert!(!house.goes_on(&one).await && !house.goes_on(&two).await && house.goes_on(&bob).await);
    let chain = house.chain(house.tenant).await;
    let ended: Vec<&str> = chain.lines().filter(|line| line.contains("\"action\":\"Logout\"")).collect();
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|line| line.contains("\"workstation_id\":\"scim\"")), "{ended:?}");
    house.reload().await;
    assert_eq!(house.begin("object-1", lab()).await.err(), Some(Refused::NotAdmitted(NotAdmitted::Deactivated)));

    house.patch(&format!("Users/{ada}"), json!([{ "op": "Replace", "path": "active", "value": "True" }])).await;
    house.reload().await;
    let back = house.begin("object-1", lab()).await.unwrap();
    house.delete(&format!("Users/{ada}")).await;
    assert!(!house.goes_on(&back).await);
    house.reload().await;
    assert_eq!(house.begin("object-1", lab()).await.err(), Some(Refused::NotAdmitted(NotAdmitted::Deactivated)));
}

#[actix_web::test]
async fn whoever_has_another_id_by_now_does_not_come_by_the_old_one() {
    let house = House::new().await;
    house.change(|connection| connection.provisioning.required = false).await;
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await.id();
    house.reload().await;
    let before = house.begin("object-1", lab()).await.unwrap();
    let user = format!("Users/{ada}");
    let told = house.patch(&user, json!([{ "op": "replace", "path": "externalId", "value": "object-2" }])).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert!(!house.goes_on(&before).await);
    house.patch(&user, json!([{ "op": "replace", "path": "active", "value": false }])).await;
    house.reload().await;
    for subject in ["object-1", "object-2"] {
        let refused = house.begin(subject, lab()).await.err();
        assert_eq!(refused, Some(Refused::NotAdmitted(NotAdmitted::Deactivated)), "{subject}");
    }
    // Told of somebody else, the old one is theirs.
    house.post("Users", &json!({ "userName": "bob", "externalId": "object-1" })).await;
    house.reload().await;
    assert!(house.begin("object-1", lab()).await.is_ok());
}

#[actix_web::test]
async fn whoever_is_taken_back_stays_out_until_they_are_told_of_anew() {
    let house = House::new().await;
    house.change(|connection| connection.provisioning.required = false).await;
    let early = house.begin("object-1", lab()).await.unwrap();
    let told = json!({ "userName": "ada", "externalId": "object-1" });
    let ada = house.post("Users", &told).await.id();
    house.reload().await;
    assert!(house.goes_on(&early).await);
    assert_eq!(house.delete(&format!("Users/{ada}")).await.status, 204);
    house.reload().await;
    assert!(!house.goes_on(&early).await, "it began before the provider told of anybody");
    assert_eq!(house.begin("object-1", lab()).await.err(), Some(Refused::NotAdmitted(NotAdmitted::Deactivated)));
    assert!(house.begin("object-2", lab()).await.is_ok(), "of others it need not tell");
    assert_eq!(house.post("Users", &told).await.status, 201);
    house.reload().await;
    assert!(house.begin("object-1", lab()).await.is_ok());
}

#[actix_web::test]
async fn a_session_that_began_while_its_person_was_deactivated_does_not_go_on() {
    let house = House::new().await;
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await.id();
    house.reload().await;
    house.patch(&format!("Users/{ada}"), json!([{ "op": "replace", "path": "active", "value": false }])).await;
    // This gateway does not know yet.
    let late = house.begin("object-1", lab()).await.unwrap();
    house.reload().await;
    assert!(!house.goes_on(&late).await);
}

#[actix_web::test]
async fn a_session_that_began_while_its_person_left_the_group_does_not_go_on() {
    let house = House::new().await;
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await.id();
    let group = house.post("Groups", &json!({ "displayName": "Laboratory", "members": [{ "value": ada }] })).await.id();
    house.reload().await;
    let leave = json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]);
    assert_eq!(house.patch(&format!("Groups/{group}"), leave).await.status, 200);
    // This gateway does not know yet; nor would one know that was told and ended nothing.
    let (late, asserted) =
        (house.begin("object-1", Groups::Unknown).await.unwrap(), house.begin("object-1", lab()).await);
    house.reload().await;
    assert!(!house.goes_on(&late).await, "the role went with the group");
    assert!(house.goes_on(&asserted.unwrap()).await, "its sign-in named the group");
}

#[actix_web::test]
async fn groups_that_a_provider_told_of_admit_where_an_assertion_lists_none() {
    let house = House::new().await;
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-1" })).await.id();
    house.reload().await;
    assert_eq!(house.begin("object-1", Groups::Unknown).await.err(), Some(Refused::NotAdmitted(NotAdmitted::Unmapped)));
    let group = house.post("Groups", &json!({ "displayName": "Laboratory", "members": [{ "value": ada }] })).await.id();
    house.reload().await;
    let begun = house.begin("object-1", Groups::Unknown).await.unwrap();

    let left = house
        .patch(&format!("Groups/{group}"), json!([{ "op": "remove", "path": format!("members[value eq \"{ada}\"]") }]))
        .await;
    assert_eq!(left.status, 200);
    assert!(!house.goes_on(&begun).await, "what the group gave is gone at once");
    house.change(|connection| connection.provisioning.groups = ProvisionedGroups::Never).await;
    let refused = house.begin("object-1", Groups::Unknown).await.err();
    assert_eq!(refused, Some(Refused::NotAdmitted(NotAdmitted::GroupsUnknown)));
}

#[actix_web::test]
async fn somebody_who_had_too_many_names_is_told_so_and_can_still_be_signed_out() {
    let house = House::new().await;
    let ada = house.post("Users", &json!({ "userName": "ada", "externalId": "object-0" })).await.id();
    let path = format!("Users/{ada}");
    let call = |name: String| json!([{ "op": "replace", "path": "externalId", "value": name }]);
    for number in 1..=domain::directory::MAX_EARLIER_NAMES {
        assert_eq!(house.patch(&path, call(format!("object-{number}"))).await.status, 200, "{number}");
    }
    house.reload().await;
    let begun = house.begin(&format!("object-{}", domain::directory::MAX_EARLIER_NAMES), lab()).await.unwrap();
    assert_eq!(house.patch(&path, call("one-more".to_owned())).await.problem(), (400, "invalidValue".to_owned()));
    let last = house.refused().await.pop().unwrap();
    assert_eq!(last, ("ProvisionedPerson".to_owned(), "too-many-names".to_owned()));
    let out = json!([
        { "op": "replace", "path": "externalId", "value": "one-more" },
        { "op": "replace", "path": "active", "value": false },
    ]);
    assert_eq!(house.patch(&path, out).await.status, 200);
    assert!(!house.goes_on(&begun).await);
}
