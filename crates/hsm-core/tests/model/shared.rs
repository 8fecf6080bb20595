//! Shared files as bytes: the commands of a host that keeps what came, and what is compared of an answer.

use crate::{
    Crypto,
    command::Raw,
    files::{FileCommand, FileContent, FileSend, Of, Suite, Twist},
    message::Command,
    world::{Whose, World, same},
};
use hsm_protocol::{
    command::ins,
    file::{
        CHUNK_OVERHEAD, FAST_KEY, FILE_KEY, FastKey, FileHeader, FileMode, Lead, Recipient,
        SealChunk,
    },
    reader::Reader,
    settings::EncryptionMode,
    signed::{CHALLENGE, SignedFields},
    writer::Writer,
};
use hsm_testbench::{files, hybrid};

/// What a host has of files.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) begun: Vec<Begun>,
    chunks: Vec<Chunk>,
    told: Vec<Told>,
    fast: Vec<Fast>,
}

/// A fast file that was begun.
struct Fast {
    of: Of,
    header: FileHeader,
    key: [u8; FAST_KEY],
}

/// A file that was begun.
pub(crate) struct Begun {
    file: u64,
    of: Of,
    pub(crate) header: FileHeader,
    /// Chunks that came.
    sealed: u64,
}

/// A chunk that came.
pub(crate) struct Chunk {
    /// Which of the files begun.
    begun: usize,
    index: u64,
    plain: Vec<u8>,
    bytes: Vec<u8>,
}

/// A recipient that was told.
pub(crate) struct Told {
    of: Of,
    suite: Suite,
    bytes: Vec<u8>,
}

impl Shared {
    /// The salts of all headers: they are public.
    pub(crate) fn salts(&self) -> impl Iterator<Item = [u8; 32]> {
        let begun = self.begun.iter().map(|begun| begun.header.salt);
        begun.chain(self.fast.iter().map(|fast| fast.header.salt))
    }
}

impl World {
    /// The command that is meant, for the model and as bytes; `None` where there is nothing yet to carry.
    pub(crate) fn about_files(&self, send: FileSend) -> Option<(Command, Raw)> {
        let (command, raw) = match send {
            FileSend::Begin { is_size_right } => {
                let (size, command) = if is_size_right {
                    (64_u32, FileCommand::Begin)
                } else {
                    (65, FileCommand::Shapeless)
                };
                (
                    command,
                    Raw::new(ins::FILE_BEGIN, 0, size.to_be_bytes().into()),
                )
            }
            FileSend::Seal {
                back,
                off,
                last,
                len,
            } => {
                let begun = from_last(&self.shared.begun, back)?;
                let index = begun.sealed.saturating_add_signed(off);
                let plain = vec![0xA7; len];
                let raw = seal(&begun.header, index, last, &plain);
                let command = FileCommand::Seal {
                    file: Some(begun.file),
                    index,
                    last,
                    plain,
                };
                (command, raw)
            }
            FileSend::SealOfNobody => {
                let header = FileHeader {
                    mode: FileMode::InModule(EncryptionMode::Xts),
                    group: [9; 8],
                    epoch: [9; 8],
                    chunk_size: 64,
                    salt: [9; 32],
                };
                let command = FileCommand::Seal {
                    file: None,
                    index: 0,
                    last: true,
                    plain: vec![7],
                };
                (command, seal(&header, 0, true, &[7]))
            }
            FileSend::Open { back, twist } => {
                self.open(from_last(&self.shared.chunks, back)?, twist)
            }
            FileSend::Identify { back, twist } => {
                let begun = from_last(&self.shared.begun, back)?;
                let command = FileCommand::Identify {
                    of: twisted(begun.of, twist),
                };
                (command, about_header(0, begun.header, twist))
            }
            FileSend::BeginFast { count } => {
                let data = [&files::CHUNK_SIZE[..], &count.to_be_bytes()].concat();
                let command = FileCommand::BeginFast { count };
                (command, Raw::new(ins::FILE_BEGIN, 1, data))
            }
            FileSend::Release { back, twist } => {
                let fast = from_last(&self.shared.fast, back)?;
                let command = FileCommand::Release {
                    of: twisted(fast.of, twist),
                    key: (twist == Twist::Nothing).then_some(fast.key),
                };
                (command, about_header(1, fast.header, twist))
            }
            FileSend::Recipient(suite) => (
                FileCommand::Recipient(suite),
                Raw::new(ins::FILE_RECIPIENT, suite.p1(), vec![7; CHALLENGE]),
            ),
            FileSend::Unwrap { back, is_altered } => {
                unwrap(from_last(&self.shared.told, back)?, is_altered)
            }
        };
        Some((Command::File(command), raw))
    }

    fn open(&self, chunk: &Chunk, twist: Twist) -> (FileCommand, Raw) {
        let begun = &self.shared.begun[chunk.begun];
        let (mut header, mut index) = (begun.header, chunk.index);
        let mut bytes = chunk.bytes.clone();
        let mut is_shaped = true;
        match twist {
            Twist::Nothing => {}
            Twist::Tag => *bytes.last_mut().expect("a tag") ^= 1,
            // The tag's first byte where there is no ciphertext.
            Twist::Cipher => bytes[Lead::SIZE] ^= 0x80,
            Twist::Place => {
                index += 1;
                // Only the first may be empty.
                is_shaped = !chunk.plain.is_empty();
            }
            Twist::Mode => {
                header.mode = match header.mode {
                    FileMode::InModule(EncryptionMode::Xts) => {
                        FileMode::InModule(EncryptionMode::Ecb)
                    }
                    FileMode::InModule(EncryptionMode::Ecb) | FileMode::Fast => {
                        FileMode::InModule(EncryptionMode::Xts)
                    }
                }
            }
            Twist::Group => header.group[0] ^= 1,
            Twist::Epoch => header.epoch[7] ^= 1,
            Twist::Lead => {
                bytes[1] ^= 1;
                is_shaped = false;
            }
        }
        let header = header.to_bytes().expect("a header");
        let data = [&header[..], &index.to_be_bytes(), &bytes].concat();
        let command = if is_shaped {
            FileCommand::Open {
                of: twisted(begun.of, twist),
                is_stanza: false,
                is_authentic: matches!(twist, Twist::Nothing | Twist::Group | Twist::Epoch),
                is_key: false,
                plain: chunk.plain.clone(),
            }
        } else {
            FileCommand::Shapeless
        };
        (command, Raw::new(ins::FILE_OPEN, 0, data))
    }

    /// Compares what came, and keeps what later commands carry.
    pub(crate) fn file_answered(
        &mut self,
        index: usize,
        content: FileContent,
        bytes: Vec<u8>,
    ) -> Result<(), String> {
        let stored = &self.models[index].stored;
        let epoch = stored.team.current().map(|current| current.id);
        let (of, mode) = (
            Of {
                group: stored.group,
                epoch,
            },
            stored.mode,
        );
        match content {
            FileContent::Header(file) => {
                let header = bytes.as_slice().try_into().map(FileHeader::parse);
                let Ok(Ok(header)) = header else {
                    return Err(format!("no header: {bytes:?}"));
                };
                // What the tags are is a secret of the group; that they are right shows when it is asked.
                let expected = FileHeader {
                    mode: FileMode::InModule(mode),
                    chunk_size: 64,
                    ..header
                };
                let is_known = |begun: &Begun| {
                    let Begun { header: other, .. } = begun;
                    other.salt == header.salt
                        || other.group == header.group
                        || other.epoch == header.epoch
                };
                same(
                    "a salt or tag again",
                    &self.shared.begun.iter().any(is_known),
                    &false,
                )?;
                self.shared.begun.push(Begun {
                    file,
                    of,
                    header,
                    sealed: 0,
                });
                same("a header", &header, &expected)
            }
            FileContent::Chunk {
                file,
                index,
                last,
                plain,
            } => {
                let begun = self
                    .shared
                    .begun
                    .iter()
                    .position(|begun| begun.file == file);
                let begun = begun.ok_or("a chunk of a file whose header is unknown")?;
                self.shared.begun[begun].sealed = index + 1;
                let len = u32::try_from(plain.len()).expect("short");
                let lead = Lead { last, len };
                same(
                    "a chunk's size",
                    &bytes.len(),
                    &(lead.cipher_len(FileMode::InModule(mode)) + CHUNK_OVERHEAD),
                )?;
                same("its lead", &bytes.first_chunk(), &Some(&lead.to_bytes()))?;
                let is_plain = !plain.is_empty() && bytes[Lead::SIZE..].starts_with(&plain);
                same("a ciphertext that is plain", &is_plain, &false)?;
                self.shared.chunks.push(Chunk {
                    begun,
                    index,
                    plain,
                    bytes,
                });
                Ok(())
            }
            FileContent::Recipient(suite) => {
                let signed = SignedFields::parse(&bytes).map_err(|error| error.to_string())?;
                let bytes = signed.fields.to_vec();
                let head = bytes.get(..Whose::SIZE).unwrap_or_default();
                let epoch = epoch.ok_or("a group without an epoch")?;
                self.is_of(epoch, head)?;
                let is_known = |told: &&Told| told.of.epoch == of.epoch && told.suite == suite;
                if let Some(known) = self.shared.told.iter().find(is_known) {
                    return same("the team's recipient", &bytes, &known.bytes);
                }
                self.shared.told.push(Told { of, suite, bytes });
                Ok(())
            }
            FileContent::FastFiles(count) => self.fast_files(of, count, &bytes),
            FileContent::Released(expected, epoch) => {
                let mut reader = Reader::new(bytes.get(16..).unwrap_or_default());
                let read = FastKey::read(&mut reader).map_err(|error| format!("{error:?}"))?;
                if let Ok(key) = &read {
                    let whose = [&bytes[..16], &key.epoch.to_bytes()].concat();
                    self.is_of(epoch, &whose)?;
                }
                let key = read.map(|fast| Some(*fast.key));
                same("a released key", &key, &expected)
            }
            FileContent::Whose(epoch) => self.is_of(epoch, &bytes),
            FileContent::Plain(plain) => same("what was sealed", &bytes, &plain),
        }
    }

    /// Keeps the fast files that were begun. No salt, tag or key comes twice.
    fn fast_files(&mut self, of: Of, count: u16, bytes: &[u8]) -> Result<(), String> {
        let epoch = of.epoch.ok_or("a group without an epoch")?;
        self.is_of(epoch, bytes.get(..Whose::SIZE).unwrap_or_default())?;
        let (files, rest) = bytes[Whose::SIZE..].as_chunks::<92>();
        same("fast files", &files.len(), &usize::from(count))?;
        same("bytes after them", &rest.len(), &0)?;
        for file in files {
            let (header, key) = file.split_first_chunk().ok_or("short")?;
            let header = FileHeader::parse(header).map_err(|bad| format!("{bad:?}"))?;
            let key: [u8; FAST_KEY] = key.try_into().map_err(|_length| "a key's length")?;
            let mode = (header.mode, header.chunk_size);
            same("a fast file's header", &mode, &(FileMode::Fast, 64))?;
            let is_known = |fast: &Fast| {
                fast.header.salt == header.salt
                    || fast.header.group == header.group
                    || fast.header.epoch == header.epoch
                    || fast.key == key
            };
            let again = self.shared.fast.iter().any(is_known);
            same("a salt, tag or key again", &again, &false)?;
            self.shared.fast.push(Fast { of, header, key });
        }
        Ok(())
    }

    /// Whether these are the group and the name that an epoch is known by, from the first time on.
    fn is_of(&mut self, epoch: u64, bytes: &[u8]) -> Result<(), String> {
        let seen = Whose::read(bytes)?;
        let known = self.epochs.entry(epoch).or_insert(seen);
        same("group and epoch", &seen, known)
    }
}

impl Suite {
    const fn p1(self) -> u8 {
        match self {
            Self::Classical => 0,
            Self::Hybrid => 1,
        }
    }
}

/// What a header is of, after a twist.
fn twisted(of: Of, twist: Twist) -> Option<Of> {
    match twist {
        Twist::Group => None,
        Twist::Epoch => Some(Of { epoch: None, ..of }),
        _ => Some(of),
    }
}

/// FILE UNWRAP of a key sealed to a recipient.
fn unwrap(told: &Told, is_altered: bool) -> (FileCommand, Raw) {
    let key = [0x5C; FILE_KEY];
    let mut data = match told.suite {
        Suite::Classical => {
            let to = Recipient::parse(&told.bytes).expect("it was parsed before");
            files::unwrap_data(&files::wrap::<Crypto>(&to, key))
        }
        Suite::Hybrid => hybrid::seal::<Crypto>(&told.bytes, key),
    };
    if is_altered {
        *data.last_mut().expect("a tag") ^= 1;
    }
    let command = FileCommand::Open {
        of: Some(told.of),
        is_stanza: true,
        is_authentic: !is_altered,
        is_key: true,
        plain: key.to_vec(),
    };
    (command, Raw::new(ins::FILE_UNWRAP, told.suite.p1(), data))
}

/// FILE IDENTIFY of a header that may be changed.
fn about_header(p1: u8, mut header: FileHeader, twist: Twist) -> Raw {
    match twist {
        Twist::Group => header.group[7] ^= 1,
        Twist::Epoch => header.epoch[0] ^= 1,
        _ => {}
    }
    let header = header.to_bytes().expect("a header");
    Raw::new(ins::FILE_IDENTIFY, p1, header.into())
}

fn seal(header: &FileHeader, index: u64, last: bool, plain: &[u8]) -> Raw {
    let header = header.to_bytes().expect("a header");
    let mut data = vec![0; SealChunk::FIELDS];
    let mut writer = Writer::new(&mut data);
    SealChunk::write_fields(&mut writer, &header, index, last).expect("fits");
    data.extend_from_slice(plain);
    Raw::new(ins::FILE_SEAL, 0, data)
}

fn from_last<T>(of: &[T], back: usize) -> Option<&T> {
    of.iter().nth_back(back)
}
