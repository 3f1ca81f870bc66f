//! Launching applications: the request, the patient it is about, the consent, and the way back (SMART App Launch 2.2).
//!
//! ```text
//!   application ─► /oauth/authorize ─► kept ─► /oauth/authorize/{request} ─► signed in? patient? ─► consent ─► application
//!   patient's page ─► open ─► application ─► /oauth/authorize with `launch` ─┘
//! ```
//! Nobody is sent to an address that was not registered; consent is asked for every time and never remembered.

mod ask;
mod choose;
mod consent;
mod open;
mod words;

pub(crate) use ask::ask;
pub(crate) use choose::{choose, offer};
pub(crate) use consent::{decide, show};
pub(crate) use open::{Opening, offered, open};
pub(crate) use words::destination;

use crate::answer::Answer;
use crate::chain::record;
use crate::place::Place;
use crate::problem::Problem;
use crate::route::Page;
use crate::visit::Visit;
use domain::access::{Address, Subject};
use domain::audit::Context;
use domain::directory::Application;
use domain::id::RecordId;
use domain::identity::Session;
use domain::journal::Act;
use domain::launch::{Asked, Back, Error, Pending};
use domain::ticket::{Kept, NotKept};

/// A request under way, and whose it is.
struct Case<'a> {
    kept: Kept<Pending>,
    application: &'a Application,
    session: &'a Session,
}

impl Case<'_> {
    fn asked(&self) -> &Asked {
        &self.kept.value.asked
    }

    /// The address of a page of this request.
    fn path(visit: &Visit<'_>, page: &str) -> String {
        format!("{REQUESTS}{}{page}", visit.part("request"))
    }
}

/// What the addresses of requests begin with.
const REQUESTS: &str = "/oauth/authorize/";

/// What comes of looking at a request: it goes on, or it is answered already.
enum Step<T> {
    On(T),
    Done(Answer),
}

/// Finds the request of the path and checks that whoever is signed in may answer it.
async fn case<'a>(visit: &'a Visit<'_>) -> Result<Step<Case<'a>>, Problem> {
    let resumed = &visit.signed_in()?.resumed;
    let kept = visit.service.launches.pending(visit.part("request")).await?.ok_or(Problem::LaunchOver)?;
    let asked = &kept.value.asked;
    let application = visit.directory.application(asked.application).filter(|known| known.enabled);
    let application = application.ok_or(Problem::LaunchOver)?;
    if application.tenant != resumed.session.tenant {
        let back = asked.back(Error::AccessDenied, "other-tenant");
        visit.service.launches.finish(&kept).await?;
        return Ok(Step::Done(refuse(visit, &resumed.subject, &back).await?));
    }
    if resumed.circumstances.address == Address::NotAllowed {
        return Err(Problem::Denied);
    }
    if kept.value.wants_proof(&resumed.session) {
        let place = Place::read(&Case::path(visit, "")).unwrap_or_else(Place::home);
        return Ok(Step::Done(Answer::see(place.behind("/step-up"))));
    }
    Ok(Step::On(Case { kept, application, session: &resumed.session }))
}

/// Sends somebody who is not signed in to the sign-in of the application's organization, and back to the request afterwards.
pub(crate) async fn to_sign_in(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let kept = visit.service.launches.pending(visit.part("request")).await?;
    let place = Place::read(&Case::path(visit, "")).unwrap_or_else(Place::home);
    Ok(match kept {
        Some(kept) => Answer::see(place.behind(&format!("/sign-in/{}", kept.value.asked.tenant))),
        None => Answer::see("/sign-in"),
    })
}

/// Lets the forms of a page lead to the application where the page is on the way to a request: of whoever signs in by a form and whose
/// request is then refused, the browser would else hold the way back against the form that they sent.
pub(crate) async fn on_the_way(visit: &Visit<'_>, answer: Answer) -> Answer {
    let place = visit.place();
    let signs_in = matches!(
        visit.row.page,
        Page::SignIn | Page::Password | Page::Code | Page::Key | Page::Recovery | Page::Enrol | Page::EnrolKey
    );
    let request = place.path().strip_prefix(REQUESTS).filter(|_| signs_in && answer.is_page());
    let Some(request) = request.and_then(|rest| rest.split(['/', '?']).next()) else {
        return answer;
    };
    match visit.service.launches.pending(request).await {
        Ok(Some(kept)) => answer.leading_to(&kept.value.asked.redirect_uri),
        Ok(None) | Err(_) => answer,
    }
}

/// Ends a request: answered, it counts no longer among those that are begun and left. `false` when somebody else answered it.
async fn finish(visit: &Visit<'_>, case: &Case<'_>) -> Result<bool, Problem> {
    let begun = case.kept.value.begun;
    visit.service.sign_in.refusals.finish(case.application.tenant, visit.peer, begun);
    Ok(visit.service.launches.finish(&case.kept).await?)
}

/// Tells the application that it does not get what it asked for, and the chain why.
async fn refuse(visit: &Visit<'_>, subject: &Subject, back: &Back) -> Result<Answer, Problem> {
    note(visit, subject, Some(back.application), back.reason).await?;
    Ok(Answer::away(back.address(&visit.service.issuer)))
}

/// Records a refusal in the chain of the subject's tenant.
async fn note(
    visit: &Visit<'_>,
    subject: &Subject,
    application: Option<RecordId>,
    reason: &'static str,
) -> Result<(), Problem> {
    let id = application.map(|id| id.to_string()).unwrap_or_default();
    let act = Act::denied("AuthorizationRefused", "Application", &id, reason);
    record(visit, subject, act, Context::default()).await
}

impl From<NotKept> for Problem {
    fn from(fault: NotKept) -> Self {
        match fault {
            NotKept::Integrity => Problem::Integrity,
            NotKept::Unavailable => Problem::Unavailable,
        }
    }
}
