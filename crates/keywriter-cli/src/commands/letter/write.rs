//! `keywriter letter write`

use super::{check_output, desk, keep, load_all, print_failed, some};
use crate::{
    args::{Args, WriteChoices},
    commands::{find, now, require_app_pin, root_for_work, ticket},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Options, Serial,
    genuine::TrustedRoot,
    letter::{
        GenuineLetterbox, LetterFor,
        desk::Desk,
        members::{self, Letterboxes, Member, Members},
        post::Post,
    },
    license::{Anchors, GateRefusal},
    module::ModuleError,
    problem::{Problem, Reason},
    protocol::Status,
    settings::MasterState,
    text::{counted, listed, shown_path},
    ticket::{Allows, ApprovedTicket},
};
use std::{collections::BTreeMap, path::Path};

pub(crate) fn run(args: &Args, choices: &WriteChoices) -> Result<(), Failure> {
    check_output(&choices.output, choices.force)?;
    let session = require_app_pin(args)?;
    let folders = args.folders()?;
    let root = root_for_work(args)?;
    let requested = requested(choices, &root)?;
    let mut master = find(args, choices.serial)?;
    let receipts = choices
        .receipts
        .clone()
        .unwrap_or_else(|| folders.receipts());
    let known = Letterboxes::new(folders.letterboxes());
    let status = master.facts.status;
    let members = status.map_or_else(Members::new, |status| {
        members::of_group(&receipts, &status.group, &root)
    });
    let wanted = if choices.members {
        let epoch = status.map(|status| status.epoch);
        let behind = |member: &Member| Some(member.epoch()) != epoch;
        to_members(&members, &known, &root, |_, member| behind(member))
    } else {
        requested
            .into_values()
            .map(|letterbox| {
                let what = if choices.join {
                    LetterFor::Join
                } else {
                    Desk::purpose(&letterbox, &members)
                };
                (letterbox, what)
            })
            .collect()
    };
    let is_new_hardware =
        |(letterbox, what): &Wanted| *what == LetterFor::Join && !letterbox.is_virtual();
    if wanted.iter().any(is_new_hardware) {
        let permit = session.map_or(Err(GateRefusal::Unregistered), |session| {
            session.permit(&Anchors::of_this_build(), now())
        });
        permit.map_err(|refusal| Failure::Problem((&refusal).into()))?;
    }
    let seen = wanted.iter();
    let seen = seen.map(|(letterbox, _)| letterbox.as_bytes().to_vec());
    keep(&known, seen.collect(), &root);
    let tickets = ticket::load(&choices.ticket, &root)?;
    let (for_copies, for_members) = tickets
        .into_iter()
        .partition::<Vec<_>, _>(|approved| matches!(approved.ticket.allows, Allows::Letter(_)));
    ticket::present(&for_copies, &mut master.module, choices.serial)?;
    let options = options(choices.serial, &folders.master());
    let mut desk = desk(&mut master, &root)?;
    let left_out = if choices.members {
        LeftOut::Retired
    } else {
        LeftOut::None
    };
    write_and_save(
        args,
        (&mut desk, options),
        (&wanted, &for_members, left_out),
        (&choices.output, choices.force),
    )
}

/// A letterbox, and what the letter for it is to do.
pub(crate) type Wanted = (GenuineLetterbox, LetterFor);

/// Returns the letterboxes of members that are to get the team's epoch, and names those of whom none is known.
pub(crate) fn to_members(
    members: &Members,
    known: &Letterboxes,
    root: &TrustedRoot,
    is_meant: impl Fn(&Serial, &Member) -> bool,
) -> Vec<Wanted> {
    let (mut wanted, mut unknown) = (Vec::new(), Vec::new());
    for (serial, member) in members {
        if !is_meant(serial, member) {
            continue;
        }
        match known.of(*serial, root) {
            Some(letterbox) => {
                let shared = member.epoch();
                wanted.push((letterbox, LetterFor::Member { shared }));
            }
            None => unknown.push(*serial),
        }
    }
    if !unknown.is_empty() {
        output::note(&format!(
            "no letter for {}: this computer knows no letterbox of them; have `keywriter letter request` run where they \
             are\n",
            listed(&unknown)
        ));
    }
    wanted
}

/// Whom a list of members may hold that get no letter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// Nobody: each letter was asked for.
    None,
    /// Modules that were retired since their receipt: the list does not know of that, and their master does.
    Retired,
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

/// Writes the letters and saves them. Says of each module what it got, or why it got no letter.
pub(crate) fn write_and_save(
    args: &Args,
    (desk, options): (&mut Desk<'_>, Options),
    (wanted, tickets, left_out): (&[Wanted], &[ApprovedTicket], LeftOut),
    (path, force): (&Path, bool),
) -> Result<(), Failure> {
    if wanted.is_empty() {
        output::note(
            "nothing to write: no member is known that lacks the epoch and has a letterbox here\n",
        );
        return Ok(());
    }
    let written = desk.write(options, wanted)?;
    let (mut post, mut retired) = (Post::default(), 0);
    for ((letterbox, what), letter) in wanted.iter().zip(written) {
        let serial = letterbox.party().serial;
        match letter {
            Ok(letter) => {
                print(args, serial, *what)?;
                post.letters.push(letter);
            }
            Err(ModuleError::Refused(Status::Retired)) if left_out == LeftOut::Retired => {
                retired += 1;
                output::note(&format!("{serial} was retired: no letter\n"));
            }
            Err(error) => print_failed(args, Some(serial), &Problem::from(&error))?,
        }
    }
    if !post.letters.is_empty() {
        // A member of a team with a quorum wants to see by what its keyring changes.
        for ticket in tickets {
            ticket.put_into(&mut post);
        }
        save(args, &post, (path, force))?;
    }
    let all = wanted.len() - retired;
    some(all - post.letters.len(), all)
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
fn save(args: &Args, post: &Post, (path, force): (&Path, bool)) -> Result<(), Failure> {
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
