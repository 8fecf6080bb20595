//! The team's post-quantum recipient as age writes it, and sealing to it, without a module (docs/FORMAT.md § 6).

use super::recipient::{
    PREFIX, RECIPIENT_SIZE, SealError, VERSION, decode_recipient, encode, ephemeral, expect, once,
    point, public_key, stanza_tag, uncompressed,
};
use crate::genuine::P384;
use hkdf::Hkdf;
use hsm_protocol::{
    EcPoint, EpochName, Malformed,
    cloning::KEM,
    file::{FILE_KEY, Recipient, StanzaTag, TAG},
    hybrid::{HybridFileKey, HybridRecipient, transcript},
    reader::Reader,
};
use ml_kem::ml_kem_1024::EncapsulationKey;
use sha2::Sha384;
use zeroize::{Zeroize, Zeroizing};

/// What is encoded in the longer `age1keywriter1…`, in bytes: version (1) ‖ kind (1) ‖ group (16) ‖ epoch (12) ‖
/// compressed point (49) ‖ ML-KEM-1024 key.
pub const HYBRID_RECIPIENT_SIZE: usize = RECIPIENT_SIZE + KEM;

/// The kind of the post-quantum recipient, behind the version.
const KIND: u8 = 2;

/// A file key that was sealed to the post-quantum recipient: owns what [`HybridFileKey`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedHybrid {
    to: StanzaTag,
    ephemeral: EcPoint,
    ciphertext: Box<[u8; KEM]>,
    cipher: [u8; FILE_KEY],
    tag: [u8; TAG],
}

impl SealedHybrid {
    /// Copies what was read.
    pub fn new(sealed: &HybridFileKey<'_>) -> Self {
        Self {
            to: *sealed.to,
            ephemeral: *sealed.ephemeral,
            ciphertext: Box::new(*sealed.ciphertext),
            cipher: *sealed.cipher,
            tag: *sealed.tag,
        }
    }

    /// Returns its fields as they are on the wire.
    pub const fn fields(&self) -> HybridFileKey<'_> {
        HybridFileKey {
            to: &self.to,
            ephemeral: &self.ephemeral,
            ciphertext: &self.ciphertext,
            cipher: &self.cipher,
            tag: &self.tag,
        }
    }
}

/// A team's recipient of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamRecipient {
    /// P-384 alone.
    Classical(Recipient),
    /// P-384 and ML-KEM-1024.
    Hybrid(Box<HybridRecipient>),
}

impl TeamRecipient {
    /// Reads the bytes of an `age1keywriter1…` of either kind. The point must be on the curve, the ML-KEM key in its one
    /// encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        match bytes {
            [_, KIND, ..] => decode_hybrid(bytes).map(|to| Self::Hybrid(Box::new(to))),
            _ => decode_recipient(bytes).map(Self::Classical),
        }
    }
}

/// Encodes the recipient for age: `age1keywriter1…`, of 2,656 characters.
pub fn encode_hybrid(recipient: &HybridRecipient) -> Result<String, Malformed> {
    let key = public_key(&recipient.point)?;
    encapsulation_key(&recipient.kem)?;
    let bytes = [
        &[VERSION, KIND][..],
        &recipient.group,
        &recipient.epoch.to_bytes(),
        &point(&key)?,
        &recipient.kem,
    ]
    .concat();
    encode(PREFIX, &bytes)
}

fn decode_hybrid(bytes: &[u8]) -> Result<HybridRecipient, Malformed> {
    let mut reader = Reader::new(bytes);
    expect(&mut reader, &[VERSION, KIND])?;
    let group = *reader.array()?;
    let epoch = EpochName::read(&mut reader)?;
    let key = public_key(reader.array::<49>()?)?;
    let kem = *reader.array()?;
    encapsulation_key(&kem)?;
    reader.finish()?;
    Ok(HybridRecipient {
        group,
        epoch,
        point: uncompressed(&key)?,
        kem,
    })
}

/// Seals a file key of age to the team, under a key from both secrets and the hash of all public values.
pub fn seal_hybrid(
    to: &HybridRecipient,
    file_key: &[u8; FILE_KEY],
) -> Result<SealedHybrid, SealError> {
    let damaged = |Malformed| SealError::Recipient;
    let recipient = public_key(&to.point).map_err(damaged)?;
    let kem = encapsulation_key(&to.kem).map_err(damaged)?;
    let (secret, ephemeral) = ephemeral()?;
    let mut message = Zeroizing::new([0; 32]);
    getrandom::fill(message.as_mut_slice()).map_err(|_error| SealError::Random)?;
    let (ciphertext, mut kem_secret) = kem.encapsulate_deterministic((&*message).into());
    let ecdh_secret = secret.diffie_hellman(&recipient);
    let mut secrets = Zeroizing::new([0; 48 + 32]);
    let (first, second) = secrets.split_at_mut(48);
    first.copy_from_slice(ecdh_secret.raw_secret_bytes());
    second.copy_from_slice(&kem_secret);
    kem_secret.as_mut_slice().zeroize();
    let ciphertext = Box::new(ciphertext.into());
    let salt = transcript::<P384>(to, &ephemeral, &ciphertext);
    let extracted = Hkdf::<Sha384>::new(Some(&salt), secrets.as_slice());
    let (cipher, tag) = once(&extracted, &[HybridFileKey::LABEL], file_key)?;
    Ok(SealedHybrid {
        to: stanza_tag(&to.hash::<P384>(), &ephemeral),
        ephemeral,
        ciphertext,
        cipher,
        tag,
    })
}

/// Checks that every coefficient is below the modulus (FIPS 203 § 7.2).
fn encapsulation_key(bytes: &[u8; KEM]) -> Result<EncapsulationKey, Malformed> {
    EncapsulationKey::new(bytes.into()).map_err(|_range| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bech32::primitives::decode::CheckedHrpstring;
    use ml_kem::{KeyExport, ml_kem_1024::DecapsulationKey};

    fn recipient() -> HybridRecipient {
        let kem = DecapsulationKey::from_seed([7; 64].into());
        HybridRecipient {
            group: [1; 16],
            epoch: EpochName {
                number: 1,
                check: [2; 8],
            },
            point: uncompressed(&ephemeral().unwrap().0.public_key()).unwrap(),
            kem: kem.encapsulation_key().to_bytes().into(),
        }
    }

    fn decoded(text: &str) -> Vec<u8> {
        let parsed = CheckedHrpstring::new::<crate::share::recipient::Long>(text).unwrap();
        assert_eq!(parsed.hrp().as_str(), PREFIX);
        parsed.byte_iter().collect()
    }

    #[test]
    fn a_recipient_of_either_kind_reads_back_as_what_it_is() {
        let to = recipient();
        let text = encode_hybrid(&to).unwrap();
        assert_eq!(text.len(), 2656);
        let bytes = decoded(&text);
        assert_eq!(bytes.len(), HYBRID_RECIPIENT_SIZE);
        let read = TeamRecipient::decode(&bytes);
        assert_eq!(read, Ok(TeamRecipient::Hybrid(Box::new(to.clone()))));
        let classical = Recipient {
            group: to.group,
            epoch: to.epoch,
            point: to.point,
        };
        let text = super::super::recipient::encode_recipient(&classical).unwrap();
        let read = TeamRecipient::decode(&decoded(&text));
        assert_eq!(read, Ok(TeamRecipient::Classical(classical)));
    }

    #[test]
    fn other_lengths_kinds_points_and_keys_are_refused() {
        let bytes = decoded(&encode_hybrid(&recipient()).unwrap());
        for len in 0..bytes.len() {
            assert!(TeamRecipient::decode(&bytes[..len]).is_err(), "{len}");
        }
        assert!(TeamRecipient::decode(&[&bytes[..], &[0]].concat()).is_err());
        for (at, value, what) in [
            (0, 2, "version"),
            (1, 0, "kind"),
            (1, 1, "a classical one's"),
            (1, 3, "kind"),
            (30, 4, "point"),
        ] {
            let mut altered = bytes.clone();
            altered[at] = value;
            assert!(TeamRecipient::decode(&altered).is_err(), "{what}");
        }
        // The first coefficient is 4,095, which is not below 3,329.
        let mut altered = bytes;
        altered[79..81].copy_from_slice(&[0xFF; 2]);
        assert!(TeamRecipient::decode(&altered).is_err());
        let mut to = recipient();
        to.kem[..2].copy_from_slice(&[0xFF; 2]);
        assert_eq!(seal_hybrid(&to, &[7; 16]), Err(SealError::Recipient));
        assert!(encode_hybrid(&to).is_err());
    }

    #[test]
    fn two_sealed_file_keys_have_nothing_in_common() {
        let [one, two] = [(); 2].map(|()| seal_hybrid(&recipient(), &[7; 16]).unwrap());
        assert_ne!(one.ephemeral, two.ephemeral);
        assert_ne!(one.ciphertext, two.ciphertext);
        assert_ne!(one.cipher, two.cipher);
    }
}
