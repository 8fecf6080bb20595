//! Which LED is lit, at a time: the timelines of `docs/LEDS.md`.

use hsm_core::leds::{Led, Pattern, ReadOut};

/// How bright RED, GREEN and BLUE are, from 0 to 255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lamps(pub [u8; 3]);

impl Lamps {
    /// Returns the LEDs of a pattern, so many milliseconds after it began.
    pub fn at(pattern: Pattern, elapsed: u64) -> Self {
        if let Pattern::ReadOut(value) = pattern {
            return Self::counting(value, elapsed);
        }
        let [red, green, blue] = pattern.leds();
        // Of those that alternate, GREEN is the second.
        Self([
            brightness(red, elapsed, false),
            brightness(green, elapsed, true),
            brightness(blue, elapsed, false),
        ])
    }

    /// A flash of all, the tens, the units, the flag, a flash of all.
    fn counting(value: ReadOut, elapsed: u64) -> Self {
        let is_lit = elapsed % ReadOut::BLINK < ReadOut::BLINK / 2;
        let flashes = [
            (1, [LIT; 3]),
            (value.tens, [LIT, 0, 0]),
            (value.units, [0, LIT, 0]),
            (value.flag.into(), [0, 0, LIT]),
            (1, [LIT; 3]),
        ];
        let mut left = elapsed / ReadOut::BLINK;
        for (count, lamps) in flashes {
            match left.checked_sub(count.into()) {
                Some(later) => left = later,
                None if is_lit => return Self(lamps),
                None => break,
            }
        }
        Self::default()
    }
}

fn brightness(led: Led, elapsed: u64, is_second: bool) -> u8 {
    let is_lit = match led {
        Led::Off | Led::Count => false,
        Led::On => true,
        Led::Blink => elapsed % 1000 < 500,
        Led::Fast => elapsed % 200 < 100,
        Led::Alternate => (elapsed % 1000 < 500) != is_second,
        Led::Pulse => return pulse(elapsed % 2000),
    };
    if is_lit { LIT } else { 0 }
}

/// Rises for a second and falls for a second.
fn pulse(elapsed: u64) -> u8 {
    let height = if elapsed < 1000 {
        elapsed
    } else {
        2000_u64.saturating_sub(elapsed)
    };
    u8::try_from(height.saturating_mul(LIT.into()) / 1000).unwrap_or(LIT)
}

const LIT: u8 = 255;

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn lit(pattern: Pattern, times: &[u64]) -> Vec<[bool; 3]> {
        let lamps = times.iter().map(|at| Lamps::at(pattern, *at).0);
        lamps.map(|lamps| lamps.map(|lamp| lamp > 0)).collect()
    }

    #[test]
    fn patterns_follow_their_timelines() {
        let (on, off) = (true, false);
        let steady = lit(Pattern::Shipment, &[0, 777, 1_000_000]);
        assert_eq!(steady, [[on, on, off]; 3]);
        let blink = lit(Pattern::AwaitingNew, &[0, 499, 500, 999, 1000]);
        let expected = [on, on, off, off, on].map(|green| [off, green, on]);
        assert_eq!(blink, expected);
        let fast = lit(Pattern::Stored, &[0, 99, 100, 199, 200]);
        assert_eq!(fast, [on, on, off, off, on].map(|green| [off, green, off]));
        let alternate = lit(Pattern::AdminBlockedAgain, &[0, 499, 500, 999]);
        let (first, second) = ([on, off, on], [off, on, off]);
        assert_eq!(alternate, [first, first, second, second]);
        let pulse = [0, 500, 1000, 1500, 2000].map(|at| Lamps::at(Pattern::Cloning, at).0);
        assert_eq!(pulse.map(|lamps| lamps[2]), [0, 127, 255, 127, 0]);
    }

    #[test]
    fn a_value_is_blinked_between_two_flashes() {
        let value = ReadOut {
            tens: 1,
            units: 2,
            flag: true,
        };
        let pattern = Pattern::ReadOut(value);
        let times: Vec<_> = (0..value.duration() + 500).step_by(250).collect();
        let all = lit(pattern, &times);
        let dark = [false; 3];
        assert!(all.iter().skip(1).step_by(2).all(|lamps| *lamps == dark));
        let lit: Vec<_> = all.into_iter().step_by(2).collect();
        let (red, green, blue) = (
            [true, false, false],
            [false, true, false],
            [false, false, true],
        );
        assert_eq!(lit, [[true; 3], red, green, green, blue, [true; 3], dark]);
    }
}
