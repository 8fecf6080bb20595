//! The next epoch, and how members get it.

use super::{
    Done, Output, Tally, Teamwork, Told,
    letters::{Retired, Wanted},
    of_module,
};
use crate::{
    Options, Serial,
    asking::Asked,
    letter::{GenuineLetterbox, LetterFor, desk::Desk},
    module::ConnectedModule,
    problem::{Problem, Reason},
    survey::{Present, Survey},
    team::Rekey,
    ticket::ApprovedTicket,
};
use hsm_protocol::rekey::Rekeyed;
use std::{collections::BTreeSet, path::PathBuf};

impl Teamwork<'_> {
    /// Makes the group's next epoch on a master that its Administrator unlocked. Nobody else has it yet: that is what
    /// [`Self::spread`] is for.
    pub fn rekey(
        &self,
        master: &mut Present,
        rekey: &Rekey,
        tickets: &[ApprovedTicket],
    ) -> Result<Rekeyed, Problem> {
        let serial = master.facts.serial;
        self.name_unknown(&mut master.module, serial, rekey)?;
        self.present(tickets, master)?;
        let module = &mut master.module;
        self.allowed(serial, Asked::Rekey, || module.rekey(rekey))
    }

    /// Names modules that are to be retired and that this master never cloned to: a serial number with a slip of the pen
    /// would leave the lost module in the team.
    fn name_unknown(
        &self,
        module: &mut ConnectedModule,
        serial: Serial,
        rekey: &Rekey,
    ) -> Result<(), Problem> {
        if rekey.without.is_empty() {
            return Ok(());
        }
        let journal = module.journal().map_err(of_module(serial))?;
        let is_unknown = |retired: &Serial| journal.table.iter().all(|row| row.serial != *retired);
        let unknown: Vec<_> = rekey.without.iter().copied().filter(is_unknown).collect();
        if !unknown.is_empty() {
            (self.tell)(Told::NeverCloned(serial, unknown));
        }
        Ok(())
    }

    /// Brings a new epoch to the members but those that are left out: at once to those that are plugged in and unlocked,
    /// and to the others by letters in a file, if there is to be one. If this fails, the team is re-keyed all the same, and
    /// letters can be written later.
    pub fn spread(
        &self,
        master: &mut Present,
        mut others: Survey,
        (without, tickets): (&BTreeSet<Serial>, &[ApprovedTicket]),
        letters: Option<Output<'_>>,
    ) -> Result<Tally, Problem> {
        let serial = master.facts.serial;
        let updated = self.update_present(master, &mut others, (without, tickets))?;
        let Some(output) = letters else {
            return Ok(Tally::default());
        };
        // They may be locked: a letterbox is given in every state.
        let genuine = others.modules.iter_mut();
        let genuine = genuine.filter(|present| present.facts.is_genuine());
        let asked = genuine.filter_map(|present| present.module.letterbox().ok());
        self.keep(asked.collect());
        let wanted: Vec<Wanted> = self.to_some(master, |member, _| {
            member != serial && !without.contains(&member) && !updated.contains(&member)
        });
        self.write(master, (&wanted, tickets), Retired::LeftOut, output)
    }

    /// Gives the epoch at once to the members that are plugged in and unlocked, by letters that go nowhere else. Returns
    /// those that have it.
    fn update_present(
        &self,
        master: &mut Present,
        others: &mut Survey,
        (without, tickets): (&BTreeSet<Serial>, &[ApprovedTicket]),
    ) -> Result<BTreeSet<Serial>, Problem> {
        let group = master.facts.status.map(|status| status.group);
        let is_member = |present: &&mut Present| {
            let status = present.facts.status;
            present.facts.is_genuine()
                && status.is_some_and(|status| Some(status.group) == group)
                && !without.contains(&present.facts.serial)
        };
        let mut updated = BTreeSet::new();
        let members: Vec<_> = others.modules.iter_mut().filter(is_member).collect();
        if members.is_empty() {
            return Ok(updated);
        }
        let options = self.options(master.facts.serial);
        let mut desk = self.desk(master)?;
        for present in members {
            let serial = present.facts.serial;
            match self.update(&mut desk, options, (present, tickets)) {
                Ok(()) => {
                    updated.insert(serial);
                }
                Err(problem) => self.fail(serial, problem),
            }
        }
        Ok(updated)
    }

    /// Writes one member its letter, has it taken, and closes it.
    fn update(
        &self,
        desk: &mut Desk<'_>,
        options: Options,
        (present, tickets): (&mut Present, &[ApprovedTicket]),
    ) -> Result<(), Problem> {
        let serial = present.facts.serial;
        let status = present.facts.status;
        let status = status.ok_or_else(|| Problem::new(Reason::Locked).about(serial))?;
        let letterbox = present.module.letterbox().map_err(of_module(serial))?;
        let letterbox = GenuineLetterbox::check(letterbox, self.root)
            .map_err(|why| Problem::from(why).about(serial))?;
        let shared = status.epoch;
        let wanted = [(letterbox, LetterFor::Member { shared })];
        let written = desk.write(options, &wanted).map_err(of_module(serial))?;
        for letter in written {
            let letter = letter.map_err(of_module(serial))?;
            let (taken, receipt) = self.take_last(present, &[letter], tickets)?;
            (self.tell)(Told::Done(serial, Done::Taken(taken)));
            let aside = |path: PathBuf| (self.tell)(Told::ReceiptSetAside(path));
            let (path, _) = desk
                .close(receipt, &self.receipts, &aside)
                .map_err(|error| Problem::from(&error).about(serial))?;
            (self.tell)(Told::Done(serial, Done::Closed(path)));
        }
        self.keep(present.module.letterbox().into_iter().collect());
        Ok(())
    }
}
