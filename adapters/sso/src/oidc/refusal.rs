//! Why somebody is not signed in: a word for the audit entry and a sentence for the operator.

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
    /// The provider offers no way to authenticate the client that we have.
    ClientAuthentication,
    /// The provider names a host that the connection does not allow.
    Egress,
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
        Refusal::ClientAuthentication,
        Refusal::Egress,
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
            | Refusal::ClientAuthentication
            | Refusal::Egress
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
        self.words().0
    }

    /// Returns a sentence for the operator: what was wrong and what to do.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        self.words().1
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
                | Refusal::ClientAuthentication
                | Refusal::Egress
                | Refusal::NotHttps
                | Refusal::Store
                | Refusal::Certificate
                | Refusal::ClientRefused
        )
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Refusal::NotOidc => ("not-oidc", "The connection is not one of OpenID Connect."),
            Refusal::Disabled => {
                ("connection-disabled", "The connection is switched off; enable it to let people sign in.")
            }
            Refusal::Settings => (
                "settings",
                "The settings cannot be used: the issuer must be an https URL without query, the client id must be set, and at least one algorithm must be one that is known here.",
            ),
            Refusal::ClientAuthentication => (
                "client-authentication",
                "The provider takes neither client_secret_basic nor client_secret_post for a client with a secret, or not private_key_jwt for one with a key; change the client at the provider.",
            ),
            Refusal::Egress => (
                "egress-refused",
                "The provider names an endpoint on a host that the connection does not allow; if that host is the provider's, add it to the egress list.",
            ),
            Refusal::NotHttps => (
                "not-https",
                "The issuer or an endpoint of the provider is not https; the provider must be set up with TLS.",
            ),
            Refusal::Store => (
                "store-unavailable",
                "The database or the source of randomness of this gateway did not answer; see its log.",
            ),
            Refusal::ProviderUnavailable => (
                "provider-unavailable",
                "The provider did not answer in time or reports that it cannot answer now; check the network path and the provider.",
            ),
            Refusal::Certificate => (
                "provider-certificate",
                "The provider's certificate does not fit its name or is signed by an authority that is not trusted here; if the authority is the hospital's own, add its certificate to the configuration.",
            ),
            Refusal::Redirected => (
                "redirected",
                "The provider answered with a redirect, and none is followed; configure the address that it redirects to.",
            ),
            Refusal::TooLarge => (
                "answer-too-large",
                "The provider's answer is longer than one MiB; is the issuer that of an identity provider?",
            ),
            Refusal::DiscoveryUnreadable => (
                "discovery-unreadable",
                "There is no readable discovery document below the issuer at /.well-known/openid-configuration; check the issuer.",
            ),
            Refusal::DiscoveryIssuer => (
                "discovery-issuer",
                "The discovery document names another issuer than the connection; write it exactly as the provider does, to the last slash, and for Entra ID with the tenant's id.",
            ),
            Refusal::Pkce => (
                "pkce-unsupported",
                "The provider does not offer PKCE with S256 (RFC 7636); switch it on for this client.",
            ),
            Refusal::KeysUnreadable => (
                "keys-unreadable",
                "The provider's key set cannot be read or holds no key that can be used here (RSA of 2048 to 4096 bits, P-256, P-384, Ed25519).",
            ),
            Refusal::SignInExpired => (
                "sign-in-expired",
                "More than ten minutes passed between the start of the sign-in and its end; begin anew.",
            ),
            Refusal::OtherConnection => {
                ("other-connection", "The sign-in was begun for another connection or another issuer; begin anew.")
            }
            Refusal::StateMissing => {
                ("state-missing", "The answer came back without state, so it is not known which sign-in it belongs to.")
            }
            Refusal::StateMismatch => ("state-mismatch", "The answer belongs to another sign-in or another browser."),
            Refusal::AnswerIssuerMissing => (
                "answer-issuer-missing",
                "The provider promises to name itself in its answers (RFC 9207) and did not; the answer may come from another provider.",
            ),
            Refusal::AnswerIssuer => (
                "answer-issuer",
                "The answer names another issuer than the one that was asked (RFC 9207); it may come from another provider.",
            ),
            Refusal::Denied => (
                "provider-denied",
                "The person or the provider declined the sign-in; is the person assigned to this client at the provider?",
            ),
            Refusal::ProviderError => (
                "provider-error",
                "The provider reports an error instead of a code; its own log says which. Check redirect URI, scopes and client.",
            ),
            Refusal::CodeMissing => {
                ("code-missing", "The answer has no code; the client must be set up for the authorization code flow.")
            }
            Refusal::CodeRefused => (
                "code-refused",
                "The provider does not take the code: it was used before, has expired, or belongs to another redirect URI.",
            ),
            Refusal::ClientRefused => (
                "client-refused",
                "The provider does not take the client id and secret; check both, and whether the secret has expired.",
            ),
            Refusal::TokenRefused => {
                ("token-refused", "The token endpoint refuses the request; the provider's log says why.")
            }
            Refusal::TokenUnreadable => (
                "token-answer-unreadable",
                "The answer of the token endpoint is no token response (RFC 6749 section 5.1).",
            ),
            Refusal::IdTokenMissing => (
                "id-token-missing",
                "The token response has no ID token; the scope openid must be allowed for this client.",
            ),
            Refusal::TokenMalformed => {
                ("token-malformed", "The token is no signed token in compact form (RFC 7515), or longer than 64 KiB.")
            }
            Refusal::TokenEncrypted => (
                "token-encrypted",
                "The token is encrypted, which is not supported; switch encryption of ID tokens off for this client.",
            ),
            Refusal::TokenType => {
                ("token-type", "The token is of another type, such as an access token or a sign-out notice.")
            }
            Refusal::CriticalHeader => (
                "critical-header",
                "The token has a header that must be understood and is not (RFC 7515 section 4.1.11).",
            ),
            Refusal::AlgorithmNone => ("alg-none", "The token is not signed."),
            Refusal::AlgorithmNotAllowed => (
                "alg-not-allowed",
                "The token is signed by an algorithm that the connection does not allow; compare the algorithms of both.",
            ),
            Refusal::UnknownKey => (
                "unknown-key",
                "The provider's key set has no key for this token, even when read again; it is read again at most every 30 seconds.",
            ),
            Refusal::AmbiguousKey => {
                ("ambiguous-key", "Several keys of the provider fit and the token does not say which (kid).")
            }
            Refusal::Signature => ("signature", "The signature of the token is wrong."),
            Refusal::ClaimMalformed => {
                ("claim-malformed", "A claim of the token has a form that the standard does not allow.")
            }
            Refusal::WrongIssuer => (
                "wrong-issuer",
                "The token is of another issuer than the connection's, compared to the last character.",
            ),
            Refusal::WrongAudience => ("wrong-audience", "The token is not for this client id."),
            Refusal::ExtraAudience => (
                "extra-audience",
                "The token is for others besides this client, who could use it to sign in here as the person.",
            ),
            Refusal::WrongParty => ("wrong-azp", "The token was issued to another client (azp)."),
            Refusal::ExpiryMissing => ("expiry-missing", "The token does not say when it expires (exp)."),
            Refusal::Expired => ("expired", "The token has expired; if that happens to everybody, compare the clocks."),
            Refusal::NotYetValid => ("not-yet-valid", "The token is not valid yet (nbf); compare the clocks."),
            Refusal::IssuedAtMissing => ("issued-at-missing", "The token does not say when it was issued (iat)."),
            Refusal::IssuedInFuture => {
                ("issued-in-future", "The token was issued in the future (iat); compare the clocks.")
            }
            Refusal::IssuedBefore => (
                "issued-before-sign-in",
                "The token was issued before this sign-in was begun (iat); compare the clocks.",
            ),
            Refusal::SubjectMissing => ("subject-missing", "The token names nobody (sub)."),
            Refusal::SubjectEmpty => ("subject-empty", "The token names somebody by an empty or overlong text (sub)."),
            Refusal::SubjectClaimMissing => (
                "subject-claim-missing",
                "The claim that the connection takes as the person's stable name is not there; for oid of Entra ID the claim tid is needed too.",
            ),
            Refusal::NonceMissing => {
                ("nonce-missing", "The token has no nonce, so it is not known to be made for this sign-in.")
            }
            Refusal::WrongNonce => ("wrong-nonce", "The token was made for another sign-in."),
            Refusal::AccessTokenHash => {
                ("at-hash-mismatch", "The access token is not the one that the ID token was issued with (at_hash).")
            }
            Refusal::AuthTimeMissing => (
                "auth-time-missing",
                "The token does not say when the person authenticated, although a greatest age was asked for; add the claim auth_time (optional in Entra ID) or take the greatest age out of the connection.",
            ),
            Refusal::AuthTimeTooOld => ("auth-time-too-old", "The person authenticated longer ago than was asked for."),
            Refusal::UserInfoUnreadable => (
                "userinfo-unreadable",
                "The user information is no JSON object; signed or encrypted user information is not supported.",
            ),
            Refusal::UserInfoSubject => {
                ("userinfo-subject", "The user information is about somebody else than the ID token.")
            }
            Refusal::LogoutStale => (
                "logout-stale",
                "The sign-out notice was issued more than 120 seconds ago, lies in the future or has expired; compare the clocks.",
            ),
            Refusal::LogoutEvent => {
                ("logout-event", "The sign-out notice does not name the event of a back-channel sign-out.")
            }
            Refusal::LogoutNonce => ("logout-nonce", "The sign-out notice has a nonce, which it must not."),
            Refusal::LogoutTarget => (
                "logout-target",
                "The sign-out notice names neither a session (sid) nor a person (sub) that can be known here.",
            ),
            Refusal::LogoutIdMissing => ("logout-jti-missing", "The sign-out notice has no id (jti)."),
            Refusal::Replayed => ("replayed", "The sign-out notice was received before."),
        }
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
