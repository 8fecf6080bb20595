//! A virtual hub's window: ports, LEDs as they blink, and keypads to press (docs/HUB.md). A key may be a digit of a
//! PIN: keys are never logged, shown or stored.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | what the window shows, and what each event changes; no toolkit |
//! | [`link`] | the thread that talks to the hub |
//! | [`screen`] | connects the model with the Slint window |

pub mod link;
pub mod model;
pub mod screen;

/// What Slint generates from `ui/`.
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
