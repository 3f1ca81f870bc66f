//! Opening an application from a patient's page.

use super::note;
use crate::answer::Answer;
use crate::chain::record;
use crate::problem::Problem;
use crate::visit::Visit;
use domain::audit::Context;
use domain::directory::{Application, ApplicationUse};
use domain::id::{RecordId, TenantId};
use domain::journal::Act;
use domain::kind::Kind;
use domain::launch::{Launched, answer_address};

/// An application that can be opened.
pub(crate) struct Opening {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
}

/// Returns what a tenant's people can open, by name, and where that leads: to the application, and by its own request, if that is
/// refused at once, to where it takes answers.
pub(crate) fn offered(visit: &Visit<'_>, tenant: TenantId) -> (Vec<Opening>, Vec<String>) {
    let mut known: Vec<(&Application, &str)> = visit
        .directory
        .applications()
        .filter(|application| application.tenant == tenant && application.enabled)
        .filter_map(|application| Some((application, launch_uri(application)?)))
        .collect();
    known.sort_by_key(|(application, _)| &application.name);
    let openings = known
        .iter()
        .map(|(application, _)| Opening { id: application.id.to_string(), name: application.name.clone() })
        .collect();
    let answers = known.iter().flat_map(|(application, _)| redirect_uris(application).iter().cloned());
    (openings, known.iter().map(|(_, address)| (*address).to_owned()).chain(answers).collect())
}

/// Opens one: writes down who is at it and for whom, and sends the browser there.
pub(crate) async fn open(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let resumed = &visit.signed_in()?.resumed;
    let id: RecordId = visit.form.text("application").parse().map_err(|_| Problem::NotAForm)?;
    let tenant = resumed.session.tenant;
    let application = visit.directory.application(id).filter(|known| known.tenant == tenant && known.enabled);
    let Some((application, address)) = application.and_then(|known| Some((known, launch_uri(known)?))) else {
        note(visit, &resumed.subject, Some(id), "not-to-be-opened").await?;
        return Err(Problem::NotFound);
    };
    let patient = visit.record("patient");
    visit.service.retrieval.read(&visit.caller()?, Kind::Patient, patient).await?;
    let launched = Launched { person: resumed.session.person, patient, application: application.id };
    let act = Act::done("ApplicationOpened", "Application", &application.id.to_string());
    let context = Context { returned: vec![format!("Patient/{patient}")], ..Context::default() };
    record(visit, &resumed.subject, act, context).await?;
    let launch = visit.service.launches.launch(tenant, &launched).await?;
    Ok(Answer::away(answer_address(address, [("iss", visit.service.base.as_str()), ("launch", launch.as_str())])))
}

fn redirect_uris(application: &Application) -> &[String] {
    match &application.r#use {
        ApplicationUse::Launch { redirect_uris, .. } => redirect_uris,
        ApplicationUse::Backend { .. } => &[],
    }
}

fn launch_uri(application: &Application) -> Option<&str> {
    match &application.r#use {
        ApplicationUse::Launch { launch_uri, .. } => launch_uri.as_deref(),
        ApplicationUse::Backend { .. } => None,
    }
}
