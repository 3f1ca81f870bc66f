//! What an ID token must say to be taken as the answer to a sign-in (OpenID Connect Core §3.1.3.7), and more.

use super::Refusal;
use super::jose::Algorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::secret::constant_time_eq;
use domain::time::Timestamp;
use serde_json::{Map, Value};

/// What a token says, by name.
pub(super) type Claims = Map<String, Value>;

/// How far the provider's clock and ours may be apart, in seconds.
pub(super) const SKEW_SECONDS: i64 = 120;

/// What was asked for, against which the answer is judged.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) begun: Timestamp,
    pub(super) max_age_seconds: Option<i64>,
    pub(super) now: Timestamp,
}

/// Judges the claims of an ID token whose signature is right.
pub(super) fn judge(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refusal> {
    from_and_for(claims, expected.issuer, expected.client_id)?;
    times(claims, expected)?;
    match claims.get("sub") {
        None => return Err(Refusal::SubjectMissing),
        Some(Value::String(subject)) if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES => {
            return Err(Refusal::SubjectEmpty);
        }
        Some(Value::String(_)) => {}
        Some(_) => return Err(Refusal::ClaimMalformed),
    }
    let nonce = text(claims, "nonce")?.ok_or(Refusal::NonceMissing)?;
    if !constant_time_eq(nonce.as_bytes(), expected.nonce.as_bytes()) {
        return Err(Refusal::WrongNonce);
    }
    authentication(claims, expected)
}

/// Judges who issued a token and for whom.
pub(super) fn from_and_for(claims: &Claims, issuer: &str, client_id: &str) -> Result<(), Refusal> {
    if text(claims, "iss")? != Some(issuer) {
        return Err(Refusal::WrongIssuer);
    }
    let audiences: Vec<&str> = match claims.get("aud") {
        None => return Err(Refusal::WrongAudience),
        Some(Value::String(audience)) => vec![audience],
        Some(Value::Array(all)) => {
            all.iter().map(Value::as_str).collect::<Option<_>>().ok_or(Refusal::ClaimMalformed)?
        }
        Some(_) => return Err(Refusal::ClaimMalformed),
    };
    if !audiences.contains(&client_id) {
        return Err(Refusal::WrongAudience);
    }
    if audiences.iter().any(|audience| *audience != client_id) {
        return Err(Refusal::ExtraAudience);
    }
    match text(claims, "azp")? {
        Some(party) if party != client_id => Err(Refusal::WrongParty),
        _ => Ok(()),
    }
}

fn times(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refusal> {
    let now = expected.now;
    let expires = moment(claims, "exp")?.ok_or(Refusal::ExpiryMissing)?;
    if expires.plus_seconds(SKEW_SECONDS) <= now {
        return Err(Refusal::Expired);
    }
    if moment(claims, "nbf")?.is_some_and(|from| now.plus_seconds(SKEW_SECONDS) < from) {
        return Err(Refusal::NotYetValid);
    }
    let issued = moment(claims, "iat")?.ok_or(Refusal::IssuedAtMissing)?;
    if now.plus_seconds(SKEW_SECONDS) < issued {
        return Err(Refusal::IssuedInFuture);
    }
    // The token comes straight from the token endpoint, after the sign-in was begun.
    if issued.plus_seconds(SKEW_SECONDS) < expected.begun { Err(Refusal::IssuedBefore) } else { Ok(()) }
}

/// `auth_time` must be there when a greatest age was asked for (OpenID Connect Core §2).
fn authentication(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refusal> {
    let authenticated = moment(claims, "auth_time")?;
    let Some(greatest) = expected.max_age_seconds else { return Ok(()) };
    let authenticated = authenticated.ok_or(Refusal::AuthTimeMissing)?;
    if expected.now.plus_seconds(SKEW_SECONDS) < authenticated {
        return Err(Refusal::IssuedInFuture);
    }
    // Age is counted from the moment of the question: the person may take long over the answer.
    let oldest = expected.begun.plus_seconds(greatest.saturating_add(SKEW_SECONDS).saturating_neg());
    if authenticated < oldest { Err(Refusal::AuthTimeTooOld) } else { Ok(()) }
}

/// Judges `at_hash`: the left half of the hash of the access token (OpenID Connect Core §3.1.3.6); may be absent.
pub(super) fn access_token_hash(
    claims: &Claims,
    access_token: Option<&str>,
    algorithm: Algorithm,
) -> Result<(), Refusal> {
    let Some(found) = text(claims, "at_hash")? else { return Ok(()) };
    let digest = access_token.and_then(|token| algorithm.hash(token.as_bytes())).ok_or(Refusal::AccessTokenHash)?;
    let (left, _) = digest.split_at_checked(digest.len().div_euclid(2)).ok_or(Refusal::AccessTokenHash)?;
    let right = constant_time_eq(URL_SAFE_NO_PAD.encode(left).as_bytes(), found.trim_end_matches('=').as_bytes());
    if right { Ok(()) } else { Err(Refusal::AccessTokenHash) }
}

/// Returns a claim that must be text where it is there.
pub(super) fn text<'a>(claims: &'a Claims, name: &str) -> Result<Option<&'a str>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::ClaimMalformed),
    }
}

/// Returns a claim that must be a NumericDate (RFC 7519 §2) where it is there; fractions of a second are dropped.
pub(super) fn moment(claims: &Claims, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(claim) = claims.get(name) else { return Ok(None) };
    let Value::Number(number) = claim else { return Err(Refusal::ClaimMalformed) };
    let written = number.to_string();
    let (seconds, _) = written.split_once('.').unwrap_or((&written, ""));
    match seconds.parse::<i64>() {
        Ok(seconds) if (0..=LAST_SECOND).contains(&seconds) => Ok(Some(Timestamp(0).plus_seconds(seconds))),
        _ => Err(Refusal::ClaimMalformed),
    }
}

/// The longest subject (OpenID Connect Core §2).
const MAX_SUBJECT_BYTES: usize = 255;
/// The last second of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;
