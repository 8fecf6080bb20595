//! How bright each LED is at each moment of a pattern: the timelines of docs/LEDS.md.

use hsm_core::leds::{Led, Pattern, ReadOut};

/// Full brightness.
pub const FULL: u8 = 100;

/// Returns the brightness of RED, GREEN and BLUE, 0 to [`FULL`], so many milliseconds after the pattern began.
pub(super) fn brightness(pattern: Pattern, milliseconds: u64) -> [u8; 3] {
    let [red, green, blue] = pattern.leds();
    let [red_count, green_count, blue_count] = counted(pattern, milliseconds);
    let is_first = is_first_half(milliseconds, BLINK);
    let level = |led, count, turn| match led {
        Led::Off => 0,
        Led::On => FULL,
        Led::Blink => lit(is_first),
        Led::Fast => lit(is_first_half(milliseconds, FAST)),
        Led::Pulse => pulse(milliseconds),
        Led::Alternate => lit(turn),
        Led::Count => lit(count),
    };
    [
        level(red, red_count, is_first),
        level(green, green_count, !is_first),
        level(blue, blue_count, is_first),
    ]
}

/// Whether each LED is lit in a read-out: all three flash, then RED blinks the tens, GREEN the units and BLUE the flag,
/// then all three flash again.
fn counted(pattern: Pattern, milliseconds: u64) -> [bool; 3] {
    let Pattern::ReadOut(ReadOut { tens, units, flag }) = pattern else {
        return [false; 3];
    };
    if !is_first_half(milliseconds, ReadOut::BLINK) {
        return [false; 3];
    }
    let step = milliseconds / ReadOut::BLINK;
    let red_ends = 1 + u64::from(tens);
    let green_ends = red_ends + u64::from(units);
    let blue_ends = green_ends + u64::from(flag);
    let is_flash = step == 0 || step == blue_ends;
    [1..red_ends, red_ends..green_ends, green_ends..blue_ends]
        .map(|steps| is_flash || steps.contains(&step))
}

const fn is_first_half(milliseconds: u64, period: u64) -> bool {
    milliseconds % period < period / 2
}

const fn lit(is_lit: bool) -> u8 {
    if is_lit { FULL } else { 0 }
}

fn pulse(milliseconds: u64) -> u8 {
    let at = milliseconds % PULSE;
    let distance = at.min(PULSE - at);
    u8::try_from(distance * u64::from(FULL) * 2 / PULSE).unwrap_or(FULL)
}

/// 1 Hz, in milliseconds.
const BLINK: u64 = 1_000;

/// 5 Hz, in milliseconds.
const FAST: u64 = 200;

/// Once brighter and darker, in milliseconds.
const PULSE: u64 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the moments at which an LED is lit, in milliseconds, sampled every 50.
    fn moments(pattern: Pattern, led: usize, until: u64) -> Vec<u64> {
        let times = (0..until).step_by(50);
        times
            .filter(|time| brightness(pattern, *time)[led] == FULL)
            .collect()
    }

    #[test]
    fn what_is_on_stays_on_and_what_is_off_stays_off() {
        for time in [0, 499, 500, 12_345] {
            assert_eq!(brightness(Pattern::Shipment, time), [FULL, FULL, 0]);
            assert_eq!(brightness(Pattern::Idle, time), [0; 3]);
        }
    }

    #[test]
    fn a_blink_is_lit_for_the_first_half_of_every_second() {
        for (time, lit) in [(0, FULL), (499, FULL), (500, 0), (999, 0), (1_000, FULL)] {
            assert_eq!(brightness(Pattern::AwaitingUserPin, time), [lit; 3]);
        }
    }

    #[test]
    fn a_fast_blink_is_lit_five_times_a_second() {
        assert_eq!(
            moments(Pattern::Stored, 1, 1_000),
            [0, 50, 200, 250, 400, 450, 600, 650, 800, 850]
        );
    }

    #[test]
    fn a_pulse_rises_for_a_second_and_falls_for_another() {
        for (time, bright) in [(0, 0), (500, 50), (1_000, FULL), (1_500, 50), (2_000, 0)] {
            assert_eq!(brightness(Pattern::Cloning, time), [0, FULL, bright]);
        }
    }

    #[test]
    fn red_and_blue_take_turns_with_green() {
        assert_eq!(brightness(Pattern::AdminBlockedAgain, 0), [FULL, 0, FULL]);
        assert_eq!(brightness(Pattern::AdminBlockedAgain, 500), [0, FULL, 0]);
    }

    #[test]
    fn a_read_out_of_twelve_with_the_flag_is_counted_between_two_flashes() {
        let read_out = ReadOut {
            tens: 1,
            units: 2,
            flag: true,
        };
        let pattern = Pattern::ReadOut(read_out);
        let lit = |led| {
            let mut steps: Vec<u64> = moments(pattern, led, 10_000);
            steps.retain(|time| time % 500 == 0);
            steps
        };
        assert_eq!(lit(0), [0, 500, 2_500]);
        assert_eq!(lit(1), [0, 1_000, 1_500, 2_500]);
        assert_eq!(lit(2), [0, 2_000, 2_500]);
        assert_eq!(read_out.duration(), 3_000);
        assert_eq!(brightness(pattern, 250), [0; 3]);
    }
}
