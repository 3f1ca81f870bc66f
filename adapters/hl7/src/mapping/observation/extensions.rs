//! What a row says that Observation has no element for.

use r4::json::{self, Array, Object};
use r4::tables::uri;

use super::super::attachment::Document;
use super::super::code::{CWE, write_concept};
use super::super::log::{Row, parts};
use super::super::scope::Scope;

/// Writes what Observation has no element for: sub-id, documents, time of analysis, nature of the test.
pub(super) fn write_extensions(json: &mut Object<'_>, row: &Row<'_>, documents: &[Document], scope: &Scope<'_>) {
    json.array("extension", |list| {
        write_sub_id(list, row);
        for document in documents {
            list.object(|extension| {
                extension.text("url", uri::VALUE_ATTACHMENT);
                extension.object("valueAttachment", |attachment| document.write_summary(attachment));
            });
        }
        let analysed = row.take_parts(19, "extension", parts(&[1])).text();
        if !analysed.trim().is_empty() {
            list.object(|extension| {
                extension.text("url", "http://hl7.org/fhir/StructureDefinition/observation-analysis-date-time");
                scope.write_moment(extension, "valueDateTime", row, 19, &analysed);
            });
        }
        for value in row.take_parts(10, "extension", CWE).repetitions() {
            list.object(|extension| {
                if value.is_empty() {
                    return;
                }
                extension.text("url", "http://hl7.org/fhir/StructureDefinition/observation-nature-of-abnormal-test");
                write_concept(
                    extension,
                    "valueCodeableConcept",
                    value,
                    scope,
                    Some("http://terminology.hl7.org/CodeSystem/v2-0080"),
                );
            });
        }
    });
}

/// Adds OBX-4: as text (ST), or as group, sequence and identifier (OG, v2.8.2).
fn write_sub_id(list: &mut Array<'_>, row: &Row<'_>) {
    let value = row.peek(4).first();
    if value.is_empty() {
        return;
    }
    list.object(|extension| {
        extension.text("url", uri::SUB_ID);
        extension.array("extension", |list| {
            for (number, url) in [(1usize, "original-sub-identifier"), (2, "group"), (3, "sequence"), (4, "identifier")]
            {
                let text = value.component(number).text();
                let number = matches!(url, "group" | "sequence").then(|| json::Decimal::read(&text)).flatten();
                list.object(|part| match number {
                    _ if text.trim().is_empty() => {}
                    Some(number) => {
                        part.text("url", url);
                        part.decimal("valueDecimal", &number);
                    }
                    None => {
                        part.text("url", url);
                        part.text("valueString", &text);
                    }
                });
            }
        });
    });
}
