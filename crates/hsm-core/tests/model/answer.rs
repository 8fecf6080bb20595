//! What is compared of an answer, and what is kept of it for later commands.

use crate::{
    command::Raw,
    device::{Kind, Lifecycle, State},
    message::{Content, Message},
    team::Epoch,
    world::{Sample, Whose, World, same, serial},
};
use hsm_protocol::{
    command::DataUnits,
    identity::{LockState, SignedIdentity},
    journal::{JournalEntry, JournalPage, JournalPart, JournalRow},
    receipt::Receipt,
    rekey::Rekeyed,
    self_test::{SelfTest, SelfTestReport, Service},
    settings::{AdminStatus, EncryptionMode, ModuleStatus, Role, UserPinPolicy},
};

impl World {
    /// Compares what came with a success, and keeps what later commands carry.
    pub(crate) fn answered(
        &mut self,
        index: usize,
        content: Content,
        raw: &Raw,
        bytes: Vec<u8>,
    ) -> Result<(), String> {
        match content {
            Content::Nothing => same("an empty answer", &bytes.len(), &0),
            Content::Any => same("an answer", &bytes.is_empty(), &false),
            Content::Identity => self.identity(index, &bytes),
            Content::SelfTest { run } => self.self_test(index, run, &bytes),
            Content::Status => self.status(index, &bytes),
            Content::Ciphered => self.ciphered(index, raw, bytes),
            Content::Rekeyed { dropped } => self.rekeyed(index, dropped, &bytes),
            Content::Journal => self.journal(index, raw.header[2], &bytes),
            Content::Receipt(run) => {
                let known = self.receipts.entry(run).or_insert_with(|| bytes.clone());
                same("the last receipt", &&bytes, &&*known)
            }
            Content::File(content) => self.file_answered(index, content, bytes),
            Content::Message(message) => {
                if let Message::Receipt { run, .. } = &message {
                    Receipt::parse(&bytes).map_err(|error| format!("a Receipt: {error:?}"))?;
                    self.receipts.insert(*run, bytes.clone());
                }
                self.messages.push((message, bytes));
                Ok(())
            }
        }
    }

    fn identity(&self, index: usize, bytes: &[u8]) -> Result<(), String> {
        let identity = SignedIdentity::parse(bytes).map_err(|error| format!("{error:?}"))?;
        let model = &self.models[index];
        let expected = match (&model.state, model.stored.lifecycle) {
            (State::User { .. } | State::Admin { .. }, _) => LockState::Unlocked,
            (State::Fresh { .. }, Lifecycle::Shipment) => LockState::Shipment,
            (State::Fresh { .. }, _) => LockState::Reset,
            _ => LockState::Locked,
        };
        same("lock state", &identity.identity.lock, &expected)?;
        same(
            "serial number",
            &identity.identity.serial.to_string(),
            &serial(index),
        )
    }

    fn self_test(&self, index: usize, run: bool, bytes: &[u8]) -> Result<(), String> {
        let report = SelfTestReport::parse(bytes).map_err(|error| format!("{error:?}"))?;
        let model = &self.models[index];
        let is_open = matches!(model.state, State::User { .. } | State::Admin { .. });
        let service = match model.stored.mode {
            _ if !is_open => Service::None,
            EncryptionMode::Xts => Service::Approved,
            EncryptionMode::Ecb => Service::NotApproved,
        };
        same("what stopped it", &report.stopped, &None)?;
        same("the service indicator", &report.service, &service)?;
        let is_tested = |test: &SelfTest| report.passed & test.bit() != 0;
        // Other commands may have run the rest, too.
        let all = !run || SelfTest::ALL.iter().all(is_tested);
        same("whether every test was run", &all, &true)?;
        same("a power-up's", &is_tested(&SelfTest::KeyWrap), &true)
    }

    fn status(&mut self, index: usize, bytes: &[u8]) -> Result<(), String> {
        let status = ModuleStatus::parse(bytes).map_err(|error| format!("{error:?}"))?;
        let model = &self.models[index];
        let stored = &model.stored;
        let is_set = |kind| stored.pins.contains_key(&kind);
        let is_admin = matches!(model.state, State::Admin { .. });
        let seen = Whose {
            group: status.group,
            epoch: status.epoch,
        };
        let current = stored.team.current().ok_or("a group without an epoch")?;
        let whose = *self.epochs.entry(current.id).or_insert(seen);
        let expected = ModuleStatus {
            role: if is_admin {
                Role::Administrator
            } else {
                Role::User
            },
            group: whose.group,
            epoch: whose.epoch,
            mode: stored.mode,
            auto_lock: stored.auto_lock,
            policy: stored
                .policy
                .map(|(min_length, needs_shift)| UserPinPolicy {
                    min_length,
                    needs_shift,
                }),
            releases_keys: stored.releases_keys,
            // The counter of a board in memory is not used up in a case.
            writes_left: u32::MAX,
            admin: is_admin.then(|| AdminStatus {
                cloning: stored.cloning,
                user_pin: is_set(Kind::User),
                recovery_pin: is_set(Kind::Recovery),
                self_destruct_pin: is_set(Kind::SelfDestruct),
            }),
        };
        same("STATUS", &status, &expected)?;
        let namesakes = self
            .epochs
            .values()
            .filter(|known| known.epoch.check == whose.epoch.check);
        same("epochs of one key", &namesakes.count(), &1)?;
        same("an epoch's number", &whose.epoch.number, &current.number)
    }

    fn rekeyed(
        &mut self,
        index: usize,
        dropped: Option<Epoch>,
        bytes: &[u8],
    ) -> Result<(), String> {
        let rekeyed = Rekeyed::parse(bytes).map_err(|error| format!("{error:?}"))?;
        let current = self.models[index].stored.team.current();
        let current = current.ok_or("a group without an epoch")?;
        let number = rekeyed.epoch.number;
        same("the next epoch's number", &number, &current.number)?;
        same(
            "whether an epoch was dropped",
            &rekeyed.dropped.map(|epoch| epoch.number),
            &dropped.map(|epoch| epoch.number),
        )
    }

    fn ciphered(&mut self, index: usize, raw: &Raw, bytes: Vec<u8>) -> Result<(), String> {
        let stored = &self.models[index].stored;
        let current = stored.team.current().ok_or("a group without an epoch")?;
        let (epoch, mode) = (current.id, stored.mode);
        let Some(at) = raw.sample else {
            let plain = raw.data[DataUnits::HEADER..].to_vec();
            same("a ciphertext that is plain", &(bytes == plain), &false)?;
            let known = self
                .samples
                .iter()
                .find(|sample| sample.epoch == epoch && sample.mode == mode);
            if let Some(known) = known {
                return same("the same ciphertext", &bytes, &known.ciphered);
            }
            self.samples.push(Sample {
                epoch,
                mode,
                plain,
                ciphered: bytes,
            });
            return Ok(());
        };
        let sample = &self.samples[at];
        let is_ours = stored.team.has(sample.epoch) && sample.mode == mode;
        same("deciphered", &(bytes == sample.plain), &is_ours)
    }

    fn journal(&self, index: usize, p1: u8, bytes: &[u8]) -> Result<(), String> {
        let stored = &self.models[index].stored;
        let malformed = |error| format!("{error:?}");
        match JournalPart::from_p1(p1).expect("a page") {
            JournalPart::Entries(page) => {
                let journal = JournalPage::<JournalEntry>::parse(bytes).map_err(malformed)?;
                same(
                    "Parcels ever released",
                    &journal.summary.total,
                    &stored.total,
                )?;
                let lines = stored.journal.iter().rev();
                let page = lines.skip(usize::from(page) * 8).take(8);
                let expected: Vec<_> = page
                    .map(|line| {
                        let cycle = (line.cycle, line.options, line.secondaries);
                        (
                            line.number,
                            cycle,
                            line.condition,
                            serial(line.secondary),
                            line.sealed,
                        )
                    })
                    .collect();
                let entries: Vec<_> = journal
                    .listed()
                    .map(|entry| {
                        let cycle = entry.cycle;
                        let cycle = (cycle.number, cycle.options.to_byte(), cycle.secondaries);
                        (
                            entry.number,
                            cycle,
                            entry.condition,
                            entry.serial.to_string(),
                            entry.countersigned,
                        )
                    })
                    .collect();
                same("the journal", &entries, &expected)
            }
            JournalPart::Table(page) => {
                let journal = JournalPage::<JournalRow>::parse(bytes).map_err(malformed)?;
                let rows = stored.table.iter().skip(usize::from(page) * 64).take(64);
                let expected: Vec<_> = rows
                    .map(|(secondary, parcels, last)| (serial(*secondary), *parcels, *last))
                    .collect();
                let rows: Vec<_> = journal
                    .listed()
                    .map(|row| (row.serial.to_string(), row.parcels, row.last))
                    .collect();
                same(
                    "Parcels before the table was cleared",
                    &journal.summary.cleared,
                    &stored.cleared,
                )?;
                same("the journal's table", &rows, &expected)
            }
        }
    }
}
