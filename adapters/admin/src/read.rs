//! Bodies as settings: what is given is set, what is left out stays, and `null` takes away what may be absent (RFC 7396).

use crate::fields::{Fault, Fields};
use crate::reach;
use domain::access::{Clinics, Purpose, Role, Roles};
use domain::directory::{
    AssertionAudience, Connection, Hidden, Invalid, MAX_RULES, OidcSettings, Protocol, ProvisionedGroups,
    ProvisionedSubject, Provisioning, SamlSettings,
};
use domain::id::ClinicId;
use domain::identity::{Criterion, Rule};
use serde_json::Value;
use sso::saml::only_entity;

/// Reads how a new connection speaks.
pub(crate) fn protocol(mut fields: Fields) -> Result<Protocol, Fault> {
    let (oidc, saml) = (fields.object("oidc")?, fields.object("saml")?);
    let protocol = match (oidc, saml) {
        (Some(mut oidc), None) => {
            let (issuer, client) = (oidc.text("issuer")?, oidc.text("client_id")?);
            let mut settings = OidcSettings {
                // As by command: no provider can pass off another's answer as its own.
                own_redirect: true,
                ..OidcSettings::new(oidc.needed("issuer", issuer)?, oidc.needed("client_id", client)?)
            };
            self::oidc(oidc, &mut settings)?;
            Protocol::Oidc(settings)
        }
        (None, Some(mut saml)) => {
            let metadata = saml.text("metadata")?;
            let metadata = saml.needed("metadata", metadata)?;
            let id = match saml.text("idp_entity_id")? {
                Some(id) => id,
                None => only_entity(&metadata).map_err(|why| Fault::new(saml.at("metadata"), why.to_string()))?,
            };
            let mut settings = SamlSettings::new(metadata, id);
            self::saml(saml, &mut settings)?;
            Protocol::Saml(settings)
        }
        _ => return Err(Fault::new("/protocol", "one of oidc and saml is needed here")),
    };
    fields.end()?;
    Ok(protocol)
}

/// Changes how a connection speaks; it goes on to speak the same protocol.
pub(crate) fn change_protocol(mut fields: Fields, protocol: &mut Protocol) -> Result<(), Fault> {
    let other = |fields: &Fields, name| {
        Fault::new(fields.at(name), "the connection speaks another protocol, and goes on to: add one that speaks this")
    };
    match protocol {
        Protocol::Oidc(_) if fields.has("saml") => return Err(other(&fields, "saml")),
        Protocol::Saml(_) if fields.has("oidc") => return Err(other(&fields, "oidc")),
        Protocol::Oidc(settings) => {
            if let Some(oidc) = fields.object("oidc")? {
                let (before, given) = (settings.clone(), oidc.has("client_secret"));
                self::oidc(oidc, settings)?;
                reach::keeps_its_secret(&before, settings, given)?;
            }
        }
        Protocol::Saml(settings) => {
            if let Some(saml) = fields.object("saml")? {
                self::saml(saml, settings)?;
            }
        }
    }
    fields.end()
}

fn oidc(mut fields: Fields, settings: &mut OidcSettings) -> Result<(), Fault> {
    set(fields.text("issuer")?, &mut settings.issuer);
    set(fields.text("client_id")?, &mut settings.client_id);
    if let Some(secret) = fields.text_or_null("client_secret")? {
        settings.set_secret(secret.map(Hidden::new));
    }
    let audiences = [AssertionAudience::TokenEndpoint, AssertionAudience::Issuer].map(|whom| (whom.name(), whom));
    set(fields.word("assertion_audience", &audiences)?, &mut settings.assertion_audience);
    set(fields.texts("scopes")?, &mut settings.scopes);
    set(fields.texts("algorithms")?, &mut settings.algorithms);
    set(fields.text("groups_claim")?, &mut settings.groups_claim);
    set(fields.text("roles_claim")?, &mut settings.roles_claim);
    if let Some(claim) = fields.text("subject_claim")? {
        // It was vouched for another one, at the console.
        settings.subject_claim_vouched &= claim == settings.subject_claim;
        settings.subject_claim = claim;
    }
    set(fields.text("display_claim")?, &mut settings.display_claim);
    set(fields.texts("second_factor_acr")?, &mut settings.second_factor_acr);
    set(fields.texts("second_factor_amr")?, &mut settings.second_factor_amr);
    set(fields.texts("request_acr")?, &mut settings.request_acr);
    set(fields.number_or_null("max_age_seconds")?, &mut settings.max_age_seconds);
    set(fields.texts("egress")?, &mut settings.egress);
    set(fields.flag("allow_http_loopback")?, &mut settings.allow_http_loopback);
    set(fields.flag("own_redirect")?, &mut settings.own_redirect);
    fields.end()
}

fn saml(mut fields: Fields, settings: &mut SamlSettings) -> Result<(), Fault> {
    set(fields.text("metadata")?, &mut settings.metadata);
    set(fields.text("idp_entity_id")?, &mut settings.idp_entity_id);
    set(fields.text_or_null("sp_entity_id")?, &mut settings.sp_entity_id);
    set(fields.text_or_null("subject_attribute")?, &mut settings.subject_attribute);
    set(fields.text_or_null("groups_attribute")?, &mut settings.groups_attribute);
    set(fields.text_or_null("roles_attribute")?, &mut settings.roles_attribute);
    set(fields.text_or_null("display_attribute")?, &mut settings.display_attribute);
    set(fields.texts("second_factor_contexts")?, &mut settings.second_factor_contexts);
    set(fields.flag("allow_unsolicited")?, &mut settings.allow_unsolicited);
    set(fields.flag("want_encrypted")?, &mut settings.want_encrypted);
    fields.end()
}

/// Reads what a connection decides about people that its provider tells of.
pub(crate) fn provisioning(mut fields: Fields, settings: &mut Provisioning) -> Result<(), Fault> {
    let subjects = [("external-id", ProvisionedSubject::ExternalId), ("user-name", ProvisionedSubject::UserName)];
    let groups = [
        ("never", ProvisionedGroups::Never),
        ("when-unknown", ProvisionedGroups::WhenUnknown),
        ("always", ProvisionedGroups::Always),
    ];
    set(fields.flag("required")?, &mut settings.required);
    set(fields.word("subject", &subjects)?, &mut settings.subject);
    set(fields.word("groups", &groups)?, &mut settings.groups);
    set(fields.texts("addresses")?, &mut settings.addresses);
    fields.end()
}

/// Reads rules, in their order; `pointer` says where the list stands.
pub(crate) fn rules(pointer: &str, value: Value) -> Result<Vec<Rule>, Fault> {
    let Value::Array(items) = value else { return Err(Fault::new(pointer, "a list is needed here")) };
    if items.len() > MAX_RULES {
        return Err(Fault::new(pointer, Invalid::RuleCount.to_string()));
    }
    let read = |(place, item)| Fields::of(format!("{pointer}/{place}"), item).and_then(rule);
    items.into_iter().enumerate().map(read).collect()
}

fn rule(mut fields: Fields) -> Result<Rule, Fault> {
    let when = fields.object("when")?;
    let when = criterion(fields.needed("when", when)?)?;
    let roles = roles(&mut fields, "roles")?;
    let rule = Rule {
        when,
        roles: fields.needed("roles", roles)?,
        clinics: clinics(&mut fields)?.unwrap_or(Clinics::All),
        purpose: purpose(&mut fields)?.unwrap_or_default(),
    };
    if rule.roles.within(&rule.clinics) != rule.roles {
        // The entry says it of all rules together; here the place of this one is known.
        return Err(Fault::new(fields.at("clinics"), Invalid::AdminOfClinics.to_string()));
    }
    fields.end()?;
    Ok(rule)
}

fn criterion(mut fields: Fields) -> Result<Criterion, Fault> {
    let mut found = Vec::new();
    found.extend(fields.text("role")?.map(Criterion::Role));
    found.extend(fields.text("group")?.map(Criterion::Group));
    found.extend(fields.text("subject")?.map(Criterion::Subject));
    if let Some(mut attribute) = fields.object("attribute")? {
        let (name, value) = (attribute.text("name")?, attribute.text("value")?);
        let (name, value) = (attribute.needed("name", name)?, attribute.needed("value", value)?);
        attribute.end()?;
        found.push(Criterion::Attribute { name, value });
    }
    let pointer = fields.at("");
    fields.end()?;
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(Fault::new(pointer.trim_end_matches('/'), "one of role, group, attribute and subject is needed here")),
    }
}

/// Reads the names of roles.
pub(crate) fn roles(fields: &mut Fields, name: &str) -> Result<Option<Roles>, Fault> {
    let Some(names) = fields.texts(name)? else { return Ok(None) };
    let known = || Role::ALL.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    let role = |(place, text): (usize, &String)| {
        let pointer = format!("{}/{place}", fields.at(name));
        Role::from_name(text).ok_or_else(|| Fault::new(pointer, format!("must be one of: {}", known())))
    };
    names.iter().enumerate().map(role).collect::<Result<Roles, Fault>>().map(Some)
}

/// Reads `clinics`: `"all"`, or `{"some": [ids]}`.
pub(crate) fn clinics(fields: &mut Fields) -> Result<Option<Clinics>, Fault> {
    let pointer = fields.at("clinics");
    match fields.value("clinics") {
        None => Ok(None),
        Some(Value::String(word)) if word == "all" => Ok(Some(Clinics::All)),
        Some(value @ Value::Object(_)) => {
            let mut some = Fields::of(pointer, value)?;
            let ids = some.texts("some")?;
            let ids = some.needed("some", ids)?;
            let read = |(place, id): (usize, &String)| {
                let pointer = format!("{}/{place}", some.at("some"));
                id.parse::<ClinicId>().map_err(|_| Fault::new(pointer, "the id of a clinic is needed here"))
            };
            let ids = ids.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
            some.end()?;
            Ok(Some(Clinics::Some(ids)))
        }
        Some(_) => Err(Fault::new(pointer, "\"all\", or an object with the ids of some, is needed here")),
    }
}

/// Reads `purpose`.
pub(crate) fn purpose(fields: &mut Fields) -> Result<Option<Purpose>, Fault> {
    let words = [("treatment", Purpose::Treatment), ("payment", Purpose::Payment), ("operations", Purpose::Operations)];
    fields.word("purpose", &words)
}

pub(crate) fn set<T>(given: Option<T>, into: &mut T) {
    if let Some(given) = given {
        *into = given;
    }
}

/// Returns where in a body the rule of an entry is broken, as near as the rule tells.
pub(crate) const fn place(invalid: Invalid) -> &'static str {
    match invalid {
        Invalid::Name => "/name",
        Invalid::Display => "/display",
        Invalid::PersonWithoutRole | Invalid::Roles => "/roles",
        Invalid::AdminOfClinics | Invalid::ClinicCount => "/clinics",
        Invalid::RuleCount | Invalid::RuleWithoutRole | Invalid::RuleValue => "/rules",
        Invalid::Issuer => "/protocol/oidc/issuer",
        Invalid::ClientId => "/protocol/oidc/client_id",
        Invalid::ClientSecret => "/protocol/oidc/client_secret",
        Invalid::OpenIdScope | Invalid::Scope => "/protocol/oidc/scopes",
        Invalid::Algorithm => "/protocol/oidc/algorithms",
        Invalid::SubjectClaim => "/protocol/oidc/subject_claim",
        Invalid::MaxAge => "/protocol/oidc/max_age_seconds",
        Invalid::Egress => "/protocol/oidc/egress",
        Invalid::Metadata => "/protocol/saml/metadata",
        Invalid::EntityId => "/protocol/saml",
        Invalid::Claim | Invalid::FactorValue => "/protocol",
        Invalid::ProvisioningTokens => "/provisioning/tokens",
        Invalid::Address => "/provisioning/addresses",
        _ => "",
    }
}

/// Holds the metadata of a connection to what can be used now.
pub(crate) fn usable(connection: &Connection, now: domain::time::Timestamp) -> Result<(), Fault> {
    let Some(settings) = connection.saml() else { return Ok(()) };
    sso::saml::usable(settings, now).map_err(|why| Fault::new("/protocol/saml/metadata", why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(value: Value) -> String {
        rules("/rules", value).unwrap_err().pointer
    }

    #[test]
    fn rules_are_read_in_the_form_in_which_they_are_shown() {
        let rule = |when| Rule {
            when,
            roles: Roles::of(&[Role::Staff]),
            clinics: Clinics::Some(vec![ClinicId([1; 16])]),
            purpose: Purpose::Operations,
        };
        let all = vec![
            rule(Criterion::Role("a".into())),
            rule(Criterion::Group("b".into())),
            rule(Criterion::Attribute { name: "c".into(), value: "d".into() }),
            rule(Criterion::Subject("e".into())),
        ];
        assert_eq!(rules("", json!(all)), Ok(all));
        let short = json!([{ "when": { "role": "a" }, "roles": ["staff"] }]);
        assert_eq!(rules("", short).unwrap()[0].clinics, Clinics::All);
    }

    #[test]
    fn each_broken_rule_is_named_by_its_place() {
        assert_eq!(fault(json!({})), "/rules");
        assert_eq!(fault(json!([{}])), "/rules/0/when");
        assert_eq!(fault(json!([{ "when": {}, "roles": ["staff"] }])), "/rules/0/when");
        assert_eq!(fault(json!([{ "when": { "role": "a", "group": "b" }, "roles": ["staff"] }])), "/rules/0/when");
        assert_eq!(fault(json!([{ "when": { "roll": "a" }, "roles": ["staff"] }])), "/rules/0/when/roll");
        assert_eq!(fault(json!([{ "when": { "role": "a" } }])), "/rules/0/roles");
        assert_eq!(fault(json!([{ "when": { "role": "a" }, "roles": ["stuff"] }])), "/rules/0/roles/0");
        let clinics = json!([{ "when": { "role": "a" }, "roles": ["staff"], "clinics": { "some": ["West"] } }]);
        assert_eq!(fault(clinics), "/rules/0/clinics/some/0");
        let none = json!([{ "when": { "role": "a" }, "roles": ["staff"], "clinics": "none" }]);
        assert_eq!(fault(none), "/rules/0/clinics");
        let west = json!({ "some": [ClinicId([1; 16])] });
        let split = json!([{ "when": { "role": "a" }, "roles": ["staff", "admin"], "clinics": west }]);
        assert_eq!(fault(split), "/rules/0/clinics");
    }

    #[test]
    fn what_is_left_out_stays_and_null_takes_away() {
        let mut protocol = self::protocol(
            Fields::of(
                "/protocol",
                json!({ "oidc": { "issuer": "https://idp.example", "client_id": "a", "client_secret": "s", "max_age_seconds": 60 } }),
            )
            .unwrap(),
        )
        .unwrap();
        let change = |value| Fields::of("/protocol", json!({ "oidc": value })).unwrap();
        change_protocol(change(json!({ "client_id": "b" })), &mut protocol).unwrap();
        let Protocol::Oidc(settings) = &protocol else { panic!("it speaks OpenID Connect") };
        assert_eq!((settings.client_id.as_str(), settings.max_age_seconds), ("b", Some(60)));
        assert!(settings.client_secret.is_some());
        change_protocol(change(json!({ "client_secret": null, "max_age_seconds": null })), &mut protocol).unwrap();
        let Protocol::Oidc(settings) = &protocol else { panic!("it speaks OpenID Connect") };
        assert_eq!((&settings.client_secret, settings.max_age_seconds), (&None, None));
        assert_eq!(
            change_protocol(change(json!({ "issuer": null })), &mut protocol).unwrap_err().pointer,
            "/protocol/oidc/issuer"
        );
        let saml = Fields::of("/protocol", json!({ "saml": {} })).unwrap();
        assert_eq!(change_protocol(saml, &mut protocol).unwrap_err().pointer, "/protocol/saml");
    }
}
