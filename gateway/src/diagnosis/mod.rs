//! Why people cannot sign in: a connection tried out step by step, and refused sign-ins in words. For commands and for the API.

mod applications;
mod explain;
mod turns;

use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::sign_on;
use crate::trail::{Opened, Trail, not_recorded};
use admin::{Explained, Looking, NotExplained, Step, Verdict};
use domain::access::{Act as _, ReadAudit};
use domain::administration::By;
use domain::audit::{ChainId, Context, EntryView, SEGMENT_ENTRIES};
use domain::directory::{Connection, Protocol, SamlSettings};
use domain::journal::{Act, NotPermitted};
use domain::ports::{BoxFuture, Clock};
use domain::refusals::CONNECTION;
use domain::time::Timestamp;
use sso::oidc::{RelyingParty, told_by_api};
use sso::saml::IdentityProvider;
use std::sync::Arc;
use turns::Turns;

/// Tries connections out and explains refused sign-ins.
pub struct Diagnosis {
    trail: Trail,
    oidc: RelyingParty,
    clock: Arc<dyn Clock>,
    /// Whether sign-on is enabled, and whether keys for SAML are configured.
    configured: (bool, bool),
    explaining: Turns,
    testing: Turns,
}

/// How far back refused sign-ins are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In the whole chain, verified from its first entry.
    Whole,
    /// In its newest segments: a gateway that serves does not walk years of entries for a request.
    Newest,
}

/// How many closed segments of a chain a serving gateway looks at besides the open one: 131,072 entries.
const NEWEST_SEGMENTS: u64 = 2;
/// How many of one tenant walk its chain at once.
const EXPLAINING: usize = 1;
/// How many connections of one tenant are tried out at once for the API.
const TESTING: usize = 2;
/// How many entries are opened for each that is told, where one connection is asked about: which connection an entry is about
/// stands in its sealed context.
const READ_FOR_ONE: usize = 20;
/// Most entries that are opened.
const MAX_READ: usize = 2_000;
/// Names a chain in entries about it.
const CHAIN: &str = "AuditChain";

/// Why nothing is explained.
pub enum NotTold {
    /// The policy denies it, or that could not be recorded.
    NotPermitted(NotPermitted),
    /// The chain cannot be read.
    Stop(Stop),
}

impl Diagnosis {
    /// Puts together what looks.
    ///
    /// # Errors
    /// [`Exit::Configuration`] when the file of authorities cannot be used; [`Exit::BrokenChain`] when the anchors cannot be read.
    pub fn new(config: &Config, installation: &Installation) -> Outcome<Self> {
        let http = sign_on::egress(&config.sign_on)?;
        let (clock, entropy) = (Arc::clone(&installation.clock), Arc::clone(&installation.entropy));
        Ok(Self {
            trail: Trail::of(config, installation)?,
            oidc: RelyingParty::new(http, Arc::clone(&clock), entropy, Arc::new(installation.book())),
            clock,
            configured: (config.sign_on.enabled, config.sign_on.saml.is_some()),
            explaining: Turns::new(EXPLAINING),
            testing: Turns::new(TESTING),
        })
    }

    /// Looks at a connection and at what its provider publishes, step by step.
    pub async fn test(&self, connection: &Connection) -> Vec<Step> {
        let (enabled, saml_keys) = self.configured;
        let mut steps = match &connection.protocol {
            Protocol::Oidc(_) => self.oidc.check(connection).await,
            Protocol::Saml(settings) => saml(saml_keys, connection, settings, self.clock.now()),
        };
        steps.push(rules(connection));
        if !enabled {
            steps.push(step("gateway", Verdict::Bad, "Sign-on is not enabled: set `enabled = true` under [sign_on]."));
        }
        steps
    }

    /// Explains refused sign-ins of the chain of whoever asks, newest last; that they were read is in the chain before.
    ///
    /// # Errors
    /// [`NotTold`].
    pub async fn explain(&self, by: &By<'_>, looking: &Looking, reach: Reach) -> Result<Vec<Explained>, NotTold> {
        let chain = ChainId::from(by.actor.subject.tenant);
        let journal = self.trail.journal();
        let permit = journal.permit::<ReadAudit>(&by.actor, &by.context, (CHAIN, &chain.to_string())).await?;
        let _turn = self.explaining.take(chain.tenant()).await;
        let from = match reach {
            Reach::Whole => 0,
            Reach::Newest => {
                let segments = self.trail.head(chain).await?.length.div_euclid(SEGMENT_ENTRIES);
                segments.saturating_sub(NEWEST_SEGMENTS).saturating_mul(SEGMENT_ENTRIES)
            }
        };
        let correlation = looking.correlation.map(|id| id.to_string());
        let fits = |entry: &EntryView<'_>| {
            entry.action() == "LoginFailed"
                && correlation.as_deref().is_none_or(|wanted| entry.correlation_id() == wanted)
        };
        let last = looking.last;
        let limit = match looking.connection {
            Some(_) => last.saturating_mul(READ_FOR_ONE).clamp(last, MAX_READ.max(last)),
            None => last,
        };
        let newest = self.trail.newest(chain, from, limit, fits).await?;
        let views: Vec<_> = newest.iter().filter_map(|bytes| EntryView::read(bytes)).collect();
        let asked = looking.correlation.map(|id| format!(" correlation={id}")).unwrap_or_default();
        let context = Context {
            // Who asks by the API has said it already.
            request: by.actor.request.is_none().then(|| format!("audit show action=LoginFailed{asked}")),
            rule: Some(permit.rule().to_owned()),
            returned: views.iter().map(|entry| format!("AuditEntry/{}", entry.sequence())).collect(),
            roles: by.actor.subject.roles.iter().map(|role| role.name().to_owned()).collect(),
            ..Context::default()
        };
        let act = Act::done(ReadAudit::ACTION.name(), CHAIN, &chain.to_string());
        journal.record(&by.actor, act, &context).await.map_err(NotPermitted::NotRecorded)?;
        let mut explained = Vec::new();
        for entry in &views {
            let context = match self.trail.opened(&by.actor, &permit, chain, entry).await? {
                Opened::Clear(context) => Some(*context),
                Opened::None | Opened::Failed => None,
            };
            explained.push(in_words(entry, context));
        }
        if let Some(id) = looking.connection.map(|id| id.to_string()) {
            explained.retain(|found| found.connection.as_deref() == Some(id.as_str()));
            let surplus = explained.len().saturating_sub(last);
            explained.drain(..surplus);
        }
        Ok(explained)
    }
}

fn in_words(entry: &EntryView<'_>, context: Option<Context>) -> Explained {
    let context = context.unwrap_or_default();
    let reason = context.reason.unwrap_or_else(|| "no word, for its context does not open".to_owned());
    let what = entry.resource_type().into_owned();
    Explained {
        sequence: entry.sequence(),
        time: entry.utc_timestamp().to_owned(),
        who: entry.resource_id().into_owned(),
        correlation: entry.correlation_id().into_owned(),
        connection: context.envelope.get(CONNECTION).cloned(),
        address: context.address,
        meanings: explain::meanings(&reason, &what),
        reason,
        what,
    }
}

fn saml(keys: bool, connection: &Connection, settings: &SamlSettings, now: Timestamp) -> Vec<Step> {
    let mut steps = vec![if connection.enabled {
        step("settings", Verdict::Good, "The settings can be used.")
    } else {
        step("settings", Verdict::Advice, "The settings can be used; the connection is switched off.")
    }];
    steps.push(match IdentityProvider::read(settings, now) {
        Ok(_) => step(
            "metadata",
            Verdict::Good,
            "The provider's metadata has an address for sign-in and a certificate that signatures are verified with.",
        ),
        Err(fault) => step("metadata", Verdict::Bad, &format!("The provider's metadata cannot be used: {fault}.")),
    });
    steps.push(if keys {
        step("keys", Verdict::Good, "Keys for signing requests and opening assertions are configured.")
    } else {
        step(
            "keys",
            Verdict::Bad,
            "No keys are configured: `sealgate sso keys --folder FOLDER` makes them and says what to add to the configuration.",
        )
    });
    steps
}

fn rules(connection: &Connection) -> Step {
    if connection.rules.is_empty() {
        return step("rules", Verdict::Bad, "There is no rule, so nobody is admitted: `sealgate connection rule add`.");
    }
    step("rules", Verdict::Good, "There are rules; whoever fits none of them is told whom to ask.")
}

fn step(name: &'static str, verdict: Verdict, advice: &str) -> Step {
    Step { step: name, verdict, advice: advice.to_owned() }
}

impl admin::Diagnosis for Diagnosis {
    fn test<'a>(&'a self, connection: &'a Connection) -> BoxFuture<'a, Vec<Step>> {
        Box::pin(async move {
            let _turn = self.testing.take(connection.tenant).await;
            told_by_api(connection, Diagnosis::test(self, connection).await)
        })
    }

    fn explain<'a>(
        &'a self,
        by: &'a By<'a>,
        looking: &'a Looking,
    ) -> BoxFuture<'a, Result<Vec<Explained>, NotExplained>> {
        Box::pin(async move { Diagnosis::explain(self, by, looking, Reach::Newest).await.map_err(NotExplained::from) })
    }
}

impl From<NotPermitted> for NotTold {
    fn from(fault: NotPermitted) -> Self {
        NotTold::NotPermitted(fault)
    }
}

impl From<Stop> for NotTold {
    fn from(stop: Stop) -> Self {
        NotTold::Stop(stop)
    }
}

impl From<NotTold> for Stop {
    fn from(fault: NotTold) -> Self {
        match fault {
            NotTold::NotPermitted(NotPermitted::Denied(denial)) => Stop::new(Exit::Failed, denial),
            NotTold::NotPermitted(NotPermitted::NotRecorded(fault)) => not_recorded(fault),
            NotTold::Stop(stop) => stop,
        }
    }
}

impl From<NotTold> for NotExplained {
    fn from(fault: NotTold) -> Self {
        match fault {
            NotTold::NotPermitted(NotPermitted::Denied(_)) => NotExplained::Denied,
            other => match Stop::from(other).exit {
                Exit::Unavailable => NotExplained::Unavailable,
                _ => NotExplained::Integrity,
            },
        }
    }
}
