//! Structured logs on standard error, as text or as JSON; a panic says where, never with what.

use crate::config::{Log, LogFormat, LogLevel};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

/// Starts logging; later calls change nothing.
pub fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // Only our own crates speak: a library's event may carry a query, a header or a payload.
    let ours = tracing_subscriber::filter::filter_fn(|event| {
        ["gateway", "hl7", "fhir", "portal", "scim", "smart", "sso", "store", "keys", "sealgate"]
            .iter()
            .any(|name| event.target().strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
    });
    use tracing_subscriber::layer::SubscriberExt;
    let registry = tracing_subscriber::registry().with(level).with(ours);
    let _ = match log.format {
        LogFormat::Text => tracing::subscriber::set_global_default(
            registry.with(fmt::layer().with_writer(std::io::stderr).with_ansi(false)),
        ),
        LogFormat::Json => tracing::subscriber::set_global_default(
            registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)),
        ),
    };
    std::panic::set_hook(Box::new(|panic| {
        // The payload may hold what was being worked on; the place is enough to find the fault.
        let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        tracing::error!(target: "gateway", place, "internal fault");
    }));
}
