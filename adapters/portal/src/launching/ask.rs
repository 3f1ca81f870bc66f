//! The authorization endpoint (RFC 6749 §3.1). It looks at no session: it reads the request, keeps it, and sends the browser to where
//! a person answers it, so that a form from another site needs none of our cookies.

use super::REQUESTS;
use crate::address::REASON;
use crate::answer::Answer;
use crate::problem::Problem;
use crate::visit::{Visit, WORKSTATION};
use actix_web::http::Method;
use domain::access::Address;
use domain::id::{RecordId, TenantId};
use domain::launch::{Fault, read};
use domain::ports::Unavailable;
use domain::refusals::{Refusal, Wait};
use form::Form;

/// Takes a request, by address or by form.
pub(crate) async fn ask(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let posted = *visit.http.method() == Method::POST;
    let query = if posted { Ok(Form::default()) } else { Form::read(visit.http.query_string()) };
    // A parameter that stands twice could mean two things, the address of the answer among them (RFC 6749 §3.1).
    let Ok(query) = query else {
        refused(visit, None, "form").await?;
        return Err(Problem::LaunchRefused);
    };
    let given = if posted { &visit.form } else { &query };
    match read(&|name| given.get(name), &visit.directory, &visit.service.base) {
        Ok(asked) if visit.address_of(asked.tenant) == Address::NotAllowed => {
            refused(visit, Some(asked.application), REASON).await?;
            Err(Problem::Elsewhere)
        }
        Ok(asked) => {
            // What is kept until somebody signs in is bounded like every sign-in that is begun.
            let refusals = &visit.service.sign_in.refusals;
            refusals.start(asked.tenant, visit.peer).map_err(|Wait(seconds)| Problem::TooMany(seconds))?;
            let request = visit.service.launches.keep(asked).await?;
            Ok(Answer::see(format!("{REQUESTS}{request}")))
        }
        Err(Fault::Here { reason, application }) => {
            refused(visit, application, reason).await?;
            Err(Problem::LaunchRefused)
        }
        Err(Fault::There(back)) => {
            refused(visit, Some(back.application), back.reason).await?;
            Ok(Answer::away(back.address(&visit.service.issuer)))
        }
    }
}

/// Records a refusal in the system's chain, for who asked is not proven; or says to wait where there were too many.
async fn refused(visit: &Visit<'_>, application: Option<RecordId>, reason: &str) -> Result<(), Problem> {
    let who = application.map(|id| id.to_string()).unwrap_or_default();
    let refusal = Refusal {
        chain: TenantId::SYSTEM,
        workstation: WORKSTATION,
        what: "Application",
        who: &who,
        reason,
        address: &visit.peer.to_string(),
        connection: None,
        correlation: visit.correlation,
    };
    match visit.service.sign_in.refusals.record(&refusal).await {
        Ok(None) => Ok(()),
        Ok(Some(Wait(seconds))) => Err(Problem::TooMany(seconds)),
        Err(Unavailable) => Err(Problem::Unavailable),
    }
}
