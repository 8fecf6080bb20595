//! The USB reader of a module: packets of a host, and everything else that may happen between them.

use hsm_ccid::{Ccid, Command, Room, Task, ccid::PACKET, message::HEADER};
use hsm_protocol::command::ATR;

/// What happens: an opcode, then its operands.
pub mod op {
    /// The host sends a packet: its length, its bytes.
    pub const PACKET: u8 = 0;
    /// The host reads a packet.
    pub const READ: u8 = 1;
    /// The module asks what it has to do.
    pub const TASK: u8 = 2;
    /// The module responds with what it was sent.
    pub const RESPOND: u8 = 3;
    /// The module asks for time.
    pub const ASK_FOR_TIME: u8 = 4;
    /// The host aborts: slot, number.
    pub const ABORT: u8 = 5;
    /// The bus is reset.
    pub const RESET: u8 = 6;
}

/// Bytes for a command, and for a response: few, so that a fuzzer gets past them.
const ROOM: usize = 300;

/// A program of [`op`]. The room for commands is never lost: afterwards an APDU comes through.
pub fn run(data: &[u8]) {
    let room = Room {
        command: &mut [0; ROOM],
        response: &mut [0; ROOM],
    };
    let mut world = World {
        ccid: Ccid::new(room),
        command: None,
        answer: Vec::new(),
    };
    let mut rest = data;
    while let Some(more) = world.step(rest) {
        rest = more;
    }
    world.end();
}

struct World<'b> {
    ccid: Ccid<'b>,
    command: Option<Command<'b>>,
    /// What the host has read of an answer.
    answer: Vec<u8>,
}

impl World<'_> {
    /// Runs the first step, and returns the others.
    fn step<'p>(&mut self, program: &'p [u8]) -> Option<&'p [u8]> {
        let (&code, rest) = program.split_first()?;
        let mut left = rest;
        match code % 7 {
            op::PACKET => {
                let (&len, more) = rest.split_first()?;
                let (packet, more) = more.split_at_checked(usize::from(len) % (PACKET + 1))?;
                self.ccid.packet(packet);
                left = more;
            }
            op::READ => {
                self.read();
            }
            op::TASK => self.task(),
            op::RESPOND => self.respond(),
            op::ASK_FOR_TIME => self.ccid.ask_for_time(),
            op::ABORT => {
                let ([slot, seq], more) = rest.split_first_chunk()?;
                if self.ccid.abort(*slot, *seq) {
                    self.answer.clear();
                }
                left = more;
            }
            _ => {
                self.ccid.reset();
                self.answer.clear();
            }
        }
        Some(left)
    }

    /// Reads a packet, and returns the answer that it completes.
    fn read(&mut self) -> Option<Vec<u8>> {
        let mut packet = [0; PACKET];
        let len = self.ccid.next(&mut packet)?;
        self.ccid.sent(len);
        self.answer.extend(&packet[..len]);
        if len == PACKET {
            return None;
        }
        let answer = std::mem::take(&mut self.answer);
        let (header, data) = answer.split_first_chunk::<HEADER>().expect("a header");
        let said = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
        assert_eq!(usize::try_from(said), Ok(data.len()));
        assert!((0x80..=0x84).contains(&header[0]));
        assert!(matches!(header[7], 0 | 1 | 0x40 | 0x41 | 0x42 | 0x80));
        assert!(header[7] == 0 || data.is_empty() || header[0] == 0x82);
        assert_eq!(header[7] == 0x42, header[5] != 0);
        Some(answer)
    }

    fn task(&mut self) {
        if let Some(Task::Run(command)) = self.ccid.task() {
            assert!(self.command.replace(command).is_none(), "two at once");
        }
    }

    fn respond(&mut self) {
        if let Some(command) = self.command.take() {
            self.ccid.respond(command.run(echo));
        }
    }

    fn end(mut self) {
        self.respond();
        self.ccid.reset();
        self.answer.clear();
        assert!(self.ccid.is_ready() && self.read().is_none());
        self.ccid.packet(&[0x62, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(self.read().expect("an ATR")[HEADER..], ATR);
        assert!(matches!(self.ccid.task(), Some(Task::Reset)));
        self.ccid
            .packet(&[0x6F, 3, 0, 0, 0, 0, 2, 0, 0, 0, 7, 8, 9]);
        self.task();
        self.respond();
        assert_eq!(self.read().expect("a response")[HEADER..], [7, 8, 9]);
    }
}

fn echo(command: &[u8], response: &mut [u8]) -> usize {
    response[..command.len()].copy_from_slice(command);
    command.len()
}

/// Programs that reach every state.
pub fn seeds() -> Vec<Vec<u8>> {
    let message = |kind: u8, len: u8, level: u8| [kind, len, 0, 0, 0, 0, 9, 0, level, 0];
    let packet = |header: [u8; HEADER], data: &[u8]| {
        let len = u8::try_from(HEADER + data.len()).expect("a packet");
        [&[op::PACKET, len], &header[..], data].concat()
    };
    let more = |len: u8| [vec![op::PACKET, len], vec![5; len.into()]].concat();
    let on = [packet(message(0x62, 0, 0), &[]), vec![op::READ, op::TASK]].concat();
    let long = [
        packet(message(0x6F, 200, 0), &[5; 54]),
        more(64),
        more(64),
        more(18),
    ]
    .concat();
    let answer = vec![op::TASK, op::ASK_FOR_TIME, op::READ, op::RESPOND, op::READ];
    let parts = [
        packet(message(0x6F, 2, 1), &[1; 2]),
        vec![op::READ],
        packet(message(0x6F, 2, 3), &[2; 2]),
        vec![op::READ],
        packet(message(0x6F, 2, 2), &[3; 2]),
    ]
    .concat();
    let abort = [
        vec![op::ABORT, 0, 9],
        packet(message(0x72, 0, 0), &[]),
        vec![op::READ],
    ]
    .concat();
    let parameters = packet(message(0x61, 7, 0), &[1; 7]);
    vec![
        [&on[..], &long, &answer].concat(),
        [&on[..], &parts, &answer].concat(),
        [&on[..], &long, &[op::TASK], &abort, &answer].concat(),
        [&on[..], &long[..80], &abort, &long, &[op::RESET]].concat(),
        [&on[..], &parameters, &[op::READ]].concat(),
        [&on[..], &packet(message(0x6F, 255, 0), &[1; 54])].concat(),
    ]
}
