//! A module's socket, and the names in a hub's folder (docs/HUB.md).
//!
//! A frame is its kind (one byte), the length of its body (32 bits, big-endian) and the body; each is answered by
//! one frame of the same kind. A socket that closes without an answer means that the module was pulled out.

use crate::Malformed;

/// The environment variable that names the hub's folder.
pub const HUB_VARIABLE: &str = "KEYWRITER_HUB";

/// The hub's folder where nothing names one, below the user's state folder (XDG Base Directory).
pub const HUB_DEFAULT: &str = "keywriter/hub";

/// Below the hub's folder: the module sockets and the root certificate, all that a host reads.
pub const RUN_FOLDER: &str = "run";

/// In [`RUN_FOLDER`]: the root certificate of this hub's modules, PEM.
pub const ROOT_FILE: &str = "root.pem";

/// The ending of a module socket's name, after the serial number.
pub const SOCKET_ENDING: &str = "sock";

/// In front of a socket's path in a reader configuration's `DEVICENAME`.
pub const DEVICE_PREFIX: &str = "keywriter:";

/// What a frame asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Power up; the answer's body is the ATR.
    PowerUp,
    /// Power down; empty answer.
    PowerDown,
    /// Reset; the answer's body is the ATR.
    Reset,
    /// A command APDU; the answer's body is the response APDU.
    Transmit,
}

impl FrameKind {
    /// Returns the byte on the wire.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::PowerUp => b'P',
            Self::PowerDown => b'D',
            Self::Reset => b'R',
            Self::Transmit => b'T',
        }
    }

    /// Parses the byte on the wire.
    pub const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            b'P' => Ok(Self::PowerUp),
            b'D' => Ok(Self::PowerDown),
            b'R' => Ok(Self::Reset),
            b'T' => Ok(Self::Transmit),
            _ => Err(Malformed),
        }
    }
}

/// The five bytes before a frame's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the frame asks for, or answers.
    pub kind: FrameKind,
    /// The body's length in bytes, at most [`crate::limits::FRAME_BODY`].
    pub len: usize,
}

impl FrameHeader {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 5;

    /// Parses a header. A body over the limit is refused before it is read.
    pub fn parse(bytes: [u8; Self::SIZE]) -> Result<Self, Malformed> {
        let [kind, len @ ..] = bytes;
        let len = usize::try_from(u32::from_be_bytes(len)).map_err(|_overlong| Malformed)?;
        if len > crate::limits::FRAME_BODY {
            return Err(Malformed);
        }
        Ok(Self {
            kind: FrameKind::from_byte(kind)?,
            len,
        })
    }

    /// Returns the header of a body.
    pub fn encode(kind: FrameKind, body: &[u8]) -> Result<[u8; Self::SIZE], Malformed> {
        let len = u32::try_from(body.len()).map_err(|_overlong| Malformed)?;
        let [a, b, c, d] = len.to_be_bytes();
        Ok([kind.to_byte(), a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_byte() {
        let known = (0..=255)
            .filter(|b| FrameKind::from_byte(*b).is_ok_and(|k| k.to_byte() == *b))
            .count();
        assert_eq!(known, 4);
    }

    #[test]
    fn a_header_reads_back() {
        let header = FrameHeader::encode(FrameKind::Transmit, &[0; 300]).unwrap();
        assert_eq!(
            FrameHeader::parse(header),
            Ok(FrameHeader {
                kind: FrameKind::Transmit,
                len: 300
            })
        );
        assert_eq!(FrameHeader::parse([b'T', 0xFF, 0, 0, 0]), Err(Malformed));
    }
}
