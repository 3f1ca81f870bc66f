//! A strict reader of small XML documents: what it accepts, every other XML parser reads the same way.
//!
//! UTF-8 only; no DOCTYPE, processing instruction, CDATA or entity other than the five; names in ASCII; every prefix
//! bound to an absolute URI. Whatever parsers have been known to disagree about is refused, not interpreted.

use super::names::{XML, XMLNS};
use super::refusal::Refusal;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// Reads a document whose every construct is allowed.
///
/// # Errors
/// The [`Refusal`] that names what is wrong with it as XML.
pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<Element, Refusal> {
    if bytes.len() > limits.bytes {
        return Err(Refusal::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?;
    if !text.chars().all(is_char) {
        return Err(Refusal::Malformed);
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut building = Building { limits, elements: 0, open: Vec::new(), root: None };
    let mut at = 0;
    loop {
        let start = at;
        let event = reader.read_event().map_err(|_| Refusal::Malformed)?;
        at = usize::try_from(reader.buffer_position()).map_err(|_| Refusal::Malformed)?;
        match event {
            Event::Start(tag) => building.open(&tag, start)?,
            Event::Empty(tag) => {
                building.open(&tag, start)?;
                building.close(at)?;
            }
            Event::End(_) => building.close(at)?,
            Event::Text(chars) if chars.contains("]]>") => return Err(Refusal::Malformed),
            Event::Text(chars) => building.text(&chars.xml10_content())?,
            Event::GeneralRef(name) => building.text(resolve(&name)?.encode_utf8(&mut [0; 4]))?,
            Event::Comment(_) if limits.comments => {}
            Event::Comment(_) => return Err(Refusal::Comment),
            Event::CData(_) => return Err(Refusal::Cdata),
            Event::PI(_) => return Err(Refusal::Instruction),
            Event::DocType(_) => return Err(Refusal::Doctype),
            Event::Decl(declaration) if start == 0 => declared(&declaration)?,
            Event::Decl(_) => return Err(Refusal::Instruction),
            Event::Eof => break,
        }
    }
    match building.root {
        Some(root) if building.open.is_empty() => Ok(root),
        _ => Err(Refusal::Malformed),
    }
}

/// Most of everything in one document.
pub(super) struct Limits {
    /// Bytes.
    pub(super) bytes: usize,
    /// Elements within elements.
    pub(super) depth: usize,
    /// Attributes and namespace declarations of one element.
    pub(super) attributes: usize,
    /// Elements.
    pub(super) elements: usize,
    /// Whether comments are passed over; otherwise they are refused.
    pub(super) comments: bool,
}

/// An element with its names resolved.
pub(super) struct Element {
    /// The namespace; empty where there is none.
    pub(super) namespace: Arc<str>,
    /// The local name.
    pub(super) name: String,
    /// The attributes; namespace declarations are not among them.
    pub(super) attributes: Vec<Attribute>,
    /// What is in it, in order; neighbouring texts are one.
    pub(super) children: Vec<Node>,
    /// The bytes it takes in the document.
    pub(super) at: Range<usize>,
}

/// An attribute with its name resolved.
pub(super) struct Attribute {
    /// The namespace; empty where there is none.
    pub(super) namespace: Arc<str>,
    /// The local name.
    pub(super) name: String,
    /// The value, normalised as XML 1.0 §3.3.3 says for CDATA.
    pub(super) value: String,
}

/// What an element has in it.
pub(super) enum Node {
    /// An element.
    Element(Element),
    /// Text, with references resolved.
    Text(String),
}

impl Element {
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        &*self.namespace == namespace && self.name == name
    }

    /// Returns the value of an attribute without namespace.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|known| known.namespace.is_empty() && known.name == name).map(|a| a.value.as_str())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Returns the elements of this name directly in it.
    pub(super) fn all<'a>(&'a self, namespace: &'a str, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |element| element.is(namespace, name))
    }

    /// Returns the one element of this name directly in it; `None` also when there are several.
    pub(super) fn only<'a>(&'a self, namespace: &'a str, name: &'a str) -> Option<&'a Element> {
        let mut all = self.all(namespace, name);
        all.next().filter(|_| all.next().is_none())
    }

    /// Returns its text without the white space around it; `None` when there are elements in it.
    pub(super) fn text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text.trim_matches(is_space)),
            _ => None,
        }
    }

    /// Says whether there is no text beside its elements.
    pub(super) fn holds_elements_only(&self) -> bool {
        self.children.iter().all(|node| match node {
            Node::Element(_) => true,
            Node::Text(text) => text.chars().all(is_space),
        })
    }

    /// Calls for this element and every one below it, outermost first, with the path that leads there.
    pub(super) fn walk<'a>(
        &'a self,
        path: &mut Vec<&'a Element>,
        see: &mut impl FnMut(&[&'a Element], &'a Element) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        see(path, self)?;
        path.push(self);
        let seen = self.elements().try_for_each(|element| element.walk(path, see));
        path.pop();
        seen
    }
}

/// The prefixes that one element binds; the default namespace has the empty prefix.
type Bound = Vec<(String, Arc<str>)>;

struct Building<'l> {
    limits: &'l Limits,
    elements: usize,
    open: Vec<(Element, Bound)>,
    root: Option<Element>,
}

impl Building<'_> {
    fn open(&mut self, tag: &BytesStart<'_>, start: usize) -> Result<(), Refusal> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(Refusal::Malformed);
        }
        self.elements = self.elements.saturating_add(1);
        if self.elements > self.limits.elements {
            return Err(Refusal::TooManyElements);
        }
        if self.open.len() >= self.limits.depth {
            return Err(Refusal::TooDeep);
        }
        let raw = attributes(tag.attributes_raw(), self.limits.attributes)?;
        let mut bound = Bound::new();
        for (name, value) in &raw {
            match name.split_once(':') {
                None if *name == "xmlns" => bound.push((String::new(), namespace(value, true)?)),
                Some(("xmlns", prefix)) if prefix != "xml" && prefix != "xmlns" && is_ncname(prefix) => {
                    bound.push((prefix.to_owned(), namespace(value, false)?));
                }
                // Bound always, it may be bound to itself again; Shibboleth does so.
                Some(("xmlns", "xml")) if value == XML => {}
                Some(("xmlns", _)) => return Err(Refusal::Namespace),
                _ => {}
            }
        }
        let (space, name) = self.resolve(tag.name().into_inner(), &bound, true)?;
        let mut attributes = Vec::new();
        for (raw, value) in raw {
            if raw != "xmlns" && !raw.starts_with("xmlns:") {
                let (namespace, name) = self.resolve(raw, &bound, false)?;
                attributes.push(Attribute { namespace, name, value });
            }
        }
        let distinct: HashSet<_> = attributes.iter().map(|known| (&known.namespace, &known.name)).collect();
        if distinct.len() != attributes.len() {
            return Err(Refusal::DuplicateAttribute);
        }
        let element = Element { namespace: space, name, attributes, children: Vec::new(), at: start..start };
        self.open.push((element, bound));
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), Refusal> {
        let (mut element, _) = self.open.pop().ok_or(Refusal::Malformed)?;
        element.at.end = end;
        match self.open.last_mut() {
            Some((parent, _)) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, more: &str) -> Result<(), Refusal> {
        match self.open.last_mut() {
            Some((parent, _)) => match parent.children.last_mut() {
                Some(Node::Text(text)) => text.push_str(more),
                _ => parent.children.push(Node::Text(more.to_owned())),
            },
            None if more.chars().all(is_space) => {}
            None => return Err(Refusal::Malformed),
        }
        Ok(())
    }

    /// Resolves a qualified name; an attribute without a prefix has no namespace.
    fn resolve(&self, name: &str, bound: &[(String, Arc<str>)], element: bool) -> Result<(Arc<str>, String), Refusal> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        if !is_ncname(local) || !(prefix.is_empty() && !name.starts_with(':') || is_ncname(prefix)) {
            return Err(Refusal::Malformed);
        }
        if prefix == "xml" {
            return Ok((Arc::from(XML), local.to_owned()));
        }
        if prefix.is_empty() && !element {
            return Ok((Arc::from(""), local.to_owned()));
        }
        let outer = self.open.iter().rev().flat_map(|(_, bound)| bound);
        match bound.iter().chain(outer).find(|(known, _)| known == prefix) {
            Some((_, uri)) => Ok((Arc::clone(uri), local.to_owned())),
            None if prefix.is_empty() => Ok((Arc::from(""), local.to_owned())),
            None => Err(Refusal::Namespace),
        }
    }
}

/// Reads `S Name S? '=' S? quoted` again and again; looser readers let attributes touch or go without quotes.
fn attributes(raw: &str, most: usize) -> Result<Vec<(&str, String)>, Refusal> {
    let mut read: Vec<(&str, String)> = Vec::new();
    let mut rest = raw;
    loop {
        let trimmed = rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Ok(read);
        }
        let (name, after) = trimmed.split_once('=').ok_or(Refusal::Malformed)?;
        let name = name.trim_end_matches(is_space);
        let after = after.trim_start_matches(is_space);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or(Refusal::Malformed)?;
        let (value, after) =
            after.strip_prefix(quote).and_then(|after| after.split_once(quote)).ok_or(Refusal::Malformed)?;
        if trimmed.len() == rest.len() || value.contains('<') {
            return Err(Refusal::Malformed);
        }
        if read.iter().any(|(known, _)| *known == name) {
            return Err(Refusal::DuplicateAttribute);
        }
        read.push((name, attribute_value(value)?));
        if read.len() > most {
            return Err(Refusal::TooManyAttributes);
        }
        rest = after;
    }
}

fn attribute_value(raw: &str) -> Result<String, Refusal> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        push_normalised(&mut value, before);
        let (name, after) = after.split_once(';').ok_or(Refusal::Malformed)?;
        value.push(resolve(name)?);
        rest = after;
    }
    push_normalised(&mut value, rest);
    Ok(value)
}

/// Every line end is one space, as is every tab; a line end of two characters counts once.
fn push_normalised(value: &mut String, raw: &str) {
    value.extend(raw.replace("\r\n", "\n").chars().map(|c| if is_space(c) { ' ' } else { c }));
}

fn resolve(name: &str) -> Result<char, Refusal> {
    let number = match name {
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "amp" => return Ok('&'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or(Refusal::Entity)?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(Refusal::Malformed);
    }
    let code = u32::from_str_radix(digits, radix).map_err(|_| Refusal::Malformed)?;
    char::from_u32(code).filter(|c| is_char(*c)).ok_or(Refusal::Malformed)
}

fn declared(declaration: &quick_xml::events::BytesDecl<'_>) -> Result<(), Refusal> {
    if declaration.version().map_err(|_| Refusal::Malformed)? != "1.0" {
        return Err(Refusal::Malformed);
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(_) => Err(Refusal::NotUtf8),
    }
}

/// A namespace is an absolute URI: canonicalisation of any other has failed open elsewhere.
fn namespace(value: &str, default: bool) -> Result<Arc<str>, Refusal> {
    let scheme = value.split_once(':').map(|(scheme, _)| scheme);
    let absolute = scheme.is_some_and(|s| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    let usable = value.chars().all(|c| c.is_ascii_graphic()) && value != XML && value != XMLNS;
    if (absolute || default && value.is_empty()) && usable { Ok(Arc::from(value)) } else { Err(Refusal::Namespace) }
}

/// Says whether this is an XML name without colon; of the letters beyond ASCII none is taken.
pub(super) fn is_ncname(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// XML 1.0 §2.2, production `Char`.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// Writes text so that it reads back as itself, within an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if is_char(c) => escaped.push(c),
            _ => {}
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits { bytes: 4_096, depth: 4, attributes: 4, elements: 8, comments: false };

    fn refused(text: &str) -> Option<Refusal> {
        read(text.as_bytes(), &LIMITS).err()
    }

    #[test]
    fn each_construct_that_parsers_disagree_about_is_refused() {
        for (text, expected) in [
            ("<!DOCTYPE a><a/>", Refusal::Doctype),
            ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", Refusal::Doctype),
            ("<a>&x;</a>", Refusal::Entity),
            ("<a b='&x;'/>", Refusal::Entity),
            ("<a><?x y?></a>", Refusal::Instruction),
            ("<a/><?xml version='1.0'?>", Refusal::Instruction),
            ("<a><!-- x --></a>", Refusal::Comment),
            ("<a><![CDATA[x]]></a>", Refusal::Cdata),
            ("<a/><b/>", Refusal::Malformed),
            ("<a><b></a>", Refusal::Malformed),
            ("<a>", Refusal::Malformed),
            ("<a/>x", Refusal::Malformed),
            ("x<a/>", Refusal::Malformed),
            ("", Refusal::Malformed),
            ("<a>]]></a>", Refusal::Malformed),
            ("<a>&#0;</a>", Refusal::Malformed),
            ("<a>&#x+41;</a>", Refusal::Malformed),
            ("<a>\u{0}</a>", Refusal::Malformed),
            ("<a b=c/>", Refusal::Malformed),
            ("<a b='1'c='2'/>", Refusal::Malformed),
            ("<a b='<'/>", Refusal::Malformed),
            ("<a b/>", Refusal::Malformed),
            ("<a b='1' b='2'/>", Refusal::DuplicateAttribute),
            ("<a xmlns:x='u:1' xmlns:y='u:1' x:b='1' y:b='2'/>", Refusal::DuplicateAttribute),
            ("<x:a/>", Refusal::Namespace),
            ("<a xmlns:x='1'/>", Refusal::Namespace),
            ("<a xmlns:x=''/>", Refusal::Namespace),
            ("<a xmlns:xml='u:1'/>", Refusal::Namespace),
            ("<a xmlns:x='http://www.w3.org/2000/xmlns/'/>", Refusal::Namespace),
            ("<:a/>", Refusal::Malformed),
            ("<a:b:c xmlns:a='u:1'/>", Refusal::Malformed),
            ("<\u{e9}/>", Refusal::Malformed),
            ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", Refusal::NotUtf8),
            ("<?xml version='1.0' encoding='UTF-7'?><a/>", Refusal::NotUtf8),
            ("<?xml version='1.1'?><a/>", Refusal::Malformed),
            ("<a><a><a><a><a/></a></a></a></a>", Refusal::TooDeep),
            ("<a b='' c='' d='' e='' f=''/>", Refusal::TooManyAttributes),
            ("<a><b/><b/><b/><b/><b/><b/><b/><b/></a>", Refusal::TooManyElements),
        ] {
            assert_eq!(refused(text), Some(expected), "{text}");
        }
        assert_eq!(read(&[b'<', 0xff, b'>'], &LIMITS).err(), Some(Refusal::NotUtf8));
        assert_eq!(read(&[b' '; 4_097], &LIMITS).err(), Some(Refusal::TooLarge));
    }

    #[test]
    fn the_prefix_xml_may_be_bound_to_its_own_namespace() {
        let text = "<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='en'/>";
        assert_eq!(&*read(text.as_bytes(), &LIMITS).unwrap().attributes[0].namespace, XML);
    }

    #[test]
    fn names_are_resolved_and_values_normalised() {
        let text = "<?xml version='1.0' encoding='UTF-8'?>\n<p:a xmlns:p='u:1' xmlns='u:2' b=' x&#10;\r\ny\t&lt;'> t&amp;\r\n<c p:d='1'/></p:a>\n";
        let root = read(text.as_bytes(), &LIMITS).unwrap();
        assert!(root.is("u:1", "a"));
        assert_eq!(root.attribute("b"), Some(" x\n y <"));
        let child = root.only("u:2", "c").unwrap();
        assert_eq!(&*child.attributes[0].namespace, "u:1");
        assert_eq!(&text[child.at.clone()], "<c p:d='1'/>");
        assert!(matches!(&root.children[0], Node::Text(text) if text == " t&\n"));
    }

    proptest! {
        #[test]
        fn what_is_escaped_reads_back(text in "[ -~\u{e9}\u{1F600}]{0,40}") {
            let document = format!("<a b=\"{0}\">{0}</a>", escape(&text));
            let root = read(document.as_bytes(), &LIMITS).unwrap();
            prop_assert_eq!(root.attribute("b"), Some(text.as_str()));
            prop_assert_eq!(root.text(), Some(text.trim_matches(' ')));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes, &LIMITS);
        }

        #[test]
        fn no_markup_makes_the_reader_panic(text in "[<>/a:xmlns='\"&;!\\-\\[\\]? ]{0,80}") {
            let _ = read(text.as_bytes(), &LIMITS);
        }
    }
}
