//! Who is not admitted, what is not permitted, and what is not understood.

use crate::house::{House, nobody};
use actix_web::http::{Method, header};
use actix_web::test::TestRequest;
use admin::Limits;
use domain::audit::ChainId;
use domain::ports::Store;
use serde_json::json;
use std::time::Duration;

#[actix_web::test]
async fn without_a_token_nothing_is_told_and_a_cookie_is_none() {
    let house = House::new().await;
    let bare = || TestRequest::with_uri("/admin/v1/users");
    let cookie = bare().insert_header((header::COOKIE, "__Host-sealgate=0123456789"));
    let twice = bare()
        .append_header((header::AUTHORIZATION, "Bearer admin"))
        .append_header((header::AUTHORIZATION, "Bearer admin"));
    let basic = bare().insert_header((header::AUTHORIZATION, "Basic YWRtaW46YWRtaW4="));
    let unknown = house.request("nobody", Method::GET, "users");
    let nowhere = TestRequest::with_uri("/admin/v1/nowhere");
    for request in [bare(), cookie, twice, basic, unknown, nowhere] {
        let refused = house.send(request).await;
        assert_eq!(refused.problem(), (401, "unauthenticated".into(), String::new()));
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"administration\"");
    }
    let block = house.doubles.store.entries(ChainId::SYSTEM, 1, 1_000).await.unwrap();
    let lines = String::from_utf8(block.lines).unwrap();
    assert_eq!(lines.matches("LoginFailed").count(), 6, "each is recorded");
}

#[actix_web::test]
async fn a_flood_of_wrong_tokens_is_told_to_wait() {
    let house = House::new().await;
    let mut waits = 0;
    for _ in 0..400 {
        let refused = house.get("nobody", "users").await;
        if refused.status == 429 {
            assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
            waits += 1;
        }
    }
    assert!(waits > 0);
    assert_eq!(house.get("admin", "users").await.status, 200, "whoever has a token is not kept waiting");
}

#[actix_web::test]
async fn role_scope_tenant_and_address_each_refuse_and_are_recorded() {
    let house = House::new().await;
    for token in ["reader", "all-records"] {
        for path in ["connections", "users", "sessions", "reviews", "settings", "clinics", "refused-sign-ins"] {
            assert_eq!(house.get(token, path).await.problem(), (403, "denied".into(), String::new()), "{token} {path}");
            assert!(house.last().await.ends_with(&format!(" denied {token}")), "{token} {path}");
        }
    }
    let id = house.post("admin", "users", &json!({ "name": "ada", "roles": ["staff"] })).await.id();
    assert_eq!(house.get("looking", &format!("users/{id}")).await.status, 200);
    let change =
        house.change("looking", Method::PATCH, &format!("users/{id}"), "*", &json!({ "enabled": false })).await;
    assert_eq!(change.problem().0, 403, "the scope lets it look, not change");
    assert!(house.last().await.ends_with(" denied looking"));
    // Another tenant's is not there, whoever asks and whatever for.
    assert_eq!(house.get("stranger", &format!("users/{id}")).await.problem().0, 404);
    for tag in ["*", "\"1\"", "\"9\""] {
        let change =
            house.change("stranger", Method::PATCH, &format!("users/{id}"), tag, &json!({ "enabled": false })).await;
        assert_eq!(change.problem(), (404, "not-found".into(), String::new()));
        let absent = format!("users/{}", nobody());
        let absent = house.change("stranger", Method::PATCH, &absent, tag, &json!({ "enabled": false })).await;
        assert_eq!(absent.problem(), (404, "not-found".into(), String::new()));
    }
    assert_eq!(house.get("stranger", "users").await.json()["items"], json!([]));
    let far = house.send_from(house.request("admin", Method::GET, "users"), "198.51.100.1:4711").await;
    assert_eq!(far.problem().0, 403, "the tenant does not let it come from there");
    assert!(house.last().await.ends_with(" denied admin"));
}

#[actix_web::test]
async fn what_is_not_understood_is_refused_and_recorded() {
    let house = House::new().await;
    for (path, status) in [
        ("nothing", 404),
        ("", 404),
        ("users/", 404),
        ("users/not-an-id", 404),
        ("users?limit=10&limit=10", 400),
        ("users?filter=x", 400),
        ("users?limit=0", 400),
        ("sessions?person=me", 400),
    ] {
        assert_eq!(house.get("admin", path).await.problem().0, status, "{path}");
        assert_eq!(house.last().await, "administration Administration failure admin", "{path}");
    }
    let post = |media: &'static str, body: &'static str| {
        house.send(
            house
                .request("admin", Method::POST, "users")
                .insert_header((header::CONTENT_TYPE, media))
                .set_payload(body),
        )
    };
    assert_eq!(post("text/plain", "{}").await.problem(), (415, "media-type".into(), String::new()));
    assert_eq!(post("application/json", "{").await.problem(), (400, "body".into(), String::new()));
    assert_eq!(post("application/json", r#"{"name":"a","name":"b"}"#).await.problem().0, 400);
    assert_eq!(post("application/json", r#"[[[[[[[[[[[[[[1]]]]]]]]]]]]]]"#).await.problem().0, 400);
    let long = house.request("admin", Method::POST, "users").insert_header((header::CONTENT_TYPE, "application/json"));
    let long = house.send(long.set_payload(format!("\"{}\"", "x".repeat(70_000)))).await;
    assert_eq!(long.problem(), (413, "body-too-long".into(), String::new()));
    let patch = house
        .request("admin", Method::PATCH, &format!("users/{}", nobody()))
        .insert_header((header::CONTENT_TYPE, "application/json"));
    let patch = house.send(patch.set_payload("{}")).await;
    assert_eq!((patch.problem().0, patch.header("accept-patch")), (415, "application/merge-patch+json"));
    let method = house.send(house.request("admin", Method::DELETE, "users")).await;
    assert_eq!((method.problem().0, method.header("allow")), (405, "GET, POST"));
}

#[actix_web::test]
async fn whoever_may_not_add_is_told_so_before_what_they_sent_is_read() {
    let house = House::new().await;
    for path in ["users", "connections"] {
        let post = house.request("looking", Method::POST, path).insert_header((header::CONTENT_TYPE, "text/plain"));
        assert_eq!(house.send(post.set_payload("{")).await.problem(), (403, "denied".into(), String::new()), "{path}");
        assert!(house.last().await.starts_with("directory.change"), "{}", house.last().await);
    }
}

#[actix_web::test]
async fn entries_say_from_where_and_what_was_asked() {
    let house = House::new().await;
    let id = house.post("admin", "users", &json!({ "name": "ada", "roles": ["staff"] })).await.id();
    let (told, asked) = (house.told("create").await, "POST /admin/v1/users".to_owned());
    assert_eq!(told, (Some("192.0.2.9".to_owned()), Some(asked)));
    house.change("admin", Method::PATCH, &format!("users/{id}"), "*", &json!({ "enabled": false })).await;
    assert_eq!(house.told("update").await.1, Some(format!("PATCH /admin/v1/users/{id}")));
    house.send_from(house.request("admin", Method::GET, "users?limit=7"), "198.51.100.1:4711").await;
    let denied = (Some("198.51.100.1".to_owned()), Some("GET /admin/v1/users?limit=7".to_owned()));
    assert_eq!(house.told("directory.read").await, denied);
    house.post("admin", "sessions/end", &json!({ "everybody": true })).await;
    assert_eq!(house.told("session.end").await.1, Some("POST /admin/v1/sessions/end".to_owned()));
    house.post("looking", "sessions/end", &json!({ "everybody": true })).await;
    assert_eq!(house.told("user.change").await.0, Some("192.0.2.9".to_owned()), "a denial as well");
}

#[actix_web::test]
async fn what_is_begun_is_done_and_recorded_also_where_nobody_waits_for_it() {
    let house = House::with(Limits { request_timeout: Duration::from_millis(50), ..Limits::default() }).await;
    let answer = house.post("tardy", "users", &json!({ "name": "ada", "roles": ["staff"] })).await;
    assert_eq!(answer.problem(), (503, "timed-out".into(), String::new()));
    for _ in 0..500 {
        if house.chain().await.contains(&"create Account success tardy".to_owned()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it was given up");
}

#[actix_web::test]
async fn a_request_keeps_its_number() {
    let house = House::new().await;
    let id = "0199a1b2-0000-7000-8000-00000000c0de";
    let asked = house.request("admin", Method::GET, "openapi.json").insert_header(("x-request-id", id));
    let answer = house.send(asked).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (200, id));
    assert_eq!(answer.json()["openapi"], "3.1.0");
    let made =
        house.send(house.request("admin", Method::GET, "clinics").insert_header(("x-request-id", "no id"))).await;
    assert_eq!(made.header("x-request-id").len(), 36);
}
