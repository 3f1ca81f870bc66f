//! One result as lines of a table: its value, what is usual, and whether it is.

use super::read::{concept, concepts, each, first_code, notes, period, quantity, range, target, text};
use super::words::{self, Shape, Status, Weight};
use domain::id::RecordId;
use r4::scan::Json;

/// One line of the table of results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ResultLine {
    /// What was examined.
    pub(crate) name: String,
    /// Whether the line stands under the one before it: a part of it.
    pub(crate) part: bool,
    /// Whether it only heads the lines that follow.
    pub(crate) heads: bool,
    /// The value, with the digits it came with; or why there is none.
    pub(crate) value: String,
    /// Its unit.
    pub(crate) unit: String,
    /// What is usual.
    pub(crate) ranges: Vec<String>,
    /// What the value means.
    pub(crate) flags: Vec<Flag>,
    /// Its own status where that is not plainly final.
    pub(crate) status: Option<&'static str>,
    /// Method, place and time where they are its own, and notes.
    pub(crate) remarks: Vec<String>,
}

/// What a value means, by word and by shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flag {
    /// The code, as laboratories print it.
    pub(crate) code: String,
    /// The same in words.
    pub(crate) words: String,
    /// The characters that draw it.
    pub(crate) shape: &'static str,
    /// The word for a style class.
    pub(crate) class: &'static str,
}

impl ResultLine {
    /// Reads an Observation as its own line and the lines of its components.
    pub(crate) fn read(content: &str, part: bool) -> Vec<ResultLine> {
        let json = Json::of(content);
        let status = words::status(&text(json, "status"));
        let mut line = line(json);
        line.part = part;
        line.status = (status.weight != Weight::Plain).then_some(status.name);
        line.remarks.extend(remarks(json));
        let withdrawn = status.weight == Weight::Stop;
        let components = each(json, "component");
        let groups = !components.is_empty() || !each(json, "hasMember").is_empty();
        line.heads = groups && line.value.is_empty() && line.flags.is_empty();
        if line.value.is_empty() && !line.heads {
            line.value = absent(json, status);
        } else if withdrawn && !line.value.is_empty() {
            // A value that was taken back is shown, for somebody may have acted on it, and never as one to rely on.
            line.value = format!("{} ({})", line.value, status.name.to_lowercase());
        }
        let own_name = line.name.clone();
        let mut lines = vec![line];
        for component in components {
            let mut own = self::line(component);
            own.part = true;
            if own.name == own_name {
                own.name.clear();
            }
            if own.value.is_empty() {
                own.value = absent(component, words::status("final"));
            }
            lines.push(own);
        }
        lines
    }

    /// Says whether any of its flags asks for attention.
    pub(crate) fn class(&self) -> &'static str {
        let has = |class: &str| self.flags.iter().any(|flag| flag.class == class);
        if has("critical") {
            "critical"
        } else if has("abnormal") {
            "abnormal"
        } else {
            "usual"
        }
    }
}

/// Returns the observations that an observation groups.
pub(crate) fn members(content: &str) -> Vec<RecordId> {
    let named = super::read::texts(Json::of(content), &["hasMember", "reference"]);
    named.iter().filter_map(|reference| target(reference)).map(|(_, id)| id).collect()
}

fn line(json: Json<'_>) -> ResultLine {
    let name = json.get("code").map(concept).filter(|name| !name.is_empty());
    let (value, unit) = value(json);
    ResultLine {
        name: name.unwrap_or_else(|| "Not named".to_owned()),
        value,
        unit,
        ranges: each(json, "referenceRange").into_iter().map(reference_range).filter(|text| !text.is_empty()).collect(),
        flags: each(json, "interpretation").into_iter().map(flag).collect(),
        ..ResultLine::default()
    }
}

/// Reads `value[x]`; a form that is not shown here is said to be there.
fn value(json: Json<'_>) -> (String, String) {
    let bare = |text: String| (text, String::new());
    for member in json.members() {
        let Some(form) = member.name.strip_prefix("value") else { continue };
        let value = member.value;
        return match form {
            "Quantity" => quantity(value).unwrap_or_else(|| bare(String::new())),
            "CodeableConcept" => bare(concept(value)),
            "Range" => range(value).unwrap_or_else(|| bare(String::new())),
            "Ratio" => bare(ratio(value)),
            "Period" => bare(period(value)),
            "DateTime" => bare(value.string().map(|text| words::moment(&text)).unwrap_or_default()),
            "Integer" => bare(value.text().to_owned()),
            "Boolean" => bare(if value.text() == "true" { "Yes".to_owned() } else { "No".to_owned() }),
            "String" | "Time" => bare(value.string().map(|text| text.into_owned()).unwrap_or_default()),
            _ => bare("A value in a form that is not shown here".to_owned()),
        };
    }
    bare(String::new())
}

fn ratio(json: Json<'_>) -> String {
    let side = |name: &str| {
        let found = json.get(name).and_then(quantity);
        found.map(|(value, unit)| format!("{value} {unit}").trim().to_owned()).unwrap_or_default()
    };
    format!("{} : {}", side("numerator"), side("denominator"))
}

/// The text says more than the ends where the sender wrote one.
fn reference_range(json: Json<'_>) -> String {
    let own = text(json, "text");
    let said = if own.is_empty() { range(json).map(|(text, _)| text).unwrap_or_default() } else { own };
    let applies: Vec<String> = json
        .get("type")
        .map(concept)
        .into_iter()
        .chain(concepts(json, "appliesTo"))
        .filter(|text| !text.is_empty())
        .collect();
    if applies.is_empty() || said.is_empty() { said } else { format!("{said} ({})", applies.join(", ")) }
}

fn flag(json: Json<'_>) -> Flag {
    let code = super::read::texts(json, &["coding", "code"]).into_iter().next().unwrap_or_default();
    let own = text(json, "text");
    match words::interpretation(&code) {
        Some((words, shape)) => Flag { code, words: words.to_owned(), shape: shape.drawn(), class: shape.class() },
        // A code that only its sender knows may mean anything: it asks for attention.
        None => {
            let words = if own.is_empty() { concept(json) } else { own };
            Flag { code: String::new(), words, shape: Shape::Diamond.drawn(), class: Shape::Diamond.class() }
        }
    }
}

fn absent(json: Json<'_>, status: Status) -> String {
    let reason = first_code(json, "dataAbsentReason");
    match (reason.as_str(), status.weight) {
        ("", Weight::Stop) => status.name.to_owned(),
        (reason, _) => words::absent(reason).to_owned(),
    }
}

fn remarks(json: Json<'_>) -> Vec<String> {
    let labelled = |label: &str, text: String| (!text.is_empty()).then(|| format!("{label}: {text}"));
    let of = |name: &str| json.get(name).map(concept).unwrap_or_default();
    let mut said: Vec<String> =
        [labelled("Method", of("method")), labelled("Site", of("bodySite"))].into_iter().flatten().collect();
    said.extend(notes(json, "note"));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(json: &str) -> ResultLine {
        ResultLine::read(json, false).remove(0)
    }

    #[test]
    fn a_quantity_keeps_its_digits_and_its_flag_its_shape() {
        let line = one(
            r#"{"status":"final","code":{"text":"Potassium"},"valueQuantity":{"value":9.80,"unit":"mmol/L"},
            "interpretation":[{"coding":[{"code":"HH"}]}],"referenceRange":[{"low":{"value":3.5},"high":{"value":5.10}}]}"#,
        );
        assert_eq!((line.value.as_str(), line.unit.as_str()), ("9.80", "mmol/L"));
        assert_eq!(line.ranges, ["3.5 – 5.10"]);
        assert_eq!(
            (line.flags[0].words.as_str(), line.flags[0].shape, line.class()),
            ("Critically high", "▲▲", "critical")
        );
        assert_eq!(line.status, None);
    }

    #[test]
    fn what_is_withdrawn_or_absent_says_so_in_the_place_of_the_value() {
        assert_eq!(one(r#"{"status":"cancelled","code":{}}"#).value, "Cancelled");
        assert_eq!(one(r#"{"status":"final"}"#).value, "No value");
        let reason = r#"{"status":"final","dataAbsentReason":{"coding":[{"code":"not-performed"}]}}"#;
        assert_eq!(one(reason).value, "Not performed");
        let wrong = one(r#"{"status":"entered-in-error","valueString":"12"}"#);
        assert_eq!((wrong.value.as_str(), wrong.status), ("12 (entered in error)", Some("Entered in error")));
    }

    #[test]
    fn a_form_of_value_that_is_not_shown_is_said_to_be_there() {
        assert!(one(r#"{"status":"final","valueSampledData":{"data":"1 2"}}"#).value.contains("not shown"));
    }

    #[test]
    fn components_are_parts_of_their_result() {
        let lines = ResultLine::read(
            r#"{"status":"final","code":{"text":"Pressure"},"component":[{"code":{"text":"Systolic"},"valueQuantity":{"value":120}},{"code":{"text":"Diastolic"}}]}"#,
            false,
        );
        let shown: Vec<_> =
            lines.iter().map(|line| (line.name.as_str(), line.part, line.heads, line.value.as_str())).collect();
        assert_eq!(
            shown,
            [("Pressure", false, true, ""), ("Systolic", true, false, "120"), ("Diastolic", true, false, "No value")]
        );
    }

    #[test]
    fn a_code_of_the_senders_own_asks_for_attention() {
        let line = one(
            r#"{"status":"final","valueString":"x","interpretation":[{"coding":[{"code":"**"}],"text":"see note"}]}"#,
        );
        assert_eq!((line.flags[0].words.as_str(), line.class()), ("see note", "abnormal"));
    }
}
