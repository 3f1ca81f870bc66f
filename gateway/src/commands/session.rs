//! `sealgate session …`: who is signed in, and ending that.

use super::console::Console;
use super::find;
use crate::cli::{Json, Session, SessionEnd};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{CONSOLE, Installation};
use crate::output::{self, printable};
use crate::sign_on;
use domain::access::{Action, Address, Role};
use domain::audit::Context;
use domain::directory::Directory;
use domain::id::{RecordId, TenantId};
use domain::identity;
use domain::journal::Act;
use domain::launch::Launches;
use domain::sign_in::{Ending, Origin, Refused};
use domain::ticket::NotKept;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Runs `sealgate session …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn run(config: &Config, command: Session) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        Session::List { tenant, person, output } => list(&installation, &tenant, person.as_deref(), output).await,
        Session::End(end) => self::end(&installation, &end).await,
    };
    installation.close().await;
    done
}

async fn list(installation: &Installation, tenant: &str, person: Option<&str>, print: Json) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, tenant)?;
    let person = person.map(id).transpose()?;
    let console = Console::new(installation, tenant, Role::Admin);
    let rule = console.may(Action::UserRead, "Session", "").await?;
    let sessions = sessions(installation, &directory, tenant, person).await?;
    let returned = sessions.iter().map(|session| format!("Session/{}", session.id)).collect();
    let context = Context { rule: Some(rule.to_owned()), returned, ..Context::default() };
    console.record(Act::done(Action::UserRead.name(), "Session", ""), context).await?;

    let limits = directory.session_limits(tenant);
    let way = |session: &identity::Session| match directory.connection(session.connection) {
        Some(connection) => connection.name.clone(),
        None => "account".to_owned(),
    };
    if print.json {
        let values = sessions.iter().map(|session| {
            json!({ "id": session.id.to_string(), "person": session.person.to_string(), "display": session.display,
                    "by": way(session), "roles": session.roles, "clinics": session.clinics,
                    "address": session.address, "started": session.started.rfc3339(), "seen": session.seen.rfc3339(),
                    "ends": session.ends(&limits).rfc3339(), "second_factor": session.second_factor })
        });
        return output::json(&values.collect());
    }
    let heading = ["WHO", "BY", "ROLES", "FROM", "STARTED", "SEEN", "PERSON", "SESSION"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for session in &sessions {
        rows.push(vec![
            printable(&session.display),
            printable(&way(session)),
            find::names_of(session.roles),
            session.address.clone(),
            session.started.rfc3339(),
            session.seen.rfc3339(),
            session.person.to_string(),
            session.id.to_string(),
        ]);
    }
    output::table(&rows)
}

async fn end(installation: &Installation, end: &SessionEnd) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, &end.tenant)?;
    let (session, person) = (end.session.as_deref().map(id).transpose()?, end.person.as_deref().map(id).transpose()?);
    let console = Console::new(installation, tenant, Role::Admin);
    let what = session.or(person).map(|id| id.to_string()).unwrap_or_default();
    let kind = if person.is_some() { "Person" } else { "Session" };
    let rule = console.may(Action::UserChange, kind, &what).await?;
    let chosen: Vec<identity::Session> = sessions(installation, &directory, tenant, person)
        .await?
        .into_iter()
        .filter(|found| session.is_none_or(|wanted| found.id == wanted))
        .collect();
    let book = Arc::new(installation.book());
    let launches = Launches::new(Arc::clone(&book));
    // What a person let applications have beyond their sessions ends with them.
    let granted = match person {
        Some(person) => launches.granted_by(tenant, person).await.map_err(not_taken_back)?,
        None => Vec::new(),
    };
    if chosen.is_empty() && granted.is_empty() && !end.all {
        let line = "there is no such session: it is over, or never was; `sealgate session list` shows those that are";
        return Err(Stop::new(Exit::Failed, line));
    }
    // Whose act it is stands in the chain first; each session's own entry says that it was ended.
    let returned = chosen.iter().map(|session| format!("Session/{}", session.id)).collect();
    let context = Context { rule: Some(rule.to_owned()), returned, ..Context::default() };
    console.record(Act::done("session.end", kind, &what), context).await?;
    for kept in &granted {
        // Each by name, as where an application gives it up: whoever reads the chain sees what is over.
        let (act, reason) = kept.value.revoked("session-ended");
        let returned = vec![format!("Person/{}", kept.value.session.person)];
        console.record(act, Context { rule: Some(rule.to_owned()), returned, ..reason }).await?;
        launches.take_back(kept).await.map_err(not_taken_back)?;
    }
    let sign_in = sign_on::sign_in(installation, &book);
    let origin = Origin {
        address: "local",
        workstation: CONSOLE,
        allowed: Address::Allowed,
        correlation: installation.correlation(),
    };
    let people: BTreeSet<RecordId> = chosen.iter().map(|session| session.person).collect();
    let mut ended = 0_usize;
    for person in people {
        let theirs = |found: &identity::Session| chosen.iter().any(|session| session.id == found.id);
        let count = sign_in.end_of(person, Ending::Revoked, &origin, theirs).await.map_err(not_ended)?;
        ended = ended.saturating_add(count);
    }
    if end.output.json {
        return output::json(&json!({ "ended": ended }));
    }
    output::line(format_args!("{ended} sessions ended: they are refused from now on, at every gateway"))
}

fn not_taken_back(_: NotKept) -> Stop {
    Stop::new(Exit::Unavailable, "the database does not answer; what the person let applications have may go on")
}

/// Returns the sessions of a tenant, or of one person in it, that go on; whoever was seen last comes first.
async fn sessions(
    installation: &Installation,
    directory: &Directory,
    tenant: TenantId,
    person: Option<RecordId>,
) -> Outcome<Vec<identity::Session>> {
    let sign_in = sign_on::sign_in(installation, &Arc::new(installation.book()));
    let found = match person {
        Some(person) => sign_in.sessions_of(person).await,
        None => sign_in.sessions_in(tenant).await,
    };
    let goes_on = |session: &identity::Session| session.tenant == tenant && directory.still_admits(session);
    let mut sessions: Vec<_> = found.map_err(not_ended)?.into_iter().filter(goes_on).collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.seen));
    Ok(sessions)
}

fn id(text: &str) -> Outcome<RecordId> {
    text.parse().map_err(|why| Stop::new(Exit::Usage, format!("`{}`: {why}", printable(text))))
}

fn not_ended(_: Refused) -> Stop {
    Stop::new(Exit::Unavailable, "the sessions cannot be read or ended: the database does not answer")
}
