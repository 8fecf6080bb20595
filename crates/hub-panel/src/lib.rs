//! A virtual hub's window: ports, LEDs as they blink, and keypads to press (docs/HUB.md). A key may be a digit of a PIN:
//! none is logged, shown or kept.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | what the window shows, and what each event changes; no toolkit |
//! | [`link`] | the thread that asks the hub |
//! | [`screen`] | the model on the screen, hands to the model |

pub mod link;
pub mod model;
pub mod screen;

/// What Slint makes of `ui/`.
#[expect(
    missing_docs,
    unreachable_pub,
    clippy::todo,
    clippy::unwrap_used,
    reason = "generated"
)]
pub mod ui {
    slint::include_modules!();
}
