//! The members of an object as exact text, in order.

use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// An object's members: names, and values whose text is never touched.
pub(super) struct Members<'a> {
    list: Vec<(String, Text<'a>)>,
}

/// A value's text, borrowed unless it was joined from two.
enum Text<'a> {
    Sent(&'a str),
    Joined(String),
}

impl Text<'_> {
    fn as_str(&self) -> &str {
        match self {
            Text::Sent(text) => text,
            Text::Joined(text) => text,
        }
    }
}

impl<'a> Members<'a> {
    /// Reads an object; `None` for any other text.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str::<Members<'a>>(text).ok()
    }

    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }

    /// The text of a value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.list.iter().find(|(other, _)| other == name).map(|(_, text)| text.as_str())
    }

    /// Removes a member.
    pub(super) fn remove(&mut self, name: &str) {
        self.remove_where(|other| other == name);
    }

    /// Removes members by their names.
    pub(super) fn remove_where(&mut self, gone: impl Fn(&str) -> bool) {
        self.list.retain(|(name, _)| !gone(name));
    }

    /// Takes a member over from `stored` unless there is one.
    pub(super) fn keep(&mut self, name: &str, stored: &Members<'a>) {
        if let (None, Some(text)) = (self.get(name), stored.get(name)) {
            let text = Text::Joined(text.to_owned());
            self.list.push((name.to_owned(), text));
        }
    }

    /// The items of an array, none when there is no such member; `None` when it is something else.
    pub(super) fn items(&self, name: &str) -> Option<Vec<&RawValue>> {
        self.get(name).map_or_else(|| Some(Vec::new()), |text| serde_json::from_str(text).ok())
    }

    /// Puts `text` in the place of a member, or at the end where there was none; an empty array is no member.
    pub(super) fn replace(&mut self, name: &str, text: String) {
        if text == "[]" {
            return self.remove(name);
        }
        match self.list.iter_mut().find(|(other, _)| other == name) {
            Some((_, value)) => *value = Text::Joined(text),
            None => self.list.push((name.to_owned(), Text::Joined(text))),
        }
    }

    /// Makes an array of what `stored` has, in its order, and then what is only here.
    pub(super) fn unite(&mut self, name: &str, stored: &Members<'_>) {
        if stored.get(name).is_none() {
            return;
        }
        let (Some(mut all), Some(ours)) = (stored.items(name), self.items(name)) else {
            return;
        };
        for item in ours {
            if !all.iter().any(|known| known.get() == item.get()) {
                all.push(item);
            }
        }
        let text = array(all.into_iter().map(RawValue::get));
        self.replace(name, text);
    }

    /// Makes an array in which each stored item whose key comes again gives way to all that came with it, and the others stay.
    ///
    /// An item without a key is one of those that no key tells apart.
    pub(super) fn unite_by(&mut self, name: &str, stored: &Members<'_>, key: impl Fn(&str) -> Option<String>) {
        let (Some(before), Some(came)) = (stored.items(name), self.items(name)) else {
            return;
        };
        let keyed = |items: Vec<&'_ RawValue>| -> Vec<(Option<String>, String)> {
            items.into_iter().map(|item| (key(item.get()), item.get().to_owned())).collect()
        };
        let (before, came) = (keyed(before), keyed(came));
        let mut all: Vec<&str> = Vec::with_capacity(before.len().saturating_add(came.len()));
        let mut placed: Vec<&Option<String>> = Vec::new();
        for (key, item) in &before {
            let news = came.iter().filter(|(other, _)| other == key);
            if news.clone().next().is_none() {
                all.push(item);
            } else if !placed.contains(&key) {
                all.extend(news.map(|(_, item)| item.as_str()));
                placed.push(key);
            }
        }
        all.extend(came.iter().filter(|(key, _)| !placed.contains(&key)).map(|(_, item)| item.as_str()));
        let text = array(all.into_iter());
        self.replace(name, text);
    }

    /// Writes the object, its members in the order that `stored` has them, new ones last: the same content is the same text.
    pub(super) fn write_like(&self, stored: &Members<'_>) -> String {
        let place = |name: &str| stored.names().position(|other| other == name).unwrap_or(usize::MAX);
        let mut ordered: Vec<(usize, &(String, Text<'_>))> =
            self.list.iter().map(|member| (place(&member.0), member)).collect();
        ordered.sort_by_key(|(place, _)| *place);
        crate::json::object(|json| {
            for (_, (name, text)) in ordered {
                json.raw(name, text.as_str());
            }
        })
    }
}

/// Writes an array of texts.
pub(super) fn array<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::from("[");
    for item in items {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(item);
    }
    text.push(']');
    text
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReadMembers)
    }
}

struct ReadMembers;

impl<'de> Visitor<'de> for ReadMembers {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut list = Vec::with_capacity(24);
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            list.push((name, Text::Sent(value.get())));
        }
        Ok(Members { list })
    }
}
