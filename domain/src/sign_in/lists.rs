//! Whose sessions there are: lists of people by tenant, by the record of a provider, and by what a provider names them.

use super::{MAX_LISTED, MAX_SESSIONS, Refused, SignIn};
use crate::id::{RecordId, TenantId};
use crate::identity::{Session, SessionLimits};
use crate::ports::Unavailable;
use crate::ticket::{NotKept, Owner, TicketKey, TicketKind};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

impl SignIn {
    /// Returns a person's sessions, soonest to end first.
    ///
    /// # Errors
    /// [`Refused::Unavailable`].
    pub async fn sessions_of(&self, person: RecordId) -> Result<Vec<Session>, Refused> {
        let kept = self.book.of_owner::<Session>(TicketKind::Session, self.owner(person), MAX_SESSIONS).await?;
        Ok(kept.into_iter().map(|kept| kept.value).collect())
    }

    /// Returns the sessions of everybody in a tenant, of at most [`MAX_LISTED`] people: those whose sessions are over soonest, at the
    /// latest, come first.
    ///
    /// # Errors
    /// [`Refused::Unavailable`].
    pub async fn sessions_in(&self, tenant: TenantId) -> Result<Vec<Session>, Refused> {
        let mut sessions = Vec::new();
        for person in self.listed("tenant", tenant.as_bytes()).await? {
            sessions.extend(self.sessions_of(person).await?.into_iter().filter(|session| session.tenant == tenant));
        }
        Ok(sessions)
    }

    /// Keeps how an identity provider names the person of a session, where it is not as the assertion names them: it may end their
    /// sessions by that name.
    ///
    /// # Errors
    /// [`Refused::Unavailable`].
    pub async fn name(&self, session: &Session, limits: &SessionLimits, theirs: &str) -> Result<(), Refused> {
        let of = [session.connection.as_bytes().as_slice(), theirs.as_bytes()].concat();
        Ok(self.list(session, limits, "provider-name", &of).await?)
    }

    /// Returns the people whom an identity provider names so, as far as their sessions may last.
    ///
    /// # Errors
    /// [`Refused::Unavailable`].
    pub async fn named(&self, connection: RecordId, theirs: &str) -> Result<BTreeSet<RecordId>, Refused> {
        self.listed("provider-name", &[connection.as_bytes().as_slice(), theirs.as_bytes()].concat()).await
    }

    /// Keeps the name of a session's person in a list, once, for as long as the session may last: a list is as long as people are many,
    /// however often they sign in.
    pub(super) async fn list(
        &self,
        session: &Session,
        limits: &SessionLimits,
        list: &str,
        of: &[u8],
    ) -> Result<(), NotKept> {
        const KIND: TicketKind = TicketKind::SessionName;
        let Session { tenant, person, .. } = *session;
        let (key, owner) = self.name_in(list, of, person);
        let expires = session.ends_at_most(limits);
        for _ in 0..LIST_TRIES {
            if self.book.put(KIND, tenant, key, owner, expires, &person).await? {
                return Ok(());
            }
            match self.book.find::<RecordId>(KIND, key).await? {
                Some(kept) if expires <= kept.expires => return Ok(()),
                Some(kept) if self.book.replace(KIND, &kept, expires, &person).await? => return Ok(()),
                // Somebody else prolonged it, or took it out, at this moment.
                Some(_) | None => {}
            }
        }
        Err(NotKept::Unavailable)
    }

    /// Takes a person out of the list of their tenant, unless something of theirs is left.
    ///
    /// A name that stays, because the database does not answer, is passed over by whoever reads the list.
    pub(super) async fn unlist(&self, tenant: TenantId, person: RecordId) {
        let _ = self.try_unlist(tenant, person).await;
    }

    async fn try_unlist(&self, tenant: TenantId, person: RecordId) -> Result<(), NotKept> {
        const KIND: TicketKind = TicketKind::SessionName;
        let (key, owner) = self.name_in("tenant", tenant.as_bytes(), person);
        if self.has_anything(person).await? {
            return Ok(());
        }
        let Some(kept) = self.book.take::<RecordId>(KIND, key).await? else { return Ok(()) };
        // Whoever signed in just before it was taken found it there; whoever does so from now on puts it back themselves.
        if self.has_anything(person).await? {
            self.book.put(KIND, tenant, key, owner, kept.expires, &person).await?;
        }
        Ok(())
    }

    /// Says whether a person has a session, or anything else that is kept as theirs.
    async fn has_anything(&self, person: RecordId) -> Result<bool, Unavailable> {
        let kept = self.book.tickets.of_owner(self.owner(person), self.clock.now(), 1).await?;
        Ok(!kept.is_empty())
    }

    fn name_in(&self, list: &str, of: &[u8], person: RecordId) -> (TicketKey, Owner) {
        let key = self.book.keys.key(TicketKind::SessionName, &[list.as_bytes(), of, person.as_bytes()]);
        (key, self.book.keys.owner(list, &[of]))
    }

    /// Returns the people whose sessions are in a list, each once.
    pub(super) async fn listed(&self, list: &str, of: &[u8]) -> Result<BTreeSet<RecordId>, Refused> {
        let owner = self.book.keys.owner(list, &[of]);
        let kept = self.book.of_owner::<RecordId>(TicketKind::SessionName, owner, MAX_LISTED).await?;
        Ok(kept.into_iter().map(|kept| kept.value).collect())
    }
}

/// How often a name is tried to be put in a list beside others who do so at the same moment.
const LIST_TRIES: u32 = 8;
