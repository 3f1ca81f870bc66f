//! The scopes of a launch: those about records, and the words about the launch and the person.

use crate::access::{Level, NotGranted, Scope, grant};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Most scopes that a person is asked about at once.
pub const MAX_WISHES: usize = 40;

/// A scope that is not about records (SMART App Launch 2.2 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Word {
    /// `openid`: who signed in.
    #[serde(rename = "openid")]
    OpenId,
    /// `fhirUser`: the same as a FHIR address.
    #[serde(rename = "fhirUser")]
    FhirUser,
    /// `profile`: the person's name.
    #[serde(rename = "profile")]
    Profile,
    /// `launch`: the patient on whose page the application was opened.
    #[serde(rename = "launch")]
    Launch,
    /// `launch/patient`: a patient whom the person chooses.
    #[serde(rename = "launch/patient")]
    LaunchPatient,
    /// `online_access`: refresh tokens as long as the session goes on.
    #[serde(rename = "online_access")]
    Online,
    /// `offline_access`: refresh tokens beyond it.
    #[serde(rename = "offline_access")]
    Offline,
}

impl Word {
    /// Every word.
    pub const ALL: &'static [Word] =
        &[Word::OpenId, Word::FhirUser, Word::Profile, Word::Launch, Word::LaunchPatient, Word::Online, Word::Offline];

    /// Returns it as requests write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Word::OpenId => "openid",
            Word::FhirUser => "fhirUser",
            Word::Profile => "profile",
            Word::Launch => "launch",
            Word::LaunchPatient => "launch/patient",
            Word::Online => "online_access",
            Word::Offline => "offline_access",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an application asks for, as far as it was registered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wish {
    /// Scopes about records, in canonical order.
    pub records: Vec<Scope>,
    /// The others, in the order of [`Word::ALL`].
    pub words: Vec<Word>,
}

impl Wish {
    /// Reads a `scope` parameter; what was not registered, and what means nothing here, is left out (RFC 6749 §3.3).
    ///
    /// # Errors
    /// [`NotGranted::Malformed`] when a scope about records is malformed; [`NotGranted::Nothing`] when nothing is left.
    pub fn read(asked: &str, registered: &[String]) -> Result<Self, NotGranted> {
        let about_records = |text: &&str| ["patient/", "user/"].iter().any(|level| text.starts_with(level));
        let limits: Vec<Scope> = registered.iter().filter_map(|text| text.parse().ok()).collect();
        let wanted = asked.split(' ').filter(about_records).collect::<Vec<_>>().join(" ");
        let records = match grant(&wanted, &limits, &[Level::Patient, Level::User]) {
            Ok(records) => records,
            Err(NotGranted::Nothing) => Vec::new(),
            Err(NotGranted::Malformed) => return Err(NotGranted::Malformed),
        };
        let words = Word::ALL.iter().copied().filter(|word| {
            asked.split(' ').any(|text| text == word.name()) && registered.iter().any(|text| text == word.name())
        });
        let wish = Self { records, words: words.collect() }.settled();
        if wish.is_empty() { Err(NotGranted::Nothing) } else { Ok(wish) }
    }

    /// Says whether a word is among them.
    #[must_use]
    pub fn has(&self, word: Word) -> bool {
        self.words.contains(&word)
    }

    /// Returns the same without scopes about one patient, since no patient is chosen.
    #[must_use]
    pub fn without_patient(mut self) -> Self {
        self.records.retain(|scope| scope.level() != Level::Patient);
        self.words.retain(|word| !matches!(word, Word::Launch | Word::LaunchPatient));
        self
    }

    /// Returns the same without what needs something that is not there: the person's name and address need `openid`.
    #[must_use]
    pub fn settled(mut self) -> Self {
        if !self.has(Word::OpenId) {
            self.words.retain(|word| !matches!(word, Word::FhirUser | Word::Profile));
        }
        self
    }

    /// Says whether nothing would come of it: neither records nor who signed in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && !self.has(Word::OpenId)
    }

    /// Says how many scopes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.records.len().saturating_add(self.words.len())
    }

    /// Returns each of them as a token response writes it.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.words.iter().map(ToString::to_string).chain(self.records.iter().map(ToString::to_string)).collect()
    }

    /// Returns them as a token response writes them.
    #[must_use]
    pub fn render(&self) -> String {
        self.texts().join(" ")
    }

    /// Reads a `scope` parameter that may ask for less than this and for nothing else (RFC 6749 §6); `None` when it asks for more.
    #[must_use]
    pub fn less(&self, asked: &str) -> Option<Self> {
        let mut less = Self::default();
        for text in asked.split(' ').filter(|text| !text.is_empty()) {
            if let Some(word) = self.words.iter().find(|word| word.name() == text) {
                less.words.push(*word);
            } else {
                let scope: Scope = text.parse().ok()?;
                if !self.records.iter().any(|own| own.covers(&scope)) {
                    return None;
                }
                less.records.push(scope);
            }
        }
        // Each of them is looked at for every resource that is opened.
        if less.count() > MAX_WISHES {
            return None;
        }
        less.records.sort();
        less.records.dedup();
        less.words.sort_unstable();
        less.words.dedup();
        let less = less.settled();
        (less.count() > 0).then_some(less)
    }
}
