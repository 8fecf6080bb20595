//! The command that a deed means in the present state of the case: for the model, and as bytes.

use crate::{
    deed::{Pick, Send},
    message::{Carried, Command, Message},
    team::{Epoch, Rekey},
    world::{World, serial},
};
use hsm_protocol::{
    EpochName, Serial, Status,
    command::{AID, CLA, DataUnits, ins},
    writer::Writer,
};

/// A command as bytes: class, instruction, P1, P2 and data.
pub(crate) struct Raw {
    pub(crate) header: [u8; 4],
    pub(crate) data: Vec<u8>,
    /// Which sample it deciphers.
    pub(crate) sample: Option<usize>,
}

impl Raw {
    pub(crate) const fn new(instruction: u8, p1: u8, data: Vec<u8>) -> Self {
        Self {
            header: [CLA, instruction, p1, 0],
            data,
            sample: None,
        }
    }

    const fn bare(instruction: u8) -> Self {
        Self::new(instruction, 0, Vec::new())
    }
}

impl World {
    /// `None` where there is nothing yet to carry.
    pub(crate) fn command(&self, index: usize, send: Send) -> Option<(Command, Raw)> {
        let team = &self.models[index].stored.team;
        Some(match send {
            Send::Select => {
                let mut raw = Raw::new(ins::SELECT, 0x04, AID.to_vec());
                raw.header[0] = 0;
                (Command::Select, raw)
            }
            Send::Identity => (Command::Identity, Raw::new(ins::IDENTITY, 0, vec![7; 32])),
            Send::Certificate => (Command::Certificate, Raw::bare(ins::CERTIFICATE)),
            Send::LastReceipt => (Command::LastReceipt, Raw::bare(ins::LAST_RECEIPT)),
            Send::GenerateKey => (Command::Factory, Raw::bare(ins::GENERATE_KEY)),
            Send::ReadCsr => (Command::Factory, Raw::bare(ins::READ_CSR)),
            Send::SelfTest { run } => (
                Command::SelfTest { run },
                Raw::new(ins::SELF_TEST, u8::from(run), Vec::new()),
            ),
            Send::Status => (Command::Status, Raw::bare(ins::STATUS)),
            Send::Encipher { is_epoch_known } => {
                let named = |of: Option<Epoch>| Some(self.epochs.get(&of?.id)?.epoch);
                let mut epoch = named(team.current())?;
                // One that deciphers only, another number, or another master's epoch of this number.
                if let (false, Some(older)) = (is_epoch_known, named(team.older())) {
                    epoch = older;
                } else if !is_epoch_known {
                    epoch.number += u32::from(epoch.check[0] % 2);
                    epoch.check[1] ^= 1;
                }
                let data = units(epoch, &[0x3C; 32]);
                let command = Command::Cipher { is_epoch_known };
                (command, Raw::new(ins::CIPHER, 0, data))
            }
            Send::Decipher(back) => {
                let at = self.samples.len().checked_sub(back + 1)?;
                let sample = &self.samples[at];
                let data = units(self.epochs.get(&sample.epoch)?.epoch, &sample.ciphered);
                let mut raw = Raw::new(ins::CIPHER, 1, data);
                raw.sample = Some(at);
                let is_epoch_known = team.has(sample.epoch);
                (Command::Cipher { is_epoch_known }, raw)
            }
            Send::CycleBegin {
                options,
                secondaries,
            } => {
                let [high, low] = secondaries.to_be_bytes();
                let command = Command::CycleBegin {
                    options,
                    secondaries,
                };
                (
                    command,
                    Raw::new(ins::CYCLE_BEGIN, 0, vec![options, high, low]),
                )
            }
            Send::CycleEnd => (Command::CycleEnd, Raw::bare(ins::CYCLE_END)),
            Send::Journal(page) => (Command::Journal, Raw::new(ins::JOURNAL, page, Vec::new())),
            Send::ClearTable => (Command::ClearTable, Raw::bare(ins::CLEAR_TABLE)),
            Send::Rekey(rekey) => {
                let Rekey { may_drop, retired } = rekey;
                let mut data = retired.map(serial).unwrap_or_default().into_bytes();
                data.resize(data.len().next_multiple_of(Serial::MAX), 0);
                let raw = Raw::new(ins::REKEY, u8::from(may_drop), data);
                (Command::Rekey(rekey), raw)
            }
            Send::Offer => (Command::Offer, Raw::bare(ins::OFFER)),
            Send::Grant(run, pick) => {
                let (offer, data) = self.carry(pick, |m| matches!(m, Message::Offer { .. }))?;
                let raw = Raw::new(ins::GRANT, run, data);
                let run = usize::from(run);
                (Command::Grant { run, offer }, raw)
            }
            Send::Consent(pick) => {
                let (grant, data) = self.carry(pick, |m| matches!(m, Message::Grant { .. }))?;
                (Command::Consent(grant), Raw::new(ins::CONSENT, 0, data))
            }
            Send::Parcel(run, pick) => {
                let (consent, data) = self.carry(pick, |m| matches!(m, Message::Consent { .. }))?;
                let raw = Raw::new(ins::PARCEL, run, data);
                let run = usize::from(run);
                (Command::Parcel { run, consent }, raw)
            }
            Send::Commit(pick) => {
                let (parcel, data) = self.carry(pick, |m| matches!(m, Message::Parcel { .. }))?;
                (Command::Commit(parcel), Raw::new(ins::COMMIT, 0, data))
            }
            Send::Seal(pick) => {
                let (receipt, data) = self.carry(pick, |m| matches!(m, Message::Receipt { .. }))?;
                (Command::Seal(receipt), Raw::new(ins::COUNTERSIGN, 0, data))
            }
            Send::File(send) => return self.about_files(send),
        })
    }

    fn carry(&self, pick: Pick, is: impl Fn(&Message) -> bool) -> Option<(Carried, Vec<u8>)> {
        let last = |back| self.messages.iter().rev().filter(|(m, _)| is(m)).nth(back);
        Some(match pick {
            Pick::Short => (Carried::Garbage(Status::Malformed), vec![1, 0xFF, 7]),
            Pick::OtherVersion => (Carried::Garbage(Status::VersionRefused), vec![2, 0, 7]),
            Pick::Last(back) => {
                let (message, bytes) = last(back)?;
                (Carried::Whole(message.clone()), bytes.clone())
            }
            Pick::Altered(back) => {
                let (message, bytes) = last(back)?;
                let mut bytes = bytes.clone();
                *bytes.last_mut().expect("not empty") ^= 1;
                (Carried::Altered(message.clone()), bytes)
            }
        })
    }
}

fn units(epoch: EpochName, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; DataUnits::HEADER + data.len()];
    let mut writer = Writer::new(&mut out);
    DataUnits {
        epoch,
        unit_size: 16,
        first: 7,
        data,
    }
    .write(&mut writer)
    .expect("fits");
    out
}
