//! Signing in and out by an identity provider, whichever protocol it speaks.
//!
//! What is needed to finish a sign-in is carried by the browser, sealed ([`begun`]): an answer in another browser finds nothing, and a
//! second one finds it spent.
//!
//! ```text
//!   answer ─► opens what is carried? ─► came where it was to? ─► not finished before? ─► a try left? ─► provider ─► marked ─► session
//!              no: home, if signed in    no: refused              no: refused             no: 429        no: the try is gone
//! ```
//! A try is taken before the provider is asked and given back when it vouches for somebody, so that answers at once are bounded like
//! answers after one another.

use crate::answer::Answer;
use crate::begun::{self, Away};
use crate::cookie::{AnsweredBy, Cookie};
use crate::dispatch::problem_answer;
use crate::doors::{Arrival, BackAt, Ending, IdentityProviders, Outcome, Reply};
use crate::local;
use crate::pages::{Frame, NoticePage, Turn, render};
use crate::problem::Problem;
use crate::signing_in::{Browser, arrived, tenant};
use crate::visit::Visit;
use actix_web::http::StatusCode;
use domain::directory::{Connection, Hidden, Protocol};
use domain::id::{RecordId, TenantId};
use domain::identity::Session;
use domain::refusals::Wait;
use domain::sign_in;
use domain::ticket::{Carried, TicketKey, TicketKind};

/// Goes to the identity provider.
pub(crate) async fn start(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let tenant = tenant(visit)?;
    let connection = connection(visit)?;
    let providers = providers(visit, connection).filter(|_| connection.tenant == tenant.id && connection.enabled);
    let providers = providers.ok_or(Problem::NotFound)?;
    // What another page has the browser fetch is nobody's sign-in, and would push out those that are.
    if !is_gone_to(visit) {
        return Err(visit.refuse_by(connection, "not-gone-to", Problem::Forged).await);
    }
    let fresh = visit.person().is_some() && !visit.query.text("again").is_empty();
    // Nothing is kept until the person comes back; what it costs to begin is bounded by address.
    let refusals = &visit.service.sign_in.refusals;
    refusals.leave(tenant.id, visit.peer).map_err(|Wait(seconds)| Problem::TooMany(seconds))?;
    let departure = match providers.begin(connection, fresh).await {
        Ok(departure) => departure,
        Err(reason) => return Err(visit.refuse_by(connection, reason, Problem::Unavailable).await),
    };
    let browser = Browser::of(visit)?;
    let replaces = visit.person().map(|person| (person.resumed.session.person, person.resumed.session.id));
    let away = Away {
        connection: connection.id,
        kept: departure.kept,
        back_at: departure.back_at,
        place: begun::place(&visit.place()),
        replaces,
        address: visit.peer.to_string(),
        started: visit.now,
    };
    let answered = match connection.protocol {
        Protocol::Oidc(_) => AnsweredBy::Link,
        Protocol::Saml(_) => AnsweredBy::Form,
    };
    let carried = begun::carry(visit, browser.secret(), &departure.handle, tenant.id, &away, answered)?;
    let answer = Answer::away(departure.address).with_cookie(browser.cookie());
    Ok(carried.into_iter().fold(answer, Answer::with_cookie))
}

/// Says whether a person went there, as far as the browser tells: neither a picture, a script nor a frame of another page
/// (Fetch Metadata §2).
fn is_gone_to(visit: &Visit<'_>) -> bool {
    let says = |name, wanted: &[u8]| visit.http.headers().get_all(name).all(|value| value.as_bytes() == wanted);
    says("sec-fetch-mode", b"navigate") && says("sec-fetch-dest", b"document")
}

/// Comes back from an OpenID provider, at one of our addresses.
pub(crate) async fn oidc_callback(visit: &Visit<'_>, back_at: BackAt) -> Result<Answer, Problem> {
    let field = |name| visit.query.text(name);
    let reply = Reply {
        code: field("code"),
        state: field("state"),
        iss: field("iss"),
        error: field("error"),
        back_at,
        ..Reply::default()
    };
    // Without what was kept nobody knows whose sign-in it was, so it is recorded for the system.
    let Some(away) = begun::open(visit, reply.state) else {
        // Another window of theirs was first: what the browser carried ended with that, and they are where they wanted to be.
        if visit.person().is_some() && !visit.comes_from_elsewhere() {
            return Ok(Answer::see("/"));
        }
        return Err(visit.refuse(TenantId::SYSTEM, "unknown-state", Problem::SignInOver).await);
    };
    let Some(connection) = visit.directory.connection(away.value.connection) else {
        return Err(visit.refuse(TenantId::SYSTEM, "connection-gone", Problem::SignInOver).await);
    };
    // What comes to another's address is another's answer: a provider led the browser on to one that people trust (RFC 9700 §4.4).
    let came_to_it = match back_at {
        BackAt::Own => visit.part("connection") == connection.id.to_string(),
        BackAt::Common => true,
    };
    if back_at != away.value.back_at || !came_to_it {
        return Err(visit.refuse_by(connection, "other-address", Problem::SignInOver).await);
    }
    finish(visit, connection, Some(away), reply).await
}

/// Comes back from a SAML identity provider, or comes from it without having been asked.
pub(crate) async fn saml_acs(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let Ok(connection) = connection(visit) else {
        return Err(visit.refuse(TenantId::SYSTEM, "connection-gone", Problem::NotFound).await);
    };
    let handle = visit.form.text("RelayState");
    let away = match handle {
        "" => None,
        handle => begun::open(visit, handle).filter(|away| away.value.connection == connection.id),
    };
    if away.is_none() {
        // What nobody asked for may have a relay that means something to the provider alone.
        let unsolicited = connection.saml().is_some_and(|settings| settings.allow_unsolicited);
        if !handle.is_empty() && !unsolicited {
            return Err(visit.refuse(connection.tenant, "unknown-relay", Problem::SignInOver).await);
        }
        // Anybody can send it, and each costs a process: whoever sent too much that was refused is not listened to.
        if let Some(Wait(seconds)) = visit.service.sign_in.refusals.wait(visit.peer) {
            visit.service.sign_in.refusals.count(connection.tenant, visit.peer, "not-listened-to");
            return Err(Problem::TooMany(seconds));
        }
    }
    let reply = Reply { saml_response: visit.form.text("SAMLResponse"), back_at: BackAt::Own, ..Reply::default() };
    finish(visit, connection, away, reply).await
}

/// Finishes a sign-in with what was begun, or without where nobody asked for the answer.
async fn finish(
    visit: &Visit<'_>,
    connection: &Connection,
    away: Option<Carried<Away>>,
    reply: Reply<'_>,
) -> Result<Answer, Problem> {
    let Some(providers) = providers(visit, connection).filter(|_| connection.enabled) else {
        return Err(visit.refuse_by(connection, "connection-disabled", Problem::SignInOver).await);
    };
    if let Some(away) = &away
        && begun::is_spent(visit, away).await?
    {
        let problem = visit.refuse_by(connection, "sign-in-used", Problem::SignInOver).await;
        return Ok(over(visit, away, problem));
    }
    let refusals = &visit.service.sign_in.refusals;
    let begun = away.as_ref().map(|away| &away.key);
    let taken = refusals.may_return(connection.tenant, visit.peer, begun);
    let taken = taken.map_err(|Wait(seconds)| Problem::TooMany(seconds))?;
    let arrival = match providers.finish(connection, away.as_ref().map(|away| &away.value.kept), reply).await {
        Ok(arrival) => arrival,
        Err(reason) => return Err(visit.refuse_by(connection, reason, Problem::NotAdmitted).await),
    };
    let Some(away) = away else {
        refusals.returned(&taken);
        return enter(visit, connection, arrival, None).await;
    };
    // Now that a provider vouches for somebody, and not before: whatever else comes leaves nothing behind.
    if !begun::spend(visit, &away).await? {
        let problem = visit.refuse_by(connection, "sign-in-used", Problem::SignInOver).await;
        return Ok(over(visit, &away, problem));
    }
    refusals.returned(&taken);
    // It is finished, whatever becomes of the person.
    let entered = enter(visit, connection, arrival, Some(&away.value)).await;
    Ok(entered.unwrap_or_else(|problem| over(visit, &away, problem)))
}

/// Says what went wrong, and takes away what is over.
fn over(visit: &Visit<'_>, away: &Carried<Away>, problem: Problem) -> Answer {
    begun::forget_one(away).into_iter().fold(problem_answer(visit, problem), Answer::with_cookie)
}

/// Lets somebody in for whom a provider vouches.
async fn enter(
    visit: &Visit<'_>,
    connection: &Connection,
    arrival: Arrival,
    away: Option<&Away>,
) -> Result<Answer, Problem> {
    let origin = visit.origin(connection.tenant);
    let sign_in = &visit.service.sign_in;
    let Some(settings) = visit.directory.settings(connection.tenant) else {
        return Err(visit.refuse(TenantId::SYSTEM, "connection-gone", Problem::SignInOver).await);
    };
    let standing = visit.directory.standing(&arrival.assertion);
    let new = sign_in.begin(&arrival.assertion, connection, &standing, settings, &origin, None).await?;
    // Once more, after the session is kept: the directory in hand may be some moments old.
    if let Some(door) = &visit.service.doors.accounts {
        let stored = door.administration.stored_connection(connection.id).await;
        if !stored.is_ok_and(|stored| {
            stored.enabled && stored.protocol == connection.protocol && stored.rules == connection.rules
        }) {
            return Err(local::withdrawn(visit, &new.session, "connection-changed").await);
        }
    }
    // The cookie of the session before does not come with a form of another site, so what it replaces was kept.
    if let Some((person, old)) = away.and_then(|away| away.replaces) {
        sign_in.end_of(person, sign_in::Ending::Replaced, &origin, |session| session.id == old).await?;
    }
    if let Some((address, started)) = away.and_then(|away| Some((away.address.parse().ok()?, away.started))) {
        sign_in.refusals.arrive(address, started);
    }
    keep_proof(visit, &new.session, &arrival).await?;
    if let Some(name) = &arrival.name {
        sign_in.name(&new.session, &settings.sessions, name).await?;
    }
    let answer = arrived(away.map(|away| away.place.as_str()))
        .with_cookie(Cookie::Session.set(&new.secret))
        .with_cookie(Cookie::SignIn.unset());
    Ok(begun::forget(visit).fold(answer, Answer::with_cookie))
}

/// Ends the session here, and at the identity provider where that is offered.
pub(crate) async fn sign_out(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let resumed = &visit.signed_in()?.resumed;
    let session = &resumed.session;
    let origin = visit.origin(session.tenant);
    // Here first: whatever becomes of asking the provider, this session is over.
    visit.service.sign_in.end(resumed, sign_in::Ending::SignedOut, &origin).await?;
    let answer = match sign_out_there(visit, session).await {
        None => Answer::see("/signed-out"),
        // A redirect would be held against the target of the form by some browsers, so the page turns by itself.
        Some(address) => {
            let turn = Some(Turn { seconds: 0, to: address.clone() });
            let page = NoticePage {
                frame: Frame { turn, ..Frame::plain(visit.correlation.to_string()) },
                title: "You are signed out here",
                paragraphs: vec!["One more step signs you out at your organization too."],
                onward: address,
                onward_words: "Sign out there too",
            };
            Answer::page(render(&page)?)
        }
    };
    Ok(answer.forgetting().with_cookie(Cookie::Session.unset()))
}

/// Shows an OpenID provider the keys by which we say who we are.
pub(crate) fn oidc_keys(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let connection = connection(visit)?;
    let providers = providers(visit, connection).filter(|_| connection.oidc().is_some()).ok_or(Problem::NotFound)?;
    match providers.metadata(connection) {
        Ok(Some(keys)) => Ok(Answer::key_set(keys)),
        Ok(None) => Err(Problem::NotFound),
        Err(_) => Err(Problem::Unavailable),
    }
}

/// Takes an OpenID provider's notice that sessions ended (OpenID Connect Back-Channel Logout 1.0 §2.8).
pub(crate) async fn oidc_backchannel(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let refused = || Answer::short(StatusCode::BAD_REQUEST, r#"{"error":"invalid_request"}"#);
    let Ok(connection) = connection(visit) else {
        return Ok(refused());
    };
    let Some(providers) = providers(visit, connection).filter(|_| connection.oidc().is_some()) else {
        return Ok(refused());
    };
    match providers.ending(connection, visit.form.text("logout_token")).await {
        Ok(ending) => {
            // What fails half-way is not noticed, so that the provider's next try does the rest.
            let outcome = end_sessions(visit, connection, &ending).await?;
            providers.ended(connection, &ending, outcome).await.map_err(|_| Problem::Unavailable)?;
            Ok(Answer::short(StatusCode::OK, ""))
        }
        Err(reason) => match visit.refuse_by(connection, reason, Problem::NotAForm).await {
            Problem::NotAForm => Ok(refused()),
            problem => Err(problem),
        },
    }
}

/// Describes us to a SAML identity provider.
pub(crate) fn saml_metadata(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let connection = connection(visit)?;
    let providers = providers(visit, connection).filter(|_| connection.saml().is_some()).ok_or(Problem::NotFound)?;
    match providers.metadata(connection) {
        Ok(Some(xml)) => Ok(Answer::metadata(xml)),
        Ok(None) => Err(Problem::NotFound),
        Err(_) => Err(Problem::Unavailable),
    }
}

/// Takes a SAML identity provider's request to end sessions, or its answer to ours.
pub(crate) async fn saml_logout(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let connection = connection(visit)?;
    let providers = providers(visit, connection).filter(|_| connection.saml().is_some()).ok_or(Problem::NotFound)?;
    // The signature is over the query as it was sent, so that is what is read.
    match providers.ending(connection, visit.http.query_string()).await {
        Ok(ending) => {
            let outcome = end_sessions(visit, connection, &ending).await.unwrap_or(Outcome::Failed);
            if outcome != Outcome::Ended {
                tracing::warn!(correlation = %visit.correlation, connection = %connection.id, ?outcome, "no session ended at a provider's request");
            }
            let answer = providers.ended(connection, &ending, outcome).await.map_err(|_| Problem::Unavailable)?;
            match (answer, outcome) {
                (Some(address), _) => Ok(Answer::away(address)),
                (None, Outcome::Failed) => Err(Problem::Unavailable),
                (None, Outcome::Ended | Outcome::UnknownPerson) => Ok(Answer::see("/signed-out")),
            }
        }
        Err(reason) => Err(visit.refuse_by(connection, reason, Problem::NotAForm).await),
    }
}

async fn end_sessions(visit: &Visit<'_>, connection: &Connection, ending: &Ending) -> Result<Outcome, Problem> {
    let sign_in = &visit.service.sign_in;
    let origin = visit.origin(connection.tenant);
    let Some(name) = &ending.name else {
        for session in &ending.sessions {
            sign_in.end_by_provider(connection.id, session, &origin).await?;
        }
        if let Some(person) = person(visit, connection, ending) {
            // A session that is named is the one that ends, and with it those of the person that may be it: the provider gave no name for
            // them (OpenID Connect Back-Channel Logout 1.0 §2.6). Without a name all of the person's do.
            let theirs = |session: &Session| {
                session.connection == connection.id
                    && (ending.sessions.is_empty() || session.provider_session.is_none())
            };
            sign_in.end_of(person, sign_in::Ending::EndedByProvider, &origin, theirs).await?;
        }
        return Ok(Outcome::Ended);
    };
    // A session's index tells nothing without its person: providers may give many people the same (SAML Core §2.7.2).
    let theirs = |session: &Session| {
        let named = session.provider_session.as_ref().is_some_and(|index| ending.sessions.contains(index));
        session.connection == connection.id && (ending.sessions.is_empty() || named)
    };
    let mut people = sign_in.named(connection.id, name).await?;
    let mut outcome = if people.is_empty() { Outcome::UnknownPerson } else { Outcome::Ended };
    people.extend(person(visit, connection, ending));
    for person in people {
        if sign_in.end_of(person, sign_in::Ending::EndedByProvider, &origin, theirs).await? > 0 {
            outcome = Outcome::Ended;
        }
    }
    Ok(outcome)
}

/// Returns the person whom an ending names as an assertion would.
fn person(visit: &Visit<'_>, connection: &Connection, ending: &Ending) -> Option<RecordId> {
    let (issuer, subject) = ending.person.as_ref()?;
    let naming = &visit.service.sign_in.vault.secrets(connection.tenant).naming;
    Some(naming.name("person", &[&connection.id.to_string(), issuer, subject]))
}

async fn sign_out_there(visit: &Visit<'_>, session: &Session) -> Option<String> {
    let connection = visit.directory.connection(session.connection)?;
    let providers = providers(visit, connection)?;
    let proof = visit.service.sign_in.book.take::<Hidden>(TicketKind::ProviderSession, proof_key(visit, session)).await;
    let proof = proof.ok().flatten().map(|kept| kept.value);
    providers.sign_out(connection, proof.as_ref()).await
}

/// Keeps what shows the provider whom it signed in, as long as the session may last.
async fn keep_proof(visit: &Visit<'_>, session: &Session, arrival: &Arrival) -> Result<(), Problem> {
    let Some(proof) = &arrival.proof else {
        return Ok(());
    };
    let book = &visit.service.sign_in.book;
    let owner = book.keys.owner("provider-proof", &[session.id.as_bytes()]);
    let expires = session.ends_at_most(&visit.limits(session.tenant));
    let key = proof_key(visit, session);
    let kept = book.put(TicketKind::ProviderSession, session.tenant, key, owner, expires, proof).await;
    if kept.is_ok() { Ok(()) } else { Err(Problem::Unavailable) }
}

fn proof_key(visit: &Visit<'_>, session: &Session) -> TicketKey {
    visit.service.sign_in.book.keys.key(TicketKind::ProviderSession, &[b"proof", session.id.as_bytes()])
}

/// Returns the connection of the path.
pub(crate) fn connection<'a>(visit: &'a Visit<'_>) -> Result<&'a Connection, Problem> {
    let id = visit.part("connection").parse().map_err(|_| Problem::NotFound)?;
    visit.directory.connection(id).ok_or(Problem::NotFound)
}

fn providers<'a>(visit: &'a Visit<'_>, connection: &Connection) -> Option<&'a dyn IdentityProviders> {
    let doors = &visit.service.doors;
    match connection.protocol {
        Protocol::Oidc(_) => doors.oidc.as_deref(),
        Protocol::Saml(_) => doors.saml.as_deref(),
    }
}
