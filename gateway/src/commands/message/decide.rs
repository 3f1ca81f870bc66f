//! `sealgate message replay` and `dismiss`: a person decides about a message that is kept out of the records.

use super::staff;
use crate::cli::{MessageDismiss, MessageReplay};
use crate::commands::{console::Console, find};
use crate::compose;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{CONSOLE, Installation, LOCAL};
use crate::output;
use domain::access::{Action, Role};
use domain::administration::By;
use domain::directory::{Directory, Interface};
use domain::id::{RecordId, TenantId};
use domain::intake::{Decision, Delivery, NotDecided, Replayed, Waiting};
use domain::journal::Actor;
use domain::ports::KeyVault;
use serde_json::json;

/// Takes a message in after all, by the interface that its sender names or that the person does.
pub(super) async fn replay(installation: &Installation, replay: &MessageReplay) -> Outcome {
    let (id, reason) = (read_id(&replay.id)?, given(&replay.reason)?);
    let directory = installation.directory().await?;
    let tenant = find::tenant(&directory, &replay.tenant)?;
    let console = Console::new(installation, tenant, Role::Staff);
    let By { actor, context } = console.by();
    let request = format!("message replay {id}");
    let actor = Actor { request: Some(&request), ..actor };
    let decision =
        Decision { actor, circumstances: context, reason, accept_patient_change: replay.accept_patient_change };
    let named = replay.interface.as_deref().map(|name| interface(&directory, tenant, name)).transpose()?;
    let intake = compose::intake(installation);
    let waiting = intake.take_up(&decision, Action::MessageReplay.name(), id).await.map_err(not_decided)?;
    if !waiting.is_message() {
        return Err(Stop::new(
            Exit::Failed,
            "it was kept without being read, and its sender was refused: once the cause is mended, have it sent again",
        ));
    }
    let by = match named {
        Some(interface) => interface,
        None => only_one(&directory, tenant, &waiting)?,
    };
    let secrets = installation.vault.secrets(tenant);
    let remapped = hl7::replay::remap(by, waiting.bytes(), &secrets.naming, waiting.received()).map_err(|fault| {
        Stop::new(Exit::Failed, format!("nothing was changed, interface {} would refuse it: {fault}", by.name))
    })?;
    let delivery = Delivery {
        subject: &remapped.subject,
        clinic: by.clinic,
        workstation: CONSOLE,
        address: LOCAL.to_owned(),
        correlation: installation.correlation(),
        received: installation.clock.now(),
        bytes: waiting.bytes(),
        identity: &[],
    };
    match intake.replay(&decision, &waiting, &delivery, &remapped.incoming).await.map_err(not_decided)? {
        Replayed::Done(routing) if replay.output.json => {
            output::json(&json!({ "id": id.to_string(), "interface": by.name, "state": routing.name() }))
        }
        Replayed::Done(routing) => {
            output::line(format_args!("replayed by interface {}: the message is {} now", by.name, routing.name()))
        }
        Replayed::Held(why) => {
            Err(Stop::new(Exit::Failed, format!("nothing was changed, the message is held as before: {why}")))
        }
    }
}

/// Closes a message without mapping it.
pub(super) async fn dismiss(installation: &Installation, dismiss: &MessageDismiss) -> Outcome {
    let (id, reason) = (read_id(&dismiss.id)?, given(&dismiss.reason)?);
    let console = staff(installation, &dismiss.tenant).await?;
    let By { actor, context } = console.by();
    let request = format!("message dismiss {id}");
    let actor = Actor { request: Some(&request), ..actor };
    let decision = Decision { actor, circumstances: context, reason, accept_patient_change: false };
    let intake = compose::intake(installation);
    let waiting = intake.take_up(&decision, "message.dismiss", id).await.map_err(not_decided)?;
    intake.dismiss(&decision, &waiting).await.map_err(not_decided)?;
    if dismiss.output.json {
        return output::json(&json!({ "id": id.to_string(), "state": "dismissed" }));
    }
    output::line("dismissed: it is kept as it came, and waits for nobody any more")
}

/// Returns the interface of a tenant that a person names.
fn interface<'a>(directory: &'a Directory, tenant: TenantId, name: &str) -> Outcome<&'a Interface> {
    let ours = || directory.interfaces().filter(|interface| interface.tenant == tenant && interface.enabled);
    ours().find(|interface| interface.name == name || interface.id.to_string() == name).ok_or_else(|| {
        find::nothing("interface", name, ours().map(|interface| interface.name.as_str()), "sealgate interface list")
    })
}

/// Returns the one interface of a tenant that takes messages of this sender.
fn only_one<'a>(directory: &'a Directory, tenant: TenantId, waiting: &Waiting) -> Outcome<&'a Interface> {
    let ours = directory.interfaces().filter(|interface| interface.tenant == tenant && interface.enabled);
    let mut fit = ours.filter(|interface| hl7::replay::is_from(interface, waiting.bytes()));
    match (fit.next(), fit.next()) {
        (Some(interface), None) => Ok(interface),
        (Some(_), Some(_)) => {
            Err(Stop::new(Exit::Failed, "several interfaces take messages of this sender: name one by --interface"))
        }
        (None, _) => {
            Err(Stop::new(Exit::Failed, "no enabled interface takes messages of this sender: name one by --interface"))
        }
    }
}

fn read_id(id: &str) -> Outcome<RecordId> {
    id.parse().map_err(|fault| Stop::new(Exit::Usage, format!("`{id}` is {fault}")))
}

fn given(reason: &str) -> Outcome<&str> {
    match reason.trim() {
        "" => Err(Stop::new(Exit::Usage, "--reason must say why")),
        reason => Ok(reason),
    }
}

fn not_decided(fault: NotDecided) -> Stop {
    match fault {
        NotDecided::Absent => {
            Stop::new(Exit::Failed, "the tenant has no such message: `sealgate message list` shows them")
        }
        NotDecided::NotWaiting(routing) => Stop::new(
            Exit::Failed,
            format!("the message is {}: only one that is unmapped or quarantined waits for a decision", routing.name()),
        ),
        NotDecided::Denied => Stop::new(Exit::Failed, "not permitted"),
        NotDecided::Integrity => Stop::new(
            Exit::Failed,
            "nothing was changed: the message, or a stored record that it changes, does not open",
        ),
        NotDecided::Changed => Stop::new(Exit::Failed, "nothing was changed: somebody else decided meanwhile"),
        NotDecided::Unavailable => Stop::new(Exit::Unavailable, "nothing was changed: the database does not answer"),
    }
}
