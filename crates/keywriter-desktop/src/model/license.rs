//! The license as the app shows it.

use super::Trouble;

/// What is known of the license.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LicenseState {
    /// Not looked up yet.
    #[default]
    Unknown,
    /// This app is not registered: virtual modules only.
    Unregistered,
    /// It is.
    Registered(LicenseView),
    /// The stored license cannot be read.
    Unreadable(Trouble),
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
    /// Its last day, `YYYY-MM-DD`; `None`: it does not lapse.
    pub last_day: Option<String>,
    /// Why it does not let hardware modules be cloned; `None`: it does.
    pub problem: Option<Trouble>,
}

impl LicenseState {
    /// The stored license.
    pub const fn view(&self) -> Option<&LicenseView> {
        match self {
            Self::Registered(view) => Some(view),
            Self::Unknown | Self::Unregistered | Self::Unreadable(_) => None,
        }
    }
}
