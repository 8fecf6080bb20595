//! ECDSA P-384 and SHA-384 for programs on a computer.

use hsm_protocol::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier};
use p384::ecdsa::{self, VerifyingKey, signature::Verifier as _};
use sha2::{Digest, Sha384};

/// A [`Verifier`] that uses the crates p384 and sha2.
#[derive(Clone, Copy, Debug)]
pub struct P384Verifier;

impl Verifier for P384Verifier {
    fn verify_either_form(
        public: &EcPoint,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        let bad = |_| BadSignature;
        let key = VerifyingKey::from_sec1_bytes(public).map_err(bad)?;
        let signature = ecdsa::Signature::from_slice(signature).map_err(bad)?;
        key.verify(message, &signature).map_err(bad)
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        let mut hash = Sha384::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hsm_protocol::verifier::low_s;

    /// RFC 6979 § A.2.6: the message "sample", SHA-384.
    const PUBLIC: &str = "04\
        ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13\
        8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720";
    const SIGNATURE: &str = "\
        94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46\
        99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8";

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_known_signature_is_good_for_its_key_and_message_alone() {
        let (public, published): (EcPoint, Signature) = (bytes(PUBLIC), bytes(SIGNATURE));
        let signature = low_s(&published);
        assert_eq!(P384Verifier::verify(&public, b"sample", &signature), Ok(()));
        assert_eq!(
            P384Verifier::verify(&public, b"sample", &published),
            Err(BadSignature),
            "the published signature is in its other form"
        );
        assert_eq!(
            P384Verifier::verify(&public, b"test", &signature),
            Err(BadSignature)
        );
        for at in 0..public.len() {
            let mut public = public;
            public[at] ^= 1;
            assert_eq!(
                P384Verifier::verify(&public, b"sample", &signature),
                Err(BadSignature)
            );
        }
        for at in 0..signature.len() {
            let mut signature = signature;
            signature[at] ^= 1;
            assert_eq!(
                P384Verifier::verify(&public, b"sample", &signature),
                Err(BadSignature)
            );
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let public = bytes(PUBLIC);
        for signature in [[0; 96], [0xFF; 96]] {
            assert_eq!(
                P384Verifier::verify_either_form(&public, b"sample", &signature),
                Err(BadSignature)
            );
        }
    }

    #[test]
    fn a_hash_over_parts_is_a_hash_over_the_whole() {
        let whole = P384Verifier::sha384(&[b"abc"]);
        assert_eq!(P384Verifier::sha384(&[b"a", b"", b"bc"]), whole);
        // FIPS 180-4, example of SHA-384.
        assert_eq!(hex::encode(&whole[..8]), "cb00753f45a35e8b");
    }
}
