//! The consent: what an application asks for in plain words, each of it declinable, and the code for what is left.

use super::{Case, Step, case, finish, refuse, words};
use crate::answer::Answer;
use crate::chain::record;
use crate::clinical::Patient;
use crate::pages::{ConsentPage, Here, WishLine, render};
use crate::problem::Problem;
use crate::visit::Visit;
use domain::audit::Context;
use domain::id::RecordId;
use domain::journal::Act;
use domain::kind::Kind;
use domain::launch::{Back, Error, Wish, Word, answer_address};
use domain::retrieval::Refusal;

/// Asks for consent.
pub(crate) async fn show(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (case, patient_id) = match subject_matter(visit).await? {
        Step::On(found) => found,
        Step::Done(answer) => return Ok(answer),
    };
    let patient = match patient_id {
        None => None,
        Some(id) => match visit.service.retrieval.read(&visit.caller()?, Kind::Patient, id).await {
            Ok(found) => Some(Patient::read(id, &found.content)),
            // Whom a person may not see, nobody sees on their behalf.
            Err(Refusal::NotFound | Refusal::Forbidden) => {
                let back = case.asked().back(Error::AccessDenied, "patient-not-open");
                return give_up(visit, &case, &back).await;
            }
            Err(other) => return Err(other.into()),
        },
    };
    let asked = case.asked();
    let organization = visit.directory.tenant(asked.tenant).map(|tenant| tenant.name.clone()).unwrap_or_default();
    let words_of = asked.wish.words.iter().map(|word| (words::word(*word), word.name().to_owned()));
    let records = asked.wish.records.iter().map(|scope| (words::scope(scope), scope.to_string()));
    let wishes = records.chain(words_of).enumerate();
    let page = ConsentPage {
        frame: visit.frame(Here::Elsewhere),
        token: visit.token(),
        action: Case::path(visit, ""),
        application: case.application.name.clone(),
        organization,
        patient,
        another: asked.launch.is_none().then(|| Case::path(visit, "/patient")),
        wishes: wishes.map(|(number, (words, scope))| WishLine::new(number, words, scope)).collect(),
        destination: words::destination(&asked.redirect_uri).to_owned(),
    };
    Ok(Answer::page(render(&page)?).leading_to(&asked.redirect_uri))
}

/// Takes the answer.
pub(crate) async fn decide(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (case, patient) = match subject_matter(visit).await? {
        Step::On(found) => found,
        Step::Done(answer) => return Ok(answer),
    };
    let declined = case.asked().back(Error::AccessDenied, "declined");
    let wish = match visit.form.text("answer") {
        // Another patient may have been chosen in another window: what is agreed to is what was shown.
        "allow" if visit.form.text("patient") != shown(patient) => {
            return Ok(Answer::see(Case::path(visit, "")));
        }
        "allow" => accepted(visit, &case.asked().wish),
        "decline" => Wish::default(),
        _ => return Err(Problem::NotAForm),
    };
    if wish.is_empty() {
        return decline(visit, &case, &declined).await;
    }
    // Of two answers to one request, one counts; of two to one launch as well.
    if !finish(visit, &case).await? {
        return Err(Problem::LaunchOver);
    }
    if !visit.service.launches.use_up(case.asked()).await? {
        let back = case.asked().back(Error::InvalidRequest, "launch-used-up");
        return refuse(visit, &visit.signed_in()?.resumed.subject, &back).await;
    }
    let patient = patient.filter(|_| wish.has(Word::Launch) || wish.has(Word::LaunchPatient));
    allow(visit, &case, patient, wish).await
}

/// The patient as the form names them; empty when the request is about nobody.
fn shown(patient: Option<RecordId>) -> String {
    patient.map(|patient| patient.to_string()).unwrap_or_default()
}

async fn allow(visit: &Visit<'_>, case: &Case<'_>, patient: Option<RecordId>, wish: Wish) -> Result<Answer, Problem> {
    let resumed = &visit.signed_in()?.resumed;
    let asked = case.asked();
    let context = Context {
        scopes: wish.texts(),
        returned: patient.into_iter().map(|patient| format!("Patient/{patient}")).collect(),
        ..Context::default()
    };
    // In the chain before the code is anybody's.
    let act = Act::done("AuthorizationGranted", "Application", &asked.application.to_string());
    record(visit, &resumed.subject, act, context).await?;
    let (_, code) = visit.service.launches.grant(asked, case.session, patient, wish).await?;
    let answer = [("code", code.as_str()), ("state", asked.state.as_str()), ("iss", visit.service.issuer.as_str())];
    Ok(Answer::away(answer_address(&asked.redirect_uri, answer)))
}

async fn decline(visit: &Visit<'_>, case: &Case<'_>, back: &Back) -> Result<Answer, Problem> {
    finish(visit, case).await?;
    let act = Act::done("AuthorizationDeclined", "Application", &back.application.to_string());
    let context = Context { scopes: case.asked().wish.texts(), ..Context::default() };
    record(visit, &visit.signed_in()?.resumed.subject, act, context).await?;
    Ok(Answer::away(back.address(&visit.service.issuer)))
}

async fn give_up(visit: &Visit<'_>, case: &Case<'_>, back: &Back) -> Result<Answer, Problem> {
    finish(visit, case).await?;
    refuse(visit, &visit.signed_in()?.resumed.subject, back).await
}

/// Finds the patient whom a request is about: the one of the page it was opened from, or the one who was chosen for it.
async fn subject_matter<'a>(visit: &'a Visit<'_>) -> Result<Step<(Case<'a>, Option<RecordId>)>, Problem> {
    let case = match case(visit).await? {
        Step::On(case) => case,
        Step::Done(answer) => return Ok(Step::Done(answer)),
    };
    let (asked, pending) = (case.asked(), &case.kept.value);
    if asked.launch.is_none() {
        let patient = pending.patient_of(case.session);
        if patient.is_none() && asked.wish.has(Word::LaunchPatient) {
            return Ok(Step::Done(Answer::see(Case::path(visit, "/patient"))));
        }
        return Ok(Step::On((case, patient)));
    }
    match pending.patient_of_launch(case.session) {
        Ok(patient) => Ok(Step::On((case, Some(patient)))),
        Err(reason) => {
            let back = asked.back(Error::InvalidRequest, reason);
            Ok(Step::Done(give_up(visit, &case, &back).await?))
        }
    }
}

/// Returns what is left of a wish: the boxes are numbered as the page lists them, records first.
fn accepted(visit: &Visit<'_>, wish: &Wish) -> Wish {
    let mut number = 0_usize;
    let mut ticked = || {
        let ticked = visit.form.get(&WishLine::field(number)).is_some();
        number = number.saturating_add(1);
        ticked
    };
    let records = wish.records.iter().filter(|_| ticked()).cloned().collect();
    let words = wish.words.iter().filter(|_| ticked()).copied().collect();
    let left = Wish { records, words }.settled();
    let in_context = left.has(Word::Launch) || left.has(Word::LaunchPatient);
    if in_context { left } else { left.without_patient() }
}
