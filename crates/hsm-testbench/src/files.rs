//! Shared files on the bench: commands that are well formed, and a sealer that needs no module.

use crate::Bench;
use hsm_core::crypto::{Provider, drbg::HmacDrbg, rust_crypto::RustCrypto};
use hsm_protocol::{
    EpochName, Status,
    command::ins,
    file::{
        FAST_KEY, FILE_KEY, FastKey, FileHeader, FileMode, Lead, NewFastFile, OpenChunk, Recipient,
        SealChunk, SealedFileKey, StanzaTag, fast_nonce,
    },
    reader::Reader,
    settings::EncryptionMode,
    signed::{CHALLENGE, SignedFields},
    writer::Writer,
};
use hsm_virtual::board::SystemEntropy;

/// Takes this application's commands.
pub trait Commands {
    /// Sends one; its data, or the status that refused it.
    fn command(&mut self, ins: u8, p1: u8, data: &[u8]) -> Result<Vec<u8>, Status>;
}

impl<C: Provider> Commands for Bench<C> {
    fn command(&mut self, ins: u8, p1: u8, data: &[u8]) -> Result<Vec<u8>, Status> {
        Self::command(self, ins, p1, data)
    }
}

/// Chunks of 64 bytes, as FILE BEGIN takes it.
pub const CHUNK_SIZE: [u8; 4] = 64_u32.to_be_bytes();

/// One fast file with chunks of 64 bytes, as FILE BEGIN takes it.
pub const BEGIN_ONE: [u8; 6] = [0, 0, 0, 64, 0, 1];

/// A fast file as a module began it: header and key.
pub type Fast = ([u8; FileHeader::SIZE], [u8; FAST_KEY]);

/// Begins so many fast files with chunks of that size.
pub fn begin_fast(
    module: &mut impl Commands,
    chunk_size: u32,
    count: u16,
) -> Result<Vec<Fast>, Status> {
    let data = [&chunk_size.to_be_bytes()[..], &count.to_be_bytes()].concat();
    let answer = module.command(ins::FILE_BEGIN, 1, &data)?;
    let mut reader = Reader::new(answer.get(16 + EpochName::SIZE..).expect("whose"));
    let read = |_| {
        let file = NewFastFile::read(&mut reader).expect("a file");
        (*file.header, *file.key)
    };
    Ok((0..count).map(read).collect())
}

/// The whole fast file of `plain`, as a host makes it.
pub fn seal_fast(file: &Fast, plain: &[u8]) -> Vec<u8> {
    let (header, key) = file;
    let chunk_size = FileHeader::parse(header).expect("a header").chunk_size;
    let size = usize::try_from(chunk_size).expect("small");
    let mut chunks: Vec<&[u8]> = plain.chunks(size).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let mut file = header.to_vec();
    for (index, chunk) in chunks.iter().enumerate() {
        let last = index + 1 == chunks.len();
        let nonce = fast_nonce(u64::try_from(index).expect("few"), last);
        let mut cipher = chunk.to_vec();
        let tag = RustCrypto::gcm_seal(key, &nonce, &[], &mut cipher).expect("sealed");
        let len = u32::try_from(chunk.len()).expect("short");
        file.extend(Lead { last, len }.to_bytes());
        file.extend(cipher);
        file.extend(tag);
    }
    file
}

/// The key of a fast file, or why it was not released.
pub fn release(
    module: &mut impl Commands,
    header: &[u8; FileHeader::SIZE],
) -> Result<Result<[u8; FAST_KEY], Status>, Status> {
    let answer = module.command(ins::FILE_IDENTIFY, 1, header)?;
    let mut reader = Reader::new(answer.get(16..).expect("whose"));
    let key = FastKey::read(&mut reader).expect("a key or none");
    Ok(key.map(|fast| *fast.key))
}

/// Begins a file with chunks of that size; its header.
pub fn begin(
    module: &mut impl Commands,
    chunk_size: u32,
) -> Result<[u8; FileHeader::SIZE], Status> {
    let header = module.command(ins::FILE_BEGIN, 0, &chunk_size.to_be_bytes())?;
    Ok(header.try_into().expect("a header"))
}

/// Makes a chunk.
pub fn seal(
    module: &mut impl Commands,
    header: &[u8; FileHeader::SIZE],
    (index, last): (u64, bool),
    plain: &[u8],
) -> Result<Vec<u8>, Status> {
    let mut data = vec![0; SealChunk::FIELDS];
    SealChunk::write_fields(&mut Writer::new(&mut data), header, index, last).expect("fits");
    data.extend_from_slice(plain);
    module.command(ins::FILE_SEAL, 0, &data)
}

/// Opens a chunk.
pub fn open(
    module: &mut impl Commands,
    header: &[u8; FileHeader::SIZE],
    index: u64,
    chunk: &[u8],
) -> Result<Vec<u8>, Status> {
    let data = [&header[..], &index.to_be_bytes(), chunk].concat();
    assert_eq!(data.len(), OpenChunk::FIELDS + chunk.len());
    module.command(ins::FILE_OPEN, 0, &data)
}

/// The whole file of `plain`.
pub fn file(module: &mut impl Commands, chunk_size: u32, plain: &[u8]) -> Result<Vec<u8>, Status> {
    let header = begin(module, chunk_size)?;
    let size = usize::try_from(chunk_size).expect("small");
    let mut file = header.to_vec();
    let mut chunks: Vec<&[u8]> = plain.chunks(size).collect();
    if chunks.is_empty() {
        chunks.push(&[]);
    }
    let count = chunks.len();
    for (index, chunk) in chunks.into_iter().enumerate() {
        let place = (u64::try_from(index).expect("few"), index + 1 == count);
        file.extend(seal(module, &header, place, chunk)?);
    }
    Ok(file)
}

/// What FILE RECIPIENT answers.
pub fn recipient(module: &mut impl Commands) -> Result<Recipient, Status> {
    let fields = recipient_fields(module, 0)?;
    Ok(Recipient::parse(&fields).expect("a recipient"))
}

/// What FILE RECIPIENT answers, without its signature.
pub fn recipient_fields(module: &mut impl Commands, p1: u8) -> Result<Vec<u8>, Status> {
    let answer = module.command(ins::FILE_RECIPIENT, p1, &[7; CHALLENGE])?;
    Ok(SignedFields::parse(&answer)
        .expect("signed")
        .fields
        .to_vec())
}

/// Seals a file key to the team, as a program without a module does (docs/FORMAT.md).
pub fn wrap<C: Provider>(to: &Recipient, file_key: [u8; FILE_KEY]) -> SealedFileKey {
    let mut rng = HmacDrbg::<_>::new(SystemEntropy, "FILES".parse().expect("a serial number"));
    let mut secret = C::EcdhSecret::default();
    let ephemeral = C::ecdh_generate(&mut rng, &mut secret).expect("a key");
    let (mut shared, mut prk, mut key) = ([0; 48], [0; 48], [0; 32]);
    C::ecdh_agree(&secret, &to.point, &mut shared).expect("a point");
    C::hmac_sha384(
        &[ephemeral, to.point].concat(),
        &[shared.as_slice()],
        &mut prk,
    );
    let info: [&[u8]; 3] = [SealedFileKey::LABEL, &to.group, &to.epoch.to_bytes()];
    C::hkdf_expand(&prk, &info, &mut key).expect("short");
    let mut cipher = file_key;
    let tag = C::gcm_seal(&key, &[0; 12], &[], &mut cipher).expect("sealed");
    SealedFileKey {
        to: stanza_tag::<C>(&to.hash::<C>(), &ephemeral),
        ephemeral,
        cipher,
        tag,
    }
}

/// The tag of a stanza for the recipient with that hash.
pub fn stanza_tag<C: Provider>(recipient: &[u8; 48], ephemeral: &[u8]) -> StanzaTag {
    let mut mac = [0; 48];
    C::hmac_sha384(
        recipient,
        &[b"KeyWriter v1 stanza tag", ephemeral],
        &mut mac,
    );
    *mac.first_chunk().expect("longer")
}

/// The data of a FILE UNWRAP command.
pub fn unwrap_data(sealed: &SealedFileKey) -> Vec<u8> {
    let mut data = vec![0; SealedFileKey::SIZE];
    sealed.write(&mut Writer::new(&mut data)).expect("fits");
    data
}

/// A FILE SEAL command of a file that the module has begun, if it does such a thing.
pub fn seal_command(module: &mut impl Commands) -> Vec<u8> {
    let header = begin(module, 64).unwrap_or_else(|_refused| any_header());
    let mut data = vec![0; SealChunk::FIELDS];
    SealChunk::write_fields(&mut Writer::new(&mut data), &header, 0, true).expect("fits");
    data.extend_from_slice(b"plaintext");
    data
}

/// A FILE OPEN command of a chunk that the module made, if it does such a thing.
pub fn open_command(module: &mut impl Commands) -> Vec<u8> {
    let file = file(module, 64, b"plaintext").unwrap_or_else(|_refused| {
        let chunk = [&[0x80, 0, 0, 9][..], &[0; 32]].concat();
        [&any_header()[..], &chunk].concat()
    });
    let (header, chunk) = file.split_at(FileHeader::SIZE);
    [header, &[0; 8], chunk].concat()
}

/// A FILE IDENTIFY command of a file that the module has begun, if it does such a thing.
pub fn identify_command(module: &mut impl Commands, p1: u8) -> Vec<u8> {
    let fast = |module| begin_fast(module, 64, 1).map(|files| files[0].0);
    let begun = if p1 == 1 {
        fast(module)
    } else {
        begin(module, 64)
    };
    let any = |_refused| {
        let mut header = any_header();
        header[7] += 2 * p1;
        header
    };
    begun.unwrap_or_else(any).to_vec()
}

/// A FILE UNWRAP command of a key sealed to the module's team, if it tells which that is.
pub fn unwrap_command(module: &mut impl Commands) -> Vec<u8> {
    match recipient(module) {
        Ok(recipient) => unwrap_data(&wrap::<RustCrypto>(&recipient, [7; FILE_KEY])),
        Err(_refused) => vec![0; SealedFileKey::SIZE],
    }
}

fn any_header() -> [u8; FileHeader::SIZE] {
    let header = FileHeader {
        mode: FileMode::InModule(EncryptionMode::default()),
        group: [1; 8],
        epoch: [2; 8],
        chunk_size: 64,
        salt: [2; 32],
    };
    header.to_bytes().expect("a header")
}
