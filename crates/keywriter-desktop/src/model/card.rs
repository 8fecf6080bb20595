//! What is shown of each module.

use super::Problem;
use keywriter::{Serial, protocol::EncryptionMode};

/// A connected module, with what a cycle would do to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleView {
    /// Its serial number.
    pub serial: Serial,
    /// Firmware version: major, minor, patch.
    pub firmware: [u8; 3],
    /// Its certificate says that it is virtual.
    pub is_virtual: bool,
    /// Why it cannot be the master; `None` if it can.
    pub unfit: Option<Problem>,
    /// How often its memory can still be written, if that is not often.
    pub few_writes: Option<u32>,
    /// Its configuration, once its Administrator has unlocked it.
    pub configured: Option<Configured>,
    /// What a cycle would do to it.
    pub part: Part,
    /// Whether it can share files.
    pub sharing: Sharing,
}

/// Whether a module can encrypt and decrypt files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// It can, for its group.
    Unlocked {
        /// Which.
        group: [u8; 16],
    },
    /// Its User or its Administrator must unlock it.
    Locked,
    /// It cannot, for this reason.
    Unfit(Problem),
}

/// What should be configured before cloning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configured {
    /// A User PIN policy: the minimum length, and whether a SHIFT symbol is required.
    pub policy: Option<(u8, bool)>,
    /// A User PIN is set.
    pub user_pin: bool,
    /// Cloning is enabled.
    pub cloning: bool,
    /// How data units are enciphered.
    pub mode: EncryptionMode,
    /// A Self-Destruct PIN is set.
    pub self_destruct_pin: bool,
    /// Minutes until an unattended module locks itself.
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
    /// Its contents are replaced.
    Replace,
    /// It committed earlier; only the countersignature is missing.
    Finish,
    /// It is a clone of this master already.
    IsClone,
    /// Nothing: the user left it out.
    LeftOut,
    /// Nothing, for this reason.
    Refused(Problem),
}

/// A place for a secondary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The module in this place.
    pub serial: Option<Serial>,
    /// Whether it is plugged in now.
    pub is_present: bool,
    /// Whether the user includes it in the next cycle; `None` if there is no choice.
    pub is_included: Option<bool>,
    /// Its state.
    pub state: CardState,
}

/// The state of a secondary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CardState {
    /// No module.
    #[default]
    Empty,
    /// Before Start: what a cycle would do.
    Preflight(Part),
    /// Its turn has not come yet.
    Waiting,
    /// It is in use, and waits for a person who holds KEY+1 on its keypad.
    Asks,
    /// Its run has reached a step, 0 to 6.
    Cloning(u8),
    /// A proven clone.
    Cloned {
        /// An earlier cycle cloned it.
        already: bool,
    },
    /// Nothing was tried, for this reason: it is left as it is.
    Refused(Problem),
    /// Cloning failed, for this reason.
    Failed(Problem),
}

/// Whether an item is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckState {
    /// The module is locked and does not disclose it.
    #[default]
    Unknown,
    /// Configured.
    Set,
    /// Not configured.
    NotSet,
}

/// The six items to configure before cloning, in the manual's order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checklist {
    /// A User PIN policy.
    pub policy: CheckState,
    /// A User PIN.
    pub user_pin: CheckState,
    /// Cloning enabled.
    pub cloning: CheckState,
    /// The encryption mode; `None` while unknown.
    pub mode: Option<EncryptionMode>,
    /// A Self-Destruct PIN.
    pub self_destruct_pin: CheckState,
    /// The unattended auto-lock.
    pub auto_lock: CheckState,
}

/// The master's status, in the manual's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MasterStatus {
    /// No module is shown.
    #[default]
    None,
    /// It is connected, but not the master.
    Unassigned,
    /// It is the master, and ready.
    Active,
    /// It is the master, and has disabled cloning on itself after a cycle, as the user chose.
    Disabled,
    /// It is the master, but cannot clone now.
    NotReady,
}

/// The master's card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MasterCard {
    /// The module that is shown.
    pub serial: Option<Serial>,
    /// Its status.
    pub status: MasterStatus,
    /// Firmware version, `1.0.0`; empty while it is not connected.
    pub firmware: String,
    /// Its certificate says that it is virtual.
    pub is_virtual: bool,
    /// Why it cannot be the master now.
    pub unfit: Option<Problem>,
    /// What is configured.
    pub checklist: Checklist,
    /// Its auto-lock in minutes, if known and set.
    pub auto_lock: Option<u8>,
    /// Its User PIN policy, if known and set.
    pub policy: Option<(u8, bool)>,
}

impl Checklist {
    /// Builds the list from a module's answer.
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
