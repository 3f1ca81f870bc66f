//! The table: what was measured, beside its limit.

use crate::options::Options;
use std::fmt;

/// Everything measured in one run.
pub(crate) struct Table {
    title: String,
    lines: Vec<Line>,
}

enum Line {
    Heading(&'static str),
    Row(Box<Row>),
    Note(String),
}

/// One line; what does not apply to it stays empty.
#[derive(Default)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// How many a second, or another value with its unit.
    pub(crate) value: String,
    pub(crate) p50: Option<u32>,
    pub(crate) p99: Option<u32>,
    /// User and system time of the gateway's process for each, in microseconds.
    pub(crate) gateway_cpu: Option<f64>,
    /// The same of the sender.
    pub(crate) sender_cpu: Option<f64>,
    /// Write sets in one commit.
    pub(crate) group: Option<f64>,
    /// How it stands to its limit.
    pub(crate) ratio: String,
    pub(crate) aim: &'static str,
}

impl Table {
    pub(crate) fn new(options: &Options) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load: Vec<_> = load.split(' ').take(1).collect();
        let title = format!(
            "Sealgate on {cores} cores, sender on the same machine, medians of {} runs of {:?}; load average before: {}",
            options.runs,
            options.time,
            load.concat()
        );
        Self { title, lines: Vec::new() }
    }

    pub(crate) fn heading(&mut self, what: &'static str) {
        eprintln!("measuring: {what}");
        self.lines.push(Line::Heading(what));
    }

    pub(crate) fn row(&mut self, row: Row) {
        eprintln!("  {} {}", row.what, row.value);
        self.lines.push(Line::Row(Box::new(row)));
    }

    pub(crate) fn note(&mut self, note: String) {
        self.lines.push(Line::Note(note));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.title)?;
        writeln!(
            f,
            "{:<52}{:>16}{:>10}{:>10}{:>9}{:>9}{:>8}  {:<26}aim",
            "", "", "p50 ms", "p99 ms", "gw µs", "snd µs", "group", "to the limit"
        )?;
        for line in &self.lines {
            match line {
                Line::Heading(what) => writeln!(f, "\n{what}")?,
                Line::Note(note) => writeln!(f, "  ({note})")?,
                Line::Row(row) => writeln!(
                    f,
                    "  {:<50}{:>16}{:>10}{:>10}{:>9}{:>9}{:>8}  {:<26}{}",
                    row.what,
                    row.value,
                    millis(row.p50),
                    millis(row.p99),
                    row.gateway_cpu.map_or(String::new(), |micros| format!("{micros:.0}")),
                    row.sender_cpu.map_or(String::new(), |micros| format!("{micros:.0}")),
                    row.group.map_or(String::new(), |group| format!("{group:.1}")),
                    row.ratio,
                    row.aim
                )?,
            }
        }
        writeln!(
            f,
            "\ngw µs, snd µs: user and system time of gateway and sender for each; group: write sets in one commit"
        )
    }
}

/// Writes a rate.
pub(crate) fn per_second(rate: f64) -> String {
    format!("{}/s", grouped(rate))
}

/// Writes a whole number with its thousands apart.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn millis(micros: Option<u32>) -> String {
    micros.map_or(String::new(), |micros| format!("{:.2}", f64::from(micros) / 1_000.0))
}
