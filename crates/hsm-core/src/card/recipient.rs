//! The team's post-quantum recipient (PROTOCOL § 2.9, docs/FORMAT.md § 6): both key pairs are derived here, both secrets agreed
//! here, and only the file key of one age file leaves.

use crate::{
    card::file,
    crypto::{CryptoError, Provider},
    vault::csp::{Csps, EpochKey},
};
use hsm_protocol::{
    Status,
    cloning::KEM,
    file::FILE_KEY,
    hybrid::{HybridFileKey, HybridRecipient, transcript},
    writer::Writer,
};
use zeroize::Zeroizing;

/// The team's post-quantum recipient in the current epoch.
pub(crate) fn recipient<C: Provider>(csps: &Csps, out: &mut Writer<'_>) -> Result<(), Status> {
    let (number, key) = csps.keyring.current().ok_or(Status::MemoryFailure)?;
    let pairs =
        Pairs::<C>::derive(csps, number, key).map_err(|CryptoError| Status::MemoryFailure)?;
    Ok(pairs.public.write(out)?)
}

/// Opens a file key that was sealed to the team's post-quantum recipient of any epoch. Whatever is wrong with it, a point that
/// is none, another ciphertext or a tag, is answered alike.
pub(crate) fn unwrap<C: Provider>(
    csps: &Csps,
    sealed: &HybridFileKey<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let key = file::epoch(csps, sealed.group, sealed.epoch)?;
    let mut file_key = Zeroizing::new([0; FILE_KEY]);
    Pairs::<C>::derive(csps, sealed.epoch, key)
        .and_then(|pairs| pairs.open(sealed, &mut file_key))
        .map_err(|CryptoError| Status::NotAuthentic)?;
    Ok(out.bytes(file_key.as_slice())?)
}

/// The key pairs of an epoch's recipient: the same in every clone.
struct Pairs<C: Provider> {
    ecdh: C::EcdhSecret,
    kem: C::KemSecret,
    public: HybridRecipient,
}

impl<C: Provider> Pairs<C> {
    fn derive(csps: &Csps, number: u32, key: &EpochKey) -> Result<Self, CryptoError> {
        let (ecdh, point) = C::ecdh_from_scalar(&*key.derive_hybrid_ecdh::<C>()?)?;
        let mut public = HybridRecipient {
            group: *csps.keyring.group(),
            epoch: number,
            point,
            kem: [0; KEM],
        };
        let kem = C::kem_from_seed(&*key.derive_hybrid_kem::<C>()?, &mut public.kem)?;
        Ok(Self { ecdh, kem, public })
    }

    /// Both secrets in one key (SP 800-56C rev. 2 § 2), extracted under the hash of all that is public; AES-256-GCM under a
    /// key used once.
    fn open(
        &self,
        sealed: &HybridFileKey<'_>,
        file_key: &mut [u8; FILE_KEY],
    ) -> Result<(), CryptoError> {
        let mut ecdh = Zeroizing::new([0; 48]);
        C::ecdh_agree(&self.ecdh, sealed.ephemeral, &mut ecdh)?;
        let mut kem = Zeroizing::new([0; 32]);
        C::kem_decapsulate(&self.kem, sealed.ciphertext, &mut kem)?;
        let transcript = transcript::<C>(&self.public, sealed.ephemeral, sealed.ciphertext);
        let mut prk = Zeroizing::new([0; 48]);
        C::hmac_sha384(&transcript, &[ecdh.as_slice(), kem.as_slice()], &mut prk);
        let mut key = Zeroizing::new([0; 32]);
        C::hkdf_expand(&prk, &[HybridFileKey::LABEL], key.as_mut_slice())?;
        file_key.copy_from_slice(sealed.cipher);
        C::gcm_open(&key, &[0; 12], &[], file_key, sealed.tag)
    }
}
