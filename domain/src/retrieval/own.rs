//! Somebody reads who they are: the one resource that is stored nowhere, since it says what their sign-in says.

use super::{Caller, Refusal, Retrieval, asked};
use crate::access::{self, Action, PrincipalKind};
use crate::id::RecordId;
use crate::journal::Act;
use crate::kind::Kind;
use alloc::string::{String, ToString};

/// What stands for a signed-in person over FHIR. Practitioners of records are others: they come from messages, under ids of their own.
const KIND: Kind = Kind::Practitioner;

/// The scope that lets it be read, which no scope about records says.
const WHY: &str = "fhirUser";

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
    /// `content` is that resource. Only for a token that lets its holder know who the person is: then the door alone
    /// decides, whatever records the token reaches. To everybody else there is nothing under that id.
    ///
    /// # Errors
    /// [`Refusal`]; denial is recorded too.
    pub async fn read_self(&self, caller: &Caller, id: RecordId, content: String) -> Result<String, Refusal> {
        let action = Action::FhirRead;
        if !caller.is(KIND, id) {
            return Err(self.absent(caller, action, KIND, id).await);
        }
        if let Err(reason) = access::decide_self(&caller.subject, &self.context(caller)) {
            return Err(self.hidden(caller, action, KIND, id, reason.name()).await);
        }
        let mut context = asked(caller);
        context.scopes.push(WHY.to_string());
        self.record(caller, Act::done(action.name(), KIND.name(), &id.to_string()), context).await?;
        Ok(content)
    }
}
