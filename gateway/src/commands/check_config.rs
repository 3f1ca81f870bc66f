//! `sealgate check-config`: reads the configuration and prints what is in force.

use crate::cli::Json;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::{output, sign_on, tls};
use std::path::{Path, PathBuf};

/// Prints the settings in force; secrets appear as the path of their file, never as their content.
///
/// # Errors
/// [`Exit::Configuration`] when a certificate or key file is wrong.
pub fn run(config: &Config, print: Json) -> Outcome {
    let of_listeners = config.mllp.iter().filter_map(|listener| listener.tls.as_ref());
    for settings in of_listeners.chain(config.fhir.tls.as_ref()) {
        tls::server(settings)?;
    }
    sign_on::check(&config.sign_on)?;
    if print.json {
        let value = serde_json::to_value(config).map_err(|fault| Stop::new(Exit::Failed, fault))?;
        return output::json(&value);
    }
    let text = toml::to_string(config).map_err(|fault| Stop::new(Exit::Failed, fault))?;
    output::line(text.trim_end())?;
    match missing(config) {
        Some(file) => output::note(format_args!(
            "the configuration is right, but there is no {}: `sealgate init` makes an installation",
            file.display()
        )),
        None => output::note("the configuration is right"),
    }
    Ok(())
}

/// Returns the first file of an installation that is named and not there.
fn missing(config: &Config) -> Option<&Path> {
    let database = config.database.sqlite_file.as_ref().or(config.database.postgres_url_file.as_ref());
    let files = [database, Some(&config.custody.slots_file), Some(&config.audit.anchor_file)];
    files.into_iter().flatten().find(|file| !file.exists()).map(PathBuf::as_path)
}
