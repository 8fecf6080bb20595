//! Authenticated encryption at rest. Each sealing has a fresh salt and therefore a new key: no nonce is ever used
//! twice. The salt depends on what is sealed, too, so that this holds even if the random generator repeats itself.

use super::csp::part::Part;
use crate::crypto::{CryptoError, Provider, Rng};
use hsm_protocol::{Malformed, writer::Writer};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroize;

/// A part of the blob, where it is: bytes under AES-256-GCM, with the salt that their key is derived with.
#[derive(Clone, Copy)]
pub(crate) struct Sealed<'b> {
    salt: &'b [u8; SALT],
    bytes: &'b [u8],
    tag: &'b [u8; TAG],
}

/// The place of a part, to be sealed.
pub(crate) struct SealedMut<'b> {
    salt: &'b mut [u8; SALT],
    bytes: &'b mut [u8],
    tag: &'b mut [u8; TAG],
}

/// Returns the size of a sealed part, in bytes.
pub(crate) const fn size(plain: usize) -> usize {
    plain.saturating_add(SALT + TAG)
}

impl<'b> Sealed<'b> {
    /// Returns the part that these bytes are.
    pub(crate) fn of(bytes: &'b [u8]) -> Result<Self, Malformed> {
        let (salt, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
        let (bytes, tag) = rest.split_last_chunk().ok_or(Malformed)?;
        Ok(Self { salt, bytes, tag })
    }

    /// Opens into `out`, which is as long and holds nothing readable on an error.
    pub(crate) fn open<C: Provider>(
        self,
        part: Part<'_>,
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        if out.len() != self.bytes.len() {
            return Err(CryptoError);
        }
        out.copy_from_slice(self.bytes);
        part.with_key::<C, _>(self.salt, |key| {
            C::gcm_open(key.expose(), &NONCE, part.label(), out, self.tag)
        })
    }

    /// Returns whether it was never sealed, or was replaced by one that was not.
    pub(crate) fn is_blank(self) -> bool {
        let mut all = self.salt.iter().chain(self.bytes).chain(self.tag);
        all.all(|byte| *byte == 0)
    }

    /// Returns the tag. It differs with every sealing: whatever holds it is bound to this part.
    pub(crate) const fn tag(self) -> &'b [u8; TAG] {
        self.tag
    }
}

impl<'b> SealedMut<'b> {
    /// Returns the part that has its place there.
    pub(crate) fn of(bytes: &'b mut [u8]) -> Result<Self, Malformed> {
        let (salt, rest) = bytes.split_first_chunk_mut().ok_or(Malformed)?;
        let (bytes, tag) = rest.split_last_chunk_mut().ok_or(Malformed)?;
        Ok(Self { salt, bytes, tag })
    }

    /// Seals what `fill` writes, for the blob of that number. The plaintext is only ever in the place where it is
    /// enciphered.
    pub(crate) fn seal<C: Provider>(
        self,
        rng: &mut dyn Rng,
        part: Part<'_>,
        number: u64,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), Malformed>,
    ) -> Result<(), CryptoError> {
        let mut random = [0; 32];
        rng.fill(&mut random)?;
        self.bytes.fill(0);
        if fill(&mut Writer::new(self.bytes)).is_err() {
            self.bytes.zeroize();
            return Err(CryptoError);
        }
        part.salt::<C>(&random, number, self.bytes, self.salt);
        *self.tag = part.with_key::<C, _>(self.salt, |key| {
            C::gcm_seal(key.expose(), &NONCE, part.label(), self.bytes)
        })?;
        Ok(())
    }
}

/// Makes bytes the others, or leaves them the same, in constant time.
pub(crate) fn choose_bytes(bytes: &mut [u8], others: &[u8], choice: Choice) {
    for (byte, other) in bytes.iter_mut().zip(others) {
        byte.conditional_assign(other, choice);
    }
}

const SALT: usize = 32;
pub(super) const TAG: usize = 16;

/// Each key seals one message.
const NONCE: [u8; 12] = [0; 12];
