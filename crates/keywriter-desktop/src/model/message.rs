//! What goes in and comes out of the model.

use super::{Language, LicenseState, LicenseView, ModuleView, Page, Preferences, Trouble};
use keywriter::{
    Serial,
    cycle::{Summary, plan::Request},
    license::{LicenseNumber, Pin},
    settings::{MasterState, Settings},
};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What the user does. No `Debug`: PINs are in it.
pub enum Intent {
    /// Next, on the registration page.
    Register {
        /// As typed.
        number: String,
        /// As typed.
        pin: Zeroizing<String>,
    },
    /// Use virtual modules without a license.
    Evaluate,
    /// Continue, after registration.
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
    /// Language, colors, text size.
    Prefer(Preferences),
    /// Show another module as the one to be master.
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
    /// Start.
    Start,
    /// Begin no further secondary.
    Stop,
    /// Start again, with the failed ones alone.
    Retry,
    /// Export settings to a file.
    ExportSettings(PathBuf),
    /// Import settings from a file.
    ImportSettings(PathBuf),
    /// Save the report of the last cycle, as a `.json` file and a page beside it.
    SaveReport(PathBuf),
    /// "Don't have a license?"
    OpenPurchasePage,
}

/// What is to be done. No `Debug`: PINs are in it.
pub enum Command {
    /// Register with the portal.
    Register {
        /// The license.
        number: LicenseNumber,
        /// Its PIN, the app's from now on.
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
    /// Keep preferences.
    SavePreferences(Preferences),
    /// Keep the master and the choices; `None`: there is no master any more.
    SaveMaster(Option<MasterState>),
    /// Keep an eye on the modules, and say what a cycle would do; `None`: there is no master yet.
    Look(Option<Request>),
    /// Run a cycle.
    Start(Request),
    /// Begin no further secondary.
    Stop,
    /// Write a settings file.
    ExportSettings(Settings, PathBuf),
    /// Read a settings file.
    ImportSettings(PathBuf),
    /// Write the report of the last cycle.
    SaveReport {
        /// The `.json` file; a page goes beside it.
        path: PathBuf,
        /// The page's language.
        language: keywriter::report::Language,
    },
    /// Show the portal's purchase page in a browser.
    OpenPurchasePage,
}

/// What the backend tells.
#[derive(Clone, Debug)]
pub enum Event {
    /// The app has read its files.
    Launched {
        /// The license.
        license: LicenseState,
        /// The master that was set on this computer.
        master: Result<Option<MasterState>, Trouble>,
        /// How the user likes it.
        preferences: Preferences,
        /// The system's language.
        language: Language,
    },
    /// Registered, or not.
    Registered(Result<LicenseView, Trouble>),
    /// Logged in, or not.
    LoggedIn(Result<LicenseView, Trouble>),
    /// The PIN is changed, or not.
    PinChanged(Result<(), Trouble>),
    /// A fresh license came, or not; with how it stands then.
    LicenseRefreshed(Result<LicenseView, (LicenseState, Trouble)>),
    /// A second went by while a PIN is not taken.
    Second,
    /// Settings are in that file, or not.
    Exported(Result<String, Trouble>),
    /// What a settings file says.
    Imported(Result<Settings, Trouble>),
    /// The report is in that file, or not.
    ReportSaved(Result<String, Trouble>),
    /// A choice could not be kept for the next launch.
    NotSaved(Trouble),
    /// Which modules are there.
    Surveyed(Surveyed),
    /// What happens in a cycle.
    Cycle(CycleEvent),
}

/// Which modules are there, and what a cycle would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surveyed {
    /// By serial number.
    pub modules: Vec<ModuleView>,
    /// Places that hold something and gave no useful answer: a name, and why.
    pub unusable: Vec<Trouble>,
    /// Why a cycle would not begin, where there is a master.
    pub refusal: Option<Trouble>,
}

/// What happens in a cycle.
#[derive(Clone, Debug)]
pub enum CycleEvent {
    /// What is about to be done.
    Preflight {
        /// Secondaries that get work.
        secondaries: Vec<Serial>,
    },
    /// A module was plugged in and joins.
    Joined(Serial),
    /// A secondary's run reached a step, 1 to 6.
    Step(Serial, u8),
    /// A secondary is a proved clone; `already`: an earlier cycle did it.
    Done {
        /// The secondary.
        serial: Serial,
        /// It was one already.
        already: bool,
    },
    /// A secondary is none.
    Failed(Serial, Trouble),
    /// A receipt could not be kept.
    NotKept(Trouble),
    /// The end, or why there was no cycle.
    Ended(Result<Summary, Trouble>),
}
