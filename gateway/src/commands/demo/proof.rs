//! The demo's proofs: right content, nothing in clear, whole chains, and a refused start after a changed byte.

use super::message::{PLANTED, RESULT};
use super::{holds, say};
use crate::config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Shows the report and its observations, and checks them against what was sent.
pub(super) fn report_is_right(bundle: &str) -> Outcome {
    let bundle: Bundle<'_> = serde_json::from_str(bundle)
        .map_err(|_| Stop::new(Exit::Failed, "did not hold: the answer is a bundle of reports and observations"))?;
    let of =
        |kind: &'static str| bundle.entry.iter().map(|entry| &entry.resource).filter(move |found| found.kind == kind);
    let name = |resource: &Resource<'_>| resource.code.as_ref().and_then(|code| code.coding.first()?.display.clone());
    let report =
        of("DiagnosticReport").next().ok_or_else(|| Stop::new(Exit::Failed, "did not hold: the report is found"))?;
    say(format_args!("   DiagnosticReport/{}", report.id))?;
    let issued = report.issued.clone().unwrap_or_default();
    say(format_args!("   {} · {} · issued {issued}", name(report).unwrap_or_default(), report.status))?;
    let mut exact = false;
    for observation in of("Observation") {
        let value = match (&observation.quantity, &observation.words) {
            // The number is shown as the text it has: its last zero says how precise it is.
            (Some(quantity), _) => {
                exact |= quantity.value.get() == "9.80";
                let comparator = quantity.comparator.clone().unwrap_or_default();
                format!("{comparator}{} {}", quantity.value.get(), quantity.unit.clone().unwrap_or_default())
            }
            (None, words) => words.clone().unwrap_or_default(),
        };
        let mark = observation.interpretation.first().and_then(|concept| concept.coding.first()?.code.clone());
        say(format_args!(
            "     {:<46} {value:<24} {}",
            name(observation).unwrap_or_default(),
            mark.unwrap_or_default()
        ))?;
    }
    holds(of("Observation").count() == 4 && report.result.len() == 4, "all four observations are there and named")?;
    holds(report.status == "final", "the report is final")?;
    holds(exact, "9.80 is still 9.80")
}

/// As much of a bundle as the demo shows.
#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    resource: Resource<'a>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(rename = "resourceType")]
    kind: String,
    id: String,
    status: String,
    issued: Option<String>,
    code: Option<Concept>,
    #[serde(rename = "valueQuantity", borrow)]
    quantity: Option<Quantity<'a>>,
    #[serde(rename = "valueString")]
    words: Option<String>,
    #[serde(default)]
    interpretation: Vec<Concept>,
    #[serde(default)]
    result: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Concept {
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    code: Option<String>,
    display: Option<String>,
}

#[derive(Deserialize)]
struct Quantity<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    unit: Option<String>,
    comparator: Option<String>,
}

/// Looks for what was sent in every file of the installation; as a control, it is in the message.
pub(super) fn nothing_in_clear(folder: &Path) -> Outcome {
    let mut searched = 0u64;
    for file in files(folder)? {
        let bytes = fs::read(&file).map_err(|why| not_read(&file, &why))?;
        searched = searched.saturating_add(u64::try_from(bytes.len()).unwrap_or_default());
        for planted in PLANTED {
            holds(RESULT.contains(planted), "what is looked for was sent")?;
            let found = bytes.windows(planted.len()).any(|window| window == planted.as_bytes());
            holds(!found, "the database, its log and every other file hold nothing of the patient in clear")?;
        }
    }
    say(format_args!("   searched      {searched} bytes of database, write-ahead log and other files"))?;
    say(format_args!("   looked for    {}", PLANTED.join(", ")))?;
    say("   found         none of them")
}

/// Verifies the chains of the serving gateway, as an auditor would at any time.
pub(super) async fn chains_are_whole(folder: &Path) -> Outcome {
    let config = config::read(&folder.join("sealgate.toml")).map_err(|fault| Stop::new(Exit::Configuration, fault))?;
    let (installation, report) = Installation::open_verified(&config).await?;
    installation.close().await;
    say(format_args!(
        "   verified      {} entries in {} chains: whole, up to their anchors",
        report.entries,
        report.chains.len()
    ))
}

/// Changes one byte of an entry in a copy of the installation, and starts a gateway on it: it must refuse.
pub(super) async fn changed_byte_stops_the_start(folder: &Path) -> Outcome {
    let copy = folder.join("changed-copy");
    fs::create_dir(&copy).map_err(|why| not_read(&copy, &why))?;
    for name in ["sealgate.toml", "custody.json", "anchors", "sealgate.db"] {
        fs::copy(folder.join(name), copy.join(name)).map_err(|why| not_read(&folder.join(name), &why))?;
    }
    let database = copy.join("sealgate.db");
    let mut bytes = fs::read(&database).map_err(|why| not_read(&database, &why))?;
    let mark = b"\"action\":\"fhir.search\"";
    let place = bytes.windows(mark.len()).position(|window| window == mark);
    let place = place.ok_or_else(|| Stop::new(Exit::Failed, "did not hold: the search is in the chain"))?;
    let byte = place.checked_add(11).and_then(|at| bytes.get_mut(at));
    if let Some(byte) = byte {
        *byte = b'F';
    }
    fs::write(&database, &bytes).map_err(|why| not_read(&database, &why))?;
    say("   changed       \"fhir.search\" to \"Fhir.search\" in one entry")?;

    let program =
        std::env::current_exe().map_err(|why| Stop::new(Exit::Failed, format!("the program is not found: {why}")))?;
    let arguments = ["--config", &copy.join("sealgate.toml").display().to_string(), "serve"].map(str::to_owned);
    let started = tokio::task::spawn_blocking(move || Command::new(program).args(arguments).output()).await;
    let Ok(Ok(ended)) = started else {
        return Err(Stop::new(Exit::Failed, "did not hold: a second gateway can be started"));
    };
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let diagnosis = said.lines().find(|line| line.contains("audit_chain_broken")).unwrap_or("?");
    say(format_args!("   the gateway   refuses to start, exit code {}", ended.status.code().unwrap_or(-1)))?;
    say(format_args!("   and says      {diagnosis}"))?;
    holds(
        ended.status.code() == Some(65) && diagnosis.contains("mac_mismatch"),
        "a changed chain stops the start with exit code 65",
    )
}

fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|why| not_read(folder, &why))?;
    let paths: Vec<_> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    Ok(paths)
}

fn not_read(path: &Path, why: &std::io::Error) -> Stop {
    Stop::new(Exit::Failed, format!("{} cannot be read or written: {why}", path.display()))
}
