//! Sign-out notices that a provider sends behind the browser's back (OpenID Connect Back-Channel Logout 1.0).

use super::claims::{self, Claims, SKEW_SECONDS};
use super::provider::Party;
use super::{Refusal, person};
use domain::ticket::{NotKept, TicketBook, TicketKey, TicketKind};
use domain::time::Timestamp;
use serde_json::Value;

/// Whose sessions a provider ended: those with its name for the session where it is given, otherwise all of the person.
#[derive(Clone, PartialEq, Eq)]
pub struct Ended {
    /// The provider's name for its session, as in [`Assertion::provider_session`](domain::identity::Assertion).
    pub session: Option<String>,
    /// The person, as in [`Assertion::subject`](domain::identity::Assertion).
    pub subject: Option<String>,
    /// What the notice is remembered by once its sessions have ended.
    pub notice: Notice,
}

/// What a sign-out notice is remembered by, so that it counts once.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    id: String,
    expires: Timestamp,
}

/// Types of a sign-out notice. Many providers still write the one of every token.
pub(super) const TYPES: [&str; 3] = ["logout+jwt", "application/logout+jwt", "jwt"];

/// Judges a sign-out notice whose signature is right (§2.6) and that did not take effect before.
pub(super) async fn judge(
    party: &Party<'_>,
    book: &TicketBook,
    claims: &Claims,
    now: Timestamp,
) -> Result<Ended, Refusal> {
    claims::from_and_for(claims, &party.settings.issuer, &party.settings.client_id)?;
    let issued = claims::moment(claims, "iat")?.ok_or(Refusal::IssuedAtMissing)?;
    let too_old = issued.plus_seconds(SKEW_SECONDS) <= now;
    let ahead = now.plus_seconds(SKEW_SECONDS) < issued;
    // `exp` came into the standard late; without it the age alone limits the notice, and refusing would leave sessions open.
    let expired = claims::moment(claims, "exp")?.is_some_and(|until| until.plus_seconds(SKEW_SECONDS) <= now);
    if too_old || ahead || expired {
        return Err(Refusal::LogoutStale);
    }
    if !claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object) {
        return Err(Refusal::LogoutEvent);
    }
    if claims.contains_key("nonce") {
        return Err(Refusal::LogoutNonce);
    }
    let (session, subject) = (person::session(claims), person::subject(party.settings, claims)?);
    if session.is_none() && subject.is_none() {
        return Err(Refusal::LogoutTarget);
    }
    let id = claims::text(claims, "jti")?.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
    let id = id.ok_or(Refusal::LogoutIdMissing)?.to_owned();
    match book.find::<()>(TicketKind::Used, key(party, book, &id)).await {
        Ok(None) => {}
        Ok(Some(_)) => return Err(Refusal::Replayed),
        Err(NotKept::Integrity | NotKept::Unavailable) => return Err(Refusal::Store),
    }
    // Longer than a notice from the future can still be taken.
    let expires = now.plus_seconds(SKEW_SECONDS.saturating_mul(2).saturating_add(1));
    Ok(Ended { session, subject, notice: Notice { id, expires } })
}

/// Remembers a notice whose sessions have ended. Two who took the same one at once have both ended the same sessions.
pub(super) async fn remember(party: &Party<'_>, book: &TicketBook, notice: &Notice) -> Result<(), Refusal> {
    let owner = book.keys.owner("oidc-logout", &[party.id.as_bytes()]);
    let key = key(party, book, &notice.id);
    let kept = book.put(TicketKind::Used, party.tenant, key, owner, notice.expires, &()).await;
    kept.map(|_| ()).map_err(|_| Refusal::Store)
}

fn key(party: &Party<'_>, book: &TicketBook, id: &str) -> TicketKey {
    book.keys.key(TicketKind::Used, &[b"oidc-logout", party.id.as_bytes(), id.as_bytes()])
}

/// The member of `events` that makes a token a sign-out notice (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The longest `jti`.
const MAX_ID_BYTES: usize = 256;
