//! A question that was understood.

use super::test::Test;
use super::{Fault, Settings, alternatives, date, ids, include, reference};
use crate::scan::{Json, Member};
use domain::id::RecordId;
use domain::index::Term;
use domain::kind::Kind;
use domain::time::Timestamp;

/// A question that was understood: what to look up, what to test, how much to return.
pub struct Query {
    kind: Kind,
    base: String,
    tests: Vec<Test>,
    /// The members of a resource that the tests look at; what comes behind the last of them is not read.
    names: Vec<&'static str>,
    updated: Vec<Vec<date::Asked>>,
    ids: Option<Vec<RecordId>>,
    terms: Vec<Vec<Term>>,
    count: Option<u32>,
    page: u32,
    total: Option<Total>,
    only_count: bool,
    include: bool,
    pub(super) applied: Vec<(String, String)>,
    pub(super) ignored: usize,
}

/// Whether `Bundle.total` is wanted (`_total`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// Only where it costs nothing.
    None,
    /// Always, exactly.
    Accurate,
}

impl Query {
    pub(super) fn new(kind: Kind, settings: Settings<'_>) -> Self {
        Self {
            kind,
            base: settings.base.to_owned(),
            tests: Vec::new(),
            names: Vec::new(),
            updated: Vec::new(),
            ids: None,
            terms: Vec::new(),
            count: None,
            page: settings.default_count.min(settings.max_count),
            total: None,
            only_count: false,
            include: false,
            applied: Vec::new(),
            ignored: 0,
        }
    }

    /// Returns the type asked for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the terms to look up: all of the groups, any term in one. None: the index cannot narrow the question.
    #[must_use]
    pub fn terms(&self) -> &[Vec<Term>] {
        &self.terms
    }

    /// Returns the ids asked for by `_id`, those that fit every `_id` given.
    #[must_use]
    pub fn ids(&self) -> Option<&[RecordId]> {
        self.ids.as_deref()
    }

    /// Returns most matches on a page.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.page
    }

    /// Returns whether a total is wanted.
    #[must_use]
    pub fn total(&self) -> Total {
        self.total.unwrap_or(Total::None)
    }

    /// Says whether only the number of matches is wanted (`_summary=count` or `_count=0`).
    #[must_use]
    pub fn only_count(&self) -> bool {
        self.only_count
    }

    /// Says whether what `_include` names is to be added.
    #[must_use]
    pub fn includes(&self) -> bool {
        self.include
    }

    /// Returns the size of a page, where one was asked for.
    #[must_use]
    pub fn asked_count(&self) -> Option<u32> {
        self.count.map(|_| self.page)
    }

    /// Returns how many unknown parameters were left out, for a lenient client.
    #[must_use]
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// Says whether a resource is an answer; what the index said is checked again here.
    #[must_use]
    pub fn matches(&self, last_updated: Timestamp, content: &str) -> bool {
        if !self.updated.iter().all(|any_of| any_of.iter().any(|date| date.fits_moment(last_updated))) {
            return false;
        }
        if self.tests.is_empty() {
            return true;
        }
        let mut members: Vec<Member<'_>> = Vec::with_capacity(self.names.len());
        for member in Json::of(content).members() {
            if self.names.iter().any(|name| member.is(name)) {
                members.push(member);
                if members.len() == self.names.len() {
                    break;
                }
            }
        }
        self.tests.iter().all(|test| test.passes(&members))
    }

    /// Returns the resources that `_include` adds for a match.
    #[must_use]
    pub fn included(&self, content: &str) -> Vec<(Kind, RecordId)> {
        let mut found = Vec::new();
        if self.include {
            Json::of(content).any(&["result", "reference"], &mut |value| {
                let text = value.string();
                let target = text.as_deref().and_then(|text| reference::target(text, &self.base));
                if let Some(("Observation", id)) = target
                    && let Ok(id) = id.parse()
                {
                    found.push((Kind::Observation, id));
                }
                false
            });
        }
        found
    }

    /// Returns the query string that says what was understood, encoded, for the `self` link.
    #[must_use]
    pub fn self_query(&self) -> String {
        let mut out = self.identity();
        if self.count.is_some() {
            push_pair(&mut out, "_count", &self.page.to_string());
        }
        out
    }

    /// Returns the same without the size of a page: what a cursor carries.
    #[must_use]
    pub fn identity(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.applied {
            push_pair(&mut out, name, value);
        }
        out
    }

    pub(super) fn add(&mut self, test: Test) {
        self.terms.extend(test.terms(self.kind));
        for name in test.parameter.paths.iter().filter_map(|path| path.first()) {
            if !self.names.contains(name) {
                self.names.push(name);
            }
        }
        self.tests.push(test);
    }

    /// Takes a parameter that every type has; `false` when it is none of them.
    pub(super) fn take_control(&mut self, name: &str, value: &str, settings: Settings<'_>) -> Result<bool, Fault> {
        match name {
            "_id" => {
                let asked = ids(self.kind, value)?;
                self.ids = Some(match self.ids.take() {
                    None => asked,
                    Some(before) => before.into_iter().filter(|id| asked.contains(id)).collect(),
                });
            }
            "_lastUpdated" => {
                self.updated.push(alternatives("_lastUpdated", value, |text| date::Asked::read(text, settings.now))?);
            }
            "_include" => {
                let wanted = include(self.kind).ok_or(Fault::Value("_include"))?;
                let fits = value == wanted || value.strip_prefix(wanted) == Some(":Observation");
                self.include = fits.then_some(true).ok_or(Fault::Value("_include"))?;
            }
            "_count" => {
                // Larger numbers than fit are numbers all the same, and capped like any other.
                let digits = (1..=10).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
                let count = digits.then(|| value.parse().unwrap_or(u32::MAX)).ok_or(Fault::Value("_count"))?;
                once(&mut self.count, count, "_count")?;
                self.page = count.min(settings.max_count);
                self.only_count |= count == 0;
                return Ok(true);
            }
            "_total" => {
                let total = match value {
                    "none" => Total::None,
                    // An estimate would cost as much: the exact number is one too.
                    "estimate" | "accurate" => Total::Accurate,
                    _ => return Err(Fault::Value("_total")),
                };
                once(&mut self.total, total, "_total")?;
            }
            "_summary" => match value {
                "count" => self.only_count = true,
                "false" => {}
                _ => return Err(Fault::Value("_summary")),
            },
            "_format" | "_pretty" => return Ok(true),
            _ => {
                let controls = ["_id", "_lastUpdated", "_include", "_count", "_total", "_summary"];
                let modified =
                    name.split_once(':').and_then(|(bare, _)| controls.into_iter().find(|name| *name == bare));
                return modified.map_or(Ok(false), |name| Err(Fault::UnknownModifier(name)));
            }
        }
        self.applied.push((name.to_owned(), value.to_owned()));
        Ok(true)
    }
}

fn once<T>(place: &mut Option<T>, value: T, name: &'static str) -> Result<(), Fault> {
    if place.replace(value).is_some() { Err(Fault::Repeated(name)) } else { Ok(()) }
}

/// Appends `name=value`, percent-encoded but for what RFC 3986 leaves alone in a query and FHIR writes often.
fn push_pair(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push('&');
    }
    push_encoded(out, name);
    out.push('=');
    push_encoded(out, value);
}

fn push_encoded(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 0x0f] {
                out.extend(HEX.get(usize::from(nibble)).map(|digit| char::from(*digit)));
            }
        }
    }
}
