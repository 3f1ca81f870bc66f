//! Codes and dates in plain words.

/// Returns a FHIR date or dateTime for people: `1 Dec 2025, 08:00 (+01:00)`; what cannot be read is returned as it is.
///
/// The time is that of its own zone, which is said: a clock time without a zone would be read as local.
pub(crate) fn moment(text: &str) -> String {
    let (date, rest) = text.split_once('T').map_or((text, None), |(date, rest)| (date, Some(rest)));
    let Some(day) = date_in_words(date) else {
        return text.to_owned();
    };
    let Some(rest) = rest else {
        return day;
    };
    let (clock, zone) = match rest.find(['Z', '+', '-']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let Some(minutes) = clock.get(..5) else {
        return text.to_owned();
    };
    match zone {
        "" => format!("{day}, {minutes}"),
        "Z" | "+00:00" | "-00:00" => format!("{day}, {minutes} (UTC)"),
        zone => format!("{day}, {minutes} ({zone})"),
    }
}

/// Returns a moment of our own clock for people, in UTC.
pub(crate) fn instant(at: domain::time::Timestamp) -> String {
    moment(&at.rfc3339())
}

fn date_in_words(date: &str) -> Option<String> {
    let mut parts = date.split('-');
    let year = parts.next().filter(|year| year.len() == 4 && is_number(year))?;
    let Some(month) = parts.next() else {
        return Some(year.to_owned());
    };
    let month = month_name(month)?;
    let Some(day) = parts.next() else {
        return Some(format!("{month} {year}"));
    };
    let day = Some(day).filter(|day| day.len() == 2 && is_number(day))?;
    parts.next().is_none().then(|| format!("{} {month} {year}", day.trim_start_matches('0')))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn month_name(month: &str) -> Option<&'static str> {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let number = Some(month).filter(|month| month.len() == 2)?.parse::<usize>().ok()?;
    NAMES.get(number.checked_sub(1)?).copied()
}

/// How much attention a status asks for; it chooses a shape and a border, never a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// As it should be.
    Plain,
    /// Not yet, or no longer, what it will be.
    Careful,
    /// Not to be relied on.
    Stop,
}

impl Weight {
    /// Returns the word for a style class.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Weight::Plain => "plain",
            Weight::Careful => "careful",
            Weight::Stop => "stop",
        }
    }
}

/// A status for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status {
    /// One or two words.
    pub(crate) name: &'static str,
    /// What it means for the reader; empty where the name says it all.
    pub(crate) meaning: &'static str,
    /// How much attention it asks for.
    pub(crate) weight: Weight,
}

/// Returns the status of a report or a result (DiagnosticReport.status, Observation.status) in words.
pub(crate) fn status(code: &str) -> Status {
    let (name, meaning, weight) = match code {
        "registered" => ("Registered", "There is no result yet.", Weight::Careful),
        "partial" => ("Partial", "Some results are still missing, and some may not be verified.", Weight::Careful),
        "preliminary" => ("Preliminary", "Not yet verified: it may still change.", Weight::Careful),
        "final" => ("Final", "", Weight::Plain),
        "amended" => ("Amended", "It was changed after it was final.", Weight::Careful),
        "corrected" => ("Corrected", "It replaces an earlier version that was wrong.", Weight::Careful),
        "appended" => ("Appended", "Something was added after it was final.", Weight::Careful),
        "cancelled" => ("Cancelled", "It was not carried out.", Weight::Stop),
        "entered-in-error" => ("Entered in error", "Do not use it: it was withdrawn.", Weight::Stop),
        _ => ("Status unknown", "The sender did not say whether it is final.", Weight::Stop),
    };
    Status { name, meaning, weight }
}

/// The shape that marks a result; each is told apart without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Above: one triangle upwards.
    Up,
    /// Far above: two.
    UpTwice,
    /// Below: one triangle downwards.
    Down,
    /// Far below: two.
    DownTwice,
    /// Abnormal, neither above nor below: a diamond.
    Diamond,
    /// Critically so: two.
    DiamondTwice,
    /// Nothing out of the ordinary.
    None,
}

impl Shape {
    /// Returns the characters that draw it.
    pub(crate) const fn drawn(self) -> &'static str {
        match self {
            Shape::Up => "▲",
            Shape::UpTwice => "▲▲",
            Shape::Down => "▼",
            Shape::DownTwice => "▼▼",
            Shape::Diamond => "◆",
            Shape::DiamondTwice => "◆◆",
            Shape::None => "",
        }
    }

    /// Returns the word for a style class.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Shape::Up | Shape::Down | Shape::Diamond => "abnormal",
            Shape::UpTwice | Shape::DownTwice | Shape::DiamondTwice => "critical",
            Shape::None => "usual",
        }
    }
}

/// Returns an interpretation code (v3-ObservationInterpretation) in words; `None` for a code that is not in it.
pub(crate) fn interpretation(code: &str) -> Option<(&'static str, Shape)> {
    Some(match code {
        "H" => ("High", Shape::Up),
        "HU" => ("Significantly high", Shape::Up),
        ">" => ("Above what can be measured", Shape::Up),
        "U" => ("Risen significantly", Shape::Up),
        "HH" => ("Critically high", Shape::UpTwice),
        "L" => ("Low", Shape::Down),
        "LU" => ("Significantly low", Shape::Down),
        "<" => ("Below what can be measured", Shape::Down),
        "D" => ("Fallen significantly", Shape::Down),
        "LL" => ("Critically low", Shape::DownTwice),
        "A" => ("Abnormal", Shape::Diamond),
        "AA" => ("Critically abnormal", Shape::DiamondTwice),
        "W" => ("Worse", Shape::Diamond),
        "POS" => ("Positive", Shape::Diamond),
        "DET" => ("Detected", Shape::Diamond),
        "RR" => ("Reactive", Shape::Diamond),
        "WR" => ("Weakly reactive", Shape::Diamond),
        "E" => ("Equivocal", Shape::Diamond),
        "IND" => ("Indeterminate", Shape::Diamond),
        "EX" => ("Outside threshold", Shape::Diamond),
        "CAR" => ("Carrier", Shape::Diamond),
        "R" => ("Resistant", Shape::Diamond),
        "SYN-R" => ("Synergy: resistant", Shape::Diamond),
        "NS" => ("Not susceptible", Shape::Diamond),
        "I" => ("Intermediate", Shape::Diamond),
        "SDD" => ("Susceptible, dose dependent", Shape::None),
        "UNE" => ("Unexpected", Shape::Diamond),
        "B" => ("Better", Shape::None),
        "N" => ("Normal", Shape::None),
        "NEG" => ("Negative", Shape::None),
        "ND" => ("Not detected", Shape::None),
        "NR" => ("Not reactive", Shape::None),
        "NCL" => ("No breakpoint defined", Shape::None),
        "S" => ("Susceptible", Shape::None),
        "SYN-S" => ("Synergy: susceptible", Shape::None),
        "MS" => ("Moderately susceptible", Shape::None),
        "VS" => ("Very susceptible", Shape::None),
        "EXP" => ("Expected", Shape::None),
        "IE" => ("Insufficient evidence", Shape::None),
        _ => return None,
    })
}

/// Returns why a value is absent (data-absent-reason) in words.
pub(crate) fn absent(code: &str) -> &'static str {
    match code {
        "unknown" => "No value: not known why",
        "asked-unknown" => "No value: asked, but not known",
        "temp-unknown" => "No value yet",
        "not-asked" => "No value: not asked for",
        "asked-declined" => "No value: declined",
        "masked" => "No value: withheld",
        "not-applicable" => "No value: does not apply",
        "unsupported" => "No value: cannot be shown in this form",
        "error" => "No value: it was taken back",
        "not-performed" => "Not performed",
        "not-permitted" => "No value: not permitted",
        "not-a-number" => "Not a number",
        "negative-infinity" | "positive-infinity" => "Beyond measurement",
        _ => "No value",
    }
}

/// Returns the category of a report (HL7 table 0074) in words; the code itself where it is another.
pub(crate) fn category(code: &str) -> &str {
    match code {
        "LAB" => "Laboratory",
        "AU" => "Audiology",
        "BG" => "Blood gases",
        "BLB" => "Blood bank",
        "CG" => "Cytogenetics",
        "CH" => "Chemistry",
        "CP" => "Cytopathology",
        "CT" => "CT scan",
        "CTH" => "Cardiac catheterization",
        "CUS" => "Cardiac ultrasound",
        "EC" => "Electrocardiac",
        "EN" => "Electroneuro",
        "GE" => "Genetics",
        "HM" => "Hematology",
        "ICU" => "Bedside monitoring",
        "IMM" => "Immunology",
        "MB" => "Microbiology",
        "MCB" => "Mycobacteriology",
        "MYC" => "Mycology",
        "NMR" => "Magnetic resonance",
        "NMS" => "Nuclear medicine",
        "OSL" => "Outside lab",
        "OTH" => "Other",
        "PAT" | "SP" => "Pathology",
        "PF" => "Pulmonary function",
        "PHR" => "Pharmacy",
        "PHY" => "Physician",
        "RAD" | "RX" => "Radiology",
        "RC" => "Respiratory care",
        "RT" => "Radiation therapy",
        "RUS" | "OUS" | "VUS" => "Ultrasound",
        "SR" => "Serology",
        "TX" => "Toxicology",
        "VR" => "Virology",
        "XRC" => "Cineradiography",
        other => other,
    }
}

/// Returns an administrative gender in words.
pub(crate) fn gender(code: &str) -> &str {
    match code {
        "male" => "Male",
        "female" => "Female",
        "other" => "Other",
        "unknown" => "Unknown",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_said_without_ambiguity() {
        for (text, said) in [
            ("2025-12-01T08:00:00+01:00", "1 Dec 2025, 08:00 (+01:00)"),
            ("2025-12-01T08:00:00.120Z", "1 Dec 2025, 08:00 (UTC)"),
            ("1970-01-31", "31 Jan 1970"),
            ("1970-01", "Jan 1970"),
            ("1970", "1970"),
            ("1970-13-01", "1970-13-01"),
            ("yesterday", "yesterday"),
            ("2025-12-01T8", "2025-12-01T8"),
            ("", ""),
        ] {
            assert_eq!(moment(text), said);
        }
    }

    #[test]
    fn only_final_is_plain_and_an_unknown_status_is_never_final() {
        for code in ["registered", "partial", "preliminary", "amended", "corrected", "appended", "cancelled", ""] {
            assert_ne!(status(code).weight, Weight::Plain, "{code}");
        }
        assert_eq!(status("final").weight, Weight::Plain);
        assert_eq!(status("FINAL").name, "Status unknown");
    }

    #[test]
    fn high_and_low_and_abnormal_differ_in_shape_and_word() {
        let all = ["H", "HH", "L", "LL", "A", "AA"].map(|code| interpretation(code).unwrap());
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other.0 != one.0 && other.1.drawn() != one.1.drawn()));
        }
        assert_eq!(interpretation("h"), None);
    }
}
