//! The promises that a run holds the gateway to, and what was found against them.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::{Mutex, PoisonError};

/// Most findings that are shown for one promise; all are counted.
const SHOWN: usize = 10;

/// What is promised, in the order of the verdicts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    Stored,
    NothingElse,
    Chain,
    Records,
    Acknowledged,
    Fhir,
    Pages,
    Answered,
    Frames,
    Guesses,
    Rotated,
    Processes,
    Memory,
    Files,
    WriteAheadLog,
    Log,
    Itself,
}

impl Promise {
    const ALL: [Self; 17] = [
        Self::Stored,
        Self::NothingElse,
        Self::Chain,
        Self::Records,
        Self::Acknowledged,
        Self::Fhir,
        Self::Pages,
        Self::Answered,
        Self::Frames,
        Self::Guesses,
        Self::Rotated,
        Self::Processes,
        Self::Memory,
        Self::Files,
        Self::WriteAheadLog,
        Self::Log,
        Self::Itself,
    ];

    fn sentence(self) -> &'static str {
        match self {
            Self::Stored => "every acknowledged message is there once, for its patient",
            Self::NothingElse => "nothing is there that was never sent",
            Self::Chain => "the audit chain verifies",
            Self::Records => "every record is the one that the chain tells of",
            Self::Acknowledged => "every message was accepted, its repeats too",
            Self::Fhir => "every FHIR answer was right for who asked",
            Self::Pages => "every page was right for its patient",
            Self::Answered => "who asked an undisturbed gateway was answered",
            Self::Frames => "no bad frame was accepted",
            Self::Guesses => "no wrong password led further",
            Self::Rotated => "keys were rotated while it served",
            Self::Processes => "it started, served and stopped as told",
            Self::Memory => "memory does not grow",
            Self::Files => "open files do not grow",
            Self::WriteAheadLog => "the write-ahead log is bounded",
            Self::Log => "the log has no unexpected error and no panic",
            Self::Itself => "the soak itself did its part",
        }
    }
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Findings(Mutex<BTreeMap<Promise, Found>>);

#[derive(Default)]
struct Found {
    looked: Option<String>,
    count: usize,
    first: Vec<String>,
}

impl Findings {
    /// Adds something that breaks a promise.
    pub(crate) fn broken(&self, promise: Promise, what: impl Into<String>) {
        self.with(promise, |found| {
            found.count += 1;
            if found.first.len() < SHOWN {
                found.first.push(what.into());
            }
        });
    }

    /// Says that a promise was looked at, and with what outcome where nothing is found against it.
    pub(crate) fn looked(&self, promise: Promise, note: impl Into<String>) {
        self.with(promise, |found| found.looked = Some(note.into()));
    }

    /// Says whether no promise is known to be broken.
    pub(crate) fn all_kept(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().all(|found| found.count == 0)
    }

    fn with(&self, promise: Promise, work: impl FnOnce(&mut Found)) {
        work(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(promise).or_default());
    }
}

/// The verdicts, one line each.
impl Display for Findings {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for promise in Promise::ALL {
            let (sentence, found) = (promise.sentence(), all.get(&promise));
            let note = found.and_then(|found| found.looked.as_deref());
            match (found.map_or(0, |found| found.count), note) {
                (0, None) => writeln!(out, "----  {sentence}: not looked at")?,
                (0, Some(note)) => writeln!(out, "pass  {sentence}: {note}")?,
                (count, note) => {
                    writeln!(
                        out,
                        "FAIL  {sentence}: {count} found against it; {}",
                        note.unwrap_or("not looked at to the end")
                    )?;
                }
            }
            for line in found.into_iter().flat_map(|found| &found.first) {
                writeln!(out, "        {line}")?;
            }
        }
        Ok(())
    }
}
