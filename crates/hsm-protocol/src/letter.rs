//! Letters: what a master seals for a module that is elsewhere, in one message (PROTOCOL § 5).

use crate::{
    EcPoint, EpochName, Malformed, Serial, Sha384Digest, Signature, Verifier,
    certificate::Chain,
    cloning::{Condition, KEM, Sealed, TAG},
    limits,
    message::{MessageKind, MessageRefusal},
    reader::Reader,
    signed::{SIGNED_MESSAGE, SignedLabel, signed_message},
    writer::Writer,
};

/// What the transcript of a letter begins with (PROTOCOL § 5.2).
pub const SUITE: &[u8] =
    b"KeyWriter v1 letter: ECDH-P384 + ML-KEM-1024, ECDSA-P384-SHA384, HKDF-SHA384, AES-256-GCM";

/// What a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    /// Makes a clone of a module: carries what a Parcel carries.
    Join,
    /// Brings keyring and team to a member of the group.
    Epoch,
}

impl LetterKind {
    /// Returns the byte on the wire, and P1 of LETTER WRITE.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Join => 0,
            Self::Epoch => 1,
        }
    }

    /// Returns its name in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Epoch => "epoch",
        }
    }

    /// Parses the byte on the wire.
    pub const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0 => Ok(Self::Join),
            1 => Ok(Self::Epoch),
            _ => Err(Malformed),
        }
    }
}

/// The public half of a module's letterbox, signed by the module. One letter can be taken from it.
#[derive(Clone, Copy, Debug)]
pub struct Letterbox<'a> {
    /// What the module is now.
    pub condition: Condition,
    /// Counts up from 1 on each module.
    pub number: u64,
    /// The ECDH share.
    pub ecdh: &'a EcPoint,
    /// The ML-KEM-1024 key.
    pub kem: &'a [u8; KEM],
    /// The module's certificates.
    pub chain: Chain<'a>,
    /// Everything before the signature.
    pub fields: &'a [u8],
    /// The module's signature over the fields.
    pub signature: &'a Signature,
}

impl<'a> Letterbox<'a> {
    /// The maximum size, in bytes.
    pub const MAX: usize = MessageKind::SIZE + 1 + 8 + 97 + KEM + limits::CHAIN + 96;

    /// Parses a whole letterbox. Neither chain nor signature is verified.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        let mut reader = Reader::new(bytes);
        MessageKind::Letterbox.read(&mut reader)?;
        let condition = Condition::read_before_run(&mut reader)?;
        let number = reader.u64()?;
        let (ecdh, kem) = (reader.array()?, reader.array()?);
        let chain = Chain::read(&mut reader)?;
        let signature = reader.array()?;
        reader.finish()?;
        if number == 0 {
            return Err(MessageRefusal::Malformed);
        }
        let fields = bytes.len().saturating_sub(signature.len());
        Ok(Self {
            condition,
            number,
            ecdh,
            kem,
            chain,
            fields: bytes.get(..fields).ok_or(Malformed)?,
            signature,
        })
    }

    /// Appends everything before the signature.
    pub fn write_fields(
        writer: &mut Writer<'_>,
        condition: Condition,
        number: u64,
        (ecdh, kem): (&EcPoint, &[u8; KEM]),
        chain: &Chain<'_>,
    ) -> Result<(), Malformed> {
        MessageKind::Letterbox.write(writer)?;
        writer.u8(condition.to_byte())?;
        writer.u64(number)?;
        writer.bytes(ecdh)?;
        writer.bytes(kem)?;
        writer.bytes(chain.as_wire())
    }

    /// Returns the hash by which a letter names its letterbox. The signature, which differs each time, is no part of it.
    pub fn hash<V: Verifier>(fields: &[u8]) -> Sha384Digest {
        V::sha384(&[fields])
    }

    /// Returns what the module signs.
    pub fn signed<V: Verifier>(fields: &[u8]) -> [u8; SIGNED_MESSAGE] {
        signed_message(SignedLabel::Letterbox, &Self::hash::<V>(fields))
    }
}

/// Which letterbox a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The serial number of its module.
    pub serial: Serial,
    /// Its number on that module.
    pub number: u64,
    /// [`Letterbox::hash`].
    pub letterbox: Sha384Digest,
}

/// A letter. Only the module with the private half of the letterbox can open its sealed part.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// Whose it is, and what for.
    pub head: LetterHead,
    /// The master's ephemeral ECDH share.
    pub ecdh: &'a EcPoint,
    /// The ML-KEM-1024 ciphertext.
    pub ciphertext: &'a [u8; KEM],
    /// The master's certificates.
    pub chain: Chain<'a>,
    /// Everything so far: what is not sealed.
    pub open: &'a [u8],
    /// Terms and contents.
    pub sealed: Sealed<'a>,
    /// The master's signature over the transcript and the sealed part.
    pub signature: &'a Signature,
}

impl<'a> Letter<'a> {
    /// The maximum size, in bytes.
    pub const MAX: usize =
        LetterHead::MAX + 97 + KEM + limits::CHAIN + 2 + limits::SEALED + TAG + 96;

    /// Parses a whole letter. Neither chain nor signature is verified.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MessageRefusal> {
        let mut reader = Reader::new(bytes);
        let head = LetterHead::read(&mut reader)?;
        let (ecdh, ciphertext) = (reader.array()?, reader.array()?);
        let chain = Chain::read(&mut reader)?;
        let open = bytes.len().saturating_sub(reader.clone().rest().len());
        let sealed = Sealed::read(&mut reader)?;
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self {
            head,
            ecdh,
            ciphertext,
            chain,
            open: bytes.get(..open).ok_or(Malformed)?,
            sealed,
            signature,
        })
    }

    /// Appends everything before the sealed part.
    pub fn write_open(
        writer: &mut Writer<'_>,
        head: &LetterHead,
        (ecdh, ciphertext): (&EcPoint, &[u8; KEM]),
        chain: &Chain<'_>,
    ) -> Result<(), Malformed> {
        head.write(writer)?;
        writer.bytes(ecdh)?;
        writer.bytes(ciphertext)?;
        writer.bytes(chain.as_wire())
    }

    /// Returns the transcript: the hash of everything that is not sealed. It names the letterbox, and so binds its keys.
    pub fn transcript<V: Verifier>(open: &[u8]) -> Sha384Digest {
        V::sha384(&[SUITE, open])
    }

    /// Returns what the master signs: the transcript and what it sealed.
    pub fn signed<V: Verifier>(transcript: &Sha384Digest, sealed: &[u8]) -> [u8; SIGNED_MESSAGE] {
        signed_message(SignedLabel::Letter, &V::sha384(&[transcript, sealed]))
    }
}

/// What a letter says openly, before both key shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetterHead {
    /// Whose it is.
    pub to: Addressee,
    /// The group that it belongs to.
    pub group: [u8; 16],
    /// The epoch that enciphers once it is taken.
    pub epoch: EpochName,
    /// An epoch that both have; a letter has one if it is for a member, which makes it an [`LetterKind::Epoch`].
    pub shared_epoch: Option<EpochName>,
}

impl LetterHead {
    /// The maximum size, in bytes.
    const MAX: usize = MessageKind::SIZE + 1 + Serial::MAX + 8 + 48 + 16 + 2 * EpochName::SIZE;

    /// Returns what the letter is for.
    pub const fn kind(&self) -> LetterKind {
        match self.shared_epoch {
            None => LetterKind::Join,
            Some(_) => LetterKind::Epoch,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        MessageKind::Letter.write(writer)?;
        writer.u8(self.kind().to_byte())?;
        self.to.serial.write(writer)?;
        writer.u64(self.to.number)?;
        writer.bytes(&self.to.letterbox)?;
        writer.bytes(&self.group)?;
        self.epoch.write(writer)?;
        self.shared_epoch
            .map_or(Ok(()), |epoch| epoch.write(writer))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MessageRefusal> {
        MessageKind::Letter.read(reader)?;
        let kind = LetterKind::from_byte(reader.u8()?)?;
        Ok(Self {
            to: Addressee {
                serial: Serial::read(reader)?,
                number: reader.u64()?,
                letterbox: *reader.array()?,
            },
            group: *reader.array()?,
            epoch: EpochName::read(reader)?,
            shared_epoch: match kind {
                LetterKind::Join => None,
                LetterKind::Epoch => Some(EpochName::read(reader)?),
            },
        })
    }
}
