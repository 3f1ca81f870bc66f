//! Our reader against er7, an independent one.

use hl7::message::{ReadOptions, read};

/// Whatever we read, er7 reads the same; and what we refuse, we refuse with a reason.
pub(crate) fn agrees(bytes: &[u8]) -> Result<(), String> {
    let Ok(message) = read(bytes, &ReadOptions::default()) else {
        return Ok(());
    };
    // Our own text, so that er7 is asked about structure only: it knows no character sets and takes a folded line for a segment.
    let other = er7::parse(&plain(message.text())).map_err(|error| error.to_string())?;
    let segments: Vec<_> = message.segments().collect();
    if segments.len() != other.segments.len() {
        return Err(format!("{} segments, not {}", segments.len(), other.segments.len()));
    }
    for (ours, theirs) in segments.iter().zip(&other.segments) {
        if ours.name() != theirs.name {
            return Err(format!("segment {} differs in name", ours.ordinal()));
        }
        // MSH-1 and MSH-2 are the delimiters themselves.
        let first = if ours.name() == "MSH" { 3 } else { 1 };
        for number in first..=theirs.fields.len().max(ours.field_count()) {
            let place = || format!("{}[{}]-{number}", ours.name(), ours.occurrence());
            compare(ours.field(number), theirs.field(number), &other)
                .map_err(|level| format!("{} differs at the {level}", place()))?;
        }
    }
    Ok(())
}

fn compare(
    ours: hl7::message::Field<'_>,
    theirs: Option<&er7::Field>,
    other: &er7::Message,
) -> Result<(), &'static str> {
    let Some(theirs) = theirs else {
        return if ours.is_empty() { Ok(()) } else { Err("field") };
    };
    if unfolded(ours.raw()) != theirs.to_er7(&other.separators) {
        return Err("field");
    }
    if ours.is_empty() {
        return Ok(());
    }
    let repetitions: Vec<_> = ours.repetitions().collect();
    if repetitions.len() != theirs.repetitions.len() {
        return Err("repetition");
    }
    for (ours, theirs) in repetitions.iter().zip(&theirs.repetitions) {
        if !ours.is_empty() && ours.component_count() != theirs.components.len() {
            return Err("component count");
        }
        for (at, theirs) in theirs.components.iter().enumerate() {
            let ours = ours.component(at.saturating_add(1));
            if unfolded(ours.raw()) != theirs.to_er7(&other.separators) {
                return Err("component");
            }
            for (at, theirs) in theirs.subcomponents.iter().enumerate() {
                if unfolded(ours.sub(at.saturating_add(1)).raw()) != theirs.raw {
                    return Err("subcomponent");
                }
            }
        }
    }
    Ok(())
}

/// Our text with a doubled escape character in MSH-2 made one, and folded lines straightened.
fn plain(text: &str) -> String {
    unfolded(&text.replacen(r"MSH|^~\\&|", r"MSH|^~\&|", 1))
}

fn unfolded(text: &str) -> String {
    text.replace('\n', " ")
}
