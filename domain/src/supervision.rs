//! Looking at who is signed in, and ending it, as somebody who administers a tenant.
//!
//! Whose act it is stands in the chain first; each session's own entry says afterwards that it was ended.

use crate::access::{Action, Address};
use crate::administration::By;
use crate::audit::Context;
use crate::directory::Directory;
use crate::id::RecordId;
use crate::identity::Session;
use crate::journal::{Act, Journal, NotPermitted};
use crate::launch::Launches;
use crate::ports::KeyFault;
use crate::sign_in::{Ending, Origin, Refused, SignIn};
use crate::ticket::NotKept;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Looks at the sessions of a tenant, and ends them.
#[derive(Clone, Copy)]
pub struct Supervision<'a> {
    /// Keeps the sessions.
    pub sign_in: &'a SignIn,
    /// The directory in force: sessions that it does not admit any more are not there.
    pub directory: &'a Directory,
}

/// Whose sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// This one.
    Session(RecordId),
    /// Every one of this person, and what the person let applications have beyond them.
    Person(RecordId),
    /// Every one of the tenant, and what people let applications have beyond theirs.
    Everybody,
}

/// Why sessions are not shown or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSupervised {
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// There is no such session in the tenant: it is over, or never was.
    NotFound,
    /// A stored key does not open.
    Integrity,
    /// The database or the ledger does not answer; some sessions may have ended.
    Unavailable,
}

impl Supervision<'_> {
    /// Returns a page of the sessions of the tenant of whoever looks, or of one person in it, that go on, and what the choice of the page
    /// says beside it; whoever was seen last comes first. That those of the page were looked at is recorded before.
    ///
    /// # Errors
    /// [`NotSupervised`].
    pub async fn sessions<T>(
        &self,
        by: &By<'_>,
        person: Option<RecordId>,
        page: impl FnOnce(Vec<Session>) -> (Vec<Session>, T),
    ) -> Result<(Vec<Session>, T), NotSupervised> {
        let journal = self.journal();
        let rule = journal.may(&by.actor, &by.context, Action::UserRead, ("Session", "")).await?;
        let mut sessions = self.kept(by, person).await?;
        sessions.retain(|session| self.directory.still_admits(session));
        sessions.sort_by_key(|session| core::cmp::Reverse(session.seen));
        let (sessions, beside) = page(sessions);
        let act = Act::done(Action::UserRead.name(), "Session", "");
        journal.record(&by.actor, act, &told(by, rule, &sessions)).await?;
        Ok((sessions, beside))
    }

    /// Ends sessions of the tenant of whoever ends them, at every gateway. Returns how many.
    ///
    /// Those as well that are refused at present because no rule gives what they have: they would go on once one does again.
    ///
    /// # Errors
    /// [`NotSupervised`]; [`NotSupervised::NotFound`] when nothing of one session or person is there to be ended.
    pub async fn end(&self, by: &By<'_>, ended: Ended) -> Result<usize, NotSupervised> {
        let journal = self.journal();
        let (kind, id, person) = match ended {
            Ended::Session(session) => ("Session", session.to_string(), None),
            Ended::Person(person) => ("Person", person.to_string(), Some(person)),
            Ended::Everybody => ("Session", String::new(), None),
        };
        let rule = journal.may(&by.actor, &by.context, Action::UserChange, (kind, &id)).await?;
        let mut chosen = self.kept(by, person).await?;
        if let Ended::Session(session) = ended {
            chosen.retain(|found| found.id == session);
        }
        let launches = Launches::new(Arc::clone(&self.sign_in.book));
        let tenant = by.actor.subject.tenant;
        let granted = match ended {
            Ended::Session(_) => Vec::new(),
            Ended::Person(person) => launches.granted_by(tenant, person).await?,
            Ended::Everybody => launches.granted_in(tenant).await?,
        };
        if chosen.is_empty() && granted.is_empty() && ended != Ended::Everybody {
            return Err(NotSupervised::NotFound);
        }
        journal.record(&by.actor, Act::done("session.end", kind, &id), &told(by, rule, &chosen)).await?;
        for kept in &granted {
            // Each by name, as where an application gives it up: whoever reads the chain sees what is over.
            let (act, reason) = kept.value.revoked("session-ended");
            let returned = alloc::vec![format!("Person/{}", kept.value.session.person)];
            let Context { rule, roles, .. } = told(by, rule, &[]);
            journal.record(&by.actor, act, &Context { rule, roles, returned, ..reason }).await?;
            launches.take_back(kept).await?;
        }
        let origin = Origin {
            address: by.actor.address.unwrap_or_default(),
            workstation: by.actor.workstation,
            allowed: Address::Allowed,
            correlation: by.actor.correlation,
        };
        let people: BTreeSet<RecordId> = chosen.iter().map(|session| session.person).collect();
        let mut count = 0_usize;
        for person in people {
            let theirs = |found: &Session| chosen.iter().any(|session| session.id == found.id);
            count = count.saturating_add(self.sign_in.end_of(person, Ending::Revoked, &origin, theirs).await?);
        }
        Ok(count)
    }

    async fn kept(&self, by: &By<'_>, person: Option<RecordId>) -> Result<Vec<Session>, NotSupervised> {
        let tenant = by.actor.subject.tenant;
        let mut found = match person {
            Some(person) => self.sign_in.sessions_of(person).await?,
            None => self.sign_in.sessions_in(tenant).await?,
        };
        found.retain(|session| session.tenant == tenant);
        Ok(found)
    }

    fn journal(&self) -> Journal<'_> {
        Journal {
            ledger: self.sign_in.ledger.as_ref(),
            vault: self.sign_in.vault.as_ref(),
            clock: self.sign_in.clock.as_ref(),
            entropy: self.sign_in.entropy.as_ref(),
        }
    }
}

fn told(by: &By<'_>, rule: &str, sessions: &[Session]) -> Context {
    Context {
        rule: Some(rule.to_string()),
        roles: by.actor.subject.roles.iter().map(|role| role.name().to_string()).collect(),
        returned: sessions.iter().map(|session| format!("Session/{}", session.id)).collect(),
        ..Context::default()
    }
}

impl fmt::Display for NotSupervised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotSupervised::Denied => "not permitted",
            NotSupervised::NotFound => "there is no such session: it is over, or never was",
            NotSupervised::Integrity => "a stored key does not open",
            NotSupervised::Unavailable => "the database or the ledger does not answer",
        })
    }
}

impl core::error::Error for NotSupervised {}

impl From<NotPermitted> for NotSupervised {
    fn from(fault: NotPermitted) -> Self {
        match fault {
            NotPermitted::Denied(_) => NotSupervised::Denied,
            NotPermitted::NotRecorded(fault) => fault.into(),
        }
    }
}

impl From<KeyFault> for NotSupervised {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Missing | KeyFault::Broken => NotSupervised::Integrity,
            KeyFault::Unavailable => NotSupervised::Unavailable,
        }
    }
}

impl From<NotKept> for NotSupervised {
    fn from(fault: NotKept) -> Self {
        match fault {
            NotKept::Integrity => NotSupervised::Integrity,
            NotKept::Unavailable => NotSupervised::Unavailable,
        }
    }
}

impl From<Refused> for NotSupervised {
    fn from(_: Refused) -> Self {
        NotSupervised::Unavailable
    }
}
