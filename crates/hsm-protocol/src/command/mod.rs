//! Commands, sorted by the authority that they need: a handler cannot forget to require it (PROTOCOL § 2.4).
//!
//! No command takes a PIN: PINs are typed on the module's keypad.

use crate::{
    EpochName, Malformed, Status,
    apdu::CommandApdu,
    cloning::Options,
    file::FileCommand,
    identity::PROTOCOL_VERSION,
    journal::JournalPart,
    letter::LetterKind,
    limits,
    policy::Policy,
    reader::Reader,
    rekey::Rekey,
    signed::Challenge,
    ticket::{Presentation, TicketNumber},
    writer::Writer,
};

pub mod ins;

pub use crate::data_units::DataUnits;

/// The application identifier: RID of the proprietary category (`F`, ISO 7816-5), "KeyWriter" and the version.
pub const AID: [u8; 11] = *b"\xF0KeyWriter\x01";

/// The answer to reset: T=1 only; the historical bytes name extended length and command chaining
/// (ISO 7816-3 § 8, 7816-4 § 8.1).
pub const ATR: [u8; 15] = *b"\x3B\x88\x81\x31\xFE\x45\x80\x73\x80\x01\xC0\x82\x90\x00\x23";

/// Class of the interindustry commands SELECT and GET RESPONSE.
pub const CLA_INTERINDUSTRY: u8 = 0x00;

/// Class of this application's commands.
pub const CLA: u8 = 0x80;

/// A command with every field checked.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Needs nothing.
    Public(PublicCommand<'a>),
    /// Needs a module without a certificate.
    Factory(FactoryCommand<'a>),
    /// Needs a module that may be cloned to: without an Admin PIN, or unlocked by its Administrator.
    Secondary(SecondaryCommand<'a>),
    /// Needs a module unlocked by its User or its Administrator.
    User(UserCommand<'a>),
    /// Needs a module unlocked by its Administrator.
    Admin(AdminCommand<'a>),
}

/// Commands that need nothing.
#[derive(Clone, Copy, Debug)]
pub enum PublicCommand<'a> {
    /// SELECT this application.
    Select,
    /// The module's identity.
    Identity {
        /// Chosen by the host, fresh each time.
        challenge: &'a Challenge,
    },
    /// The module's own chain.
    OwnChain,
    /// The root it trusts.
    TrustedRoot,
    /// The last Receipt.
    LastReceipt,
    /// The self-tests. The one command that a module in Fault answers.
    SelfTest {
        /// Whether all of them are run first.
        run: bool,
    },
    /// The letterbox.
    Letterbox,
}

/// Commands of a module without a certificate.
#[derive(Clone, Copy, Debug)]
pub enum FactoryCommand<'a> {
    /// Makes the module's key.
    GenerateKey,
    /// The certificate signing request.
    ReadCsr,
    /// Installs root and chain.
    Install {
        /// The root's certificate, DER.
        root: &'a [u8],
        /// The module's chain, in its wire form.
        chain: &'a [u8],
    },
}

/// Commands of a module that may be cloned to. The run parses the messages.
#[derive(Clone, Copy, Debug)]
pub enum SecondaryCommand<'a> {
    /// Makes an Offer.
    Offer,
    /// Takes a Grant.
    Consent(&'a [u8]),
    /// Takes a Parcel.
    Commit(&'a [u8]),
    /// Takes a letter that makes it a clone.
    Join(&'a [u8]),
}

/// Commands of an unlocked module.
#[derive(Clone, Copy, Debug)]
pub enum UserCommand<'a> {
    /// Role, group, epoch and settings.
    Status {
        /// If the host sent one, the module signs its answer.
        challenge: Option<&'a Challenge>,
    },
    /// Enciphers data units.
    Encipher(DataUnits<'a>),
    /// Deciphers data units.
    Decipher(DataUnits<'a>),
    /// Deals with shared files.
    File(FileCommand<'a>),
    /// Takes a letter that brings the group's epochs; needs a certificate.
    TakeEpochs(&'a [u8]),
    /// Takes a ticket with an approval.
    Present(Presentation<'a>),
    /// Who may do what in the group.
    Team {
        /// Chosen by the host, fresh each time.
        challenge: &'a Challenge,
    },
}

/// Commands of a module unlocked by its Administrator.
#[derive(Clone, Copy, Debug)]
pub enum AdminCommand<'a> {
    /// Returns a page of the journal.
    Journal {
        /// Which.
        part: JournalPart,
        /// If there is one, the answer is signed.
        challenge: Option<&'a Challenge>,
    },
    /// Clears the journal's table, once a person allows it.
    ClearTable,
    /// Makes the next epoch of the group, once a person allows it.
    Rekey(Rekey<'a>),
    /// Gives the group a policy, once a person allows it.
    Policy(Policy<'a>),
    /// Approves a ticket, once a person typed its code; needs a certificate.
    Approve(&'a [u8]),
    /// Ends a ticket, once a person allows it.
    Withdraw(&'a TicketNumber),
    /// Clones, as the master; needs a certificate.
    Master(MasterCommand<'a>),
}

/// Commands of a master.
#[derive(Clone, Copy, Debug)]
pub enum MasterCommand<'a> {
    /// Begins a cycle; ends the one under way.
    CycleBegin {
        /// The choices.
        options: Options,
        /// How many secondaries will follow.
        secondaries: u16,
    },
    /// Ends the cycle and its runs.
    CycleEnd,
    /// Takes an Offer into a run.
    Grant {
        /// Which run, below [`limits::RUNS`].
        run: u8,
        /// The Offer.
        offer: &'a [u8],
    },
    /// Takes a run's Consent.
    Parcel {
        /// Which run.
        run: u8,
        /// The Consent.
        consent: &'a [u8],
    },
    /// Takes a Receipt, of this cycle or an earlier one.
    Countersign(&'a [u8]),
    /// Writes a letter that makes a clone.
    WriteJoin {
        /// The letterbox that it is for.
        letterbox: &'a [u8],
    },
    /// Writes a letter that brings a member the group's epochs.
    WriteEpochs {
        /// An epoch that the member has, too.
        shared: EpochName,
        /// The letterbox that it is for.
        letterbox: &'a [u8],
    },
}

impl<'a> Command<'a> {
    /// Parses the meaning of a command. The module handles GET RESPONSE and chaining before this.
    pub fn parse(apdu: &CommandApdu<'a>) -> Result<Self, Status> {
        match (apdu.cla, apdu.ins) {
            (CLA_INTERINDUSTRY, ins::SELECT) => select(apdu),
            (CLA_INTERINDUSTRY, _) => Err(Status::UnknownInstruction),
            (CLA, _) => application(apdu),
            _ => Err(Status::UnknownClass),
        }
    }

    /// Returns how many bytes a host must accept at once (Le): data that is ciphered or deciphered and file keys are
    /// given in one piece, so that nothing of them waits in the module (PROTOCOL § 2.1). 0 for every other command.
    pub fn undivided(&self) -> usize {
        match self {
            Self::User(UserCommand::Encipher(units) | UserCommand::Decipher(units)) => {
                units.data.len()
            }
            Self::User(UserCommand::File(command)) => command.undivided(),
            Self::User(
                UserCommand::Status { .. }
                | UserCommand::TakeEpochs(_)
                | UserCommand::Present(_)
                | UserCommand::Team { .. },
            )
            | Self::Public(_)
            | Self::Factory(_)
            | Self::Secondary(_)
            | Self::Admin(_) => 0,
        }
    }
}

fn select<'a>(apdu: &CommandApdu<'_>) -> Result<Command<'a>, Status> {
    if apdu.p1 != 0x04 || apdu.p2 & !0x0C != 0 {
        return Err(Status::WrongParameters);
    }
    if apdu.data == AID {
        Ok(Command::Public(PublicCommand::Select))
    } else {
        Err(Status::NotFound)
    }
}

fn application<'a>(apdu: &CommandApdu<'a>) -> Result<Command<'a>, Status> {
    if !ins::ALL.contains(&apdu.ins) {
        return Err(Status::UnknownInstruction);
    }
    if apdu.p2 != 0 {
        return Err(Status::WrongParameters);
    }
    // The high half of an instruction says which authority it needs.
    match apdu.ins & 0xF0 {
        0x10 => public(apdu).map(Command::Public),
        0x20 => factory(apdu).map(Command::Factory),
        0x30 | 0x70 => user(apdu).map(Command::User),
        0x50 => secondary(apdu).map(Command::Secondary),
        0x40 | 0x60 => admin(apdu).map(Command::Admin),
        _ => Err(Status::UnknownInstruction),
    }
}

fn public<'a>(apdu: &CommandApdu<'a>) -> Result<PublicCommand<'a>, Status> {
    match apdu.ins {
        ins::IDENTITY => {
            no_parameter(apdu)?;
            Ok(PublicCommand::Identity {
                challenge: challenge(apdu)?,
            })
        }
        ins::CERTIFICATE => {
            no_data(apdu)?;
            match apdu.p1 {
                0 => Ok(PublicCommand::OwnChain),
                1 => Ok(PublicCommand::TrustedRoot),
                _ => Err(Status::WrongParameters),
            }
        }
        ins::LAST_RECEIPT => bare(apdu, PublicCommand::LastReceipt),
        ins::SELF_TEST => {
            no_data(apdu)?;
            match apdu.p1 {
                0 => Ok(PublicCommand::SelfTest { run: false }),
                1 => Ok(PublicCommand::SelfTest { run: true }),
                _ => Err(Status::WrongParameters),
            }
        }
        ins::LETTERBOX => bare(apdu, PublicCommand::Letterbox),
        _ => Err(Status::UnknownInstruction),
    }
}

fn factory<'a>(apdu: &CommandApdu<'a>) -> Result<FactoryCommand<'a>, Status> {
    match apdu.ins {
        ins::GENERATE_KEY => bare(apdu, FactoryCommand::GenerateKey),
        ins::READ_CSR => bare(apdu, FactoryCommand::ReadCsr),
        ins::INSTALL => {
            no_parameter(apdu)?;
            let mut reader = Reader::new(apdu.data);
            let root = reader.prefixed(limits::CERTIFICATE)?;
            Ok(FactoryCommand::Install {
                root,
                chain: reader.rest(),
            })
        }
        _ => Err(Status::UnknownInstruction),
    }
}

fn user<'a>(apdu: &CommandApdu<'a>) -> Result<UserCommand<'a>, Status> {
    match (apdu.ins, apdu.p1) {
        (ins::STATUS, 0) => Ok(UserCommand::Status {
            challenge: optional_challenge(apdu)?,
        }),
        (ins::CIPHER, 0) => DataUnits::parse(apdu.data).map(UserCommand::Encipher),
        (ins::CIPHER, 1) => DataUnits::parse(apdu.data).map(UserCommand::Decipher),
        (ins::LETTER_EPOCHS, 0) => Ok(UserCommand::TakeEpochs(apdu.data)),
        (ins::TICKET_PRESENT, 0) => Ok(UserCommand::Present(Presentation::parse(apdu.data)?)),
        (ins::TEAM, 0) => Ok(UserCommand::Team {
            challenge: challenge(apdu)?,
        }),
        (ins::STATUS | ins::CIPHER | ins::LETTER_EPOCHS | ins::TICKET_PRESENT | ins::TEAM, _) => {
            Err(Status::WrongParameters)
        }
        _ => FileCommand::parse(apdu).map(UserCommand::File),
    }
}

fn secondary<'a>(apdu: &CommandApdu<'a>) -> Result<SecondaryCommand<'a>, Status> {
    no_parameter(apdu)?;
    match apdu.ins {
        ins::OFFER => bare(apdu, SecondaryCommand::Offer),
        ins::CONSENT => Ok(SecondaryCommand::Consent(apdu.data)),
        ins::COMMIT => Ok(SecondaryCommand::Commit(apdu.data)),
        ins::LETTER_JOIN => Ok(SecondaryCommand::Join(apdu.data)),
        _ => Err(Status::UnknownInstruction),
    }
}

fn admin<'a>(apdu: &CommandApdu<'a>) -> Result<AdminCommand<'a>, Status> {
    match apdu.ins {
        ins::JOURNAL => {
            let part = JournalPart::from_p1(apdu.p1).ok_or(Status::WrongParameters)?;
            let challenge = optional_challenge(apdu)?;
            Ok(AdminCommand::Journal { part, challenge })
        }
        ins::CLEAR_TABLE => bare(apdu, AdminCommand::ClearTable),
        ins::REKEY => {
            let may_drop = match apdu.p1 {
                0 => false,
                1 => true,
                _ => return Err(Status::WrongParameters),
            };
            Ok(AdminCommand::Rekey(Rekey::parse(may_drop, apdu.data)?))
        }
        ins::POLICY => {
            no_parameter(apdu)?;
            let policy = Policy::read(&mut Reader::new(apdu.data))?;
            Ok(AdminCommand::Policy(policy))
        }
        ins::TICKET_APPROVE => {
            no_parameter(apdu)?;
            Ok(AdminCommand::Approve(apdu.data))
        }
        ins::TICKET_WITHDRAW => {
            no_parameter(apdu)?;
            let number = apdu.data.as_array().ok_or(Malformed)?;
            Ok(AdminCommand::Withdraw(number))
        }
        _ => master(apdu).map(AdminCommand::Master),
    }
}

fn master<'a>(apdu: &CommandApdu<'a>) -> Result<MasterCommand<'a>, Status> {
    match apdu.ins {
        ins::CYCLE_BEGIN => {
            no_parameter(apdu)?;
            let mut reader = Reader::new(apdu.data);
            let options = Options::from_byte(reader.u8()?)?;
            let secondaries = reader.u16()?;
            reader.finish()?;
            Ok(MasterCommand::CycleBegin {
                options,
                secondaries,
            })
        }
        ins::CYCLE_END => bare(apdu, MasterCommand::CycleEnd),
        ins::GRANT => Ok(MasterCommand::Grant {
            run: run(apdu.p1)?,
            offer: apdu.data,
        }),
        ins::PARCEL => Ok(MasterCommand::Parcel {
            run: run(apdu.p1)?,
            consent: apdu.data,
        }),
        ins::COUNTERSIGN => no_parameter(apdu).map(|()| MasterCommand::Countersign(apdu.data)),
        ins::LETTER_WRITE => match LetterKind::from_byte(apdu.p1) {
            Ok(LetterKind::Join) => Ok(MasterCommand::WriteJoin {
                letterbox: apdu.data,
            }),
            Ok(LetterKind::Epoch) => {
                let mut reader = Reader::new(apdu.data);
                Ok(MasterCommand::WriteEpochs {
                    shared: EpochName::read(&mut reader)?,
                    letterbox: reader.rest(),
                })
            }
            Err(Malformed) => Err(Status::WrongParameters),
        },
        _ => Err(Status::UnknownInstruction),
    }
}

/// Reads a challenge, which is all of the command's data.
pub(crate) fn challenge<'a>(apdu: &CommandApdu<'a>) -> Result<&'a Challenge, Status> {
    apdu.data.try_into().map_err(|_length| Status::WrongLength)
}

/// Reads a challenge, if there is any data.
fn optional_challenge<'a>(apdu: &CommandApdu<'a>) -> Result<Option<&'a Challenge>, Status> {
    if apdu.data.is_empty() {
        Ok(None)
    } else {
        challenge(apdu).map(Some)
    }
}

/// Checks that a command consists of its instruction only.
fn bare<T>(apdu: &CommandApdu<'_>, command: T) -> Result<T, Status> {
    no_parameter(apdu)?;
    no_data(apdu)?;
    Ok(command)
}

const fn no_parameter(apdu: &CommandApdu<'_>) -> Result<(), Status> {
    if apdu.p1 == 0 {
        Ok(())
    } else {
        Err(Status::WrongParameters)
    }
}

const fn no_data(apdu: &CommandApdu<'_>) -> Result<(), Status> {
    if apdu.data.is_empty() {
        Ok(())
    } else {
        Err(Status::WrongLength)
    }
}

fn run(p1: u8) -> Result<u8, Status> {
    if usize::from(p1) < limits::RUNS {
        Ok(p1)
    } else {
        Err(Status::WrongParameters)
    }
}

/// What SELECT answers: the protocol version.
pub const SELECTED: [u8; 1] = [PROTOCOL_VERSION];

/// Writes the data of an INSTALL command: the root with its length, then the chain in its wire form.
pub fn write_install(writer: &mut Writer<'_>, root: &[u8], chain: &[u8]) -> Result<(), Malformed> {
    writer.prefixed(root)?;
    writer.bytes(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(cla: u8, ins: u8, p1: u8, p2: u8, data: &[u8]) -> Result<(), Status> {
        let apdu = CommandApdu {
            cla,
            chained: false,
            ins,
            p1,
            p2,
            data,
            expected: 0,
        };
        Command::parse(&apdu).map(|_| ())
    }

    #[test]
    fn every_class_but_two_is_unknown() {
        for cla in 0..=255 {
            let wrong = parse(cla, ins::STATUS, 0, 0, &[]) == Err(Status::UnknownClass);
            assert_eq!(wrong, cla != CLA && cla != CLA_INTERINDUSTRY, "{cla:02X}");
        }
    }

    #[test]
    fn every_instruction_but_ours_is_unknown() {
        for ins in 0..=255 {
            let unknown = parse(CLA, ins, 0, 1, &[]) == Err(Status::UnknownInstruction);
            assert_eq!(unknown, !ins::ALL.contains(&ins), "{ins:02X}");
        }
    }

    #[test]
    fn every_pair_of_parameters_is_known_or_refused() {
        for ins in ins::ALL {
            let mut accepted = 0;
            for p1 in 0..=255 {
                for p2 in 0..=255 {
                    accepted +=
                        usize::from(parse(CLA, ins, p1, p2, &[]) != Err(Status::WrongParameters));
                }
            }
            let expected = match ins {
                ins::CERTIFICATE
                | ins::SELF_TEST
                | ins::CIPHER
                | ins::FILE_BEGIN
                | ins::FILE_IDENTIFY
                | ins::REKEY
                | ins::LETTER_WRITE
                | ins::FILE_RECIPIENT
                | ins::FILE_UNWRAP => 2,
                ins::GRANT | ins::PARCEL => limits::RUNS,
                ins::JOURNAL => 12,
                _ => 1,
            };
            assert_eq!(accepted, expected, "{ins:02X}");
        }
    }

    #[test]
    fn the_atr_ends_in_its_check_byte() {
        assert_eq!(ATR.iter().skip(1).fold(0, |sum, byte| sum ^ byte), 0);
    }
}
