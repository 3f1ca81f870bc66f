//! Finding a patient, and listing their reports.

use super::{escaped, question, sealed, unsealed};
use crate::answer::Answer;
use crate::clinical::{Heading, Patient};
use crate::glass::is_date;
use crate::launching::offered;
use crate::pages::{Errors, FindPatientPage, FoundPatientsPage, Here, PatientPage, render};
use crate::problem::Problem;
use crate::visit::Visit;
use domain::access::Action;
use domain::kind::Kind;
use domain::retrieval::{Caller, Page, Position, Resource, Search, TotalMode};
use form::Form;
use r4::search::Query;

/// Longest value that is looked for, in characters.
const MAX_VALUE: usize = 256;

/// Asks whom to look for.
pub(crate) fn find(visit: &Visit<'_>) -> Result<Answer, Problem> {
    if !visit.might(Action::FhirSearch, Kind::Patient) {
        return Err(Problem::Denied);
    }
    ask(visit, Errors::default())
}

/// Takes whom to look for. What was entered travels on sealed, for an address stands in histories and logs.
pub(crate) async fn look(visit: &Visit<'_>) -> Result<Answer, Problem> {
    if !visit.might(Action::FhirSearch, Kind::Patient) {
        return Err(Problem::Denied);
    }
    let query = match wanted(visit) {
        Ok(query) => query,
        Err(errors) => return ask(visit, errors),
    };
    let caller = visit.caller()?;
    let to = sealed(visit, &caller, Kind::Patient, "/patients/found", &query.identity(), &Position::START).await?;
    Ok(Answer::see(to))
}

/// Reads from a form whom to look for; or what is wrong with it.
pub(crate) fn wanted(visit: &Visit<'_>) -> Result<Query, Errors> {
    let field = |name: &str| visit.form.text(name).trim().to_owned();
    let (identifier, family, born) = (field("identifier"), field("family"), field("born"));
    let mut errors = Errors::default();
    if identifier.is_empty() && family.is_empty() && born.is_empty() {
        errors.add("identifier", "Enter a patient number, or a family name and a birth date.");
    }
    if identifier.is_empty() && family.is_empty() != born.is_empty() {
        match family.is_empty() {
            true => errors.add("family", "Enter the family name as well."),
            false => errors.add("born", "Enter the birth date as well."),
        }
    }
    if !born.is_empty() && !is_date(&born) {
        errors.add("born", "Enter the birth date as year, month and day, such as 1970-01-31.");
    }
    if [&identifier, &family].iter().any(|value| value.chars().count() > MAX_VALUE) {
        errors.add("identifier", "That is too long.");
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let given = [("identifier", identifier), ("family", family), ("birthdate", born)];
    let pairs: Vec<(String, String)> = given
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), escaped(&value)))
        .collect();
    let fault = "Nothing can be looked for by this. Check what you entered.";
    question(visit, Kind::Patient, &pairs).map_err(|_| Errors::one("identifier", fault))
}

fn ask(visit: &Visit<'_>, errors: Errors) -> Result<Answer, Problem> {
    let page = FindPatientPage {
        frame: visit.frame(Here::Patients),
        errors,
        token: visit.token(),
        identifier: visit.form.text("identifier").to_owned(),
        family: visit.form.text("family").to_owned(),
        born: visit.form.text("born").to_owned(),
    };
    Ok(Answer::page(render(&page)?))
}

/// Lists who was found.
pub(crate) async fn found(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let caller = visit.caller()?;
    let (after, asked) = unsealed(visit, &caller, Kind::Patient).await?;
    let query = read_again(visit, Kind::Patient, &asked, &["identifier", "family", "birthdate"])?;
    let page = matching(visit, &caller, &query, after).await?;
    let next = match &page.next {
        Some(position) => {
            Some(sealed(visit, &caller, Kind::Patient, "/patients/found", &query.identity(), position).await?)
        }
        None => None,
    };
    let page = FoundPatientsPage {
        frame: visit.frame(Here::Patients),
        patients: page.matches.iter().map(|one| Patient::read(one.id, &one.content)).collect(),
        next,
        glass: visit.might(Action::BreakGlassStart, Kind::Patient),
    };
    Ok(Answer::page(render(&page)?))
}

/// Shows a patient and their reports, newest first.
pub(crate) async fn patient(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let caller = visit.caller()?;
    let id = visit.record("patient");
    let found = visit.service.retrieval.read(&caller, Kind::Patient, id).await?;
    let pairs = [("patient".to_owned(), format!("Patient/{id}"))];
    let query = question(visit, Kind::DiagnosticReport, &pairs).map_err(|_| Problem::NotFound)?;
    let later = !visit.query.text("at").is_empty();
    let after = if later {
        let (after, asked) = unsealed(visit, &caller, Kind::DiagnosticReport).await?;
        // The page of one patient is never gone on with on that of another.
        if asked != query.identity() {
            return Err(Problem::NotFound);
        }
        after
    } else {
        None
    };
    let page = matching(visit, &caller, &query, after).await?;
    let next = match &page.next {
        Some(position) => {
            let path = format!("/patients/{id}");
            Some(sealed(visit, &caller, Kind::DiagnosticReport, &path, &query.identity(), position).await?)
        }
        None => None,
    };
    let (applications, launch_uris) = offered(visit, caller.subject.tenant);
    let broken = caller.circumstances.glass_broken_for(Some(id));
    let page = PatientPage {
        frame: visit.frame(Here::Patients),
        patient: Patient::read(id, &found.content),
        reports: page.matches.iter().map(Heading::read).collect(),
        next,
        later,
        glass: !broken && visit.might(Action::BreakGlassStart, Kind::Patient),
        applications,
        token: visit.token(),
    };
    let answer = Answer::page(render(&page)?);
    Ok(launch_uris.iter().fold(answer, |answer, address| answer.leading_to(address)))
}

/// Reads a question that was sealed; only ours are sealed, and only these parameters.
fn read_again(visit: &Visit<'_>, kind: Kind, asked: &str, names: &[&str]) -> Result<Query, Problem> {
    let form = Form::read(asked).map_err(|_| Problem::NotFound)?;
    let pairs: Vec<(String, String)> = names
        .iter()
        .filter(|name| !form.text(name).is_empty())
        .map(|name| ((*name).to_owned(), form.text(name).to_owned()))
        .collect();
    if pairs.is_empty() {
        return Err(Problem::NotFound);
    }
    question(visit, kind, &pairs).map_err(|_| Problem::NotFound)
}

/// Finds what fits a question.
pub(crate) async fn matching(
    visit: &Visit<'_>,
    caller: &Caller,
    query: &Query,
    after: Option<Position>,
) -> Result<Page, Problem> {
    let matches = |resource: &Resource| query.matches(resource.last_updated, &resource.content);
    let search = Search {
        kind: query.kind(),
        terms: query.terms().to_vec(),
        ids: None,
        matches: &matches,
        include: None,
        count: query.count(),
        after,
        total: TotalMode::None,
        only_count: false,
    };
    Ok(visit.service.retrieval.search(caller, search).await?)
}
