//! Whether what an identity provider signed is meant for us, for this browser, and now (SAML Profiles §4.1.4.3).

use super::facts::{AssertionFacts, AuthnStatement, Confirmation, NameId, ResponseFacts};
use super::names::{BEARER, ENTRA_GROUPS_LINK, METHODS, PERSISTENT, SUCCESS, TRANSIENT};
use super::refusal::Refusal;
use super::request::Pending;
use domain::access::Factor;
use domain::directory::{Connection, ProvisionedGroups, SamlSettings};
use domain::identity::{Assertion, Groups};
use domain::time::Timestamp;

/// How far the clocks of two systems may be apart, in seconds.
pub const SKEW_SECONDS: i64 = 120;

/// Most bytes of a person's name.
const MAX_NAME_BYTES: usize = 256;

/// Most bytes of what names a person for good.
const MAX_SUBJECT_BYTES: usize = 1_024;

/// What a response is held against.
pub struct Expected<'a> {
    /// The connection it came by.
    pub connection: &'a Connection,
    /// The settings of the connection.
    pub settings: &'a SamlSettings,
    /// Our entity id.
    pub entity_id: &'a str,
    /// Our address for responses.
    pub acs: &'a str,
    /// The request that this browser made.
    pub pending: Option<&'a Pending>,
    /// The present moment.
    pub now: Timestamp,
}

/// An assertion that was judged good, and the moment from which it could not be used anyway.
pub struct Judged {
    /// What it says.
    pub assertion: Assertion,
    /// How the identity provider names the person.
    pub name_id: Option<NameId>,
    /// The moment from which it could not be used anyway.
    pub usable_until: Timestamp,
}

/// Judges what was verified.
///
/// # Errors
/// [`Refusal`]: the first rule that does not hold.
pub fn judge(response: &ResponseFacts, assertion: &AssertionFacts, expected: &Expected<'_>) -> Result<Judged, Refusal> {
    let Expected { settings, now, .. } = *expected;
    if response.status != SUCCESS {
        return Err(Refusal::Status);
    }
    let issuer = &settings.idp_entity_id;
    if assertion.issuer != *issuer || response.issuer.as_ref().is_some_and(|named| named != issuer) {
        return Err(Refusal::Issuer);
    }
    if response.destination.as_deref() != Some(expected.acs) {
        return Err(Refusal::Destination);
    }
    let asked = request(response, expected)?;
    if [response.issued, assertion.issued].into_iter().any(|issued| issued > latest(now)) {
        return Err(Refusal::NotYetValid);
    }
    let usable_until = confirmed(&assertion.confirmations, asked, expected)?;
    conditions(assertion, expected)?;
    let until = statements(assertion, expected)?;
    let (proof, factor) = proof(assertion, settings).ok_or(Refusal::AuthnStatement)?;
    let subject = subject(assertion, expected)?;
    Ok(Judged {
        assertion: Assertion {
            connection: expected.connection.id,
            tenant: expected.connection.tenant,
            issuer: issuer.clone(),
            display: display(assertion, settings, &subject),
            subject,
            roles: named(assertion, settings.roles_attribute.as_deref()),
            groups: groups(assertion, expected),
            attributes: assertion.attributes.clone(),
            factor,
            authenticated: proof.instant.min(now),
            until,
            provider_session: proof.session_index.clone(),
        },
        name_id: assertion.name_id.clone(),
        usable_until,
    })
}

/// Returns the request that the response answers; `None` when it answers none and may.
pub(super) fn request<'a>(response: &ResponseFacts, expected: &Expected<'a>) -> Result<Option<&'a Pending>, Refusal> {
    match (&response.in_response_to, expected.pending) {
        (Some(named), Some(pending)) if *named == pending.id && pending.connection == expected.connection.id => {
            Ok(Some(pending))
        }
        (Some(_), _) => Err(Refusal::InResponseTo),
        (None, _) if expected.settings.allow_unsolicited => Ok(None),
        (None, _) => Err(Refusal::Unsolicited),
    }
}

/// Returns the moment from which no bearer confirmation holds any more; one has to hold now.
fn confirmed(
    confirmations: &[Confirmation],
    asked: Option<&Pending>,
    expected: &Expected<'_>,
) -> Result<Timestamp, Refusal> {
    let bearers = || confirmations.iter().filter(|confirmation| confirmation.method == BEARER);
    let holds = |bearer: &Confirmation| {
        if bearer.recipient.as_deref() != Some(expected.acs) {
            return Err(Refusal::Recipient);
        }
        match (&bearer.in_response_to, asked) {
            (Some(named), Some(pending)) if *named == pending.id => {}
            (None, None) => {}
            _ => return Err(Refusal::InResponseTo),
        }
        if bearer.not_before.is_some_and(|from| from > latest(expected.now)) {
            return Err(Refusal::NotYetValid);
        }
        let end = bearer.not_on_or_after.ok_or(Refusal::Confirmation)?;
        if end <= earliest(expected.now) { Err(Refusal::Expired) } else { Ok(()) }
    };
    let mut refusal = Refusal::Confirmation;
    for bearer in bearers() {
        match holds(bearer) {
            Ok(()) => {
                let end = bearers().filter_map(|bearer| bearer.not_on_or_after).max();
                // Twice, since the gateway that sees it again may be as far behind as the identity provider is ahead.
                return end.map(|end| end.plus_seconds(2 * SKEW_SECONDS)).ok_or(Refusal::Confirmation);
            }
            Err(why) => refusal = why,
        }
    }
    Err(refusal)
}

fn conditions(assertion: &AssertionFacts, expected: &Expected<'_>) -> Result<(), Refusal> {
    let conditions = assertion.conditions.as_ref().ok_or(Refusal::Conditions)?;
    if conditions.unknown {
        return Err(Refusal::UnknownCondition);
    }
    if conditions.not_before.is_some_and(|from| from > latest(expected.now)) {
        return Err(Refusal::NotYetValid);
    }
    if conditions.not_on_or_after.is_some_and(|end| end <= earliest(expected.now)) {
        return Err(Refusal::Expired);
    }
    // Of one restriction any audience will do; of several, each has to (SAML Core §2.5.1.4).
    let named = |audiences: &Vec<String>| audiences.iter().any(|audience| audience == expected.entity_id);
    if conditions.audiences.is_empty() || !conditions.audiences.iter().all(named) {
        return Err(Refusal::Audience);
    }
    Ok(())
}

/// Returns the end of the identity provider's session.
fn statements(assertion: &AssertionFacts, expected: &Expected<'_>) -> Result<Option<Timestamp>, Refusal> {
    for statement in &assertion.statements {
        if statement.instant > latest(expected.now) {
            return Err(Refusal::NotYetValid);
        }
        // A session that would begin ended helps nobody, so the skew is not granted here.
        if statement.session_ends.is_some_and(|end| end <= expected.now) {
            return Err(Refusal::SessionEnded);
        }
        let asked = expected.pending.filter(|pending| pending.fresh);
        if asked.is_some_and(|pending| statement.instant < earliest(pending.issued)) {
            return Err(Refusal::NotFresh);
        }
    }
    Ok(assertion.statements.iter().filter_map(|statement| statement.session_ends).min())
}

/// The name that is used for one person and never for another.
fn subject(assertion: &AssertionFacts, expected: &Expected<'_>) -> Result<String, Refusal> {
    let subject = match &expected.settings.subject_attribute {
        Some(name) => match assertion.values(name) {
            Some([one]) => one,
            _ => return Err(Refusal::Subject),
        },
        None => {
            let name_id = assertion.name_id.as_ref().ok_or(Refusal::Subject)?;
            for_good(name_id, expected)?;
            &name_id.value
        }
    };
    if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES || subject.chars().any(char::is_control) {
        return Err(Refusal::Subject);
    }
    Ok(subject.clone())
}

/// Checks that a NameID is one person's for ever: of the one format that says so, and given by this identity provider to us (SAML Core
/// §8.3.7). An address, a name at the domain, and what has no format or an unspecified one, may be somebody else's tomorrow.
fn for_good(name_id: &NameId, expected: &Expected<'_>) -> Result<(), Refusal> {
    match name_id.format.as_deref() {
        Some(PERSISTENT) => {}
        Some(TRANSIENT) => return Err(Refusal::TransientSubject),
        Some(_) | None => return Err(Refusal::SubjectFormat),
    }
    let ours = |qualifier: &Option<String>, whose: &str| qualifier.as_deref().is_none_or(|named| named == whose);
    if ours(&name_id.name_qualifier, &expected.settings.idp_entity_id)
        && ours(&name_id.sp_name_qualifier, expected.entity_id)
    {
        Ok(())
    } else {
        Err(Refusal::SubjectQualifier)
    }
}

fn display(assertion: &AssertionFacts, settings: &SamlSettings, subject: &str) -> String {
    let named = settings.display_attribute.as_deref().and_then(|name| assertion.values(name)).and_then(<[_]>::first);
    let name = named.map(String::as_str).or(assertion.name_id.as_ref().map(|name| name.value.as_str()));
    let mut shown = String::new();
    for c in name.filter(|name| !name.is_empty()).unwrap_or(subject).chars().filter(|c| !c.is_control()) {
        if shown.len().saturating_add(c.len_utf8()) > MAX_NAME_BYTES {
            break;
        }
        shown.push(c);
    }
    shown
}

fn named(assertion: &AssertionFacts, attribute: Option<&str>) -> Vec<String> {
    attribute.and_then(|name| assertion.values(name)).map(<[_]>::to_vec).unwrap_or_default()
}

/// Where no groups are told of, there are none; but where the provider tells of them ahead instead, it is those that count.
fn groups(assertion: &AssertionFacts, expected: &Expected<'_>) -> Groups {
    let listed = expected.settings.groups_attribute.as_deref().and_then(|name| assertion.values(name));
    let told_ahead = expected.connection.provisioning.groups == ProvisionedGroups::WhenUnknown;
    match listed {
        _ if assertion.values(ENTRA_GROUPS_LINK).is_some() => Groups::Unknown,
        Some(groups) => Groups::Known(groups.to_vec()),
        None if told_ahead => Groups::Unknown,
        None => Groups::Known(Vec::new()),
    }
}

/// Returns the one statement that counts, and what it proves: the factor of one is never joined with the moment of another.
///
/// It is the latest that vouches for a second factor. Methods in an attribute belong to no statement, so where they vouch for one, it is
/// as old as the oldest.
fn proof<'a>(assertion: &'a AssertionFacts, settings: &SamlSettings) -> Option<(&'a AuthnStatement, Factor)> {
    let vouches = |shown: &String| settings.second_factor_contexts.contains(shown);
    let statements = || assertion.statements.iter();
    let with_factor = statements().filter(|statement| statement.context.as_ref().is_some_and(vouches));
    if let Some(latest) = with_factor.max_by_key(|statement| statement.instant) {
        return Some((latest, Factor::Shown));
    }
    if assertion.values(METHODS).unwrap_or_default().iter().any(vouches) {
        return statements().min_by_key(|statement| statement.instant).map(|oldest| (oldest, Factor::Shown));
    }
    statements().next().map(|first| (first, Factor::Missing))
}

fn latest(now: Timestamp) -> Timestamp {
    now.plus_seconds(SKEW_SECONDS)
}

fn earliest(now: Timestamp) -> Timestamp {
    now.plus_seconds(-SKEW_SECONDS)
}
