//! What cargo calls instead of the compiler for our own crates (`RUSTC_WORKSPACE_WRAPPER`): this very program.
//!
//! Lints and reference come out of the same call that compiles a crate. `cargo clippy` and `cargo doc` would first check all
//! crates of others once more, each with features of its own. The fuzzer's counters go into our crates in the same way, and
//! those of others are the ones that tests use.

use crate::run;
use anyhow::{Context, Result, anyhow};
use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
    process::{Command, ExitCode, ExitStatus},
};

/// What is done with each of our crates.
#[derive(Clone, Copy)]
pub(crate) enum Compiler {
    /// It is compiled, linted, and its reference is written; what these warn of is an error.
    Checked,
    /// It is compiled with coverage counters for libFuzzer.
    Counted,
}

impl Compiler {
    const fn name(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Counted => "counted",
        }
    }

    /// Makes a call of cargo use it.
    pub(crate) fn prepare(self, cargo: &mut Command) -> Result<()> {
        // A copy each: cargo tells builds apart by the wrapper's path, and it may build this program too.
        let folder = run::root().join("target/tools/compiler");
        let program = folder.join(self.name());
        fs::create_dir_all(&folder)?;
        fs::create_dir_all(scratch())?;
        let fresh = folder.join(format!("{}.{}", self.name(), std::process::id()));
        // By this name it can be read even after a build has replaced it.
        fs::copy("/proc/self/exe", &fresh).context("cannot copy this program")?;
        fs::rename(fresh, &program)?;
        cargo
            .env("RUSTC_WORKSPACE_WRAPPER", program)
            .env(VARIABLE, self.name());
        Ok(())
    }
}

/// Compiles a crate if cargo called this program for that; `None` if a person called it.
pub(crate) fn called_by_cargo() -> Option<Result<ExitCode>> {
    let name = env::var(VARIABLE).ok()?;
    let call = Call::new(env::args_os().skip(1))?;
    let outcome = match name.as_str() {
        "checked" => call.check(),
        "counted" => call.count(),
        _ => Err(anyhow!("{VARIABLE} is '{name}'")),
    };
    Some(outcome.map(|status| {
        if status.success() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }))
}

/// How cargo called.
struct Call {
    rustc: OsString,
    arguments: Vec<OsString>,
}

impl Call {
    fn new(arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut arguments = arguments.peekable();
        let rustc = arguments.next_if(|first| {
            PathBuf::from(first)
                .file_stem()
                .is_some_and(|name| name == "rustc")
        })?;
        Some(Self {
            rustc,
            arguments: arguments.collect(),
        })
    }

    fn check(&self) -> Result<ExitStatus> {
        let compiled = self.compile(&[])?;
        if !compiled.success() || !self.is_one_of_our_crates() {
            return Ok(compiled);
        }
        let mut clippy = Command::new("clippy-driver");
        clippy
            .arg(&self.rustc)
            .args(self.without_output())
            .args(["--emit=metadata", "--out-dir"])
            .arg(scratch())
            .env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings");
        let linted = status(&mut clippy)?;
        if !linted.success() || self.arguments.iter().any(|word| word == "--test") {
            return Ok(linted);
        }
        // A program and a library may have the same name: the library's reference is the one to keep.
        let is_library = self.value_of("--crate-type") == Some(OsStr::new("lib"));
        let mut rustdoc = Command::new("rustdoc");
        rustdoc
            .args(self.without_output())
            .args(["-Dwarnings", "--out-dir"])
            .arg(if is_library {
                run::root().join("target/doc")
            } else {
                scratch()
            });
        status(&mut rustdoc)
    }

    /// Whether this is not a build script, nor a question for the compiler's version and settings.
    fn is_one_of_our_crates(&self) -> bool {
        self.value_of("--crate-name")
            .is_some_and(|name| name != "___" && name != "build_script_build")
    }

    /// Returns the arguments less those that say what is written, and where.
    fn without_output(&self) -> Vec<&OsStr> {
        let mut kept: Vec<&OsStr> = Vec::new();
        let mut words = self.arguments.iter().map(OsString::as_os_str);
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            if word == "--out-dir" {
                words.next();
            } else if text.starts_with("incremental=") {
                // Behind `-C`.
                kept.pop();
            } else if text.starts_with("--json=") {
                // Cargo takes word of what was written for the compiler's.
                kept.push(OsStr::new("--json=diagnostic-rendered-ansi"));
            } else if !text.starts_with("--emit=") {
                kept.push(word);
            }
        }
        kept
    }

    /// The flags of cargo-fuzz, which a stable compiler knows too.
    fn count(&self) -> Result<ExitStatus> {
        self.compile(&[
            "--cfg",
            "fuzzing",
            "-Cpasses=sancov-module",
            "-Cllvm-args=-sanitizer-coverage-level=4",
            "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
            "-Cllvm-args=-sanitizer-coverage-pc-table",
            "-Cllvm-args=-sanitizer-coverage-trace-compares",
        ])
    }

    fn compile(&self, more: &[&str]) -> Result<ExitStatus> {
        status(Command::new(&self.rustc).args(&self.arguments).args(more))
    }

    fn value_of(&self, option: &str) -> Option<&OsStr> {
        let mut words = self.arguments.iter();
        words.find(|word| *word == option)?;
        words.next().map(OsString::as_os_str)
    }
}

fn status(command: &mut Command) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .status()
        .with_context(|| format!("cannot run `{name}`"))
}

/// Returns the folder for output of lints, which is not read.
fn scratch() -> PathBuf {
    run::root().join("target/tools/compiler/scratch")
}

/// The variable that tells this program which [`Compiler`] it is.
const VARIABLE: &str = "KEYWRITER_XTASK_COMPILER";

#[cfg(test)]
mod tests {
    use super::*;

    fn call(words: &[&str]) -> Option<Call> {
        Call::new(words.iter().map(OsString::from))
    }

    #[test]
    fn a_person_is_not_cargo() {
        assert!(call(&["test"]).is_none());
        assert!(call(&[]).is_none());
        assert!(call(&["/usr/bin/rustc", "-vV"]).is_some());
    }

    #[test]
    fn lints_write_nothing_over_what_was_compiled() {
        let call = call(&[
            "rustc",
            "--crate-name",
            "hsm_core",
            "--json=artifacts",
            "--emit=dep-info,link",
            "-C",
            "opt-level=1",
            "--out-dir",
            "target/debug/deps",
            "-C",
            "incremental=target/debug/incremental",
            "src/lib.rs",
        ])
        .unwrap();
        let expected = [
            "--crate-name",
            "hsm_core",
            "--json=diagnostic-rendered-ansi",
            "-C",
            "opt-level=1",
            "src/lib.rs",
        ];
        assert_eq!(call.without_output(), expected);
        assert!(call.is_one_of_our_crates());
    }

    #[test]
    fn a_question_for_settings_is_not_linted() {
        let question = call(&["rustc", "-", "--crate-name", "___", "--print=cfg"]).unwrap();
        assert!(!question.is_one_of_our_crates());
    }
}
