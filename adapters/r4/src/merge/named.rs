//! What a stored or incoming observation is called, read from its own content.

use super::is_value;
use super::members::Members;
use crate::tables::uri;
use domain::intake::NamedResult;
use domain::time::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;

/// Reads an observation; `None` without the identifier that the mapping writes, or without a code.
///
/// That identifier is `SENDER|ORDER|CODE|SUB-ID`, with `|TIME` where a time of its own is part of its name, and `|PLACE` for a further one.
pub(super) fn named(content: &str) -> Option<NamedResult> {
    let read: Observation<'_> = serde_json::from_str(content).ok()?;
    let own = |identifier: &&Identifier<'_>| identifier.system.as_deref() == Some(uri::OBSERVATION_IDENTIFIER);
    let name = read.identifier.iter().find(own)?.value.as_deref()?;
    let code = read.code?;
    let coded = |coding: Coding<'_>| Some((coding.system.unwrap_or_default().into_owned(), coding.code?.into_owned()));
    let mut codings: Vec<(String, String)> = code.coding.into_iter().filter_map(coded).collect();
    if let (true, Some(text)) = (codings.is_empty(), code.text) {
        codings.push((String::new(), text.into_owned()));
    }
    // A code may stand in the order's number as well: the last place is its own.
    let parted = codings.iter().filter_map(|(_, code)| name.rsplit_once(&format!("|{code}|")));
    let (order, rest) = parted.max_by_key(|(order, _)| order.len())?;
    let mut rest = rest.split('|');
    let sub_id = rest.next().unwrap_or_default().to_owned();
    let said = read.at.or_else(|| read.period.and_then(|period| period.start));
    let at = said.as_deref().and_then(moment).or_else(|| rest.find_map(moment));
    let members = Members::read(content)?;
    let value: String = members.names().filter(|name| is_value(name)).filter_map(|name| members.get(name)).collect();
    let status = read.status.as_deref().unwrap_or_default();
    Some(NamedResult {
        order: order.to_owned(),
        codings,
        sub_id,
        at,
        open: matches!(status, "registered" | "preliminary" | "unknown"),
        acts: matches!(status, "corrected" | "entered-in-error") || (status == "final" && value.is_empty()),
        value,
    })
}

/// Reads a moment; a day, month or year is its beginning.
fn moment(text: &str) -> Option<Timestamp> {
    let begins = |rest: &str| Timestamp::from_rfc3339(&format!("{text}{rest}"));
    Timestamp::from_rfc3339(text).or_else(|| match text.len() {
        4 => begins("-01-01T00:00:00Z"),
        7 => begins("-01T00:00:00Z"),
        10 => begins("T00:00:00Z"),
        _ => None,
    })
}

#[derive(Deserialize)]
struct Observation<'a> {
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    identifier: Vec<Identifier<'a>>,
    #[serde(borrow)]
    code: Option<Concept<'a>>,
    #[serde(rename = "effectiveDateTime", borrow)]
    at: Option<Cow<'a, str>>,
    #[serde(rename = "effectivePeriod", borrow)]
    period: Option<Period<'a>>,
}

#[derive(Deserialize)]
struct Identifier<'a> {
    #[serde(borrow)]
    system: Option<Cow<'a, str>>,
    #[serde(borrow)]
    value: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Concept<'a> {
    #[serde(borrow, default)]
    coding: Vec<Coding<'a>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Coding<'a> {
    #[serde(borrow)]
    system: Option<Cow<'a, str>>,
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Period<'a> {
    #[serde(borrow)]
    start: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(name: &str, rest: &str) -> String {
        let system = uri::OBSERVATION_IDENTIFIER;
        format!(r#"{{"resourceType":"Observation","identifier":[{{"system":"{system}","value":"{name}"}}],{rest}}}"#)
    }

    #[test]
    fn a_result_is_called_by_order_code_and_sub_id_and_placed_in_time() {
        let content = observation(
            "LAB|F1|718-7|2",
            r#""status":"preliminary","code":{"coding":[{"system":"http://loinc.org","code":"718-7"},{"system":"urn:x","code":"HB"}]},"effectiveDateTime":"2026-11-22T08:17:00+01:00","valueQuantity":{"value":1.50}"#,
        );
        let named = named(&content).unwrap();
        assert_eq!(
            (named.order.as_str(), named.sub_id.as_str(), named.value.as_str()),
            ("LAB|F1", "2", r#"{"value":1.50}"#)
        );
        assert_eq!(named.at, Timestamp::from_rfc3339("2026-11-22T07:17:00Z"));
        assert!(named.codings.len() == 2 && named.open && !named.acts);
    }

    #[test]
    fn what_was_taken_back_says_its_time_in_its_name_alone() {
        let rest = r#""status":"entered-in-error","code":{"coding":[{"system":"urn:x","code":"a"}]}"#;
        let own = named(&observation("LAB|a|a||2026-11-22T08:17:00.000Z|1", rest)).unwrap();
        assert_eq!((own.order.as_str(), own.sub_id.as_str()), ("LAB|a", ""));
        assert!(own.acts && own.at == Timestamp::from_rfc3339("2026-11-22T08:17:00Z"));
        assert_eq!(named(&observation("LAB|a|a|", rest)).unwrap().at, None);
        assert_eq!(named(r#"{"status":"final","code":{"text":"a"}}"#), None);
    }

    #[test]
    fn a_status_alone_acts_on_what_is_there_and_a_value_does_not() {
        let with = |rest: &str| {
            let content = observation("LAB|F1|a|", &format!(r#""code":{{"text":"a"}},{rest}"#));
            named(&content).map(|named| (named.open, named.acts)).unwrap()
        };
        assert_eq!(with(r#""status":"final""#), (false, true));
        assert_eq!(with(r#""status":"final","valueString":"x""#), (false, false));
        assert_eq!(with(r#""status":"corrected","valueString":"x""#), (false, true));
        assert_eq!(with(r#""status":"registered""#), (true, false), "one that is still to come");
    }
}
