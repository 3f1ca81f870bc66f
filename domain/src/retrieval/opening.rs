//! Finding the record that holds a resource, deciding on it, and opening it.

use super::{Caller, Refusal, Retrieval, patient_of};
use crate::access::{self, Opens, Part, Permit, Reason};
use crate::id::RecordId;
use crate::kind::Kind;
use crate::ports::KeyFault;
use crate::record::{self, Opened};
use crate::write::{StoredRecord, Version};
use alloc::vec::Vec;

/// Older versions fetched at a time.
const OLDER_AT_ONCE: u32 = 50;

/// Where a resource that was asked for is.
pub(super) enum Located<T> {
    /// Here, and the caller may see it.
    There(T),
    /// Here, and the policy hides it, for this reason.
    Hidden(&'static str),
    /// Nowhere.
    Absent,
}

impl<T> Located<T> {
    pub(super) fn map<U>(self, what: impl FnOnce(T) -> U) -> Located<U> {
        match self {
            Self::There(found) => Located::There(what(found)),
            Self::Hidden(reason) => Located::Hidden(reason),
            Self::Absent => Located::Absent,
        }
    }
}

/// What became of opening one stored record.
pub(super) enum Found {
    Opened(Opened),
    /// The policy denies it; how that is recorded is for the caller to say.
    Hidden(access::Denial),
}

impl Retrieval {
    /// Finds the current version of the record that holds a resource, and opens it to do `A`.
    pub(super) async fn locate<A: Opens>(
        &self,
        caller: &Caller,
        kind: Kind,
        id: RecordId,
    ) -> Result<Located<(StoredRecord, Opened)>, Refusal> {
        let tenant = caller.subject.tenant;
        let family = self.store.load_family(tenant, id).await.map_err(|_| Refusal::Unavailable)?;
        let mut located = Located::Absent;
        for record in family {
            if record.kind != kind.record() {
                continue;
            }
            match self.open::<A>(caller, kind, &record).await? {
                Found::Opened(opened) => match self.visible::<A>(caller, &opened, kind, id) {
                    None => {}
                    Some(Ok(())) => return Ok(Located::There((record, opened))),
                    Some(Err(reason)) => located = Located::Hidden(reason.name()),
                },
                // Whether it holds the resource is not known, and its being hidden is no reason to say more.
                Found::Hidden(denial) => located = Located::Hidden(denial.reason()),
            }
        }
        Ok(located)
    }

    /// Says whether the caller may do `A` to a resource of an opened record; `None` when the record does not hold it.
    pub(super) fn visible<A: Opens>(
        &self,
        caller: &Caller,
        opened: &Opened,
        kind: Kind,
        id: RecordId,
    ) -> Option<Result<(), Reason>> {
        opened.with(kind, id, |_, text| self.judge::<A>(caller, opened, kind, text))
    }

    /// Decides once more when what was opened is labelled or the caller limited; the rest was decided on its heading.
    ///
    /// A label of a report holds for everything that is sealed with it: its results are what it protects. A scope is
    /// judged by the resource's own type and content, whatever it is sealed with.
    pub(super) fn judge<A: Opens>(
        &self,
        caller: &Caller,
        opened: &Opened,
        kind: Kind,
        text: &str,
    ) -> Result<(), Reason> {
        let own = self.labels.labels(text);
        let head = opened.members().next().map(|head| (head.kind, head.id));
        let of_head = head.and_then(|(kind, id)| opened.with(kind, id, |_, text| self.labels.labels(text)));
        let labels = own.joined(of_head.unwrap_or_default());
        if labels.is_empty() && !caller.subject.is_limited() {
            return Ok(());
        }
        let binding = opened.binding();
        let resource = access::Resource::record(binding.tenant, kind)
            .with_clinic(binding.clinic)
            .with_patient(patient_of(binding.compartment))
            .with_labels(labels);
        let fits = |part: &Part| self.labels.fits(kind, part, text);
        match access::decide_opened(&caller.subject, A::ACTION, &resource, &self.context(caller), &fits) {
            access::Decision::Permit { .. } => Ok(()),
            access::Decision::Deny(reason) => Err(reason),
        }
    }

    /// Returns stored versions of a record below one, newest first.
    pub(super) async fn older(&self, record: &StoredRecord, below: Version) -> Result<Vec<StoredRecord>, Refusal> {
        let versions = self.store.versions(record.tenant, record.id, Some(below), OLDER_AT_ONCE);
        versions.await.map_err(|_| Refusal::Unavailable)
    }

    /// Decides on a record's authenticated heading, as far as it is about resources of this kind, and opens it.
    pub(super) async fn open<A: Opens>(
        &self,
        caller: &Caller,
        kind: Kind,
        stored: &StoredRecord,
    ) -> Result<Found, Refusal> {
        let Ok(heading) = record::heading(&stored.sealed) else {
            return Err(self.broken(caller, kind, stored.id).await);
        };
        let key = match self.vault.find(stored.tenant, heading.data_key).await {
            Ok(key) => key,
            Err(KeyFault::Unavailable) => return Err(Refusal::Unavailable),
            // Nothing destroys data keys yet: a record that names none of its tenant's was changed or moved.
            Err(KeyFault::Missing | KeyFault::Broken) => return Err(self.broken(caller, kind, stored.id).await),
        };
        let resource = access::Resource {
            tenant: stored.tenant,
            clinic: stored.clinic,
            kind: Some(kind),
            patient: patient_of(key.compartment),
            ..access::Resource::default()
        };
        let permit: Permit<A> = match access::authorise(&caller.subject, &resource, &self.context(caller)) {
            Ok(permit) => permit,
            Err(denial) => return Ok(Found::Hidden(denial)),
        };
        match record::open(permit, &key, stored) {
            Ok(opened) => Ok(Found::Opened(opened)),
            Err(_) => Err(self.broken(caller, kind, stored.id).await),
        }
    }
}
