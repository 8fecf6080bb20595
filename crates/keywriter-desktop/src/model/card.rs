//! What is shown of each module.

use super::Trouble;
use keywriter::{Serial, protocol::EncryptionMode};

/// A module that is there, with what a cycle would do to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleView {
    /// Its serial number.
    pub serial: Serial,
    /// Firmware version: major, minor, patch.
    pub firmware: [u8; 3],
    /// Its certificate says that it is a program.
    pub is_virtual: bool,
    /// Why it cannot be the master; `None`: it can.
    pub unfit: Option<Trouble>,
    /// What its Administrator configured, once they unlocked it.
    pub configured: Option<Configured>,
    /// What a cycle would do to it.
    pub part: Part,
}

/// What is worth configuring before cloning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configured {
    /// A User PIN policy: the least length, and whether a SHIFT symbol is needed.
    pub policy: Option<(u8, bool)>,
    /// A User PIN is set.
    pub user_pin: bool,
    /// Cloning is enabled.
    pub cloning: bool,
    /// How data units are enciphered.
    pub mode: EncryptionMode,
    /// A Self-Destruct PIN is set.
    pub self_destruct_pin: bool,
    /// Minutes until an unattended module locks.
    pub auto_lock: Option<u8>,
}

/// What a cycle would do to a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// There is no master yet, or it is the master, or the cycle would not begin.
    #[default]
    None,
    /// A fresh module becomes a clone.
    Clone,
    /// What it holds is replaced.
    Replace,
    /// It committed earlier; only the Seal is missing.
    Finish,
    /// It is a clone of this master already.
    IsClone,
    /// Nothing, and why.
    Refused(Trouble),
}

/// A secondary's place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Which module is there.
    pub serial: Option<Serial>,
    /// Whether it is plugged in now.
    pub is_present: bool,
    /// How it stands.
    pub state: CardState,
}

/// How a secondary stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CardState {
    /// Nobody is there.
    #[default]
    Empty,
    /// Before Start: what would be done.
    Preflight(Part),
    /// Its turn comes.
    Waiting,
    /// Its run reached a step, 0 to 6.
    Cloning(u8),
    /// A proved clone; `already`: an earlier cycle did it.
    Cloned {
        /// An earlier cycle did it.
        already: bool,
    },
    /// Not a clone, and why.
    Failed(Trouble),
}

/// Whether something is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckState {
    /// The module is locked: it does not tell.
    #[default]
    Unknown,
    /// It is.
    Set,
    /// It is not.
    NotSet,
}

/// The six things to configure before cloning, in the manual's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checklist {
    /// A User PIN policy.
    pub policy: CheckState,
    /// A User PIN.
    pub user_pin: CheckState,
    /// Cloning enabled.
    pub cloning: CheckState,
    /// The encryption mode; it always has one.
    pub mode: Option<EncryptionMode>,
    /// A Self-Destruct PIN.
    pub self_destruct_pin: CheckState,
    /// The unattended auto-lock.
    pub auto_lock: CheckState,
}

/// The master's status, as the manual names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MasterStatus {
    /// No module is shown.
    #[default]
    None,
    /// It is there, and not the master.
    Unassigned,
    /// It is the master, and ready.
    Active,
    /// It is the master, and cannot serve now.
    NotReady,
}

/// The master's card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MasterCard {
    /// Which module is shown.
    pub serial: Option<Serial>,
    /// The others that could be shown.
    pub others: Vec<Serial>,
    /// Its status.
    pub status: MasterStatus,
    /// Firmware version, `1.0.0`; empty while it is not there.
    pub firmware: String,
    /// Its certificate says that it is a program.
    pub is_virtual: bool,
    /// Why it cannot be master now.
    pub unfit: Option<Trouble>,
    /// What is set.
    pub checklist: Checklist,
    /// Its minutes of auto-lock, where known and set.
    pub auto_lock: Option<u8>,
    /// Its User PIN policy, where known and set.
    pub policy: Option<(u8, bool)>,
}

impl Checklist {
    /// Of what a module told.
    pub fn of(configured: Option<Configured>) -> Self {
        let Some(configured) = configured else {
            return Self::default();
        };
        let state = |is_set| {
            if is_set {
                CheckState::Set
            } else {
                CheckState::NotSet
            }
        };
        Self {
            policy: state(configured.policy.is_some()),
            user_pin: state(configured.user_pin),
            cloning: state(configured.cloning),
            mode: Some(configured.mode),
            self_destruct_pin: state(configured.self_destruct_pin),
            auto_lock: state(configured.auto_lock.is_some()),
        }
    }
}
