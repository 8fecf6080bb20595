//! Epochs and retired modules (docs/PROTOCOL.md § 2.12): what a host asks for, and what the model answers.

use crate::{
    device::{Model, State},
    host::{Refusal, no},
    message::Content,
    world::MODULES,
};
use hsm_protocol::{Status, limits};
use std::collections::BTreeSet;

/// An epoch, and its number within the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Epoch {
    pub(crate) id: u64,
    pub(crate) number: u32,
}

/// What a group has besides its identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Team {
    /// Oldest first; the last one enciphers.
    epochs: Vec<Epoch>,
    /// The module that may re-key.
    maker: usize,
    retired: BTreeSet<usize>,
}

/// What a re-key is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rekey {
    pub(crate) may_drop: bool,
    /// [`MODULES`] is a module that is in no case.
    pub(crate) retired: Option<usize>,
}

impl Team {
    /// Of a group that was just made.
    pub(crate) fn new(group: u64, maker: usize) -> Self {
        Self {
            epochs: vec![Epoch {
                id: group,
                number: 1,
            }],
            maker,
            retired: BTreeSet::new(),
        }
    }

    pub(crate) fn current(&self) -> Option<Epoch> {
        self.epochs.last().copied()
    }

    /// An older one, if there is one.
    pub(crate) fn older(&self) -> Option<Epoch> {
        self.epochs.iter().nth_back(1).copied()
    }

    pub(crate) fn has(&self, epoch: u64) -> bool {
        self.epochs.iter().any(|known| known.id == epoch)
    }

    pub(crate) fn has_retired(&self, module: usize) -> bool {
        self.retired.contains(&module)
    }
}

impl Model {
    pub(crate) fn rekey(&mut self, rekey: Rekey, now: u64) -> Result<Content, Refusal> {
        self.cycle()?;
        let id = self.number();
        let team = &self.stored.team;
        if team.maker != self.index {
            return no(Status::NotRekeyingMaster);
        }
        if !self.stored.cloning {
            return no(Status::CloningDisabled);
        }
        if rekey.retired == Some(self.index) {
            return no(Status::SameModule);
        }
        let is_full = team.epochs.len() == limits::EPOCHS;
        if is_full && !rekey.may_drop {
            return no(Status::EpochsFull);
        }
        self.ask(2, Some(rekey), now)?;
        self.seen.push(match (rekey.retired, is_full) {
            (_, true) => "an epoch dropped",
            (Some(module), _) if module < MODULES => "a module retired",
            _ => "a re-key",
        });
        *self.cycle()? = None;
        if let State::Admin { presence, .. } = &mut self.state {
            presence.files.clear();
        }
        let mut dropped = None;
        self.write(|stored| {
            let team = &mut stored.team;
            let number = team.current().map_or(1, |current| current.number + 1);
            dropped = is_full.then(|| team.epochs.remove(0));
            team.epochs.push(Epoch { id, number });
            team.retired.extend(rekey.retired);
        });
        Ok(Content::Rekeyed { dropped })
    }
}
