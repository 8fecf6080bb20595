//! Watches the modules: which are connected, and what a cycle would do; and runs the cycle. All on one thread, so that
//! nothing else uses a module during a cycle.

use super::{
    Emit, files, now, sharing,
    team::{self, Service},
};
use crate::model::{
    self, Configured, CycleEvent, Event, FilesEvent, ModuleView, Part, Problem, Reason, Sharing,
    Surveyed, TeamEvent,
};
use keywriter::{
    Serial,
    cycle::{
        self, Failure, How, Setup,
        plan::{Plan, Request, Task, check_master},
    },
    discovery::{Connector, Discovery},
    folders::Folders,
    genuine::TrustedRoot,
    protocol::{LockState, ModuleStatus},
    report::Report,
    share::{
        RecipientKind, ToldRecipient,
        finder::{self, Need},
        known::KnownTeams,
    },
    survey::{Depth, ModuleFacts, OtherRoot, Present, Survey, survey},
    teamwork::{self, Teamwork, tickets},
    text::listed,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::Duration,
};

/// What the watcher is ordered to do.
pub(super) enum Order {
    /// Watch the modules, and report what that cycle would do.
    Look(Option<Request>),
    /// Run a cycle, under the ticket of these files if there are any.
    Run(Box<Setup>, Vec<PathBuf>),
    /// Encrypt or decrypt files.
    Share(sharing::Sharing),
    /// Ask the devices that are unlocked what they know of their team.
    Teams,
    /// Carry letters, or re-key a team.
    Serve(Box<Service>),
    /// Ask for the recipient of a device's team: of the named one, or of the one that is unlocked.
    Recipient(Option<Serial>),
    /// Something was plugged in or pulled out.
    Changed,
}

/// The state of the watcher's thread.
pub(super) struct ModuleWatcher {
    pub(super) discovery: Discovery,
    pub(super) root: Option<PathBuf>,
    pub(super) folders: Folders,
    pub(super) emit: Emit,
    pub(super) report: Arc<Mutex<Option<Report>>>,
}

impl ModuleWatcher {
    /// Starts the thread. It ends when the sender of orders is dropped.
    pub(super) fn start(self) -> Sender<Order> {
        let (sender, orders) = channel();
        thread::spawn(move || self.serve(&orders));
        sender
    }

    fn serve(self, orders: &Receiver<Order>) {
        // No module is queried before the user has logged in.
        let Ok(first) = orders.recv() else {
            return;
        };
        let changes = self.watch();
        let mut request = None;
        let mut found_last = Survey::default();
        let mut next = Some(first);
        loop {
            match next {
                Some(Order::Look(wanted)) => {
                    request = wanted;
                    found_last = self.look(request.as_ref());
                }
                Some(Order::Run(setup, tickets)) => {
                    // The cycle opens its own connections.
                    found_last = Survey::default();
                    match self.show(&setup, &tickets) {
                        Ok(()) => self.run(&setup),
                        Err(problem) => {
                            (self.emit)(Event::Cycle(CycleEvent::Ended(Err(problem))));
                        }
                    }
                }
                Some(Order::Teams) => {
                    let told = team::ask(&mut found_last);
                    (self.emit)(Event::Team(TeamEvent::Told(told)));
                }
                Some(Order::Share(sharing)) => {
                    drop(std::mem::take(&mut found_last));
                    sharing.run(|| self.survey(Depth::Facts).1);
                }
                Some(Order::Serve(service)) => {
                    drop(std::mem::take(&mut found_last));
                    service.run(self.survey(Depth::Facts).1);
                }
                Some(Order::Recipient(named)) => {
                    let told = self.recipient(&mut found_last, named);
                    (self.emit)(Event::Files(FilesEvent::Recipient(told)));
                }
                Some(Order::Changed) => found_last = self.look(request.as_ref()),
                None if found_last.modules.iter_mut().any(has_changed) => {
                    found_last = self.look(request.as_ref());
                }
                None => {}
            }
            next = match orders.recv_timeout(GLANCE) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => {
                    changes.try_iter().last().map(|()| Order::Changed)
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
        }
    }

    /// Reports modules that are plugged in or unplugged, until the receiver is dropped.
    fn watch(&self) -> Receiver<()> {
        let mut watch = self.discovery.watch();
        let (sender, changes) = channel();
        thread::spawn(move || {
            loop {
                if watch.wait_change(WATCH) && sender.send(()).is_err() {
                    return;
                }
            }
        });
        changes
    }

    fn look(&self, request: Option<&Request>) -> Survey {
        let depth = if request.is_some() {
            Depth::Receipts
        } else {
            Depth::Facts
        };
        let mut surveyed = Surveyed::default();
        let (known, mut found) = self.survey(depth);
        surveyed.unknown_root = unknown_root(&known, &found.other_roots());
        surveyed.unusable.extend(known.err());
        let plan = request.map(|request| cycle::preflight(request, &mut found));
        let plan = match plan {
            Some(Ok(plan)) => plan,
            Some(Err(error)) => {
                surveyed.refusal = Some((&error).into());
                Plan::default()
            }
            None => Plan::default(),
        };
        for present in &found.modules {
            surveyed.modules.push(view(&present.facts, &plan));
        }
        surveyed.unusable.extend(foreign(&found));
        for impostor in &found.impostors {
            let why = impostor.certificate.authenticity.check().err();
            surveyed
                .unusable
                .extend(why.map(|why| Problem::new(why.into()).about(&impostor.location)));
        }
        for duplicate in &found.duplicates {
            let problem = Problem::new(Reason::DuplicateSerial).about(duplicate.serial);
            surveyed.unusable.push(problem);
        }
        for (location, error) in &found.unusable {
            surveyed
                .unusable
                .push(Problem::from(error).about(location.name()));
        }
        (self.emit)(Event::Surveyed(surveyed));
        found
    }

    /// Asks every module that is there, with the root that this computer trusts.
    fn survey(&self, depth: Depth) -> (Result<Option<TrustedRoot>, Problem>, Survey) {
        let known = files::root(self.root.as_deref(), &self.folders);
        let root = known.as_ref().ok().and_then(Option::as_ref);
        let locations = self.discovery.locations();
        let mut found = survey(&self.discovery, locations, root, depth);
        found.note_obstacles(&self.discovery);
        (known, found)
    }

    /// Asks a device for its team's recipient, and checks it against what this computer knows.
    fn recipient(
        &self,
        found: &mut Survey,
        named: Option<Serial>,
    ) -> Result<model::Recipient, Problem> {
        let root = files::root(self.root.as_deref(), &self.folders)?.ok_or(Reason::NoRoot)?;
        let present =
            finder::find(found, named, Need::Any).map_err(|error| Problem::from(&error))?;
        let serial = present.facts.serial;
        let told = ToldRecipient::ask(&mut present.module, serial, RecipientKind::Classical)
            .map_err(|error| Problem::from(&error).about(serial))?;
        let known = KnownTeams {
            recipients: &self.folders.recipients(),
            receipts: &self.folders.receipts(),
            root: &root,
        };
        known
            .accept(&told, named.is_some())
            .map_err(|error| Problem::from(&error).about(serial))?;
        Ok(model::Recipient {
            serial,
            group: *told.group(),
            text: told.text().to_owned(),
        })
    }

    /// Shows the master the tickets of a cycle.
    fn show(&self, setup: &Setup, tickets: &[PathBuf]) -> Result<(), Problem> {
        if tickets.is_empty() {
            return Ok(());
        }
        let given = tickets::load(tickets, &setup.root)?;
        let (_, mut found) = self.survey(Depth::Facts);
        let mut master = teamwork::take(&mut found, setup.request.master)?;
        let tell = |_told| ();
        Teamwork::new(&self.folders, &setup.root, &tell).present(&given, &mut master)
    }

    fn run(&self, setup: &Setup) {
        let Request {
            master, options, ..
        } = setup.request;
        let earlier = self.report.lock();
        let earlier = earlier.unwrap_or_else(PoisonError::into_inner).take();
        // One that names secondaries tries again what failed: the report is of both.
        let record = earlier
            .filter(|earlier| !setup.request.to.is_empty() && earlier.is_of(master, options))
            .unwrap_or_else(|| Report::new(now(), master, options));
        let record = Mutex::new(record);
        let emit = |event| (self.emit)(Event::Cycle(event));
        let follow = |event: cycle::Event| {
            record
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .note(&event);
            if let Some(event) = shown(event) {
                emit(event);
            }
        };
        let ended = cycle::run(&self.discovery, setup, &follow);
        let report = record.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        emit(CycleEvent::Ended(
            ended.map_err(|error| Problem::from(&error)),
        ));
    }
}

/// Returns the part of a cycle's event that is shown.
fn shown(event: cycle::Event) -> Option<CycleEvent> {
    Some(match event {
        cycle::Event::Preflight { secondaries, .. } => CycleEvent::Preflight { secondaries },
        cycle::Event::Joined { serial } => CycleEvent::Joined(serial),
        cycle::Event::Asks { serial } => CycleEvent::Asks(serial),
        cycle::Event::Step { serial, step } => CycleEvent::Step(serial, step.number()),
        cycle::Event::Done { serial, how, .. } => CycleEvent::Done {
            serial,
            already: how != How::Cloned,
        },
        cycle::Event::ReceiptSetAside { file, .. } => CycleEvent::ReceiptSetAside(file),
        cycle::Event::NotKept { error, .. } => CycleEvent::NotKept((&error).into()),
        cycle::Event::Failed { serial, failure } => {
            let problem = Problem::from(&failure);
            match failure {
                Failure::Refused { why, .. } if why.is_lasting() => {
                    CycleEvent::Refused(serial, problem)
                }
                _ => CycleEvent::Failed(serial, problem),
            }
        }
        // The survey before the cycle has reported unusable modules; the caller reports the end.
        _ => return None,
    })
}

/// Returns whether a module has been locked, unlocked, configured or unplugged since the survey.
fn has_changed(present: &mut Present) -> bool {
    let Ok(answer) = present.module.identity() else {
        return true;
    };
    let lock = answer.identity().lock;
    if lock != present.facts.lock {
        return true;
    }
    lock == LockState::Unlocked && present.module.glance().ok() != present.facts.status
}

/// Returns the root that the user is to be asked about: the only one that modules show, if this computer knows none. One
/// that it knows and cannot read is not replaced by asking.
fn unknown_root(
    known: &Result<Option<TrustedRoot>, Problem>,
    shown: &[&TrustedRoot],
) -> Option<TrustedRoot> {
    match (known, shown) {
        (Ok(None), [shown]) => Some((*shown).clone()),
        (Ok(_) | Err(_), _) => None,
    }
}

/// Returns a problem for each root that modules show and this computer does not trust, though it trusts another.
fn foreign(found: &Survey) -> Vec<Problem> {
    let mut modules: BTreeMap<String, (&OtherRoot, Vec<Serial>)> = BTreeMap::new();
    for present in &found.modules {
        let roots = present.facts.other_root.as_ref();
        if let Some(roots) = roots.filter(|roots| roots.trusted.is_some()) {
            let of_root = modules.entry(roots.shown.fingerprint());
            of_root
                .or_insert((roots, Vec::new()))
                .1
                .push(present.facts.serial);
        }
    }
    let problem = |(roots, serials): (&OtherRoot, Vec<Serial>)| {
        Problem::new(Reason::ForeignRoot)
            .about(listed(&serials))
            .with_roots(Some(roots))
    };
    modules.into_values().map(problem).collect()
}

fn view(facts: &ModuleFacts, plan: &Plan) -> ModuleView {
    ModuleView {
        serial: facts.serial,
        firmware: facts.firmware,
        is_virtual: facts.certificate.is_virtual == Some(true),
        unfit: check_master(facts)
            .err()
            .map(|why| Problem::new(why.into()).with_roots(facts.other_root.as_ref())),
        few_writes: facts.few_writes(),
        configured: facts.status.and_then(configured),
        part: part(facts.serial, plan),
        sharing: sharing_of(facts),
    }
}

/// Returns whether a module can share files.
fn sharing_of(facts: &ModuleFacts) -> Sharing {
    if let Err(why) = facts.certificate.authenticity.check() {
        return Sharing::Unfit(Problem::new(why.into()));
    }
    match (facts.lock, facts.status) {
        (LockState::Shipment | LockState::Reset, _) => Sharing::Unfit(Reason::NotSetUp.into()),
        (LockState::Unlocked, Some(status)) => Sharing::Unlocked {
            group: status.group,
        },
        (LockState::Locked | LockState::Unlocked, _) => Sharing::Locked,
    }
}

fn configured(status: ModuleStatus) -> Option<Configured> {
    let admin = status.admin?;
    Some(Configured {
        policy: status
            .policy
            .map(|policy| (policy.min_length, policy.needs_shift)),
        user_pin: admin.user_pin,
        cloning: admin.cloning,
        mode: status.mode,
        self_destruct_pin: admin.self_destruct_pin,
        auto_lock: status.auto_lock,
    })
}

fn part(serial: Serial, plan: &Plan) -> Part {
    if let Some((_, task)) = plan.tasks.iter().find(|(task, _)| *task == serial) {
        return match task {
            Task::Clone { replaces: false } => Part::Clone,
            Task::Clone { replaces: true } => Part::Replace,
            Task::Finish => Part::Finish,
            Task::Refetch => Part::IsClone,
        };
    }
    if plan.clones.iter().any(|(clone, _)| *clone == serial) {
        return Part::IsClone;
    }
    match plan.refused.iter().find(|(refused, _)| *refused == serial) {
        Some((_, why)) => Part::Refused(Problem::new((*why).into())),
        None => Part::None,
    }
}

/// How often the modules are queried for being locked or unlocked: there is no event for it.
const GLANCE: Duration = Duration::from_secs(1);

/// How long one wait for a change lasts.
const WATCH: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_asked_about_only_if_there_is_none() {
        let root = hsm_factory::Root::generate("Some root").unwrap();
        let root = TrustedRoot::from_der(root.certificate_der().to_vec()).unwrap();
        let asked = |known| unknown_root(&known, &[&root]).is_some();
        assert!(asked(Ok(None)));
        assert!(!asked(Ok(Some(root.clone()))));
        for reason in [Reason::CannotRead, Reason::RootInvalid, Reason::HubOpen] {
            assert!(!asked(Err(reason.into())), "{reason:?}");
        }
        assert_eq!(unknown_root(&Ok(None), &[&root, &root]), None);
    }
}
