//! Every search parameter that is served, by type: the parser, the index, the matcher and the CapabilityStatement read this one table.

use domain::index::Field;
use domain::kind::Kind;

/// A search parameter of a resource type.
pub struct Parameter {
    /// Its name in a query.
    pub name: &'static str,
    /// The last part of its canonical address, `http://hl7.org/fhir/SearchParameter/…`.
    pub definition: &'static str,
    /// How its values are compared.
    pub(super) class: Class,
    /// Where the values are: names of members, arrays flattened.
    pub(super) paths: &'static [&'static [&'static str]],
    /// What the blind index knows of it.
    pub(super) index: Index,
}

/// How a parameter compares.
#[derive(Clone, Copy)]
pub(super) enum Class {
    /// By code and system.
    Token(Shape),
    /// By what is referred to, of this type only where one is named.
    Reference(Option<&'static str>),
    /// By ranges of time.
    Date,
    /// By text.
    Text,
}

/// What an element compared by code looks like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// A CodeableConcept.
    Concept,
    /// A Coding.
    Coding,
    /// An Identifier.
    Identifier,
    /// A code whose system the element implies.
    Code(&'static str),
    /// `true` or `false`.
    Boolean,
}

/// What the blind index knows of a parameter.
#[derive(Clone, Copy)]
pub(super) enum Index {
    /// Nothing: filtered after opening.
    None,
    /// The id referred to, the code, the identifier, or the whole text.
    Whole(Field),
    /// The day and the month on which it begins.
    Calendar,
    /// The whole date, when it is known to the day.
    Date(Field),
}

impl Parameter {
    /// Returns the FHIR name of how it compares: `token`, `reference`, `date` or `string`.
    #[must_use]
    pub fn class_name(&self) -> &'static str {
        match self.class {
            Class::Token(_) => "token",
            Class::Reference(_) => "reference",
            Class::Date => "date",
            Class::Text => "string",
        }
    }
}

/// Returns the search parameters of a type, apart from those that every type has.
#[must_use]
pub fn parameters(kind: Kind) -> &'static [Parameter] {
    match kind {
        Kind::DiagnosticReport => DIAGNOSTIC_REPORT,
        Kind::Observation => OBSERVATION,
        Kind::Patient => PATIENT,
        Kind::Specimen => SPECIMEN,
        Kind::ServiceRequest => SERVICE_REQUEST,
        Kind::Encounter => ENCOUNTER,
        Kind::Practitioner => PRACTITIONER,
        Kind::PractitionerRole => PRACTITIONER_ROLE,
        Kind::Organization => ORGANIZATION,
        Kind::Provenance => PROVENANCE,
        _ => &[],
    }
}

/// Returns the value of `_include` that a type supports, where it supports one.
#[must_use]
pub fn include(kind: Kind) -> Option<&'static str> {
    (kind == Kind::DiagnosticReport).then_some("DiagnosticReport:result")
}

/// Returns the kind under which a field of a resource is indexed.
///
/// What is sealed in one record shares its terms, so that a result costs few rows: its report, order, specimens and
/// observations have one patient, one encounter, one set of dates and order numbers.
pub(super) fn term_kind(kind: Kind) -> Kind {
    kind.record()
}

type Paths = &'static [&'static [&'static str]];

const fn concept(name: &'static str, definition: &'static str, paths: Paths, index: Index) -> Parameter {
    Parameter { name, definition, class: Class::Token(Shape::Concept), paths, index }
}

const fn identifier(definition: &'static str, index: Index) -> Parameter {
    Parameter {
        name: "identifier",
        definition,
        class: Class::Token(Shape::Identifier),
        paths: &[&["identifier"]],
        index,
    }
}

const fn code(name: &'static str, definition: &'static str, path: Paths, system: &'static str) -> Parameter {
    Parameter { name, definition, class: Class::Token(Shape::Code(system)), paths: path, index: Index::None }
}

const fn active(definition: &'static str) -> Parameter {
    Parameter {
        name: "active",
        definition,
        class: Class::Token(Shape::Boolean),
        paths: &[&["active"]],
        index: Index::None,
    }
}

const fn refers(name: &'static str, definition: &'static str, paths: Paths, index: Index) -> Parameter {
    Parameter { name, definition, class: Class::Reference(None), paths, index }
}

const fn patient(definition: &'static str, paths: Paths) -> Parameter {
    let index = Index::Whole(Field::Patient);
    Parameter { name: "patient", definition, class: Class::Reference(Some("Patient")), paths, index }
}

const fn date(name: &'static str, definition: &'static str, paths: Paths, index: Index) -> Parameter {
    Parameter { name, definition, class: Class::Date, paths, index }
}

const fn text(name: &'static str, definition: &'static str, paths: Paths, index: Index) -> Parameter {
    Parameter { name, definition, class: Class::Text, paths, index }
}

const SUBJECT: Paths = &[&["subject"]];
const ENCOUNTER_PATH: Paths = &[&["encounter"]];
const HUMAN_NAME: Paths =
    &[&["name", "text"], &["name", "family"], &["name", "given"], &["name", "prefix"], &["name", "suffix"]];
const ADDRESS: Paths = &[
    &["address", "text"],
    &["address", "line"],
    &["address", "city"],
    &["address", "district"],
    &["address", "state"],
    &["address", "postalCode"],
    &["address", "country"],
];
const GENDER_SYSTEM: &str = "http://hl7.org/fhir/administrative-gender";

static DIAGNOSTIC_REPORT: &[Parameter] = &[
    identifier("clinical-identifier", Index::Whole(Field::Identifier)),
    code("status", "DiagnosticReport-status", &[&["status"]], "http://hl7.org/fhir/diagnostic-report-status"),
    concept("category", "DiagnosticReport-category", &[&["category"]], Index::None),
    concept("code", "clinical-code", &[&["code"]], Index::Whole(Field::Code)),
    concept("conclusion", "DiagnosticReport-conclusion", &[&["conclusionCode"]], Index::None),
    patient("clinical-patient", SUBJECT),
    refers("subject", "DiagnosticReport-subject", SUBJECT, Index::Whole(Field::Patient)),
    refers("encounter", "clinical-encounter", ENCOUNTER_PATH, Index::Whole(Field::Encounter)),
    refers("based-on", "DiagnosticReport-based-on", &[&["basedOn"]], Index::None),
    refers("performer", "DiagnosticReport-performer", &[&["performer"]], Index::None),
    refers("results-interpreter", "DiagnosticReport-results-interpreter", &[&["resultsInterpreter"]], Index::None),
    refers("specimen", "DiagnosticReport-specimen", &[&["specimen"]], Index::None),
    refers("result", "DiagnosticReport-result", &[&["result"]], Index::None),
    date("date", "clinical-date", &[&["effectiveDateTime"], &["effectivePeriod"]], Index::Calendar),
    date("issued", "DiagnosticReport-issued", &[&["issued"]], Index::None),
];

static OBSERVATION: &[Parameter] = &[
    identifier("clinical-identifier", Index::None),
    code("status", "Observation-status", &[&["status"]], "http://hl7.org/fhir/observation-status"),
    concept("category", "Observation-category", &[&["category"]], Index::None),
    // Not indexed: a panel of 20 results would cost 40 rows of index, five in six of all its rows. With a patient the
    // patient's term selects; without one the walk is newest first.
    concept("code", "clinical-code", &[&["code"]], Index::None),
    concept("component-code", "Observation-component-code", &[&["component", "code"]], Index::None),
    concept("combo-code", "Observation-combo-code", &[&["code"], &["component", "code"]], Index::None),
    concept("value-concept", "Observation-value-concept", &[&["valueCodeableConcept"]], Index::None),
    concept("data-absent-reason", "Observation-data-absent-reason", &[&["dataAbsentReason"]], Index::None),
    patient("clinical-patient", SUBJECT),
    refers("subject", "Observation-subject", SUBJECT, Index::Whole(Field::Patient)),
    refers("encounter", "clinical-encounter", ENCOUNTER_PATH, Index::Whole(Field::Encounter)),
    refers("based-on", "Observation-based-on", &[&["basedOn"]], Index::None),
    refers("performer", "Observation-performer", &[&["performer"]], Index::None),
    refers("specimen", "Observation-specimen", &[&["specimen"]], Index::None),
    refers("has-member", "Observation-has-member", &[&["hasMember"]], Index::None),
    refers("derived-from", "Observation-derived-from", &[&["derivedFrom"]], Index::None),
    date(
        "date",
        "clinical-date",
        &[&["effectiveDateTime"], &["effectivePeriod"], &["effectiveInstant"]],
        Index::Calendar,
    ),
];

static PATIENT: &[Parameter] = &[
    identifier("Patient-identifier", Index::Whole(Field::Identifier)),
    active("Patient-active"),
    text("name", "Patient-name", HUMAN_NAME, Index::None),
    text("family", "individual-family", &[&["name", "family"]], Index::Whole(Field::Family)),
    text("given", "individual-given", &[&["name", "given"]], Index::Whole(Field::Given)),
    date("birthdate", "individual-birthdate", &[&["birthDate"]], Index::Date(Field::BirthDate)),
    date("death-date", "Patient-death-date", &[&["deceasedDateTime"]], Index::None),
    code("gender", "individual-gender", &[&["gender"]], GENDER_SYSTEM),
    text("address", "individual-address", ADDRESS, Index::None),
    text("address-city", "individual-address-city", &[&["address", "city"]], Index::None),
    text("address-state", "individual-address-state", &[&["address", "state"]], Index::None),
    text("address-postalcode", "individual-address-postalcode", &[&["address", "postalCode"]], Index::None),
    refers("organization", "Patient-organization", &[&["managingOrganization"]], Index::None),
    refers("general-practitioner", "Patient-general-practitioner", &[&["generalPractitioner"]], Index::None),
];

static SPECIMEN: &[Parameter] = &[
    identifier("Specimen-identifier", Index::None),
    Parameter {
        name: "accession",
        definition: "Specimen-accession",
        class: Class::Token(Shape::Identifier),
        paths: &[&["accessionIdentifier"]],
        index: Index::None,
    },
    code("status", "Specimen-status", &[&["status"]], "http://hl7.org/fhir/specimen-status"),
    concept("type", "Specimen-type", &[&["type"]], Index::None),
    patient("Specimen-patient", SUBJECT),
    refers("subject", "Specimen-subject", SUBJECT, Index::Whole(Field::Patient)),
    refers("parent", "Specimen-parent", &[&["parent"]], Index::None),
    refers("collector", "Specimen-collector", &[&["collection", "collector"]], Index::None),
    date(
        "collected",
        "Specimen-collected",
        &[&["collection", "collectedDateTime"], &["collection", "collectedPeriod"]],
        Index::None,
    ),
];

static SERVICE_REQUEST: &[Parameter] = &[
    identifier("clinical-identifier", Index::Whole(Field::Identifier)),
    Parameter {
        name: "requisition",
        definition: "ServiceRequest-requisition",
        class: Class::Token(Shape::Identifier),
        paths: &[&["requisition"]],
        index: Index::None,
    },
    code("status", "ServiceRequest-status", &[&["status"]], "http://hl7.org/fhir/request-status"),
    code("intent", "ServiceRequest-intent", &[&["intent"]], "http://hl7.org/fhir/request-intent"),
    code("priority", "ServiceRequest-priority", &[&["priority"]], "http://hl7.org/fhir/request-priority"),
    concept("category", "ServiceRequest-category", &[&["category"]], Index::None),
    concept("code", "clinical-code", &[&["code"]], Index::Whole(Field::Code)),
    patient("clinical-patient", SUBJECT),
    refers("subject", "ServiceRequest-subject", SUBJECT, Index::Whole(Field::Patient)),
    refers("encounter", "clinical-encounter", ENCOUNTER_PATH, Index::Whole(Field::Encounter)),
    refers("requester", "ServiceRequest-requester", &[&["requester"]], Index::None),
    refers("performer", "ServiceRequest-performer", &[&["performer"]], Index::None),
    refers("specimen", "ServiceRequest-specimen", &[&["specimen"]], Index::None),
    refers("based-on", "ServiceRequest-based-on", &[&["basedOn"]], Index::None),
    date("authored", "ServiceRequest-authored", &[&["authoredOn"]], Index::None),
    date("occurrence", "ServiceRequest-occurrence", &[&["occurrenceDateTime"], &["occurrencePeriod"]], Index::None),
];

static ENCOUNTER: &[Parameter] = &[
    identifier("clinical-identifier", Index::Whole(Field::Identifier)),
    code("status", "Encounter-status", &[&["status"]], "http://hl7.org/fhir/encounter-status"),
    Parameter {
        name: "class",
        definition: "Encounter-class",
        class: Class::Token(Shape::Coding),
        paths: &[&["class"]],
        index: Index::None,
    },
    concept("type", "clinical-type", &[&["type"]], Index::None),
    concept("reason-code", "Encounter-reason-code", &[&["reasonCode"]], Index::None),
    patient("clinical-patient", SUBJECT),
    refers("subject", "Encounter-subject", SUBJECT, Index::Whole(Field::Patient)),
    refers("participant", "Encounter-participant", &[&["participant", "individual"]], Index::None),
    Parameter {
        name: "practitioner",
        definition: "Encounter-practitioner",
        class: Class::Reference(Some("Practitioner")),
        paths: &[&["participant", "individual"]],
        index: Index::None,
    },
    refers("service-provider", "Encounter-service-provider", &[&["serviceProvider"]], Index::None),
    refers("location", "Encounter-location", &[&["location", "location"]], Index::None),
    date("date", "clinical-date", &[&["period"]], Index::Calendar),
];

static PRACTITIONER: &[Parameter] = &[
    identifier("Practitioner-identifier", Index::Whole(Field::Identifier)),
    active("Practitioner-active"),
    text("name", "Practitioner-name", HUMAN_NAME, Index::None),
    text("family", "individual-family", &[&["name", "family"]], Index::Whole(Field::Family)),
    text("given", "individual-given", &[&["name", "given"]], Index::None),
    code("gender", "individual-gender", &[&["gender"]], GENDER_SYSTEM),
];

static PRACTITIONER_ROLE: &[Parameter] = &[
    identifier("PractitionerRole-identifier", Index::None),
    active("PractitionerRole-active"),
    concept("role", "PractitionerRole-role", &[&["code"]], Index::None),
    concept("specialty", "PractitionerRole-specialty", &[&["specialty"]], Index::None),
    refers("practitioner", "PractitionerRole-practitioner", &[&["practitioner"]], Index::None),
    refers("organization", "PractitionerRole-organization", &[&["organization"]], Index::None),
];

static ORGANIZATION: &[Parameter] = &[
    identifier("Organization-identifier", Index::Whole(Field::Identifier)),
    active("Organization-active"),
    text("name", "Organization-name", &[&["name"], &["alias"]], Index::Whole(Field::Name)),
    concept("type", "Organization-type", &[&["type"]], Index::None),
    refers("partof", "Organization-partof", &[&["partOf"]], Index::None),
    text("address", "Organization-address", ADDRESS, Index::None),
    text("address-city", "Organization-address-city", &[&["address", "city"]], Index::None),
    text("address-state", "Organization-address-state", &[&["address", "state"]], Index::None),
    text("address-postalcode", "Organization-address-postalcode", &[&["address", "postalCode"]], Index::None),
];

static PROVENANCE: &[Parameter] = &[
    refers("target", "Provenance-target", &[&["target"]], Index::None),
    patient("Provenance-patient", &[&["target"]]),
    date("recorded", "Provenance-recorded", &[&["recorded"]], Index::None),
    date("when", "Provenance-when", &[&["occurredDateTime"]], Index::None),
    refers("agent", "Provenance-agent", &[&["agent", "who"]], Index::None),
    concept("agent-type", "Provenance-agent-type", &[&["agent", "type"]], Index::None),
    concept("agent-role", "Provenance-agent-role", &[&["agent", "role"]], Index::None),
    refers("entity", "Provenance-entity", &[&["entity", "what"]], Index::None),
];
