//! `keywriter letter take`

use super::{check_output, print_failed, some};
use crate::{
    args::Args,
    commands::{of_module, person, require_app_pin, root_for_work, survey_all},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Serial,
    genuine::TrustedRoot,
    letter::{self, GenuineLetter, post::Post},
    problem::{Problem, Reason},
    protocol::LetterKind,
    receipt::SignedReceipt,
    survey::Present,
    text::{counted, listed, shown_path},
    ticket::{self, ApprovedTicket},
};
use std::{collections::BTreeMap, path::Path};

pub(crate) fn run(
    args: &Args,
    file: &Path,
    to: &[Serial],
    (output, force): (&Path, bool),
) -> Result<(), Failure> {
    check_output(output, force)?;
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let post = Post::load(file)?;
    let tickets = ticket::approved([post.clone()], &root)
        .map_err(|why| Failure::Problem(Problem::from(why).about(shown_path(file))))?;
    let letters = received(post, file)?;
    let found = survey_all(args)?;
    let is_meant = |serial: Serial| to.is_empty() || to.contains(&serial);
    let present: Vec<Present> = found
        .modules
        .into_iter()
        .filter(|present| {
            let serial = present.facts.serial;
            is_meant(serial) && letters.contains_key(&serial)
        })
        .collect();
    if present.is_empty() {
        let whose: Vec<_> = letters.keys().copied().collect();
        return Err(Failure::Problem(
            Problem::new(Reason::NoLetter)
                .about(shown_path(file))
                .with_detail(format_args!("it is for {}", listed(&whose))),
        ));
    }
    let (mut post, mut failed, all) = (Post::default(), 0, present.len());
    for mut present in present {
        let serial = present.facts.serial;
        let letters = letters.get(&serial).map_or(&[][..], Vec::as_slice);
        match take(args, &mut present, (letters, &tickets), &root) {
            Ok(taken) => {
                print(args, serial, &taken)?;
                post.receipts.push(taken.receipt);
                // The next letter needs none to be asked for, if this reaches the master's computer.
                post.letterboxes.extend(present.module.letterbox().ok());
            }
            Err(Failure::Problem(problem)) => {
                failed += 1;
                print_failed(args, Some(serial), &problem)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    if !post.receipts.is_empty() {
        save(args, &post, (output, force))?;
    }
    some(failed, all)
}

/// The letters of a file, by module, as they were written: several for one module are tried from the last one on. Those
/// for other modules are not looked into.
fn received(post: Post, file: &Path) -> Result<BTreeMap<Serial, Vec<Vec<u8>>>, Failure> {
    let mut letters: BTreeMap<Serial, Vec<Vec<u8>>> = BTreeMap::new();
    for bytes in post.letters {
        let serial = letter::addressee(&bytes)
            .map_err(|why| Failure::Problem(Problem::from(why).about(shown_path(file))))?;
        letters.entry(serial).or_default().push(bytes);
    }
    if letters.is_empty() {
        return Err(Failure::about(Reason::NoLetter, shown_path(file)));
    }
    Ok(letters)
}

pub(crate) struct Taken {
    pub(crate) receipt: Vec<u8>,
    kind: LetterKind,
    master: Serial,
    /// It had been taken before, and its reply was lost.
    already: bool,
    epoch: u32,
}

pub(crate) fn take(
    args: &Args,
    present: &mut Present,
    (letters, tickets): (&[Vec<u8>], &[ApprovedTicket]),
    root: &TrustedRoot,
) -> Result<Taken, Failure> {
    let serial = present.facts.serial;
    present
        .facts
        .certificate
        .authenticity
        .check()
        .map_err(|why| Failure::Problem(Problem::new(why.into()).about(serial)))?;
    // Only a member that is unlocked looks at them, and says by its answer to the letter whether they are enough.
    for ticket in tickets {
        if let Err(error) = ticket.present(&mut present.module) {
            tracing::info!(%serial, %error, "a ticket is not shown");
        }
    }
    let mut refused = Failure::about(Reason::OtherLetterbox, serial);
    for bytes in letters.iter().rev() {
        let letter = GenuineLetter::check(bytes.clone(), root)
            .map_err(|why| Failure::Problem(Problem::from(why).about(serial)))?;
        match take_one(args, present, &letter, root) {
            Err(Failure::Problem(problem)) if problem.reason == Reason::OtherLetterbox => {
                refused = Failure::Problem(problem);
            }
            outcome => return outcome,
        }
    }
    Err(refused)
}

fn take_one(
    args: &Args,
    present: &mut Present,
    letter: &GenuineLetter,
    root: &TrustedRoot,
) -> Result<Taken, Failure> {
    let serial = present.facts.serial;
    let party = present.facts.party();
    let party = party.ok_or_else(|| Failure::about(Reason::NotGenuine, serial))?;
    let taken = |receipt: SignedReceipt, already| Taken {
        epoch: receipt.statement().epoch.number,
        receipt: receipt.into_bytes(),
        kind: letter.head().kind(),
        master: letter.master().serial,
        already,
    };
    // After a power cut, or when the reply was lost, the module's last receipt is the answer.
    let last = present.module.last_receipt().map_err(of_module(serial))?;
    let last = last.and_then(|bytes| SignedReceipt::check(bytes, &party, root));
    if let Some(receipt) = last.filter(|receipt| letter.is_answered_by(receipt)) {
        return Ok(taken(receipt, true));
    }
    let keys = ("KEY+1", "to let the letter replace what it holds");
    let kind = letter.head().kind();
    let bytes = person::allowed(args, serial, keys, || present.module.take_letter(letter));
    let bytes = bytes.map_err(|failure| match failure {
        // Its User is enough.
        Failure::Problem(problem)
            if kind == LetterKind::Epoch && problem.reason == Reason::Locked =>
        {
            Failure::about(Reason::NoUnlockedModule, serial)
        }
        failure => failure,
    })?;
    let receipt = SignedReceipt::check(bytes, &party, root)
        .filter(|receipt| letter.is_answered_by(receipt))
        .ok_or_else(|| Failure::about(Reason::AnswerNotSigned, serial))?;
    Ok(taken(receipt, false))
}

pub(crate) fn print(args: &Args, serial: Serial, taken: &Taken) -> Result<(), Failure> {
    let (kind, master) = (taken.kind, taken.master);
    if args.json {
        return Event::new("letter-taken")
            .text("serial", serial)
            .with("kind", kind.name())
            .text("master", master)
            .with("epoch", taken.epoch)
            .with("already", taken.already)
            .print();
    }
    let already = if taken.already { ", as before" } else { "" };
    output::line(&match kind {
        LetterKind::Join => format!("{serial}  is a clone of {master}{already}, and locked"),
        LetterKind::Epoch => {
            format!("{serial}  has its team's epoch {}{already}", taken.epoch)
        }
    })
}

fn save(args: &Args, post: &Post, (path, force): (&Path, bool)) -> Result<(), Failure> {
    post.save(path, force)?;
    if args.json {
        return Event::new("reply-saved")
            .with("receipts", post.receipts.len())
            .path("file", path)
            .print();
    }
    output::line(&format!(
        "{} in {}: mail it back to whoever has the master",
        counted(post.receipts.len(), "receipt", "receipts"),
        shown_path(path)
    ))
}
