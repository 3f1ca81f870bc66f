//! Every route of the program, asked by everybody who should and should not: the codes are one committed table.
//!
//! The list of routes is the program's own: each part says at its start what it serves, from the table by which it serves. A new route
//! without a row in `routes/rows.rs` fails here, and so does a changed code. After an intended change write the table anew and read the
//! difference:
//!
//! ```text
//! UPDATE_GRID=1 cargo test -p tests --test routes && git diff tests/tests/routes
//! ```
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking, and this one writes the table when it is told to"
)]

#[path = "routes/rows.rs"]
mod rows;
#[path = "routes/world.rs"]
mod world;

use rows::Row;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use tests::gateway::Gateway;
use world::{Caller, OTHER, World};

/// A route as the program says it.
struct Route {
    part: String,
    path: String,
    methods: Vec<String>,
}

#[test]
fn every_route_answers_everybody_as_reviewed() {
    let world = World::new();
    let routes = said(&world.gateway);
    assert!(routes.len() > 40, "the program says what it serves: {}", routes.len());
    let mut asked: Vec<(String, Row)> = Vec::new();
    for route in &routes {
        for method in route.methods.iter().filter(|method| *method != "HEAD") {
            let row = rows::row(&world, method, &route.path).unwrap_or_else(|| {
                panic!("a route without a row in tests/tests/routes/rows.rs: {method} {}", route.path)
            });
            asked.push((format!("{}|{method} {}", route.part, route.path), row));
        }
    }
    // What ends a session is asked for last, so that everything else is asked by people who are signed in.
    let mut order: Vec<usize> = (0..asked.len()).collect();
    order.sort_by_key(|at| asked[*at].1.ends_session);
    let mut cells: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for at in order {
        let row = &asked[at].1;
        let mut line: Vec<String> = line_of(&world, row);
        line.push(world.ask(&world.callers[0], OTHER, row, &[]).said);
        cells.insert(at, line);
    }
    let mut grid = String::from(HEADING);
    let mut columns: Vec<&str> = world.callers.iter().map(|caller| caller.name).collect();
    columns.push("other method");
    let mut part = "";
    for (at, (name, _)) in asked.iter().enumerate() {
        let (of, name) = name.split_once('|').unwrap();
        if of != part {
            part = of;
            let _ = writeln!(grid, "\n{:<56}{}", part.to_uppercase(), padded(&columns));
        }
        let _ = writeln!(grid, "  {name:<53} {}", padded(&cells[&at]));
    }
    let _ = writeln!(grid, "\n{:<56}{}", "NOT SERVED", padded(&columns));
    for path in
        ["/nowhere", "/fhir", "/fhir/Medication", "/fhir/Hl7Message/{id}", "/oauth/nothing", "/auth/saml/nothing"]
    {
        let row = rows::get(path.replace("{id}", &world.report));
        let mut line: Vec<String> = line_of(&world, &row);
        line.push(world.ask(&world.callers[0], OTHER, &row, &[]).said);
        let _ = writeln!(grid, "  GET {path:<50}{}", padded(&line));
    }
    compare(&grid);
}

/// Asks for a row as everybody, the right one last: nobody finds it done already.
fn line_of(world: &World, row: &Row) -> Vec<String> {
    let mut line: Vec<String> = world.callers.iter().rev().map(|caller| cell(world, caller, row)).collect();
    line.reverse();
    line
}

/// Asks for a row as somebody; `HEAD` must answer as `GET` does.
fn cell(world: &World, caller: &Caller, row: &Row) -> String {
    let form = world.form(caller, row);
    let answer = world.ask(caller, row.method, row, &form);
    if row.method == "GET" && row.repeatable {
        let head = world.ask(caller, "HEAD", row, &[]);
        // Health and metrics are for programs that ask with GET.
        let same = head.status == answer.status || (row.operations && head.status == 404);
        assert!(same, "HEAD {} as {}: {} and {}", row.path, caller.name, head.status, answer.status);
    }
    if row.path == "/break-glass" && row.method == "POST" {
        let mend = rows::mend();
        world.ask(caller, "POST", &mend, &world.form(caller, &mend));
    }
    answer.said
}

/// Reads what the program said of its routes.
fn said(gateway: &Gateway) -> Vec<Route> {
    let log = gateway.log();
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let routes = events.filter(|event| event["message"] == "route").map(|event| Route {
        part: text(&event, "part"),
        path: text(&event, "path"),
        methods: text(&event, "methods").split(", ").map(str::to_owned).collect(),
    });
    routes.collect()
}

fn padded<T: AsRef<str>>(cells: &[T]) -> String {
    let line: String = cells.iter().map(|cell| format!("{:<19}", cell.as_ref())).collect();
    line.trim_end().to_owned()
}

fn compare(grid: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/routes/grid.txt");
    if std::env::var_os("UPDATE_GRID").is_some() {
        std::fs::write(path, grid).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    let lines = grid.lines().chain([""]).zip(reviewed.lines().chain([""]));
    if let Some((number, (is, was))) = lines.enumerate().find(|(_, (is, was))| is != was) {
        panic!(
            "the table differs from tests/tests/routes/grid.txt, first in line {}:\n  was {was}\n  is  {is}\n\
             if this is intended: UPDATE_GRID=1 cargo test -p tests --test routes, then read the difference",
            number + 1
        );
    }
}

const HEADING: &str = "\
WHO GETS WHAT, BY ROUTE

Written by `UPDATE_GRID=1 cargo test -p tests --test routes`; compared by every run of that test. Read differences as policy.
The routes are what the program says it serves. Everything asked for belongs to the tenant Harbour.

  right              a provider of Harbour who is signed in; a client that may read; an application with its own key; the identity
                     provider of a connection, which tells of its people; a client that administers and audits
  anonymous          nobody: no cookie, no token, no assertion
  wrong tenant       the same of the tenant Hillside
  wrong role         an administrator, and a client that is auditor: they read no results; an application that is launched by people;
                     a client instead of an identity provider; a client that only audits
  wrong scope        nobody is signed in; the token reaches practitioners alone, and what is asked for is not in the registration
  wrong compartment  a provider and a client of a clinic that nothing was delivered for; an application of that clinic;
                     the identity provider of another connection
  expired session    a session, an access token, an assertion and a provider's token that were good once
  other method       right, with PROPFIND, which nothing serves

After a code: where a redirect leads, or what an answer is that is a refusal in spite of its code. In administration, `Harbour`
stands where an answer tells of anything that is Harbour's. Its reviews are for people: no client here may see one.
";
