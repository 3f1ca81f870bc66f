//! `sealgate sso explain`: refused sign-ins in words: which step did not hold, why, and what to do.

use crate::cli::{Json, SsoExplain};
use crate::commands::console::Console;
use crate::commands::find;
use crate::config::Config;
use crate::diagnosis::{Diagnosis, Reach};
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output::{self, printable};
use admin::{Explained, Looking, Meaning};
use domain::access::Role;
use domain::directory::Connection;
use domain::id::TenantId;

pub(super) async fn run(config: &Config, installation: &Installation, wanted: SsoExplain) -> Outcome {
    let directory = installation.directory().await?;
    let chain = find::chain(&directory, &wanted.tenant)?;
    let correlation = wanted.correlation.as_deref().map(|id| {
        id.parse().map_err(|_| {
            Stop::new(Exit::Usage, "a correlation id has 36 characters, as the page of the browser shows it")
        })
    });
    let correlation = correlation.transpose()?;
    let connection = wanted.connection.as_deref();
    let connection = connection.map(|name| find::connection(&directory, name, Some(&wanted.tenant))).transpose()?;
    let looking = Looking { correlation, connection: connection.map(|connection| connection.id), last: wanted.last };
    shown(config, installation, chain.tenant(), &looking, wanted.print).await
}

/// Explains the newest refused sign-ins by a connection.
pub(super) async fn of_connection(
    config: &Config,
    installation: &Installation,
    connection: &Connection,
    last: usize,
    print: Json,
) -> Outcome {
    let looking = Looking { correlation: None, connection: Some(connection.id), last };
    shown(config, installation, connection.tenant, &looking, print).await
}

async fn shown(
    config: &Config,
    installation: &Installation,
    tenant: TenantId,
    looking: &Looking,
    print: Json,
) -> Outcome {
    let console = Console::new(installation, tenant, Role::Auditor);
    let explained = Diagnosis::new(config, installation)?.explain(&console.by(), looking, Reach::Whole).await?;
    if print.json {
        return output::json(&explained.iter().map(Explained::to_json).collect());
    }
    if explained.is_empty() {
        return output::line("no refused sign-in was found; refusals of systems may be in the chain `--tenant system`");
    }
    explained.iter().try_for_each(told)
}

fn told(explained: &Explained) -> Outcome {
    let address = explained.address.as_deref().unwrap_or("nowhere known");
    let Explained { time, what, reason, correlation, .. } = explained;
    output::line(format_args!("{time}  {what} from {}: {}", printable(address), printable(reason)))?;
    output::line(format_args!("    number    {correlation}"))?;
    for Meaning { by, step, sentence } in &explained.meanings {
        output::line(format_args!("    {by}, {step}: {sentence}"))?;
    }
    Ok(())
}
