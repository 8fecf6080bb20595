//! `keywriter clone`

use super::{now, require_app_pin, teamwork, told::Printer};
use crate::{
    args::{Args, CloneChoices},
    failure::Failure,
    output,
    progress::CycleProgress,
};
use keywriter::{
    cycle::{
        self, Event, Setup, StopRequest, Summary,
        plan::{Replace, Request},
    },
    file,
    genuine::TrustedRoot,
    letter::members::Letterboxes,
    license::{Anchors, GateRefusal},
    nicknames::Nicknames,
    problem::Reason,
    report::Report,
    settings::MasterState,
    teamwork::tickets,
    text::shown_path,
};
use signal_hook::{consts::SIGINT, flag};
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

pub(crate) fn run(args: &Args, choices: &CloneChoices) -> Result<(), Failure> {
    if let (Some(report), Some(page)) = (&choices.report, &choices.report_page)
        && file::is_same(report, page)
    {
        return Err(Failure::about(Reason::SameOutput, shown_path(page)));
    }
    let session = require_app_pin(args)?;
    let folders = args.folders()?;
    let MasterState { master, options } = MasterState::load(&folders.master())?;
    let receipts = choices
        .receipts
        .clone()
        .unwrap_or_else(|| folders.receipts());
    let request = Request {
        master,
        options,
        to: choices.to.clone(),
        except: Vec::new(),
        replace: Replace::All,
    };
    request.check_names()?;
    let setup = Setup {
        request,
        jobs: choices.jobs.map(usize::from),
        root: super::root_for_work(args)?,
        receipts,
        letterboxes: Letterboxes::new(folders.letterboxes()),
        hardware: session.map_or(Err(GateRefusal::Unregistered), |session| {
            session.permit(&Anchors::of_this_build(), now())
        }),
        stop: stop_on_interrupt(),
    };
    if !choices.ticket.is_empty() {
        let given = tickets::load(&choices.ticket, &setup.root).map_err(Failure::Problem)?;
        let mut present = super::find(args, master)?;
        let printer = Printer::new(args);
        let tell = |told| printer.tell(told);
        let work = teamwork(args, &setup.root, None, &tell)?;
        let shown = work.present(&given, &mut present);
        printer.finish(shown)?;
    }
    let discovery = args.discovery()?;
    let names = Nicknames::load(&folders.nicknames()).unwrap_or_default();
    let progress = CycleProgress::new(args.json, names);
    // Events come from many threads; the first failure of their output is reported.
    let failure = Mutex::new(None);
    let report = Mutex::new(Report::new(now(), master, options));
    let emit = |event: Event| {
        report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note(&event);
        let outcome = match event {
            Event::NotKept { error, .. } => Err(error.into()),
            event => progress.show(&event),
        };
        if let Err(error) = outcome {
            let mut first = failure.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error);
        }
    };
    let summary = cycle::run(&discovery, &setup, &emit)?;
    // Even after a failure: what the modules signed is worth keeping.
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    let saved = save(args, choices, &report, &setup.root);
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failure) => Err(failure),
        None => saved.and_then(|()| conclude(master, summary)),
    }
}

/// Makes the first Ctrl-C finish the running clones and begin no more, and the second one end the program.
fn stop_on_interrupt() -> StopRequest {
    let stop = StopRequest::default();
    let registered = flag::register_conditional_shutdown(SIGINT, INTERRUPTED, stop.flag())
        .and_then(|_| flag::register(SIGINT, stop.flag()));
    if let Err(error) = registered {
        tracing::warn!(%error, "Ctrl-C ends the program at once");
    }
    stop
}

/// The exit code of a program that Ctrl-C ended: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Writes the report where the user wants one.
fn save(
    args: &Args,
    choices: &CloneChoices,
    report: &Report,
    root: &TrustedRoot,
) -> Result<(), Failure> {
    if let Some(file) = &choices.report {
        report.save(file)?;
        print(args, "report-saved", file)?;
    }
    if let Some(file) = &choices.report_page {
        report.save_page(file, Some(root), choices.report_language.into())?;
        print(args, "report-page-saved", file)?;
    }
    Ok(())
}

fn print(args: &Args, event: &'static str, file: &Path) -> Result<(), Failure> {
    if args.json {
        output::Event::new(event).path("file", file).print()
    } else {
        output::line(&format!("report: {}", shown_path(file)))
    }
}

fn conclude(master: keywriter::Serial, summary: Summary) -> Result<(), Failure> {
    match summary {
        Summary { failed: 0, .. } => Ok(()),
        Summary {
            master_lost: true, ..
        } => Err(Failure::about(Reason::MasterLost, master)),
        Summary {
            began: false,
            done: 0,
            ..
        } => Err(Failure::EverySecondary),
        Summary { failed, .. } => Err(Failure::SomeSecondaries(failed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_how_the_cycle_went() {
        let master = "VM0001".parse().unwrap();
        let code = |done, failed, began, master_lost| {
            let summary = Summary {
                done,
                failed,
                began,
                disabled: false,
                master_lost,
            };
            conclude(master, summary).map_or_else(|failure| failure.codes().0, |()| 0)
        };
        assert_eq!(code(9, 0, true, false), 0);
        assert_eq!(code(8, 1, true, false), 1);
        assert_eq!(code(0, 1, true, false), 1);
        assert_eq!(code(0, 3, false, false), 3);
        assert_eq!(code(2, 1, false, false), 1);
        assert_eq!(code(2, 1, true, true), 6);
    }
}
