//! The driver in Debian's pcscd, with ten readers and the `pcsc` crate as client.
//!
//! libpcsclite takes the socket of its pcscd from the environment. So this program starts pcscd and then itself again,
//! with that variable set; the second run has the cards and the checks. Arguments are those of a usual test program:
//! parts of names, `--exact`, `--list`.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is a test, though the usual harness does not call it"
)]

mod card;
mod checks;

use hsm_virtual::pcscd::{Pcscd, SOCKET_VARIABLE, find_driver};
use std::env;
use std::panic::catch_unwind;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Set in the second run: the folder of the module sockets.
const FOLDER_VARIABLE: &str = "HSM_IFD_TEST_FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|a| a == flag);
    let names: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| {
        names.is_empty()
            || names.iter().any(|n| {
                if has("--exact") {
                    name == *n
                } else {
                    name.contains(n.as_str())
                }
            })
    };
    let wanted: Vec<_> = checks::ALL
        .iter()
        .filter(|(name, _)| !has("--ignored") && is_wanted(name))
        .collect();
    if has("--list") {
        for (name, _) in wanted {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    match env::var_os(FOLDER_VARIABLE) {
        _ if wanted.is_empty() => ExitCode::SUCCESS,
        Some(folder) => run(&wanted, Path::new(&folder)),
        None => start_again(&arguments),
    }
}

fn run(wanted: &[&(&str, checks::Check)], folder: &Path) -> ExitCode {
    println!("\nrunning {} tests", wanted.len());
    let mut failed = 0;
    for (name, check) in wanted {
        let passed = catch_unwind(|| check(folder)).is_ok();
        failed += usize::from(!passed);
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
    }
    let result = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {result}. {} passed; {failed} failed\n",
        wanted.len() - failed
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn start_again(arguments: &[String]) -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let readers: Vec<_> = (0..checks::READERS)
        .map(|n| (checks::reader_name(n), checks::socket(folder.path(), n)))
        .collect();
    let mut pcscd = Pcscd::start(folder.path(), &find_driver().unwrap(), &readers).unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(arguments)
        .env(SOCKET_VARIABLE, pcscd.socket())
        .env(FOLDER_VARIABLE, folder.path())
        .status()
        .unwrap();
    if status.success() && pcscd.is_running() {
        return ExitCode::SUCCESS;
    }
    let log = std::fs::read_to_string(folder.path().join("pcscd.log")).unwrap();
    eprintln!("pcscd still runs: {}; its log:\n{log}", pcscd.is_running());
    ExitCode::FAILURE
}
