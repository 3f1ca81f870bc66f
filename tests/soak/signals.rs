//! Ctrl-C and SIGTERM: they end the load, not the verdicts.

use crate::whereabouts::Whereabouts;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Ends the load when somebody presses Ctrl-C or says SIGTERM; the verdicts follow.
pub(crate) fn end_on(whereabouts: Arc<Whereabouts>) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let _ = runtime.map(|runtime| {
            runtime.block_on(async {
                let (Ok(mut interrupt), Ok(mut terminate)) =
                    (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
                else {
                    return;
                };
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                println!("the load ends here; verdicts follow");
                whereabouts.end();
                std::future::pending::<()>().await;
            });
        });
    });
}
