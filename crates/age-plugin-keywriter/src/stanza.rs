//! The stanza in the header of an age file: one for a whole team, always of the same size.
//!
//! ```text
//! -> keywriter TO EPHEMERAL
//! BODY
//! -> keywriter-hybrid TO EPHEMERAL
//! BODY
//! ```
//!
//! To: 32 hexadecimal digits, by which the team's modules recognize their recipient. Ephemeral: the point, uncompressed, in
//! base64 without padding.
//! Body: the sealed file key and its tag, 32 bytes; in the second kind, the post-quantum one, 1,568 bytes of ML-KEM
//! ciphertext come first.

use age_core::format::Stanza;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use keywriter::share::{
    HybridFileKey, SealedFileKey, StanzaTag, hybrid::SealedHybrid, recipient::PLUGIN,
};

/// The post-quantum stanza's tag.
const HYBRID: &str = "keywriter-hybrid";

/// A file key that was sealed to a recipient of either kind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sealed {
    Classical(SealedFileKey),
    Hybrid(SealedHybrid),
}

impl Sealed {
    /// Writes the stanza.
    pub(crate) fn write(&self) -> Stanza {
        match self {
            Self::Classical(sealed) => stanza(
                PLUGIN,
                (&sealed.to, &sealed.ephemeral),
                &[&sealed.cipher, &sealed.tag],
            ),
            Self::Hybrid(sealed) => {
                let sealed = sealed.fields();
                stanza(
                    HYBRID,
                    (sealed.to, sealed.ephemeral),
                    &[sealed.ciphertext, sealed.cipher, sealed.tag],
                )
            }
        }
    }

    /// Reads a stanza: `None` if it is another plugin's, an error if it is ours and damaged. Each has one encoding.
    pub(crate) fn read(stanza: &Stanza) -> Option<Result<Self, Damaged>> {
        let sealed = match stanza.tag.as_str() {
            PLUGIN => classical(stanza).map(Self::Classical),
            HYBRID => hybrid(stanza).map(Self::Hybrid),
            _ => return None,
        };
        let same = sealed.filter(|sealed| sealed.write() == *stanza);
        Some(same.ok_or(Damaged))
    }
}

/// A malformed stanza of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

fn stanza(tag: &str, (to, ephemeral): (&StanzaTag, &[u8; 97]), body: &[&[u8]]) -> Stanza {
    Stanza {
        tag: tag.to_owned(),
        args: vec![
            format!("{:032x}", u128::from_be_bytes(*to)),
            STANDARD_NO_PAD.encode(ephemeral),
        ],
        body: body.concat(),
    }
}

fn classical(stanza: &Stanza) -> Option<SealedFileKey> {
    let (to, ephemeral) = arguments(stanza)?;
    let (cipher, tag) = stanza.body.split_first_chunk()?;
    Some(SealedFileKey {
        to,
        ephemeral,
        cipher: *cipher,
        tag: tag.try_into().ok()?,
    })
}

fn hybrid(stanza: &Stanza) -> Option<SealedHybrid> {
    let (to, ephemeral) = arguments(stanza)?;
    let (ciphertext, rest) = stanza.body.split_first_chunk()?;
    let (cipher, tag) = rest.split_first_chunk()?;
    let sealed = HybridFileKey {
        to: &to,
        ephemeral: &ephemeral,
        ciphertext,
        cipher,
        tag: tag.try_into().ok()?,
    };
    Some(SealedHybrid::new(&sealed))
}

fn arguments(stanza: &Stanza) -> Option<(StanzaTag, [u8; 97])> {
    let [to, ephemeral] = stanza.args.as_slice() else {
        return None;
    };
    Some((
        u128::from_str_radix(to, 16).ok()?.to_be_bytes(),
        STANDARD_NO_PAD.decode(ephemeral).ok()?.try_into().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both() -> [Sealed; 2] {
        let classical = SealedFileKey {
            to: [0x0A; 16],
            ephemeral: [4; 97],
            cipher: [5; 16],
            tag: [6; 16],
        };
        let hybrid = SealedHybrid::new(&HybridFileKey {
            to: &[0x0A; 16],
            ephemeral: &[4; 97],
            ciphertext: &[7; 1568],
            cipher: &[5; 16],
            tag: &[6; 16],
        });
        [Sealed::Classical(classical), Sealed::Hybrid(hybrid)]
    }

    #[test]
    fn a_stanza_reads_back() {
        for sealed in both() {
            assert_eq!(Sealed::read(&sealed.write()), Some(Ok(sealed)));
        }
    }

    #[test]
    fn what_is_not_ours_is_left_alone_and_what_is_damaged_is_told() {
        for sealed in both() {
            let mut other = sealed.write();
            other.tag = "X25519".into();
            assert_eq!(Sealed::read(&other), None);
            for (place, text) in [(0, "0A"), (0, "+a"), (0, ""), (1, "BA")] {
                let mut damaged = sealed.write();
                damaged.args[place] = text.into();
                assert_eq!(Sealed::read(&damaged), Some(Err(Damaged)), "{place} {text}");
            }
            let mut long = sealed.write();
            long.body.push(0);
            assert_eq!(Sealed::read(&long), Some(Err(Damaged)));
            for len in 0..sealed.write().body.len() {
                let mut short = sealed.write();
                short.body.truncate(len);
                assert_eq!(Sealed::read(&short), Some(Err(Damaged)), "{len}");
            }
        }
    }

    #[test]
    fn neither_kind_passes_for_the_other() {
        let [classical, hybrid] = both().map(|sealed| sealed.write());
        for (stanza, tag) in [(classical, HYBRID), (hybrid, PLUGIN)] {
            let mut taken = stanza;
            taken.tag = tag.into();
            assert_eq!(Sealed::read(&taken), Some(Err(Damaged)));
        }
    }
}
