//! What commands write: text for people or JSON for scripts, on standard output.

use crate::exit::{Exit, Outcome, Stop};
use serde_json::Value;
use std::io::Write;

/// Writes one line to standard output.
///
/// # Errors
/// [`Exit::Failed`] when nobody reads it any more.
pub fn line(text: impl std::fmt::Display) -> Outcome {
    writeln!(std::io::stdout().lock(), "{text}").map_err(|_| Stop::new(Exit::Failed, "standard output is closed"))
}

/// Writes a value as indented JSON.
///
/// # Errors
/// As for [`line()`].
pub fn json(value: &Value) -> Outcome {
    line(format_args!("{value:#}"))
}

/// Writes one line to standard error: progress and questions, never results.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes a table with aligned columns; the first row is its heading.
///
/// # Errors
/// As for [`line()`].
pub fn table(rows: &[Vec<String>]) -> Outcome {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        line(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Keeps control characters of partners and files from reaching a terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
