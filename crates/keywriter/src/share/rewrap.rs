//! Files of an older epoch into the current one: chunk by chunk, so that a file keeps its size, its shape and its kind. No
//! plaintext is written anywhere.

use super::{
    FastFile, ShareError, Whose,
    chunks::FileChunks,
    finder::{self, Need},
    many::NotDecryptable,
};
use crate::{
    module::{ConnectedModule, ModuleError},
    pipeline::Source,
    survey::{Present, Survey},
};
use hsm_protocol::{
    EpochName, Serial, Status,
    command::ins,
    file::{FileHeader, FileMode},
};
use std::io::{Read, Write};

/// A file, and the module that can bring it into the current epoch.
pub struct Rewrap<'a> {
    present: &'a mut Present,
    header: FileHeader,
    from: Whose,
    to: EpochName,
}

impl<'a> Rewrap<'a> {
    /// Finds a module that can read the file with that header. The current epoch is that module's.
    pub fn find(
        survey: &'a mut Survey,
        named: Option<Serial>,
        header: &FileHeader,
    ) -> Result<Self, NotDecryptable> {
        let present = finder::find(survey, named, Need::File(header))?;
        let from = present.module.file_identify(header)?;
        let to = present.module.status()?.epoch;
        Ok(Self {
            present,
            header: *header,
            from,
            to,
        })
    }

    /// Returns the serial number of the module.
    pub const fn serial(&self) -> Serial {
        self.present.facts.serial
    }

    /// Returns the epoch that the file is in.
    pub const fn from(&self) -> EpochName {
        self.from.epoch
    }

    /// Returns the current epoch.
    pub const fn to(&self) -> EpochName {
        self.to
    }

    /// Returns whether there is nothing to do.
    pub fn is_current(&self) -> bool {
        self.from.epoch == self.to
    }

    /// Reads the chunks that follow the header in `input`, and writes the whole file in the current epoch. A fast file stays
    /// one, unless its module keeps the keys of files. Calls `progress` with the number of plaintext bytes that are done.
    pub fn run(
        self,
        input: &mut dyn Source,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, ShareError> {
        let module = &mut self.present.module;
        let fast = match self.header.mode {
            FileMode::Fast => released(module, &self.header)?,
            FileMode::InModule(_) => None,
        };
        match fast {
            Some((old, new)) => new.replace(&old, input, output, progress),
            None => through(module, &self.header, input, output, progress),
        }
    }
}

/// Returns the old file's key and a new one. `None`: the module keeps the keys of files.
fn released(
    module: &mut ConnectedModule,
    header: &FileHeader,
) -> Result<Option<(FastFile, FastFile)>, ModuleError> {
    let old = match module.file_release(&[*header]) {
        Err(ModuleError::Refused(Status::KeysStay)) => return Ok(None),
        released => released?.pop(),
    };
    let old = old.unwrap_or(Err(Status::NotFound));
    let old = old.map_err(ModuleError::Refused)?;
    let new = module.file_begin_fast(header.chunk_size, 1)?.pop();
    let new = new.ok_or_else(|| ModuleError::malformed(module.location()))?;
    Ok(Some((old, new)))
}

/// Passes each chunk through the module twice: opened, then sealed under the new header.
fn through(
    module: &mut ConnectedModule,
    old: &FileHeader,
    input: &mut dyn Read,
    output: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
) -> Result<u64, ShareError> {
    let new = module.file_begin(old.chunk_size)?;
    let old_bytes = old.to_bytes().map_err(|_full| ShareError::Header)?;
    output.write_all(&new).map_err(ShareError::Write)?;
    let mut chunks = FileChunks::new(old);
    let mut room = vec![0; chunks.room()];
    let mut total = 0;
    while let Some(chunk) = chunks.next(input, &mut room)? {
        let index = chunk.index.to_be_bytes();
        let sealed = room.get(..chunk.len).unwrap_or_default();
        let plain = module
            .command(
                ins::FILE_OPEN,
                0,
                &[&old_bytes[..], &index, sealed].concat(),
            )
            .map_err(|error| match error {
                ModuleError::Refused(Status::NotAuthentic) => ShareError::Changed(chunk.index),
                error => error.into(),
            })?;
        let last = [u8::from(chunk.lead.last)];
        let anew = module.command(
            ins::FILE_SEAL,
            0,
            &[&new[..], &index, &last, &plain].concat(),
        )?;
        output.write_all(&anew).map_err(ShareError::Write)?;
        total += u64::from(chunk.lead.len);
        progress(total);
    }
    output.flush().map_err(ShareError::Write)?;
    Ok(total)
}
