//! Looks for secrets in what crossed the host: raw, in hex of either case, in base64 at each of its three alignments, and
//! as Rust prints bytes.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use std::collections::HashMap;

/// A secret that a test knows, with the name under which a leak is reported.
pub struct Known {
    /// What it is.
    pub name: String,
    /// Its bytes, 8 at least.
    pub bytes: Vec<u8>,
}

/// Returns the names of all secrets of which 16 bytes, or the whole if it is shorter, are in `haystack` in any form.
pub fn leaks(haystack: &[u8], secrets: &[Known]) -> Vec<String> {
    // By their first bytes, so that one pass over the haystack looks for all of them.
    let mut needles: HashMap<[u8; HEAD], Vec<(String, Vec<u8>)>> = HashMap::new();
    for secret in secrets {
        // Piece by piece: half a key on the wire is a leak too.
        for (form, needle) in pieces(&secret.bytes).flat_map(forms) {
            let head = needle.first_chunk().expect("8 bytes are enough to search");
            let name = format!("{} ({form})", secret.name);
            needles.entry(*head).or_default().push((name, needle));
        }
    }
    let mut found = Vec::new();
    for (place, head) in haystack.windows(HEAD).enumerate() {
        let Some(candidates) = <[u8; HEAD]>::try_from(head)
            .ok()
            .and_then(|head| needles.get(&head))
        else {
            continue;
        };
        for (name, needle) in candidates {
            if haystack[place..].starts_with(needle) && !found.contains(name) {
                found.push(name.clone());
            }
        }
    }
    found
}

const HEAD: usize = 8;

/// Pieces of 16 bytes and what is left, or the whole if it is shorter.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(PIECE).filter(move |piece| piece.len() >= HEAD)
}

const PIECE: usize = 16;

fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let lower = hex::encode(bytes);
    let upper = lower.to_uppercase();
    let mut forms = vec![
        ("raw", bytes.to_vec()),
        ("hex", lower.into_bytes()),
        ("HEX", upper.into_bytes()),
        ("Debug", {
            let text = format!("{bytes:?}");
            text.trim_matches(['[', ']']).as_bytes().to_vec()
        }),
    ];
    for shift in 0..3 {
        // The secret somewhere inside a longer base64 text: cut off what depends on its neighbors.
        let padded = [&vec![0; shift], bytes].concat();
        let text = STANDARD_NO_PAD.encode(padded);
        let skip = [0, 2, 3][shift];
        let whole = (shift + bytes.len()) / 3 * 4;
        forms.push(("base64", text.as_bytes()[skip..whole].to_vec()));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 23] = *b"\x00\x10 twenty-three byte \xFE\xFF";

    fn found_in(haystack: &[u8]) -> Vec<String> {
        leaks(
            haystack,
            &[Known {
                name: "secret".into(),
                bytes: SECRET.to_vec(),
            }],
        )
    }

    #[test]
    fn a_planted_leak_is_found_in_every_form() {
        let upper = hex::encode_upper(SECRET);
        for (form, text) in [
            ("raw", SECRET.to_vec()),
            ("hex", hex::encode(SECRET).into_bytes()),
            ("HEX", upper.into_bytes()),
            ("Debug", format!("{SECRET:?}").into_bytes()),
        ] {
            for (before, after) in [(0, 0), (1, 7), (100, 1)] {
                let haystack = [vec![b'x'; before], text.clone(), vec![b'x'; after]].concat();
                assert_eq!(found_in(&haystack), [format!("secret ({form})")]);
            }
        }
    }

    #[test]
    fn a_planted_leak_is_found_at_every_alignment_of_base64() {
        for before in 0..7 {
            for after in 0..4 {
                let plain = [vec![0xC3; before], SECRET.to_vec(), vec![0x3C; after]].concat();
                let text = STANDARD_NO_PAD.encode(plain);
                assert!(
                    found_in(text.as_bytes()).contains(&"secret (base64)".into()),
                    "{before} {after}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert!(found_in(&[]).is_empty());
        assert!(found_in(&SECRET[1..PIECE]).is_empty());
        assert!(!found_in(&SECRET[..PIECE]).is_empty(), "a piece of it");
    }
}
