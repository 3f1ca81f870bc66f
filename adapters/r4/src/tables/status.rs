//! Tables 0123, 0085, 0038, 0119 and 0485: where a report, a result or an order stands.

use super::look_up;

/// What FHIR calls a status, and whether that says all that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// The FHIR code.
    pub code: &'static str,
    /// False when the code sent says more or something else, and must be kept beside.
    pub exact: bool,
    /// True when the code belongs to another table and was taken as an alias.
    pub alias: bool,
}

const fn exact(code: &'static str) -> Option<Status> {
    Some(Status { code, exact: true, alias: false })
}

const fn loose(code: &'static str) -> Option<Status> {
    Some(Status { code, exact: false, alias: false })
}

const fn alias(code: &'static str) -> Option<Status> {
    Some(Status { code, exact: false, alias: true })
}

/// OBR-25, table 0123, as DiagnosticReport.status; `None` for an unknown code, never a guess at `final`.
///
/// The guide leaves A, M, N, Y and Z open. A (some results available) is `partial`, M (corrected, not final) `preliminary`, N
/// (procedure completed, results pending) `registered`; Y and Z belong to queries and say nothing of a result. Senders also put
/// codes of table 0085 here.
#[must_use]
pub fn report_status(code: &str) -> Option<Status> {
    look_up(code, |code| match code {
        "O" | "I" | "S" => exact("registered"),
        "P" => exact("preliminary"),
        "C" => exact("corrected"),
        "R" => exact("partial"),
        "F" => exact("final"),
        "X" => exact("cancelled"),
        "A" => loose("partial"),
        "M" => loose("preliminary"),
        "N" => loose("registered"),
        "Y" | "Z" => loose("unknown"),
        "D" | "W" => alias("entered-in-error"),
        "U" | "V" => alias("final"),
        "B" => alias("amended"),
        _ => None,
    })
}

/// OBX-11, table 0085, as Observation.status; `None` for an unknown code, never a guess at `final`.
///
/// The guide leaves B, I, N, O, R, S, U and V open. U says that preliminary values sent before are now final, V that a final value
/// was verified; N (not asked) is `final` without a value, and with one `unknown`: it contradicts itself.
#[must_use]
pub fn observation_status(code: &str, has_value: bool) -> Option<Status> {
    look_up(code, |code| match code {
        "F" => exact("final"),
        "P" => exact("preliminary"),
        "C" => exact("corrected"),
        "A" => exact("amended"),
        "X" => loose("cancelled"),
        "D" | "W" => loose("entered-in-error"),
        "B" => loose("amended"),
        "U" | "V" => loose("final"),
        "N" => loose(if has_value { "unknown" } else { "final" }),
        "R" | "S" => loose("preliminary"),
        "I" | "O" => loose("registered"),
        _ => None,
    })
}

/// ORC-5, table 0038, as ServiceRequest.status.
#[must_use]
pub fn order_status(code: &str) -> Option<&'static str> {
    look_up(code, |code| match code {
        "CA" | "DC" | "RP" => Some("revoked"),
        "CM" => Some("completed"),
        "ER" => Some("entered-in-error"),
        "HD" => Some("on-hold"),
        "IP" | "SC" | "A" => Some("active"),
        _ => None,
    })
}

/// ORC-1, table 0119, as ServiceRequest.status; `None` where the order's state must be read from its results (`RE`).
#[must_use]
pub fn order_control(code: &str) -> Option<&'static str> {
    look_up(code, |code| match code {
        "AF" | "HD" | "NW" | "OK" | "PR" | "PY" | "RL" | "RO" | "RQ" => Some("active"),
        // The guide says active; CA asks to cancel.
        "CA" | "CR" | "DC" | "DF" | "DR" | "OC" | "OD" => Some("revoked"),
        "FU" => Some("completed"),
        "HR" | "OH" => Some("on-hold"),
        _ => None,
    })
}

/// OBR-5 or TQ1-9, table 0485, as ServiceRequest.priority.
#[must_use]
pub fn priority(code: &str) -> Option<&'static str> {
    look_up(code, |code| match code {
        "S" => Some("stat"),
        "A" => Some("asap"),
        "R" => Some("routine"),
        _ => None,
    })
}
