//! A USB device at full speed as its controller sees it: packets of at most 64 bytes, one at a time for each endpoint. A host
//! asks for more at once (URB): this cuts it into packets and puts it together.

use std::{collections::VecDeque, mem};

/// What a host asks for.
#[derive(Debug, Default)]
pub struct Urb {
    /// The host's number for it.
    pub seq: u32,
    /// The endpoint, without its direction.
    pub endpoint: u8,
    /// Whether data go to the host.
    pub is_in: bool,
    /// The SETUP packet; of the control pipe only.
    pub setup: [u8; 8],
    /// For the device; empty if they go to the host.
    pub data: Vec<u8>,
    /// At most so many bytes for the host.
    pub room: usize,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Done {
    /// The host's number for it.
    pub seq: u32,
    /// 0, or an error of Linux, negative.
    pub status: i32,
    /// For the host.
    pub data: Vec<u8>,
    /// How many bytes went to the device.
    pub sent: usize,
}

/// What goes through the cable: kind, endpoint, data (`firmware/board-qemu/src/usb/cable.rs`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: u8,
    /// The endpoint's number or address.
    pub endpoint: u8,
    /// At most 64 bytes.
    pub data: Vec<u8>,
}

/// A device and what is under way with it.
#[derive(Debug, Default)]
pub struct Device {
    control: Control,
    pipes: [Pipe; PIPES],
    outbox: Vec<Message>,
    done: Vec<Done>,
    /// Packets of the bulk and interrupt pipes that passed.
    pub packets: u64,
}

/// The control pipe.
#[derive(Debug, Default)]
struct Control {
    waiting: VecDeque<Urb>,
    now: Option<(Urb, Stage)>,
    from_device: VecDeque<Vec<u8>>,
    is_full: bool,
    is_stalled: bool,
}

/// Where a control transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    DataIn,
    /// So many bytes went.
    DataOut(usize),
    Status,
}

/// Both directions of an endpoint.
#[derive(Debug, Default)]
struct Pipe {
    out: VecDeque<Urb>,
    /// So many bytes of the first one went.
    sent: usize,
    /// The device has a packet that it has not read.
    is_full: bool,
    into: VecDeque<Urb>,
    /// What came for the first one.
    received: Vec<u8>,
    from_device: VecDeque<Vec<u8>>,
}

impl Device {
    /// A host finds the device: the bus is reset. Whatever was under way is forgotten.
    pub fn connect(&mut self) {
        *self = Self {
            packets: self.packets,
            ..Self::default()
        };
        self.send(b'R', 0, &[]);
        // The host's controller keeps this request to itself; a device wants to hear it.
        self.submit(Urb {
            setup: [0, SET_ADDRESS, 1, 0, 0, 0, 0, 0],
            ..Urb::default()
        });
    }

    /// Takes what a host asks for.
    pub fn submit(&mut self, urb: Urb) {
        match self.pipes.get_mut(usize::from(urb.endpoint)) {
            _ if urb.endpoint == 0 => self.control.waiting.push_back(urb),
            Some(pipe) if urb.is_in => pipe.into.push_back(urb),
            Some(pipe) => pipe.out.push_back(urb),
            None => self.done.push(Done::failed(urb.seq, STALLED)),
        }
        self.move_packets();
    }

    /// Forgets it, if it has not ended. Returns whether it had not.
    pub fn unlink(&mut self, seq: u32) -> bool {
        let before = self.under_way();
        self.control.waiting.retain(|urb| urb.seq != seq);
        self.control.now.take_if(|(urb, _)| urb.seq == seq);
        for pipe in &mut self.pipes {
            if pipe.out.front().is_some_and(|urb| urb.seq == seq) {
                pipe.sent = 0;
            }
            if pipe.into.front().is_some_and(|urb| urb.seq == seq) {
                pipe.received.clear();
            }
            pipe.out.retain(|urb| urb.seq != seq);
            pipe.into.retain(|urb| urb.seq != seq);
        }
        let after = self.under_way();
        self.move_packets();
        after < before
    }

    fn under_way(&self) -> usize {
        let control = self.control.waiting.len() + usize::from(self.control.now.is_some());
        let pipes = self.pipes.iter();
        control
            + pipes
                .map(|pipe| pipe.out.len() + pipe.into.len())
                .sum::<usize>()
    }

    /// Takes a message of the device. Those that do not concern packets are left aside.
    pub fn take(&mut self, message: Message) {
        let number = usize::from(message.endpoint & 0x0F);
        match (message.kind, number) {
            (b'I', 0) => self.control.from_device.push_back(message.data),
            (b'o', 0) => self.control.is_full = false,
            (b'T', 0) => self.control.is_stalled = true,
            (kind, number) => {
                let Some(pipe) = self.pipes.get_mut(number) else {
                    return;
                };
                match kind {
                    b'I' => pipe.from_device.push_back(message.data),
                    b'o' => pipe.is_full = false,
                    _ => {}
                }
            }
        }
        self.move_packets();
    }

    /// Returns what is to be sent through the cable, in order.
    pub fn messages(&mut self) -> Vec<Message> {
        mem::take(&mut self.outbox)
    }

    /// Returns what has ended.
    pub fn done(&mut self) -> Vec<Done> {
        mem::take(&mut self.done)
    }

    fn send(&mut self, kind: u8, endpoint: u8, data: &[u8]) {
        let data = data.to_vec();
        self.outbox.push(Message {
            kind,
            endpoint,
            data,
        });
    }

    fn end(&mut self, done: Done) {
        // What no host asked for has no number.
        if done.seq != 0 {
            self.done.push(done);
        }
    }

    fn move_packets(&mut self) {
        while self.move_control() {}
        for number in 1..PIPES {
            while self.move_out(number) || self.move_in(number) {}
        }
    }

    /// Moves one packet of the control pipe. Returns whether there was one.
    fn move_control(&mut self) -> bool {
        let Some((mut urb, stage)) = self.control.now.take() else {
            return self.begin_control();
        };
        if self.control.is_stalled {
            self.end(Done::failed(urb.seq, STALLED));
            return true;
        }
        let wanted = usize::from(u16::from_le_bytes([urb.setup[6], urb.setup[7]]));
        let stage = match stage {
            Stage::DataIn => {
                let Some(packet) = self.control.from_device.pop_front() else {
                    self.control.now = Some((urb, stage));
                    return false;
                };
                urb.data.extend(&packet);
                self.send(b'A', 0, &[]);
                if packet.len() == PACKET && urb.data.len() < wanted {
                    Stage::DataIn
                } else {
                    // The host's status stage: an empty packet.
                    self.send(b'O', 0, &[]);
                    self.end(Done::with(urb.seq, urb.data));
                    return true;
                }
            }
            Stage::DataOut(sent) if !self.control.is_full => {
                let end = urb.data.len().min(sent + PACKET);
                self.control.is_full = true;
                self.send(b'O', 0, &urb.data[sent..end]);
                if end == urb.data.len() {
                    Stage::Status
                } else {
                    Stage::DataOut(end)
                }
            }
            Stage::Status if !self.control.from_device.is_empty() => {
                self.control.from_device.clear();
                self.send(b'A', 0, &[]);
                self.end(Done::sent(urb.seq, urb.data.len()));
                return true;
            }
            Stage::DataOut(_) | Stage::Status => {
                self.control.now = Some((urb, stage));
                return false;
            }
        };
        self.control.now = Some((urb, stage));
        true
    }

    fn begin_control(&mut self) -> bool {
        let Some(mut urb) = self.control.waiting.pop_front() else {
            return false;
        };
        self.control.from_device.clear();
        (self.control.is_full, self.control.is_stalled) = (false, false);
        self.send(b'S', 0, &urb.setup);
        let stage = if urb.setup[6..] == [0, 0] {
            Stage::Status
        } else if urb.setup[0] & TO_HOST == 0 {
            Stage::DataOut(0)
        } else {
            urb.data.clear();
            Stage::DataIn
        };
        self.control.now = Some((urb, stage));
        true
    }

    fn move_out(&mut self, number: usize) -> bool {
        let pipe = &mut self.pipes[number];
        let (false, Some(urb)) = (pipe.is_full, pipe.out.front()) else {
            return false;
        };
        let end = urb.data.len().min(pipe.sent + PACKET);
        let packet = urb.data[pipe.sent..end].to_vec();
        (pipe.is_full, pipe.sent) = (true, end);
        let whole = pipe.out.pop_front_if(|urb| urb.data.len() == end);
        if let Some(urb) = whole {
            pipe.sent = 0;
            self.end(Done::sent(urb.seq, end));
        }
        self.packets += 1;
        self.send(b'O', endpoint(number), &packet);
        true
    }

    fn move_in(&mut self, number: usize) -> bool {
        let pipe = &mut self.pipes[number];
        if pipe.into.is_empty() {
            return false;
        }
        let Some(packet) = pipe.from_device.pop_front() else {
            return false;
        };
        pipe.received.extend(&packet);
        let received = pipe.received.len();
        let whole = pipe
            .into
            .pop_front_if(|urb| packet.len() < PACKET || received >= urb.room);
        if let Some(urb) = whole {
            let data = mem::take(&mut pipe.received);
            self.end(Done::with(urb.seq, data));
        }
        self.packets += 1;
        self.send(b'A', endpoint(number), &[]);
        true
    }
}

impl Done {
    const fn failed(seq: u32, status: i32) -> Self {
        Self {
            seq,
            status,
            data: Vec::new(),
            sent: 0,
        }
    }

    const fn with(seq: u32, data: Vec<u8>) -> Self {
        Self {
            seq,
            status: 0,
            data,
            sent: 0,
        }
    }

    fn sent(seq: u32, sent: usize) -> Self {
        Self {
            sent,
            ..Self::failed(seq, 0)
        }
    }
}

fn endpoint(number: usize) -> u8 {
    u8::try_from(number).expect("few endpoints")
}

/// The longest packet, in bytes.
const PACKET: usize = 64;

/// How many endpoints the emulated controller has.
const PIPES: usize = 4;

/// `bRequest`, and the bit of `bmRequestType` for data to the host (USB 2.0 § 9.3).
const SET_ADDRESS: u8 = 5;
const TO_HOST: u8 = 0x80;

/// `-EPIPE`: the endpoint stalls.
const STALLED: i32 = -32;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, endpoint: u8, data: &[u8]) -> Message {
        Message {
            kind,
            endpoint,
            data: data.to_vec(),
        }
    }

    fn control(seq: u32, setup: [u8; 8], data: &[u8]) -> Urb {
        Urb {
            seq,
            setup,
            data: data.to_vec(),
            ..Urb::default()
        }
    }

    /// A device that has heard its address.
    fn device() -> Device {
        let mut device = Device::default();
        device.connect();
        let address = [0, 5, 1, 0, 0, 0, 0, 0];
        let begin = [message(b'R', 0, &[]), message(b'S', 0, &address)];
        assert_eq!(device.messages(), begin);
        device.take(message(b'I', 0, &[]));
        assert_eq!(device.messages(), [message(b'A', 0, &[])]);
        assert_eq!(device.done(), []);
        device
    }

    #[test]
    fn a_descriptor_comes_in_packets() {
        let mut device = device();
        device.submit(control(7, [0x80, 6, 0, 2, 0, 0, 255, 0], &[]));
        device.take(message(b'I', 0, &[1; 64]));
        device.take(message(b'I', 0, &[2; 10]));
        let kinds: Vec<u8> = device.messages().iter().map(|one| one.kind).collect();
        assert_eq!(kinds, b"SAAO");
        let data = [[1; 64].as_slice(), &[2; 10]].concat();
        assert_eq!(device.done(), [Done::with(7, data)]);
    }

    #[test]
    fn a_request_that_stalls_fails_and_the_next_one_begins() {
        let mut device = device();
        device.submit(control(7, [0x80, 6, 0, 9, 0, 0, 4, 0], &[]));
        device.submit(control(8, [0, 9, 1, 0, 0, 0, 0, 0], &[]));
        device.take(message(b'T', 0x80, &[]));
        device.take(message(b'I', 0, &[]));
        let done = [Done::failed(7, STALLED), Done::sent(8, 0)];
        assert_eq!(device.done(), done);
    }

    #[test]
    fn bulk_data_wait_for_room_and_for_the_host() {
        let mut device = device();
        let urb = |seq, is_in, data: &[u8]| Urb {
            seq,
            endpoint: 1,
            is_in,
            data: data.to_vec(),
            room: 128,
            ..Urb::default()
        };
        device.submit(urb(1, false, &[5; 65]));
        assert_eq!(device.messages(), [message(b'O', 1, &[5; 64])]);
        assert_eq!(device.done(), []);
        device.take(message(b'o', 1, &[]));
        assert_eq!(device.messages(), [message(b'O', 1, &[5])]);
        assert_eq!(device.done(), [Done::sent(1, 65)]);

        device.take(message(b'I', 1, &[6; 64]));
        assert_eq!(device.messages(), []);
        device.submit(urb(2, true, &[]));
        assert_eq!(device.messages(), [message(b'A', 1, &[])]);
        device.take(message(b'I', 1, &[]));
        assert_eq!(device.done(), [Done::with(2, vec![6; 64])]);
    }

    #[test]
    fn what_is_unlinked_never_ends() {
        let mut device = device();
        device.submit(Urb {
            seq: 3,
            endpoint: 2,
            is_in: true,
            room: 8,
            ..Urb::default()
        });
        assert!(device.unlink(3));
        assert!(!device.unlink(3));
        device.take(message(b'I', 2, &[1]));
        assert_eq!(device.done(), []);
    }
}
