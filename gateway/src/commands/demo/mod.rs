//! `sealgate demo`: the whole story on this machine, with the real parts and nothing set up before.

mod ask;
mod message;
mod proof;

use crate::cli::{Demo, Init};
use crate::commands::init;
use crate::compose::{Addresses, Gateway};
use crate::config::{self, Config};
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use crate::process::told_to_stop;
use domain::access::{Clinics, Purpose, Role, Roles};
use domain::administration::NewClient;
use domain::directory::{BearerToken, Interface, MappingFailureAs, UnavailableAs};
use domain::id::RecordId;
use domain::time::Timestamp;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Tells the story step by step; each step is done for real and checked.
///
/// # Errors
/// [`Exit::Failed`] with the first step that did not hold.
pub async fn run(demo: Demo) -> Outcome {
    let temporary =
        tempfile::tempdir().map_err(|why| Stop::new(Exit::Failed, format!("no temporary folder: {why}")))?;
    let folder = demo.folder.clone().unwrap_or_else(|| temporary.path().join("sealgate"));
    say("Sealgate demo: every step below happens now, on this machine, with the real parts.")?;

    step(1, "A new installation: keys, an embedded SQLite database, anchors for the audit chains")?;
    let config = set_up(&demo, &folder).await?;
    say(format_args!("   folder        {}", folder.display()))?;

    step(2, "A tenant, an interface that may send, and a client that may read")?;
    let token = parties(&config).await?;
    say("   tenant        Harbour Hospital, interface harbour-lab, client ward-viewer (read-only)")?;

    step(3, "The gateway starts: it verifies its audit chains, then opens its ports")?;
    let (installation, report) = Installation::open_verified(&config).await?;
    say(format_args!("   verified      {} audit entries in {} chains", report.entries, report.chains.len()))?;
    let gateway = Gateway::start(&config, installation, report.rest).await?;
    let addresses = gateway.addresses().clone();
    let (mllp, fhir) = ports(&addresses)?;
    say(format_args!("   listening     mllp://{mllp}   http://{fhir}/fhir"))?;

    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stop.clone();
    let running = tokio::spawn(gateway.run_until(async move { stopped.cancelled().await }));
    let told = tell(&folder, mllp, fhir, &token).await;
    stop.cancel();
    let ended = running.await.map_err(|_| Stop::new(Exit::Failed, "the gateway ended abruptly"))?;
    told?;
    ended?;

    step(8, "One byte of the audit chain is changed by hand, in a copy of the database")?;
    proof::changed_byte_stops_the_start(&folder).await?;
    say("\nEvery step held.")?;
    if demo.once {
        return Ok(());
    }
    serve_on(&config, &folder, &addresses, &token).await
}

/// Steps that need the gateway to serve.
async fn tell(folder: &Path, mllp: SocketAddr, fhir: SocketAddr, token: &BearerToken) -> Outcome {
    step(4, "A laboratory sends a result over MLLP (ORU^R01, HL7 v2.5.1)")?;
    for line in message::RESULT.lines().take(4) {
        say(format_args!("   > {}", shortened(line)))?;
    }
    let answer = ask::send(mllp, message::RESULT).await?;
    say(format_args!(
        "   < MSA|{}|DEMO0001   in {} ms: durable, sealed, indexed and in the audit chain",
        answer.code,
        answer.elapsed.as_millis()
    ))?;
    holds(answer.code == "AA", "the message is answered AA")?;

    step(5, "A client reads it as FHIR R4, with its bearer token")?;
    let reports = ask::get(
        fhir,
        &format!("/fhir/DiagnosticReport?identifier={}&_include=DiagnosticReport:result", message::FILLER),
        token,
    )
    .await?;
    say(format_args!("   GET /fhir/DiagnosticReport?identifier={}&_include=DiagnosticReport:result", message::FILLER))?;
    proof::report_is_right(&reports)?;

    step(6, "The same data is unreadable in the database")?;
    proof::nothing_in_clear(folder)?;

    step(7, "Every act is in the tamper-evident audit chain")?;
    proof::chains_are_whole(folder).await
}

/// Goes on serving until stopped, with commands to try.
async fn serve_on(config: &Config, folder: &Path, addresses: &Addresses, token: &BearerToken) -> Outcome {
    // The same ports as before, so that what was shown can be tried.
    let mut config = config.clone();
    for (listener, (_, address)) in config.mllp.iter_mut().zip(&addresses.mllp) {
        listener.bind = *address;
    }
    config.fhir.bind = addresses.fhir;
    let (installation, report) = Installation::open_verified(&config).await?;
    let gateway = Gateway::start(&config, installation, report.rest).await?;
    let (mllp, fhir) = ports(gateway.addresses())?;
    let configuration = folder.join("sealgate.toml");
    say("\nStill serving; stop with Ctrl-C. To try:")?;
    say(format_args!(
        "   curl -H 'Authorization: Bearer {}' 'http://{fhir}/fhir/DiagnosticReport?_count=1&_pretty=true'",
        token.expose()
    ))?;
    say(format_args!("   sealgate send --to {mllp} your-result.hl7"))?;
    say(format_args!("   sealgate --config {} audit show --tenant 'Harbour Hospital'", configuration.display()))?;
    gateway.run_until(told_to_stop()).await
}

async fn set_up(demo: &Demo, folder: &Path) -> Outcome<Config> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let credential = folder.join("credential");
    init::make(&Init {
        folder: folder.to_owned(),
        passphrase_file: None,
        credential_file: Some(make_parent(credential, folder)?),
        postgres_url_file: None,
        mllp: local(demo.mllp_port),
        fhir: local(demo.fhir_port),
    })
    .await?;
    let mut config =
        config::read(&folder.join("sealgate.toml")).map_err(|fault| Stop::new(Exit::Configuration, fault))?;
    config.operations.bind = None;
    config.log.level = config::LogLevel::Warn;
    crate::log::start(&config.log);
    Ok(config)
}

fn make_parent(file: PathBuf, folder: &Path) -> Outcome<PathBuf> {
    std::fs::create_dir_all(folder)
        .map_err(|why| Stop::new(Exit::Failed, format!("{} cannot be made: {why}", folder.display())))?;
    Ok(file)
}

async fn parties(config: &Config) -> Outcome<BearerToken> {
    let installation = Installation::open(config).await?;
    let administration = installation.administration();
    let by = installation.by_operator();
    let not_changed = crate::commands::not_changed;
    let tenant = administration.add_tenant(&by, "Harbour Hospital").await.map_err(not_changed)?;
    let interface = Interface {
        id: RecordId([0; 16]),
        tenant: tenant.id,
        clinic: None,
        name: "harbour-lab".to_owned(),
        listener: "main".to_owned(),
        sending_application: None,
        sending_facility: None,
        peers: vec!["127.0.0.0/8".to_owned()],
        time_zone: "Europe/London".to_owned(),
        character_set: None,
        processing_ids: vec!['P'],
        unavailable_as: UnavailableAs::Close,
        mapping_failure_as: MappingFailureAs::ApplicationAccept,
        enabled: true,
        created: Timestamp::default(),
    };
    administration.add_interface(&by, interface).await.map_err(not_changed)?;
    let client = NewClient {
        tenant: tenant.id,
        name: "ward-viewer".to_owned(),
        roles: Roles::of(&[Role::ReadOnly]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        expires: None,
    };
    let (_, token) = administration.add_client(&by, client).await.map_err(not_changed)?;
    installation.close().await;
    Ok(token)
}

fn ports(addresses: &Addresses) -> Outcome<(SocketAddr, SocketAddr)> {
    let mllp = addresses.mllp.first().map(|(_, address)| *address);
    mllp.zip(addresses.fhir).ok_or_else(|| Stop::new(Exit::Failed, "the demo's ports are not open"))
}

fn step(number: u8, what: &str) -> Outcome {
    say(format_args!("\n{number}. {what}"))
}

/// Ends the story when something does not hold.
fn holds(held: bool, what: &str) -> Outcome {
    if held { Ok(()) } else { Err(Stop::new(Exit::Failed, format!("did not hold: {what}"))) }
}

fn say(what: impl std::fmt::Display) -> Outcome {
    output::line(what)
}

fn shortened(line: &str) -> String {
    let end = line.char_indices().nth(96).map(|(at, _)| at);
    end.and_then(|end| line.get(..end)).map_or_else(|| line.to_owned(), |start| format!("{start}…"))
}

/// How long any one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
