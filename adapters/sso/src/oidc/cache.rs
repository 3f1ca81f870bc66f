//! What is remembered of providers, so that they are asked seldom and that people still sign in while one of them stumbles.

use super::Refusal;
use super::jose::Keys;
use super::provider::{Document, Party};
use crate::http::EgressClient;
use domain::id::RecordId;
use domain::time::Timestamp;
use lru::LruCache;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

/// The providers of connections that were used lately, at most [`MAX_PROVIDERS`].
pub(super) struct Providers(Mutex<LruCache<RecordId, Arc<Provider>>>);

/// One provider. Whoever finds something stale fetches it while others of the same connection wait.
struct Provider {
    issuer: String,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    document: Held<Document>,
    keys: Held<Keys>,
    unknown_key: Option<Timestamp>,
}

struct Held<T> {
    value: Option<(Arc<T>, Timestamp)>,
    failed: Option<(Refusal, Timestamp)>,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { value: None, failed: None }
    }
}

impl Default for Providers {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_PROVIDERS)))
    }
}

impl Providers {
    /// Returns the provider's document, read at most an hour ago, or a day while it does not answer; one by which nobody can sign in was
    /// read at most [`UNFIT_SECONDS`] ago, so that what is mended there works here.
    pub(super) async fn document(
        &self,
        party: &Party<'_>,
        http: &EgressClient,
        now: Timestamp,
    ) -> Result<Arc<Document>, Refusal> {
        let provider = self.provider(party);
        let mut state = provider.state.lock().await;
        state.document.fresh(now, |document| fresh_for(party, document), || party.fetch_document(http)).await
    }

    /// Returns the provider's keys, read at most an hour ago, or a day while it does not answer.
    pub(super) async fn keys(
        &self,
        party: &Party<'_>,
        http: &EgressClient,
        now: Timestamp,
    ) -> Result<Arc<Keys>, Refusal> {
        let provider = self.provider(party);
        let mut state = provider.state.lock().await;
        let document =
            state.document.fresh(now, |document| fresh_for(party, document), || party.fetch_document(http)).await?;
        state.keys.fresh(now, |_| FRESH_SECONDS, || party.fetch_keys(http, &document)).await
    }

    /// Reads the keys again because of a token whose key is not among `known`; `None` when that was done lately or failed.
    ///
    /// Anybody can make up names of keys, so this is done at most every [`UNKNOWN_KEY_SECONDS`].
    pub(super) async fn newer_keys(
        &self,
        party: &Party<'_>,
        http: &EgressClient,
        known: &Arc<Keys>,
        now: Timestamp,
    ) -> Option<Arc<Keys>> {
        let provider = self.provider(party);
        let mut state = provider.state.lock().await;
        // Somebody else may have fetched them while this one waited.
        let present = state.keys.value.as_ref().map(|(keys, _)| Arc::clone(keys));
        if let Some(present) = present.filter(|present| !Arc::ptr_eq(present, known)) {
            return Some(present);
        }
        if !is_due(state.unknown_key, UNKNOWN_KEY_SECONDS, now) {
            return None;
        }
        state.unknown_key = Some(now);
        let document = state
            .document
            .fresh(now, |document| fresh_for(party, document), || party.fetch_document(http))
            .await
            .ok()?;
        let keys = Arc::new(party.fetch_keys(http, &document).await.ok()?);
        state.keys.value = Some((Arc::clone(&keys), now));
        Some(keys)
    }

    fn provider(&self, party: &Party<'_>) -> Arc<Provider> {
        // Nothing is left half-done under this lock, so a panic elsewhere does not spoil it.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(provider) = held.get(&party.id).filter(|provider| provider.issuer == party.settings.issuer) {
            return Arc::clone(provider);
        }
        let provider =
            Arc::new(Provider { issuer: party.settings.issuer.clone(), state: tokio::sync::Mutex::default() });
        held.put(party.id, Arc::clone(&provider));
        provider
    }
}

impl<T> Held<T> {
    /// Returns the value, fetching it when it is older than it is fresh, in seconds.
    ///
    /// When the other end does not answer, a value up to [`STALE_SECONDS`] old still counts; when it answers wrongly, none does.
    /// After a failure nothing is fetched for [`RETRY_SECONDS`], so that a provider that is down costs one wait and not one for
    /// each person.
    async fn fresh<F: Future<Output = Result<T, Refusal>>>(
        &mut self,
        now: Timestamp,
        fresh_for: impl FnOnce(&T) -> i64,
        fetch: impl FnOnce() -> F,
    ) -> Result<Arc<T>, Refusal> {
        if let Some((value, at)) = &self.value
            && !is_due(Some(*at), fresh_for(value), now)
        {
            return Ok(Arc::clone(value));
        }
        let failed = self.failed.filter(|(_, at)| !is_due(Some(*at), RETRY_SECONDS, now));
        let refusal = match failed {
            Some((refusal, _)) => refusal,
            None => match fetch().await {
                Ok(value) => {
                    let value = Arc::new(value);
                    *self = Self { value: Some((Arc::clone(&value), now)), failed: None };
                    return Ok(value);
                }
                Err(refusal) => refusal,
            },
        };
        if failed.is_none() {
            self.failed = Some((refusal, now));
        }
        let usable =
            self.value.as_ref().filter(|(_, at)| refusal.is_outage() && !is_due(Some(*at), STALE_SECONDS, now));
        usable.map(|(value, _)| Arc::clone(value)).ok_or(refusal)
    }
}

/// Returns how long a document is taken without asking again, in seconds.
fn fresh_for(party: &Party<'_>, document: &Document) -> i64 {
    if party.is_served_by(document) { FRESH_SECONDS } else { UNFIT_SECONDS }
}

/// Says whether so many seconds have passed, or the clock went back.
fn is_due(last: Option<Timestamp>, seconds: i64, now: Timestamp) -> bool {
    last.is_none_or(|last| now < last || last.plus_seconds(seconds) <= now)
}

/// Most providers that are remembered; beyond that the one not used for longest is asked anew.
const MAX_PROVIDERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(255);
/// How long what a provider says is taken without asking again.
const FRESH_SECONDS: i64 = 3_600;
/// How long a document by which nobody can sign in is taken: as long as a provider is left alone that has just been asked.
const UNFIT_SECONDS: i64 = 30;
/// How long it is taken while the provider does not answer.
const STALE_SECONDS: i64 = 86_400;
/// How long a provider that failed is left alone.
const RETRY_SECONDS: i64 = 5;
/// How often at most keys are read again because of a token with an unknown one.
const UNKNOWN_KEY_SECONDS: i64 = 30;
