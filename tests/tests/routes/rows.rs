//! What is sent to each route: ids filled in, and a form where one is taken.

use crate::world::World;

/// What is sent.
pub(crate) struct Row {
    pub(crate) method: &'static str,
    /// The path, parts in braces filled in.
    pub(crate) path: String,
    /// The fields of the form, but for what proves who sends it.
    pub(crate) form: Vec<(&'static str, String)>,
    /// What is sent instead of a form.
    pub(crate) json: Option<&'static str>,
    /// What proves who sends it.
    pub(crate) proof: Proof,
    /// Whether it is on the port for health and metrics.
    pub(crate) operations: bool,
    /// Whether asking changes nothing.
    pub(crate) repeatable: bool,
    /// Whether nobody is signed in afterwards.
    pub(crate) ends_session: bool,
}

/// What proves who sends a form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// Nothing, or what it carries itself.
    None,
    /// The hidden field of whoever is signed in.
    Session,
    /// The hidden field of a browser that is signing in.
    Browser,
    /// A client assertion, for a token.
    Token,
    /// A client assertion, about somebody's token.
    AboutToken,
    /// A token by which a provider tells of its people.
    Provisioning,
    /// The token of an administrator's script.
    Administering,
}

/// Returns the row of a route; a route that is not here has none.
pub(crate) fn row(world: &World, method: &str, path: &str) -> Option<Row> {
    let filled = fill(world, path);
    Some(match (method, path) {
        ("GET", "/health/live" | "/health/ready" | "/metrics") => Row { operations: true, ..get(filled) },
        (
            "GET",
            "/fhir/metadata"
            | "/fhir/{type}"
            | "/fhir/{type}/_search"
            | "/fhir/{type}/{id}"
            | "/fhir/{type}/{id}/_history"
            | "/fhir/Patient/{id}/{type}"
            | "/fhir/{type}/{id}/_history/{version}"
            | "/fhir/.well-known/smart-configuration"
            | "/.well-known/smart-configuration"
            | "/.well-known/openid-configuration"
            | "/oauth/jwks",
        ) => get(filled),
        ("POST", "/fhir/{type}/_search") => post(filled, Proof::None, &[("status", "final")]),
        ("POST", "/oauth/token") => post(filled, Proof::Token, &[]),
        ("POST", "/oauth/introspect" | "/oauth/revoke") => post(filled, Proof::AboutToken, &[]),

        (
            "GET",
            "/"
            | "/assets/{name}"
            | "/sign-in"
            | "/sign-in/{tenant}"
            | "/sign-in/{tenant}/code"
            | "/sign-in/{tenant}/recovery"
            | "/sign-in/{tenant}/enrol"
            | "/invitation/{secret}"
            | "/auth/saml/{connection}/metadata"
            | "/auth/saml/{connection}/slo"
            | "/signed-out"
            | "/session-ending"
            | "/session-ended"
            | "/step-up"
            | "/account"
            | "/account/password"
            | "/account/authenticator"
            | "/account/keys"
            | "/account/recovery-codes"
            | "/reviews"
            | "/reviews/{review}"
            | "/oauth/authorize/{request}"
            | "/oauth/authorize/{request}/patient"
            | "/patients"
            | "/patients/found"
            | "/patients/{patient}"
            | "/reports/{report}"
            | "/reports/{report}/history"
            | "/reports/{report}/versions/{version}"
            | "/reports/{report}/documents/{number}"
            | "/reports/{report}/versions/{version}/documents/{number}",
        ) => get(filled),
        ("GET", "/break-glass") => get(format!("/break-glass?patient={}", world.patient)),
        ("GET", "/auth/oidc/keys/{connection}") => get(path.replace("{connection}", &world.oidc)),
        ("GET", "/auth/oidc/callback/{connection}") => {
            get(format!("{}?code=given&state=invented", path.replace("{connection}", &world.oidc)))
        }
        ("GET", "/auth/oidc/callback") => get(format!("{filled}?code=given&state=invented")),
        ("GET", "/sign-in/{tenant}/with/{connection}") => Row { repeatable: false, ..get(filled) },
        ("POST", "/sign-in") => post(filled, Proof::Browser, &[("organization", "Harbour")]),
        ("POST", "/sign-in/{tenant}/password") => post(filled, Proof::Browser, &[("name", ""), ("password", "")]),
        ("POST", "/sign-in/{tenant}/code" | "/sign-in/{tenant}/recovery" | "/sign-in/{tenant}/enrol") => {
            post(filled, Proof::Browser, &[("code", "123456")])
        }
        ("POST", "/sign-in/{tenant}/key") => post(filled, Proof::Browser, &[("answer", "{}")]),
        ("POST", "/sign-in/{tenant}/enrol-key" | "/account/keys") => {
            let proof = if path.starts_with("/account") { Proof::Session } else { Proof::Browser };
            post(filled, proof, &[("name", "a key"), ("answer", "{}")])
        }
        ("POST", "/account/keys/remove") => post(filled, Proof::Session, &[("key", world.report.as_str())]),
        ("POST", "/invitation/{secret}") => {
            post(filled, Proof::Browser, &[("password", "a-long-enough-one"), ("again", "a-long-enough-one")])
        }
        ("POST", "/auth/oidc/backchannel/{connection}") => {
            let path = path.replace("{connection}", &world.oidc);
            post(path, Proof::None, &[("logout_token", "e30.e30.")])
        }
        ("POST", "/auth/saml/{connection}/acs") => post(filled, Proof::None, &[("SAMLResponse", "PHg+")]),
        ("POST", "/sign-out") => Row { ends_session: true, ..post(filled, Proof::Session, &[]) },
        ("POST", "/account/sessions/end") => post(filled, Proof::Session, &[("session", world.report.as_str())]),
        ("POST", "/account/sessions/end-others") => post(filled, Proof::Session, &[]),
        ("POST", "/patients") => post(filled, Proof::Session, &[("identifier", tests::message::PLANTED_MRN)]),
        ("POST", "/break-glass") => {
            let words = "unconscious, nobody else on the ward";
            let form = [("patient", world.patient.as_str()), ("reason", "ETREAT"), ("words", words)];
            post(filled, Proof::Session, &form)
        }
        ("POST", "/break-glass/end") => mend(),
        ("POST", "/account/password") => {
            let form = [("current", "not-the-one"), ("password", "a-long-enough-one"), ("again", "a-long-enough-one")];
            post(filled, Proof::Session, &form)
        }
        ("POST", "/account/authenticator") => post(filled, Proof::Session, &[("code", "000000")]),
        ("POST", "/account/recovery-codes") => post(filled, Proof::Session, &[("code", "000000")]),
        ("POST", "/reviews/{review}") => post(filled, Proof::Session, &[("finding", "justified")]),
        ("POST", "/patients/{patient}/open") => {
            post(filled, Proof::Session, &[("application", world.launched.as_str())])
        }
        ("GET", "/oauth/authorize") => {
            let query: Vec<String> =
                asked(world).iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "%20"))).collect();
            Row { repeatable: false, ..get(format!("{filled}?{}", query.join("&"))) }
        }
        ("POST", "/oauth/authorize") => {
            let form = asked(world);
            let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
            post(filled, Proof::None, &form)
        }
        ("POST", "/oauth/authorize/{request}") => post(filled, Proof::Session, &[("decision", "allow")]),
        ("POST", "/oauth/authorize/{request}/patient") => {
            post(filled, Proof::Session, &[("patient", world.patient.as_str())])
        }
        (_, path) if path.starts_with("/scim/v2/") => provisioning(world, method, path)?,
        (_, path) if path.starts_with("/admin/v1/") => administering(world, method, path)?,
        _ => return None,
    })
}

/// What an application sends people with.
fn asked(world: &World) -> Vec<(&'static str, String)> {
    [
        ("response_type", "code"),
        ("client_id", &world.launched),
        ("redirect_uri", "https://app.example/back"),
        ("scope", "launch/patient patient/DiagnosticReport.rs"),
        ("state", "state-of-the-application-0123"),
        ("aud", &format!("{}/fhir", world.origin)),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

/// What a provider tells of its people and groups.
fn provisioning(world: &World, method: &str, path: &str) -> Option<Row> {
    const USER: &str =
        r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ruth","externalId":"7"}"#;
    const GROUP: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"doctors"}"#;
    const PATCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"externalId","value":"8"}]}"#;
    const SEARCH: &str = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}"#;
    let (_, rest) = path.strip_prefix("/scim/v2/")?.split_once('/')?;
    let id = match rest {
        "Users/{id}" => &world.person,
        "Groups/{id}" => &world.group,
        "ResourceTypes/{id}" => "User",
        "Schemas/{id}" => "urn:ietf:params:scim:schemas:core:2.0:User",
        _ => "",
    };
    let json = match (method, rest) {
        (
            "GET",
            "ServiceProviderConfig"
            | "ResourceTypes"
            | "ResourceTypes/{id}"
            | "Schemas"
            | "Schemas/{id}"
            | "Users"
            | "Users/{id}"
            | "Groups"
            | "Groups/{id}"
            | "Me",
        )
        | ("DELETE", "Users/{id}" | "Groups/{id}" | "Me") => None,
        ("PUT", "Users/{id}") => Some(crate::world::FIRST_USER),
        ("PUT", "Groups/{id}") => Some(crate::world::FIRST_GROUP),
        ("POST", "Users") | ("POST" | "PUT", "Me") => Some(USER),
        ("POST", "Groups") => Some(GROUP),
        ("PATCH", "Users/{id}" | "Groups/{id}" | "Me") => Some(PATCH),
        ("POST", "Bulk" | ".search" | "Users/.search" | "Groups/.search") => Some(SEARCH),
        _ => return None,
    };
    let method = ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method)?;
    let path = path.replace("{connection}", &world.saml).replace("{id}", id);
    Some(Row { method, json, proof: Proof::Provisioning, repeatable: false, ..get(path) })
}

/// What an administrator's script asks for, or changes whatever its version.
fn administering(world: &World, method: &str, path: &str) -> Option<Row> {
    const CONNECTION: &str =
        r#"{"name":"Another","protocol":{"oidc":{"issuer":"https://idp.example","client_id":"gateway"}}}"#;
    const RULES: &str = r#"[{"when":{"role":"Staff"},"roles":["staff"]}]"#;
    let json = match (method, path.strip_prefix("/admin/v1/")?) {
        (
            "GET",
            "openapi.json"
            | "connections"
            | "connections/{connection}"
            | "connections/{connection}/rules"
            | "refused-sign-ins"
            | "users"
            | "users/{user}"
            | "clinics"
            | "settings"
            | "sessions"
            | "reviews"
            | "reviews/{review}",
        )
        | ("POST", "connections/{connection}/test" | "connections/{connection}/provisioning-tokens")
        | ("DELETE", "connections/{connection}/provisioning-tokens/{mark}" | "sessions/{session}") => None,
        ("POST", "connections") => Some(CONNECTION),
        ("PATCH", "connections/{connection}" | "users/{user}") => Some(r#"{"enabled":true}"#),
        ("PUT", "connections/{connection}/rules") => Some(RULES),
        ("POST", "users") => Some(r#"{"name":"yves","roles":["staff"]}"#),
        ("POST", "users/{user}/reset") => Some("{}"),
        // Nobody's, so that everybody stays signed in.
        ("POST", "sessions/end") => Some(r#"{"person":"0199a1b2-0000-7000-8000-000000000001"}"#),
        ("POST", "reviews/{review}/close") => Some(r#"{"verdict":"justified"}"#),
        _ => return None,
    };
    let method = ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method)?;
    let path = path
        .replace("{connection}", &world.oidc)
        .replace("{user}", &world.account)
        .replace("{session}", &world.idle_session)
        .replace("{review}", &world.report)
        .replace("{mark}", &world.spare_token);
    Some(Row { method, json, proof: Proof::Administering, repeatable: false, ..get(path) })
}

/// Something to be shown.
pub(crate) fn get(path: String) -> Row {
    Row {
        method: "GET",
        path,
        form: Vec::new(),
        json: None,
        proof: Proof::None,
        operations: false,
        repeatable: true,
        ends_session: false,
    }
}

/// Mending broken glass.
pub(crate) fn mend() -> Row {
    post("/break-glass/end".to_owned(), Proof::Session, &[])
}

fn post(path: String, proof: Proof, form: &[(&'static str, &str)]) -> Row {
    let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Row { method: "POST", form, proof, repeatable: false, ..get(path) }
}

/// Fills in what belongs to Harbour.
fn fill(world: &World, path: &str) -> String {
    if path == "/patients/found" {
        return world.found.clone();
    }
    let id = if path.starts_with("/fhir/Patient/") { &world.patient } else { &world.report };
    path.replace("{type}", "DiagnosticReport")
        .replace("{id}", id)
        .replace("{version}", "1")
        .replace("{number}", "1")
        .replace("{tenant}", &world.tenant)
        .replace("{connection}", &world.saml)
        .replace("{patient}", &world.patient)
        .replace("{report}", &world.report)
        .replace("{name}", &world.stylesheet)
        .replace("{review}", &world.report)
        .replace("{request}", "k3Jd92mXQpZ7vNsT1wYbCe")
        .replace("{secret}", "6hWkqyYz0v4cB1nT8rJx2pLs7dFgHa9uQeMiOoVbXwE")
}
