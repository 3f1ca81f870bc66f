//! `sealgate message`: what came in and what became of it.

mod decide;
mod page;

use crate::cli::{Json, Message, State};
use crate::commands::console::Console;
use crate::commands::find;
use crate::compose;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output::{self, printable};
use domain::access::Role;
use domain::id::RecordId;
use domain::retrieval::Refusal;
use domain::write::Routing;
use page::{Mapped, Page, Trace};
use serde_json::json;

/// Runs `sealgate message …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn run(config: &Config, command: Message) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        Message::List { tenant, state, limit, output } => list(&installation, &tenant, state, limit, output).await,
        Message::Replay(replay) => decide::replay(&installation, &replay).await,
        Message::Dismiss(dismiss) => decide::dismiss(&installation, &dismiss).await,
        Message::Show { id, tenant, output } => show(&installation, &id, &tenant, output).await,
    };
    installation.close().await;
    done
}

async fn list(installation: &Installation, tenant: &str, state: Option<State>, limit: u32, print: Json) -> Outcome {
    let console = staff(installation, tenant).await?;
    let routing = state.map(|state| match state {
        State::Mapped => Routing::Mapped,
        State::Unmapped => Routing::Unmapped,
        State::Quarantined => Routing::Quarantined,
        State::Late => Routing::Late,
        State::Dismissed => Routing::Dismissed,
    });
    let caller = console.caller("message list".to_owned());
    let found = compose::retrieval(installation).messages(&caller, routing, limit).await.map_err(refused)?;
    if print.json {
        let list: Vec<_> = found
            .iter()
            .map(|message| {
                json!({ "id": message.id.to_string(), "kind": message.kind.name(),
                        "received": message.received.rfc3339(), "state": message.routing.name(),
                        "reason": message.reason })
            })
            .collect();
        return output::json(&json!(list));
    }
    let mut rows = vec![["RECEIVED", "STATE", "KIND", "ID", "REASON"].map(str::to_owned).to_vec()];
    for message in &found {
        rows.push(vec![
            message.received.rfc3339(),
            message.routing.name().to_owned(),
            message.kind.name().to_owned(),
            message.id.to_string(),
            printable(message.reason.as_deref().unwrap_or_default()),
        ]);
    }
    output::table(&rows)
}

/// Shows a message and every resource it was mapped to; each of these views is recorded on its own.
async fn show(installation: &Installation, id: &str, tenant: &str, print: Json) -> Outcome {
    let id: RecordId = id.parse().map_err(|fault| Stop::new(Exit::Usage, format!("`{id}` is {fault}")))?;
    let console = staff(installation, tenant).await?;
    let retrieval = compose::retrieval(installation);
    let caller = console.caller(format!("message show {id}"));
    let message = retrieval.message(&caller, id).await.map_err(refused)?;
    let trace = match &message.trace {
        Some(text) => Trace::read(text)
            .ok_or_else(|| Stop::new(Exit::Failed, "the account of the mapping is not readable by this version"))?,
        None => Trace::default(),
    };
    let mut mapped = Vec::new();
    for (kind, id) in trace.resources() {
        let content = match retrieval.read(&caller, kind, id).await {
            Ok(resource) => Some(resource),
            // Not written, as by a late message, or gone with its key.
            Err(Refusal::NotFound) => None,
            Err(refusal) => return Err(refused(refusal)),
        };
        mapped.push(Mapped { kind, id, content });
    }
    let page = Page { message, trace, mapped };
    if print.json { page.as_json() } else { page.as_text() }
}

/// Takes the part of staff, who work through messages, in a tenant or in the system, which keeps what nobody owned.
async fn staff<'a>(installation: &'a Installation, tenant: &str) -> Outcome<Console<'a>> {
    let tenant = find::chain(&installation.directory().await?, tenant)?.tenant();
    Ok(Console::new(installation, tenant, Role::Staff))
}

fn refused(refusal: Refusal) -> Stop {
    match refusal {
        Refusal::NotFound => {
            Stop::new(Exit::Failed, "the tenant has no such message: `sealgate message list` shows them")
        }
        Refusal::Forbidden => Stop::new(Exit::Failed, "not permitted"),
        Refusal::TooCostly => Stop::new(Exit::Failed, "it would open too many records"),
        Refusal::Integrity => Stop::new(
            Exit::Failed,
            "a stored record does not open: it was changed or moved; the failure is in the audit chain",
        ),
        Refusal::Unavailable => Stop::new(Exit::Unavailable, "the database does not answer"),
    }
}
