//! 32 symbols that are hard to confuse, in lines of 16 with a check character.

use std::fmt;

/// Why a text is not a line of 16 symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineError {
    /// The check character does not match: one symbol is wrong, or two are swapped.
    Slip,
    /// Too few symbols, too many, or other characters.
    Malformed,
}

/// Marks the position of a line in a code, so that a line in the wrong position is a slip.
///
/// Never 0: a line of zeros would be valid.
#[derive(Clone, Copy)]
pub(crate) struct Mark(u8);

impl Mark {
    pub(crate) const NUMBER: Self = Self(1);

    pub(crate) const fn request(line: u8) -> Self {
        Self(2 + line)
    }

    pub(crate) const fn response(line: u8) -> Self {
        Self(8 + line)
    }
}

/// 15 symbols, each 0 to 31.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Line(pub(crate) [u8; LINE]);

impl Line {
    /// Reads 16 symbols.
    pub(crate) fn parse(symbols: &[u8], mark: Mark) -> Result<Self, LineError> {
        let (data, check) = symbols
            .split_first_chunk::<LINE>()
            .ok_or(LineError::Malformed)?;
        if check.len() != 1 {
            return Err(LineError::Malformed);
        }
        if check != [check_symbol(data, mark)] {
            return Err(LineError::Slip);
        }
        Ok(Self(*data))
    }

    /// Returns all 16 symbols.
    pub(crate) fn symbols(self, mark: Mark) -> [u8; LINE + 1] {
        let mut all = [check_symbol(&self.0, mark); LINE + 1];
        for (symbol, data) in all.iter_mut().zip(self.0) {
            *symbol = data;
        }
        all
    }

    /// Writes `XXXX-XXXX-XXXX-XXXX`.
    pub(crate) fn write(self, mark: Mark, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(LINE + 4);
        for (index, symbol) in self.symbols(mark).into_iter().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push('-');
            }
            text.push(character(symbol));
        }
        f.pad(&text)
    }
}

/// Reads symbols, ignoring white space and dashes. `None`: another character, or too long.
pub(crate) fn read(text: &str) -> Option<Vec<u8>> {
    if text.len() > TEXT {
        return None;
    }
    let typed = text
        .chars()
        .filter(|typed| !typed.is_whitespace() && !is_dash(*typed));
    typed.map(symbol).collect()
}

/// Converts bytes to symbols of 5 bits; the last one is padded with zero bits.
pub(crate) fn unpack(bytes: &[u8]) -> Vec<u8> {
    regroup(bytes, 8, 5)
}

/// Converts symbols to bytes; the last one is padded with zero bits.
pub(crate) fn pack(symbols: &[u8]) -> Vec<u8> {
    regroup(symbols, 5, 8)
}

/// Converts symbols to exactly `N` bytes. The padding must be zero, and shorter than a symbol.
pub(crate) fn pack_exactly<const N: usize>(symbols: &[u8]) -> Option<[u8; N]> {
    if symbols.len() != (N * 8).div_ceil(5) {
        return None;
    }
    let all = pack(symbols);
    let (bytes, rest) = all.split_first_chunk()?;
    rest.iter().all(|padding| *padding == 0).then_some(*bytes)
}

fn regroup(units: &[u8], from: u32, to: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(units.len() * 2);
    let (mut bits, mut count) = (0_u16, 0);
    let push = |bits: u16, out: &mut Vec<u8>| {
        let [_, low] = (bits & ((1 << to) - 1)).to_be_bytes();
        out.push(low);
    };
    for unit in units {
        bits = (bits << from) | u16::from(*unit);
        count += from;
        while count >= to {
            count -= to;
            push(bits >> count, &mut out);
        }
    }
    if count > 0 {
        push(bits << (to - count), &mut out);
    }
    out
}

/// Returns the 16th symbol. It makes the sum over GF(32) of symbol `i` times g to the power of 15 - i equal the mark.
///
/// g generates all 31 elements, so all 16 weights differ and none is 0. Therefore one wrong symbol always changes the
/// sum, and so does swapping two different symbols, adjacent or not.
fn check_symbol(data: &[u8; LINE], mark: Mark) -> u8 {
    let sum = data
        .iter()
        .fold(0, |sum, symbol| times_generator(sum) ^ symbol);
    times_generator(sum) ^ mark.0
}

/// Multiplies by g in `GF(2)[x] / (x^5 + x^2 + 1)`, where g is x.
const fn times_generator(element: u8) -> u8 {
    let shifted = element << 1;
    if shifted & 0x20 == 0 {
        shifted
    } else {
        shifted ^ 0x25
    }
}

fn character(symbol: u8) -> char {
    ALPHABET
        .get(usize::from(symbol))
        .map_or('?', |character| char::from(*character))
}

fn symbol(typed: char) -> Option<u8> {
    let meant = match typed.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let index = ALPHABET
        .iter()
        .position(|known| char::from(*known) == meant)?;
    u8::try_from(index).ok()
}

/// Returns whether a character is a dash, as keyboards, mail programs and word processors write it.
const fn is_dash(typed: char) -> bool {
    matches!(typed, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{AD}')
}

/// Data symbols in a line.
pub(crate) const LINE: usize = 15;

/// The most bytes of text that are read.
const TEXT: usize = 2048;

/// Crockford's alphabet: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns three lines that differ in every place; two have equal symbols throughout.
    fn samples() -> Vec<[u8; 16]> {
        let bases = [
            [0; LINE],
            [31; LINE],
            [3, 10, 17, 24, 31, 6, 13, 20, 27, 2, 9, 16, 23, 30, 5],
        ];
        bases.map(|base| Line(base).symbols(Mark::NUMBER)).into()
    }

    #[test]
    fn every_wrong_symbol_in_every_place_is_a_slip() {
        for right in samples() {
            assert!(Line::parse(&right, Mark::NUMBER).is_ok());
            for place in 0..16 {
                for wrong in (0..32).filter(|wrong| *wrong != right[place]) {
                    let mut typed = right;
                    typed[place] = wrong;
                    assert!(Line::parse(&typed, Mark::NUMBER) == Err(LineError::Slip));
                }
            }
        }
    }

    /// The code is linear: for each pair of places, one try of every pair of symbols is enough.
    #[test]
    fn any_two_different_symbols_swapped_are_a_slip() {
        for first in 0..15 {
            for second in first + 1..16 {
                for (a, b) in (0..32).flat_map(|a| (0..a).map(move |b| (a, b))) {
                    let right = with(first, a, second, b);
                    let mut typed = right;
                    typed.swap(first, second);
                    assert!(Line::parse(&right, Mark::NUMBER).is_ok());
                    assert!(Line::parse(&typed, Mark::NUMBER) == Err(LineError::Slip));
                }
            }
        }
    }

    /// Returns a valid line with these symbols in these places.
    fn with(first: usize, a: u8, second: usize, b: u8) -> [u8; 16] {
        for filler in 0..32 {
            let mut data = [0; LINE];
            // A third place, to adjust the check symbol with.
            let free = (0..LINE).find(|place| *place != first && *place != second);
            data[free.unwrap()] = filler;
            data[first] = a;
            if second < LINE {
                data[second] = b;
            }
            let all = Line(data).symbols(Mark::NUMBER);
            if all[second] == b {
                return all;
            }
        }
        panic!("no such line")
    }

    #[test]
    fn a_line_in_another_place_is_a_slip() {
        let marks: Vec<_> = [Mark::NUMBER]
            .into_iter()
            .chain((0..3).map(Mark::request))
            .chain((0..8).map(Mark::response))
            .collect();
        for (i, mark) in marks.iter().enumerate() {
            assert_ne!(mark.0, 0);
            for (j, other) in marks.iter().enumerate() {
                let line = Line([5; LINE]).symbols(*mark);
                assert_eq!(Line::parse(&line, *other).is_ok(), i == j);
            }
        }
    }

    #[test]
    fn look_alikes_and_dashes_are_read_as_intended() {
        assert_eq!(read("o-I \u{2013}l\n0z"), Some(vec![0, 1, 1, 0, 31]));
        assert_eq!(read("U"), None);
        assert_eq!(read("*"), None);
        assert_eq!(read(&"0".repeat(TEXT + 1)), None);
    }

    #[test]
    fn bytes_become_symbols_and_bytes_again() {
        for seed in 0..=255_u8 {
            let mut bytes = [seed; 16];
            for (byte, factor) in bytes.iter_mut().zip(3..) {
                *byte = byte.wrapping_mul(factor);
            }
            let symbols = unpack(&bytes);
            assert!(symbols.len() == 26 && symbols.iter().all(|symbol| *symbol < 32));
            assert_eq!(pack_exactly(&symbols), Some(bytes));
        }
        let mut filled = unpack(&[0; 16]);
        filled[25] = 1;
        assert_eq!(pack_exactly::<16>(&filled), None);
        assert_eq!(pack_exactly::<75>(&[31; 120]), Some([255; 75]));
    }
}
