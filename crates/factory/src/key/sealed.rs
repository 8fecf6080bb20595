//! Sealing to recipients of age, by the program `age`: so plugins work, too, such as that of a team's modules. What is
//! secret goes through pipes and is never in a file.

use anyhow::{Context, Result, bail};
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};
use zeroize::Zeroizing;

/// Seals a secret.
pub(crate) fn seal(secret: &[u8], recipients: &[String]) -> Result<Vec<u8>> {
    let mut age = Command::new("age");
    age.arg("--encrypt");
    for recipient in recipients {
        age.args(["--recipient", recipient]);
    }
    let mut child = age
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context(MISSING)?;
    let mut input = child.stdin.take().context("no pipe to age")?;
    let output = thread::scope(|scope| {
        let written = scope.spawn(move || input.write_all(secret));
        let output = child.wait_with_output();
        // What age did not take, it has complained of.
        drop(written.join());
        output
    })?;
    if !output.status.success() {
        bail!("age did not seal the root's key");
    }
    Ok(output.stdout)
}

/// Opens what was sealed. age may ask on the terminal.
pub(crate) fn open(path: &Path, identities: &[PathBuf]) -> Result<Zeroizing<Vec<u8>>> {
    let mut age = Command::new("age");
    age.arg("--decrypt");
    for identity in identities {
        age.arg("--identity").arg(identity);
    }
    let mut child = age
        .arg("--")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context(MISSING)?;
    // Of its full size from the start: one that grows leaves a copy in freed memory.
    let mut secret = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut output = child.stdout.take().context("no pipe from age")?;
    output
        .by_ref()
        .take(u64::try_from(LONGEST)?)
        .read_to_end(&mut secret)?;
    drop(output);
    if !child.wait()?.success() {
        bail!("age did not open it");
    }
    Ok(secret)
}

const MISSING: &str =
    "cannot start `age`, which seals the root's key: install it (Debian: apt install age)";

/// More than a root's key and certificate, in bytes.
const LONGEST: usize = 16 * 1024;
