//! docs/FORMAT.md § 6 once more, step by step from its text: the post-quantum recipient, sealed to and opened without a module.

use crate::files::{Commands, recipient_fields, stanza_tag};
use hsm_core::crypto::{Provider, drbg::HmacDrbg, rust_crypto::RustCrypto};
use hsm_protocol::Status;
use hsm_virtual::board::SystemEntropy;
use std::marker::PhantomData;

/// The size of what FILE RECIPIENT answers, in bytes.
pub const RECIPIENT: usize = TO + 97 + 1568;

/// Group, and the epoch's number and check value.
const TO: usize = 16 + 4 + 8;

/// The size of what FILE UNWRAP takes, in bytes.
pub const SEALED: usize = 16 + 97 + 1568 + 16 + 16;

/// Derives, seals and opens in the primitives of one provider.
pub struct Reference<P> {
    epoch_key: [u8; 48],
    primitives: PhantomData<P>,
}

/// The secrets and public halves of an epoch.
struct Pairs<P: Provider> {
    ecdh: P::EcdhSecret,
    kem: P::KemSecret,
    point: [u8; 97],
    key: [u8; 1568],
}

impl<P: Provider> Reference<P> {
    /// Of that epoch key.
    pub const fn new(epoch_key: [u8; 48]) -> Self {
        Self {
            epoch_key,
            primitives: PhantomData,
        }
    }

    /// What FILE RECIPIENT answers.
    pub fn recipient(&self, group: [u8; 16], epoch: u32) -> Vec<u8> {
        let Pairs { point, key, .. } = self.pairs();
        let mut check = [0; 8];
        let label: [&[u8]; 1] = [b"KeyWriter v1 epoch check value"];
        P::hkdf_expand(&self.epoch_key, &label, &mut check).expect("short");
        [&group[..], &epoch.to_be_bytes(), &check, &point, &key].concat()
    }

    /// The file key in what FILE UNWRAP takes, if it is for this group and epoch and nothing of it was changed.
    pub fn open(&self, group: [u8; 16], epoch: u32, sealed: &[u8]) -> Option<[u8; 16]> {
        let sealed: &[u8; SEALED] = sealed.try_into().ok()?;
        let (to, rest) = sealed.split_at(16);
        let recipient = self.recipient(group, epoch);
        if to != stanza_tag::<P>(&P::sha384(&[&recipient]), &rest[..97]) {
            return None;
        }
        let (shares, rest) = rest.split_at(97 + 1568);
        let (ephemeral, ciphertext) = shares.split_first_chunk()?;
        let pairs = self.pairs();
        let (mut ecdh, mut kem) = ([0; 48], [0; 32]);
        P::ecdh_agree(&pairs.ecdh, ephemeral, &mut ecdh).ok()?;
        P::kem_decapsulate(&pairs.kem, ciphertext.try_into().ok()?, &mut kem).ok()?;
        let key = key::<P>(&recipient, shares, (&ecdh, &kem));
        let (cipher, tag) = rest.split_first_chunk::<16>()?;
        let mut file_key = *cipher;
        let opened = P::gcm_open(&key, &[0; 12], &[], &mut file_key, tag.try_into().ok()?);
        opened.is_ok().then_some(file_key)
    }

    /// The secrets that never leave a module, with their names.
    pub fn secrets(&self) -> Vec<(&'static str, Vec<u8>)> {
        [("ECDH-P384", 48), ("ML-KEM-1024", 64)]
            .into_iter()
            .map(|(name, len)| (name, self.derive(name, len)))
            .collect()
    }

    fn pairs(&self) -> Pairs<P> {
        let scalar = self.derive("ECDH-P384", 48).try_into().expect("48 bytes");
        let (mut ecdh, mut kem) = (P::EcdhSecret::default(), P::KemSecret::default());
        let point = P::ecdh_from_scalar(&scalar, &mut ecdh).expect("in range");
        let seed = self.derive("ML-KEM-1024", 64).try_into().expect("64 bytes");
        let mut key = [0; 1568];
        P::kem_from_seed(&seed, &mut kem, &mut key).expect("any seed");
        Pairs {
            ecdh,
            kem,
            point,
            key,
        }
    }

    fn derive(&self, name: &str, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let label = format!("KeyWriter v1 hybrid {name}");
        P::hkdf_expand(&self.epoch_key, &[label.as_bytes()], &mut bytes).expect("short");
        bytes
    }
}

/// Seals a file key to what FILE RECIPIENT answered: what FILE UNWRAP takes.
pub fn seal<P: Provider>(recipient: &[u8], file_key: [u8; 16]) -> Vec<u8> {
    let recipient: &[u8; RECIPIENT] = recipient.try_into().expect("a recipient");
    let (point, key_bytes) = recipient[TO..].split_first_chunk().expect("a point");
    let mut rng = HmacDrbg::<_>::new(SystemEntropy, "HYBRID".parse().expect("a serial number"));
    let mut secret = P::EcdhSecret::default();
    let ephemeral = P::ecdh_generate(&mut rng, &mut secret).expect("a key");
    let (mut ecdh, mut kem, mut ciphertext) = ([0; 48], [0; 32], [0; 1568]);
    P::ecdh_agree(&secret, point, &mut ecdh).expect("a point");
    let encapsulation_key = key_bytes.try_into().expect("a key");
    P::kem_encapsulate(&mut rng, encapsulation_key, &mut ciphertext, &mut kem).expect("a key");
    let shares = [&ephemeral[..], &ciphertext].concat();
    let mut cipher = file_key;
    let tag = P::gcm_seal(
        &key::<P>(recipient, &shares, (&ecdh, &kem)),
        &[0; 12],
        &[],
        &mut cipher,
    )
    .expect("sealed");
    let to = stanza_tag::<P>(&P::sha384(&[recipient]), &ephemeral);
    [&to[..], &shares, &cipher, &tag].concat()
}

/// A FILE UNWRAP command of a key sealed to the module's team, if it tells which that is.
pub fn unwrap_command(module: &mut impl Commands) -> Vec<u8> {
    match recipient(module) {
        Ok(recipient) => seal::<RustCrypto>(&recipient, [7; 16]),
        Err(_refused) => vec![0; SEALED],
    }
}

/// What FILE RECIPIENT answers, without its signature.
pub fn recipient(module: &mut impl Commands) -> Result<Vec<u8>, Status> {
    recipient_fields(module, 1)
}

fn key<P: Provider>(
    recipient: &[u8],
    shares: &[u8],
    (ecdh, kem): (&[u8; 48], &[u8; 32]),
) -> [u8; 32] {
    let suite = b"KeyWriter v1 hybrid recipient: ECDH-P384 + ML-KEM-1024, HKDF-SHA384, AES-256-GCM";
    let transcript = P::sha384(&[&[suite, recipient, shares].concat()]);
    let (mut prk, mut key) = ([0; 48], [0; 32]);
    P::hmac_sha384(&transcript, &[&[&ecdh[..], kem].concat()], &mut prk);
    P::hkdf_expand(&prk, &[b"KeyWriter v1 hybrid AES-256-GCM"], &mut key).expect("short");
    key
}
