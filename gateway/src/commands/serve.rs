//! `sealgate serve`: verify, listen, serve, stop in order.

use crate::compose::Gateway;
use crate::config::Config;
use crate::exit::Outcome;
use crate::installation::Installation;
use crate::process::told_to_stop;

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// Exit code 65 and a JSON line when a chain is broken; then no port was opened.
pub async fn run(config: &Config) -> Outcome {
    let (installation, report) = Installation::open_verified(config).await?;
    tracing::info!(
        chains = report.chains.len(),
        entries = report.entries,
        milliseconds = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        "audit chains verified"
    );
    let stop = told_to_stop();
    let gateway = Gateway::start(config, installation, report.rest).await?;
    for (name, address) in &gateway.addresses().mllp {
        tracing::info!(listener = name, %address, "receiving messages");
    }
    if let Some(address) = gateway.addresses().fhir {
        tracing::info!(%address, "serving fhir");
    }
    if let Some(address) = gateway.addresses().operations {
        tracing::info!(%address, "serving health and metrics");
    }
    gateway.run_until(stop).await?;
    tracing::info!("stopped, nothing left in hand");
    Ok(())
}
