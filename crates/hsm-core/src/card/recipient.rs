//! The team's recipients of age files, classical and post-quantum (PROTOCOL § 2.9, docs/FORMAT.md).
//!
//! Their key pairs are derived here and never leave, nor do the secrets agreed with them; only a file key leaves.

use crate::{
    crypto::{CryptoError, Provider},
    vault::csp::{
        contents::Csps,
        epoch_keys::{HybridScalar, HybridSeed, RecipientScalar},
        file_key::{FileKey, SealedKey},
        keyring::Epoch,
        shared::{EcdhShared, KemShared},
    },
};
use hsm_protocol::{
    EcPoint, Sha384Digest, Status,
    cloning::KEM,
    file::{Recipient, STANZA_TAG, SealedFileKey, StanzaTag},
    hybrid::{HybridFileKey, HybridRecipient, transcript},
    writer::Writer,
};

/// Writes the classical recipient of the current epoch.
pub(crate) fn recipient<C: Provider>(csps: &Csps, out: &mut Writer<'_>) -> Result<(), Status> {
    let keyring = &csps.keyring;
    let mut secret = C::EcdhSecret::default();
    let public = derive::<C>(keyring.group(), keyring.current(), &mut secret)
        .map_err(|CryptoError| Status::MemoryFailure)?;
    Ok(public.write(out)?)
}

/// Writes the post-quantum recipient of the current epoch.
pub(crate) fn hybrid_recipient<C: Provider>(
    csps: &Csps,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let keyring = &csps.keyring;
    let public = HybridPairs::<C>::default()
        .derive(keyring.group(), keyring.current())
        .map_err(|CryptoError| Status::MemoryFailure)?;
    Ok(public.write(out)?)
}

/// Opens a file key that was sealed to the classical recipient of any epoch. A stanza names none: each recipient is
/// tried, the newest first.
pub(crate) fn unwrap<C: Provider>(
    csps: &Csps,
    sealed: &SealedFileKey,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let failed = |CryptoError| Status::NotAuthentic;
    let mut secret = C::EcdhSecret::default();
    for epoch in csps.keyring.newest_first() {
        let public = derive::<C>(csps.keyring.group(), epoch, &mut secret).map_err(failed)?;
        if sealed.to == stanza_tag::<C>(&public.hash::<C>(), &sealed.ephemeral) {
            let mut file_key = FileKey::default();
            open::<C>(&secret, &public, sealed, &mut file_key).map_err(failed)?;
            return Ok(out.bytes(file_key.expose())?);
        }
    }
    Err(Status::NotFound)
}

/// Opens a file key that was sealed to the post-quantum recipient of any epoch. Whatever is wrong with it, another
/// ciphertext or a tag, has the same answer.
pub(crate) fn hybrid_unwrap<C: Provider>(
    csps: &Csps,
    sealed: &HybridFileKey<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let failed = |CryptoError| Status::NotAuthentic;
    let mut pairs = HybridPairs::<C>::default();
    for epoch in csps.keyring.newest_first() {
        let public = pairs.derive(csps.keyring.group(), epoch).map_err(failed)?;
        if *sealed.to == stanza_tag::<C>(&public.hash::<C>(), sealed.ephemeral) {
            let mut file_key = FileKey::default();
            pairs.open(&public, sealed, &mut file_key).map_err(failed)?;
            return Ok(out.bytes(file_key.expose())?);
        }
    }
    Err(Status::NotFound)
}

/// Returns the tag of a stanza for the recipient with that hash.
fn stanza_tag<C: Provider>(recipient: &Sha384Digest, ephemeral: &EcPoint) -> StanzaTag {
    let mut mac = [0; 48];
    C::hmac_sha384(recipient, &[STANZA_TAG, ephemeral], &mut mac);
    let mut tag = StanzaTag::default();
    tag.iter_mut().zip(mac).for_each(|(byte, of)| *byte = of);
    tag
}

/// Derives the key pair of an epoch's recipient, the same in every clone, and returns its public half.
fn derive<C: Provider>(
    group: &[u8; 16],
    epoch: &Epoch,
    secret: &mut C::EcdhSecret,
) -> Result<Recipient, CryptoError> {
    let point = RecipientScalar::with::<C, _>(&epoch.key, |scalar| {
        C::ecdh_from_scalar(scalar.expose(), secret)
    })??;
    Ok(Recipient {
        group: *group,
        epoch: epoch.name,
        point,
    })
}

/// Opens with ECDH (SP 800-56A § 6.2.2.2) and HKDF, salted with both points.
fn open<C: Provider>(
    secret: &C::EcdhSecret,
    public: &Recipient,
    sealed: &SealedFileKey,
    file_key: &mut FileKey,
) -> Result<(), CryptoError> {
    let mut shared = EcdhShared::empty();
    shared.agree::<C>(secret, &sealed.ephemeral)?;
    let mut salt = [0; 2 * 97];
    let (first, second) = salt.split_at_mut(97);
    first.copy_from_slice(&sealed.ephemeral);
    second.copy_from_slice(&public.point);
    let epoch = public.epoch.to_bytes();
    let sealed = SealedKey {
        salt: &salt,
        info: &[SealedFileKey::LABEL, &public.group, &epoch],
        cipher: &sealed.cipher,
        tag: &sealed.tag,
    };
    file_key.open::<C>(&shared, &sealed)
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
    fn derive(&mut self, group: &[u8; 16], epoch: &Epoch) -> Result<HybridRecipient, CryptoError> {
        let point = HybridScalar::with::<C, _>(&epoch.key, |scalar| {
            C::ecdh_from_scalar(scalar.expose(), &mut self.ecdh)
        })??;
        let mut public = HybridRecipient {
            group: *group,
            epoch: epoch.name,
            point,
            kem: [0; KEM],
        };
        HybridSeed::with::<C, _>(&epoch.key, |seed| {
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
