//! Accounts and sessions.

use crate::house::House;
use actix_web::http::Method;
use domain::access::{Address, Role};
use serde_json::json;

#[actix_web::test]
async fn an_account_is_added_changed_reset_and_disabled() {
    let house = House::new().await;
    let clinics = house.get("admin", "clinics").await.json();
    let west = clinics["items"][0]["id"].as_str().unwrap().to_owned();
    let body = json!({ "name": "ada", "display": "Ada Byron", "roles": ["provider"], "clinics": { "some": [west] } });
    let added = house.post("admin", "users", &body).await;
    assert_eq!((added.status, added.header("etag")), (201, "\"1\""), "{}", added.text);
    let link = added.json()["invitation"].as_str().unwrap().to_owned();
    assert!(link.starts_with("https://here.example/invitation/"), "{link}");
    let path = format!("users/{}", added.id());

    let change = json!({ "roles": ["staff"], "clinics": "all", "purpose": "operations" });
    let changed = house.change("admin", Method::PATCH, &path, "\"1\"", &change).await;
    assert_eq!((changed.status, &changed.json()["roles"]), (200, &json!(["staff"])), "{}", changed.text);
    assert_eq!((&changed.json()["display"], &changed.json()["clinics"]), (&json!("Ada Byron"), &json!("all")));
    assert!(changed.json().get("invitation").is_none(), "a link is shown once");
    let stale = house.change("admin", Method::POST, &format!("{path}/reset"), "\"1\"", &json!({})).await;
    assert_eq!(stale.problem().0, 412);
    let reset =
        house.change("admin", Method::POST, &format!("{path}/reset"), "\"2\"", &json!({ "second_factor": true })).await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    assert_ne!(reset.json()["invitation"].as_str(), Some(link.as_str()));
    let off = house.change("admin", Method::PATCH, &path, "\"3\"", &json!({ "enabled": false })).await;
    assert_eq!((off.status, off.header("etag")), (200, "\"4\""));
    for (body, place) in [
        (json!({ "name": "eve" }), "/name"),
        (json!({ "password": "x" }), "/password"),
        (json!({ "roles": [] }), "/roles"),
        (json!({ "display": null }), "/display"),
    ] {
        let refused = house.change("admin", Method::PATCH, &path, "*", &body).await;
        assert_eq!(refused.problem(), (422, "field".into(), place.to_owned()));
    }
    house.reload().await;
    let listed = house.get("admin", "users").await;
    assert_eq!(listed.json()["items"][0]["enabled"], false);
    assert!(!listed.text.contains("argon2") && !listed.text.contains("totp"));
}

#[actix_web::test]
async fn a_reset_ends_the_sessions_of_its_person_and_of_nobody_else() {
    let house = House::new().await;
    let (ada, ben) = (house.account("ada", Role::Provider).await, house.account("ben", Role::Provider).await);
    let (hers, his) = (house.begin(&ada).await, house.begin(&ben).await);
    let reset = house.change("admin", Method::POST, &format!("users/{}/reset", ada.id), "*", &json!({})).await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    let kept = async |person| house.sign_in.sessions_of(person).await.unwrap().len();
    assert_eq!((kept(hers.session.person).await, kept(his.session.person).await), (0, 1));
    assert_eq!(house.sign_in.sessions_in(house.tenant).await.unwrap().len(), 1);
    assert!(house.last().await.starts_with("Logout Session success"), "{}", house.last().await);
}

#[actix_web::test]
async fn nobody_is_let_have_a_role_that_is_not_the_admins_to_give() {
    let house = House::new().await;
    let auditor = json!({ "name": "olga", "roles": ["auditor"] });
    assert_eq!(house.post("admin", "users", &auditor).await.problem(), (403, "denied".into(), String::new()));
    assert_eq!(house.last().await, "directory.change Account denied admin");
    let operator = json!({ "name": "olga", "roles": ["system-operator"] });
    assert_eq!(house.post("admin", "users", &operator).await.problem().0, 403);
    let ada = house.account("ada", Role::Provider).await;
    let raised =
        house.change("admin", Method::PATCH, &format!("users/{}", ada.id), "*", &json!({ "roles": ["auditor"] })).await;
    assert_eq!(raised.problem().0, 403);
    // The link of a reset would be the way into the account of somebody who may more.
    let olga = house.account("olga", Role::Auditor).await;
    let taken = house.change("admin", Method::POST, &format!("users/{}/reset", olga.id), "*", &json!({})).await;
    assert_eq!((taken.problem().0, taken.text.contains("invitation")), (403, false));
}

#[actix_web::test]
async fn whoever_administers_does_so_in_the_whole_tenant() {
    let house = House::new().await;
    let west = house.get("admin", "clinics").await.json()["items"][0]["id"].clone();
    let roles = json!(["admin", "staff"]);
    let body = json!({ "name": "ada", "roles": roles, "clinics": { "some": [west] } });
    let refused = house.post("admin", "users", &body).await;
    assert_eq!(refused.problem(), (422, "field".into(), "/clinics".into()));
    assert!(refused.text.contains("`admin` among the roles"), "{}", refused.text);
    let ada = house.account("ada", Role::Staff).await;
    let path = format!("users/{}", ada.id);
    let raised = json!({ "roles": roles, "clinics": { "some": [west] } });
    assert_eq!(house.change("admin", Method::PATCH, &path, "*", &raised).await.problem().2, "/clinics");
    let narrowed = json!({ "clinics": { "some": [west] } });
    assert_eq!(house.change("admin", Method::PATCH, &path, "*", &narrowed).await.status, 200);
    assert_eq!(house.change("admin", Method::PATCH, &path, "*", &json!({ "roles": roles })).await.problem().0, 422);
    let whole = json!({ "roles": roles, "clinics": "all" });
    assert_eq!(house.change("admin", Method::PATCH, &path, "*", &whole).await.status, 200);
}

#[actix_web::test]
async fn sessions_are_seen_and_ended_one_by_one_and_by_person() {
    let house = House::new().await;
    let (ada, ben) = (house.account("ada", Role::Provider).await, house.account("ben", Role::Provider).await);
    let begun = [house.begin(&ada).await, house.begin(&ada).await, house.begin(&ben).await];
    let resumes = async |number: usize| {
        let directory = house.administration.load_directory().await.unwrap();
        house.sign_in.resume(&begun[number].secret, &directory, Address::Allowed).await.unwrap().is_some()
    };
    let listed = house.get("admin", "sessions").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 3);
    let person = house.get("admin", &format!("users/{}", ada.id)).await.json()["person"].as_str().unwrap().to_owned();
    let hers = house.get("admin", &format!("sessions?person={person}&limit=1")).await.json();
    assert_eq!((hers["items"][0]["display"].as_str(), hers["next"].is_null()), (Some("ada"), false));

    let one = format!("sessions/{}", begun[0].session.id);
    let end = |token: &'static str, path: String| house.send(house.request(token, Method::DELETE, &path));
    assert_eq!(end("looking", one.clone()).await.problem().0, 403, "a token that only looks");
    assert_eq!(end("stranger", one.clone()).await.problem().0, 404, "another tenant's administrator");
    assert!(resumes(0).await);
    assert_eq!(end("changing", one.clone()).await.status, 204);
    assert!(!resumes(0).await && resumes(1).await);
    assert_eq!(end("admin", one).await.problem().0, 404, "it is over");
    let ended = house.post("admin", "sessions/end", &json!({ "person": person })).await;
    assert_eq!((ended.status, ended.json()), (200, json!({ "ended": 1 })));
    assert!(!resumes(1).await && resumes(2).await);
    for body in [json!({}), json!({ "everybody": false }), json!({ "person": person, "everybody": true })] {
        assert_eq!(house.post("admin", "sessions/end", &body).await.problem().0, 422);
    }
    assert!(resumes(2).await, "nothing ends by mistake");
    assert_eq!(house.post("admin", "sessions/end", &json!({ "everybody": true })).await.json(), json!({ "ended": 1 }));
    assert!(house.chain().await.contains(&"session.end Person success admin".to_owned()));
}
