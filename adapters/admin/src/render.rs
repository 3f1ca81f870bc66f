//! What answers show, which is what commands show with `--json`: nothing that proves who somebody is.

use domain::directory::{
    Account, ClientKey, Connection, Directory, OidcSettings, Protocol, Provisioning, SamlSettings,
};
use domain::emergency::{Listed, Review, Seen};
use domain::id::{RecordId, TenantId};
use domain::identity::Session;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};
use sso::oidc::certificate_end;
use sso::saml::Urls;

/// Returns a connection: without its secret and its private keys, its tokens by their marks, with the addresses that its provider must know.
#[must_use]
pub fn connection(origin: &str, connection: &Connection) -> Value {
    // Here and below field by field: one that is added later is shown to nobody before that was decided.
    let Connection { id, tenant, name, enabled, protocol, rules, provisioning, created, ended: _ } = connection;
    let protocol = match protocol {
        Protocol::Oidc(settings) => json!({ "oidc": oidc(settings) }),
        Protocol::Saml(settings) => json!({ "saml": saml(settings) }),
    };
    let addresses = addresses(origin, connection).into_iter();
    let addresses: Map<String, Value> =
        addresses.map(|(name, address)| (name.replace(' ', "_"), json!(address))).collect();
    json!({ "id": id.to_string(), "tenant": tenant.to_string(), "name": name, "enabled": enabled, "protocol": protocol,
            "rules": rules, "provisioning": self::provisioning(provisioning), "created": created.rfc3339(),
            "addresses": addresses })
}

fn oidc(settings: &OidcSettings) -> Value {
    let OidcSettings {
        issuer,
        client_id,
        client_secret,
        client_keys,
        keys_wait: _,
        assertion_audience,
        own_redirect,
        by_api,
        scopes,
        algorithms,
        groups_claim,
        roles_claim,
        subject_claim,
        subject_claim_vouched: _,
        display_claim,
        second_factor_acr,
        second_factor_amr,
        request_acr,
        max_age_seconds,
        egress,
        allow_http_loopback,
    } = settings;
    let signing = settings.signing_key().map(|key| &key.id);
    let keys: Vec<Value> = client_keys.iter().map(|key| client_key(key, signing == Some(&key.id))).collect();
    let mut shown = json!({
            "issuer": issuer, "client_id": client_id, "client_secret_set": client_secret.is_some(), "client_keys": keys,
            "assertion_audience": assertion_audience.name(), "own_redirect": own_redirect, "scopes": scopes,
            "algorithms": algorithms, "groups_claim": groups_claim, "roles_claim": roles_claim,
            "subject_claim": subject_claim, "display_claim": display_claim, "second_factor_acr": second_factor_acr,
            "second_factor_amr": second_factor_amr, "request_acr": request_acr, "max_age_seconds": max_age_seconds,
            "egress": egress, "allow_http_loopback": allow_http_loopback });
    if let (true, Some(fields)) = (by_api, shown.as_object_mut()) {
        fields.insert("by_api".to_owned(), json!(true));
    }
    shown
}

/// Returns a key of ours without its private part.
fn client_key(key: &ClientKey, signs: bool) -> Value {
    let ClientKey { id, algorithm, private: _, certificate, created } = key;
    json!({ "id": id, "algorithm": algorithm.name(), "certificate": certificate, "created": created.rfc3339(),
            "certificate_ends": certificate_end(key).rfc3339(), "signs": signs })
}

fn saml(settings: &SamlSettings) -> Value {
    let SamlSettings {
        metadata,
        idp_entity_id,
        sp_entity_id,
        subject_attribute,
        groups_attribute,
        roles_attribute,
        display_attribute,
        second_factor_contexts,
        allow_unsolicited,
        want_encrypted,
    } = settings;
    json!({ "metadata": metadata, "idp_entity_id": idp_entity_id, "sp_entity_id": sp_entity_id,
            "subject_attribute": subject_attribute, "groups_attribute": groups_attribute,
            "roles_attribute": roles_attribute, "display_attribute": display_attribute,
            "second_factor_contexts": second_factor_contexts, "allow_unsolicited": allow_unsolicited,
            "want_encrypted": want_encrypted })
}

fn provisioning(settings: &Provisioning) -> Value {
    let Provisioning { required, subject, groups, addresses, tokens } = settings;
    // Their hashes are of no use to anybody.
    let tokens = tokens.iter().map(|token| json!({ "mark": token.mark(), "created": token.created.rfc3339() }));
    json!({ "required": required, "subject": subject, "groups": groups, "addresses": addresses,
            "tokens": tokens.collect::<Vec<_>>() })
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
            "person": person, "password_set": account.password.is_some(), "second_factor_set": account.has_second_factor(),
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
                    "open": unreadable.open, "broken": unreadable.broken.rfc3339(), "due": listed.due(hours).rfc3339(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::directory::{ClientAlgorithm, Hidden, ProvisioningToken};
    use domain::double::SeededEntropy;

    #[test]
    fn a_connection_shows_no_secret_and_every_setting() {
        let mut settings = OidcSettings::new("https://idp.example".into(), "sealgate".into());
        settings.client_secret = Some(Hidden::new("planted-secret".into()));
        settings.client_keys = vec![ClientKey {
            id: "key".into(),
            algorithm: ClientAlgorithm::Es256,
            private: Hidden::new("planted+key".into()),
            certificate: "AAAA".into(),
            created: Timestamp(0),
        }];
        let mut entry = Connection {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            name: "hospital".into(),
            enabled: true,
            protocol: Protocol::Oidc(settings),
            rules: Vec::new(),
            provisioning: Provisioning::default(),
            created: Timestamp(0),
            ended: None,
        };
        let token = entry.draw_provisioning_token(&SeededEntropy::new(1)).unwrap();
        entry.provisioning.tokens.push(ProvisioningToken::of(&token, Timestamp(0)));
        let shown = connection("https://here.example", &entry);
        let text = shown.to_string();
        let stored = json!(entry);
        let hash = stored.pointer("/provisioning/tokens/0/hash").and_then(Value::as_str);
        for never in ["planted-secret", "planted+key", token.expose(), hash.unwrap_or(token.expose())] {
            assert!(!text.contains(never), "{text}");
        }
        for path in ["", "/protocol/oidc", "/provisioning"] {
            let fields = |value: &Value| -> Vec<String> {
                let fields = value.pointer(path).and_then(Value::as_object).map(|fields| fields.keys().cloned());
                fields.into_iter().flatten().collect()
            };
            let (known, kept) = (fields(&shown), fields(&stored));
            let left_out: Vec<_> = kept.iter().filter(|field| !known.contains(field)).collect();
            assert!(left_out.iter().all(|field| *field == "client_secret"), "{path}: {left_out:?}");
        }
        let key = shown.pointer("/protocol/oidc/client_keys/0").unwrap();
        assert_eq!((&key["signs"], &key["certificate_ends"]), (&json!(false), &json!("1972-01-01T00:00:00.000Z")));
    }
}
