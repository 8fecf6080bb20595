//! Reports what happens while something is done for a team, in text and JSON.

use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
    words,
};
use keywriter::{
    Serial,
    asking::Asked,
    problem::Problem,
    protocol::LetterKind,
    teamwork::{Done, Mail, Tally, Told, taking::Taken},
    text::{counted, listed, shown_path},
};
use std::{cell::RefCell, path::Path};

/// Prints reports. If one cannot be printed, the work goes on all the same; the failure is returned at the end.
pub(super) struct Printer {
    json: bool,
    failure: RefCell<Option<Failure>>,
}

impl Printer {
    pub(super) const fn new(args: &Args) -> Self {
        Self {
            json: args.json,
            failure: RefCell::new(None),
        }
    }

    pub(super) fn tell(&self, told: Told) {
        if let Err(failure) = print(self.json, told) {
            self.failure.borrow_mut().get_or_insert(failure);
        }
    }

    /// Returns what came of it, or that not all of it could be printed.
    pub(super) fn finish<T>(self, outcome: Result<T, Problem>) -> Result<T, Failure> {
        let outcome = outcome.map_err(Failure::Problem)?;
        self.failure.into_inner().map_or(Ok(outcome), Err)
    }
}

/// Fails if some of them did.
pub(super) const fn all(tally: Tally) -> Result<(), Failure> {
    if tally.failed == 0 {
        Ok(())
    } else {
        Err(Failure::SomeLetters(tally.failed, tally.all))
    }
}

fn print(json: bool, told: Told) -> Result<(), Failure> {
    match told {
        Told::Asks(serial, what) => asks(json, serial, what)?,
        Told::Done(serial, done) => print_done(json, serial, done)?,
        Told::Failed(serial, problem) => print_failed(json, serial, problem)?,
        Told::Saved(mail, file, count) => saved(json, mail, &file, count)?,
        Told::NoLetterbox(serials) => output::note(&format!(
            "no letter for {}: this computer knows no letterbox of them; have `keywriter letter request` run where they \
             are\n",
            listed(&serials)
        )),
        Told::NothingToWrite => output::note(
            "nothing to write: no member is known that lacks the epoch and has a letterbox here\n",
        ),
        Told::NeverCloned(master, serials) => output::note(&format!(
            "not in the journal of {master}: {}; check the serial number before you allow it\n",
            listed(&serials)
        )),
        Told::Approvals {
            serial,
            given,
            counted,
            quorum,
        } => {
            if given == 0 {
                output::note("nobody has approved the ticket yet\n");
            } else if counted == 0 {
                output::note(&format!(
                    "{serial} counts none of the approvals: they are not from custodians of its team\n"
                ));
            } else if counted < quorum {
                output::note(&format!(
                    "{serial} counts {counted} of {quorum} approvals\n"
                ));
            }
        }
        Told::ReceiptSetAside(file) => output::note(&format!(
            "a receipt that is not valid was set aside: {}\n",
            shown_path(&file)
        )),
        Told::LetterboxNotKept(why) => {
            output::note(&format!("keywriter: a letterbox is not kept: {why}\n"));
        }
    }
    Ok(())
}

/// Says what a person is to do on the keypad of a module.
pub(super) fn asks(json: bool, serial: Serial, what: Asked) -> Result<(), Failure> {
    let seconds = what.time().as_secs();
    let (keys, purpose) = match what {
        Asked::Replace => ("KEY+1", "to let the letter replace what it holds"),
        Asked::Rekey => ("KEY+2", "to let it re-key its team"),
        Asked::Policy => ("KEY+3", "to let it change its team's policy"),
        Asked::ClearTable => ("KEY+4", "to let its table be cleared"),
        Asked::Withdraw => ("KEY+5", "to let it end this ticket"),
        Asked::Code => ("code", ""),
    };
    if json {
        return Event::new("asks")
            .text("serial", serial)
            .with("keys", keys)
            .with("seconds", seconds)
            .print();
    }
    output::line(&if what == Asked::Code {
        format!(
            "read on another screen, not on this one, what the ticket allows (`keywriter ticket show`);\n\
             if you agree, type its 16 digits on the keypad of {serial}, then KEY ({seconds} s)"
        )
    } else {
        format!("on the keypad of {serial} hold {keys} for one second {purpose} ({seconds} s)")
    })
}

fn print_done(json: bool, serial: Serial, done: Done) -> Result<(), Failure> {
    let written = |kind: LetterKind, text: &str| {
        if json {
            let event = Event::new("letter-written").text("serial", serial);
            event.with("kind", kind.name()).print()
        } else {
            output::line(&format!("{serial}  {text}"))
        }
    };
    match done {
        Done::JoinWritten => written(LetterKind::Join, "a letter that makes it a clone"),
        Done::EpochWritten => written(LetterKind::Epoch, "a letter with the team's epoch"),
        Done::LeftOut => {
            output::note(&format!("{serial} was retired: no letter\n"));
            Ok(())
        }
        Done::Taken(taken) => print_taken(json, serial, &taken),
        Done::Closed(receipt) if json => Event::new("letter-closed")
            .text("serial", serial)
            .path("receipt", &receipt)
            .print(),
        Done::Closed(receipt) => {
            let receipt = shown_path(&receipt);
            output::line(&format!("{serial}  proved; receipt {receipt}"))
        }
    }
}

fn print_taken(json: bool, serial: Serial, taken: &Taken) -> Result<(), Failure> {
    let Taken {
        kind,
        master,
        already,
        epoch,
    } = *taken;
    if json {
        return Event::new("letter-taken")
            .text("serial", serial)
            .with("kind", kind.name())
            .text("master", master)
            .with("epoch", epoch)
            .with("already", already)
            .print();
    }
    let already = if already { ", as before" } else { "" };
    output::line(&match kind {
        LetterKind::Join => format!("{serial}  is a clone of {master}{already}, and locked"),
        LetterKind::Epoch => format!("{serial}  has its team's epoch {epoch}{already}"),
    })
}

fn print_failed(json: bool, serial: Option<Serial>, mut problem: Problem) -> Result<(), Failure> {
    if json {
        let event = Event::new("failed");
        let event = event.some("serial", serial.map(|serial| serial.to_string()));
        return event.problem("why", &problem).print();
    }
    let advice = words::of(problem.reason).advice;
    let begin = serial.map_or_else(String::new, |serial| format!("{serial}  "));
    if serial.is_some_and(|serial| problem.subject == serial.as_str()) {
        // It begins the line.
        problem.subject.clear();
    }
    let line = words::line(&problem);
    output::line(&format!("{begin}failed: {line}\n  {advice}"))
}

/// Says what is to be done with a file.
fn saved(json: bool, mail: Mail, file: &Path, count: usize) -> Result<(), Failure> {
    let (event, messages) = match mail {
        // Their commands say more.
        Mail::Request | Mail::Ticket => return Ok(()),
        Mail::Letters => ("letters-saved", "letters"),
        Mail::Reply => ("reply-saved", "receipts"),
    };
    if json {
        return Event::new(event)
            .with(messages, count)
            .path("file", file)
            .print();
    }
    let path = shown_path(file);
    output::line(&if mail == Mail::Letters {
        let letters = counted(count, "letter", "letters");
        format!(
            "{letters} in {path}: mail it; with `keywriter letter take` each module takes its own"
        )
    } else {
        let receipts = counted(count, "receipt", "receipts");
        format!("{receipts} in {path}: mail it back to whoever has the master")
    })
}
