//! The group's next epoch: after a module was lost.

use crate::module::{ConnectedModule, ModuleError};
use hsm_protocol::{Malformed, Serial, command::ins, rekey::Rekeyed, writer::Writer};
use std::collections::BTreeSet;

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
