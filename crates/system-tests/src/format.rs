//! docs/FORMAT.md once more, step by step from its text, for vectors and for what modules make.

use hsm_core::crypto::{Direction, Provider};
use std::marker::PhantomData;

/// Writes and reads files of a group's first epoch, in the primitives of one provider.
pub struct Reference<P> {
    epoch_key: [u8; 48],
    link_key: [u8; 32],
    primitives: PhantomData<P>,
}

/// The fields of a header that a test chooses.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// 1 XTS, 2 ECB, 3 fast.
    pub mode: u8,
    /// The chunk size, in bytes.
    pub chunk_size: u32,
    /// The salt.
    pub salt: [u8; 32],
}

impl<P: Provider> Reference<P> {
    /// Of that epoch key, and of the group with that link key.
    pub const fn new(epoch_key: [u8; 48], link_key: [u8; 32]) -> Self {
        Self {
            epoch_key,
            link_key,
            primitives: PhantomData,
        }
    }

    /// § 1.
    fn header(&self, header: &Header) -> [u8; 60] {
        let [group, epoch] = self.tags(&header.salt);
        [
            &b"KWFILE\x01"[..],
            &[header.mode],
            &group,
            &epoch,
            &header.chunk_size.to_be_bytes(),
            &header.salt,
        ]
        .concat()
        .try_into()
        .expect("60 bytes")
    }

    /// § 1: the tags of group and epoch.
    fn tags(&self, salt: &[u8; 32]) -> [[u8; 8]; 2] {
        let mut check = [0; 8];
        let label: &[u8] = b"KeyWriter v1 epoch check value";
        P::hkdf_expand(&self.epoch_key, &[label], &mut check).expect("short");
        let tag = |parts: &[&[u8]]| {
            let mut mac = [0; 48];
            P::hmac_sha384(&self.link_key, parts, &mut mac);
            *mac.first_chunk().expect("longer")
        };
        [
            tag(&[b"KeyWriter v1 file group tag", salt]),
            tag(&[
                b"KeyWriter v1 file epoch tag",
                salt,
                &1_u32.to_be_bytes(),
                &check,
            ]),
        ]
    }

    /// The whole file of `plain`.
    pub fn write(&self, header: &Header, plain: &[u8]) -> Vec<u8> {
        let bytes = self.header(header);
        let size = usize::try_from(header.chunk_size).expect("small");
        let mut chunks: Vec<&[u8]> = plain.chunks(size).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let mut file = bytes.to_vec();
        for (index, chunk) in chunks.iter().enumerate() {
            let last = index + 1 == chunks.len();
            let index = u64::try_from(index).expect("few");
            file.extend(self.chunk(&bytes, index, last, chunk));
        }
        file
    }

    /// § 3.
    fn chunk(&self, header: &[u8; 60], index: u64, last: bool, plain: &[u8]) -> Vec<u8> {
        let mut body = plain.to_vec();
        if header[7] == FAST {
            let lead = lead(plain.len(), last);
            let tag = P::gcm_seal(&self.fast(header), &fast_nonce(index, last), &[], &mut body);
            return [&lead[..], &body, &tag.expect("a tag")].concat();
        }
        body.resize(plain.len().next_multiple_of(16), 0);
        self.cipher(header, index, Direction::Encipher, &mut body);
        let lead = lead(plain.len(), last);
        let tagged = [&lead[..], &body].concat();
        let tag = self.tag(header, index, &tagged);
        [&tagged[..], &tag].concat()
    }

    /// § 4: returns the plaintext, or why the file has none.
    pub fn read(&self, file: &[u8]) -> Result<Vec<u8>, &'static str> {
        let (header, mut rest) = file.split_first_chunk::<60>().ok_or("no file of ours")?;
        if &header[..6] != b"KWFILE" {
            return Err("no file of ours");
        }
        if header[6] != 1 {
            return Err("another version");
        }
        let size = u32::from_be_bytes(header[24..28].try_into().expect("4"));
        let size = usize::try_from(size).expect("small");
        if !matches!(header[7], 1 | 2 | FAST) || size == 0 || size % 16 != 0 || size > 61_440 {
            return Err("damaged header");
        }
        let [group, epoch] = self.tags(header.last_chunk().expect("a salt"));
        if header[8..16] != group {
            return Err("another group");
        }
        if header[16..24] != epoch {
            return Err("an epoch that is not there");
        }
        let mut plain = Vec::new();
        for index in 0.. {
            let (lead, after) = rest.split_first_chunk::<4>().ok_or("cut off")?;
            let word = u32::from_be_bytes(*lead);
            let (last, len) = (word >> 31 == 1, word & 0x7FFF_FFFF);
            let len = usize::try_from(len).expect("small");
            let fits = if last {
                len <= size && (len > 0 || index == 0)
            } else {
                len == size
            };
            if !fits {
                return Err("damaged chunk");
            }
            let padded = match header[7] {
                FAST => len,
                _ => len.next_multiple_of(16),
            };
            if after.len() < padded + 16 {
                return Err("cut off");
            }
            let (body, after) = after.split_at(padded);
            let (tag, after) = after.split_at(16);
            if last && !after.is_empty() {
                return Err("goes on behind its end");
            }
            let tagged = [&lead[..], body].concat();
            let mut body = body.to_vec();
            if header[7] == FAST {
                let (key, nonce) = (self.fast(header), fast_nonce(index, last));
                let tag = tag.try_into().expect("16");
                P::gcm_open(&key, &nonce, &[], &mut body, tag).map_err(|_wrong| "changed")?;
            } else {
                if tag != self.tag(header, index, &tagged) {
                    return Err("changed");
                }
                self.cipher(header, index, Direction::Decipher, &mut body);
            }
            plain.extend(&body[..len]);
            if last {
                break;
            }
            rest = after;
        }
        Ok(plain)
    }

    fn cipher(&self, header: &[u8; 60], index: u64, direction: Direction, body: &mut [u8]) {
        if body.is_empty() {
            return;
        }
        if header[7] == 1 {
            let key = self.derive::<64>(b"KeyWriter v1 file AES-256-XTS", header);
            P::xts(&key, u128::from(index), direction, body).expect("a data unit");
        } else {
            let key = self.derive::<32>(b"KeyWriter v1 file AES-256-ECB", header);
            P::ecb(&key, direction, body).expect("whole blocks");
        }
    }

    fn tag(&self, header: &[u8; 60], index: u64, tagged: &[u8]) -> [u8; 16] {
        let key = self.derive::<32>(b"KeyWriter v1 file AES-256-GMAC", header);
        let nonce = [&[0; 4][..], &index.to_be_bytes()].concat();
        P::gcm_seal(&key, &nonce.try_into().expect("12"), tagged, &mut []).expect("a tag")
    }

    /// § 2: the key that a module releases.
    fn fast(&self, header: &[u8; 60]) -> [u8; 32] {
        self.derive(b"KeyWriter v1 file AES-256-GCM", header)
    }

    /// § 2.
    fn derive<const N: usize>(&self, label: &[u8], header: &[u8; 60]) -> [u8; N] {
        let mut key = [0; N];
        P::hkdf_expand(&self.epoch_key, &[label, header], &mut key).expect("short");
        key
    }
}

/// The mode of files that the host ciphers.
const FAST: u8 = 3;

/// § 3.
fn lead(len: usize, last: bool) -> [u8; 4] {
    let len = u32::try_from(len).expect("small");
    (len | u32::from(last) << 31).to_be_bytes()
}

/// § 3.2.
fn fast_nonce(index: u64, last: bool) -> [u8; 12] {
    let nonce = [&[0; 3][..], &index.to_be_bytes(), &[u8::from(last)]].concat();
    nonce.try_into().expect("12")
}
