//! What is accepted as a password.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// Least characters of a password beside which a second factor is shown.
/// NIST SP 800-63B-4 §3.1.1.2 asks for 8; OWASP ASVS 5.0 6.2.1 recommends 15.
pub const MIN_CHARACTERS: usize = 12;

/// Least characters of a password that is the only factor (NIST SP 800-63B-4 §3.1.1.2).
pub const MIN_CHARACTERS_ALONE: usize = 15;

/// Most characters of a password. NIST SP 800-63B-4 §3.1.1.2 asks to permit 64, OWASP ASVS 5.0 6.2.9 to permit 64 at least.
pub const MAX_CHARACTERS: usize = 256;

/// A password as it was typed, in NFC; wiped when dropped, never printed.
pub struct Password(Zeroizing<String>);

/// For whom and under which rules a password is set.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Words that anybody would try first: the sign-in name, the display name, the name of the tenant.
    pub words: &'a [&'a str],
    /// Whether the password will be the only factor.
    pub alone: bool,
}

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It has fewer characters than this.
    TooShort(usize),
    /// It has more than [`MAX_CHARACTERS`].
    TooLong,
    /// It is a few characters over and over.
    Repetitive,
    /// Little is left of it without the names of person and tenant.
    Guessable,
    /// It is in the list of passwords that became known.
    Breached,
}

impl Unfit {
    /// Returns the word that stands for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unfit::TooShort(_) => "password-too-short",
            Unfit::TooLong => "password-too-long",
            Unfit::Repetitive => "password-repetitive",
            Unfit::Guessable => "password-guessable",
            Unfit::Breached => "password-breached",
        }
    }
}

impl Password {
    /// Reads a password; `None` when it has more than [`MAX_CHARACTERS`].
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        // Sized for the worst case, so that growing leaves no copy behind.
        let mut normal = Zeroizing::new(String::with_capacity(text.len().saturating_mul(NFC_EXPANSION)));
        normal.extend(text.nfc());
        (normal.chars().count() <= MAX_CHARACTERS).then_some(Self(normal))
    }

    /// Borrows the text; the borrower must not keep a copy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Stands in for a password that cannot be one, so that it costs as much as any other.
    pub(super) fn nothing() -> Self {
        Self(Zeroizing::new(String::new()))
    }

    /// Checks what can be said without any list.
    pub(super) fn check(&self, setting: &Setting<'_>) -> Result<(), Unfit> {
        let least = if setting.alone { MIN_CHARACTERS_ALONE } else { MIN_CHARACTERS };
        if self.0.chars().count() < least {
            return Err(Unfit::TooShort(least));
        }
        if self.is_repetitive() {
            return Err(Unfit::Repetitive);
        }
        if self.is_guessable(setting.words) { Err(Unfit::Guessable) } else { Ok(()) }
    }

    /// Says whether it is a unit of at most four characters, over and over.
    fn is_repetitive(&self) -> bool {
        (1..=REPEATED_UNIT).any(|unit| self.0.chars().zip(self.0.chars().skip(unit)).all(|(here, there)| here == there))
    }

    /// Says whether fewer than eight characters are left without the words and their parts.
    fn is_guessable(&self, words: &[&str]) -> bool {
        let mut words: Vec<String> = words
            .iter()
            .flat_map(|word| word.split(|c: char| !c.is_alphanumeric()).chain([*word]))
            .map(|word| word.nfc().flat_map(char::to_lowercase).collect())
            .filter(|word: &String| word.chars().count() >= SHORTEST_WORD)
            .collect();
        words.sort_by_key(|word| core::cmp::Reverse(word.len()));
        let mut rest = Zeroizing::new(self.0.to_lowercase());
        for word in &words {
            // A mark in its place keeps what is left from joining into another word.
            rest = Zeroizing::new(rest.replace(word.as_str(), "\0"));
        }
        rest.chars().filter(|c| *c != '\0').count() < LEAST_REST
    }
}

/// Most bytes that are looked at: four for each character.
const MAX_BYTES: usize = 4 * MAX_CHARACTERS;
/// Most bytes that NFC makes of one (UAX #15, table "Worst-case expansion", UTF-8).
const NFC_EXPANSION: usize = 3;
/// The longest unit whose repetition is refused, in characters.
const REPEATED_UNIT: usize = 4;
/// Shorter words are part of too many honest passwords.
const SHORTEST_WORD: usize = 3;
/// Least characters beside the words (NIST SP 800-63B-4 §3.1.1.2: the least length of any password).
const LEAST_REST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, words: &[&str], alone: bool) -> Result<(), Unfit> {
        Password::read(text).unwrap().check(&Setting { words, alone })
    }

    #[test]
    fn one_spelling_stands_for_all_that_look_alike() {
        let (composed, combining) = ("p\u{e4}ssword long enough", "pa\u{308}ssword long enough");
        assert_eq!(Password::read(composed).unwrap().expose(), Password::read(combining).unwrap().expose());
    }

    #[test]
    fn lengths_are_counted_in_characters_and_nothing_is_cut() {
        assert_eq!(check("ÄÖÜäöüßéèêë", &[], false), Err(Unfit::TooShort(12)));
        assert_eq!(check("ÄÖÜäöüßéèêëñ", &[], false), Ok(()));
        assert_eq!(check("fourteen chars", &[], true), Err(Unfit::TooShort(15)));
        assert_eq!(check("fifteen of them", &[], true), Ok(()));
        let longest: String = "abcdefghij klmnop".chars().cycle().take(256).collect();
        assert_eq!(check(&longest, &[], true), Ok(()));
        assert!(Password::read(&format!("{longest}x")).is_none());
        assert!(Password::read(&"\u{1f511}".repeat(256)).is_some());
        assert!(Password::read(&"\u{1f511}".repeat(257)).is_none());
        assert!(Password::read(&"\u{1d160}".repeat(256)).is_none(), "NFC makes three of one");
    }

    #[test]
    fn no_mixture_of_characters_is_asked_for() {
        assert_eq!(check("correct horse battery staple", &[], true), Ok(()));
        assert_eq!(check("839201746552", &[], false), Ok(()));
    }

    #[test]
    fn a_few_characters_over_and_over_are_refused() {
        for text in ["aaaaaaaaaaaa", "abababababab", "1234123412341", "xyzxyzxyzxyz"] {
            assert_eq!(check(text, &[], false), Err(Unfit::Repetitive), "{text}");
        }
    }

    #[test]
    fn the_names_of_person_and_tenant_do_not_count() {
        let words = ["alice.smith", "Alice Smith", "Riverside Clinic"];
        for text in ["Alice.Smith2024!", "riversideclinic", "smith-riverside-1", "ALICEaliceAlice12"] {
            assert_eq!(check(text, &words, false), Err(Unfit::Guessable), "{text}");
        }
        assert_eq!(check("alice keeps two goats", &words, false), Ok(()));
        assert_eq!(check("a bird by the river", &["al", ""], false), Ok(()));
    }
}
