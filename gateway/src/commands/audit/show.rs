//! `sealgate audit show`: entries of a chain, shown only from a verified walk.

use super::{CHAIN, head};
use crate::chains::Chains;
use crate::cli::AuditShow;
use crate::commands::console::Console;
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{Installation, open_anchors};
use crate::output::{self, printable};
use domain::access::{Act as _, Obligation, Permit, ReadAudit, Role};
use domain::audit::{self, ChainId, Context, EntryView};
use domain::journal::Act;
use domain::keys::ContentMac;
use domain::ports::KeyVault;
use domain::record::{self, ContextBinding};
use domain::refusals::CONNECTION;
use domain::time::Timestamp;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Shows the newest entries that fit; the reading is in the chain before anything is printed.
pub(super) async fn run(config: &Config, show: AuditShow) -> Outcome {
    let filter = Filter::of(&show)?;
    let installation = Installation::open(config).await?;
    let done = shown(config, &installation, &show, &filter).await;
    installation.close().await;
    done
}

async fn shown(config: &Config, installation: &Installation, show: &AuditShow, filter: &Filter) -> Outcome {
    let chain = find::chain(&installation.directory().await?, &show.tenant)?;
    let console = Console::new(installation, chain.tenant(), Role::Auditor);
    let permit = console.permit::<ReadAudit>(CHAIN, &chain.to_string()).await?;
    let newest = newest(config, installation, chain, filter, show.limit).await?;
    let views: Vec<_> = newest.iter().filter_map(|bytes| EntryView::read(bytes)).collect();
    let context = Context {
        request: Some(filter.to_string()),
        rule: Some(permit.rule().to_owned()),
        returned: match (views.first(), views.last()) {
            (Some(first), Some(last)) => vec![format!("AuditEntry/{}-{}", first.sequence(), last.sequence())],
            _ => Vec::new(),
        },
        ..Context::default()
    };
    console.record(Act::done(ReadAudit::ACTION.name(), CHAIN, &chain.to_string()), context).await?;
    match (show.context, show.output.json) {
        (false, false) => table(&views),
        (false, true) => views.iter().try_for_each(|entry| output::line(text(entry))),
        (true, as_json) => {
            for entry in &views {
                let context = opened(installation, &console, &permit, chain, entry).await?;
                if as_json { line_with_context(entry, &context)? } else { page(entry, &context)? }
            }
            Ok(())
        }
    }
}

/// A refused sign-in, as the chain tells of it.
pub(in crate::commands) struct Refused {
    /// The number of the entry.
    pub(in crate::commands) sequence: u64,
    /// When it was.
    pub(in crate::commands) time: String,
    /// What was refused: `Person`, `Application`, `ApiClient`.
    pub(in crate::commands) what: String,
    /// Whom, where that is known.
    pub(in crate::commands) who: String,
    /// The number that was shown to whoever was refused.
    pub(in crate::commands) correlation: String,
    /// The sealed context; `None` when it does not open.
    pub(in crate::commands) context: Option<Context>,
}

impl Refused {
    /// Returns the connection by which they came, where they came by one.
    pub(in crate::commands) fn connection(&self) -> Option<&str> {
        self.context.as_ref()?.envelope.get(CONNECTION).map(String::as_str)
    }
}

/// Returns the newest refused sign-ins of a chain, or the one of a correlation id; the reading is in the chain before this
/// returns.
pub(in crate::commands) async fn refused(
    config: &Config,
    installation: &Installation,
    chain: ChainId,
    correlation: Option<String>,
    limit: usize,
) -> Outcome<Vec<Refused>> {
    let console = Console::new(installation, chain.tenant(), Role::Auditor);
    let permit = console.permit::<ReadAudit>(CHAIN, &chain.to_string()).await?;
    let filter = Filter { action: Some("LoginFailed".to_owned()), correlation, ..Filter::default() };
    let newest = newest(config, installation, chain, &filter, limit).await?;
    let views: Vec<_> = newest.iter().filter_map(|bytes| EntryView::read(bytes)).collect();
    let context = Context {
        request: Some(filter.to_string()),
        rule: Some(permit.rule().to_owned()),
        returned: views.iter().map(|entry| format!("AuditEntry/{}", entry.sequence())).collect(),
        ..Context::default()
    };
    console.record(Act::done(ReadAudit::ACTION.name(), CHAIN, &chain.to_string()), context).await?;
    let mut refused = Vec::new();
    for entry in &views {
        let context = match opened(installation, &console, &permit, chain, entry).await? {
            Opened::Clear(context) => Some(*context),
            Opened::None | Opened::Failed => None,
        };
        refused.push(Refused {
            sequence: entry.sequence(),
            time: entry.utc_timestamp().to_owned(),
            what: entry.resource_type().into_owned(),
            who: entry.resource_id().into_owned(),
            correlation: entry.correlation_id().into_owned(),
            context,
        });
    }
    Ok(refused)
}

/// Walks the whole chain, verifying it, and keeps the newest entries that fit.
async fn newest(
    config: &Config,
    installation: &Installation,
    chain: ChainId,
    filter: &Filter,
    limit: usize,
) -> Outcome<VecDeque<Vec<u8>>> {
    let anchors = open_anchors(config, &installation.roots)?.all();
    let head = head(installation, chain).await?;
    let chains = Chains { store: &installation.store, audit_root: &installation.roots.audit, anchors: Some(anchors) };
    let mut newest = VecDeque::new();
    let mut keep = |entry: &EntryView<'_>| {
        if filter.fits(entry) {
            newest.push_back(entry.bytes().to_vec());
            if newest.len() > limit {
                newest.pop_front();
            }
        }
    };
    chains.chain_with(chain, &head, 0, |verifier, block| verifier.block_with(&block.lines, &mut keep)).await?;
    Ok(newest)
}

/// What became of an entry's context.
enum Opened {
    None,
    Clear(Box<Context>),
    /// It was changed, moved or removed, or its key is gone.
    Failed,
}

async fn opened(
    installation: &Installation,
    console: &Console<'_>,
    permit: &Permit<ReadAudit>,
    chain: ChainId,
    entry: &EntryView<'_>,
) -> Outcome<Opened> {
    let sealed = installation.store.context(chain, entry.sequence()).await;
    let sealed =
        sealed.map_err(|_| Stop::new(Exit::Unavailable, "a context cannot be read: the database does not answer"))?;
    let context = match &sealed {
        None if !entry.vouches_for_context() => return Ok(Opened::None),
        None => None,
        Some(sealed) => open(installation, permit, chain, entry, sealed).await,
    };
    match context {
        Some(context) if permit.obligations().contains(Obligation::Mask) => {
            Ok(Opened::Clear(Box::new(masked(context))))
        }
        Some(context) => Ok(Opened::Clear(Box::new(context))),
        None => {
            let id = format!("{chain}/{}", entry.sequence());
            console.record(Act::failed("IntegrityFailure", "AuditContext", &id), Context::default()).await?;
            Ok(Opened::Failed)
        }
    }
}

async fn open(
    installation: &Installation,
    permit: &Permit<ReadAudit>,
    chain: ChainId,
    entry: &EntryView<'_>,
    sealed: &[u8],
) -> Option<Context> {
    let heading = record::heading(sealed).ok()?;
    let key = installation.vault.find(chain.tenant(), heading.data_key).await.ok()?;
    let resource_id = entry.resource_id();
    let binding = ContextBinding {
        tenant: chain.tenant(),
        resource_id: &resource_id,
        after: ContentMac(bytes_of(entry.after_hash()?)?),
        correlation: entry.correlation_id().parse().ok()?,
    };
    let clear = record::open_context(permit, &key, &binding, sealed).ok()?;
    Context::from_json(std::str::from_utf8(&clear).ok()?)
}

/// Leaves out what a search was asked with: names and numbers of patients stand there.
///
/// A request reads `METHOD path?query request-id=… body=…`, as the FHIR server writes it.
fn masked(context: Context) -> Context {
    let request = context.request.as_deref().map(|request| {
        let (line, body) = request.split_once(" body=").map_or((request, None), |(line, body)| (line, Some(body)));
        let (target, id) = line.split_once(" request-id=").map_or((line, None), |(target, id)| (target, Some(id)));
        let mut shown = match target.split_once('?') {
            Some((path, query)) => format!("{path}?{}", names(query)),
            None => target.to_owned(),
        };
        if let Some(id) = id {
            shown = format!("{shown} request-id={id}");
        }
        match body {
            Some(body) => format!("{shown} body={}", names(body)),
            None => shown,
        }
    });
    Context { request, ..context }
}

/// Returns the names of parameters without their values.
fn names(pairs: &str) -> String {
    let plain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'));
    let name = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if plain(name) => format!("{name}=…"),
        _ => "…".to_owned(),
    };
    pairs.split('&').map(name).collect::<Vec<_>>().join("&")
}

fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes().first_chunk::<64>()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// Which entries are shown.
#[derive(Default)]
struct Filter {
    correlation: Option<String>,
    user: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    outcome: Option<audit::Outcome>,
    /// In the form of the entries, where earlier is less.
    since: Option<String>,
    until: Option<String>,
}

impl Filter {
    fn of(show: &AuditShow) -> Outcome<Self> {
        let outcome = |name: &String| {
            audit::Outcome::from_name(name).ok_or_else(|| {
                let known: Vec<_> = audit::Outcome::ALL.iter().map(|outcome| outcome.name()).collect();
                Stop::new(Exit::Usage, format!("there is no outcome `{name}`; outcomes: {}", known.join(", ")))
            })
        };
        let time = |text: &String| {
            Timestamp::from_rfc3339(text).map(Timestamp::rfc3339).ok_or_else(|| {
                Stop::new(Exit::Usage, format!("`{text}` is not a time of RFC 3339, as 2026-03-01T08:00:00Z"))
            })
        };
        Ok(Self {
            correlation: None,
            user: show.user.clone(),
            action: show.action.clone(),
            resource: show.resource.clone(),
            outcome: show.outcome.as_ref().map(outcome).transpose()?,
            since: show.since.as_ref().map(time).transpose()?,
            until: show.until.as_ref().map(time).transpose()?,
        })
    }

    fn fits(&self, entry: &EntryView<'_>) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|wanted| wanted == found);
        let resource = self.resource.as_deref().is_none_or(|wanted| {
            let (kind, id) = (entry.resource_type(), entry.resource_id());
            match wanted.split_once('/') {
                Some((wanted_kind, wanted_id)) if wanted_kind == kind => wanted_id == id,
                _ => wanted == kind || wanted == id,
            }
        });
        (is(&self.user, &entry.user_id()) || is(&self.user, &entry.user_display()))
            && is(&self.correlation, &entry.correlation_id())
            && is(&self.action, &entry.action())
            && resource
            && self.outcome.is_none_or(|wanted| wanted.name() == entry.outcome())
            && self.since.as_deref().is_none_or(|since| entry.utc_timestamp() >= since)
            && self.until.as_deref().is_none_or(|until| entry.utc_timestamp() < until)
    }
}

impl std::fmt::Display for Filter {
    /// What was asked for, as the context of the reading keeps it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("audit show")?;
        let outcome = self.outcome.map(|outcome| outcome.name().to_owned());
        let named = [
            ("correlation", &self.correlation),
            ("user", &self.user),
            ("action", &self.action),
            ("resource", &self.resource),
            ("outcome", &outcome),
            ("since", &self.since),
            ("until", &self.until),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

fn text<'a>(entry: &EntryView<'a>) -> &'a str {
    std::str::from_utf8(entry.bytes()).unwrap_or_default()
}

fn resource(entry: &EntryView<'_>) -> String {
    match (entry.resource_type(), entry.resource_id()) {
        (kind, id) if id.is_empty() => kind.into_owned(),
        (kind, id) => format!("{kind}/{id}"),
    }
}

fn table(entries: &[EntryView<'_>]) -> Outcome {
    let heading = ["ENTRY", "TIME", "USER", "FROM", "ACTION", "OUTCOME", "RESOURCE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    for entry in entries {
        rows.push(vec![
            entry.sequence().to_string(),
            entry.utc_timestamp().to_owned(),
            printable(&entry.user_display()),
            printable(&entry.workstation_id()),
            printable(&entry.action()),
            entry.outcome().into_owned(),
            printable(&resource(entry)),
        ]);
    }
    output::table(&rows)
}

fn page(entry: &EntryView<'_>, context: &Opened) -> Outcome {
    output::line(format_args!(
        "{}  {}  {}  {}  {}  {}  {}",
        entry.sequence(),
        entry.utc_timestamp(),
        printable(&entry.user_display()),
        printable(&entry.workstation_id()),
        printable(&entry.action()),
        entry.outcome(),
        printable(&resource(entry)),
    ))?;
    let context = match context {
        Opened::None => return output::line("    no context"),
        Opened::Failed => {
            return output::line("    its context does not open: it was changed, moved or removed, or its key is gone");
        }
        Opened::Clear(context) => context,
    };
    let one = [
        ("address", &context.address),
        ("request", &context.request),
        ("purpose", &context.purpose),
        ("reason", &context.reason),
        ("rule", &context.rule),
        ("glass", &context.glass),
    ];
    let line = |name: &str, value: &str| output::line(format_args!("    {name:<9} {}", printable(value)));
    for (name, value) in one {
        value.as_deref().map_or(Ok(()), |value| line(name, value))?;
    }
    context.roles.iter().try_for_each(|role| line("role", role))?;
    context.amr.iter().try_for_each(|method| line("amr", method))?;
    context.returned.iter().try_for_each(|reference| line("returned", reference))?;
    context.envelope.iter().try_for_each(|(name, value)| line("envelope", &format!("{name} {value}")))?;
    context.counts.iter().try_for_each(|(name, count)| line("count", &format!("{name} {count}")))
}

fn line_with_context(entry: &EntryView<'_>, context: &Opened) -> Outcome {
    let context = match context {
        Opened::None => Value::Null,
        Opened::Failed => json!({ "does_not_open": true }),
        Opened::Clear(context) => serde_json::to_value(context).unwrap_or_default(),
    };
    // The entry stays as its bytes are, so that its MAC can still be checked.
    output::line(format_args!("{{\"entry\":{},\"context\":{context}}}", text(entry)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_request_keeps_what_was_asked_and_not_with_what() {
        let shown = |request: &str| masked(Context { request: Some(request.to_owned()), ..Context::default() }).request;
        let search = "GET /fhir/Patient?family=Merriweather&birthdate=1964-02-29 request-id=7";
        assert_eq!(shown(search).as_deref(), Some("GET /fhir/Patient?family=…&birthdate=… request-id=7"));
        let posted = "POST /fhir/Patient/_search request-id=7 body=name:exact=Philippa Merriweather&Merriweather";
        assert_eq!(shown(posted).as_deref(), Some("POST /fhir/Patient/_search request-id=7 body=name:exact=…&…"));
        assert_eq!(shown("GET /fhir/Patient/1 request-id=7").as_deref(), Some("GET /fhir/Patient/1 request-id=7"));
        assert_eq!(shown("audit show user=jo").as_deref(), Some("audit show user=jo"));
    }

    #[test]
    fn hex_digits_read_as_bytes_and_nothing_else_does() {
        assert_eq!(bytes_of(&"a0".repeat(32)), Some([0xa0; 32]));
        assert_eq!(bytes_of(&"zz".repeat(32)), None);
        assert_eq!(bytes_of("a0"), None);
    }
}
