//! docs/FORMAT.md once more, step by step from its text, for vectors and for what modules make.

use hsm_core::crypto::{Direction, Provider};
use std::marker::PhantomData;

/// Writes and reads files with an epoch key, in the primitives of one provider.
pub struct Reference<P> {
    epoch_key: [u8; 48],
    primitives: PhantomData<P>,
}

/// The fields of a header that a test chooses.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// 1 XTS, 2 ECB.
    pub mode: u8,
    /// The group.
    pub group: [u8; 16],
    /// The epoch.
    pub epoch: u32,
    /// The chunk size, in bytes.
    pub chunk_size: u32,
    /// The salt.
    pub salt: [u8; 32],
}

impl Header {
    /// § 1.
    pub fn bytes(&self) -> [u8; 64] {
        [
            &b"KWFILE\x01"[..],
            &[self.mode],
            &self.group,
            &self.epoch.to_be_bytes(),
            &self.chunk_size.to_be_bytes(),
            &self.salt,
        ]
        .concat()
        .try_into()
        .expect("64 bytes")
    }
}

impl<P: Provider> Reference<P> {
    /// Of that epoch key.
    pub const fn new(epoch_key: [u8; 48]) -> Self {
        Self {
            epoch_key,
            primitives: PhantomData,
        }
    }

    /// The whole file of `plain`.
    pub fn write(&self, header: &Header, plain: &[u8]) -> Vec<u8> {
        let bytes = header.bytes();
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
    fn chunk(&self, header: &[u8; 64], index: u64, last: bool, plain: &[u8]) -> Vec<u8> {
        let mut body = plain.to_vec();
        body.resize(plain.len().next_multiple_of(16), 0);
        self.cipher(header, index, Direction::Encipher, &mut body);
        let len = u32::try_from(plain.len()).expect("small");
        let lead = (len | u32::from(last) << 31).to_be_bytes();
        let tagged = [&lead[..], &body].concat();
        let tag = self.tag(header, index, &tagged);
        [&tagged[..], &tag].concat()
    }

    /// § 4: returns the plaintext, or why the file has none.
    pub fn read(&self, file: &[u8]) -> Result<Vec<u8>, &'static str> {
        let (header, mut rest) = file.split_first_chunk::<64>().ok_or("no file of ours")?;
        if &header[..6] != b"KWFILE" {
            return Err("no file of ours");
        }
        if header[6] != 1 {
            return Err("another version");
        }
        let size = u32::from_be_bytes(header[28..32].try_into().expect("4"));
        let size = usize::try_from(size).expect("small");
        if !matches!(header[7], 1 | 2) || size == 0 || size % 16 != 0 || size > 61_440 {
            return Err("damaged header");
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
            let padded = len.next_multiple_of(16);
            if after.len() < padded + 16 {
                return Err("cut off");
            }
            let (body, after) = after.split_at(padded);
            let (tag, after) = after.split_at(16);
            if last && !after.is_empty() {
                return Err("goes on behind its end");
            }
            if tag != self.tag(header, index, &[&lead[..], body].concat()) {
                return Err("changed");
            }
            let mut body = body.to_vec();
            self.cipher(header, index, Direction::Decipher, &mut body);
            plain.extend(&body[..len]);
            if last {
                break;
            }
            rest = after;
        }
        Ok(plain)
    }

    fn cipher(&self, header: &[u8; 64], index: u64, direction: Direction, body: &mut [u8]) {
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

    fn tag(&self, header: &[u8; 64], index: u64, tagged: &[u8]) -> [u8; 16] {
        let key = self.derive::<32>(b"KeyWriter v1 file AES-256-GMAC", header);
        let nonce = [&[0; 4][..], &index.to_be_bytes()].concat();
        P::gcm_seal(&key, &nonce.try_into().expect("12"), tagged, &mut []).expect("a tag")
    }

    /// § 2.
    fn derive<const N: usize>(&self, label: &[u8], header: &[u8; 64]) -> [u8; N] {
        let mut key = [0; N];
        P::hkdf_expand(&self.epoch_key, &[label, header], &mut key).expect("short");
        key
    }
}
