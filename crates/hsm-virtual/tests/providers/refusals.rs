//! What both providers refuse, and what their buffers hold then.

use crate::vectors::{cases, unhex};
use crate::{Broken, Os, Scripted, random, random_bytes};
use hsm_core::crypto::{CryptoError, Direction, Provider, rust_crypto::RustCrypto};
use hsm_protocol::{BadSignature, EcPoint, verifier::low_s};
use hsm_virtual::aws_lc::AwsLc;
use std::any::type_name;

const BOTH: [Direction; 2] = [Direction::Encipher, Direction::Decipher];

/// The order n of P-384 (SP 800-186 § 3.2.1.4).
const ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";

/// The prime p of P-384.
const PRIME: &str = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff";

#[test]
fn a_wrong_tag_leaves_nothing_readable() {
    fn check<P: Provider>() {
        let (key, nonce, plain) = (random(), random(), random_bytes(1000));
        let mut sealed = plain.clone();
        let tag = P::gcm_seal(&key, &nonce, b"aad", &mut sealed).unwrap();
        for bit in 0..128 {
            let (mut wrong, mut buffer) = (tag, sealed.clone());
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                P::gcm_open(&key, &nonce, b"aad", &mut buffer, &wrong),
                Err(CryptoError)
            );
            assert_eq!(buffer, vec![0; 1000], "{}", type_name::<P>());
        }
        let mut buffer = sealed.clone();
        assert_eq!(
            P::gcm_open(&key, &nonce, b"add", &mut buffer, &tag),
            Err(CryptoError)
        );
        buffer.clone_from(&sealed);
        buffer[999] ^= 1;
        assert_eq!(
            P::gcm_open(&key, &nonce, b"aad", &mut buffer, &tag),
            Err(CryptoError)
        );
        assert_eq!(buffer, vec![0; 1000], "{}", type_name::<P>());
        P::gcm_open(&key, &nonce, b"aad", &mut sealed, &tag).unwrap();
        assert_eq!(sealed, plain);
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn a_wrong_kek_or_a_flipped_bit_unwraps_no_key() {
    fn check<P: Provider>() {
        let kek = random();
        let wrapped = P::wrap_key(&kek, &random()).unwrap();
        for bit in 0..8 * wrapped.len() {
            let (mut wrong, mut key) = (wrapped, [7; 32]);
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(P::unwrap_key(&kek, &wrong, &mut key), Err(CryptoError));
            assert_eq!(key, [0; 32], "{}", type_name::<P>());
        }
        assert_eq!(
            P::unwrap_key(&random(), &wrapped, &mut [0; 32]),
            Err(CryptoError)
        );
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

/// Returns invalid points: off the curve, at infinity in each shape, with a coordinate that is not reduced, and valid
/// points in another encoding.
fn bad_points() -> Vec<EcPoint> {
    let good = cases("ecdh_p384.txt")[0].array::<97>("peer");
    let with = |at: usize, bytes: &[u8]| {
        let mut point = good;
        point[at..at + bytes.len()].copy_from_slice(bytes);
        point
    };
    let prime = unhex(PRIME);
    let mut uncompressed_zero = [0; 97];
    uncompressed_zero[0] = 4;
    let mut points = vec![
        [0; 97],
        uncompressed_zero,
        with(96, &[good[96] ^ 1]),
        with(1, &prime),
        with(49, &prime),
    ];
    // Infinity, compressed with leftovers, hybrid, and every other tag.
    points.extend((0..=255).filter(|tag| *tag != 4).map(|tag| with(0, &[tag])));
    points
}

#[test]
fn a_point_that_is_none_is_refused_wherever_it_comes() {
    fn check<P: Provider>() {
        let case = &cases("ecdsa_p384_sha384.txt")[0];
        for point in bad_points() {
            let mut secret = P::EcdhSecret::default();
            P::ecdh_generate(&mut Os, &mut secret).unwrap();
            let mut shared = [0; 48];
            let at = || format!("{} {}", type_name::<P>(), hex::encode(point));
            assert_eq!(
                P::ecdh_agree(&secret, &point, &mut shared),
                Err(CryptoError),
                "{}",
                at()
            );
            assert_eq!(shared, [0; 48], "{}", at());
            assert_eq!(
                P::verify(&point, b"sample", &low_s(&case.array("signature"))),
                Err(BadSignature),
                "{}",
                at()
            );
            assert!(
                P::signer(&case.array("private"), &point, &mut P::Signer::default()).is_err(),
                "{}",
                at()
            );
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn a_scalar_out_of_range_is_no_key() {
    fn check<P: Provider>() {
        let public = cases("ecdh_p384.txt")[0].array("public");
        for scalar in [[0; 48], [0xFF; 48], unhex(ORDER).try_into().unwrap()] {
            let mut written = [7; 48];
            let mut secret = P::EcdhSecret::default();
            assert!(
                P::ecdh_generate(&mut Scripted(&scalar), &mut secret).is_err()
                    && P::ecdh_from_scalar(&scalar, &mut secret).is_err(),
                "{}",
                type_name::<P>()
            );
            assert!(
                P::signer_generate(&mut Scripted(&scalar), &mut written).is_err(),
                "{}",
                type_name::<P>()
            );
            assert_eq!(written, [0; 48], "{}", type_name::<P>());
            assert!(
                P::signer(&scalar, &public, &mut P::Signer::default()).is_err(),
                "{}",
                type_name::<P>()
            );
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn halves_of_two_signing_keys_make_no_signer() {
    fn check<P: Provider>() {
        let (mut scalar, mut other) = ([0; 48], [0; 48]);
        let public = P::signer_generate(&mut Os, &mut scalar).unwrap();
        let stranger = P::signer_generate(&mut Os, &mut other).unwrap();
        let signs = |scalar, public| {
            let mut signer = P::Signer::default();
            let prepared = P::signer(scalar, public, &mut signer).is_ok();
            // A place whose filling failed is as empty as before.
            assert_eq!(prepared, P::sign(&signer, &mut Os, b"message").is_ok());
            prepared
        };
        assert!(signs(&scalar, &public) && signs(&other, &stranger));
        assert!(!signs(&scalar, &stranger) && !signs(&other, &public));
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn a_signature_with_any_bit_flipped_is_refused() {
    fn check<P: Provider>() {
        let case = &cases("ecdsa_p384_sha384.txt")[0];
        let (public, message, signature) = (
            case.array("public"),
            case.bytes("message"),
            low_s(&case.array("signature")),
        );
        P::verify(&public, &message, &signature).unwrap();
        for bit in 0..8 * signature.len() {
            let mut wrong = signature;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                P::verify(&public, &message, &wrong),
                Err(BadSignature),
                "{} bit {bit}",
                type_name::<P>()
            );
        }
        assert_eq!(P::verify(&public, b"simple", &signature), Err(BadSignature));
        let stranger = cases("ecdh_p384.txt")[0].array("public");
        assert_eq!(
            P::verify(&stranger, &message, &signature),
            Err(BadSignature)
        );
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn a_signature_with_a_zero_or_unreduced_half_is_refused() {
    fn check<P: Provider>() {
        let case = &cases("ecdsa_p384_sha384.txt")[0];
        for half in [[0; 48], [0xFF; 48], unhex(ORDER).try_into().unwrap()] {
            for at in [0, 48] {
                let mut wrong = case.array::<96>("signature");
                wrong[at..at + 48].copy_from_slice(&half);
                let public = case.array("public");
                let verified = P::verify_either_form(&public, b"sample", &wrong);
                assert_eq!(verified, Err(BadSignature), "{}", type_name::<P>());
            }
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn an_encapsulation_key_that_is_not_reduced_is_refused() {
    fn check<P: Provider>() {
        let mut key = [0; 1568];
        P::kem_generate(&mut Os, &mut P::KemSecret::default(), &mut key).unwrap();
        // A coefficient of 4095, where the modulus is 3329 (FIPS 203 § 7.2).
        key[..2].fill(0xFF);
        let encapsulated = P::kem_encapsulate(&mut Os, &key, &mut [0; 1568], &mut [0; 32]);
        assert_eq!(encapsulated, Err(CryptoError), "{}", type_name::<P>());
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn xts_refuses_equal_halves_and_leaves_the_buffer_alone() {
    fn check<P: Provider>() {
        let half: [u8; 32] = random();
        let key: [u8; 64] = [half, half].concat().try_into().unwrap();
        for direction in BOTH {
            let mut buffer = [7; 64];
            assert_eq!(
                P::xts(&key, 0, direction, &mut buffer),
                Err(CryptoError),
                "{}",
                type_name::<P>()
            );
            assert_eq!(buffer, [7; 64]);
            let mut differs = key;
            differs[63] ^= 1;
            P::xts(&differs, 0, direction, &mut buffer).unwrap();
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn only_whole_blocks_are_ciphered_and_no_more_than_a_data_unit() {
    fn check<P: Provider>() {
        for direction in BOTH {
            for len in (0..200).filter(|len| len % 16 != 0 || *len == 0) {
                let mut buffer = vec![7; len];
                assert_eq!(
                    P::xts(&random(), 0, direction, &mut buffer),
                    Err(CryptoError),
                    "{}",
                    type_name::<P>()
                );
                assert_eq!(
                    P::ecb(&random(), direction, &mut buffer),
                    Err(CryptoError),
                    "{}",
                    type_name::<P>()
                );
                assert_eq!(buffer, vec![7; len]);
            }
            let mut long = vec![7; (1 << 24) + 16];
            assert_eq!(
                P::xts(&random(), 0, direction, &mut long),
                Err(CryptoError),
                "{}",
                type_name::<P>()
            );
            assert!(long.iter().all(|byte| *byte == 7));
        }
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn pbkdf2_refuses_to_cost_nothing_and_hkdf_to_give_too_much() {
    fn check<P: Provider>() {
        assert_eq!(
            P::pbkdf2(b"pin", b"salt", 0, &mut [0; 32]),
            Err(CryptoError)
        );
        assert_eq!(
            P::hkdf_expand(&[1; 48], &[b"info"], &mut [0; 255 * 48 + 1]),
            Err(CryptoError)
        );
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

#[test]
fn a_failing_generator_makes_no_key() {
    fn check<P: Provider>() {
        let mut scalar = [7; 48];
        assert!(
            P::ecdh_generate(&mut Broken, &mut P::EcdhSecret::default()).is_err(),
            "{}",
            type_name::<P>()
        );
        assert!(
            P::signer_generate(&mut Broken, &mut scalar).is_err(),
            "{}",
            type_name::<P>()
        );
        assert_eq!(scalar, [0; 48], "{}", type_name::<P>());
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}

/// AWS-LC uses its own generator for these, even if ours fails.
#[test]
fn a_failing_generator_makes_no_kem_secret_and_no_signature() {
    let (mut public, mut scalar, mut shared) = ([0; 1568], [0; 48], [0; 32]);
    let mut secret = <RustCrypto as Provider>::KemSecret::default();
    assert!(RustCrypto::kem_generate(&mut Broken, &mut secret, &mut public).is_err());
    assert_eq!(public, [0; 1568]);
    RustCrypto::kem_generate(&mut Os, &mut secret, &mut public).unwrap();
    let encapsulated =
        RustCrypto::kem_encapsulate(&mut Broken, &public, &mut [0; 1568], &mut shared);
    assert_eq!((encapsulated, shared), (Err(CryptoError), [0; 32]));
    let point = RustCrypto::signer_generate(&mut Os, &mut scalar).unwrap();
    let mut signer = <RustCrypto as Provider>::Signer::default();
    RustCrypto::signer(&scalar, &point, &mut signer).unwrap();
    assert_eq!(
        RustCrypto::sign(&signer, &mut Broken, b"message"),
        Err(CryptoError)
    );
}

#[test]
fn a_place_without_a_key_or_with_one_that_failed_is_no_key() {
    fn check<P: Provider>() {
        let case = &cases("ecdh_p384.txt")[0];
        let (mut ecdh, mut kem) = (P::EcdhSecret::default(), P::KemSecret::default());
        let agree = |ecdh: &P::EcdhSecret| P::ecdh_agree(ecdh, &case.array("peer"), &mut [0; 48]);
        assert_eq!(agree(&ecdh), Err(CryptoError), "{}", type_name::<P>());
        P::ecdh_from_scalar(&case.array("private"), &mut ecdh).unwrap();
        agree(&ecdh).unwrap();
        P::ecdh_from_scalar(&[0; 48], &mut ecdh).unwrap_err();
        assert_eq!(agree(&ecdh), Err(CryptoError), "{}", type_name::<P>());

        let decapsulate = |kem: &P::KemSecret| P::kem_decapsulate(kem, &[0; 1568], &mut [0; 32]);
        assert_eq!(decapsulate(&kem), Err(CryptoError), "{}", type_name::<P>());
        P::kem_from_seed(&[7; 64], &mut kem, &mut [0; 1568]).unwrap();
        decapsulate(&kem).unwrap();

        let signed = P::sign(&P::Signer::default(), &mut Os, b"message");
        assert_eq!(signed, Err(CryptoError), "{}", type_name::<P>());
    }
    check::<RustCrypto>();
    check::<AwsLc>();
}
