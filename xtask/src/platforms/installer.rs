//! The installer for Windows: built with NSIS, signed with a test certificate, and tried under Wine.

use super::wine::Wine;
use crate::{
    debian, run, third_party,
    unpacked::{Unpacked, text},
};
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Builds, signs and tries it; `strip` takes what is for debuggers out of a program. Returns what to say of it.
pub(super) fn run(built: &Path, strip: &Path, wine: &Wine) -> Result<String> {
    NSIS.install()?;
    debian::install(&[SIGNING])?;
    let folder = run::root().join("target/windows");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let programs = folder.join("programs");
    fs::create_dir_all(&programs)?;
    let certificate = Certificate::make(&folder)?;
    for name in PROGRAMS {
        let (from, to) = (built.join(name), programs.join(name));
        let mut stripping = Command::new(strip);
        stripping.arg("-o").arg(&to).arg(&from);
        run::finish(&mut stripping, "strip")?;
        certificate.sign(&to)?;
    }
    let licenses = third_party::texts()?.replace('\n', "\r\n");
    fs::write(programs.join("THIRD-PARTY-LICENSES.txt"), licenses)?;
    let setup = folder.join(format!("KeyWriter-{VERSION}-x64-setup.exe"));
    make(&programs, &setup)?;
    certificate.sign(&setup)?;
    write_winget(&folder, &setup)?;
    try_out(&setup, wine)?;
    let kilobytes = fs::metadata(&setup)?.len() / 1000;
    println!("{} ({kilobytes} kB)", setup.display());
    Ok(format!("{kilobytes} kB, installed, run and removed"))
}

fn make(programs: &Path, setup: &Path) -> Result<()> {
    let source = run::root().join("packaging/windows");
    let mut makensis = Command::new(NSIS.program("makensis"));
    makensis
        .current_dir(&source)
        .env("NSISDIR", NSIS.root().join("usr/share/nsis"))
        .arg("-V2")
        .arg(format!("-DVERSION={VERSION}"))
        .arg(format!("-DPROGRAMS={}", text(programs)?))
        .arg(format!("-DOUTPUT={}", text(setup)?))
        .arg("keywriter.nsi");
    run::finish(&mut makensis, "makensis")
}

/// A certificate that nobody trusts, to try what a bought one is for.
struct Certificate {
    key: PathBuf,
    chain: PathBuf,
}

impl Certificate {
    fn make(folder: &Path) -> Result<Self> {
        let certificate = Self {
            key: folder.join("test-key.pem"),
            chain: folder.join("test-certificate.pem"),
        };
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-days", "2",
            ])
            .args(["-subj", "/CN=KeyWriter test, trusted by nobody"])
            .args(["-addext", "extendedKeyUsage=codeSigning", "-keyout"])
            .arg(&certificate.key)
            .arg("-out")
            .arg(&certificate.chain)
            .stderr(std::process::Stdio::null());
        run::finish(&mut openssl, "openssl req")?;
        Ok(certificate)
    }

    /// Signs a program in its place, and checks the signature.
    fn sign(&self, program: &Path) -> Result<()> {
        let unsigned = program.with_extension("unsigned");
        fs::rename(program, &unsigned)?;
        let mut sign = Command::new("osslsigncode");
        sign.args(["sign", "-h", "sha256", "-n", "KeyWriter", "-certs"])
            .arg(&self.chain)
            .arg("-key")
            .arg(&self.key)
            .arg("-in")
            .arg(&unsigned)
            .arg("-out")
            .arg(program)
            .stdout(std::process::Stdio::null());
        run::finish(&mut sign, "osslsigncode sign")?;
        fs::remove_file(unsigned)?;
        let mut verify = Command::new("osslsigncode");
        verify
            .args(["verify", "-CAfile"])
            .arg(&self.chain)
            .arg("-in")
            .arg(program)
            .stdout(std::process::Stdio::null());
        run::finish(&mut verify, "osslsigncode verify")
    }
}

/// Fills the manifests for winget in. What is published has another hash, because its signature is another.
fn write_winget(folder: &Path, setup: &Path) -> Result<()> {
    let sum = run::output(&["sha256sum", text(setup)?])?;
    let sum = sum.split(' ').next().context("no checksum")?.to_uppercase();
    let source = run::root().join("packaging/windows/winget");
    let target = folder.join("winget");
    fs::create_dir(&target)?;
    for file in fs::read_dir(&source)? {
        let file = file?.path();
        let filled = fs::read_to_string(&file)?
            .replace("@VERSION@", VERSION)
            .replace("@SHA256@", &sum);
        let name = file.file_name().context("a file's name")?;
        fs::write(target.join(name), filled)?;
    }
    Ok(())
}

/// Installs it without a question, runs what it installed, and removes it again.
fn try_out(setup: &Path, wine: &Wine) -> Result<()> {
    wine.run(&[text(setup)?, "/S"])?;
    let installed = wine.local_data()?.join("Programs/KeyWriter");
    for name in PROGRAMS {
        ensure!(installed.join(name).exists(), "{name} was not installed");
    }
    let said = wine.output(&[text(&installed.join("keywriter.exe"))?, "--version"])?;
    ensure!(said.starts_with("keywriter "), "keywriter.exe says: {said}");
    for (key, value, expected) in REGISTERED {
        let found = registered(wine, key, value)?;
        ensure!(found.contains(expected), "{key} has no {expected}: {found}");
    }
    // A second time, as an update does: PATH has its folder once.
    wine.run(&[text(setup)?, "/S"])?;
    let path = registered(wine, "HKCU\\Environment", "Path")?;
    let count = path.matches("Programs\\KeyWriter").count();
    ensure!(count == 1, "PATH has the folder {count} times: {path}");

    wine.run(&[text(&installed.join("uninstall.exe"))?, "/S"])?;
    // It goes on as a copy of itself.
    wine.wait()?;
    ensure!(
        !installed.exists(),
        "uninstalling left {}",
        installed.display()
    );
    for (key, value, expected) in REGISTERED {
        let found = registered(wine, key, value).unwrap_or_default();
        ensure!(
            !found.contains(expected),
            "uninstalling left {key}: {found}"
        );
    }
    Ok(())
}

/// Returns what the registry has there; without a name, the key's own value.
fn registered(wine: &Wine, key: &str, value: &str) -> Result<String> {
    if value.is_empty() {
        wine.output(&["reg", "query", key, "/ve"])
    } else {
        wine.output(&["reg", "query", key, "/v", value])
    }
}

/// What the installer writes into the registry: key, value, and a part of what is there.
const REGISTERED: &[(&str, &str, &str)] = &[
    (
        "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\KeyWriter",
        "DisplayVersion",
        VERSION,
    ),
    ("HKCU\\Environment", "Path", "Programs\\KeyWriter"),
    ("HKCU\\Software\\Classes\\.kw", "", "KeyWriter.File"),
];

/// All our crates have the same.
const VERSION: &str = env!("CARGO_PKG_VERSION");

const PROGRAMS: &[&str] = &[
    "keywriter-desktop.exe",
    "keywriter.exe",
    "age-plugin-keywriter.exe",
    "virtual-hub.exe",
    "hub-panel.exe",
];

const NSIS: Unpacked = Unpacked {
    name: "nsis",
    packages: &["nsis"],
    programs: &[("makensis", "makensis")],
};

/// To sign programs for Windows.
const SIGNING: &[&str] = &["osslsigncode", "openssl"];
