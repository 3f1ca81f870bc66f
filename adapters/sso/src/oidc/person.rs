//! From verified claims to facts about a person, with the habits of Entra ID, Keycloak, Okta and AD FS.

use super::Refusal;
use super::claims::{self, Claims};
use domain::access::Factor;
use domain::directory::{Connection, OidcSettings, ProvisionedGroups};
use domain::identity::{Assertion, Groups};
use domain::time::Timestamp;
use serde_json::Value;

/// Makes the assertion from the claims of an ID token and, where it was asked for, of the user information.
///
/// What proves the sign-in (factor, time, session) is taken from the ID token alone; names, roles and groups that it
/// does not have are taken from the user information.
pub(super) fn assertion(
    connection: &Connection,
    settings: &OidcSettings,
    token: &Claims,
    user_info: Option<&Claims>,
    now: Timestamp,
) -> Result<Assertion, Refusal> {
    let all = merged(token, user_info);
    let subject = subject(settings, token)?.ok_or(Refusal::SubjectClaimMissing)?;
    Ok(Assertion {
        connection: connection.id,
        tenant: connection.tenant,
        issuer: settings.issuer.clone(),
        display: display(settings, &all).unwrap_or_else(|| subject.clone()),
        subject,
        roles: lookup(&all, &settings.roles_claim).and_then(values).unwrap_or_default(),
        groups: groups(&all, &settings.groups_claim, connection),
        attributes: attributes(&all),
        factor: factor(settings, token),
        // A provider that does not say when may have let in whoever sat there: that proves nothing fresh.
        authenticated: claims::moment(token, "auth_time")?.unwrap_or_default().min(now),
        until: None,
        provider_session: session(token),
    })
}

/// Returns the person's stable name; `None` when the claim that holds it is not there.
///
/// `oid` of Entra ID is unique within a directory only, so it is joined to `tid`: `tid/oid`.
pub(super) fn subject(settings: &OidcSettings, token: &Claims) -> Result<Option<String>, Refusal> {
    let named = |name: &str| match lookup(token, name) {
        Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_VALUE_BYTES => Ok(Some(text.clone())),
        None => Ok(None),
        Some(_) => Err(Refusal::ClaimMalformed),
    };
    if settings.subject_claim != "oid" {
        return named(&settings.subject_claim);
    }
    match (named("tid")?, named("oid")?) {
        (Some(directory), Some(object)) => Ok(Some(format!("{directory}/{object}"))),
        _ => Ok(None),
    }
}

/// Returns the provider's name for its session.
pub(super) fn session(token: &Claims) -> Option<String> {
    let session = token.get("sid")?.as_str()?;
    (!session.is_empty() && session.len() <= MAX_VALUE_BYTES).then(|| session.to_owned())
}

/// Says whether the ID token leaves out what user information might add.
pub(super) fn is_incomplete(settings: &OidcSettings, token: &Claims) -> bool {
    let missing = |path: &str| lookup(token, path).is_none();
    let groups_open = missing(&settings.groups_claim) && !is_overage(token, &settings.groups_claim);
    groups_open || missing(&settings.roles_claim) || missing(&settings.display_claim)
}

fn merged(token: &Claims, user_info: Option<&Claims>) -> Claims {
    let mut all = user_info.cloned().unwrap_or_default();
    all.extend(token.iter().map(|(name, value)| (name.clone(), value.clone())));
    all
}

/// Finds a claim by its whole name, which may have dots, or by a path such as `realm_access.roles` (Keycloak).
fn lookup<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(claim) = claims.get(path) {
        return Some(claim);
    }
    let mut steps = path.split('.');
    let first = claims.get(steps.next()?)?;
    steps.try_fold(first, |value, step| value.get(step))
}

/// Returns text or a list of texts as a list: AD FS writes a list of one as text.
fn values(claim: &Value) -> Option<Vec<String>> {
    let all: Vec<&Value> = match claim {
        Value::String(_) => vec![claim],
        Value::Array(all) if all.len() <= MAX_VALUES => all.iter().collect(),
        _ => return None,
    };
    let texts = all.into_iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
    Some(texts.into_iter().filter(|text| text.len() <= MAX_VALUE_BYTES).map(str::to_owned).collect())
}

/// Where no groups are told of, there are none; but where the provider tells of them ahead instead, it is those that count.
fn groups(claims: &Claims, path: &str, connection: &Connection) -> Groups {
    if is_overage(claims, path) {
        return Groups::Unknown;
    }
    match lookup(claims, path) {
        None if connection.provisioning.groups == ProvisionedGroups::WhenUnknown => Groups::Unknown,
        None => Groups::Known(Vec::new()),
        // Too many, or in a form that is not understood: either way it is not known which there are.
        Some(claim) => values(claim).map_or(Groups::Unknown, Groups::Known),
    }
}

/// Entra ID leaves out groups of which there are more than 200 and says so in one of three ways.
fn is_overage(claims: &Claims, path: &str) -> bool {
    let elsewhere = claims.get("_claim_names").and_then(Value::as_object);
    let has = claims.get("hasgroups").is_some_and(|has| has == &Value::Bool(true) || has == "true");
    let source = |name: &String| name.strip_prefix(path).is_some_and(|rest| rest.starts_with(":src"));
    has || elsewhere.is_some_and(|names| names.contains_key(path) || names.contains_key("groups"))
        || claims.keys().any(|name| source(name) || name.starts_with("groups:src"))
}

fn display(settings: &OidcSettings, claims: &Claims) -> Option<String> {
    let candidates = [settings.display_claim.as_str(), "name", "preferred_username", "email"];
    let found = candidates.into_iter().find_map(|path| lookup(claims, path).and_then(Value::as_str))?;
    let readable: String = found.chars().filter(|c| !c.is_control()).take(MAX_DISPLAY_CHARS).collect();
    let readable = readable.trim();
    (!readable.is_empty()).then(|| readable.to_owned())
}

/// The provider vouches for a second factor by the class of the authentication or by its methods (RFC 8176).
fn factor(settings: &OidcSettings, token: &Claims) -> Factor {
    let told = |claim: &str| token.get(claim).and_then(values).unwrap_or_default();
    let among = |told: &[String], wanted: &[String]| told.iter().any(|value| wanted.contains(value));
    let methods = told("amr");
    let by_methods = match settings.second_factor_amr.as_slice() {
        [] => several_factors(&methods),
        wanted => among(&methods, wanted),
    };
    if by_methods || among(&told("acr"), &settings.second_factor_acr) { Factor::Shown } else { Factor::Missing }
}

/// Says whether methods are of more than one factor: a one-time code or a key alone is one, as a password alone is.
fn several_factors(methods: &[String]) -> bool {
    let shown = |kind: &[&str]| methods.iter().any(|method| kind.contains(&method.as_str()));
    let kinds = [KNOWN, HELD, INHERENT].into_iter().filter(|kind| shown(kind)).count();
    shown(&["mfa"]) || kinds >= 2
}

fn attributes(claims: &Claims) -> Vec<(String, Vec<String>)> {
    let told =
        claims.iter().filter(|(name, _)| !OF_THE_PROTOCOL.contains(&name.as_str()) && name.len() <= MAX_VALUE_BYTES);
    told.filter_map(|(name, claim)| Some((name.clone(), attribute(claim)?))).take(MAX_ATTRIBUTES).collect()
}

fn attribute(claim: &Value) -> Option<Vec<String>> {
    match claim {
        Value::Bool(_) | Value::Number(_) => Some(vec![claim.to_string()]),
        Value::String(_) | Value::Array(_) => values(claim),
        Value::Null | Value::Object(_) => None,
    }
}

/// Claims that are about the token and not about the person.
const OF_THE_PROTOCOL: [&str; 14] =
    ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "at_hash", "c_hash", "auth_time", "sid", "typ"];
/// Methods of what a person knows (RFC 8176 §2).
const KNOWN: &[&str] = &["pwd", "pin", "kba"];
/// Methods of what a person has; `fido` is written by several providers and in no registry.
const HELD: &[&str] = &["otp", "sms", "tel", "hwk", "swk", "sc", "fido"];
/// Methods of what a person is.
const INHERENT: &[&str] = &["face", "fpt", "iris", "vbm", "retina"];
/// Most values of a claim; a longer list counts as not understood.
const MAX_VALUES: usize = 1_000;
/// The longest value that is kept, in bytes.
const MAX_VALUE_BYTES: usize = 1_024;
/// Most attributes that are kept.
const MAX_ATTRIBUTES: usize = 64;
/// The longest name that is shown.
const MAX_DISPLAY_CHARS: usize = 128;
