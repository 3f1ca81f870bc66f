//! Reading an audit chain: entries from a verified walk, and the sealed contexts beside them. For commands and for the API.

use crate::chains::Chains;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{Installation, anchors_at};
use domain::access::{Obligation, Permit, ReadAudit};
use domain::audit::{ChainHead, ChainId, Context, EntryView};
use domain::journal::{Act, Actor, Journal};
use domain::keys::{ContentMac, Roots};
use domain::ports::{Clock, Entropy, KeyFault, KeyVault, Ledger, Store};
use domain::record::{self, ContextBinding};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

/// The audit chains of an installation, to be read.
pub struct Trail {
    store: Arc<dyn Store>,
    roots: Arc<Roots>,
    vault: Arc<dyn KeyVault>,
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    anchor_file: PathBuf,
}

/// What became of an entry's context.
pub enum Opened {
    /// There is none.
    None,
    /// It opened.
    Clear(Box<Context>),
    /// It was changed, moved or removed, or its key is gone.
    Failed,
}

impl Trail {
    /// Returns the chains of an open installation.
    ///
    /// # Errors
    /// [`Exit::BrokenChain`] when the anchors cannot be read.
    pub fn of(config: &Config, installation: &Installation) -> Outcome<Self> {
        let anchor_file = config.audit.anchor_file.clone();
        anchors_at(&anchor_file, &installation.roots)?;
        Ok(Self {
            store: Arc::clone(&installation.store),
            roots: Arc::clone(&installation.roots),
            vault: installation.vault.clone(),
            ledger: installation.recorder.clone(),
            clock: Arc::clone(&installation.clock),
            entropy: Arc::clone(&installation.entropy),
            anchor_file,
        })
    }

    /// Returns what writes entries about the reading.
    #[must_use]
    pub fn journal(&self) -> Journal<'_> {
        let Self { ledger, vault, clock, entropy, .. } = self;
        Journal { ledger: ledger.as_ref(), vault: vault.as_ref(), clock: clock.as_ref(), entropy: entropy.as_ref() }
    }

    /// Returns where a chain stands now.
    ///
    /// # Errors
    /// [`Exit::Unavailable`].
    pub async fn head(&self, chain: ChainId) -> Outcome<ChainHead> {
        head(&self.store, chain).await
    }

    /// Walks a chain from behind entry `from` to its head, verifying it, and keeps the newest entries that fit.
    ///
    /// # Errors
    /// [`Exit::BrokenChain`], [`Exit::Unavailable`].
    pub async fn newest(
        &self,
        chain: ChainId,
        from: u64,
        limit: usize,
        fits: impl Fn(&EntryView<'_>) -> bool,
    ) -> Outcome<VecDeque<Vec<u8>>> {
        let anchors = anchors_at(&self.anchor_file, &self.roots)?.all();
        let head = self.head(chain).await?;
        let chains = Chains { store: &self.store, audit_root: &self.roots.audit, anchors: Some(anchors) };
        let mut newest = VecDeque::new();
        let mut keep = |entry: &EntryView<'_>| {
            if fits(entry) {
                newest.push_back(entry.bytes().to_vec());
                if newest.len() > limit {
                    newest.pop_front();
                }
            }
        };
        chains.chain_with(chain, &head, from, |verifier, block| verifier.block_with(&block.lines, &mut keep)).await?;
        Ok(newest)
    }

    /// Opens the context beside an entry; what whoever reads may not see of it is left out. One that does not open is recorded.
    ///
    /// # Errors
    /// [`Exit::Unavailable`], [`Exit::Failed`].
    pub async fn opened(
        &self,
        actor: &Actor<'_>,
        permit: &Permit<ReadAudit>,
        chain: ChainId,
        entry: &EntryView<'_>,
    ) -> Outcome<Opened> {
        let sealed = self.store.context(chain, entry.sequence()).await;
        let sealed = sealed
            .map_err(|_| Stop::new(Exit::Unavailable, "a context cannot be read: the database does not answer"))?;
        let context = match &sealed {
            None if !entry.vouches_for_context() => return Ok(Opened::None),
            None => None,
            Some(sealed) => self.open(permit, chain, entry, sealed).await,
        };
        match context {
            Some(context) if permit.obligations().contains(Obligation::Mask) => {
                Ok(Opened::Clear(Box::new(masked(context))))
            }
            Some(context) => Ok(Opened::Clear(Box::new(context))),
            None => {
                let id = format!("{chain}/{}", entry.sequence());
                let roles = actor.subject.roles.iter().map(|role| role.name().to_owned()).collect();
                let act = Act::failed("IntegrityFailure", "AuditContext", &id);
                let context = Context { roles, ..Context::default() };
                self.journal().record(actor, act, &context).await.map_err(not_recorded)?;
                Ok(Opened::Failed)
            }
        }
    }

    async fn open(
        &self,
        permit: &Permit<ReadAudit>,
        chain: ChainId,
        entry: &EntryView<'_>,
        sealed: &[u8],
    ) -> Option<Context> {
        let heading = record::heading(sealed).ok()?;
        let key = self.vault.find(chain.tenant(), heading.data_key).await.ok()?;
        let resource_id = entry.resource_id();
        let binding = ContextBinding {
            tenant: chain.tenant(),
            resource_id: &resource_id,
            after: ContentMac(bytes_of(entry.after_hash()?)?),
            correlation: entry.correlation_id().parse().ok()?,
        };
        let clear = record::open_context(permit, &key, &binding, sealed).ok()?;
        Context::from_json(std::str::from_utf8(&clear).ok()?)
    }
}

/// Returns where a chain stands now.
///
/// # Errors
/// [`Exit::Unavailable`].
pub async fn head(store: &Arc<dyn Store>, chain: ChainId) -> Outcome<ChainHead> {
    let heads = store.heads().await;
    let heads = heads
        .map_err(|_| Stop::new(Exit::Unavailable, "the audit chains cannot be read: the database does not answer"))?;
    Ok(heads.into_iter().find(|(known, _)| *known == chain).map_or(ChainHead::EMPTY, |(_, head)| head))
}

/// Says why nothing was done: what cannot be recorded does not happen.
#[must_use]
pub fn not_recorded(fault: KeyFault) -> Stop {
    match fault {
        KeyFault::Missing => {
            Stop::new(Exit::Failed, "nothing was done: the tenant has no key to seal the record of it")
        }
        KeyFault::Broken => Stop::new(Exit::Failed, "nothing was done: a stored key does not open"),
        KeyFault::Unavailable => {
            Stop::new(Exit::Unavailable, "nothing was done: it cannot be recorded, the database does not answer")
        }
    }
}

/// Leaves out what a search was asked with: names and numbers of patients stand there.
///
/// A request reads `METHOD path?query request-id=… body=…`, as the FHIR server writes it.
fn masked(context: Context) -> Context {
    let request = context.request.as_deref().map(|request| {
        let (line, body) = request.split_once(" body=").map_or((request, None), |(line, body)| (line, Some(body)));
        let (target, id) = line.split_once(" request-id=").map_or((line, None), |(target, id)| (target, Some(id)));
        let mut shown = match target.split_once('?') {
            Some((path, query)) => format!("{path}?{}", names(query)),
            None => target.to_owned(),
        };
        if let Some(id) = id {
            shown = format!("{shown} request-id={id}");
        }
        match body {
            Some(body) => format!("{shown} body={}", names(body)),
            None => shown,
        }
    });
    Context { request, ..context }
}

/// Returns the names of parameters without their values.
fn names(pairs: &str) -> String {
    let plain =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'));
    let name = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if plain(name) => format!("{name}=…"),
        _ => "…".to_owned(),
    };
    pairs.split('&').map(name).collect::<Vec<_>>().join("&")
}

fn bytes_of(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes().first_chunk::<64>()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_request_keeps_what_was_asked_and_not_with_what() {
        let shown = |request: &str| masked(Context { request: Some(request.to_owned()), ..Context::default() }).request;
        let search = "GET /fhir/Patient?family=Merriweather&birthdate=1964-02-29 request-id=7";
        assert_eq!(shown(search).as_deref(), Some("GET /fhir/Patient?family=…&birthdate=… request-id=7"));
        let posted = "POST /fhir/Patient/_search request-id=7 body=name:exact=Philippa Merriweather&Merriweather";
        assert_eq!(shown(posted).as_deref(), Some("POST /fhir/Patient/_search request-id=7 body=name:exact=…&…"));
        assert_eq!(shown("GET /fhir/Patient/1 request-id=7").as_deref(), Some("GET /fhir/Patient/1 request-id=7"));
        assert_eq!(shown("audit show user=jo").as_deref(), Some("audit show user=jo"));
    }

    #[test]
    fn hex_digits_read_as_bytes_and_nothing_else_does() {
        assert_eq!(bytes_of(&"a0".repeat(32)), Some([0xa0; 32]));
        assert_eq!(bytes_of(&"zz".repeat(32)), None);
        assert_eq!(bytes_of("a0"), None);
    }
}
