//! ID tokens: who signed in, told to the application it was told for (OpenID Connect Core §2, SMART App Launch 2.2 §5).

use crate::refusal::Refused;
use crate::service::Service;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::launch::{Grant, Word};
use domain::ports::Unavailable;
use domain::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How long an ID token is good, in seconds.
pub const ID_TOKEN_SECONDS: i64 = 300;
/// What `acr` says of a sign-in with a second factor.
pub(crate) const TWO_FACTORS: &str = "urn:sealgate:acr:two-factors";
/// What `acr` says of a sign-in without one.
pub(crate) const ONE_FACTOR: &str = "urn:sealgate:acr:one-factor";

impl Service {
    /// Makes the ID token of a grant that lets an application know who signed in; `None` where it does not.
    pub(crate) async fn id_token(&self, grant: &Grant, access_token: &str) -> Result<Option<String>, Refused> {
        if !grant.wish.has(Word::OpenId) {
            return Ok(None);
        }
        let key = self.signing.current().await?;
        let header = json!({ "alg": "RS256", "typ": "JWT", "kid": key.kid });
        let claims = self.claims(grant, access_token);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature =
            self.signing.sign(&key, message.as_bytes()).map_err(|Unavailable| Refused::from(Unavailable))?;
        Ok(Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    fn claims(&self, grant: &Grant, access_token: &str) -> Value {
        let (session, now) = (&grant.session, self.settings.clock.now());
        let mut claims = json!({
            "iss": self.addresses.issuer,
            "sub": session.person,
            "aud": grant.application,
            "iat": seconds(now),
            "exp": seconds(now.plus_seconds(ID_TOKEN_SECONDS)),
            "acr": if session.second_factor { TWO_FACTORS } else { ONE_FACTOR },
            "at_hash": half_hash(access_token),
        });
        let more = [
            ("nonce", grant.nonce.clone()),
            ("fhirUser", grant.wish.has(Word::FhirUser).then(|| self.fhir_user(grant))),
            ("name", grant.wish.has(Word::Profile).then(|| session.display.clone())),
        ];
        if let Some(claims) = claims.as_object_mut() {
            claims.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
            // A provider that does not say when somebody proved who they are leaves nothing to pass on.
            let known = session.authenticated > Timestamp(0);
            claims.extend(known.then(|| ("auth_time".to_owned(), json!(seconds(session.authenticated)))));
        }
        claims
    }

    /// Returns the FHIR address that stands for a person: stable, and theirs alone.
    pub(crate) fn fhir_user(&self, grant: &Grant) -> String {
        format!("{}/Practitioner/{}", self.addresses.base, grant.session.person)
    }
}

/// Returns the left half of a token's SHA-256 (OpenID Connect Core §3.1.3.6).
fn half_hash(token: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let (half, _) = hash.split_at(16);
    URL_SAFE_NO_PAD.encode(half)
}

/// Returns whole seconds since 1970 (RFC 7519 §2, NumericDate).
pub(crate) fn seconds(moment: Timestamp) -> i64 {
    moment.0.div_euclid(1_000_000)
}
