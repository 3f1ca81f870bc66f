//! The account of whoever is signed in, and where else they are.

use crate::answer::Answer;
use crate::clinical::words;
use crate::pages::{AccountPage, Credentials, Here, NewKey, SessionLine, render};
use crate::problem::Problem;
use crate::visit::Visit;
use domain::access::{Clinics, Role};
use domain::directory::{Account, SecurityKey};
use domain::id::RecordId;
use domain::identity::Session;
use domain::sign_in::Ending;

/// Shows it.
pub(crate) async fn show(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let resumed = &visit.signed_in()?.resumed;
    let session = &resumed.session;
    let limits = visit.limits(session.tenant);
    let mut found = visit.service.sign_in.sessions_of(session.person).await?;
    found.sort_by_key(|other| (other.id != session.id, std::cmp::Reverse(other.seen)));
    let sessions: Vec<SessionLine> = found.iter().map(|other| line(other, session.id)).collect();
    let organization = visit.directory.tenant(session.tenant).map(|tenant| tenant.name.clone()).unwrap_or_default();
    let page = AccountPage {
        frame: visit.frame(Here::Account),
        token: visit.token(),
        said: match visit.query.text("done") {
            "ended" => "That session has ended.",
            "others" => "All other sessions have ended.",
            "password" => "Your password has been changed. Your other sessions have ended.",
            "codes" => "Your new codes are in force.",
            _ => "",
        },
        display: session.display.clone(),
        organization,
        way: way(visit, session),
        roles: session.roles.iter().map(role_in_words).collect::<Vec<_>>().join(", "),
        clinics: clinics(visit, &session.clinics),
        second_factor: session.second_factor,
        credentials: credentials(visit, session),
        idle_minutes: limits.idle_seconds.div_euclid(60),
        ends: words::instant(session.ends_at_most(&limits)),
        others: sessions.iter().any(|line| !line.own),
        sessions,
    };
    Ok(Answer::page(render(&page)?))
}

/// Ends one of the person's sessions; another's is none of theirs.
pub(crate) async fn end_one(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let session = &visit.signed_in()?.resumed.session;
    let chosen: RecordId = visit.form.text("session").parse().map_err(|_| Problem::NotAForm)?;
    let origin = visit.origin(session.tenant);
    let wanted = |other: &Session| other.id == chosen && other.id != session.id;
    visit.service.sign_in.end_of(session.person, Ending::Revoked, &origin, wanted).await?;
    Ok(Answer::see("/account?done=ended"))
}

/// Ends every session of the person but this one.
pub(crate) async fn end_others(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let session = &visit.signed_in()?.resumed.session;
    let origin = visit.origin(session.tenant);
    visit.service.sign_in.end_of(session.person, Ending::Revoked, &origin, |other| other.id != session.id).await?;
    Ok(Answer::see("/account?done=others"))
}

fn line(session: &Session, own: RecordId) -> SessionLine {
    SessionLine {
        id: session.id.to_string(),
        own: session.id == own,
        started: words::instant(session.started),
        seen: words::instant(session.seen),
        address: session.address.clone(),
    }
}

fn credentials(visit: &Visit<'_>, session: &Session) -> Option<Credentials> {
    let by_account = session.connection == Account::connection(session.tenant);
    let account = visit.directory.account(session.subject.parse().ok()?).filter(|_| by_account)?;
    let host = visit.service.doors.accounts.as_ref().and_then(|door| door.accounts.host());
    let recent = |key: &&SecurityKey| visit.now < key.added.plus_seconds(NEWS_SECONDS);
    let newest = account.security_keys.iter().max_by_key(|key| key.added).filter(recent);
    Some(Credentials {
        authenticator: account.totp.is_some(),
        keys: account.keys_of(host).count(),
        keys_offered: host.is_some() || !account.security_keys.is_empty(),
        new_key: newest.map(|key| NewKey { name: key.name.clone(), added: words::instant(key.added) }),
        second_factor: account.has_second_factor(),
        codes: account.recovery.len(),
    })
}

/// For how long a person is told on their page that a security key was added, in seconds: fourteen days.
const NEWS_SECONDS: i64 = 14 * 86_400;

fn way(visit: &Visit<'_>, session: &Session) -> String {
    if session.connection == Account::connection(session.tenant) {
        return "an account kept here".to_owned();
    }
    visit.directory.connection(session.connection).map(|connection| connection.name.clone()).unwrap_or_default()
}

fn clinics(visit: &Visit<'_>, clinics: &Clinics) -> String {
    match clinics {
        Clinics::All => "all".to_owned(),
        Clinics::Some(ids) if ids.is_empty() => "none".to_owned(),
        Clinics::Some(ids) => {
            let named = visit.directory.clinics().filter(|clinic| ids.contains(&clinic.id));
            named.map(|clinic| clinic.name.clone()).collect::<Vec<_>>().join(", ")
        }
    }
}

const fn role_in_words(role: Role) -> &'static str {
    match role {
        Role::Admin => "Administrator",
        Role::Provider => "Provider",
        Role::Staff => "Staff",
        Role::ReadOnly => "Reader",
        Role::ClinicalDirector => "Clinical director",
        Role::IntegrationEngine => "Integration engine",
        Role::Auditor => "Auditor",
        Role::SystemOperator => "System operator",
        Role::Provisioner => "Provisioner",
    }
}
