//! The keypad and the LEDs.
//!
//! Key movements become gestures (`gesture`), gestures become entries (`entry`) and confirmations (`waiting`), and
//! `operator` gives them to the state that the module is in. What a complete entry does is in `unlock` and
//! [`configure`]; `act` says how it ended, `display` what the LEDs show.

mod act;
pub mod configure;
pub(crate) mod display;
pub(crate) mod entry;
pub(crate) mod gesture;
pub mod leds;
pub(crate) mod operator;
mod unlock;
pub(crate) mod waiting;

pub use crate::vault::csp::pin::Digit;

/// A key of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// 0 to 9.
    Digit(Digit),
    /// KEY.
    Key,
    /// SHIFT.
    Shift,
}

/// A movement of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// The key is pressed.
    Down(Key),
    /// The key is released.
    Up(Key),
}
