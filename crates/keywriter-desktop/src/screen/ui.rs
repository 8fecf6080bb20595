//! The code that Slint generates from `ui/`.

#![expect(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::todo,
    clippy::unwrap_used,
    reason = "generated"
)]

slint::include_modules!();
