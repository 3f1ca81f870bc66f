//! Verifies signatures in a process of its own, which has given up everything but memory and a little time.
//!
//! ```text
//!   gateway                                       helper: the same binary, environment empty
//!     certificates, document ──stdin──►             limits: processor time, memory, files, core
//!                                                   warms up, then keeps 20 system calls
//!                                                   samael, xmlsec, libxml2
//!     what was verified      ◄──stdout──            answers, ends
//! ```
//!
//! The gate has passed a document before it comes here; the confinement is for what the gate does not know.

mod confine;
mod helper;
mod wire;

pub use confine::{Enforced, MAX_CPU_SECONDS, MAX_MEMORY_BYTES, confine};
pub use helper::serve;

use super::refusal::Refusal;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use wire::{Answer, MAX_ANSWER_BYTES};

/// The argument by which the binary is asked to be the helper.
pub const ARGUMENT: &str = "saml-verify";

/// Helpers at the same time.
pub const HELPERS: usize = 2;

/// Verifications that may wait for a helper; a further one is refused at once.
pub const MAX_WAITING: usize = 32;

/// How long a verification waits for a helper.
pub const MAX_WAIT: Duration = Duration::from_secs(10);

/// How long a helper may take, from its start to its answer; then it is killed.
pub const MAX_RUN: Duration = Duration::from_secs(3);

/// Starts helpers and asks them.
pub struct Verifier {
    program: PathBuf,
    arguments: Vec<OsString>,
    helpers: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Verifier {
    /// Takes this very program as the helper.
    ///
    /// # Errors
    /// The system does not say where the program is.
    pub fn of_this_program() -> io::Result<Self> {
        // On Linux this is the program that runs, even after its file was replaced by an update.
        let running = Path::new("/proc/self/exe");
        let program = if running.exists() { running.to_owned() } else { std::env::current_exe()? };
        Ok(Self::new(program, vec![OsString::from(ARGUMENT)]))
    }

    /// Takes another program, which must end in [`serve`].
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>) -> Self {
        Self { program, arguments, helpers: Arc::new(Semaphore::new(HELPERS)), waiting: AtomicUsize::new(0) }
    }

    /// Returns the part of a document that is signed by one of the certificates (DER): every signature in it was verified.
    ///
    /// # Errors
    /// [`Refusal::Signature`], [`Refusal::Helper`], [`Refusal::Unconfined`], [`Refusal::Busy`].
    pub async fn verify(&self, document: &str, certificates: &[Vec<u8>]) -> Result<String, Refusal> {
        let _place = Place::take(&self.waiting)?;
        let helper = tokio::time::timeout(MAX_WAIT, self.helpers.acquire()).await;
        let _helper = helper.map_err(|_| Refusal::Busy)?.map_err(|_| Refusal::Busy)?;
        let question = wire::question(document, certificates).ok_or(Refusal::TooLarge)?;
        // Past the limit the future is dropped, and the process is killed with it.
        let asked = tokio::time::timeout(MAX_RUN, self.ask(&question)).await;
        let (enforced, answer) = asked.map_err(|_| Refusal::Helper)?.ok().flatten().ok_or(Refusal::Helper)?;
        if cfg!(target_os = "linux") && !enforced.all() {
            return Err(Refusal::Unconfined);
        }
        match answer {
            Answer::Verified(signed) => Ok(signed),
            Answer::NotVerified => Err(Refusal::Signature),
        }
    }

    async fn ask(&self, question: &[u8]) -> io::Result<Option<(Enforced, Answer)>> {
        let mut helper = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let (Some(mut stdin), Some(stdout)) = (helper.stdin.take(), helper.stdout.take()) else { return Ok(None) };
        stdin.write_all(question).await?;
        drop(stdin);
        let mut answer = Vec::new();
        stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await?;
        let ended = helper.wait().await?;
        Ok(if ended.success() { wire::read_answer(answer) } else { None })
    }
}

/// A place among those who wait or are served.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, Refusal> {
        let taken = waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(waiting);
        if taken < HELPERS.saturating_add(MAX_WAITING) { Ok(place) } else { Err(Refusal::Busy) }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
