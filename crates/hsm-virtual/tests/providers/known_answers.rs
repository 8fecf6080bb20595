//! Both providers give the answers of the standards.

use crate::vectors::cases;
use crate::{Os, Scripted};
use hsm_core::crypto::{Direction, Provider, rust_crypto::RustCrypto};
use hsm_protocol::{BadSignature, Verifier, verifier::low_s};
use hsm_testbench::by_hand::other_form;
use hsm_virtual::aws_lc::AwsLc;
use std::any::type_name;

#[test]
fn hmac_is_that_of_rfc_4231_however_the_message_is_cut() {
    fn check<P: Provider>() {
        for case in cases("hmac_sha384.txt") {
            let (message, mut mac) = (case.bytes("message"), [0; 48]);
            for cut in 0..=message.len() {
                let (head, tail) = message.split_at(cut);
                P::hmac_sha384(&case.bytes("key"), &[head, &[], tail], &mut mac);
                assert_eq!(
                    mac,
                    case.array("mac"),
                    "{} {}",
                    type_name::<P>(),
                    case.name()
                );
            }
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn sha384_is_that_of_fips_180_4() {
    fn check<V: Verifier>() {
        let abc = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7";
        assert_eq!(hex::encode(V::sha384(&[b"a", b"", b"bc"])), abc);
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn hkdf_expands_to_every_length_up_to_the_longest() {
    fn check<P: Provider>() {
        for case in cases("hkdf_expand_sha384.txt") {
            let (prk, info) = (case.array("prk"), case.bytes("info"));
            let mut out = vec![0; case.number("length")];
            let (head, tail) = info.split_at(info.len() / 2);
            P::hkdf_expand(&prk, &[head, tail], &mut out).unwrap();
            if case.has("output") {
                assert_eq!(
                    out,
                    case.bytes("output"),
                    "{} {}",
                    type_name::<P>(),
                    case.name()
                );
            } else {
                assert_eq!(
                    P::sha384(&[&out]),
                    case.array("sha384-of-output"),
                    "{} {}",
                    type_name::<P>(),
                    case.name()
                );
            }
        }
        P::hkdf_expand(&[1; 48], &[b"nothing"], &mut []).unwrap();
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn pbkdf2_is_that_of_rfc_7914() {
    fn check<P: Provider>() {
        for case in cases("pbkdf2_hmac_sha256.txt") {
            let mut out = [0; 32];
            P::pbkdf2(
                &case.bytes("pin"),
                &case.bytes("salt"),
                case.number("cost"),
                &mut out,
            )
            .unwrap();
            assert_eq!(
                out,
                case.array("output"),
                "{} {}",
                type_name::<P>(),
                case.name()
            );
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn gcm_seals_and_opens_its_test_cases() {
    fn check<P: Provider>() {
        for case in cases("aes256_gcm.txt") {
            let (key, nonce, aad, tag) = (
                case.array("key"),
                case.array("nonce"),
                case.bytes("aad"),
                case.array("tag"),
            );
            let mut buffer = case.bytes("plaintext");
            let sealed = P::gcm_seal(&key, &nonce, &aad, &mut buffer).unwrap();
            assert_eq!(
                (&buffer, sealed),
                (&case.bytes("ciphertext"), tag),
                "{} {}",
                type_name::<P>(),
                case.name()
            );
            P::gcm_open(&key, &nonce, &aad, &mut buffer, &tag).unwrap();
            assert_eq!(
                buffer,
                case.bytes("plaintext"),
                "{} {}",
                type_name::<P>(),
                case.name()
            );
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn key_wrap_is_that_of_rfc_3394() {
    fn check<P: Provider>() {
        for case in cases("aes256_kw.txt") {
            let (kek, wrapped, mut key) = (case.array("kek"), case.array("wrapped"), [0; 32]);
            assert_eq!(
                P::wrap_key(&kek, &case.array("key")),
                Ok(wrapped),
                "{}",
                type_name::<P>()
            );
            P::unwrap_key(&kek, &wrapped, &mut key).unwrap();
            assert_eq!(key, case.array("key"), "{}", type_name::<P>());
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn xts_enciphers_and_deciphers_the_vectors_of_ieee_1619() {
    fn check<P: Provider>() {
        for case in cases("aes256_xts.txt") {
            let (key, unit, mut buffer) = (
                case.array("key"),
                case.number("unit"),
                case.bytes("plaintext"),
            );
            P::xts(&key, unit, Direction::Encipher, &mut buffer).unwrap();
            assert_eq!(
                buffer,
                case.bytes("ciphertext"),
                "{} {}",
                type_name::<P>(),
                case.name()
            );
            P::xts(&key, unit, Direction::Decipher, &mut buffer).unwrap();
            assert_eq!(
                buffer,
                case.bytes("plaintext"),
                "{} {}",
                type_name::<P>(),
                case.name()
            );
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn xts_is_right_for_every_remainder_and_up_to_the_longest_unit() {
    fn check<P: Provider>() {
        let block: [u8; 16] = std::array::from_fn(|i| u8::try_from(7 * i).unwrap());
        for case in cases("aes256_xts_lengths.txt") {
            let (key, unit, plain) = (
                case.array("key"),
                case.number("unit"),
                block.repeat(case.number("blocks")),
            );
            let mut buffer = plain.clone();
            P::xts(&key, unit, Direction::Encipher, &mut buffer).unwrap();
            let hash = P::sha384(&[&buffer]);
            assert_eq!(
                hash,
                case.array("sha384-of-ciphertext"),
                "{} {}",
                type_name::<P>(),
                case.name()
            );
            P::xts(&key, unit, Direction::Decipher, &mut buffer).unwrap();
            assert!(buffer == plain, "{} {}", type_name::<P>(), case.name());
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn ecb_is_that_of_sp_800_38a() {
    fn check<P: Provider>() {
        for case in cases("aes256_ecb.txt") {
            let (key, mut buffer) = (case.array("key"), case.bytes("plaintext"));
            P::ecb(&key, Direction::Encipher, &mut buffer).unwrap();
            assert_eq!(buffer, case.bytes("ciphertext"), "{}", type_name::<P>());
            P::ecb(&key, Direction::Decipher, &mut buffer).unwrap();
            assert_eq!(buffer, case.bytes("plaintext"), "{}", type_name::<P>());
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn ecdsa_accepts_the_signatures_of_rfc_6979() {
    fn check<P: Provider>() {
        for case in cases("ecdsa_p384_sha384.txt") {
            let (public, message) = (case.array("public"), case.bytes("message"));
            let signature = case.array("signature");
            P::verify_either_form(&public, &message, &signature).unwrap();
            P::verify(&public, &message, &low_s(&signature)).unwrap();
            let mut signer = P::Signer::default();
            P::signer(&case.array("private"), &public, &mut signer).unwrap();
            let (first, second) = (
                P::sign(&signer, &mut Os, &message),
                P::sign(&signer, &mut Os, &message),
            );
            assert_ne!(
                first,
                second,
                "{}: a nonce without randomness",
                type_name::<P>()
            );
            P::verify(&public, &message, &first.unwrap()).unwrap();
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn ecdsa_makes_and_takes_one_form_of_a_signature() {
    fn check<P: Provider>() {
        let case = &cases("ecdsa_p384_sha384.txt")[0];
        let public = case.array("public");
        let mut signer = P::Signer::default();
        P::signer(&case.array("private"), &public, &mut signer).unwrap();
        // Without a rule, every second one would be of the other form.
        for _ in 0..40 {
            let signature = P::sign(&signer, &mut Os, b"message").unwrap();
            P::verify(&public, b"message", &signature).unwrap();
            let other = other_form(&signature);
            P::verify_either_form(&public, b"message", &other).unwrap();
            let verified = P::verify(&public, b"message", &other);
            assert_eq!(verified, Err(BadSignature), "{}", type_name::<P>());
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn ecdh_and_signing_keys_come_from_the_callers_generator_alone() {
    fn check<P: Provider>() {
        for case in cases("ecdh_p384.txt") {
            let (private, mut shared, mut scalar) = (case.array::<48>("private"), [0; 48], [0; 48]);
            let mut secret = P::EcdhSecret::default();
            let public = P::ecdh_generate(&mut Scripted(&private), &mut secret).unwrap();
            assert_eq!(public, case.array("public"), "{}", type_name::<P>());
            P::ecdh_agree(&secret, &case.array("peer"), &mut shared).unwrap();
            assert_eq!(shared, case.array("shared"), "{}", type_name::<P>());
            assert_eq!(
                P::signer_generate(&mut Scripted(&private), &mut scalar),
                Ok(public),
                "{}",
                type_name::<P>()
            );
            assert_eq!(scalar, private, "{}", type_name::<P>());
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn ml_kem_keys_and_secrets_are_those_of_openssl() {
    fn check<P: Provider>() {
        for case in cases("ml_kem_1024.txt") {
            let (mut public, mut shared) = ([0; 1568], [0; 32]);
            let mut secret = P::KemSecret::default();
            P::kem_from_seed(&case.array("seed"), &mut secret, &mut public).unwrap();
            assert_eq!(
                P::sha384(&[&public]),
                case.array("sha384-of-public"),
                "{}",
                case.name()
            );
            P::kem_decapsulate(&secret, &case.array("ciphertext"), &mut shared).unwrap();
            assert_eq!(shared, case.array("shared"), "{}", case.name());
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

/// AWS-LC generates from no seed of ours.
#[test]
fn a_generated_ml_kem_key_is_that_of_the_seed_which_was_drawn() {
    for case in cases("ml_kem_1024.txt") {
        let mut public = [0; 1568];
        let mut secret = <RustCrypto as Provider>::KemSecret::default();
        let seed = case.bytes("seed");
        RustCrypto::kem_generate(&mut Scripted(&seed), &mut secret, &mut public).unwrap();
        assert_eq!(
            RustCrypto::sha384(&[&public]),
            case.array("sha384-of-public")
        );
    }
}

#[test]
fn waiting_secrets_of_the_firmware_are_small() {
    // A byte says whether there is a key.
    assert_eq!(size_of::<<RustCrypto as Provider>::KemSecret>(), 64 + 1);
    assert_eq!(size_of::<<RustCrypto as Provider>::EcdhSecret>(), 48 + 1);
}
