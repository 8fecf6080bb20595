//! AES-256-XTS over whole blocks (SP 800-38E, IEEE 1619-2018 § 5), as many blocks at once as the processor likes.

#![expect(
    clippy::inline_always,
    reason = "only what is inlined into the backend is compiled for its processor"
)]

use crate::crypto::{CryptoError, Direction};
use aes::{Aes256Dec, Aes256Enc, Block};
use cipher::array::{Array, ArraySize};
use cipher::consts::U16;
use cipher::{
    BlockCipherDecBackend, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncBackend,
    BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit,
};
use subtle::ConstantTimeEq;

/// The longest data unit, in blocks (SP 800-38E § 4).
const MAX_BLOCKS: usize = 1 << 20;

pub(super) fn run(
    key: &[u8; 64],
    unit: u128,
    direction: Direction,
    buffer: &mut [u8],
) -> Result<(), CryptoError> {
    let ([data_key, tweak_key], []) = key.as_chunks::<32>() else {
        return Err(CryptoError);
    };
    // With equal halves a chosen ciphertext reveals the tweaks (FIPS 140-3 IG C.I).
    if data_key.ct_eq(tweak_key).into() {
        return Err(CryptoError);
    }
    let (blocks, []) = Block::slice_as_chunks_mut(buffer) else {
        return Err(CryptoError);
    };
    if blocks.is_empty() || blocks.len() > MAX_BLOCKS {
        return Err(CryptoError);
    }
    let mut first = Array(unit.to_le_bytes());
    Aes256Enc::new(tweak_key.into()).encrypt_block(&mut first);
    let pass = Pass {
        tweak: u128::from_le_bytes(first.0),
        blocks,
    };
    match direction {
        Direction::Encipher => Aes256Enc::new(data_key.into()).encrypt_with_backend(pass),
        Direction::Decipher => Aes256Dec::new(data_key.into()).decrypt_with_backend(pass),
    }
    Ok(())
}

/// One pass over a data unit, with the implementation of AES that was found at run time.
struct Pass<'a> {
    /// The tweak of the next block.
    tweak: u128,
    blocks: &'a mut [Block],
}

impl Pass<'_> {
    /// Calls `many` for groups of `N` blocks and `one` for each block left over, with the tweaks added before and
    /// after.
    #[inline(always)]
    fn run<N: ArraySize>(mut self, many: impl Fn(&mut Array<Block, N>), one: impl Fn(&mut Block)) {
        let (groups, rest) = Array::<Block, N>::slice_as_chunks_mut(self.blocks);
        for group in groups {
            let tweaks = Array::<u128, N>::from_fn(|_| next(&mut self.tweak));
            add(group, &tweaks);
            many(group);
            add(group, &tweaks);
        }
        for block in rest {
            let tweak = [next(&mut self.tweak)];
            add(core::slice::from_mut(block), &tweak);
            one(block);
            add(core::slice::from_mut(block), &tweak);
        }
    }
}

impl BlockSizeUser for Pass<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Pass<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, aes: &B) {
        self.run::<B::ParBlocksSize>(
            #[inline(always)]
            |group| aes.encrypt_par_blocks(group.into()),
            #[inline(always)]
            |block| aes.encrypt_block(block.into()),
        );
    }
}

impl BlockCipherDecClosure for Pass<'_> {
    #[inline(always)]
    fn call<B: BlockCipherDecBackend<BlockSize = U16>>(self, aes: &B) {
        self.run::<B::ParBlocksSize>(
            #[inline(always)]
            |group| aes.decrypt_par_blocks(group.into()),
            #[inline(always)]
            |block| aes.decrypt_block(block.into()),
        );
    }
}

/// Returns the next tweak: the product of this one with α in GF(2¹²⁸) (IEEE 1619 § 5.2).
#[inline(always)]
fn next(tweak: &mut u128) -> u128 {
    let this = *tweak;
    let reduction = 0_u128.wrapping_sub(this >> 127) & 0x87;
    *tweak = (this << 1) ^ reduction;
    this
}

#[inline(always)]
fn add(blocks: &mut [Block], tweaks: &[u128]) {
    for (block, tweak) in blocks.iter_mut().zip(tweaks) {
        *block = Array((u128::from_le_bytes(block.0) ^ tweak).to_le_bytes());
    }
}
