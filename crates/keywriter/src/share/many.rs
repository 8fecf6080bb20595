//! Many files, one after the other: the keys of fast files are fetched for many at once, and files are ciphered inside a
//! module where that is wanted, or where the module keeps its keys.

use super::{
    FastFile, ShareError, Whose,
    finder::{self, Need, NotFound},
    stream::{CHUNK_SIZE, decrypt_in_module, encrypt_in_module},
};
use crate::{
    module::{ConnectedModule, ModuleError},
    pipeline::Source,
    survey::{Present, Survey},
};
use hsm_protocol::{
    Serial, Status,
    file::{FileHeader, FileMode},
    limits::FAST_KEYS,
    settings::ModuleStatus,
};
use std::io::Write;

/// Who ciphers files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// This computer, with a key for each file that the module releases.
    Fast,
    /// The module: no key leaves it, and every byte goes through it.
    InModule,
}

impl Way {
    /// Returns the way that is possible with a module of that status.
    fn with(self, status: Option<ModuleStatus>) -> Self {
        if status.is_some_and(|status| !status.releases_keys) {
            Self::InModule
        } else {
            self
        }
    }
}

/// What was done.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The file's header.
    pub header: FileHeader,
    /// Which team's file it is.
    pub whose: Whose,
    /// The plaintext, in bytes.
    pub bytes: u64,
}

/// Encrypts files with one module.
pub struct Encryption {
    present: Present,
    way: Way,
    /// How many files will come.
    left: usize,
    begun: Vec<FastFile>,
}

impl Encryption {
    /// Encrypts so many files with that module, fast if it is wanted and the module allows it.
    pub fn new(present: Present, wanted: Way, files: usize) -> Self {
        Self {
            way: wanted.with(present.facts.status),
            present,
            left: files,
            begun: Vec::new(),
        }
    }

    /// Returns the module's serial number.
    pub const fn serial(&self) -> Serial {
        self.present.facts.serial
    }

    /// Returns how the files are encrypted.
    pub const fn way(&self) -> Way {
        self.way
    }

    /// Encrypts `input` into `output`. Calls `progress` with the number of bytes that are done.
    pub fn encrypt(
        &mut self,
        input: &mut dyn Source,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Summary, ShareError> {
        let module = &mut self.present.module;
        let left = self.left;
        self.left = left.saturating_sub(1);
        match self.way {
            Way::Fast => {
                if self.begun.is_empty() {
                    let count = left.clamp(1, FAST_KEYS);
                    let count = u16::try_from(count).unwrap_or(1);
                    self.begun = module.file_begin_fast(CHUNK_SIZE, count)?;
                }
                let file = self.begun.pop();
                let file = file.ok_or_else(|| ModuleError::malformed(module.location()))?;
                let (header, whose) = (*file.header(), file.whose());
                Ok(Summary {
                    header,
                    whose,
                    bytes: file.encrypt(input, output, progress)?,
                })
            }
            Way::InModule => {
                let (header, bytes) = encrypt_in_module(module, input, output, progress)?;
                Ok(Summary {
                    header,
                    whose: module.file_identify(&header)?,
                    bytes,
                })
            }
        }
    }
}

/// Decrypts files with any modules that can.
pub struct Decryption {
    survey: Survey,
    named: Option<Serial>,
    wanted: Way,
    /// Files whose keys were released ahead, and the module that did.
    released: Vec<(Serial, FastFile)>,
}

/// A file that can be decrypted.
pub struct Decryptable<'a> {
    serial: Serial,
    header: FileHeader,
    whose: Whose,
    with: With<'a>,
}

/// What deciphers a file.
enum With<'a> {
    Key(FastFile),
    Module(&'a mut ConnectedModule),
}

impl Decryptable<'_> {
    /// Returns the serial number of the module that can do it.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns who will decipher it.
    pub const fn way(&self) -> Way {
        match self.with {
            With::Key(_) => Way::Fast,
            With::Module(_) => Way::InModule,
        }
    }

    /// Decrypts the chunks that follow the header in `input`. A chunk is written once its tag was verified; an error may
    /// come after some were. Calls `progress` with the number of bytes that are done.
    pub fn decrypt(
        self,
        input: &mut dyn Source,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Summary, ShareError> {
        let Self { header, whose, .. } = self;
        let bytes = match self.with {
            With::Key(file) => file.decrypt(input, output, progress)?,
            With::Module(module) => decrypt_in_module(module, &header, input, output, progress)?,
        };
        Ok(Summary {
            header,
            whose,
            bytes,
        })
    }
}

impl Decryption {
    /// Decrypts with the surveyed modules, or with the named one of them: fast, where it is wanted, the file is a fast one
    /// and the module allows it.
    pub const fn new(survey: Survey, named: Option<Serial>, wanted: Way) -> Self {
        Self {
            survey,
            named,
            wanted,
            released: Vec::new(),
        }
    }

    /// Finds a module that can decrypt the file with that header. If it has to be asked for a key, it is asked for those of
    /// the files that follow, too: `following` returns at most so many headers.
    pub fn find(
        &mut self,
        header: &FileHeader,
        following: impl FnOnce(usize) -> Vec<FileHeader>,
    ) -> Result<Decryptable<'_>, NotDecryptable> {
        let is_it = |(_, file): &(Serial, FastFile)| file.header() == header;
        if let Some(at) = self.released.iter().position(is_it) {
            let (serial, file) = self.released.swap_remove(at);
            return Ok(Decryptable {
                serial,
                header: *header,
                whose: file.whose(),
                with: With::Key(file),
            });
        }
        let present = finder::find(&mut self.survey, self.named, Need::File(header))?;
        let serial = present.facts.serial;
        let way = self.wanted.with(present.facts.status);
        if header.mode == FileMode::Fast && way == Way::Fast {
            let mut headers = vec![*header];
            headers.extend(following(FAST_KEYS - 1));
            if let Some((file, others)) = release(&mut present.module, &headers)? {
                let others = others.into_iter().map(|file| (serial, file));
                self.released = others.collect();
                return Ok(Decryptable {
                    serial,
                    header: *header,
                    whose: file.whose(),
                    with: With::Key(file),
                });
            }
        }
        Ok(Decryptable {
            serial,
            header: *header,
            whose: present.module.file_identify(header)?,
            with: With::Module(&mut present.module),
        })
    }
}

/// Asks for the keys of the first file and of those after it. `None`: the module keeps them by now.
fn release(
    module: &mut ConnectedModule,
    headers: &[FileHeader],
) -> Result<Option<(FastFile, Vec<FastFile>)>, ModuleError> {
    let answered = match module.file_release(headers) {
        Err(ModuleError::Refused(Status::KeysStay)) => return Ok(None),
        answered => answered?,
    };
    let mut files = answered.into_iter();
    // It was found to have the first one.
    let first = files.next().unwrap_or(Err(Status::NotFound));
    let first = first.map_err(ModuleError::Refused)?;
    Ok(Some((first, files.filter_map(Result::ok).collect())))
}

/// Why no module decrypts a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotDecryptable {
    /// None can.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// The one that can refused or failed.
    #[error(transparent)]
    Module(#[from] ModuleError),
}
