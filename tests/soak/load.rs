//! Everybody who uses a gateway, at once.

use crate::findings::Promise;
use crate::keeper::Keeper;
use crate::whereabouts::Whereabouts;
use crate::{Soak, people, readers, senders, stored, strangers, watch};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Scope, ScopedJoinHandle};

/// Everybody at once, until the plan is at its end; then what is stored is compared, and the gateway stops.
pub(crate) fn load(soak: &Soak, mut keeper: Keeper<'_>, invitation: &str) {
    let session = soak.whereabouts.now().and_then(|at| people::signed_in(at, invitation));
    std::thread::scope(|scope| {
        let mut parts = Vec::new();
        for lane in 0..senders::LANES {
            parts.push(part(scope, soak, move || senders::send(soak, lane)));
        }
        for reader in 0..readers::READERS {
            parts.push(part(scope, soak, move || readers::read(soak, reader)));
        }
        parts.push(part(scope, soak, || strangers::send_rubbish(soak)));
        parts.push(part(scope, soak, || watch::watch(soak, |line| println!("{line}"))));
        match &session {
            Some(session) => parts.push(part(scope, soak, move || people::browse(soak, session))),
            None => soak.findings.broken(Promise::Itself, "nobody could sign in"),
        }
        in_time(soak, || keeper.keep());
        for part in parts {
            if part.join().is_err() {
                soak.findings.broken(Promise::Itself, "a part of it ended abruptly; what it said stands above");
            }
        }
    });
    let tally = &soak.tally;
    soak.findings.looked(
        Promise::Acknowledged,
        format!("{} messages, {} repeats", tally.acknowledged.now(), tally.repeated.now()),
    );
    soak.findings.looked(Promise::Fhir, format!("{} answers", tally.reads.now()));
    soak.findings.looked(Promise::Answered, "messages, FHIR requests and pages");
    println!("comparing what is stored with what was sent");
    if let Some(at) = soak.whereabouts.now() {
        stored::compare(soak, at);
    }
    in_time(soak, || keeper.stop());
    soak.findings.looked(Promise::Itself, "to its end");
}

/// Does something to the gateway; where it takes longer than anybody waits, the load is over.
fn in_time(soak: &Soak, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        soak.findings.broken(Promise::Processes, "it did not start or stop in time; what was said of it stands above");
        soak.whereabouts.tell(None);
        soak.whereabouts.end();
    }
}

/// Starts a part of the load; where one fails, the load is over.
fn part<'scope>(
    scope: &'scope Scope<'scope, '_>,
    soak: &'scope Soak,
    work: impl FnOnce() + Send + 'scope,
) -> ScopedJoinHandle<'scope, ()> {
    struct EndsIfFailed<'a>(&'a Whereabouts);
    impl Drop for EndsIfFailed<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.end();
            }
        }
    }
    scope.spawn(move || {
        let _ends = EndsIfFailed(&soak.whereabouts);
        work();
    })
}
