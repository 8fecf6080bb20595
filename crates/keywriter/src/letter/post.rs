//! The files that are mailed: requests, letters, replies, tickets, and who is in a team. Each is text, one block of PEM (RFC 7468) for each message, so
//! that a mail program cannot harm it and a person sees what it is.

use crate::{file::NewFile, receipt, text::shown_path};
use hsm_protocol::{
    letter::{Letter, Letterbox},
    limits,
    receipt::{FinishedReceipt, Receipt},
    ticket::Approval,
};
use pem_rfc7468::LineEnding;
use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The messages of one file, as they came: nothing of them is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Post {
    /// Letterboxes: in a request the one that asks for a letter, in a reply the next one.
    pub letterboxes: Vec<Vec<u8>>,
    /// Letters, for any number of modules.
    pub letters: Vec<Vec<u8>>,
    /// Receipts that the master has not countersigned yet.
    pub receipts: Vec<Vec<u8>>,
    /// What custodians are asked for, or agreed to.
    pub tickets: Vec<Vec<u8>>,
    /// Their approvals.
    pub approvals: Vec<Vec<u8>>,
    /// Finished receipts: who is in a team.
    pub members: Vec<Vec<u8>>,
}

/// Why such a file was not read or not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// It cannot be read.
    #[error("cannot read {}", shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}", shown_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It holds something else, is damaged, or is cut off.
    #[error(
        "{} is not a whole file of requests, letters, replies or tickets",
        shown_path(path)
    )]
    NotPost {
        /// The file.
        path: PathBuf,
    },
}

const LETTERBOX: &str = "KEYWRITER LETTERBOX";
const LETTER: &str = "KEYWRITER LETTER";
const RECEIPT: &str = "KEYWRITER SIGNED RECEIPT";
const TICKET: &str = "KEYWRITER TICKET";
const APPROVAL: &str = "KEYWRITER TICKET APPROVAL";

/// The most bytes of a file that are read: more than the letters of 250 modules take.
const FILE_MAX: u64 = 8 << 20;

/// What a block of ours begins with. A mail may hold others: a signature, a certificate.
const BEGIN: &str = "-----BEGIN KEYWRITER ";
const END: &str = "-----END ";

impl Post {
    /// Reads a file. Text around the blocks, as a mail program adds it, is left out.
    pub fn load(path: &Path) -> Result<Self, PostError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes))
            .map_err(|source| PostError::Read {
                path: path.to_owned(),
                source,
            })?;
        let is_whole = bytes.len() as u64 <= FILE_MAX;
        // Around the blocks, a mail may be in any encoding.
        let text = String::from_utf8_lossy(&bytes);
        let read = is_whole.then(|| Self::parse(&text)).flatten();
        read.ok_or_else(|| PostError::NotPost {
            path: path.to_owned(),
        })
    }

    /// Reads the blocks of a text; `None` unless there is one, and each is whole and known.
    fn parse(text: &str) -> Option<Self> {
        let mut post = Self::default();
        let mut rest = text;
        while let Some(begin) = rest.find(BEGIN) {
            let block = rest.get(begin..)?;
            let end = block.find(END)?;
            let line = block.get(end..)?.find('\n');
            let len = line.map_or(block.len(), |line| end + line);
            let (block, after) = block.split_at_checked(len)?;
            post.insert(block.trim_end())?;
            rest = after;
        }
        (post != Self::default()).then_some(post)
    }

    fn insert(&mut self, block: &str) -> Option<()> {
        let (label, bytes) = pem_rfc7468::decode_vec(block.as_bytes()).ok()?;
        let (list, most) = match label {
            LETTERBOX => (&mut self.letterboxes, Letterbox::MAX),
            LETTER => (&mut self.letters, Letter::MAX),
            RECEIPT => (&mut self.receipts, Receipt::MAX),
            TICKET => (&mut self.tickets, limits::TICKET),
            APPROVAL => (&mut self.approvals, Approval::MAX),
            receipt::LABEL => (&mut self.members, FinishedReceipt::MAX),
            _ => return None,
        };
        if bytes.len() > most {
            return None;
        }
        list.push(bytes);
        Some(())
    }

    /// Returns the text of the file.
    fn to_text(&self) -> Result<String, io::Error> {
        let lists = [
            (TICKET, &self.tickets),
            (APPROVAL, &self.approvals),
            (receipt::LABEL, &self.members),
            (RECEIPT, &self.receipts),
            (LETTERBOX, &self.letterboxes),
            (LETTER, &self.letters),
        ];
        let mut text = String::new();
        for (label, list) in lists {
            for bytes in list {
                let block = pem_rfc7468::encode_string(label, LineEnding::LF, bytes);
                text.push_str(&block.map_err(io::Error::other)?);
            }
        }
        Ok(text)
    }

    /// Writes a file; an existing one is replaced only with `replace`.
    pub fn save(&self, path: &Path, replace: bool) -> Result<(), PostError> {
        let write = || {
            let mut file = NewFile::begin(path)?;
            file.write_all(self.to_text()?.as_bytes())?;
            if replace {
                file.commit()
            } else {
                file.commit_new()
            }
        };
        write().map_err(|source| PostError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post() -> Post {
        Post {
            letterboxes: vec![vec![1; 400]],
            letters: vec![vec![2; 4000], vec![3; 1]],
            receipts: vec![vec![4; 1000]],
            tickets: vec![vec![5; 115]],
            approvals: vec![vec![6; 1000]],
            members: vec![vec![7; 1000]],
        }
    }

    #[test]
    fn what_was_written_reads_back_also_within_a_mail() {
        let text = post().to_text().unwrap();
        assert_eq!(Post::parse(&text), Some(post()));
        let mail = format!("Dear Mr. B,\n\nhere it is:\n\n{text}\n\n-- \nA\n");
        assert_eq!(Post::parse(&mail), Some(post()));
        assert_eq!(Post::parse(&text.replace('\n', "\r\n")), Some(post()));
        assert_eq!(Post::parse(text.trim_end()), Some(post()));
        let other = "-----BEGIN PGP SIGNATURE-----\n\niQ!\n-----END PGP SIGNATURE-----\n";
        assert_eq!(Post::parse(&format!("{other}{text}{other}")), Some(post()));
    }

    #[test]
    fn a_mail_in_another_encoding_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail");
        let text = post().to_text().unwrap();
        let mail = [b"Gr\xFC\xDFe\n", text.as_bytes(), b"\xA9"].concat();
        std::fs::write(&path, mail).unwrap();
        assert_eq!(Post::load(&path).unwrap(), post());
        std::fs::write(&path, vec![b' '; usize::try_from(FILE_MAX).unwrap() + 1]).unwrap();
        assert!(Post::load(&path).is_err());
    }

    #[test]
    fn what_is_cut_off_or_changed_or_something_else_is_not_read() {
        let text = post().to_text().unwrap();
        for (at, _) in text.match_indices('\n') {
            let cut = &text[..at.saturating_sub(1)];
            let is_between = cut.is_empty() || cut.ends_with("-----");
            assert_eq!(
                Post::parse(cut).is_none(),
                !is_between || cut.is_empty(),
                "{at}"
            );
        }
        assert_eq!(Post::parse(""), None);
        assert_eq!(Post::parse("a letter"), None);
        assert_eq!(Post::parse(&text.replace("LETTERBOX", "LETTERBAG")), None);
        assert_eq!(Post::parse(&text.replacen("AQEB", "AQ!B", 1)), None);
        let long = Post {
            letters: vec![vec![0; Letter::MAX + 1]],
            ..Post::default()
        };
        assert_eq!(Post::parse(&long.to_text().unwrap()), None);
    }

    #[test]
    fn a_file_that_exists_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letters.pem");
        post().save(&path, false).unwrap();
        let other = Post {
            letters: Vec::new(),
            ..post()
        };
        assert!(other.save(&path, false).is_err());
        assert_eq!(Post::load(&path).unwrap(), post());
        other.save(&path, true).unwrap();
        assert_eq!(Post::load(&path).unwrap(), other);
    }
}
