//! Why a SAML message is refused: a word for the audit entry, a sentence for the administrator.

use crate::stage::Stage;
use std::fmt;

/// Why a SAML message is refused. It carries nothing of the message; the browser is told none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The message is larger than is read.
    TooLarge,
    /// The message is not base64, or not deflated where it must be.
    NotBase64,
    /// The message is not UTF-8, or declares another encoding.
    NotUtf8,
    /// The message is not well-formed XML.
    Malformed,
    /// It has a document type declaration.
    Doctype,
    /// It has a processing instruction.
    Instruction,
    /// It has a comment.
    Comment,
    /// It has a CDATA section.
    Cdata,
    /// It refers to an entity other than the five of XML.
    Entity,
    /// Its elements are nested too deep.
    TooDeep,
    /// An element has too many attributes.
    TooManyAttributes,
    /// It has too many elements.
    TooManyElements,
    /// A namespace is unbound, relative or reserved.
    Namespace,
    /// An element has an attribute twice.
    DuplicateAttribute,
    /// The root is not the element that belongs there.
    Root,
    /// A version is not 2.0.
    Version,
    /// An identifier is missing, in a namespace, or not a name.
    Id,
    /// Two elements have the same identifier.
    DuplicateId,
    /// There is not exactly one assertion.
    AssertionCount,
    /// The assertion is not directly in the response.
    AssertionPlace,
    /// An element is somewhere it has no business.
    Foreign,
    /// A signature is not directly in the response or assertion, right after the issuer.
    SignaturePlace,
    /// A signature is not of the one form that is read.
    SignatureForm,
    /// A signature does not refer to its parent alone.
    SignatureReference,
    /// A signature asks for a transformation other than the two that are applied.
    SignatureTransform,
    /// A signature uses an algorithm that is not accepted.
    SignatureAlgorithm,
    /// Neither response nor assertion is signed.
    Unsigned,
    /// An element lacks a part, has one twice, or has one that does not belong there.
    Shape,
    /// The name of the person or an attribute is encrypted by itself.
    EncryptedPart,
    /// A time cannot be read.
    Time,
    /// The encrypted assertion does not open, or what is in it is not to be believed.
    EncryptedAssertion,
    /// The assertion is not encrypted, and the connection asks for that.
    NotEncrypted,
    /// A signature does not verify with any certificate of the identity provider.
    Signature,
    /// What was verified is not what was read.
    Disagreement,
    /// The verifying process gave no answer: it failed, or was ended at a limit.
    Helper,
    /// The verifying process could not give up what it does not need.
    Unconfined,
    /// Too many messages are being verified.
    Busy,
    /// The identity provider says that it did not succeed.
    Status,
    /// It was issued by somebody else.
    Issuer,
    /// It was sent to somebody else.
    Destination,
    /// It is for another recipient.
    Recipient,
    /// It is for another audience.
    Audience,
    /// It answers another request, or one of another browser.
    InResponseTo,
    /// Nothing asked for it, and the connection does not allow that.
    Unsolicited,
    /// No bearer confirmation says that whoever brings it is the person.
    Confirmation,
    /// It states no conditions.
    Conditions,
    /// It states a condition that is not known here.
    UnknownCondition,
    /// It is not yet valid, or issued in the future.
    NotYetValid,
    /// It is no longer valid.
    Expired,
    /// It does not say how the person proved who they are.
    AuthnStatement,
    /// The person proved who they are too long ago.
    NotFresh,
    /// The identity provider's session is over.
    SessionEnded,
    /// It does not name the person.
    Subject,
    /// It names the person by a name that is made anew each time.
    TransientSubject,
    /// It names the person by a name that may be another person's tomorrow.
    SubjectFormat,
    /// It names the person by another provider's name, or by one made for somebody else.
    SubjectQualifier,
    /// It has been used before.
    Replay,
    /// The store or the source of randomness does not answer.
    Unavailable,
    /// The pinned metadata cannot be used.
    Metadata,
    /// A parameter of the query is missing.
    QueryMissing,
    /// A parameter of the query is there twice.
    QueryDuplicate,
    /// The query is not encoded as it must be.
    QueryForm,
    /// The identity provider has no logout service by redirect.
    NoLogout,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: &'static [Refusal] = &[
        Refusal::TooLarge,
        Refusal::NotBase64,
        Refusal::NotUtf8,
        Refusal::Malformed,
        Refusal::Doctype,
        Refusal::Instruction,
        Refusal::Comment,
        Refusal::Cdata,
        Refusal::Entity,
        Refusal::TooDeep,
        Refusal::TooManyAttributes,
        Refusal::TooManyElements,
        Refusal::Namespace,
        Refusal::DuplicateAttribute,
        Refusal::Root,
        Refusal::Version,
        Refusal::Id,
        Refusal::DuplicateId,
        Refusal::AssertionCount,
        Refusal::AssertionPlace,
        Refusal::Foreign,
        Refusal::SignaturePlace,
        Refusal::SignatureForm,
        Refusal::SignatureReference,
        Refusal::SignatureTransform,
        Refusal::SignatureAlgorithm,
        Refusal::Unsigned,
        Refusal::Shape,
        Refusal::EncryptedPart,
        Refusal::Time,
        Refusal::EncryptedAssertion,
        Refusal::NotEncrypted,
        Refusal::Signature,
        Refusal::Disagreement,
        Refusal::Helper,
        Refusal::Unconfined,
        Refusal::Busy,
        Refusal::Status,
        Refusal::Issuer,
        Refusal::Destination,
        Refusal::Recipient,
        Refusal::Audience,
        Refusal::InResponseTo,
        Refusal::Unsolicited,
        Refusal::Confirmation,
        Refusal::Conditions,
        Refusal::UnknownCondition,
        Refusal::NotYetValid,
        Refusal::Expired,
        Refusal::AuthnStatement,
        Refusal::NotFresh,
        Refusal::SessionEnded,
        Refusal::Subject,
        Refusal::TransientSubject,
        Refusal::SubjectFormat,
        Refusal::SubjectQualifier,
        Refusal::Replay,
        Refusal::Unavailable,
        Refusal::Metadata,
        Refusal::QueryMissing,
        Refusal::QueryDuplicate,
        Refusal::QueryForm,
        Refusal::NoLogout,
    ];

    /// Returns the step of a sign-in that did not hold.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Refusal::Metadata => Stage::Connection,
            Refusal::Helper | Refusal::Unconfined | Refusal::Busy | Refusal::Unavailable => Stage::Gateway,
            Refusal::TooLarge
            | Refusal::NotBase64
            | Refusal::NotUtf8
            | Refusal::Malformed
            | Refusal::Doctype
            | Refusal::Instruction
            | Refusal::Comment
            | Refusal::Cdata
            | Refusal::Entity
            | Refusal::TooDeep
            | Refusal::TooManyAttributes
            | Refusal::TooManyElements
            | Refusal::Namespace
            | Refusal::DuplicateAttribute
            | Refusal::Root
            | Refusal::Version
            | Refusal::Id
            | Refusal::DuplicateId
            | Refusal::AssertionCount
            | Refusal::AssertionPlace
            | Refusal::Foreign
            | Refusal::Shape
            | Refusal::EncryptedPart
            | Refusal::Time
            | Refusal::EncryptedAssertion
            | Refusal::NotEncrypted
            | Refusal::Status => Stage::Answer,
            Refusal::SignaturePlace
            | Refusal::SignatureForm
            | Refusal::SignatureReference
            | Refusal::SignatureTransform
            | Refusal::SignatureAlgorithm
            | Refusal::Unsigned
            | Refusal::Signature
            | Refusal::Disagreement => Stage::Signature,
            Refusal::Issuer
            | Refusal::Destination
            | Refusal::Recipient
            | Refusal::Audience
            | Refusal::InResponseTo
            | Refusal::Unsolicited
            | Refusal::Confirmation
            | Refusal::Conditions
            | Refusal::UnknownCondition
            | Refusal::NotYetValid
            | Refusal::Expired
            | Refusal::AuthnStatement
            | Refusal::NotFresh
            | Refusal::SessionEnded
            | Refusal::Subject
            | Refusal::TransientSubject
            | Refusal::SubjectFormat
            | Refusal::SubjectQualifier
            | Refusal::Replay => Stage::Claims,
            Refusal::QueryMissing | Refusal::QueryDuplicate | Refusal::QueryForm | Refusal::NoLogout => Stage::SignOut,
        }
    }

    /// Returns the word that audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    /// Returns a sentence for the administrator: what it means and where to look.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::TooLarge => ("too-large", "The message is larger than 256 KiB."),
            Self::NotBase64 => {
                ("not-base64", "The message is not base64, or not deflated where the redirect binding asks for it.")
            }
            Self::NotUtf8 => ("not-utf8", "The message is not UTF-8 or declares another encoding."),
            Self::Malformed => ("malformed", "The message is not well-formed XML as this gateway reads it."),
            Self::Doctype => {
                ("doctype", "The message has a document type declaration, which no identity provider needs.")
            }
            Self::Instruction => ("processing-instruction", "The message has a processing instruction."),
            Self::Comment => ("comment", "The message has a comment, by which texts have been cut short elsewhere."),
            Self::Cdata => ("cdata", "The message has a CDATA section."),
            Self::Entity => ("entity", "The message refers to an entity other than the five of XML."),
            Self::TooDeep => ("too-deep", "The elements of the message are nested more than 32 deep."),
            Self::TooManyAttributes => {
                ("too-many-attributes", "An element of the message has more than 32 attributes.")
            }
            Self::TooManyElements => ("too-many-elements", "The message has more than 5,000 elements."),
            Self::Namespace => ("namespace", "A namespace of the message is unbound, relative or reserved."),
            Self::DuplicateAttribute => ("duplicate-attribute", "An element of the message has an attribute twice."),
            Self::Root => ("root-element", "The root of the message is not the element that belongs there."),
            Self::Version => ("version", "The message or its assertion is not of version 2.0."),
            Self::Id => ("id", "An identifier is missing, is in a namespace, or is not an XML name."),
            Self::DuplicateId => ("duplicate-id", "Two elements of the message have the same identifier."),
            Self::AssertionCount => ("assertion-count", "The response does not hold exactly one assertion."),
            Self::AssertionPlace => {
                ("assertion-place", "The assertion is not directly in the response: an attempt to wrap a signature.")
            }
            Self::Foreign => ("foreign-element", "The message has an element where it has no business."),
            Self::SignaturePlace => {
                ("signature-place", "A signature is not directly in the response or assertion, right after the issuer.")
            }
            Self::SignatureForm => ("signature-form", "A signature is not of the one form that SAML 2.0 allows."),
            Self::SignatureReference => (
                "signature-reference",
                "A signature does not refer to its own parent, by its identifier, and to nothing else.",
            ),
            Self::SignatureTransform => (
                "signature-transform",
                "A signature asks for a transformation other than enveloped-signature and exclusive canonicalisation.",
            ),
            Self::SignatureAlgorithm => (
                "signature-algorithm",
                "A signature uses an algorithm that is not accepted; set the identity provider to RSA or ECDSA with SHA-256 or stronger.",
            ),
            Self::Unsigned => {
                ("unsigned", "Neither the response nor the assertion is signed; set the identity provider to sign.")
            }
            Self::Shape => (
                "shape",
                "An element of the message lacks a part, has one twice, or has one that does not belong there.",
            ),
            Self::EncryptedPart => (
                "encrypted-part",
                "The name of the person or an attribute is encrypted by itself; set the identity provider to encrypt the whole assertion instead.",
            ),
            Self::Time => ("time", "A time in the message cannot be read."),
            Self::EncryptedAssertion => (
                "encrypted-assertion",
                "The encrypted assertion does not open or is not to be believed: check that the identity provider encrypts for our present certificate, by RSA-OAEP and AES-128 or AES-256, and signs.",
            ),
            Self::NotEncrypted => {
                ("not-encrypted", "The assertion is not encrypted although the connection asks for that.")
            }
            Self::Signature => (
                "signature",
                "No signing certificate in the pinned metadata verifies the signature: has the identity provider changed its key?",
            ),
            Self::Disagreement => (
                "disagreement",
                "What was verified is not what was read: an attack, or a defect that must be reported.",
            ),
            Self::Helper => {
                ("helper", "The verifying process gave no answer: it failed or was ended at a limit of time or memory.")
            }
            Self::Unconfined => (
                "helper-unconfined",
                "The verifying process could not give up files, network and further processes on this system.",
            ),
            Self::Busy => ("busy", "Too many messages are being verified at once."),
            Self::Status => {
                ("status", "The identity provider answered that signing in did not succeed; its own log says why.")
            }
            Self::Issuer => ("issuer", "The issuer is not the entity id of the connection's identity provider."),
            Self::Destination => {
                ("destination", "The destination is missing or is not our address for this connection.")
            }
            Self::Recipient => ("recipient", "The recipient is missing or is not our address for this connection."),
            Self::Audience => ("audience", "The audience is missing or is not our entity id for this connection."),
            Self::InResponseTo => {
                ("in-response-to", "The response answers another request than the one this browser made.")
            }
            Self::Unsolicited => (
                "unsolicited",
                "The response answers no request; the connection does not allow sign-ins that begin at the identity provider.",
            ),
            Self::Confirmation => ("confirmation", "The assertion has no bearer confirmation with recipient and end."),
            Self::Conditions => ("conditions", "The assertion states no conditions."),
            Self::UnknownCondition => ("unknown-condition", "The assertion states a condition that is not known here."),
            Self::NotYetValid => {
                ("not-yet-valid", "The assertion is not yet valid or was issued in the future: compare the clocks.")
            }
            Self::Expired => ("expired", "The assertion is no longer valid: compare the clocks."),
            Self::AuthnStatement => {
                ("authn-statement", "The assertion does not say when and how the person signed in.")
            }
            Self::NotFresh => {
                ("not-fresh", "The person was to sign in anew, and the identity provider did not ask them to.")
            }
            Self::SessionEnded => ("session-ended", "The identity provider's own session was over already."),
            Self::Subject => ("subject", "The assertion does not name the person in the way the connection asks for."),
            Self::TransientSubject => (
                "transient-subject",
                "The assertion names the person by a transient identifier; set the identity provider to a persistent one, or name an attribute.",
            ),
            Self::SubjectFormat => (
                "subject-format",
                "The assertion names the person by a NameID that is not persistent, such as an e-mail address, or does not say so: set the identity provider to the persistent format, or name an attribute that is one person's for good (`subject_attribute`), such as an objectGUID or objectidentifier.",
            ),
            Self::SubjectQualifier => (
                "subject-qualifier",
                "The NameID says that another provider gave it, or that it was made for another service than ours (NameQualifier, SPNameQualifier): correct that at the identity provider, or name an attribute (`subject_attribute`).",
            ),
            Self::Replay => ("replay", "The assertion or request has been used before."),
            Self::Unavailable => ("unavailable", "The store or the source of randomness does not answer."),
            Self::Metadata => ("metadata", "The pinned metadata of the identity provider cannot be used."),
            Self::QueryMissing => {
                ("query-missing", "The request lacks its message, its signature, or the algorithm of that.")
            }
            Self::QueryDuplicate => ("query-duplicate", "The request has a parameter twice."),
            Self::QueryForm => ("query-form", "The request is not percent-encoded as it must be."),
            Self::NoLogout => ("no-logout", "The identity provider has no logout service by the redirect binding."),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain())
    }
}

impl std::error::Error for Refusal {}

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
