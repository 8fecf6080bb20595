//! The chip's secret, and the store keys: random fuses beside their complements.
//!
//! A row holds 12 random bits and the same bits inverted. So as many fuses of each row are burnt as are not, whatever the
//! bits are: who sees only how much is burnt (a row, or the rows of a pair in one) learns nothing. A key is a hash of all its
//! rows: it takes every one of them. A key is destroyed by burning all of its fuses.

use crate::fuses::{FULL, Fuses, KEYS, SECRET};
use core::ops::Range;
use hsm_core::platform::{Fault, ModuleSecret, StoreKeys};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How many store keys there are: a module can be erased one time less.
pub const STORE_KEYS: u8 = 32;

/// The chip's secret, in memory.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// Reads the secret. It is a fault if it was not burnt wholly.
    pub fn read(fuses: &mut impl Fuses) -> Result<Self, Fault> {
        let mut secret = Self(Zeroizing::default());
        if read(fuses, SECRET, &mut secret.0)? == Key::Whole {
            Ok(secret)
        } else {
            Err(Fault)
        }
    }
}

impl ModuleSecret for Secret {
    fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The store keys: in memory all of them, so that it does not show which one is used.
pub struct Keys<F> {
    fuses: F,
    all: Zeroizing<AllKeys>,
    /// The first one that is not destroyed.
    first: u8,
}

/// The store keys, and a place for the spare one, so that destroying that is the same work.
type AllKeys = [[u8; 32]; PLACES];

const PLACES: usize = 33;

impl<F: Fuses> Keys<F> {
    /// Reads the keys. It is a fault if one that comes after a whole one is not whole.
    pub fn read(mut fuses: F) -> Result<Self, Fault> {
        let mut keys = Zeroizing::new([[0; 32]; PLACES]);
        let mut first = 0;
        for (number, key) in (0..STORE_KEYS).zip(keys.iter_mut()) {
            let is_whole = read(&mut fuses, rows(number), key)? == Key::Whole;
            if !is_whole && number > first {
                return Err(Fault);
            }
            first = first.saturating_add(u8::from(!is_whole));
        }
        Ok(Self {
            fuses,
            all: keys,
            first,
        })
    }
}

impl<F: Fuses> StoreKeys for Keys<F> {
    fn count(&self) -> u8 {
        STORE_KEYS
    }

    fn first(&mut self) -> Result<u8, Fault> {
        if self.first < STORE_KEYS {
            Ok(self.first)
        } else {
            Err(Fault)
        }
    }

    fn expose(&self, number: u8) -> Result<&[u8; 32], Fault> {
        let key = self.all.get(usize::from(number));
        let is_there = (self.first..STORE_KEYS).contains(&number);
        key.filter(|_| is_there).ok_or(Fault)
    }

    fn destroy_below(&mut self, number: u8) -> Result<(), Fault> {
        if number > STORE_KEYS || number > self.first.saturating_add(1) {
            return Err(Fault);
        }
        // The last of them; below number 0, the spare one after all keys.
        let last = number.checked_sub(1).unwrap_or(STORE_KEYS);
        for row in rows(last) {
            self.fuses.burn(row, FULL)?;
            if self.fuses.read(row)? != FULL {
                return Err(Fault);
            }
        }
        self.first = self.first.max(number);
        if let Some(key) = self.all.get_mut(usize::from(last)) {
            *key = [0; 32];
        }
        Ok(())
    }
}

/// Burns secret and store keys into the fuses of a new chip, from 12 random bits a row. What a cut left whole is kept. A row
/// that is neither blank nor whole is a fault: this chip must not be used, or a module has used it already.
pub fn burn(
    fuses: &mut impl Fuses,
    mut random: impl FnMut() -> Result<u16, Fault>,
) -> Result<(), Fault> {
    for row in SECRET.chain(KEYS) {
        let burnt = fuses.read(row)?;
        if burnt == 0 {
            let word = u32::from(random()?) & WORD;
            fuses.burn(row, word.unbounded_shl(12) | (word ^ WORD))?;
        } else if parse(burnt).is_none() {
            return Err(Fault);
        }
        parse(fuses.read(row)?).ok_or(Fault)?;
    }
    Ok(())
}

/// What the rows of a key hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Whole,
    /// Nothing, or a key that is destroyed, if only in part.
    Broken,
}

fn read(fuses: &mut impl Fuses, rows: Range<u16>, key: &mut [u8; 32]) -> Result<Key, Fault> {
    let mut hash = Sha256::new();
    let mut found = Key::Whole;
    for row in rows {
        match parse(fuses.read(row)?) {
            Some(word) => hash.update(word.to_le_bytes()),
            None => found = Key::Broken,
        }
    }
    if found == Key::Whole {
        hash.finalize_into(key.into());
    }
    Ok(found)
}

/// Returns the bits of a row that is whole.
const fn parse(burnt: u32) -> Option<u16> {
    let (word, inverse) = (burnt.unbounded_shr(12) & WORD, burnt & WORD);
    let [low, high, ..] = word.to_le_bytes();
    if word ^ inverse == WORD {
        Some(u16::from_le_bytes([low, high]))
    } else {
        None
    }
}

/// Returns the rows of a store key; of the spare one, if the number is one more than there are.
fn rows(number: u8) -> Range<u16> {
    let start = KEYS
        .start
        .saturating_add(u16::from(number).saturating_mul(ROWS));
    start..start.saturating_add(ROWS)
}

/// Rows of a store key: 264 random bits.
const ROWS: u16 = 22;

/// Half of a row.
const WORD: u32 = 0xFFF;

const _: () = assert!(KEYS.end - KEYS.start == 33 * ROWS);
