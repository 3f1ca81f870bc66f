//! From the command line to an exit code.

use crate::cli::{Cli, Command};
use crate::commands;
use crate::config::{self, Config};
use crate::exit::{Exit, Outcome, Stop};
use crate::{output, process};
use clap::Parser;
use std::process::ExitCode;

/// Runs the program: reads the command line, does what it says, and returns the exit code.
#[must_use]
pub fn run() -> ExitCode {
    // A usage error ends here with code 2, help and version with 0; both before any key is opened.
    let cli = Cli::parse();
    match start(cli) {
        Ok(()) => Exit::Done.into(),
        Err(stop) => {
            output::note(&stop);
            stop.exit.into()
        }
    }
}

fn start(cli: Cli) -> Outcome {
    process::harden()?;
    // It gives up what a runtime would need, so it runs before there is one.
    if let Command::SamlVerify = cli.command {
        return commands::saml_verify::run();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Stop::new(Exit::Failed, format!("the runtime cannot be started: {why}")))?;
    runtime.block_on(dispatch(cli))
}

async fn dispatch(cli: Cli) -> Outcome {
    let read = || -> Outcome<Config> {
        let config = config::read(&cli.config).map_err(|fault| Stop::new(Exit::Configuration, fault))?;
        crate::log::start(&config.log);
        Ok(config)
    };
    match cli.command {
        Command::Demo(demo) => commands::demo::run(demo).await,
        Command::Init(init) => commands::init::run(init).await,
        Command::Serve => commands::serve::run(&read()?).await,
        Command::CheckConfig(output) => commands::check_config::run(&read()?, output),
        Command::Send(send) => commands::send::run(&cli.config, send).await,
        Command::Message(command) => commands::message::run(&read()?, command).await,
        Command::Tenant(command) => commands::directory::tenant(&read()?, command).await,
        Command::Interface(command) => commands::directory::interface(&read()?, command).await,
        Command::Client(command) => commands::directory::client(&read()?, command).await,
        Command::Connection(command) => commands::connection::run(&read()?, command).await,
        Command::User(command) => commands::user::run(&read()?, command).await,
        Command::Session(command) => commands::session::run(&read()?, command).await,
        Command::Application(command) => commands::application::run(&read()?, command).await,
        Command::Sso(command) => commands::sso::run(&read()?, command).await,
        Command::Audit(command) => commands::audit::run(&cli.config, command).await,
        Command::Review(command) => commands::review::run(&read()?, command).await,
        Command::Key(command) => commands::key::run(&read()?, command).await,
        Command::Status(output) => commands::status::run(&read()?, &cli.config, output).await,
        Command::Completion { shell } => commands::shell::completion(shell),
        Command::Manual => commands::shell::manual(),
        Command::SamlVerify => commands::saml_verify::run(),
    }
}
