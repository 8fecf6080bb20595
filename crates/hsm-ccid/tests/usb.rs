//! The class on a bus of its own: a host enumerates the reader and exchanges APDUs, packet by packet.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use hsm_ccid::{CcidClass, Room, Task, class::functional_descriptor};
use hsm_protocol::{command::ATR, limits};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};
use usb_device::{
    Result, UsbDirection, UsbError,
    bus::{PollResult, UsbBus, UsbBusAllocator},
    device::{UsbDevice, UsbDeviceBuilder, UsbVidPid},
    endpoint::{EndpointAddress, EndpointType},
};

/// A USB controller whose wires are queues of packets: one for each endpoint, with room for one packet in each direction.
#[derive(Clone, Default)]
struct Wires(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    endpoints: u8,
    setup: Option<[u8; 8]>,
    from_host: BTreeMap<usize, VecDeque<Vec<u8>>>,
    to_host: BTreeMap<usize, Vec<u8>>,
    /// Endpoints whose packet the host has read since the last poll.
    was_read: u16,
    is_stalled: bool,
    is_reset: bool,
}

impl Wires {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl UsbBus for Wires {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        _: EndpointType,
        _: u16,
        _: u8,
    ) -> Result<EndpointAddress> {
        let mut state = self.state();
        Ok(address.unwrap_or_else(|| {
            state.endpoints += 1;
            EndpointAddress::from_parts(usize::from(state.endpoints), direction)
        }))
    }

    fn enable(&mut self) {}

    fn reset(&self) {
        let mut state = self.state();
        state.from_host.clear();
        state.to_host.clear();
    }

    fn set_device_address(&self, _: u8) {}

    fn write(&self, address: EndpointAddress, bytes: &[u8]) -> Result<usize> {
        let mut state = self.state();
        if state.to_host.contains_key(&address.index()) {
            return Err(UsbError::WouldBlock);
        }
        state.to_host.insert(address.index(), bytes.to_vec());
        Ok(bytes.len())
    }

    fn read(&self, address: EndpointAddress, into: &mut [u8]) -> Result<usize> {
        let mut state = self.state();
        let packet = if let Some(setup) = state.setup.take() {
            setup.to_vec()
        } else {
            let queue = state.from_host.get_mut(&address.index());
            queue
                .and_then(VecDeque::pop_front)
                .ok_or(UsbError::WouldBlock)?
        };
        into[..packet.len()].copy_from_slice(&packet);
        Ok(packet.len())
    }

    fn set_stalled(&self, address: EndpointAddress, is_stalled: bool) {
        if address.index() == 0 {
            self.state().is_stalled = is_stalled;
        }
    }

    fn is_stalled(&self, _: EndpointAddress) -> bool {
        self.state().is_stalled
    }

    fn suspend(&self) {}

    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        let mut state = self.state();
        if std::mem::take(&mut state.is_reset) {
            return PollResult::Reset;
        }
        let ep_setup = u16::from(state.setup.is_some());
        let waiting = state
            .from_host
            .iter()
            .filter(|(_, queue)| !queue.is_empty());
        let ep_out = waiting.fold(0, |bits, (index, _)| bits | 1 << index);
        let ep_in_complete = std::mem::take(&mut state.was_read);
        if ep_setup | ep_out | ep_in_complete == 0 {
            PollResult::None
        } else {
            PollResult::Data {
                ep_out,
                ep_in_complete,
                ep_setup,
            }
        }
    }
}

/// A host with the reader at its port.
struct Host<'a> {
    wires: Wires,
    device: UsbDevice<'a, Wires>,
    class: CcidClass<'a, 'static, Wires>,
}

impl Host<'_> {
    fn poll(&mut self) {
        for _ in 0..4 {
            self.device.poll(&mut [&mut self.class]);
        }
    }

    /// Reads a packet of an endpoint.
    fn read(&mut self, endpoint: usize) -> Option<Vec<u8>> {
        self.poll();
        let mut state = self.wires.state();
        let packet = state.to_host.remove(&endpoint)?;
        state.was_read |= 1 << endpoint;
        Some(packet)
    }

    /// Reads a transfer, which ends with a packet that is not full.
    fn transfer_in(&mut self, endpoint: usize) -> Option<Vec<u8>> {
        let mut bytes = self.read(endpoint)?;
        while bytes.len() % 64 == 0 {
            let more = self.read(endpoint)?;
            if more.is_empty() {
                break;
            }
            bytes.extend(more);
        }
        Some(bytes)
    }

    fn write(&mut self, endpoint: usize, packet: &[u8]) {
        let mut state = self.wires.state();
        let queue = state.from_host.entry(endpoint).or_default();
        queue.push_back(packet.to_vec());
        drop(state);
        self.poll();
    }

    /// A request of the control pipe; `None` if the reader refuses it.
    fn control(&mut self, request: [u8; 8]) -> Option<Vec<u8>> {
        let mut state = self.wires.state();
        state.setup = Some(request);
        state.is_stalled = false;
        drop(state);
        self.poll();
        let mut bytes = Vec::new();
        while let Some(packet) = self.read(0) {
            let is_last = packet.len() < 64;
            bytes.extend(packet);
            if is_last {
                break;
            }
        }
        if request[0] & 0x80 != 0 {
            // The host says that it has all of it.
            self.write(0, &[]);
        }
        self.poll();
        let is_refused = self.wires.state().is_stalled;
        (!is_refused).then_some(bytes)
    }

    fn bulk(&mut self, message: &[u8]) {
        for packet in message.chunks(64) {
            self.write(FROM_HOST, packet);
        }
    }
}

const FROM_HOST: usize = 1;
const TO_HOST: usize = 2;
const INTERRUPT: usize = 3;

fn with_host(test: impl FnOnce(&mut Host<'_>)) {
    let wires = Wires::default();
    let bus = UsbBusAllocator::new(wires.clone());
    let room = Room {
        command: vec![0; limits::COMMAND_APDU].leak(),
        response: vec![0; limits::RESPONSE_APDU].leak(),
    };
    let class = CcidClass::new(&bus, room);
    let device = UsbDeviceBuilder::new(&bus, UsbVidPid(0x1209, 0x0001))
        .max_packet_size_0(64)
        .unwrap()
        .build();
    let mut host = Host {
        wires,
        device,
        class,
    };
    host.wires.state().is_reset = true;
    host.poll();
    test(&mut host);
}

fn configure(host: &mut Host<'_>) {
    assert!(host.control([0x00, 9, 1, 0, 0, 0, 0, 0]).is_some());
}

fn message(kind: u8, seq: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    bytes.extend([0, seq, 0, 0, 0]);
    bytes.extend(data);
    bytes
}

#[test]
fn a_host_reads_the_descriptors_of_a_reader() {
    with_host(|host| {
        let all = host
            .control([0x80, 6, 0, 2, 0, 0, 0xFF, 0])
            .expect("descriptors");
        let mut rest = &all[..];
        let mut descriptors = Vec::new();
        while let Some(len) = rest.first() {
            let (one, more) = rest.split_at(usize::from(*len));
            descriptors.push(one);
            rest = more;
        }
        let [configuration, interface, reader, ends @ ..] = &descriptors[..] else {
            panic!("too few");
        };
        assert_eq!(configuration[2..5], [93, 0, 1]);
        assert_eq!(interface[4..8], [3, 0x0B, 0, 0]);
        assert_eq!(reader[..2], [54, 0x21]);
        assert_eq!(reader[2..], functional_descriptor());
        let ends: Vec<_> = ends.iter().map(|end| &end[2..]).collect();
        let (out, to_host, interrupt) =
            ([1, 2, 64, 0, 0], [0x82, 2, 64, 0, 0], [0x83, 3, 8, 0, 255]);
        assert_eq!(ends, [out, to_host, interrupt]);
    });
}

#[test]
fn the_functional_descriptor_has_each_field_at_its_place() {
    let bytes = functional_descriptor();
    let number = |at: usize| u32::from_le_bytes(*bytes[at - 2..].first_chunk().unwrap());
    // Offsets as in CCID § 5.1.
    assert_eq!(bytes[..4], [0x10, 0x01, 0, 7]);
    assert_eq!((number(6), number(10), number(14)), (2, 4000, 4000));
    assert_eq!(
        (number(19), number(23), number(28)),
        (307_200, 307_200, 254)
    );
    assert_eq!((number(40), number(44)), (0x0004_04BE, 65_554));
    assert_eq!(bytes[46..], [0xFF, 0xFF, 0, 0, 0, 1]);
}

#[test]
fn the_card_is_announced_once_after_each_reset() {
    with_host(|host| {
        for _ in 0..2 {
            configure(host);
            assert_eq!(host.read(INTERRUPT), Some(vec![0x50, 0x03]));
            assert_eq!(host.read(INTERRUPT), None);
            host.wires.state().is_reset = true;
            host.poll();
        }
    });
}

#[test]
fn an_apdu_goes_through_the_bus_and_waits_for_a_slow_module() {
    with_host(|host| {
        configure(host);
        host.bulk(&message(0x62, 1, &[]));
        assert_eq!(host.transfer_in(TO_HOST).unwrap()[10..], ATR);
        assert!(matches!(host.class.ccid.task(), Some(Task::Reset)));

        let apdu: Vec<u8> = (0..=u8::MAX).cycle().take(60_000).collect();
        host.bulk(&message(0x6F, 2, &apdu));
        let Some(Task::Run(command)) = host.class.ccid.task() else {
            panic!("no command");
        };
        host.class.ccid.ask_for_time();
        host.class.pump();
        let extension = [0x80, 0, 0, 0, 0, 0, 2, 0x80, 1, 0];
        assert_eq!(host.transfer_in(TO_HOST).unwrap(), extension);
        let response = command.run(|command, response| {
            response[..command.len()].copy_from_slice(command);
            command.len()
        });
        host.class.ccid.respond(response);
        host.class.pump();
        let mut expected = message(0x80, 2, &apdu);
        expected[7..10].fill(0);
        assert!(host.transfer_in(TO_HOST).unwrap() == expected);
    });
}

#[test]
fn packets_wait_in_the_bus_until_the_host_has_read_its_answer() {
    with_host(|host| {
        configure(host);
        for seq in 1..4 {
            host.bulk(&message(0x65, seq, &[]));
        }
        for seq in 1..4 {
            let answer = host.transfer_in(TO_HOST).expect("each is answered");
            assert_eq!(answer[6], seq);
        }
        assert_eq!(host.transfer_in(TO_HOST), None);
    });
}

#[test]
fn requests_of_the_control_pipe_are_answered_or_refused() {
    with_host(|host| {
        configure(host);
        let clock = host.control([0xA1, 2, 0, 0, 0, 0, 4, 0]);
        assert_eq!(clock, Some(4000_u32.to_le_bytes().to_vec()));
        let rate = host.control([0xA1, 3, 0, 0, 0, 0, 4, 0]);
        assert_eq!(rate, Some(307_200_u32.to_le_bytes().to_vec()));
        assert_eq!(host.control([0xA1, 4, 0, 0, 0, 0, 4, 0]), None);
        assert_eq!(host.control([0xA1, 2, 0, 0, 1, 0, 4, 0]), None);
        // An abort of slot 0, of slot 1, and a request that does not exist.
        assert!(host.control([0x21, 1, 0, 9, 0, 0, 0, 0]).is_some());
        assert_eq!(host.control([0x21, 1, 1, 9, 0, 0, 0, 0]), None);
        assert_eq!(host.control([0x21, 5, 0, 9, 0, 0, 0, 0]), None);
        host.bulk(&message(0x72, 9, &[]));
        let aborted = host.transfer_in(TO_HOST).expect("both halves");
        assert_eq!(aborted, [0x81, 0, 0, 0, 0, 0, 9, 1, 0, 0]);
    });
}
