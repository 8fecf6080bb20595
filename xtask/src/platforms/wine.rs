//! Wine, which runs programs for Windows, with a Windows of its own in `target/tools`.

use crate::{
    demo::Programs,
    run,
    unpacked::{Unpacked, text},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// A running Wine. Dropping it ends every program in it.
pub(super) struct Wine {
    prefix: PathBuf,
}

impl Wine {
    /// Installs Wine and makes a Windows on first use; `gcc` compiles for it.
    pub(super) fn start(gcc: &Path) -> Result<Self> {
        if WINE.install()? {
            repair()?;
        }
        let prefix = run::root().join("target/tools/wine-prefix");
        let wine = Self { prefix };
        let done = wine.prefix.join("done");
        if done.exists() {
            return Ok(wine);
        }
        println!("\nMaking a Windows for Wine in target/tools/wine-prefix");
        if wine.prefix.exists() {
            fs::remove_dir_all(&wine.prefix)?;
        }
        // It fails for want of programs of 32 bits, which nothing here is.
        wine.command(&["wineboot", "-i"]).status()?;
        wine.wait()?;
        fs::copy(zlib(), wine.system().join("zlib1.dll"))?;
        wine.add_randomness(gcc)?;
        fs::write(done, "")?;
        Ok(wine)
    }

    /// Makes the library for random numbers that every program in Rust needs, and this Wine does not have.
    fn add_randomness(&self, gcc: &Path) -> Result<()> {
        let library = self.system().join("bcryptprimitives.dll");
        if library.exists() {
            return Ok(());
        }
        let source = self.prefix.join("prng.c");
        fs::write(&source, PRNG)?;
        let mut gcc = Command::new(gcc);
        gcc.args(["-shared", "-o"])
            .arg(&library)
            .arg(&source)
            .arg("-ladvapi32");
        run::finish(&mut gcc, "gcc")
    }

    /// Gives a command the environment of this Wine.
    pub(super) fn prepare(&self, command: &mut Command) {
        command.envs(self.environment()).env_remove("DISPLAY");
    }

    fn environment(&self) -> Vec<(String, String)> {
        [
            ("WINEPREFIX", self.prefix.display().to_string()),
            ("WINEARCH", "win64".into()),
            ("WINEDEBUG", "-all".into()),
            // Neither .NET nor a browser, and no entries in this user's menus.
            (
                "WINEDLLOVERRIDES",
                "mscoree,mshtml=;winemenubuilder.exe=d".into(),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Returns the program that runs others.
    pub(super) fn loader() -> PathBuf {
        WINE.program("wine64")
    }

    fn system(&self) -> PathBuf {
        self.prefix.join("drive_c/windows/system32")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(Self::loader());
        command.args(words);
        self.prepare(&mut command);
        command
    }

    /// Runs a program.
    pub(super) fn run(&self, words: &[&str]) -> Result<()> {
        run::finish(&mut self.command(words), &words.join(" "))
    }

    /// Returns what a program prints if it succeeds.
    pub(super) fn output(&self, words: &[&str]) -> Result<String> {
        let output = self.command(words).output()?;
        ensure!(
            output.status.success(),
            "`{}` failed: {}",
            words.join(" "),
            output.status
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Waits until every program has ended.
    pub(super) fn wait(&self) -> Result<()> {
        let mut server = Command::new(WINE.program("wineserver"));
        self.prepare(&mut server);
        run::finish(server.arg("-w"), "wineserver -w")
    }

    /// Returns the profile of Wine's user.
    fn profile(&self) -> Result<PathBuf> {
        // Besides `Public`, the one that runs this.
        fs::read_dir(self.prefix.join("drive_c/users"))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.is_dir() && !path.ends_with("Public"))
            .context("Wine has no user")
    }

    /// Returns `%LOCALAPPDATA%`.
    pub(super) fn local_data(&self) -> Result<PathBuf> {
        Ok(self.profile()?.join("AppData/Local"))
    }

    /// Returns an empty folder in the profile of Wine's user.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.profile()?.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Returns programs in a folder, as they are run here.
    pub(super) fn programs(&self, folder: &Path) -> Programs {
        Programs {
            folder: folder.to_owned(),
            ending: ".exe",
            runner: Some(Self::loader()),
            environment: self.environment(),
            drive: Some(self.prefix.join("drive_c")),
        }
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        let mut server = Command::new(WINE.program("wineserver"));
        self.prepare(&mut server);
        // Nothing may run in it any more.
        if let Err(error) = server.arg("-k").status() {
            eprintln!("xtask: cannot end Wine: {error}");
        }
    }
}

/// Makes what was unpacked work in its folder.
fn repair() -> Result<()> {
    // Debian's script looks for the server where it would be installed.
    let server = WINE.root().join("usr/lib/wine/wineserver");
    let script = format!(
        "#!/bin/sh\nexec '{}' \"$@\"\n",
        text(&WINE.program("wineserver"))?
    );
    fs::write(&server, script)?;
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755))?;
    // For Wine's own libraries while it makes a Windows.
    let libraries = "usr/lib/x86_64-linux-gnu/wine/x86_64-windows/zlib1.dll";
    fs::copy(zlib(), WINE.root().join(libraries))?;
    Ok(())
}

/// Returns a library that Wine's own need, and look for where Debian would install it.
fn zlib() -> PathBuf {
    WINE.root().join("usr/x86_64-w64-mingw32/lib/zlib1.dll")
}

const WINE: Unpacked = Unpacked {
    name: "wine",
    packages: &["wine64"],
    programs: &[
        ("usr/lib/wine/wine64", "wine64"),
        ("usr/lib/wine/wineserver64", "wineserver"),
    ],
};

/// `ProcessPrng`, from the generator that Wine has.
const PRNG: &str = "#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T size)
{
    return RtlGenRandom(bytes, (ULONG)size);
}
";
