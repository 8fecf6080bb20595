//! `keywriter letter write`

use super::{check_output, desk, keep, load_all, print_failed, some};
use crate::{
    args::{Args, WriteChoices},
    commands::{find, now, require_app_pin, root_for_work},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Options, Serial,
    genuine::TrustedRoot,
    letter::{
        GenuineLetterbox, LetterFor,
        desk::Desk,
        members::{self, Members},
        post::Post,
    },
    license::{Anchors, GateRefusal},
    problem::{Problem, Reason},
    settings::MasterState,
    text::{counted, shown_path},
};
use std::{collections::BTreeMap, path::Path};

pub(crate) fn run(args: &Args, choices: &WriteChoices) -> Result<(), Failure> {
    check_output(&choices.output, choices.force)?;
    let session = require_app_pin(args)?;
    let folders = args.folders()?;
    let root = root_for_work(args)?;
    let letterboxes = requested(choices, &root)?;
    let mut master = find(args, choices.serial)?;
    let group = master.facts.status.map(|status| status.group);
    let receipts = choices
        .receipts
        .clone()
        .unwrap_or_else(|| folders.receipts());
    let members = group.map_or_else(Members::new, |group| {
        members::of_group(&receipts, &group, &root)
    });
    let wanted: Vec<_> = letterboxes
        .into_values()
        .map(|letterbox| {
            let what = if choices.join {
                LetterFor::Join
            } else {
                Desk::purpose(&letterbox, &members)
            };
            (letterbox, what)
        })
        .collect();
    let is_new_hardware = |(letterbox, what): &(GenuineLetterbox, LetterFor)| {
        *what == LetterFor::Join && !letterbox.is_virtual()
    };
    if wanted.iter().any(is_new_hardware) {
        let permit = session.map_or(Err(GateRefusal::Unregistered), |session| {
            session.permit(&Anchors::of_this_build(), now())
        });
        permit.map_err(|refusal| Failure::Problem((&refusal).into()))?;
    }
    let options = options(choices.serial, &folders.master());
    let mut desk = desk(&mut master, &root)?;
    let seen = wanted.iter();
    let seen = seen.map(|(letterbox, _)| letterbox.as_bytes().to_vec());
    keep(&folders.letterboxes(), seen.collect(), &root);
    let outcome = write(args, &mut desk, options, &wanted)?;
    let (failed, all) = (wanted.len() - outcome.letters.len(), wanted.len());
    if !outcome.letters.is_empty() {
        save(args, &outcome, (&choices.output, choices.force))?;
    }
    some(failed, all)
}

/// The letterboxes of all files, the newest of each module.
fn requested(
    choices: &WriteChoices,
    root: &TrustedRoot,
) -> Result<BTreeMap<Serial, GenuineLetterbox>, Failure> {
    let mut newest: BTreeMap<Serial, GenuineLetterbox> = BTreeMap::new();
    for (file, post) in load_all(&choices.files)? {
        if post.letterboxes.is_empty() {
            return Err(Failure::about(Reason::NoLetter, shown_path(file)));
        }
        for bytes in post.letterboxes {
            let letterbox = GenuineLetterbox::check(bytes, root)
                .map_err(|why| Failure::Problem(Problem::from(why).about(shown_path(file))))?;
            let serial = letterbox.party().serial;
            let known = newest.get(&serial);
            if known.is_none_or(|known| known.number() <= letterbox.number()) {
                newest.insert(serial, letterbox);
            }
        }
    }
    Ok(newest)
}

/// The choices of the master that is set, if it is this one. A letter disables no master.
pub(crate) fn options(serial: Serial, state: &Path) -> Options {
    let set = MasterState::load(state).ok();
    let set = set.filter(|state| state.master == serial);
    set.map_or_else(Options::default, |state| Options {
        disable_master: false,
        ..state.options
    })
}

/// Writes the letters, and says of each what it is, or why there is none.
pub(crate) fn write(
    args: &Args,
    desk: &mut Desk<'_>,
    options: Options,
    wanted: &[(GenuineLetterbox, LetterFor)],
) -> Result<Post, Failure> {
    let written = desk.write(options, wanted)?;
    let mut post = Post::default();
    for ((letterbox, what), letter) in wanted.iter().zip(written) {
        let serial = letterbox.party().serial;
        match letter {
            Ok(letter) => {
                print(args, serial, *what)?;
                post.letters.push(letter);
            }
            Err(error) => print_failed(args, Some(serial), &Problem::from(&error))?,
        }
    }
    Ok(post)
}

fn print(args: &Args, serial: Serial, what: LetterFor) -> Result<(), Failure> {
    let (kind, text) = match what {
        LetterFor::Join => ("join", "a letter that makes it a clone"),
        LetterFor::Member { .. } => ("epoch", "a letter with the team's epoch"),
    };
    if args.json {
        return Event::new("letter-written")
            .text("serial", serial)
            .with("kind", kind)
            .print();
    }
    output::line(&format!("{serial}  {text}"))
}

/// Saves the letters, and says what is to be done with the file.
pub(crate) fn save(args: &Args, post: &Post, (path, force): (&Path, bool)) -> Result<(), Failure> {
    post.save(path, force)?;
    if args.json {
        return Event::new("letters-saved")
            .with("letters", post.letters.len())
            .path("file", path)
            .print();
    }
    output::line(&format!(
        "{} in {}: mail it; with `keywriter letter take` each module takes its own",
        counted(post.letters.len(), "letter", "letters"),
        shown_path(path)
    ))
}
