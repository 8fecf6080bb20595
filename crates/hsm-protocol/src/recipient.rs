//! The team's recipient, and file keys of age sealed to it (PROTOCOL § 2.9, docs/FORMAT.md § 5).

use crate::{
    EcPoint, EpochName, Malformed, Sha384Digest, Status, Verifier, file::TAG, reader::Reader,
    writer::Writer,
};

/// The team's recipient. With it, anyone can seal to the team without a module (docs/FORMAT.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The group whose modules can open what is sealed to it.
    pub group: [u8; 16],
    /// The epoch from whose key the pair is derived.
    pub epoch: EpochName,
    /// The public half, P-384.
    pub point: EcPoint,
}

impl Recipient {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 16 + EpochName::SIZE + 97;

    /// Parses the answer to FILE RECIPIENT. The point is not validated.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let recipient = Self {
            group: *reader.array()?,
            epoch: EpochName::read(&mut reader)?,
            point: *reader.array()?,
        };
        reader.finish()?;
        Ok(recipient)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.group)?;
        self.epoch.write(writer)?;
        writer.bytes(&self.point)
    }

    /// Returns the hash that keys the tag of a stanza for it.
    pub fn hash<V: Verifier>(&self) -> Sha384Digest {
        V::sha384(&[&self.group, &self.epoch.to_bytes(), &self.point])
    }
}

/// Which recipient a stanza is for: HMAC-SHA-384 under the recipient's hash, over [`STANZA_TAG`] and the ephemeral
/// point, cut to 16 bytes. Only someone who has the recipient can recognize it.
pub type StanzaTag = [u8; 16];

/// The label of a stanza's tag; the ephemeral point follows it.
pub const STANZA_TAG: &[u8] = b"KeyWriter v1 stanza tag";

/// A file key of age, sealed to the team's recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedFileKey {
    /// Which recipient it was sealed to, for those who know it.
    pub to: StanzaTag,
    /// The sealer's ephemeral point.
    pub ephemeral: EcPoint,
    /// The file key, enciphered.
    pub cipher: [u8; FILE_KEY],
    /// Its tag.
    pub tag: [u8; TAG],
}

/// The size of an age file key, in bytes.
pub const FILE_KEY: usize = 16;

impl SealedFileKey {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 16 + 97 + FILE_KEY + TAG;

    /// The label of the key that a file key is sealed under; group and epoch's name follow it (docs/FORMAT.md).
    pub const LABEL: &'static [u8] = b"KeyWriter v1 recipient AES-256-GCM";

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Status> {
        let mut reader = Reader::new(bytes);
        let sealed = Self {
            to: *reader.array()?,
            ephemeral: *reader.array()?,
            cipher: *reader.array()?,
            tag: *reader.array()?,
        };
        reader.finish()?;
        Ok(sealed)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.to)?;
        writer.bytes(&self.ephemeral)?;
        writer.bytes(&self.cipher)?;
        writer.bytes(&self.tag)
    }
}
