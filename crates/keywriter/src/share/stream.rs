//! Encrypting, decrypting and inspecting a stream.

use super::{
    ShareError,
    chunks::{FileChunk, FileChunks, PlainChunks, header},
};
use crate::{
    module::{Command, ConnectedModule, ModuleError},
    pipeline::{Source, carry},
};
use hsm_protocol::{
    Status,
    command::ins,
    file::{CHUNK_OVERHEAD, FileHeader, Lead, OpenChunk, SealChunk},
    limits,
    writer::Writer,
};
use std::io::{Read, Write};

/// Encrypts `input` into `output`, inside a module. Calls `progress` after every chunk with the number of bytes that are
/// done. Returns the header and that number.
pub fn encrypt_in_module(
    module: &mut ConnectedModule,
    input: &mut dyn Source,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<(FileHeader, u64), ShareError> {
    encrypt_chunks(module, CHUNK_SIZE, input, output, progress)
}

/// Encrypts in chunks of another size.
pub(super) fn encrypt_chunks(
    module: &mut ConnectedModule,
    chunk_size: u32,
    input: &mut dyn Source,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<(FileHeader, u64), ShareError> {
    let bytes = module.file_begin(chunk_size)?;
    let malformed = malformed(module);
    let header = FileHeader::parse(&bytes).map_err(|_bad| malformed())?;
    output.write_all(&bytes).map_err(ShareError::Write)?;
    let size = usize::try_from(chunk_size).unwrap_or(0);
    let mut chunks = PlainChunks::new(size);
    let mut total = 0;
    carry(
        module,
        // One byte more than a chunk: see `PlainChunks`.
        Command::new(ins::FILE_SEAL, 0, SealChunk::FIELDS + size + 1),
        input,
        |input, data| {
            let (fields, room) = data
                .split_at_mut_checked(SealChunk::FIELDS)
                .ok_or_else(&malformed)?;
            let Some(chunk) = chunks.next(input, room)? else {
                return Ok(None);
            };
            let mut fields = Writer::new(fields);
            SealChunk::write_fields(&mut fields, &bytes, chunk.index, chunk.last)
                .map_err(|_full| malformed())?;
            let lead = Lead {
                last: chunk.last,
                len: u32::try_from(chunk.len).unwrap_or(u32::MAX),
            };
            Ok(Some((SealChunk::FIELDS + chunk.len, lead)))
        },
        |lead: Lead, chunk| {
            // The module's own framing is checked: a file that it cannot open again is not written.
            let is_framed = chunk.starts_with(&lead.to_bytes())
                && chunk.len() == lead.cipher_len(header.mode) + CHUNK_OVERHEAD;
            if !is_framed {
                return Err(malformed());
            }
            output.write_all(chunk).map_err(ShareError::Write)?;
            total += u64::from(lead.len);
            progress(total);
            Ok(())
        },
    )?;
    output.flush().map_err(ShareError::Write)?;
    Ok((header, total))
}

/// Decrypts the chunks that follow a header, which [`read_header`] has read, inside a module. A chunk is written once its tag was
/// verified; an error may come after some were.
pub fn decrypt_in_module(
    module: &mut ConnectedModule,
    header: &FileHeader,
    input: &mut dyn Source,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, ShareError> {
    let malformed = malformed(module);
    let bytes = header.to_bytes().map_err(|_full| ShareError::Header)?;
    let mut chunks = FileChunks::new(header);
    let (mut total, mut next) = (0, 0);
    let carried = carry(
        module,
        Command::new(ins::FILE_OPEN, 0, OpenChunk::FIELDS + chunks.room()),
        input,
        |input, data| {
            let (fields, room) = data
                .split_at_mut_checked(OpenChunk::FIELDS)
                .ok_or_else(&malformed)?;
            let Some(chunk) = chunks.next(input, room)? else {
                return Ok(None);
            };
            let mut fields = Writer::new(fields);
            fields
                .bytes(&bytes)
                .and_then(|()| fields.u64(chunk.index))
                .map_err(|_full| ShareError::Header)?;
            Ok(Some((OpenChunk::FIELDS + chunk.len, chunk)))
        },
        |FileChunk { index, lead, .. }, plain| {
            next = index + 1;
            if plain.len() != usize::try_from(lead.len).unwrap_or(usize::MAX) {
                return Err(malformed());
            }
            output.write_all(plain).map_err(ShareError::Write)?;
            total += u64::from(lead.len);
            progress(total);
            Ok(())
        },
    );
    carried.map_err(|error| match error {
        ShareError::Module(ModuleError::Refused(Status::NotAuthentic)) => ShareError::Changed(next),
        other => other,
    })?;
    output.flush().map_err(ShareError::Write)?;
    Ok(total)
}

/// Makes the error of a module whose answers have the wrong shape.
fn malformed(module: &ConnectedModule) -> impl Fn() -> ShareError + Sync + use<> {
    let location = module.location().clone();
    move || ModuleError::malformed(&location).into()
}

/// Reads a file's header, from the file's first byte.
pub fn read_header(input: &mut dyn Read) -> Result<FileHeader, ShareError> {
    header(input).map(|(header, _)| header)
}

/// What can be read of a file without a module.
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

/// Reads a whole file and checks its shape. Only a module can tell whether it was changed.
pub fn inspect(input: &mut dyn Read) -> Result<Inspection, ShareError> {
    let (header, bytes) = header(input)?;
    let mut inspection = Inspection {
        header,
        chunks: 0,
        plain: 0,
        size: u64::try_from(bytes.len()).unwrap_or(0),
    };
    let mut chunks = FileChunks::new(&header);
    let mut room = vec![0; chunks.room()];
    while let Some(chunk) = chunks.next(input, &mut room)? {
        inspection.chunks += 1;
        inspection.plain += u64::from(chunk.lead.len);
        inspection.size += u64::try_from(chunk.len).unwrap_or(0);
    }
    Ok(inspection)
}

/// As much as one command carries.
pub(super) const CHUNK_SIZE: u32 = 61_440;

const _: () = assert!(CHUNK_SIZE as usize == limits::CIPHER_DATA, "a full command");
