//! What this computer knows of a team's recipients: those that its modules told before, and who is in its receipts.
//!
//! A module's signature says that the module told the recipient, not that the module is one of the team's: a relay with
//! a genuine module of its own signs well, too. So a recipient is refused if it contradicts what is known.

use super::{RecipientKind, ToldRecipient};
use crate::{
    file,
    genuine::TrustedRoot,
    receipt,
    text::{hex, shown, shown_path},
};
use hsm_protocol::Serial;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// What this computer knows of teams.
#[derive(Clone, Copy, Debug)]
pub struct KnownTeams<'a> {
    /// Where recipients are kept, a file for each group, epoch and kind.
    pub recipients: &'a Path,
    /// Where receipts are kept.
    pub receipts: &'a Path,
    /// The root that receipts must verify under.
    pub root: &'a TrustedRoot,
}

/// Why a recipient is not to be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotTheTeams {
    /// A module told another recipient of the same group and epoch.
    #[error("{} told another one, which is in {}", shown(first), shown_path(path))]
    Contradicts {
        /// Who told the other one.
        first: String,
        /// Where it is kept.
        path: PathBuf,
    },
    /// Receipts name modules of that group, and not the one that told it.
    #[error(
        "the receipts in {} name other modules of that team: {}",
        shown_path(folder),
        listed(members)
    )]
    Stranger {
        /// Where the receipts are.
        folder: PathBuf,
        /// Whom they name.
        members: BTreeSet<Serial>,
    },
    /// All receipts are of other teams, and the user did not name the module.
    #[error(
        "the receipts in {} are of other teams than group {}",
        shown_path(folder),
        hex(group)
    )]
    OtherTeam {
        /// Where the receipts are.
        folder: PathBuf,
        /// The group of the module that told it.
        group: [u8; 16],
    },
    /// A kept recipient cannot be read or written.
    #[error("cannot keep the recipient in {}", shown_path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn listed(members: &BTreeSet<Serial>) -> String {
    let names: Vec<_> = members.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl KnownTeams<'_> {
    /// Checks a recipient against what is known, and keeps it if it is the first of its group, epoch and kind. A module
    /// that the user named may be of a team that has no receipts here.
    pub fn accept(&self, told: &ToldRecipient, is_named: bool) -> Result<(), NotTheTeams> {
        let mut teams = self.teams();
        let folder = || self.receipts.to_owned();
        match teams.remove(told.group()) {
            Some(members) if !members.contains(&told.serial()) => {
                return Err(NotTheTeams::Stranger {
                    folder: folder(),
                    members,
                });
            }
            None if !teams.is_empty() && !is_named => {
                return Err(NotTheTeams::OtherTeam {
                    folder: folder(),
                    group: *told.group(),
                });
            }
            Some(_) | None => {}
        }
        let path = self.recipients.join(file_name(told));
        let failed = |source| NotTheTeams::File {
            path: path.clone(),
            source,
        };
        match read(&path) {
            Ok(kept) => {
                let (text, first) = kept.split_once('\n').unwrap_or((&kept, ""));
                if text == told.text() {
                    return Ok(());
                }
                Err(NotTheTeams::Contradicts {
                    first: first.trim_end().to_owned(),
                    path,
                })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("{}\n{}\n", told.text(), told.serial());
                file::replace(&path, text.as_bytes()).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Returns whom receipts that verify name, group by group.
    fn teams(&self) -> BTreeMap<[u8; 16], BTreeSet<Serial>> {
        let mut teams: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        // No folder, no receipts.
        for entry in fs::read_dir(self.receipts).into_iter().flatten().flatten() {
            let Ok(verified) = receipt::verify(&entry.path(), self.root) else {
                continue;
            };
            let statement = verified.statement();
            let members = teams.entry(statement.group).or_default();
            members.extend([statement.master.serial, statement.secondary.serial]);
        }
        teams
    }
}

fn file_name(told: &ToldRecipient) -> String {
    let kind = match told.kind() {
        RecipientKind::Classical => "classical",
        RecipientKind::PostQuantum => "post-quantum",
    };
    let epoch = told.epoch();
    format!(
        "{}-{}-{}-{kind}.txt",
        hex(told.group()),
        epoch.number,
        hex(&epoch.check)
    )
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// The most bytes of a file that are read: more than the longest recipient takes.
const FILE_MAX: u64 = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_hub::module::trusted_root;

    fn told(serial: &str, text: &str) -> ToldRecipient {
        ToldRecipient::for_test(serial.parse().unwrap(), text)
    }

    #[test]
    fn the_first_recipient_is_kept_and_another_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (recipients, receipts) = (folder.path().join("recipients"), folder.path().join("none"));
        let root = trusted_root(0);
        let known = KnownTeams {
            recipients: &recipients,
            receipts: &receipts,
            root: &root,
        };
        known.accept(&told("A", "age1keywriter1a"), false).unwrap();
        known.accept(&told("B", "age1keywriter1a"), false).unwrap();
        let refused = known
            .accept(&told("C", "age1keywriter1b"), false)
            .unwrap_err();
        assert!(
            matches!(&refused, NotTheTeams::Contradicts { first, .. } if first == "A"),
            "{refused}"
        );
        known.accept(&told("C", "age1keywriter1a"), false).unwrap();
    }
}
