//! What a module asks of its board, call by call: kind, length and order, never the bytes. One record per thread, as each
//! test has one.

use std::cell::RefCell;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which door of the board or the provider.
    pub kind: &'static str,
    /// The lengths of what went in and out, in bytes; for a counter its value, for a stretching its cost.
    pub sizes: [u64; 3],
}

thread_local! {
    static CALLS: RefCell<Option<Vec<Call>>> = const { RefCell::new(None) };
}

/// Notes a call, if a record is being made.
pub fn note(kind: &'static str, sizes: [usize; 3]) {
    let sizes = sizes.map(|size| u64::try_from(size).expect("small"));
    CALLS.with_borrow_mut(|calls| {
        if let Some(calls) = calls {
            calls.push(Call { kind, sizes });
        }
    });
}

/// Returns the calls that `act` causes, in order, and its result.
pub fn of<T>(act: impl FnOnce() -> T) -> (Vec<Call>, T) {
    CALLS.set(Some(Vec::new()));
    let outcome = act();
    (CALLS.take().unwrap_or_default(), outcome)
}

/// Returns how many of the calls are of that kind.
pub fn count(calls: &[Call], kind: &str) -> usize {
    calls.iter().filter(|call| call.kind == kind).count()
}
