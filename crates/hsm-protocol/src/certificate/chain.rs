//! Chains: a module's certificate and those between it and the root.

use super::Certificate;
use crate::{Malformed, limits, reader::Reader, writer::Writer};

/// A module's certificate and at most one authority's above it, the root left out (PROTOCOL § 4.1).
///
/// On the wire: a count, then each certificate's length (16 bits) and DER, the module's first.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
    wire: &'a [u8],
    leaf: Certificate<'a>,
    authority: Option<Certificate<'a>>,
}

const _: () = assert!(
    limits::CHAIN_CERTIFICATES == 2,
    "a chain has room for one authority"
);

impl<'a> Chain<'a> {
    /// Reads a chain at the front of a message.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let start = reader.clone().rest();
        let count = reader.u8()?;
        let mut certificate = || Certificate::parse(reader.prefixed(limits::CERTIFICATE)?);
        let (leaf, authority) = match count {
            1 => (certificate()?, None),
            2 => (certificate()?, Some(certificate()?)),
            _ => return Err(Malformed),
        };
        // The root is left out. With it, a chain of one would have a second encoding.
        if authority.is_some_and(|authority| authority.issuer() == authority.subject()) {
            return Err(Malformed);
        }
        let used = start
            .len()
            .checked_sub(reader.clone().rest().len())
            .ok_or(Malformed)?;
        Ok(Self {
            wire: start.get(..used).ok_or(Malformed)?,
            leaf,
            authority,
        })
    }

    /// Parses a whole chain.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let chain = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(chain)
    }

    /// Returns the wire form, as it was received.
    pub const fn as_wire(&self) -> &'a [u8] {
        self.wire
    }

    /// Returns the first certificate: the module's, once [`Root::verify`](super::Root::verify) has proved it.
    pub const fn leaf(&self) -> &Certificate<'a> {
        &self.leaf
    }

    /// Returns the certificate between the first and the root, if there is one.
    pub const fn authority(&self) -> Option<&Certificate<'a>> {
        self.authority.as_ref()
    }

    /// Returns all certificates in the order of the wire.
    pub fn certificates(&self) -> impl Iterator<Item = &Certificate<'a>> {
        core::iter::once(&self.leaf).chain(&self.authority)
    }
}

/// Writes the wire form of a chain, the module's certificate first. Returns its length in bytes, at most
/// [`limits::CHAIN`].
///
/// Refuses what [`Chain::parse`] would refuse.
pub fn encode_chain(certificates: &[&[u8]], out: &mut [u8]) -> Result<usize, Malformed> {
    let mut writer = Writer::new(out);
    writer.u8(u8::try_from(certificates.len()).map_err(|_overlong| Malformed)?)?;
    for certificate in certificates {
        writer.prefixed(certificate)?;
    }
    Chain::parse(writer.written())?;
    Ok(writer.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_of_one_or_two_certificates() {
        for count in 0..=255 {
            assert!(Chain::parse(&[count]).is_err());
            assert!(Chain::parse(&[count, 0, 0, 0, 0]).is_err());
        }
        assert_eq!(encode_chain(&[], &mut [0; 8]), Err(Malformed));
        assert_eq!(encode_chain(&[&[0x30, 0]], &mut [0; 8]), Err(Malformed));
    }
}
