//! Authenticated encryption at rest. Each sealing has a fresh salt and so a key of its own: no nonce is ever used twice.

use crate::crypto::{CryptoError, Provider, Rng, derive_key};
use hsm_protocol::{Malformed, reader::Reader, writer::Writer};
use subtle::{Choice, ConditionallySelectable};

/// `N` bytes under AES-256-GCM. The key is HMAC-SHA-384(base key, label ‖ salt), cut to 32 bytes.
#[derive(Clone)]
pub(crate) struct SealedPart<const N: usize> {
    salt: [u8; 32],
    bytes: [u8; N],
    tag: [u8; 16],
}

/// What a sealed part holds; part of its key's label and its additional data.
#[derive(Clone, Copy)]
pub(crate) enum Part {
    Device,
    ModuleKey,
    Csps,
    Journal,
}

impl Part {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Device => b"KeyWriter v1 store device",
            Self::ModuleKey => b"KeyWriter v1 store module key",
            Self::Csps => b"KeyWriter v1 store csps",
            Self::Journal => b"KeyWriter v1 store journal",
        }
    }
}

impl<const N: usize> SealedPart<N> {
    /// The size of the stored form, in bytes.
    pub(crate) const SIZE: usize = 32 + N + 16;

    /// A part that was never sealed; it opens under no key.
    pub(crate) const fn blank() -> Self {
        Self {
            salt: [0; 32],
            bytes: [0; N],
            tag: [0; 16],
        }
    }

    /// Seals what `fill` writes: plaintext stands only in the place where it is enciphered.
    pub(crate) fn seal<C: Provider>(
        &mut self,
        rng: &mut dyn Rng,
        (key, part): (&[u8; 32], Part),
        fill: impl FnOnce(&mut Writer<'_>) -> Result<(), Malformed>,
    ) -> Result<(), CryptoError> {
        rng.fill(&mut self.salt)?;
        self.bytes = [0; N];
        let filled = fill(&mut Writer::new(&mut self.bytes));
        if filled.is_err() {
            self.bytes = [0; N];
            return Err(CryptoError);
        }
        self.tag = C::gcm_seal(
            &derive_key::<C>(key, &[part.label(), &self.salt]),
            &NONCE,
            part.label(),
            &mut self.bytes,
        )?;
        Ok(())
    }

    /// Opens into `out`, which holds nothing readable if that fails.
    pub(crate) fn open<C: Provider>(
        &self,
        (key, part): (&[u8; 32], Part),
        out: &mut [u8; N],
    ) -> Result<(), CryptoError> {
        out.copy_from_slice(&self.bytes);
        C::gcm_open(
            &derive_key::<C>(key, &[part.label(), &self.salt]),
            &NONCE,
            part.label(),
            out,
            &self.tag,
        )
    }

    /// Becomes the other, or stays, in constant time.
    pub(crate) fn choose(&mut self, other: &Self, choice: Choice) {
        choose_bytes(&mut self.salt, &other.salt, choice);
        choose_bytes(&mut self.bytes, &other.bytes, choice);
        choose_bytes(&mut self.tag, &other.tag, choice);
    }

    /// Differs with every sealing: ties a part to the one that holds this.
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

/// Bytes become the others, or stay, in constant time.
pub(crate) fn choose_bytes<const N: usize>(bytes: &mut [u8; N], others: &[u8; N], choice: Choice) {
    for (byte, other) in bytes.iter_mut().zip(others) {
        byte.conditional_assign(other, choice);
    }
}

/// Each key seals one message.
const NONCE: [u8; 12] = [0; 12];
