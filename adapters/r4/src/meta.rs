//! Puts version and time into `meta` by splicing text; every other byte stays as it was stored.

use crate::scan::{Json, Member};
use domain::time::Timestamp;
use domain::write::Version;

/// Returns the content with `meta.versionId` and `meta.lastUpdated`.
///
/// Stored content carries neither; should it, they are replaced, so that no name appears twice. What is no JSON
/// object comes back unchanged.
#[must_use]
pub fn with_meta(content: &str, version: Version, last_updated: Timestamp) -> String {
    let mut out = String::with_capacity(content.len().saturating_add(100));
    write_with_meta(&mut out, content, version, last_updated);
    out
}

/// Appends to `out` what [`with_meta`] returns.
pub fn write_with_meta(out: &mut String, content: &str, version: Version, last_updated: Timestamp) {
    let json = Json::of(content);
    if !json.is_object() {
        out.push_str(content);
        return;
    }
    let stamp = format!("\"versionId\":\"{version}\",\"lastUpdated\":\"{}\"", last_updated.rfc3339());
    // Where a new meta goes: behind resourceType and id when these lead, as FHIR JSON is usually written.
    let mut place = json.span().0.saturating_add(1);
    let mut leading = true;
    let mut only = true;
    for member in json.members() {
        if member.is("meta") && member.value.is_object() {
            let (from, to) = member.value.span();
            out.push_str(content.get(..from).unwrap_or_default());
            write_meta(out, member.value, &stamp);
            out.push_str(content.get(to..).unwrap_or_default());
            return;
        }
        only = false;
        leading = leading && (member.name == "resourceType" || member.name == "id");
        if leading {
            place = member.value.span().1;
        }
    }
    let (before, after) = content.split_at_checked(place).unwrap_or((content, ""));
    let behind_member = !before.trim_end().ends_with('{');
    out.push_str(before);
    out.push_str(if behind_member { ",\"meta\":{" } else { "\"meta\":{" });
    out.push_str(&stamp);
    out.push_str(if behind_member || only { "}" } else { "}," });
    out.push_str(after);
}

fn write_meta(out: &mut String, meta: Json<'_>, stamp: &str) {
    out.push('{');
    out.push_str(stamp);
    let stamped = |member: &Member<'_>| member.is("versionId") || member.is("lastUpdated");
    if meta.members().any(|member| stamped(&member)) {
        for member in meta.members().filter(|member| !stamped(member)) {
            out.push_str(",\"");
            out.push_str(member.name);
            out.push_str("\":");
            out.push_str(member.value.text());
        }
        out.push('}');
        return;
    }
    if meta.members().next().is_some() {
        out.push(',');
    }
    out.push_str(meta.text().strip_prefix('{').unwrap_or("}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STAMP: &str = "\"versionId\":\"3\",\"lastUpdated\":\"2026-11-21T10:00:00.120Z\"";

    fn spliced(content: &str) -> String {
        with_meta(content, 3, Timestamp::from_rfc3339("2026-11-21T10:00:00.12Z").unwrap())
    }

    #[test]
    fn the_stamp_goes_into_the_meta_that_is_there() {
        let profile = r#"{"resourceType":"Patient","id":"a","meta":{"profile":["p"]},"x":1.50}"#;
        assert_eq!(
            spliced(profile),
            format!(r#"{{"resourceType":"Patient","id":"a","meta":{{{STAMP},"profile":["p"]}},"x":1.50}}"#)
        );
        assert_eq!(spliced(r#"{"meta":{ }}"#), format!(r#"{{"meta":{{{STAMP} }}}}"#));
    }

    #[test]
    fn a_missing_meta_is_made_behind_type_and_id() {
        assert_eq!(
            spliced(r#"{"resourceType":"Patient","id":"a","x":1.50}"#),
            format!(r#"{{"resourceType":"Patient","id":"a","meta":{{{STAMP}}},"x":1.50}}"#)
        );
        assert_eq!(spliced(r#"{"x":1.50}"#), format!(r#"{{"meta":{{{STAMP}}},"x":1.50}}"#));
        assert_eq!(spliced("{}"), format!(r#"{{"meta":{{{STAMP}}}}}"#));
        assert_eq!(spliced("[]"), "[]");
    }

    #[test]
    fn a_meta_deeper_down_is_left_alone_and_a_stale_stamp_is_replaced() {
        assert_eq!(
            spliced(r#"{"contained":[{"meta":{}}]}"#),
            format!(r#"{{"meta":{{{STAMP}}},"contained":[{{"meta":{{}}}}]}}"#)
        );
        assert_eq!(
            spliced(r#"{"meta":{"versionId":"1","source":"s"}}"#),
            format!(r#"{{"meta":{{{STAMP},"source":"s"}}}}"#)
        );
    }

    fn value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "-?[1-9][0-9]{0,20}(\\.[0-9]{1,6}0)?([eE][+-]?[0-9]{1,2})?",
            "[ -~]{0,12}".prop_map(|s| serde_json::to_string(&s).unwrap()),
            Just("true".to_owned()),
            Just("null".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[ {} ]", v.join(", "))),
                prop::collection::vec(("[a-z]{1,6}", inner), 0..4).prop_map(|v| {
                    let members: Vec<_> = v.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                    format!("{{{}}}", members.join(" ,\n"))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn removing_the_splice_gives_the_original_back(
            lead in any::<bool>(),
            meta in prop::option::of(prop::collection::vec(("[a-m]{1,5}", value()), 0..3)),
            rest in prop::collection::vec(("[n-z]{1,6}", value()), 0..5),
        ) {
            let mut members: Vec<String> = Vec::new();
            if lead {
                members.push("\"resourceType\":\"Patient\",\"id\":\"a\"".to_owned());
            }
            let had_meta = meta.is_some();
            if let Some(meta) = meta {
                let inner: Vec<_> = meta.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                members.push(format!("\"meta\":{{{}}}", inner.join(",")));
            }
            members.extend(rest.iter().map(|(k, v)| format!("\"{k}\":{v}")));
            let original = format!("{{{}}}", members.join(","));
            let spliced = spliced(&original);
            let json: serde_json::Value = serde_json::from_str(&spliced).unwrap();
            prop_assert_eq!(&json["meta"]["versionId"], "3");
            let stripped = if had_meta {
                spliced.replacen(&format!("{STAMP},"), "", 1).replacen(STAMP, "", 1)
            } else {
                let own = format!("\"meta\":{{{STAMP}}}");
                let inner = spliced.replacen(&format!(",{own}"), "", 1).replacen(&format!("{own},"), "", 1);
                inner.replacen(&own, "", 1)
            };
            prop_assert_eq!(stripped, original);
        }
    }
}
