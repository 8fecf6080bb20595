//! An emulated USB controller, for the crate `usb-device`: packets are messages of the cable. Like a real one it holds one
//! packet of each endpoint.

use crate::cable::{Message, send};
use core::{cell::RefCell, mem};
use critical_section::Mutex;
use usb_device::{
    Result, UsbDirection, UsbError,
    bus::{PollResult, UsbBus},
    endpoint::{EndpointAddress, EndpointType},
};

/// The only controller.
pub(crate) struct Controller;

struct State {
    to_device: [Out; ENDPOINTS],
    to_host: [In; ENDPOINTS],
    setup: Option<Message>,
    is_reset: bool,
}

#[derive(Clone, Copy)]
struct Out {
    is_used: bool,
    is_stalled: bool,
    packet: Option<Message>,
}

#[derive(Clone, Copy)]
struct In {
    is_used: bool,
    is_stalled: bool,
    is_full: bool,
    /// The host has taken a packet, which the device does not know yet.
    is_taken: bool,
}

const ENDPOINTS: usize = 4;

const OUT: Out = Out {
    is_used: false,
    is_stalled: false,
    packet: None,
};

const IN: In = In {
    is_used: false,
    is_stalled: false,
    is_full: false,
    is_taken: false,
};

static STATE: Mutex<RefCell<State>> = Mutex::new(RefCell::new(State {
    to_device: [OUT; ENDPOINTS],
    to_host: [IN; ENDPOINTS],
    setup: None,
    is_reset: false,
}));

fn with<T>(act: impl FnOnce(&mut State) -> T) -> T {
    critical_section::with(|section| act(&mut STATE.borrow_ref_mut(section)))
}

/// Takes a message of the host. Returns whether it was one.
pub(crate) fn take(message: Message) -> bool {
    let endpoint = usize::from(message.endpoint);
    with(|state| {
        match message.kind {
            b'R' => state.is_reset = true,
            b'S' => {
                // It ends whatever the control pipe was at, and it cannot be refused.
                if let (Some(out), Some(to_host)) =
                    (state.to_device.first_mut(), state.to_host.first_mut())
                {
                    (out.packet, out.is_stalled) = (None, false);
                    (to_host.is_full, to_host.is_taken, to_host.is_stalled) = (false, false, false);
                }
                state.setup = Some(message);
            }
            b'O' => {
                if let Some(out) = state.to_device.get_mut(endpoint) {
                    out.packet = Some(message);
                }
            }
            b'A' => {
                if let Some(to_host) = state.to_host.get_mut(endpoint) {
                    (to_host.is_full, to_host.is_taken) = (false, true);
                }
            }
            _ => return false,
        }
        true
    })
}

impl UsbBus for Controller {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        kind: EndpointType,
        _: u16,
        _: u8,
    ) -> Result<EndpointAddress> {
        with(|state| {
            let is_used = |number: usize| match direction {
                UsbDirection::In => state.to_host.get(number).is_none_or(|one| one.is_used),
                UsbDirection::Out => state.to_device.get(number).is_none_or(|one| one.is_used),
            };
            let number = match (address, kind) {
                (Some(address), _) => address.index(),
                (None, EndpointType::Control) => 0,
                (None, _) => (1..ENDPOINTS)
                    .find(|number| !is_used(*number))
                    .ok_or(UsbError::EndpointOverflow)?,
            };
            match direction {
                UsbDirection::In => state.to_host.get_mut(number).map(|one| one.is_used = true),
                UsbDirection::Out => state
                    .to_device
                    .get_mut(number)
                    .map(|one| one.is_used = true),
            }
            .ok_or(UsbError::InvalidEndpoint)?;
            Ok(EndpointAddress::from_parts(number, direction))
        })
    }

    fn enable(&mut self) {
        send(b'H', 0, &[]);
    }

    fn reset(&self) {
        with(|state| {
            for one in &mut state.to_device {
                *one = Out {
                    is_used: one.is_used,
                    ..OUT
                };
            }
            for one in &mut state.to_host {
                *one = In {
                    is_used: one.is_used,
                    ..IN
                };
            }
            state.setup = None;
        });
    }

    fn set_device_address(&self, _: u8) {}

    fn write(&self, address: EndpointAddress, packet: &[u8]) -> Result<usize> {
        with(|state| {
            let to_host = state.to_host.get_mut(address.index());
            let to_host = to_host.ok_or(UsbError::InvalidEndpoint)?;
            if mem::replace(&mut to_host.is_full, true) {
                return Err(UsbError::WouldBlock);
            }
            send(b'I', number(address), packet);
            Ok(packet.len())
        })
    }

    fn read(&self, address: EndpointAddress, into: &mut [u8]) -> Result<usize> {
        with(|state| {
            let setup = state.setup.take_if(|_| address.index() == 0);
            let is_setup = setup.is_some();
            let packet = match setup {
                Some(packet) => packet,
                None => {
                    let out = state.to_device.get_mut(address.index());
                    let out = out.ok_or(UsbError::InvalidEndpoint)?;
                    out.packet.take().ok_or(UsbError::WouldBlock)?
                }
            };
            let data = packet.data();
            let place = into.get_mut(..data.len());
            place.ok_or(UsbError::BufferOverflow)?.copy_from_slice(data);
            if !is_setup {
                send(b'o', number(address), &[]);
            }
            Ok(data.len())
        })
    }

    fn set_stalled(&self, address: EndpointAddress, stalled: bool) {
        with(|state| {
            let is_stalled = match address.direction() {
                UsbDirection::In => state
                    .to_host
                    .get_mut(address.index())
                    .map(|one| &mut one.is_stalled),
                UsbDirection::Out => state
                    .to_device
                    .get_mut(address.index())
                    .map(|one| &mut one.is_stalled),
            };
            let was_stalled = is_stalled.is_some_and(|place| mem::replace(place, stalled));
            if stalled && !was_stalled {
                send(b'T', address.into(), &[]);
            }
        });
    }

    fn is_stalled(&self, address: EndpointAddress) -> bool {
        with(|state| match address.direction() {
            UsbDirection::In => state
                .to_host
                .get(address.index())
                .is_some_and(|one| one.is_stalled),
            UsbDirection::Out => state
                .to_device
                .get(address.index())
                .is_some_and(|one| one.is_stalled),
        })
    }

    fn suspend(&self) {}

    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        with(|state| {
            if mem::take(&mut state.is_reset) {
                return PollResult::Reset;
            }
            let (mut ep_out, mut ep_in_complete) = (0, 0);
            for (number, one) in state.to_device.iter().enumerate() {
                ep_out |= u16::from(one.packet.is_some()) << number;
            }
            for (number, one) in state.to_host.iter_mut().enumerate() {
                ep_in_complete |= u16::from(mem::take(&mut one.is_taken)) << number;
            }
            let ep_setup = u16::from(state.setup.is_some());
            if ep_out | ep_in_complete | ep_setup == 0 {
                return PollResult::None;
            }
            PollResult::Data {
                ep_out,
                ep_in_complete,
                ep_setup,
            }
        })
    }
}

fn number(address: EndpointAddress) -> u8 {
    u8::from(address) & 0x0F
}
