//! A person's account kept here, for sites without an identity provider.

use super::entry::{Entry, Heading, Invalid};
use super::hidden::Hidden;
use super::security_key::{self, SecurityKey};
use super::text;
use crate::access::{Clinics, Factor, Purpose, Roles};
use crate::id::{RecordId, TenantId};
use crate::identity::{Admitted, Assertion, Groups, Session, Since, moved};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Who vouches for people with an account here: the issuer in their assertions and sessions.
pub const LOCAL_ISSUER: &str = "urn:sealgate:account";

/// Most recovery codes of an account.
pub const MAX_RECOVERY_CODES: usize = 16;

/// A person's account: sign-in name, roles, and what proves that it is them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id; the subject of its person.
    pub id: RecordId,
    /// The tenant it is admitted to.
    pub tenant: TenantId,
    /// The sign-in name; compared without case.
    pub name: String,
    /// A name for people to read.
    pub display: String,
    /// The person's roles.
    pub roles: Roles,
    /// The clinics these reach.
    pub clinics: Clinics,
    /// What the person acts for.
    #[serde(default)]
    pub purpose: Purpose,
    /// The password's Argon2id hash in PHC form; `None` until an invitation is taken up.
    #[serde(default)]
    pub password: Option<Hidden>,
    /// The seed of one-time passwords, base32 without padding (RFC 4648 §6); `None` until one is enrolled.
    #[serde(default)]
    pub totp: Option<Hidden>,
    /// SHA-256 of each recovery code that was not used yet, hexadecimal; a code has 80 random bits or more.
    #[serde(default)]
    pub recovery: Vec<String>,
    /// Security keys, any of which is a second factor; the earliest first.
    #[serde(default)]
    pub security_keys: Vec<SecurityKey>,
    /// Whether the person may sign in; while it is disabled, their sessions do not resume.
    pub enabled: bool,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
    /// When password or second factor were last set or taken away; sessions from before it are over.
    #[serde(default, with = "text::optional_moment")]
    pub password_changed: Option<Timestamp>,
    /// When roles, clinics or purpose were last changed, or it was disabled or enabled; sessions from before it are over.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::optional_moment")]
    pub ended: Option<Timestamp>,
}

impl Account {
    /// Returns the connection that sessions of a tenant's own accounts name: no entry has its id.
    #[must_use]
    pub const fn connection(tenant: TenantId) -> RecordId {
        RecordId(tenant.0)
    }

    /// Says whether the person has set up anything to show besides the password, for this host or another; recovery codes only stand
    /// in for it. Whoever has is never led to another one by the password alone.
    #[must_use]
    pub const fn has_second_factor(&self) -> bool {
        self.totp.is_some() || !self.security_keys.is_empty()
    }

    /// Says whether any of it can be shown at a gateway of this host, see [`SecurityKey::is_of`]; else a recovery code is left.
    #[must_use]
    pub fn can_show_second_factor(&self, host: Option<&str>) -> bool {
        self.totp.is_some() || self.keys_of(host).next().is_some()
    }

    /// Says whether this key can go: a second factor must be left, and one that can be shown at a gateway of this host where one could.
    #[must_use]
    pub fn can_spare(&self, key: RecordId, host: Option<&str>) -> bool {
        let mut left = self.security_keys.iter().filter(|known| known.id != key);
        let (kept, shown) = (left.clone().next().is_some(), left.any(|known| known.is_of(host)));
        self.totp.is_some() || shown || (kept && !self.can_show_second_factor(host))
    }

    /// Returns the security keys that answer pages of this host, see [`SecurityKey::is_of`].
    pub fn keys_of(&self, host: Option<&str>) -> impl Iterator<Item = &SecurityKey> {
        self.security_keys.iter().filter(move |key| key.is_of(host))
    }

    /// Returns what is known of its person once password, and second factor where shown, were right.
    #[must_use]
    pub fn to_assertion(&self, factor: Factor, authenticated: Timestamp) -> Assertion {
        Assertion {
            connection: Self::connection(self.tenant),
            tenant: self.tenant,
            issuer: LOCAL_ISSUER.to_string(),
            subject: self.id.to_string(),
            display: self.display.clone(),
            roles: Vec::new(),
            groups: Groups::Known(Vec::new()),
            attributes: Vec::new(),
            factor,
            authenticated,
            until: None,
            provider_session: None,
        }
    }

    /// Returns what its person may be here; for an account no rules are asked.
    #[must_use]
    pub fn to_admitted(&self) -> Admitted {
        let admitted = Admitted::given(self.roles, self.clinics.clone(), self.purpose);
        let since = Since { way: Some(self.since()), ..Since::default() };
        Admitted { password_changed: self.password_changed, since, ..admitted }
    }

    /// Returns the moment that names what it lets its person be, see [`Since`].
    fn since(&self) -> Timestamp {
        self.ended.unwrap_or(self.created)
    }

    /// Returns the same with that moment moved, where it lets its person be something else than before.
    pub(crate) fn following(self, before: &Self, now: Timestamp) -> Self {
        let same = self.enabled == before.enabled
            && self.roles == before.roles
            && self.clinics == before.clinics
            && self.purpose == before.purpose;
        if same { self } else { Self { ended: Some(moved(before.since(), now)), ..self } }
    }

    /// Says whether a session that began with this account may go on: the account is enabled, gives what the session has, and neither
    /// password nor second factor nor any of this was changed after what the session began with, whether or not that was undone.
    ///
    /// The moments of change are compared with each other, so clocks of gateways may differ. An account as it was before the session
    /// began ends nothing: a directory may be some moments old. Of a session that was kept without the moment, its beginning decides.
    #[must_use]
    pub fn still_admits(&self, session: &Session) -> bool {
        let proved = session.password_changed.unwrap_or(session.started);
        self.enabled
            && self.tenant == session.tenant
            && self.roles.within(&self.clinics) == session.roles
            && self.clinics == session.clinics
            && self.purpose == session.purpose
            && self.password_changed.is_none_or(|changed| changed <= proved)
            && !session.is_before(self.ended, session.since.way)
    }
}

/// Prints which account it is, nothing of what is in it.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({}, enabled: {})", self.id, self.enabled)
    }
}

impl Entry for Account {
    const KIND: Kind = Kind::Account;

    fn heading(&self) -> Heading<'_> {
        Heading { record: self.id, tenant: self.tenant, name: &self.name }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)?;
        text::name(&self.display, Invalid::Display)?;
        if self.roles == Roles::NONE {
            return Err(Invalid::PersonWithoutRole);
        }
        text::roles_of_people(self.roles)?;
        if let Some(hash) = &self.password {
            let hash = hash.expose();
            if !hash.starts_with("$argon2id$")
                || hash.len() > MAX_PHC_BYTES
                || !hash.bytes().all(|b| b.is_ascii_graphic())
            {
                return Err(Invalid::PasswordHash);
            }
        }
        if let Some(seed) = &self.totp {
            // RFC 4226 §4: at least 128 bits, which are 26 characters.
            let digits = seed.expose().bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
            if !digits || !(26..=128).contains(&seed.expose().len()) {
                return Err(Invalid::Seed);
            }
        }
        if self.recovery.len() > MAX_RECOVERY_CODES || !self.recovery.iter().all(|hash| text::is_sha256(hash)) {
            return Err(Invalid::RecoveryHash);
        }
        security_key::validate(&self.security_keys)
    }
}

/// Most bytes of a password's hash in PHC form.
const MAX_PHC_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use crate::double;
    use std::format;
    use std::vec;

    fn key(number: u8) -> SecurityKey {
        double::security_key(number, "")
    }

    fn account() -> Account {
        Account {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            name: "ada.byron".into(),
            display: "Ada Byron".into(),
            roles: Roles::of(&[Role::Provider]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            password: Some(Hidden::new("$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA".into())),
            totp: Some(Hidden::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into())),
            recovery: vec!["0".repeat(64)],
            security_keys: vec![key(1)],
            enabled: true,
            created: Timestamp(0),
            password_changed: Some(Timestamp(0)),
            ended: None,
        }
    }

    #[test]
    fn the_stored_form_of_an_account_stays_as_it_is() {
        let text = serde_json::to_string(&account()).unwrap();
        insta::assert_snapshot!(text, @r#"{"id":"01010101-0101-0101-0101-010101010101","tenant":"02020202-0202-0202-0202-020202020202","name":"ada.byron","display":"Ada Byron","roles":["provider"],"clinics":"all","purpose":"treatment","password":"$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA","totp":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ","recovery":["0000000000000000000000000000000000000000000000000000000000000000"],"security_keys":[{"id":"01010101-0101-0101-0101-010101010101","name":"Key 1","added":"1970-01-01T00:00:00.000Z","credential":"AAA1","verifier":"{}"}],"enabled":true,"created":"1970-01-01T00:00:00.000Z","password_changed":"1970-01-01T00:00:00.000Z"}"#);
        assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), account());
        let (before, after) = (text.find(r#""security_keys""#).unwrap(), text.find(r#""enabled""#).unwrap());
        let older = format!("{}{}", &text[..before], &text[after..]);
        let older = serde_json::from_str::<Account>(&older).unwrap();
        assert_eq!(older, Account { security_keys: vec![], ..account() }, "as a release without them wrote it");
    }

    #[test]
    fn a_key_of_another_host_cannot_be_shown_here_and_is_a_second_factor_all_the_same() {
        let made = |host: &str| SecurityKey { host: host.into(), ..key(1) };
        let with = |host: &str| Account { totp: None, security_keys: vec![made(host)], ..account() };
        let (here, none) = (Some("here.example"), None);
        assert!(
            with("here.example").can_show_second_factor(here) && !with("here.example").can_show_second_factor(none)
        );
        assert!(!with("there.example").can_show_second_factor(here) && with("there.example").has_second_factor());
        assert!(account().can_show_second_factor(none), "an app is of no host");
        assert!(
            !Account { totp: None, security_keys: vec![], ..account() }.has_second_factor(),
            "codes stand in for one"
        );
        let two = Account { security_keys: vec![made("here.example"), key(2)], ..with("") };
        let two = Account {
            security_keys: vec![two.security_keys[0].clone(), SecurityKey { host: "there.example".into(), ..key(2) }],
            ..two
        };
        let spares = |account: &Account, number: u8| account.can_spare(RecordId([number; 16]), here);
        assert!(spares(&two, 2) && !spares(&two, 1), "one that can be shown is left where one could be");
        assert!(!spares(&with("there.example"), 1), "a password alone would set up another");
        assert!(spares(&account(), 1), "an app is left");
        assert!(with("").can_show_second_factor(here), "as it was before hosts were written down");
        let text = serde_json::to_string(&made("here.example")).unwrap();
        assert!(
            text.contains(r#""host":"here.example""#) && serde_json::from_str(&text).ok() == Some(made("here.example"))
        );
    }

    #[test]
    fn an_account_is_printed_without_what_is_in_it() {
        let printed = format!("{:?}", account());
        assert_eq!(printed, "Account(01010101-0101-0101-0101-010101010101, enabled: true)");
    }

    #[test]
    fn each_broken_rule_of_an_account_is_named() {
        let good = account;
        assert_eq!(good().validate(), Ok(()));
        let fresh = Account {
            password: None,
            totp: None,
            recovery: vec![],
            security_keys: vec![],
            password_changed: None,
            ..good()
        };
        let many = |count: u8| Account { security_keys: (0..count).map(key).collect(), ..good() };
        assert_eq!(many(10).validate(), Ok(()));
        let with = |broken: SecurityKey| Account { security_keys: vec![key(1), broken], ..good() };
        assert_eq!(fresh.validate(), Ok(()), "an account before its invitation is taken up");
        let hidden = |text: &str| Some(Hidden::new(text.into()));
        for (broken, rule) in [
            (Account { name: " ada".into(), ..good() }, Invalid::Name),
            (Account { display: "Ada\u{7}".into(), ..good() }, Invalid::Display),
            (Account { roles: Roles::NONE, ..good() }, Invalid::PersonWithoutRole),
            (Account { roles: Roles::of(&[Role::SystemOperator]), ..good() }, Invalid::RoleNotForPeople),
            (Account { roles: Roles::of(&[Role::IntegrationEngine]), ..good() }, Invalid::RoleNotForPeople),
            (Account { password: hidden("correct horse"), ..good() }, Invalid::PasswordHash),
            (Account { password: hidden("$argon2i$v=19$m=1,t=1,p=1$a$b"), ..good() }, Invalid::PasswordHash),
            (Account { totp: hidden("GEZDGNBVGY3TQOJQGEZDGNBVG"), ..good() }, Invalid::Seed),
            (Account { totp: hidden("gezdgnbvgy3tqojqgezdgnbvgy3tqojq"), ..good() }, Invalid::Seed),
            (Account { recovery: vec!["code".into()], ..good() }, Invalid::RecoveryHash),
            (Account { recovery: vec!["0".repeat(64); 17], ..good() }, Invalid::RecoveryHash),
            (many(11), Invalid::SecurityKeyCount),
            (with(SecurityKey { name: " blue".into(), ..key(2) }), Invalid::SecurityKeyName),
            (with(SecurityKey { name: "KEY 1".into(), ..key(2) }), Invalid::SecurityKeyName),
            (with(SecurityKey { id: RecordId([1; 16]), ..key(2) }), Invalid::SecurityKey),
            (with(SecurityKey { credential: "AAA1".into(), ..key(2) }), Invalid::SecurityKey),
            (with(SecurityKey { credential: "AA+1".into(), ..key(2) }), Invalid::SecurityKey),
            (with(SecurityKey { credential: String::new(), ..key(2) }), Invalid::SecurityKey),
            (with(SecurityKey { host: "here.example/".into(), ..key(2) }), Invalid::SecurityKey),
            (with(SecurityKey { verifier: Hidden::new("text".into()), ..key(2) }), Invalid::SecurityKey),
            (
                with(SecurityKey { verifier: Hidden::new(format!("{{{}}}", " ".repeat(8_191))), ..key(2) }),
                Invalid::SecurityKey,
            ),
        ] {
            assert_eq!(broken.validate(), Err(rule));
        }
    }
}
