//! Files that have their old or their new content after a power cut, never a part of it.

use rustix::fs::{Mode, OFlags};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Replaces a file atomically and durably: writes and syncs a new file beside it, renames that over it, and syncs the
/// folder. Only the owner may read the file.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Returns a file's content; `None` if the file does not exist.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = rustix::fs::open(
        path,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    File::from(folder).sync_all()
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
