//! The messages of a cloning run (PROTOCOL § 4). Only the other module can open their sealed parts.

use crate::{
    EcPoint, Malformed, Sha384Digest, Signature,
    certificate::Chain,
    limits,
    message::{MessageKind, MessageRefusal},
    reader::Reader,
    writer::Writer,
};

/// What the transcript begins with: version, suite and purpose, so that anything else begins differently (PROTOCOL § 4.2).
pub const SUITE: &[u8] =
    b"KeyWriter v1 cloning: ECDH-P384 + ML-KEM-1024, ECDSA-P384-SHA384, HKDF-SHA384, AES-256-GCM";

/// A nonce that makes the transcript of each run unique.
pub type Nonce = [u8; 32];

/// The size of a GCM tag, in bytes.
pub const TAG: usize = 16;

/// Bytes that one module sealed for another: ciphertext, then a tag. A host can relay them and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed<'a>(&'a [u8]);

impl<'a> Sealed<'a> {
    /// Reads a 16-bit length and as many bytes. How long the plaintext must be shows only once it is opened.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = reader.prefixed(limits::SEALED.saturating_add(TAG))?;
        if bytes.len() < TAG {
            Err(Malformed)
        } else {
            Ok(Self(bytes))
        }
    }

    /// Returns the bytes on the wire.
    pub const fn as_wire(&self) -> &'a [u8] {
        self.0
    }
}

/// What a secondary was before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// In Shipment: never configured.
    Shipment,
    /// Reset: without an Admin PIN.
    Reset,
    /// In use; its CSPs are replaced, as its Administrator allowed.
    Replaced,
    /// In use, in the master's group: a letter brought it keyring and team, and nothing else changed.
    Member,
}

impl Condition {
    /// Returns the byte on the wire.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Shipment => 0,
            Self::Reset => 1,
            Self::Replaced => 2,
            Self::Member => 3,
        }
    }

    /// Parses the byte on the wire.
    pub const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0 => Ok(Self::Shipment),
            1 => Ok(Self::Reset),
            2 => Ok(Self::Replaced),
            3 => Ok(Self::Member),
            _ => Err(Malformed),
        }
    }

    /// Reads what a module says of itself: whether it is a member of the master's group it does not know.
    pub(crate) fn read_before_run(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match Self::from_byte(reader.u8()?)? {
            Self::Member => Err(Malformed),
            condition @ (Self::Shipment | Self::Reset | Self::Replaced) => Ok(condition),
        }
    }
}

/// The choices of a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Copy the unattended auto-lock, if the master has one set.
    pub auto_lock: bool,
    /// Copy the User PIN policy, if the master has one set.
    pub user_pin_policy: bool,
    /// Disable cloning on the master once the receipt of every secondary of the cycle is countersigned.
    pub disable_master: bool,
}

impl Options {
    /// Returns the byte on the wire.
    pub fn to_byte(self) -> u8 {
        u8::from(self.auto_lock)
            | u8::from(self.user_pin_policy) << 1
            | u8::from(self.disable_master) << 2
    }

    /// Parses the byte on the wire. Unknown bits are refused.
    pub const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        if byte & !0b111 != 0 {
            return Err(Malformed);
        }
        Ok(Self {
            auto_lock: byte & 0b001 != 0,
            user_pin_policy: byte & 0b010 != 0,
            disable_master: byte & 0b100 != 0,
        })
    }
}

/// A cycle: one master, one set of choices, any number of secondaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Its number on this master: 1 for the first.
    pub number: u32,
    /// The Administrator's choices, as the host sent them.
    pub options: Options,
    /// How many secondaries the host announced.
    pub secondaries: u16,
}

impl Cycle {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 4 + 1 + 2;

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            number: reader.u32()?,
            options: Options::from_byte(reader.u8()?)?,
            secondaries: reader.u16()?,
        })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u32(self.number)?;
        writer.u8(self.options.to_byte())?;
        writer.u16(self.secondaries)
    }
}

/// What allowed a master to let keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nothing was needed: the group has no quorum.
    Unrestricted,
    /// A ticket that enough custodians approved, named by its hash.
    Ticket(Sha384Digest),
}

impl Permission {
    /// Its size on the wire, in bytes: kind and hash.
    pub const SIZE: usize = 1 + 48;

    /// The hash of a kind that has none.
    const NO_HASH: Sha384Digest = [0; 48];

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = reader.u8()?;
        let hash: &Sha384Digest = reader.array()?;
        match kind {
            0 if hash == &Self::NO_HASH => Ok(Self::Unrestricted),
            1 if hash != &Self::NO_HASH => Ok(Self::Ticket(*hash)),
            _ => Err(Malformed),
        }
    }

    /// Appends the wire form.
    pub fn write(self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        let (kind, hash) = match self {
            Self::Unrestricted => (0, Self::NO_HASH),
            Self::Ticket(hash) => (1, hash),
        };
        writer.u8(kind)?;
        writer.bytes(&hash)
    }
}

/// Secondary → master: certificates and fresh key shares.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// What the secondary is now.
    pub condition: Condition,
    /// The secondary's nonce.
    pub nonce: &'a Nonce,
    /// The secondary's ephemeral ECDH share.
    pub ecdh: &'a EcPoint,
    /// The secondary's ephemeral ML-KEM-1024 key.
    pub kem: &'a [u8; KEM],
    /// The secondary's certificates.
    pub chain: Chain<'a>,
}

/// The size of an ML-KEM-1024 key, and of a ciphertext, in bytes (FIPS 203 § 8).
pub const KEM: usize = 1568;

impl<'a> Offer<'a> {
    /// The maximum size of an Offer, in bytes.
    pub const MAX: usize = MessageKind::SIZE + 1 + 32 + 97 + KEM + limits::CHAIN;

    /// Parses a whole Offer.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        let mut reader = Reader::new(bytes);
        MessageKind::Offer.read(&mut reader)?;
        let offer = Self {
            condition: Condition::read_before_run(&mut reader)?,
            nonce: reader.array()?,
            ecdh: reader.array()?,
            kem: reader.array()?,
            chain: Chain::read(&mut reader)?,
        };
        reader.finish()?;
        Ok(offer)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        MessageKind::Offer.write(writer)?;
        writer.u8(self.condition.to_byte())?;
        writer.bytes(self.nonce)?;
        writer.bytes(self.ecdh)?;
        writer.bytes(self.kem)?;
        writer.bytes(self.chain.as_wire())
    }
}

/// Master → secondary: the master's key shares, and a sealed part with permission, cycle and signature.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// Everything before the sealed part: what the master's signature covers, with the Offer.
    pub open: &'a [u8],
    /// The master's nonce.
    pub nonce: &'a Nonce,
    /// The master's ephemeral ECDH share.
    pub ecdh: &'a EcPoint,
    /// The ML-KEM-1024 ciphertext.
    pub ciphertext: &'a [u8; KEM],
    /// The master's certificates.
    pub chain: Chain<'a>,
    /// [`GrantBody`], which only the secondary can open.
    pub sealed: Sealed<'a>,
}

impl<'a> Grant<'a> {
    /// The maximum size of a Grant, in bytes.
    pub const MAX: usize =
        MessageKind::SIZE + 32 + 97 + KEM + limits::CHAIN + 2 + limits::SEALED + TAG;

    /// Parses a whole Grant.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        let mut reader = Reader::new(bytes);
        MessageKind::Grant.read(&mut reader)?;
        let nonce = reader.array()?;
        let ecdh = reader.array()?;
        let ciphertext = reader.array()?;
        let chain = Chain::read(&mut reader)?;
        let sealed = Sealed::read(&mut reader)?;
        reader.finish()?;
        let open_len = bytes
            .len()
            .saturating_sub(sealed.as_wire().len().saturating_add(2));
        let open = bytes.get(..open_len).ok_or(Malformed)?;
        Ok(Self {
            open,
            nonce,
            ecdh,
            ciphertext,
            chain,
            sealed,
        })
    }

    /// Appends the part before the sealed part.
    pub fn write_open(
        writer: &mut Writer<'_>,
        nonce: &Nonce,
        ecdh: &EcPoint,
        ciphertext: &[u8; KEM],
        chain: &Chain<'_>,
    ) -> Result<(), Malformed> {
        MessageKind::Grant.write(writer)?;
        writer.bytes(nonce)?;
        writer.bytes(ecdh)?;
        writer.bytes(ciphertext)?;
        writer.bytes(chain.as_wire())
    }
}

/// What a master states before it sends anything: what allowed it to, and in which cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What allowed the master to.
    pub permission: Permission,
    /// The cycle and its choices.
    pub cycle: Cycle,
}

impl Terms {
    /// Their size, in bytes.
    pub const SIZE: usize = Permission::SIZE + Cycle::SIZE;

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            permission: Permission::read(reader)?,
            cycle: Cycle::read(reader)?,
        })
    }

    /// Returns the wire form.
    pub fn to_bytes(&self) -> Result<[u8; Self::SIZE], Malformed> {
        let mut bytes = [0; Self::SIZE];
        let mut writer = Writer::new(&mut bytes);
        self.permission.write(&mut writer)?;
        self.cycle.write(&mut writer)?;
        Ok(bytes)
    }
}

/// The sealed part of a Grant.
#[derive(Clone, Copy, Debug)]
pub struct GrantBody<'a> {
    /// Permission and cycle.
    pub terms: Terms,
    /// The master's signature over the transcript so far and the terms.
    pub signature: &'a Signature,
}

impl<'a> GrantBody<'a> {
    /// Its size, in bytes.
    pub const SIZE: usize = Terms::SIZE + 96;

    /// Parses an opened body.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let body = Self {
            terms: Terms::read(&mut reader)?,
            signature: reader.array()?,
        };
        reader.finish()?;
        Ok(body)
    }
}

/// Secondary → master: the sealed signature of the secondary, which confirms the key in both directions.
pub struct Consent;

impl Consent {
    /// Its size, in bytes.
    pub const SIZE: usize = MessageKind::SIZE + 2 + 96 + TAG;

    /// Parses a whole Consent.
    pub fn parse(bytes: &[u8]) -> Result<Sealed<'_>, MessageRefusal> {
        sealed_only(MessageKind::Consent, bytes)
    }
}

/// Master → secondary: the sealed CSPs.
pub struct Parcel;

impl Parcel {
    /// The maximum size of a Parcel, in bytes.
    pub const MAX: usize = MessageKind::SIZE + 2 + limits::SEALED + TAG;

    /// Parses a whole Parcel.
    pub fn parse(bytes: &[u8]) -> Result<Sealed<'_>, MessageRefusal> {
        sealed_only(MessageKind::Parcel, bytes)
    }
}

/// Parses a message whose content is sealed, all of it.
fn sealed_only(kind: MessageKind, bytes: &[u8]) -> Result<Sealed<'_>, MessageRefusal> {
    let mut reader = Reader::new(bytes);
    kind.read(&mut reader)?;
    let sealed = Sealed::read(&mut reader)?;
    reader.finish()?;
    Ok(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_take_three_bits_and_no_more() {
        for byte in 0..=255u8 {
            assert_eq!(
                Options::from_byte(byte).is_ok_and(|o| o.to_byte() == byte),
                byte < 8,
                "{byte}"
            );
        }
    }

    #[test]
    fn a_sealed_part_is_a_tag_or_longer_and_has_a_limit() {
        let message = |len: u16, bytes: usize| {
            let mut message = std::vec![1, 4, 1];
            message.extend(len.to_be_bytes());
            message.resize(message.len() + bytes, 0);
            Parcel::parse(&message).map(|sealed| sealed.as_wire().len())
        };
        assert_eq!(message(15, 15), Err(MessageRefusal::Malformed));
        assert_eq!(message(16, 16), Ok(16));
        assert_eq!(message(16, 15), Err(MessageRefusal::Malformed), "cut");
        assert_eq!(message(16, 17), Err(MessageRefusal::Malformed), "longer");
        let most = limits::SEALED + TAG;
        let len = u16::try_from(most).unwrap();
        assert_eq!(message(len, most), Ok(most));
        assert_eq!(message(len + 1, most + 1), Err(MessageRefusal::Malformed));
    }

    #[test]
    fn a_permission_has_a_hash_exactly_if_its_kind_has_one() {
        let read = |kind, hash| {
            let mut bytes = [hash; Permission::SIZE];
            bytes[0] = kind;
            Permission::read(&mut Reader::new(&bytes))
        };
        assert_eq!(read(0, 0), Ok(Permission::Unrestricted));
        assert_eq!(read(0, 1), Err(Malformed));
        assert_eq!(read(1, 0), Err(Malformed));
        let mut hash = [1; 48];
        assert_eq!(read(1, 1), Ok(Permission::Ticket(hash)));
        hash[0] = 2;
        assert_ne!(read(1, 1), Ok(Permission::Ticket(hash)));
        assert_eq!(read(2, 1), Err(Malformed));
    }
}
