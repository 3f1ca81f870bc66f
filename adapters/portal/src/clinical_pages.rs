//! The clinical pages. Whatever they show came through [`Retrieval`](domain::retrieval::Retrieval): decided, and in the chain, before it
//! is here.

mod finding;
mod reports;
mod versions;

pub(crate) use finding::{find, found, look, matching, patient, wanted};
pub(crate) use reports::{document, report};
pub(crate) use versions::{history, old_document, version};

use crate::clinical::{Patient, references};
use crate::problem::Problem;
use crate::visit::Visit;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::{Caller, Position, Refusal, Resource};
use r4::search::{Query, Settings};

/// Reads a question of ours as the FHIR interface reads those of clients.
fn question(visit: &Visit<'_>, kind: Kind, pairs: &[(String, String)]) -> Result<Query, r4::search::Fault> {
    let limits = &visit.service.limits;
    let settings = Settings {
        base: &visit.service.origin,
        now: visit.now,
        default_count: limits.page,
        max_count: limits.page,
        lenient: false,
    };
    r4::search::read(kind, pairs, settings)
}

/// Escapes what means something in the value of a search parameter (R4 search §3.1.1.4.4).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '\\' | ',' | '|' | '$') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Returns the address of a page that a question leads to; what is asked is sealed in it, readable by nobody and good for one person.
async fn sealed(
    visit: &Visit<'_>,
    caller: &Caller,
    kind: Kind,
    path: &str,
    question: &str,
    position: &Position,
) -> Result<String, Problem> {
    let sealed = visit.service.retrieval.seal_cursor(caller, kind, question, position).await?;
    Ok(format!("{path}?at={}", URL_SAFE_NO_PAD.encode(sealed)))
}

/// Opens the question of a page, and where it goes on.
async fn unsealed(visit: &Visit<'_>, caller: &Caller, kind: Kind) -> Result<(Option<Position>, String), Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(visit.query.text("at")).map_err(|_| Problem::NotFound)?;
    let (position, question) = visit.service.retrieval.open_cursor(caller, kind, &bytes).await?;
    Ok((Some(position).filter(|position| *position != Position::START), question))
}

/// Reads the patient that a resource is about, for the head of the page; `None` where this reader may not see them.
async fn subject_of(visit: &Visit<'_>, caller: &Caller, content: &str) -> Result<Option<Patient>, Problem> {
    let named = references(content, &[&["subject", "reference"]], &[Kind::Patient]);
    let Some((kind, id)) = named.first().copied() else {
        return Ok(None);
    };
    match visit.service.retrieval.read(caller, kind, id).await {
        Ok(found) => Ok(Some(Patient::read(id, &found.content))),
        Err(Refusal::NotFound | Refusal::Forbidden) => Ok(None),
        Err(other) => Err(other.into()),
    }
}

/// Finds the patient that a report is about among what came beside it.
fn subject_beside(content: &str, beside: &[Resource]) -> Option<Patient> {
    let named = references(content, &[&["subject", "reference"]], &[Kind::Patient]);
    let id: RecordId = named.first()?.1;
    let found = beside.iter().find(|one| one.kind == Kind::Patient && one.id == id)?;
    Some(Patient::read(id, &found.content))
}
