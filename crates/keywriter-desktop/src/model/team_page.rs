//! The page of the team: who is in it, and the letters that bring its keys to devices elsewhere.

use super::{
    Command, Intent, ModuleView, Page, Problem, Reason, Sharing, Surveyed, TeamOrder, TeamOutcome,
    TicketKind, TicketView, Tickets,
};
use keywriter::{
    Options, Serial,
    asking::Asked,
    team::{Rekey, TeamFacts},
    teamwork::Mail,
    text::hex,
    ticket::Allows,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The members, and what is done with letters.
#[derive(Debug, Default)]
pub struct TeamPage {
    teams: Vec<Team>,
    cycles: Vec<PastCycle>,
    /// The cycle whose report is to be saved, until it has a file.
    reported: Option<PastCycle>,
    /// The device that the user chose to work with.
    chosen: Option<Serial>,
    devices: Vec<(Serial, Sharing)>,
    /// The requests that letters are to be written for, until the letters have a file.
    requests: Vec<PathBuf>,
    /// What is to be re-keyed, until the user has answered.
    rekey: Option<RekeyQuestion>,
    course: TeamCourse,
    tickets: Tickets,
    /// The devices that were unlocked when they were last asked what they know of their team.
    asked: BTreeSet<Serial>,
}

/// A team, as the receipts on this computer prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its group.
    pub group: [u8; 16],
    /// By serial number.
    pub members: Vec<Member>,
}

impl Team {
    /// Returns its group in hexadecimal digits.
    pub fn group_text(&self) -> String {
        hex(&self.group)
    }

    /// Returns the newest epoch that a member is known to have.
    pub fn newest(&self) -> u32 {
        let epochs = self.members.iter().map(|member| member.epoch);
        epochs.max().unwrap_or_default()
    }
}

/// A member of a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its serial number.
    pub serial: Serial,
    /// The newest epoch that it is known to have.
    pub epoch: u32,
    /// The master that gave it.
    pub master: Serial,
    /// Whether this computer has its letterbox: a letter can be written while it is elsewhere.
    pub has_letterbox: bool,
    /// When its receipt was kept, by this computer's clock; may be empty.
    pub since: String,
    /// Whether a letter is under way to it, or its reply.
    pub is_outstanding: bool,
    /// The hash of its certificate.
    pub certificate: [u8; 48],
    /// The cycle of the master that its receipt is of.
    pub cycle: u32,
    /// Whether custodians allowed it by a ticket.
    pub is_by_ticket: bool,
}

/// A cycle, or a letter, whose receipts are on this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCycle {
    /// When the last receipt was kept, by this computer's clock.
    pub day: String,
    /// Who cloned.
    pub master: Serial,
    /// Its number on the master.
    pub number: u32,
    /// The choices that the master was given.
    pub options: Options,
    /// The files of the receipts.
    pub receipts: Vec<PathBuf>,
}

/// Whom a re-key is to leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RekeyQuestion {
    /// The members, each with whether it stays.
    pub members: Vec<(Serial, bool)>,
    /// What a ticket allows: then there is nothing to choose.
    pub allowed: Option<Rekey>,
}

impl RekeyQuestion {
    /// Returns what is to be done: the ticket's, or without the members that do not stay.
    pub fn rekey(&self) -> Rekey {
        self.allowed.clone().unwrap_or_else(|| {
            let out = self.members.iter().filter(|(_, stays)| !stays);
            Rekey {
                without: out.map(|(serial, _)| *serial).collect(),
                may_drop: false,
            }
        })
    }
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TeamCourse {
    /// Nothing is done.
    #[default]
    Idle,
    /// A device works.
    Running {
        /// The device that waits for a person at its keypad, and for what.
        asks: Option<(Serial, Asked)>,
    },
    /// What became of it.
    Ended(TeamOutcome),
}

/// What happens to a team.
#[derive(Clone, Debug)]
pub enum TeamEvent {
    /// Who is in which team.
    Listed(Vec<Team>),
    /// The cycles whose receipts are here, the newest first.
    Past(Vec<PastCycle>),
    /// A device waits for a person at its keypad.
    Asks(Serial, Asked),
    /// What the unlocked devices tell of their teams.
    Told(BTreeMap<Serial, TeamFacts>),
    /// A ticket was opened, or not.
    Opened(Result<Box<TicketView>, Problem>),
    /// It is over.
    Ended(Result<TeamOutcome, Problem>),
}

impl TeamPage {
    pub(super) fn act(&mut self, intent: Intent) -> Vec<Command> {
        if matches!(intent, Intent::ShowMail) {
            return self.mail().map(Command::ShowInFolder).into_iter().collect();
        }
        if self.is_running() {
            return Vec::new();
        }
        let device = self.device();
        if intent.is_for_tickets() {
            return self.act_on_ticket(intent, device);
        }
        let order = match intent {
            Intent::ChooseDevice(serial) => {
                self.chosen = Some(serial);
                None
            }
            Intent::RequestLetter(output) => {
                device.map(|serial| TeamOrder::Request { serial, output })
            }
            Intent::ChooseRequests(requests) => {
                self.requests = requests;
                None
            }
            Intent::WriteLetters(output) => {
                let requests = std::mem::take(&mut self.requests);
                device
                    .filter(|_| !requests.is_empty())
                    .map(|master| TeamOrder::Write {
                        master,
                        requests,
                        tickets: self.tickets.files_for(TicketKind::Letter),
                        output,
                    })
            }
            Intent::TakeLetters(file) => Some(TeamOrder::Take(file)),
            Intent::CloseLetters(replies) => device
                .filter(|_| !replies.is_empty())
                .map(|master| TeamOrder::Close { master, replies }),
            Intent::AskRekey => {
                self.ask_rekey(None);
                None
            }
            Intent::KeepMember(serial, stays) => {
                let open = self.rekey.iter_mut().filter(|it| it.allowed.is_none());
                let members = open.flat_map(|it| &mut it.members);
                for (_, kept) in members.filter(|(member, _)| *member == serial) {
                    *kept = stays;
                }
                None
            }
            Intent::CancelRekey => {
                self.rekey = None;
                None
            }
            Intent::Rekey(output) => {
                let question = self.rekey.take();
                question
                    .zip(device)
                    .map(|(question, master)| TeamOrder::Rekey {
                        master,
                        tickets: match question.allowed {
                            Some(_) => self.tickets.files_for(TicketKind::Rekey),
                            None => Vec::new(),
                        },
                        rekey: question.rekey(),
                        output,
                    })
            }
            _ => None,
        };
        self.begin(order)
    }

    fn begin(&mut self, order: Option<TeamOrder>) -> Vec<Command> {
        let Some(order) = order else {
            return Vec::new();
        };
        self.course = TeamCourse::Running { asks: None };
        vec![Command::ServeTeam(order)]
    }

    fn act_on_ticket(&mut self, intent: Intent, device: Option<Serial>) -> Vec<Command> {
        if matches!(intent, Intent::UseTicket) {
            let opened = self.tickets.opened();
            if let Some(Allows::Rekey(rekey)) = opened.map(|opened| opened.facts.allows.clone()) {
                self.ask_rekey(Some(rekey));
                return Vec::new();
            }
        }
        let (order, mut commands) = self.tickets.act(intent, device);
        commands.extend(self.begin(order));
        commands
    }

    /// Uses the ticket that is open in the next cycle, or not. Returns the page for it.
    pub(super) fn use_in_cycle(&mut self, is_used: bool) -> Option<Page> {
        self.tickets.use_in_cycle(is_used)
    }

    /// Returns the files of a ticket that was made or approved: it is shown as it is now.
    pub(super) fn saved_ticket(&self, event: &TeamEvent) -> Option<Vec<PathBuf>> {
        let TeamEvent::Ended(Ok(outcome)) = event else {
            return None;
        };
        let (Mail::Ticket, file) = outcome.mail.as_ref()? else {
            return None;
        };
        let opened = self.tickets.opened().map(|opened| &opened.files);
        let files = opened.filter(|files| files.contains(file)).cloned();
        Some(files.unwrap_or_else(|| vec![file.clone()]))
    }

    /// Returns whether other devices are unlocked than those that were asked about their team.
    pub(super) fn has_news(&mut self) -> bool {
        let unlocked = |(serial, sharing): &(Serial, Sharing)| {
            matches!(sharing, Sharing::Unlocked { .. }).then_some(*serial)
        };
        let unlocked: BTreeSet<_> = self.devices.iter().filter_map(unlocked).collect();
        let is_new = unlocked != self.asked;
        self.asked = unlocked;
        is_new
    }

    /// Returns the tickets.
    pub const fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    fn ask_rekey(&mut self, allowed: Option<Rekey>) {
        let Some(master) = self.device() else {
            return;
        };
        let group = self.group_of(master);
        let team = self.teams.iter().find(|team| Some(team.group) == group);
        let members = team.into_iter().flat_map(|team| &team.members);
        let others = members.filter(|member| member.serial != master);
        let stays = |serial: &Serial| {
            let allowed = allowed.as_ref();
            allowed.is_none_or(|rekey| !rekey.without.contains(serial))
        };
        self.rekey = Some(RekeyQuestion {
            members: others
                .map(|member| (member.serial, stays(&member.serial)))
                .collect(),
            allowed,
        });
    }

    pub(super) fn survey(&mut self, surveyed: &Surveyed) {
        let devices = surveyed.modules.iter();
        let device = |ModuleView {
                          serial, sharing, ..
                      }: &ModuleView| (*serial, sharing.clone());
        self.devices = devices.map(device).collect();
    }

    /// Handles what happens; returns a problem to be said.
    pub(super) fn follow(&mut self, event: TeamEvent) -> Option<Problem> {
        match event {
            TeamEvent::Listed(teams) => self.teams = teams,
            TeamEvent::Past(cycles) => self.cycles = cycles,
            TeamEvent::Asks(serial, what) => {
                self.course = TeamCourse::Running {
                    asks: Some((serial, what)),
                };
            }
            TeamEvent::Told(told) => self.tickets.hear(told),
            TeamEvent::Opened(opened) => return self.tickets.follow(opened),
            TeamEvent::Ended(Ok(outcome)) => self.course = TeamCourse::Ended(outcome),
            TeamEvent::Ended(Err(problem)) => {
                self.course = TeamCourse::Idle;
                return Some(problem);
            }
        }
        None
    }

    /// Returns the teams that receipts on this computer prove.
    pub fn teams(&self) -> &[Team] {
        &self.teams
    }

    /// Returns the cycles whose receipts are on this computer, the newest first.
    pub fn cycles(&self) -> &[PastCycle] {
        &self.cycles
    }

    pub(super) fn choose_cycle(&mut self, place: usize) {
        self.reported = self.cycles.get(place).cloned();
    }

    pub(super) fn take_cycle(&mut self) -> Option<PastCycle> {
        self.reported.take()
    }

    /// Returns the devices that are plugged in.
    pub fn devices(&self) -> &[(Serial, Sharing)] {
        &self.devices
    }

    /// Returns how far it is.
    pub const fn course(&self) -> &TeamCourse {
        &self.course
    }

    /// Returns what the user is asked before a re-key.
    pub const fn rekey(&self) -> Option<&RekeyQuestion> {
        self.rekey.as_ref()
    }

    /// Returns whether a device works on letters, or re-keys its team.
    pub const fn is_running(&self) -> bool {
        matches!(self.course, TeamCourse::Running { .. })
    }

    /// Returns the device to work with: the chosen one, or the first that is unlocked, or the first.
    pub fn device(&self) -> Option<Serial> {
        let find = |is_it: &dyn Fn(&(Serial, Sharing)) -> bool| {
            self.devices.iter().find(|device| is_it(device))
        };
        let is_unlocked = |sharing: &Sharing| matches!(sharing, Sharing::Unlocked { .. });
        find(&|(serial, _)| Some(*serial) == self.chosen)
            .or_else(|| find(&|(_, sharing)| is_unlocked(sharing)))
            .or_else(|| self.devices.first())
            .map(|(serial, _)| *serial)
    }

    /// Returns what is missing before a letter can be asked for.
    pub fn lack(&self) -> Option<Problem> {
        self.devices.is_empty().then(|| Reason::NoModule.into())
    }

    /// Returns what is missing before letters can be written and closed, and the team re-keyed.
    pub fn master_lack(&self) -> Option<Problem> {
        let device = self.device()?;
        let mut devices = self.devices.iter();
        let (_, sharing) = devices.find(|(serial, _)| *serial == device)?;
        Self::unfit(sharing)
    }

    /// Returns why a device can neither write letters nor re-key its team.
    pub fn unfit(sharing: &Sharing) -> Option<Problem> {
        match sharing {
            Sharing::Unlocked { .. } => None,
            Sharing::Locked => Some(Reason::Locked.into()),
            Sharing::Unfit(why) => Some(why.clone()),
        }
    }

    fn group_of(&self, device: Serial) -> Option<[u8; 16]> {
        let found = self.devices.iter().find(|(serial, _)| *serial == device);
        match found {
            Some((_, Sharing::Unlocked { group })) => Some(*group),
            _ => None,
        }
    }

    /// Returns the file that was saved, to be shown where it lies.
    fn mail(&self) -> Option<PathBuf> {
        let TeamCourse::Ended(outcome) = &self.course else {
            return None;
        };
        outcome.mail.as_ref().map(|(_, path)| path.clone())
    }
}
