//! What answers show, which is what commands show with `--json`: nothing that proves who somebody is.

use domain::directory::{Account, Connection, Directory, Protocol};
use domain::emergency::{Listed, Review, Seen};
use domain::id::{RecordId, TenantId};
use domain::identity::Session;
use domain::time::Timestamp;
use serde_json::{Value, json};
use sso::saml::Urls;

/// Returns a connection: without its secret and its private keys, its tokens by their marks, with the addresses that its provider must know.
#[must_use]
pub fn connection(origin: &str, connection: &Connection) -> Value {
    let mut value = json!(connection);
    if let Some(settings) = value.pointer_mut("/protocol/oidc").and_then(Value::as_object_mut) {
        let secret = settings.remove("client_secret");
        settings.insert("client_secret_set".to_owned(), json!(secret.is_some_and(|secret| !secret.is_null())));
        for key in settings.get_mut("client_keys").and_then(Value::as_array_mut).into_iter().flatten() {
            key.as_object_mut().map(|key| key.remove("private"));
        }
    }
    // Their hashes are of no use to anybody.
    if let Some(tokens) = value.pointer_mut("/provisioning/tokens") {
        let marks = connection.provisioning.tokens.iter();
        *tokens = marks.map(|token| json!({ "mark": token.mark(), "created": token.created.rfc3339() })).collect();
    }
    let addresses = addresses(origin, connection).into_iter();
    let addresses = addresses.map(|(name, address)| (name.replace(' ', "_"), json!(address))).collect();
    if let Some(object) = value.as_object_mut() {
        object.insert("addresses".to_owned(), Value::Object(addresses));
    }
    value
}

/// Returns what is entered at the provider: what it is, and the address.
#[must_use]
pub fn addresses(origin: &str, connection: &Connection) -> Vec<(&'static str, String)> {
    let at = |path: &str| format!("{origin}{path}");
    let provisioning = ("provisioning", at(&format!("/scim/v2/{}", connection.id)));
    let mut addresses = match &connection.protocol {
        Protocol::Oidc(settings) => vec![
            (
                "redirect",
                match settings.own_redirect {
                    true => at(&format!("/auth/oidc/callback/{}", connection.id)),
                    false => at("/auth/oidc/callback"),
                },
            ),
            ("back-channel logout", at(&format!("/auth/oidc/backchannel/{}", connection.id))),
            ("after logout", at("/signed-out")),
            provisioning,
        ],
        Protocol::Saml(settings) => {
            let urls = Urls::at(origin, connection.id);
            let entity_id = urls.entity_id(settings).to_owned();
            vec![
                ("our entity id", entity_id),
                ("our metadata", urls.metadata),
                ("assertion consumer", urls.acs),
                ("single logout", urls.slo),
                provisioning,
            ]
        }
    };
    addresses.extend(keys_address(origin, connection).map(|address| ("our keys", address)));
    addresses
}

/// Returns where the provider finds our keys; `None` where there are none.
#[must_use]
pub fn keys_address(origin: &str, connection: &Connection) -> Option<String> {
    let keys = connection.oidc().is_some_and(|settings| !settings.client_keys.is_empty());
    keys.then(|| format!("{origin}/auth/oidc/keys/{}", connection.id))
}

/// Returns an account; `person` is who its holder is in sessions and entries, `host` that of the gateway, see
/// [`host_of`](sso::local::host_of).
#[must_use]
pub fn account(account: &Account, person: RecordId, host: Option<&str>) -> Value {
    // One by one: what proves that it is them is left out.
    json!({ "id": account.id.to_string(), "name": account.name, "display": account.display,
            "tenant": account.tenant.to_string(), "roles": account.roles, "clinics": account.clinics,
            "purpose": account.purpose, "enabled": account.enabled, "created": account.created.rfc3339(),
            "person": person, "password_set": account.password.is_some(), "second_factor_set": account.has_second_factor(host),
            "security_keys": account.keys_of(host).count(), "recovery_codes_left": account.recovery.len() })
}

/// Returns a session: by its public name, which opens nothing.
#[must_use]
pub fn session(session: &Session, directory: &Directory) -> Value {
    let limits = directory.session_limits(session.tenant);
    let by = directory.connection(session.connection).map_or("account", |connection| connection.name.as_str());
    json!({ "id": session.id.to_string(), "person": session.person.to_string(), "display": session.display, "by": by,
            "roles": session.roles, "clinics": session.clinics, "address": session.address,
            "started": session.started.rfc3339(), "seen": session.seen.rfc3339(),
            "ends": session.ends(&limits).rfc3339(), "second_factor": session.second_factor })
}

/// Returns a review; `hours` is within how many the tenant wants it judged.
#[must_use]
pub fn review(review: &Review, hours: u32, now: Timestamp) -> Value {
    let closed = review.closed.as_ref().map(|closed| {
        json!({ "at": closed.at.rfc3339(), "by": { "id": closed.by, "display": closed.display },
                "verdict": closed.verdict.name(), "note": closed.note })
    });
    let overdue = review.closed.is_none() && review.due(hours) <= now;
    json!({ "id": review.id.to_string(), "tenant": review.tenant.to_string(),
            "person": { "id": review.person, "display": review.display }, "patient": review.patient.to_string(),
            "reason": review.reason, "words": review.words, "broken": review.broken.rfc3339(),
            "until": review.until.rfc3339(), "due": review.due(hours).rfc3339(), "overdue": overdue,
            "correlation": review.correlation.to_string(), "closed": closed })
}

/// Returns a review of a list, also one that does not open.
#[must_use]
pub fn listed(listed: &Listed, tenant: TenantId, hours: u32, now: Timestamp) -> Value {
    match listed {
        Listed::Read(review) => self::review(review, hours, now),
        Listed::Unreadable(unreadable) => {
            json!({ "id": unreadable.id.to_string(), "tenant": tenant.to_string(), "unreadable": true,
                    "broken": unreadable.broken.rfc3339(), "due": listed.due(hours).rfc3339(),
                    "overdue": listed.is_overdue(hours, now) })
        }
    }
}

/// Adds to a review what was opened in the emergency.
#[must_use]
pub fn opened(mut review: Value, seen: &Seen) -> Value {
    let acts = seen.acts.iter().map(|act| {
        json!({ "entry": act.sequence, "time": act.at, "action": act.action, "kind": act.kind.name(), "id": act.id,
                "outcome": act.outcome, "returned": act.returned, "with_emergency_access": act.behind_glass,
                "correlation": act.correlation })
    });
    if let Some(fields) = review.as_object_mut() {
        fields.insert("opened".to_owned(), acts.collect());
        fields.insert("more_opened".to_owned(), json!(seen.more));
        fields.insert("ended".to_owned(), json!(seen.ended.as_ref().map(|end| &end.at)));
    }
    review
}
