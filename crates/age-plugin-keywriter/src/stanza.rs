//! What stands in the header of an age file: one stanza for a whole team, always of the same size.
//!
//! ```text
//! -> keywriter GROUP EPOCH EPHEMERAL
//! BODY
//! ```
//!
//! Group: 32 hexadecimal digits. Epoch: a decimal number. Ephemeral: the point, uncompressed, in base64 without padding.
//! Body: the sealed file key and its tag, 32 bytes.

use age_core::format::Stanza;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use keywriter::share::{SealedFileKey, recipient::PLUGIN};

/// The stanza of a sealed file key.
pub(crate) fn write(sealed: &SealedFileKey) -> Stanza {
    Stanza {
        tag: PLUGIN.to_owned(),
        args: vec![
            format!("{:032x}", u128::from_be_bytes(sealed.group)),
            sealed.epoch.to_string(),
            STANDARD_NO_PAD.encode(sealed.ephemeral),
        ],
        body: [sealed.cipher, sealed.tag].concat(),
    }
}

/// Reads a stanza: `None` where it is another kind's, an error where it is ours and damaged. There is one encoding for each.
pub(crate) fn read(stanza: &Stanza) -> Option<Result<SealedFileKey, Damaged>> {
    (stanza.tag == PLUGIN).then(|| {
        let sealed = parse(stanza).ok_or(Damaged)?;
        let is_same = write(&sealed) == *stanza;
        is_same.then_some(sealed).ok_or(Damaged)
    })
}

/// A stanza of ours that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

fn parse(stanza: &Stanza) -> Option<SealedFileKey> {
    let [group, epoch, ephemeral] = stanza.args.as_slice() else {
        return None;
    };
    let (cipher, tag) = stanza.body.split_first_chunk()?;
    Some(SealedFileKey {
        group: unhex(group)?,
        epoch: epoch.parse().ok()?,
        ephemeral: STANDARD_NO_PAD.decode(ephemeral).ok()?.try_into().ok()?,
        cipher: *cipher,
        tag: tag.try_into().ok()?,
    })
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> SealedFileKey {
        SealedFileKey {
            group: [0x0A; 16],
            epoch: 3,
            ephemeral: [4; 97],
            cipher: [5; 16],
            tag: [6; 16],
        }
    }

    #[test]
    fn a_stanza_reads_back() {
        assert_eq!(read(&write(&sealed())), Some(Ok(sealed())));
    }

    #[test]
    fn what_is_not_ours_is_left_alone_and_what_is_damaged_is_told() {
        let mut other = write(&sealed());
        other.tag = "X25519".into();
        assert_eq!(read(&other), None);
        for (place, text) in [
            (0, "0A"),
            (0, "+a"),
            (1, "03"),
            (1, "-1"),
            (1, ""),
            (2, "BA"),
        ] {
            let mut damaged = write(&sealed());
            damaged.args[place] = text.into();
            assert_eq!(read(&damaged), Some(Err(Damaged)), "{place} {text}");
        }
        let mut long = write(&sealed());
        long.body.push(0);
        assert_eq!(read(&long), Some(Err(Damaged)));
    }
}
