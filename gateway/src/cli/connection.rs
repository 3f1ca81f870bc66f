//! `sealgate connection …`: what people type about identity providers.

use super::Json;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Connections with identity providers.
#[derive(Subcommand)]
pub enum Connection {
    /// Connects a provider that speaks OpenID Connect, as Keycloak, Entra ID and Okta do.
    AddOidc(OidcAdd),
    /// Connects a provider that speaks SAML 2.0, as AD FS, Shibboleth and Keycloak do.
    AddSaml(SamlAdd),
    /// Lists connections.
    List {
        /// Only those of this tenant, by name or id.
        #[arg(long)]
        tenant: Option<String>,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Shows a connection, and the addresses that its provider must know; never a secret.
    Show {
        /// Which one.
        #[command(flatten)]
        connection: NamedConnection,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Administers the rules that say whom a connection admits as what.
    #[command(subcommand)]
    Rule(Rule),
    /// Replaces the client secret, when the provider has given a new one.
    SetSecret {
        /// Which one.
        #[command(flatten)]
        connection: NamedConnection,
        /// The file with the new secret (its owner alone may read it), or `-` for standard input.
        #[arg(long, value_name = "FILE")]
        client_secret_file: PathBuf,
    },
    /// Administers keys by which we show the provider that we are its client, instead of by a secret (private_key_jwt).
    #[command(subcommand)]
    Key(ConnectionKey),
    /// Says to which address people come back from the provider, which must know it.
    SetRedirect {
        /// Which one.
        #[command(flatten)]
        connection: NamedConnection,
        /// To which address.
        #[arg(value_name = "WHICH")]
        redirect: RedirectAddress,
    },
    /// Replaces the provider's metadata, when it has new certificates.
    SetMetadata {
        /// Which one.
        #[command(flatten)]
        connection: NamedConnection,
        /// The file with the new metadata (XML).
        #[arg(long, value_name = "FILE")]
        metadata_file: PathBuf,
    },
    /// Makes a token by which the provider tells of its people ahead of their sign-in (SCIM), or revokes one.
    ScimToken {
        /// Which one.
        #[command(flatten)]
        connection: NamedConnection,
        /// Revoke the token of this mark, as `sealgate connection show` lists it, instead of making one.
        #[arg(long, value_name = "MARK")]
        revoke: Option<String>,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Says what counts of the people that the provider tells of ahead of their sign-in.
    Provisioning(ProvisioningChange),
    /// Lets people come by a connection again.
    Enable(NamedConnection),
    /// Lets nobody come by a connection from now on, and ends the sessions that came by it.
    Disable(NamedConnection),
}

/// Keys of a connection by OpenID Connect.
#[derive(Subcommand)]
pub enum ConnectionKey {
    /// Makes a key. It is published, and signs once `use` says so: the provider is to know it before.
    #[command(after_help = "\
The provider finds our keys at the address that is printed. Entra ID wants the certificate instead:
`sealgate connection key certificate`.")]
    Make {
        /// Which connection.
        #[command(flatten)]
        connection: NamedConnection,
        /// What it signs by.
        #[arg(long, default_value = "ES256", value_name = "NAME", ignore_case = true)]
        algorithm: ClientKeyAlgorithm,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Lists the keys, and says which one signs.
    List {
        /// Which connection.
        #[command(flatten)]
        connection: NamedConnection,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Prints the certificate of a key, for providers that want one.
    Certificate {
        /// Which connection.
        #[command(flatten)]
        connection: NamedConnection,
        /// The key, as `list` names it.
        key: String,
    },
    /// Signs by a key from now on, instead of by another or by a secret, which is forgotten.
    Use {
        /// Which connection.
        #[command(flatten)]
        connection: NamedConnection,
        /// The key, as `list` names it.
        key: String,
        /// For whom what is signed is meant to be, if that is to change; providers differ.
        #[arg(long, value_name = "WHOM")]
        assertion_audience: Option<AssertionAudience>,
    },
    /// Removes a key that does not sign.
    Remove {
        /// Which connection.
        #[command(flatten)]
        connection: NamedConnection,
        /// The key, as `list` names it.
        key: String,
    },
}

/// What a key of ours signs by.
#[derive(Clone, Copy, ValueEnum)]
pub enum ClientKeyAlgorithm {
    /// ECDSA with P-256; Entra ID does not take it.
    #[value(name = "ES256")]
    Es256,
    /// RSA with 2048 bits.
    #[value(name = "RS256")]
    Rs256,
}

/// For whom what a key of ours signs is meant to be.
#[derive(Clone, Copy, ValueEnum)]
pub enum AssertionAudience {
    /// The provider's token endpoint.
    TokenEndpoint,
    /// The provider's issuer.
    Issuer,
}

/// To which address people come back.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RedirectAddress {
    /// One of the connection's own, so that no provider can pass off another's answer as its own.
    Own,
    /// The one that connections had in common before there were others.
    Common,
}

/// What changes about provisioning; what is not given stays.
#[derive(Args)]
#[command(after_help = "\
The address to enter at the provider is printed by `sealgate connection show`; the token by `sealgate connection scim-token`.
Entra ID: map objectId to externalId. Okta: externalId is its user id, which is `sub` at the org's own issuer.")]
pub struct ProvisioningChange {
    /// Which one.
    #[command(flatten)]
    pub connection: NamedConnection,
    /// Admit only people that the provider told of (`yes`), or others as well (`no`).
    #[arg(long, value_name = "YES|NO")]
    pub required: Option<YesOrNo>,
    /// What of a person is the subject that a sign-in names.
    #[arg(long, value_name = "WHAT")]
    pub subject: Option<ProvisionedSubject>,
    /// When rules ask for the groups that the provider told of, instead of those that a sign-in lists.
    #[arg(long, value_name = "WHEN")]
    pub groups: Option<ProvisionedGroups>,
    /// An address, or a range of addresses, that the provider's service comes from; the list replaces the one before.
    #[arg(long = "address", value_name = "ADDRESS", conflicts_with = "any_address")]
    pub addresses: Vec<String>,
    /// Let the provider's service come from anywhere.
    #[arg(long)]
    pub any_address: bool,
}

/// Yes or no.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesOrNo {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// What of a person is the subject that a sign-in names.
#[derive(Clone, Copy, ValueEnum)]
pub enum ProvisionedSubject {
    /// externalId, to the letter.
    ExternalId,
    /// userName, without regard to the case of ASCII letters.
    UserName,
}

/// When the provider's groups count.
#[derive(Clone, Copy, ValueEnum)]
pub enum ProvisionedGroups {
    /// Never: what a sign-in lists counts.
    Never,
    /// Where a sign-in does not list them: too many for its token, or no such claim at all.
    WhenUnknown,
    /// Always.
    Always,
}

/// A connection that is there.
#[derive(Args)]
pub struct NamedConnection {
    /// The connection's name or id.
    pub connection: String,
    /// Its tenant, by name or id; needed where several tenants have a connection of this name.
    #[arg(long)]
    pub tenant: Option<String>,
}

/// A new connection by OpenID Connect.
#[derive(Args)]
#[command(after_help = "\
Next: enter the redirect address that is printed at the provider, then say whom to admit with
`sealgate connection rule add`. A connection without rules admits nobody.

Entra ID names people for good in `oid`: add --subject-claim oid.")]
pub struct OidcAdd {
    /// Its name, which the sign-in page shows.
    pub name: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// The issuer, exactly as the provider's discovery document names it.
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// The client id that the provider gave.
    #[arg(long, value_name = "ID")]
    pub client_id: String,
    /// The file with the client secret (its owner alone may read it), or `-` for standard input; without it or a key: a public client.
    #[arg(long, value_name = "FILE", conflicts_with = "client_key")]
    pub client_secret_file: Option<PathBuf>,
    /// Make a key of this algorithm and sign by it instead of showing a secret (private_key_jwt).
    #[arg(long, value_name = "NAME", ignore_case = true)]
    pub client_key: Option<ClientKeyAlgorithm>,
    /// For whom what the key signs is meant to be; providers differ.
    #[arg(long, value_name = "WHOM", default_value = "token-endpoint")]
    pub assertion_audience: AssertionAudience,
    /// Come back to the address that connections had in common, for a provider that already knows it and may not be told of another.
    #[arg(long)]
    pub common_redirect: bool,
    /// What is asked for; may be given several times [default: openid, profile].
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Algorithms accepted on ID tokens; may be given several times [default: RS256, ES256].
    #[arg(long = "algorithm", value_name = "NAME")]
    pub algorithms: Vec<String>,
    /// The claim that lists groups.
    #[arg(long, default_value = "groups", value_name = "CLAIM")]
    pub groups_claim: String,
    /// The claim that lists roles; dots lead into objects, as realm_access.roles at Keycloak.
    #[arg(long, default_value = "roles", value_name = "CLAIM")]
    pub roles_claim: String,
    /// The claim that names the person for good, and never anybody else: sub, oid, objectguid, objectsid, objectidentifier, immutableid,
    /// entryuuid, or another one that you vouch for.
    #[arg(long, default_value = "sub", value_name = "CLAIM")]
    pub subject_claim: String,
    /// Vouch that the provider never gives a value of the subject claim to another person; names and addresses are refused all the same.
    #[arg(long)]
    pub subject_claim_is_for_good: bool,
    /// The claim with a name for people to read.
    #[arg(long, default_value = "name", value_name = "CLAIM")]
    pub display_claim: String,
    /// A value of `acr` that vouches for a second factor; may be given several times.
    #[arg(long = "second-factor-acr", value_name = "VALUE")]
    pub second_factor_acr: Vec<String>,
    /// A value of `amr` that by itself vouches for a second factor; may be given several times. Without any, `mfa` does, and so do two
    /// methods of different kinds, such as pwd with otp, or hwk with pin (RFC 8176).
    #[arg(long = "second-factor-amr", value_name = "VALUE")]
    pub second_factor_amr: Vec<String>,
    /// A value of `acr` to ask for; may be given several times.
    #[arg(long = "request-acr", value_name = "VALUE")]
    pub request_acr: Vec<String>,
    /// Ask people who proved themselves longer ago than this to do so again.
    #[arg(long, value_name = "SECONDS")]
    pub max_age_seconds: Option<i64>,
    /// A host, or host:port, that may be asked besides the issuer's own; may be given several times.
    #[arg(long = "egress", value_name = "HOST")]
    pub egress: Vec<String>,
    /// Ask an issuer on this very machine without TLS; for trials only.
    #[arg(long)]
    pub allow_http_loopback: bool,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// A new connection by SAML 2.0.
#[derive(Args)]
#[command(after_help = "\
Next: give the provider the address of our metadata that is printed, then say whom to admit with
`sealgate connection rule add`. A connection without rules admits nobody.")]
pub struct SamlAdd {
    /// Its name, which the sign-in page shows.
    pub name: String,
    /// The tenant, by name or id.
    #[arg(long)]
    pub tenant: String,
    /// The file with the provider's metadata (XML), as you fetched it yourself over https.
    #[arg(long, value_name = "FILE")]
    pub metadata_file: PathBuf,
    /// The provider's entity id; needed where the metadata describes several.
    #[arg(long, value_name = "ID")]
    pub idp_entity_id: Option<String>,
    /// Our entity id there; absent: the address of our metadata.
    #[arg(long, value_name = "ID")]
    pub sp_entity_id: Option<String>,
    /// The attribute that names the person for good; absent: the NameID, whose format must be persistent and is refused otherwise.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub subject_attribute: Option<String>,
    /// The attribute that lists groups.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub groups_attribute: Option<String>,
    /// The attribute that lists roles.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub roles_attribute: Option<String>,
    /// The attribute with a name for people to read.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub display_attribute: Option<String>,
    /// A value of AuthnContextClassRef that vouches for a second factor; may be given several times.
    #[arg(long = "second-factor-context", value_name = "VALUE")]
    pub second_factor_contexts: Vec<String>,
    /// Accept sign-ins that begin at the provider, which answer no request of ours.
    #[arg(long)]
    pub allow_unsolicited: bool,
    /// Refuse assertions that are not encrypted.
    #[arg(long)]
    pub want_encrypted: bool,
    /// How output is written.
    #[command(flatten)]
    pub output: Json,
}

/// Rules of a connection.
#[derive(Subcommand)]
pub enum Rule {
    /// Adds a rule; the first rule that fits a person decides.
    Add(RuleAdd),
    /// Lists the rules in the order in which they are looked at.
    List {
        /// Which connection.
        #[command(flatten)]
        connection: NamedConnection,
        /// How output is written.
        #[command(flatten)]
        output: Json,
    },
    /// Removes a rule, and ends the sessions that no other rule gives.
    Remove {
        /// Which connection.
        #[command(flatten)]
        connection: NamedConnection,
        /// The rule's number, as `sealgate connection rule list` shows it.
        #[arg(long, value_name = "NUMBER")]
        number: usize,
    },
}

/// A new rule.
#[derive(Args)]
#[group(id = "criterion", required = true, multiple = false, args = ["if_role", "if_group", "if_attribute", "if_subject"])]
pub struct RuleAdd {
    /// Which connection.
    #[command(flatten)]
    pub connection: NamedConnection,
    /// For people of whom the provider names this role.
    #[arg(long, value_name = "VALUE")]
    pub if_role: Option<String>,
    /// For people of whom the provider names this group.
    #[arg(long, value_name = "VALUE")]
    pub if_group: Option<String>,
    /// For people of whom an attribute or claim has this value.
    #[arg(long, value_name = "NAME=VALUE")]
    pub if_attribute: Option<String>,
    /// For this very person, as the provider names them for good.
    #[arg(long, value_name = "VALUE")]
    pub if_subject: Option<String>,
    /// The role they get; may be given several times. `admin` goes without `--clinic`.
    #[arg(long = "role", value_name = "ROLE", required = true)]
    pub roles: Vec<String>,
    /// The clinic they get it for, by name or id; may be given several times; absent: all of the tenant.
    #[arg(long = "clinic", value_name = "CLINIC")]
    pub clinics: Vec<String>,
    /// What they act for.
    #[arg(long, default_value = "treatment")]
    pub purpose: Purpose,
    /// The place it takes among the rules, counted from 1; absent: the last.
    #[arg(long, value_name = "NUMBER")]
    pub at: Option<usize>,
}

/// What somebody acts for.
#[derive(Clone, Copy, ValueEnum)]
pub enum Purpose {
    /// Care of the patient.
    Treatment,
    /// Payment for care.
    Payment,
    /// Running the organization and its systems.
    Operations,
}
