//! What was examined.

use super::read::{concept, concepts, moment_of, notes, quantity, text};
use super::words;
use r4::scan::Json;

/// A specimen in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Specimen {
    /// What it is.
    pub(crate) kind: String,
    /// When it was taken.
    pub(crate) collected: String,
    /// When it arrived.
    pub(crate) received: String,
    /// From where on the body.
    pub(crate) site: String,
    /// How much.
    pub(crate) amount: String,
    /// Its condition, and why it was refused.
    pub(crate) condition: String,
    /// Notes on it.
    pub(crate) notes: Vec<String>,
}

impl Specimen {
    /// Reads a Specimen resource.
    pub(crate) fn read(content: &str) -> Self {
        let json = Json::of(content);
        let collection = json.get("collection");
        let collected = collection.map(|collection| moment_of(collection, "collected")).unwrap_or_default();
        let amount = collection.and_then(|collection| collection.get("quantity")).and_then(quantity);
        let mut condition = concepts(json, "condition").join(", ");
        if text(json, "status") == "unavailable" && condition.is_empty() {
            condition = "not available".to_owned();
        }
        Self {
            kind: json
                .get("type")
                .map(concept)
                .filter(|kind| !kind.is_empty())
                .unwrap_or_else(|| "Not stated".to_owned()),
            collected,
            received: words::moment(&text(json, "receivedTime")),
            site: collection.and_then(|collection| collection.get("bodySite")).map(concept).unwrap_or_default(),
            amount: amount.map(|(value, unit)| format!("{value} {unit}").trim().to_owned()).unwrap_or_default(),
            condition,
            notes: notes(json, "note"),
        }
    }
}
