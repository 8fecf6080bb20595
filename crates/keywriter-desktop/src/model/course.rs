//! How a cycle proceeds: the state of each secondary since the last Start, and what the bar says.

use super::{CardState, CycleEvent, ModuleView, Notice, Reason};
use keywriter::{
    Serial,
    cycle::{Step, Summary},
};
use std::collections::{BTreeMap, BTreeSet};

/// The cycle that is running, or the last one.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The state of each secondary since the last Start.
    outcomes: BTreeMap<Serial, CardState>,
    /// What became of the secondaries since the last Start; Retry goes on with it.
    tally: Tally,
    phase: CyclePhase,
}

/// Which secondaries are clones now, which failed, and which nothing was tried with.
#[derive(Debug, Default)]
struct Tally {
    done: BTreeSet<Serial>,
    failed: BTreeSet<Serial>,
    left_out: BTreeSet<Serial>,
}

impl Tally {
    /// Notes the last word on a secondary.
    fn note(&mut self, serial: Serial, of: fn(&mut Self) -> &mut BTreeSet<Serial>) {
        for all in [&mut self.done, &mut self.failed, &mut self.left_out] {
            all.remove(&serial);
        }
        of(self).insert(serial);
    }
}

/// The phase of the cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum CyclePhase {
    /// No cycle is running.
    #[default]
    Idle,
    /// Start was pressed.
    Starting,
    /// It is running.
    Running {
        /// Stop was pressed: no further secondary is started.
        stopping: bool,
    },
    /// The last cycle has ended.
    Ended(Summary),
}

/// The bar below the secondaries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// There is no master yet.
    NoMaster,
    /// What a cycle would find.
    Ready {
        /// Secondaries that would be cloned.
        ready: usize,
        /// Those that are clones already.
        clones: usize,
    },
    /// A cycle is running.
    Running {
        /// Cloned or failed.
        finished: usize,
        /// All.
        total: usize,
        /// 0 to 1.
        share: f32,
        /// Stop was pressed: no further secondary is started.
        stopping: bool,
    },
    /// The cycle has ended.
    Ended {
        /// Secondaries that are now clones of this master.
        done: usize,
        /// Secondaries that are not, though it was tried.
        failed: usize,
        /// Secondaries that nothing was tried with.
        left_out: usize,
        /// Whether the master has disabled cloning on itself.
        disabled: bool,
    },
}

impl Course {
    /// Begins with all secondaries, or tries these again.
    pub(super) fn start(&mut self, to: &[Serial]) {
        if to.is_empty() {
            *self = Self::default();
        } else {
            self.outcomes.retain(|serial, _| !to.contains(serial));
        }
        self.phase = CyclePhase::Starting;
    }

    pub(super) const fn stop(&mut self) {
        self.phase = CyclePhase::Running { stopping: true };
    }

    /// Forgets what no longer holds, as these modules are connected.
    pub(super) fn survey(&mut self, modules: &[ModuleView]) {
        // A module that was unplugged loses its state, except a failure, which says what to do.
        let is_there = |serial: &Serial| modules.iter().any(|module| module.serial == *serial);
        self.outcomes.retain(|serial, state| match state {
            CardState::Failed(_) => true,
            // The survey says anew why nothing is done with it, or that it has changed.
            CardState::Refused(_) => false,
            _ => is_there(serial),
        });
    }

    /// Handles a cycle's event; returns what is to be said about it.
    pub(super) fn note(&mut self, event: CycleEvent) -> Option<Notice> {
        match event {
            CycleEvent::Preflight { secondaries } => {
                self.phase = match self.phase {
                    CyclePhase::Running { stopping } => CyclePhase::Running { stopping },
                    _ => CyclePhase::Running { stopping: false },
                };
                for serial in secondaries {
                    self.outcomes.insert(serial, CardState::Waiting);
                }
            }
            CycleEvent::Joined(serial) => {
                self.outcomes.insert(serial, CardState::Waiting);
            }
            CycleEvent::Asks(serial) => {
                self.outcomes.insert(serial, CardState::Asks);
            }
            CycleEvent::Step(serial, step) => {
                self.outcomes.insert(serial, CardState::Cloning(step));
            }
            CycleEvent::Done { serial, already } => {
                self.tally.note(serial, |tally| &mut tally.done);
                self.outcomes.insert(serial, CardState::Cloned { already });
            }
            CycleEvent::Failed(serial, problem) => {
                self.tally.note(serial, |tally| &mut tally.failed);
                self.outcomes.insert(serial, CardState::Failed(problem));
            }
            CycleEvent::Refused(serial, problem) => {
                self.tally.note(serial, |tally| &mut tally.left_out);
                self.outcomes.insert(serial, CardState::Refused(problem));
            }
            CycleEvent::ReceiptSetAside(file) => return Some(Notice::ReceiptSetAside(file)),
            CycleEvent::NotKept(problem) => return Some(Notice::Problem(problem)),
            CycleEvent::Ended(Ok(summary)) => {
                self.forget_unfinished();
                self.phase = CyclePhase::Ended(summary);
                return summary
                    .master_lost
                    .then(|| Notice::Problem(Reason::MasterLost.into()));
            }
            CycleEvent::Ended(Err(problem)) => {
                self.forget_unfinished();
                self.phase = CyclePhase::Idle;
                return Some(Notice::Problem(problem));
            }
        }
        None
    }

    /// Nothing goes on with them after the end: their cards say what the next cycle would do.
    fn forget_unfinished(&mut self) {
        self.outcomes.retain(|_, state| is_final(state));
    }

    /// Returns the state of each secondary since the last Start.
    pub(super) const fn outcomes(&self) -> &BTreeMap<Serial, CardState> {
        &self.outcomes
    }

    pub(super) fn has_failed(&self, serial: Serial) -> bool {
        self.tally.failed.contains(&serial)
    }

    pub(super) const fn is_running(&self) -> bool {
        matches!(
            self.phase,
            CyclePhase::Starting | CyclePhase::Running { .. }
        )
    }

    pub(super) fn can_stop(&self) -> bool {
        self.phase == CyclePhase::Running { stopping: false }
    }

    pub(super) fn has_report(&self) -> bool {
        let is_over = matches!(self.phase, CyclePhase::Ended(_));
        is_over && !(self.tally.done.is_empty() && self.tally.failed.is_empty())
    }

    /// Returns what the bar says of it; `None`: there is no cycle to tell of.
    pub(super) fn bar(&self) -> Option<Bar> {
        let finished = self.outcomes.values().filter(|state| is_final(state));
        match self.phase {
            CyclePhase::Idle => None,
            CyclePhase::Starting => Some(Bar::Running {
                finished: 0,
                total: 0,
                share: 0.0,
                stopping: false,
            }),
            CyclePhase::Running { stopping } => Some(Bar::Running {
                finished: finished.count(),
                total: self.outcomes.len(),
                share: self.share(),
                stopping,
            }),
            CyclePhase::Ended(summary) => Some(Bar::Ended {
                done: self.tally.done.len(),
                failed: self.tally.failed.len(),
                left_out: self.tally.left_out.len(),
                disabled: summary.disabled,
            }),
        }
    }

    fn share(&self) -> f32 {
        let steps: u16 = self
            .outcomes
            .values()
            .map(|state| match state {
                CardState::Cloning(step) => u16::from(*step),
                state if is_final(state) => u16::from(STEPS),
                _ => 0,
            })
            .sum();
        let all = u16::try_from(self.outcomes.len())
            .unwrap_or(u16::MAX)
            .saturating_mul(STEPS.into());
        f32::from(steps) / f32::from(all.max(1))
    }
}

/// The number of steps of a secondary's run.
pub const STEPS: u8 = Step::COUNT;

const fn is_final(state: &CardState) -> bool {
    matches!(
        state,
        CardState::Cloned { .. } | CardState::Refused(_) | CardState::Failed(_)
    )
}
