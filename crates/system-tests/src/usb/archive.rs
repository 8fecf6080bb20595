//! The archive that a kernel unpacks into its first file system (cpio).

use cpio::newc::Builder;
use std::{
    fs,
    io::{self, Cursor},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// An archive that is being written.
#[derive(Default)]
pub struct Archive {
    entries: Vec<(Builder, Cursor<Vec<u8>>)>,
    folders: Vec<PathBuf>,
}

impl Archive {
    /// Adds a file, and the folders that it is in. `path` is where it will be, from the root.
    pub fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.parents(path);
        self.entry(path, FILE | mode, content);
    }

    /// Adds a folder.
    pub fn folder(&mut self, path: &str) {
        self.parents(&format!("{path}/any"));
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, to: &str) {
        self.parents(path);
        self.entry(path, LINK | 0o777, to.as_bytes());
    }

    /// Adds a file of this computer.
    pub fn copy(&mut self, from: &Path, path: &str) -> io::Result<()> {
        let mode = fs::metadata(from)?.permissions().mode() & 0o777;
        self.file(path, mode, &fs::read(from)?);
        Ok(())
    }

    /// Returns the archive.
    pub fn finish(self) -> Vec<u8> {
        cpio::write_cpio(self.entries.into_iter(), Vec::new()).expect("memory takes it")
    }

    fn parents(&mut self, path: &str) {
        let mut parents: Vec<_> = Path::new(path).ancestors().skip(1).collect();
        parents.reverse();
        for parent in parents {
            let is_new = !self.folders.iter().any(|folder| folder == parent);
            if is_new && let Some(name) = parent.to_str().filter(|name| !name.is_empty()) {
                self.entry(name, FOLDER | 0o755, &[]);
                self.folders.push(parent.to_owned());
            }
        }
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        let number = u32::try_from(self.entries.len()).expect("few files");
        let builder = Builder::new(path).ino(number).mode(mode);
        self.entries.push((builder, Cursor::new(content.to_vec())));
    }
}

/// Kinds of files.
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
