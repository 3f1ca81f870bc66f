//! A connection with an identity provider of a tenant.

use super::entry::{Entry, Heading, Invalid};
use super::oidc::OidcSettings;
use super::provisioning::Provisioning;
use super::saml::SamlSettings;
use super::text;
use crate::access::Roles;
use crate::id::{RecordId, TenantId};
use crate::identity::{Criterion, Rule, moved};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most rules of a connection.
pub const MAX_RULES: usize = 256;

/// A connection with an identity provider: whom it vouches for is admitted by its rules, and by nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id; part of the identity of everybody who comes by it.
    pub id: RecordId,
    /// The tenant whose people come by it.
    pub tenant: TenantId,
    /// Its name, shown on the sign-in page.
    pub name: String,
    /// Whether anybody may come by it; while it is disabled, sessions that came by it do not resume.
    pub enabled: bool,
    /// How it speaks.
    pub protocol: Protocol,
    /// Whom it admits as what; the first rule that fits decides.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What it decides about people that its provider tells of ahead of their sign-in.
    #[serde(default, skip_serializing_if = "Provisioning::is_usual")]
    pub provisioning: Provisioning,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
    /// When it was last disabled or enabled, or vouched otherwise than before; sessions from before it are over.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::optional_moment")]
    pub ended: Option<Timestamp>,
}

/// How an identity provider speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OpenID Connect.
    Oidc(OidcSettings),
    /// SAML 2.0.
    Saml(SamlSettings),
}

impl Protocol {
    /// Returns its name: `oidc` or `saml`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Protocol::Oidc(_) => "oidc",
            Protocol::Saml(_) => "saml",
        }
    }

    /// Says whether the same provider vouches for the same people by the same proof.
    fn vouches_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Protocol::Oidc(one), Protocol::Oidc(other)) => one.vouches_like(other),
            (Protocol::Saml(one), Protocol::Saml(other)) => one.vouches_like(other),
            (Protocol::Oidc(_), Protocol::Saml(_)) | (Protocol::Saml(_), Protocol::Oidc(_)) => false,
        }
    }
}

impl Connection {
    /// Returns who vouches: what its assertions name as their issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        match &self.protocol {
            Protocol::Oidc(settings) => &settings.issuer,
            Protocol::Saml(settings) => &settings.idp_entity_id,
        }
    }

    /// Returns the moment that names by what it vouches, see [`Since`](crate::identity::Since).
    pub(crate) fn since(&self) -> Timestamp {
        self.ended.unwrap_or(self.created)
    }

    /// Returns the same with that moment moved, where it was disabled or enabled, or vouches otherwise than before.
    ///
    /// Rules are not among it: what one of them gave is asked of all of them for as long as a session lasts.
    pub(crate) fn following(self, before: &Self, now: Timestamp) -> Self {
        let same = self.enabled == before.enabled
            && self.protocol.vouches_like(&before.protocol)
            && self.provisioning.admits_like(&before.provisioning);
        if same { self } else { Self { ended: Some(moved(before.since(), now)), ..self } }
    }

    /// Returns its settings when it speaks OpenID Connect.
    #[must_use]
    pub const fn oidc(&self) -> Option<&OidcSettings> {
        match &self.protocol {
            Protocol::Oidc(settings) => Some(settings),
            Protocol::Saml(_) => None,
        }
    }

    /// Returns its settings when it speaks SAML.
    #[must_use]
    pub const fn saml(&self) -> Option<&SamlSettings> {
        match &self.protocol {
            Protocol::Oidc(_) => None,
            Protocol::Saml(settings) => Some(settings),
        }
    }
}

impl Entry for Connection {
    const KIND: Kind = Kind::Connection;

    fn heading(&self) -> Heading<'_> {
        Heading { record: self.id, tenant: self.tenant, name: &self.name }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)?;
        match &self.protocol {
            Protocol::Oidc(settings) => settings.validate()?,
            Protocol::Saml(settings) => settings.validate()?,
        }
        self.provisioning.validate()?;
        if self.rules.len() > MAX_RULES {
            return Err(Invalid::RuleCount);
        }
        self.rules.iter().try_for_each(rule)
    }
}

fn rule(rule: &Rule) -> Result<(), Invalid> {
    if rule.roles == Roles::NONE {
        return Err(Invalid::RuleWithoutRole);
    }
    text::roles_of_people(rule.roles)?;
    match &rule.when {
        Criterion::Role(value) | Criterion::Group(value) | Criterion::Subject(value) => {
            text::value(value, Invalid::RuleValue)
        }
        Criterion::Attribute { name, value } => {
            text::value(name, Invalid::RuleValue)?;
            text::value(value, Invalid::RuleValue)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Clinics, Purpose, Role};
    use crate::directory::Hidden;
    use alloc::string::ToString;
    use std::format;
    use std::vec;

    fn with(protocol: Protocol) -> Connection {
        Connection {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            name: "hospital".into(),
            enabled: true,
            protocol,
            rules: vec![for_group("lab", Role::Staff)],
            provisioning: Provisioning::default(),
            created: Timestamp(0),
            ended: None,
        }
    }

    fn for_group(group: &str, role: Role) -> Rule {
        Rule {
            when: Criterion::Group(group.to_string()),
            roles: Roles::of(&[role]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
        }
    }

    fn oidc() -> OidcSettings {
        let settings = OidcSettings::new("https://idp.example/realms/hospital".into(), "sealgate".into());
        OidcSettings { client_secret: Some(Hidden::new("a secret".into())), ..settings }
    }

    fn saml() -> SamlSettings {
        SamlSettings::new("<EntityDescriptor/>".into(), "https://idp.example/saml".into())
    }

    #[test]
    fn the_stored_form_of_a_connection_stays_as_it_is() {
        let (oidc, saml) = (with(Protocol::Oidc(oidc())), with(Protocol::Saml(saml())));
        insta::assert_snapshot!(serde_json::to_string(&oidc).unwrap(), @r#"{"id":"01010101-0101-0101-0101-010101010101","tenant":"02020202-0202-0202-0202-020202020202","name":"hospital","enabled":true,"protocol":{"oidc":{"issuer":"https://idp.example/realms/hospital","client_id":"sealgate","client_secret":"a secret","scopes":["openid","profile"],"algorithms":["RS256","ES256"],"groups_claim":"groups","roles_claim":"roles","subject_claim":"sub","display_claim":"name","second_factor_acr":[],"second_factor_amr":[],"request_acr":[],"max_age_seconds":null,"egress":[],"allow_http_loopback":false}},"rules":[{"when":{"group":"lab"},"roles":["staff"],"clinics":"all","purpose":"treatment"}],"created":"1970-01-01T00:00:00.000Z"}"#);
        insta::assert_snapshot!(serde_json::to_string(&saml).unwrap(), @r#"{"id":"01010101-0101-0101-0101-010101010101","tenant":"02020202-0202-0202-0202-020202020202","name":"hospital","enabled":true,"protocol":{"saml":{"metadata":"<EntityDescriptor/>","idp_entity_id":"https://idp.example/saml","sp_entity_id":null,"subject_attribute":null,"groups_attribute":null,"roles_attribute":null,"display_attribute":null,"second_factor_contexts":[],"allow_unsolicited":false,"want_encrypted":false}},"rules":[{"when":{"group":"lab"},"roles":["staff"],"clinics":"all","purpose":"treatment"}],"created":"1970-01-01T00:00:00.000Z"}"#);
        let ended = Connection { ended: Some(Timestamp(1_000)), ..oidc.clone() };
        let text = serde_json::to_string(&ended).unwrap();
        assert!(
            text.ends_with(r#""created":"1970-01-01T00:00:00.000Z","ended":"1970-01-01T00:00:00.001Z"}"#),
            "{text}"
        );
        for connection in [oidc, saml, ended] {
            let text = serde_json::to_string(&connection).unwrap();
            assert_eq!(serde_json::from_str::<Connection>(&text).unwrap(), connection);
        }
    }

    #[test]
    fn settings_vouch_alike_only_where_nothing_decides_who_comes_in_and_how() {
        let (oidc, saml) = (Protocol::Oidc(oidc()), Protocol::Saml(saml()));
        assert!(oidc.vouches_like(&oidc) && saml.vouches_like(&saml) && !oidc.vouches_like(&saml));
        let good = self::saml;
        let like = |settings: SamlSettings| Protocol::Saml(settings).vouches_like(&saml);
        assert!(like(SamlSettings { display_attribute: Some("cn".into()), ..good() }));
        for changed in [
            SamlSettings { metadata: "<EntityDescriptor />".into(), ..good() },
            SamlSettings { idp_entity_id: "https://other.example".into(), ..good() },
            SamlSettings { subject_attribute: Some("uid".into()), ..good() },
            SamlSettings { second_factor_contexts: vec!["urn:mfa".into()], ..good() },
            SamlSettings { want_encrypted: true, ..good() },
        ] {
            assert!(!like(changed));
        }
    }

    #[test]
    fn settings_that_say_little_mean_the_usual() {
        let text = r#"{"issuer":"https://idp.example","client_id":"sealgate"}"#;
        let usual = OidcSettings::new("https://idp.example".into(), "sealgate".into());
        assert_eq!(serde_json::from_str::<OidcSettings>(text).unwrap(), usual);
        assert_eq!((usual.algorithms, usual.subject_claim), (vec!["RS256".into(), "ES256".into()], "sub".into()));
        let text = r#"{"metadata":"<EntityDescriptor/>","idp_entity_id":"https://idp.example/saml"}"#;
        assert_eq!(serde_json::from_str::<SamlSettings>(text).unwrap(), saml());
    }

    #[test]
    fn a_printed_connection_does_not_show_its_secret() {
        let printed = format!("{:?}", with(Protocol::Oidc(oidc())));
        assert!(printed.contains("client_secret: Some(Hidden)") && !printed.contains("a secret"), "{printed}");
    }

    #[test]
    fn each_broken_rule_of_openid_connect_is_named() {
        let good = oidc;
        let validate = |settings: OidcSettings| with(Protocol::Oidc(settings)).validate();
        assert_eq!(validate(good()), Ok(()));
        let local = OidcSettings { issuer: "http://127.0.0.1:8080/".into(), allow_http_loopback: true, ..good() };
        assert_eq!(validate(local.clone()), Ok(()));
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (broken, rule) in [
            (OidcSettings { allow_http_loopback: false, ..local.clone() }, Invalid::Issuer),
            (OidcSettings { issuer: "http://idp.example".into(), ..local }, Invalid::Issuer),
            (OidcSettings { issuer: "https://idp.example?a".into(), ..good() }, Invalid::Issuer),
            (OidcSettings { issuer: "https://idp.example#a".into(), ..good() }, Invalid::Issuer),
            (OidcSettings { issuer: "idp.example".into(), ..good() }, Invalid::Issuer),
            (OidcSettings { client_id: String::new(), ..good() }, Invalid::ClientId),
            (OidcSettings { client_secret: Some(Hidden::new("a\n".into())), ..good() }, Invalid::ClientSecret),
            (OidcSettings { scopes: texts(&["profile"]), ..good() }, Invalid::OpenIdScope),
            (OidcSettings { scopes: texts(&["openid", "a b"]), ..good() }, Invalid::Scope),
            (OidcSettings { algorithms: vec![], ..good() }, Invalid::Algorithm),
            (OidcSettings { algorithms: texts(&["RS256", "none"]), ..good() }, Invalid::Algorithm),
            (OidcSettings { algorithms: texts(&["HS256"]), ..good() }, Invalid::Algorithm),
            (OidcSettings { subject_claim: String::new(), ..good() }, Invalid::Claim),
            (OidcSettings { request_acr: texts(&["a", "a"]), ..good() }, Invalid::FactorValue),
            (OidcSettings { second_factor_amr: texts(&[""]), ..good() }, Invalid::FactorValue),
            (OidcSettings { subject_claim: "email".into(), ..good() }, Invalid::SubjectClaim),
            (OidcSettings { subject_claim: "upn".into(), ..good() }, Invalid::SubjectClaim),
            (OidcSettings { subject_claim: "Preferred_Username".into(), ..good() }, Invalid::SubjectClaim),
            (OidcSettings { subject_claim: "unique_name".into(), ..good() }, Invalid::SubjectClaim),
            (OidcSettings { max_age_seconds: Some(-1), ..good() }, Invalid::MaxAge),
            (OidcSettings { egress: texts(&["https://keys.example"]), ..good() }, Invalid::Egress),
            (OidcSettings { egress: texts(&["*.example"]), ..good() }, Invalid::Egress),
            (OidcSettings { egress: texts(&["keys.example"; 17]), ..good() }, Invalid::Egress),
        ] {
            assert_eq!(validate(broken), Err(rule));
        }
        assert_eq!(validate(OidcSettings { egress: texts(&["keys.example:8443"]), ..good() }), Ok(()));
    }

    #[test]
    fn each_broken_rule_of_saml_is_named() {
        let good = saml;
        let validate = |settings: SamlSettings| with(Protocol::Saml(settings)).validate();
        assert_eq!(validate(good()), Ok(()));
        for (broken, rule) in [
            (SamlSettings { metadata: String::new(), ..good() }, Invalid::Metadata),
            (SamlSettings { metadata: "x".repeat(256 * 1024 + 1), ..good() }, Invalid::Metadata),
            (SamlSettings { idp_entity_id: String::new(), ..good() }, Invalid::EntityId),
            (SamlSettings { idp_entity_id: "two words".into(), ..good() }, Invalid::EntityId),
            (SamlSettings { sp_entity_id: Some(String::new()), ..good() }, Invalid::EntityId),
            (SamlSettings { groups_attribute: Some(String::new()), ..good() }, Invalid::Claim),
            (SamlSettings { second_factor_contexts: vec![String::new()], ..good() }, Invalid::FactorValue),
        ] {
            assert_eq!(validate(broken), Err(rule));
        }
    }

    #[test]
    fn each_broken_rule_of_a_rule_is_named() {
        let validate = |rules: Vec<Rule>| Connection { rules, ..with(Protocol::Saml(saml())) }.validate();
        assert_eq!(validate(vec![]), Ok(()), "a connection without rules admits nobody");
        assert_eq!(validate(vec![for_group("lab", Role::Staff); 257]), Err(Invalid::RuleCount));
        assert_eq!(validate(vec![for_group("", Role::Staff)]), Err(Invalid::RuleValue));
        assert_eq!(validate(vec![for_group("lab", Role::SystemOperator)]), Err(Invalid::RoleNotForPeople));
        assert_eq!(validate(vec![for_group("lab", Role::IntegrationEngine)]), Err(Invalid::RoleNotForPeople));
        let roleless = Rule { roles: Roles::NONE, ..for_group("lab", Role::Staff) };
        assert_eq!(validate(vec![roleless]), Err(Invalid::RuleWithoutRole));
        let attribute = Criterion::Attribute { name: String::new(), value: "ward".into() };
        assert_eq!(validate(vec![Rule { when: attribute, ..for_group("lab", Role::Staff) }]), Err(Invalid::RuleValue));
    }
}
