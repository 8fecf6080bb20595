//! What one provider makes, the other takes: each of the four pairs, over random inputs.

use crate::{Os, random, random_bytes};
use hsm_core::crypto::{Direction, Provider, rust_crypto::RustCrypto};
use hsm_protocol::Verifier;
use hsm_virtual::aws_lc::AwsLc;

const ROUNDS: usize = 20;

#[test]
fn each_pair_agrees_on_an_ecdh_secret() {
    fn check<A: Provider, B: Provider>() {
        for _ in 0..ROUNDS {
            let (mut ours, mut theirs) = (A::EcdhSecret::default(), B::EcdhSecret::default());
            let our_point = A::ecdh_generate(&mut Os, &mut ours).unwrap();
            let their_point = B::ecdh_generate(&mut Os, &mut theirs).unwrap();
            let (mut here, mut there) = ([0; 48], [1; 48]);
            A::ecdh_agree(&ours, &their_point, &mut here).unwrap();
            B::ecdh_agree(&theirs, &our_point, &mut there).unwrap();
            assert_eq!(here, there);
        }
    }
    check::<RustCrypto, RustCrypto>();
    check::<RustCrypto, AwsLc>();
    check::<AwsLc, RustCrypto>();
    check::<AwsLc, AwsLc>();
}

#[test]
fn each_pair_agrees_on_a_kem_secret_unless_the_ciphertext_was_touched() {
    fn check<A: Provider, B: Provider>() {
        for _ in 0..ROUNDS {
            let (mut public, mut ciphertext, mut here, mut there) =
                ([0; 1568], [0; 1568], [0; 32], [1; 32]);
            let mut secret = A::KemSecret::default();
            A::kem_generate(&mut Os, &mut secret, &mut public).unwrap();
            B::kem_encapsulate(&mut Os, &public, &mut ciphertext, &mut there).unwrap();
            A::kem_decapsulate(&secret, &ciphertext, &mut here).unwrap();
            assert_eq!(here, there);

            A::kem_generate(&mut Os, &mut secret, &mut public).unwrap();
            B::kem_encapsulate(&mut Os, &public, &mut ciphertext, &mut there).unwrap();
            ciphertext[usize::from(random::<1>()[0])] ^= 1;
            A::kem_decapsulate(&secret, &ciphertext, &mut here).unwrap();
            assert_ne!(here, there);
        }
    }
    check::<RustCrypto, RustCrypto>();
    check::<RustCrypto, AwsLc>();
    check::<AwsLc, RustCrypto>();
    check::<AwsLc, AwsLc>();
}

#[test]
fn a_seed_makes_one_kem_key_whoever_expands_it_and_whoever_encapsulates_to_it() {
    fn check<A: Provider, B: Provider>() {
        for _ in 0..ROUNDS {
            let (seed, mut public, mut other) = (random(), [0; 1568], [1; 1568]);
            let (mut secret, mut same) = (A::KemSecret::default(), B::KemSecret::default());
            A::kem_from_seed(&seed, &mut secret, &mut public).unwrap();
            B::kem_from_seed(&seed, &mut same, &mut other).unwrap();
            assert!(public == other);
            let (mut ciphertext, mut here, mut there) = ([0; 1568], [0; 32], [1; 32]);
            B::kem_encapsulate(&mut Os, &public, &mut ciphertext, &mut there).unwrap();
            A::kem_decapsulate(&secret, &ciphertext, &mut here).unwrap();
            assert_eq!(here, there);
            // Rejected implicitly, and alike: the secret is then one of `z` and the ciphertext (FIPS 203 § 6.3).
            ciphertext[usize::from(random::<1>()[0])] ^= 1;
            A::kem_decapsulate(&secret, &ciphertext, &mut here).unwrap();
            B::kem_decapsulate(&same, &ciphertext, &mut there).unwrap();
            assert_eq!(here, there);
        }
    }
    check::<RustCrypto, RustCrypto>();
    check::<RustCrypto, AwsLc>();
    check::<AwsLc, RustCrypto>();
    check::<AwsLc, AwsLc>();
}

#[test]
fn each_verifies_what_the_other_signed_with_either_ones_key() {
    fn check<A: Provider, B: Provider>() {
        for len in 0..ROUNDS {
            let (mut scalar, message) = ([0; 48], random_bytes(37 * len));
            let public = A::signer_generate(&mut Os, &mut scalar).unwrap();
            let mut signer = B::Signer::default();
            B::signer(&scalar, &public, &mut signer).unwrap();
            let signature = B::sign(&signer, &mut Os, &message).unwrap();
            A::verify(&public, &message, &signature).unwrap();
            B::verify(&public, &message, &signature).unwrap();
        }
    }
    check::<RustCrypto, RustCrypto>();
    check::<RustCrypto, AwsLc>();
    check::<AwsLc, RustCrypto>();
    check::<AwsLc, AwsLc>();
}

#[test]
fn each_opens_what_the_other_sealed() {
    fn check<A: Provider, B: Provider>() {
        for len in [0, 1, 15, 16, 17, 255, 256, 4096, 100_003] {
            let (key, nonce, aad, plain) = (
                random(),
                random(),
                random_bytes(len % 77),
                random_bytes(len),
            );
            let mut buffer = plain.clone();
            let tag = A::gcm_seal(&key, &nonce, &aad, &mut buffer).unwrap();
            B::gcm_open(&key, &nonce, &aad, &mut buffer, &tag).unwrap();
            assert!(buffer == plain, "{len} bytes");
        }
    }
    check::<RustCrypto, AwsLc>();
    check::<AwsLc, RustCrypto>();
}

#[test]
fn each_unwraps_what_the_other_wrapped() {
    fn check<A: Provider, B: Provider>() {
        for _ in 0..ROUNDS {
            let (kek, key, mut out) = (random(), random(), [0; 32]);
            B::unwrap_key(&kek, &A::wrap_key(&kek, &key).unwrap(), &mut out).unwrap();
            assert_eq!(out, key);
        }
    }
    check::<RustCrypto, AwsLc>();
    check::<AwsLc, RustCrypto>();
}

#[test]
fn each_deciphers_what_the_other_enciphered() {
    fn check<A: Provider, B: Provider>() {
        for blocks in (1..70).chain([255, 256, 257, 4096]) {
            let (key, unit, plain) = (
                random(),
                u128::from_le_bytes(random()),
                random_bytes(16 * blocks),
            );
            let mut buffer = plain.clone();
            A::xts(&key, unit, Direction::Encipher, &mut buffer).unwrap();
            assert!(buffer != plain);
            B::xts(&key, unit, Direction::Decipher, &mut buffer).unwrap();
            assert!(buffer == plain, "XTS, {blocks} blocks");
            let key = random();
            A::ecb(&key, Direction::Encipher, &mut buffer).unwrap();
            assert!(buffer != plain);
            B::ecb(&key, Direction::Decipher, &mut buffer).unwrap();
            assert!(buffer == plain, "ECB, {blocks} blocks");
        }
    }
    check::<RustCrypto, AwsLc>();
    check::<AwsLc, RustCrypto>();
}

#[test]
fn both_derive_alike() {
    for len in 0..200 {
        let (key, data) = (random_bytes(len), random_bytes(3 * len));
        let (mut here, mut there) = ([0; 48], [1; 48]);
        RustCrypto::hmac_sha384(&key, &[&data], &mut here);
        AwsLc::hmac_sha384(&key, &[&data], &mut there);
        assert_eq!(here, there);
        assert_eq!(
            RustCrypto::sha384(&[&key, &data]),
            AwsLc::sha384(&[&key, &data])
        );

        let (mut here, mut there) = (vec![0; 7 * len], vec![1; 7 * len]);
        let prk = random();
        RustCrypto::hkdf_expand(&prk, &[&key, &data], &mut here).unwrap();
        AwsLc::hkdf_expand(&prk, &[&key, &data], &mut there).unwrap();
        assert_eq!(here, there);

        let (mut here, mut there) = ([0; 32], [1; 32]);
        RustCrypto::pbkdf2(&key, &data, 3, &mut here).unwrap();
        AwsLc::pbkdf2(&key, &data, 3, &mut there).unwrap();
        assert_eq!(here, there);
    }
}
