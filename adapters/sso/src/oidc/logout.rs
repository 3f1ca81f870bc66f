//! Sign-out notices that a provider sends behind the browser's back (OpenID Connect Back-Channel Logout 1.0).

use super::claims::{self, Claims, SKEW_SECONDS};
use super::provider::Party;
use super::{Refusal, person};
use domain::ticket::{NotKept, TicketBook, TicketKind};
use domain::time::Timestamp;
use serde_json::Value;

/// Whose sessions a provider ended: those with its name for the session where it is given, otherwise all of the person.
#[derive(Clone, PartialEq, Eq)]
pub struct Ended {
    /// The provider's name for its session, as in [`Assertion::provider_session`](domain::identity::Assertion).
    pub session: Option<String>,
    /// The person, as in [`Assertion::subject`](domain::identity::Assertion).
    pub subject: Option<String>,
}

/// Types of a sign-out notice. Many providers still write the one of every token.
pub(super) const TYPES: [&str; 3] = ["logout+jwt", "application/logout+jwt", "jwt"];

/// Judges a sign-out notice whose signature is right (§2.6), and remembers it so that it counts once.
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
    let ended = Ended { session: person::session(claims), subject: person::subject(party.settings, claims)? };
    if ended.session.is_none() && ended.subject.is_none() {
        return Err(Refusal::LogoutTarget);
    }
    let id = claims::text(claims, "jti")?.filter(|id| !id.is_empty() && id.len() <= MAX_ID_BYTES);
    once(party, book, id.ok_or(Refusal::LogoutIdMissing)?, now).await?;
    Ok(ended)
}

async fn once(party: &Party<'_>, book: &TicketBook, id: &str, now: Timestamp) -> Result<(), Refusal> {
    let connection = party.id.as_bytes();
    let key = book.keys.key(TicketKind::Used, &[b"oidc-logout", connection, id.as_bytes()]);
    let owner = book.keys.owner("oidc-logout", &[connection]);
    // Longer than a notice from the future can still be taken.
    let expires = now.plus_seconds(SKEW_SECONDS.saturating_mul(2).saturating_add(1));
    match book.put(TicketKind::Used, party.tenant, key, owner, expires, &()).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Refusal::Replayed),
        Err(NotKept::Integrity | NotKept::Unavailable) => Err(Refusal::Store),
    }
}

/// The member of `events` that makes a token a sign-out notice (§2.4).
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// The longest `jti`.
const MAX_ID_BYTES: usize = 256;
