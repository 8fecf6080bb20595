//! The container of the portal: built with Debian's buildah, without a daemon or a registry, and started.

use super::{
    Profile, build,
    clean_root::{CleanRoot, ROOT},
};
use crate::{debian, run};
use anyhow::{Context, Result};

pub(crate) fn run() -> Result<()> {
    debian::install(&[debian::PACKAGE, debian::NETWORK])?;
    run::shown(&["cargo", "build", "--quiet", "--locked", "-p", PACKAGE])?;
    let packages = build(Profile::Dev, &[PACKAGE])?;
    let root = CleanRoot::make().context("a clean Debian 12")?;
    let sh = |script: &str| root.succeed(ROOT, &["sh", "-euc", script]);
    // It stands for the image of Debian 12 in the registry.
    sh("tar --create --one-file-system --exclude=./root/* --file /root/base.tar --directory / .")?;
    root.apt(&["install", "--no-install-recommends", "buildah"])?;
    sh("mkdir /within /root/context")?;
    for file in packages.iter().chain([&run::root().join(FILE)]) {
        root.place(file, "root/context")?;
    }
    root.write(include_str!("container/build.sh"), "root/build.sh")?;
    root.write(include_str!("container/trial.sh"), "root/trial.sh")?;
    root.succeed(ROOT, &["sh", "/root/build.sh"])?;
    let said = root.alone(&["sh", "/root/trial.sh"])?;
    println!("container: {}", said.lines().last().unwrap_or_default());
    Ok(())
}

const PACKAGE: &str = "license-portal";

const FILE: &str = "crates/license-portal/deploy/Containerfile";
