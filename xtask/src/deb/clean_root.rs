//! A clean Debian in a folder, made by Debian's mmdebstrap.
//!
//! Programs in it run in separate mount and process namespaces: when one ends, its mounts and processes are gone.

use crate::{debian, run};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// A Debian installation in a folder, which is removed on drop.
pub(super) struct CleanRoot {
    folder: PathBuf,
    sudo: &'static [&'static str],
}

impl CleanRoot {
    /// Creates a minimal Debian 12 with one user.
    pub(super) fn make() -> Result<Self> {
        let root = Self {
            folder: run::root().join("target/debian-root"),
            sudo: debian::sudo()?,
        };
        root.remove()?;
        root.host(&[
            "mmdebstrap",
            "--quiet",
            "--mode=root",
            "--variant=minbase",
            // Stored in the root: apt retries if a mirror fails.
            "--aptopt=Acquire::Retries \"5\"",
            "bookworm",
            root.text(),
        ])?;
        root.apt(&["update"])?;
        root.succeed(ROOT, &["useradd", "--create-home", USER])?;
        Ok(root)
    }

    /// Returns a path inside the root as a path of this computer.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Installs files and packages with their dependencies, without recommended packages.
    pub(super) fn install(&self, files: &[&Path], packages: &[&str]) -> Result<()> {
        let mut words = vec!["install", "--no-install-recommends"];
        let mut names = Vec::new();
        for file in files {
            self.place(file, "tmp")?;
            names.push(format!("/tmp/{}", super::file_name(file)));
        }
        words.extend(names.iter().map(String::as_str));
        words.extend(packages);
        self.apt(&words)
    }

    /// Copies a file into a folder of the root.
    pub(super) fn place(&self, file: &Path, folder: &str) -> Result<()> {
        let to = self.path(folder);
        self.host(&[
            "cp",
            file.to_str().context("UTF-8")?,
            to.to_str().context("UTF-8")?,
        ])
    }

    /// Writes a text into a file of the root.
    pub(super) fn write(&self, text: &str, to: &str) -> Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        let to = self.path(to);
        let (from, to) = (file.path().to_str(), to.to_str());
        self.host(&["cp", from.context("UTF-8")?, to.context("UTF-8")?])
    }

    /// Runs a program as root, without a network but its own, and returns all that it prints if it succeeds.
    pub(super) fn alone(&self, words: &[&str]) -> Result<String> {
        let words = [&["sh", "-c", "exec \"$@\" 2>&1", "sh"], words].concat();
        let up = "ip link set lo up && exec \"$@\"";
        let apart = ["unshare", "--net", "sh", "-c", up, "sh"];
        let mut command = self.within(&apart, ROOT, &words);
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("it failed: {}\n{said}", output.status);
        }
        Ok(said)
    }

    /// Runs Debian's package manager without questions.
    pub(super) fn apt(&self, words: &[&str]) -> Result<()> {
        let apt = ["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"];
        self.succeed(ROOT, &[apt.as_slice(), words].concat())
            .map(drop)
    }

    /// Runs a program as a user and waits for its end.
    pub(super) fn output(&self, user: &str, words: &[&str]) -> Result<Output> {
        let mut command = self.command(user, words);
        let output = command.stdin(Stdio::null()).output();
        output.with_context(|| format!("cannot run `{}`", words.join(" ")))
    }

    /// Returns what a program prints if it succeeds.
    pub(super) fn succeed(&self, user: &str, words: &[&str]) -> Result<String> {
        let output = self.output(user, words)?;
        if !output.status.success() {
            bail!(
                "`{}` failed: {}\n{}{}",
                words.join(" "),
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts a program that runs until the returned value is dropped. Its error output goes to `log`.
    pub(super) fn start(&self, user: &str, words: &[&str], log: &Path) -> Result<Running> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        let tied = [["bash", "-c", UNTIL_INPUT_ENDS, "bash"].as_slice(), words].concat();
        let mut command = self.command(user, &tied);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot run `{}`", words.join(" ")))?;
        let out = child.stdout.take().context("its output is piped")?;
        Ok(Running {
            child,
            out: Some(BufReader::new(out)),
            name: words.join(" "),
            log: log.into(),
        })
    }

    /// Builds a command: `unshare`, `runuser`, then the program, with a fixed environment, for at most 15 minutes.
    fn command(&self, user: &str, words: &[&str]) -> Command {
        self.within(&[], user, words)
    }

    /// The same, after the words that start it in a place of its own.
    fn within(&self, apart: &[&str], user: &str, words: &[&str]) -> Command {
        let root = format!("--root={}", self.text());
        let separate = ["unshare", "--mount", "--pid", "--fork", "--kill-child"];
        let within = [root.as_str(), "--mount-proc", "runuser", "-u", user, "--"];
        let home = if user == ROOT {
            "HOME=/root"
        } else {
            "HOME=/home/someone"
        };
        let bounded = ["timeout", "--kill-after=5", "900"];
        let environment = ["env", "-i", PATH, "LANG=C.UTF-8", home];
        let all = [
            self.sudo,
            apart,
            &separate,
            &within,
            &bounded,
            &environment,
            words,
        ];
        run::command(&all.concat())
    }

    /// Runs a program of this computer that only root may run.
    fn host(&self, words: &[&str]) -> Result<()> {
        run::output(&[self.sudo, words].concat()).map(drop)
    }

    fn remove(&self) -> Result<()> {
        if self.folder.exists() {
            self.host(&["rm", "--recursive", "--one-file-system", self.text()])?;
        }
        fs::create_dir_all(&self.folder).context("target/debian-root")
    }

    fn text(&self) -> &str {
        self.folder.to_str().unwrap_or_default()
    }
}

impl Drop for CleanRoot {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("xtask: {error:#}");
        }
    }
}

/// A program in the clean Debian and its child processes, which all end on drop.
pub(super) struct Running {
    child: Child,
    out: Option<BufReader<std::process::ChildStdout>>,
    name: String,
    log: PathBuf,
}

impl Running {
    /// Reads lines until the expected one, and returns all of them.
    pub(super) fn until(&mut self, is_awaited: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let mut out = self
            .out
            .take()
            .context("the program's output was read already")?;
        let mut read = Vec::new();
        for line in out.by_ref().lines() {
            let line = line?;
            let is_last = is_awaited(&line);
            read.push(line);
            if is_last {
                // The rest is read too, so that the program never blocks on a full pipe.
                std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
                return Ok(read);
            }
        }
        bail!("`{}` ended: {}", self.name, self.complaint())
    }

    /// Returns the program's error output.
    pub(super) fn complaint(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Signals do not reach the program through `sudo` and `unshare`: the end of its input ends it.
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            eprintln!("xtask: {error}");
        }
    }
}

/// Runs a program to its end, or until nobody holds the input any more. It is the last process but `unshare`'s own, so the
/// others are killed with it.
const UNTIL_INPUT_ENDS: &str = r#"exec 3<&0; "$@" 3<&- & cat <&3 >&2 & wait -n"#;

/// The administrator.
pub(super) const ROOT: &str = "root";

/// A user without rights beyond the home folder.
pub(super) const USER: &str = "someone";

const PATH: &str = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
