//! Why somebody is not signed in: a word for the audit entry and a sentence for the operator.

mod words;

use crate::http::Fault;
use crate::stage::Stage;
use std::fmt;

/// Why a sign-in, a sign-out notice or a provider was refused. Carries nothing of what was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The connection is not one of OpenID Connect.
    NotOidc,
    /// The connection is switched off.
    Disabled,
    /// The settings of the connection cannot be used.
    Settings,
    /// Our key that signs for the connection cannot be read.
    ClientKey,
    /// The provider offers no way to authenticate the client that we have.
    ClientAuthentication,
    /// The provider names a host that the connection does not allow.
    Egress,
    /// The connection was made by API, and leads to an address in a private network.
    NearAddress,
    /// An address is not https.
    NotHttps,
    /// The database or the source of randomness did not answer.
    Store,
    /// The provider did not answer, or said that it cannot now.
    ProviderUnavailable,
    /// The certificate of the provider is not trusted.
    Certificate,
    /// The provider answered with a redirect.
    Redirected,
    /// The provider's answer is too long.
    TooLarge,
    /// The discovery document cannot be read.
    DiscoveryUnreadable,
    /// The discovery document names another issuer.
    DiscoveryIssuer,
    /// The provider does not offer PKCE with S256.
    Pkce,
    /// The key set cannot be read.
    KeysUnreadable,
    /// The sign-in was begun too long ago.
    SignInExpired,
    /// The sign-in was begun for another connection or issuer.
    OtherConnection,
    /// The answer has no state.
    StateMissing,
    /// The answer has another state.
    StateMismatch,
    /// The answer does not name its issuer, although the provider promises that.
    AnswerIssuerMissing,
    /// The answer names another issuer.
    AnswerIssuer,
    /// The person or the provider declined.
    Denied,
    /// The provider reports an error.
    ProviderError,
    /// The answer has no code, or one that is too long.
    CodeMissing,
    /// The provider does not take the code: used, expired or not ours.
    CodeRefused,
    /// The provider does not take our client id and secret.
    ClientRefused,
    /// The token endpoint refuses the request.
    TokenRefused,
    /// The answer of the token endpoint cannot be read.
    TokenUnreadable,
    /// There is no ID token in it.
    IdTokenMissing,
    /// The token is no signed token in its compact form.
    TokenMalformed,
    /// The token has a member twice.
    MemberTwice,
    /// The token is encrypted.
    TokenEncrypted,
    /// The token is of another type.
    TokenType,
    /// The token has a critical header.
    CriticalHeader,
    /// The token is not signed.
    AlgorithmNone,
    /// The token is signed by an algorithm that the connection does not allow.
    AlgorithmNotAllowed,
    /// The provider publishes no such key.
    UnknownKey,
    /// Several keys fit, and the token does not say which it is.
    AmbiguousKey,
    /// The signature is wrong.
    Signature,
    /// A claim has a form that it must not have.
    ClaimMalformed,
    /// The token is of another issuer.
    WrongIssuer,
    /// The token is not for us.
    WrongAudience,
    /// The token is for others besides us.
    ExtraAudience,
    /// The token was issued to another client.
    WrongParty,
    /// The token does not say when it expires.
    ExpiryMissing,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The token does not say when it was issued.
    IssuedAtMissing,
    /// The token was issued in the future.
    IssuedInFuture,
    /// The token was issued before the sign-in was begun.
    IssuedBefore,
    /// The token names nobody.
    SubjectMissing,
    /// The token names somebody by nothing.
    SubjectEmpty,
    /// The claim that the connection takes as the person's name is not there.
    SubjectClaimMissing,
    /// The token has no nonce.
    NonceMissing,
    /// The token has another nonce.
    WrongNonce,
    /// The access token is not the one the ID token was issued with.
    AccessTokenHash,
    /// The token does not say when the person authenticated, although that was asked.
    AuthTimeMissing,
    /// The person authenticated too long ago.
    AuthTimeTooOld,
    /// The user information cannot be read.
    UserInfoUnreadable,
    /// The user information is about somebody else.
    UserInfoSubject,
    /// The sign-out notice is too old, or from the future.
    LogoutStale,
    /// The sign-out notice does not say that it is one.
    LogoutEvent,
    /// The sign-out notice has a nonce, which makes it look like an ID token.
    LogoutNonce,
    /// The sign-out notice names neither a session nor a person.
    LogoutTarget,
    /// The sign-out notice has no id.
    LogoutIdMissing,
    /// The sign-out notice was received before.
    Replayed,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: &'static [Refusal] = &[
        Refusal::NotOidc,
        Refusal::Disabled,
        Refusal::Settings,
        Refusal::ClientKey,
        Refusal::ClientAuthentication,
        Refusal::Egress,
        Refusal::NearAddress,
        Refusal::NotHttps,
        Refusal::Store,
        Refusal::ProviderUnavailable,
        Refusal::Certificate,
        Refusal::Redirected,
        Refusal::TooLarge,
        Refusal::DiscoveryUnreadable,
        Refusal::DiscoveryIssuer,
        Refusal::Pkce,
        Refusal::KeysUnreadable,
        Refusal::SignInExpired,
        Refusal::OtherConnection,
        Refusal::StateMissing,
        Refusal::StateMismatch,
        Refusal::AnswerIssuerMissing,
        Refusal::AnswerIssuer,
        Refusal::Denied,
        Refusal::ProviderError,
        Refusal::CodeMissing,
        Refusal::CodeRefused,
        Refusal::ClientRefused,
        Refusal::TokenRefused,
        Refusal::TokenUnreadable,
        Refusal::IdTokenMissing,
        Refusal::TokenMalformed,
        Refusal::MemberTwice,
        Refusal::TokenEncrypted,
        Refusal::TokenType,
        Refusal::CriticalHeader,
        Refusal::AlgorithmNone,
        Refusal::AlgorithmNotAllowed,
        Refusal::UnknownKey,
        Refusal::AmbiguousKey,
        Refusal::Signature,
        Refusal::ClaimMalformed,
        Refusal::WrongIssuer,
        Refusal::WrongAudience,
        Refusal::ExtraAudience,
        Refusal::WrongParty,
        Refusal::ExpiryMissing,
        Refusal::Expired,
        Refusal::NotYetValid,
        Refusal::IssuedAtMissing,
        Refusal::IssuedInFuture,
        Refusal::IssuedBefore,
        Refusal::SubjectMissing,
        Refusal::SubjectEmpty,
        Refusal::SubjectClaimMissing,
        Refusal::NonceMissing,
        Refusal::WrongNonce,
        Refusal::AccessTokenHash,
        Refusal::AuthTimeMissing,
        Refusal::AuthTimeTooOld,
        Refusal::UserInfoUnreadable,
        Refusal::UserInfoSubject,
        Refusal::LogoutStale,
        Refusal::LogoutEvent,
        Refusal::LogoutNonce,
        Refusal::LogoutTarget,
        Refusal::LogoutIdMissing,
        Refusal::Replayed,
    ];

    /// Returns the step of a sign-in that did not hold.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Refusal::NotOidc
            | Refusal::Disabled
            | Refusal::Settings
            | Refusal::ClientKey
            | Refusal::ClientAuthentication
            | Refusal::Egress
            | Refusal::NearAddress
            | Refusal::NotHttps => Stage::Connection,
            Refusal::Store => Stage::Gateway,
            Refusal::ProviderUnavailable
            | Refusal::Certificate
            | Refusal::Redirected
            | Refusal::TooLarge
            | Refusal::DiscoveryUnreadable
            | Refusal::DiscoveryIssuer
            | Refusal::Pkce
            | Refusal::KeysUnreadable => Stage::Provider,
            Refusal::SignInExpired
            | Refusal::OtherConnection
            | Refusal::StateMissing
            | Refusal::StateMismatch
            | Refusal::AnswerIssuerMissing
            | Refusal::AnswerIssuer
            | Refusal::Denied
            | Refusal::ProviderError
            | Refusal::CodeMissing => Stage::Answer,
            Refusal::CodeRefused
            | Refusal::ClientRefused
            | Refusal::TokenRefused
            | Refusal::TokenUnreadable
            | Refusal::IdTokenMissing => Stage::Exchange,
            Refusal::TokenMalformed
            | Refusal::MemberTwice
            | Refusal::TokenEncrypted
            | Refusal::TokenType
            | Refusal::CriticalHeader
            | Refusal::AlgorithmNone
            | Refusal::AlgorithmNotAllowed
            | Refusal::UnknownKey
            | Refusal::AmbiguousKey
            | Refusal::Signature => Stage::Signature,
            Refusal::ClaimMalformed
            | Refusal::WrongIssuer
            | Refusal::WrongAudience
            | Refusal::ExtraAudience
            | Refusal::WrongParty
            | Refusal::ExpiryMissing
            | Refusal::Expired
            | Refusal::NotYetValid
            | Refusal::IssuedAtMissing
            | Refusal::IssuedInFuture
            | Refusal::IssuedBefore
            | Refusal::SubjectMissing
            | Refusal::SubjectEmpty
            | Refusal::SubjectClaimMissing
            | Refusal::NonceMissing
            | Refusal::WrongNonce
            | Refusal::AccessTokenHash
            | Refusal::AuthTimeMissing
            | Refusal::AuthTimeTooOld
            | Refusal::UserInfoUnreadable
            | Refusal::UserInfoSubject => Stage::Claims,
            Refusal::LogoutStale
            | Refusal::LogoutEvent
            | Refusal::LogoutNonce
            | Refusal::LogoutTarget
            | Refusal::LogoutIdMissing
            | Refusal::Replayed => Stage::SignOut,
        }
    }

    /// Returns the word that audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        words::of(self).0
    }

    /// Returns a sentence for the operator: what was wrong and what to do.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        words::of(self).1
    }

    /// Says whether somebody did not answer, so that the same sign-in may succeed later.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(self, Refusal::ProviderUnavailable | Refusal::Store)
    }

    /// Says whether the cause lies with this gateway: its settings, its trust or its database.
    #[must_use]
    pub const fn is_ours(self) -> bool {
        matches!(
            self,
            Refusal::NotOidc
                | Refusal::Disabled
                | Refusal::Settings
                | Refusal::ClientKey
                | Refusal::ClientAuthentication
                | Refusal::Egress
                | Refusal::NearAddress
                | Refusal::NotHttps
                | Refusal::Store
                | Refusal::Certificate
                | Refusal::ClientRefused
        )
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::error::Error for Refusal {}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Url | Fault::NotHttps => Refusal::NotHttps,
            Fault::NotAllowed => Refusal::Egress,
            Fault::Redirected => Refusal::Redirected,
            Fault::TooLarge => Refusal::TooLarge,
            Fault::TimedOut | Fault::Unreachable => Refusal::ProviderUnavailable,
            Fault::Untrusted => Refusal::Certificate,
            Fault::Near => Refusal::NearAddress,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_has_a_word_and_a_sentence_of_its_own_and_is_listed() {
        let source = include_str!("refusal.rs");
        let body = source.split("pub enum Refusal {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
        let variants =
            body.lines().filter(|line| line.starts_with("    ") && line.ends_with(',') && !line.contains("//"));
        assert_eq!(variants.count(), Refusal::ALL.len(), "a refusal is missing from ALL");
        let words: BTreeSet<_> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
        assert_eq!(words.len(), Refusal::ALL.len());
        assert!(Refusal::ALL.iter().all(|refusal| refusal.explain().ends_with(['.', '?'])));
    }
}
