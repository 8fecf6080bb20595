//! `keywriter letter request|write|take|close`

pub(crate) mod take;
pub(crate) mod write;

use super::{find, of_module, require_app_pin, root_for_work};
use crate::{
    args::{Args, LetterCommand},
    failure::Failure,
    output::{self, Event},
    words,
};
use keywriter::{
    Serial, file,
    genuine::TrustedRoot,
    letter::{GenuineLetterbox, desk::Desk, members::Letterboxes, post::Post},
    problem::{Problem, Reason},
    survey::Present,
    text::shown_path,
};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Args, command: &LetterCommand) -> Result<(), Failure> {
    match command {
        LetterCommand::Request {
            serial,
            output,
            force,
        } => request(args, *serial, output, *force),
        LetterCommand::Write(choices) => write::run(args, choices),
        LetterCommand::Take {
            file,
            output,
            to,
            force,
        } => take::run(args, file, to, (output, *force)),
        LetterCommand::Close {
            serial,
            files,
            receipts,
        } => close(args, *serial, files, receipts.as_deref()),
    }
}

fn request(args: &Args, serial: Serial, output: &Path, force: bool) -> Result<(), Failure> {
    require_app_pin(args)?;
    let mut present = find(args, serial)?;
    let letterbox = present.module.letterbox().map_err(of_module(serial))?;
    let post = Post {
        letterboxes: vec![letterbox],
        ..Post::default()
    };
    post.save(output, force)?;
    if args.json {
        return Event::new("letter-requested")
            .text("serial", serial)
            .path("file", output)
            .print();
    }
    output::line(&format!(
        "{serial}: its letterbox is in {}; mail it to whoever has the master",
        shown_path(output)
    ))
}

fn close(
    args: &Args,
    serial: Serial,
    files: &[PathBuf],
    receipts: Option<&Path>,
) -> Result<(), Failure> {
    require_app_pin(args)?;
    let folders = args.folders()?;
    let folder = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
    let root = root_for_work(args)?;
    let posts = load_all(files)?;
    if let Some((file, _)) = posts.iter().find(|(_, post)| post.receipts.is_empty()) {
        return Err(Failure::about(Reason::NoLetter, shown_path(file)));
    }
    let known = Letterboxes::new(folders.letterboxes());
    let mut master = find(args, serial)?;
    let mut desk = desk(&mut master, &root)?;
    let (mut failed, mut all) = (0, 0);
    for (file, post) in posts {
        for receipt in post.receipts {
            all += 1;
            let tell = |aside: PathBuf| {
                output::note(&format!(
                    "a receipt that is not valid was set aside: {}\n",
                    shown_path(&aside)
                ));
            };
            match desk.close(receipt, &folder, &tell) {
                Ok((path, proved)) => {
                    print_closed(args, proved.statement().secondary.serial, &path)?;
                }
                Err(error) => {
                    failed += 1;
                    print_failed(args, None, &Problem::from(&error).within(shown_path(file)))?;
                }
            }
        }
        keep(&known, post.letterboxes, &root);
    }
    some(failed, all)
}

/// Refuses to replace a file before anything is done: what a module did cannot be undone.
pub(super) fn check_output(path: &Path, force: bool) -> Result<(), Failure> {
    if !force && file::would_replace(path) {
        Err(Failure::about(Reason::FileExists, shown_path(path)))
    } else {
        Ok(())
    }
}

/// Returns a master's desk. The module is genuine and unlocked; whether it may clone it says itself.
pub(super) fn desk<'a>(
    master: &'a mut Present,
    root: &'a TrustedRoot,
) -> Result<Desk<'a>, Failure> {
    let (serial, status) = (master.facts.serial, master.facts.status);
    let status = status.ok_or_else(|| Failure::about(Reason::Locked, serial))?;
    let party = master.facts.party();
    let party = party.ok_or_else(|| Failure::about(Reason::NotGenuine, serial))?;
    Ok(Desk::new(&mut master.module, party, status.group, root))
}

/// Reads every file before anything is done, so that one that cannot be read is told first.
fn load_all(files: &[PathBuf]) -> Result<Vec<(&PathBuf, Post)>, Failure> {
    let load = |file: &'_ PathBuf| Post::load(file);
    files.iter().map(|file| Ok((file, load(file)?))).collect()
}

/// Keeps letterboxes for the next letters. Without one, its module only has to be asked again.
pub(super) fn keep(known: &Letterboxes, letterboxes: Vec<Vec<u8>>, root: &TrustedRoot) {
    for bytes in letterboxes {
        match GenuineLetterbox::check(bytes, root) {
            Ok(letterbox) => {
                if let Err(error) = known.keep(&letterbox, root) {
                    output::note(&format!("keywriter: a letterbox is not kept: {error}\n"));
                }
            }
            Err(error) => tracing::warn!(%error, "a letterbox is not kept"),
        }
    }
}

pub(super) fn print_closed(args: &Args, serial: Serial, path: &Path) -> Result<(), Failure> {
    if args.json {
        return Event::new("letter-closed")
            .text("serial", serial)
            .path("receipt", path)
            .print();
    }
    output::line(&format!("{serial}  proved; receipt {}", shown_path(path)))
}

pub(super) fn print_failed(
    args: &Args,
    serial: Option<Serial>,
    problem: &Problem,
) -> Result<(), Failure> {
    if args.json {
        let event = Event::new("failed");
        let event = event.some("serial", serial.map(|serial| serial.to_string()));
        return event.problem("why", problem).print();
    }
    let advice = words::of(problem.reason).advice;
    let Some(serial) = serial else {
        return output::line(&format!("failed: {}\n  {advice}", words::line(problem)));
    };
    let mut problem = problem.clone();
    if problem.subject == serial.as_str() {
        // It begins the line.
        problem.subject.clear();
    }
    output::line(&format!(
        "{serial}  failed: {}\n  {advice}",
        words::line(&problem)
    ))
}

const fn some(failed: usize, all: usize) -> Result<(), Failure> {
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::SomeLetters(failed, all))
    }
}
