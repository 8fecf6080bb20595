//! Checks dependencies: the arrows of ARCHITECTURE.md, the wall over the whole dependency closure, and the rooms of
//! the module's core.

use crate::{rooms, run};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

/// Direct dependencies between our crates. Tests of a crate may use more.
const ARROWS: &[(&str, &[&str])] = &[
    ("hsm-protocol", &[]),
    ("hsm-core", &["hsm-protocol"]),
    ("hsm-ccid", &["hsm-protocol"]),
    ("hsm-factory", &["hsm-protocol"]),
    ("hsm-flash", &["hsm-core"]),
    (
        "factory",
        &["hsm-factory", "hsm-protocol", "keywriter", "plain-text"],
    ),
    ("hsm-ifd", &["hsm-protocol"]),
    ("plain-text", &[]),
    ("local-socket", &["hsm-protocol"]),
    (
        "hsm-virtual",
        &[
            "hsm-core",
            "hsm-factory",
            "hsm-protocol",
            "local-socket",
            "plain-text",
        ],
    ),
    ("hub-panel", &["hsm-core", "hsm-virtual", "plain-text"]),
    (
        "hsm-testbench",
        &["hsm-core", "hsm-factory", "hsm-protocol", "hsm-virtual"],
    ),
    ("app", &["hsm-ccid", "hsm-core", "hsm-protocol"]),
    (
        "board-pico2",
        &["app", "hsm-ccid", "hsm-core", "hsm-flash", "hsm-protocol"],
    ),
    (
        "board-qemu",
        &["app", "hsm-ccid", "hsm-core", "hsm-flash", "hsm-protocol"],
    ),
    ("license-token", &[]),
    (
        "keywriter",
        &[
            "hsm-protocol",
            "license-token",
            "local-socket",
            "plain-text",
        ],
    ),
    ("keywriter-cli", &["keywriter", "plain-text"]),
    ("keywriter-desktop", &["keywriter", "plain-text"]),
    ("age-plugin-keywriter", &["keywriter", "plain-text"]),
    ("license-portal", &["license-token", "plain-text"]),
    ("xtask", &[]),
];

/// The only crate that uses both sides; it is never shipped.
const MEETING_PLACES: &[&str] = &["system-tests", "fuzz"];

/// What tests of any crate may use (as a dev-dependency), and nothing that is shipped.
const FOR_TESTS: &[&str] = &["hsm-testbench", "system-tests"];

/// Crates on the public side of the wall.
const PUBLIC: &[&str] = &[
    "keywriter",
    "keywriter-cli",
    "keywriter-desktop",
    "age-plugin-keywriter",
    "license-token",
    "license-portal",
    "local-socket",
    "plain-text",
];

/// Crates that define or hold secrets.
const SECRET: &[&str] = &[
    "hsm-core",
    "hsm-flash",
    "hsm-virtual",
    "hsm-factory",
    "hub-panel",
];

/// Crates that the module's core must not use.
const NOT_IN_CORE: &[&str] = &["std", "alloc", "getrandom", "aws-lc-rs", "libc", "rustix"];

pub(crate) fn run() -> Result<()> {
    let ours = members()?;
    for (name, direct) in &ours {
        if MEETING_PLACES.contains(&name.as_str()) {
            continue;
        }
        let (_, allowed) = ARROWS
            .iter()
            .find(|(known, _)| known == name)
            .with_context(|| {
                format!("{name} has no arrows in the layers: draw them in xtask/src/layers.rs")
            })?;
        for dependency in direct {
            if FOR_TESTS.contains(&dependency.as_str()) {
                bail!(
                    "{name} would ship {dependency}, which is for tests: make it a dev-dependency"
                );
            }
            if !allowed.contains(&dependency.as_str()) {
                bail!("{name} depends on {dependency}: there is no such arrow");
            }
        }
    }
    for name in PUBLIC {
        let closure = closure(name)?;
        if let Some(secret) = SECRET.iter().find(|secret| closure.contains(**secret)) {
            bail!("{name} reaches {secret}: the public side could name a CSP");
        }
    }
    for name in ["hsm-core", "hsm-protocol", "hsm-ccid", "hsm-flash"] {
        let closure = closure(name)?;
        if let Some(found) = NOT_IN_CORE
            .iter()
            .find(|crate_name| closure.contains(**crate_name))
        {
            bail!("{name} reaches {found}: it must run without an operating system");
        }
    }
    let files = rooms::check_core()?;
    println!(
        "layers: {} crates keep to their arrows, no public crate reaches a secret; \
         so do the {files} files of hsm-core, room by room",
        ours.len()
    );
    Ok(())
}

/// Returns our crates, each with our crates that it depends on, without dev-dependencies.
fn members() -> Result<Vec<(String, BTreeSet<String>)>> {
    let packages = [packages("Cargo.toml")?, packages("firmware/Cargo.toml")?].concat();
    let name =
        |value: &serde_json::Value| value["name"].as_str().map(str::to_owned).context("no name");
    let names = packages.iter().map(name).collect::<Result<BTreeSet<_>>>()?;
    packages
        .iter()
        .map(|package| {
            let direct = package["dependencies"]
                .as_array()
                .context("no dependencies")?;
            let shipped = direct
                .iter()
                .filter(|dependency| dependency["kind"] != "dev");
            let direct = shipped.map(name).collect::<Result<BTreeSet<_>>>()?;
            Ok((
                name(package)?,
                direct.intersection(&names).cloned().collect(),
            ))
        })
        .collect()
}

/// Returns what cargo knows of the crates of a workspace.
fn packages(manifest: &str) -> Result<Vec<serde_json::Value>> {
    let words = ["cargo", "metadata", "--format-version", "1", "--no-deps"];
    let text = run::output(&[&words[..], &["--manifest-path", manifest]].concat())?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    metadata["packages"]
        .as_array()
        .context("no packages")
        .cloned()
}

/// Returns the names of all crates that a crate depends on, directly or not, without dev-dependencies.
fn closure(name: &str) -> Result<BTreeSet<String>> {
    let tree = run::output(&[
        "cargo",
        "tree",
        "-p",
        name,
        "-e",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{lib}|{p}",
    ])?;
    let names = tree
        .lines()
        .filter_map(|line| line.split('|').nth(1)?.split(' ').next());
    Ok(names.map(str::to_owned).collect())
}
