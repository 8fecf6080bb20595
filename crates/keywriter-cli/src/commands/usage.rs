//! `completions` and `man`: what packages install beside the program, generated from the command line's definition.

use crate::{args::Args, failure::Failure, output};
use clap::CommandFactory;
use clap_complete::Shell;
use keywriter::problem::Reason;
use std::{fs, path::Path};

/// Prints a shell's completions.
pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "keywriter", &mut script);
    output::write(&script)
}

/// Writes `keywriter.1`, `keywriter-clone.1` and so on.
pub(crate) fn man(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Args::command(), folder))
        .map_err(super::of_file(Reason::CannotWrite, folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_command_that_is_shown_has_a_page_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        man(folder.path()).unwrap();
        for command in Args::command().get_subcommands() {
            let page = format!("keywriter-{}.1", command.get_name());
            assert_eq!(
                folder.path().join(&page).exists(),
                !command.is_hide_set(),
                "{page}"
            );
        }
    }

    #[test]
    fn every_shell_completes_every_command_that_is_shown() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "keywriter", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in Args::command().get_subcommands() {
                assert!(
                    command.is_hide_set() || script.contains(command.get_name()),
                    "{shell} does not know {}",
                    command.get_name()
                );
            }
        }
    }
}
