//! Builds the programs for release, never with the development key, for which anyone can make licenses.

use crate::{debian, run};
use anyhow::{Context, Result, bail};
use std::path::Path;

/// The programs that are released.
const PROGRAMS: &[(&str, &str)] = &[
    ("keywriter-cli", "keywriter"),
    ("age-plugin-keywriter", "age-plugin-keywriter"),
    ("hsm-virtual", "virtual-hub"),
    ("license-portal", "license-portal"),
    ("keywriter-desktop", "keywriter-desktop"),
    ("hub-panel", "hub-panel"),
];

pub(crate) fn run() -> Result<()> {
    check_anchor(std::env::var(ANCHOR).ok().as_deref())?;
    debian::install(&[debian::BUILD])?;
    let mut cargo = vec!["cargo", "build", "--release", "--locked"];
    for (package, _) in PROGRAMS {
        cargo.extend(["-p", package]);
    }
    run::shown(&cargo)?;
    let folder = run::root().join("target/release");
    for (_, program) in PROGRAMS {
        let version = version(&folder.join(program))?;
        check_version(&version)?;
        println!("{version}");
    }
    println!("\nin {}", folder.display());
    Ok(())
}

/// Refuses license keys that a release must not be built with.
fn check_anchor(anchor: Option<&str>) -> Result<()> {
    let Some(anchor) = anchor else {
        bail!(
            "{ANCHOR} is not set: a release would accept licenses that anyone can make.\n{ADVICE}"
        );
    };
    let is_key = anchor.len() == 64
        && anchor
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    if !is_key {
        bail!("{ANCHOR} is not 64 lower-case hexadecimal digits.\n{ADVICE}");
    }
    if anchor == DEVELOPMENT {
        bail!(
            "{ANCHOR} is the published development key: anyone can make licenses for it.\n{ADVICE}"
        );
    }
    Ok(())
}

/// Returns what a program prints for `--version`.
fn version(program: &Path) -> Result<String> {
    let program = program.to_str().context("a path in UTF-8")?;
    Ok(run::output(&[program, "--version"])?.trim().to_owned())
}

/// Refuses a program that was built with the development key nevertheless.
fn check_version(version: &str) -> Result<()> {
    if version.contains("development build") {
        bail!("`{version}` is not a release: remove target/release and try again");
    }
    Ok(())
}

/// The environment variable with the license key, read when `license-token` is compiled.
const ANCHOR: &str = "KEYWRITER_LICENSE_ANCHOR";

/// The public key of the portals that sign with the published seed; `cargo run -p license-portal -- anchor` prints it.
const DEVELOPMENT: &str = "95f01d1af7bb03e47a20b6ad612c1353fa05adc4fb39d1e8dd595857aa4e1b02";

const ADVICE: &str =
    "Make a key once, keep it offline, and give it to your portal (docs/PORTAL.md):
    (umask 077; openssl rand -hex 32 > signing.key)
    cargo run -p license-portal -- anchor --signing-key signing.key
Then build with what that prints:
    KEYWRITER_LICENSE_ANCHOR=… cargo xtask release";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_needs_a_key_that_is_not_published() {
        let refusal = |anchor: Option<&str>| {
            check_anchor(anchor).map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert!(refusal(None).contains("is not set"));
        assert!(refusal(Some(DEVELOPMENT)).contains("is the published development key"));
        let (capitals, short) = ("A".repeat(64), "0".repeat(63));
        for malformed in ["", "00", &capitals, &short] {
            assert!(
                refusal(Some(malformed)).contains("64 lower-case hexadecimal digits"),
                "{malformed}"
            );
        }
        for anchor in [None, Some(DEVELOPMENT), Some("00")] {
            assert!(refusal(anchor).contains("anchor --signing-key"));
        }
        assert!(check_anchor(Some(&"0a".repeat(32))).is_ok());
    }

    #[test]
    fn the_development_key_is_the_one_that_the_programs_have() {
        let source =
            std::fs::read_to_string(run::root().join("crates/license-token/src/anchor.rs"))
                .unwrap();
        let (_, key) = source
            .split_once("const DEVELOPMENT: Anchor = Anchor([")
            .unwrap();
        let (key, _) = key.split_once(']').unwrap();
        let digits: String = key.split("0x").skip(1).map(|byte| &byte[..2]).collect();
        assert_eq!(digits.to_lowercase(), DEVELOPMENT);
    }

    #[test]
    fn a_program_that_calls_itself_a_development_build_is_no_release() {
        assert!(check_version("keywriter 0.1.0 (development build)").is_err());
        assert!(check_version("keywriter 0.1.0").is_ok());
    }
}
