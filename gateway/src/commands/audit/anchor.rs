//! `sealgate audit anchor`: the present heads become the anchors, after these were lost or a restore was meant.

use super::private_file::{beside, not_written, rename};
use crate::chains::{Chains, NotVerified};
use crate::commands::console::Console;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{self, Installation};
use crate::output;
use domain::access::{Action, Role};
use domain::audit::{AnchorKey, Context};
use domain::id::TenantId;
use domain::journal::Act;
use domain::time::Timestamp;
use std::path::Path;
use store::AnchorFile;

/// Verifies the chains without their anchors, records why, and replaces the anchor file.
///
/// What the old file knew beyond the chains is given up by this; so it is kept beside the new one, and the
/// reason is in the system chain. No gateway may serve meanwhile: it would go on writing to the old file.
pub(super) async fn run(config: &Config, reason: &str) -> Outcome {
    if reason.trim().is_empty() {
        return Err(Stop::new(Exit::Usage, "--reason must say why the anchors are replaced"));
    }
    let path = &config.audit.anchor_file;
    let roots = installation::open_roots(&config.custody).await?;
    let database = installation::open_database(&config.database).await?;
    let store = database.store();
    let key = || AnchorKey::derive(&roots.audit);
    if let Ok(present) = AnchorFile::open(path, key()) {
        let against = Chains { store: &store, audit_root: &roots.audit, anchors: Some(present.all()) };
        let verified = against.verify(u64::MAX).await;
        match verified.and_then(|_| Ok(against.sure()?)) {
            Ok(()) => {
                database.close().await;
                return output::line("the anchors fit the chains: nothing was changed");
            }
            Err(NotVerified::Broken(found)) => output::note(format_args!("against the present anchors: {found}")),
            Err(NotVerified::Unavailable) => return Err(NotVerified::Unavailable.into()),
        }
    }
    let alone = Chains { store: &store, audit_root: &roots.audit, anchors: None };
    let report = alone.verify(u64::MAX).await?;

    // Made under another name: until the reason is in the chain, the old anchors stay in force.
    let new = beside(path, ".new");
    let _ = std::fs::remove_file(&new);
    let unwritable = |fault: store::AnchorFileError| Stop::new(Exit::Failed, format!("{}: {fault}", new.display()));
    let mut anchors = AnchorFile::create(&new, key()).map_err(unwritable)?;
    anchors.advance(&report.chains).map_err(unwritable)?;
    let installation = Installation::with(roots, database, anchors).await?;
    let recorded = record(&installation, reason).await;
    let now = installation.clock.now();
    installation.close().await;
    recorded?;
    put_in_place(path, &new, now)?;
    output::line(format_args!("anchors of {} chains written to {}", report.chains.len(), path.display()))
}

async fn record(installation: &Installation, reason: &str) -> Outcome {
    let console = Console::new(installation, TenantId::SYSTEM, Role::SystemOperator);
    let rule = console.may(Action::AuditQuarantine, RESOURCE, "").await?;
    let context = Context { reason: Some(reason.to_owned()), rule: Some(rule.to_owned()), ..Context::default() };
    console.record(Act::done("audit.anchor", RESOURCE, ""), context).await
}

fn put_in_place(path: &Path, new: &Path, now: Timestamp) -> Outcome {
    let fault = |why| not_written(path, &why);
    if path.exists() {
        let time: String = now.rfc3339().chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let old = beside(path, &format!(".before-{time}"));
        rename(path, &old).map_err(fault)?;
        output::note(format_args!("the anchors before are kept as {}", old.display()));
    }
    rename(new, path).map_err(fault)
}

const RESOURCE: &str = "AnchorFile";
