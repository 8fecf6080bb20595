//! The team's recipients of age files, classical and post-quantum (PROTOCOL § 2.9, docs/FORMAT.md).
//!
//! Their key pairs are derived here and never leave, nor do the secrets agreed with them; only a file key leaves.

use crate::{
    crypto::{CryptoError, Provider},
    vault::csp::{
        contents::Csps,
        epoch_keys::{HybridScalar, HybridSeed, RecipientScalar},
        file_key::{FileKey, SealedKey},
        keyring::EpochKey,
        shared::{EcdhShared, KemShared},
    },
};
use hsm_protocol::{
    EcPoint, Status,
    cloning::KEM,
    file::{Recipient, SealedFileKey},
    hybrid::{HybridFileKey, HybridRecipient, transcript},
    writer::Writer,
};

/// Writes the classical recipient of the current epoch.
pub(crate) fn recipient<C: Provider>(csps: &Csps, out: &mut Writer<'_>) -> Result<(), Status> {
    let epoch = csps.keyring.current();
    let point = key_pair::<C>(&epoch.key, &mut C::EcdhSecret::default())
        .map_err(|CryptoError| Status::MemoryFailure)?;
    let recipient = Recipient {
        group: *csps.keyring.group(),
        epoch: epoch.number,
        point,
    };
    Ok(recipient.write(out)?)
}

/// Writes the post-quantum recipient of the current epoch.
pub(crate) fn hybrid_recipient<C: Provider>(
    csps: &Csps,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let epoch = csps.keyring.current();
    let public = HybridPairs::<C>::default()
        .derive(csps.keyring.group(), epoch.number, &epoch.key)
        .map_err(|CryptoError| Status::MemoryFailure)?;
    Ok(public.write(out)?)
}

/// Opens a file key that was sealed to the classical recipient of any epoch.
pub(crate) fn unwrap<C: Provider>(
    csps: &Csps,
    sealed: &SealedFileKey,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let epoch = csps
        .keyring
        .epoch_of(&sealed.group, sealed.epoch)
        .ok_or(Status::NotFound)?;
    let mut file_key = FileKey::default();
    open::<C>(epoch, sealed, &mut file_key).map_err(|CryptoError| Status::NotAuthentic)?;
    Ok(out.bytes(file_key.expose())?)
}

/// Opens a file key that was sealed to the post-quantum recipient of any epoch. Whatever is wrong with it, an invalid
/// point, another ciphertext or a tag, has the same answer.
pub(crate) fn hybrid_unwrap<C: Provider>(
    csps: &Csps,
    sealed: &HybridFileKey<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let epoch = csps
        .keyring
        .epoch_of(sealed.group, sealed.epoch)
        .ok_or(Status::NotFound)?;
    let mut file_key = FileKey::default();
    let mut pairs = HybridPairs::<C>::default();
    pairs
        .derive(sealed.group, sealed.epoch, epoch)
        .and_then(|public| pairs.open(&public, sealed, &mut file_key))
        .map_err(|CryptoError| Status::NotAuthentic)?;
    Ok(out.bytes(file_key.expose())?)
}

/// Opens with ECDH (SP 800-56A § 6.2.2.2) and HKDF, salted with both points.
fn open<C: Provider>(
    epoch: &EpochKey,
    sealed: &SealedFileKey,
    file_key: &mut FileKey,
) -> Result<(), CryptoError> {
    let mut secret = C::EcdhSecret::default();
    let point = key_pair::<C>(epoch, &mut secret)?;
    let mut shared = EcdhShared::empty();
    shared.agree::<C>(&secret, &sealed.ephemeral)?;
    let mut salt = [0; 2 * 97];
    let (first, second) = salt.split_at_mut(97);
    first.copy_from_slice(&sealed.ephemeral);
    second.copy_from_slice(&point);
    let epoch = sealed.epoch.to_be_bytes();
    let sealed = SealedKey {
        salt: &salt,
        info: &[SealedFileKey::LABEL, &sealed.group, &epoch],
        cipher: &sealed.cipher,
        tag: &sealed.tag,
    };
    file_key.open::<C>(&shared, &sealed)
}

/// Derives the key pair of an epoch's recipient: the same in every clone.
fn key_pair<C: Provider>(
    epoch: &EpochKey,
    secret: &mut C::EcdhSecret,
) -> Result<EcPoint, CryptoError> {
    RecipientScalar::with::<C, _>(epoch, |scalar| C::ecdh_from_scalar(scalar.expose(), secret))?
}

/// The key pairs of an epoch's post-quantum recipient: the same in every clone.
struct HybridPairs<C: Provider> {
    ecdh: C::EcdhSecret,
    kem: C::KemSecret,
}

impl<C: Provider> Default for HybridPairs<C> {
    fn default() -> Self {
        Self {
            ecdh: C::EcdhSecret::default(),
            kem: C::KemSecret::default(),
        }
    }
}

impl<C: Provider> HybridPairs<C> {
    /// Derives both, and returns their public halves.
    fn derive(
        &mut self,
        group: &[u8; 16],
        number: u32,
        epoch: &EpochKey,
    ) -> Result<HybridRecipient, CryptoError> {
        let point = HybridScalar::with::<C, _>(epoch, |scalar| {
            C::ecdh_from_scalar(scalar.expose(), &mut self.ecdh)
        })??;
        let mut public = HybridRecipient {
            group: *group,
            epoch: number,
            point,
            kem: [0; KEM],
        };
        HybridSeed::with::<C, _>(epoch, |seed| {
            C::kem_from_seed(seed.expose(), &mut self.kem, &mut public.kem)
        })??;
        Ok(public)
    }

    /// Opens with both secrets, salted with the hash of everything public.
    fn open(
        &self,
        public: &HybridRecipient,
        sealed: &HybridFileKey<'_>,
        file_key: &mut FileKey,
    ) -> Result<(), CryptoError> {
        let (mut ecdh, mut kem) = (EcdhShared::empty(), KemShared::default());
        ecdh.agree::<C>(&self.ecdh, sealed.ephemeral)?;
        kem.decapsulate::<C>(&self.kem, sealed.ciphertext)?;
        let sealed = SealedKey {
            salt: &transcript::<C>(public, sealed.ephemeral, sealed.ciphertext),
            info: &[HybridFileKey::LABEL],
            cipher: sealed.cipher,
            tag: sealed.tag,
        };
        file_key.open_hybrid::<C>(&ecdh, &kem, &sealed)
    }
}
