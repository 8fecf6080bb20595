//! The secrets of a letter, worked out from what its modules drew and sent, step by step as PROTOCOL § 5 says.

use super::{Shares, Steps, array, expand};
use crate::vector::{field, fields};
use hsm_core::crypto::Provider;
use std::fmt::Write;

/// What the modules drew for the letter.
pub struct LetterDrawn {
    /// The letterbox's ECDH scalar.
    pub letterbox_scalar: [u8; 48],
    /// The letterbox's ML-KEM seed, *d* ‖ *z*.
    pub letterbox_seed: [u8; 64],
    /// The master's ECDH scalar.
    pub master_scalar: [u8; 48],
    /// What the master encapsulated, *m* of FIPS 203 § 6.2.
    pub master_message: [u8; 32],
    /// In an epoch letter, the key of the epoch that both have.
    pub shared_epoch: Option<[u8; 48]>,
}

/// Where the ECDH share begins in a letterbox, in bytes (§ 5.1).
pub const LETTERBOX_SHARE: usize = 3 + 1 + 8;

impl LetterDrawn {
    /// Reads the first lines of a vector.
    pub fn read(text: &str) -> Self {
        let fields = fields(text);
        let bytes = |name: &str| field(&fields, name);
        let has_epoch = fields.iter().any(|(name, _)| *name == SHARED);
        Self {
            letterbox_scalar: array(&bytes("letterbox-ecdh-scalar")),
            letterbox_seed: array(&bytes("letterbox-kem-seed")),
            master_scalar: array(&bytes("master-ecdh-scalar")),
            master_message: array(&bytes("master-kem-message")),
            shared_epoch: has_epoch.then(|| array(&bytes(SHARED))),
        }
    }

    /// Returns the text of the vector: what was drawn, then what follows from it.
    pub fn text<P: Provider>(&self, of: &str, letterbox: &[u8], letter: &[u8]) -> String {
        let mut text = format!("expect: the secrets of the letter in {of}\nsection: 5\n\n");
        let mut line = |name: &str, bytes: &[u8]| {
            writeln!(text, "{name}: {}", hex::encode(bytes)).expect("a string grows");
        };
        line("letterbox-ecdh-scalar", &self.letterbox_scalar);
        line("letterbox-kem-seed", &self.letterbox_seed);
        line("master-ecdh-scalar", &self.master_scalar);
        line("master-kem-message", &self.master_message);
        if let Some(key) = &self.shared_epoch {
            line(SHARED, key);
        }
        for (name, bytes) in self.follow::<P>(letterbox, letter) {
            line(&name, &bytes);
        }
        text
    }

    fn follow<P: Provider>(&self, letterbox: &[u8], letter: &[u8]) -> Vec<(String, Vec<u8>)> {
        let mut steps = Steps::<P>::default();
        // § 5.1: the box hash is over everything but the signature.
        let fields = &letterbox[..letterbox.len() - 96];
        let hash = P::sha384(&[fields]);
        steps.note("box-hash", &hash);
        assert_eq!(letter[28..76], hash, "the letter names it");

        let shares = 3 + 1 + 16 + 8 + 48 + 16 + 12 + if letter[3] == 1 { 12 } else { 0 };
        let (point, kem_key) = letterbox[LETTERBOX_SHARE..].split_at(97);
        let (ecdh, kem) = Shares {
            scalar: &self.letterbox_scalar,
            seed: &self.letterbox_seed,
            point: array(point),
            kem_key: array(&kem_key[..1568]),
        }
        .agree::<P>(&self.master_scalar, &self.master_message, &letter[shares..]);
        steps.note("ecdh-secret", &ecdh);
        steps.note("kem-secret", &kem);

        // § 5.2: transcript, key, sealed part.
        let mut end = shares + 97 + 1568 + 1;
        for _ in 0..letter[end - 1] {
            end += 2 + usize::from(u16::from_be_bytes(array(&letter[end..end + 2])));
        }
        let suite = b"KeyWriter v1 letter: ECDH-P384 + ML-KEM-1024, ECDSA-P384-SHA384, HKDF-SHA384, AES-256-GCM";
        let transcript = P::sha384(&[suite, &letter[..end]]);
        steps.note("transcript", &transcript);
        let mut prk = [0; 48];
        match &self.shared_epoch {
            None => P::hmac_sha384(&transcript, &[&ecdh, &kem], &mut prk),
            Some(key) => {
                let secret = expand::<P, 48>(key, "KeyWriter v1 letter epoch");
                steps.note("epoch-secret", &secret);
                P::hmac_sha384(&transcript, &[&ecdh, &kem, &secret], &mut prk);
            }
        }
        steps.note("prk", &prk);
        let key = expand::<P, 32>(&prk, "KeyWriter v1 letter key");
        steps.note("letter-key", &key);
        let sealed = &letter[end + 2..letter.len() - 96];
        steps.open("letter-plaintext", &key, &transcript, sealed);
        let signed = P::sha384(&[&transcript, sealed]);
        steps.note("signed-hash", &signed);
        steps.noted
    }
}

const SHARED: &str = "shared-epoch-key";
