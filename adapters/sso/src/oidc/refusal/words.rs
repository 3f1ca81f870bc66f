//! The words: one for audit contexts, and a sentence for the operator that says what was wrong and what to do.

use super::Refusal;

/// Returns the word and the sentence of a refusal.
pub(super) const fn of(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::NotOidc => ("not-oidc", "The connection is not one of OpenID Connect."),
        Refusal::Disabled => {
            ("connection-disabled", "The connection is switched off; enable it to let people sign in.")
        }
        Refusal::Settings => (
            "settings",
            "The settings cannot be used: the issuer must be an https URL without query, the client id must be set, and at least one algorithm must be one that is known here.",
        ),
        Refusal::ClientKey => (
            "client-key-unreadable",
            "Our key that signs for this connection, or its certificate, cannot be read; `sealgate sso test` says what is wrong with it, `sealgate connection key make` and `use` put another in its place.",
        ),
        Refusal::ClientAuthentication => (
            "client-authentication",
            "The provider takes neither client_secret_basic nor client_secret_post for a client with a secret, or not private_key_jwt for one with a key; change the client at the provider.",
        ),
        Refusal::Egress => (
            "egress-refused",
            "The provider names an endpoint on a host that the connection does not allow; if that host is the provider's, add it to the egress list.",
        ),
        Refusal::NearAddress => (
            "near-address",
            "The connection was made or changed by API, and the provider's name leads to an address in a private network; if that is right, allow the range under `api_private_ranges` of [sign_on], or make the connection at the console.",
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
        Refusal::Pkce => {
            ("pkce-unsupported", "The provider does not offer PKCE with S256 (RFC 7636); switch it on for this client.")
        }
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
        Refusal::TokenUnreadable => {
            ("token-answer-unreadable", "The answer of the token endpoint is no token response (RFC 6749 section 5.1).")
        }
        Refusal::IdTokenMissing => (
            "id-token-missing",
            "The token response has no ID token; the scope openid must be allowed for this client.",
        ),
        Refusal::TokenMalformed => {
            ("token-malformed", "The token is no signed token in compact form (RFC 7515), or longer than 64 KiB.")
        }
        Refusal::MemberTwice => (
            "token-member-twice",
            "A header or claim stands twice in the token, so that two readers could take it for two things; no provider writes such a token by itself: see what was configured there, or who sent it.",
        ),
        Refusal::TokenEncrypted => (
            "token-encrypted",
            "The token is encrypted, which is not supported; switch encryption of ID tokens off for this client.",
        ),
        Refusal::TokenType => {
            ("token-type", "The token is of another type, such as an access token or a sign-out notice.")
        }
        Refusal::CriticalHeader => {
            ("critical-header", "The token has a header that must be understood and is not (RFC 7515 section 4.1.11).")
        }
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
        Refusal::WrongIssuer => {
            ("wrong-issuer", "The token is of another issuer than the connection's, compared to the last character.")
        }
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
        Refusal::IssuedBefore => {
            ("issued-before-sign-in", "The token was issued before this sign-in was begun (iat); compare the clocks.")
        }
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
