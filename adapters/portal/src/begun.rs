//! Sign-ins at identity providers that were begun and not finished: the browser carries them, sealed, so that beginning one leaves
//! nothing behind here that others could fill up.
//!
//! ```text
//!   __Host-sealgate-sign-in         the browser's secret, which its forms are bound to as well
//!   __Host-sealgate-sign-in-NAME    one sign-in each, base64url of a carried ticket; NAME is a keyed hash of the answer's handle
//! ```
//! A cookie opens in the browser whose secret it was made with, for the answer it was made for, and for ten minutes. That it counts once
//! is a mark in the database, which all gateways share: it is set when a provider has vouched for somebody, so that what others send
//! leaves nothing behind either. Until then a wrong answer does not use it up, and of what has the mark no provider is asked.

use crate::cookie::{AnsweredBy, Cookie};
use crate::doors::BackAt;
use crate::place::Place;
use crate::problem::Problem;
use crate::visit::Visit;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::Hidden;
use domain::id::{RecordId, TenantId};
use domain::secret::Secret;
use domain::ticket::{Carried, MARK_SECONDS, Owner, TicketKey, TicketKind, carried_until};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What is needed to finish a sign-in.
#[derive(Serialize, Deserialize)]
pub(crate) struct Away {
    pub(crate) connection: RecordId,
    /// What the protocol wants to know again: state, nonce, proof key, the id of the request, when it was made.
    pub(crate) kept: Hidden,
    /// Where the answer is to come, whatever the connection's settings are by then.
    pub(crate) back_at: BackAt,
    /// The place to return to.
    pub(crate) place: String,
    /// The session that the new one takes the place of: person and session.
    pub(crate) replaces: Option<(RecordId, RecordId)>,
    /// From where and when it was begun: it counts there until it is finished.
    pub(crate) address: String,
    pub(crate) started: Timestamp,
}

/// How long somebody may be away, in seconds; the cookie is kept as long.
const AWAY_SECONDS: i64 = 600;
/// Most sign-ins that one browser carries; with one more, that which is over first is taken away.
const MOST: usize = 4;
/// Longest place that is carried, in bytes.
const MAX_PLACE_BYTES: usize = 160;
/// Most that one browser carries of them together, in bytes: some proxies take 8 KiB of headers and no more.
const MAX_ALL_BYTES: usize = 5_000;
/// Longest value that browsers keep, less its name and rules (RFC 6265bis §5.6), in bytes.
const MAX_COOKIE_BYTES: usize = 3_800;

/// Returns what of a place can be carried: all of it, or the page without its query.
pub(crate) fn place(place: &Place) -> String {
    let path = place.path();
    let short = if path.len() > MAX_PLACE_BYTES { path.split_once('?').map_or("/", |(page, _)| page) } else { path };
    if short.len() > MAX_PLACE_BYTES { "/".to_owned() } else { short.to_owned() }
}

/// Returns the cookies by which the browser carries a sign-in: its own, and those that make room for it.
///
/// # Errors
/// [`Problem::Unavailable`] when there is no randomness, or it is more than a browser keeps.
pub(crate) fn carry(
    visit: &Visit<'_>,
    secret: &Secret<32>,
    handle: &str,
    tenant: TenantId,
    away: &Away,
    answered: AnsweredBy,
) -> Result<Vec<Zeroizing<String>>, Problem> {
    let (key, owner) = names(visit, secret, handle);
    let expires = visit.now.plus_seconds(AWAY_SECONDS);
    let carried = visit.service.sign_in.book.carry(TicketKind::SignIn, tenant, key, owner, expires, away)?;
    let value = Zeroizing::new(URL_SAFE_NO_PAD.encode(carried));
    if value.len() > MAX_COOKIE_BYTES {
        tracing::error!(connection = %away.connection, "what a sign-in needs is more than a browser keeps");
        return Err(Problem::Unavailable);
    }
    let mut others: Vec<(Option<Timestamp>, &str, usize)> =
        Cookie::begun(visit.http).map(|(name, value)| (until(value), name, value.len())).collect();
    // Those stay that are over last, as many as there is room for.
    others.sort_unstable_by(|one, other| other.cmp(one));
    let (mut count, mut bytes) = (1_usize, value.len());
    let surplus = others.into_iter().filter(|(_, _, length)| {
        count = count.saturating_add(1);
        bytes = bytes.saturating_add(*length);
        count > MOST || bytes > MAX_ALL_BYTES
    });
    let room = surplus.filter_map(|(_, name, _)| Cookie::unset_begun(name)).map(Zeroizing::new);
    Ok(core::iter::once(Cookie::set_begun(&name(&key), &value, answered)).chain(room).collect())
}

/// Opens the sign-in that an answer belongs to; `None` when this browser carries none such that goes on.
pub(crate) fn open(visit: &Visit<'_>, handle: &str) -> Option<Carried<Away>> {
    let (key, owner) = names(visit, &Cookie::SignIn.read(visit.http)?, handle);
    let name = name(&key);
    let (_, value) = Cookie::begun(visit.http).find(|(known, _)| *known == name)?;
    let bytes = URL_SAFE_NO_PAD.decode(value).ok()?;
    visit.service.sign_in.book.open_carried(TicketKind::SignIn, key, owner, &bytes)
}

/// Says whether a sign-in has the mark of one that was finished, at whichever gateway.
pub(crate) async fn is_spent(visit: &Visit<'_>, away: &Carried<Away>) -> Result<bool, Problem> {
    let book = &visit.service.sign_in.book;
    Ok(book.find::<()>(TicketKind::Used, mark(visit, away)).await?.is_some())
}

/// Marks a sign-in as finished; `false` when it was before, at whichever gateway.
pub(crate) async fn spend(visit: &Visit<'_>, away: &Carried<Away>) -> Result<bool, Problem> {
    let book = &visit.service.sign_in.book;
    let key = mark(visit, away);
    let owner = book.keys.owner("away", &[&away.key.0]);
    let expires = away.expires.plus_seconds(MARK_SECONDS);
    Ok(book.put(TicketKind::Used, away.tenant, key, owner, expires, &()).await?)
}

/// Returns the cookie that takes away one sign-in that the browser carries.
pub(crate) fn forget_one(away: &Carried<Away>) -> Option<String> {
    Cookie::unset_begun(&name(&away.key))
}

/// Returns the cookies that take away all that the browser carries: they open with its secret, which ends with a sign-in. A window that
/// comes back after it is sent home, since its person is signed in.
pub(crate) fn forget(visit: &Visit<'_>) -> impl Iterator<Item = String> {
    Cookie::begun(visit.http).filter_map(|(name, _)| Cookie::unset_begun(name))
}

/// Returns what finds the mark of a sign-in.
fn mark(visit: &Visit<'_>, away: &Carried<Away>) -> TicketKey {
    visit.service.sign_in.book.keys.key(TicketKind::Used, &[b"sign-in", &away.key.0])
}

fn names(visit: &Visit<'_>, secret: &Secret<32>, handle: &str) -> (TicketKey, Owner) {
    let keys = &visit.service.sign_in.book.keys;
    let key = keys.key(TicketKind::SignIn, &[b"away", secret.expose(), handle.as_bytes()]);
    (key, keys.owner("away", &[secret.expose()]))
}

/// 66 bits of the key: enough that no two sign-ins of a browser have the same name.
fn name(key: &TicketKey) -> String {
    URL_SAFE_NO_PAD.encode(key.0).chars().take(11).collect()
}

fn until(value: &str) -> Option<Timestamp> {
    carried_until(&URL_SAFE_NO_PAD.decode(value).ok()?)
}
