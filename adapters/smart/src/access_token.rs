//! Access tokens: opaque, short-lived, and worth no more than the directory says at the moment they are shown.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{Context, Principal, PrincipalKind, Scope, Scopes, Subject, narrow};
use domain::directory::{Application, ApplicationUse, Directory};
use domain::id::RecordId;
use domain::launch::{Launches, Word};
use domain::secret::SecretBytes;
use domain::ticket::{Kept, NotKept, TicketBook, TicketKey, TicketKind};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How long an access token of an application that acts by itself is good, in seconds.
pub const TOKEN_SECONDS: i64 = 300;

/// What every access token begins with, so that no other text costs a look into the database.
pub const PREFIX: &str = "sga_";

/// 256 bits in base64url without padding (RFC 4648 §5).
const SECRET_CHARACTERS: usize = 43;

/// Issues, finds and revokes access tokens.
#[derive(Clone)]
pub struct AccessTokens {
    book: Arc<TicketBook>,
    launches: Launches,
}

/// Who acts with an access token.
pub struct Bearer {
    /// The subject: the application itself, or the person who let it act.
    pub subject: Subject,
    /// The application.
    pub application: RecordId,
    /// Under which circumstances, but for the address.
    pub circumstances: Context,
    /// Whether the application may know who the person is (`fhirUser`).
    pub tells_person: bool,
}

/// What an access token was issued for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// The application; who acts, unless there is a grant.
    pub client: RecordId,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was issued.
    pub issued: Timestamp,
    /// What a person granted, where it acts for one.
    #[serde(default)]
    pub grant: Option<RecordId>,
    /// Whether it tells who that person is (`fhirUser`).
    #[serde(default)]
    pub tells_person: bool,
}

impl AccessTokens {
    /// Keeps tokens in this book.
    #[must_use]
    pub fn new(book: Arc<TicketBook>) -> Self {
        Self { launches: Launches::new(Arc::clone(&book)), book }
    }

    /// Returns who acts with this token; `None` when it is no token of ours, is over, or its application may no longer come.
    ///
    /// Roles and scopes are those of the directory now, as far as the token reaches: taking something away from an
    /// application takes it away from the tokens it holds. What a person granted holds as [`Launches::admit`] says.
    /// A text that is no access token is not looked up.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn admit(&self, token: &str, directory: &Directory) -> Result<Option<Bearer>, NotKept> {
        let Some(kept) = self.find(token).await? else { return Ok(None) };
        let Some(application) = directory.application(kept.value.client) else { return Ok(None) };
        let admitted = match kept.value.grant {
            Some(grant) => {
                let admitted = self.launches.admit(grant, application.id, &kept.value.scopes, directory).await?;
                admitted.map(|(subject, circumstances, _)| (subject, circumstances))
            }
            None => {
                let scopes = narrow(&kept.value.scopes, &registered(application));
                subject(application, scopes).map(|subject| (subject, Context::at(self.book.clock.now())))
            }
        };
        let admitted = admitted.filter(|(subject, _)| subject.tenant == kept.tenant);
        let tells_person = kept.value.tells_person && may_tell(application, Word::FhirUser);
        let bearer =
            |(subject, circumstances)| Bearer { subject, application: application.id, circumstances, tells_person };
        Ok(admitted.map(bearer))
    }

    /// Keeps a new token and returns it; it is stored as a keyed hash only.
    pub(crate) async fn issue(
        &self,
        application: &Application,
        granted: &Granted,
        expires: Timestamp,
    ) -> Result<SecretBytes, NotKept> {
        let mut random = [0; 32];
        self.book.entropy.fill(&mut random)?;
        let mut text = String::with_capacity(PREFIX.len().saturating_add(SECRET_CHARACTERS));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(random, &mut text);
        let owner = self.book.keys.owner("application", &[application.id.as_bytes()]);
        let key = self.key(&text);
        let kept = self.book.put(TicketKind::AccessToken, application.tenant, key, owner, expires, granted).await?;
        // Two tokens of 256 random bits are not the same: a source that repeats itself is broken.
        if kept { Ok(SecretBytes::new(text.into_bytes())) } else { Err(NotKept::Unavailable) }
    }

    pub(crate) async fn find(&self, token: &str) -> Result<Option<Kept<Granted>>, NotKept> {
        if !is_ours(token) {
            return Ok(None);
        }
        self.book.find(TicketKind::AccessToken, self.key(token)).await
    }

    pub(crate) async fn revoke(&self, kept: &Kept<Granted>) -> Result<bool, NotKept> {
        self.book.remove(kept).await
    }

    /// Marks the `jti` of a client as used until then; `false` when it was already.
    pub(crate) async fn use_once(
        &self,
        application: &Application,
        jti: &str,
        until: Timestamp,
    ) -> Result<bool, NotKept> {
        let name: [&[u8]; 3] = [b"client-assertion", application.id.as_bytes(), jti.as_bytes()];
        let (key, owner) = (
            self.book.keys.key(TicketKind::Used, &name),
            self.book.keys.owner("client-assertion", &[application.id.as_bytes()]),
        );
        self.book.put(TicketKind::Used, application.tenant, key, owner, until, &()).await
    }

    fn key(&self, token: &str) -> TicketKey {
        self.book.keys.key(TicketKind::AccessToken, &[token.as_bytes()])
    }
}

/// Returns what an application was registered for; a text that is no scope here gives nothing.
pub(crate) fn registered(application: &Application) -> Vec<Scope> {
    application.scopes.iter().filter_map(|text| text.parse().ok()).collect()
}

/// Says whether an application is registered to be told this about people, now.
pub(crate) fn may_tell(application: &Application, word: Word) -> bool {
    application.scopes.iter().any(|text| text == word.name())
}

/// Admits an application that acts by itself with these scopes; `None` when it is disabled or acts for people only.
pub(crate) fn subject(application: &Application, scopes: Vec<Scope>) -> Option<Subject> {
    let ApplicationUse::Backend { roles, clinics, purpose } = &application.r#use else { return None };
    application.enabled.then(|| Subject {
        principal: Principal {
            id: application.id.to_string(),
            display: application.name.clone(),
            kind: PrincipalKind::System,
        },
        tenant: application.tenant,
        roles: roles.within(clinics),
        clinics: clinics.clone(),
        purpose: *purpose,
        scopes: Scopes::Limited(scopes),
        compartment: None,
    })
}

fn is_ours(token: &str) -> bool {
    token.strip_prefix(PREFIX).is_some_and(|secret| {
        secret.len() == SECRET_CHARACTERS
            && secret.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}
