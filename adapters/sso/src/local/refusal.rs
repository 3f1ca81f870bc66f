//! Why a sign-in with a local account is refused: one word for the audit entry, a face for the browser.

use crate::stage::Stage;
use domain::id::RecordId;
use domain::ports::Unavailable;
use domain::ticket::NotKept;

/// A refused step of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why, for the audit entry and nobody else.
    pub reason: Reason,
    /// Whether it is the failure at which somebody should look, see [`ALERT_AT`](super::ALERT_AT); the caller records it.
    pub alert: bool,
    /// The security key of the account that was shown, where it is known which.
    pub key: Option<RecordId>,
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
    /// A code or a key was shown, and none is enrolled.
    NotEnrolled,
    /// A second factor is enrolled already; a password alone does not replace it.
    AlreadyEnrolled,
    /// The recovery code is none of the account's.
    WrongRecoveryCode,
    /// The recovery code was used before.
    RecoveryCodeUsed,
    /// What the browser brought back from a security key cannot be read, is too long or is of another ceremony.
    KeyAnswer,
    /// A security key answered, and nothing was asked of one at this browser.
    NoChallenge,
    /// A security key signed another challenge than the one it was asked to.
    WrongChallenge,
    /// A security key answered too late.
    ChallengeExpired,
    /// A challenge was answered before: the answer was repeated.
    ChallengeUsed,
    /// A security key was used on a page of another origin.
    WrongOrigin,
    /// A security key signed for another relying party.
    WrongRelyingParty,
    /// The security key is none of the account's.
    UnknownKey,
    /// The signature is not the security key's.
    WrongSignature,
    /// A security key signed without anybody touching it.
    UserNotPresent,
    /// A security key did not verify its person, as it did when it was added.
    UserNotVerified,
    /// A security key counted fewer signatures than before: there may be a copy of it.
    CounterWentBack,
    /// A security key is of a kind, or says something of itself, that is not accepted.
    KeyNotAccepted,
    /// The security key is in use already, by this account or another.
    KeyTaken,
    /// The account has as many security keys as it may have.
    TooManyKeys,
    /// The step before is too long ago, was finished already, or never was.
    StepOver,
    /// The step before was for another account.
    OtherAccount,
    /// The database or the source of randomness does not answer.
    Unavailable,
    /// A stored ticket does not open.
    Integrity,
}

impl Reason {
    /// Every refusal.
    pub const ALL: &'static [Reason] = &[
        Reason::UnknownAccount,
        Reason::WrongPassword,
        Reason::AccountDisabled,
        Reason::NoPassword,
        Reason::StoredHash,
        Reason::Wait(1),
        Reason::Busy,
        Reason::WrongCode,
        Reason::CodeUsed,
        Reason::TooManyCodes(1),
        Reason::NotEnrolled,
        Reason::AlreadyEnrolled,
        Reason::WrongRecoveryCode,
        Reason::RecoveryCodeUsed,
        Reason::KeyAnswer,
        Reason::NoChallenge,
        Reason::WrongChallenge,
        Reason::ChallengeExpired,
        Reason::ChallengeUsed,
        Reason::WrongOrigin,
        Reason::WrongRelyingParty,
        Reason::UnknownKey,
        Reason::WrongSignature,
        Reason::UserNotPresent,
        Reason::UserNotVerified,
        Reason::CounterWentBack,
        Reason::KeyNotAccepted,
        Reason::KeyTaken,
        Reason::TooManyKeys,
        Reason::StepOver,
        Reason::OtherAccount,
        Reason::Unavailable,
        Reason::Integrity,
    ];

    /// Returns the step of a sign-in that did not hold.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Reason::UnknownAccount
            | Reason::WrongPassword
            | Reason::AccountDisabled
            | Reason::NoPassword
            | Reason::StoredHash
            | Reason::Wait(_) => Stage::Credentials,
            Reason::Busy | Reason::Unavailable | Reason::Integrity => Stage::Gateway,
            Reason::WrongCode
            | Reason::CodeUsed
            | Reason::TooManyCodes(_)
            | Reason::NotEnrolled
            | Reason::AlreadyEnrolled
            | Reason::WrongRecoveryCode
            | Reason::RecoveryCodeUsed
            | Reason::KeyAnswer
            | Reason::NoChallenge
            | Reason::WrongChallenge
            | Reason::ChallengeExpired
            | Reason::ChallengeUsed
            | Reason::WrongOrigin
            | Reason::WrongRelyingParty
            | Reason::UnknownKey
            | Reason::WrongSignature
            | Reason::UserNotPresent
            | Reason::UserNotVerified
            | Reason::CounterWentBack
            | Reason::KeyNotAccepted
            | Reason::KeyTaken
            | Reason::TooManyKeys
            | Reason::StepOver
            | Reason::OtherAccount => Stage::Factor,
        }
    }

    /// Returns a sentence for the administrator: what it means and what to do.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Reason::UnknownAccount => {
                "No account has this sign-in name. Look for a slip, or add one: `sealgate user add`."
            }
            Reason::WrongPassword => {
                "The password is not the account's. Somebody who forgot it gets a link: `sealgate user reset`."
            }
            Reason::AccountDisabled => {
                "The password is right, and the account is disabled: `sealgate user enable` lets the person in again."
            }
            Reason::NoPassword => {
                "No password was set yet: the invitation was not taken up, or is over. `sealgate user reset` makes another link."
            }
            Reason::StoredHash => {
                "The stored hash of the password cannot be read: it is damaged, or of another installation. `sealgate user reset` makes another link."
            }
            Reason::Wait(_) => {
                "There were too many wrong passwords for this account, from this address or in all; nobody is locked out for good."
            }
            Reason::Busy => "More passwords were to be checked at once than this machine can.",
            Reason::WrongCode => {
                "The code is none that holds now. Compare the clocks of the phone and of this machine."
            }
            Reason::CodeUsed => {
                "The code, or a later one, was accepted before: one code is good for one sign-in. The next comes in half a minute."
            }
            Reason::TooManyCodes(_) => "There were too many wrong codes; the person waits and tries again.",
            Reason::NotEnrolled => {
                "A code or a security key was shown, and no authenticator app or key is enrolled for the account."
            }
            Reason::AlreadyEnrolled => {
                "A second factor is enrolled already, and a password alone does not replace it: `sealgate user reset --second-factor`."
            }
            Reason::WrongRecoveryCode => "The recovery code is none of the account's.",
            Reason::RecoveryCodeUsed => "The recovery code was used before; each is good for one time.",
            Reason::KeyAnswer => "What the browser brought back from the security key cannot be read.",
            Reason::NoChallenge => {
                "A security key answered at a browser that was asked for none, or was long ago: the person begins again."
            }
            Reason::WrongChallenge => {
                "A security key signed another challenge than the one under way: from another tab, or from somewhere else."
            }
            Reason::ChallengeExpired => {
                "The security key answered later than the five minutes that a challenge holds; the page then asks anew."
            }
            Reason::ChallengeUsed => {
                "The answer of a security key was sent a second time. One that a browser sends twice is harmless; else somebody recorded it."
            }
            Reason::WrongOrigin => {
                "The security key was used on a page of another address, or in a frame: compare `base_url` with what the browser shows, and think of phishing."
            }
            Reason::WrongRelyingParty => "The security key signed for another host than the one of `base_url`.",
            Reason::UnknownKey => {
                "The security key is none of the account's for this host: it may have been removed, or added under another address (`sealgate user keys`)."
            }
            Reason::WrongSignature => "The signature is not that of the account's security key.",
            Reason::UserNotPresent => "The security key signed without anybody being there to touch it.",
            Reason::UserNotVerified => {
                "The security key asked for neither PIN nor biometry, and did when it was added. If it was reset, the person removes it and adds it again."
            }
            Reason::CounterWentBack => {
                "The security key counted fewer signatures than before: there may be a copy of it. An alarm was raised. Have it removed: `sealgate user remove-key`."
            }
            Reason::KeyNotAccepted => {
                "The security key has an algorithm or form that is not accepted, or says of itself what cannot be."
            }
            Reason::KeyTaken => "The security key is in use already, by this account or another.",
            Reason::TooManyKeys => {
                "The account has ten security keys, which is the most: one that is not used any more must be removed first."
            }
            Reason::StepOver => {
                "The step before was too long ago, was finished already, or never was: the person begins again."
            }
            Reason::OtherAccount => "The step before was for another account: the person begins again.",
            Reason::Unavailable => "The database or the source of randomness did not answer.",
            Reason::Integrity => {
                "What was kept of the sign-in does not open: it was altered, or sealed by another installation."
            }
        }
    }
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
            Reason::KeyAnswer => "unreadable-key-answer",
            Reason::NoChallenge => "no-challenge",
            Reason::WrongChallenge => "wrong-challenge",
            Reason::ChallengeExpired => "challenge-expired",
            Reason::ChallengeUsed => "challenge-used",
            Reason::WrongOrigin => "wrong-origin",
            Reason::WrongRelyingParty => "wrong-relying-party",
            Reason::UnknownKey => "unknown-key",
            Reason::WrongSignature => "wrong-signature",
            Reason::UserNotPresent => "user-not-present",
            Reason::UserNotVerified => "user-not-verified",
            Reason::CounterWentBack => "counter-went-back",
            Reason::KeyNotAccepted => "key-not-accepted",
            Reason::KeyTaken => "key-taken",
            Reason::TooManyKeys => "too-many-keys",
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
            | Reason::RecoveryCodeUsed
            | Reason::KeyAnswer
            | Reason::NoChallenge
            | Reason::WrongChallenge
            | Reason::ChallengeExpired
            | Reason::ChallengeUsed
            | Reason::WrongOrigin
            | Reason::WrongRelyingParty
            | Reason::UnknownKey
            | Reason::WrongSignature
            | Reason::UserNotPresent
            | Reason::UserNotVerified
            | Reason::CounterWentBack
            | Reason::KeyNotAccepted
            | Reason::KeyTaken
            | Reason::TooManyKeys => Face::NotAccepted,
            Reason::Wait(seconds) | Reason::TooManyCodes(seconds) => Face::Wait(seconds),
            Reason::Busy => Face::Busy(BUSY_SECONDS),
            Reason::AlreadyEnrolled | Reason::StepOver | Reason::OtherAccount => Face::StartAgain,
            Reason::Unavailable | Reason::Integrity => Face::Unavailable,
        }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, alert: false, key: None }
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
    fn every_reason_is_listed_and_explained() {
        let source = include_str!("refusal.rs");
        let body = source.split("pub enum Reason {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
        let variants = body.lines().filter(|line| line.ends_with(',') && !line.contains("//"));
        assert_eq!(variants.count(), Reason::ALL.len(), "a reason is missing from ALL");
        assert!(Reason::ALL.iter().all(|reason| reason.explain().ends_with('.') || reason.explain().ends_with("`.")));
    }

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
