//! Every message of the bulk pipe, good and bad, as a host sends them: packet by packet.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

use hsm_ccid::{
    Ccid, Command, Room, Task,
    ccid::{MESSAGE, PACKET},
    message::HEADER,
};
use hsm_protocol::{command::ATR, limits};

const POWER_ON: u8 = 0x62;
const POWER_OFF: u8 = 0x63;
const SLOT_STATUS: u8 = 0x65;
const TRANSFER: u8 = 0x6F;
const ABORT: u8 = 0x72;

/// A host and its reader.
struct Host {
    ccid: Ccid<'static>,
    seq: u8,
}

impl Host {
    fn new() -> Self {
        let room = Room {
            command: vec![0; limits::COMMAND_APDU].leak(),
            response: vec![0; limits::RESPONSE_APDU].leak(),
        };
        Self {
            ccid: Ccid::new(room),
            seq: 0x40,
        }
    }

    fn powered() -> Self {
        let mut host = Self::new();
        host.ask(POWER_ON, 0, [0; 3], &[]);
        assert!(matches!(host.ccid.task(), Some(Task::Reset)));
        host
    }

    /// Sends a message whose length is right, and returns its number.
    fn send(&mut self, kind: u8, slot: u8, specific: [u8; 3], data: &[u8]) -> u8 {
        self.seq = self.seq.wrapping_add(1);
        let len = u32::try_from(data.len()).unwrap();
        let message = message(kind, len, [slot, self.seq], specific, data);
        self.raw(&message);
        self.seq
    }

    fn raw(&mut self, message: &[u8]) {
        for packet in message.chunks(PACKET) {
            assert!(self.ccid.is_ready());
            self.ccid.packet(packet);
        }
    }

    /// Reads a whole answer: header and data. A full packet is never its last.
    fn answer(&mut self) -> Option<(Answer, Vec<u8>)> {
        let mut bytes = Vec::new();
        loop {
            let mut packet = [0; PACKET];
            let len = self.ccid.next(&mut packet)?;
            self.ccid.sent(len);
            bytes.extend(&packet[..len]);
            if len < PACKET {
                break;
            }
        }
        let data = bytes.split_off(HEADER);
        let header: [u8; HEADER] = bytes.try_into().unwrap();
        let [kind, a, b, c, d, slot, seq, status, error, last] = header;
        assert_eq!(u32::from_le_bytes([a, b, c, d]), len_of(&data));
        let answer = Answer {
            kind,
            slot,
            seq,
            status,
            error,
            last,
        };
        Some((answer, data))
    }

    /// Sends a message and returns its answer's status, error and data.
    fn ask(&mut self, kind: u8, slot: u8, specific: [u8; 3], data: &[u8]) -> (Answer, Vec<u8>) {
        let seq = self.send(kind, slot, specific, data);
        let (answer, data) = self.answer().expect("an answer");
        assert_eq!((answer.slot, answer.seq), (slot, seq));
        assert!(self.answer().is_none());
        (answer, data)
    }

    fn transfer(&mut self, level: u16, data: &[u8]) -> u8 {
        let [low, high] = level.to_le_bytes();
        self.send(TRANSFER, 0, [0, low, high], data)
    }

    fn command(&mut self) -> Command<'static> {
        match self.ccid.task() {
            Some(Task::Run(command)) => command,
            _ => panic!("no command"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    kind: u8,
    slot: u8,
    seq: u8,
    status: u8,
    error: u8,
    last: u8,
}

impl Answer {
    const fn outcome(self) -> (u8, u8, u8) {
        (self.kind, self.status, self.error)
    }
}

fn message(kind: u8, len: u32, [slot, seq]: [u8; 2], specific: [u8; 3], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(len.to_le_bytes());
    bytes.extend([slot, seq]);
    bytes.extend(specific);
    bytes.extend(data);
    bytes
}

fn len_of(data: &[u8]) -> u32 {
    u32::try_from(data.len()).unwrap()
}

fn numbers(len: usize) -> Vec<u8> {
    (0..len)
        .map(|number| u8::try_from(number % 251).unwrap())
        .collect()
}

#[test]
fn power_shows_in_every_answer() {
    let mut host = Host::new();
    let (status, _) = host.ask(SLOT_STATUS, 0, [0; 3], &[]);
    assert_eq!(status.outcome(), (0x81, 0x01, 0));
    let (on, atr) = host.ask(POWER_ON, 0, [0; 3], &[]);
    assert_eq!((on.outcome(), atr), ((0x80, 0x00, 0), ATR.to_vec()));
    let (status, _) = host.ask(SLOT_STATUS, 0, [0; 3], &[]);
    assert_eq!(status.outcome(), (0x81, 0x00, 0));
    let (off, _) = host.ask(POWER_OFF, 0, [0; 3], &[]);
    assert_eq!(off.outcome(), (0x81, 0x01, 0));
}

#[test]
fn the_module_hears_of_each_reset_once_and_before_the_next_command() {
    let mut host = Host::powered();
    assert!(host.ccid.task().is_none());
    host.ask(POWER_OFF, 0, [0; 3], &[]);
    assert!(matches!(host.ccid.task(), Some(Task::Reset)));
    host.ask(POWER_ON, 0, [3, 0, 0], &[]);
    host.transfer(0, &[0, 0xA4, 4, 0]);
    assert!(matches!(host.ccid.task(), Some(Task::Reset)));
    assert_eq!(host.command().bytes(), [0, 0xA4, 4, 0]);
    assert!(host.ccid.task().is_none());
}

#[test]
fn apdus_of_every_kind_of_length_come_through_both_ways() {
    let mut host = Host::powered();
    // One packet more or less, a last packet that is full, and the longest.
    for len in [0, 1, 53, 54, 55, 117, 118, 119, 182, 4096, 65_537, 65_538] {
        let (sent, given) = (numbers(len), numbers(len + 1));
        let given = &given[..len.min(limits::RESPONSE_APDU)];
        let seq = host.transfer(0, &sent);
        let response = host.command().run(|command, response| {
            assert_eq!(command, sent);
            response[..given.len()].copy_from_slice(given);
            given.len()
        });
        assert!(host.answer().is_none());
        host.ccid.respond(response);
        let (answer, data) = host.answer().expect("a response");
        assert_eq!((answer.outcome(), answer.seq), ((0x80, 0, 0), seq));
        assert!(data == given, "{len} bytes");
    }
    host.transfer(0, &numbers(limits::COMMAND_APDU));
    assert_eq!(host.command().bytes(), numbers(limits::COMMAND_APDU));
    assert_eq!(MESSAGE, HEADER + limits::COMMAND_APDU);
}

#[test]
fn an_empty_packet_ends_a_message_whose_last_packet_is_full() {
    let mut host = Host::powered();
    host.transfer(0, &numbers(54));
    host.raw(&[]);
    assert_eq!(host.command().bytes(), numbers(54));
}

#[test]
fn parts_of_an_apdu_make_a_whole_one() {
    let mut host = Host::powered();
    let whole = numbers(70_000);
    let apdu = &whole[..65_000];
    for (level, part) in [(1, &apdu[..100]), (3, &apdu[100..64_000])] {
        host.transfer(level, part);
        let (answer, _) = host.answer().expect("an answer");
        assert_eq!((answer.outcome(), answer.last), ((0x80, 0, 0), 0x10));
        assert!(host.ccid.task().is_none());
    }
    host.transfer(2, &apdu[64_000..]);
    assert_eq!(host.command().bytes(), apdu);
}

#[test]
fn parts_without_a_beginning_and_parts_that_are_too_long_are_refused() {
    let part = numbers(60_000);
    let too_long = |level| ([0, level, 0], (0x80, 0x40, 1));
    let no_beginning = |level, high| ([0, level, high], (0x80, 0x40, 8));
    for (first, (specific, outcome)) in [
        (None, no_beginning(2, 0)),
        (None, no_beginning(3, 0)),
        // The rest of a response that this reader never leaves.
        (None, no_beginning(0x10, 0)),
        (None, no_beginning(0, 1)),
        (Some(1), too_long(2)),
        (Some(1), too_long(3)),
    ] {
        let mut host = Host::powered();
        if let Some(first) = first {
            host.ask(TRANSFER, 0, [0, first, 0], &part);
        }
        let (answer, _) = host.ask(TRANSFER, 0, specific, &part);
        assert_eq!(answer.outcome(), outcome);
        // Nothing of it is left.
        let (answer, _) = host.ask(TRANSFER, 0, [0, 2, 0], &part);
        assert_eq!(answer.outcome(), (0x80, 0x40, 8));
        host.transfer(0, &[1]);
        assert_eq!(host.command().bytes(), [1]);
    }
}

#[test]
fn a_new_beginning_and_a_reset_forget_parts() {
    let mut host = Host::powered();
    host.ask(TRANSFER, 0, [0, 1, 0], &[1, 2]);
    host.ask(TRANSFER, 0, [0, 1, 0], &[3]);
    host.transfer(2, &[4]);
    assert_eq!(host.command().bytes(), [3, 4]);

    for end in [POWER_ON, POWER_OFF] {
        let mut host = Host::powered();
        host.ask(TRANSFER, 0, [0, 1, 0], &[1, 2]);
        host.ask(end, 0, [0; 3], &[]);
        host.ask(POWER_ON, 0, [0; 3], &[]);
        let (answer, _) = host.ask(TRANSFER, 0, [0, 2, 0], &[3]);
        assert_eq!(answer.outcome(), (0x80, 0x40, 8));
    }
}

#[test]
fn parameters_are_those_of_t1_and_nothing_else_can_be_set() {
    let mut host = Host::powered();
    let ours = [0x11, 0x10, 0x00, 0x45, 0x00, 0xFE, 0x00];
    for (kind, data) in [(0x6C, &[][..]), (0x6D, &[]), (0x61, &ours)] {
        let (answer, parameters) = host.ask(kind, 0, [1, 0, 0], data);
        assert_eq!((answer.outcome(), answer.last), ((0x82, 0, 0), 1));
        assert_eq!(parameters, ours);
    }
    let (t0, data) = host.ask(0x61, 0, [0; 3], &ours);
    assert_eq!((t0.outcome(), data), ((0x82, 0x40, 7), vec![]));
    let (short, _) = host.ask(0x61, 0, [1, 0, 0], &ours[1..]);
    assert_eq!(short.outcome(), (0x82, 0x40, 1));
    let (voltage, _) = host.ask(POWER_ON, 0, [4, 0, 0], &[]);
    assert_eq!(voltage.outcome(), (0x80, 0x40, 7));
}

#[test]
fn every_other_kind_is_refused_with_the_answer_that_belongs_to_it() {
    let mut host = Host::powered();
    let known = [0x61, 0x62, 0x63, 0x65, 0x6C, 0x6D, 0x6F, 0x72];
    for kind in (0..=u8::MAX).filter(|kind| !known.contains(kind)) {
        let expected = match kind {
            0x69 => 0x80,
            0x6B => 0x83,
            0x73 => 0x84,
            _ => 0x81,
        };
        for data in [&[][..], &[7; 54], &[7; 500]] {
            let (answer, _) = host.ask(kind, 0, [0; 3], data);
            assert_eq!(answer.outcome(), (expected, 0x40, 0));
        }
    }
}

#[test]
fn other_slots_are_absent() {
    let mut host = Host::powered();
    for kind in [
        POWER_ON,
        POWER_OFF,
        SLOT_STATUS,
        0x61,
        0x6C,
        0x6D,
        0x6F,
        0x72,
        0x6B,
    ] {
        for slot in 1..=u8::MAX {
            let (answer, data) = host.ask(kind, slot, [0; 3], &[]);
            assert_eq!((answer.status, answer.error), (0x42, 5));
            assert!(data.is_empty());
        }
    }
    assert!(host.ccid.task().is_none());
}

#[test]
fn a_card_without_power_takes_no_command() {
    let mut host = Host::new();
    let (answer, _) = host.ask(TRANSFER, 0, [0; 3], &[7; 200]);
    assert_eq!(answer.outcome(), (0x80, 0x41, 0xFE));
    assert!(host.ccid.task().is_none());
}

#[test]
fn lengths_that_lie_are_refused_and_the_next_message_is_understood() {
    let mut host = Host::powered();
    let apdu = numbers(200);
    for (kind, said, sent, answer_kind) in [
        (TRANSFER, 199, 200, 0x80),
        (TRANSFER, 201, 200, 0x80),
        (TRANSFER, 53, 54, 0x80),
        (TRANSFER, 55, 50, 0x80),
        (TRANSFER, 64, 63, 0x80),
        (TRANSFER, 65_545, 200, 0x80),
        (TRANSFER, u32::MAX, 200, 0x80),
        (TRANSFER, u32::MAX, 0, 0x80),
        (POWER_ON, 0, 1, 0x80),
        (POWER_ON, 1, 0, 0x80),
        (POWER_ON, 1, 1, 0x80),
        (POWER_OFF, 0, 9, 0x81),
        (SLOT_STATUS, u32::MAX, 0, 0x81),
        (0x61, 7, 8, 0x82),
        (0x61, 8, 7, 0x82),
        (0x6C, 0, 1, 0x82),
        (ABORT, 3, 3, 0x81),
    ] {
        host.raw(&message(kind, said, [0, 9], [0, 0, 0], &apdu[..sent]));
        let (answer, _) = host.answer().expect("an answer");
        assert_eq!(
            answer.outcome(),
            (answer_kind, 0x40, 1),
            "{kind:02X} {said}"
        );
        assert!(host.ccid.task().is_none());
        let (status, _) = host.ask(SLOT_STATUS, 0, [0; 3], &[]);
        assert_eq!(status.outcome(), (0x81, 0, 0));
    }
}

#[test]
fn a_message_without_a_header_is_not_answered() {
    let mut host = Host::powered();
    for len in 0..HEADER {
        host.raw(&vec![POWER_ON; len]);
        assert!(host.answer().is_none() && host.ccid.task().is_none());
    }
}

#[test]
fn the_host_waits_as_long_as_the_module_computes() {
    let mut host = Host::powered();
    host.ccid.ask_for_time();
    assert!(host.answer().is_none());
    let seq = host.transfer(0, &[1, 2, 3, 4]);
    let extension = |host: &mut Host| {
        host.ccid.ask_for_time();
        let (answer, data) = host.answer().expect("asked for time");
        assert_eq!((answer.outcome(), answer.seq), ((0x80, 0x80, 1), seq));
        assert!(data.is_empty());
    };
    extension(&mut host);
    let command = host.command();
    extension(&mut host);
    let response = command.run(|_, response| {
        response[..2].copy_from_slice(&[0x90, 0]);
        2
    });
    // The host has not read it when the module is done: the response follows.
    host.ccid.ask_for_time();
    host.ccid.ask_for_time();
    host.ccid.respond(response);
    host.ccid.ask_for_time();
    assert_eq!(host.answer().map(|(answer, _)| answer.status), Some(0x80));
    let (answer, data) = host.answer().expect("a response");
    assert_eq!((answer.status, data), (0, vec![0x90, 0]));
    assert!(host.answer().is_none());
}

#[test]
fn a_busy_slot_says_its_status_and_nothing_else() {
    let mut host = Host::powered();
    host.transfer(0, &[1, 2, 3, 4]);
    let check = |host: &mut Host| {
        let (status, _) = host.ask(SLOT_STATUS, 0, [0; 3], &[]);
        assert_eq!(status.outcome(), (0x81, 0, 0));
        for kind in [POWER_ON, POWER_OFF, 0x6C, 0x6D, TRANSFER] {
            let (answer, _) = host.ask(kind, 0, [0; 3], &[]);
            assert_eq!((answer.status, answer.error), (0x40, 0xE0));
        }
        let (answer, _) = host.ask(TRANSFER, 0, [0; 3], &[9; 300]);
        assert_eq!((answer.status, answer.error), (0x40, 0xE0));
    };
    check(&mut host);
    let command = host.command();
    check(&mut host);
    assert_eq!(command.bytes(), [1, 2, 3, 4]);
    host.ccid.respond(command.run(|_, _| 0));
    assert!(!host.ccid.is_ready());
    assert!(host.answer().is_some() && host.ccid.is_ready());
}

#[test]
fn an_abort_takes_both_of_its_halves() {
    for is_control_first in [true, false] {
        for is_taken in [true, false] {
            let mut host = Host::powered();
            host.transfer(0, &[1, 2, 3, 4]);
            let command = is_taken.then(|| host.command());
            let bulk = message(ABORT, 0, [0, 77], [0; 3], &[]);
            if is_control_first {
                assert!(host.ccid.abort(0, 77));
                // Until the other half is there, everything fails, also an abort with another number.
                for kind in [SLOT_STATUS, POWER_ON, TRANSFER, ABORT] {
                    let (answer, _) = host.ask(kind, 0, [0; 3], &[]);
                    assert_eq!((answer.status, answer.error), (0x40, 0xFF));
                }
                host.raw(&bulk);
            } else {
                host.raw(&bulk);
                assert!(host.answer().is_none());
                assert!(host.ccid.abort(0, 77));
            }
            let (answer, _) = host.answer().expect("both halves");
            assert_eq!((answer.outcome(), answer.seq), ((0x81, 0, 0), 77));

            // What the module still computes goes nowhere, and until then the host waits.
            if let Some(command) = command {
                host.ccid.ask_for_time();
                assert!(!host.ccid.is_ready() && host.answer().is_none());
                host.ccid.respond(command.run(|_, response| response.len()));
            }
            assert!(host.answer().is_none() && host.ccid.task().is_none());
            host.transfer(0, &[5]);
            assert_eq!(host.command().bytes(), [5]);
        }
    }
    assert!(!Host::new().ccid.abort(1, 0));
}

#[test]
fn an_abort_in_the_middle_of_a_message_or_a_response_is_understood() {
    // The host stops in the middle of a message.
    let mut host = Host::powered();
    let long = message(TRANSFER, 500, [0, 1], [0; 3], &numbers(500));
    host.raw(&long[..128]);
    assert!(host.ccid.abort(0, 2));
    host.raw(&message(ABORT, 0, [0, 2], [0; 3], &[]));
    assert_eq!(host.answer().map(|(answer, _)| answer.seq), Some(2));
    host.transfer(0, &[5]);
    assert_eq!(host.command().bytes(), [5]);

    // It sends the rest of it.
    let mut host = Host::powered();
    host.raw(&long[..128]);
    assert!(host.ccid.abort(0, 2));
    host.raw(&long[128..]);
    let (answer, _) = host.answer().expect("refused");
    assert_eq!(answer.outcome(), (0x80, 0x40, 0xFF));
    assert!(host.ccid.task().is_none());

    // It reads no more of a response.
    let mut host = Host::powered();
    host.transfer(0, &[5]);
    let response = host.command().run(|_, response| response.len());
    host.ccid.respond(response);
    let mut packet = [0; PACKET];
    assert_eq!(host.ccid.next(&mut packet), Some(PACKET));
    host.ccid.sent(PACKET);
    assert!(host.ccid.abort(0, 3));
    host.raw(&message(ABORT, 0, [0, 3], [0; 3], &[]));
    let (answer, data) = host.answer().expect("aborted");
    assert_eq!((answer.outcome(), data), ((0x81, 0, 0), vec![]));
}

#[test]
fn a_reset_of_the_bus_ends_everything_at_every_point() {
    let apdu = numbers(300);
    let whole = message(TRANSFER, 300, [0, 1], [0; 3], &apdu);
    for point in 0..6 {
        let mut host = Host::powered();
        match point {
            0 => {}
            1 => host.raw(&whole[..64]),
            2 => host.raw(&message(TRANSFER, u32::MAX, [0, 1], [0; 3], &[0; 54])),
            _ => host.raw(&whole),
        }
        let command = (point > 3).then(|| host.command());
        if point == 5 {
            let response = command.unwrap().run(|_, response| response.len());
            host.ccid.respond(response);
            host.ccid.sent(PACKET);
            host.ccid.reset();
        } else {
            host.ccid.reset();
            if let Some(command) = command {
                assert!(!host.ccid.is_ready());
                assert!(matches!(host.ccid.task(), Some(Task::Reset)));
                assert!(host.ccid.task().is_none());
                host.ccid.respond(command.run(|_, response| response.len()));
            }
        }
        assert!(host.answer().is_none());
        let (status, _) = host.ask(SLOT_STATUS, 0, [0; 3], &[]);
        assert_eq!(status.outcome(), (0x81, 1, 0));
        host.ask(POWER_ON, 0, [0; 3], &[]);
        host.transfer(0, &[5]);
        assert!(matches!(host.ccid.task(), Some(Task::Reset)));
        assert_eq!(host.command().bytes(), [5], "point {point}");
    }
}

#[test]
fn a_response_is_never_longer_than_its_room() {
    let mut host = Host::powered();
    host.transfer(0, &[5]);
    let response = host.command().run(|_, _| usize::MAX);
    host.ccid.respond(response);
    let (_, data) = host.answer().expect("a response");
    assert_eq!(data.len(), limits::RESPONSE_APDU);
}
