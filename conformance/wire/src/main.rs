//! `sealgate-conformance`: puts the cases to an endpoint and says what came out.

mod arguments;

use arguments::{Arguments, Command, FhirArguments, MllpArguments, RunArguments, ScimArguments, SsoArguments};
use clap::Parser;
use conformance::case::{self, Case};
use conformance::report::{self, Format, Report};
use conformance::{fhir, mllp, scim, show, sso, vectors};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// Nothing failed.
const CLEAN: u8 = 0;
/// A case failed, or could not be carried out.
const FAILED: u8 = 1;
/// The command line cannot be followed.
const USAGE: u8 = 2;
/// The endpoint cannot be reached.
const UNREACHABLE: u8 = 3;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // The help and the version come this way too, and belong on the standard output.
            let code = if error.use_stderr() { USAGE } else { CLEAN };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), FAILED),
    };
    let done = match arguments.command {
        Command::Mllp(arguments) => runtime.block_on(run_mllp(arguments)),
        Command::Fhir(arguments) => runtime.block_on(run_fhir(arguments)),
        Command::Sso(arguments) => runtime.block_on(run_sso(arguments)),
        Command::Scim(arguments) => runtime.block_on(run_scim(arguments)),
        Command::List { format } => list(format.into()).map_err(Trouble::from),
        Command::Vector { name } => vector(name.as_deref()),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Trouble { text, code }) => complain(&text, code),
    }
}

/// Why nothing was run.
struct Trouble {
    text: String,
    code: u8,
}

impl Trouble {
    fn usage(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: USAGE }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self { text: error.to_string(), code: FAILED }
    }
}

async fn run_mllp(arguments: MllpArguments) -> Result<u8, Trouble> {
    let options = arguments.options(run_id()).map_err(Trouble::usage)?;
    let bench = mllp::Bench::new(options);
    if let Err(error) = bench.reach().await {
        let text = format!("cannot reach {}: {error}", arguments.address);
        return Err(Trouble { text, code: UNREACHABLE });
    }
    conduct("mllp", &arguments.address, &mllp::cases(), mllp::FEATURES, &bench, &arguments.run).await
}

async fn run_fhir(arguments: FhirArguments) -> Result<u8, Trouble> {
    let options = arguments.options(run_id()).map_err(Trouble::usage)?;
    let bench = fhir::Bench::new(options).map_err(Trouble::usage)?;
    if let Err(reason) = bench.reach().await {
        return Err(Trouble { text: format!("cannot reach {}: {reason}", arguments.url), code: UNREACHABLE });
    }
    conduct("fhir", &arguments.url, &fhir::cases(), fhir::FEATURES, &bench, &arguments.run).await
}

async fn run_sso(arguments: SsoArguments) -> Result<u8, Trouble> {
    let bench = fhir::Bench::new(arguments.options().map_err(Trouble::usage)?).map_err(Trouble::usage)?;
    if let Err(reason) = bench.reach().await {
        return Err(Trouble { text: format!("cannot reach {}: {reason}", arguments.url), code: UNREACHABLE });
    }
    conduct("sso", &arguments.url, &sso::cases(), sso::FEATURES, &bench, &arguments.run).await
}

async fn run_scim(arguments: ScimArguments) -> Result<u8, Trouble> {
    let bench = fhir::Bench::new(arguments.options().map_err(Trouble::usage)?).map_err(Trouble::usage)?;
    if let Err(reason) = bench.reach().await {
        return Err(Trouble { text: format!("cannot reach {}: {reason}", arguments.url), code: UNREACHABLE });
    }
    conduct("scim", &arguments.url, &scim::cases(), scim::FEATURES, &bench, &arguments.run).await
}

/// Runs a suite and writes its report; text comes line by line, as the findings fall.
async fn conduct<B: Sync>(
    suite: &'static str,
    target: &str,
    cases: &[Case<B>],
    features: &[(&str, &str)],
    bench: &B,
    run: &RunArguments,
) -> Result<u8, Trouble> {
    let selection = run.selection(features).map_err(Trouble::usage)?;
    let options = options_of(std::env::args().skip(1), suite, target);
    let mut report = Report { suite, target: target.to_owned(), options, findings: Vec::new() };
    let format = Format::from(run.format);
    let live = format == Format::Text && run.output.is_none();
    let heading = report.clone();
    let mut out = io::stdout();
    report.findings = case::run(cases, bench, &selection, &mut |finding| {
        if live {
            // A reader that has gone away (head, less) does not change what the run finds.
            drop(write!(out, "{}", report::line(&heading, finding)).and_then(|()| out.flush()));
        }
    })
    .await;
    if report.findings.is_empty() {
        return Err(Trouble::usage("no case has such an id; see `sealgate-conformance list`"));
    }
    let mut out = io::stdout();
    match &run.output {
        Some(path) => {
            std::fs::write(path, report.render(format))
                .map_err(|error| Trouble { text: format!("cannot write {}: {error}", path.display()), code: FAILED })?;
            write!(out, "{}", report::closing(&report))?;
        }
        None if live => write!(out, "{}", report::closing(&report))?,
        None => write!(out, "{}", report.render(format))?,
    }
    Ok(if report.totals().is_clean() { CLEAN } else { FAILED })
}

fn list(format: Format) -> io::Result<u8> {
    let rows: Vec<Row> = mllp::cases()
        .iter()
        .map(|case| Row::of("mllp", case))
        .chain(fhir::cases().iter().map(|case| Row::of("fhir", case)))
        .chain(sso::cases().iter().map(|case| Row::of("sso", case)))
        .chain(scim::cases().iter().map(|case| Row::of("scim", case)))
        .collect();
    let mut out = io::stdout();
    if format == Format::Json {
        let text = serde_json::to_string_pretty(&rows).map_err(io::Error::other)?;
        writeln!(out, "{text}")?;
        return Ok(CLEAN);
    }
    for Row { suite, id, clause, importance, feature, title } in rows {
        let feature = feature.map(|name| format!("  (--without {name})")).unwrap_or_default();
        writeln!(out, "{suite}  {id:<9} {importance:<6} {title}  [{clause}]{feature}")?;
    }
    Ok(CLEAN)
}

/// One line of the list.
#[derive(serde::Serialize)]
struct Row {
    suite: &'static str,
    id: &'static str,
    clause: &'static str,
    importance: &'static str,
    feature: Option<&'static str>,
    title: &'static str,
}

impl Row {
    fn of<B>(suite: &'static str, case: &Case<B>) -> Self {
        Self {
            suite,
            id: case.id,
            clause: case.clause,
            importance: case.importance.name(),
            feature: case.feature,
            title: case.title,
        }
    }
}

fn vector(name: Option<&str>) -> Result<u8, Trouble> {
    let mut out = io::stdout();
    let Some(name) = name else {
        for (folder, name) in vectors::names() {
            writeln!(out, "{folder}/{name}")?;
        }
        return Ok(CLEAN);
    };
    let (folder, rest) = name.split_once('/').unwrap_or(("hl7", name));
    let bytes = match folder {
        "hl7" => vectors::hl7(rest).map(|vector| vector.bytes),
        "fhir" => vectors::fhir(rest).map(|vector| vector.bytes),
        "mllp" => vectors::mllp(rest),
        _ => None,
    };
    let Some(bytes) = bytes else {
        return Err(Trouble::usage(format!("no vector is called {name}; `sealgate-conformance vector` lists them")));
    };
    out.write_all(bytes)?;
    out.flush()?;
    Ok(CLEAN)
}

/// What was on the command line beside the suite, the target and the options that shape the report.
fn options_of(arguments: impl Iterator<Item = String>, suite: &str, target: &str) -> String {
    let mut kept = Vec::new();
    let mut arguments = arguments.filter(|argument| argument != suite && argument != target);
    while let Some(argument) = arguments.next() {
        let name = argument.split('=').next().unwrap_or_default();
        if !["--only", "--format", "--output"].contains(&name) {
            let plain = argument.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:,=@".contains(&byte));
            kept.push(if plain { argument } else { show::quoted(&argument) });
        } else if !argument.contains('=') {
            // The value of an option that is left out.
            arguments.next();
        }
    }
    kept.join(" ")
}

/// A beginning for control ids that differs from run to run, so that no run is taken for a repeat of another.
fn run_id() -> String {
    const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut left = since.as_millis();
    let mut text = Vec::new();
    while left > 0 {
        let digit = usize::try_from(left.rem_euclid(36)).unwrap_or_default();
        text.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
        left = left.div_euclid(36);
    }
    text.reverse();
    format!("SG{}", String::from_utf8_lossy(&text))
}

fn complain(text: &str, code: u8) -> ExitCode {
    // Without a standard error there is nobody to tell; the exit code still says it.
    drop(writeln!(io::stderr(), "sealgate-conformance: {text}"));
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::options_of;

    #[test]
    fn what_is_needed_to_run_a_case_again_is_kept() {
        let line =
            ["mllp", "h:1", "--only", "ACK", "--tls", "--format=json", "--sending-facility", "a b", "--output", "x"];
        let kept = options_of(line.into_iter().map(str::to_owned), "mllp", "h:1");
        assert_eq!(kept, "--tls --sending-facility 'a b'");
    }
}
