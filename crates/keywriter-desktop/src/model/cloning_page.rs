//! The page with the master and the secondaries: which modules are connected, and what is chosen.

use super::{
    Card, CardState, Checklist, Command, CycleEvent, Intent, MasterCard, MasterStatus, ModuleView,
    Notice, Part, Problem, Reason, Surveyed,
    course::{Bar, Course},
    places::{PLACES, Places},
};
use keywriter::{
    Options, Serial,
    cycle::plan::{Replace, Request},
    settings::{MasterState, Settings},
};
use std::collections::{BTreeMap, BTreeSet};

/// Master, secondaries and the cycle.
#[derive(Debug, Default)]
pub struct CloningPage {
    /// The master.
    master: Option<Serial>,
    /// The choices; without a master, those for the next one.
    options: Options,
    /// The module on the master's card while there is no master.
    chosen: Option<Serial>,
    /// The connected modules.
    surveyed: Surveyed,
    /// The secondaries that the next cycle leaves out.
    left_out: BTreeSet<Serial>,
    /// What the user is asked before a cycle starts.
    replacement: Option<Replacement>,
    /// Where each secondary is shown, so that it stays there while others come and go.
    places: Places,
    /// How the cycle proceeds.
    course: Course,
}

/// The question before a cycle in which devices lose their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The devices.
    pub replaced: Vec<Serial>,
    /// The failed secondaries, if only they are tried again.
    pub to: Vec<Serial>,
}

impl CloningPage {
    /// Restores the master that was set before.
    pub(super) fn remember(&mut self, state: Option<MasterState>) {
        self.master = state.map(|state| state.master);
        self.options = state.map_or_else(Options::default, |state| state.options);
    }

    pub(super) fn act(&mut self, intent: &Intent) -> Vec<Command> {
        let commands = self.do_it(intent);
        self.seat();
        commands
    }

    fn do_it(&mut self, intent: &Intent) -> Vec<Command> {
        match intent {
            Intent::Choose(serial) if self.master.is_none() => {
                self.chosen = Some(*serial);
                Vec::new()
            }
            Intent::SetAutoLock(is_on) => self.choose(|options| options.auto_lock = *is_on),
            Intent::SetUserPinPolicy(is_on) => {
                self.choose(|options| options.user_pin_policy = *is_on)
            }
            Intent::SetDisableMaster(is_on) => {
                self.choose(|options| options.disable_master = *is_on)
            }
            Intent::SetMaster if self.can_set_master() => {
                self.master = self.shown().map(|module| module.serial);
                self.forget_cycle();
                vec![self.keep(), self.look()]
            }
            Intent::ReleaseMaster if !self.is_running() => {
                self.chosen = self.master.take();
                self.forget_cycle();
                vec![self.keep(), self.look()]
            }
            Intent::LookAgain if !self.is_running() => vec![self.look()],
            Intent::Include(serial, is_in) if self.can_choose() => {
                let has_changed = if *is_in {
                    self.left_out.remove(serial)
                } else {
                    self.left_out.insert(*serial)
                };
                has_changed.then(|| self.look()).into_iter().collect()
            }
            Intent::Start if self.can_start() => self.ask(Vec::new()),
            Intent::Retry if self.can_retry() => self.ask(self.failed()),
            Intent::AnswerReplacement(is_wanted) => self.answer(*is_wanted),
            Intent::Stop if self.can_stop() => {
                self.course.stop();
                vec![Command::Stop]
            }
            _ => Vec::new(),
        }
    }

    /// Returns the choices that a settings file contains.
    pub const fn settings(&self) -> Settings {
        Settings {
            auto_lock: self.options.auto_lock,
            user_pin_policy: self.options.user_pin_policy,
        }
    }

    pub(super) fn import(&mut self, settings: Settings) -> Vec<Command> {
        self.choose(|options| {
            options.auto_lock = settings.auto_lock;
            options.user_pin_policy = settings.user_pin_policy;
        })
    }

    pub(super) fn survey(&mut self, surveyed: Surveyed) {
        self.course.survey(&surveyed.modules);
        self.surveyed = surveyed;
        self.seat();
    }

    /// Handles a cycle's event; returns what is to be said about it.
    pub(super) fn follow(&mut self, event: CycleEvent) -> Option<Notice> {
        let has_succeeded = matches!(event, CycleEvent::Ended(Ok(_)));
        let notice = self.course.note(event);
        if has_succeeded {
            self.places
                .show_first(|serial| self.course.has_failed(serial));
        }
        self.seat();
        notice
    }

    /// Returns the command to watch the modules.
    pub(super) fn look(&self) -> Command {
        Command::Look(
            self.master
                .map(|master| self.request(master, Vec::new(), Replace::All)),
        )
    }

    /// Returns the choices.
    pub const fn options(&self) -> Options {
        self.options
    }

    /// Returns the master's card.
    pub fn master_card(&self) -> MasterCard {
        let shown = self.shown();
        let serial = self.master.or_else(|| shown.map(|module| module.serial));
        let configured = shown.and_then(|module| module.configured);
        MasterCard {
            serial,
            status: match (self.master, shown) {
                (None, None) => MasterStatus::None,
                (None, Some(_)) => MasterStatus::Unassigned,
                (Some(_), Some(module)) if module.unfit.is_none() => MasterStatus::Active,
                // During a cycle the master is not queried.
                (Some(_), _) if self.is_running() => MasterStatus::Active,
                (Some(_), Some(module)) if self.is_disabled_by_choice(module) => {
                    MasterStatus::Disabled
                }
                (Some(_), _) => MasterStatus::NotReady,
            },
            firmware: shown.map_or_else(String::new, |module| {
                let [major, minor, patch] = module.firmware;
                format!("{major}.{minor}.{patch}")
            }),
            is_virtual: shown.is_some_and(|module| module.is_virtual),
            unfit: match (self.master, shown) {
                (_, Some(module)) => module.unfit.clone(),
                (Some(master), None) => Some(Problem::new(Reason::Absent).about(master)),
                (None, None) => None,
            },
            checklist: Checklist::of(configured),
            auto_lock: configured.and_then(|configured| configured.auto_lock),
            policy: configured.and_then(|configured| configured.policy),
        }
    }

    /// Returns the modules that the master's card could show, each with why it cannot be the master.
    pub fn choices(&self) -> Vec<(Serial, Option<Problem>)> {
        let modules = self.surveyed.modules.iter();
        modules
            .filter(|_| self.master.is_none())
            .map(|module| (module.serial, module.unfit.clone()))
            .collect()
    }

    /// Returns the secondaries' places: nine, or more if more modules are connected.
    pub fn cards(&self) -> Vec<Card> {
        let shown = self
            .master
            .or_else(|| self.shown().map(|module| module.serial));
        let mut cards: BTreeMap<Serial, Card> = BTreeMap::new();
        for module in &self.surveyed.modules {
            if Some(module.serial) == shown {
                continue;
            }
            let is_in = !self.left_out.contains(&module.serial);
            let part = if is_in {
                module.part.clone()
            } else {
                Part::LeftOut
            };
            let card = Card {
                serial: Some(module.serial),
                is_present: true,
                is_included: self.is_choice(&part).then_some(is_in),
                state: CardState::Preflight(part),
            };
            cards.insert(module.serial, card);
        }
        for (serial, state) in self.course.outcomes() {
            let card = cards.entry(*serial).or_insert_with(|| Card {
                serial: Some(*serial),
                is_present: self.is_running(),
                ..Card::default()
            });
            card.state = state.clone();
            card.is_included = None;
        }
        let mut card_of = |serial: Serial| cards.remove(&serial);
        let places = self.places.iter();
        let mut shown: Vec<_> = places
            .map(|serial| serial.and_then(&mut card_of).unwrap_or_default())
            .collect();
        shown.resize_with(shown.len().max(PLACES), Card::default);
        shown
    }

    /// Gives each secondary that is shown a place, and keeps those that have one.
    fn seat(&mut self) {
        let shown = self.shown().map(|module| module.serial);
        let shown = self.master.or(shown);
        let modules = self.surveyed.modules.iter().map(|module| module.serial);
        let mut new: BTreeSet<_> = modules
            .chain(self.course.outcomes().keys().copied())
            .collect();
        if let Some(shown) = shown {
            new.remove(&shown);
        }
        self.places.seat(new);
    }

    /// Returns the number of connected secondaries.
    pub fn present(&self) -> usize {
        self.cards().iter().filter(|card| card.is_present).count()
    }

    /// Returns the bar below the secondaries.
    pub fn bar(&self) -> Bar {
        match self.course.bar() {
            Some(bar) => bar,
            None if self.master.is_none() => Bar::NoMaster,
            None => Bar::Ready {
                ready: self.ready(),
                clones: self.clones(),
            },
        }
    }

    /// Returns the connected modules.
    pub fn modules(&self) -> &[ModuleView] {
        &self.surveyed.modules
    }

    /// Returns a problem for each reader without a usable module.
    pub fn unusable(&self) -> &[Problem] {
        &self.surveyed.unusable
    }

    /// Returns the modules whose memory is wearing out, with how often it can still be written.
    pub fn wearing(&self) -> impl Iterator<Item = (Serial, u32)> {
        let few = |module: &ModuleView| Some((module.serial, module.few_writes?));
        self.surveyed.modules.iter().filter_map(few)
    }

    /// Returns why Start would be refused, if there is a master. It is no problem that the user left every device out.
    pub fn refusal(&self) -> Option<&Problem> {
        let is_own_choice = |problem: &&Problem| {
            let mut modules = self.surveyed.modules.iter();
            problem.reason == Reason::NoSecondary
                && modules.any(|module| self.left_out.contains(&module.serial))
        };
        let refusal = self.surveyed.refusal.as_ref();
        refusal.filter(|problem| !is_own_choice(problem))
    }

    /// Returns what the user is asked before a cycle starts.
    pub const fn replacement(&self) -> Option<&Replacement> {
        self.replacement.as_ref()
    }

    /// Returns whether all connected modules are virtual, and there is at least one.
    pub fn is_evaluation(&self) -> bool {
        let modules = &self.surveyed.modules;
        !modules.is_empty() && modules.iter().all(|module| module.is_virtual)
    }

    /// Returns whether *Set as Master* is possible.
    pub fn can_set_master(&self) -> bool {
        self.master.is_none() && self.shown().is_some_and(|module| module.unfit.is_none())
    }

    /// Returns whether the choices may be changed.
    pub fn can_choose(&self) -> bool {
        !self.is_running()
    }

    /// Returns whether *Start* is possible.
    pub fn can_start(&self) -> bool {
        !self.is_running()
            && self.master.is_some()
            && self.surveyed.refusal.is_none()
            && self.ready() > 0
    }

    /// Returns whether *Stop* is possible.
    pub fn can_stop(&self) -> bool {
        self.course.can_stop()
    }

    /// Returns whether *Retry* is possible.
    pub fn can_retry(&self) -> bool {
        !self.is_running()
            && self.master.is_some()
            && self.surveyed.refusal.is_none()
            && !self.failed().is_empty()
    }

    /// Returns whether a cycle is running.
    pub const fn is_running(&self) -> bool {
        self.course.is_running()
    }

    /// Returns whether there is a report to save.
    pub fn has_report(&self) -> bool {
        self.course.has_report()
    }

    /// Starts, unless devices would lose their keys: then the user is asked.
    fn ask(&mut self, to: Vec<Serial>) -> Vec<Command> {
        let replaced = self.replaced(&to);
        if replaced.is_empty() {
            return self.start(to, replaced);
        }
        self.replacement = Some(Replacement { replaced, to });
        Vec::new()
    }

    /// Starts what the user allowed. Devices that were not named are asked about again.
    fn answer(&mut self, is_wanted: bool) -> Vec<Command> {
        let Some(Replacement { replaced, to }) = self.replacement.take() else {
            return Vec::new();
        };
        let may_start = !self.is_running() && self.surveyed.refusal.is_none();
        if !is_wanted || !may_start {
            return Vec::new();
        }
        let now = self.replaced(&to);
        if now.iter().all(|serial| replaced.contains(serial)) {
            self.start(to, replaced)
        } else {
            self.ask(to)
        }
    }

    /// Returns the secondaries that would lose their keys.
    fn replaced(&self, to: &[Serial]) -> Vec<Serial> {
        let modules = self.surveyed.modules.iter();
        let is_wanted = |serial: &Serial| to.is_empty() || to.contains(serial);
        modules
            .filter(|module| {
                module.part == Part::Replace && !self.left_out.contains(&module.serial)
            })
            .map(|module| module.serial)
            .filter(is_wanted)
            .collect()
    }

    /// Returns whether the user may include or leave out a secondary.
    fn is_choice(&self, part: &Part) -> bool {
        let has_work = !matches!(part, Part::IsClone | Part::Refused(_));
        self.master.is_some() && !self.is_running() && has_work
    }

    fn forget_cycle(&mut self) {
        self.left_out.clear();
        self.course = Course::default();
    }

    /// Starts; of the devices in use, only those that the user agreed to are replaced.
    fn start(&mut self, to: Vec<Serial>, agreed: Vec<Serial>) -> Vec<Command> {
        let Some(master) = self.master else {
            return Vec::new();
        };
        self.course.start(&to);
        vec![Command::Start(self.request(
            master,
            to,
            Replace::Agreed(agreed),
        ))]
    }

    fn request(&self, master: Serial, to: Vec<Serial>, replace: Replace) -> Request {
        Request {
            master,
            options: self.options,
            to,
            except: self.left_out.iter().copied().collect(),
            replace,
        }
    }

    fn choose(&mut self, change: impl FnOnce(&mut Options)) -> Vec<Command> {
        if !self.can_choose() {
            return Vec::new();
        }
        change(&mut self.options);
        if self.master.is_some() {
            vec![self.keep(), self.look()]
        } else {
            Vec::new()
        }
    }

    fn keep(&self) -> Command {
        Command::SaveMaster(self.master.map(|master| MasterState {
            master,
            options: self.options,
        }))
    }

    /// Returns the connected module for the master's card: the master, the chosen module, or the best candidate.
    fn shown(&self) -> Option<&ModuleView> {
        let modules = &self.surveyed.modules;
        if let Some(master) = self.master {
            return modules.iter().find(|module| module.serial == master);
        }
        let chosen = modules
            .iter()
            .find(|module| Some(module.serial) == self.chosen);
        chosen
            .or_else(|| modules.iter().find(|module| module.unfit.is_none()))
            .or_else(|| modules.iter().find(|module| module.configured.is_some()))
            .or_else(|| modules.first())
    }

    fn is_disabled_by_choice(&self, master: &ModuleView) -> bool {
        let unfit = master.unfit.as_ref().map(|problem| problem.reason);
        self.options.disable_master && unfit == Some(Reason::CloningDisabled)
    }

    fn clones(&self) -> usize {
        let is_clone = |module: &&ModuleView| module.part == Part::IsClone;
        self.surveyed.modules.iter().filter(is_clone).count()
    }

    fn ready(&self) -> usize {
        let has_work = |module: &&ModuleView| {
            matches!(module.part, Part::Clone | Part::Replace | Part::Finish)
                && !self.left_out.contains(&module.serial)
        };
        self.surveyed.modules.iter().filter(has_work).count()
    }

    /// Returns the connected secondaries that failed.
    fn failed(&self) -> Vec<Serial> {
        let is_failed = |module: &&ModuleView| {
            matches!(
                self.course.outcomes().get(&module.serial),
                Some(CardState::Failed(_))
            )
        };
        self.surveyed
            .modules
            .iter()
            .filter(is_failed)
            .map(|module| module.serial)
            .collect()
    }
}
