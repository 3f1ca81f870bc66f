//! What ends by its date, and has to be replaced before: certificates of the keys by which we show providers that we are their client.
//!
//! They are warned of from [`WARNING_DAYS`] on: in the log at the start and each day, by `sealgate status`, `connection show`,
//! `connection key list` and `sso test`.

use domain::directory::{ClientKey, Connection, Directory};
use domain::ports::Clock;
use domain::time::Timestamp;
use sso::oidc::{WARNING_DAYS, certificate_end};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often it is looked whether something ends soon.
pub const INTERVAL: Duration = Duration::from_secs(86_400);

/// A key that signs, whose certificate ends soon or has ended.
pub struct Ending<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// The key.
    pub key: &'a ClientKey,
    /// When it ends.
    pub ends: Timestamp,
}

/// Returns what ends within [`WARNING_DAYS`] of connections that are enabled, soonest first.
#[must_use]
pub fn near(directory: &Directory, now: Timestamp) -> Vec<Ending<'_>> {
    let until = now.plus_seconds(WARNING_DAYS.saturating_mul(86_400));
    let signing = directory.connections().filter(|connection| connection.enabled).filter_map(|connection| {
        let key = connection.oidc()?.signing_key()?;
        Some(Ending { connection, key, ends: certificate_end(key) })
    });
    let mut found: Vec<_> = signing.filter(|ending| ending.ends <= until).collect();
    found.sort_by_key(|ending| ending.ends);
    found
}

/// Warns now and each day, until `stop`.
pub async fn warn(directory: watch::Receiver<Arc<Directory>>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        let now = clock.now();
        let current = Arc::clone(&directory.borrow());
        for Ending { connection, key, ends } in near(&current, now) {
            tracing::warn!(
                tenant = %connection.tenant,
                connection = %connection.id,
                key = key.id,
                ends = ends.rfc3339(),
                ended = ends <= now,
                "the certificate of a client key ends; make another: `sealgate connection key make`"
            );
        }
        if stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::directory::{ClientAlgorithm, Hidden, OidcSettings, Protocol, Provisioning};
    use domain::id::{RecordId, TenantId};

    fn connection(number: u8, created: Timestamp, change: impl FnOnce(&mut Connection)) -> Connection {
        let mut settings = OidcSettings::new("https://idp.example".to_owned(), "client".to_owned());
        let (algorithm, private) = (ClientAlgorithm::Es256, Hidden::new("AAAA".to_owned()));
        let (id, certificate) = (format!("key {number}"), "AAAA".to_owned());
        settings.client_keys = vec![ClientKey { id, algorithm, private, certificate, created }];
        let mut made = Connection {
            id: RecordId([number; 16]),
            tenant: TenantId([1; 16]),
            name: format!("connection {number}"),
            enabled: true,
            protocol: Protocol::Oidc(settings),
            rules: Vec::new(),
            provisioning: Provisioning::default(),
            created,
            ended: None,
        };
        change(&mut made);
        made
    }

    #[test]
    fn what_signs_is_warned_of_from_sixty_days_before_its_certificate_ends() {
        let (day, start) = (86_400, Timestamp(0));
        let waits = |connection: &mut Connection| match &mut connection.protocol {
            Protocol::Oidc(settings) => settings.keys_wait = true,
            Protocol::Saml(_) => {}
        };
        let directory = Directory::new([], [], [], []).with_people(
            [
                connection(1, start.plus_seconds(10 * day), |_| {}),
                connection(2, start, |_| {}),
                connection(3, start, |connection| connection.enabled = false),
                connection(4, start, waits),
            ],
            [],
            [],
        );
        let found = |days: i64| -> Vec<String> {
            let found = near(&directory, start.plus_seconds(days * day));
            found.iter().map(|ending| ending.key.id.clone()).collect()
        };
        assert!(found(669).is_empty());
        assert_eq!(found(670), ["key 2"]);
        assert_eq!(found(680), ["key 2", "key 1"]);
        assert_eq!(found(10_000), ["key 2", "key 1"], "and goes on after its end");
    }
}
