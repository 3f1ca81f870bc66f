//! `sealgate session …`: who is signed in, and ending that.

use super::console::Console;
use super::find;
use crate::cli::{Json, Session, SessionEnd};
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output::{self, printable};
use crate::sign_on;
use domain::access::Role;
use domain::administration::By;
use domain::id::RecordId;
use domain::identity;
use domain::journal::Actor;
use domain::supervision::{Ended, NotSupervised, Supervision};
use serde_json::json;
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
    let sign_in = sign_on::sign_in(installation, &Arc::new(installation.book()));
    let supervision = Supervision { sign_in: &sign_in, directory: &directory };
    let listed = supervision.sessions(&asking(&console, "session list"), person, |all| (all, ())).await;
    let (sessions, ()) = listed.map_err(not_done)?;
    if print.json {
        return output::json(&sessions.iter().map(|session| admin::session(session, &directory)).collect());
    }
    let way = |session: &identity::Session| match directory.connection(session.connection) {
        Some(connection) => connection.name.clone(),
        None => "account".to_owned(),
    };
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
    let chosen = match (session, person) {
        (Some(session), _) => Ended::Session(session),
        (None, Some(person)) => Ended::Person(person),
        (None, None) => Ended::Everybody,
    };
    let sign_in = sign_on::sign_in(installation, &Arc::new(installation.book()));
    let supervision = Supervision { sign_in: &sign_in, directory: &directory };
    let ended = supervision.end(&asking(&console, "session end"), chosen).await.map_err(not_done)?;
    if end.output.json {
        return output::json(&json!({ "ended": ended }));
    }
    output::line(format_args!("{ended} sessions ended: they are refused from now on, at every gateway"))
}

/// Returns whoever asks, and by which command.
fn asking<'a>(console: &'a Console<'_>, command: &'a str) -> By<'a> {
    let By { actor, context } = console.by();
    By { actor: Actor { request: Some(command), ..actor }, context }
}

fn id(text: &str) -> Outcome<RecordId> {
    text.parse().map_err(|why| Stop::new(Exit::Usage, format!("`{}`: {why}", printable(text))))
}

fn not_done(fault: NotSupervised) -> Stop {
    match fault {
        NotSupervised::NotFound => Stop::new(
            Exit::Failed,
            "there is no such session: it is over, or never was; `sealgate session list` shows those that are",
        ),
        NotSupervised::Unavailable => {
            Stop::new(Exit::Unavailable, "the sessions cannot be read or ended: the database does not answer")
        }
        NotSupervised::Denied | NotSupervised::Integrity => Stop::new(Exit::Failed, fault),
    }
}
