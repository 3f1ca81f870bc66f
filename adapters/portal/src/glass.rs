//! Breaking the glass: the records of one patient, for an hour at most, for a reason that is recorded before anything opens.

use crate::answer::Answer;
use crate::clinical::Patient;
use crate::pages::{BreakGlassPage, Errors, Here, Reason, render};
use crate::place::Place;
use crate::problem::Problem;
use crate::visit::Visit;
use domain::emergency::Smashing;
use domain::id::RecordId;
use domain::identity::GlassBroken;
use domain::index::{Field, IndexToken, Term};
use domain::kind::Kind;
use domain::ports::Find;
use domain::sign_in::Resumed;

/// The reasons to choose from (HL7 v3-ActReason, in plain words).
const REASONS: &[Reason] = &[
    Reason { code: EMERGENCY, words: "Emergency treatment" },
    Reason { code: "BTG", words: "Urgent care outside my usual patients" },
    Reason { code: "COVERAGE", words: "I stand in for a colleague" },
    Reason { code: "SAFETY", words: "Danger to the patient or to others" },
];
/// The reason that also lifts what the law guards most.
const EMERGENCY: &str = "ETREAT";
/// Fewest characters of a person's own words, white space at the ends aside.
const MIN_WORDS: usize = 10;
/// Most characters of them.
const MAX_WORDS: usize = 1_000;
/// How much of the time within which the person must have proved who they are is left for the form, in seconds: who has less proves it
/// first, and does not lose what they wrote.
const FORM_SECONDS: i64 = 120;

/// Shows the form, to somebody who proved a moment ago who they are.
pub(crate) async fn ask(visit: &Visit<'_>) -> Result<Answer, Problem> {
    permit(visit, None).await?;
    if !visit.is_fresh(-FORM_SECONDS)? {
        return Ok(to_step_up(visit));
    }
    form(visit, Errors::default(), chosen(visit.query.text("patient"))).await
}

/// Breaks it.
pub(crate) async fn smash(visit: &Visit<'_>) -> Result<Answer, Problem> {
    permit(visit, None).await?;
    if !visit.is_fresh(0)? {
        return Ok(to_step_up(visit));
    }
    let given = visit.form.text("patient");
    let named = chosen(given);
    if named.is_none() && !given.is_empty() {
        return Err(Problem::NotAForm);
    }
    let (reason, words) = (visit.form.text("reason"), visit.form.text("words").trim());
    let errors = check(visit, named, reason, words);
    if !errors.is_empty() {
        return form(visit, errors, named).await;
    }
    let found = match named {
        Some(patient) => exists(visit, patient).await?.then_some(patient),
        None => look_up(visit).await?,
    };
    let Some(patient) = found else {
        return nobody(visit, named).await;
    };
    let rule = permit(visit, Some(patient)).await?;
    let session = &visit.signed_in()?.resumed.session;
    let (seconds, alarm) = (visit.service.limits.glass_seconds, visit.service.limits.alarm);
    let smashing = Smashing { patient, session: session.id, reason, words, rule, seconds, alarm };
    let review = visit.service.emergency.smash(&visit.caller()?, &smashing).await?;
    tracing::warn!(
        tenant = %session.tenant,
        person = %session.person,
        review = %review.id,
        reason,
        correlation = %visit.correlation,
        "glass broken"
    );
    let glass = GlassBroken { patient, expires: review.until, emergency: reason == EMERGENCY, review: Some(review.id) };
    let before = session.glass;
    set(visit, Some(glass)).await?;
    ended(visit, before, "another patient was opened").await?;
    Ok(Answer::see(format!("/patients/{patient}")))
}

/// Mends it before its time.
pub(crate) async fn mend(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let glass = visit.signed_in()?.resumed.session.glass;
    if glass.is_some() {
        set(visit, None).await?;
        ended(visit, glass, "ended by the person").await?;
    }
    Ok(Answer::see("/"))
}

/// Records the end of what the session holds no more: only then, so that no access outlasts its recorded end.
async fn ended(visit: &Visit<'_>, glass: Option<GlassBroken>, why: &str) -> Result<(), Problem> {
    let Some(GlassBroken { patient, review: Some(review), .. }) = glass else { return Ok(()) };
    if visit.service.emergency.end(&visit.caller()?, review, patient, why).await.is_err() {
        // The gateway looks for glass that no session holds, and writes its end down.
        tracing::warn!(%review, correlation = %visit.correlation, "the end of broken glass is not recorded yet");
    }
    Ok(())
}

/// Returns the words of a reason's code; the code itself where none has it.
pub(crate) fn reason_in_words(code: &str) -> &str {
    REASONS.iter().find(|known| known.code == code).map_or(code, |known| known.words)
}

/// Decides, and records a denial. Returns the rule that permits.
async fn permit(visit: &Visit<'_>, patient: Option<RecordId>) -> Result<&'static str, Problem> {
    let second_factor = visit.signed_in()?.resumed.session.second_factor;
    Ok(visit.service.emergency.may(&visit.caller()?, second_factor, patient).await?)
}

fn to_step_up(visit: &Visit<'_>) -> Answer {
    let patient = chosen(visit.query.text("patient")).or_else(|| chosen(visit.form.text("patient")));
    let form = patient.map_or("/break-glass".to_owned(), |patient| format!("/break-glass?patient={patient}"));
    Answer::see(Place::read(&form).unwrap_or_else(Place::home).behind("/step-up"))
}

fn chosen(text: &str) -> Option<RecordId> {
    text.parse().ok()
}

fn check(visit: &Visit<'_>, named: Option<RecordId>, reason: &str, words: &str) -> Errors {
    let mut errors = Errors::default();
    if named.is_none() {
        if visit.form.text("identifier").trim().is_empty() {
            errors.add("identifier", "Enter the patient's number.");
        }
        if !is_date(visit.form.text("born").trim()) {
            errors.add("born", "Enter the birth date as year, month and day, such as 1970-01-31.");
        }
    }
    if !REASONS.iter().any(|known| known.code == reason) {
        errors.add("reason", "Choose a reason.");
    }
    if !(MIN_WORDS..=MAX_WORDS).contains(&words.chars().count()) {
        errors.add("words", "Say why in your own words: between 10 and 1,000 characters.");
    }
    errors
}

/// Says whether a text is a whole date, `YYYY-MM-DD`.
pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10 && domain::time::Timestamp::from_rfc3339(&format!("{text}T00:00:00Z")).is_some()
}

/// Finds the one patient of a number and birth date by the blind index alone: nothing is opened, nothing is disclosed but
/// that there is exactly one.
async fn look_up(visit: &Visit<'_>) -> Result<Option<RecordId>, Problem> {
    let retrieval = &visit.service.retrieval;
    let tenant = visit.signed_in()?.resumed.subject.tenant;
    let secrets = retrieval.vault.secrets(tenant);
    let token = |field, value: &str| -> Vec<IndexToken> {
        vec![secrets.index.token(&Term { kind: Kind::Patient, field, value: value.trim().to_owned() })]
    };
    let all_of =
        vec![token(Field::Identifier, visit.form.text("identifier")), token(Field::BirthDate, visit.form.text("born"))];
    let query = Find { kinds: vec![Kind::Patient], all_of, limit: 2, ..Find::default() };
    let found = retrieval.store.find(tenant, query).await?;
    Ok(match found.as_slice() {
        [only] => Some(only.id),
        _ => None,
    })
}

async fn exists(visit: &Visit<'_>, patient: RecordId) -> Result<bool, Problem> {
    let tenant = visit.signed_in()?.resumed.subject.tenant;
    let found = visit.service.retrieval.store.load(tenant, &[patient]).await?;
    Ok(found.iter().any(|record| record.kind == Kind::Patient))
}

/// Says that nobody was found; that somebody tried is recorded.
async fn nobody(visit: &Visit<'_>, named: Option<RecordId>) -> Result<Answer, Problem> {
    visit.service.emergency.missed(&visit.caller()?, named).await?;
    let words = "Not exactly one patient has this number and birth date. Check both.";
    form(visit, Errors::one("identifier", words), None).await
}

/// Keeps the change in the session; when the session was written meanwhile, once more over what is there now.
async fn set(visit: &Visit<'_>, glass: Option<GlassBroken>) -> Result<(), Problem> {
    let person = visit.signed_in()?;
    let sign_in = &visit.service.sign_in;
    let limits = visit.limits(person.resumed.session.tenant);
    if sign_in.set_glass(&person.resumed, glass, &limits).await? {
        return Ok(());
    }
    let again: Option<Resumed> =
        sign_in.resume(&person.secret, &visit.directory, person.resumed.circumstances.address).await?;
    match again {
        Some(resumed) if sign_in.set_glass(&resumed, glass, &limits).await? => Ok(()),
        _ => Err(Problem::Unavailable),
    }
}

async fn form(visit: &Visit<'_>, errors: Errors, chosen: Option<RecordId>) -> Result<Answer, Problem> {
    // Whom the reader may see already is shown, so that no other patient is opened by mistake.
    let patient = match chosen {
        Some(id) => match visit.service.retrieval.read(&visit.caller()?, Kind::Patient, id).await {
            Ok(found) => Some(Patient::read(id, &found.content)),
            Err(domain::retrieval::Refusal::NotFound | domain::retrieval::Refusal::Forbidden) => None,
            Err(other) => return Err(other.into()),
        },
        None => None,
    };
    let page = BreakGlassPage {
        frame: visit.frame(Here::Patients),
        errors,
        token: visit.token(),
        patient,
        chosen: chosen.map(|id| id.to_string()).unwrap_or_default(),
        identifier: visit.form.text("identifier").to_owned(),
        born: visit.form.text("born").to_owned(),
        reasons: REASONS,
        reason: visit.form.text("reason").to_owned(),
        words: visit.form.text("words").to_owned(),
        minutes: visit.service.limits.glass_seconds.div_euclid(60),
    };
    Ok(Answer::page(render(&page)?))
}
