//! Starts workers, adds modules that are plugged in meanwhile, and ends the cycle.

use super::{
    CycleError, Event, Failure, How, JOBS_MAX, Setup, is_virtual,
    plan::{
        CycleRefusal, Decision, MasterRefusal, MasterView, Plan, Request, SecondaryRefusal, Task,
        decide,
    },
    queue::{self, MasterEnd, MasterQueue, Permits, QueueHandle},
    worker::{End, Outcome, Worker},
};
use crate::{
    discovery::{Connector, Watch},
    receipt::{ProvedReceipt, SignedReceipt},
    survey::{Depth, Hiding, OtherRoot, Present, Survey, survey},
    transport::Location,
};
use hsm_protocol::Serial;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    mem,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{self, Scope},
    time::Duration,
};

/// A cycle under way.
pub(super) struct Coordinator<'a> {
    setup: &'a Setup,
    connector: &'a dyn Connector,
    emit: &'a (dyn Fn(Event) + Sync),
    /// Secondaries announced to the master. A cycle that disables its master adds no others.
    counted: BTreeSet<Serial>,
    /// Whether modules that join may be cloned to.
    is_licensed: bool,
    /// Locations whose module was asked already.
    known: BTreeSet<Location>,
    /// Known locations that no worker uses any more: a module that is plugged in there next is new.
    idle: BTreeSet<Location>,
    waiting: VecDeque<(Present, Task)>,
    active: BTreeSet<Serial>,
    results: BTreeMap<Serial, End>,
    attempts: BTreeMap<Serial, u8>,
}

/// What the coordinating thread waits for.
enum Report {
    Finished(Outcome),
    Changed,
}

impl<'a> Coordinator<'a> {
    /// Takes what was found in `locations`, and the plan for it.
    pub(super) fn new(
        setup: &'a Setup,
        (connector, emit): (&'a dyn Connector, &'a (dyn Fn(Event) + Sync)),
        locations: BTreeSet<Location>,
        (found, plan): (&Survey, &Plan),
    ) -> Self {
        Self {
            setup,
            connector,
            emit,
            counted: plan.counted(),
            is_licensed: setup.hardware.is_ok() || is_virtual(setup.request.master, found),
            idle: unused(&locations, found, plan, setup.request.master),
            known: locations,
            waiting: VecDeque::new(),
            active: BTreeSet::new(),
            results: BTreeMap::new(),
            attempts: BTreeMap::new(),
        }
    }

    /// Reports the clones that the master already has, with the receipts that prove it, and modules that get nothing.
    pub(super) fn report_settled(
        &mut self,
        plan: &Plan,
        clones: BTreeMap<Serial, (PathBuf, ProvedReceipt)>,
        hiding: &Hiding,
    ) {
        for (serial, (path, receipt)) in clones {
            self.settle(serial, End::Done);
            (self.emit)(Event::Done {
                serial,
                receipt,
                kept: Some(path),
                how: How::Already,
            });
        }
        for (serial, why) in &plan.refused {
            let hidden = match why {
                SecondaryRefusal::Absent => hiding.of(Some(*serial)),
                _ => None,
            };
            match hidden {
                Some(hidden) => self.fail(*serial, Failure::Hidden(Box::new(hidden))),
                None => self.refuse(*serial, *why, plan.other_roots.get(serial)),
            }
        }
    }

    /// Works until all are finished and no new module is there.
    pub(super) fn work(
        &mut self,
        mut found: Survey,
        tasks: Vec<(Serial, Task)>,
        watch: Box<dyn Watch>,
    ) -> Result<MasterEnd, CycleError> {
        let jobs = self.setup.jobs.unwrap_or(JOBS_MAX).clamp(1, JOBS_MAX);
        let Request {
            master, options, ..
        } = self.setup.request;
        let refusal = |source| CycleError::Master {
            serial: master,
            source,
        };
        let Some(Present { facts, module, .. }) = found.take(master) else {
            return Err(refusal_absent(master));
        };
        let view = MasterView::of(&facts, None).ok_or_else(|| refusal_absent(master))?;
        let outstanding = self.counted.clone();
        let link = (self.connector, &self.setup.root);
        let queue =
            MasterQueue::open(link, module, view.party, options, outstanding).map_err(refusal)?;
        (self.emit)(Event::CycleBegan {
            master,
            secondaries: tasks.len(),
            jobs: jobs.min(tasks.len()),
            options,
        });
        for (serial, task) in tasks {
            self.waiting
                .extend(found.take(serial).map(|present| (present, task)));
        }

        let (handle, inbox) = queue::channel();
        let left = thread::scope(|scope| {
            let queue = scope.spawn(move || queue.serve(&inbox));
            self.coordinate(scope, (handle, view), watch, jobs);
            queue.join()
        });
        // If the queue panicked, its workers got no more answers and failed, and so did the cycle.
        Ok(left.unwrap_or(MasterEnd {
            has_disabled: false,
            is_lost: true,
        }))
    }

    fn coordinate<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        (queue, view): (QueueHandle, MasterView<'_>),
        watch: Box<dyn Watch>,
        jobs: usize,
    ) where
        'a: 'scope,
    {
        let worker = Worker {
            connector: self.connector,
            emit: self.emit,
            queue,
            permits: Permits::new(),
            master: view.party,
            group: view.group,
            epoch: view.epoch,
            root: &self.setup.root,
            receipts: &self.setup.receipts,
            letterboxes: &self.setup.letterboxes,
            stop: &self.setup.stop,
        };
        let (sender, reports) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        keep_watch(watch, sender.clone(), Arc::clone(&is_over));
        loop {
            if self.setup.stop.is_requested() {
                self.leave_waiting();
            }
            while self.active.len() < jobs
                && let Some((present, task)) = self.waiting.pop_front()
            {
                self.active.insert(present.facts.serial);
                let (worker, sender) = (worker.clone(), sender.clone());
                scope.spawn(move || {
                    let outcome = worker.work(present, &task);
                    // The coordinator waits for every worker that it started.
                    drop(sender.send(Report::Finished(outcome)));
                });
            }
            if self.active.is_empty() {
                // A last look: a module that came meanwhile may not have been reported yet.
                self.join(&worker);
                if self.waiting.is_empty() {
                    break;
                }
                continue;
            }
            match reports.recv() {
                Ok(Report::Finished(outcome)) => self.finish(outcome),
                Ok(Report::Changed) => self.join(&worker),
                Err(_dropped) => break,
            }
        }
        is_over.store(true, Ordering::Relaxed);
    }

    /// Leaves those that were not begun as they are.
    fn leave_waiting(&mut self) {
        for (present, _) in mem::take(&mut self.waiting) {
            self.idle.insert(present.facts.location);
            self.refuse(present.facts.serial, SecondaryRefusal::Stopped, None);
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        let Outcome {
            serial,
            location,
            end,
        } = outcome;
        self.active.remove(&serial);
        self.settle(serial, end);
        if end == End::Unplugged {
            self.known.remove(&location);
        } else {
            self.idle.insert(location);
        }
    }

    /// Asks the modules that were plugged in since, and adds them to the cycle.
    fn join(&mut self, worker: &Worker<'_>) {
        let now = self.connector.locations();
        let gone: Vec<_> = self.idle.difference(&now).cloned().collect();
        for location in gone {
            self.idle.remove(&location);
            self.known.remove(&location);
        }
        let new: BTreeSet<_> = now.difference(&self.known).cloned().collect();
        if new.is_empty() {
            return;
        }
        self.known.extend(new.iter().cloned());
        let root = Some(&self.setup.root);
        let found = survey(self.connector, new, root, Depth::Receipts);
        for present in found.modules {
            let serial = present.facts.serial;
            if self.may_join(serial) {
                self.take_in(present, worker);
            } else {
                self.idle.insert(present.facts.location);
            }
        }
        // It may not be ready yet: it is asked again at the next look.
        for location in &found.absent {
            self.known.remove(location);
        }
        for (location, error) in found.unusable {
            tracing::info!(%location, %error, "asked in vain");
            self.known.remove(&location);
        }
    }

    fn may_join(&self, serial: Serial) -> bool {
        let Request {
            master,
            to,
            options,
            except,
            replace: _decided_on_later,
        } = &self.setup.request;
        let is_counted = self.counted.contains(&serial);
        let is_open = to.is_empty() && !options.disable_master || is_counted;
        let is_busy = self.active.contains(&serial)
            || self
                .waiting
                .iter()
                .any(|(present, _)| present.facts.serial == serial);
        let is_done = self.results.get(&serial) == Some(&End::Done);
        let attempts = self.attempts.get(&serial).copied().unwrap_or_default();
        !self.setup.stop.is_requested()
            && serial != *master
            && is_open
            && !except.contains(&serial)
            && !is_busy
            && !is_done
            && attempts < ATTEMPTS
    }

    fn take_in(&mut self, present: Present, worker: &Worker<'_>) {
        let serial = present.facts.serial;
        let view = MasterView {
            party: worker.master,
            group: worker.group,
            epoch: worker.epoch,
            journal: None,
        };
        *self.attempts.entry(serial).or_default() += 1;
        (self.emit)(Event::Joined { serial });
        let receipt = present.receipt.as_ref().map(SignedReceipt::statement);
        match decide(view, &self.setup.request.replace, &present.facts, receipt) {
            Decision::Do(Task::Clone { .. }) if !self.is_licensed => {
                self.idle.insert(present.facts.location);
                self.refuse(serial, SecondaryRefusal::NoLicense, None);
            }
            Decision::Do(task) => {
                worker.queue.expect(serial);
                self.waiting.push_back((present, task));
            }
            // Only a journal tells; without one, the receipt is fetched again.
            Decision::IsClone(_) => {
                worker.queue.expect(serial);
                self.waiting.push_back((present, Task::Refetch));
            }
            Decision::Refused(why) => {
                self.idle.insert(present.facts.location);
                self.refuse(serial, why, present.facts.other_root.as_ref());
            }
        }
    }

    fn refuse(&mut self, serial: Serial, why: SecondaryRefusal, roots: Option<&OtherRoot>) {
        let roots = roots.cloned().map(Box::new);
        self.fail(serial, Failure::Refused { why, roots });
    }

    fn fail(&mut self, serial: Serial, failure: Failure) {
        self.settle(serial, End::Refused);
        (self.emit)(Event::Failed { serial, failure });
    }

    fn settle(&mut self, serial: Serial, end: End) {
        self.results.insert(serial, end);
    }

    /// Returns how many are done, and how many are not.
    pub(super) fn count(&self) -> (usize, usize) {
        let ends = self.results.values();
        let done = ends.filter(|end| **end == End::Done).count();
        (done, self.results.len() - done)
    }
}

/// Returns the locations whose module gets no work.
fn unused(
    locations: &BTreeSet<Location>,
    found: &Survey,
    plan: &Plan,
    master: Serial,
) -> BTreeSet<Location> {
    let is_used =
        |serial: &Serial| *serial == master || plan.tasks.iter().any(|(task, _)| task == serial);
    let facts = found.modules.iter().map(|present| &present.facts);
    let used: BTreeSet<_> = facts
        .filter(|facts| is_used(&facts.serial))
        .map(|facts| facts.location.clone())
        .collect();
    locations.difference(&used).cloned().collect()
}

/// Reports changes from a separate thread, which the end of the cycle does not wait for.
fn keep_watch(mut watch: Box<dyn Watch>, reports: Sender<Report>, is_over: Arc<AtomicBool>) {
    thread::spawn(move || {
        while !is_over.load(Ordering::Relaxed) {
            if watch.wait_change(WATCH) && reports.send(Report::Changed).is_err() {
                break;
            }
        }
    });
}

fn refusal_absent(master: Serial) -> CycleError {
    CycleRefusal::Master {
        serial: master,
        why: MasterRefusal::Absent,
        roots: None,
    }
    .into()
}

/// How long one look at the locations waits for a change.
const WATCH: Duration = Duration::from_millis(500);

/// How often a module may join a cycle.
const ATTEMPTS: u8 = 3;
