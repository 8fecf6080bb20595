//! What goes in and comes out of the model.

use super::{
    FilesEvent, FilesOrder, Language, LicenseState, LicenseView, ModuleView, Nicknames, Page,
    PastCycle, Preferences, Problem, TeamEvent, TeamOrder, TicketForm, WindowPlace,
};
use keywriter::{
    Serial,
    cycle::{Summary, plan::Request},
    genuine::TrustedRoot,
    license::{LicenseNumber, Pin},
    settings::{MasterState, Settings},
    share::paths::Act,
};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What the user does. No `Debug`: it contains PINs.
pub enum Intent {
    /// Register with the portal.
    Register {
        /// Its address, as typed.
        portal: String,
        /// As typed.
        number: String,
        /// As typed.
        pin: Zeroizing<String>,
    },
    /// Use virtual modules without a license.
    Evaluate,
    /// Continue after registration.
    Continue,
    /// Log in.
    LogIn {
        /// As typed.
        pin: Zeroizing<String>,
    },
    /// Another page.
    OpenPage(Page),
    /// Change PIN.
    ChangePin {
        /// As typed.
        current: Zeroizing<String>,
        /// As typed.
        new: Zeroizing<String>,
        /// The new one again.
        again: Zeroizing<String>,
    },
    /// Ask the portal for a fresh license.
    RefreshLicense,
    /// Language, colors, text size, time until it locks.
    Prefer(Preferences),
    /// Give a device a name.
    Rename(Serial, String),
    /// Ask for the app's PIN again, because there was no input for a time.
    Lock,
    /// Show another module as a candidate for the master.
    Choose(Serial),
    /// Copy the unattended auto-lock, or not.
    SetAutoLock(bool),
    /// Copy the User PIN policy, or not.
    SetUserPinPolicy(bool),
    /// Disable the master after a cycle, or not.
    SetDisableMaster(bool),
    /// Set as Master.
    SetMaster,
    /// Choose another master.
    ReleaseMaster,
    /// Look at the modules again.
    LookAgain,
    /// Include a secondary in the next cycle, or leave it out.
    Include(Serial, bool),
    /// Start. Asks first if a device would lose its key.
    Start,
    /// Replace the devices that were named, or do not start.
    AnswerReplacement(bool),
    /// Start no further secondary.
    Stop,
    /// Start again with only the failed secondaries.
    Retry,
    /// Export settings to a file.
    ExportSettings(PathBuf),
    /// Import settings from a file.
    ImportSettings(PathBuf),
    /// Save the report of the last cycle, as a `.json` file and a page.
    SaveReport(PathBuf),
    /// The report of that past cycle is to be saved.
    ChooseCycle(usize),
    /// Save it, as a `.json` file and a page.
    SavePastReport(PathBuf),
    /// Add files and folders to those that are to be shared.
    AddFiles(Vec<PathBuf>),
    /// Remove the one in that place.
    RemoveFile(usize),
    /// Remove all of them, and what became of them.
    ClearFiles,
    /// Encrypt them, or decrypt them.
    SetAct(Act),
    /// Encrypt with that device.
    ChooseSharer(Serial),
    /// Write the results into that folder; `None`: beside what they are made of.
    SetOutput(Option<PathBuf>),
    /// Encrypt or decrypt. Asks first if files would be replaced.
    StartFiles,
    /// Replace the files that were named, keep them, or do nothing.
    AnswerExisting(Option<bool>),
    /// Do not finish the file that is under way, and begin no other.
    StopFiles,
    /// Show a result where it lies.
    ShowFiles,
    /// Show the team's recipient.
    AskRecipient,
    /// Work with that device for the team.
    ChooseDevice(Serial),
    /// Write the device's letterbox into that file.
    RequestLetter(PathBuf),
    /// Letters are to be written for these requests.
    ChooseRequests(Vec<PathBuf>),
    /// Write the letters into that file.
    WriteLetters(PathBuf),
    /// Give the letters of that file to the devices that they are for.
    TakeLetters(PathBuf),
    /// Check the receipts of these replies.
    CloseLetters(Vec<PathBuf>),
    /// Re-key the team. Asks first whom to leave out.
    AskRekey,
    /// A member is to stay in the team, or not.
    KeepMember(Serial, bool),
    /// Do not re-key the team.
    CancelRekey,
    /// Re-key it, and write letters into that file.
    Rekey(PathBuf),
    /// Show the file that is to be mailed where it lies.
    ShowMail,
    /// Fill in the form of a ticket, or of a policy that is set at once.
    AskTicket {
        /// Whether the policy is set at once.
        is_now: bool,
    },
    /// The form as it is typed now.
    EditTicket(TicketForm),
    /// Leave the form.
    CancelTicket,
    /// Write the ticket into that file.
    SaveTicket(PathBuf),
    /// Give the team the policy of the form.
    SetPolicy,
    /// Open the ticket in these files.
    OpenTicket(Vec<PathBuf>),
    /// Close it.
    CloseTicket,
    /// Show the ticket's code on this screen, or not.
    ShowCode(bool),
    /// Approve the ticket with the device.
    ApproveTicket,
    /// End the ticket on its master.
    WithdrawTicket,
    /// Do what the ticket allows.
    UseTicket,
    /// Do not show the ticket in the next cycle.
    DropTicket,
    /// Show a notice's file where it lies.
    ShowInFolder,
    /// Open the page of the report that was saved, to read and print it.
    OpenReport,
    /// Open the page where licenses are sold.
    OpenPurchasePage,
    /// Open the user's manual.
    OpenManual,
    /// Open the page that says how support is reached.
    OpenSupport,
    /// Close the window, which has this place. Asks first if a cycle is running.
    Quit(Option<WindowPlace>),
    /// Close it although a cycle is running, or not.
    AnswerQuit(bool),
    /// Trust the root that was shown, or not.
    TrustRoot {
        /// The fingerprint that was shown.
        fingerprint: String,
        /// Whether it is the right one.
        is_right: bool,
    },
}

impl Intent {
    /// Returns whether it begins something anew, so that what was said before is over.
    pub(super) const fn tries_again(&self) -> bool {
        !matches!(
            self,
            Self::Prefer(_)
                | Self::Lock
                | Self::Rename(..)
                | Self::Choose(_)
                | Self::Include(..)
                | Self::SetAutoLock(_)
                | Self::SetUserPinPolicy(_)
                | Self::SetDisableMaster(_)
                | Self::OpenPage(_)
                | Self::Stop
                | Self::StopFiles
                | Self::AddFiles(_)
                | Self::RemoveFile(_)
                | Self::SetAct(_)
                | Self::ChooseSharer(_)
                | Self::SetOutput(_)
                | Self::ChooseDevice(_)
                | Self::KeepMember(..)
                | Self::EditTicket(_)
                | Self::ShowCode(_)
                | Self::Quit(_)
                | Self::AnswerQuit(_)
        )
    }

    /// Returns whether it is about the team.
    pub(super) const fn is_for_team(&self) -> bool {
        matches!(
            self,
            Self::ChooseDevice(_)
                | Self::RequestLetter(_)
                | Self::ChooseRequests(_)
                | Self::WriteLetters(_)
                | Self::TakeLetters(_)
                | Self::CloseLetters(_)
                | Self::AskRekey
                | Self::KeepMember(..)
                | Self::CancelRekey
                | Self::Rekey(_)
                | Self::ShowMail
        ) || self.is_for_tickets()
    }

    /// Returns whether it is about tickets.
    pub(super) const fn is_for_tickets(&self) -> bool {
        matches!(
            self,
            Self::AskTicket { .. }
                | Self::EditTicket(_)
                | Self::CancelTicket
                | Self::SaveTicket(_)
                | Self::SetPolicy
                | Self::OpenTicket(_)
                | Self::CloseTicket
                | Self::ShowCode(_)
                | Self::ApproveTicket
                | Self::WithdrawTicket
                | Self::UseTicket
        )
    }
}

/// What the backend must do. No `Debug`: it contains PINs.
pub enum Command {
    /// Register with the portal.
    Register {
        /// Its address.
        portal: String,
        /// The license.
        number: LicenseNumber,
        /// Its PIN, which becomes the app's PIN.
        pin: Pin,
    },
    /// Launch with the app's PIN.
    LogIn {
        /// The PIN.
        pin: Pin,
    },
    /// Change the app's PIN.
    ChangePin {
        /// The current one.
        current: Pin,
        /// The new one.
        new: Pin,
    },
    /// Ask the portal for a fresh license.
    RefreshLicense,
    /// Save the preferences.
    SavePreferences(Preferences),
    /// Save the names of devices.
    SaveNicknames(Nicknames),
    /// Save the master and the choices; `None`: there is no master any more.
    SaveMaster(Option<MasterState>),
    /// Watch the modules, and report what a cycle would do; `None`: there is no master yet.
    Look(Option<Request>),
    /// Run a cycle.
    Start(Request),
    /// Run a cycle that the ticket in these files allows.
    StartWith(Request, Vec<PathBuf>),
    /// Start no further secondary.
    Stop,
    /// Write a settings file.
    ExportSettings(Settings, PathBuf),
    /// Read a settings file.
    ImportSettings(PathBuf),
    /// Write the report of a cycle.
    SaveReport {
        /// The `.json` file; the page is saved in the same folder.
        path: PathBuf,
        /// The page's language.
        language: keywriter::report::Language,
        /// The past cycle; `None`: the last one, with what failed.
        cycle: Option<PastCycle>,
    },
    /// Encrypt or decrypt files.
    ShareFiles(FilesOrder),
    /// Leave the file that is under way, and the rest.
    StopFiles,
    /// Ask for the recipient of that device's team; `None`: of the one that is unlocked.
    AskRecipient(Option<Serial>),
    /// Read who is in which team.
    ListTeams,
    /// Ask the devices that are unlocked what they know of their team.
    AskTeams,
    /// Read the ticket in these files.
    OpenTicket(Vec<PathBuf>),
    /// Carry letters, or re-key a team.
    ServeTeam(TeamOrder),
    /// Show a file where it lies.
    ShowInFolder(PathBuf),
    /// Open a page that was saved, in a browser.
    OpenFile(PathBuf),
    /// Show the portal's purchase page in a browser.
    OpenPurchasePage,
    /// Show the user's manual in that language in a browser.
    OpenManual(Language),
    /// Show the portal's page in a browser: its foot says how support is reached.
    OpenSupport,
    /// Trust a root from now on.
    PinRoot(TrustedRoot),
    /// End the program.
    Quit,
}

/// What the backend reports.
#[derive(Clone, Debug)]
pub enum Event {
    /// The app has started and read its files.
    Launched {
        /// The license.
        license: LicenseState,
        /// The master that was set on this computer.
        master: Result<Option<MasterState>, Problem>,
        /// The user's preferences.
        preferences: Preferences,
        /// The system's language.
        language: Language,
    },
    /// The names that the user gave to devices earlier.
    Named(Nicknames),
    /// Registration succeeded or failed.
    Registered(Result<LicenseView, Problem>),
    /// Login succeeded or failed.
    LoggedIn(Result<LicenseView, Problem>),
    /// The PIN was changed, or not.
    PinChanged(Result<(), Problem>),
    /// A fresh license was received, or not; then with the license's state.
    LicenseRefreshed(Result<LicenseView, (LicenseState, Problem)>),
    /// A second has passed while no PIN is accepted.
    Second,
    /// The settings were saved to that file, or not.
    Exported(Result<PathBuf, Problem>),
    /// Settings were read from a file, or not.
    Imported(Result<Settings, Problem>),
    /// The report was saved to that file, or not.
    ReportSaved(Result<PathBuf, Problem>),
    /// A choice could not be saved for the next launch.
    NotSaved(Problem),
    /// Which modules are connected.
    Surveyed(Surveyed),
    /// Something happened in a cycle.
    Cycle(CycleEvent),
    /// Something happened to files.
    Files(FilesEvent),
    /// Something happened to a team.
    Team(TeamEvent),
}

/// Which modules are connected, and what a cycle would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// By serial number.
    pub modules: Vec<ModuleView>,
    /// Readers without a usable module: each with the reason.
    pub unusable: Vec<Problem>,
    /// Why a cycle would not start, if there is a master.
    pub refusal: Option<Problem>,
    /// The root that all modules are certified under, if this computer trusts none yet.
    pub unknown_root: Option<TrustedRoot>,
}

/// What happens in a cycle.
#[derive(Clone, Debug)]
pub enum CycleEvent {
    /// The cycle starts.
    Preflight {
        /// The secondaries that will be worked on.
        secondaries: Vec<Serial>,
    },
    /// A module was plugged in and joins the cycle.
    Joined(Serial),
    /// A secondary in use waits for a person at its keypad.
    Asks(Serial),
    /// A secondary's run has reached a step, 1 to 6.
    Step(Serial, u8),
    /// A secondary is a proven clone.
    Done {
        /// The secondary.
        serial: Serial,
        /// An earlier cycle cloned it.
        already: bool,
    },
    /// A secondary was not cloned.
    Failed(Serial, Problem),
    /// Nothing was tried with a secondary: it is left as it is.
    Refused(Serial, Problem),
    /// A kept file is not the receipt that it should be: it was renamed to this, and the receipt is fetched again.
    ReceiptSetAside(PathBuf),
    /// A receipt could not be saved.
    NotKept(Problem),
    /// The cycle has ended, or did not start for this reason.
    Ended(Result<Summary, Problem>),
}
