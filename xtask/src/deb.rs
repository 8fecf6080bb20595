//! The Debian packages: built with Debian's own tools, checked by lintian, signed; installed and started in a clean Debian.

mod clean_root;
mod display;
mod package;
mod trial;

use crate::{debian, run, third_party};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How packages are built.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How the programs are compiled.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// Take the programs as they are, built before.
    #[arg(long)]
    built: bool,
    /// Sign each package with this key of gpg's: a detached signature, `.sig`, beside it.
    #[arg(long, value_name = "KEYID")]
    sign: Option<String>,
    /// Install and start the packages in a clean Debian 12; as root, or with sudo.
    #[arg(long)]
    test: bool,
}

/// How programs are compiled, and what that means for packages.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// To be given to others.
    Release,
    /// To be tested: packed fast.
    Dev,
}

impl Profile {
    /// Cargo's folder below `target`.
    fn folder(self) -> PathBuf {
        run::root().join(match self {
            Self::Release => "target/release",
            Self::Dev => "target/debug",
        })
    }

    /// How dpkg-deb packs.
    fn packing(self) -> &'static [&'static str] {
        match self {
            Self::Release => &["-Zxz", "-z6"],
            Self::Dev => &["-Zgzip", "-z1"],
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    debian::install(&[debian::BUILD, debian::PACKAGE])?;
    if !options.built {
        compile(options.profile)?;
    }
    let packages = build(options.profile)?;
    if let Some(key) = &options.sign {
        sign(&packages, key)?;
    }
    if options.test {
        debian::install(&[debian::WINDOW_TEST])?;
        trial::run(&packages)?;
    }
    Ok(())
}

/// Packs, installs and starts the programs that a build of the whole workspace has left.
pub(crate) fn test_built() -> Result<()> {
    run(&Options {
        profile: Profile::Dev,
        built: true,
        sign: None,
        test: true,
    })
}

fn compile(profile: Profile) -> Result<()> {
    let mut cargo = vec!["cargo", "build", "--quiet", "--locked"];
    if profile == Profile::Release {
        cargo.push("--release");
    }
    cargo.extend(third_party::SHIPPED.iter().flat_map(|name| ["-p", *name]));
    run::shown(&cargo)
}

/// The packages and their checksums in `target/debian`, passed by lintian.
fn build(profile: Profile) -> Result<Vec<PathBuf>> {
    let folder = run::root().join("target/debian");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("target/debian cannot be emptied")?;
    }
    let packages = package::build_all(&folder, profile)?;
    let names = packages.iter().map(|file| file_name(file));
    let sums = [vec!["sha256sum"], names.collect()].concat();
    fs::write(folder.join("SHA256SUMS"), output_in(&folder, &sums)?)?;
    let files = packages
        .iter()
        .map(|file| file.to_str().unwrap_or_default());
    run::shown(&[LINTIAN.to_vec(), files.collect()].concat())?;
    for package in &packages {
        let kilobytes = fs::metadata(package)?.len() / 1000;
        println!("{} ({kilobytes} kB)", package.display());
    }
    Ok(packages)
}

/// `PACKAGE.deb.sig`, as the license portal's download page offers it.
fn sign(packages: &[PathBuf], key: &str) -> Result<()> {
    for package in packages {
        let package = package.to_str().context("UTF-8")?;
        let signature = format!("{package}.sig");
        run::shown(&[
            "gpg",
            "--yes",
            "--local-user",
            key,
            "--output",
            &signature,
            "--detach-sign",
            package,
        ])?;
    }
    Ok(())
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// What a program prints that runs in another folder.
fn output_in(folder: &Path, words: &[&str]) -> Result<Vec<u8>> {
    let mut command = run::command(words);
    let output = command
        .current_dir(folder)
        .output()
        .with_context(|| format!("cannot run `{}`", words.join(" ")))?;
    if !output.status.success() {
        anyhow::bail!(
            "`{}` failed: {}\n{}",
            words.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}

const LINTIAN: &[&str] = &["lintian", "--fail-on", "error"];
