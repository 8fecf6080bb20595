//! What the app shows and what the user may do. Plain data: no toolkit, no texts.
//!
//! Everything comes in through [`Model::act`] (from the user) and [`Model::hear`] (from the backend); [`Command`]s come out.
//! A screen shows [`Model`]'s fields; it only keeps what is being typed.

mod card;
mod cloning_page;
mod course;
mod entry;
mod files_page;
mod license;
mod message;
mod notice;
mod page;
mod places;
mod preferences;
mod team_order;
mod team_page;
#[cfg(test)]
mod tests;
mod tickets;

pub use card::{
    Card, CardState, CheckState, Checklist, Configured, MasterCard, MasterStatus, ModuleView, Part,
    Sharing,
};
pub use cloning_page::{CloningPage, Replacement};
pub use course::{Bar, STEPS};
pub use entry::PinChange;
pub use files_page::{
    Existing, FilesCourse, FilesEvent, FilesOrder, FilesOutcome, FilesPage, FilesProgress,
    Recipient, RecipientView, SharedFile, name_and_folder,
};
pub use license::{LicenseState, LicenseView};
pub use message::{Command, CycleEvent, Event, Intent, Surveyed};
pub use notice::Notice;
pub use page::Page;
pub use places::PLACES;
pub use preferences::{Appearance, LOCKS, Language, Preferences, TEXT_STEPS, WindowPlace};
pub use team_order::{TeamDone, TeamOrder, TeamOutcome};
pub use team_page::{Member, PastCycle, RekeyQuestion, Team, TeamCourse, TeamEvent, TeamPage};
pub use tickets::{FormError, TicketForm, TicketKind, TicketView, TicketWish, Tickets};

pub use keywriter::{
    nicknames::Nicknames,
    problem::{Problem, Reason},
};

use entry::pin_wait;
use keywriter::{genuine::TrustedRoot, report};
use std::path::PathBuf;

/// All state.
#[derive(Debug, Default)]
pub struct Model {
    /// The screen.
    pub page: Page,
    /// The user's preferences.
    pub preferences: Preferences,
    /// The system's language.
    pub system: Language,
    /// The names that the user gave to devices.
    pub nicknames: Nicknames,
    /// The license, as far as known.
    pub license: LicenseState,
    /// Whether a screen with a PIN waits for an answer.
    pub is_busy: bool,
    /// Why registration or login was refused.
    pub refusal: Option<Problem>,
    /// Seconds until the next PIN is accepted.
    pub wait: u64,
    /// The change of the app's PIN.
    pub pin_change: PinChange,
    /// Whether the cloning page has been opened.
    is_launched: bool,
    /// The page that opens after the login, because the app was locked on it.
    locked: Option<Page>,
    /// The notice above the page.
    pub notice: Option<Notice>,
    /// The root that the user is asked about, until the answer.
    pub root_question: Option<TrustedRoot>,
    /// The root that the user does not trust: asked once.
    declined_root: Option<TrustedRoot>,
    /// Whether the user is asked if the app may end while a cycle is running, or files are under way.
    pub quit_question: bool,
    /// Master, secondaries and the cycle.
    pub cloning: CloningPage,
    /// Files that are encrypted and decrypted.
    pub files: FilesPage,
    /// Who is in which team.
    pub team: TeamPage,
}

impl Model {
    /// Returns the language of all texts.
    pub fn language(&self) -> Language {
        self.preferences.language.unwrap_or(self.system)
    }

    /// Returns whether virtual modules may be used: the app has no PIN, or it was entered.
    pub const fn may_evaluate(&self) -> bool {
        self.is_launched || self.license.view().is_none()
    }

    /// Handles what the user does.
    pub fn act(&mut self, intent: Intent) -> Vec<Command> {
        if matches!(intent, Intent::ShowInFolder) {
            let file = self.notice.as_ref().and_then(Notice::file);
            return file
                .map(|file| Command::ShowInFolder(file.to_owned()))
                .into_iter()
                .collect();
        }
        if matches!(intent, Intent::OpenReport) {
            let Some(Notice::ReportSaved(file)) = &self.notice else {
                return Vec::new();
            };
            return vec![Command::OpenFile(file.with_extension("html"))];
        }
        if intent.tries_again() {
            self.notice = None;
        }
        match intent {
            Intent::Register {
                portal,
                number,
                pin,
            } => self.register(portal.trim(), &number, &pin),
            Intent::Evaluate if !self.may_evaluate() => Vec::new(),
            Intent::Continue if self.page != Page::Registered => Vec::new(),
            Intent::Evaluate | Intent::Continue => self.enter(),
            Intent::LogIn { pin } => self.log_in(&pin),
            Intent::OpenPage(page) => self.open(page),
            Intent::ChangePin {
                current,
                new,
                again,
            } => self.change_pin(&current, &new, &again),
            Intent::RefreshLicense => {
                self.is_busy = true;
                vec![Command::RefreshLicense]
            }
            Intent::Prefer(preferences) => {
                self.preferences = preferences;
                vec![Command::SavePreferences(preferences)]
            }
            Intent::Rename(serial, name) => {
                self.nicknames.set(serial, &name);
                vec![Command::SaveNicknames(self.nicknames.clone())]
            }
            Intent::Lock => {
                self.lock();
                Vec::new()
            }
            Intent::ExportSettings(path) => {
                vec![Command::ExportSettings(self.cloning.settings(), path)]
            }
            Intent::ImportSettings(path) => vec![Command::ImportSettings(path)],
            Intent::SaveReport(path) => vec![self.save_report(path, None)],
            Intent::ChooseCycle(place) => {
                self.team.choose_cycle(place);
                Vec::new()
            }
            Intent::SavePastReport(path) => self.save_past_report(path),
            Intent::OpenPurchasePage | Intent::OpenManual | Intent::OpenSupport => {
                vec![self.browse(&intent)]
            }
            Intent::Quit(place) => {
                self.preferences.window = place.or(self.preferences.window);
                self.quit_question = self.cloning.is_running() || self.files.is_running();
                self.quit(!self.quit_question)
            }
            Intent::AnswerQuit(is_wanted) => {
                let was_asked = std::mem::take(&mut self.quit_question);
                self.quit(was_asked && is_wanted)
            }
            _ if self.must_wait(&intent) => Vec::new(),
            Intent::AddFiles(paths) => {
                if !paths.is_empty() {
                    self.open(Page::Files);
                    if self.files.is_running() {
                        self.say(Notice::NotAdded);
                    }
                }
                self.files.act(Intent::AddFiles(paths))
            }
            Intent::UseTicket | Intent::DropTicket => self.use_ticket(intent),
            _ if intent.is_for_team() => self.team.act(intent),
            Intent::RemoveFile(_)
            | Intent::ClearFiles
            | Intent::SetAct(_)
            | Intent::ChooseSharer(_)
            | Intent::SetOutput(_)
            | Intent::StartFiles
            | Intent::AnswerExisting(_)
            | Intent::StopFiles
            | Intent::ShowFiles
            | Intent::AskRecipient => self.files.act(intent),
            Intent::TrustRoot {
                fingerprint,
                is_right,
            } => self.answer_about_root(&fingerprint, is_right),
            other => self.act_on_cycle(&other),
        }
    }

    /// Does what the ticket that is open allows; one for clones is shown to the next cycle.
    fn use_ticket(&mut self, intent: Intent) -> Vec<Command> {
        let is_used = matches!(intent, Intent::UseTicket);
        let is_for_clones = !self.team.tickets().files_for(TicketKind::Clone).is_empty();
        if is_used && !is_for_clones {
            return self.team.act(intent);
        }
        let page = self.team.use_in_cycle(is_used);
        page.map_or_else(Vec::new, |page| self.open(page))
    }

    fn act_on_cycle(&mut self, intent: &Intent) -> Vec<Command> {
        let commands = self.cloning.act(intent);
        let files = self.team.tickets().files_of_cycle();
        let shown = commands.into_iter().map(|command| match command {
            Command::Start(request) if !files.is_empty() => {
                Command::StartWith(request, files.clone())
            }
            command => command,
        });
        shown.collect()
    }

    /// Returns the page that is opened in a browser.
    fn browse(&self, intent: &Intent) -> Command {
        match intent {
            Intent::OpenManual => Command::OpenManual(self.language()),
            Intent::OpenSupport => Command::OpenSupport,
            _ => Command::OpenPurchasePage,
        }
    }

    fn save_past_report(&mut self, path: PathBuf) -> Vec<Command> {
        let cycle = self.team.take_cycle();
        let save = cycle.map(|cycle| self.save_report(path, Some(cycle)));
        save.into_iter().collect()
    }

    fn save_report(&self, path: PathBuf, cycle: Option<PastCycle>) -> Command {
        let language = match self.language() {
            Language::English => report::Language::English,
            Language::German => report::Language::German,
            Language::French => report::Language::French,
        };
        Command::SaveReport {
            path,
            language,
            cycle,
        }
    }

    /// Returns whether nothing can be done now: the modules work on one thing at a time.
    fn must_wait(&self, intent: &Intent) -> bool {
        let cloning = self.cloning.is_running();
        let (files, team) = (self.files.is_running(), self.team.is_running());
        match intent {
            Intent::StartFiles | Intent::AnswerExisting(Some(_)) | Intent::AskRecipient => {
                cloning || team
            }
            Intent::Start | Intent::Retry | Intent::AnswerReplacement(true) => files || team,
            // Not before the login, either.
            _ => intent.is_for_team() && (cloning || files || self.page != Page::Team),
        }
    }

    /// Handles what the backend reports.
    pub fn hear(&mut self, event: Event) -> Vec<Command> {
        match event {
            Event::Launched {
                license,
                master,
                preferences,
                language,
            } => {
                self.system = language;
                self.page = match &license {
                    LicenseState::Unregistered | LicenseState::Unknown => Page::Register,
                    LicenseState::Registered(_) => Page::Login,
                    LicenseState::Unreadable(problem) => {
                        self.notice = Some(Notice::Problem(problem.clone()));
                        Page::Register
                    }
                };
                self.license = license;
                self.preferences = preferences;
                match master {
                    Ok(state) => self.cloning.remember(state),
                    Err(problem) => self.notice = Some(Notice::Problem(problem)),
                }
            }
            Event::Named(nicknames) => self.nicknames = nicknames,
            Event::Registered(outcome) => {
                if self.settle(outcome) {
                    self.page = Page::Registered;
                }
            }
            Event::LoggedIn(outcome) => {
                if self.settle(outcome) {
                    return self.enter();
                }
            }
            Event::PinChanged(outcome) => {
                self.wait = outcome.as_ref().err().map_or(0, pin_wait);
                self.pin_change = outcome.map_or_else(PinChange::Refused, |()| PinChange::Changed);
            }
            Event::LicenseRefreshed(outcome) => {
                self.is_busy = false;
                let notice = match outcome {
                    Ok(license) => {
                        self.license = LicenseState::Registered(license);
                        Notice::LicenseRefreshed
                    }
                    Err((license, problem)) => {
                        self.license = license;
                        Notice::Problem(problem)
                    }
                };
                self.say(notice);
            }
            Event::Second => self.wait = self.wait.saturating_sub(1),
            Event::Exported(outcome) => {
                self.say(outcome.map_or_else(Notice::Problem, Notice::Exported));
            }
            Event::ReportSaved(outcome) => {
                self.say(outcome.map_or_else(Notice::Problem, Notice::ReportSaved));
            }
            Event::Imported(Ok(settings)) => {
                self.say(Notice::Imported);
                return self.cloning.import(settings);
            }
            Event::Imported(Err(problem)) | Event::NotSaved(problem) => {
                self.say(Notice::Problem(problem));
            }
            Event::Surveyed(surveyed) => {
                // What is being read does not change: the next survey asks about another root.
                if self.root_question.is_none() {
                    self.root_question = surveyed
                        .unknown_root
                        .clone()
                        .filter(|root| self.declined_root.as_ref() != Some(root));
                }
                self.files.survey(&surveyed);
                self.team.survey(&surveyed);
                self.cloning.survey(surveyed);
                let is_back = self.cloning.master_card().status == MasterStatus::Active;
                let solved = |notice: &mut Notice| matches!(notice, Notice::Problem(it) if it.reason == Reason::MasterLost);
                if is_back {
                    self.notice.take_if(solved);
                }
                if self.page == Page::Team && self.team.has_news() {
                    return vec![Command::AskTeams];
                }
            }
            Event::Cycle(event) => {
                let ended = matches!(event, CycleEvent::Ended(_));
                if let Some(notice) = self.cloning.follow(event) {
                    self.say(notice);
                }
                if ended {
                    self.quit_question = false;
                    return vec![self.cloning.look()];
                }
            }
            Event::Files(event) => return self.follow_files(event),
            Event::Team(event) => return self.follow_team(event),
        }
        Vec::new()
    }

    fn follow_files(&mut self, event: FilesEvent) -> Vec<Command> {
        let is_over = matches!(
            event,
            FilesEvent::Existing(_) | FilesEvent::Refused(_) | FilesEvent::Ended(_)
        );
        if let Some(problem) = self.files.follow(event) {
            self.say(Notice::Problem(problem));
        }
        if !is_over {
            return Vec::new();
        }
        self.quit_question = false;
        // The files had the devices for themselves.
        vec![self.cloning.look()]
    }

    fn follow_team(&mut self, event: TeamEvent) -> Vec<Command> {
        let is_over = matches!(event, TeamEvent::Ended(_));
        let ticket = self.team.saved_ticket(&event);
        if let Some(problem) = self.team.follow(event) {
            self.say(Notice::Problem(problem));
        }
        if !is_over {
            return Vec::new();
        }
        // It changes with the epoch.
        self.files.forget_recipient();
        let mut commands = vec![Command::ListTeams, self.cloning.look(), Command::AskTeams];
        commands.extend(ticket.map(Command::OpenTicket));
        commands
    }

    fn quit(&self, is_wanted: bool) -> Vec<Command> {
        if !is_wanted {
            return Vec::new();
        }
        vec![Command::SavePreferences(self.preferences), Command::Quit]
    }

    /// Pins the root that the user was asked about, or does not ask again. An answer about another root is none.
    fn answer_about_root(&mut self, fingerprint: &str, is_right: bool) -> Vec<Command> {
        let shown = |root: &mut TrustedRoot| root.fingerprint() == fingerprint;
        let Some(root) = self.root_question.take_if(shown) else {
            return Vec::new();
        };
        if is_right {
            return vec![Command::PinRoot(root), self.cloning.look()];
        }
        self.declined_root = Some(root);
        Vec::new()
    }

    fn say(&mut self, notice: Notice) {
        let shown = self.notice.as_ref();
        if shown.is_none_or(|shown| notice.may_replace(shown)) {
            self.notice = Some(notice);
        }
    }
}
