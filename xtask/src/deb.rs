//! Builds the Debian packages with Debian's own tools, checks them with lintian, and signs them; tests them in a clean
//! Debian.

mod clean_root;
pub(crate) mod container;
mod display;
pub(crate) mod operator_day;
mod package;
mod trial;

use crate::{debian, run, third_party};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Options of `cargo xtask deb`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How the programs are compiled.
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    profile: Profile,
    /// Package the programs as they are, without building them.
    #[arg(long)]
    built: bool,
    /// Sign each package with this gpg key: writes a detached signature, `.sig`, beside it.
    #[arg(long, value_name = "KEYID")]
    sign: Option<String>,
    /// Install and start the packages in a clean Debian 12; needs root or sudo.
    #[arg(long)]
    test: bool,
}

/// The profile of the programs, and how their packages are compressed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// For release.
    Release,
    /// For tests: compressed quickly.
    Dev,
}

impl Profile {
    /// Returns the name of Cargo's folder below `target`.
    fn folder(self) -> PathBuf {
        run::root().join(match self {
            Self::Release => "target/release",
            Self::Dev => "target/debug",
        })
    }

    /// Returns the compression options of dpkg-deb.
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
    let packages = build(options.profile, package::NAMES)?;
    if let Some(key) = &options.sign {
        sign(&packages, key)?;
    }
    if options.test {
        debian::install(&[debian::WINDOW_TEST])?;
        trial::run(&packages)?;
    }
    Ok(())
}

/// Packages, installs and starts the programs of an earlier build of the whole workspace.
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

/// Writes packages and their checksums to `target/debian` and checks them with lintian.
fn build(profile: Profile, names: &[&str]) -> Result<Vec<PathBuf>> {
    let folder = run::root().join("target/debian");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot empty target/debian")?;
    }
    let packages = package::build(&folder, profile, names)?;
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

/// Writes `PACKAGE.deb.sig`, which the license portal's download page offers.
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

/// Runs a program in a folder and returns its output.
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
