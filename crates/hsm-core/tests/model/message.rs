//! What crosses the host, by what it means: who made a message, and in answer to what.

use crate::{
    device::{Kind, Stored},
    files::{FileCommand, FileContent},
    team::{Epoch, Rekey, Team},
};
use hsm_protocol::{Status, cloning::Condition, settings::EncryptionMode};
use std::collections::BTreeMap;

/// What a Parcel carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Items {
    group: u64,
    team: Team,
    salt: u64,
    pins: BTreeMap<Kind, String>,
    mode: EncryptionMode,
    releases_keys: bool,
    user_limit: u8,
    auto_lock: Option<u8>,
    policy: Option<(u8, bool)>,
}

impl Items {
    pub(crate) fn of(stored: &Stored, options: u8) -> Self {
        Self {
            group: stored.group,
            team: stored.team.clone(),
            salt: stored.salt,
            pins: stored.pins.clone(),
            mode: stored.mode,
            releases_keys: stored.releases_keys,
            user_limit: stored.user_limit,
            auto_lock: stored.auto_lock.filter(|_| options & AUTO_LOCK != 0),
            policy: stored.policy.filter(|_| options & POLICY != 0),
        }
    }

    pub(crate) const fn group(&self) -> u64 {
        self.group
    }

    /// What was not copied keeps its value.
    pub(crate) fn copy_to(&self, stored: &mut Stored) {
        stored.pins = self.pins.clone();
        stored.group = self.group;
        stored.team = self.team.clone();
        stored.salt = self.salt;
        stored.mode = self.mode;
        stored.releases_keys = self.releases_keys;
        stored.user_limit = self.user_limit;
        stored.auto_lock = self.auto_lock.or(stored.auto_lock);
        stored.policy = self.policy.or(stored.policy);
    }
}

/// A message, by what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Offer {
        id: u64,
        secondary: usize,
        condition: Condition,
    },
    Grant {
        id: u64,
        offer: u64,
        master: usize,
    },
    Consent {
        id: u64,
        grant: u64,
    },
    Parcel {
        run: u64,
        consent: u64,
        master: usize,
        items: Items,
    },
    Receipt {
        run: u64,
        master: usize,
        secondary: usize,
        items: Items,
    },
    Seal,
}

/// What a host puts into a command.
#[derive(Clone, Debug)]
pub(crate) enum Carried {
    Whole(Message),
    /// With its last bit turned.
    Altered(Message),
    /// Something else, which is refused with this.
    Garbage(Status),
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Select,
    Identity,
    Certificate,
    LastReceipt,
    Factory,
    SelfTest { run: bool },
    Status,
    Cipher { is_epoch_known: bool },
    CycleBegin { options: u8, secondaries: u16 },
    CycleEnd,
    Journal,
    ClearTable,
    Rekey(Rekey),
    Offer,
    Consent(Carried),
    Commit(Carried),
    Grant { run: usize, offer: Carried },
    Parcel { run: usize, consent: Carried },
    Seal(Carried),
    File(FileCommand),
}

/// What an answer holds, beyond its status word.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Nothing,
    /// Nothing that this model knows: a certificate.
    Any,
    Identity,
    SelfTest {
        run: bool,
    },
    Status,
    Ciphered,
    Journal,
    Rekeyed {
        dropped: Option<Epoch>,
    },
    Message(Message),
    /// The last receipt, of this run.
    Receipt(u64),
    File(FileContent),
}

/// Bits of a cycle's options.
const AUTO_LOCK: u8 = 1;
const POLICY: u8 = 2;
