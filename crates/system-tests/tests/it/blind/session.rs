//! The keys of a run, worked out once more from what the generators gave and what went over the wire (PROTOCOL § 4.1).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_protocol::cloning::{Consent, Grant, Offer, Parcel};
use hsm_testbench::{board::Recorded, relay::Outcome};
use ml_kem::{Decapsulate, array::Array, ml_kem_1024};
use p384::{PublicKey, SecretKey};
use sha2::{Digest, Sha384};

/// What a run agreed on, and what it carried.
pub(super) struct Session {
    /// With the names under which a leak is reported.
    pub(super) keys: Vec<(&'static str, Vec<u8>)>,
    /// The Parcel, opened: proof that the keys are the right ones.
    pub(super) parcel: Vec<u8>,
    /// The two nonces: drawn at random, and public.
    pub(super) nonces: [Vec<u8>; 2],
}

impl Session {
    /// From the messages of a run and the draws of both modules' generators, over `RustCrypto`.
    pub(super) fn recompute(outcome: &Outcome, master: &Recorded, secondary: &Recorded) -> Self {
        let [offer_bytes, grant_bytes, consent_bytes, parcel_bytes, ..] =
            outcome.messages.as_slice()
        else {
            panic!("a run that came to its end");
        };
        let offer = Offer::parse(offer_bytes).unwrap();
        let grant = Grant::parse(grant_bytes).unwrap();

        // The secondary draws its nonce, its scalar, its seed; the master its scalar, its KEM message, its nonce.
        let (draws, at) = drawn(secondary, offer.nonce);
        let (scalar, seed) = (&draws[at + 1], &draws[at + 2]);
        let (draws, at) = drawn(master, grant.nonce);
        let (master_scalar, message) = (&draws[at - 2], &draws[at - 1]);

        let ecdh = agree(scalar, grant.ecdh);
        assert_eq!(ecdh, agree(master_scalar, offer.ecdh), "both sides of ECDH");
        let seed = Array(seed.as_slice().try_into().unwrap());
        let key = ml_kem_1024::DecapsulationKey::from_seed(seed);
        let kem = key.decapsulate_slice(grant.ciphertext).unwrap().to_vec();
        let message: &[u8; 32] = message.as_slice().try_into().unwrap();
        let public = ml_kem_1024::EncapsulationKey::new(offer.kem.into()).unwrap();
        let (ciphertext, agreed) = public.encapsulate_deterministic(message.into());
        assert_eq!(ciphertext.as_slice(), grant.ciphertext);
        assert_eq!(agreed.as_slice(), kem, "both sides of ML-KEM");

        let transcript = [offer_bytes.as_slice(), grant.open]
            .iter()
            .fold(hash(&[SUITE]), |hashed, part| hash(&[&hashed, part]));
        let mut mac = Hmac::<Sha384>::new_from_slice(&transcript).unwrap();
        mac.update(&ecdh);
        mac.update(&kem);
        let prk = mac.finalize().into_bytes().to_vec();
        let expand = |label: &[u8]| {
            let mut key = [0; 32];
            let hkdf = Hkdf::<Sha384>::from_prk(&prk).unwrap();
            hkdf.expand(label, &mut key).unwrap();
            key
        };
        let [grant_key, consent_key, parcel_key] = [
            expand(b"KeyWriter v1 grant key"),
            expand(b"KeyWriter v1 consent key"),
            expand(b"KeyWriter v1 parcel key"),
        ];
        open(&grant_key, &transcript, grant.sealed.as_wire());
        let transcript = hash(&[&transcript, &grant_bytes[grant.open.len()..]]);
        let consent = Consent::parse(consent_bytes).unwrap();
        open(&consent_key, &transcript, consent.as_wire());
        let transcript = hash(&[&transcript, consent_bytes]);
        let parcel = Parcel::parse(parcel_bytes).unwrap();
        Self {
            parcel: open(&parcel_key, &transcript, parcel.as_wire()),
            nonces: [offer.nonce.to_vec(), grant.nonce.to_vec()],
            keys: vec![
                ("ECDH shared secret", ecdh),
                ("ML-KEM shared secret", kem),
                ("pseudorandom key of a run", prk),
                ("Grant key", grant_key.to_vec()),
                ("Consent key", consent_key.to_vec()),
                ("Parcel key", parcel_key.to_vec()),
            ],
        }
    }
}

/// All draws, and which of them is `value`.
pub(super) fn drawn(recorded: &Recorded, value: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let draws = recorded.all();
    let at = draws.iter().position(|draw| draw == value);
    (draws, at.expect("the generator gave it"))
}

fn agree(scalar: &[u8], peer: &[u8; 97]) -> Vec<u8> {
    let secret = SecretKey::from_slice(scalar).unwrap();
    let peer = PublicKey::from_sec1_bytes(peer).unwrap();
    secret.diffie_hellman(&peer).raw_secret_bytes().to_vec()
}

fn open(key: &[u8; 32], transcript: &[u8], sealed: &[u8]) -> Vec<u8> {
    let (ciphertext, tag) = sealed.split_last_chunk().unwrap();
    let mut plain = ciphertext.to_vec();
    RustCrypto::gcm_open(key, &[0; 12], transcript, &mut plain, tag).expect("the right key");
    plain
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = Sha384::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

const SUITE: &[u8] =
    b"KeyWriter v1 cloning: ECDH-P384 + ML-KEM-1024, ECDSA-P384-SHA384, HKDF-SHA384, AES-256-GCM";
