//! Whether standard output was closed when the program was started.
//!
//! Before `main`, Rust opens `/dev/null` in place of a closed one: what is written there is lost, and no error says so.
//! Later it cannot be told any more, because many programs give `/dev/null` on purpose, opened the same way.

use rustix::io::{Errno, fcntl_getfd};
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};

static CLOSED: AtomicBool = AtomicBool::new(false);

ctor::declarative::ctor! {
    /// Runs before Rust's own start, so it does no more than ask the system.
    #[ctor(unsafe)]
    fn look() {
        let is_closed = fcntl_getfd(io::stdout()) == Err(Errno::BADF);
        CLOSED.store(is_closed, Ordering::Relaxed);
    }
}

/// Returns whether standard output was closed.
pub(crate) fn stdout_was_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}
