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
        self.list.retain(|(other, _)| other != name);
    }

    /// Takes a member over from `stored` unless there is one.
    pub(super) fn keep(&mut self, name: &str, stored: &Members<'a>) {
        if let (None, Some(text)) = (self.get(name), stored.get(name)) {
            let text = Text::Joined(text.to_owned());
            self.list.push((name.to_owned(), text));
        }
    }

    /// Makes an array of what `stored` has, in its order, and then what is only here.
    pub(super) fn unite(&mut self, name: &str, stored: &Members<'_>) {
        let Some(stored) = stored.get(name) else {
            return;
        };
        let ours = self.get(name).unwrap_or("[]");
        let (Ok(mut all), Ok(ours)) =
            (serde_json::from_str::<Vec<&RawValue>>(stored), serde_json::from_str::<Vec<&RawValue>>(ours))
        else {
            return;
        };
        for item in ours {
            if !all.iter().any(|known| known.get() == item.get()) {
                all.push(item);
            }
        }
        let mut text = String::from("[");
        for (at, item) in all.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            text.push_str(item.get());
        }
        text.push(']');
        match self.list.iter_mut().find(|(other, _)| other == name) {
            Some((_, value)) => *value = Text::Joined(text),
            None => self.list.push((name.to_owned(), Text::Joined(text))),
        }
    }

    /// Writes the object.
    pub(super) fn write(&self) -> String {
        crate::json::object(|json| {
            for (name, text) in &self.list {
                json.raw(name, text.as_str());
            }
        })
    }
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
