//! Fuzzing (docs/FUZZING.md): builds every target with coverage counters, as cargo-fuzz does and without installing it, gives
//! each its seeds, and fails where one is brought down.

use crate::{compiler::Compiler, debian, run};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Mutex, PoisonError},
    thread,
};

/// Options of `cargo xtask fuzz`.
#[derive(Args)]
pub(crate) struct Options {
    /// The target; all targets if none is named.
    pub(crate) target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u32,
}

impl Options {
    /// Returns the options for all targets, with this many seconds each.
    pub(crate) const fn all_targets(seconds: u32) -> Self {
        Self {
            target: None,
            seconds,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    debian::install(&[debian::BUILD, debian::FUZZ])?;
    let programs = build()?;
    let corpus = run::root().join("fuzz/corpus");
    let mut targets = targets(&programs, &corpus)?;
    find_the_control(&programs)?;
    if let Some(chosen) = &options.target {
        targets.retain(|target| target == chosen);
        if targets.is_empty() {
            bail!("there is no target {chosen}: see TARGETS in fuzz/src/lib.rs");
        }
    }
    println!("\n{} targets for {} s each", targets.len(), options.seconds);
    all(&programs, &targets, options.seconds)
}

/// Builds the fuzzer and returns the folder of its programs. Our crates get counters ([`Compiler::Counted`]); those of
/// others are the ones that tests use, so they are compiled once.
fn build() -> Result<PathBuf> {
    println!(
        "\n$ cargo build --workspace --features fuzz/libfuzzer --bin fuzz --bin seeds  (with coverage counters)"
    );
    let mut cargo = run::command(&[
        "cargo",
        "build",
        "--quiet",
        "--workspace",
        "--features",
        "fuzz/libfuzzer",
        "--bin",
        "fuzz",
        "--bin",
        "seeds",
    ]);
    Compiler::Counted.prepare(&mut cargo)?;
    run::finish(&mut cargo, "cargo build")?;
    Ok(run::root().join("target/debug"))
}

/// Writes the seeds and returns the names of the targets.
fn targets(programs: &Path, corpus: &Path) -> Result<Vec<String>> {
    let path = |path: &Path| path.to_str().map(str::to_owned).context("UTF-8");
    let seeds = path(&programs.join("seeds"))?;
    let vectors = path(&run::root().join("vectors"))?;
    let names = run::output(&[&seeds, &vectors, &path(corpus)?])?;
    Ok(names.lines().map(str::to_owned).collect())
}

/// A target that panics at bytes that the fuzzer has to find by itself. If it does not, it would find nothing else.
const CONTROL: &str = "control";

fn find_the_control(programs: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = fuzz(programs, CONTROL, folder.path(), folder.path(), 30)?;
    if output.status.success() {
        bail!("the fuzzer did not find the fault that is planted in `{CONTROL}`");
    }
    println!("control: the planted fault was found");
    Ok(())
}

/// Runs targets in parallel, one per processor.
fn all(programs: &Path, targets: &[String], seconds: u32) -> Result<()> {
    let next = Mutex::new(targets.iter());
    let broken = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        loop {
            let target = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(target) = target else { return Ok(()) };
            if !one(programs, target, seconds)? {
                let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
                broken.push(target.as_str());
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_payload| anyhow::anyhow!("a worker panicked"))??;
        }
        Ok(())
    })?;
    let broken = broken.into_inner().unwrap_or_else(PoisonError::into_inner);
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("failed: {}", broken.join(", "))
    }
}

/// Runs one target, prints a summary, and returns whether the target passed.
fn one(programs: &Path, target: &str, seconds: u32) -> Result<bool> {
    let corpus = run::root().join("fuzz/corpus").join(target);
    let artifacts = run::root().join("fuzz/artifacts").join(target);
    let output = fuzz(programs, target, &corpus, &artifacts, seconds)?;
    let text = String::from_utf8_lossy(&output.stderr);
    let stood = output.status.success();
    if stood {
        println!("{}", summary(target, &text));
    } else {
        println!(
            "{target}: brought down\n{text}\nplay it again: FUZZ_TARGET={target} {} {}/…",
            programs.join("fuzz").display(),
            artifacts.display()
        );
    }
    Ok(stood)
}

fn fuzz(
    programs: &Path,
    target: &str,
    corpus: &Path,
    artifacts: &Path,
    seconds: u32,
) -> Result<Output> {
    fs::create_dir_all(corpus)?;
    fs::create_dir_all(artifacts)?;
    Command::new(programs.join("fuzz"))
        .env("FUZZ_TARGET", target)
        .arg(corpus)
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(format!("-max_total_time={seconds}"))
        // An input that takes more than ten seconds or two gigabytes is a finding.
        .args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"])
        .output()
        .with_context(|| format!("cannot run {target}"))
}

/// Returns `target: runs, runs per second, places covered`.
fn summary(target: &str, text: &str) -> String {
    let figure = |name: &str| {
        let line = text.lines().rev().find(|line| line.contains(name));
        line.and_then(|line| line.split_once(name)?.1.split_whitespace().next())
            .unwrap_or("?")
            .to_owned()
    };
    format!(
        "{target:16} {:>10} runs {:>9}/s {:>6} places covered",
        figure("number_of_executed_units:"),
        figure("average_exec_per_sec:"),
        figure("cov: "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_takes_the_last_figures() {
        let text = "#1 INITED cov: 3 ft: 4\n#9 DONE cov: 17 ft: 20\n\
            stat::number_of_executed_units: 900\nstat::average_exec_per_sec:     450\n";
        let line = summary("frame", text);
        assert!(line.contains("900 runs") && line.contains("450/s") && line.contains("17 places"));
    }
}
