//! A second reader of what the gate passed: roxmltree, which shares no code with the gate.

use super::facts::AssertionFacts;
use super::gate::{Content, Gated};
use super::names::{ASSERTION, PROTOCOL};
use super::xml::{Element, Node};
use roxmltree::{Document, Node as Other};

/// Holds each element, attribute and text of one reader to those of the other.
pub(super) fn same(ours: &Element, other: Other<'_, '_>) {
    assert_eq!((&*ours.namespace, ours.name.as_str()), name(other), "an element has another name");
    assert_eq!(ours.attributes.len(), other.attributes().len(), "there is another number of attributes");
    for (attribute, known) in ours.attributes.iter().zip(other.attributes()) {
        assert_eq!((&*attribute.namespace, attribute.name.as_str()), (known.namespace().unwrap_or_default(), known.name()));
        assert_eq!(attribute.value, known.value(), "an attribute says something else");
    }
    let mut others = other.children();
    for child in &ours.children {
        match (child, others.next().expect("as many children")) {
            (Node::Element(element), known) if known.is_element() => same(element, known),
            (Node::Text(text), known) if known.is_text() => assert_eq!(Some(text.as_str()), known.text()),
            _ => panic!("an element is a text"),
        }
    }
    assert!(others.next().is_none(), "there are more children");
}

/// Holds what matters of an assertion to what the other reader finds, by a way of its own.
pub(super) fn says_the_same(gated: &Gated, tree: &Document<'_>) {
    let root = tree.root_element();
    assert_eq!(name(root), (PROTOCOL, "Response"));
    assert_eq!(root.attribute("ID"), Some(gated.response.id.as_str()));
    assert_eq!(root.attribute("InResponseTo"), gated.response.in_response_to.as_deref());
    let everywhere = |local: &str| tree.descendants().filter(|node| name(*node) == (ASSERTION, local)).count();
    let Content::Clear { assertion, .. } = &gated.content else {
        assert_eq!((everywhere("Assertion"), everywhere("EncryptedAssertion")), (0, 1));
        return;
    };
    assert_eq!((everywhere("Assertion"), everywhere("EncryptedAssertion")), (1, 0), "one assertion wherever one looks");
    let found = root.children().find(|node| name(*node) == (ASSERTION, "Assertion")).expect("it is directly in the root");
    assert_eq!(found.attribute("ID"), Some(assertion.id.as_str()));
    assert_eq!(texts(found, &["Issuer"]), [assertion.issuer.clone()]);
    let name_id: Vec<String> = assertion.name_id.iter().map(|known| known.value.clone()).collect();
    assert_eq!(texts(found, &["Subject", "NameID"]), name_id, "it names somebody else");
    let audiences = assertion.conditions.iter().flat_map(|conditions| conditions.audiences.concat());
    let audiences: Vec<String> = audiences.collect();
    assert_eq!(texts(found, &["Conditions", "AudienceRestriction", "Audience"]), audiences, "it is for somebody else");
    holds_attributes(found, assertion);
}

fn holds_attributes(found: Other<'_, '_>, assertion: &AssertionFacts) {
    for attribute in at(found, &["AttributeStatement", "Attribute"]) {
        let known = attribute.attribute("Name").and_then(|name| assertion.values(name)).expect("each of its attributes");
        let nil = |value: &Other<'_, '_>| value.attributes().any(|attribute| attribute.name() == "nil");
        for value in at(attribute, &["AttributeValue"]).into_iter().filter(|value| !nil(value)) {
            assert!(known.contains(&text(value)), "an attribute says something else");
        }
    }
}

fn name<'a>(node: Other<'a, '_>) -> (&'a str, &'a str) {
    (node.tag_name().namespace().unwrap_or_default(), node.tag_name().name())
}

/// Returns the elements at the end of a path of names.
fn at<'a, 'd>(from: Other<'a, 'd>, path: &[&str]) -> Vec<Other<'a, 'd>> {
    path.iter().fold(vec![from], |found, local| {
        found.iter().flat_map(|node| node.children().filter(|child| name(*child) == (ASSERTION, local))).collect()
    })
}

fn texts(from: Other<'_, '_>, path: &[&str]) -> Vec<String> {
    at(from, path).into_iter().map(text).collect()
}

fn text(node: Other<'_, '_>) -> String {
    let text: String = node.descendants().filter(Other::is_text).filter_map(|node| node.text()).collect();
    text.trim_matches([' ', '\t', '\r', '\n']).to_owned()
}
