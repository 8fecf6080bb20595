//! Debian packages that are unpacked into `target/tools` and not installed: that would replace parts of the system.

use crate::{debian, run};
use anyhow::{Context, Result};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Packages in a folder of their own, with those that they need and the system lacks.
pub(crate) struct Unpacked {
    /// The folder in `target/tools`.
    pub(crate) name: &'static str,
    pub(crate) packages: &'static [&'static str],
    /// Programs that get a script which starts them with the libraries beside them: in `bin`, by the second name if it has
    /// one.
    pub(crate) programs: &'static [(&'static str, &'static str)],
}

impl Unpacked {
    /// Downloads and unpacks them, unless they are there. Returns whether they were not.
    pub(crate) fn install(&self) -> Result<bool> {
        let done = self.folder().join("done");
        let packages = self.packages.join(" ");
        if fs::read_to_string(&done).is_ok_and(|last| last == packages) {
            return Ok(false);
        }
        println!(
            "\nInstalling into target/tools/{}, from Debian: {packages}",
            self.name
        );
        if self.folder().exists() {
            fs::remove_dir_all(self.folder())?;
        }
        let archives = self.folder().join("archives");
        fs::create_dir_all(archives.join("partial"))?;
        self.download(&archives).or_else(|_old_lists| {
            run::shown(&[debian::sudo()?, &["apt-get", "-qq", "update"]].concat())?;
            self.download(&archives)
        })?;
        for archive in fs::read_dir(&archives)? {
            let archive = archive?.path();
            if archive.extension().is_some_and(|ending| ending == "deb") {
                let mut unpack = Command::new("dpkg");
                unpack.arg("-x").arg(&archive).arg(self.root());
                run::finish(&mut unpack, "dpkg -x")?;
            }
        }
        run::shown(&[debian::sudo()?, &["rm", "-r", text(&archives)?]].concat())?;
        fs::create_dir_all(self.bin())?;
        for (program, name) in self.programs {
            self.wrap(program, name)?;
        }
        fs::write(done, packages)?;
        Ok(true)
    }

    fn download(&self, archives: &Path) -> Result<()> {
        let cache = format!("Dir::Cache::archives={}", text(archives)?);
        let words = [
            "apt-get",
            "-qq",
            "install",
            "-y",
            "--download-only",
            "--reinstall",
        ];
        let options = ["--no-install-recommends", "-o", &cache];
        let mut apt = run::command(&[debian::sudo()?, &words, &options, self.packages].concat());
        run::finish(&mut apt, "apt-get install --download-only")
    }

    /// Writes the script.
    fn wrap(&self, program: &str, name: &str) -> Result<()> {
        let root = self.root();
        let root = text(&root)?;
        let program = if program.contains('/') {
            program.to_owned()
        } else {
            format!("usr/bin/{program}")
        };
        let libraries =
            format!("{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu:{root}/usr/lib");
        let script = format!(
            "#!/bin/sh\n\
             export LD_LIBRARY_PATH='{libraries}' QEMU_MODULE_DIR='{root}/usr/lib/x86_64-linux-gnu/qemu'\n\
             exec '{root}/{program}' \"$@\"\n"
        );
        let path = self.program(name);
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    /// Returns the script of a program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin().join(name)
    }

    /// Returns the folder of the scripts.
    pub(crate) fn bin(&self) -> PathBuf {
        self.folder().join("bin")
    }

    /// Returns the folder of what was unpacked.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder().join("root")
    }

    fn folder(&self) -> PathBuf {
        run::root().join("target/tools").join(self.name)
    }
}

/// Returns a path as the words of a command need it.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the folder's name is not UTF-8")
}
