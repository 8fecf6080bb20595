//! Letters that are taken by the modules that they are for.

use super::{Done, Mail, Output, Tally, Teamwork, Told, check_genuine, of_module};
use crate::{
    Serial,
    asking::Asked,
    genuine::TrustedRoot,
    letter::{self, GenuineLetter, post::Post},
    problem::{Problem, Reason},
    receipt::SignedReceipt,
    survey::{Present, Survey},
    text::{listed, shown_path},
    ticket::{self, ApprovedTicket},
};
use hsm_protocol::letter::LetterKind;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The letters of a file, and the tickets that members want to see.
#[derive(Debug)]
pub struct Letters {
    file: PathBuf,
    /// By module, as they were written. Those for modules that are not here are not looked into.
    of: BTreeMap<Serial, Vec<Vec<u8>>>,
    tickets: Vec<ApprovedTicket>,
}

impl Letters {
    /// Reads a file.
    pub fn load(file: &Path, root: &TrustedRoot) -> Result<Self, Problem> {
        let refused = |why: letter::PostRefusal| Problem::from(why).about(shown_path(file));
        let post = Post::load(file).map_err(|error| Problem::from(&error))?;
        let tickets = ticket::approved([post.clone()], root).map_err(refused)?;
        let mut of: BTreeMap<Serial, Vec<Vec<u8>>> = BTreeMap::new();
        for bytes in post.letters {
            let serial = letter::addressee(&bytes).map_err(refused)?;
            of.entry(serial).or_default().push(bytes);
        }
        if of.is_empty() {
            return Err(Problem::new(Reason::NoLetter).about(shown_path(file)));
        }
        let file = file.to_owned();
        Ok(Self { file, of, tickets })
    }
}

/// A letter that a module took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What it did.
    pub kind: LetterKind,
    /// Who wrote it.
    pub master: Serial,
    /// Whether it had been taken before, and its reply was lost.
    pub already: bool,
    /// The epoch that the module has now.
    pub epoch: u32,
}

impl Teamwork<'_> {
    /// Gives letters to the modules that are here, or to those alone that are named, and writes the reply.
    pub fn take_all(
        &self,
        found: Survey,
        letters: &Letters,
        only: &[Serial],
        output: Output<'_>,
    ) -> Result<Tally, Problem> {
        let (mut reply, mut tally) = (Post::default(), Tally::default());
        for mut present in found.modules {
            let serial = present.facts.serial;
            let is_meant = only.is_empty() || only.contains(&serial);
            let Some(own) = letters.of.get(&serial).filter(|_| is_meant) else {
                continue;
            };
            tally.all += 1;
            match self.take_last(&mut present, own, &letters.tickets) {
                Ok((taken, receipt)) => {
                    (self.tell)(Told::Done(serial, Done::Taken(taken)));
                    reply.receipts.push(receipt);
                    // The next letter needs none to be asked for, if this reaches the master's computer.
                    reply.letterboxes.extend(present.module.letterbox().ok());
                }
                Err(problem) => {
                    tally.failed += 1;
                    self.fail(serial, problem);
                }
            }
        }
        if tally.all == 0 {
            let whose: Vec<_> = letters.of.keys().copied().collect();
            return Err(Problem::new(Reason::NoLetter)
                .about(shown_path(&letters.file))
                .with_detail(format_args!("it is for {}", listed(&whose))));
        }
        if !reply.receipts.is_empty() {
            output.save(&reply)?;
            let file = output.path.to_owned();
            (self.tell)(Told::Saved(Mail::Reply, file, reply.receipts.len()));
        }
        Ok(tally)
    }

    /// Has a module take the last one of several letters for it that fits its letterbox. Returns its Receipt, too.
    pub(super) fn take_last(
        &self,
        present: &mut Present,
        letters: &[Vec<u8>],
        tickets: &[ApprovedTicket],
    ) -> Result<(Taken, Vec<u8>), Problem> {
        let serial = present.facts.serial;
        check_genuine(present)?;
        // Only a member that is unlocked looks at them, and says by its answer to the letter whether they are enough.
        for ticket in tickets {
            if let Err(error) = ticket.present(&mut present.module) {
                tracing::info!(%serial, %error, "a ticket is not shown");
            }
        }
        let mut refused = Problem::new(Reason::OtherLetterbox).about(serial);
        for bytes in letters.iter().rev() {
            let letter = GenuineLetter::check(bytes.clone(), self.root)
                .map_err(|why| Problem::from(why).about(serial))?;
            match self.take_one(present, &letter) {
                Err(problem) if problem.reason == Reason::OtherLetterbox => refused = problem,
                outcome => return outcome,
            }
        }
        Err(refused)
    }

    fn take_one(
        &self,
        present: &mut Present,
        letter: &GenuineLetter,
    ) -> Result<(Taken, Vec<u8>), Problem> {
        let serial = present.facts.serial;
        let party = present.facts.party();
        let party = party.ok_or_else(|| Problem::new(Reason::NotGenuine).about(serial))?;
        let kind = letter.head().kind();
        let taken = |receipt: SignedReceipt, already| {
            let taken = Taken {
                kind,
                master: letter.master().serial,
                already,
                epoch: receipt.statement().epoch.number,
            };
            (taken, receipt.into_bytes())
        };
        // After a power cut, or when the reply was lost, the module's last receipt is the answer.
        let module = &mut present.module;
        let last = module.last_receipt().map_err(of_module(serial))?;
        let last = last.and_then(|bytes| SignedReceipt::check(bytes, &party, self.root));
        if let Some(receipt) = last.filter(|receipt| letter.is_answered_by(receipt)) {
            return Ok(taken(receipt, true));
        }
        let bytes = self.allowed(serial, Asked::Replace, || module.take_letter(letter));
        let bytes = bytes.map_err(|problem| match problem.reason {
            // Its User is enough.
            Reason::Locked if kind == LetterKind::Epoch => {
                Problem::new(Reason::NoUnlockedModule).about(serial)
            }
            _ => problem,
        })?;
        SignedReceipt::check(bytes, &party, self.root)
            .filter(|receipt| letter.is_answered_by(receipt))
            .map(|receipt| taken(receipt, false))
            .ok_or_else(|| Problem::new(Reason::AnswerNotSigned).about(serial))
    }
}

/// Returns the first free name of a reply to a file of letters, beside it.
pub fn reply_beside(letters: &Path) -> PathBuf {
    let stem = letters.file_stem().unwrap_or_default();
    let name = |ending: String| {
        let mut name = stem.to_owned();
        name.push(ending);
        letters.with_file_name(name)
    };
    let numbered = (2..).map(|number| name(format!("-reply-{number}.pem")));
    let mut names = std::iter::once(name("-reply.pem".to_owned())).chain(numbered);
    names.find(|path| !path.exists()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_replaces_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let letters = folder.path().join("letters.pem");
        let first = reply_beside(&letters);
        assert_eq!(first, folder.path().join("letters-reply.pem"));
        std::fs::write(&first, "").unwrap();
        let second = folder.path().join("letters-reply-2.pem");
        assert_eq!(reply_beside(&letters), second);
    }
}
