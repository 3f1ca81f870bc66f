//! Invitations: how a person comes to the first password and second factor of their account, or to new ones.

use crate::directory::Account;
use crate::id::{RecordId, TenantId};
use crate::secret::{Secret, SecretBytes};
use crate::ticket::{NotKept, Owner, TicketBook, TicketKey, TicketKind};
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// For how long an invitation can be taken up, in seconds: a day.
pub const INVITATION_SECONDS: i64 = 86_400;

/// Where an invitation is taken up, below the public address of the gateway. The code is typed into a form there, for an
/// address lands in histories and logs.
pub const INVITATION_PATH: &str = "/invitation";

/// An invitation to set password and second factor of an account, kept as a ticket of kind
/// [`Invitation`](TicketKind::Invitation); stored is a keyed hash of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The account.
    pub account: RecordId,
    /// Its tenant.
    pub tenant: TenantId,
}

/// The code of an invitation: shown once, wiped when dropped.
///
/// ```text
///   "sgi_" | 256 random bits, 43 characters        base64url without padding (RFC 4648 §5)
/// ```
pub struct InvitationCode(SecretBytes);

impl InvitationCode {
    /// Borrows the code, to show it.
    #[must_use]
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

impl Invitation {
    /// Invites the person of an account; invitations from before are void.
    ///
    /// # Errors
    /// [`NotKept`]; then those from before may be void nevertheless.
    pub async fn issue(book: &TicketBook, account: &Account) -> Result<InvitationCode, NotKept> {
        Self::withdraw(book, account.id).await?;
        let secret = Secret::<32>::fill(book.entropy.as_ref())?;
        let expires = book.clock.now().plus_seconds(INVITATION_SECONDS);
        let invitation = Self { account: account.id, tenant: account.tenant };
        let (key, owner) = (key(book, secret.expose()), owner(book, account.id));
        if !book.put(TicketKind::Invitation, account.tenant, key, owner, expires, &invitation).await? {
            // 256 random bits that were drawn before: the source of randomness is none.
            return Err(NotKept::Unavailable);
        }
        // Sized once, so that growing leaves no copy behind.
        let mut code = String::with_capacity(CODE_CHARACTERS);
        code.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(secret.expose(), &mut code);
        Ok(InvitationCode(SecretBytes::new(code.into_bytes())))
    }

    /// Returns the invitation of a code, to show its form; it can still be taken up.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn find(book: &TicketBook, presented: &str) -> Result<Option<Self>, NotKept> {
        let Some(secret) = read(presented) else { return Ok(None) };
        let found = book.find::<Self>(TicketKind::Invitation, key(book, secret.expose())).await?;
        Ok(found.map(|kept| kept.value))
    }

    /// Takes an invitation up; of several who show its code at once, one gets it.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn take(book: &TicketBook, presented: &str) -> Result<Option<Self>, NotKept> {
        let Some(secret) = read(presented) else { return Ok(None) };
        let taken = book.take::<Self>(TicketKind::Invitation, key(book, secret.expose())).await?;
        Ok(taken.map(|kept| kept.value))
    }

    /// Voids every invitation to an account.
    ///
    /// # Errors
    /// [`NotKept::Unavailable`]; then they may hold.
    pub async fn withdraw(book: &TicketBook, account: RecordId) -> Result<u64, NotKept> {
        Ok(book.tickets.remove_all(owner(book, account)).await?)
    }
}

fn key(book: &TicketBook, secret: &[u8; 32]) -> TicketKey {
    book.keys.key(TicketKind::Invitation, &[secret])
}

fn owner(book: &TicketBook, account: RecordId) -> Owner {
    book.keys.owner("invitation", &[account.as_bytes()])
}

/// Reads a code as people paste it: with blanks around it.
fn read(presented: &str) -> Option<Secret<32>> {
    let text = presented.trim().strip_prefix(PREFIX)?;
    if text.len() != SECRET_CHARACTERS {
        return None;
    }
    let bytes: SecretBytes = SecretBytes::new(URL_SAFE_NO_PAD.decode(text).ok().unwrap_or_else(Vec::new));
    Secret::from_slice(bytes.expose())
}

const PREFIX: &str = "sgi_";
const SECRET_CHARACTERS: usize = 43;
const CODE_CHARACTERS: usize = 4 + SECRET_CHARACTERS;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Clinics, Purpose, Role, Roles};
    use crate::double::{FixedClock, MemoryTickets, SeededEntropy, run};
    use crate::ticket::TicketKeys;
    use crate::time::Timestamp;
    use alloc::sync::Arc;
    use std::format;

    fn book() -> (TicketBook, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::new(Timestamp(0)));
        let book = TicketBook {
            tickets: Arc::new(MemoryTickets::default()),
            keys: TicketKeys::derive(&Secret::new([7; 32])),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        (book, clock)
    }

    fn account(number: u8) -> Account {
        Account {
            id: RecordId([number; 16]),
            tenant: TenantId([1; 16]),
            name: "ada".into(),
            display: "Ada".into(),
            roles: Roles::of(&[Role::Provider]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            password: None,
            totp: None,
            recovery: Vec::new(),
            enabled: true,
            created: Timestamp(0),
            password_changed: None,
        }
    }

    #[test]
    fn an_invitation_is_found_by_its_code_and_taken_up_once() {
        run(async {
            let (book, _) = book();
            let code = Invitation::issue(&book, &account(1)).await.unwrap();
            assert!(code.expose().starts_with("sgi_") && code.expose().len() == CODE_CHARACTERS);
            let wanted = Invitation { account: RecordId([1; 16]), tenant: TenantId([1; 16]) };
            assert_eq!(Invitation::find(&book, code.expose()).await.unwrap(), Some(wanted));
            assert_eq!(Invitation::take(&book, &format!(" {}\n", code.expose())).await.unwrap(), Some(wanted));
            assert_eq!(Invitation::take(&book, code.expose()).await.unwrap(), None);
        });
    }

    #[test]
    fn what_is_no_code_finds_nothing() {
        run(async {
            let (book, _) = book();
            let code = Invitation::issue(&book, &account(1)).await.unwrap();
            let flipped = format!("sgi_{}", code.expose()[4..].chars().rev().collect::<String>());
            for presented in ["", "sgi_", &code.expose()[4..], &code.expose()[..46], &flipped, "sgi_\u{e9}"] {
                assert_eq!(Invitation::find(&book, presented).await.unwrap(), None, "{presented}");
                assert_eq!(Invitation::take(&book, presented).await.unwrap(), None, "{presented}");
            }
        });
    }

    #[test]
    fn an_invitation_holds_for_a_day_and_until_the_next_one() {
        run(async {
            let (book, clock) = book();
            let first = Invitation::issue(&book, &account(1)).await.unwrap();
            let other = Invitation::issue(&book, &account(2)).await.unwrap();
            let second = Invitation::issue(&book, &account(1)).await.unwrap();
            assert!(Invitation::find(&book, first.expose()).await.unwrap().is_none());
            assert!(Invitation::find(&book, second.expose()).await.unwrap().is_some());
            clock.advance(INVITATION_SECONDS - 1);
            assert!(Invitation::find(&book, other.expose()).await.unwrap().is_some());
            assert_eq!(Invitation::withdraw(&book, RecordId([1; 16])).await.unwrap(), 1);
            assert!(Invitation::find(&book, second.expose()).await.unwrap().is_none());
            clock.advance(1);
            assert!(Invitation::find(&book, other.expose()).await.unwrap().is_none());
        });
    }
}
