//! The choice of a patient for an application that was not opened from a patient's page.

use super::{Case, Step, case};
use crate::answer::Answer;
use crate::clinical::Patient;
use crate::clinical_pages::{matching, wanted};
use crate::pages::{ChoosePatientPage, Errors, Here, render};
use crate::problem::Problem;
use crate::visit::Visit;
use domain::access::Action;
use domain::id::RecordId;
use domain::kind::Kind;
use domain::launch::{Chosen, Word};

/// Asks whom it is about.
pub(crate) async fn offer(visit: &Visit<'_>) -> Result<Answer, Problem> {
    match case(visit).await? {
        Step::On(case) => page(visit, &case, Errors::default(), None),
        Step::Done(answer) => Ok(answer),
    }
}

/// Takes whom to look for, or who was chosen among those found. What was found stands in this answer alone, never in an address.
pub(crate) async fn choose(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let case = match case(visit).await? {
        Step::On(case) => case,
        Step::Done(answer) => return Ok(answer),
    };
    if let Some(chosen) = visit.form.get("patient") {
        let patient: RecordId = chosen.parse().map_err(|_| Problem::NotAForm)?;
        // Read, so that nobody is chosen whom this person may not see; and recorded, like any other look.
        visit.service.retrieval.read(&visit.caller()?, Kind::Patient, patient).await?;
        let chosen = Chosen { session: case.session.id, patient };
        if !visit.service.launches.choose(&case.kept, chosen).await? {
            return Err(Problem::LaunchOver);
        }
        return Ok(Answer::see(Case::path(visit, "")));
    }
    let query = match wanted(visit) {
        Ok(query) => query,
        Err(errors) => return page(visit, &case, errors, None),
    };
    let found = matching(visit, &visit.caller()?, &query, None).await?;
    let more = found.next.is_some();
    let found = found.matches.iter().map(|one| Patient::read(one.id, &one.content)).collect();
    page(visit, &case, Errors::default(), Some((found, more)))
}

fn page(
    visit: &Visit<'_>,
    case: &Case<'_>,
    errors: Errors,
    found: Option<(Vec<Patient>, bool)>,
) -> Result<Answer, Problem> {
    let takes_one = case.asked().launch.is_none() && case.asked().wish.has(Word::LaunchPatient);
    if !takes_one || !visit.might(Action::FhirSearch, Kind::Patient) {
        return Err(Problem::Denied);
    }
    let (found, more) = found.map_or((None, false), |(found, more)| (Some(found), more));
    let page = ChoosePatientPage {
        frame: visit.frame(Here::Elsewhere),
        errors,
        token: visit.token(),
        application: case.application.name.clone(),
        action: Case::path(visit, "/patient"),
        found,
        more,
        identifier: visit.form.text("identifier").to_owned(),
        family: visit.form.text("family").to_owned(),
        born: visit.form.text("born").to_owned(),
    };
    Ok(Answer::page(render(&page)?).leading_to(&case.asked().redirect_uri))
}
