//! The license as the app shows it.

use super::Problem;

/// What is known about the license.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LicenseState {
    /// Not looked up yet.
    #[default]
    Unknown,
    /// This app is not registered: virtual modules only.
    Unregistered,
    /// This app is registered.
    Registered(LicenseView),
    /// The stored license cannot be read.
    Unreadable(Problem),
}

/// A stored license.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenseView {
    /// `XXXX-XXXX-XXXX-XXXX`.
    pub number: String,
    /// Who holds it; may be empty.
    pub holder: String,
    /// The holder's company; may be empty.
    pub company: String,
    /// Its last day, `YYYY-MM-DD`; `None` if it does not expire.
    pub last_day: Option<String>,
    /// Why it does not permit cloning hardware modules; `None` if it does.
    pub problem: Option<Problem>,
}

impl LicenseState {
    /// Returns the stored license.
    pub const fn view(&self) -> Option<&LicenseView> {
        match self {
            Self::Registered(view) => Some(view),
            Self::Unknown | Self::Unregistered | Self::Unreadable(_) => None,
        }
    }
}
