//! What is needed of Debian: looked up, and installed where it is missing.

use crate::run;
use anyhow::{Context, Result};

/// To build what talks to smart cards.
pub(crate) const BUILD: &[&str] = &["libpcsclite-dev", "pkg-config"];

/// To test with the real smart-card stack, against OpenSSL, and with the age that people use.
pub(crate) const TEST: &[&str] = &["pcscd", "openssl", "age"];

/// To test the license portal: a database, a browser, and Python for an SMTP server and a maker of bad requests.
pub(crate) const PORTAL: &[&str] = &["postgresql", "chromium", "chromium-driver", "python3-venv"];

/// To compare with in benchmarks.
pub(crate) const BENCH: &[&str] = &["softhsm2", "age", "gnupg", "openssl"];

/// To build libFuzzer.
pub(crate) const FUZZ: &[&str] = &["g++"];

/// To see what branches on a secret; memcheck needs the C library's symbols.
pub(crate) const CONSTANT_TIME: &[&str] = &["valgrind", "libc6-dbg"];

/// Installs the packages that are missing, and says so.
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
    let is_root = run::output(&["id", "-u"])?.trim() == "0";
    let apt = |words: &[&str]| {
        let sudo: &[&str] = if is_root { &[] } else { &["sudo"] };
        run::shown(&[sudo, &["apt-get", "-qq"], words].concat())
    };
    let install = [
        &["install", "-y", "--no-install-recommends"],
        missing.as_slice(),
    ]
    .concat();
    // The lists may be old or absent on a fresh machine.
    apt(&["update"])
        .and_then(|()| apt(&install))
        .with_context(|| {
            format!(
                "install them yourself and try again: apt-get install {}",
                missing.join(" ")
            )
        })
}

fn is_installed(package: &str) -> bool {
    run::output(&["dpkg-query", "-W", "-f", "${Status}", package])
        .is_ok_and(|status| status.ends_with("ok installed"))
}
