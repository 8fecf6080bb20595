//! `keywriter root show|pin|forget`, and the question at the first use.

use super::require_app_pin;
use crate::{
    args::{Args, RootCommand},
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    genuine::TrustedRoot,
    problem::{Problem, Reason},
    survey::Survey,
    text::shown_path,
    trust::{self, RootSource},
};
use std::{
    io::{self, IsTerminal},
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
    let was_pinned = trust::forget(&args.folders()?)?;
    if args.json {
        return Event::new("root-forgotten")
            .with("was_pinned", was_pinned)
            .print();
    }
    output::line(if was_pinned {
        "the pinned root is forgotten: the next command that uses modules asks which one to trust"
    } else {
        "no root was pinned"
    })
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
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .map_err(Failure::NoTerminal)?;
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        return Err(refused());
    }
    trust::pin(&args.folders()?, root)?;
    Ok(Some(root.clone()))
}
