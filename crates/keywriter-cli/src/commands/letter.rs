//! `keywriter letter request|write|take|close`

use super::{
    find, now, require_app_pin, root_for_work, survey_all, teamwork,
    told::{self, Printer},
};
use crate::{
    args::{Args, LetterCommand, WriteChoices},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Serial,
    license::{Anchors, GateRefusal},
    teamwork::{
        Output,
        letters::{Replies, Requests, Retired},
        taking::Letters,
        tickets,
    },
    text::shown_path,
};
use std::path::{Path, PathBuf};

pub(crate) fn run(args: &Args, command: &LetterCommand) -> Result<(), Failure> {
    match command {
        LetterCommand::Request {
            serial,
            output,
            force,
        } => request(args, *serial, to(output, *force)),
        LetterCommand::Write(choices) => write(args, choices),
        LetterCommand::Take {
            file,
            output,
            to: only,
            force,
        } => take(args, file, only, to(output, *force)),
        LetterCommand::Close {
            serial,
            files,
            receipts,
        } => close(args, *serial, files, receipts.as_deref()),
    }
}

const fn to(path: &Path, replace: bool) -> Output<'_> {
    Output { path, replace }
}

fn request(args: &Args, serial: Serial, output: Output<'_>) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let mut present = find(args, serial)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let asked = teamwork(args, &root, None, &tell)?.request(&mut present, output);
    printer.finish(asked)?;
    if args.json {
        return Event::new("letter-requested")
            .text("serial", serial)
            .path("file", output.path)
            .print();
    }
    output::line(&format!(
        "{serial}: its letterbox is in {}; mail it to whoever has the master",
        shown_path(output.path)
    ))
}

fn write(args: &Args, choices: &WriteChoices) -> Result<(), Failure> {
    let output = to(&choices.output, choices.force);
    output.check().map_err(Failure::Problem)?;
    let session = require_app_pin(args)?;
    let root = root_for_work(args)?;
    let requests = Requests::load(&choices.files, &root).map_err(Failure::Problem)?;
    let given = tickets::load(&choices.ticket, &root).map_err(Failure::Problem)?;
    let mut master = find(args, choices.serial)?;
    let hardware = session.map_or(Err(GateRefusal::Unregistered), |session| {
        session.permit(&Anchors::of_this_build(), now())
    });
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let work = teamwork(args, &root, choices.receipts.as_deref(), &tell)?;
    let (wanted, retired) = if choices.members {
        (work.to_members(&master), Retired::LeftOut)
    } else {
        let wanted = work.to_requests(&master, requests, choices.join);
        (wanted, Retired::Fails)
    };
    let written = work
        .check_wanted(&wanted, &hardware)
        .and_then(|()| work.write(&mut master, (&wanted, &given), retired, output));
    told::all(printer.finish(written)?)
}

fn take(args: &Args, file: &Path, only: &[Serial], output: Output<'_>) -> Result<(), Failure> {
    output.check().map_err(Failure::Problem)?;
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let letters = Letters::load(file, &root).map_err(Failure::Problem)?;
    let found = survey_all(args)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let taken = teamwork(args, &root, None, &tell)?.take_all(found, &letters, only, output);
    told::all(printer.finish(taken)?)
}

fn close(
    args: &Args,
    serial: Serial,
    files: &[PathBuf],
    receipts: Option<&Path>,
) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let replies = Replies::load(files).map_err(Failure::Problem)?;
    let mut master = find(args, serial)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let closed = teamwork(args, &root, receipts, &tell)?.close(&mut master, replies);
    told::all(printer.finish(closed)?)
}
