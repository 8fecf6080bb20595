//! A smart-card reader with one slot (CCID, revision 1.1) that exchanges whole APDUs, from the host's side.
//!
//! Messages are numbered. An answer with another number is one to a command of before, which a program did not wait
//! for: it is left aside. While the module computes, the reader asks for time, and the answer comes later.

use std::{
    io,
    time::{Duration, Instant},
};

/// The bulk pipes to and from a reader.
pub trait Pipes: Send {
    /// Sends a message.
    fn send(&mut self, message: &[u8], time: Duration) -> io::Result<()>;

    /// Receives a message of at most so many bytes. An error of the kind [`io::ErrorKind::TimedOut`] says that none came.
    fn receive(&mut self, room: usize, time: Duration) -> io::Result<Vec<u8>>;
}

impl Pipes for Box<dyn Pipes> {
    fn send(&mut self, message: &[u8], time: Duration) -> io::Result<()> {
        self.as_mut().send(message, time)
    }

    fn receive(&mut self, room: usize, time: Duration) -> io::Result<Vec<u8>> {
        self.as_mut().receive(room, time)
    }
}

/// A reader whose card answers.
#[derive(Debug)]
pub struct Reader<P> {
    pipes: P,
    seq: u8,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The pipes failed.
    #[error("the pipes to the reader failed")]
    Pipes(#[from] io::Error),
    /// No answer came in time.
    #[error("no answer in time")]
    Silent,
    /// It is no answer of a reader.
    #[error("the reader gave an invalid answer")]
    Malformed,
    /// The reader has no card.
    #[error("the reader is empty")]
    Absent,
    /// The reader refused the message, with `bError` of CCID § 6.2.6.
    #[error("the reader refused the command with {0:02X}")]
    Refused(u8),
}

impl<P: Pipes> Reader<P> {
    /// Takes a reader that may have answers left for a program of before. If its card has no power yet, it gets power:
    /// to a module that would be a reset, and end what is under way.
    pub fn open(pipes: P, time: Duration) -> Result<Self, ReaderError> {
        let mut reader = Self { pipes, seq: 0 };
        let end = Instant::now() + time;
        loop {
            let outcome = reader.exchange(SLOT_STATUS, [0; 3], &[], left(end));
            let outcome = match outcome {
                Ok((ACTIVE, _)) => return Ok(reader),
                Ok((INACTIVE, _)) => reader.exchange(POWER_ON, [0; 3], &[], left(end)),
                Ok(_) => return Err(ReaderError::Absent),
                Err(error) => Err(error),
            };
            match outcome {
                Ok((ACTIVE, _)) => return Ok(reader),
                Ok(_) => return Err(ReaderError::Absent),
                // It still computes for a program that did not wait.
                Err(ReaderError::Refused(BUSY)) if Instant::now() < end => {
                    std::thread::sleep(BETWEEN);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a command APDU and returns the response APDU, which may take so long.
    pub fn transmit(&mut self, command: &[u8], time: Duration) -> Result<Vec<u8>, ReaderError> {
        match self.exchange(TRANSFER, [0; 3], command, time)? {
            (ACTIVE, response) => Ok(response),
            _ => Err(ReaderError::Absent),
        }
    }

    /// Sends a message and returns the state of the card and the data of the answer.
    fn exchange(
        &mut self,
        kind: u8,
        specific: [u8; 3],
        data: &[u8],
        time: Duration,
    ) -> Result<(u8, Vec<u8>), ReaderError> {
        self.seq = self.seq.wrapping_add(1);
        let len = u32::try_from(data.len()).map_err(|_overlong| ReaderError::Malformed)?;
        let mut message = Vec::with_capacity(HEADER + data.len());
        message.push(kind);
        message.extend(len.to_le_bytes());
        message.extend([SLOT, self.seq]);
        message.extend(specific);
        message.extend(data);
        let end = Instant::now() + time;
        self.pipes.send(&message, time).map_err(silent)?;
        loop {
            // A device that asks for time without end has none left.
            let left = left(end);
            if left.is_zero() {
                return Err(ReaderError::Silent);
            }
            let answer = self.pipes.receive(MESSAGE, left).map_err(silent)?;
            let (header, data) = answer
                .split_first_chunk::<HEADER>()
                .ok_or(ReaderError::Malformed)?;
            let [answered, l0, l1, l2, l3, slot, seq, status, error, _] = *header;
            let len = u32::from_le_bytes([l0, l1, l2, l3]);
            let is_whole = usize::try_from(len).is_ok_and(|len| len == data.len());
            if !is_whole || slot != SLOT {
                return Err(ReaderError::Malformed);
            }
            if seq != self.seq {
                continue;
            }
            match status >> 6 {
                TIME_EXTENSION => {}
                DONE if answered == answer_to(kind) => return Ok((status & CARD, data.to_vec())),
                DONE => return Err(ReaderError::Malformed),
                _ if status & CARD == ABSENT => return Err(ReaderError::Absent),
                _ => return Err(ReaderError::Refused(error)),
            }
        }
    }
}

fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now())
}

fn silent(error: io::Error) -> ReaderError {
    match error.kind() {
        io::ErrorKind::TimedOut => ReaderError::Silent,
        _ => error.into(),
    }
}

const fn answer_to(kind: u8) -> u8 {
    match kind {
        SLOT_STATUS => 0x81,
        _ => 0x80,
    }
}

/// What a reader's message has before its data, in bytes.
const HEADER: usize = 10;

/// Room for the longest message: a header, 65 536 bytes of data and a status word.
pub const MESSAGE: usize = HEADER + 65_536 + 2;

/// `PC_to_RDR_IccPowerOn`, `PC_to_RDR_GetSlotStatus` and `PC_to_RDR_XfrBlock` (§ 6.1).
const POWER_ON: u8 = 0x62;
const SLOT_STATUS: u8 = 0x65;
const TRANSFER: u8 = 0x6F;

/// The only slot.
const SLOT: u8 = 0;

/// `bStatus` (§ 6.2.6): of the card in the low bits, of the command in the high ones.
const CARD: u8 = 3;
const ACTIVE: u8 = 0;
const INACTIVE: u8 = 1;
const ABSENT: u8 = 2;
const DONE: u8 = 0;
const TIME_EXTENSION: u8 = 2;

/// `bError`: the slot is busy with a command.
const BUSY: u8 = 0xE0;

/// How long to wait before a busy reader is asked again.
const BETWEEN: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// What the reader says to each message: the number of the message is put in where 0 stands.
    struct Script {
        answers: VecDeque<Vec<Vec<u8>>>,
        waiting: VecDeque<Vec<u8>>,
        sent: Vec<Vec<u8>>,
    }

    impl Script {
        fn of(answers: &[&[Vec<u8>]]) -> Self {
            Self {
                answers: answers.iter().map(|answers| answers.to_vec()).collect(),
                waiting: VecDeque::new(),
                sent: Vec::new(),
            }
        }
    }

    impl Pipes for Script {
        fn send(&mut self, message: &[u8], _: Duration) -> io::Result<()> {
            self.sent.push(message.to_vec());
            for mut answer in self.answers.pop_front().unwrap_or_default() {
                if answer.get(6) == Some(&0) {
                    answer[6] = message[6];
                }
                self.waiting.push_back(answer);
            }
            Ok(())
        }

        fn receive(&mut self, _: usize, _: Duration) -> io::Result<Vec<u8>> {
            let next = self.waiting.pop_front();
            next.ok_or_else(|| io::ErrorKind::TimedOut.into())
        }
    }

    fn answer(kind: u8, seq: u8, status: u8, error: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        bytes.extend([0, seq, status, error, 0]);
        bytes.extend(data);
        bytes
    }

    fn open(answers: &[&[Vec<u8>]]) -> Result<Reader<Script>, ReaderError> {
        Reader::open(Script::of(answers), Duration::from_secs(1))
    }

    const TIME: Duration = Duration::from_secs(1);

    #[test]
    fn a_card_with_power_keeps_it_and_another_gets_it() {
        let active = answer(0x81, 0, ACTIVE, 0, &[]);
        assert_eq!(open(&[&[active]]).unwrap().pipes.sent.len(), 1);
        let off = answer(0x81, 0, INACTIVE, 0, &[]);
        let atr = answer(0x80, 0, ACTIVE, 0, &[0x3B, 0x80]);
        let reader = open(&[&[off], &[atr]]).unwrap();
        assert_eq!(reader.pipes.sent[1], [0x62, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
        let empty = answer(0x81, 0, ABSENT, 0, &[]);
        assert!(matches!(open(&[&[empty]]), Err(ReaderError::Absent)));
    }

    #[test]
    fn a_reader_that_is_busy_for_another_is_waited_for() {
        let off = answer(0x81, 0, INACTIVE, 0, &[]);
        let busy = answer(0x80, 0, INACTIVE | 1 << 6, BUSY, &[]);
        let active = answer(0x81, 0, ACTIVE, 0, &[]);
        let reader = open(&[&[off], &[busy], &[active]]).unwrap();
        assert_eq!(reader.pipes.sent.len(), 3);
    }

    #[test]
    fn only_the_answer_to_this_command_is_taken_however_long_it_takes() {
        let active = answer(0x81, 0, ACTIVE, 0, &[]);
        let old = answer(0x80, 0x77, ACTIVE, 0, &[6, 6]);
        let wait = answer(0x80, 0, TIME_EXTENSION << 6, 1, &[]);
        let response = answer(0x80, 0, ACTIVE, 0, &[0x90, 0]);
        let answers = [old, wait.clone(), wait, response];
        let mut reader = open(&[&[active], &answers]).unwrap();
        assert_eq!(reader.transmit(&[0, 0xA4], TIME).unwrap(), [0x90, 0]);
        assert_eq!(
            reader.pipes.sent[1],
            [0x6F, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0xA4]
        );
        let silent = reader.transmit(&[0, 0xA4], TIME);
        assert!(matches!(silent, Err(ReaderError::Silent)));
    }

    /// Asks for time whenever it is asked, at once.
    struct Hostile(u8);

    impl Pipes for Hostile {
        fn send(&mut self, message: &[u8], _: Duration) -> io::Result<()> {
            self.0 = message[6];
            Ok(())
        }

        fn receive(&mut self, _: usize, _: Duration) -> io::Result<Vec<u8>> {
            Ok(answer(0x80, self.0, TIME_EXTENSION << 6, 1, &[]))
        }
    }

    #[test]
    fn a_device_that_asks_for_time_without_end_is_given_up() {
        let opened = Reader::open(Hostile(0), Duration::from_millis(50));
        assert!(matches!(opened, Err(ReaderError::Silent)));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        let active = || answer(0x81, 0, ACTIVE, 0, &[]);
        let ask = |response: Vec<u8>| {
            let mut reader = open(&[&[active()], &[response]]).unwrap();
            reader.transmit(&[0; 5], TIME)
        };
        let long = [answer(0x80, 0, ACTIVE, 0, &[0x90, 0]), vec![1]].concat();
        let mut other_slot = answer(0x80, 0, ACTIVE, 0, &[0x90, 0]);
        other_slot[5] = 1;
        let other_kind = answer(0x82, 0, ACTIVE, 0, &[0x90, 0]);
        for response in [vec![0x80; 9], long, other_slot, other_kind] {
            assert!(matches!(ask(response), Err(ReaderError::Malformed)));
        }
        let refused = answer(0x80, 0, 1 << 6, 0xFE, &[]);
        assert!(matches!(ask(refused), Err(ReaderError::Refused(0xFE))));
        let gone = answer(0x80, 0, ABSENT | 1 << 6, 0xFE, &[]);
        assert!(matches!(ask(gone), Err(ReaderError::Absent)));
    }
}
