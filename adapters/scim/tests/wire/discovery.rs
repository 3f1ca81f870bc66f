//! What is offered, as clients ask before they begin.

use crate::house::House;

#[actix_web::test]
async fn what_is_said_to_be_offered_is_what_there_is() {
    let house = House::new().await;
    let configuration = house.get("ServiceProviderConfig").await;
    assert_eq!(configuration.header("content-type"), "application/scim+json");
    let configuration = configuration.json();
    for (feature, supported) in
        [("patch", true), ("etag", true), ("filter", true), ("bulk", false), ("sort", false), ("changePassword", false)]
    {
        assert_eq!(configuration[feature]["supported"], supported, "{feature}");
    }
    assert_eq!(configuration["filter"]["maxResults"], scim::MAX_COUNT);
    let types = house.get("ResourceTypes").await.json();
    assert_eq!((types["totalResults"].as_u64(), types["Resources"][0]["endpoint"].as_str()), (Some(2), Some("/Users")));
    assert_eq!(house.get("ResourceTypes/Group").await.json()["schema"], "urn:ietf:params:scim:schemas:core:2.0:Group");
    let schemas = house.get("Schemas").await.json();
    assert_eq!(schemas["totalResults"], 2);
    let user = house.get("Schemas/urn:ietf:params:scim:schemas:core:2.0:User").await.json();
    assert_eq!(user["attributes"][0]["name"], "userName");
    assert_eq!(house.get("Schemas/none").await.problem().0, 404);
    assert!(
        scim::routes().any(|(path, methods)| path == "/scim/v2/{connection}/Users/{id}" && methods.contains("PATCH"))
    );
}
