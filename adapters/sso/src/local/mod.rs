//! Local accounts: passwords, one-time passwords, security keys and recovery codes, for sites without an identity provider.
//!
//! ```text
//!   name + password ─► Throttle ─► Passwords (one Argon2 hash, whoever it is) ─► PasswordShown
//!        ├─ Required::Factor ─► ask ─► pending ─► verify_code | verify_key | verify_recovery ─► Assertion, factor shown
//!        ├─ Required::Enrol  ─► ask ─► pending ─► begin_… ─► finish_enrolment | finish_key_enrolment ─► Assertion, factor shown
//!        └─ Required::None   ─► PasswordShown::assertion ─────────────────────────► Assertion, factor missing
//!
//!   invitation ─► new_password ─► a password, and with it all of the above
//! ```
//!
//! Never: a different answer or another amount of work for an account that is not there; a code that is accepted twice; an
//! account locked by somebody else's guesses; a second factor replaced, or another added, by a password alone.
//!
//! No HTTP and no pages are here, and nothing is written to the directory: what an account should hold from now on (a new
//! hash, a secret, a key, a shorter list of recovery codes) is returned, for the administration to write.
//!
//! Deliberately absent: keys without a password (passkeys); questions, hints and expiry; codes by mail or telephone.

mod accounts;
mod browser;
#[cfg(test)]
mod fixture;
mod invitation;
mod inviting;
mod keys;
mod one_time;
mod password;
mod pending;
mod recovery;
mod refusal;
mod security_key;
mod throttle;

pub use accounts::{Accounts, Attempt, LocalSettings, PasswordShown, Required};
pub use browser::{ACCOUNTS_PER_BROWSER, Browsers, KNOWN_SECONDS};
pub use invitation::{INVITED_SECONDS, InvitationPurpose, Invitations, Invited};
pub use inviting::{Invitation, Inviting, NotInvited};
pub use keys::LocalKeys;
pub use one_time::{DRIFT_STEPS, Enrolment, OneTimePasswords, STEP_SECONDS, TRIES, WINDOW_SECONDS};
pub use password::{
    Breached, BreachedFault, Busy, Costs, CostsOutOfBounds, Lane, MAX_CHARACTERS, MAX_LOADED, MAX_LOADED_BYTES,
    MIN_CHARACTERS, MIN_CHARACTERS_ALONE, NotTaken, Password, Passwords, PoolLimits, Setting, Unfit, Verdict,
    WAITING_KNOWN, WAITING_PER_TURN,
};
pub use pending::{Enrolled, PENDING_SECONDS, Pending, Recovered};
pub use recovery::{CODES, DrawnCodes, MARKED_SECONDS, RecoveryCodes, UsedCode};
pub use refusal::{BUSY_SECONDS, Face, Reason, Refusal};
pub use security_key::{
    CHALLENGE_SECONDS, KeyAccepted, KeyEnrolled, KeyRequest, KeyShown, SecurityKeys, forget_counters, host_of,
};
pub use throttle::{
    ALERT_AT, Admission, FORGET_SECONDS, FREE_FAILURES, Failures, MAX_DELAY_SECONDS, Rate, Throttle, ThrottleLimits,
    Wait,
};
