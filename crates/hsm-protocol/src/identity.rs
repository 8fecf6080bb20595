//! Who a module is and what it admits to being, without unlock (PROTOCOL § 2.3).

use crate::{
    BadSignature, EcPoint, Malformed, Serial, Signature, Verifier,
    reader::Reader,
    signed::{SIGNED_MESSAGE, SignedLabel, signed_message},
    writer::Writer,
};

/// The protocol version of this crate; there is one, and no negotiation.
pub const PROTOCOL_VERSION: u8 = 1;

/// Whether a module is unlocked. Who unlocked it is shown only in the unlocked session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockState {
    /// As delivered: no Admin PIN was ever set.
    Shipment,
    /// No Admin PIN any more: reset, or its Administrator's attempts ran out.
    Reset,
    /// Locked, asleep or awake.
    Locked,
    /// Unlocked for data and host commands.
    Unlocked,
}

impl LockState {
    const fn to_byte(self) -> u8 {
        match self {
            Self::Shipment => 0,
            Self::Reset => 1,
            Self::Locked => 2,
            Self::Unlocked => 3,
        }
    }

    const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            0 => Ok(Self::Shipment),
            1 => Ok(Self::Reset),
            2 => Ok(Self::Locked),
            3 => Ok(Self::Unlocked),
            _ => Err(Malformed),
        }
    }
}

/// What IDENTITY answers before the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// [`PROTOCOL_VERSION`] of the module's firmware.
    pub version: u8,
    /// Firmware version: major, minor, patch.
    pub firmware: [u8; 3],
    /// The module's serial number.
    pub serial: Serial,
    /// Whether a certificate is installed.
    pub certified: bool,
    /// Whether it is unlocked.
    pub lock: LockState,
}

impl Identity {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 1 + 3 + Serial::MAX + 1 + 1;

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            version: reader.u8()?,
            firmware: *reader.array()?,
            serial: Serial::read(reader)?,
            certified: reader.flag()?,
            lock: LockState::from_byte(reader.u8()?)?,
        })
    }

    /// Writes the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.version)?;
        writer.bytes(&self.firmware)?;
        self.serial.write(writer)?;
        writer.flag(self.certified)?;
        writer.u8(self.lock.to_byte())
    }

    /// Returns what a certified module signs to prove that it holds its key now: the host's challenge and these
    /// fields.
    pub fn signed<V: Verifier>(challenge: &[u8; 32], identity: &[u8]) -> [u8; SIGNED_MESSAGE] {
        signed_message(SignedLabel::Identity, &V::sha384(&[challenge, identity]))
    }
}

/// The answer to IDENTITY.
#[derive(Clone, Copy, Debug)]
pub struct SignedIdentity<'a> {
    /// The fields.
    pub identity: Identity,
    bytes: &'a [u8],
    signature: Option<&'a Signature>,
}

impl<'a> SignedIdentity<'a> {
    /// Reads the fields and, of a certified module, the signature.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let fields = reader.bytes(Identity::SIZE)?;
        let mut inner = Reader::new(fields);
        let identity = Identity::read(&mut inner)?;
        let signature = if identity.certified {
            Some(reader.array()?)
        } else {
            None
        };
        reader.finish()?;
        Ok(Self {
            identity,
            bytes: fields,
            signature,
        })
    }

    /// Checks that the holder of `public` answered this challenge.
    pub fn verify<V: Verifier>(
        &self,
        public: &EcPoint,
        challenge: &[u8; 32],
    ) -> Result<(), BadSignature> {
        let signature = self.signature.ok_or(BadSignature)?;
        V::verify(
            public,
            &Identity::signed::<V>(challenge, self.bytes),
            signature,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_back() {
        let identity = Identity {
            version: 1,
            firmware: [0, 1, 0],
            serial: "VM0001".parse().unwrap(),
            certified: false,
            lock: LockState::Reset,
        };
        let mut out = [0; Identity::SIZE];
        identity.write(&mut Writer::new(&mut out)).unwrap();
        assert_eq!(SignedIdentity::parse(&out).unwrap().identity, identity);
        out[Identity::SIZE - 1] = 4;
        assert!(SignedIdentity::parse(&out).is_err());
    }
}
