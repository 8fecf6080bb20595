//! The team's recipient as age writes it, and sealing to it: none of this needs a module (docs/FORMAT.md).

use crate::genuine::P384;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bech32::Hrp;
use hkdf::Hkdf;
use hsm_protocol::{
    EcPoint, EpochName, Malformed, Sha384Digest,
    file::{FILE_KEY, Recipient, STANZA_TAG, SealedFileKey, StanzaTag, TAG},
    reader::Reader,
};
use p384::{PublicKey, SecretKey, elliptic_curve::sec1::ToSec1Point};
use sha2::Sha384;
use std::fmt::Write;
use zeroize::Zeroizing;

/// The plugin's name: `age-plugin-keywriter` is the program that age starts.
pub const PLUGIN: &str = "keywriter";

/// What is encoded in the classical `age1keywriter1…`: version (1) ‖ kind (1) ‖ group (16) ‖ epoch (12) ‖ point,
/// compressed (49).
pub const RECIPIENT_SIZE: usize = 1 + 1 + 16 + EpochName::SIZE + 49;

/// What is encoded in `AGE-PLUGIN-KEYWRITER-1…`: version (1) ‖ group (16).
pub const IDENTITY_SIZE: usize = 1 + 16;

/// The version of both.
pub(super) const VERSION: u8 = 1;

/// The kind of the classical recipient, behind the version.
const KIND: u8 = 1;

/// The recipient as age takes it: `age1keywriter1…`.
pub fn encode_recipient(recipient: &Recipient) -> Result<String, Malformed> {
    let bytes = [
        &[VERSION, KIND][..],
        &recipient.group,
        &recipient.epoch.to_bytes(),
        &point(&public_key(&recipient.point)?)?,
    ]
    .concat();
    encode(PREFIX, &bytes)
}

/// Returns the group's identity for age: `AGE-PLUGIN-KEYWRITER-1…`. It holds no secret, only which modules to look for.
pub fn encode_identity(group: &[u8; 16]) -> Result<String, Malformed> {
    let bytes = [&[VERSION][..], group].concat();
    encode("age-plugin-keywriter-", &bytes).map(|text| text.to_uppercase())
}

/// The text of an identity file, with one of the group's recipients, as age takes it, in a comment.
pub fn identity_file(
    group: &[u8; 16],
    epoch: EpochName,
    recipient: &str,
) -> Result<String, Malformed> {
    let mut text = String::new();
    let lines = writeln!(
        text,
        "# A KeyWriter team. Any of its modules, unlocked, decrypts; this file holds no secret.\n\
         # group: {}\n# epoch: {}\n# recipient: {}\n{}",
        crate::text::hex(group),
        epoch,
        recipient,
        encode_identity(group)?
    );
    lines.map_err(|_never| Malformed)?;
    Ok(text)
}

/// Reads the bytes of an `age1keywriter1…`; the point is on the curve.
pub fn decode_recipient(bytes: &[u8]) -> Result<Recipient, Malformed> {
    let mut reader = Reader::new(bytes);
    expect(&mut reader, &[VERSION, KIND])?;
    let group = *reader.array()?;
    let epoch = EpochName::read(&mut reader)?;
    let key = public_key(reader.array::<49>()?)?;
    reader.finish()?;
    Ok(Recipient {
        group,
        epoch,
        point: uncompressed(&key)?,
    })
}

/// Reads the bytes of an `AGE-PLUGIN-KEYWRITER-1…`: the group.
pub fn decode_identity(bytes: &[u8]) -> Result<[u8; 16], Malformed> {
    let mut reader = Reader::new(bytes);
    expect(&mut reader, &[VERSION])?;
    let group = *reader.array()?;
    reader.finish()?;
    Ok(group)
}

/// Why a file key was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient's point is not on the curve.
    #[error("the recipient is damaged")]
    Recipient,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// Seals a file key of age to the team.
pub fn seal_file_key(
    to: &Recipient,
    file_key: &[u8; FILE_KEY],
) -> Result<SealedFileKey, SealError> {
    let recipient = public_key(&to.point).map_err(|Malformed| SealError::Recipient)?;
    let (secret, ephemeral) = ephemeral()?;
    let shared = secret.diffie_hellman(&recipient);
    let salt = [ephemeral, to.point].concat();
    let info: [&[u8]; 3] = [SealedFileKey::LABEL, &to.group, &to.epoch.to_bytes()];
    let extracted = Hkdf::<Sha384>::new(Some(&salt), shared.raw_secret_bytes());
    let (cipher, tag) = once(&extracted, &info, file_key)?;
    Ok(SealedFileKey {
        to: stanza_tag(&to.hash::<P384>(), &ephemeral),
        ephemeral,
        cipher,
        tag,
    })
}

/// Returns the tag of a stanza for the recipient with that hash.
pub(super) fn stanza_tag(recipient: &Sha384Digest, ephemeral: &EcPoint) -> StanzaTag {
    // HKDF-Extract is HMAC with the salt as key (RFC 5869 § 2.2).
    let (mac, _) = Hkdf::<Sha384>::extract(Some(recipient), &[STANZA_TAG, ephemeral].concat());
    let mut tag = StanzaTag::default();
    tag.iter_mut().zip(mac).for_each(|(byte, of)| *byte = of);
    tag
}

/// A key pair for one file key.
pub(super) fn ephemeral() -> Result<(SecretKey, EcPoint), SealError> {
    let mut scalar = Zeroizing::new([0; 48]);
    getrandom::fill(scalar.as_mut_slice()).map_err(|_error| SealError::Random)?;
    // It misses the range once in 2¹⁹⁰ times; a generator that misses it is broken.
    let secret = SecretKey::from_slice(scalar.as_slice()).map_err(|_range| SealError::Random)?;
    let point = uncompressed(&secret.public_key()).map_err(|Malformed| SealError::Recipient)?;
    Ok((secret, point))
}

/// AES-256-GCM under a key that is used once: its nonce is zero.
pub(super) fn once(
    extracted: &Hkdf<Sha384>,
    info: &[&[u8]],
    file_key: &[u8; FILE_KEY],
) -> Result<([u8; FILE_KEY], [u8; TAG]), SealError> {
    let mut key = Zeroizing::new([0; 32]);
    extracted
        .expand_multi_info(info, key.as_mut_slice())
        .map_err(|_length| SealError::Recipient)?;
    let mut cipher = *file_key;
    let failed = |_length| SealError::Recipient;
    let key = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(failed)?;
    let sealed = LessSafeKey::new(key).seal_in_place_separate_tag(
        Nonce::assume_unique_for_key([0; 12]),
        Aad::empty(),
        &mut cipher,
    );
    let mut tag = [0; TAG];
    tag.copy_from_slice(sealed.map_err(failed)?.as_ref());
    Ok((cipher, tag))
}

/// The part before the last `1` of every recipient of ours.
pub(super) const PREFIX: &str = "age1keywriter";

/// Bech32 with a limit of 8 KiB instead of 90 characters: the limit that age has for the lines of a file of recipients.
pub(super) enum Long {}

impl bech32::Checksum for Long {
    type MidstateRepr = u32;
    const CODE_LENGTH: usize = 8 << 10;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

pub(super) fn encode(prefix: &str, bytes: &[u8]) -> Result<String, Malformed> {
    let prefix = Hrp::parse(prefix).map_err(|_never| Malformed)?;
    bech32::encode::<Long>(prefix, bytes).map_err(|_too_long| Malformed)
}

/// Reads bytes that must be these.
pub(super) fn expect(reader: &mut Reader<'_>, bytes: &[u8]) -> Result<(), Malformed> {
    if reader.bytes(bytes.len())? == bytes {
        Ok(())
    } else {
        Err(Malformed)
    }
}

/// Either form of a point that is on the curve and not at infinity.
pub(super) fn public_key(point: &[u8]) -> Result<PublicKey, Malformed> {
    PublicKey::from_sec1_bytes(point).map_err(|_point| Malformed)
}

/// The compressed form.
pub(super) fn point(key: &PublicKey) -> Result<[u8; 49], Malformed> {
    key.to_sec1_point(true)
        .as_bytes()
        .try_into()
        .map_err(|_length| Malformed)
}

pub(super) fn uncompressed(key: &PublicKey) -> Result<EcPoint, Malformed> {
    key.to_sec1_point(false)
        .as_bytes()
        .try_into()
        .map_err(|_length| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient() -> Recipient {
        let key = SecretKey::from_slice(&[5; 48]).unwrap().public_key();
        Recipient {
            group: [1; 16],
            epoch: EpochName {
                number: 1,
                check: [2; 8],
            },
            point: uncompressed(&key).unwrap(),
        }
    }

    fn decoded(text: &str) -> Vec<u8> {
        bech32::decode(text).unwrap().1
    }

    #[test]
    fn recipient_and_identity_read_back() {
        let text = encode_recipient(&recipient()).unwrap();
        assert!(text.starts_with("age1keywriter1"), "{text}");
        assert_eq!(decode_recipient(&decoded(&text)), Ok(recipient()));
        let text = encode_identity(&[1; 16]).unwrap();
        assert!(text.starts_with("AGE-PLUGIN-KEYWRITER-1"), "{text}");
        assert_eq!(decode_identity(&decoded(&text)), Ok([1; 16]));
    }

    #[test]
    fn other_lengths_versions_and_points_are_refused() {
        let bytes = decoded(&encode_recipient(&recipient()).unwrap());
        assert_eq!(bytes.len(), RECIPIENT_SIZE);
        for len in 0..bytes.len() {
            assert!(decode_recipient(&bytes[..len]).is_err());
        }
        let altered = |at: usize, value| {
            let mut bytes = bytes.clone();
            bytes[at] = value;
            decode_recipient(&bytes)
        };
        assert!(altered(0, 2).is_err(), "version");
        assert!(altered(1, 2).is_err(), "kind");
        assert!(altered(21, 0).is_err(), "no epoch has number 0");
        assert!(altered(30, 4).is_err(), "point");
        assert!(decode_recipient(&[&bytes[..], &[0]].concat()).is_err());
        assert!(decode_identity(&[1; 18]).is_err());
    }

    #[test]
    fn two_sealed_file_keys_have_nothing_in_common() {
        let [one, two] = [(); 2].map(|()| seal_file_key(&recipient(), &[7; 16]).unwrap());
        assert_ne!(one.ephemeral, two.ephemeral);
        assert_ne!(one.cipher, two.cipher);
    }
}
