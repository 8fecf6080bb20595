//! The progress of a cycle: bars on a terminal, lines in a pipe, JSON objects with `--json`.

use crate::{commands::list, failure::Failure, output, words};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use keywriter::{
    Serial,
    asking::ASKS,
    cycle::{Event, How, Step, Summary},
    nicknames::Nicknames,
    problem::Problem,
    text::{counted, listed, shown, shown_path},
};
use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Where events are shown. Any thread may show one.
pub(crate) enum CycleProgress {
    Json,
    Lines(Nicknames),
    Bars(Bars),
}

/// One bar for each secondary.
pub(crate) struct Bars {
    all: MultiProgress,
    moving: Mutex<BTreeMap<Serial, ProgressBar>>,
    names: Nicknames,
}

impl CycleProgress {
    pub(crate) fn new(json: bool, names: Nicknames) -> Self {
        if json {
            Self::Json
        } else if io::stdout().is_terminal() && io::stderr().is_terminal() {
            Self::Bars(Bars {
                all: MultiProgress::new(),
                moving: Mutex::default(),
                names,
            })
        } else {
            Self::Lines(names)
        }
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &Event) -> Result<(), Failure> {
        match self {
            Self::Json => json(event).map_or(Ok(()), |line| line.print()),
            Self::Lines(names) => named(event, names).map_or(Ok(()), |text| output::line(&text)),
            Self::Bars(bars) => bars.show(event),
        }
    }
}

impl Bars {
    fn show(&self, event: &Event) -> Result<(), Failure> {
        match event {
            Event::Step { serial, step } => {
                let bar = self.bar(*serial);
                bar.set_position(step.number().into());
                bar.set_message(step.name());
            }
            Event::Done { serial, .. } | Event::Failed { serial, .. } => {
                // What is finished stays as a line of text above the bars that still move.
                let bar = self.lock().remove(serial);
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
                self.print(event)?;
            }
            other => self.print(other)?,
        }
        Ok(())
    }

    fn print(&self, event: &Event) -> Result<(), Failure> {
        // The bars step aside, and the text stays in the terminal's history like any other.
        named(event, &self.names).map_or(Ok(()), |text| self.all.suspend(|| output::line(&text)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Serial, ProgressBar>> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bar(&self, serial: Serial) -> ProgressBar {
        let mut bars = self.lock();
        let new = || {
            let bar = self.all.add(ProgressBar::new(Step::COUNT.into()));
            let style = ProgressStyle::with_template("{prefix:16} [{bar:12}] {msg}");
            bar.set_style(style.unwrap_or_else(|_never| ProgressStyle::default_bar()));
            bar.set_prefix(serial.to_string());
            bar
        };
        bars.entry(serial).or_insert_with(new).clone()
    }
}

/// Returns an event as text, with the name of the module that it is about.
fn named(event: &Event, names: &Nicknames) -> Option<String> {
    let text = text(event)?;
    let serial = match event {
        Event::Joined { serial }
        | Event::Asks { serial }
        | Event::Done { serial, .. }
        | Event::ReceiptSetAside { serial, .. }
        | Event::Failed { serial, .. } => *serial,
        _ => return Some(text),
    };
    let name = names.of(serial);
    if name.is_empty() {
        return Some(text);
    }
    let both = format!("{serial} ({})", shown(name));
    Some(text.replacen(serial.as_str(), &both, 1))
}

/// Returns an event as text. Steps have none: a pipe is read afterwards.
fn text(event: &Event) -> Option<String> {
    Some(match event {
        Event::Unusable { location, error } => {
            let problem = Problem::from(error).about(format_args!("{location}: not used"));
            with_advice(&problem)
        }
        Event::Evaluation { .. } => {
            "evaluation: virtual modules need no license, and do not protect secrets".to_owned()
        }
        Event::Preflight {
            master,
            secondaries,
            replaced,
        } => {
            let work = match secondaries.as_slice() {
                [] => "nothing to do".to_owned(),
                some => listed(some),
            };
            if replaced.is_empty() {
                format!("{master} -> {work}")
            } else {
                format!(
                    "{master} -> {work}\nin use, what they hold will be replaced: {}",
                    listed(replaced)
                )
            }
        }
        Event::CycleBegan {
            secondaries, jobs, ..
        } => format!(
            "cycle began: {}, {jobs} at the same time",
            counted(*secondaries, "secondary", "secondaries")
        ),
        Event::Joined { serial } => format!("{serial}: plugged in and joins the cycle"),
        Event::Asks { serial } => format!(
            "on the keypad of {serial} hold KEY+1 for one second to let it be replaced ({} s)",
            ASKS.as_secs()
        ),
        Event::Done {
            serial, how, kept, ..
        } => done(*serial, *how, kept.as_deref()),
        Event::ReceiptSetAside { serial, file } => format!(
            "{serial}: a file is not the receipt that it should be; kept as {}, and the receipt is fetched again",
            shown_path(file)
        ),
        Event::Failed { serial, failure } => {
            format!("{serial}: failed: {}", with_advice(&failure.into()))
        }
        Event::CycleEnded(summary) => {
            let Summary {
                done,
                failed,
                disabled,
                ..
            } = summary;
            let disabled = if *disabled {
                "; cloning is disabled on the master now"
            } else {
                ""
            };
            format!("{done} done, {failed} failed{disabled}")
        }
        _ => return None,
    })
}

/// Returns how a secondary is a clone now, and where its receipt is.
fn done(serial: Serial, how: How, kept: Option<&Path>) -> String {
    let what = match how {
        How::Cloned => "cloned and proved",
        How::Completed => "already cloned, receipt completed now",
        How::Already => "already a clone of this master, left as it is",
    };
    match kept {
        Some(path) => format!("{serial}: {what}; receipt {}", shown_path(path)),
        None => format!("{serial}: {what}"),
    }
}

/// Returns what is wrong and, on the next line, what to do.
fn with_advice(problem: &Problem) -> String {
    format!(
        "{}\n  {}",
        words::line(problem),
        words::of(problem.reason).advice
    )
}

/// Returns an event as JSON.
fn json(event: &Event) -> Option<output::Event> {
    let names = |serials: &[Serial]| -> Vec<_> { serials.iter().map(Serial::to_string).collect() };
    let of = |name, serial: &Serial| output::Event::new(name).text("serial", serial);
    Some(match event {
        Event::Unusable { location, error } => list::unusable(location, error),
        Event::Evaluation { master } => of("evaluation", master),
        Event::Preflight {
            master,
            secondaries,
            replaced,
        } => of("preflight", master)
            .with("secondaries", names(secondaries))
            .with("replaced", names(replaced)),
        Event::CycleBegan {
            master,
            secondaries,
            jobs,
            options,
        } => of("cycle-began", master)
            .with("secondaries", *secondaries)
            .with("jobs", *jobs)
            .choices(*options),
        Event::Joined { serial } => of("joined", serial),
        Event::Asks { serial } => of("asks", serial)
            .with("keys", "KEY+1")
            .with("seconds", ASKS.as_secs()),
        Event::Step { serial, step } => of("step", serial)
            .with("step", step.number())
            .with("of", Step::COUNT)
            .with("name", step.name()),
        Event::Done {
            serial, how, kept, ..
        } => done_json(*serial, *how, kept.as_deref()),
        Event::ReceiptSetAside { serial, file } => {
            of("receipt-set-aside", serial).path("file", file)
        }
        Event::Failed { serial, failure } => of("failed", serial).problem("why", &failure.into()),
        Event::CycleEnded(summary) => output::Event::new("cycle-ended")
            .with("done", summary.done)
            .with("failed", summary.failed)
            .with("disabled", summary.disabled),
        _ => return None,
    })
}

fn done_json(serial: Serial, how: How, kept: Option<&Path>) -> output::Event {
    output::Event::new("done")
        .text("serial", serial)
        .with("already", how != How::Cloned)
        .maybe_path("receipt", kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywriter::cycle::plan::SecondaryRefusal;

    fn json(event: &Event) -> String {
        serde_json::to_string(&super::json(event)).unwrap()
    }

    #[test]
    fn events_are_json_objects_of_these_shapes() {
        let serial = "A".parse().unwrap();
        assert_eq!(
            json(&Event::Step {
                serial,
                step: Step::Consent
            }),
            r#"{"event":"step","serial":"A","step":3,"of":6,"name":"consent"}"#
        );
        let done = done_json(serial, How::Cloned, Some("/r/A-7.receipt.pem".as_ref()));
        assert_eq!(
            json(&Event::Asks { serial }),
            r#"{"event":"asks","serial":"A","keys":"KEY+1","seconds":30}"#
        );
        assert_eq!(
            serde_json::to_string(&done).unwrap(),
            r#"{"event":"done","serial":"A","already":false,"receipt":"/r/A-7.receipt.pem"}"#
        );
        assert_eq!(
            json(&Event::CycleEnded(Summary {
                done: 1,
                ..Summary::default()
            })),
            r#"{"event":"cycle-ended","done":1,"failed":0,"disabled":false}"#
        );
        let failed = Event::Failed {
            serial,
            failure: SecondaryRefusal::LockedNotFresh.into(),
        };
        assert!(
            json(&failed)
                .starts_with(r#"{"event":"failed","serial":"A","reason":"secondary-locked","why":"the module is locked and"#)
        );
    }

    #[test]
    fn a_module_with_a_name_is_called_by_both() {
        let mut names = Nicknames::default();
        let serial = "A-1".parse().unwrap();
        names.set(serial, "Ada");
        let joined = |serial| named(&Event::Joined { serial }, &names).unwrap();
        assert_eq!(joined(serial), "A-1 (Ada): plugged in and joins the cycle");
        let other = "A-2".parse().unwrap();
        assert_eq!(joined(other), "A-2: plugged in and joins the cycle");
    }

    #[test]
    fn each_way_of_being_done_has_its_own_words() {
        let done = |how| done("A".parse().unwrap(), how, None);
        assert_eq!(done(How::Cloned), "A: cloned and proved");
        assert_eq!(
            done(How::Completed),
            "A: already cloned, receipt completed now"
        );
        assert_eq!(
            done(How::Already),
            "A: already a clone of this master, left as it is"
        );
    }

    #[test]
    fn what_will_be_replaced_is_said_first() {
        let serials: Vec<Serial> = ["A", "B"].map(|name| name.parse().unwrap()).into();
        let event = Event::Preflight {
            master: "M".parse().unwrap(),
            replaced: serials[1..].to_vec(),
            secondaries: serials,
        };
        assert_eq!(
            text(&event).unwrap(),
            "M -> A, B\nin use, what they hold will be replaced: B"
        );
    }
}
