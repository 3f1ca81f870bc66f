//! A clinician with a session, who opens the pages of patients and reports, also after restarts.

use crate::Soak;
use crate::findings::Promise;
use crate::truth::family;
use crate::whereabouts::At;
use std::time::Duration;
use tests::browser::Browser;
use tests::gateway::pause;
use tests::person::{Person, SESSION};

/// The account that a person has, and that passwords are guessed for.
pub(crate) const NAME: &str = "ada";
/// The time between two pages. Sessions end after 15 minutes without one.
const BETWEEN: Duration = Duration::from_secs(1);

/// Takes up an invitation and returns the cookie that is the session, which is good at every process.
pub(crate) fn signed_in(at: At, invitation: &str) -> Option<String> {
    let person = Person::invited(&format!("http://{}", at.fhir), invitation);
    person.browser.cookie(&at.fhir.to_string(), SESSION).map(str::to_owned)
}

/// Opens pages until the load is over.
pub(crate) fn browse(soak: &Soak, session: &str) {
    let mut browser = Browser::new();
    while let Some(at) = soak.whereabouts.wait() {
        browser.set_cookie(&at.fhir.to_string(), SESSION, session);
        while soak.whereabouts.owes(at) && !soak.whereabouts.is_over() {
            look(soak, at, &mut browser);
            pause(BETWEEN);
        }
    }
    soak.findings.looked(Promise::Pages, format!("{} pages in one session", soak.tally.pages.now()));
}

fn look(soak: &Soak, at: At, browser: &mut Browser) {
    let Some(known) = soak.known() else { return };
    for path in [format!("/patients/{}", known.patient), format!("/reports/{}", known.report)] {
        let page = browser.try_get(&format!("http://{}{path}", at.fhir));
        soak.tally.pages.add(1);
        // What is said of a gateway that goes is not held against it.
        let owes = soak.whereabouts.owes(at);
        match page {
            Some(page) if owes && (page.status != 200 || !page.body.contains(&family(known.number))) => {
                soak.findings
                    .broken(Promise::Pages, format!("GET {path}: status {}, patient {}", page.status, known.number));
            }
            None if owes => soak.findings.broken(Promise::Answered, format!("GET {path}, process {}", at.pid)),
            Some(_) | None => {}
        }
    }
}
