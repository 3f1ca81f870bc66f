//! What is offered, in the form in which clients ask for it (RFC 7643 §5–§7); only what is kept is named.

use crate::path::{GROUP, USER};
use crate::query::MAX_COUNT;
use serde_json::{Value, json};

const CONFIGURATION: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// Says what of the protocol is offered.
pub(crate) fn configuration(base: &str) -> Value {
    json!({
        "schemas": [CONFIGURATION],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_COUNT },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of the connection, which the operator makes and revokes",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}

/// Returns the kinds of resources.
pub(crate) fn resource_types(base: &str) -> Vec<Value> {
    [("User", "/Users", USER), ("Group", "/Groups", GROUP)]
        .map(|(name, endpoint, schema)| {
            json!({
                "schemas": [RESOURCE_TYPE],
                "id": name,
                "name": name,
                "endpoint": endpoint,
                "schema": schema,
                "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") },
            })
        })
        .into()
}

/// Returns the schemas.
pub(crate) fn schemas(base: &str) -> Vec<Value> {
    let user = vec![
        attribute("userName", "string", Traits { required: true, unique: true, ..USUAL }),
        attribute("externalId", "string", Traits { exact: true, unique: true, ..USUAL }),
        attribute("displayName", "string", USUAL),
        complex(
            "name",
            USUAL,
            vec![
                attribute("formatted", "string", USUAL),
                attribute("familyName", "string", USUAL),
                attribute("givenName", "string", USUAL),
            ],
        ),
        attribute("active", "boolean", USUAL),
        complex(
            "emails",
            Traits { many: true, ..USUAL },
            vec![
                attribute("value", "string", USUAL),
                attribute("type", "string", USUAL),
                attribute("primary", "boolean", USUAL),
            ],
        ),
        complex(
            "groups",
            Traits { many: true, read_only: true, ..USUAL },
            vec![
                attribute("value", "string", Traits { read_only: true, ..USUAL }),
                attribute("display", "string", Traits { read_only: true, ..USUAL }),
            ],
        ),
    ];
    let group = vec![
        attribute("displayName", "string", Traits { required: true, unique: true, ..USUAL }),
        attribute("externalId", "string", Traits { exact: true, unique: true, ..USUAL }),
        complex(
            "members",
            Traits { many: true, ..USUAL },
            vec![attribute("value", "string", Traits { exact: true, ..USUAL }), attribute("type", "string", USUAL)],
        ),
    ];
    [(USER, "User", user), (GROUP, "Group", group)]
        .map(|(id, name, attributes)| {
            json!({
                "schemas": [SCHEMA],
                "id": id,
                "name": name,
                "attributes": attributes,
                "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{id}") },
            })
        })
        .into()
}

/// What is said of an attribute.
#[derive(Clone, Copy)]
struct Traits {
    required: bool,
    many: bool,
    exact: bool,
    unique: bool,
    read_only: bool,
}

const USUAL: Traits = Traits { required: false, many: false, exact: false, unique: false, read_only: false };

fn attribute(name: &str, r#type: &str, traits: Traits) -> Value {
    json!({
        "name": name,
        "type": r#type,
        "multiValued": traits.many,
        "required": traits.required,
        "caseExact": traits.exact,
        "mutability": if traits.read_only { "readOnly" } else { "readWrite" },
        "returned": "default",
        "uniqueness": if traits.unique { "server" } else { "none" },
    })
}

fn complex(name: &str, traits: Traits, parts: Vec<Value>) -> Value {
    let mut value = attribute(name, "complex", traits);
    if let Some(object) = value.as_object_mut() {
        object.insert("subAttributes".to_owned(), Value::Array(parts));
    }
    value
}
