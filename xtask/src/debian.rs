//! The Debian packages that the commands need, installed if they are missing.

use crate::run;
use anyhow::{Context, Result};
use std::fs;

/// To build programs that use smart cards.
pub(crate) const BUILD: &[&str] = &["libpcsclite-dev", "pkg-config"];

/// To test with the real smart-card stack, with OpenSSL, with Debian's age, with a PKCS #11 token, and on a FAT file system.
pub(crate) const TEST: &[&str] = &[
    "pcscd",
    "openssl",
    "age",
    "softhsm2",
    "dosfstools",
    "fusefat",
    "python3-cryptography",
];

/// To test the license portal: a database, a browser, a balancer, a generator of load, and Python for an SMTP server and a
/// maker of bad requests.
pub(crate) const PORTAL: &[&str] = &[
    "postgresql",
    "chromium",
    "chromium-driver",
    "haproxy",
    "nginx-light",
    "wrk",
    "systemd",
    "python3-venv",
];

/// To draw windows: libraries that the toolkit loads at run time.
pub(crate) const WINDOW: &[&str] = &[
    "libx11-6",
    "libx11-xcb1",
    "libxcursor1",
    "libxi6",
    "libxkbcommon-x11-0",
];

/// To test windows: a virtual display, simulated input, screenshots, and the screen reader interface.
pub(crate) const WINDOW_TEST: &[&str] = &["xvfb", "xdotool", "imagemagick", "dbus", "at-spi2-core"];

/// Programs that benchmarks compare with.
pub(crate) const BENCH: &[&str] = &["softhsm2", "age", "gnupg", "openssl"];

/// To build libFuzzer.
pub(crate) const FUZZ: &[&str] = &["g++"];

/// To find branches on secrets; memcheck needs the C library's symbols.
pub(crate) const CONSTANT_TIME: &[&str] = &["valgrind", "libc6-dbg"];

/// To build Debian packages, to check them, and to install them in a clean Debian.
pub(crate) const PACKAGE: &[&str] = &[
    "dpkg-dev",
    "lintian",
    "appstream",
    "desktop-file-utils",
    "libglib2.0-bin",
    "shared-mime-info",
    "man-db",
    "mmdebstrap",
    "gpg",
];

/// To give a clean Debian a network of its own.
pub(crate) const NETWORK: &[&str] = &["iproute2"];

/// Installs the packages that are missing, and prints their names.
pub(crate) fn install(packages: &[&[&'static str]]) -> Result<()> {
    let missing: Vec<&str> = packages
        .concat()
        .into_iter()
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing Debian packages: {}", missing.join(" "));
    let sudo = sudo()?;
    let apt = |words: &[&str]| run::shown(&[sudo, &["apt-get", "-qq"], words].concat());
    let install = [
        &["install", "-y", "--no-install-recommends"],
        missing.as_slice(),
    ]
    .concat();
    // The package lists may be out of date or missing on a fresh machine.
    apt(&["update"])
        .and_then(|()| apt(&install))
        .with_context(|| {
            format!(
                "install them yourself and try again: apt-get install {}",
                missing.join(" ")
            )
        })
}

/// Downloads a package, and unpacks it into a folder of the workspace, without installing it.
pub(crate) fn unpack(package: &str, folder: &str) -> Result<()> {
    let work = tempfile::tempdir_in(run::root().join("target"))?;
    let download = || {
        let mut apt = run::command(&["apt-get", "-qq", "download", package]);
        run::finish(apt.current_dir(&work), "apt-get download")
    };
    // The package lists may be missing on a fresh machine.
    let update = || run::shown(&[sudo()?, &["apt-get", "-qq", "update"]].concat());
    download().or_else(|_missing| update().and_then(|()| download()))?;
    let file = fs::read_dir(&work)?
        .next()
        .context("apt-get downloaded nothing")??;
    let unpacked = work.path().join("unpacked");
    let mut dpkg = run::command(&["dpkg-deb", "--extract"]);
    run::finish(dpkg.args([&file.path(), &unpacked]), "dpkg-deb --extract")?;
    fs::create_dir_all(run::root().join("target/tools"))?;
    fs::rename(unpacked, run::root().join(folder)).with_context(|| folder.to_owned())
}

/// Returns the prefix of a command that only root may run.
pub(crate) fn sudo() -> Result<&'static [&'static str]> {
    let is_root = run::output(&["id", "-u"])?.trim() == "0";
    Ok(if is_root { &[] } else { &["sudo"] })
}

fn is_installed(package: &str) -> bool {
    run::output(&["dpkg-query", "-W", "-f", "${Status}", package])
        .is_ok_and(|status| status.ends_with("ok installed"))
}
