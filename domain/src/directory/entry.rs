//! What every directory entry has, and the two plainest: tenant and clinic.

use super::settings::TenantSettings;
use super::text;
use crate::id::{ClinicId, RecordId, TenantId};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::String;
use core::fmt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A value that is kept as a record of the directory.
pub trait Entry: Serialize + DeserializeOwned + Send + Sync {
    /// Its kind.
    const KIND: Kind;
    /// Returns by what it is known.
    fn heading(&self) -> Heading<'_>;
    /// Says what is wrong with it.
    ///
    /// # Errors
    /// [`Invalid`], the first rule it breaks.
    fn validate(&self) -> Result<(), Invalid>;

    /// Returns the id of its record.
    fn record(&self) -> RecordId {
        self.heading().record
    }

    /// Returns the tenant it is about.
    fn tenant(&self) -> TenantId {
        self.heading().tenant
    }

    /// Returns its name, unique per kind within its tenant; tenants are unique among themselves.
    fn name(&self) -> &str {
        self.heading().name
    }
}

/// By what an entry is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading<'a> {
    /// The id of its record.
    pub record: RecordId,
    /// The tenant it is about.
    pub tenant: TenantId,
    /// Its name.
    pub name: &'a str,
}

/// The rule that a directory entry breaks; says nothing of what it contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalid {
    /// A name is empty, longer than [`MAX_NAME_BYTES`](super::MAX_NAME_BYTES), padded with spaces or holds control characters.
    Name,
    /// The listener's name is no name.
    Listener,
    /// The sending application or facility is empty, too long or holds control characters.
    Sender,
    /// No peer address is allowed, or more than [`MAX_PEERS`](super::MAX_PEERS) ranges are given.
    PeerCount,
    /// A peer range is no IP address with an optional prefix, or has bits set below the prefix.
    Peer,
    /// The time zone is no IANA name.
    TimeZone,
    /// The character set is no value of HL7 table 0211.
    CharacterSet,
    /// A processing id is none of P, T and D (HL7 table 0103), or there is none.
    ProcessingId,
    /// A client has no role.
    Roles,
    /// A client has a role that is for interfaces or the gateway itself.
    RoleNotForClients,
    /// A client that administers has a role by which patient data is read.
    RolesApart,
    /// The hash of a token is not 64 hexadecimal digits.
    TokenHash,
    /// More than [`MAX_RULES`](super::MAX_RULES) rules are given.
    RuleCount,
    /// A rule admits without a role.
    RuleWithoutRole,
    /// A rule asks for an empty or overlong value, or one with control characters.
    RuleValue,
    /// Whoever administers is to reach some clinics alone: `admin` goes with all of them.
    AdminOfClinics,
    /// More than [`MAX_CLINICS`](super::MAX_CLINICS) clinics are named one by one.
    ClinicCount,
    /// A person has no role.
    PersonWithoutRole,
    /// A person has a role that is for interfaces or the machine's own console.
    RoleNotForPeople,
    /// The issuer is no https address, or has a query or a fragment.
    Issuer,
    /// The client id is empty, too long or holds control characters.
    ClientId,
    /// The client secret is empty, too long or holds what no client secret may (RFC 6749 §A.2).
    ClientSecret,
    /// The scopes lack `openid`.
    OpenIdScope,
    /// A scope is empty, too long, given twice or holds what no scope may (RFC 6749 §3.3); or there is none.
    Scope,
    /// An algorithm is none of [`SIGNATURE_ALGORITHMS`](super::SIGNATURE_ALGORITHMS), or there is none.
    Algorithm,
    /// The name of a claim or attribute is empty, too long or holds control characters.
    Claim,
    /// The claim that is to name a person is one that providers give to others later, or not known for naming people for good.
    SubjectClaim,
    /// A value that vouches for a second factor, or is asked for, is empty, too long or given twice.
    FactorValue,
    /// The longest age of a sign-in is negative.
    MaxAge,
    /// A host is no host name with an optional port, or there are more than [`MAX_EGRESS`](super::MAX_EGRESS).
    Egress,
    /// The metadata is empty or longer than [`MAX_METADATA_BYTES`](super::MAX_METADATA_BYTES).
    Metadata,
    /// An entity id is empty, longer than [`MAX_ENTITY_ID_BYTES`](super::MAX_ENTITY_ID_BYTES) or holds blanks.
    EntityId,
    /// The name for people to read breaks the rule of names.
    Display,
    /// The hash of a password is no Argon2id hash in PHC form.
    PasswordHash,
    /// The seed of one-time passwords is no base32 of 128 bits or more.
    Seed,
    /// The hash of a recovery code is not 64 hexadecimal digits, or there are more than [`MAX_RECOVERY_CODES`](super::MAX_RECOVERY_CODES).
    RecoveryHash,
    /// There are more than [`MAX_CLIENT_KEYS`](super::MAX_CLIENT_KEYS) keys of ours at a provider, two of one name, or one that is no key.
    ClientKeys,
    /// A security key has no name, one that breaks the rule of names, or that of another key of the account.
    SecurityKeyName,
    /// More than [`MAX_SECURITY_KEYS`](super::MAX_SECURITY_KEYS) security keys are given.
    SecurityKeyCount,
    /// What is kept of a security key cannot be read or is too long, or the account has the key already.
    SecurityKey,
    /// The keys are no JSON Web Key Set of public keys, or larger than [`MAX_JWKS_BYTES`](super::MAX_JWKS_BYTES).
    KeySet,
    /// The address of the keys is not https.
    KeySetAddress,
    /// The hash of a secret is not 64 hexadecimal digits.
    SecretHash,
    /// A back end has not exactly one of keys and an address of keys, or has a secret.
    BackendCredential,
    /// No redirect address is given, or more than [`MAX_REDIRECT_URIS`](super::MAX_REDIRECT_URIS).
    RedirectCount,
    /// A redirect address is neither https, nor loopback, nor under a reversed domain name, or has a fragment.
    Redirect,
    /// The launch address is not https.
    Launch,
    /// A confidential application has not exactly one credential, or a public one has any.
    LaunchCredential,
    /// More than [`MAX_PROVISIONING_TOKENS`](super::MAX_PROVISIONING_TOKENS) tokens are given, or one is no hash.
    ProvisioningTokens,
    /// A user name is empty, too long or holds control characters.
    UserName,
    /// A person had too many names before.
    EarlierNames,
    /// A provider's id is empty, too long or holds control characters.
    ExternalId,
    /// A part of a person's name is empty, too long or holds control characters.
    PersonName,
    /// An e-mail address is empty or too long, several are primary, or there are more than [`MAX_EMAILS`](super::MAX_EMAILS).
    Emails,
    /// The name of a group is empty, too long or holds control characters.
    GroupName,
    /// A group has more than [`MAX_MEMBERS`](super::MAX_MEMBERS) members, or one twice.
    MemberCount,
    /// The limits of sessions are out of their range.
    SessionLimits,
    /// The time for reviews is out of its limits.
    ReviewHours,
    /// An allowed address is no IP address with an optional prefix, or there are more than [`MAX_ADDRESSES`](super::MAX_ADDRESSES).
    Address,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invalid::Name => "a name must have 1 to 128 bytes, no control characters and no space at its ends",
            Invalid::Listener => "the listener must be named as in the configuration",
            Invalid::Sender => "sending application and facility must have 1 to 128 bytes and no control characters",
            Invalid::PeerCount => "between 1 and 64 peer ranges must be given; 0.0.0.0/0 and ::/0 allow every address",
            Invalid::Peer => {
                "a peer must be an IP address or a range such as 10.1.0.0/16, with no bit set below the prefix"
            }
            Invalid::TimeZone => "the time zone must be an IANA name such as Europe/Berlin",
            Invalid::CharacterSet => {
                "the character set must be named as in HL7 table 0211, such as UNICODE UTF-8 or 8859/1"
            }
            Invalid::ProcessingId => "processing ids must be among P, T and D",
            Invalid::Roles => "a client needs at least one role",
            Invalid::RoleNotForClients => {
                "a client may be admin, provider, staff, read-only, clinical-director or auditor"
            }
            Invalid::RolesApart => "a client that administers reads no patient data: admin goes with auditor alone",
            Invalid::AdminOfClinics => {
                "whoever administers does so in the whole tenant: with `admin` among the roles, the clinics must be all; give admin and the roles for some clinics to two accounts, rules or clients"
            }
            Invalid::ClinicCount => "at most 512 clinics may be named one by one; name none for all of them",
            Invalid::TokenHash => "the hash of the token must be 64 hexadecimal digits",
            Invalid::RuleCount => "a connection takes at most 256 rules",
            Invalid::RuleWithoutRole => "a rule must give at least one role",
            Invalid::RuleValue => "what a rule asks for must have 1 to 512 bytes and no control characters",
            Invalid::PersonWithoutRole => "a person needs at least one role",
            Invalid::RoleNotForPeople => {
                "a person may be admin, provider, staff, read-only, clinical-director or auditor"
            }
            Invalid::Issuer => {
                "the issuer must be an https address without query and fragment, as https://idp.example/realms/hospital"
            }
            Invalid::ClientId => "the client id must have 1 to 512 bytes and no control characters",
            Invalid::ClientSecret => "the client secret must have 1 to 512 printable ASCII characters",
            Invalid::OpenIdScope => "the scopes must have openid among them",
            Invalid::Scope => "between 1 and 64 scopes must be given, each once, in printable ASCII without blanks, \" and \\",
            Invalid::Algorithm => {
                "algorithms must be among RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA"
            }
            Invalid::SubjectClaim => {
                "the subject claim must name a person for good: sub, oid (Entra ID), objectguid, objectsid, objectidentifier, immutableid or entryuuid; another one by command, with --subject-claim-is-for-good; never a name, a sign-in name or an address"
            }
            Invalid::Claim => "the name of a claim or attribute must have 1 to 512 bytes and no control characters",
            Invalid::FactorValue => {
                "values about the second factor must have 1 to 512 bytes, each once, and be at most 64"
            }
            Invalid::MaxAge => "the longest age of a sign-in must not be negative",
            Invalid::Egress => "at most 16 hosts may be given besides the issuer's, as keys.example or keys.example:8443",
            Invalid::Metadata => "the metadata must have 1 byte to 256 KiB",
            Invalid::EntityId => "an entity id must have 1 to 1024 bytes and no blanks",
            Invalid::Display => {
                "the name for people to read must have 1 to 128 bytes, no control characters and no space at its ends"
            }
            Invalid::PasswordHash => "the hash of a password must be an Argon2id hash in PHC form",
            Invalid::Seed => "the seed of one-time passwords must be 26 to 128 characters of base32",
            Invalid::RecoveryHash => "at most 16 recovery codes may be kept, each as a hash of 64 hexadecimal digits",
            Invalid::ClientKeys => "a connection takes at most 4 keys: remove one that no longer signs",
            Invalid::SecurityKeyName => {
                "a security key needs a name of 1 to 128 bytes that no other key of the account has, without control characters and without a space at its ends"
            }
            Invalid::SecurityKeyCount => "an account takes at most 10 security keys",
            Invalid::SecurityKey => "what is kept of a security key must be readable, at most 8 KiB, and there once",
            Invalid::KeySet => {
                "the keys must be a JSON Web Key Set of public RSA, EC or OKP keys, at most 64 KiB; private parts have no place in it"
            }
            Invalid::KeySetAddress => "the address of the keys must be https",
            Invalid::SecretHash => "the hash of a secret must be 64 hexadecimal digits",
            Invalid::BackendCredential => "a back end needs its keys or the address of its keys, one of the two, and no secret",
            Invalid::RedirectCount => "between 1 and 16 redirect addresses must be given",
            Invalid::Redirect => {
                "a redirect address must be https, or http at a loopback address, or under a reversed domain name as com.example.app:/callback, without fragment"
            }
            Invalid::Launch => "the launch address must be https",
            Invalid::LaunchCredential => {
                "a confidential application needs one of keys, address of keys and secret; a public one has none of them"
            }
            Invalid::ReviewHours => "a breaking of the glass is reviewed within 1 to 720 hours",
            Invalid::ProvisioningTokens => "a connection takes at most 4 tokens for provisioning: revoke one that is not in use",
            Invalid::EarlierNames => "a person had other names too often; take them back and add them anew",
            Invalid::UserName => "a user name must have 1 to 512 bytes and no control characters",
            Invalid::ExternalId => "an external id must have 1 to 512 bytes and no control characters",
            Invalid::PersonName => "the parts of a name must have 1 to 512 bytes and no control characters",
            Invalid::Emails => "at most 8 e-mail addresses may be given, of 1 to 512 bytes, one of them primary",
            Invalid::GroupName => "the name of a group must have 1 to 512 bytes and no control characters",
            Invalid::MemberCount => "a group may have at most 10000 members",
            Invalid::SessionLimits => {
                "sessions may be unused for 60 s to 12 h, last 5 min to 24 h in all, no shorter than that, and be 1 to 50 a person"
            }
            Invalid::Address => {
                "at most 256 addresses may be given, each an IP address or a range such as 10.1.0.0/16, with no bit set below the prefix"
            }
        })
    }
}

impl core::error::Error for Invalid {}

/// A legal party whose data and keys are separate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// What it decides about the people who sign in; entries from before there were any have the usual ones.
    #[serde(default)]
    pub settings: TenantSettings,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

impl Entry for Tenant {
    const KIND: Kind = Kind::Tenant;

    fn heading(&self) -> Heading<'_> {
        Heading { record: RecordId(self.id.0), tenant: self.id, name: &self.name }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)?;
        self.settings.validate()
    }
}

/// A unit inside a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clinic {
    /// Its id.
    pub id: ClinicId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

impl Entry for Clinic {
    const KIND: Kind = Kind::Clinic;

    fn heading(&self) -> Heading<'_> {
        Heading { record: RecordId(self.id.0), tenant: self.tenant, name: &self.name }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)
    }
}
