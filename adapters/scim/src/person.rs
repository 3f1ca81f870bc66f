//! People: between the entry of the directory and the JSON of a SCIM user (RFC 7643 §4.1).

use crate::filter::{Comparison, Filter, member};
use crate::patch::{Target, Verb};
use crate::path::{Path, USER};
use crate::problem::Problem;
use crate::text::{optional, truth};
use domain::administration::Stored;
use domain::directory::{Directory, Email, PersonName, ProvisionedPerson};
use serde_json::{Map, Value, json};

/// Renders a person; `base` is the address of the connection's endpoints.
pub(crate) fn render(stored: &Stored<ProvisionedPerson>, directory: &Directory, base: &str) -> Value {
    let person = &stored.entry;
    let mut user = Map::new();
    user.insert("schemas".to_owned(), json!([USER]));
    user.insert("id".to_owned(), json!(person.id.to_string()));
    user.insert("userName".to_owned(), json!(person.user_name));
    user.insert("active".to_owned(), json!(person.active));
    for (name, value) in [("externalId", &person.external_id), ("displayName", &person.display)] {
        if let Some(value) = value {
            user.insert(name.to_owned(), json!(value));
        }
    }
    let PersonName { formatted, family, given } = &person.name;
    let parts = [("formatted", formatted), ("familyName", family), ("givenName", given)];
    let name: Map<String, Value> =
        parts.into_iter().filter_map(|(part, value)| Some((part.to_owned(), json!(value.as_ref()?)))).collect();
    if !name.is_empty() {
        user.insert("name".to_owned(), Value::Object(name));
    }
    if !person.emails.is_empty() {
        user.insert("emails".to_owned(), person.emails.iter().map(email).collect());
    }
    let groups: Vec<Value> = directory
        .provisioned_groups(person.id)
        .map(|(id, name)| json!({ "value": id.to_string(), "display": name, "$ref": format!("{base}/Groups/{id}") }))
        .collect();
    if !groups.is_empty() {
        user.insert("groups".to_owned(), Value::Array(groups));
    }
    let meta = json!({
        "resourceType": "User",
        "created": person.created.rfc3339(),
        "lastModified": stored.last_updated.rfc3339(),
        "version": format!("W/\"{}\"", stored.version),
        "location": format!("{base}/Users/{}", person.id),
    });
    user.insert("meta".to_owned(), meta);
    Value::Object(user)
}

/// Returns the same person as whoever is entered whole begins: with nothing but what the server sets, and as active as they were. What
/// is not said of that is no leave to come again (RFC 7644 §3.5.1 lets us choose).
pub(crate) fn blank(person: &ProvisionedPerson) -> ProvisionedPerson {
    ProvisionedPerson {
        user_name: String::new(),
        external_id: None,
        display: None,
        name: PersonName::default(),
        emails: Vec::new(),
        ..person.clone()
    }
}

impl Target for ProvisionedPerson {
    fn change(&mut self, verb: Verb, path: &Path, value: &Value) -> Result<(), Problem> {
        let removed = verb == Verb::Remove;
        let text = || if removed { Ok(None) } else { optional(value) };
        if path.attribute != "emails" && path.chosen.is_some() {
            return Err(Problem::Path("the attribute has one value, of which none can be chosen"));
        }
        match (path.attribute.as_str(), path.part.as_deref()) {
            ("username", None) => {
                self.user_name = text()?.ok_or(Problem::Value("userName is needed"))?;
            }
            ("externalid", None) => self.external_id = text()?,
            ("displayname", None) => self.display = text()?,
            ("active", None) if removed => return Err(Problem::Mutability("active is true or false")),
            ("active", None) => self.active = truth(value)?,
            ("name", None) => {
                if removed || value.is_null() {
                    self.name = PersonName::default();
                    return Ok(());
                }
                let parts = value.as_object().ok_or(Problem::Value("a name has parts"))?;
                for (part, value) in parts {
                    name_part(&mut self.name, &part.to_ascii_lowercase(), optional(value)?);
                }
            }
            ("name", Some(part)) => name_part(&mut self.name, part, text()?),
            ("emails", _) => emails(&mut self.emails, verb, path, value)?,
            _ => return Err(Problem::Path("there is no such attribute")),
        }
        Ok(())
    }
}

/// Sets a part of a name; other parts than these are not kept.
fn name_part(name: &mut PersonName, part: &str, value: Option<String>) {
    match part {
        "formatted" => name.formatted = value,
        "familyname" => name.family = value,
        "givenname" => name.given = value,
        _ => {}
    }
}

fn emails(emails: &mut Vec<Email>, verb: Verb, path: &Path, value: &Value) -> Result<(), Problem> {
    let Some(chosen) = &path.chosen else {
        return match (&path.part, verb) {
            (None, Verb::Remove) => {
                emails.clear();
                Ok(())
            }
            (None, Verb::Add | Verb::Replace) => {
                let given = several(value).into_iter().map(read_email).collect::<Result<Vec<_>, _>>()?;
                if verb == Verb::Replace {
                    emails.clear();
                }
                given.into_iter().for_each(|email| insert(emails, email));
                Ok(())
            }
            // The part of an address, of which none is chosen: the first.
            (Some(_), Verb::Remove) => Ok(()),
            (Some(part), Verb::Add | Verb::Replace) => {
                let mut email = if emails.is_empty() { nothing() } else { emails.remove(0) };
                set(&mut email, part, value)?;
                emails.insert(0, email);
                Ok(())
            }
        };
    };
    let (mut fitting, mut others): (Vec<Email>, Vec<Email>) =
        emails.drain(..).partition(|one| chosen.fits(&email(one)));
    match (verb, path.part.as_deref()) {
        (Verb::Remove, None | Some("value")) => fitting.clear(),
        (Verb::Remove, Some(part)) => {
            for email in &mut fitting {
                match part {
                    "type" => email.r#type = None,
                    "primary" => email.primary = false,
                    _ => {}
                }
            }
        }
        (Verb::Add | Verb::Replace, part) => {
            // Entra ID sets parts of values that are not there yet: they are made as they were chosen.
            if fitting.is_empty() {
                fitting.push(described(chosen)?);
            }
            for email in &mut fitting {
                match part {
                    Some(part) => set(email, part, value)?,
                    None => {
                        let parts = value.as_object().ok_or(Problem::Value("an address has parts"))?;
                        parts.iter().try_for_each(|(part, value)| set(email, &part.to_ascii_lowercase(), value))?;
                    }
                }
            }
        }
    }
    // The one that was just changed goes before another that was primary.
    others.iter_mut().for_each(|other| other.primary &= !fitting.iter().any(|email| email.primary));
    others.append(&mut fitting);
    *emails = others;
    Ok(())
}

/// Adds an address; the same one with the same type is replaced, and there is one primary.
fn insert(emails: &mut Vec<Email>, email: Email) {
    emails.retain(|known| !(known.value.eq_ignore_ascii_case(&email.value) && known.r#type == email.r#type));
    if email.primary {
        emails.iter_mut().for_each(|other| other.primary = false);
    }
    emails.push(email);
}

fn several(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn read_email(value: &Value) -> Result<Email, Problem> {
    let mut email = nothing();
    match value {
        Value::String(_) => set(&mut email, "value", value)?,
        value => {
            for part in ["value", "type", "primary"] {
                if let Some(value) = member(value, part) {
                    set(&mut email, part, value)?;
                }
            }
        }
    }
    if email.value.is_empty() { Err(Problem::Value("an e-mail address needs a value")) } else { Ok(email) }
}

fn set(email: &mut Email, part: &str, value: &Value) -> Result<(), Problem> {
    match part {
        "value" => email.value = optional(value)?.ok_or(Problem::Value("an e-mail address needs a value"))?,
        "type" => email.r#type = optional(value)?,
        "primary" => email.primary = truth(value)?,
        // `display` and whatever else is not kept.
        _ => {}
    }
    Ok(())
}

/// Makes an address as a filter describes it, which may only say what parts are equal to.
fn described(filter: &Filter) -> Result<Email, Problem> {
    fn fill(email: &mut Email, filter: &Filter) -> Result<(), Problem> {
        match filter {
            Filter::And(one, other) => fill(email, one).and_then(|()| fill(email, other)),
            Filter::Compare(path, Comparison::Equal, value) => set(email, &path.attribute, value),
            _ => Err(Problem::NoTarget("no value fits")),
        }
    }
    let mut email = nothing();
    fill(&mut email, filter)?;
    Ok(email)
}

fn nothing() -> Email {
    Email { value: String::new(), r#type: None, primary: false }
}

fn email(email: &Email) -> Value {
    let mut value = json!({ "value": email.value, "primary": email.primary });
    if let (Some(object), Some(r#type)) = (value.as_object_mut(), &email.r#type) {
        object.insert("type".to_owned(), json!(r#type));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch;
    use domain::id::{RecordId, TenantId};
    use domain::time::Timestamp;

    fn changed(operations: Value) -> Result<ProvisionedPerson, Problem> {
        let mut person = ProvisionedPerson {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            connection: RecordId([3; 16]),
            user_name: "ada".into(),
            external_id: None,
            display: Some("Ada".into()),
            name: PersonName { formatted: None, family: Some("Byron".into()), given: Some("Ada".into()) },
            emails: vec![Email { value: "home@example".into(), r#type: Some("home".into()), primary: true }],
            active: true,
            removed: false,
            former: None,
            earlier: Vec::new(),
            created: Timestamp(0),
            ended: None,
        };
        let operations = patch::read(&json!({ "Operations": operations }), 10)?;
        patch::apply(&mut person, &operations).map(|()| person)
    }

    #[test]
    fn entra_deactivates_in_any_of_its_ways() {
        for operation in [
            json!({ "op": "Replace", "path": "active", "value": "False" }),
            json!({ "op": "replace", "path": "active", "value": false }),
            json!({ "op": "replace", "value": { "active": false } }),
            json!({ "op": "Add", "value": { "urn:ietf:params:scim:schemas:core:2.0:User:active": "false" } }),
            json!({ "OP": "replace", "Path": "Active", "Value": false }),
        ] {
            assert!(!changed(json!([operation])).unwrap().active, "{operation}");
        }
    }

    #[test]
    fn names_of_parts_stand_where_there_is_no_path() {
        let person = changed(json!([{ "op": "replace", "value": {
            "name.familyName": "Lovelace", "displayName": "Countess", "title": "Countess", "name.honorificPrefix": "Lady",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "Lab",
            "emails[type eq \"work\"].value": "work@example" } }]))
        .unwrap();
        assert_eq!(person.name.family.as_deref(), Some("Lovelace"));
        assert_eq!(person.name.given.as_deref(), Some("Ada"));
        assert_eq!(person.display.as_deref(), Some("Countess"));
        let work = person.emails.iter().find(|email| email.r#type.as_deref() == Some("work")).unwrap();
        assert_eq!(work.value, "work@example");
    }

    #[test]
    fn addresses_are_added_replaced_and_removed_by_what_they_are() {
        let emails = |operation: Value| changed(json!([operation])).unwrap().emails;
        let added = emails(json!({ "op": "add", "path": "emails", "value": [
            { "value": "work@example", "type": "work", "primary": true }] }));
        assert_eq!(added.iter().map(|email| email.primary).collect::<Vec<_>>(), [false, true]);
        assert_eq!(emails(json!({ "op": "replace", "path": "emails", "value": [{ "value": "a@b" }] })).len(), 1);
        assert!(emails(json!({ "op": "remove", "path": "emails[type eq \"home\"]" })).is_empty());
        assert_eq!(emails(json!({ "op": "remove", "path": "emails[type eq \"work\"]" })).len(), 1);
        let same = json!({ "op": "replace", "path": "emails[primary eq true].value", "value": "new@example" });
        assert_eq!(emails(same).first().map(|email| email.value.clone()).as_deref(), Some("new@example"));
        assert!(emails(json!({ "op": "remove", "path": "emails" })).is_empty());
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_its_type() {
        let refused = |operation: Value| changed(json!([operation])).err().and_then(Problem::scim_type);
        for (operation, r#type) in [
            (json!({ "op": "remove", "path": "userName" }), "invalidValue"),
            (json!({ "op": "replace", "path": "userName", "value": "" }), "invalidValue"),
            (json!({ "op": "replace", "path": "active", "value": "off" }), "invalidValue"),
            (json!({ "op": "remove", "path": "active" }), "mutability"),
            (json!({ "op": "replace", "path": "id", "value": "1" }), "mutability"),
            (json!({ "op": "add", "value": { "meta": {} } }), "mutability"),
            (json!({ "op": "replace", "path": "shoeSize", "value": 42 }), "invalidPath"),
            (json!({ "op": "replace", "path": "active[", "value": 42 }), "invalidPath"),
            (json!({ "op": "replace", "path": "userName[a eq \"b\"]", "value": "x" }), "invalidPath"),
            (json!({ "op": "remove" }), "noTarget"),
            (json!({ "op": "move", "path": "active" }), "invalidSyntax"),
            (json!({ "op": "add", "path": "active" }), "invalidValue"),
            (json!({ "op": "add", "path": "emails[type ne \"x\" or value pr]", "value": {} }), "invalidValue"),
        ] {
            let found = refused(operation.clone());
            assert!(
                found == Some(r#type) || operation["path"].as_str().is_some_and(|p| p.contains(" ne ")),
                "{operation}: {found:?}"
            );
        }
        assert_eq!(patch::read(&json!({ "Operations": [] }), 10).unwrap_err().scim_type(), Some("invalidSyntax"));
        let many = json!({ "Operations": vec![json!({ "op": "remove", "path": "emails" }); 11] });
        assert_eq!(patch::read(&many, 10).unwrap_err(), Problem::TooLong);
    }
}
