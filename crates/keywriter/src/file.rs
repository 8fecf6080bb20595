//! Files that are there whole or not at all.

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// A file under way: nobody sees it before [`Self::commit`], and dropping it leaves nothing.
#[derive(Debug)]
pub struct NewFile {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Begins a file that only its owner can read, beside `target`.
    pub fn begin(target: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = target.file_name() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{count}", process::id()));
        let temporary = target.with_file_name(temporary);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        Ok(Self {
            file,
            temporary,
            target: target.to_owned(),
        })
    }

    /// Puts it in place of what was there.
    pub fn commit(self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.target)?;
        sync_folder(&self.target)
    }

    /// Puts it in place unless something is there: then, [`io::ErrorKind::AlreadyExists`].
    pub fn commit_new(self) -> io::Result<()> {
        self.file.sync_all()?;
        take_free_name(&WAYS, &self.temporary, &self.target)?;
        sync_folder(&self.target)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing left to remove.
        if let Err(error) = fs::remove_file(&self.temporary)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a temporary file is left behind");
        }
    }
}

/// Writes a whole file in place of what was there, and makes its folder if need be.
pub fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = NewFile::begin(target)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Gives a file a name that is free, and leaves it alone where it is not.
type Way = fn(&Path, &Path) -> io::Result<()>;

/// Not every filesystem knows every way: FAT has no links, network filesystems no flags of a rename, FAT by FUSE neither.
const WAYS: [Way; 3] = [rename_to_free, link_to_free, rename_to_reserved];

/// Goes the first way that the filesystem knows.
fn take_free_name(ways: &[Way], from: &Path, to: &Path) -> io::Result<()> {
    let mut outcome = Err(io::ErrorKind::Unsupported.into());
    for way in ways {
        outcome = way(from, to);
        if !outcome.as_ref().is_err_and(is_unknown_way) {
            break;
        }
    }
    outcome
}

/// The kernel looks and renames in one step.
fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// A link, unlike a plain rename, refuses to replace. The temporary name goes when the [`NewFile`] is dropped.
fn link_to_free(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)
}

/// An empty file holds the name until the rename: a crash in between leaves it, but nothing of anybody's is replaced.
fn rename_to_reserved(from: &Path, to: &Path) -> io::Result<()> {
    File::create_new(to)?;
    fs::rename(from, to).inspect_err(|_| {
        if let Err(error) = fs::remove_file(to) {
            tracing::warn!(%error, "an empty file is left behind");
        }
    })
}

/// What a filesystem answers that cannot do it this way, whatever is there.
fn is_unknown_way(error: &io::Error) -> bool {
    // FAT and FUSE say EPERM to a link.
    let unknown = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM];
    Errno::from_io_error(error).is_some_and(|errno| unknown.contains(&errno))
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_not_committed_was_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        fs::write(&target, "old").unwrap();
        let mut file = NewFile::begin(&target).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_replaced_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("below/a");
        replace(&target, b"old").unwrap();
        replace(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(
            target.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(names(target.parent().unwrap()), ["a"]);
    }

    /// A new file takes a free name whole, and a taken one not at all.
    fn assert_replaces_nothing(folder: &Path, ways: &[Way]) {
        let commit = |text: &[u8]| {
            let mut file = NewFile::begin(&folder.join("a"))?;
            file.write_all(text)?;
            file.file.sync_all()?;
            take_free_name(ways, &file.temporary, &file.target)
        };
        commit(b"old").unwrap();
        let error = commit(b"new").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(folder.join("a")).unwrap(), b"old");
        assert_eq!(names(folder), ["a"]);
    }

    #[test]
    fn a_new_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        NewFile::begin(&target).unwrap().commit_new().unwrap();
        fs::write(&target, "old").unwrap();
        let error = NewFile::begin(&target).unwrap().commit_new().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_new_file_replaces_nothing_whichever_way_it_takes_its_name() {
        for way in WAYS {
            let folder = tempfile::tempdir().unwrap();
            assert_replaces_nothing(folder.path(), &[way]);
        }
    }

    #[test]
    fn a_filesystem_without_one_way_is_taken_another() {
        let refusing: [Way; 4] = [
            |_, _| Err(Errno::INVAL.into()),
            |_, _| Err(Errno::NOSYS.into()),
            |_, _| Err(Errno::OPNOTSUPP.into()),
            |_, _| Err(Errno::PERM.into()),
        ];
        for way in WAYS {
            let folder = tempfile::tempdir().unwrap();
            assert_replaces_nothing(folder.path(), &[&refusing[..], &[way]].concat());
        }
        let full: Way = |_, _| Err(Errno::NOSPC.into());
        let outcome = take_free_name(&[full, rename_to_free], Path::new("a"), Path::new("b"));
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "no other way");
    }

    /// As on a USB stick. By the kernel where it has FAT and this user may mount, else by FUSE; it is said where neither goes.
    #[test]
    fn a_new_file_replaces_nothing_on_fat() {
        let folder = tempfile::tempdir().unwrap();
        let Some(stick) = Fat::mount(folder.path()) else {
            println!(
                "NOT TESTED: no FAT can be mounted here (dosfstools, fusefat, and a user who may mount)"
            );
            return;
        };
        println!("FAT by {}", stick.by);
        assert_replaces_nothing(&stick.root, &WAYS);
        NewFile::begin(&stick.root.join("b"))
            .unwrap()
            .commit_new()
            .unwrap();
        assert_eq!(names(&stick.root), ["a", "b"]);
    }

    struct Fat {
        root: std::path::PathBuf,
        by: &'static str,
    }

    impl Fat {
        fn mount(folder: &Path) -> Option<Self> {
            let (image, root) = (folder.join("image"), folder.join("root"));
            File::create(&image).unwrap().set_len(4 << 20).unwrap();
            fs::create_dir(&root).unwrap();
            let runs = |line: &[&str]| {
                let (program, options) = line.split_first().unwrap();
                let paths = [&image, &root];
                let paths = paths
                    .into_iter()
                    .take(1 + usize::from(*program != "mkfs.vfat"));
                let mut command = process::Command::new(program);
                let ran = command.args(options).args(paths).output();
                ran.is_ok_and(|ran| ran.status.success())
            };
            if !runs(&["mkfs.vfat"]) {
                return None;
            }
            let by = if runs(&["mount", "-t", "vfat", "-o", "loop"]) {
                "the kernel"
            } else if runs(&["fusefat", "-o", "rw+"]) {
                "FUSE"
            } else {
                return None;
            };
            Some(Self { root, by })
        }
    }

    impl Drop for Fat {
        fn drop(&mut self) {
            let program = if self.by == "FUSE" {
                "fusermount"
            } else {
                "umount"
            };
            let mut unmount = process::Command::new(program);
            if self.by == "FUSE" {
                unmount.arg("-u");
            }
            assert!(unmount.arg(&self.root).status().unwrap().success());
        }
    }
}
