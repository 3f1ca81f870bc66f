//! A security key that counted fewer signatures than before: somebody is to look at it now.

use crate::visit::Visit;
use domain::access::Factor;
use domain::alarm::{Alarms, CopiedKey};
use domain::directory::Account;
use domain::id::RecordId;

/// Raises the alarm: a line in the log, and where there is somebody to tell an alarm for them. Of one key both come once an hour.
pub(crate) async fn raise(visit: &Visit<'_>, account: &Account, key: RecordId) {
    let naming = &visit.service.sign_in.vault.secrets(account.tenant).naming;
    let person = account.to_assertion(Factor::Missing, visit.now).person(naming);
    let about = CopiedKey {
        tenant: account.tenant,
        account: account.id,
        person,
        display: account.display.clone(),
        key,
        correlation: visit.correlation,
        at: visit.now,
    };
    let raised = Alarms(&visit.service.sign_in.book).raise(about, visit.service.limits.alarm).await;
    if raised.is_ok_and(|raised| !raised) {
        return;
    }
    tracing::error!(
        tenant = %account.tenant,
        account = %account.id,
        %person,
        %key,
        correlation = %visit.correlation,
        "a security key counted fewer signatures than before: there may be a copy of it"
    );
    if raised.is_err() {
        tracing::error!(correlation = %visit.correlation, "the alarm about a copied key could not be kept, and nobody else is told");
    }
}
