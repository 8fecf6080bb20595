//! Which page is open, and which may be opened.

use super::{Command, LicenseState, Model, PinChange};

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
    /// The app's PIN, at each launch.
    Login,
    /// Master and secondaries.
    Clone,
    /// Files that are encrypted and decrypted.
    Files,
    /// The team, and letters to its members.
    Team,
    /// Change PIN.
    ChangePin,
    /// About, with the third-party licenses.
    About,
}

impl Page {
    /// Returns whether it opens only after the login.
    pub(super) const fn is_inside(self) -> bool {
        matches!(
            self,
            Self::Clone | Self::Files | Self::Team | Self::ChangePin | Self::About
        )
    }
}

impl Model {
    pub(super) fn enter(&mut self) -> Vec<Command> {
        self.is_launched = true;
        // The files that the app was opened with.
        let first = if self.files.inputs().is_empty() {
            Page::Clone
        } else {
            Page::Files
        };
        self.page = self.locked.take().unwrap_or(first);
        self.refusal = None;
        vec![self.cloning.look()]
    }

    /// Opens a page; those that need the login open only after it.
    pub(super) fn open(&mut self, page: Page) -> Vec<Command> {
        if page == Page::Files && self.locked.is_some() {
            self.locked = Some(page);
        }
        let is_inside = self.page.is_inside();
        let is_allowed = match page {
            Page::Clone => is_inside || self.can_go_back(),
            Page::Files | Page::Team | Page::About => is_inside,
            Page::ChangePin => is_inside && matches!(self.license, LicenseState::Registered(_)),
            Page::Register => {
                !is_inside || (self.needs_registration() && !self.cloning.is_running())
            }
            Page::Login => !is_inside && self.license.view().is_some(),
            Page::Starting | Page::Registered => false,
        };
        if is_allowed {
            self.page = page;
            self.refusal = None;
            self.pin_change = PinChange::Typing;
        }
        if is_allowed && page == Page::Team {
            vec![Command::ListTeams, Command::AskTeams]
        } else {
            Vec::new()
        }
    }

    /// Returns whether the page for registration was opened from inside.
    pub fn can_go_back(&self) -> bool {
        self.is_launched && self.page == Page::Register && !self.is_busy
    }

    /// Returns whether no license permits cloning hardware modules.
    fn needs_registration(&self) -> bool {
        self.license
            .view()
            .is_none_or(|view| view.problem.is_some())
    }

    /// Closes the pages until the app's PIN is entered. What is under way goes on.
    pub(super) fn lock(&mut self) {
        if self.page.is_inside() && matches!(self.license, LicenseState::Registered(_)) {
            self.locked = Some(std::mem::replace(&mut self.page, Page::Login));
            self.is_launched = false;
            self.pin_change = PinChange::Typing;
        }
    }
}
