//! Our tables against those of the v2-to-FHIR guide, one named test each.
//!
//! The guide's tables are not part of the project: the tests show as ignored unless `SEALGATE_SHARED`, or the directory `shared`
//! beside the project, holds `data/v2-to-fhir/tables.json`. Where we differ on purpose, the row and the reason stand here.

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use r4::tables;
use serde_json::Value;

/// What we make of a code: the FHIR code, `None` where there is none.
type Table = fn(&str) -> Option<String>;

/// The guide's name of a table, ours, and the codes in which we differ, with what we say.
type Pair = (&'static str, Table, &'static [(&'static str, &'static str)]);

const TABLES: &[Pair] = &[
    ("HL70001 to Administrative Gender", |code| tables::gender(code).map(|(code, _)| code.into()), &[]),
    ("HL70002 to V3 MaritalStatus", |code| tables::marital_status(code).map(|coded| coded.code.into()), &[]),
    ("HL70004 to Encounter Status", |code| tables::encounter_status(code).map(Into::into), &[]),
    ("HL70004 to V3 ActCode", |code| tables::encounter_class(code).map(|coded| coded.code.into()), &[]),
    ("HL70074 to V2 0074", |code| tables::section(code).map(|section| section.code.into()), &[]),
    ("HL70078 to V3 ObservationInterpretation", |code| tables::interpretation(code).map(Into::into), &[]),
    (
        "HL70085 to Observation Status",
        |code| tables::observation_status(code, false).map(|status| status.code.into()),
        // The guide leaves these open.
        &[
            ("B", "amended"),
            ("I", "registered"),
            ("N", "final"),
            ("O", "registered"),
            ("R", "preliminary"),
            ("S", "preliminary"),
            ("U", "final"),
            ("V", "final"),
        ],
    ),
    (
        "HL70123[Queries] to Diagnostic Report Status",
        |code| tables::report_status(code).map(|status| status.code.into()),
        // The guide leaves these open.
        &[("A", "partial"), ("M", "preliminary"), ("N", "registered"), ("Y", "unknown"), ("Z", "unknown")],
    ),
    (
        "HL70119 to Request Status",
        |code| tables::order_control(code).map(Into::into),
        // The guide says active; CA asks to cancel.
        &[("CA", "revoked")],
    ),
    ("HL70485 to Request Priority", |code| tables::priority(code).map(Into::into), &[]),
    ("HL70190 to Address Type", |code| tables::address_type(code).map(Into::into), &[]),
    ("HL70190 to Address Use", |code| tables::address_use(code).map(Into::into), &[]),
    ("HL70200 to Name Use", |code| tables::name_use(code).map(Into::into), &[]),
    ("HL70201 to Contact Point Use", |code| tables::telecom_use(code).map(Into::into), &[]),
    (
        "HL70202 to Contact Point System",
        |code| tables::telecom_system(code).map(|telecom| telecom.system.into()),
        // The guide names a system `mobile`, which there is none of.
        &[("CP", "phone")],
    ),
    (
        "HL70177 to V3 Confidentiality",
        |code| tables::confidentiality(code).last().map(|label| label.code.into()),
        // Unrestricted is the level N; a celebrity is CEL.
        &[("U", "N"), ("VIP", "CEL")],
    ),
];

fn main() {
    let arguments = Arguments::from_args();
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("SEALGATE_SHARED").map_or(beside, PathBuf::from);
    let guide: Option<Value> = std::fs::read_to_string(root.join("data/v2-to-fhir/tables.json"))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok());
    let trials = TABLES.iter().map(|(name, ours, differ)| {
        let rows = guide.as_ref().and_then(|guide| guide.get(name)).and_then(Value::as_array).cloned();
        let missing = rows.is_none();
        Trial::test(format!("guide::{name}"), move || compare(&rows.unwrap_or_default(), *ours, differ))
            .with_ignored_flag(missing)
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn compare(rows: &[Value], ours: Table, differ: &[(&str, &str)]) -> Result<(), Failed> {
    for row in rows {
        let code = row.get("code").and_then(Value::as_str).unwrap_or_default();
        let differs = differ.iter().find(|(other, _)| *other == code).map(|(_, says)| *says);
        let guide = row.get("target").and_then(Value::as_str);
        let said = ours(code);
        if said.as_deref() != differs.or(guide) {
            return Err(format!("{code} is {said:?}").into());
        }
    }
    Ok(())
}
