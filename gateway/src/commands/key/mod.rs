//! `sealgate key`: generations of tenants' keys, and the slots that open the root.

mod passphrase;
mod slots;

pub(super) use slots::kind_name;

use crate::cli::Key;
use crate::commands::{find, not_changed};
use crate::config::Config;
use crate::exit::Outcome;
use crate::installation::Installation;
use crate::output;
use std::time::Duration;

/// How long a gateway may go on using the generation before: it believes what it knows for a second.
const SETTLING: Duration = Duration::from_secs(2);

/// Runs `sealgate key …`.
///
/// # Errors
/// [`Stop`](crate::exit::Stop) with what was wrong and what to do.
pub async fn run(config: &Config, command: Key) -> Outcome {
    match command {
        Key::Rotate { tenant } => {
            let installation = Installation::open(config).await?;
            let done = rotate(&installation, &tenant).await;
            installation.close().await;
            done
        }
        Key::Slots(output) => slots::list(config, output),
        Key::AddPassphrase { passphrase_file } => slots::add_passphrase(config, passphrase_file.as_deref()).await,
        Key::RemoveSlot { slot } => slots::remove(config, slot).await,
        Key::Recover { support_code_file, passphrase_file } => {
            slots::recover(config, support_code_file.as_deref(), passphrase_file.as_deref()).await
        }
    }
}

async fn rotate(installation: &Installation, tenant: &str) -> Outcome {
    let tenant = find::chain(&installation.directory().await?, tenant)?.tenant();
    let administration = installation.administration();
    let by = installation.by_operator();
    let progress = |moved: u64| output::note(format_args!("{moved} data keys moved …"));
    let first = administration.rotate_tenant_key(&by, tenant, &progress).await.map_err(not_changed)?;
    // Whoever serves meanwhile wraps under the new generation from now on; what came in between is moved then.
    tokio::time::sleep(SETTLING).await;
    let rest = administration.finish_rotation(&by, tenant, &progress).await.map_err(not_changed)?;
    output::line(format_args!(
        "generation {} is in force; {} data keys moved to it, no record was touched",
        rest.generation,
        first.moved.saturating_add(rest.moved)
    ))
}
