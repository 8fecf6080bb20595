//! Health tests of a source of entropy (SP 800-90B § 4.4): a source that broke stops the module.

use super::{CryptoError, drbg::Entropy};
use zeroize::Zeroize;

/// A source whose every byte is tested, from the first one on.
///
/// The assessment is 4 bits of entropy for each byte. A source of full entropy has twice as much, so that the tests
/// raise no false alarm in the life of a module, and raise one when half of the entropy is gone.
#[allow(missing_debug_implementations, reason = "what a source gave is secret")]
pub struct HealthTested<E> {
    source: E,
    is_started: bool,
    has_failed: bool,
    repetition: Repetition,
    proportion: Proportion,
}

impl<E: Entropy> HealthTested<E> {
    /// Takes a source, of which nothing was used yet.
    pub const fn new(source: E) -> Self {
        Self {
            source,
            is_started: false,
            has_failed: false,
            repetition: Repetition { last: 0, count: 0 },
            proportion: Proportion {
                first: 0,
                seen: 0,
                count: 0,
            },
        }
    }

    /// Tests and discards what a start-up is tested with (SP 800-90B § 4.3, item 5).
    fn start(&mut self) -> Result<(), CryptoError> {
        let mut bytes = [0; 64];
        for _ in 0..START_UP / 64 {
            self.draw(&mut bytes)?;
        }
        bytes.zeroize();
        self.is_started = true;
        Ok(())
    }

    fn draw(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        let filled = self.source.fill(out);
        self.has_failed |= filled.is_err();
        filled?;
        for byte in out {
            if !self.repetition.take(*byte) || !self.proportion.take(*byte) {
                self.has_failed = true;
                return Err(CryptoError);
            }
        }
        Ok(())
    }
}

impl<E: Entropy> Entropy for HealthTested<E> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        self.test()?;
        let drawn = self.draw(out);
        if drawn.is_err() {
            out.zeroize();
        }
        drawn
    }

    /// A source that failed once has failed until the next power-up.
    fn test(&mut self) -> Result<(), CryptoError> {
        if self.has_failed {
            return Err(CryptoError);
        }
        if self.is_started {
            Ok(())
        } else {
            self.start()
        }
    }
}

/// The repetition count test (§ 4.4.1): the same byte too often, one after the other.
struct Repetition {
    last: u8,
    count: u16,
}

impl Repetition {
    fn take(&mut self, byte: u8) -> bool {
        if self.count > 0 && byte == self.last {
            self.count = self.count.saturating_add(1);
        } else {
            (self.last, self.count) = (byte, 1);
        }
        self.count < REPETITION
    }
}

/// The adaptive proportion test (§ 4.4.2): the first byte of a window too often within it.
struct Proportion {
    first: u8,
    seen: u16,
    count: u16,
}

impl Proportion {
    fn take(&mut self, byte: u8) -> bool {
        if self.seen == 0 {
            (self.first, self.count) = (byte, 0);
        }
        if byte == self.first {
            self.count = self.count.saturating_add(1);
        }
        self.seen = self.seen.saturating_add(1) % WINDOW;
        self.count < PROPORTION
    }
}

/// A false alarm once in 2³⁰ samples: 1 + ⌈30 ⁄ 4⌉.
const REPETITION: u16 = 9;

/// The window for samples that are not bits.
const WINDOW: u16 = 512;

/// A false alarm once in 2³⁰ windows: 1 + the number that a binomial distribution of 512 samples with probability
/// 2⁻⁴ exceeds that seldom.
const PROPORTION: u16 = 71;

/// How many bytes a start-up tests.
const START_UP: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    /// Gives bytes that a counter's hash could, save for those that a test puts in.
    struct Source {
        drawn: usize,
        planted: Vec<(usize, u8)>,
        is_out: bool,
    }

    impl Entropy for Source {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
            if self.is_out {
                return Err(CryptoError);
            }
            for byte in out {
                let planted = self.planted.iter().find(|(at, _)| *at == self.drawn);
                let mixed = self.drawn.wrapping_mul(0x9E37_79B1) >> 9;
                *byte = planted.map_or(mixed.to_le_bytes()[0], |(_, byte)| *byte);
                self.drawn += 1;
            }
            Ok(())
        }
    }

    fn tested(planted: Vec<(usize, u8)>) -> HealthTested<Source> {
        HealthTested::new(Source {
            drawn: 0,
            planted,
            is_out: false,
        })
    }

    /// Draws until the tests stop the source; how many bytes it had given.
    fn stopped_at(source: &mut HealthTested<Source>) -> Option<usize> {
        let mut out = [0; 1];
        (0..20_000)
            .find(|_| source.fill(&mut out).is_err())
            .map(|_| source.source.drawn)
    }

    #[test]
    fn a_good_source_passes_and_its_start_up_is_discarded() {
        let mut source = tested(vec![]);
        assert_eq!(stopped_at(&mut source), None);
        assert_eq!(source.source.drawn, START_UP + 20_000);
    }

    #[test]
    fn a_byte_repeated_nine_times_stops_the_source_for_good() {
        for start in [0, 1000, 1020, 3000] {
            let run = |len| (start..start + len).map(|at| (at, 7)).collect();
            assert_eq!(stopped_at(&mut tested(run(8))), None, "{start}");
            let mut source = tested(run(9));
            let stopped = stopped_at(&mut source).expect("noticed");
            assert!(stopped >= start + 9 && stopped <= start + 9 + 64, "{start}");
            let mut out = [7; 4];
            assert_eq!(source.fill(&mut out), Err(CryptoError));
            assert_eq!(source.test(), Err(CryptoError));
            assert_eq!(source.source.drawn, stopped, "nothing more is drawn");
        }
    }

    #[test]
    fn a_byte_that_comes_too_often_in_a_window_stops_the_source() {
        // Of a window's first bytes every other one is 7, as often as that; the rest are 8, 9 and 10 in turn.
        let often = |times: usize| {
            let byte = |at: usize| match at {
                at if at.is_multiple_of(2) && at / 2 < times => 7,
                at => [8, 9, 10][at % 3],
            };
            (0..512).map(|at| (2 * 512 + at, byte(at))).collect()
        };
        assert_eq!(stopped_at(&mut tested(often(70))), None);
        assert!(stopped_at(&mut tested(often(71))).is_some());
    }

    #[test]
    fn a_source_that_gave_an_error_gives_nothing_more() {
        let (mut source, mut out) = (tested(vec![]), [0; 4]);
        source.fill(&mut out).unwrap();
        for is_out in [true, false] {
            source.source.is_out = is_out;
            assert_eq!(source.fill(&mut out), Err(CryptoError));
        }
    }

    #[test]
    fn what_is_refused_is_not_handed_out() {
        let mut source = tested((2000..2100).map(|at| (at, 7)).collect());
        let mut out = [1; 2000];
        assert_eq!(source.fill(&mut out), Err(CryptoError));
        assert_eq!(out, [0; 2000]);
    }
}
