//! Attribute paths: `userName`, `name.familyName`, `emails[type eq "work"].value`, with or without the schema before them.

use crate::filter::{Filter, Unread, read_value_filter};

/// The schema of users (RFC 7643 §4.1).
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups (RFC 7643 §4.2).
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Where an operation points to; attribute names in lower case, for they are compared without case (RFC 7643 §2.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// The attribute.
    pub attribute: String,
    /// Which of its values, where it has several.
    pub chosen: Option<Box<Filter>>,
    /// The part of the value.
    pub part: Option<String>,
    /// Whether it lies in a schema of which nothing is kept.
    pub foreign: bool,
}

impl Path {
    /// Reads a path (RFC 7644 §3.5.2).
    ///
    /// # Errors
    /// `Unread`, in words that do not repeat the text.
    pub fn read(text: &str) -> Result<Self, Unread> {
        let text = text.trim();
        let (name, chosen, rest) = match text.find('[') {
            None => (text, None, ""),
            Some(open) => {
                let (name, rest) = text.split_at(open);
                let close = rest.rfind(']').ok_or(Unread::Form)?;
                let (inner, rest) = (rest.get(1..close).ok_or(Unread::Form)?, rest.get(close.saturating_add(1)..));
                (name, Some(read_value_filter(inner)?), rest.unwrap_or_default())
            }
        };
        let mut path = Self::name(name).ok_or(Unread::Form)?;
        if chosen.is_some() && path.part.is_some() {
            return Err(Unread::Form);
        }
        path.chosen = chosen.map(Box::new);
        match rest.strip_prefix('.') {
            None if rest.is_empty() => {}
            Some(part) if is_name(part) => path.part = Some(part.to_ascii_lowercase()),
            _ => return Err(Unread::Form),
        }
        Ok(path)
    }

    /// Reads an attribute with an optional part, and nothing chosen.
    pub(crate) fn name(text: &str) -> Option<Self> {
        let lower = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        let (foreign, plain) = if lower {
            let core = [USER, GROUP].into_iter().find_map(|schema| {
                let start = text.get(..schema.len())?;
                start.eq_ignore_ascii_case(schema).then(|| text.get(schema.len()..))?
            });
            match core.and_then(|rest| rest.strip_prefix(':')) {
                Some(rest) => (false, rest),
                // An attribute of another schema, or that schema as a whole.
                None if text.len() <= MAX_NAME_BYTES => (true, "extension"),
                None => return None,
            }
        } else {
            (false, text)
        };
        let (attribute, part) = plain.split_once('.').map_or((plain, None), |(name, part)| (name, Some(part)));
        let fits = is_name(attribute) && part.is_none_or(is_name);
        fits.then(|| Self {
            attribute: attribute.to_ascii_lowercase(),
            chosen: None,
            part: part.map(str::to_ascii_lowercase),
            foreign,
        })
    }
}

/// Accepts the name of an attribute (RFC 7643 §2.1), and `$ref`.
fn is_name(text: &str) -> bool {
    let letters = text.strip_prefix('$').unwrap_or(text);
    text.len() <= MAX_NAME_BYTES
        && letters.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && letters.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

const MAX_NAME_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_into_its_parts() {
        let read = |text| Path::read(text).unwrap();
        assert_eq!(read("userName"), Path { attribute: "username".into(), chosen: None, part: None, foreign: false });
        assert_eq!(read("Name.familyName").part.as_deref(), Some("familyname"));
        let work = read(r#"emails[type eq "work"].value"#);
        assert_eq!((work.attribute.as_str(), work.part.as_deref()), ("emails", Some("value")));
        assert!(work.chosen.is_some());
        assert_eq!(read("urn:ietf:params:scim:schemas:core:2.0:User:active").attribute, "active");
        assert!(read("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department").foreign);
        assert!(read(r#"members[value eq "a]b"]"#).chosen.is_some());
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a.b.c",
            "1a",
            "emails[",
            "emails[]",
            "emails]",
            "a b",
            r#"a[b eq "c"]d"#,
            r#"a.b[c pr]"#,
        ] {
            assert!(Path::read(text).is_err(), "{text}");
        }
    }
}
