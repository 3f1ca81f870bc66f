//! Practitioner: a person who signed in, as what `fhirUser` leads to.

use crate::json;

/// Renders the Practitioner that stands for a signed-in person, by the name that pages and entries have them by.
///
/// Where a provider tells no name, that is what it knows them by. No identifier: those of providers and accounts are
/// for sign-in alone.
#[must_use]
pub fn render(id: &str, name: &str) -> String {
    json::resource("Practitioner", id, |person| {
        person.boolean("active", true);
        person.single("name", |said| said.text("text", name));
    })
}
