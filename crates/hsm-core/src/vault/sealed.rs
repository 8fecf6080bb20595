//! Authenticated encryption at rest. Each sealing has a fresh salt and therefore a new key: no nonce is ever used
//! twice. The salt depends on what is sealed, too, so that this holds even if the random generator repeats itself.

use super::csp::part::Part;
use crate::crypto::{CryptoError, Provider, Rng};
use hsm_protocol::{Malformed, reader::Reader, writer::Writer};
use subtle::{Choice, ConditionallySelectable};

/// `N` bytes under AES-256-GCM, with the salt that their key is derived with.
#[derive(Clone)]
pub(crate) struct SealedPart<const N: usize> {
    salt: [u8; 32],
    bytes: [u8; N],
    tag: [u8; 16],
}

impl<const N: usize> SealedPart<N> {
    /// The size of the stored form, in bytes.
    pub(crate) const SIZE: usize = 32 + N + 16;

    /// Returns a part that was never sealed; it opens under no key.
    pub(crate) const fn blank() -> Self {
        Self {
            salt: [0; 32],
            bytes: [0; N],
            tag: [0; 16],
        }
    }

    /// Returns whether it was never sealed, or was replaced by one that was not.
    pub(crate) fn is_blank(&self) -> bool {
        self.salt == [0; 32] && self.bytes == [0; N] && self.tag == [0; 16]
    }

    /// Seals what `fill` writes, for the blob of that number. The plaintext is only ever in the buffer where it is
    /// enciphered.
    pub(crate) fn seal<C: Provider>(
        &mut self,
        rng: &mut dyn Rng,
        part: Part<'_>,
        number: u64,
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), Malformed>,
    ) -> Result<(), CryptoError> {
        let mut random = [0; 32];
        rng.fill(&mut random)?;
        self.bytes = [0; N];
        let filled = fill(&mut Writer::new(&mut self.bytes));
        if filled.is_err() {
            self.bytes = [0; N];
            return Err(CryptoError);
        }
        part.salt::<C>(&random, number, &self.bytes, &mut self.salt);
        self.tag = part.with_key::<C, _>(&self.salt, |key| {
            C::gcm_seal(key.expose(), &NONCE, part.label(), &mut self.bytes)
        })?;
        Ok(())
    }

    /// Opens into `out`, which holds nothing readable on an error.
    pub(crate) fn open<C: Provider>(
        &self,
        part: Part<'_>,
        out: &mut [u8; N],
    ) -> Result<(), CryptoError> {
        out.copy_from_slice(&self.bytes);
        part.with_key::<C, _>(&self.salt, |key| {
            C::gcm_open(key.expose(), &NONCE, part.label(), out, &self.tag)
        })
    }

    /// Becomes the other part, or stays the same, in constant time.
    pub(crate) fn choose(&mut self, other: &Self, choice: Choice) {
        choose_bytes(&mut self.salt, &other.salt, choice);
        choose_bytes(&mut self.bytes, &other.bytes, choice);
        choose_bytes(&mut self.tag, &other.tag, choice);
    }

    /// Returns the tag. It differs with every sealing: whatever holds it is bound to this part.
    pub(crate) const fn tag(&self) -> &[u8; 16] {
        &self.tag
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.salt)?;
        writer.bytes(&self.bytes)?;
        writer.bytes(&self.tag)
    }

    pub(crate) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.salt = *reader.array()?;
        self.bytes = *reader.array()?;
        self.tag = *reader.array()?;
        Ok(())
    }
}

/// Makes bytes the others, or leaves them the same, in constant time.
pub(crate) fn choose_bytes<const N: usize>(bytes: &mut [u8; N], others: &[u8; N], choice: Choice) {
    for (byte, other) in bytes.iter_mut().zip(others) {
        byte.conditional_assign(other, choice);
    }
}

/// Each key seals one message.
const NONCE: [u8; 12] = [0; 12];
