//! Names, addresses and telecommunication (XPN, XAD, XTN) as FHIR writes them.

use std::borrow::Cow;

use r4::json::{Array, Object};
use r4::tables::{address_type, address_use, name_use, telecom_system, telecom_use, uri};

use super::identity::trimmed;
use super::log::parts;
use super::moment::Moment;
use super::scope::Scope;
use crate::message::Repetition;

/// The components of XPN that a HumanName has room for.
pub(super) const XPN: u32 = parts(&[1, 2, 3, 4, 5, 6, 7, 10, 12, 13, 14]);
/// The components of XAD that an Address has room for.
pub(super) const XAD: u32 = parts(&[1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14, 19]);
/// The components of XTN that a ContactPoint has room for.
pub(super) const XTN: u32 = parts(&[1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14]);

/// The parts of a name; XPN and XCN have the same, XCN one component later.
pub(super) struct Name<'m> {
    pub(super) family: Cow<'m, str>,
    pub(super) given: [Cow<'m, str>; 2],
    suffix: [Cow<'m, str>; 3],
    prefix: Cow<'m, str>,
    kind: Cow<'m, str>,
}

impl<'m> Name<'m> {
    /// Reads XPN.
    pub(super) fn of_person(value: Repetition<'m>) -> Self {
        let text = |number: usize| trimmed(value.component(number).text());
        Self {
            family: trimmed(value.component(1).sub(1).text()),
            given: [text(2), text(3)],
            suffix: [text(4), text(6), text(14)],
            prefix: text(5),
            kind: text(7),
        }
    }

    /// Reads the name in XCN; the degree (XCN.7) is a qualification and no part of it.
    pub(super) fn of_practitioner(value: Repetition<'m>) -> Self {
        let text = |number: usize| trimmed(value.component(number).text());
        Self {
            family: trimmed(value.component(2).sub(1).text()),
            given: [text(3), text(4)],
            suffix: [text(5), Cow::Borrowed(""), text(21)],
            prefix: text(6),
            kind: text(10),
        }
    }

    /// Puts a name together from its parts.
    pub(super) fn of_parts(
        family: Cow<'m, str>,
        given: [Cow<'m, str>; 2],
        suffix: Cow<'m, str>,
        prefix: Cow<'m, str>,
    ) -> Self {
        let none = Cow::Borrowed("");
        Self { family, given, suffix: [suffix, none.clone(), none.clone()], prefix, kind: none }
    }

    /// Whether there is nothing to call the person by.
    pub(super) fn is_empty(&self) -> bool {
        self.family.is_empty() && self.given.iter().all(|given| given.is_empty())
    }

    /// Writes the members of a HumanName.
    pub(super) fn write(&self, json: &mut Object<'_>) {
        if let Some(code) = name_use(&self.kind) {
            json.text("use", code);
        }
        json.text("family", &self.family);
        json.array("given", |list| self.given.iter().for_each(|given| list.text(given)));
        json.array("prefix", |list| list.text(&self.prefix));
        json.array("suffix", |list| self.suffix.iter().for_each(|suffix| list.text(suffix)));
    }
}

/// Adds the names of a field.
pub(super) fn write_names<'m>(list: &mut Array<'_>, values: impl Iterator<Item = Repetition<'m>>, scope: &Scope<'_>) {
    for value in values {
        let name = Name::of_person(value);
        list.object(|json| {
            if name.is_empty() {
                return;
            }
            name.write(json);
            write_period(json, value, [12, 13], 10, scope);
        });
    }
}

/// Adds the addresses of a field.
pub(super) fn write_addresses<'m>(
    list: &mut Array<'_>,
    values: impl Iterator<Item = Repetition<'m>>,
    scope: &Scope<'_>,
) {
    for value in values {
        list.object(|json| write_address(json, value, scope));
    }
}

/// Writes the members of an Address; none when no place is named.
pub(super) fn write_address(json: &mut Object<'_>, value: Repetition<'_>, scope: &Scope<'_>) {
    let text = |number: usize| value.component(number).text();
    let kind = text(7);
    if [1usize, 2, 3, 4, 5, 6, 9].into_iter().all(|number| text(number).trim().is_empty()) {
        return;
    }
    if let Some(code) = address_use(&kind) {
        json.text("use", code);
    }
    if let Some(code) = address_type(&kind) {
        json.text("type", code);
    }
    json.array("line", |lines| {
        let street = value.component(1);
        if street.sub(1).is_empty() {
            let parts = [street.sub(3).text(), street.sub(2).text()];
            lines.text(parts.join(" ").trim());
        } else {
            lines.text(&street.sub(1).text());
        }
        lines.text(&text(2));
        lines.text(&text(19));
    });
    json.text("city", &text(3));
    json.text("district", &text(9));
    json.text("state", &text(4));
    json.text("postalCode", &text(5));
    json.text("country", &text(6));
    write_period(json, value, [13, 14], 12, scope);
}

/// Adds the numbers and mail addresses of a field; `used_as` is the use of those that name none.
pub(super) fn write_telecoms<'m>(
    list: &mut Array<'_>,
    values: impl Iterator<Item = Repetition<'m>>,
    used_as: Option<&str>,
    scope: &Scope<'_>,
) {
    for value in values {
        let equipment = telecom_system(&value.component(3).text());
        let mail = trimmed(value.component(4).text());
        let is_mail = match equipment {
            Some(equipment) => equipment.system == "email",
            None => !mail.is_empty() && value.component(3).is_empty(),
        };
        let address = if is_mail && !mail.is_empty() { mail } else { number_of(value) };
        if address.is_empty() {
            continue;
        }
        let system = match equipment {
            Some(equipment) => equipment.system,
            None if is_mail => "email",
            // A field of phone numbers: what names no equipment is a phone.
            None if value.component(3).is_empty() => "phone",
            None => "other",
        };
        let implied = equipment.and_then(|equipment| equipment.used_as);
        list.object(|json| {
            json.text("system", system);
            json.text("value", &address);
            if let Some(code) = implied.or_else(|| telecom_use(&value.component(2).text())).or(used_as) {
                json.text("use", code);
            }
            write_period(json, value, [13, 14], 0, scope);
        });
    }
}

/// The number as a whole (XTN.12, XTN.1), or put together from country, area, local number and extension.
fn number_of(value: Repetition<'_>) -> Cow<'_, str> {
    let text = |number: usize| trimmed(value.component(number).text());
    let local = text(7);
    let whole = [text(12), text(1)].into_iter().find(|whole| !whole.is_empty());
    match whole {
        Some(whole) => whole,
        None if local.is_empty() => Cow::Borrowed(""),
        None => {
            let mut number = String::with_capacity(24);
            let (country, area, extension) = (text(5), text(6), text(8));
            if !country.is_empty() {
                number.push('+');
                number.push_str(country.trim_start_matches('+'));
                number.push(' ');
            }
            if !area.is_empty() {
                number.push_str(&area);
                number.push(' ');
            }
            number.push_str(&local);
            if !extension.is_empty() {
                number.push_str(" X");
                number.push_str(&extension);
            }
            Cow::Owned(number)
        }
    }
}

/// Writes `period` from two components, or from one that holds both (DR).
fn write_period(
    json: &mut Object<'_>,
    value: Repetition<'_>,
    [start, end]: [usize; 2],
    range: usize,
    scope: &Scope<'_>,
) {
    let zone = &scope.sender.time_zone;
    let read = |number: usize, sub: usize| {
        let component = value.component(number);
        let own = Moment::read(&component.text(), zone);
        own.or_else(|| (range > 0).then(|| Moment::read(&value.component(range).sub(sub).text(), zone)).flatten())
    };
    let (start, end) = (read(start, 1), read(end, 2));
    if start.is_none() && end.is_none() {
        return;
    }
    json.object("period", |period| {
        if let Some(start) = start {
            start.write(period, "start", zone);
        }
        if let Some(end) = end {
            end.write(period, "end", zone);
        }
    });
}

/// Adds an entry that says the sender deleted what was there (`""`), so that a merge does not bring it back.
pub(super) fn write_deleted(list: &mut Array<'_>) {
    list.object(|entry| {
        entry.single("extension", |extension| {
            extension.text("url", uri::ABSENT);
            extension.text("valueCode", "unknown");
        });
    });
}
