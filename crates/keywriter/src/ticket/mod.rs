//! Tickets: what custodians allow a master of their group (PROTOCOL § 6). This computer makes them, shows them and carries
//! them; it can approve none.
//!
//! | module | what it holds |
//! |---|---|
//! | [`screen`] | the code, and the QR code that brings a ticket to another screen |

pub mod screen;

use crate::{
    genuine::{P384, TrustedRoot},
    letter::{PostRefusal, post::Post},
    module::{ConnectedModule, ModuleError},
    team::{Policy, Rekey, TeamFacts},
};
use hsm_protocol::{
    EpochName, Malformed, Serial, Sha384Digest, Status, Verifier,
    cloning::Options,
    command::ins,
    limits,
    receipt::Party,
    settings::ModuleStatus,
    ticket::{
        Act, Agreed, Approval, Copies, Presentation, Receivers, Serials, Ticket, TicketNumber,
    },
    writer::Writer,
};
use std::collections::{BTreeMap, BTreeSet};

/// What a ticket allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allows {
    /// To clone in runs.
    Clone(ToModules),
    /// To write letters that make clones.
    Letter(ToModules),
    /// To re-key.
    Rekey(Rekey),
    /// To give the group that policy.
    Policy(Policy),
}

/// Which modules may become clones, and by which choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToModules {
    /// The choices of the cycle.
    pub options: Options,
    /// Which modules.
    pub to: To,
}

/// Which modules may become clones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// So many of any.
    Any(u16),
    /// Each of these once.
    Named(BTreeSet<Serial>),
}

/// A ticket, in its one form, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketFacts {
    /// What it is called.
    pub number: TicketNumber,
    /// The group.
    pub group: [u8; 16],
    /// The epoch that it ends with.
    pub epoch: EpochName,
    /// The hash of the certificate of the master that may use it.
    pub master: Sha384Digest,
    /// What it allows.
    pub allows: Allows,
    bytes: Vec<u8>,
}

impl TicketFacts {
    /// Makes a new ticket for a master that its Administrator unlocked, for its group as it is now.
    pub fn new(
        status: &ModuleStatus,
        team: &TeamFacts,
        master: &Party,
        allows: &Allows,
    ) -> Result<Self, TicketError> {
        let mut number = TicketNumber::default();
        getrandom::fill(&mut number).map_err(TicketError::Random)?;
        let (serials, custodians);
        let act = match allows {
            Allows::Clone(copies) | Allows::Letter(copies) => {
                let to = match &copies.to {
                    To::Any(count) => Receivers::Any(*count),
                    To::Named(named) => {
                        serials = padded(named)?;
                        let (list, _) = serials.as_chunks();
                        Receivers::Named(Serials::new(list)?)
                    }
                };
                let options = copies.options;
                let copies = Copies { options, to };
                if matches!(allows, Allows::Clone(_)) {
                    Act::Clone(copies)
                } else {
                    Act::Letter(copies)
                }
            }
            Allows::Rekey(rekey) => {
                serials = padded(&rekey.without)?;
                Act::Rekey(hsm_protocol::rekey::Rekey::parse(rekey.may_drop, &serials)?)
            }
            Allows::Policy(policy) => {
                custodians = policy.ascending();
                let quorum = policy.quorum;
                Act::Policy(hsm_protocol::policy::Policy::new(quorum, &custodians)?)
            }
        };
        let ticket = Ticket {
            number,
            group: status.group,
            epoch: status.epoch,
            master: master.certificate,
            ledger: team.ledger,
            act,
        };
        let mut bytes = vec![0; limits::TICKET];
        let mut writer = Writer::new(&mut bytes);
        ticket.write(&mut writer)?;
        let len = writer.written().len();
        bytes.truncate(len);
        Ok(Self::read(bytes)?)
    }

    /// Reads a ticket in its wire form.
    pub fn read(bytes: Vec<u8>) -> Result<Self, PostRefusal> {
        let ticket = Ticket::parse(&bytes)?;
        let copies = |copies: Copies<'_>| ToModules {
            options: copies.options,
            to: match copies.to {
                Receivers::Any(count) => To::Any(count),
                Receivers::Named(serials) => To::Named(serials.iter().collect()),
            },
        };
        let allows = match ticket.act {
            Act::Clone(to) => Allows::Clone(copies(to)),
            Act::Letter(to) => Allows::Letter(copies(to)),
            Act::Rekey(rekey) => Allows::Rekey(Rekey {
                without: rekey.retired().collect(),
                may_drop: rekey.may_drop,
            }),
            Act::Policy(policy) => Allows::Policy(Policy {
                quorum: policy.quorum,
                custodians: policy.custodians.iter().copied().collect(),
            }),
        };
        Ok(Self {
            number: ticket.number,
            group: ticket.group,
            epoch: ticket.epoch,
            master: ticket.master,
            allows,
            bytes,
        })
    }

    /// Returns the wire form.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the hash that names it in receipts and journals.
    pub fn hash(&self) -> Sha384Digest {
        Ticket::hash::<P384>(&self.bytes)
    }
}

/// Why no ticket was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// The address of the portal is so long that no QR code holds it.
    #[error("the address is too long for a QR code")]
    AddressTooLong,
    /// It would allow nothing, or more than a ticket has room for.
    #[error(
        "a ticket allows 1 to {} modules, names at most {}, and has at most {} bytes; a quorum is at most the number of \
         custodians, and these are at most {}",
        limits::TICKET_COUNT,
        limits::TICKET_SERIALS,
        limits::TICKET,
        limits::CUSTODIANS
    )]
    NotAllowed,
}

impl From<Malformed> for TicketError {
    fn from(_: Malformed) -> Self {
        Self::NotAllowed
    }
}

impl From<PostRefusal> for TicketError {
    fn from(_: PostRefusal) -> Self {
        Self::NotAllowed
    }
}

/// Serial numbers in their wire form, ascending.
fn padded(serials: &BTreeSet<Serial>) -> Result<Vec<u8>, Malformed> {
    let mut bytes = vec![0; serials.len() * Serial::MAX];
    let mut writer = Writer::new(&mut bytes);
    serials
        .iter()
        .try_for_each(|serial| serial.write(&mut writer))?;
    Ok(bytes)
}

/// A ticket with the approvals that came for it, by the custodian's serial number.
#[derive(Clone, Debug)]
pub struct ApprovedTicket {
    /// The ticket.
    pub ticket: TicketFacts,
    /// The approvals: genuine modules made them. Whether they are custodians only a module of the group knows.
    pub approvals: BTreeMap<Serial, GenuineApproval>,
}

/// An approval that a genuine module signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenuineApproval {
    bytes: Vec<u8>,
    party: Party,
}

impl GenuineApproval {
    /// Checks chain and signature. Returns the hash of the ticket that it is for, too.
    fn check(bytes: Vec<u8>, root: &TrustedRoot) -> Result<(Sha384Digest, Self), PostRefusal> {
        let approval = Approval::parse(&bytes)?;
        let root = root.root().map_err(|Malformed| PostRefusal::Malformed)?;
        let module = root.verify::<P384>(&approval.chain)?;
        let message = Approval::signed(approval.ticket);
        P384::verify(module.public(), &message, approval.signature)
            .map_err(|_bad| PostRefusal::NotGenuine)?;
        let party = Party {
            serial: module.serial(),
            certificate: *module.hash(),
        };
        Ok((*approval.ticket, Self { bytes, party }))
    }

    /// Returns the approval as it was signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns who approved.
    pub const fn party(&self) -> &Party {
        &self.party
    }
}

/// Returns the tickets of files that were mailed, each once, with all approvals that came for it. An approval without its
/// ticket is left out: nothing says what it is for.
pub fn approved(
    posts: impl IntoIterator<Item = Post>,
    root: &TrustedRoot,
) -> Result<Vec<ApprovedTicket>, PostRefusal> {
    let mut tickets: Vec<ApprovedTicket> = Vec::new();
    let mut approvals = Vec::new();
    for post in posts {
        for bytes in post.tickets {
            if tickets.iter().all(|known| known.ticket.bytes != bytes) {
                tickets.push(ApprovedTicket {
                    ticket: TicketFacts::read(bytes)?,
                    approvals: BTreeMap::new(),
                });
            }
        }
        approvals.extend(post.approvals);
    }
    for bytes in approvals {
        let (hash, approval) = GenuineApproval::check(bytes, root)?;
        let of = tickets.iter_mut().find(|known| known.ticket.hash() == hash);
        if let Some(known) = of {
            known.approvals.insert(approval.party.serial, approval);
        }
    }
    Ok(tickets)
}

impl ApprovedTicket {
    /// Appends ticket and approvals to what is mailed.
    pub fn put_into(&self, post: &mut Post) {
        post.tickets.push(self.ticket.bytes.clone());
        let approvals = self.approvals.values();
        post.approvals
            .extend(approvals.map(|approval| approval.bytes.clone()));
    }

    /// Shows the ticket and its approvals to a module of the group. Approvals of modules that are no custodians are passed
    /// over. Returns how far the ticket is.
    pub fn present(&self, module: &mut ConnectedModule) -> Result<Agreed, ModuleError> {
        let mut agreed = Agreed {
            approvals: 0,
            quorum: 0,
        };
        for (serial, approval) in &self.approvals {
            match module.present_ticket(&self.ticket, approval) {
                Ok(more) => agreed = more,
                Err(ModuleError::Refused(Status::NotCustodian)) => {
                    tracing::info!(%serial, "it is no custodian, and its approval does not count");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(agreed)
    }
}

impl ConnectedModule {
    /// Custodian: approves a ticket. A refusal with [`Status::NeedsPerson`] says that the module waits for the ticket's code:
    /// once a person typed it, the same command does it.
    ///
    /// [`Status::NeedsPerson`]: hsm_protocol::Status::NeedsPerson
    pub fn approve_ticket(
        &mut self,
        ticket: &TicketFacts,
        root: &TrustedRoot,
    ) -> Result<GenuineApproval, ModuleError> {
        let bytes = self.command(ins::TICKET_APPROVE, 0, &ticket.bytes)?;
        let checked = GenuineApproval::check(bytes, root).map_err(|_why| Malformed);
        let (hash, approval) = self.well_formed(checked)?;
        self.well_formed(if hash == ticket.hash() {
            Ok(approval)
        } else {
            Err(Malformed)
        })
    }

    fn present_ticket(
        &mut self,
        ticket: &TicketFacts,
        approval: &GenuineApproval,
    ) -> Result<Agreed, ModuleError> {
        let presentation = Presentation {
            ticket: &ticket.bytes,
            approval: &approval.bytes,
        };
        let mut data = vec![0; 2 + ticket.bytes.len() + approval.bytes.len()];
        let written = presentation.write(&mut Writer::new(&mut data));
        self.well_formed(written)?;
        let answer = self.command(ins::TICKET_PRESENT, 0, &data)?;
        self.well_formed(Agreed::parse(&answer))
    }

    /// Master: ends a ticket before it is used up. A refusal with [`Status::NeedsPerson`] says that the module asks a person.
    ///
    /// [`Status::NeedsPerson`]: hsm_protocol::Status::NeedsPerson
    pub fn withdraw_ticket(&mut self, number: &TicketNumber) -> Result<(), ModuleError> {
        self.command(ins::TICKET_WITHDRAW, 0, number)
            .map(|_empty| ())
    }
}
