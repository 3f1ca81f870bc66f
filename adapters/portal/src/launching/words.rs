//! Scopes in plain words.

use domain::access::{Letter, Level, Scope};
use domain::kind::Kind;
use domain::launch::Word;

/// Says what a scope about records, or about administering, lets an application do.
pub(crate) fn scope(scope: &Scope) -> String {
    if scope.administers(Letter::Update) {
        return "Administer with your rights: sign-in, accounts, sessions, and reviews of emergency access".to_owned();
    }
    if scope.administers(Letter::Read) {
        return "See with your rights how sign-in is set up, who has an account, and who is signed in".to_owned();
    }
    let all = [Letter::Read, Letter::Search, Letter::Create, Letter::Update, Letter::Delete];
    let of = |kind: Kind| all.iter().any(|letter| scope.speaks(*letter, kind));
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_fhir() && of(*kind)).collect();
    let spoken = |letter: Letter| kinds.first().is_some_and(|kind| scope.speaks(letter, *kind));
    let doing: Vec<&str> = [
        (Letter::Read, "open"),
        (Letter::Search, "look for"),
        (Letter::Create, "add"),
        (Letter::Update, "change"),
        (Letter::Delete, "delete"),
    ]
    .into_iter()
    .filter(|(letter, _)| spoken(*letter))
    .map(|(_, word)| word)
    .collect();
    let what = match kinds.as_slice() {
        [only] => name(*only),
        _ => "everything",
    };
    let whose = match scope.level() {
        Level::Patient => "of this patient",
        Level::User => "of every patient whom you may see",
        Level::System => "of every patient",
    };
    let mut text = capital(&join(&doing));
    text.push_str(&format!(" {what} {whose}"));
    for part in scope.parts() {
        text.push_str(&format!(", only where {} is {}", part.parameter().name(), part.value()));
    }
    text
}

/// Says what another scope lets an application do.
pub(crate) fn word(word: Word) -> String {
    match word {
        Word::OpenId => "Know that it is you, by a number that stands for you here",
        Word::FhirUser => "Know who you are: your name, at an address that stands for you",
        Word::Profile => "Know your name",
        Word::Launch => "Know for which patient you opened it",
        Word::LaunchPatient => "Know which patient you chose",
        Word::Online => "Go on without asking you again, until you sign out here or are signed out",
        Word::Offline => "Go on for a week, also when you are not signed in here",
    }
    .to_owned()
}

/// Returns the part of an address that tells people where they are sent: scheme, host and port, or a private scheme.
pub(crate) fn destination(address: &str) -> &str {
    let Some(start) = address.find("://") else {
        return address.split_once(':').map_or("", |(scheme, _)| scheme);
    };
    let start = start.saturating_add(3);
    let rest = address.get(start..).unwrap_or_default();
    let end = rest.find(['/', '?', '#']).map_or(address.len(), |at| at.saturating_add(start));
    address.get(..end).unwrap_or_default()
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Patient => "name, birth date and numbers",
        Kind::DiagnosticReport => "reports with their documents",
        Kind::Observation => "single results",
        Kind::Specimen => "specimens",
        Kind::ServiceRequest => "orders",
        Kind::Provenance => "notes of where results came from",
        Kind::Encounter => "visits",
        Kind::Practitioner => "clinicians named in results",
        Kind::PractitionerRole => "roles of clinicians named in results",
        Kind::Organization => "organizations named in results",
        _ => "records",
    }
}

fn join(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_says_what_it_lets_be_done() {
        let of = |text: &str| scope(&text.parse().unwrap());
        assert_eq!(of("patient/*.rs"), "Open and look for everything of this patient");
        assert_eq!(of("user/Observation.s"), "Look for single results of every patient whom you may see");
        assert_eq!(of("patient/Specimen.cruds"), "Open, look for, add, change and delete specimens of this patient");
        assert!(of("user/Administration.ru").starts_with("Administer with your rights"));
        assert!(of("user/Administration.r").starts_with("See with your rights how sign-in"));
        assert_eq!(
            of("patient/DiagnosticReport.r?category=LAB"),
            "Open reports with their documents of this patient, only where category is LAB"
        );
    }

    #[test]
    fn a_destination_is_what_tells_one_site_from_another() {
        for (address, wanted) in [
            ("https://app.example:8443/back?x=1", "https://app.example:8443"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("com.example.app:/back", "com.example.app"),
            ("https://app.example?x=https://other.example/", "https://app.example"),
        ] {
            assert_eq!(destination(address), wanted);
        }
    }
}
