//! Why a sign-in with a local account is refused: one word for the audit entry, a face for the browser.

use domain::ports::Unavailable;
use domain::ticket::NotKept;

/// A refused step of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why, for the audit entry and nobody else.
    pub reason: Reason,
    /// Whether it is the failure at which somebody should look, see [`ALERT_AT`](super::ALERT_AT); the caller records it.
    pub alert: bool,
}

/// Why a step was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No account has this name.
    UnknownAccount,
    /// The password is not the account's.
    WrongPassword,
    /// The password is the account's, and the account is disabled.
    AccountDisabled,
    /// No password was set yet.
    NoPassword,
    /// The stored hash cannot be read: damaged, out of bounds, or made under other roots.
    StoredHash,
    /// Too many tries for now; seconds to wait, at least 1.
    Wait(u32),
    /// The hashing queue is full.
    Busy,
    /// The code is none that holds now.
    WrongCode,
    /// The code, or a later one, was accepted before.
    CodeUsed,
    /// Too many wrong codes; seconds to wait, at least 1.
    TooManyCodes(u32),
    /// A code was shown, and no one-time passwords are enrolled.
    NotEnrolled,
    /// One-time passwords are enrolled already; a password alone does not replace them.
    AlreadyEnrolled,
    /// The recovery code is none of the account's.
    WrongRecoveryCode,
    /// The recovery code was used before.
    RecoveryCodeUsed,
    /// The step before is too long ago, was finished already, or never was.
    StepOver,
    /// The step before was for another account.
    OtherAccount,
    /// The database or the source of randomness does not answer.
    Unavailable,
    /// A stored ticket does not open.
    Integrity,
}

/// What a browser may be told; it says nothing about who exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// What was entered is not accepted.
    NotAccepted,
    /// Too many tries; seconds to wait (429, `Retry-After`).
    Wait(u32),
    /// The gateway is busy; seconds to wait (503, `Retry-After`).
    Busy(u32),
    /// Begin again with name and password.
    StartAgain,
    /// Something does not answer (503).
    Unavailable,
}

/// For how long a browser is told to wait while the hashing queue is full, in seconds.
pub const BUSY_SECONDS: u32 = 2;

impl Refusal {
    /// Returns the word that audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.reason {
            Reason::UnknownAccount => "unknown-account",
            Reason::WrongPassword => "wrong-password",
            Reason::AccountDisabled => "account-disabled",
            Reason::NoPassword => "no-password",
            Reason::StoredHash => "stored-hash",
            Reason::Wait(_) => "throttled",
            Reason::Busy => "busy",
            Reason::WrongCode => "wrong-code",
            Reason::CodeUsed => "code-used",
            Reason::TooManyCodes(_) => "too-many-codes",
            Reason::NotEnrolled => "not-enrolled",
            Reason::AlreadyEnrolled => "already-enrolled",
            Reason::WrongRecoveryCode => "wrong-recovery-code",
            Reason::RecoveryCodeUsed => "recovery-code-used",
            Reason::StepOver => "step-over",
            Reason::OtherAccount => "other-account",
            Reason::Unavailable => "unavailable",
            Reason::Integrity => "ticket-integrity",
        }
    }

    /// Returns what the browser is told.
    #[must_use]
    pub const fn face(self) -> Face {
        match self.reason {
            Reason::UnknownAccount
            | Reason::WrongPassword
            | Reason::AccountDisabled
            | Reason::NoPassword
            | Reason::StoredHash
            | Reason::WrongCode
            | Reason::CodeUsed
            | Reason::NotEnrolled
            | Reason::WrongRecoveryCode
            | Reason::RecoveryCodeUsed => Face::NotAccepted,
            Reason::Wait(seconds) | Reason::TooManyCodes(seconds) => Face::Wait(seconds),
            Reason::Busy => Face::Busy(BUSY_SECONDS),
            Reason::AlreadyEnrolled | Reason::StepOver | Reason::OtherAccount => Face::StartAgain,
            Reason::Unavailable | Reason::Integrity => Face::Unavailable,
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, alert: false }
    }
}

impl From<NotKept> for Refusal {
    fn from(fault: NotKept) -> Self {
        match fault {
            NotKept::Integrity => Reason::Integrity.into(),
            NotKept::Unavailable => Reason::Unavailable.into(),
        }
    }
}

impl From<Unavailable> for Refusal {
    fn from(Unavailable: Unavailable) -> Self {
        Reason::Unavailable.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_wrong_with_name_or_password_has_one_face() {
        for reason in [
            Reason::UnknownAccount,
            Reason::WrongPassword,
            Reason::AccountDisabled,
            Reason::NoPassword,
            Reason::StoredHash,
        ] {
            assert_eq!(Refusal::from(reason).face(), Face::NotAccepted, "{reason:?}");
        }
    }
}
