//! `sealgate connection rule …`: whom a connection admits as what.

use super::change;
use crate::cli::{Rule, RuleAdd};
use crate::commands::find;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output;
use domain::directory::{Connection, Directory};
use domain::identity::{self, Criterion};
use serde_json::json;

pub(super) async fn run(installation: &Installation, command: Rule) -> Outcome {
    match command {
        Rule::Add(add) => self::add(installation, add).await,
        Rule::List { connection, output } => {
            let directory = installation.directory().await?;
            let connection = find::connection(&directory, &connection.connection, connection.tenant.as_deref())?;
            if output.json {
                return output::json(&json!(connection.rules));
            }
            output::table(&rows(&directory, connection))
        }
        Rule::Remove { connection, number } => {
            let changed = change(installation, &connection, |connection| {
                let place = number.checked_sub(1).filter(|place| *place < connection.rules.len());
                let place = place.ok_or_else(|| no_rule(number, connection.rules.len()))?;
                connection.rules.remove(place);
                Ok(())
            });
            let changed = changed.await?;
            let left = changed.rules.len();
            output::line(format_args!("rule {number} removed from connection {}; {left} left", changed.name))
        }
    }
}

async fn add(installation: &Installation, add: RuleAdd) -> Outcome {
    let directory = installation.directory().await?;
    let tenant = find::connection(&directory, &add.connection.connection, add.connection.tenant.as_deref())?.tenant;
    let rule = identity::Rule {
        roles: find::roles(&add.roles)?,
        clinics: find::clinics(&directory, tenant, &add.clinics)?,
        purpose: add.purpose.into(),
        when: criterion(&add)?,
    };
    let mut number = 0;
    let changed = change(installation, &add.connection, |connection| {
        let last = connection.rules.len().saturating_add(1);
        number = add.at.unwrap_or(last);
        let place = number.checked_sub(1).filter(|_| number <= last);
        connection.rules.insert(place.ok_or_else(|| no_rule(number, connection.rules.len()))?, rule.clone());
        Ok(())
    });
    let changed = changed.await?;
    output::line(format_args!("rule {number} added to connection {}: in force within a second", changed.name))
}

/// The command line lets exactly one of the four be given.
fn criterion(add: &RuleAdd) -> Outcome<Criterion> {
    let attribute = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok(Criterion::Attribute { name: name.to_owned(), value: value.to_owned() }),
        None => Err(Stop::new(Exit::Usage, "an attribute is given as NAME=VALUE, as department=laboratory")),
    };
    let plain = add.if_role.clone().map(Criterion::Role);
    let plain = plain.or_else(|| add.if_group.clone().map(Criterion::Group));
    let plain = plain.or_else(|| add.if_subject.clone().map(Criterion::Subject)).map(Ok);
    plain.or_else(|| add.if_attribute.as_ref().map(attribute)).unwrap_or_else(|| {
        Err(Stop::new(Exit::Usage, "a rule needs --if-role, --if-group, --if-attribute or --if-subject"))
    })
}

/// Returns the rules as a table, in their order.
pub(super) fn rows(directory: &Directory, connection: &Connection) -> Vec<Vec<String>> {
    let mut rows = vec![["RULE", "WHOEVER HAS", "BECOMES", "IN CLINICS", "FOR"].map(str::to_owned).to_vec()];
    for (place, rule) in connection.rules.iter().enumerate() {
        let whoever = match &rule.when {
            Criterion::Role(role) => format!("role {role}"),
            Criterion::Group(group) => format!("group {group}"),
            Criterion::Attribute { name, value } => format!("{name} = {value}"),
            Criterion::Subject(subject) => format!("subject {subject}"),
        };
        rows.push(vec![
            place.saturating_add(1).to_string(),
            output::printable(&whoever),
            find::names_of(rule.roles),
            find::clinic_names(directory, &rule.clinics),
            find::purpose_name(rule.purpose).to_owned(),
        ]);
    }
    if connection.rules.is_empty() {
        rows.push(["-", "nobody is admitted yet", "", "", ""].map(str::to_owned).to_vec());
    }
    rows
}

fn no_rule(number: usize, rules: usize) -> Stop {
    let line = format!("there is no place {number} among {rules} rules: `sealgate connection rule list` shows them");
    Stop::new(Exit::Failed, line)
}
