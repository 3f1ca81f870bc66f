//! Metrics in the Prometheus text form (version 0.0.4): counts and times, never a name or an id.

use crate::{alarms, break_glass};
use hl7::Counters;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{COMMIT_BUCKETS_MS, Snapshot};

/// Renders every metric of a gateway.
#[must_use]
pub fn render(mllp: &Counters, ledger: &Snapshot, glass: &break_glass::Gauges, alarms: &alarms::Gauges) -> String {
    let mut text = String::with_capacity(4_096);
    gauge(&mut text, "sealgate_mllp_connections_open", "MLLP connections open now.", mllp.open.get());
    counter(&mut text, "sealgate_mllp_connections_total", "MLLP connections accepted.", mllp.connections.get());
    counter(
        &mut text,
        "sealgate_mllp_connections_waited_total",
        "Times the connection limit was reached.",
        mllp.at_limit.get(),
    );
    counter(
        &mut text,
        "sealgate_mllp_strangers_total",
        "Connections closed at once because no interface expects their address.",
        mllp.strangers.get(),
    );
    counter(
        &mut text,
        "sealgate_mllp_handshakes_failed_total",
        "TLS handshakes that failed.",
        mllp.handshakes_failed.get(),
    );
    counter(&mut text, "sealgate_mllp_foreign_total", "Connections that spoke another protocol.", mllp.foreign.get());
    counter(&mut text, "sealgate_mllp_frames_total", "Frames received.", mllp.frames.get());
    counter(&mut text, "sealgate_mllp_frame_bytes_total", "Bytes in frames received.", mllp.frame_bytes.get());
    counter(
        &mut text,
        "sealgate_mllp_bad_frames_total",
        "Frames that were broken and quarantined.",
        mllp.bad_frames.get(),
    );
    counter(&mut text, "sealgate_mllp_junk_bytes_total", "Bytes received outside frames.", mllp.junk_bytes.get());
    let acknowledged = [("AA", mllp.accepted.get()), ("AE", mllp.errors.get()), ("AR", mllp.rejected.get())];
    heading(&mut text, "sealgate_mllp_acknowledgements_total", "Acknowledgements by code.", "counter");
    for (code, count) in acknowledged {
        let _ = writeln!(text, "sealgate_mllp_acknowledgements_total{{code=\"{code}\"}} {count}");
    }
    counter(
        &mut text,
        "sealgate_mllp_unanswered_total",
        "Frames left with their sender because nothing could be stored.",
        mllp.unanswered.get(),
    );

    gauge(&mut text, "sealgate_ledger_waiting", "Writes that wait to be recorded.", ledger.waiting);
    counter(&mut text, "sealgate_ledger_writes_total", "Writes recorded.", ledger.members);
    counter(&mut text, "sealgate_ledger_entries_total", "Audit entries chained.", ledger.entries);
    counter(
        &mut text,
        "sealgate_ledger_conflicts_total",
        "Writes that repeated a message or lost a race.",
        ledger.conflicts,
    );
    counter(
        &mut text,
        "sealgate_ledger_relinked_total",
        "Batches linked anew because another gateway was first.",
        ledger.relinked,
    );
    counter(
        &mut text,
        "sealgate_ledger_turned_away_total",
        "Writes turned away: queue full or database not writable.",
        ledger.turned_away,
    );
    counter(
        &mut text,
        "sealgate_ledger_anchor_faults_total",
        "Anchors that could not be written.",
        ledger.anchor_faults,
    );
    commit_times(&mut text, ledger);

    let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
    gauge(
        &mut text,
        "sealgate_break_glass_reviews_open",
        "Uses of emergency access that nobody has reviewed yet.",
        read(&glass.open),
    );
    gauge(
        &mut text,
        "sealgate_break_glass_reviews_overdue",
        "Those of them whose review is overdue.",
        read(&glass.overdue),
    );
    gauge(
        &mut text,
        "sealgate_break_glass_alerts_waiting",
        "Uses of emergency access of which the webhook has not been told yet.",
        read(&alarms.waiting),
    );
    counter(
        &mut text,
        "sealgate_break_glass_alert_attempts_failed_total",
        "Attempts to tell the webhook that failed.",
        read(&alarms.failed),
    );
    text
}

fn commit_times(text: &mut String, ledger: &Snapshot) {
    const NAME: &str = "sealgate_ledger_commit_seconds";
    heading(text, NAME, "How long commits took.", "histogram");
    let mut below = 0u64;
    for (bound, count) in COMMIT_BUCKETS_MS.iter().zip(&ledger.commit_times) {
        below = below.saturating_add(*count);
        let (seconds, thousandths) = (bound.div_euclid(1_000), bound.rem_euclid(1_000));
        let _ = writeln!(text, "{NAME}_bucket{{le=\"{seconds}.{thousandths:03}\"}} {below}");
    }
    let _ = writeln!(text, "{NAME}_bucket{{le=\"+Inf\"}} {}", ledger.batches);
    let (seconds, micros) = (ledger.commit_micros.div_euclid(1_000_000), ledger.commit_micros.rem_euclid(1_000_000));
    let _ = writeln!(text, "{NAME}_sum {seconds}.{micros:06}\n{NAME}_count {}", ledger.batches);
}

fn counter(text: &mut String, name: &str, help: &str, value: u64) {
    heading(text, name, help, "counter");
    let _ = writeln!(text, "{name} {value}");
}

fn gauge(text: &mut String, name: &str, help: &str, value: u64) {
    heading(text, name, help, "gauge");
    let _ = writeln!(text, "{name} {value}");
}

fn heading(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
