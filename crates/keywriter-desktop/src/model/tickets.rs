//! Tickets: what custodians are asked for, and how far they agreed.

use super::{Command, Intent, Page, Problem, TeamOrder};
use keywriter::{
    Serial,
    team::TeamFacts,
    teamwork::{policy::Custodians, tickets::Names},
    ticket::{Allows, TicketFacts, screen::Qr},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The ticket that is open, the form of another one, and what devices tell of their team.
#[derive(Debug, Default)]
pub struct Tickets {
    opened: Option<TicketView>,
    /// Whether its code is shown here: this is the second screen of another computer.
    shows_code: bool,
    /// Whether the next cycle is shown it.
    is_for_cycle: bool,
    form: Option<TicketForm>,
    told: BTreeMap<Serial, TeamFacts>,
}

/// A ticket that was opened.
#[derive(Clone, Debug)]
pub struct TicketView {
    /// Where it and its approvals are.
    pub files: Vec<PathBuf>,
    /// What it says.
    pub facts: TicketFacts,
    /// The modules that the receipts on this computer name.
    pub names: Names,
    /// Who approved it. Whether they are custodians, a device of the team says.
    pub approvals: Vec<Serial>,
    /// The code to type, in groups; another one each time it is opened.
    pub code: String,
    /// The portal's page that shows it, without the ticket itself.
    pub page: String,
    /// The address of that page with the ticket.
    pub qr: Qr,
}

/// What a ticket is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TicketKind {
    /// To clone.
    #[default]
    Clone,
    /// To write letters that make clones.
    Letter,
    /// To re-key.
    Rekey,
    /// To change the policy.
    Policy,
}

impl TicketKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Clone, Self::Letter, Self::Rekey, Self::Policy];

    /// Returns what a ticket is for.
    pub const fn of(allows: &Allows) -> Self {
        match allows {
            Allows::Clone(_) => Self::Clone,
            Allows::Letter(_) => Self::Letter,
            Allows::Rekey(_) => Self::Rekey,
            Allows::Policy(_) => Self::Policy,
        }
    }
}

/// A ticket, or a policy, as it is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketForm {
    /// What it is for.
    pub kind: TicketKind,
    /// Serial numbers: to clone to, to leave out, or of custodians.
    pub serials: String,
    /// How many devices if none is named; how many custodians must agree.
    pub count: String,
    /// Whether the policy is set at once, without a ticket.
    pub is_now: bool,
}

/// What was typed, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketWish {
    /// What it is for.
    pub kind: TicketKind,
    /// The serial numbers.
    pub serials: BTreeSet<Serial>,
    /// The number.
    pub count: u16,
}

/// What is wrong with what was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormError {
    /// That is no serial number.
    Serial(String),
    /// That is no number, or none that is possible.
    Count,
    /// No custodian is named.
    NoCustodian,
}

impl TicketForm {
    /// Understands what was typed.
    pub fn parse(&self) -> Result<TicketWish, FormError> {
        let texts = self.serials.split([',', ';', ' ', '\n']);
        let texts = texts.map(str::trim).filter(|text| !text.is_empty());
        let serial = |text: &str| {
            let parsed = text.to_ascii_uppercase().parse();
            parsed.map_err(|_form| FormError::Serial(text.to_owned()))
        };
        let serials = texts.map(serial).collect::<Result<BTreeSet<Serial>, _>>()?;
        let count = self.count.trim();
        let is_counted = match self.kind {
            TicketKind::Clone | TicketKind::Letter => serials.is_empty(),
            TicketKind::Rekey => false,
            TicketKind::Policy => true,
        };
        let count: u16 = if is_counted {
            count.parse().map_err(|_form| FormError::Count)?
        } else {
            0
        };
        let most = match self.kind {
            TicketKind::Policy => u16::try_from(serials.len()).unwrap_or(u16::MAX),
            _ => MOST,
        };
        let least = u16::from(self.kind != TicketKind::Policy || !serials.is_empty());
        if self.kind == TicketKind::Policy && serials.is_empty() && count > 0 {
            return Err(FormError::NoCustodian);
        }
        if is_counted && !(least..=most).contains(&count) {
            return Err(FormError::Count);
        }
        Ok(TicketWish {
            kind: self.kind,
            serials,
            count,
        })
    }
}

/// The most devices that a ticket allows.
const MOST: u16 = 250;

impl TicketWish {
    /// Returns the policy that is wished for.
    pub fn custodians(&self) -> Custodians {
        Custodians {
            quorum: u8::try_from(self.count).unwrap_or(u8::MAX),
            serials: self.serials.clone(),
        }
    }
}

impl Tickets {
    /// Handles what the user does. Returns what a device is ordered to do, and what else is to be done.
    pub(super) fn act(
        &mut self,
        intent: Intent,
        device: Option<Serial>,
    ) -> (Option<TeamOrder>, Vec<Command>) {
        let order = match intent {
            Intent::AskTicket { is_now } => {
                self.form = Some(TicketForm {
                    kind: if is_now {
                        TicketKind::Policy
                    } else {
                        TicketKind::Clone
                    },
                    count: if is_now { "2" } else { "1" }.to_owned(),
                    is_now,
                    ..TicketForm::default()
                });
                None
            }
            Intent::EditTicket(form) => {
                self.form = self.form.take().map(|_| form);
                None
            }
            Intent::CancelTicket => {
                self.form = None;
                None
            }
            Intent::SaveTicket(output) => {
                let wish = self.form.as_ref().and_then(|form| form.parse().ok());
                let order = wish
                    .zip(device)
                    .map(|(wish, master)| TeamOrder::MakeTicket {
                        master,
                        wish,
                        output,
                    });
                if order.is_some() {
                    self.form = None;
                }
                order
            }
            Intent::SetPolicy => {
                let wish = self.form.as_ref().and_then(|form| form.parse().ok());
                let order = wish.zip(device).map(|(wish, master)| TeamOrder::SetPolicy {
                    master,
                    custodians: wish.custodians(),
                });
                if order.is_some() {
                    self.form = None;
                }
                order
            }
            Intent::OpenTicket(files) => return (None, vec![Command::OpenTicket(files)]),
            Intent::CloseTicket => {
                self.close();
                None
            }
            Intent::ShowCode(is_shown) => {
                self.shows_code = is_shown;
                None
            }
            Intent::ApproveTicket => self.files().zip(device).and_then(|(files, serial)| {
                let file = files.first()?.clone();
                Some(TeamOrder::Approve { serial, file })
            }),
            Intent::WithdrawTicket => self.files().zip(device).map(|(files, serial)| {
                let files = files.to_owned();
                TeamOrder::Withdraw { serial, files }
            }),
            Intent::UseTicket => self.use_for_policy(device),
            _ => None,
        };
        (order, Vec::new())
    }

    fn use_for_policy(&self, device: Option<Serial>) -> Option<TeamOrder> {
        let opened = self.opened.as_ref()?;
        let Allows::Policy(policy) = &opened.facts.allows else {
            return None;
        };
        Some(TeamOrder::UsePolicy {
            master: device?,
            policy: policy.clone(),
            files: opened.files.clone(),
        })
    }

    fn close(&mut self) {
        self.opened = None;
        self.shows_code = false;
        self.is_for_cycle = false;
    }

    /// Handles a ticket that was opened, or why it was not.
    pub(super) fn follow(&mut self, opened: Result<Box<TicketView>, Problem>) -> Option<Problem> {
        match opened {
            Ok(view) => {
                let is_same = |before: &TicketView| before.facts == view.facts;
                if !self.opened.as_ref().is_some_and(is_same) {
                    self.close();
                }
                self.opened = Some(*view);
                None
            }
            Err(problem) => Some(problem),
        }
    }

    /// Handles what unlocked devices tell of their team.
    pub(super) fn hear(&mut self, told: BTreeMap<Serial, TeamFacts>) {
        self.told = told;
    }

    /// Returns what a device tells of its team while it is unlocked.
    pub fn told(&self, device: Serial) -> Option<&TeamFacts> {
        self.told.get(&device)
    }

    /// Returns what any device tells.
    pub fn all_told(&self) -> impl Iterator<Item = &TeamFacts> {
        self.told.values()
    }

    /// Returns the ticket that is open.
    pub const fn opened(&self) -> Option<&TicketView> {
        self.opened.as_ref()
    }

    /// Returns whether the code of that ticket is shown.
    pub const fn shows_code(&self) -> bool {
        self.shows_code
    }

    /// Returns the form.
    pub const fn form(&self) -> Option<&TicketForm> {
        self.form.as_ref()
    }

    fn files(&self) -> Option<&[PathBuf]> {
        self.opened.as_ref().map(|opened| &opened.files[..])
    }

    /// Returns the files of the ticket that is open, if it is for that.
    pub fn files_for(&self, kind: TicketKind) -> Vec<PathBuf> {
        let fits = |opened: &&TicketView| TicketKind::of(&opened.facts.allows) == kind;
        let opened = self.opened.as_ref().filter(fits);
        opened.map_or_else(Vec::new, |opened| opened.files.clone())
    }

    /// Returns whether the next cycle is shown the ticket.
    pub const fn is_for_cycle(&self) -> bool {
        self.is_for_cycle
    }

    /// Returns the files of the ticket that the next cycle is shown.
    pub(super) fn files_of_cycle(&self) -> Vec<PathBuf> {
        if self.is_for_cycle {
            self.files_for(TicketKind::Clone)
        } else {
            Vec::new()
        }
    }

    /// Uses the ticket in the next cycle, or not. Returns the page for it.
    pub(super) fn use_in_cycle(&mut self, is_used: bool) -> Option<Page> {
        self.is_for_cycle = is_used && !self.files_for(TicketKind::Clone).is_empty();
        self.is_for_cycle.then_some(Page::Clone)
    }
}
