//! What changes a group for all its members: the next epoch, after a module was lost, and the policy. And what a module
//! tells of its group.

use crate::{
    genuine::P384,
    module::{ConnectedModule, ModuleError},
};
use hsm_protocol::{
    Malformed, Serial, Sha384Digest,
    command::ins,
    rekey::Rekeyed,
    signed::SignedLabel,
    team::{TeamAnswer, UsedTicket},
    ticket::Ledger,
    writer::Writer,
};
use std::collections::BTreeSet;

/// What a module that is unlocked tells of its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamFacts {
    /// The list in which the module enters the tickets that it uses.
    pub ledger: Ledger,
    /// The modules that may re-key: hashes of their certificates.
    pub rekeying: Vec<Sha384Digest>,
    /// The policy.
    pub policy: Policy,
    /// The modules that were retired.
    pub retired: Vec<Serial>,
    /// The tickets of this epoch that the module used.
    pub used: Vec<UsedTicket>,
}

/// How many of which modules must agree before the group's keys go anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How many custodians must approve a ticket; 0 asks for none.
    pub quorum: u8,
    /// The custodians: hashes of their certificates.
    pub custodians: BTreeSet<Sha384Digest>,
}

impl Policy {
    /// Returns the custodians in the order that a module takes.
    pub(crate) fn ascending(&self) -> Vec<Sha384Digest> {
        self.custodians.iter().copied().collect()
    }

    /// Returns the data of the command.
    fn to_bytes(&self) -> Result<Vec<u8>, Malformed> {
        let custodians = self.ascending();
        let policy = hsm_protocol::policy::Policy::new(self.quorum, &custodians)?;
        let mut data = vec![0; 1 + custodians.as_flattened().len()];
        policy.write(&mut Writer::new(&mut data))?;
        Ok(data)
    }
}

/// What a re-key is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rekey {
    /// The modules that are to be retired: the group gives them nothing any more.
    pub without: BTreeSet<Serial>,
    /// Whether the oldest epoch may be dropped, if the keyring has room for no other. Its files can then be read by
    /// nobody.
    pub may_drop: bool,
}

impl Rekey {
    /// Returns the data of the command. Serial numbers are in the order that a module takes.
    fn to_bytes(&self) -> Result<Vec<u8>, Malformed> {
        let mut data = vec![0; self.without.len() * Serial::MAX];
        let mut writer = Writer::new(&mut data);
        self.without
            .iter()
            .try_for_each(|serial| serial.write(&mut writer))?;
        Ok(data)
    }
}

impl ConnectedModule {
    /// Returns what a module that is unlocked tells of its group.
    pub fn team(&mut self) -> Result<TeamFacts, ModuleError> {
        let answer = self.attested(ins::TEAM, 0, SignedLabel::Team)?;
        let fields = match self.proved_key() {
            Some(key) => self.signed(answer.verify::<P384>(&key))?,
            None => self.well_formed(answer.unverified())?,
        };
        let team = self.well_formed(TeamAnswer::parse(fields))?;
        Ok(TeamFacts {
            ledger: team.ledger,
            rekeying: team.rekeying.to_vec(),
            policy: Policy {
                quorum: team.policy.quorum,
                custodians: team.policy.custodians.iter().copied().collect(),
            },
            retired: team.retired().collect(),
            used: team.used().collect(),
        })
    }

    /// Gives the group a policy, on a module that its Administrator unlocked. A refusal with [`Status::NeedsPerson`] says
    /// that the module asks a person: once that person allowed it, the same command does it.
    ///
    /// [`Status::NeedsPerson`]: hsm_protocol::Status::NeedsPerson
    pub fn set_policy(&mut self, policy: &Policy) -> Result<(), ModuleError> {
        let data = self.well_formed(policy.to_bytes())?;
        self.command(ins::POLICY, 0, &data).map(|_empty| ())
    }

    /// Makes the group's next epoch on a module that its Administrator unlocked. A refusal with
    /// [`Status::NeedsPerson`] says that the module asks a person: once that person allowed it, the same command does it.
    ///
    /// [`Status::NeedsPerson`]: hsm_protocol::Status::NeedsPerson
    pub fn rekey(&mut self, rekey: &Rekey) -> Result<Rekeyed, ModuleError> {
        let data = self.well_formed(rekey.to_bytes())?;
        let answer = self.command(ins::REKEY, u8::from(rekey.may_drop), &data)?;
        self.well_formed(Rekeyed::parse(&answer))
    }
}
