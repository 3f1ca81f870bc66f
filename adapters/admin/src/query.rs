//! Query parameters: those that an endpoint has, each at most once, and pages of lists.

use crate::problem::Problem;
use domain::id::RecordId;
use std::str::FromStr;

/// How many items a page has where nobody says.
pub const DEFAULT_LIMIT: usize = 50;
/// Most items of a page.
pub const MAX_LIMIT: usize = 200;

/// The parameters of a request.
#[derive(Debug)]
pub(crate) struct Query<'a> {
    pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Query<'a> {
    /// Reads parameters, of which only these are known.
    pub(crate) fn read(text: &'a str, known: &[&'static str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = known.iter().copied().find(|known| *known == name) else {
                return Err(Problem::Query("", "there is no such parameter here; see /admin/v1/openapi.json"));
            };
            if pairs.iter().any(|(before, _)| *before == name) {
                return Err(Problem::Query(name, "the parameter stands twice"));
            }
            // Ids, numbers and words: nothing that needs an escape.
            if value.is_empty() || !value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(Problem::Query(name, "an id, a number or a word is needed here"));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub(crate) fn id<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, Problem> {
        let read = |text: &str| text.parse().map_err(|_| Problem::Query(name, "an id of 36 characters is needed here"));
        self.get(name).map(read).transpose()
    }

    /// Reads a number between one and a limit.
    pub(crate) fn number(&self, name: &'static str, usual: usize, most: usize) -> Result<usize, Problem> {
        let Some(text) = self.get(name) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| (1..=most).contains(number));
        number.ok_or(Problem::Query(name, "the number is none, or out of its limits; see /admin/v1/openapi.json"))
    }

    /// Reads which page of a list is wanted: `limit` and `after`.
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        Ok(Page { limit: self.number("limit", DEFAULT_LIMIT, MAX_LIMIT)?, after: self.id("after")? })
    }
}

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    pub(crate) after: Option<RecordId>,
}

impl Page {
    /// Takes the items of the page, in the order of their ids, and says after which the next begins.
    pub(crate) fn of<T>(
        self,
        items: impl Iterator<Item = T>,
        id: impl Fn(&T) -> RecordId,
    ) -> (Vec<T>, Option<RecordId>) {
        let mut items: Vec<T> = items.filter(|item| self.after.is_none_or(|after| id(item) > after)).collect();
        items.sort_by_key(&id);
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().map(id).filter(|_| more);
        (items, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_twice_or_no_plain_word_is_refused() {
        let read = |text| Query::read(text, &["limit", "after"]).map(|_| ());
        assert!(read("").is_ok() && read("limit=7&").is_ok());
        for refused in ["Limit=7", "limits=7", "limit=7&limit=7", "limit=", "limit", "after=%31", "after=a+b", "=7"] {
            assert!(matches!(read(refused), Err(Problem::Query(..))), "{refused}");
        }
    }

    #[test]
    fn pages_follow_one_another_without_a_gap() {
        let page = |text| Query::read(text, &["limit", "after"]).and_then(|query| query.page());
        assert!(page("limit=0").is_err() && page("limit=201").is_err() && page("after=7").is_err());
        assert_eq!(page("").unwrap(), Page { limit: DEFAULT_LIMIT, after: None });
        let all = (0..7).rev().map(|number| RecordId([number; 16]));
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let (items, next) = Page { limit: 3, after }.of(all.clone(), |id| *id);
            seen.extend(items);
            after = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..7).map(|number| RecordId([number; 16])).collect::<Vec<_>>());
    }
}
