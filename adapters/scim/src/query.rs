//! What is asked about a list: filter, page, and which attributes (RFC 7644 §3.4.2, §3.9).

use crate::filter::{Comparison, Filter, Unread};
use crate::path::Path;
use crate::problem::Problem;
use actix_web::web::Query;
use domain::administration::Wanted;
use domain::directory::Handle;
use serde_json::{Map, Value};

/// Resources on a page where nobody says how many.
pub const DEFAULT_COUNT: usize = 100;
/// Most resources on a page.
pub const MAX_COUNT: usize = 200;

/// The parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) filter: Option<Filter>,
    /// The first resource, counted from 1.
    pub(crate) start: usize,
    /// Most resources on the page; 0 asks how many there are.
    pub(crate) count: usize,
    attributes: Option<Vec<Path>>,
    excluded: Vec<Path>,
}

impl Parameters {
    pub(crate) fn read(query: &str) -> Result<Self, Problem> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query);
        let pairs = pairs.map_err(|_| Problem::Syntax("the parameters cannot be read"))?.into_inner();
        let mut read = Self { start: 1, count: DEFAULT_COUNT, ..Self::default() };
        let number = |text: &str| text.trim().parse::<i64>().map_err(|_| Problem::Value("a number is needed here"));
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                "filter" => read.filter = Some(Filter::read(&value).map_err(filter)?),
                // Less than 1 means 1, and a negative count means 0 (RFC 7644 §3.4.2.4).
                "startindex" => read.start = usize::try_from(number(&value)?.max(1)).unwrap_or(usize::MAX),
                "count" => read.count = usize::try_from(number(&value)?.max(0)).unwrap_or(MAX_COUNT).min(MAX_COUNT),
                "attributes" => read.attributes = Some(names(&value)?),
                "excludedattributes" => read.excluded = names(&value)?,
                // Whatever else is not offered is passed over, sorting with it (RFC 7644 §3.4.2.3).
                _ => {}
            }
        }
        Ok(read)
    }

    /// Returns which entries may fit, by the names in the filter; every one where it has none. `name` is the attribute that
    /// is the name of the resource.
    pub(crate) fn wanted(&self, name: &str) -> Wanted {
        self.filter.as_ref().and_then(|filter| narrowed(filter, name)).unwrap_or(Wanted::All)
    }

    /// Returns what of the request may stand in the context of an entry: which attributes were asked about, not with what.
    pub(crate) fn told(&self) -> String {
        fn attributes(filter: &Filter, all: &mut Vec<String>) {
            match filter {
                Filter::Present(path) | Filter::Compare(path, _, _) => all.push(path.attribute.clone()),
                Filter::And(one, other) | Filter::Or(one, other) => {
                    attributes(one, all);
                    attributes(other, all);
                }
                Filter::Not(inner) => attributes(inner, all),
            }
        }
        let mut asked = Vec::new();
        if let Some(filter) = &self.filter {
            attributes(filter, &mut asked);
        }
        if asked.is_empty() { String::new() } else { format!(" by {}", asked.join(", ")) }
    }

    /// Leaves out of a resource what was not asked for.
    pub(crate) fn chosen(&self, resource: Value) -> Value {
        let Value::Object(members) = resource else { return resource };
        let mut kept = match &self.attributes {
            None => members,
            Some(wanted) => {
                let always = |name: &str| matches!(name, "id" | "schemas");
                members
                    .into_iter()
                    .filter_map(|(name, value)| {
                        let paths: Vec<&Path> = wanted.iter().filter(|path| is_of(path, &name)).collect();
                        if always(&name) || paths.iter().any(|path| path.part.is_none()) {
                            return Some((name, value));
                        }
                        let parts: Vec<&str> = paths.iter().filter_map(|path| path.part.as_deref()).collect();
                        (!parts.is_empty()).then(|| (name, only(value, &|part| parts.contains(&part))))
                    })
                    .collect()
            }
        };
        for path in self.excluded.iter().filter(|path| !matches!(path.attribute.as_str(), "id" | "schemas")) {
            let name = kept.keys().find(|name| is_of(path, name)).cloned();
            match (name, &path.part) {
                (Some(name), None) => {
                    kept.remove(&name);
                }
                (Some(name), Some(part)) => {
                    if let Some(value) = kept.remove(&name) {
                        kept.insert(name, only(value, &|known| known != part));
                    }
                }
                (None, _) => {}
            }
        }
        Value::Object(kept)
    }
}

fn is_of(path: &Path, name: &str) -> bool {
    !path.foreign && path.attribute.eq_ignore_ascii_case(name)
}

/// Keeps the parts of a value that are wanted; of a list, of each of its values.
fn only(value: Value, wanted: &dyn Fn(&str) -> bool) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(|value| only(value, wanted)).collect(),
        Value::Object(members) => {
            let kept: Map<String, Value> =
                members.into_iter().filter(|(name, _)| wanted(&name.to_ascii_lowercase())).collect();
            Value::Object(kept)
        }
        other => other,
    }
}

fn names(list: &str) -> Result<Vec<Path>, Problem> {
    let one = |name: &str| Path::name(name.trim()).ok_or(Problem::Value("an attribute has not the form of one"));
    list.split(',').filter(|name| !name.trim().is_empty()).take(MAX_ATTRIBUTES).map(one).collect()
}

fn filter(why: Unread) -> Problem {
    match why {
        Unread::TooMuch => Problem::Filter("the filter is longer, deeper or of more terms than is taken"),
        Unread::Form => Problem::Filter("the filter has not the form of one"),
    }
}

/// Returns entries among which are all that fit the filter, where it says so by a name of theirs.
fn narrowed(filter: &Filter, name: &str) -> Option<Wanted> {
    match filter {
        Filter::Compare(path, Comparison::Equal, Value::String(text))
            if path.part.is_none() && path.chosen.is_none() && !path.foreign =>
        {
            match path.attribute.as_str() {
                "id" => Some(Wanted::Ids(text.parse().into_iter().collect())),
                "externalid" => Some(Wanted::Named(vec![(Handle::External, text.clone())])),
                attribute if attribute == name => Some(Wanted::Named(vec![(Handle::Name, text.clone())])),
                _ => None,
            }
        }
        Filter::And(one, other) => narrowed(one, name).or_else(|| narrowed(other, name)),
        Filter::Or(one, other) => match (narrowed(one, name)?, narrowed(other, name)?) {
            (Wanted::Named(one), Wanted::Named(other)) => Some(Wanted::Named([one, other].concat())),
            (Wanted::Ids(one), Wanted::Ids(other)) => Some(Wanted::Ids([one, other].concat())),
            _ => None,
        },
        Filter::Present(_) | Filter::Compare(..) | Filter::Not(_) => None,
    }
}

/// Says whether a list of entity tags, or `*`, names this version (RFC 7232 §2.3, compared weakly).
pub(crate) fn names_version(header: &str, version: u32) -> bool {
    let tag = format!("\"{version}\"");
    header.split(',').map(str::trim).any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

/// Returns the one version that `If-Match` names; `Err` when it names none or several.
pub(crate) fn expected(header: &str) -> Result<Option<u32>, Problem> {
    let header = header.trim();
    if header == "*" {
        return Ok(None);
    }
    let tag = header.strip_prefix("W/").unwrap_or(header);
    let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(|text| text.parse().ok());
    version.map(Some).ok_or(Problem::Precondition)
}

pub(crate) fn has(resource: &Value, filter: Option<&Filter>) -> bool {
    filter.is_none_or(|filter| filter.fits(resource))
}

const MAX_ATTRIBUTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_page_is_within_its_limits_whatever_is_asked() {
        let read = |query| Parameters::read(query).unwrap();
        assert_eq!((read("").start, read("").count), (1, DEFAULT_COUNT));
        assert_eq!((read("startIndex=-3&count=-1").start, read("startIndex=-3&count=-1").count), (1, 0));
        assert_eq!((read("startindex=7&COUNT=9999").start, read("startindex=7&COUNT=9999").count), (7, MAX_COUNT));
        assert!(Parameters::read("count=many").is_err());
        assert_eq!(Parameters::read("filter=nonsense").unwrap_err().scim_type(), Some("invalidFilter"));
    }

    #[test]
    fn a_filter_by_name_narrows_what_is_opened() {
        let wanted = |filter: &str| {
            Parameters { filter: Some(Filter::read(filter).unwrap()), ..Parameters::default() }.wanted("username")
        };
        let named = |handle, text: &str| Wanted::Named(vec![(handle, text.to_owned())]);
        assert_eq!(wanted(r#"userName eq "a""#), named(Handle::Name, "a"));
        assert_eq!(wanted(r#"active eq true and externalId eq "b""#), named(Handle::External, "b"));
        assert_eq!(wanted(r#"id eq "no id""#), Wanted::Ids(vec![]));
        for open in
            [r#"userName ne "a""#, r#"userName eq "a" or active pr"#, r#"not (userName eq "a")"#, r#"userName sw "a""#]
        {
            assert_eq!(wanted(open), Wanted::All, "{open}");
        }
    }

    #[test]
    fn attributes_are_chosen_and_left_out() {
        let user = || json!({ "id": "1", "schemas": [], "userName": "a", "name": { "familyName": "b", "givenName": "c" }, "members": [1] });
        let chosen = |query: &str| Parameters::read(query).unwrap().chosen(user());
        assert_eq!(chosen("attributes=username"), json!({ "id": "1", "schemas": [], "userName": "a" }));
        assert_eq!(
            chosen("attributes=name.familyName"),
            json!({ "id": "1", "schemas": [], "name": { "familyName": "b" } })
        );
        assert!(chosen("excludedAttributes=members,id").get("members").is_none());
        assert!(chosen("excludedAttributes=members,id").get("id").is_some());
        assert_eq!(chosen("excludedAttributes=name.givenName")["name"], json!({ "familyName": "b" }));
    }

    #[test]
    fn a_version_is_named_by_its_tag() {
        assert!(names_version("W/\"3\"", 3) && names_version("\"1\", \"3\"", 3) && names_version("*", 3));
        assert!(!names_version("W/\"2\"", 3) && !names_version("3", 3));
        assert_eq!((expected("W/\"3\""), expected("*")), (Ok(Some(3)), Ok(None)));
        assert!(expected("\"1\", \"2\"").is_err() && expected("soon").is_err());
    }
}
