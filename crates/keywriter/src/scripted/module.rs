//! A module that behaves, as far as a host can tell: no secrets, and real signatures.

use super::pki::{self, Certified};
use crate::genuine::P384;
use hsm_protocol::{
    Serial, Status, Verifier,
    apdu::CommandApdu,
    certificate::Chain,
    cloning::{Condition, Cycle, Options, Ticket},
    command::{SELECTED, ins},
    identity::{Identity, LockState},
    journal::JournalEntry,
    limits,
    receipt::{Commitments, Countersignature, Party, Receipt, Statement},
    settings::{AdminStatus, EncryptionMode, ModuleStatus, Role},
    writer::Writer,
};

/// What somebody did on the keypad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlocked {
    Fresh,
    Locked,
    User,
    Admin { cloning: bool },
}

pub(crate) struct FakeModule {
    pub(crate) serial: Serial,
    pub(crate) state: Unlocked,
    pub(crate) journal: Vec<JournalEntry>,
    /// Every instruction that arrived.
    pub(crate) log: Vec<u8>,
    certified: Certified,
    certificate: [u8; 48],
    cycle: Option<(Cycle, u16)>,
    cycles: u32,
    runs: [bool; limits::RUNS],
    has_consented: Option<bool>,
    receipt: Option<Vec<u8>>,
}

type Answer = Result<Vec<u8>, Status>;

impl FakeModule {
    pub(crate) fn new(name: &str, root: u8, seed: u8, state: Unlocked) -> Self {
        let serial = name.parse().unwrap();
        Self::certified(serial, pki::module(root, serial, seed), state)
    }

    /// One whose certificate says that it is a program.
    pub(crate) fn new_virtual(name: &str, seed: u8, state: Unlocked) -> Self {
        let serial = name.parse().unwrap();
        Self::certified(serial, pki::virtual_module(0, serial, seed), state)
    }

    fn certified(serial: Serial, certified: Certified, state: Unlocked) -> Self {
        let chain = Chain::parse(&certified.bytes).unwrap();
        let certificate = P384::sha384(&[chain.leaf().as_der()]);
        Self {
            serial,
            state,
            journal: Vec::new(),
            log: Vec::new(),
            certified,
            certificate,
            cycle: None,
            cycles: 0,
            runs: [false; limits::RUNS],
            has_consented: None,
            receipt: None,
        }
    }

    /// Reset by the reader: what runs over APDUs ends.
    pub(crate) fn reset(&mut self) {
        self.cycle = None;
        self.runs = [false; limits::RUNS];
        self.has_consented = None;
    }

    pub(crate) fn apdu(&mut self, bytes: &[u8]) -> Vec<u8> {
        let command = CommandApdu::parse(bytes).unwrap();
        self.log.push(command.ins);
        let (mut answer, status) = match self.run(&command) {
            Ok(answer) => (answer, Status::Success),
            Err(status) => (Vec::new(), status),
        };
        answer.extend(status.to_word().to_be_bytes());
        answer
    }

    fn run(&mut self, command: &CommandApdu<'_>) -> Answer {
        let data = command.data;
        match command.ins {
            ins::SELECT => Ok(SELECTED.to_vec()),
            ins::IDENTITY => Ok(self.identity(data.try_into().unwrap())),
            ins::CERTIFICATE => Ok(self.certified.bytes.clone()),
            ins::LAST_RECEIPT => self.receipt.clone().ok_or(Status::NotFound),
            ins::STATUS => self.status(),
            ins::CIPHER => Ok(data[14..].iter().map(|byte| byte ^ 0xFF).collect()),
            ins::OFFER | ins::CONSENT | ins::COMMIT => self.secondary(command.ins, data),
            _ => self.master(command),
        }
    }

    fn identity(&self, challenge: &[u8; 32]) -> Vec<u8> {
        let identity = Identity {
            version: 1,
            firmware: [0, 1, 0],
            serial: self.serial,
            certified: true,
            lock: match self.state {
                Unlocked::Fresh => LockState::Shipment,
                Unlocked::Locked => LockState::Locked,
                Unlocked::User | Unlocked::Admin { .. } => LockState::Unlocked,
            },
        };
        let mut fields = encode(|writer| identity.write(writer));
        let message = Identity::signed::<P384>(challenge, &fields);
        fields.extend(pki::sign(&self.certified.key, &message));
        fields
    }

    fn status(&self) -> Answer {
        let admin = match self.state {
            Unlocked::Fresh | Unlocked::Locked => return Err(Status::Locked),
            Unlocked::User => None,
            Unlocked::Admin { cloning } => Some(AdminStatus {
                cloning,
                user_pin: false,
                recovery_pin: false,
                self_destruct_pin: false,
            }),
        };
        let status = ModuleStatus {
            role: if admin.is_some() {
                Role::Administrator
            } else {
                Role::User
            },
            group: GROUP,
            epoch: 1,
            mode: EncryptionMode::Xts,
            auto_lock: None,
            policy: None,
            admin,
        };
        Ok(encode(|writer| status.write(writer)))
    }

    fn secondary(&mut self, ins: u8, data: &[u8]) -> Answer {
        match self.state {
            Unlocked::Fresh | Unlocked::Admin { .. } => {}
            Unlocked::Locked => return Err(Status::Locked),
            Unlocked::User => return Err(Status::NotAdministrator),
        }
        match (ins, self.has_consented.take()) {
            (ins::OFFER, _) => {
                self.has_consented = Some(false);
                Ok([self.certificate.as_slice(), self.serial.as_str().as_bytes()].concat())
            }
            (ins::CONSENT, Some(false)) => {
                self.has_consented = Some(true);
                Ok(data.to_vec())
            }
            (ins::COMMIT, Some(true)) => self.commit(data),
            _ => Err(Status::OutOfOrder),
        }
    }

    fn commit(&mut self, parcel: &[u8]) -> Answer {
        let mut statement = Statement::parse(parcel).unwrap();
        if statement.secondary.serial != self.serial {
            return Err(Status::RunBroken);
        }
        statement.secondary.certificate = self.certificate;
        let statement = encode(|writer| statement.write(writer));
        let message = Receipt::signed::<P384>(&statement);
        let signature = pki::sign(&self.certified.key, &message);
        let receipt = Receipt {
            statement_bytes: &statement,
            chain: Chain::parse(&self.certified.bytes).unwrap(),
            signature: &signature,
        };
        let receipt = encode(|writer| receipt.write(writer));
        self.receipt = Some(receipt.clone());
        self.state = Unlocked::Locked;
        Ok(receipt)
    }

    fn master(&mut self, command: &CommandApdu<'_>) -> Answer {
        let Unlocked::Admin { cloning } = self.state else {
            return Err(Status::Locked);
        };
        let data = command.data;
        match command.ins {
            ins::CYCLE_BEGIN if !cloning => Err(Status::CloningDisabled),
            ins::CYCLE_BEGIN => {
                self.cycles += 1;
                let cycle = Cycle {
                    number: self.cycles,
                    options: Options::from_byte(data[0]).unwrap(),
                    secondaries: u16::from_be_bytes([data[1], data[2]]),
                };
                assert!(cycle.secondaries > 0);
                self.runs = [false; limits::RUNS];
                self.cycle = Some((cycle, 0));
                Ok(Vec::new())
            }
            ins::CYCLE_END => self
                .cycle
                .take()
                .map(|_| Vec::new())
                .ok_or(Status::OutOfOrder),
            ins::JOURNAL => Ok(self.page(command.p1.into())),
            ins::GRANT => {
                self.cycle.ok_or(Status::OutOfOrder)?;
                self.runs[usize::from(command.p1)] = true;
                Ok(data.to_vec())
            }
            ins::PARCEL => self.parcel(command.p1.into(), data),
            ins::COUNTERSIGN => self.seal(data),
            _ => Err(Status::UnknownInstruction),
        }
    }

    fn page(&self, page: usize) -> Vec<u8> {
        let mut bytes = u64::try_from(self.journal.len())
            .unwrap()
            .to_be_bytes()
            .to_vec();
        bytes.extend([0; 48]);
        for entry in self.journal.iter().rev().skip(page * 8).take(8) {
            bytes.extend(encode(|writer| entry.write(writer)));
        }
        bytes
    }

    fn parcel(&mut self, run: usize, consent: &[u8]) -> Answer {
        if !std::mem::take(&mut self.runs[run]) {
            return Err(Status::OutOfOrder);
        }
        let (cycle, _) = self.cycle.ok_or(Status::OutOfOrder)?;
        let (certificate, serial) = consent.split_first_chunk::<48>().unwrap();
        let serial = Serial::parse(serial).unwrap();
        let number = u64::try_from(self.journal.len()).unwrap() + 1;
        let transcript = P384::sha384(&[consent, &number.to_be_bytes()]);
        self.journal.push(JournalEntry {
            number,
            cycle,
            ticket: Ticket::Unrestricted,
            condition: Condition::Shipment,
            serial,
            certificate: *certificate,
            transcript,
            countersigned: false,
        });
        let party = |serial, certificate| Party {
            serial,
            certificate,
        };
        let statement = Statement {
            transcript,
            number,
            cycle,
            ticket: Ticket::Unrestricted,
            master: party(self.serial, self.certificate),
            secondary: party(serial, *certificate),
            condition: Condition::Shipment,
            group: GROUP,
            epoch: 1,
            commitments: Commitments::default(),
            proof: [0; 48],
        };
        Ok(encode(|writer| statement.write(writer)))
    }

    fn seal(&mut self, receipt: &[u8]) -> Answer {
        let (cycle, sealed) = self.cycle.as_mut().ok_or(Status::OutOfOrder)?;
        let receipt = Receipt::parse(receipt)?;
        let transcript = receipt.statement()?.transcript;
        let entry = self
            .journal
            .iter_mut()
            .find(|entry| entry.transcript == transcript);
        let entry = entry.ok_or(Status::NotFound)?;
        if !std::mem::replace(&mut entry.countersigned, true) {
            *sealed += 1;
        }
        if cycle.options.disable_master && *sealed == cycle.secondaries {
            self.state = Unlocked::Admin { cloning: false };
            self.cycle = None;
        }
        let message = Countersignature::signed::<P384>(receipt.statement_bytes, receipt.signature);
        let seal = Countersignature {
            chain: Chain::parse(&self.certified.bytes)?,
            signature: &pki::sign(&self.certified.key, &message),
        };
        Ok(encode(|writer| seal.write(writer)))
    }
}

const GROUP: [u8; 16] = [7; 16];

fn encode(write: impl FnOnce(&mut Writer<'_>) -> Result<(), hsm_protocol::Malformed>) -> Vec<u8> {
    let mut bytes = vec![0; limits::RECEIPT];
    let mut writer = Writer::new(&mut bytes);
    write(&mut writer).unwrap();
    let len = writer.len();
    bytes.truncate(len);
    bytes
}
