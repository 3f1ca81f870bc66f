//! Changing who opens the root: every change is in the system chain before the custody file is replaced.

use super::passphrase;
use crate::cli::Json;
use crate::commands::console::Console;
use crate::config::{self, Config};
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{Installation, not_in_custody, wait};
use crate::output;
use domain::access::{Action, Role};
use domain::audit::Context;
use domain::id::TenantId;
use domain::journal::Act;
use domain::keys::slot::{KdfParams, Slot, SlotKind};
use domain::keys::{Roots, SupportCode};
use domain::secret::SecretBytes;
use keys::custody::{Custody, CustodyFault, delay_before_attempt};
use keys::entropy::SystemEntropy;
use keys::file::{read_credential_file, read_secret_file};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Lists the slots; needs no secret, since the file says it in clear.
pub(super) fn list(config: &Config, print: Json) -> Outcome {
    let custody = Custody::read(&config.custody.slots_file).map_err(not_in_custody)?;
    if print.json {
        let slots: Vec<_> = custody
            .slots
            .iter()
            .map(|slot| {
                let kdf = slot.kdf.as_ref().map(|kdf| {
                    json!({ "name": "argon2id", "memory_kib": kdf.memory_kib, "passes": kdf.passes, "lanes": kdf.lanes })
                });
                json!({ "slot": slot.id, "kind": kind_name(slot.kind), "kdf": kdf, "used_at_start": slot.kind == in_use(&config.custody) })
            })
            .collect();
        return output::json(&json!(slots));
    }
    let mut rows = vec![["SLOT", "OPENED BY", "KEY DERIVATION", ""].map(str::to_owned).to_vec()];
    for slot in &custody.slots {
        let kdf = match &slot.kdf {
            Some(kdf) => {
                let mebibytes = kdf.memory_kib.div_euclid(1_024);
                format!("Argon2id, {mebibytes} MiB, {} passes, {} lanes", kdf.passes, kdf.lanes)
            }
            None => "HKDF-SHA256".to_owned(),
        };
        let used = if slot.kind == in_use(&config.custody) { "used at start" } else { "" };
        rows.push(vec![slot.id.to_string(), kind_name(slot.kind).to_owned(), kdf, used.to_owned()]);
    }
    output::table(&rows)
}

/// Adds a passphrase slot.
pub(super) async fn add_passphrase(config: &Config, file: Option<&Path>) -> Outcome {
    let path = &config.custody.slots_file;
    let custody = Custody::read(path).map_err(not_in_custody)?;
    let passphrase = passphrase::new(file)?;
    let installation = Installation::open(config).await?;
    let changed = async {
        let roots = Arc::clone(&installation.roots);
        let custody = with_slots(custody, roots, vec![(SlotKind::Passphrase, passphrase)]).await?;
        let slot = custody.slots.iter().map(|slot| slot.id).max().unwrap_or_default();
        record(&installation, &format!("slot {slot} (passphrase) added")).await?;
        custody.write(path).map_err(not_in_custody)?;
        output::line(format_args!("slot {slot} added: its passphrase opens the root from now on"))
    };
    let changed = changed.await;
    installation.close().await;
    changed
}

/// Removes a slot, unless the installation could then not be opened as it is configured.
pub(super) async fn remove(config: &Config, number: u32) -> Outcome {
    let path = &config.custody.slots_file;
    let mut custody = Custody::read(path).map_err(not_in_custody)?;
    let removed = may_be_removed(&custody.slots, number, in_use(&config.custody))?;
    let installation = Installation::open(config).await?;
    let changed = async {
        let slot = custody.slots.iter().find(|slot| slot.id == number).cloned();
        if opens_as_configured(config, slot).await? {
            let line =
                format!("the configuration opens the root by slot {number}: let it use another slot's secret first");
            return Err(Stop::new(Exit::Failed, line));
        }
        record(&installation, &format!("slot {number} ({}) removed", kind_name(removed))).await?;
        custody.slots.retain(|slot| slot.id != number);
        custody.write(path).map_err(not_in_custody)?;
        output::line(format_args!("slot {number} removed: what opened it opens nothing any more"))?;
        output::note("copies of the custody file made before still open with it");
        Ok(())
    };
    let changed = changed.await;
    installation.close().await;
    changed
}

/// Opens the root by the support code, and sets a new passphrase and a new support code.
pub(super) async fn recover(config: &Config, code_file: Option<&Path>, passphrase_file: Option<&Path>) -> Outcome {
    let path = &config.custody.slots_file;
    let custody = Custody::read(path).map_err(not_in_custody)?;
    let roots = open_by_support_code(path, passphrase::support_code(code_file)?).await?;
    let passphrase = passphrase::new(passphrase_file)?;
    let code = SupportCode::generate(&SystemEntropy)
        .map_err(|_| Stop::new(Exit::Failed, "the operating system gives no randomness"))?;

    let installation = Installation::open_with(config, roots).await?;
    let changed = async {
        let old: Vec<_> =
            custody.slots.iter().filter(|slot| slot.kind != SlotKind::CredentialFile).map(|slot| slot.id).collect();
        let new =
            vec![(SlotKind::Passphrase, passphrase), (SlotKind::SupportCode, SecretBytes::new(code.expose().to_vec()))];
        let mut custody = with_slots(custody, Arc::clone(&installation.roots), new).await?;
        custody.slots.retain(|slot| !old.contains(&slot.id));
        record(&installation, "recovered by the support code: passphrase and support code are new").await?;
        custody.write(path).map_err(not_in_custody)?;
        output::line(
            "The root opens by the new passphrase; passphrases and support codes of before open nothing any more.",
        )?;
        output::line("")?;
        output::line("The new support code, shown this once. Write it down and keep it apart from this machine:")?;
        output::line("")?;
        output::line(format_args!("    {}", code.render().as_str()))
    };
    let changed = changed.await;
    installation.close().await;
    changed?;
    match &config.custody.passphrase_file {
        Some(file) => {
            output::note(format_args!("\nput the new passphrase into {} before the next start", file.display()))
        }
        None if config.custody.credential_file.is_some() => {
            output::note(
                "\nthe configuration opens the root by a credential file: set `passphrase_file` to use the passphrase",
            );
        }
        None => {}
    }
    Ok(())
}

/// Makes slots off the async workers: Argon2id takes its time and memory on purpose.
async fn with_slots(mut custody: Custody, roots: Arc<Roots>, new: Vec<(SlotKind, SecretBytes)>) -> Outcome<Custody> {
    output::note("deriving keys …");
    let made = tokio::task::spawn_blocking(move || {
        for (kind, secret) in new {
            let params = KdfParams::recommended(&SystemEntropy)?;
            custody.add(&roots, kind, secret.expose(), Some(params), &SystemEntropy)?;
        }
        Ok::<_, CustodyFault>(custody)
    });
    match made.await {
        Ok(custody) => custody.map_err(not_in_custody),
        Err(_) => Err(Stop::new(Exit::Failed, "the key slots could not be made")),
    }
}

/// Says whether the configured secret opens this slot. A secret from a descriptor is read only once, and then not tried.
async fn opens_as_configured(config: &Config, slot: Option<Slot>) -> Outcome<bool> {
    let custody = config.custody.clone();
    let tried = tokio::task::spawn_blocking(move || {
        let Some(slot) = slot.filter(|slot| slot.kind == in_use(&custody)) else { return Ok(false) };
        let secret = match (&custody.passphrase_file, &custody.credential_file) {
            (Some(path), _) => read_secret_file(path)?,
            (None, Some(path)) => read_credential_file(path)?,
            (None, None) => return Ok(false),
        };
        Ok::<_, CustodyFault>(slot.open(secret.expose()).is_ok())
    });
    match tried.await {
        Ok(opens) => opens.map_err(not_in_custody),
        Err(_) => Err(Stop::new(Exit::Failed, "the key slot could not be tried")),
    }
}

async fn open_by_support_code(path: &Path, code: SupportCode) -> Outcome<Roots> {
    let file: PathBuf = path.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        let custody = Custody::read(&file)?;
        wait(delay_before_attempt(&file));
        custody.open(&file, SlotKind::SupportCode, code.expose())
    });
    match opened.await {
        Ok(Err(CustodyFault::Wrong { path, failures })) => {
            let line =
                format!("wrong support code: no slot of {} opens with it ({failures} failed so far)", path.display());
            Err(Stop::new(Exit::WrongSecret, line))
        }
        Ok(opened) => opened.map_err(not_in_custody),
        Err(_) => Err(Stop::new(Exit::Failed, "the key slots could not be tried")),
    }
}

async fn record(installation: &Installation, what: &str) -> Outcome {
    const RESOURCE: &str = "Custody";
    let console = Console::new(installation, TenantId::SYSTEM, Role::SystemOperator);
    let action = Action::KeyCustody;
    let rule = console.may(action, RESOURCE, "").await?;
    let context = Context { reason: Some(what.to_owned()), rule: Some(rule.to_owned()), ..Context::default() };
    console.record(Act::done(action.name(), RESOURCE, ""), context).await
}

/// Returns the kind of a slot that may go.
fn may_be_removed(slots: &[Slot], number: u32, in_use: SlotKind) -> Outcome<SlotKind> {
    let Some(slot) = slots.iter().find(|slot| slot.id == number) else {
        return Err(Stop::new(Exit::Failed, format!("there is no slot {number}: `sealgate key slots` lists them")));
    };
    if slots.len() == 1 {
        return Err(Stop::new(Exit::Failed, "the last slot stays: without it nothing could ever be read again"));
    }
    let others = slots.iter().any(|other| other.id != number && other.kind == slot.kind);
    if slot.kind == in_use && !others {
        let line = format!(
            "slot {number} is the only one the configuration opens the root by ({}): add another first",
            kind_name(in_use)
        );
        return Err(Stop::new(Exit::Failed, line));
    }
    Ok(slot.kind)
}

/// Returns the kind of slot by which the configuration opens the root.
fn in_use(custody: &config::Custody) -> SlotKind {
    if custody.credential_file.is_some() { SlotKind::CredentialFile } else { SlotKind::Passphrase }
}

/// Returns the words for a kind of slot.
pub(in crate::commands) fn kind_name(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "passphrase",
        SlotKind::SupportCode => "support code",
        SlotKind::CredentialFile => "credential file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(id: u32, kind: SlotKind) -> Slot {
        Slot { id, kind, kdf: None, wrapped: Vec::new(), check: [0; 16] }
    }

    #[test]
    fn a_slot_goes_only_while_another_opens_the_root_as_configured() {
        let slots = [slot(1, SlotKind::Passphrase), slot(2, SlotKind::SupportCode), slot(3, SlotKind::Passphrase)];
        assert_eq!(may_be_removed(&slots, 1, SlotKind::Passphrase).unwrap(), SlotKind::Passphrase);
        assert_eq!(may_be_removed(&slots, 2, SlotKind::Passphrase).unwrap(), SlotKind::SupportCode);
        assert!(may_be_removed(&slots, 4, SlotKind::Passphrase).is_err());
        assert!(may_be_removed(&slots[..2], 1, SlotKind::Passphrase).is_err());
        assert!(may_be_removed(&slots[..2], 1, SlotKind::CredentialFile).is_ok());
        assert!(may_be_removed(&slots[1..2], 2, SlotKind::Passphrase).is_err());
    }
}
