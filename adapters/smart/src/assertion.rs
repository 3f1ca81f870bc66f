//! The client's assertion: who it says it is, and whether it can prove it (SMART Backend Services; RFC 7521, RFC 7523 §3).

use crate::journal::Origin;
use crate::keys::NoKey;
use crate::refusal::{Face, Refused};
use crate::service::Service;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::Application;
use domain::time::Timestamp;
use form::Form;
use serde::Deserialize;
use serde_json::{Number, Value};

/// How long an assertion may be good when it arrives, in seconds.
pub const MAX_ASSERTION_SECONDS: i64 = 300;
/// How far a client's clock may be ahead where it says when an assertion was made or begins, in seconds.
pub const SKEW_SECONDS: i64 = 60;
/// How much longer than an assertion is good its name is remembered, in seconds: a gateway whose clock is behind takes it longer, and one
/// whose clock is ahead clears names away.
const NAME_SECONDS: i64 = 2 * SKEW_SECONDS;
/// Longest assertion, in bytes.
pub const MAX_ASSERTION_BYTES: usize = 8 * 1024;
/// Longest `jti`, in bytes.
const MAX_JTI_BYTES: usize = 256;

/// The form of assertion that is taken (RFC 7523 §2.2).
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The signatures that are accepted; no header can ask for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs384,
    Es384,
}

impl Algorithm {
    pub(crate) const ALL: [Algorithm; 2] = [Algorithm::Rs384, Algorithm::Es384];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Algorithm::Rs384 => "RS384",
            Algorithm::Es384 => "ES384",
        }
    }

    const fn theirs(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Rs384 => jsonwebtoken::Algorithm::RS384,
            Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    jku: Option<String>,
    crit: Option<Value>,
    jwk: Option<Value>,
    x5u: Option<Value>,
    x5c: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: Number,
    nbf: Option<Number>,
    iat: Option<Number>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Service {
    /// Authenticates the application that sent a form, by its assertion alone; the assertion is used up by it.
    pub(crate) async fn by_assertion(&self, origin: Origin, form: &Form) -> Result<Application, Refused> {
        let invalid = |reason| Refused::new(Face::InvalidClient, reason);
        let assertion = form.get("client_assertion").ok_or(invalid("no-assertion"))?;
        if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err(Refused::new(Face::InvalidRequest, "assertion-type"));
        }
        let parts = Parts::read(assertion).ok_or(invalid("assertion-form"))?;
        let (header, claims) = (&parts.header, &parts.claims);
        let algorithm = Algorithm::ALL.into_iter().find(|known| known.name() == header.alg);
        let algorithm = algorithm.ok_or(invalid("algorithm"))?;
        if header.crit.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some() {
            return Err(invalid("header"));
        }
        if !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")) {
            return Err(invalid("type"));
        }
        if claims.iss != claims.sub || form.get("client_id").is_some_and(|named| named != claims.sub) {
            return Err(invalid("issuer-is-not-subject"));
        }
        let application = self.named(origin, &claims.sub)?;
        let invalid = |reason| invalid(reason).of(application.id);
        if !application.enabled {
            return Err(invalid("disabled-client"));
        }
        if header.jku.is_some() && header.jku != application.jwks_uri {
            return Err(invalid("key-address"));
        }
        let kid = header.kid.as_deref().ok_or(invalid("no-key-id"))?;
        let key = self.keys.key(&application, kid, algorithm).await.map_err(|no_key| match no_key {
            NoKey::Unknown => invalid("unknown-key"),
            NoKey::Unreachable => invalid("keys-unreachable"),
        })?;
        let signed = jsonwebtoken::crypto::verify(parts.signature, parts.signed.as_bytes(), &key, algorithm.theirs());
        if !signed.unwrap_or(false) {
            return Err(invalid("signature"));
        }
        let (jti, expires) = self.judge(claims).map_err(invalid)?;
        // Only what is wholly in order is marked, so that nobody else can use up a client's names.
        let first = self
            .tokens
            .use_once(&application, jti, expires.plus_seconds(NAME_SECONDS))
            .await
            .map_err(|fault| Refused::from(fault).of(application.id))?;
        if first { Ok(application) } else { Err(invalid("replay")) }
    }

    /// Judges the claims of a signed assertion; returns its name and its end.
    fn judge<'a>(&self, claims: &'a Claims) -> Result<(&'a str, Timestamp), &'static str> {
        let now = self.settings.clock.now();
        let audience = match &claims.aud {
            Audience::One(audience) => Some(audience),
            Audience::Several(several) => match several.as_slice() {
                [only] => Some(only),
                _ => None,
            },
        };
        if audience.map(String::as_str) != Some(self.addresses.token.as_str()) {
            return Err("audience");
        }
        let expires = moment(&claims.exp).ok_or("expiry")?;
        if expires <= now {
            return Err("expired");
        }
        if expires > now.plus_seconds(MAX_ASSERTION_SECONDS) {
            return Err("good-for-too-long");
        }
        let ahead = |claim: &Option<Number>| match claim {
            None => Ok(false),
            Some(number) => moment(number).ok_or("time").map(|at| at > now.plus_seconds(SKEW_SECONDS)),
        };
        if ahead(&claims.nbf)? || ahead(&claims.iat)? {
            return Err("not-yet-valid");
        }
        let jti = claims.jti.as_deref().filter(|jti| (1..=MAX_JTI_BYTES).contains(&jti.len()));
        jti.map(|jti| (jti, expires)).ok_or("no-name")
    }
}

/// An assertion taken apart, nothing of it believed.
struct Parts<'a> {
    header: Header,
    claims: Claims,
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Option<Self> {
        if text.len() > MAX_ASSERTION_BYTES {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            signed,
            signature,
        })
    }
}

/// Reads a NumericDate (RFC 7519 §2), fractions of a second dropped.
fn moment(number: &Number) -> Option<Timestamp> {
    let text = number.to_string();
    let seconds: i64 = text.split('.').next()?.parse().ok()?;
    (!text.contains(['e', 'E'])).then(|| Timestamp(0).plus_seconds(seconds))
}
