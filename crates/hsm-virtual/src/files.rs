//! Files that have their old or their new content after a power cut, never a part of it; and who may read them.
//!
//! On Windows there are no modes: files inherit the access control list of their folder, which in a user's profile is
//! the user's alone.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Who may read a file or a folder; only its owner may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone.
    Owner,
    /// Everybody.
    All,
}

/// Replaces a file atomically and durably: writes and syncs a new file beside it, renames that over it, and syncs the
/// folder. Only the owner may read the file.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = create(&beside, Readers::Owner)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Writes a file for all to read. Whatever the umask allows, only its owner writes it: else nobody would trust it.
pub fn write_public(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create(path, Readers::All)?.write_all(bytes)
}

fn create(path: &Path, readers: Readers) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match readers {
            Readers::Owner => 0o600,
            Readers::All => 0o644,
        },
    );
    #[cfg(not(unix))]
    let (Readers::Owner | Readers::All) = readers;
    options.open(path)
}

/// Makes a folder, and those above it, unless it is there.
pub fn make_folder(path: &Path, readers: Readers) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(
        &mut builder,
        match readers {
            Readers::Owner => 0o700,
            Readers::All => 0o755,
        },
    );
    #[cfg(not(unix))]
    let (Readers::Owner | Readers::All) = readers;
    builder.create(path)
}

/// Returns a file's content; `None` if the file does not exist.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Windows cannot flush a folder: NTFS keeps names in its journal.
#[cfg(windows)]
const fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    let folder = rustix::fs::open(
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    fs::File::from(folder).sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_at_any_byte_leaves_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.bin");
        let (old, new) = (vec![1; 200], vec![2; 300]);
        replace(&path, &old).unwrap();
        for written in 0..=new.len() {
            // The state of the disk when power fails before the rename.
            fs::write(path.with_extension("new"), &new[..written]).unwrap();
            assert_eq!(read(&path).unwrap().unwrap(), old);
        }
        replace(&path, &new).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), new);
    }
}
