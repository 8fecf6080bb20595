//! Keys derived from the key of an epoch, one type for each use: mixing two of them up does not compile.

use super::keyring::EpochKey;
use crate::crypto::{CryptoError, Provider};
use core::marker::PhantomData;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A key derived with HKDF-Expand (RFC 5869 § 2.3) from an epoch's key, under the label of its use `U`.
pub(crate) struct Derived<U, const N: usize> {
    bytes: [u8; N],
    usage: PhantomData<U>,
}

/// What a derived key is for.
pub(crate) trait Usage {
    /// The label, part of what the key is derived from.
    const LABEL: &'static [u8];
}

/// AES-256-XTS for data units. Its halves differ but for a chance of 2⁻²⁵⁶; the cipher checks that they do.
pub(crate) type XtsKey = Derived<DataXts, 64>;

/// AES-256-ECB for data units.
pub(crate) type EcbKey = Derived<DataEcb, 32>;

/// The scalar of the team's recipient. It is outside 1 to n − 1 in one epoch of 2¹⁹⁰; such an epoch has no recipient.
pub(crate) type RecipientScalar = Derived<Recipient, 48>;

/// The scalar of the team's post-quantum recipient; its range is that of [`RecipientScalar`].
pub(crate) type HybridScalar = Derived<HybridEcdh, 48>;

/// The seed of the team's post-quantum recipient, `d ‖ z` of FIPS 203 § 7.1.
pub(crate) type HybridSeed = Derived<HybridKem, 64>;

/// The key of a receipt's commitments.
pub(crate) type CommitmentKey = Derived<Commitment, 48>;

/// The key of a receipt's proof.
pub(crate) type ProofKey = Derived<Proof, 48>;

/// What an epoch adds to the key of a letter between two that have it.
pub(crate) type LetterSecret = Derived<LetterUse, 48>;

pub(crate) enum DataXts {}
pub(crate) enum DataEcb {}
pub(crate) enum Recipient {}
pub(crate) enum HybridEcdh {}
pub(crate) enum HybridKem {}
pub(crate) enum Commitment {}
pub(crate) enum Proof {}
pub(crate) enum LetterUse {}

impl Usage for DataXts {
    const LABEL: &'static [u8] = b"KeyWriter v1 data AES-256-XTS";
}

impl Usage for DataEcb {
    const LABEL: &'static [u8] = b"KeyWriter v1 data AES-256-ECB";
}

impl Usage for Recipient {
    const LABEL: &'static [u8] = b"KeyWriter v1 recipient ECDH-P384";
}

impl Usage for HybridEcdh {
    const LABEL: &'static [u8] = b"KeyWriter v1 hybrid ECDH-P384";
}

impl Usage for HybridKem {
    const LABEL: &'static [u8] = b"KeyWriter v1 hybrid ML-KEM-1024";
}

impl Usage for Commitment {
    const LABEL: &'static [u8] = b"KeyWriter v1 receipt commitment";
}

impl Usage for Proof {
    const LABEL: &'static [u8] = b"KeyWriter v1 receipt proof";
}

impl Usage for LetterUse {
    const LABEL: &'static [u8] = b"KeyWriter v1 letter epoch";
}

impl<U: Usage, const N: usize> Derived<U, N> {
    /// Derives the key in place and lends it to `act`.
    pub(crate) fn with<C: Provider, T>(
        epoch: &EpochKey,
        act: impl FnOnce(&Self) -> T,
    ) -> Result<T, CryptoError> {
        let mut key = Self {
            bytes: [0; N],
            usage: PhantomData,
        };
        C::hkdf_expand(epoch.expose(), &[U::LABEL], &mut key.bytes)?;
        Ok(act(&key))
    }

    pub(crate) const fn expose(&self) -> &[u8; N] {
        &self.bytes
    }
}

impl<U, const N: usize> Drop for Derived<U, N> {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl<U, const N: usize> ZeroizeOnDrop for Derived<U, N> {}
