//! Addresses of code systems, extensions and profiles.

/// Everything this product names by itself has a name that begins so: a URN, since an address would have to be owned.
pub const OURS: &str = "urn:sealgate";
/// Extension on an element that was filled from elsewhere: a code for where from.
pub const ASSUMED: &str = "urn:sealgate:extension:assumed";
/// Identifier system of observations: sender, filler number, code, sub-id and repetition.
pub const OBSERVATION_IDENTIFIER: &str = "urn:sealgate:id:observation";
/// Identifier system of received messages.
pub const MESSAGE_IDENTIFIER: &str = "urn:sealgate:id:message";

/// LOINC.
pub const LOINC: &str = "http://loinc.org";
/// SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";
/// UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// Prefix of HL7 v2 tables as code systems; four digits follow.
pub const V2: &str = "http://terminology.hl7.org/CodeSystem/v2-";
/// Diagnostic service section, table 0074.
pub const V2_0074: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";
/// Interpretation codes as sent, table 0078.
pub const V2_0078: &str = "http://terminology.hl7.org/CodeSystem/v2-0078";
/// Result status of a row, table 0085.
pub const V2_0085: &str = "http://terminology.hl7.org/CodeSystem/v2-0085";
/// Result status of an order, table 0123.
pub const V2_0123: &str = "http://terminology.hl7.org/CodeSystem/v2-0123";
/// Identifier types, table 0203.
pub const V2_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
/// Degrees, table 0360.
pub const V2_0360: &str = "http://terminology.hl7.org/CodeSystem/v2-0360";
/// Roles in a participation, table 0912.
pub const V2_0912: &str = "http://terminology.hl7.org/CodeSystem/v2-0912";
/// Interpretations of observations.
pub const INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
/// Why a value is absent.
pub const ABSENT_REASON: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
/// Categories of observations.
pub const OBSERVATION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
/// Who takes part in an encounter or act.
pub const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Null flavours.
pub const NULL_FLAVOR: &str = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
/// Classes of encounters and other act codes.
pub const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// Race and ethnicity codes of the CDC.
pub const CDC_RACE: &str = "urn:oid:2.16.840.1.113883.6.238";
/// Kinds of agents in a Provenance.
pub const PROVENANCE_AGENT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
/// The agent that passed data on, as US Core names it.
pub const US_CORE_AGENT: &str = "http://hl7.org/fhir/us/core/CodeSystem/us-core-provenance-participant-type";
/// The activity of turning a message into resources.
pub const V2_ACTIVITY: &str = "http://hl7.org/fhir/uv/v2mappings/CodeSystem/provenance-activity-type-v2-to-fhir";

/// Extension: the code an element was mapped from.
pub const ALTERNATE_CODES: &str = "http://hl7.org/fhir/StructureDefinition/alternate-codes";
/// Extension: why an element is absent.
pub const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
/// Extension: the text an element was read from.
pub const ORIGINAL_TEXT: &str = "http://hl7.org/fhir/StructureDefinition/originalText";
/// Extension: the name of the time zone of a moment.
pub const TIME_ZONE: &str = "http://hl7.org/fhir/StructureDefinition/tz-code";
/// Extension: a note on a report (an element of R5).
pub const REPORT_NOTE: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note";
/// Extension: a document as value of an observation (an element of R5).
pub const VALUE_ATTACHMENT: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.value";
/// Extension: the sub-id of an observation.
pub const SUB_ID: &str = "http://hl7.org/fhir/StructureDefinition/observation-v2-subid";
/// Extension: why a reference is what it is, on performers.
pub const PERFORMER_FUNCTION: &str = "http://hl7.org/fhir/StructureDefinition/event-performerFunction";
/// Extension: why an event has its status.
pub const STATUS_REASON: &str = "http://hl7.org/fhir/StructureDefinition/event-statusReason";

/// US Core: DiagnosticReport of a laboratory.
pub const US_CORE_REPORT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-lab";
/// US Core: Observation of a laboratory.
pub const US_CORE_OBSERVATION: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab";
/// US Core: Patient.
pub const US_CORE_PATIENT: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient";
/// US Core: Specimen.
pub const US_CORE_SPECIMEN: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-specimen";
/// US Core: Practitioner.
pub const US_CORE_PRACTITIONER: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner";
/// US Core: Organization.
pub const US_CORE_ORGANIZATION: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization";
/// US Core: Encounter.
pub const US_CORE_ENCOUNTER: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter";
/// US Core: Provenance.
pub const US_CORE_PROVENANCE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance";
/// US Core: race of a patient.
pub const US_CORE_RACE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";
/// US Core: ethnicity of a patient.
pub const US_CORE_ETHNICITY: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity";
