//! How sessions end: by whom, and why.

use super::{MAX_SESSIONS, Origin, Refused, Resumed, SignIn};
use crate::id::RecordId;
use crate::identity::{Session, SessionLimits};
use crate::ticket::TicketKind;

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The person signed out.
    SignedOut,
    /// The identity provider ended it.
    EndedByProvider,
    /// Somebody ended it: the person elsewhere, or an administrator.
    Revoked,
    /// A newer session took its place.
    Replaced,
    /// The identity provider told that the person may no longer come, or took them out of a group.
    Deactivated,
}

impl Ending {
    /// Returns the word that audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Ending::SignedOut => "signed-out",
            Ending::EndedByProvider => "ended-by-provider",
            Ending::Revoked => "revoked",
            Ending::Replaced => "replaced",
            Ending::Deactivated => "deactivated",
        }
    }
}

impl SignIn {
    /// Ends a session.
    ///
    /// # Errors
    /// [`Refused::Unavailable`]; then it may go on.
    pub async fn end(&self, resumed: &Resumed, ending: Ending, origin: &Origin<'_>) -> Result<(), Refused> {
        self.note(&resumed.session, "Logout", Some(ending.name()), origin).await?;
        self.book.remove(&resumed.kept).await?;
        self.unlist(resumed.session.tenant, resumed.session.person).await;
        Ok(())
    }

    /// Ends those of a person's sessions that are chosen. Returns how many.
    ///
    /// # Errors
    /// [`Refused::Unavailable`]; then some may go on.
    pub async fn end_of(
        &self,
        person: RecordId,
        ending: Ending,
        origin: &Origin<'_>,
        chosen: impl Fn(&Session) -> bool,
    ) -> Result<usize, Refused> {
        let kept = self.book.of_owner::<Session>(TicketKind::Session, self.owner(person), MAX_SESSIONS).await?;
        let mut ended = 0_usize;
        for kept in kept.iter().filter(|kept| chosen(&kept.value)) {
            self.note(&kept.value, "Logout", Some(ending.name()), origin).await?;
            self.book.remove(kept).await?;
            ended = ended.saturating_add(1);
        }
        if let Some(kept) = kept.first().filter(|_| ended == kept.len()) {
            self.unlist(kept.tenant, person).await;
        }
        Ok(ended)
    }

    /// Ends the sessions of a person that an identity provider told of, by the person's record. Returns how many.
    ///
    /// # Errors
    /// [`Refused::Unavailable`]; then some may go on.
    pub async fn end_provisioned(&self, person: RecordId, origin: &Origin<'_>) -> Result<usize, Refused> {
        let mut ended = 0_usize;
        for person in self.listed("provisioned", person.as_bytes()).await? {
            let count = self.end_of(person, Ending::Deactivated, origin, |_| true).await?;
            ended = ended.saturating_add(count);
        }
        Ok(ended)
    }

    /// Ends the sessions that belong to a session of an identity provider. Returns how many.
    ///
    /// # Errors
    /// [`Refused::Unavailable`]; then some may go on.
    pub async fn end_by_provider(
        &self,
        connection: RecordId,
        provider_session: &str,
        origin: &Origin<'_>,
    ) -> Result<usize, Refused> {
        let owner = self.book.keys.owner("provider-session", &[connection.as_bytes(), provider_session.as_bytes()]);
        let mut ended = 0_usize;
        for named in self.book.of_owner::<RecordId>(TicketKind::ProviderSession, owner, MAX_SESSIONS).await? {
            let theirs = |session: &Session| {
                session.connection == connection && session.provider_session.as_deref() == Some(provider_session)
            };
            let count = self.end_of(named.value, Ending::EndedByProvider, origin, theirs).await?;
            ended = ended.saturating_add(count);
            self.book.remove(&named).await?;
        }
        Ok(ended)
    }

    /// Ends the sessions of a person that are more than they may hold with this one, which may be there or be to come. Whoever does this at
    /// the same moment ends the same ones: in their order no two are alike.
    pub(super) async fn make_room(
        &self,
        session: &Session,
        limits: &SessionLimits,
        origin: &Origin<'_>,
    ) -> Result<(), Refused> {
        let mut kept =
            self.book.of_owner::<Session>(TicketKind::Session, self.owner(session.person), MAX_SESSIONS).await?;
        kept.sort_by_key(|kept| (kept.value.seen, kept.value.id));
        let allowed = usize::try_from(limits.concurrent.max(1)).unwrap_or(usize::MAX);
        let to_come = usize::from(!kept.iter().any(|kept| kept.value.id == session.id));
        let surplus = kept.len().saturating_add(to_come).saturating_sub(allowed);
        for old in kept.iter().take(surplus) {
            self.note(&old.value, "Logout", Some(Ending::Replaced.name()), origin).await?;
            self.book.remove(old).await?;
        }
        Ok(())
    }
}
