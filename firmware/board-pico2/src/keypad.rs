//! Pins of keys and LEDs: rows at GPIO 2 to 5, columns at GPIO 6 to 8, RED, GREEN and BLUE at GPIO 9 to 11.

use app::{Lamps, matrix::Scan};
use core::convert::Infallible;
use embedded_hal::digital::{InputPin, OutputPin};
use hsm_core::{leds::Pattern, time::Millis};
use rp235x_hal::gpio::{
    DynPinId, FunctionSioInput, FunctionSioOutput, Pin, Pins, PullDown, PullUp,
};

type Output = Pin<DynPinId, FunctionSioOutput, PullDown>;
type Input = Pin<DynPinId, FunctionSioInput, PullUp>;

/// The pins.
pub(crate) struct Keypad {
    rows: [Output; 4],
    columns: [Input; 3],
    lamps: [Output; 3],
    /// Counts calls of [`Self::show`]: a pulse is made of many short flashes.
    phase: u8,
}

impl Keypad {
    pub(crate) fn new(pins: Pins) -> Self {
        let mut keypad = Self {
            rows: [
                pins.gpio2.into_push_pull_output().into_dyn_pin(),
                pins.gpio3.into_push_pull_output().into_dyn_pin(),
                pins.gpio4.into_push_pull_output().into_dyn_pin(),
                pins.gpio5.into_push_pull_output().into_dyn_pin(),
            ],
            columns: [
                pins.gpio6.into_pull_up_input().into_dyn_pin(),
                pins.gpio7.into_pull_up_input().into_dyn_pin(),
                pins.gpio8.into_pull_up_input().into_dyn_pin(),
            ],
            lamps: [
                pins.gpio9.into_push_pull_output().into_dyn_pin(),
                pins.gpio10.into_push_pull_output().into_dyn_pin(),
                pins.gpio11.into_push_pull_output().into_dyn_pin(),
            ],
            phase: 0,
        };
        for row in &mut keypad.rows {
            sure(row.set_high());
        }
        keypad
    }

    /// Pulls one row after the other down, and sees which columns follow.
    pub(crate) fn scan(&mut self) -> Scan {
        let mut pressed = 0;
        let mut bit = 1_u16;
        for row in &mut self.rows {
            sure(row.set_low());
            cortex_m::asm::delay(SETTLE);
            for column in &mut self.columns {
                if sure(column.is_low()) {
                    pressed |= bit;
                }
                bit = bit.wrapping_shl(1);
            }
            sure(row.set_high());
        }
        Scan(pressed)
    }

    /// Lights the LEDs, each as bright as it should be.
    pub(crate) fn show(&mut self, Lamps(brightness): Lamps) {
        self.phase = self.phase.wrapping_add(DITHER);
        for (lamp, brightness) in self.lamps.iter_mut().zip(brightness) {
            let is_lit = brightness == u8::MAX || brightness > self.phase;
            sure(if is_lit {
                lamp.set_high()
            } else {
                lamp.set_low()
            });
        }
    }

    /// Shows for ever that there is no module.
    pub(crate) fn alarm(&mut self, now: impl Fn() -> Millis) -> ! {
        loop {
            self.show(Lamps::at(Pattern::Fault, now().0));
        }
    }
}

/// Pins of the chip itself do not fail.
fn sure<T>(outcome: Result<T, Infallible>) -> T {
    match outcome {
        Ok(value) => value,
    }
}

/// Cycles until a row's level has reached its columns: about a microsecond.
const SETTLE: u32 = 150;

/// An odd number: all phases come, well mixed.
const DITHER: u8 = 97;
