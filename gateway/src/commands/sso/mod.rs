//! `sealgate sso`: trying out the ways in before people do, and keys for SAML.

mod explain;

use crate::cli::{SsoCommand, SsoKeys, SsoTest};
use crate::commands::files::{not_written, write_new};
use crate::commands::find;
use crate::config::Config;
use crate::diagnosis::Diagnosis;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use serde_json::json;
use sso::oidc::Verdict;
use sso::saml::KeyPair;
use std::fs;

/// Runs the command.
///
/// # Errors
/// [`Exit::Failed`] when a step of a test is bad or keys cannot be written; else as for opening an installation.
pub async fn run(config: &Config, command: SsoCommand) -> Outcome {
    match command {
        SsoCommand::Test(test) => {
            let installation = Installation::open(config).await?;
            let tested = try_out(config, &installation, &test).await;
            installation.close().await;
            tested
        }
        SsoCommand::Explain(wanted) => {
            let installation = Installation::open(config).await?;
            let explained = explain::run(config, &installation, wanted).await;
            installation.close().await;
            explained
        }
        SsoCommand::Keys(keys) => make_keys(&keys),
    }
}

async fn try_out(config: &Config, installation: &Installation, test: &SsoTest) -> Outcome {
    let directory = installation.directory().await?;
    let connection = find::connection(&directory, &test.connection, test.tenant.as_deref())?;
    if let Some(last) = test.last {
        return explain::of_connection(config, installation, connection, last, test.print).await;
    }
    let steps = Diagnosis::new(config, installation)?.test(connection).await;
    let bad = steps.iter().any(|step| step.verdict == Verdict::Bad);
    if test.print.json {
        let steps: Vec<_> = steps
            .iter()
            .map(|step| json!({ "step": step.step, "verdict": step.verdict.name(), "advice": step.advice }))
            .collect();
        output::json(&json!({ "connection": connection.name, "well": !bad, "steps": steps }))?;
    } else {
        let mut rows = vec![["STEP", "VERDICT", "WHAT IT MEANS"].map(str::to_owned).to_vec()];
        rows.extend(
            steps.iter().map(|step| vec![step.step.to_owned(), step.verdict.name().to_owned(), step.advice.clone()]),
        );
        output::table(&rows)?;
    }
    if bad { Err(Stop::new(Exit::Failed, "nobody can sign in by this connection as it is")) } else { Ok(()) }
}

/// Makes one pair for signing and one for encryption, never over files that are there.
fn make_keys(keys: &SsoKeys) -> Outcome {
    fs::create_dir_all(&keys.folder).map_err(|why| not_written(&keys.folder, &why))?;
    let now = domain::ports::Clock::now(&crate::clock::SystemClock);
    for purpose in ["signing", "encryption"] {
        let made =
            KeyPair::make(&format!("{} {purpose}", keys.name), now).map_err(|why| Stop::new(Exit::Failed, why))?;
        write_new(&keys.folder.join(format!("saml-{purpose}.key")), made.key_pem.as_bytes(), 0o400)?;
        write_new(&keys.folder.join(format!("saml-{purpose}.crt")), made.certificate_pem.as_bytes(), 0o444)?;
    }
    let folder = std::path::absolute(&keys.folder).unwrap_or_else(|_| keys.folder.clone());
    output::line("add to the configuration:")?;
    output::line("")?;
    for purpose in ["signing", "encryption"] {
        let file = |end: &str| toml::Value::from(folder.join(format!("saml-{purpose}.{end}")).display().to_string());
        output::line(format_args!("[[sign_on.saml.{purpose}]]"))?;
        output::line(format_args!("certificate_file = {}", file("crt")))?;
        output::line(format_args!("key_file = {}", file("key")))?;
    }
    Ok(())
}
