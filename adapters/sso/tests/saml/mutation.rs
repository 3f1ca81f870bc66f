//! Documents that chance has changed: never a panic, and never another person.

use crate::house::{Case, House, case};
use crate::provider::{Form, sign};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sso::saml::{Refusal, gate};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("mutation::no_change_of_a_document_makes_the_gate_panic", |house| {
            let document = document(house);
            check(4_000, vec(change(), 1..6), |changes| {
                let _ = gate::pass(&changed(document.as_bytes(), &changes));
            });
        }),
        case("mutation::no_change_of_a_signed_document_makes_another_person", |house| {
            let site = house.site();
            let pending = site.begin();
            let says = site.says(&pending);
            let document = says.response(&sign(&says.assertion(), &house.idp, &Form::default()));
            let mut asked = 0_u32;
            check(4_000, vec(change(), 1..3), |changes| {
                let bytes = changed(document.as_bytes(), &changes);
                let Ok(text) = String::from_utf8(bytes) else { return };
                // Each that passes the gate costs a process, so not all are asked about.
                if gate::pass(text.as_bytes()).is_err() || asked >= 60 {
                    return;
                }
                asked = asked.saturating_add(1);
                let site = house.site();
                match site.finish_unseen(Some(&pending), &text) {
                    Ok(verified) => assert_eq!(verified.assertion.subject, "alice"),
                    Err(Refusal::Disagreement) => panic!("gate and verifier read differently: {text}"),
                    Err(_) => {}
                }
            });
            assert!(asked > 20, "too few changed documents pass the gate: {asked}");
        }),
    ]
}

fn document(house: &House) -> String {
    let site = house.site();
    let says = site.says(&site.begin());
    sign(&says.response(&sign(&says.assertion(), &house.idp, &Form::default())), &house.idp, &Form::default())
}

#[derive(Debug, Clone)]
enum Change {
    /// One byte becomes another.
    Byte(prop::sample::Index, u8),
    /// A letter or digit becomes another, so that the document more often stays one.
    Letter(prop::sample::Index, u8),
    /// A piece is gone.
    Remove(prop::sample::Index, usize),
    /// A piece is there again somewhere else.
    Copy(prop::sample::Index, usize, prop::sample::Index),
    /// Something is put in.
    Insert(prop::sample::Index, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let pieces = prop::sample::select(vec![
        "<!---->",
        "<?x?>",
        "<![CDATA[",
        "]]>",
        "&#65;",
        "&amp;",
        "<",
        ">",
        "\"",
        "xmlns=\"urn:x\"",
        " ID=\"_assertion\"",
        "<saml:Assertion>",
        "</saml:Assertion>",
        "<ds:Object/>",
        "<!DOCTYPE x>",
        "\r\n",
        " ",
        "\0",
    ]);
    prop_oneof![
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        4 => (any::<prop::sample::Index>(), b'a'..=b'z').prop_map(|(at, byte)| Change::Letter(at, byte)),
        1 => (any::<prop::sample::Index>(), 1_usize..200).prop_map(|(at, length)| Change::Remove(at, length)),
        1 => (any::<prop::sample::Index>(), 1_usize..400, any::<prop::sample::Index>())
            .prop_map(|(from, length, to)| Change::Copy(from, length, to)),
        1 => (any::<prop::sample::Index>(), pieces).prop_map(|(at, piece)| Change::Insert(at, piece)),
    ]
}

fn changed(document: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = document.to_vec();
    for change in changes {
        let length = bytes.len();
        if length < 2 {
            break;
        }
        match change {
            Change::Byte(at, byte) => bytes[at.index(length)] = *byte,
            Change::Letter(at, byte) => {
                let at = at.index(length);
                if bytes[at].is_ascii_alphanumeric() {
                    bytes[at] = *byte;
                }
            }
            Change::Remove(at, most) => {
                let at = at.index(length);
                bytes.drain(at..at.saturating_add(*most).min(length));
            }
            Change::Copy(from, most, to) => {
                let from = from.index(length);
                let piece = bytes[from..from.saturating_add(*most).min(length)].to_vec();
                let to = to.index(length);
                bytes.splice(to..to, piece);
            }
            Change::Insert(at, piece) => {
                let at = at.index(length);
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
    bytes
}

fn check<S: Strategy>(cases: u32, strategy: S, mut test: impl FnMut(S::Value)) {
    use std::cell::RefCell;
    let test = RefCell::new(&mut test);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&strategy, |value| {
        (test.borrow_mut())(value);
        Ok(())
    });
    run.unwrap();
}
