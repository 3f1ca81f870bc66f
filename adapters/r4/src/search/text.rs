//! String search: starts with, `:contains` and `:exact` (R4 search §3.1.1.4.8).

use crate::scan::Json;
use domain::index::{Field, normalise};

/// How a text must be in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// At its start, case, accents, punctuation and spaces aside.
    Starts,
    /// Anywhere in it, likewise.
    Contains,
    /// As the whole of it, letter for letter.
    Exact,
}

/// One text asked for.
pub(super) struct Text {
    how: How,
    asked: String,
}

impl Text {
    /// Takes an unescaped text; `None` when nothing of it is left to compare.
    pub(super) fn read(text: &str, how: How) -> Option<Text> {
        let asked = if how == How::Exact { text.to_owned() } else { normalise(Field::Name, text) };
        (!asked.is_empty()).then_some(Text { how, asked })
    }

    /// Returns the text where the whole value is asked for, which is what the index can answer.
    pub(super) fn exact(&self) -> Option<&str> {
        (self.how == How::Exact).then_some(self.asked.as_str())
    }

    /// Says whether a value of a resource is what was asked for.
    pub(super) fn fits(&self, value: Json<'_>) -> bool {
        let Some(found) = value.string() else {
            return false;
        };
        match self.how {
            How::Exact => found == self.asked.as_str(),
            How::Starts => normalise(Field::Name, &found).starts_with(self.asked.as_str()),
            How::Contains => normalise(Field::Name, &found).contains(self.asked.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(asked: &str, how: How, found: &str) -> bool {
        let found = serde_json::to_string(found).unwrap();
        Text::read(asked, how).unwrap().fits(Json::of(&found))
    }

    #[test]
    fn the_start_is_compared_without_case_accents_and_punctuation() {
        for (asked, found, expected) in [
            ("jose", "José", true),
            ("JOSÉ", "jose", true),
            ("Åse", "ase", true),
            ("oneil", "O'Neil", true),
            ("van  der", "Van der Berg", true),
            ("strasse", "Straße", true),
            ("berg", "Van der Berg", false),
            ("josef", "José", false),
            ("山", "山田", true),
        ] {
            assert_eq!(fits(asked, How::Starts, found), expected, "{asked} {found}");
        }
    }

    #[test]
    fn contains_looks_inside_and_exact_compares_letter_for_letter() {
        assert!(fits("BERG", How::Contains, "Van der Berg"));
        assert!(!fits("burg", How::Contains, "Van der Berg"));
        assert!(fits("Van der Berg", How::Exact, "Van der Berg"));
        assert!(!fits("van der berg", How::Exact, "Van der Berg"));
        assert!(!fits("Van", How::Exact, "Van der Berg"));
    }

    #[test]
    fn a_text_without_letters_is_refused_unless_exact() {
        assert!(Text::read("", How::Exact).is_none());
        assert!(Text::read(" -'", How::Starts).is_none());
        assert!(Text::read("-", How::Exact).is_some());
    }
}
