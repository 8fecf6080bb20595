//! Encrypting, decrypting and inspecting a stream.

use super::{
    ShareError,
    body::{Body, Frame, fill, header},
    patience::{Patient, Source, Stop},
    pipe::{self, Stopped},
};
use crate::module::{ConnectedModule, ModuleError};
use hsm_protocol::{
    Status,
    command::{CLA, ins},
    file::{FileHeader, Lead, OpenChunk, SealChunk},
    limits,
    writer::Writer,
};
use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

/// What was done.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The file's header.
    pub header: FileHeader,
    /// The plaintext, in bytes.
    pub bytes: u64,
    /// Where the time went.
    pub stages: Stages,
}

/// How long each stage was busy or waited. They run at the same time: the sum is more than the whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// Reading the input.
    pub read: Duration,
    /// Waiting until commands were on their way.
    pub send: Duration,
    /// Waiting for the module's answers.
    pub receive: Duration,
    /// Writing the output.
    pub write: Duration,
}

/// Encrypts `input` into `output`; `progress` hears of every chunk how many bytes are done.
pub fn encrypt(
    module: &mut ConnectedModule,
    input: &mut dyn Source,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, ShareError> {
    encrypt_in(module, CHUNK_SIZE, input, output, progress)
}

/// Likewise, in chunks of another size.
pub(super) fn encrypt_in(
    module: &mut ConnectedModule,
    chunk_size: u32,
    input: &mut dyn Source,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, ShareError> {
    let bytes = module.file_begin(chunk_size)?;
    let place = module.place().clone();
    let malformed = || ModuleError::Malformed {
        place: place.clone(),
    };
    let header = FileHeader::parse(&bytes).map_err(|_bad| malformed())?;
    output.write_all(&bytes).map_err(ShareError::Write)?;
    let size = usize::try_from(chunk_size).unwrap_or(0);
    let (mut total, mut read) = (0, Duration::ZERO);
    let stop = Stop::new();
    let mut input = Patient::new(input, module.transport(), &stop);
    let times = pipe::run(
        module,
        &stop,
        |feed| {
            let mut current = Command::new(ins::FILE_SEAL, SealChunk::FIELDS, size);
            let mut next = Command::new(ins::FILE_SEAL, SealChunk::FIELDS, size);
            let mut fetch = |command: &mut Command| {
                let began = Instant::now();
                let len = fill(&mut input, command.payload()).map_err(ShareError::read);
                read += began.elapsed();
                len
            };
            let mut len = fetch(&mut current)?;
            for index in 0.. {
                // Only what comes behind it tells whether a full chunk is the last.
                let following = if len == size { fetch(&mut next)? } else { 0 };
                let last = following == 0;
                SealChunk::write_fields(&mut current.fields(), &bytes, index, last)
                    .map_err(|_full| malformed())
                    .map_err(ShareError::from)?;
                feed.send(
                    current.whole(len),
                    Lead {
                        last,
                        len: length(len),
                    },
                )?;
                if last {
                    break;
                }
                std::mem::swap(&mut current, &mut next);
                len = following;
            }
            Ok(())
        },
        |lead, chunk| {
            // The module's own framing is checked: a file that it cannot open again is not written.
            let is_framed = chunk.starts_with(&lead.to_bytes())
                && chunk.len() == lead.padded() + hsm_protocol::file::CHUNK_OVERHEAD;
            if !is_framed {
                return Err(malformed().into());
            }
            output.write_all(chunk).map_err(ShareError::Write)?;
            total += u64::from(lead.len);
            progress(total);
            Ok(())
        },
    )?;
    output.flush().map_err(ShareError::Write)?;
    Ok(Summary {
        header,
        bytes: total,
        stages: Stages::of(read, times),
    })
}

/// Decrypts what is behind a header that [`read_header`] has read. A chunk is written once its tag has verified; an error
/// may come after some were.
pub fn decrypt(
    module: &mut ConnectedModule,
    header: &FileHeader,
    input: &mut dyn Source,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, ShareError> {
    let place = module.place().clone();
    let malformed = || ModuleError::Malformed {
        place: place.clone(),
    };
    let bytes = header.to_bytes().map_err(|_full| ShareError::Header)?;
    let (mut total, mut read) = (0, Duration::ZERO);
    let mut current = 0;
    let stop = Stop::new();
    let mut input = Patient::new(input, module.transport(), &stop);
    let times = pipe::run(
        module,
        &stop,
        |feed| {
            let mut body = Body::new(&mut input, header);
            let mut command = Command::new(ins::FILE_OPEN, OpenChunk::FIELDS, body.room());
            loop {
                let began = Instant::now();
                let frame = body.next(command.payload())?;
                read += began.elapsed();
                let Some(frame) = frame else {
                    return Ok(());
                };
                let mut fields = command.fields();
                fields
                    .bytes(&bytes)
                    .and_then(|()| fields.u64(frame.index))
                    .map_err(|_full| Stopped::Here(ShareError::Header))?;
                feed.send(command.whole(frame.len), frame)?;
            }
        },
        |frame: Frame, plain| {
            current = frame.index + 1;
            if plain.len() != usize::try_from(frame.lead.len).unwrap_or(usize::MAX) {
                return Err(malformed().into());
            }
            output.write_all(plain).map_err(ShareError::Write)?;
            total += u64::from(frame.lead.len);
            progress(total);
            Ok(())
        },
    );
    let times = times.map_err(|error| match error {
        ShareError::Module(ModuleError::Refused(Status::NotAuthentic)) => {
            ShareError::Changed(current)
        }
        other => other,
    })?;
    output.flush().map_err(ShareError::Write)?;
    Ok(Summary {
        header: *header,
        bytes: total,
        stages: Stages::of(read, times),
    })
}

/// Reads a file's header, from the file's first byte.
pub fn read_header(input: &mut dyn Read) -> Result<FileHeader, ShareError> {
    header(input).map(|(header, _)| header)
}

/// What a file says of itself, without a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Its header.
    pub header: FileHeader,
    /// How many chunks it has.
    pub chunks: u64,
    /// The plaintext, in bytes.
    pub plain: u64,
    /// The whole file, in bytes.
    pub size: u64,
}

/// Reads a whole file and checks its frame. Whether it was changed only a module can tell.
pub fn inspect(input: &mut dyn Read) -> Result<Inspection, ShareError> {
    let (header, bytes) = header(input)?;
    let mut inspection = Inspection {
        header,
        chunks: 0,
        plain: 0,
        size: u64::try_from(bytes.len()).unwrap_or(0),
    };
    let mut body = Body::new(input, &header);
    let mut chunk = vec![0; body.room()];
    while let Some(frame) = body.next(&mut chunk)? {
        inspection.chunks += 1;
        inspection.plain += u64::from(frame.lead.len);
        inspection.size += u64::try_from(frame.len).unwrap_or(0);
    }
    Ok(inspection)
}

impl Stages {
    const fn of(read: Duration, times: pipe::Times) -> Self {
        Self {
            read,
            send: times.send,
            receive: times.receive,
            write: times.take,
        }
    }
}

/// A command APDU of extended length, whose payload is read straight into its place.
struct Command {
    bytes: Vec<u8>,
    fields: usize,
}

impl Command {
    /// CLA, INS, P1, P2, `00` and Lc.
    const HEAD: usize = 7;
    /// Le: everything.
    const TAIL: usize = 2;

    fn new(ins: u8, fields: usize, payload: usize) -> Self {
        let mut bytes = vec![0; Self::HEAD + fields + payload + Self::TAIL];
        if let Some(head) = bytes.first_chunk_mut() {
            *head = [CLA, ins, 0, 0];
        }
        Self { bytes, fields }
    }

    /// The fields before the payload.
    fn fields(&mut self) -> Writer<'_> {
        let range = Self::HEAD..Self::HEAD + self.fields;
        Writer::new(self.bytes.get_mut(range).unwrap_or_default())
    }

    fn payload(&mut self) -> &mut [u8] {
        let end = self.bytes.len() - Self::TAIL;
        let range = Self::HEAD + self.fields..end;
        self.bytes.get_mut(range).unwrap_or_default()
    }

    /// The APDU, with so many bytes of payload.
    fn whole(&mut self, payload: usize) -> &[u8] {
        let data = self.fields + payload;
        let [.., high, low] = data.to_be_bytes();
        let end = Self::HEAD + data;
        if let Some(lc) = self.bytes.get_mut(5..Self::HEAD) {
            lc.copy_from_slice(&[high, low]);
        }
        if let Some(le) = self.bytes.get_mut(end..end + Self::TAIL) {
            le.fill(0);
        }
        self.bytes.get(..end + Self::TAIL).unwrap_or_default()
    }
}

fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// As much as one command carries.
const CHUNK_SIZE: u32 = 61_440;

const _: () = assert!(CHUNK_SIZE as usize == limits::CIPHER_DATA, "a full command");
