//! `keywriter root show|pin|forget`, and the question at the first use.

use super::require_app_pin;
use crate::{
    args::{Args, RootCommand},
    failure::Failure,
    output::{self, Event},
    table, words,
};
use keywriter::{
    genuine::TrustedRoot,
    problem::{Problem, Reason},
    survey::Survey,
    text::shown_path,
    trust::{self, RootSource},
};
use std::{
    io::{self, BufRead, IsTerminal, Read},
    path::Path,
};

pub(crate) fn run(args: &Args, command: &RootCommand) -> Result<(), Failure> {
    match command {
        RootCommand::Show => show(args),
        RootCommand::Pin { file } => pin(args, file),
        RootCommand::Forget => forget(args),
    }
}

fn show(args: &Args) -> Result<(), Failure> {
    let (root, source) = args
        .trusted_root()?
        .ok_or(Failure::Problem(Reason::NoRoot.into()))?;
    print(args, "root", &root, &source)
}

fn pin(args: &Args, file: &Path) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = TrustedRoot::load(file)?;
    let path = trust::pin(&args.folders()?, &root)?;
    print(args, "root-pinned", &root, &RootSource::Pinned(path))
}

fn forget(args: &Args) -> Result<(), Failure> {
    require_app_pin(args)?;
    let folders = args.folders()?;
    let was_pinned = trust::forget(&folders)?;
    if args.json {
        return Event::new("root-forgotten")
            .with("was_pinned", was_pinned)
            .print();
    }
    output::line(if was_pinned {
        "the pinned root is forgotten"
    } else {
        "no root was pinned"
    })?;
    // Another one may be trusted now; what cannot be trusted, the next command says.
    match trust::find(None, &folders) {
        Ok(Some((root, source))) => output::line(&format!(
            "this computer trusts {} now, from {}",
            root.summary(),
            shown_path(source.path())
        )),
        Ok(None) => output::line(
            "this computer trusts no root now: the next command that uses modules asks on a terminal which one to trust",
        ),
        Err(error) => output::line(words::line(&Problem::from(&error)).as_str()),
    }
}

fn print(
    args: &Args,
    event: &'static str,
    root: &TrustedRoot,
    source: &RootSource,
) -> Result<(), Failure> {
    if args.json {
        return Event::new(event)
            .with("source", source.name())
            .path("file", source.path())
            .with("name", root.name())
            .with("sha256", root.fingerprint())
            .print();
    }
    let origin = match source {
        RootSource::Named(_) => "named with --root",
        RootSource::Pinned(_) => "pinned on this computer",
        RootSource::Hub(_) => "the virtual hub's",
    };
    let text = table::pairs([
        ("root of trust", root.name()),
        ("SHA-256", root.fingerprint()),
        ("from", format!("{} ({origin})", shown_path(source.path()))),
    ]);
    output::line(text.trim_end())
}

/// Asks at the first use whether the root that the modules show is the right one, and pins it. `None`: no module shows
/// one. Without a terminal, an unknown root is refused.
pub(super) fn first_use(args: &Args, found: &Survey) -> Result<Option<TrustedRoot>, Failure> {
    let roots = found.other_roots();
    let summaries: Vec<_> = roots.iter().map(|root| root.summary()).collect();
    let refused = || {
        let detail = format!("the modules show {}", summaries.join(" and "));
        Failure::Problem(Problem::new(Reason::NoRoot).with_detail(detail))
    };
    let root = match roots.as_slice() {
        [] => return Ok(None),
        [root] => *root,
        _ => return Err(refused()),
    };
    if args.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(refused());
    }
    output::note(&format!(
        "This computer does not know yet which root of trust certifies your modules. The ones here show:\n\n  \
         {}\n  SHA-256 {}\n\nWhoever holds the key of this root decides which modules are genuine. Compare the \
         fingerprint with the one that the supplier of your modules gives you, not with one that came with them.\n\
         Trust this root from now on? [y/N] ",
        root.name(),
        root.fingerprint()
    ));
    if !is_yes(&mut io::stdin().lock()) {
        return Err(refused());
    }
    trust::pin(&args.folders()?, root)?;
    Ok(Some(root.clone()))
}

/// Returns whether a line says yes. Anything else says no: no input, bytes that are not text, a line that is too long.
fn is_yes(input: &mut dyn BufRead) -> bool {
    let mut answer = Vec::new();
    let read = input.take(ANSWER_MAX).read_until(b'\n', &mut answer);
    read.is_ok() && matches!(answer.trim_ascii(), b"y" | b"Y" | b"yes")
}

/// The most bytes of an answer that are read.
const ANSWER_MAX: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "Y\n", " yes \r\n", "y"] {
            assert!(is_yes(&mut yes.as_bytes()), "{yes:?}");
        }
        for no in [
            &b""[..],
            b"\n",
            b"n\n",
            b"\xff\n",
            b"y\xff\n",
            b"\xc3",
            b"yy\n",
        ] {
            assert!(!is_yes(&mut &*no), "{no:?}");
        }
        assert!(!is_yes(&mut [b'y'; 5000].as_slice()));
    }
}
