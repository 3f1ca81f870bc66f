//! The provisioning suite: SCIM 2.0 users and groups (RFC 7643, RFC 7644), as the services of identity providers use them.
//!
//! It makes people and groups with names of its own and takes back what it made.

use crate::case::{Case, Importance, Outcome, Stop};
use crate::fhir::{Answer, Bench, Request};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The optional features a tester may leave out, each with what it covers.
pub const FEATURES: &[(&str, &str)] = &[
    ("etag", "versions of resources (RFC 7644 §3.14)"),
    ("groups", "groups with members"),
    ("patch", "changes by PATCH (RFC 7644 §3.5.2)"),
];

/// Lists every case of the suite, in the order of the run.
#[must_use]
pub fn cases() -> Vec<Case<Bench>> {
    CASES.iter().map(|case| Case { ..*case }).collect()
}

const CASES: &[Case<Bench>] = &[
    Case {
        id: "SCIM-01",
        title: "The service provider configuration is served and says what is offered",
        clause: "RFC 7644 §4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(says_what_it_offers(bench)),
    },
    Case {
        id: "SCIM-02",
        title: "Resource types and schemas name users",
        clause: "RFC 7644 §4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(names_users(bench)),
    },
    Case {
        id: "SCIM-03",
        title: "Nobody without a token learns of people",
        clause: "RFC 7644 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(asks_for_a_token(bench)),
    },
    Case {
        id: "SCIM-04",
        title: "A user is created with 201 and Location, and read back the same",
        clause: "RFC 7644 §3.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(creates(bench)),
    },
    Case {
        id: "SCIM-05",
        title: "A user name that is taken gets 409 and uniqueness",
        clause: "RFC 7644 §3.3.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(keeps_names_unique(bench)),
    },
    Case {
        id: "SCIM-06",
        title: "userName eq finds a user without regard to case, and whoever is not there is an empty list",
        clause: "RFC 7644 §3.4.2.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(finds(bench)),
    },
    Case {
        id: "SCIM-07",
        title: "A filter that is none gets 400 and invalidFilter",
        clause: "RFC 7644 §3.12",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(refuses_other_filters(bench)),
    },
    Case {
        id: "SCIM-08",
        title: "A page has no more than was asked for and tells how many there are",
        clause: "RFC 7644 §3.4.2.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(pages(bench)),
    },
    Case {
        id: "SCIM-09",
        title: "A user who is replaced has what was said, and the id of before",
        clause: "RFC 7644 §3.5.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(replaces(bench)),
    },
    Case {
        id: "SCIM-10",
        title: "active is changed by a path, and without one",
        clause: "RFC 7644 §3.5.2.3",
        importance: Importance::Shall,
        feature: Some("patch"),
        run: |bench| Box::pin(deactivates(bench)),
    },
    Case {
        id: "SCIM-11",
        title: "What Entra ID writes is understood: capitals in operations, truth values as text",
        clause: "Entra ID, known issues of SCIM 2.0 compliance",
        importance: Importance::Should,
        feature: Some("patch"),
        run: |bench| Box::pin(understands_entra(bench)),
    },
    Case {
        id: "SCIM-12",
        title: "Of operations one of which is refused, none takes effect",
        clause: "RFC 7644 §3.5.2",
        importance: Importance::Shall,
        feature: Some("patch"),
        run: |bench| Box::pin(changes_all_or_nothing(bench)),
    },
    Case {
        id: "SCIM-13",
        title: "A change of a version that is no more gets 412",
        clause: "RFC 7644 §3.14",
        importance: Importance::Shall,
        feature: Some("etag"),
        run: |bench| Box::pin(keeps_versions(bench)),
    },
    Case {
        id: "SCIM-14",
        title: "A user who was deleted is not found, nor found again",
        clause: "RFC 7644 §3.6",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(deletes(bench)),
    },
    Case {
        id: "SCIM-15",
        title: "Members come into a group and leave it one by one",
        clause: "RFC 7644 §3.5.2",
        importance: Importance::Shall,
        feature: Some("groups"),
        run: |bench| Box::pin(has_members(bench)),
    },
    Case {
        id: "SCIM-16",
        title: "Nobody comes into a group who is not there",
        clause: "RFC 7643 §4.2",
        importance: Importance::Should,
        feature: Some("groups"),
        run: |bench| Box::pin(knows_its_members(bench)),
    },
];

const MEDIA: &str = "application/scim+json";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

async fn says_what_it_offers(bench: &Bench) -> Outcome {
    let answer = get(bench, "ServiceProviderConfig").await?;
    answer.status_is(200)?;
    answer.check(answer.header("content-type").starts_with(MEDIA), "Content-Type application/scim+json")?;
    let document = answer.json()?;
    for feature in ["patch", "bulk", "filter", "sort", "etag", "changePassword"] {
        let said = document.get(feature).and_then(|feature| feature.get("supported"));
        answer.check(said.is_some_and(Value::is_boolean), format!("{feature}.supported"))?;
    }
    Ok(())
}

async fn names_users(bench: &Bench) -> Outcome {
    let types = get(bench, "ResourceTypes").await?;
    types.status_is(200)?;
    let named = resources(&types)?.iter().any(|one| one.get("endpoint").and_then(Value::as_str) == Some("/Users"));
    types.check(named, "a resource type with the endpoint /Users")?;
    let schemas = get(bench, "Schemas").await?;
    schemas.status_is(200)?;
    let named = resources(&schemas)?.iter().any(|one| one.get("id").and_then(Value::as_str) == Some(USER));
    schemas.check(named, USER)
}

async fn asks_for_a_token(bench: &Bench) -> Outcome {
    for target in ["Users", "Users/1"] {
        bench.send(Request::get(target).anonymous().with("accept", MEDIA)).await?.status_is(401)?;
        let wrong = Request::get(target).anonymous().with("accept", MEDIA).with("authorization", "Bearer wrong");
        bench.send(wrong).await?.status_is(401)?;
    }
    Ok(())
}

async fn creates(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    made.answer.check(made.answer.header("location").ends_with(&made.path), "Location with the address of the user")?;
    let read = get(bench, &made.path).await?;
    read.status_is(200)?;
    read.check(read.json()? == made.answer.json()?, "the same resource as was answered")?;
    made.take_back(bench).await
}

async fn keeps_names_unique(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    let again = send(bench, Method::POST, "Users", &user(&made.name)).await?;
    refused(&again, 409, Some("uniqueness"))?;
    made.take_back(bench).await
}

async fn finds(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    for name in [made.name.clone(), made.name.to_uppercase()] {
        let found = get(bench, &format!("Users?filter=userName%20eq%20%22{name}%22")).await?;
        found.status_is(200)?;
        found.check(total(&found)? == 1, "one user")?;
    }
    let nobody = get(bench, &format!("Users?filter=userName%20eq%20%22{}%22", name())).await?;
    nobody.status_is(200)?;
    nobody.check(total(&nobody)? == 0, "totalResults 0")?;
    made.take_back(bench).await
}

async fn refuses_other_filters(bench: &Bench) -> Outcome {
    for filter in ["userName", "userName%20is%20%22a%22", "userName%20eq%20%22a", "%28userName%20pr"] {
        refused(&get(bench, &format!("Users?filter={filter}")).await?, 400, Some("invalidFilter"))?;
    }
    Ok(())
}

async fn pages(bench: &Bench) -> Outcome {
    let (one, other) = (Made::user(bench).await?, Made::user(bench).await?);
    let first = get(bench, "Users?startIndex=1&count=1").await?;
    first.status_is(200)?;
    first.check(resources(&first)?.len() == 1 && total(&first)? >= 2, "one user of two or more")?;
    let none = get(bench, "Users?count=0").await?;
    none.check(total(&none)? >= 2 && none.json()?.get("Resources").is_none_or(is_empty), "how many, and no user")?;
    one.take_back(bench).await?;
    other.take_back(bench).await
}

async fn replaces(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    let body =
        json!({ "schemas": [USER], "userName": made.name, "externalId": made.name, "displayName": "Somebody Else" });
    let replaced = send(bench, Method::PUT, &made.path, &body).await?;
    replaced.status_is(200)?;
    let said = replaced.json()?;
    replaced.check(said.get("displayName").and_then(Value::as_str) == Some("Somebody Else"), "the new display name")?;
    replaced.check(made.path.ends_with(said.get("id").and_then(Value::as_str).unwrap_or("-")), "the same id")?;
    made.take_back(bench).await
}

async fn deactivates(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    for (operation, active) in [
        (json!({ "op": "replace", "path": "active", "value": false }), false),
        (json!({ "op": "replace", "value": { "active": true } }), true),
    ] {
        made.changed(bench, &operation, active).await?;
    }
    made.take_back(bench).await
}

async fn understands_entra(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    for (operation, active) in [
        (json!({ "op": "Replace", "path": "active", "value": "False" }), false),
        (json!({ "op": "Add", "path": "active", "value": "True" }), true),
    ] {
        made.changed(bench, &operation, active).await?;
    }
    made.take_back(bench).await
}

async fn changes_all_or_nothing(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    let operations = json!([
        { "op": "replace", "path": "active", "value": false },
        { "op": "replace", "path": "userName[", "value": "x" },
    ]);
    refused(&patch(bench, &made.path, operations).await?, 400, None)?;
    let read = get(bench, &made.path).await?;
    read.check(read.json()?.get("active") == Some(&Value::Bool(true)), "active as it was")?;
    made.take_back(bench).await
}

async fn keeps_versions(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    let before = made.answer.header("etag").to_owned();
    made.answer.check(!before.is_empty(), "an ETag")?;
    made.changed(bench, &json!({ "op": "replace", "path": "active", "value": false }), false).await?;
    let operations = json!([{ "op": "replace", "path": "active", "value": true }]);
    let body = json!({ "schemas": [PATCH], "Operations": operations }).to_string();
    let stale = Request::sending(Method::PATCH, &made.path, MEDIA, body).with("accept", MEDIA).with("if-match", before);
    bench.send(stale).await?.status_is(412)?;
    made.take_back(bench).await
}

async fn deletes(bench: &Bench) -> Outcome {
    let made = Made::user(bench).await?;
    let (path, name) = (made.path.clone(), made.name.clone());
    made.take_back(bench).await?;
    refused(&get(bench, &path).await?, 404, None)?;
    let found = get(bench, &format!("Users?filter=userName%20eq%20%22{name}%22")).await?;
    found.check(total(&found)? == 0, "nobody")
}

async fn has_members(bench: &Bench) -> Outcome {
    let (one, other) = (Made::user(bench).await?, Made::user(bench).await?);
    let group = Made::group(bench).await?;
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": one.id() }, { "value": other.id() }] }]);
    patch(bench, &group.path, add).await?;
    let both = get(bench, &group.path).await?;
    both.check(members(&both)?.len() == 2, "two members")?;
    let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", one.id()) }]);
    patch(bench, &group.path, remove).await?;
    let left = get(bench, &group.path).await?;
    left.check(members(&left)? == [other.id().to_owned()], "the other member alone")?;
    let without = get(bench, &format!("{}?excludedAttributes=members", group.path)).await?;
    without.check(members(&without)?.is_empty(), "no members where they are excluded")?;
    group.take_back(bench).await?;
    one.take_back(bench).await?;
    other.take_back(bench).await
}

async fn knows_its_members(bench: &Bench) -> Outcome {
    let group = Made::group(bench).await?;
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": "nobody-of-this-name" }] }]);
    refused(&patch(bench, &group.path, add).await?, 400, Some("invalidValue"))?;
    group.take_back(bench).await
}

/// Something that a case made.
struct Made {
    answer: Answer,
    name: String,
    path: String,
}

impl Made {
    async fn user(bench: &Bench) -> Result<Self, Stop> {
        let name = name();
        let body = user(&name);
        Self::new(bench, "Users", name, &body).await
    }

    async fn group(bench: &Bench) -> Result<Self, Stop> {
        let name = name();
        let body = json!({ "schemas": [GROUP], "displayName": name });
        Self::new(bench, "Groups", name, &body).await
    }

    async fn new(bench: &Bench, endpoint: &str, name: String, body: &Value) -> Result<Self, Stop> {
        let answer = send(bench, Method::POST, endpoint, body).await?;
        answer.status_is(201)?;
        let id = answer.json()?.get("id").and_then(Value::as_str).map(str::to_owned);
        let id = id.ok_or_else(|| answer.fail("an id"))?;
        Ok(Self { path: format!("{endpoint}/{id}"), answer, name })
    }

    fn id(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    async fn changed(&self, bench: &Bench, operation: &Value, active: bool) -> Outcome {
        let answer = patch(bench, &self.path, json!([operation])).await?;
        answer.check(
            answer.header("content-type").starts_with(MEDIA) || answer.text().is_empty(),
            "SCIM JSON, or nothing",
        )?;
        let read = get(bench, &self.path).await?;
        read.check(
            read.json()?.get("active") == Some(&Value::Bool(active)),
            format!("active {active} after {operation}"),
        )
    }

    async fn take_back(self, bench: &Bench) -> Outcome {
        let request = Request::new(Method::DELETE, self.path).with("accept", MEDIA);
        bench.send(request).await?.status_is(204)
    }
}

async fn get(bench: &Bench, target: &str) -> Result<Answer, Stop> {
    bench.send(Request::get(target).with("accept", MEDIA)).await
}

async fn send(bench: &Bench, method: Method, target: &str, body: &Value) -> Result<Answer, Stop> {
    bench.send(Request::sending(method, target, MEDIA, body.to_string()).with("accept", MEDIA)).await
}

async fn patch(bench: &Bench, target: &str, operations: Value) -> Result<Answer, Stop> {
    send(bench, Method::PATCH, target, &json!({ "schemas": [PATCH], "Operations": operations })).await
}

fn user(name: &str) -> Value {
    json!({ "schemas": [USER], "userName": name, "externalId": name, "displayName": "Conformance Test", "active": true })
}

/// Holds a refusal to its status, its form and, where the clause names one, its type.
fn refused(answer: &Answer, status: u16, r#type: Option<&str>) -> Outcome {
    answer.status_is(status)?;
    let error = answer.json()?;
    let schemas = error.get("schemas").and_then(Value::as_array).into_iter().flatten();
    answer.check(schemas.filter_map(Value::as_str).any(|schema| schema == ERROR), "the schema of errors")?;
    let said = error.get("status").map(|status| status.as_str().map_or_else(|| status.to_string(), str::to_owned));
    answer.check(said == Some(status.to_string()), "the status in the body")?;
    let fits = r#type.is_none_or(|wanted| error.get("scimType").and_then(Value::as_str) == Some(wanted));
    answer.check(fits, format!("scimType {}", r#type.unwrap_or_default()))
}

fn resources(answer: &Answer) -> Result<Vec<Value>, Stop> {
    let listed = answer.json()?.get("Resources").and_then(Value::as_array).cloned();
    listed.ok_or_else(|| answer.fail("a list with Resources"))
}

fn total(answer: &Answer) -> Result<u64, Stop> {
    let total = answer.json()?.get("totalResults").and_then(Value::as_u64);
    total.ok_or_else(|| answer.fail("a list with totalResults"))
}

fn members(answer: &Answer) -> Result<Vec<String>, Stop> {
    let group = answer.json()?;
    let members = group.get("members").and_then(Value::as_array).into_iter().flatten();
    let values = members.filter_map(|member| member.get("value").and_then(Value::as_str).map(str::to_owned));
    Ok(values.collect())
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// A name that nobody has: of this moment, counted on.
fn name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("conformance-{moment}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
