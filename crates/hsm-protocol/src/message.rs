//! What every message of a run begins with: version, kind and suite (PROTOCOL § 3.4).

use crate::{Malformed, identity::PROTOCOL_VERSION, reader::Reader, writer::Writer};

/// What a message is. Its bytes begin with that, so none can be taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Secondary → master: certificates and fresh key shares.
    Offer,
    /// Master → secondary: the master's key shares and, sealed, its terms.
    Grant,
    /// Secondary → master: sealed, its signature.
    Consent,
    /// Master → secondary: sealed, the CSPs.
    Parcel,
    /// Secondary → master: what it stored, signed. Its statement begins with these bytes.
    Receipt,
    /// Master → host: its signature over a Receipt.
    Countersignature,
    /// Any module → a master that is elsewhere: one-time keys for one letter.
    Letterbox,
    /// Master → the module of a letterbox: what it clones, or the group's epochs.
    Letter,
    /// What custodians allow a master.
    Ticket,
    /// Custodian → master or member: that it allows what a ticket says.
    Approval,
}

/// The one suite of this version: ECDH P-384 and ML-KEM-1024, ECDSA P-384 with SHA-384, HKDF-SHA-384, AES-256-GCM
/// (PROTOCOL § 3.1).
pub const SUITE_NUMBER: u8 = 1;

/// Why a message is refused before its content is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageRefusal {
    /// The shape is wrong, or it is another kind of message.
    Malformed,
    /// The message has another protocol version or suite.
    Version,
}

impl From<Malformed> for MessageRefusal {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl MessageKind {
    /// The size of what a message begins with, in bytes.
    pub const SIZE: usize = 3;

    /// Returns the byte on the wire.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Offer => 1,
            Self::Grant => 2,
            Self::Consent => 3,
            Self::Parcel => 4,
            Self::Receipt => 5,
            Self::Countersignature => 6,
            Self::Letterbox => 7,
            Self::Letter => 8,
            Self::Ticket => 9,
            Self::Approval => 10,
        }
    }

    /// Appends what a message of this kind begins with.
    pub fn write(self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&[PROTOCOL_VERSION, self.to_byte(), SUITE_NUMBER])
    }

    /// Reads what a message of this kind begins with. Another version comes first: of such a message nothing else is
    /// known.
    pub fn read(self, reader: &mut Reader<'_>) -> Result<(), MessageRefusal> {
        if reader.u8()? != PROTOCOL_VERSION {
            return Err(MessageRefusal::Version);
        }
        if reader.u8()? != self.to_byte() {
            return Err(MessageRefusal::Malformed);
        }
        match reader.u8()? {
            SUITE_NUMBER => Ok(()),
            _ => Err(MessageRefusal::Version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [MessageKind; 10] = [
        MessageKind::Offer,
        MessageKind::Grant,
        MessageKind::Consent,
        MessageKind::Parcel,
        MessageKind::Receipt,
        MessageKind::Countersignature,
        MessageKind::Letterbox,
        MessageKind::Letter,
        MessageKind::Ticket,
        MessageKind::Approval,
    ];

    #[test]
    fn a_message_is_of_one_kind() {
        for kind in ALL {
            for other in ALL {
                let mut bytes = [0; MessageKind::SIZE];
                other.write(&mut Writer::new(&mut bytes)).unwrap();
                let read = kind.read(&mut Reader::new(&bytes));
                assert_eq!(read.is_ok(), kind == other, "{kind:?} {other:?}");
            }
        }
    }

    #[test]
    fn another_version_or_suite_is_told_apart_from_a_wrong_shape() {
        let read = |bytes: &[u8]| MessageKind::Parcel.read(&mut Reader::new(bytes));
        assert_eq!(read(&[2, 9, 9]), Err(MessageRefusal::Version));
        assert_eq!(read(&[1, 4, 0]), Err(MessageRefusal::Version));
        assert_eq!(read(&[1, 4, 2]), Err(MessageRefusal::Version));
        assert_eq!(read(&[1, 0, 1]), Err(MessageRefusal::Malformed));
        assert_eq!(read(&[1, 4]), Err(MessageRefusal::Malformed));
        assert_eq!(read(&[]), Err(MessageRefusal::Malformed));
        assert_eq!(read(&[1, 4, 1]), Ok(()));
    }
}
