//! One message as a page: raw, mapped, not mapped, issues; the same parts as text and as JSON.

use crate::exit::{Exit, Outcome, Stop};
use crate::output::{self, printable};
use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::{MessageView, Resource};
use domain::write::Routing;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A message with what became of it.
pub(super) struct Page {
    pub(super) message: MessageView,
    pub(super) trace: Trace,
    pub(super) mapped: Vec<Mapped>,
}

/// A resource that fields went to.
pub(super) struct Mapped {
    pub(super) kind: Kind,
    pub(super) id: RecordId,
    /// As it is now; `None` when the message did not write it.
    pub(super) content: Option<Resource>,
}

/// The account of a mapping, as the HL7 adapter writes it; it names places, never values.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Trace {
    mapped: Vec<Went>,
    not_mapped: Vec<Unmapped>,
    issues: Vec<Issue>,
}

/// Fields of one segment that went to one resource, each with the element it became.
#[derive(Serialize, Deserialize)]
struct Went {
    from: String,
    to: String,
    #[serde(default)]
    fields: Vec<(u32, String)>,
    /// The earlier item, counted from 0, that has the same fields; they are filled in when the account is read.
    #[serde(default, skip_serializing)]
    like: Option<usize>,
}

/// A valued place that went nowhere.
#[derive(Serialize, Deserialize)]
struct Unmapped {
    path: String,
    reason: String,
}

/// What was wrong with a place.
#[derive(Serialize, Deserialize)]
struct Issue {
    path: String,
    code: String,
    text: String,
}

impl Trace {
    /// Reads the account; `None` when it is not one.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut trace: Self = serde_json::from_str(text).ok()?;
        for at in 0..trace.mapped.len() {
            let like = trace.mapped.get(at).and_then(|went| went.like);
            let fields = like.and_then(|like| trace.mapped.get(like)).map(|earlier| earlier.fields.clone());
            if let (Some(went), Some(fields)) = (trace.mapped.get_mut(at), fields) {
                went.fields = fields;
            }
        }
        Some(trace)
    }

    /// Returns every resource that it names, in order and once.
    pub(super) fn resources(&self) -> Vec<(Kind, RecordId)> {
        let mut resources = Vec::new();
        for went in &self.mapped {
            let Some((kind, id)) = went.to.split_once('/') else { continue };
            let (Some(kind), Ok(id)) = (Kind::from_name(kind), id.parse()) else { continue };
            if kind.is_fhir() && !resources.contains(&(kind, id)) {
                resources.push((kind, id));
            }
        }
        resources
    }
}

impl Page {
    /// Prints the page for a terminal: control characters of the sender's do not reach it.
    pub(super) fn as_text(&self) -> Outcome {
        let heading = &self.message.heading;
        output::line(format_args!("{} {}", heading.kind.name(), heading.id))?;
        output::line(format_args!(
            "received {}   state {}   {} bytes",
            heading.received.rfc3339(),
            heading.routing.name(),
            self.message.raw.len()
        ))?;

        if let Some(reason) = heading.reason.as_deref().filter(|_| heading.routing != Routing::Mapped) {
            output::line(format_args!("reason   {}", printable(reason)))?;
        }

        output::line("\nRAW")?;
        for segment in String::from_utf8_lossy(&self.message.raw).split(['\r', '\n']).filter(|line| !line.is_empty()) {
            output::line(format_args!("  {}", printable(segment)))?;
        }
        if self.message.trace.is_none() {
            return output::line("\nNot a message that could be read: nothing was mapped.");
        }

        output::line(match heading.routing {
            Routing::Late => "\nMAPPED, BUT OLDER THAN WHAT IS STORED (below: what is stored now)",
            Routing::Quarantined | Routing::Unmapped | Routing::Dismissed => "\nWOULD MAP TO (kept out of the records)",
            Routing::None | Routing::Mapped | Routing::Review => "\nMAPPED (below: what is stored now)",
        })?;
        if self.mapped.is_empty() {
            output::line("  nothing")?;
        }
        for (place, mapped) in self.mapped.iter().enumerate() {
            if place > 0 {
                output::line("")?;
            }
            self.resource(mapped)?;
        }

        output::line("\nNOT MAPPED")?;
        if self.trace.not_mapped.is_empty() {
            output::line("  nothing")?;
        }
        for place in &self.trace.not_mapped {
            output::line(format_args!("  {}  {}", printable(&place.path), printable(&place.reason)))?;
        }

        output::line("\nISSUES")?;
        if self.trace.issues.is_empty() {
            output::line("  none")?;
        }
        for issue in &self.trace.issues {
            output::line(format_args!(
                "  {}  {}: {}",
                printable(&issue.path),
                printable(&issue.code),
                printable(&issue.text)
            ))?;
        }
        Ok(())
    }

    fn resource(&self, mapped: &Mapped) -> Outcome {
        let name = format!("{}/{}", mapped.kind.name(), mapped.id);
        match &mapped.content {
            Some(resource) => output::line(format_args!(
                "  {name}   version {}, {}",
                resource.version,
                resource.last_updated.rfc3339()
            ))?,
            None => output::line(format_args!("  {name}   not stored by this message, or gone"))?,
        }
        for went in self.trace.mapped.iter().filter(|went| went.to == name) {
            let fields: Vec<_> = went.fields.iter().map(|(number, element)| format!("{number} → {element}")).collect();
            output::line(format_args!("    {}: {}", printable(&went.from), printable(&fields.join(", "))))?;
        }
        let content = mapped.content.as_ref().map(|resource| r4::pretty(&resource.content)).unwrap_or_default();
        for line in content.lines() {
            output::line(format_args!("    {}", printable(line)))?;
        }
        Ok(())
    }

    /// Prints the page as one JSON object on one line; numbers of the resources keep their text.
    pub(super) fn as_json(&self) -> Outcome {
        let unreadable = |_| Stop::new(Exit::Failed, "a stored resource is not JSON");
        let mut resources = Vec::new();
        for mapped in &self.mapped {
            let content = mapped.content.as_ref();
            resources.push(ResourceForm {
                reference: format!("{}/{}", mapped.kind.name(), mapped.id),
                version: content.map(|resource| resource.version),
                last_updated: content.map(|resource| resource.last_updated.rfc3339()),
                resource: content
                    .map(|resource| serde_json::from_str::<&RawValue>(&resource.content))
                    .transpose()
                    .map_err(unreadable)?,
            });
        }
        let heading = &self.message.heading;
        let readable = std::str::from_utf8(&self.message.raw);
        let form = PageForm {
            id: heading.id.to_string(),
            kind: heading.kind.name(),
            received: heading.received.rfc3339(),
            state: heading.routing.name(),
            reason: heading.reason.as_deref(),
            raw: readable.ok(),
            raw_hex: readable.is_err().then(|| self.message.raw.iter().map(|byte| format!("{byte:02x}")).collect()),
            resources,
            trace: &self.trace,
        };
        let text = serde_json::to_string(&form).map_err(unreadable)?;
        output::line(text)
    }
}

#[derive(Serialize)]
struct PageForm<'a> {
    id: String,
    kind: &'static str,
    received: String,
    state: &'static str,
    reason: Option<&'a str>,
    /// The bytes as text, where they are UTF-8.
    raw: Option<&'a str>,
    /// The bytes in hex, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_hex: Option<String>,
    resources: Vec<ResourceForm<'a>>,
    #[serde(flatten)]
    trace: &'a Trace,
}

#[derive(Serialize)]
struct ResourceForm<'a> {
    reference: String,
    version: Option<u32>,
    last_updated: Option<String>,
    resource: Option<&'a RawValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_names_each_resource_once_and_only_what_is_served() {
        let id = "018f0000-0000-7000-8000-000000000001";
        let text = format!(
            r#"{{"version":1,"mapped":[
                {{"from":"PID[1]","to":"Patient/{id}","fields":[[3,"identifier"],[5,"name"]]}},
                {{"from":"PD1[1]","to":"Patient/{id}","fields":[[4,"generalPractitioner"]]}},
                {{"from":"MSH[1]","to":"Tenant/{id}","fields":[]}},
                {{"from":"OBR[1]","to":"DiagnosticReport/{id}","fields":[[3,"identifier"]]}}],
                "not_mapped":[{{"path":"OBX[2]-5.3","reason":"no_target"}}],"issues":[]}}"#
        );
        let trace = Trace::read(&text).unwrap();
        let id = id.parse().unwrap();
        assert_eq!(trace.resources(), [(Kind::Patient, id), (Kind::DiagnosticReport, id)]);
        assert!(Trace::read("7").is_none());
    }

    #[test]
    fn an_item_like_an_earlier_one_has_its_fields() {
        let text = r#"{"version":2,"mapped":[
            {"from":"OBX[1]","to":"Observation/a","fields":[[3,"code"]]},
            {"from":"OBX[2]","to":"Observation/b","like":0},
            {"from":"OBX[3]","to":"Observation/c","like":9}]}"#;
        let trace = Trace::read(text).unwrap();
        let fields: Vec<_> = trace.mapped.iter().map(|went| went.fields.len()).collect();
        assert_eq!(fields, [1, 1, 0]);
    }
}
