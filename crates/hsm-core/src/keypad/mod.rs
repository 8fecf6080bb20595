//! The keypad: key movements become gestures (`gesture`), gestures become entries (`entry`).

mod act;
pub mod configure;
pub(crate) mod display;
pub(crate) mod entry;
pub(crate) mod gesture;
pub mod leds;
pub(crate) mod operator;
mod unlock;

use hsm_protocol::Malformed;

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

/// A decimal digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit(u8);

impl Digit {
    /// Takes 0 to 9.
    pub const fn new(value: u8) -> Result<Self, Malformed> {
        if value < 10 {
            Ok(Self(value))
        } else {
            Err(Malformed)
        }
    }

    /// 0 to 9.
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// A key moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// It is pressed.
    Down(Key),
    /// It is let go.
    Up(Key),
}
