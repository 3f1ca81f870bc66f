//! Names of coding systems (table 0396) and of assigning authorities, as addresses.

use super::{look_up, uri};

/// CWE-3, table 0396, as the address of the code system; `None` for local names (`L`, `99ABC`) and unknown ones, which mean something
/// only beside the name of their sender.
///
/// HL7 tables (`HL70078`) are not among them: see [`is_hl7_table`].
#[must_use]
pub fn coding_system(name: &str) -> Option<&'static str> {
    look_up(name, |name| match name {
        "LN" | "LOINC" => Some(uri::LOINC),
        "SCT" | "SNM" | "SNOMED" | "SNOMED-CT" | "SNOMEDCT" | "SCT2" => Some(uri::SNOMED),
        "UCUM" => Some(uri::UCUM),
        "I9" | "I9C" | "I9CDX" => Some("http://hl7.org/fhir/sid/icd-9-cm"),
        "I10" => Some("http://hl7.org/fhir/sid/icd-10"),
        "I10C" => Some("http://hl7.org/fhir/sid/icd-10-cm"),
        "I10P" => Some("http://www.cms.gov/Medicare/Coding/ICD10"),
        "C4" | "CPT" | "CPT4" | "CPT-4" => Some("http://www.ama-assn.org/go/cpt"),
        "HCPCS" => Some("http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"),
        "RXNORM" => Some("http://www.nlm.nih.gov/research/umls/rxnorm"),
        "NDC" => Some("http://hl7.org/fhir/sid/ndc"),
        "CVX" => Some("http://hl7.org/fhir/sid/cvx"),
        "MVX" => Some("http://terminology.hl7.org/CodeSystem/MVX"),
        "CDCREC" => Some(uri::CDC_RACE),
        "HGVS" | "HGVS.C" | "HGVS.G" | "HGVS.P" => Some("http://varnomen.hgvs.org"),
        "HGNC" => Some("http://www.genenames.org"),
        "MDC" => Some("urn:iso:std:iso:11073:10101"),
        "DCM" => Some("http://dicom.nema.org/resources/ontology/DCM"),
        "ISO3166_1" => Some("urn:iso:std:iso:3166"),
        "ISO639" | "ISO639-1" => Some("urn:ietf:bcp:47"),
        "NUCC" | "NUBC" => Some("http://nucc.org/provider-taxonomy"),
        _ => None,
    })
}

/// The four digits of an HL7 table name, `HL70078` or `HL7nnnn`; `None` for anything else.
#[must_use]
pub fn is_hl7_table(name: &str) -> Option<&str> {
    let digits = name.trim().strip_prefix("HL7").or_else(|| name.trim().strip_prefix("hl7"))?;
    (digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

/// The usual address of a code system that is named by its OID; `None` when it has no other.
#[must_use]
pub fn oid_system(oid: &str) -> Option<&'static str> {
    match oid {
        "2.16.840.1.113883.6.1" => Some(uri::LOINC),
        "2.16.840.1.113883.6.96" => Some(uri::SNOMED),
        "2.16.840.1.113883.6.8" => Some(uri::UCUM),
        "2.16.840.1.113883.6.88" => Some("http://www.nlm.nih.gov/research/umls/rxnorm"),
        "2.16.840.1.113883.6.90" => Some("http://hl7.org/fhir/sid/icd-10-cm"),
        "2.16.840.1.113883.6.103" => Some("http://hl7.org/fhir/sid/icd-9-cm"),
        "2.16.840.1.113883.6.12" => Some("http://www.ama-assn.org/go/cpt"),
        _ => None,
    }
}

/// The address of an identifier system that FHIR's registry knows, by OID or by the name everybody uses for it.
#[must_use]
pub fn authority_uri(name: &str) -> Option<&'static str> {
    match name {
        "2.16.840.1.113883.4.1" => Some("http://hl7.org/fhir/sid/us-ssn"),
        "2.16.840.1.113883.4.6" | "NPI" => Some("http://hl7.org/fhir/sid/us-npi"),
        "2.16.840.1.113883.4.572" => Some("http://hl7.org/fhir/sid/us-mbi"),
        _ => None,
    }
}
