//! A second opinion: the path check of rustls-webpki, with P-384 by the same crate as ours.

use hsm_factory::P384Verifier;
use hsm_protocol::{
    Verifier,
    certificate::{CertificateRefusal, Chain, Root, encode_chain},
    limits,
};
use p384::ecdsa::{DerSignature, VerifyingKey, signature::Verifier as _};
use pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
    UnixTime, alg_id,
};
use rustls_pki_types as pki_types;
use std::time::Duration;
use webpki::{EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

/// The certificates below a root, the module's first.
pub(crate) fn ours(root: &[u8], certificates: &[&[u8]]) -> Result<(), CertificateRefusal> {
    let mut wire = [0; limits::CHAIN];
    let len = encode_chain(certificates, &mut wire)?;
    let chain = Chain::parse(&wire[..len])?;
    let genuine = Root::parse(root)?.verify::<P384Verifier>(&chain)?;
    assert_eq!(genuine.hash(), &P384Verifier::sha384(&[certificates[0]]));
    Ok(())
}

/// The same question to webpki, in the middle of 2026.
pub(crate) fn webpki(root: &[u8], certificates: &[&[u8]]) -> Result<(), Error> {
    let root = CertificateDer::from(root);
    let anchors = [anchor_from_trusted_cert(&root)?];
    let [leaf, above @ ..] = certificates else {
        panic!("an empty chain")
    };
    let leaf = CertificateDer::from(*leaf);
    let above: Vec<_> = above.iter().map(|der| CertificateDer::from(*der)).collect();
    let now = UnixTime::since_unix_epoch(Duration::from_hours(495_000));
    EndEntityCert::try_from(&leaf)?
        .verify_for_usage(
            &[&P384],
            &anchors,
            &above,
            now,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map(|_path| ())
}

/// Whether we accept. Fails if webpki refuses what we accept, save for the time: modules have no clock.
///
/// An extended key usage is refused too.
pub(crate) fn accepted(root: &[u8], certificates: &[&[u8]]) -> bool {
    let accepted = ours(root, certificates).is_ok();
    if accepted {
        match webpki(root, certificates) {
            Ok(())
            | Err(
                Error::CertExpired { .. }
                | Error::CertNotValidYet { .. }
                | Error::InvalidCertValidity,
            ) => {}
            Err(refusal) => panic!("we accept what webpki refuses: {refusal}\n{certificates:02x?}"),
        }
    }
    accepted
}

#[derive(Debug)]
struct P384;

impl SignatureVerificationAlgorithm for P384 {
    fn verify_signature(
        &self,
        public: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let bad = |_| InvalidSignature;
        let signature = DerSignature::try_from(signature).map_err(bad)?;
        VerifyingKey::from_sec1_bytes(public)
            .and_then(|key| key.verify(message, &signature))
            .map_err(bad)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P384
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA384
    }
}
