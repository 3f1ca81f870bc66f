//! The thread of the recorder.

use domain::ports::Unavailable;
use std::future::Future;
use tokio::runtime;
use tokio::sync::oneshot;

/// Runs work on a thread of its own, and returns what waits for its end.
///
/// Everybody waits for the recorder, and a commit is several journeys to the database and back. On the common workers
/// each of them would queue behind messages being mapped, a third of a millisecond each.
pub(super) fn own_thread(
    work: impl Future<Output = ()> + Send + 'static,
) -> Result<impl Future<Output = ()>, Unavailable> {
    let (end, ended) = oneshot::channel();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|_| Unavailable)?;
    let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
        runtime.block_on(work);
        let _ = end.send(());
    });
    thread.map_err(|_| Unavailable)?;
    Ok(async move {
        if ended.await.is_err() {
            tracing::error!("the recorder ended abruptly");
        }
    })
}
