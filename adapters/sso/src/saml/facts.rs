//! What a response and its assertion say, read once from the bytes that came and once from those that were verified.

use super::names::{ASSERTION, DSIG, PROTOCOL, XSI};
use super::refusal::Refusal;
use super::xml::Element;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a response says around its assertion.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseFacts {
    /// Its identifier.
    pub id: String,
    /// When it was issued.
    pub issued: Timestamp,
    /// Who issued it.
    pub issuer: Option<String>,
    /// To which address it was sent.
    pub destination: Option<String>,
    /// The request that it answers.
    pub in_response_to: Option<String>,
    /// The status code.
    pub status: String,
}

/// What an assertion says.
#[derive(Clone, PartialEq, Eq)]
pub struct AssertionFacts {
    /// Its identifier.
    pub id: String,
    /// When it was issued.
    pub issued: Timestamp,
    /// Who issued it.
    pub issuer: String,
    /// How it names the person.
    pub name_id: Option<NameId>,
    /// By what whoever brings it is the person.
    pub confirmations: Vec<Confirmation>,
    /// Under which conditions it holds.
    pub conditions: Option<Conditions>,
    /// When and how the person proved who they are.
    pub statements: Vec<AuthnStatement>,
    /// What else it says of the person, by name; those of the same name are one.
    pub attributes: Vec<(String, Vec<String>)>,
}

/// How an identity provider names a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameId {
    /// The name.
    pub value: String,
    /// What kind of name it is.
    pub format: Option<String>,
    /// The domain in which the identity provider uses it.
    pub name_qualifier: Option<String>,
    /// For whom it uses it.
    pub sp_name_qualifier: Option<String>,
}

/// By what whoever brings an assertion is the person it is about.
#[derive(Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// The method.
    pub method: String,
    /// The address to which the assertion may be brought.
    pub recipient: Option<String>,
    /// The request that it answers.
    pub in_response_to: Option<String>,
    /// From when.
    pub not_before: Option<Timestamp>,
    /// The moment from which no longer.
    pub not_on_or_after: Option<Timestamp>,
}

/// Under which conditions an assertion holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Conditions {
    /// From when.
    pub not_before: Option<Timestamp>,
    /// The moment from which no longer.
    pub not_on_or_after: Option<Timestamp>,
    /// The audiences of each restriction; each of the restrictions has to hold.
    pub audiences: Vec<Vec<String>>,
    /// Whether there is a condition that is not known here.
    pub unknown: bool,
}

/// When and how a person proved who they are.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthnStatement {
    /// When.
    pub instant: Timestamp,
    /// The identity provider's name for its session.
    pub session_index: Option<String>,
    /// The moment from which that session is over.
    pub session_ends: Option<Timestamp>,
    /// How.
    pub context: Option<String>,
}

impl ResponseFacts {
    /// Reads `Issuer? Signature? Extensions? Status (Assertion | EncryptedAssertion)`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn read(root: &Element) -> Result<Self, Refusal> {
        let allowed = [
            (ASSERTION, "Issuer"),
            (DSIG, "Signature"),
            (PROTOCOL, "Extensions"),
            (PROTOCOL, "Status"),
            (ASSERTION, "Assertion"),
            (ASSERTION, "EncryptedAssertion"),
        ];
        ordered(root, &allowed)?;
        if root.attribute("Version") != Some("2.0") {
            return Err(Refusal::Version);
        }
        let status = root.only(PROTOCOL, "Status").and_then(|status| status.only(PROTOCOL, "StatusCode"));
        Ok(Self {
            id: id(root)?,
            issued: time(root, "IssueInstant")?.ok_or(Refusal::Time)?,
            issuer: root.only(ASSERTION, "Issuer").map(value).transpose()?,
            destination: root.attribute("Destination").map(str::to_owned),
            in_response_to: root.attribute("InResponseTo").map(str::to_owned),
            status: status.and_then(|code| code.attribute("Value")).ok_or(Refusal::Status)?.to_owned(),
        })
    }
}

impl AssertionFacts {
    /// Reads `Issuer Signature? Subject Conditions? statement…`.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(super) fn read(assertion: &Element) -> Result<Self, Refusal> {
        let allowed = [(ASSERTION, "Issuer"), (DSIG, "Signature"), (ASSERTION, "Subject"), (ASSERTION, "Conditions")];
        let statements = ["AuthnStatement", "AttributeStatement", "AuthzDecisionStatement"];
        let is_statement = |element: &Element| statements.iter().any(|statement| element.is(ASSERTION, statement));
        let head = assertion.elements().take_while(|element| !is_statement(element));
        in_order(head, &allowed)?;
        let mut tail = assertion.elements().skip_while(|element| !is_statement(element));
        if !assertion.holds_elements_only() || !tail.all(is_statement) {
            return Err(Refusal::Shape);
        }
        if assertion.attribute("Version") != Some("2.0") {
            return Err(Refusal::Version);
        }
        let subject = assertion.only(ASSERTION, "Subject");
        let confirmations = subject.into_iter().flat_map(|s| s.all(ASSERTION, "SubjectConfirmation"));
        let mut attributes = Vec::new();
        for statement in assertion.all(ASSERTION, "AttributeStatement") {
            read_attributes(statement, &mut attributes)?;
        }
        Ok(Self {
            id: id(assertion)?,
            issued: time(assertion, "IssueInstant")?.ok_or(Refusal::Time)?,
            issuer: assertion.only(ASSERTION, "Issuer").ok_or(Refusal::Issuer).and_then(value)?,
            name_id: subject.map(subject_name).transpose()?.flatten(),
            confirmations: confirmations.map(confirmation).collect::<Result<_, _>>()?,
            conditions: assertion.only(ASSERTION, "Conditions").map(conditions).transpose()?,
            statements: assertion.all(ASSERTION, "AuthnStatement").map(authn_statement).collect::<Result<_, _>>()?,
            attributes,
        })
    }

    /// Returns the values of an attribute.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[String]> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, values)| values.as_slice())
    }
}

impl NameId {
    /// Reads an element `NameID`.
    ///
    /// # Errors
    /// [`Refusal::Shape`] when there is anything but text in it.
    pub(super) fn read(element: &Element) -> Result<Self, Refusal> {
        let attribute = |name| element.attribute(name).map(str::to_owned);
        Ok(Self {
            value: value(element)?,
            format: attribute("Format"),
            name_qualifier: attribute("NameQualifier"),
            sp_name_qualifier: attribute("SPNameQualifier"),
        })
    }
}

fn subject_name(subject: &Element) -> Result<Option<NameId>, Refusal> {
    if subject.all(ASSERTION, "EncryptedID").next().is_some() {
        return Err(Refusal::EncryptedPart);
    }
    let mut rest = subject.elements().skip_while(|element| element.is(ASSERTION, "NameID"));
    if !subject.holds_elements_only()
        || subject.all(ASSERTION, "NameID").count() > 1
        || !rest.all(|element| element.is(ASSERTION, "SubjectConfirmation"))
    {
        return Err(Refusal::Shape);
    }
    subject.only(ASSERTION, "NameID").map(NameId::read).transpose()
}

fn confirmation(element: &Element) -> Result<Confirmation, Refusal> {
    ordered(element, &[(ASSERTION, "NameID"), (ASSERTION, "SubjectConfirmationData")])?;
    let data = element.only(ASSERTION, "SubjectConfirmationData");
    if data.is_some_and(|data| data.text() != Some("")) {
        return Err(Refusal::Shape);
    }
    let attribute = |name| data.and_then(|data| data.attribute(name)).map(str::to_owned);
    let moment = |name| data.map_or(Ok(None), |data| time(data, name));
    Ok(Confirmation {
        method: element.attribute("Method").ok_or(Refusal::Shape)?.to_owned(),
        recipient: attribute("Recipient"),
        in_response_to: attribute("InResponseTo"),
        not_before: moment("NotBefore")?,
        not_on_or_after: moment("NotOnOrAfter")?,
    })
}

fn conditions(element: &Element) -> Result<Conditions, Refusal> {
    if !element.holds_elements_only() {
        return Err(Refusal::Shape);
    }
    let mut read = Conditions {
        not_before: time(element, "NotBefore")?,
        not_on_or_after: time(element, "NotOnOrAfter")?,
        audiences: Vec::new(),
        unknown: false,
    };
    for condition in element.elements() {
        match (&*condition.namespace, condition.name.as_str()) {
            (ASSERTION, "AudienceRestriction") => {
                if !condition.holds_elements_only() || !condition.elements().all(|e| e.is(ASSERTION, "Audience")) {
                    return Err(Refusal::Shape);
                }
                read.audiences.push(condition.elements().map(value).collect::<Result<_, _>>()?);
            }
            // Whatever is used here is used once, and no further assertion is made from it.
            (ASSERTION, "OneTimeUse" | "ProxyRestriction") => {}
            _ => read.unknown = true,
        }
    }
    Ok(read)
}

fn authn_statement(element: &Element) -> Result<AuthnStatement, Refusal> {
    ordered(element, &[(ASSERTION, "SubjectLocality"), (ASSERTION, "AuthnContext")])?;
    let context = element.only(ASSERTION, "AuthnContext").ok_or(Refusal::AuthnStatement)?;
    if context.all(ASSERTION, "AuthnContextClassRef").count() > 1 {
        return Err(Refusal::Shape);
    }
    Ok(AuthnStatement {
        instant: time(element, "AuthnInstant")?.ok_or(Refusal::AuthnStatement)?,
        session_index: element.attribute("SessionIndex").map(str::to_owned),
        session_ends: time(element, "SessionNotOnOrAfter")?,
        context: context.only(ASSERTION, "AuthnContextClassRef").map(value).transpose()?,
    })
}

fn read_attributes(statement: &Element, attributes: &mut Vec<(String, Vec<String>)>) -> Result<(), Refusal> {
    if statement.all(ASSERTION, "EncryptedAttribute").next().is_some() {
        return Err(Refusal::EncryptedPart);
    }
    if !statement.holds_elements_only() {
        return Err(Refusal::Shape);
    }
    for element in statement.elements() {
        let name = element.attribute("Name").filter(|_| element.is(ASSERTION, "Attribute")).ok_or(Refusal::Shape)?;
        if !element.holds_elements_only() || !element.elements().all(|e| e.is(ASSERTION, "AttributeValue")) {
            return Err(Refusal::Shape);
        }
        let mut values = element.elements().filter(|value| !is_nil(value)).map(value).collect::<Result<Vec<_>, _>>()?;
        // Keycloak writes an attribute of several values as several attributes of one name.
        match attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.append(&mut values),
            None => attributes.push((name.to_owned(), values)),
        }
    }
    Ok(())
}

fn is_nil(element: &Element) -> bool {
    element
        .attributes
        .iter()
        .any(|a| &*a.namespace == XSI && a.name == "nil" && matches!(a.value.as_str(), "true" | "1"))
}

/// Checks that the elements of an element are these, in this order, each at most once.
pub(super) fn ordered(element: &Element, allowed: &[(&str, &str)]) -> Result<(), Refusal> {
    if !element.holds_elements_only() {
        return Err(Refusal::Shape);
    }
    in_order(element.elements(), allowed)
}

fn in_order<'a>(elements: impl Iterator<Item = &'a Element>, allowed: &[(&str, &str)]) -> Result<(), Refusal> {
    let mut allowed = allowed.iter();
    for element in elements {
        if !allowed.any(|(namespace, name)| element.is(namespace, name)) {
            return Err(Refusal::Shape);
        }
    }
    Ok(())
}

/// Returns the text of an element that has nothing else in it.
pub(super) fn value(element: &Element) -> Result<String, Refusal> {
    element.text().map(str::to_owned).ok_or(Refusal::Shape)
}

fn id(element: &Element) -> Result<String, Refusal> {
    element.attribute("ID").map(str::to_owned).ok_or(Refusal::Id)
}

/// Returns a time of an element; `None` when it is not there.
pub(super) fn time(element: &Element, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let text = element.attribute(name);
    text.map(|text| Timestamp::from_rfc3339(text).ok_or(Refusal::Time)).transpose()
}
