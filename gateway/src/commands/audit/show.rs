//! `sealgate audit show`: entries of a chain, shown only from a verified walk.

use super::CHAIN;
use crate::cli::AuditShow;
use crate::commands::console::Console;
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output::{self, printable};
use crate::trail::{Opened, Trail};
use domain::access::{Act as _, ReadAudit, Role};
use domain::audit::{self, Context, EntryView};
use domain::journal::Act;
use domain::time::Timestamp;
use serde_json::{Value, json};

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
    let trail = Trail::of(config, installation)?;
    let newest = trail.newest(chain, 0, show.limit, |entry| filter.fits(entry)).await?;
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
                let context = trail.opened(&console.actor(), &permit, chain, entry).await?;
                if as_json { line_with_context(entry, &context)? } else { page(entry, &context)? }
            }
            Ok(())
        }
    }
}

/// Which entries are shown.
struct Filter {
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
