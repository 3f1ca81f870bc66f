//! `sealgate audit`: the chains, verified, shown, exported and anchored.

mod anchor;
mod export;
mod private_file;
mod show;
mod verify;

pub use verify::verify_export;

use crate::cli::Audit;
use crate::config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::trail;
use domain::audit::{ChainHead, ChainId};
use std::path::Path;

/// Runs `sealgate audit …`; the configuration is read only where there is an installation to open.
///
/// # Errors
/// Exit code 65 with a JSON diagnosis when a chain is broken, cut short or rolled back.
pub async fn run(config_file: &Path, command: Audit) -> Outcome {
    if let Audit::Verify { export: Some(export), key_file: Some(key_file), records: false, output } = &command {
        return verify_export(export, key_file, *output);
    }
    let config = config::read(config_file).map_err(|fault| Stop::new(Exit::Configuration, fault))?;
    crate::log::start(&config.log);
    match command {
        Audit::Verify { export: None, key_file: None, records, output } => verify::live(&config, records, output).await,
        Audit::Verify { .. } => Err(Stop::new(Exit::Usage, "--export FILE and --key-file FILE go together")),
        Audit::Export { tenant, to, key_file } => export::run(&config, &tenant, &to, key_file.as_deref()).await,
        Audit::Show(show) => show::run(&config, show).await,
        Audit::Anchor { reason } => anchor::run(&config, &reason).await,
    }
}

/// Names a chain in entries about it.
const CHAIN: &str = "AuditChain";

/// Returns where a chain stands now.
async fn head(installation: &Installation, chain: ChainId) -> Outcome<ChainHead> {
    trail::head(&installation.store, chain).await
}
