//! Sealed forms: nothing opens but what was sealed here, and what was sealed opens without trouble whatever is in it.
//!
//! The first byte says what the rest is: 0 a sealed form, 1 the question of a cursor, 2 the plaintext of a record.
#![no_main]

use domain::double::run;
use domain::kind::Kind;
use domain::record;
use domain::retrieval::{Caller, Position, Retrieval};
use domain::time::Timestamp;
use domain::write::{Routing, StoredRecord};
use fuzz::House;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// The installation and a cursor that it made.
static MADE: LazyLock<(House, Vec<u8>)> = LazyLock::new(|| {
    let house = House::new();
    let sealed = run(house.retrieval().seal_cursor(&house.caller(), Kind::Patient, "name=a", &Position::START));
    (house, sealed.expect("a cursor"))
});

fuzz_target!(init: fuzz::seed(made()), |input: &[u8]| {
    let Some((what, bytes)) = input.split_first() else { return };
    let (house, genuine) = &*MADE;
    match what % 3 {
        0 => {
            let _ = record::heading(bytes);
            let opened = run(house.retrieval().open_cursor(&house.caller(), Kind::Patient, bytes));
            assert!(opened.is_err() || bytes == genuine, "a cursor opens that nobody sealed");
            assert!(
                record::open(house.permit(), &house.key(), &stored(house, bytes)).is_err(),
                "a forged record opens"
            );
        }
        1 => {
            let Ok(question) = str::from_utf8(bytes) else { return };
            comes_back(&house.retrieval(), &house.caller(), question);
        }
        _ => {
            let sealed = record::seal(&house.key(), &house.binding(), bytes, house.doubles.entropy.as_ref());
            let Ok(sealed) = sealed else { return };
            let Ok(opened) = record::open(house.permit(), &house.key(), &stored(house, &sealed)) else { return };
            let mut seen = 0;
            opened.inspect(|_, text| seen += text.len());
            for member in opened.members() {
                let _ = opened.with(member.kind, member.id, |_, text| text.len());
            }
            let disclosed = opened.disclose(&domain::ports::Receipt { entries: Vec::new() });
            for member in disclosed.members() {
                let _ = disclosed.bytes(member.kind, member.id);
            }
        }
    }
});

fn made() -> [Vec<u8>; 3] {
    let question = b"\x01patient=Patient/1&_count=2".to_vec();
    [[&[0], MADE.1.as_slice()].concat(), question, [&[2], fuzz::content().as_slice()].concat()]
}

fn comes_back(retrieval: &Retrieval, caller: &Caller, question: &str) {
    let sealed = run(retrieval.seal_cursor(caller, Kind::Patient, question, &Position::START)).expect("a cursor");
    let opened = run(retrieval.open_cursor(caller, Kind::Patient, &sealed));
    assert_eq!(opened, Ok((Position::START, question.to_owned())));
    let other_kind = run(retrieval.open_cursor(caller, Kind::Observation, &sealed));
    assert!(other_kind.is_err(), "a cursor serves another type");
}

fn stored(house: &House, sealed: &[u8]) -> StoredRecord {
    let binding = house.binding();
    StoredRecord {
        tenant: binding.tenant,
        id: binding.id,
        kind: binding.kind,
        clinic: binding.clinic,
        version: binding.version,
        arrival: Timestamp(1),
        last_updated: Timestamp(1),
        routing: Routing::None,
        sealed: sealed.to_vec(),
    }
}
