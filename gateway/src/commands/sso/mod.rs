//! `sealgate sso`: trying out the ways in before people do, and keys for SAML.

mod applications;
mod explain;

use crate::cli::{SsoCommand, SsoKeys, SsoTest};
use crate::commands::files::{not_written, write_new};
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use crate::sign_on;
use domain::directory::{Connection, Protocol, SamlSettings};
use domain::time::Timestamp;
use serde_json::json;
use sso::oidc::{RelyingParty, Step, Verdict};
use sso::saml::{IdentityProvider, KeyPair};
use std::fs;
use std::sync::Arc;

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
    let mut steps = match &connection.protocol {
        Protocol::Oidc(_) => {
            let http = sign_on::egress(&config.sign_on)?;
            let (clock, entropy) = (Arc::clone(&installation.clock), Arc::clone(&installation.entropy));
            RelyingParty::new(http, clock, entropy, Arc::new(installation.book())).check(connection).await
        }
        Protocol::Saml(settings) => saml(config, connection, settings, installation.clock.now()),
    };
    steps.push(rules(connection));
    if !config.sign_on.enabled {
        steps.push(step("gateway", Verdict::Bad, "Sign-on is not enabled: set `enabled = true` under [sign_on]."));
    }
    let bad = steps.iter().any(|step| step.verdict == Verdict::Bad);
    if test.print.json {
        let steps: Vec<_> = steps
            .iter()
            .map(|step| json!({ "step": step.step, "verdict": word(step.verdict), "advice": step.advice }))
            .collect();
        output::json(&json!({ "connection": connection.name, "well": !bad, "steps": steps }))?;
    } else {
        let mut rows = vec![["STEP", "VERDICT", "WHAT IT MEANS"].map(str::to_owned).to_vec()];
        rows.extend(
            steps.iter().map(|step| vec![step.step.to_owned(), word(step.verdict).to_owned(), step.advice.clone()]),
        );
        output::table(&rows)?;
    }
    if bad { Err(Stop::new(Exit::Failed, "nobody can sign in by this connection as it is")) } else { Ok(()) }
}

fn saml(config: &Config, connection: &Connection, settings: &SamlSettings, now: Timestamp) -> Vec<Step> {
    let mut steps = vec![if connection.enabled {
        step("settings", Verdict::Good, "The settings can be used.")
    } else {
        step("settings", Verdict::Advice, "The settings can be used; the connection is switched off.")
    }];
    steps.push(match IdentityProvider::read(settings, now) {
        Ok(_) => step(
            "metadata",
            Verdict::Good,
            "The provider's metadata has an address for sign-in and a certificate that signatures are verified with.",
        ),
        Err(fault) => step("metadata", Verdict::Bad, &format!("The provider's metadata cannot be used: {fault}.")),
    });
    steps.push(match &config.sign_on.saml {
        Some(_) => step("keys", Verdict::Good, "Keys for signing requests and opening assertions are configured."),
        None => step(
            "keys",
            Verdict::Bad,
            "No keys are configured: `sealgate sso keys --folder FOLDER` makes them and says what to add to the configuration.",
        ),
    });
    steps
}

fn rules(connection: &Connection) -> Step {
    if connection.rules.is_empty() {
        return step("rules", Verdict::Bad, "There is no rule, so nobody is admitted: `sealgate connection rule add`.");
    }
    step("rules", Verdict::Good, "There are rules; whoever fits none of them is told whom to ask.")
}

fn step(name: &'static str, verdict: Verdict, advice: &str) -> Step {
    Step { step: name, verdict, advice: advice.to_owned() }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Advice => "advice",
        Verdict::Bad => "bad",
    }
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
