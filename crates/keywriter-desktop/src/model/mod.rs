//! What the app shows and lets its user do. Plain data: no toolkit, no text to read.
//!
//! Everything comes in through [`Model::act`] (the user) and [`Model::hear`] (the backend), and what is to be done comes out as
//! [`Command`]s. A screen shows [`Model`]'s fields; it keeps no state of its own but what is being typed.

mod bench;
mod card;
mod license;
mod message;
#[cfg(test)]
mod tests;
mod trouble;

pub use bench::{Bar, Bench, PLACES, Progress, STEPS};
pub use card::{
    Card, CardState, CheckState, Checklist, Configured, MasterCard, MasterStatus, ModuleView, Part,
};
pub use license::{LicenseState, LicenseView};
pub use message::{Command, CycleEvent, Event, Intent, Surveyed};
pub use trouble::{Reason, Trouble};

use keywriter::{
    license::{LicenseNumber, Pin},
    report,
};

/// A screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// Nothing is known yet.
    #[default]
    Starting,
    /// License number and PIN.
    Register,
    /// Registration successful.
    Registered,
    /// The PIN, at each launch.
    Login,
    /// Master and secondaries.
    Clone,
    /// Change PIN.
    ChangePin,
    /// About, with licenses of what is used.
    About,
}

/// Which colors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Appearance {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// A language of the app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
    /// French.
    #[serde(rename = "fr")]
    French,
}

/// How this user likes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Preferences {
    /// `None`: the system's.
    #[serde(default)]
    pub language: Option<Language>,
    /// Light or dark.
    #[serde(default)]
    pub appearance: Appearance,
    /// Steps of text size above the normal one, 0 to [`TEXT_STEPS`].
    #[serde(default)]
    pub text: u8,
}

/// The most steps of text size.
pub const TEXT_STEPS: u8 = 2;

/// Something to tell above the page, until something else is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Settings were exported to a file.
    Exported(String),
    /// Settings were imported.
    Imported,
    /// A report was saved.
    ReportSaved(String),
    /// The license was refreshed.
    LicenseRefreshed,
    /// Something went wrong.
    Trouble(Trouble),
}

/// Where a change of the app's PIN stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PinChange {
    /// Being typed.
    #[default]
    Typing,
    /// Under way.
    Busy,
    /// It counts from the next launch.
    Changed,
    /// Refused.
    Refused(Trouble),
}

/// All state.
#[derive(Debug, Default)]
pub struct Model {
    /// The screen.
    pub page: Page,
    /// How the user likes it.
    pub preferences: Preferences,
    /// The system's language.
    pub system: Language,
    /// The license, as far as known.
    pub license: LicenseState,
    /// What is waited for on the screens with a PIN.
    pub is_busy: bool,
    /// Why registration or login was refused.
    pub refusal: Option<Trouble>,
    /// Seconds until the next PIN is taken.
    pub wait: u64,
    /// The change of the app's PIN.
    pub pin_change: PinChange,
    /// The page with the modules was open.
    is_launched: bool,
    /// Told above the page.
    pub notice: Option<Notice>,
    /// Master, secondaries and the cycle.
    pub bench: Bench,
}

impl Model {
    /// The language of all texts.
    pub fn language(&self) -> Language {
        self.preferences.language.unwrap_or(self.system)
    }

    /// Whether virtual modules may be used without the app's PIN: where there is none, or it was given.
    pub const fn may_evaluate(&self) -> bool {
        self.is_launched || self.license.view().is_none()
    }

    /// Takes what the user does.
    pub fn act(&mut self, intent: Intent) -> Vec<Command> {
        self.notice = None;
        match intent {
            Intent::Register { number, pin } => self.register(&number, &pin),
            Intent::Evaluate if !self.may_evaluate() => Vec::new(),
            Intent::Evaluate | Intent::Continue => self.enter(),
            Intent::LogIn { pin } => self.log_in(&pin),
            Intent::OpenPage(page) => {
                self.open(page);
                Vec::new()
            }
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
            Intent::ExportSettings(path) => {
                vec![Command::ExportSettings(self.bench.settings(), path)]
            }
            Intent::ImportSettings(path) => vec![Command::ImportSettings(path)],
            Intent::SaveReport(path) => {
                let language = match self.language() {
                    Language::English => report::Language::English,
                    Language::German => report::Language::German,
                    Language::French => report::Language::French,
                };
                vec![Command::SaveReport { path, language }]
            }
            Intent::OpenPurchasePage => vec![Command::OpenPurchasePage],
            other => self.bench.act(&other),
        }
    }

    /// Takes what the backend tells.
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
                    LicenseState::Unreadable(trouble) => {
                        self.notice = Some(Notice::Trouble(trouble.clone()));
                        Page::Register
                    }
                };
                self.license = license;
                self.preferences = preferences;
                match master {
                    Ok(state) => self.bench.remember(state),
                    Err(trouble) => self.notice = Some(Notice::Trouble(trouble)),
                }
            }
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
                self.pin_change = outcome.map_or_else(PinChange::Refused, |()| PinChange::Changed);
            }
            Event::LicenseRefreshed(outcome) => {
                self.is_busy = false;
                self.notice = Some(match outcome {
                    Ok(license) => {
                        self.license = LicenseState::Registered(license);
                        Notice::LicenseRefreshed
                    }
                    Err((license, trouble)) => {
                        self.license = license;
                        Notice::Trouble(trouble)
                    }
                });
            }
            Event::Second => self.wait = self.wait.saturating_sub(1),
            Event::Exported(outcome) => self.tell(outcome.map(Notice::Exported)),
            Event::ReportSaved(outcome) => self.tell(outcome.map(Notice::ReportSaved)),
            Event::Imported(Ok(settings)) => {
                self.notice = Some(Notice::Imported);
                return self.bench.import(settings);
            }
            Event::Imported(Err(trouble)) | Event::NotSaved(trouble) => {
                self.notice = Some(Notice::Trouble(trouble));
            }
            Event::Surveyed(surveyed) => self.bench.survey(surveyed),
            Event::Cycle(event) => {
                let ended = matches!(event, CycleEvent::Ended(_));
                if let Some(trouble) = self.bench.follow(event) {
                    self.notice = Some(Notice::Trouble(trouble));
                }
                if ended {
                    return vec![self.bench.look()];
                }
            }
        }
        Vec::new()
    }

    fn register(&mut self, number: &str, pin: &str) -> Vec<Command> {
        let number = match LicenseNumber::parse(number) {
            Ok(number) => number,
            Err(error) => return self.refuse(error.into()),
        };
        match Pin::parse(pin) {
            Ok(pin) => self.wait_for(Command::Register { number, pin }),
            Err(error) => self.refuse(error.into()),
        }
    }

    fn log_in(&mut self, pin: &str) -> Vec<Command> {
        if self.wait > 0 {
            return Vec::new();
        }
        match Pin::parse(pin) {
            Ok(pin) => self.wait_for(Command::LogIn { pin }),
            Err(error) => self.refuse(error.into()),
        }
    }

    fn change_pin(&mut self, current: &str, new: &str, again: &str) -> Vec<Command> {
        let parsed = if new == again {
            Pin::parse(current)
                .and_then(|current| Ok((current, Pin::parse(new)?)))
                .map_err(Trouble::from)
        } else {
            Err(Reason::PinsDiffer.into())
        };
        match parsed {
            Ok((current, new)) => {
                self.pin_change = PinChange::Busy;
                vec![Command::ChangePin { current, new }]
            }
            Err(trouble) => {
                self.pin_change = PinChange::Refused(trouble);
                Vec::new()
            }
        }
    }

    fn wait_for(&mut self, command: Command) -> Vec<Command> {
        if self.is_busy {
            return Vec::new();
        }
        self.is_busy = true;
        self.refusal = None;
        vec![command]
    }

    fn refuse(&mut self, trouble: Trouble) -> Vec<Command> {
        self.refusal = Some(trouble);
        Vec::new()
    }

    /// Whether registration or login succeeded.
    fn settle(&mut self, outcome: Result<LicenseView, Trouble>) -> bool {
        self.is_busy = false;
        match outcome {
            Ok(license) => {
                self.license = LicenseState::Registered(license);
                self.refusal = None;
                self.wait = 0;
                true
            }
            Err(trouble) => {
                // A portal's patience does not keep a PIN from being tried; only a PIN's own delay does.
                let is_pins = matches!(trouble.reason, Reason::PinWrong | Reason::PinWait);
                self.wait = if is_pins { trouble.seconds } else { 0 };
                self.refusal = Some(trouble);
                false
            }
        }
    }

    fn enter(&mut self) -> Vec<Command> {
        self.is_launched = true;
        self.page = Page::Clone;
        self.refusal = None;
        vec![self.bench.look()]
    }

    /// Pages that only a launched app has are not opened before that.
    fn open(&mut self, page: Page) {
        let is_inside = matches!(self.page, Page::Clone | Page::ChangePin | Page::About);
        let is_allowed = match page {
            Page::Clone | Page::About => is_inside,
            Page::ChangePin => is_inside && matches!(self.license, LicenseState::Registered(_)),
            Page::Register => !is_inside || (self.needs_registration() && !self.bench.is_running()),
            Page::Login => !is_inside,
            Page::Starting | Page::Registered => false,
        };
        if is_allowed {
            self.page = page;
            self.refusal = None;
            self.pin_change = PinChange::Typing;
        }
    }

    /// Whether there is no license that lets hardware modules be cloned.
    fn needs_registration(&self) -> bool {
        self.license
            .view()
            .is_none_or(|view| view.problem.is_some())
    }

    fn tell(&mut self, outcome: Result<Notice, Trouble>) {
        self.notice = Some(outcome.unwrap_or_else(Notice::Trouble));
    }
}
