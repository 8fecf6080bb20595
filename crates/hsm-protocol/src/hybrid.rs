//! The team's post-quantum recipient, and file keys sealed to it (PROTOCOL § 2.9, docs/FORMAT.md § 6): ECDH P-384 and
//! ML-KEM-1024 together: breaking one of them is not enough.

use crate::{
    EcPoint, EpochName, Malformed, Sha384Digest, Verifier,
    cloning::KEM,
    file::{FILE_KEY, StanzaTag, TAG},
    reader::Reader,
    writer::Writer,
};

/// The team's post-quantum recipient. With it, anyone can seal to the team without a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HybridRecipient {
    /// The group whose modules can open what is sealed to it.
    pub group: [u8; 16],
    /// The epoch from whose key both pairs are derived.
    pub epoch: EpochName,
    /// The public half, P-384; it is not that of the classical recipient.
    pub point: EcPoint,
    /// The encapsulation key, ML-KEM-1024.
    pub kem: [u8; KEM],
}

impl HybridRecipient {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 16 + EpochName::SIZE + 97 + KEM;

    /// Parses the answer to FILE RECIPIENT. Point and key are not validated.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let recipient = Self {
            group: *reader.array()?,
            epoch: EpochName::read(&mut reader)?,
            point: *reader.array()?,
            kem: *reader.array()?,
        };
        reader.finish()?;
        Ok(recipient)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.group)?;
        self.epoch.write(writer)?;
        writer.bytes(&self.point)?;
        writer.bytes(&self.kem)
    }

    /// Returns the hash that keys the tag of a stanza for it.
    pub fn hash<V: Verifier>(&self) -> Sha384Digest {
        let epoch = self.epoch.to_bytes();
        V::sha384(&[&self.group, &epoch, &self.point, &self.kem])
    }
}

/// A file key of age, sealed to the team's post-quantum recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HybridFileKey<'a> {
    /// Which recipient it was sealed to, for those who know it.
    pub to: &'a StanzaTag,
    /// The sealer's ephemeral point.
    pub ephemeral: &'a EcPoint,
    /// The ML-KEM-1024 ciphertext.
    pub ciphertext: &'a [u8; KEM],
    /// The file key, enciphered.
    pub cipher: &'a [u8; FILE_KEY],
    /// Its tag.
    pub tag: &'a [u8; TAG],
}

impl<'a> HybridFileKey<'a> {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 16 + 97 + KEM + FILE_KEY + TAG;

    /// The label of the key that a file key is sealed under.
    pub const LABEL: &'static [u8] = b"KeyWriter v1 hybrid AES-256-GCM";

    /// What the transcript begins with.
    const SUITE: &'static [u8] =
        b"KeyWriter v1 hybrid recipient: ECDH-P384 + ML-KEM-1024, HKDF-SHA384, AES-256-GCM";

    /// Parses the wire form. The point is not validated.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let sealed = Self {
            to: reader.array()?,
            ephemeral: reader.array()?,
            ciphertext: reader.array()?,
            cipher: reader.array()?,
            tag: reader.array()?,
        };
        reader.finish()?;
        Ok(sealed)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(self.to)?;
        writer.bytes(self.ephemeral)?;
        writer.bytes(self.ciphertext)?;
        writer.bytes(self.cipher)?;
        writer.bytes(self.tag)
    }
}

/// Returns the hash of everything public that both ends know before there is a key: recipient and both shares.
/// It keys the extraction, so that a secret is bound to this recipient and these shares.
pub fn transcript<V: Verifier>(
    to: &HybridRecipient,
    ephemeral: &EcPoint,
    ciphertext: &[u8; KEM],
) -> Sha384Digest {
    V::sha384(&[
        HybridFileKey::SUITE,
        &to.group,
        &to.epoch.to_bytes(),
        &to.point,
        &to.kem,
        ephemeral,
        ciphertext,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipient_and_file_key_read_back_and_no_other_length_does() {
        let mut wire: [u8; HybridFileKey::SIZE] = core::array::from_fn(|at| at.to_le_bytes()[0]);
        let mut out = [0; HybridFileKey::SIZE];
        let sealed = HybridFileKey::parse(&wire).unwrap();
        sealed.write(&mut Writer::new(&mut out)).unwrap();
        assert_eq!(wire, out);
        for len in 0..wire.len() {
            assert!(HybridFileKey::parse(&wire[..len]).is_err(), "{len}");
        }
        let (recipient, rest) = wire.split_at_mut(HybridRecipient::SIZE);
        let read = HybridRecipient::parse(recipient).unwrap();
        read.write(&mut Writer::new(&mut out)).unwrap();
        assert_eq!(recipient, &out[..HybridRecipient::SIZE]);
        assert!(HybridRecipient::parse(rest).is_err());
        assert!(HybridFileKey::parse(&[&wire[..], &[0]].concat()).is_err());
    }
}
