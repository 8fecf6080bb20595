//! Shared files (docs/PROTOCOL.md § 2.9): what a host asks for, and what the model answers; `shared` has the bytes. Chunks are
//! of 64 bytes: where the borders lie is tested elsewhere; here it is sessions, slots, groups and order.

use crate::{
    deed::{Act, Send},
    device::{Model, Presence, Stored},
    generate::{Generator, whole},
    host::{Refusal, no},
    message::Content,
};
use hsm_protocol::{Status, file::FAST_KEY, limits};

/// What a host does about files.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FileSend {
    Begin {
        is_size_right: bool,
    },
    /// The next chunk of the file that was begun so many files ago, or one that is not next.
    Seal {
        back: usize,
        off: i64,
        last: bool,
        len: usize,
    },
    /// In a file that no module began.
    SealOfNobody,
    /// The chunk that was made so many chunks ago.
    Open {
        back: usize,
        twist: Twist,
    },
    /// Whose the file is that was begun so many files ago, or one with a header that was changed.
    Identify {
        back: usize,
        twist: Twist,
    },
    /// Files whose chunks the host makes, so many.
    BeginFast {
        count: u16,
    },
    /// The key of the fast file that was begun so many ago, or of one with a header that was changed.
    Release {
        back: usize,
        twist: Twist,
    },
    Recipient(Suite),
    /// A file key sealed to the recipient that was told so many recipients ago.
    Unwrap {
        back: usize,
        is_altered: bool,
    },
}

/// What is changed of a chunk before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    Nothing,
    Tag,
    Cipher,
    Place,
    Mode,
    Group,
    Epoch,
    Lead,
}

/// Of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    Classical,
    Hybrid,
}

/// The group that something is of, and its epoch; `None` if the group has no such epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Of {
    pub(crate) group: u64,
    pub(crate) epoch: Option<u64>,
}

/// The same, by what it means.
#[derive(Clone, Debug)]
pub(crate) enum FileCommand {
    /// Refused for its shape, in any state.
    Shapeless,
    Begin,
    Seal {
        file: Option<u64>,
        index: u64,
        last: bool,
        plain: Vec<u8>,
    },
    Recipient(Suite),
    BeginFast {
        count: u16,
    },
    Release {
        of: Option<Of>,
        /// The key that was released first, unless the header was changed.
        key: Option<[u8; FAST_KEY]>,
    },
    Identify {
        of: Option<Of>,
    },
    /// Something sealed for a group: a chunk, or a file key.
    Open {
        /// `None`: a group that there is not.
        of: Option<Of>,
        /// Its tag tells no group, only a recipient.
        is_stanza: bool,
        is_authentic: bool,
        /// Whether what is opened is a key, which leaves the module.
        is_key: bool,
        plain: Vec<u8>,
    },
}

/// What an answer holds.
#[derive(Clone, Debug)]
pub(crate) enum FileContent {
    Header(u64),
    Chunk {
        file: u64,
        index: u64,
        last: bool,
        plain: Vec<u8>,
    },
    Recipient(Suite),
    FastFiles(u16),
    /// A key and its epoch, or why it was not released.
    Released(Result<Option<[u8; FAST_KEY]>, Status>, u64),
    /// Of which epoch.
    Whose(u64),
    Plain(Vec<u8>),
}

/// A file that a module is writing.
#[derive(Debug)]
pub(crate) struct Slot {
    file: u64,
    next: u64,
}

impl Model {
    /// A command for files arrives.
    pub(crate) fn file_command(
        &mut self,
        command: &FileCommand,
        now: u64,
    ) -> Result<Content, Refusal> {
        if matches!(command, FileCommand::Shapeless) {
            return no(Status::Malformed);
        }
        let (number, own) = (self.number(), self.stored.clone());
        let keys_stay = !self.stored.releases_keys;
        let mut seen = "a file begun";
        let presence = self.presence_of()?;
        let content = match command {
            FileCommand::Shapeless => return no(Status::Malformed),
            FileCommand::BeginFast { .. }
            | FileCommand::Release { .. }
            | FileCommand::Open { is_key: true, .. }
                if keys_stay =>
            {
                self.seen.push("a file key stays");
                return no(Status::KeysStay);
            }
            FileCommand::BeginFast { count } => {
                seen = "fast files begun";
                FileContent::FastFiles(*count)
            }
            FileCommand::Release { of, key } => {
                seen = "a fast file's key";
                let is_of = is_of(&own, *of);
                FileContent::Released(is_of.map(|_epoch| *key), is_of.unwrap_or(0))
            }
            FileCommand::Begin => {
                if presence.files.len() == limits::FILES {
                    // The one that was silent longest.
                    presence.files.remove(0);
                    seen = "a file ended for another";
                }
                presence.files.push(Slot {
                    file: number,
                    next: 0,
                });
                FileContent::Header(number)
            }
            FileCommand::Seal {
                file,
                index,
                last,
                plain,
            } => {
                let file = presence.advance(*file, *index, *last, plain.len())?;
                seen = "a chunk made";
                FileContent::Chunk {
                    file,
                    index: *index,
                    last: *last,
                    plain: plain.clone(),
                }
            }
            // Asking who the team is, is no use of the module.
            FileCommand::Recipient(suite) => {
                return Ok(Content::File(FileContent::Recipient(*suite)));
            }
            FileCommand::Identify { of } => match is_of(&own, *of) {
                Ok(epoch) => return Ok(Content::File(FileContent::Whose(epoch))),
                Err(status) => return no(status),
            },
            FileCommand::Open {
                of,
                is_stanza,
                is_authentic,
                plain,
                ..
            } => {
                match is_of(&own, *of) {
                    Err(_) if *is_stanza => return no(Status::NotFound),
                    Err(status) => return no(status),
                    Ok(_) => {}
                }
                if !is_authentic {
                    return no(Status::NotAuthentic);
                }
                seen = "a chunk or file key opened";
                FileContent::Plain(plain.clone())
            }
        };
        presence.last_use = now;
        self.seen.push(seen);
        Ok(Content::File(content))
    }
}

/// The group comes first: of another one's file, a module knows nothing.
fn is_of(own: &Stored, of: Option<Of>) -> Result<u64, Status> {
    match of {
        Some(Of { group, epoch }) if group == own.group => epoch
            .filter(|epoch| own.team.has(*epoch))
            .ok_or(Status::EpochMissing),
        _ => Err(Status::NotFound),
    }
}

impl Presence {
    /// Each index once, in order; the file that had the last chunk is the last in line to end.
    fn advance(
        &mut self,
        file: Option<u64>,
        index: u64,
        last: bool,
        len: usize,
    ) -> Result<u64, Refusal> {
        let at = self.files.iter().position(|slot| Some(slot.file) == file);
        let Some(at) = at.filter(|at| self.files[*at].next == index) else {
            return no(Status::OutOfOrder);
        };
        let fits = match len {
            0 => last && index == 0,
            1..64 => last,
            _ => len == 64,
        };
        if !fits {
            return no(Status::Malformed);
        }
        let mut slot = self.files.remove(at);
        slot.next += 1;
        let file = slot.file;
        if !last {
            self.files.push(slot);
        }
        Ok(file)
    }
}

impl Generator {
    /// Mostly the next step of a file; sometimes another file, a repeated chunk, or a changed one.
    pub(crate) fn file_act(&mut self) -> Act {
        let back = self
            .random
            .weighted(&[(6, 0), (3, 1), (2, 3), (1, 7), (2, 8)]);
        let send = match self.random.below(31) {
            0..=3 => FileSend::Begin {
                is_size_right: self.random.chance(95),
            },
            4..=12 => FileSend::Seal {
                back,
                off: self.random.weighted(&[(12, 0), (1, -1), (1, 1)]),
                last: self.random.chance(30),
                len: self.random.weighted(&[(8, 64), (2, 9), (1, 0), (1, 65)]),
            },
            13 => FileSend::SealOfNobody,
            14..=19 => FileSend::Open {
                back,
                twist: self.twist(),
            },
            24 | 25 => FileSend::Identify {
                back,
                twist: self
                    .random
                    .pick(&[Twist::Nothing, Twist::Group, Twist::Epoch]),
            },
            26 | 27 => FileSend::BeginFast {
                count: self.random.weighted(&[(3, 1), (1, 2), (1, 5)]),
            },
            28..=30 => FileSend::Release {
                back,
                twist: self.random.pick(&[
                    Twist::Nothing,
                    Twist::Nothing,
                    Twist::Group,
                    Twist::Epoch,
                ]),
            },
            20 | 21 => FileSend::Recipient(self.random.pick(&[Suite::Classical, Suite::Hybrid])),
            _ => FileSend::Unwrap {
                back: back.min(3),
                is_altered: self.random.chance(20),
            },
        };
        whole(Send::File(send))
    }

    /// More files than a module keeps in mind, then a chunk of each.
    pub(crate) fn many_files(&mut self) -> Vec<Act> {
        let count = limits::FILES + self.random.below(3);
        let begin = FileSend::Begin {
            is_size_right: true,
        };
        let mut acts = vec![whole(Send::File(begin)); count];
        acts.extend((0..count).map(|_| {
            whole(Send::File(FileSend::Seal {
                back: self.random.below(count),
                off: 0,
                last: self.random.chance(30),
                len: 64,
            }))
        }));
        acts
    }

    fn twist(&mut self) -> Twist {
        self.random.weighted(&[
            (10, Twist::Nothing),
            (1, Twist::Tag),
            (1, Twist::Cipher),
            (1, Twist::Place),
            (1, Twist::Mode),
            (1, Twist::Group),
            (1, Twist::Epoch),
            (1, Twist::Lead),
        ])
    }
}
