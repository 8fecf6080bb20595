//! Runs everything that CI runs, and measures each part.

use crate::{
    compiler::Compiler,
    constant_time, deb, debian, demo, deny, firmware, fuzz, layers, model, platforms,
    run::{self, shown},
    stages::Stages,
    tidy, tools,
};
use anyhow::Result;
use std::{fs, io};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also run slow checks that rarely fail: every bit of each message and store, the whole dependency audit, and
    /// fuzzing for a minute per target.
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut stages = Stages::default();
    let outcome = all(&mut stages, options);
    println!("\n{}", stages.table());
    outcome?;
    println!("everything passed");
    Ok(())
}

fn all(stages: &mut Stages, options: &Options) -> Result<()> {
    stages.run("packages and tools", || quietly(install()))?;
    stages.run("format", || quietly(format()))?;
    stages.run("layers, documents", || {
        quietly(layers::run().and_then(|()| tidy::run()))
    })?;
    // The core alone, without features that other crates enable.
    stages.run("core alone", || {
        quietly(shown(&["cargo", "check", "--quiet", "-p", "hsm-core"]))
    })?;
    // Its test in the emulator is one of all tests.
    stages.run("firmware", || {
        quietly(firmware::build_emulated().and_then(|()| firmware::test_on_host()))
    })?;
    stages.run("Windows: type check", || {
        quietly(platforms::windows::check())
    })?;
    // All that tests start or run, with lints and reference in the same pass.
    stages.run("build, lints, docs", || quietly(build()))?;
    stages.run("tests", || tests(options.all))?;
    stages.run("demo", || {
        quietly(demo::run_built(&demo::Options::default()))
    })?;
    stages.run("Debian packages", || quietly(deb::test_built()))?;
    stages.run("constant time", || quietly(constant_time::branches()))?;
    let seconds = if options.all { 60 } else { 2 };
    stages.run("fuzzing", || {
        quietly(fuzz::run(&fuzz::Options::all_targets(seconds)))
    })?;
    stages.run("model", || quietly(model::run()))?;
    if options.all {
        stages.run("dependencies", || {
            quietly(deny::run(&deny::Options::default()))
        })?;
    }
    Ok(())
}

/// Runs a stage without a note in its row.
fn quietly(outcome: Result<()>) -> Result<String> {
    outcome.map(|()| String::new())
}

fn install() -> Result<()> {
    debian::install(&[
        debian::BUILD,
        debian::TEST,
        debian::PORTAL,
        debian::WINDOW,
        debian::WINDOW_TEST,
        debian::PACKAGE,
        debian::FUZZ,
        debian::CONSTANT_TIME,
    ])?;
    tools::install(&tools::RAGE)?;
    tools::install(&tools::VERIFPAL)?;
    python_tools()?;
    axe()?;
    prometheus()
}

fn format() -> Result<()> {
    shown(&["cargo", "fmt", "--all", "--check"])
}

fn build() -> Result<()> {
    println!(
        "\n$ cargo build --workspace --all-targets  (with lints and reference; warnings are errors)"
    );
    let words = ["cargo", "build", "--quiet", "--workspace", "--all-targets"];
    let mut cargo = run::command(&words);
    Compiler::Checked.prepare(&mut cargo)?;
    run::finish(&mut cargo, "cargo build")
}

/// Runs the tests and counts them. Those that can do nothing on this computer say so in a file.
fn tests(is_thorough: bool) -> Result<String> {
    println!("\n$ cargo test --workspace --no-fail-fast");
    let mut cargo = run::command(&["cargo", "test", "--workspace", "--no-fail-fast"]);
    Compiler::Checked.prepare(&mut cargo)?;
    let path = run::root().join("target/not-tested.txt");
    fs::remove_file(&path).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    cargo.env("KEYWRITER_NOT_TESTED", &path);
    if is_thorough {
        cargo.env("KEYWRITER_THOROUGH", "1");
    }
    let mut passed = 0;
    run::each_line(&mut cargo, "cargo test", |line| passed += passed_in(line))?;
    let not_tested = fs::read_to_string(&path).unwrap_or_default();
    for what in not_tested.lines() {
        println!("NOT TESTED here: {what}");
    }
    Ok(match not_tested.lines().count() {
        0 => format!("{passed} tests"),
        count => format!("{passed} tests, {count} of them tested nothing (above)"),
    })
}

/// Returns the number of tests in the last line of a test program.
fn passed_in(line: &str) -> usize {
    line.strip_prefix("test result: ")
        .and_then(|rest| {
            rest.split_once(". ")?
                .1
                .split_once(" passed")?
                .0
                .parse()
                .ok()
        })
        .unwrap_or(0)
}

/// Installs an SMTP server and a generator of bad requests, in a separate Python environment.
fn python_tools() -> Result<()> {
    const FOLDER: &str = "target/tools/portal";
    if run::root().join(FOLDER).join("bin/schemathesis").exists() {
        return Ok(());
    }
    println!("Installing aiosmtpd and schemathesis from PyPI into {FOLDER}");
    shown(&["python3", "-m", "venv", FOLDER])?;
    let pip = format!("{FOLDER}/bin/pip");
    shown(&[
        &pip,
        "install",
        "--quiet",
        "aiosmtpd==1.4.6",
        "schemathesis==4.32.5",
    ])
}

/// Installs axe-core, which checks pages for accessibility, from the Python registry, so that npm is not needed.
fn axe() -> Result<()> {
    const FOLDER: &str = "target/tools/axe";
    if run::root().join(FOLDER).exists() {
        return Ok(());
    }
    println!("Installing axe-core 4.12.1 from PyPI into {FOLDER}");
    shown(&[
        "target/tools/portal/bin/pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        FOLDER,
        "axe-playwright-python==0.1.8",
    ])
}

/// Takes Prometheus and promtool out of Debian's package, which would start a server if it were installed.
fn prometheus() -> Result<()> {
    const FOLDER: &str = "target/tools/prometheus";
    if run::root().join(FOLDER).exists() {
        return Ok(());
    }
    println!("Unpacking Debian's package prometheus into {FOLDER}");
    debian::unpack("prometheus", FOLDER)
}

#[cfg(test)]
mod tests {
    use super::passed_in;

    #[test]
    fn passed_tests_are_counted_from_closing_lines() {
        let line = "test result: ok. 57 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        assert_eq!(passed_in(line), 57);
        assert_eq!(passed_in("test result: FAILED. 3 passed; 1 failed"), 3);
        assert_eq!(passed_in("test tests::three ... ok"), 0);
    }
}
