//! Compression of content frames: zstd (RFC 8878), level 1, with contexts that are used again.
//!
//! A context is a block of some hundred kilobytes. Made anew for every frame, it costs more than
//! the compression itself: the system's allocator gives so large a block back and faults it in
//! again. So idle contexts wait here, a few of each; whoever finds the shelf taken makes his own.

use alloc::vec::Vec;
use spin::Mutex;
use zstd_safe::{CCtx, DCtx};

/// Compresses into the room given; `None` when the result does not fit.
pub(super) fn compress(raw: &[u8], room: &mut [u8]) -> Option<usize> {
    let mut context = take(&COMPRESSORS).or_else(CCtx::try_create)?;
    let written = context.compress(room, raw, LEVEL).ok();
    put(&COMPRESSORS, context);
    written
}

/// Decompresses what must come to exactly `length` bytes; `None` when it does not.
pub(super) fn decompress(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut raw = alloc::vec![0; length];
    let mut context = take(&DECOMPRESSORS).or_else(DCtx::try_create)?;
    let written = context.decompress(raw.as_mut_slice(), packed).ok();
    put(&DECOMPRESSORS, context);
    (written == Some(length)).then_some(raw)
}

fn take<T>(shelf: &Mutex<Vec<T>>) -> Option<T> {
    shelf.try_lock()?.pop()
}

fn put<T>(shelf: &Mutex<Vec<T>>, context: T) {
    if let Some(mut idle) = shelf.try_lock()
        && idle.len() < MAX_IDLE
    {
        idle.push(context);
    }
}

/// Fast, and small enough: results are mostly repeated JSON.
const LEVEL: i32 = 1;

/// Idle contexts kept of each sort: one for every thread that works at once on a usual machine.
const MAX_IDLE: usize = 8;

static COMPRESSORS: Mutex<Vec<CCtx<'static>>> = Mutex::new(Vec::new());
static DECOMPRESSORS: Mutex<Vec<DCtx<'static>>> = Mutex::new(Vec::new());
