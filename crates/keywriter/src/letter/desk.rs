//! What a master does with letters: it writes them, and it countersigns the receipts that come back.

use super::{
    GenuineLetterbox, LetterFor,
    members::{Member, Members},
};
use crate::{
    genuine::TrustedRoot,
    module::{ConnectedModule, ModuleError},
    receipt::{self, Parties, ProvedReceipt, ReceiptError, SignedReceipt, Unproved},
};
use hsm_protocol::{
    cloning::{Condition, Options},
    receipt::{Party, Receipt},
};
use std::path::{Path, PathBuf};

/// Why a receipt that came back was not closed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// It is not a Receipt that a genuine module signed.
    #[error("it is no receipt that its module signed, or one of another root of trust")]
    NotSigned,
    /// The master refused it.
    #[error("the master: {0}")]
    Master(#[source] ModuleError),
    /// What the master gave for it does not make a valid receipt.
    #[error(transparent)]
    Unproved(#[from] Unproved),
    /// It could not be kept.
    #[error(transparent)]
    NotKept(#[from] ReceiptError),
}

/// A master that its Administrator unlocked, and the group that it writes letters for.
#[derive(Debug)]
pub struct Desk<'a> {
    master: &'a mut ConnectedModule,
    party: Party,
    group: [u8; 16],
    root: &'a TrustedRoot,
}

impl<'a> Desk<'a> {
    /// Takes a master that is genuine.
    pub const fn new(
        master: &'a mut ConnectedModule,
        party: Party,
        group: [u8; 16],
        root: &'a TrustedRoot,
    ) -> Self {
        Self {
            master,
            party,
            group,
            root,
        }
    }

    /// Returns what a letter to that module is for: a member that is in use gets the group's epochs, anyone else becomes a
    /// clone.
    pub fn purpose(letterbox: &GenuineLetterbox, members: &Members) -> LetterFor {
        let member = members.get(&letterbox.party().serial);
        let is_it = |member: &&Member| {
            letterbox.condition() == Condition::Replaced
                && member.statement.secondary == *letterbox.party()
        };
        match member.filter(is_it) {
            Some(member) => LetterFor::Member {
                shared: member.epoch(),
            },
            None => LetterFor::Join,
        }
    }

    /// Writes one letter after another, within a cycle. One that the master refuses takes none of the others away.
    pub fn write(
        &mut self,
        options: Options,
        letterboxes: &[(GenuineLetterbox, LetterFor)],
    ) -> Result<Vec<Result<Vec<u8>, ModuleError>>, ModuleError> {
        let count = u16::try_from(letterboxes.len()).unwrap_or(u16::MAX);
        self.master.cycle_begin(options, count)?;
        let mut letters = Vec::new();
        for (letterbox, what) in letterboxes {
            let letter = self.master.write_letter(*what, letterbox);
            let is_link = letter.as_ref().is_err_and(ModuleError::is_link);
            letters.push(letter);
            if is_link {
                break;
            }
        }
        // It ends with the session, too.
        if let Err(error) = self.master.cycle_end() {
            tracing::warn!(%error, "the cycle is not ended");
        }
        Ok(letters)
    }

    /// Has a Receipt countersigned, and keeps the finished receipt in a folder.
    pub fn close(
        &mut self,
        bytes: Vec<u8>,
        folder: &Path,
        tell: &dyn Fn(PathBuf),
    ) -> Result<(PathBuf, ProvedReceipt), CloseError> {
        let secondary = signer(&bytes).ok_or(CloseError::NotSigned)?;
        let receipt = SignedReceipt::check(bytes, &secondary, self.root);
        let receipt = receipt.ok_or(CloseError::NotSigned)?;
        let transcript = receipt.statement().transcript;
        let parties = Parties {
            master: self.party,
            secondary,
            group: self.group,
        };
        let mut finished = receipt.into_bytes();
        let countersignature = self.master.countersign(&finished);
        finished.extend(countersignature.map_err(CloseError::Master)?);
        let proved = ProvedReceipt::check(finished, &parties, &transcript, self.root)?;
        let path = receipt::keep(folder, &proved, self.root, tell)?;
        Ok((path, proved))
    }
}

/// Returns whom a Receipt names as its signer. Whether it did sign is checked then.
fn signer(bytes: &[u8]) -> Option<Party> {
    let statement = Receipt::parse(bytes).ok()?.statement().ok()?;
    Some(statement.secondary)
}
