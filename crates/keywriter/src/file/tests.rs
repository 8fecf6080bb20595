//! Files that appear whole or not at all, on every kind of filesystem that is here.

use super::*;
#[cfg(unix)]
use rustix::{
    fs::{CWD, Mode},
    io::Errno,
};
#[cfg(unix)]
use std::{
    os::unix::fs::{FileTypeExt, PermissionsExt},
    process,
};

/// The names in a folder, hidden ones too.
pub(crate) fn names(folder: &Path) -> Vec<String> {
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
fn a_file_that_is_being_written_has_no_name_or_one_that_is_recognized() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a");
    let mut file = NewFile::begin(&target).unwrap();
    file.write_all(b"plaintext").unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(names(folder.path()), [""; 0]);
    }
    drop(file);
    let mut file = NewFile::begin_named(&target).unwrap();
    file.write_all(b"plaintext").unwrap();
    let [name] = names(folder.path()).try_into().unwrap();
    let unfinished = folder.path().join(name);
    assert!(is_leftover(&unfinished) && !is_leftover(&target));
    assert!(!is_leftover("notes.kw-new".as_ref()) && !is_leftover(".notes.kw-new".as_ref()));
    // It is still being written.
    remove_leftover(&unfinished);
    assert!(unfinished.exists());
    // As after a kill: nobody removes it, and nobody holds its lock.
    let Body::Named(killed) = file.body else {
        panic!("it has a name");
    };
    drop(killed.keep().unwrap());
    remove_leftover(&unfinished);
    assert!(!unfinished.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_taking_its_name_is_no_leftover() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a");
    let file = NewFile::begin(&target).unwrap();
    let Body::Nameless(file) = file.body else {
        panic!("it has no name");
    };
    // As `commit` does before it renames it.
    let committing = folder.path().join(".a.abc123.kw-new");
    system::link(&file, &committing).unwrap();
    assert!(is_leftover(&committing));
    remove_leftover(&committing);
    assert!(committing.exists());
    drop(file);
    remove_leftover(&committing);
    assert!(!committing.exists());
}

#[test]
fn a_named_file_replaces_and_is_replaced_as_a_nameless_one() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("a");
    for text in ["old", "new"] {
        let mut file = NewFile::begin_named(&target).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), text);
    }
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn a_replaced_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("below/a");
    replace(&target, b"old").unwrap();
    replace(&target, b"new").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"new");
    #[cfg(unix)]
    assert_eq!(
        target.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(names(target.parent().unwrap()), ["a"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_written_to_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mkfifoat(CWD, &fifo, Mode::RWXU).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("fifo", &link).unwrap();
    for target in [&fifo, &link] {
        assert!(!would_replace(target));
        let reader = std::thread::spawn({
            let fifo = fifo.clone();
            move || fs::read(fifo).unwrap()
        });
        replace(target, b"bytes").unwrap();
        assert_eq!(reader.join().unwrap(), b"bytes");
        assert!(fifo.metadata().unwrap().file_type().is_fifo() && link.is_symlink());
    }
    replace("/dev/null".as_ref(), b"bytes").unwrap();
    let kind = Path::new("/dev/null").metadata().unwrap().file_type();
    assert!(kind.is_char_device());
    assert_eq!(names(folder.path()), ["fifo", "link"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_and_leads_to_what_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "old").unwrap();
    for (name, to) in [("link", "file"), ("dead", "none"), ("below", ".")] {
        std::os::unix::fs::symlink(to, at(name)).unwrap();
    }
    replace(&at("link"), b"new").unwrap();
    assert!(at("link").is_symlink() && would_replace(&at("dead")));
    assert_eq!(fs::read(at("file")).unwrap(), b"new");
    for name in ["dead", "below"] {
        assert!(NewFile::begin(&at(name)).is_err(), "{name}");
    }
    assert_eq!(names(folder.path()), ["below", "dead", "file", "link"]);
}

#[cfg(unix)]
#[test]
fn a_file_may_have_the_longest_name_there_is() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["x".repeat(255), "ü".repeat(127)] {
        let target = folder.path().join(&name);
        replace(&target, b"old").unwrap();
        replace(&target, b"new").unwrap();
        assert!(is_leftover(&folder.path().join(format!(
            "{}abc123.kw-new",
            prefix(&target).to_str().unwrap()
        ))));
        assert_eq!(names(folder.path()), [name]);
        fs::remove_file(target).unwrap();
    }
    assert!(NewFile::begin(&folder.path().join("x".repeat(256))).is_err());
}

/// A new file takes a free name whole, and a taken one not at all.
fn assert_replaces_nothing(folder: &Path, commit: impl Fn(NewFile) -> io::Result<()>) {
    let target = folder.join("a");
    let write = |text: &[u8]| {
        let mut file = NewFile::begin(&target)?;
        file.write_all(text)?;
        commit(file)
    };
    write(b"old").unwrap();
    let error = write(b"new").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&target).unwrap(), b"old");
    assert_eq!(names(folder), ["a"]);
}

#[test]
fn a_new_file_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_replaces_nothing(folder.path(), NewFile::commit_new);
}

#[test]
fn a_new_file_replaces_nothing_where_its_name_is_reserved_first() {
    let folder = tempfile::tempdir().unwrap();
    assert_replaces_nothing(folder.path(), |file| {
        let NewFile { body, target } = file;
        drop(body);
        let Body::Named(file) = NewFile::begin_named(&target)?.body else {
            panic!("it has a name");
        };
        fs::write(file.path(), if target.exists() { "new" } else { "old" })?;
        rename_to_reserved(file, &target)
    });
}

#[cfg(unix)]
#[test]
fn a_name_is_reserved_only_where_the_filesystem_has_no_other_way() {
    for errno in [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM] {
        assert!(system::is_unsupported(&errno.into()), "{errno}");
    }
    for errno in [Errno::NOSPC, Errno::EXIST, Errno::ACCESS] {
        assert!(!system::is_unsupported(&errno.into()), "{errno}");
    }
}

/// As on a USB stick, mounted by the kernel if it has FAT and this user may mount, else by FUSE.
#[cfg(unix)]
#[test]
fn a_new_file_replaces_nothing_on_fat() {
    let folder = tempfile::tempdir().unwrap();
    let Some(stick) = Fat::mount(folder.path()) else {
        hsm_testbench::not_tested(
            "files on FAT: it can be mounted neither by the kernel nor by fusefat (dosfstools, /dev/fuse)",
        );
        return;
    };
    println!("FAT by {}", stick.by);
    assert_replaces_nothing(&stick.root, NewFile::commit_new);
    NewFile::begin(&stick.root.join("b"))
        .unwrap()
        .commit_new()
        .unwrap();
    assert_eq!(names(&stick.root), ["a", "b"]);
}

#[cfg(unix)]
struct Fat {
    root: std::path::PathBuf,
    by: &'static str,
}

#[cfg(unix)]
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

#[cfg(unix)]
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
