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
    check_anchors(std::env::var(ANCHOR).ok().as_deref())?;
    check_portal(std::env::var(PORTAL).ok().as_deref())?;
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
fn check_anchors(anchors: Option<&str>) -> Result<()> {
    let Some(anchors) = anchors else {
        bail!(
            "{ANCHOR} is not set: a release would accept licenses that anyone can make.\n{ADVICE}"
        );
    };
    for anchor in anchors.split(',') {
        let is_key = anchor.len() == 64
            && anchor
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if !is_key {
            bail!(
                "{ANCHOR} is not 64 lower-case hexadecimal digits, or several such keys separated by commas.\n{ADVICE}"
            );
        }
        if anchor == DEVELOPMENT {
            bail!(
                "{ANCHOR} is the published development key: anyone can make licenses for it.\n{ADVICE}"
            );
        }
    }
    Ok(())
}

/// Refuses a release that would look for its portal on the user's own computer.
fn check_portal(portal: Option<&str>) -> Result<()> {
    let Some(portal) = portal else {
        bail!("{PORTAL} is not set: the app would not know where to register.\n{PORTAL_ADVICE}");
    };
    let host = portal.strip_prefix("https://").unwrap_or_default();
    let name = host.split([':', '/']).next().unwrap_or_default();
    let is_here = name == "localhost" || name.starts_with("127.") || host.starts_with('[');
    if name.is_empty() || is_here || host.contains([' ', '?', '#', '@']) {
        bail!("{PORTAL} is not the address of a portal: {portal}\n{PORTAL_ADVICE}");
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

/// The environment variable with the portal's address, read when `keywriter` is compiled.
const PORTAL: &str = "KEYWRITER_LICENSE_PORTAL";

const PORTAL_ADVICE: &str = "Build with your portal's public_url:
    KEYWRITER_LICENSE_PORTAL=https://licenses.example.com KEYWRITER_LICENSE_ANCHOR=… cargo xtask release";

/// The public key of the portals that sign with the published seed; `cargo run -p license-portal -- anchor` prints it.
const DEVELOPMENT: &str = "95f01d1af7bb03e47a20b6ad612c1353fa05adc4fb39d1e8dd595857aa4e1b02";

const ADVICE: &str =
    "Make a key once, keep it offline, and give it to your portal (docs/PORTAL.md):
    (umask 077; openssl rand -hex 32 > signing.key)
    cargo run -p license-portal -- anchor --signing-key signing.key
Then build with what that prints:
    KEYWRITER_LICENSE_ANCHOR=… KEYWRITER_LICENSE_PORTAL=https://… cargo xtask release";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_needs_a_key_that_is_not_published() {
        let refusal = |anchor: Option<&str>| {
            check_anchors(anchor).map_or_else(|error| error.to_string(), |()| String::new())
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
        let key = "0a".repeat(32);
        assert!(check_anchors(Some(&key)).is_ok());
        assert!(check_anchors(Some(&format!("{key},{key}"))).is_ok());
        assert!(refusal(Some(&format!("{key},"))).contains("separated by commas"));
        assert!(refusal(Some(&format!("{key},{DEVELOPMENT}"))).contains("published"));
    }

    #[test]
    fn a_release_needs_a_portal_that_its_users_can_reach() {
        for fine in ["https://licenses.example.com", "https://a.example:8443/kw"] {
            assert!(check_portal(Some(fine)).is_ok(), "{fine}");
        }
        for wrong in [
            "",
            "https://",
            "http://licenses.example.com",
            "licenses.example.com",
            "https://localhost:8480",
            "https://127.0.0.1",
            "https://[::1]",
            "https://a b",
        ] {
            let error = check_portal(Some(wrong)).unwrap_err().to_string();
            assert!(error.contains("is not the address"), "{wrong}");
        }
        assert!(
            check_portal(None)
                .unwrap_err()
                .to_string()
                .contains("is not set")
        );
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
