//! Messages of the bulk pipes (CCID § 6): a header of ten bytes, then data.

/// The header of every message, in bytes.
pub const HEADER: usize = 10;

/// What a host asks for (CCID § 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// `PC_to_RDR_IccPowerOn`.
    PowerOn {
        /// 0 if the reader may choose the voltage.
        voltage: u8,
    },
    /// `PC_to_RDR_IccPowerOff`.
    PowerOff,
    /// `PC_to_RDR_GetSlotStatus`.
    SlotStatus,
    /// `PC_to_RDR_XfrBlock`: an APDU, or a part of one.
    Transfer {
        /// `wLevelParameter`: which part.
        level: u16,
    },
    /// `PC_to_RDR_GetParameters` and `PC_to_RDR_ResetParameters`.
    Parameters,
    /// `PC_to_RDR_SetParameters`.
    SetParameters {
        /// 0 is T=0, 1 is T=1.
        protocol: u8,
    },
    /// `PC_to_RDR_Abort`.
    Abort,
    /// Everything else. This reader has no PIN pad, no clock and no mechanics.
    Unsupported,
}

/// The header of a message from the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the host asks for.
    pub request: Request,
    /// The answer that the host expects.
    pub answer: Answer,
    /// How many bytes of data the host says that it sends.
    pub len: u32,
    /// The slot; this reader has number 0 alone.
    pub slot: u8,
    /// The host's number of the message; its answer carries it.
    pub seq: u8,
}

impl Header {
    /// Reads a header, and returns it with the data after it; `None` if the packet is shorter than a header.
    pub fn parse(packet: &[u8]) -> Option<(Self, &[u8])> {
        let (head, data) = packet.split_first_chunk::<HEADER>()?;
        let &[kind, a, b, c, d, slot, seq, first, second, third] = head;
        let level = u16::from_le_bytes([second, third]);
        let (request, answer) = match kind {
            0x61 => (
                Request::SetParameters { protocol: first },
                Answer::Parameters,
            ),
            0x62 => (Request::PowerOn { voltage: first }, Answer::DataBlock),
            0x63 => (Request::PowerOff, Answer::SlotStatus),
            0x65 => (Request::SlotStatus, Answer::SlotStatus),
            0x69 => (Request::Unsupported, Answer::DataBlock),
            0x6B => (Request::Unsupported, Answer::Escape),
            0x6C | 0x6D => (Request::Parameters, Answer::Parameters),
            0x6F => (Request::Transfer { level }, Answer::DataBlock),
            0x72 => (Request::Abort, Answer::SlotStatus),
            0x73 => (Request::Unsupported, Answer::Clock),
            _ => (Request::Unsupported, Answer::SlotStatus),
        };
        let header = Self {
            request,
            answer,
            len: u32::from_le_bytes([a, b, c, d]),
            slot,
            seq,
        };
        Some((header, data))
    }
}

/// The kinds of answers (CCID § 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `RDR_to_PC_DataBlock`.
    DataBlock,
    /// `RDR_to_PC_SlotStatus`.
    SlotStatus,
    /// `RDR_to_PC_Parameters`.
    Parameters,
    /// `RDR_to_PC_Escape`.
    Escape,
    /// `RDR_to_PC_DataRateAndClockFrequency`.
    Clock,
}

impl Answer {
    const fn kind(self) -> u8 {
        match self {
            Self::DataBlock => 0x80,
            Self::SlotStatus => 0x81,
            Self::Parameters => 0x82,
            Self::Escape => 0x83,
            Self::Clock => 0x84,
        }
    }
}

/// How a request went (CCID § 6.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not.
    Failed(Error),
    /// It is being done; the host shall wait on.
    TimeExtension,
}

/// Why a request failed: a fault of its own, or the number of the header's byte that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The reader cannot do that.
    Unsupported,
    /// The length is wrong, or more than there is room for.
    Length,
    /// There is no such slot.
    Slot,
    /// The voltage or the protocol.
    Choice,
    /// A part of an APDU whose beginning is missing.
    Level,
    /// The slot has a request that is not done yet.
    Busy,
    /// The card has no power.
    Mute,
    /// The host aborts what it asked for.
    Aborted,
}

impl Error {
    const fn code(self) -> u8 {
        match self {
            Self::Unsupported => 0,
            Self::Length => 1,
            Self::Slot => 5,
            Self::Choice => 7,
            Self::Level => 8,
            Self::Busy => 0xE0,
            Self::Mute => 0xFE,
            Self::Aborted => 0xFF,
        }
    }
}

/// What the host learns of the card with every answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// It is there and has power.
    Active,
    /// It is there.
    Inactive,
    /// There is no such slot.
    Absent,
}

/// The header of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerHeader {
    /// Which kind of answer it is.
    pub answer: Answer,
    /// How many bytes of data follow.
    pub len: u32,
    /// The slot that the host named.
    pub slot: u8,
    /// The host's number of the message that is answered.
    pub seq: u8,
    /// How that went.
    pub outcome: Outcome,
    /// The card.
    pub card: Card,
    /// The last byte: the protocol of parameters, or which part of an APDU a block of data is.
    pub last: u8,
}

impl AnswerHeader {
    /// Returns the header's bytes.
    pub const fn encode(&self) -> [u8; HEADER] {
        let [a, b, c, d] = self.len.to_le_bytes();
        let (status, error) = match self.outcome {
            Outcome::Done => (0, 0),
            Outcome::Failed(error) => (0x40, error.code()),
            // One more of the usual waiting times.
            Outcome::TimeExtension => (0x80, 1),
        };
        let card = match self.card {
            Card::Active => 0,
            Card::Inactive => 1,
            Card::Absent => 2,
        };
        let kind = self.answer.kind();
        let status = status | card;
        [
            kind, a, b, c, d, self.slot, self.seq, status, error, self.last,
        ]
    }
}
