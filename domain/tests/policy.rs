//! The whole policy as one committed text: who may do what, under which circumstances.
//!
//! A change of the policy shows as a difference in `tests/policy/grid.txt`, which a reviewer reads instead of the code. After an
//! intended change write it anew and read the difference:
//!
//! ```text
//! UPDATE_GRID=1 cargo test -p domain --test policy && git diff domain/tests/policy
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and this one writes the grid when it is told to"
)]

use domain::access::{
    Action, Address, BreakGlass, Clinics, Context, Decision, Factor, Label, Labels, Obligation, Principal,
    PrincipalKind, Purpose, Reason, Resource, Role, Roles, Scopes, Session, Subject, decide,
};
use domain::id::{ClinicId, RecordId, TenantId};
use domain::kind::Kind;
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write;

/// One line of the grid.
struct Row {
    role: Option<Role>,
    action: Action,
    kind: Option<Kind>,
}

/// One column of the grid before equal ones are joined.
#[derive(Clone, Copy)]
struct Circumstance {
    place: &'static str,
    label: Option<Label>,
    caller: &'static str,
    glass: bool,
    purpose: Purpose,
}

#[test]
fn the_policy_is_the_one_that_was_reviewed() {
    let grid = render();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/policy/grid.txt");
    if std::env::var_os("UPDATE_GRID").is_some() {
        std::fs::write(path, &grid).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    if let Some((number, (is, was))) =
        grid.lines().chain([""]).zip(reviewed.lines().chain([""])).enumerate().find(|(_, (is, was))| is != was)
    {
        panic!(
            "the policy differs from tests/policy/grid.txt, first in line {}:\n  was {was}\n  is  {is}\n\
             if this is intended: UPDATE_GRID=1 cargo test -p domain --test policy, then read the difference",
            number + 1
        );
    }
}

fn render() -> String {
    let circumstances = circumstances();
    let rows: Vec<Row> = [None].into_iter().chain(Role::ALL.iter().copied().map(Some)).flat_map(rows).collect();

    // Columns that agree in every row are one column.
    let mut columns: Vec<(Vec<char>, Vec<Circumstance>)> = Vec::new();
    for at in &circumstances {
        let cells: Vec<char> = rows.iter().map(|row| mark(&decision(row, at))).collect();
        match columns.iter_mut().find(|(known, _)| *known == cells) {
            Some((_, members)) => members.push(*at),
            None => columns.push((cells, vec![*at])),
        }
    }

    let mut text = String::from(HEADING);
    for (number, (_, members)) in columns.iter().enumerate() {
        for line in describe(members, &circumstances) {
            let _ = writeln!(text, "  {}  {line}", letter(number));
        }
    }
    let mut last = None;
    for (number, row) in rows.iter().enumerate() {
        if last != Some(row.role) {
            let letters: String = (0..columns.len()).map(letter).collect();
            let _ = writeln!(
                text,
                "\n{:<36} {letters}  permitted by",
                row.role.map_or("(no role)", Role::name).to_uppercase()
            );
            last = Some(row.role);
        }
        let what = format!("{} {}", row.action.name(), row.kind.map_or("", Kind::name));
        let cells: String = columns.iter().map(|(cells, _)| cells[number]).collect();
        let line = format!("  {what:<34} {cells}  {}", permitting(row, &circumstances).join(", "));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.push_str(LABELS);
    for role in Role::ALL {
        let row = Row { role: Some(*role), action: Action::FhirRead, kind: Some(Kind::DiagnosticReport) };
        for label in Label::ALL {
            let cell = |purpose, glass| {
                let at = Circumstance { place: PLACES[0], label: Some(*label), caller: CALLERS[0], glass, purpose };
                mark(&decision(&row, &at))
            };
            let (treatment, operations) = (cell(Purpose::Treatment, false), cell(Purpose::Operations, false));
            let glass = cell(Purpose::Operations, true);
            let _ = writeln!(
                text,
                "  {:<20} {:<18} {treatment}         {operations}          {glass}",
                role.name(),
                format!("{label:?}")
            );
        }
    }
    text.push_str(SCOPES);
    for scopes in SCOPE_LISTS {
        for launched in [None, Some(PATIENT)] {
            let cells = SCOPED.map(|action| scope_cells(scopes, launched, action)).join("  ");
            let who = launched.map_or("nobody", |_| "patient 7");
            let _ = writeln!(text, "  {scopes:<48} {who:<10} {cells}");
        }
    }
    text.push_str(GIVING);
    for role in Role::ALL {
        let given = Role::ALL.iter().filter(|given| may_give(*role, **given)).map(|given| given.name());
        let given = given.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "  {:<20} {}", role.name(), if given.is_empty() { "none" } else { &given });
    }
    text.push_str("\nRULES, WITH THE OBLIGATIONS THEY BROUGHT ABOVE\n");
    for (rule, obligations) in used_rules(&rows, &circumstances) {
        let _ = writeln!(text, "  {rule:<28} {obligations}");
    }
    text
}

/// Says which circumstances a column stands for: in one line where they are all combinations of some values.
fn describe(members: &[Circumstance], all: &[Circumstance]) -> Vec<String> {
    type Value = fn(&Circumstance) -> String;
    let dimensions: [Value; 4] = [
        |at| at.place.into(),
        |at| at.label.map_or("no label".into(), |label| format!("{label:?}").to_lowercase()),
        |at| at.caller.into(),
        |at| if at.glass { "glass broken".into() } else { "glass whole".into() },
    ];
    let values = |of: &[Circumstance], value: Value| {
        let mut values: Vec<String> = Vec::new();
        for value in of.iter().map(value) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    };
    let combinations: usize = dimensions.iter().map(|value| values(members, *value).len()).product();
    if combinations != members.len() {
        return members.iter().flat_map(|at| describe(&[*at], all)).collect();
    }
    let say = |value: &Value| {
        let (here, every) = (values(members, *value), values(all, *value));
        if here.len() == every.len() { "*".to_string() } else { here.join(" or ") }
    };
    vec![dimensions.iter().map(say).collect::<Vec<_>>().join(" | ")]
}

/// Every action, on each kind of record for which the answer may differ.
fn rows(role: Option<Role>) -> Vec<Row> {
    let kinds = |action: Action| match action.name().split_once('.').map_or("", |(group, _)| group) {
        "message" => vec![Some(Kind::Hl7Message)],
        "fhir" => vec![Some(Kind::DiagnosticReport), Some(Kind::Patient)],
        "report" => vec![Some(Kind::DiagnosticReport)],
        "directory" => Kind::ALL.iter().copied().filter(|kind| kind.is_directory()).map(Some).collect(),
        "breakglass" if action == Action::BreakGlassStart => vec![Some(Kind::Patient)],
        "breakglass" => vec![Some(Kind::GlassReview)],
        _ => vec![None],
    };
    Action::ALL
        .iter()
        .flat_map(|action| kinds(*action).into_iter().map(move |kind| Row { role, action: *action, kind }))
        .collect()
}

fn circumstances() -> Vec<Circumstance> {
    let mut all = Vec::new();
    for place in PLACES {
        for label in [None, Some(Label::Restricted)] {
            for caller in CALLERS {
                for glass in [false, true] {
                    all.push(Circumstance { place, label, caller, glass, purpose: Purpose::Treatment });
                }
            }
        }
    }
    all
}

fn mark(decision: &Decision) -> char {
    match decision {
        Decision::Permit { obligations, .. } if obligations.contains(Obligation::NoteBreakGlass) => 'G',
        Decision::Permit { .. } => 'Y',
        Decision::Deny(Reason::NoRole) => '.',
        Decision::Deny(Reason::OtherTenant) => 't',
        Decision::Deny(Reason::OtherClinic) => 'c',
        Decision::Deny(Reason::Labelled(_)) => 'l',
        Decision::Deny(Reason::Forbidden(_)) => 'x',
        Decision::Deny(Reason::FactorMissing) => 'f',
        Decision::Deny(Reason::Scope) => 's',
        Decision::Deny(Reason::OtherCompartment) => 'p',
        Decision::Deny(Reason::RoleNotGiven) => 'r',
        Decision::Deny(Reason::AddressNotAllowed | Reason::SessionEnded) => '?',
    }
}

fn decision(row: &Row, at: &Circumstance) -> Decision {
    // The operator's home is the system tenant; everybody else's is a tenant.
    let home = if row.role == Some(Role::SystemOperator) { TenantId::SYSTEM } else { HOME };
    let (kind, session, factor) = match at.caller {
        "system" => (PrincipalKind::System, Session::NotApplicable, Factor::NotApplicable),
        "person with second factor" => (PrincipalKind::Person, Session::Current, Factor::Shown),
        _ => (PrincipalKind::Person, Session::Current, Factor::Missing),
    };
    let subject = Subject {
        principal: Principal { id: "id".into(), display: "name".into(), kind },
        tenant: home,
        roles: row.role.into_iter().collect::<Roles>(),
        clinics: Clinics::Some(vec![CLINIC]),
        purpose: at.purpose,
        scopes: Scopes::Unrestricted,
        compartment: None,
    };
    let (tenant, clinic) = match at.place {
        "same clinic" => (home, Some(CLINIC)),
        "other clinic" => (home, Some(ClinicId([2; 16]))),
        "no clinic" => (home, None),
        _ => (TenantId([2; 16]), Some(CLINIC)),
    };
    let labels = at.label.into_iter().collect::<Labels>();
    let resource = Resource { tenant, clinic, kind: row.kind, patient: Some(PATIENT), labels, ..Resource::default() };
    let break_glass = at.glass.then_some(BreakGlass { patient: PATIENT, expires: Timestamp(1), emergency: true });
    let context = Context { now: Timestamp(0), address: Address::Allowed, session, factor, break_glass };
    decide(&subject, row.action, &resource, &context)
}

/// Says whether somebody with a role may add or change an account that has another.
fn may_give(role: Role, given: Role) -> bool {
    let home = if role == Role::SystemOperator { TenantId::SYSTEM } else { HOME };
    let subject = Subject::console("someone", home, Roles::of(&[role]));
    let account = Resource::record(home, Kind::Account).giving(Roles::of(&[given]));
    decide(&subject, Action::DirectoryChange, &account, &Context::console(Timestamp(0))).is_permit()
}

/// What a token with these scopes lets a provider do to each of [`SCOPE_TARGETS`].
fn scope_cells(scopes: &str, launched: Option<RecordId>, action: Action) -> String {
    let scopes = match scopes {
        "(no token)" => Scopes::Unrestricted,
        list => Scopes::Limited(list.split_whitespace().map(|scope| scope.parse().unwrap()).collect()),
    };
    let subject = Subject {
        principal: Principal { id: "id".into(), display: "name".into(), kind: PrincipalKind::Person },
        tenant: HOME,
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        scopes,
        compartment: launched,
    };
    let context = Context::console(Timestamp(0));
    let cell = |(kind, patient): &(Kind, Option<RecordId>)| {
        mark(&decide(&subject, action, &Resource::record(HOME, *kind).with_patient(*patient), &context))
    };
    SCOPE_TARGETS.iter().map(cell).collect()
}

/// Returns the rules that permit a row anywhere, in the order of the columns.
fn permitting(row: &Row, circumstances: &[Circumstance]) -> Vec<&'static str> {
    let mut rules = Vec::new();
    for at in circumstances {
        if let Decision::Permit { rule, .. } = decision(row, at)
            && !rules.contains(&rule)
        {
            rules.push(rule);
        }
    }
    rules
}

fn used_rules(rows: &[Row], circumstances: &[Circumstance]) -> BTreeMap<&'static str, String> {
    let mut used: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
    for (row, at) in rows.iter().flat_map(|row| circumstances.iter().map(move |at| (row, at))) {
        if let Decision::Permit { rule, obligations } = decision(row, at) {
            used.entry(rule).or_default().extend(obligations.iter().map(Obligation::name));
        }
    }
    let sorted = |mut names: Vec<&'static str>| {
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    used.into_iter().map(|(rule, names)| (rule, sorted(names))).collect()
}

fn letter(column: usize) -> char {
    char::from(b'A' + u8::try_from(column).unwrap())
}

const PLACES: [&str; 4] = ["same clinic", "other clinic", "no clinic", "other tenant"];
const CALLERS: [&str; 3] = ["person with second factor", "person without", "system"];
const HOME: TenantId = TenantId([1; 16]);
const CLINIC: ClinicId = ClinicId([1; 16]);
const PATIENT: RecordId = RecordId([7; 16]);

const SCOPED: [Action; 6] = [
    Action::FhirRead,
    Action::FhirHistory,
    Action::FhirSearch,
    Action::FhirHit,
    Action::MessageView,
    Action::FhirUpdate,
];
const SCOPE_TARGETS: [(Kind, Option<RecordId>); 5] = [
    (Kind::DiagnosticReport, Some(PATIENT)),
    (Kind::DiagnosticReport, Some(RecordId([8; 16]))),
    (Kind::DiagnosticReport, None),
    (Kind::Patient, Some(PATIENT)),
    (Kind::Practitioner, None),
];
const SCOPE_LISTS: [&str; 11] = [
    "(no token)",
    "",
    "system/*.cruds",
    "user/*.rs",
    "user/DiagnosticReport.r",
    "user/DiagnosticReport.s",
    "user/Patient.rs",
    "patient/*.rs",
    "patient/DiagnosticReport.r",
    "patient/Practitioner.rs",
    "patient/DiagnosticReport.rs user/Patient.r",
];

const HEADING: &str = "\
THE POLICY GRID

Written by `UPDATE_GRID=1 cargo test -p domain --test policy`; compared by every run of that test. Read differences as policy.

Each role alone, limited to one clinic, acting for treatment; the system operator at home in the system tenant.

  Y  permitted
  G  permitted only because the glass is broken for this patient
  .  denied: no role permits it       x  denied: forbidden to everyone in these circumstances
  t  denied: another tenant           c  denied: another clinic, or a result of no clinic
  l  denied: the label                f  denied: no second factor
  s  denied: no scope of the token    p  denied: not of the patient that was launched

COLUMNS: clinic or tenant of the resource | its label | who asks | glass          * stands for every value
Circumstances that agree in every row stand under one letter.

";

const SCOPES: &str = "
SCOPES: a provider of every clinic with a token; each column, in order: report of patient 7, of patient 8, of no patient, patient 7, a practitioner
                                                   launched   read   hist.  search hit    view   update
";

const GIVING: &str = "
GIVING ROLES: directory.change of what lets somebody have a role, before the change or after it; nobody changes the own account
";

const LABELS: &str = "
LABELS: fhir.read DiagnosticReport in the same clinic by a person with second factor, acting for
                                          treatment operations glass broken
";
