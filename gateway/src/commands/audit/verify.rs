//! `sealgate audit verify`: the live chains against themselves and the anchors, or an export against its key file.

use super::CHAIN;
use crate::chains::{Chains, NotVerified, Report};
use crate::cli::Json;
use crate::commands::console::Console;
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{self, Installation};
use crate::{contexts, output, records};
use domain::access::{Role, VerifyAudit};
use domain::audit::{Break, ChainId, ExportHeader, ExportVerifier, SegmentKeyFile};
use domain::directory::Directory;
use domain::secret::SecretBytes;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often a long verification says that it goes on.
const PROGRESS: Duration = Duration::from_secs(5);
/// Longest line of an export, in bytes; an entry has at most about 2,000.
const MAX_LINE_BYTES: u64 = 65_536;
/// Largest key file, in bytes: the keys of half a million segments.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1_048_576;

/// Verifies every entry of every chain of the live database, and with `records` what is stored against them.
pub(super) async fn live(config: &Config, records: bool, print: Json) -> Outcome {
    let verified = verify(config, records, print).await;
    // A script that asked for JSON reads the diagnosis where it reads everything else.
    if let Err(stop) = &verified
        && print.json
        && stop.exit == Exit::BrokenChain
    {
        output::line(&stop.line)?;
    }
    verified
}

async fn verify(config: &Config, with_records: bool, print: Json) -> Outcome {
    let roots = installation::open_roots(&config.custody).await?;
    let database = installation::open_database(&config.database).await?;
    let store = database.store();
    let anchors = installation::open_anchors(config, &roots)?;
    let chains = Chains { store: &store, audit_root: &roots.audit, anchors: Some(anchors.all()) };
    let report = patiently(chains.verify(u64::MAX), || "verifying".to_owned()).await?;
    chains.sure().map_err(NotVerified::from)?;
    // Only now, with every chain whole, the ledger may start: the directory gives the chains their names.
    let installation = Installation::with(roots, database, anchors).await?;
    let held = match installation.directory().await {
        Ok(directory) if with_records => held(&installation, &report).await.map(|held| (directory, Some(held))),
        other => other.map(|directory| (directory, None)),
    };
    installation.close().await;
    let (directory, held) = held?;
    if print.json { as_json(&report, held, &directory) } else { as_text(&report, held, &directory) }
}

/// How much was held against the chains.
#[derive(Clone, Copy, Default)]
struct Held {
    records: u64,
    contexts: u64,
}

/// Holds the contexts and records of every tenant, and of the system, against their chains; returns how many there are.
async fn held(installation: &Installation, report: &Report) -> Outcome<Held> {
    let mut count = Held::default();
    let (opening, looked_at) = (AtomicU64::new(0), AtomicU64::new(0));
    for (chain, head) in &report.chains {
        let console = Console::new(installation, chain.tenant(), Role::Auditor);
        let permit = console.permit::<VerifyAudit>(CHAIN, &chain.to_string()).await?;
        let said = || format!("{} records held against the chains", looked_at.load(Ordering::Relaxed));
        let held = patiently(records::verify(installation, &permit, *chain, &looked_at), said).await?;
        count.records = count.records.saturating_add(held);
        let said = || format!("{} contexts opened", opening.load(Ordering::Relaxed));
        let opened = patiently(contexts::verify(installation, &permit, *chain, head, &opening), said).await?;
        count.contexts = count.contexts.saturating_add(opened);
    }
    Ok(count)
}

/// Waits, and says from time to time that it goes on.
async fn patiently<T>(verifying: impl Future<Output = T>, said: impl Fn() -> String) -> T {
    let started = Instant::now();
    let mut verifying = std::pin::pin!(verifying);
    loop {
        match tokio::time::timeout(PROGRESS, &mut verifying).await {
            Ok(verified) => return verified,
            Err(_) => output::note(format_args!("{}, for {} s …", said(), started.elapsed().as_secs())),
        }
    }
}

fn as_json(report: &Report, held: Option<Held>, directory: &Directory) -> Outcome {
    let chains: Vec<_> = report
        .chains
        .iter()
        .map(|(chain, head)| {
            json!({ "chain": chain.to_string(), "name": name(directory, *chain), "entries": head.length,
                    "last_entry": head.time.rfc3339() })
        })
        .collect();
    let mut told = json!({
        "verified": true,
        "chains": chains,
        "entries": report.entries,
        "milliseconds": milliseconds(report.took),
        "entries_per_second": rate(report.entries, report.took),
    });
    if let (Some(held), Some(told)) = (held, told.as_object_mut()) {
        told.insert("records".to_owned(), held.records.into());
        told.insert("contexts".to_owned(), held.contexts.into());
    }
    output::json(&told)
}

fn as_text(report: &Report, held: Option<Held>, directory: &Directory) -> Outcome {
    let mut rows = vec![["CHAIN", "ENTRIES", "LAST ENTRY", "ID"].map(str::to_owned).to_vec()];
    for (chain, head) in &report.chains {
        rows.push(vec![name(directory, *chain), head.length.to_string(), head.time.rfc3339(), chain.to_string()]);
    }
    output::table(&rows)?;
    output::line(format_args!(
        "verified: {} entries in {} chains, whole and as far as the anchors say, in {} ms ({} entries/s)",
        report.entries,
        report.chains.len(),
        milliseconds(report.took),
        rate(report.entries, report.took),
    ))?;
    match held {
        Some(Held { records, contexts }) => output::line(format_args!(
            "verified: {records} records are stored as the newest entry about each says, {contexts} contexts open as their entries'",
        )),
        None => output::line("records were not looked at and contexts not opened: `--records` does that"),
    }
}

fn name(directory: &Directory, chain: ChainId) -> String {
    if chain == ChainId::SYSTEM { "system".to_owned() } else { find::tenant_name(directory, chain.tenant()) }
}

/// Verifies an export with its key file; needs no installation, configuration or database.
///
/// # Errors
/// [`Exit::BrokenChain`] with a JSON diagnosis, [`Exit::Missing`] when a file cannot be read, [`Exit::Failed`]
/// when the two files are not an export and its keys.
pub fn verify_export(export: &Path, key_file: &Path, print: Json) -> Outcome {
    let started = Instant::now();
    let verified = check_export(export, key_file).and_then(|found| {
        let took = started.elapsed();
        if print.json {
            return output::json(&json!({
                "verified": true,
                "chain": found.chain.to_string(),
                "from": found.from,
                "to": found.to,
                "entries": found.entries,
                "milliseconds": milliseconds(took),
                "entries_per_second": rate(found.entries, took),
            }));
        }
        output::line(format_args!(
            "verified: entries {} to {} of chain {}: MACs, links, checkpoints and signature hold, in {} ms ({} entries/s)",
            found.from,
            found.to,
            found.chain,
            milliseconds(took),
            rate(found.entries, took),
        ))
    });
    if let Err(stop) = &verified
        && print.json
        && stop.exit == Exit::BrokenChain
    {
        output::line(&stop.line)?;
    }
    verified
}

/// What an export was found to hold.
struct Found {
    chain: ChainId,
    from: u64,
    to: u64,
    entries: u64,
}

fn check_export(export: &Path, key_file: &Path) -> Outcome<Found> {
    let keys = read_key_file(key_file)?;
    let chain = keys.chain();
    let broken = |found: Break| Stop::from(NotVerified::Broken(found));
    let mut lines = Lines { file: BufReader::new(open(export)?), path: export, line: Vec::new() };
    let header = lines.next()?.and_then(ExportHeader::read);
    let unjudged = |what| Stop::new(Exit::Failed, format!("{} cannot be judged: {what}", export.display()));
    let header = header.ok_or_else(|| unjudged("its first line begins no export of this version"))?;
    let (from, to) = (header.from, header.to);
    if header.chain_id() != Some(chain) {
        return Err(unjudged("it is of another chain than the key file"));
    }
    let verifier = ExportVerifier::new(header, keys.public().clone(), Some(&keys));
    let mut verifier = verifier.ok_or_else(|| unjudged("it names another public key than the key file"))?;
    let mut entries = 0u64;
    while let Some(line) = lines.next()? {
        if verifier.line(line).map_err(broken)?.is_some() {
            entries = entries.saturating_add(1);
        }
    }
    verifier.finish().map_err(broken)?;
    Ok(Found { chain, from, to, entries })
}

fn read_key_file(path: &Path) -> Outcome<SegmentKeyFile> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(MAX_KEY_FILE_BYTES).read_to_end(&mut bytes);
    let bytes = SecretBytes::new(bytes);
    read.map_err(|why| unreadable(path, &why))?;
    std::str::from_utf8(bytes.expose()).ok().and_then(SegmentKeyFile::from_json).ok_or_else(|| {
        Stop::new(Exit::Failed, format!("{} is not a key file of `sealgate audit export`", path.display()))
    })
}

/// The lines of a file, each at most [`MAX_LINE_BYTES`] long.
struct Lines<'p> {
    file: BufReader<File>,
    path: &'p Path,
    line: Vec<u8>,
}

impl Lines<'_> {
    /// Returns the next line without its line feed; a longer one comes in parts, none of which is an entry.
    fn next(&mut self) -> Outcome<Option<&[u8]>> {
        self.line.clear();
        let read = self.file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        if read.map_err(|why| unreadable(self.path, &why))? == 0 {
            return Ok(None);
        }
        Ok(Some(self.line.strip_suffix(b"\n").unwrap_or(&self.line)))
    }
}

fn open(path: &Path) -> Outcome<File> {
    File::open(path).map_err(|why| unreadable(path, &why))
}

fn unreadable(path: &Path, why: &std::io::Error) -> Stop {
    Stop::new(Exit::Missing, format!("{} cannot be read: {why}", path.display()))
}

fn milliseconds(took: Duration) -> u64 {
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

fn rate(entries: u64, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    entries.saturating_mul(1_000_000).checked_div(micros).unwrap_or(0)
}
