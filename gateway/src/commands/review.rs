//! `sealgate review`: what was broken in emergencies, and its judgement.

use crate::break_glass::emergency;
use crate::cli::{self, Json, NamedReview};
use crate::commands::console::Console;
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output::{self, printable};
use domain::access::Role;
use domain::emergency::{Listed, NotDone, Verdict};
use domain::id::{RecordId, TenantId};
use domain::retrieval::Caller;

/// Runs `sealgate review …`.
///
/// # Errors
/// [`Stop`] with what was wrong and what to do.
pub async fn run(config: &Config, command: cli::Review) -> Outcome {
    let installation = Installation::open(config).await?;
    let done = match command {
        cli::Review::List { tenant, all, limit, output } => list(&installation, &tenant, all, limit, output).await,
        cli::Review::Show { review, output } => show(&installation, &review, output).await,
        cli::Review::Close { review, verdict, note, output } => {
            close(&installation, &review, verdict, &note, output).await
        }
    };
    installation.close().await;
    done
}

/// The auditor at this console, and within how many hours the tenant wants reviews.
async fn reviewer(installation: &Installation, tenant: &str, request: String) -> Outcome<(Caller, u32)> {
    let directory = installation.directory().await?;
    let tenant: TenantId = find::tenant(&directory, tenant)?;
    let hours = directory.settings(tenant).map(|settings| settings.break_glass_review_hours).unwrap_or_default();
    Ok((Console::new(installation, tenant, Role::Auditor).caller(request), hours))
}

async fn list(installation: &Installation, tenant: &str, all: bool, limit: u32, print: Json) -> Outcome {
    let (caller, hours) = reviewer(installation, tenant, "review list".to_owned()).await?;
    let found = emergency(installation).reviews(&caller, !all, None, limit).await.map_err(not_done)?;
    let mut reviews = found.listed;
    if !all {
        reviews.reverse();
    }
    let now = installation.clock.now();
    if print.json {
        let values = reviews.iter().map(|listed| admin::listed(listed, caller.subject.tenant, hours, now));
        return output::json(&values.collect());
    }
    let mut rows = vec![["BROKEN", "WHO", "REASON", "DUE", "STATE", "REVIEW"].map(str::to_owned).to_vec()];
    for listed in &reviews {
        let overdue = listed.is_overdue(hours, now);
        let (broken, who, reason, state) = match listed {
            Listed::Read(review) => {
                let state = match &review.closed {
                    Some(closed) => closed.verdict.name(),
                    None if overdue => "OVERDUE",
                    None => "open",
                };
                (review.broken, printable(&review.display), review.reason.clone(), state)
            }
            Listed::Unreadable(unreadable) => {
                let state = match unreadable.open {
                    true if overdue => "UNREADABLE, OVERDUE",
                    true => "UNREADABLE",
                    false => "UNREADABLE, closed",
                };
                (unreadable.broken, "?".to_owned(), "?".to_owned(), state)
            }
        };
        let due = listed.due(hours).rfc3339();
        rows.push(vec![broken.rfc3339(), who, reason, due, state.to_owned(), listed.id().to_string()]);
    }
    output::table(&rows)
}

async fn show(installation: &Installation, named: &NamedReview, print: Json) -> Outcome {
    let id = id(named)?;
    let (caller, hours) = reviewer(installation, &named.tenant, format!("review show {id}")).await?;
    let emergency = emergency(installation);
    let review = emergency.review(&caller, id).await.map_err(not_done)?;
    let seen = emergency.seen(&caller, &review).await.map_err(not_done)?;
    let overdue = review.closed.is_none() && review.due(hours) <= installation.clock.now();
    if print.json {
        let value = admin::review(&review, hours, installation.clock.now());
        return output::json(&admin::opened(value, &seen));
    }
    let ended = match &seen.ended {
        Some(end) if end.by_time => format!("{}, by time", end.at),
        Some(end) => format!("{}, before its time", end.at),
        None => format!("{}, at the latest", review.until.rfc3339()),
    };
    let mut rows = vec![
        ("review", review.id.to_string()),
        ("who", format!("{} ({})", printable(&review.display), printable(&review.person))),
        ("from", review.broken.rfc3339()),
        ("until", ended),
        ("reason", review.reason.clone()),
        ("in their words", printable(&review.words)),
        ("patient", review.patient.to_string()),
        ("correlation", review.correlation.to_string()),
        ("due", review.due(hours).rfc3339()),
    ];
    match &review.closed {
        Some(closed) => {
            let by = printable(&closed.display);
            rows.push(("judged", format!("{} by {by}, {}", closed.verdict.name(), closed.at.rfc3339())));
            rows.push(("note", printable(&closed.note)));
        }
        None => rows.push(("judged", if overdue { "not yet: OVERDUE" } else { "not yet" }.to_owned())),
    }
    output::table(&rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect::<Vec<_>>())?;
    output::line("")?;
    let mut rows = vec![["ENTRY", "TIME", "ACTION", "SESSION", "OUTCOME", "RESOURCE"].map(str::to_owned).to_vec()];
    for act in &seen.acts {
        let by = if act.behind_glass { "this" } else { "other" };
        let resource =
            if act.returned.is_empty() { format!("{}/{}", act.kind, act.id) } else { act.returned.join(" ") };
        rows.push(vec![
            act.sequence.to_string(),
            act.at.clone(),
            printable(&act.action),
            by.to_owned(),
            printable(&act.outcome),
            printable(&resource),
        ]);
    }
    output::table(&rows)?;
    if seen.more { output::line("there is more: `sealgate audit show` lists all of it") } else { Ok(()) }
}

async fn close(
    installation: &Installation,
    named: &NamedReview,
    verdict: cli::Verdict,
    note: &str,
    print: Json,
) -> Outcome {
    let id = id(named)?;
    let (caller, hours) = reviewer(installation, &named.tenant, format!("review close {id}")).await?;
    let verdict = match verdict {
        cli::Verdict::Justified => Verdict::Justified,
        cli::Verdict::NotJustified => Verdict::NotJustified,
        cli::Verdict::Unreadable => Verdict::Unreadable,
    };
    let review = emergency(installation).close(&caller, id, verdict, note).await.map_err(not_done)?;
    if print.json {
        return output::json(&admin::review(&review, hours, installation.clock.now()));
    }
    output::line(format_args!("review {id} closed: {}", verdict.name()))
}

fn id(named: &NamedReview) -> Outcome<RecordId> {
    named.review.parse().map_err(|fault| Stop::new(Exit::Usage, format!("`{}` is {fault}", named.review)))
}

fn not_done(fault: NotDone) -> Stop {
    let exit = if fault == NotDone::Unavailable { Exit::Unavailable } else { Exit::Failed };
    Stop::new(exit, format!("nothing was done: {fault}"))
}
