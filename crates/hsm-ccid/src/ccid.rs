//! The slot, without any bus: packets from the host in, packets to the host out, APDUs to the module and back.

use crate::message::{Answer, AnswerHeader, Card, Error, HEADER, Header, Outcome, Request};
use core::mem;
use hsm_protocol::{command::ATR, limits};

/// The longest packet of a bulk pipe at full speed, in bytes.
pub const PACKET: usize = 64;

/// `dwMaxCCIDMessageLength`: a header and the longest command.
pub const MESSAGE: usize = HEADER + limits::COMMAND_APDU;

/// The room for a command and its response.
pub struct Room<'b> {
    /// For the command; what is longer is refused.
    pub command: &'b mut [u8],
    /// For the response, [`limits::RESPONSE_APDU`] bytes.
    pub response: &'b mut [u8],
}

/// A whole command for the module, with the room that it lies in.
pub struct Command<'b> {
    room: Room<'b>,
    len: usize,
}

impl<'b> Command<'b> {
    /// Returns the command's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.room.command.get(..self.len).unwrap_or_default()
    }

    /// Lets the module answer: `run` takes the command and room for the response, and returns the response's length.
    pub fn run(self, run: impl FnOnce(&[u8], &mut [u8]) -> usize) -> Response<'b> {
        let Room { command, response } = self.room;
        let written = run(command.get(..self.len).unwrap_or_default(), response);
        let len = written.min(response.len());
        Response {
            room: Room { command, response },
            len,
        }
    }
}

/// The module's response to a command, with the room that it lies in.
pub struct Response<'b> {
    room: Room<'b>,
    len: usize,
}

/// What the module has to do.
pub enum Task<'b> {
    /// The host resets the card or takes its power away.
    Reset,
    /// The host sends a command. [`Ccid::respond`] takes the response.
    Run(Command<'b>),
}

/// A reader with one slot, whose card is always there.
pub struct Ccid<'b> {
    receiving: Receiving,
    slot: Slot<'b>,
    is_powered: bool,
    /// Whether the module must still be told that it was reset.
    is_reset: bool,
    abort: Abort,
    sending: Option<Sending>,
}

/// What the next packet of the host is.
#[derive(Clone, Copy)]
enum Receiving {
    /// The beginning of a message.
    Header,
    /// More of an APDU, whose first `from` bytes are there. At `end` it is whole, or this part of it.
    Data {
        header: Header,
        from: usize,
        end: usize,
    },
    /// More of a message that will be answered with this error.
    Rest {
        header: Header,
        left: u32,
        error: Error,
    },
}

/// The bytes of a message in one packet, and whether they are the last: only a packet that is not full ends a message.
#[derive(Clone, Copy)]
struct Part<'p> {
    data: &'p [u8],
    is_last: bool,
}

/// Who has the room for an APDU.
enum Slot<'b> {
    /// The host: it sends a command. If parts of one came before, they have this length.
    Host {
        room: Room<'b>,
        chained: Option<usize>,
    },
    /// The command is whole.
    Whole { command: Command<'b>, seq: u8 },
    /// The module: it computes.
    Module { seq: u8 },
    /// The module, for a host that does not wait for it any more.
    Abandoned,
    /// The response is, or soon will be, on its way.
    Answer { response: Response<'b>, seq: u8 },
}

/// The two halves of an abort (CCID § 5.3.1): one comes through the control pipe, one through the bulk pipe.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Abort {
    None,
    Control { seq: u8 },
    Bulk { seq: u8 },
}

/// A message on its way to the host.
struct Sending {
    header: [u8; HEADER],
    data: Data,
    sent: usize,
}

#[derive(Clone, Copy)]
enum Data {
    None,
    Atr,
    Parameters,
    Response,
}

impl<'b> Ccid<'b> {
    /// Returns a reader that was just plugged in.
    pub const fn new(room: Room<'b>) -> Self {
        Self {
            receiving: Receiving::Header,
            slot: free(room),
            is_powered: false,
            is_reset: false,
            abort: Abort::None,
            sending: None,
        }
    }

    /// The bus was reset: the host begins anew.
    pub fn reset(&mut self) {
        self.receiving = Receiving::Header;
        self.is_powered = false;
        self.is_reset = true;
        self.abort = Abort::None;
        self.sending = None;
        self.give_up();
    }

    /// Returns whether the next packet of the host can be taken. Until then, the host waits.
    pub const fn is_ready(&self) -> bool {
        self.sending.is_none() && !matches!(self.slot, Slot::Abandoned)
    }

    /// Takes a packet of the bulk pipe. To be called only if [`Self::is_ready`].
    pub fn packet(&mut self, packet: &[u8]) {
        if !self.is_ready() {
            return;
        }
        if let Abort::Control { seq } = self.abort
            && let Some((header, [])) = Header::parse(packet)
            && header.request == Request::Abort
            && (header.slot, header.seq, header.len) == (0, seq, 0)
        {
            self.receiving = Receiving::Header;
            return self.aborted(header);
        }
        let part = Part {
            data: packet,
            is_last: packet.len() < PACKET,
        };
        match mem::replace(&mut self.receiving, Receiving::Header) {
            Receiving::Header => self.begin(part),
            Receiving::Data { header, from, end } => self.data(header, from, end, part),
            Receiving::Rest {
                header,
                left,
                error,
            } => self.rest(header, left, error, part),
        }
    }

    /// Takes the half of an abort that comes through the control pipe. Returns whether there is such a slot.
    pub fn abort(&mut self, slot: u8, seq: u8) -> bool {
        if slot != 0 {
            return false;
        }
        // The host reads no answers until the other half is answered.
        self.sending = None;
        if self.abort == (Abort::Bulk { seq }) {
            let header = Header {
                request: Request::Abort,
                answer: Answer::SlotStatus,
                len: 0,
                slot,
                seq,
            };
            self.aborted(header);
        } else {
            self.abort = Abort::Control { seq };
        }
        true
    }

    /// Returns what the module has to do, in order. The command comes once.
    pub fn task(&mut self) -> Option<Task<'b>> {
        if mem::take(&mut self.is_reset) {
            return Some(Task::Reset);
        }
        let Slot::Whole { seq, .. } = self.slot else {
            return None;
        };
        match mem::replace(&mut self.slot, Slot::Module { seq }) {
            Slot::Whole { command, .. } => Some(Task::Run(command)),
            _ => None,
        }
    }

    /// Takes the module's response. It is forgotten if the host does not wait for it any more.
    pub fn respond(&mut self, response: Response<'b>) {
        self.slot = if let Slot::Module { seq } = self.slot {
            Slot::Answer { response, seq }
        } else {
            free(response.room)
        };
        self.send_response();
    }

    /// Asks the host to wait on, if it waits. To be called at least once a second: libccid gives up after three.
    pub fn ask_for_time(&mut self) {
        let (Slot::Whole { seq, .. } | Slot::Module { seq }) = self.slot else {
            return;
        };
        if self.sending.is_none() {
            let header = AnswerHeader {
                answer: Answer::DataBlock,
                len: 0,
                slot: 0,
                seq,
                outcome: Outcome::TimeExtension,
                card: self.card(),
                last: 0,
            };
            self.send(header, Data::None);
        }
    }

    /// Writes the next packet for the host to the front of `packet`, and returns its length. It stays the next one until
    /// [`Self::sent`].
    pub fn next(&self, packet: &mut [u8; PACKET]) -> Option<usize> {
        let sending = self.sending.as_ref()?;
        let data = self.bytes(sending.data);
        let (head, tail) = match sending.sent.checked_sub(HEADER) {
            None => (sending.header.as_slice(), data),
            Some(sent) => (&[][..], data.get(sent..).unwrap_or_default()),
        };
        let bytes = head.iter().chain(tail);
        let len = packet
            .iter_mut()
            .zip(bytes)
            .map(|(to, from)| *to = *from)
            .count();
        Some(len)
    }

    /// The bus has taken the packet that [`Self::next`] wrote. A message ends with a packet that is not full.
    pub fn sent(&mut self, len: usize) {
        let Some(sending) = &mut self.sending else {
            return;
        };
        sending.sent = sending.sent.saturating_add(len);
        if len == PACKET {
            return;
        }
        let is_response = matches!(sending.data, Data::Response);
        self.sending = None;
        if is_response {
            self.give_up();
        }
        self.send_response();
    }

    /// A message begins.
    fn begin(&mut self, part: Part<'_>) {
        // Without a header there is nothing to answer. A host may end a message whose last packet is full with an empty one.
        let Some((header, data)) = Header::parse(part.data) else {
            return;
        };
        let part = Part { data, ..part };
        if let Err(error) = self.check(header, data.len()) {
            return self.rest(header, header.len, error, part);
        }
        match header.request {
            Request::PowerOn { .. } => {
                self.power(true);
                self.answer(header, Outcome::Done, Data::Atr);
            }
            Request::PowerOff => {
                self.power(false);
                self.answer(header, Outcome::Done, Data::None);
            }
            Request::SlotStatus => self.answer(header, Outcome::Done, Data::None),
            // The card has one set of parameters; the answer says which.
            Request::Parameters | Request::SetParameters { .. } => {
                self.answer(header, Outcome::Done, Data::Parameters);
            }
            Request::Transfer { level } => self.transfer(header, level, part),
            Request::Abort => self.abort = Abort::Bulk { seq: header.seq },
            Request::Unsupported => self.fail(header, Error::Unsupported),
        }
    }

    /// Checks a message whose first packet has so many bytes of data.
    fn check(&self, header: Header, len: usize) -> Result<(), Error> {
        if header.slot != 0 {
            return Err(Error::Slot);
        }
        if matches!(self.abort, Abort::Control { .. }) {
            return Err(Error::Aborted);
        }
        let is_busy = !matches!(self.slot, Slot::Host { .. });
        if is_busy && !matches!(header.request, Request::SlotStatus | Request::Abort) {
            return Err(Error::Busy);
        }
        let (right_len, is_right) = match header.request {
            Request::Unsupported => return Err(Error::Unsupported),
            Request::Transfer { .. } if self.is_powered => return Ok(()),
            Request::Transfer { .. } => return Err(Error::Mute),
            Request::SetParameters { protocol } => (PARAMETERS.len(), protocol == T1),
            Request::PowerOn { voltage } => (0, voltage <= HIGHEST_VOLTAGE),
            Request::PowerOff | Request::SlotStatus | Request::Parameters | Request::Abort => {
                (0, true)
            }
        };
        if header.len != as_u32(right_len) || len != right_len {
            Err(Error::Length)
        } else if !is_right {
            Err(Error::Choice)
        } else {
            Ok(())
        }
    }

    /// Gives the card power or takes it away. Both end what was going on.
    const fn power(&mut self, is_powered: bool) {
        self.is_powered = is_powered;
        self.is_reset = true;
        self.unchain();
    }

    /// An APDU begins, or the next part of one (CCID § 6.1.4).
    fn transfer(&mut self, header: Header, level: u16, part: Part<'_>) {
        let Slot::Host { room, chained } = &mut self.slot else {
            return self.fail(header, Error::Busy);
        };
        let from = match (level, chained.take()) {
            (WHOLE | FIRST, _) => 0,
            (LAST | MIDDLE, Some(len)) => len,
            _ => return self.rest(header, header.len, Error::Level, part),
        };
        let end = usize::try_from(header.len)
            .ok()
            .and_then(|len| from.checked_add(len))
            .filter(|end| *end <= room.command.len());
        match end {
            Some(end) => self.data(header, from, end, part),
            None => self.rest(header, header.len, Error::Length, part),
        }
    }

    /// Takes bytes of an APDU to where they belong.
    fn data(&mut self, header: Header, from: usize, end: usize, part: Part<'_>) {
        let Slot::Host { room, .. } = &mut self.slot else {
            return self.fail(header, Error::Busy);
        };
        let to = from.saturating_add(part.data.len());
        let place = room.command.get_mut(from..to).filter(|_| to <= end);
        match place {
            Some(place) => place.copy_from_slice(part.data),
            // More than the header says.
            None => return self.fail(header, Error::Length),
        }
        if to == end {
            self.part_is_whole(header, end);
        } else if part.is_last {
            // Less than the header says.
            self.fail(header, Error::Length);
        } else {
            self.receiving = Receiving::Data {
                header,
                from: to,
                end,
            };
        }
    }

    /// A part of an APDU is there, which has this length now.
    fn part_is_whole(&mut self, header: Header, len: usize) {
        if matches!(self.abort, Abort::Control { .. }) {
            return self.fail(header, Error::Aborted);
        }
        let is_last = matches!(
            header.request,
            Request::Transfer {
                level: WHOLE | LAST
            }
        );
        match mem::replace(&mut self.slot, Slot::Abandoned) {
            Slot::Host { room, .. } if is_last => {
                self.slot = Slot::Whole {
                    command: Command { room, len },
                    seq: header.seq,
                };
            }
            Slot::Host { room, .. } => {
                self.slot = Slot::Host {
                    room,
                    chained: Some(len),
                };
                self.say(header, Outcome::Done, Data::None, MORE_EXPECTED);
            }
            other => self.slot = other,
        }
    }

    /// Skips data that nobody wants, and answers after the last of them.
    fn rest(&mut self, header: Header, left: u32, error: Error, part: Part<'_>) {
        let left = left.saturating_sub(as_u32(part.data.len()));
        if left == 0 || part.is_last {
            self.fail(header, error);
        } else {
            self.receiving = Receiving::Rest {
                header,
                left,
                error,
            };
        }
    }

    /// Both halves of an abort have come. The module cannot be interrupted: what it still computes is for nobody.
    fn aborted(&mut self, header: Header) {
        self.abort = Abort::None;
        self.give_up();
        self.answer(header, Outcome::Done, Data::None);
    }

    /// Forgets the command or the response.
    fn give_up(&mut self) {
        self.slot = match mem::replace(&mut self.slot, Slot::Abandoned) {
            Slot::Host { room, .. } => free(room),
            Slot::Whole { command, .. } => free(command.room),
            Slot::Answer { response, .. } => free(response.room),
            Slot::Module { .. } | Slot::Abandoned => Slot::Abandoned,
        };
    }

    /// Forgets the parts of a command.
    const fn unchain(&mut self) {
        if let Slot::Host { chained, .. } = &mut self.slot {
            *chained = None;
        }
    }

    fn fail(&mut self, header: Header, error: Error) {
        self.answer(header, Outcome::Failed(error), Data::None);
    }

    fn answer(&mut self, header: Header, outcome: Outcome, data: Data) {
        let last = match data {
            Data::Parameters => T1,
            Data::None | Data::Atr | Data::Response => 0,
        };
        self.say(header, outcome, data, last);
    }

    fn say(&mut self, header: Header, outcome: Outcome, data: Data, last: u8) {
        let header = AnswerHeader {
            answer: header.answer,
            len: as_u32(self.bytes(data).len()),
            slot: header.slot,
            seq: header.seq,
            outcome,
            card: if header.slot == 0 {
                self.card()
            } else {
                Card::Absent
            },
            last,
        };
        self.send(header, data);
    }

    /// Sends the response, if there is one and nothing else is on its way.
    fn send_response(&mut self) {
        let Slot::Answer { response, seq } = &self.slot else {
            return;
        };
        if self.sending.is_none() {
            let header = AnswerHeader {
                answer: Answer::DataBlock,
                len: as_u32(response.len),
                slot: 0,
                seq: *seq,
                outcome: Outcome::Done,
                card: self.card(),
                last: 0,
            };
            self.send(header, Data::Response);
        }
    }

    const fn send(&mut self, header: AnswerHeader, data: Data) {
        self.sending = Some(Sending {
            header: header.encode(),
            data,
            sent: 0,
        });
    }

    fn bytes(&self, data: Data) -> &[u8] {
        match (data, &self.slot) {
            (Data::Atr, _) => &ATR,
            (Data::Parameters, _) => &PARAMETERS,
            (Data::Response, Slot::Answer { response, .. }) => {
                let Response { room, len } = response;
                room.response.get(..*len).unwrap_or_default()
            }
            (Data::None | Data::Response, _) => &[],
        }
    }

    const fn card(&self) -> Card {
        if self.is_powered {
            Card::Active
        } else {
            Card::Inactive
        }
    }
}

const fn free(room: Room<'_>) -> Slot<'_> {
    Slot::Host {
        room,
        chained: None,
    }
}

/// Lengths here are those of packets and APDUs.
fn as_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// `wLevelParameter` of an APDU in one message, and of the parts of one in several.
const WHOLE: u16 = 0;
const FIRST: u16 = 1;
const LAST: u16 = 2;
const MIDDLE: u16 = 3;

/// `bChainParameter`: this block is empty, the next part of the command is expected.
const MORE_EXPECTED: u8 = 0x10;

/// `bPowerSelect`: 1.8 V.
const HIGHEST_VOLTAGE: u8 = 3;

/// `bProtocolNum` of T=1.
const T1: u8 = 1;

/// T=1 with the longest blocks (CCID § 6.2.3). None of this reaches a wire.
const PARAMETERS: [u8; 7] = [0x11, 0x10, 0x00, 0x45, 0x00, 0xFE, 0x00];
