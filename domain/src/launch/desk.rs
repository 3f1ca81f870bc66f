//! Keeping what is under way: requests that wait for their person, and applications opened from a patient's page.

use super::ask::Asked;
use super::pending::{Chosen, Pending};
use crate::id::{RecordId, TenantId};
use crate::secret::{Secret, SecretBytes};
use crate::ticket::{Kept, MARK_SECONDS, NotKept, Owner, TicketBook, TicketKey, TicketKind};
use crate::time::Timestamp;
use alloc::string::String;
use alloc::sync::Arc;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// How long a person may take to sign in, choose and consent, in seconds; what a launch was opened with holds as long.
pub const PENDING_SECONDS: i64 = 1_200;
/// Within how many seconds an application comes back with a launch from a page of ours.
pub const LAUNCH_SECONDS: i64 = 300;

/// Keeps launches, and gives what comes of them.
#[derive(Clone)]
pub struct Launches {
    pub(super) book: Arc<TicketBook>,
}

/// An application that was opened from a patient's page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// Who opened it; it is good for nobody else. Not the session: that has another name once its person proves anew who they are.
    pub person: RecordId,
    /// The patient.
    pub patient: RecordId,
    /// The application.
    pub application: RecordId,
}

impl Launches {
    /// Keeps launches in this book.
    #[must_use]
    pub const fn new(book: Arc<TicketBook>) -> Self {
        Self { book }
    }

    /// Keeps a request while its person is asked, with what its launch was opened with, which is good for [`LAUNCH_SECONDS`] and thus
    /// read now. Returns what finds it.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn keep(&self, asked: Asked) -> Result<String, NotKept> {
        let now = self.book.clock.now();
        let launched = match &asked.launch {
            Some(launch) if !self.is_used(launch).await? => {
                self.look_up::<Launched>(TicketKind::Launch, launch).await?.map(|kept| kept.value)
            }
            Some(_) | None => None,
        };
        let (handle, tenant) = (self.draw()?, asked.tenant);
        let owner = self.book.keys.owner("authorization", &[asked.application.as_bytes()]);
        let (key, expires) = (self.key(TicketKind::Authorization, &handle), now.plus_seconds(PENDING_SECONDS));
        let pending = Pending { asked, begun: now, launched, chosen: None };
        self.put(TicketKind::Authorization, tenant, key, owner, expires, &pending).await?;
        Ok(text(&handle))
    }

    /// Finds a request under way.
    ///
    /// # Errors
    /// [`NotKept::Unavailable`].
    pub async fn pending(&self, handle: &str) -> Result<Option<Kept<Pending>>, NotKept> {
        self.look_up(TicketKind::Authorization, handle).await
    }

    /// Writes down the patient whom somebody chose; `false` when the request changed in between.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn choose(&self, kept: &Kept<Pending>, chosen: Chosen) -> Result<bool, NotKept> {
        let pending = Pending { chosen: Some(chosen), ..kept.value.clone() };
        self.book.replace(TicketKind::Authorization, kept, kept.expires, &pending).await
    }

    /// Takes a request away; `false` when somebody else did.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn finish(&self, kept: &Kept<Pending>) -> Result<bool, NotKept> {
        self.book.remove(kept).await
    }

    /// Opens an application from a patient's page. Returns the `launch` that it is to come back with.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn launch(&self, tenant: TenantId, launched: &Launched) -> Result<String, NotKept> {
        let handle = self.draw()?;
        let owner = self.book.keys.owner("launch", &[launched.person.as_bytes()]);
        let expires = self.book.clock.now().plus_seconds(LAUNCH_SECONDS);
        let key = self.key(TicketKind::Launch, &handle);
        self.put(TicketKind::Launch, tenant, key, owner, expires, launched).await?;
        Ok(text(&handle))
    }

    /// Uses the launch of a request up; `false` when another request did.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn use_up(&self, asked: &Asked) -> Result<bool, NotKept> {
        let Some(launch) = asked.launch.as_deref() else { return Ok(true) };
        let key = self.used(launch);
        let owner = self.book.keys.owner("launch", &[asked.application.as_bytes()]);
        // Until the last request is over that can have been made with it.
        let until = self.book.clock.now().plus_seconds(LAUNCH_SECONDS.saturating_add(PENDING_SECONDS));
        let until = until.plus_seconds(MARK_SECONDS);
        self.book.put(TicketKind::Used, asked.tenant, key, owner, until, &()).await
    }

    async fn is_used(&self, launch: &str) -> Result<bool, NotKept> {
        Ok(self.book.find::<()>(TicketKind::Used, self.used(launch)).await?.is_some())
    }

    fn used(&self, launch: &str) -> TicketKey {
        self.book.keys.key(TicketKind::Used, &[b"launch", launch.as_bytes()])
    }

    /// Finds a ticket by its text; one that cannot be ours is not looked up, and one that does not open is nobody's.
    pub(super) async fn look_up<T: serde::de::DeserializeOwned>(
        &self,
        kind: TicketKind,
        text: &str,
    ) -> Result<Option<Kept<T>>, NotKept> {
        let ours = text.len() == SECRET_CHARACTERS
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !ours {
            return Ok(None);
        }
        match self.book.find(kind, self.book.keys.key(kind, &[text.as_bytes()])).await {
            Err(NotKept::Integrity) => Ok(None),
            found => found,
        }
    }

    pub(super) async fn put<T: Serialize>(
        &self,
        kind: TicketKind,
        tenant: TenantId,
        key: TicketKey,
        owner: Owner,
        expires: Timestamp,
        value: &T,
    ) -> Result<(), NotKept> {
        // Two secrets of 256 random bits are not the same: a source that repeats itself is broken.
        if self.book.put(kind, tenant, key, owner, expires, value).await? { Ok(()) } else { Err(NotKept::Unavailable) }
    }

    /// Draws 256 bits, in base64url.
    pub(super) fn draw(&self) -> Result<SecretBytes, NotKept> {
        let random = Secret::<32>::fill(self.book.entropy.as_ref())?;
        // Sized once, so that growing leaves no copy behind.
        let mut text = String::with_capacity(SECRET_CHARACTERS);
        URL_SAFE_NO_PAD.encode_string(random.expose(), &mut text);
        Ok(SecretBytes::new(text.into_bytes()))
    }

    pub(super) fn key(&self, kind: TicketKind, secret: &SecretBytes) -> TicketKey {
        self.book.keys.key(kind, &[secret.expose()])
    }
}

/// Returns a secret as the text that goes out; the copy is the caller's to send.
pub(super) fn text(secret: &SecretBytes) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

/// 256 bits in base64url without padding (RFC 4648 §5).
const SECRET_CHARACTERS: usize = 43;
