//! What a later resource leaves out stays as it is stored: empty means unchanged (HL7 v2.5.1 §2.5.3).

use super::members::Members;
use crate::tables::uri;

/// The code by which the mapping marks what it wrote because nothing was sent.
const NOT_SENT: &str = "\"not-sent\"";

/// Where a time comes from that stands in for one of the order.
const STAND_INS: [&str; 2] = ["\"specimen-collection\"", "\"first-result\""];

/// Elements with a choice of types: one of them replaces any other.
const CHOICES: [&str; 5] = ["deceased", "multipleBirth", "effective", "occurrence", "collected"];

/// Of an Observation, what does not belong to its value: a value brings its flags, ranges and notes itself.
const BESIDE_THE_VALUE: [&str; 8] =
    ["effective", "performer", "method", "bodySite", "device", "specimen", "encounter", "basedOn"];

/// Takes over what did not come.
pub(super) struct Filling<'s, 'a> {
    stored: &'s Members<'a>,
}

impl<'s, 'a> Filling<'s, 'a> {
    pub(super) fn of(stored: &'s Members<'a>) -> Self {
        Self { stored }
    }

    /// Fills a resource; its profile stays with it where `profiled_by`, the element that the profile hangs on, did not come.
    pub(super) fn resource(&self, joined: &mut Members<'a>, profiled_by: Option<&str>) {
        let unprofiled = profiled_by.is_some_and(|name| joined.get(name).is_none() || self.stands_in(joined, name));
        self.yield_stand_ins(joined);
        let kept = if unprofiled { profile_of(self.stored) } else { None };
        let profile = profile_of(joined).or(kept);
        self.write_meta(joined, profile);
        joined.unite_by("extension", self.stored, url_of);
        if let Some(collection) = self.nested("collection", joined) {
            joined.replace("collection", collection);
        }
        self.rest(joined, |_| true);
    }

    /// Fills a report. It is of the profile for laboratories when either was, and what follows is a laboratory's with a time.
    ///
    /// One that was taken back keeps its numbers and labels alone: notes and times of the past do not stand beside it.
    pub(super) fn report(&self, joined: &mut Members<'a>) {
        if joined.get("status") == Some("\"entered-in-error\"") {
            joined.unite_by("identifier", self.stored, type_of);
            let profile = profile_of(joined);
            return self.write_meta(joined, profile);
        }
        self.yield_stand_ins(joined);
        joined.unite_by("extension", self.stored, url_of);
        joined.unite_by("identifier", self.stored, type_of);
        // What is a list of both, or of documents, was joined already; an empty one is meant.
        self.rest(joined, |name| name != "presentedForm");
        let conforms = joined.get("category").is_some_and(|category| category.contains("\"LAB\""))
            && (joined.get("effectiveDateTime").is_some() || joined.get("effectivePeriod").is_some());
        let profile = profile_of(joined).or_else(|| profile_of(self.stored)).filter(|_| conforms);
        self.write_meta(joined, profile);
    }

    /// Fills an observation beside its value.
    pub(super) fn observation(&self, joined: &mut Members<'a>) {
        self.rest(joined, |name| BESIDE_THE_VALUE.contains(&element(name)));
    }

    /// An element that is an object, filled member by member; `None` unless both have it.
    pub(super) fn nested(&self, name: &str, joined: &Members<'a>) -> Option<String> {
        let (stored, mut inner) = (Members::read(self.stored.get(name)?)?, Members::read(joined.get(name)?)?);
        Filling::of(&stored).rest(&mut inner, |_| true);
        Some(inner.write_like(&stored))
    }

    /// Takes over every element that did not come and that `wanted` names.
    pub(super) fn rest(&self, joined: &mut Members<'a>, wanted: impl Fn(&str) -> bool) {
        let came: Vec<String> = joined.names().map(|name| element(name).to_owned()).collect();
        for name in self.stored.names().filter(|name| *name != "meta" && wanted(name)) {
            // A value and the extensions of the value (_birthDate) belong together.
            if !came.iter().any(|other| other == element(name)) {
                joined.keep(name, self.stored);
            }
        }
    }

    /// Removes what was written because nothing was sent, where something is stored.
    fn yield_stand_ins(&self, joined: &mut Members<'a>) {
        let has = |element_name: &str| self.stored.names().any(|name| element(name) == element_name);
        let gone: Vec<String> = joined
            .names()
            .filter(|name| has(element(name)) && self.stands_in(joined, name))
            .map(|name| element(name).to_owned())
            .collect();
        joined.remove_where(|name| gone.iter().any(|gone| gone == element(name)));
    }

    fn stands_in(&self, joined: &Members<'_>, name: &str) -> bool {
        let Some(text) = joined.get(name) else { return false };
        match name {
            // Were it sent, the code it was sent as would stand beside it.
            "status" if joined.get("resourceType") == Some("\"Encounter\"") => false,
            "gender" | "status" => text == "\"unknown\"" && joined.get(&format!("_{name}")).is_none(),
            "intent" => text == "\"order\"" && joined.get("_intent").is_none(),
            "category" | "class" => text.contains(NOT_SENT),
            "type" | "code" => text == UNKNOWN_CONCEPT,
            "_effectiveDateTime" if joined.get("effectiveDateTime").is_none() => {
                text.contains(uri::ABSENT) && text.contains("\"unknown\"")
            }
            "_effectiveDateTime" => {
                let assumed = |text: &str| STAND_INS.iter().any(|whence| text.contains(whence));
                assumed(text)
                    && self.stored.names().any(|name| name.starts_with("effective"))
                    && !self.stored.get(name).is_some_and(assumed)
            }
            _ => false,
        }
    }

    /// Writes `meta` with this profile or none, and the stored labels where none came.
    fn write_meta(&self, joined: &mut Members<'a>, profile: Option<String>) {
        let came = joined.get("meta").unwrap_or("{}").to_owned();
        let stored = self.stored.get("meta").unwrap_or("{}");
        let (Some(mut meta), Some(stored)) = (Members::read(&came), Members::read(stored)) else {
            return;
        };
        match profile {
            Some(profile) => meta.replace("profile", profile),
            None => meta.remove("profile"),
        }
        if let (None, Some(security)) = (meta.get("security"), stored.get("security")) {
            meta.replace("security", security.to_owned());
        }
        match meta.write_like(&stored) {
            none if none == "{}" => joined.remove("meta"),
            text => joined.replace("meta", text),
        }
    }
}

/// What the mapping writes for a concept that was not sent.
const UNKNOWN_CONCEPT: &str =
    r#"{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#;

/// The element a member belongs to: `_birthDate` to `birthDate`, and each type of a choice to the choice.
fn element(name: &str) -> &str {
    let name = name.trim_start_matches('_');
    CHOICES.into_iter().find(|choice| name.starts_with(choice)).unwrap_or(name)
}

fn profile_of(members: &Members<'_>) -> Option<String> {
    let meta = Members::read(members.get("meta")?)?;
    meta.get("profile").map(ToOwned::to_owned)
}

/// The URL of an extension.
fn url_of(extension: &str) -> Option<String> {
    Members::read(extension)?.get("url").map(ToOwned::to_owned)
}

/// The type of an identifier: a placer's or a filler's number gives way to another such.
pub(super) fn type_of(identifier: &str) -> Option<String> {
    Members::read(identifier)?.get("type").map(ToOwned::to_owned)
}
