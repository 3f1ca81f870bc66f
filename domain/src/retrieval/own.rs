//! Somebody reads who they are: the one resource that is stored nowhere, since it says what their sign-in says.

use super::{Caller, Refusal, Retrieval, asked};
use crate::access::{self, Action, Part, PrincipalKind, Reason};
use crate::id::RecordId;
use crate::journal::Act;
use crate::kind::Kind;
use alloc::string::{String, ToString};

/// What stands for a signed-in person over FHIR. Practitioners of records are others: they come from messages, under ids of their own.
const KIND: Kind = Kind::Practitioner;

impl Caller {
    /// Says whether a resource is what stands for the caller: a person, under the stable name that entries have them by.
    #[must_use]
    pub fn is(&self, kind: Kind, id: RecordId) -> bool {
        let principal = &self.subject.principal;
        kind == KIND && principal.kind == PrincipalKind::Person && principal.id == id.to_string()
    }
}

impl Retrieval {
    /// Returns what stands for the caller, who [is](Caller::is) it, once it is in the chain that it was read.
    ///
    /// `content` is that resource. `told` says that the token lets its holder know who the person is, whatever records it
    /// reaches: then the door alone decides. Otherwise scopes and roles do, as about any other of its kind.
    ///
    /// # Errors
    /// [`Refusal`]; denial is recorded too.
    pub async fn read_self(
        &self,
        caller: &Caller,
        id: RecordId,
        content: String,
        told: bool,
    ) -> Result<String, Refusal> {
        let action = Action::FhirRead;
        if let Err(reason) = self.may_read_self(caller, &content, told) {
            return Err(self.hidden(caller, action, KIND, id, reason.name()).await);
        }
        self.record(caller, Act::done(action.name(), KIND.name(), &id.to_string()), asked(caller)).await?;
        Ok(content)
    }

    fn may_read_self(&self, caller: &Caller, content: &str, told: bool) -> Result<(), Reason> {
        let (subject, context) = (&caller.subject, self.context(caller));
        if told {
            return access::decide_self(subject, &context);
        }
        let resource = access::Resource::record(subject.tenant, KIND);
        let fits = |part: &Part| self.labels.fits(KIND, part, content);
        match access::decide_opened(subject, Action::FhirRead, &resource, &context, &fits) {
            access::Decision::Permit { .. } => Ok(()),
            access::Decision::Deny(reason) => Err(reason),
        }
    }
}
