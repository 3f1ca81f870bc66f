//! CapabilityStatement: what this server does, read from the table that it does it by.

use crate::json::{self, Array, Object};
use crate::search::{include, parameters};
use domain::kind::Kind;
use domain::time::Timestamp;
use fhir_sdk::r4b::codes::{
    CapabilityStatementKind, FHIRVersion, PublicationStatus, ResourceVersionPolicy, RestfulCapabilityMode,
};

/// What a CapabilityStatement says of this very instance.
pub struct Instance<'a> {
    /// Its FHIR address.
    pub base: &'a str,
    /// The version of the software.
    pub version: &'a str,
    /// Since when it has been as it is.
    pub date: Timestamp,
    /// Whether applications get tokens by SMART on FHIR at `/oauth`, beside the FHIR address.
    pub smart: bool,
}

/// Renders the CapabilityStatement of `GET [base]/metadata`.
#[must_use]
pub fn render(instance: &Instance<'_>) -> String {
    json::object(|statement| {
        statement.text("resourceType", "CapabilityStatement");
        statement.text("status", PublicationStatus::Active.as_ref());
        statement.text("date", &instance.date.rfc3339());
        statement.text("publisher", "Sealgate");
        statement.text("kind", CapabilityStatementKind::Instance.as_ref());
        statement.object("software", |software| {
            software.text("name", "Sealgate");
            software.text("version", instance.version);
        });
        statement.object("implementation", |implementation| {
            implementation.text("description", "Results received over HL7 v2, sealed and served as FHIR R4");
            implementation.text("url", instance.base);
        });
        statement.text("fhirVersion", FHIRVersion::N401.as_ref());
        statement.array("format", |list| {
            list.text("json");
            list.text("application/fhir+json");
        });
        statement.array("implementationGuide", |list| list.text(&us_core("ImplementationGuide/hl7.fhir.us.core")));
        statement.single("rest", |members| rest(members, instance));
    })
}

fn rest(rest: &mut Object<'_>, instance: &Instance<'_>) {
    rest.text("mode", RestfulCapabilityMode::Server.as_ref());
    rest.object("security", |security| {
        if instance.smart {
            security.single("extension", |extension| oauth_addresses(extension, instance.base));
        }
        // Pages come with the applications that people launch.
        security.boolean("cors", instance.smart);
        security.array("service", |list| {
            if instance.smart {
                list.object(smart_service);
            }
            list.object(|service| service.text("text", "Bearer token of a registered API client (RFC 6750)"));
        });
        security.text(
            "description",
            "Every request but this one carries Authorization: Bearer. Every read and search is recorded before it is answered.",
        );
    });
    rest.array("resource", |list| {
        for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_fhir()) {
            list.object(|resource| describe(resource, kind));
        }
    });
    rest.array("searchParam", |list| {
        for (name, definition, class) in COMMON {
            search_parameter(list, name, definition, class);
        }
    });
}

/// Says where tokens are had (SMART App Launch 1.0 §"Declaring support", which clients still read).
fn oauth_addresses(extension: &mut Object<'_>, base: &str) {
    let root = base.strip_suffix("/fhir").unwrap_or(base);
    extension.array("extension", |list| {
        for (name, path) in
            [("authorize", "authorize"), ("token", "token"), ("introspect", "introspect"), ("revoke", "revoke")]
        {
            list.object(|address| {
                address.text("url", name);
                address.text("valueUri", &format!("{root}/oauth/{path}"));
            });
        }
    });
    extension.text("url", "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris");
}

fn smart_service(service: &mut Object<'_>) {
    service.single("coding", |coding| {
        coding.text("system", "http://terminology.hl7.org/CodeSystem/restful-security-service");
        coding.text("code", "SMART-on-FHIR");
        coding.text("display", "SMART-on-FHIR");
    });
    service.text("text", "SMART App Launch 2.2");
}

fn describe(resource: &mut Object<'_>, kind: Kind) {
    resource.text("type", kind.name());
    resource.array("supportedProfile", |list| {
        for profile in profiles(kind) {
            list.text(&us_core(&format!("StructureDefinition/{profile}")));
        }
    });
    resource.array("interaction", |list| {
        for code in ["read", "vread", "history-instance", "search-type"] {
            list.object(|interaction| interaction.text("code", code));
        }
    });
    resource.text("versioning", ResourceVersionPolicy::Versioned.as_ref());
    resource.boolean("readHistory", true);
    resource.boolean("updateCreate", false);
    resource.boolean("conditionalCreate", false);
    resource.text("conditionalRead", "full-support");
    resource.boolean("conditionalUpdate", false);
    resource.text("conditionalDelete", "not-supported");
    resource.array("referencePolicy", |list| list.text("literal"));
    resource.array("searchInclude", |list| {
        if let Some(include) = include(kind) {
            list.text(include);
        }
    });
    resource.array("searchParam", |list| {
        for (name, definition, class) in COMMON {
            search_parameter(list, name, definition, class);
        }
        for parameter in parameters(kind) {
            search_parameter(list, parameter.name, parameter.definition, parameter.class_name());
        }
    });
}

/// The parameters that every type has: name, definition, how it compares.
const COMMON: [(&str, &str, &str); 2] =
    [("_id", "Resource-id", "token"), ("_lastUpdated", "Resource-lastUpdated", "date")];

fn search_parameter(list: &mut Array<'_>, name: &str, definition: &str, class: &str) {
    list.object(|parameter| {
        parameter.text("name", name);
        parameter.text("definition", &format!("http://hl7.org/fhir/SearchParameter/{definition}"));
        parameter.text("type", class);
    });
}

/// Returns the US Core 6.1.0 profiles that what is mapped from results claims where it meets them.
///
/// The statement instantiates no US Core server: that would promise to take resources by REST and to search backwards from Provenance.
fn profiles(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::DiagnosticReport => &["us-core-diagnosticreport-lab"],
        Kind::Observation => &["us-core-observation-lab"],
        Kind::Patient => &["us-core-patient"],
        Kind::Specimen => &["us-core-specimen"],
        Kind::Encounter => &["us-core-encounter"],
        Kind::Practitioner => &["us-core-practitioner"],
        Kind::Organization => &["us-core-organization"],
        Kind::Provenance => &["us-core-provenance"],
        _ => &[],
    }
}

fn us_core(path: &str) -> String {
    format!("http://hl7.org/fhir/us/core/{path}")
}

#[cfg(test)]
mod tests {
    use super::{Instance, render};
    use crate::tables::uri;
    use domain::time::Timestamp;

    #[test]
    fn nothing_is_promised_that_is_not_done() {
        let text =
            render(&Instance { base: "https://here.example/fhir", version: "0", date: Timestamp(0), smart: false });
        let statement: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(statement.get("instantiates").is_none());
        let resources = statement["rest"][0]["resource"].as_array().unwrap();
        let claimed: Vec<&str> = resources
            .iter()
            .flat_map(|resource| resource["supportedProfile"].as_array().into_iter().flatten())
            .filter_map(serde_json::Value::as_str)
            .collect();
        let written = [
            uri::US_CORE_REPORT,
            uri::US_CORE_OBSERVATION,
            uri::US_CORE_PATIENT,
            uri::US_CORE_SPECIMEN,
            uri::US_CORE_PRACTITIONER,
            uri::US_CORE_ORGANIZATION,
            uri::US_CORE_ENCOUNTER,
            uri::US_CORE_PROVENANCE,
        ];
        assert_eq!(claimed.len(), written.len());
        assert!(!text.contains("SMART") && !text.contains("oauth"));
        assert!(written.iter().all(|profile| claimed.contains(profile)), "{claimed:?}");
    }
}
