//! The reader as a class of the crate `usb-device`: descriptors, endpoints, requests of the control pipe.

use crate::ccid::{Ccid, MESSAGE, PACKET, Room};
use usb_device::{
    Result,
    bus::{InterfaceNumber, UsbBus, UsbBusAllocator},
    class::{ControlIn, ControlOut, UsbClass},
    control::RequestType,
    descriptor::DescriptorWriter,
    endpoint::{EndpointIn, EndpointOut},
};

/// The reader, with its endpoints on a bus.
pub struct CcidClass<'a, 'b, B: UsbBus> {
    /// The slot.
    pub ccid: Ccid<'b>,
    interface: InterfaceNumber,
    from_host: EndpointOut<'a, B>,
    to_host: EndpointIn<'a, B>,
    interrupt: EndpointIn<'a, B>,
    /// Whether the host was told that there is a card.
    is_announced: bool,
}

impl<'a, 'b, B: UsbBus> CcidClass<'a, 'b, B> {
    /// Takes an interface and endpoints of the bus.
    pub fn new(bus: &'a UsbBusAllocator<B>, room: Room<'b>) -> Self {
        Self {
            ccid: Ccid::new(room),
            interface: bus.interface(),
            from_host: bus.bulk(PACKET_SIZE),
            to_host: bus.bulk(PACKET_SIZE),
            interrupt: bus.interrupt(NOTICE_SIZE, NOTICE_INTERVAL),
            is_announced: false,
        }
    }

    /// Moves every packet that can be moved: after an event on the bus, a response, or a request for time.
    pub fn pump(&mut self) {
        let mut packet = [0; PACKET];
        // A packet that cannot be taken yet stays in the endpoint, and the host waits.
        while self.ccid.is_ready() {
            let Ok(len) = self.from_host.read(&mut packet) else {
                break;
            };
            self.ccid.packet(packet.get(..len).unwrap_or_default());
            self.send();
        }
        self.send();
        if !self.is_announced {
            self.is_announced = self.interrupt.write(&CARD_IS_THERE).is_ok();
        }
    }

    fn send(&mut self) {
        let mut packet = [0; PACKET];
        while let Some(len) = self.ccid.next(&mut packet) {
            let bytes = packet.get(..len).unwrap_or_default();
            if self.to_host.write(bytes).is_err() {
                break;
            }
            self.ccid.sent(len);
        }
    }

    fn is_mine(&self, request: &usb_device::control::Request) -> bool {
        request.request_type == RequestType::Class
            && request.index == u16::from(u8::from(self.interface))
    }
}

impl<B: UsbBus> UsbClass<B> for CcidClass<'_, '_, B> {
    fn get_configuration_descriptors(&self, writer: &mut DescriptorWriter<'_>) -> Result<()> {
        writer.interface(self.interface, SMART_CARD, 0, 0)?;
        writer.write(FUNCTIONAL, &functional_descriptor())?;
        writer.endpoint(&self.from_host)?;
        writer.endpoint(&self.to_host)?;
        writer.endpoint(&self.interrupt)
    }

    fn reset(&mut self) {
        self.ccid.reset();
        self.is_announced = false;
    }

    fn poll(&mut self) {
        self.pump();
    }

    fn control_in(&mut self, transfer: ControlIn<'_, '_, '_, B>) {
        let request = *transfer.request();
        if !self.is_mine(&request) {
            return;
        }
        // An endpoint that cannot answer stalls by itself, and the host asks again.
        let _answered = match request.request {
            GET_CLOCK_FREQUENCIES => transfer.accept_with(&CLOCK.to_le_bytes()),
            GET_DATA_RATES => transfer.accept_with(&DATA_RATE.to_le_bytes()),
            _ => transfer.reject(),
        };
    }

    fn control_out(&mut self, transfer: ControlOut<'_, '_, '_, B>) {
        let request = *transfer.request();
        if !self.is_mine(&request) {
            return;
        }
        let [slot, seq] = request.value.to_le_bytes();
        let _answered = if request.request == ABORT && self.ccid.abort(slot, seq) {
            transfer.accept()
        } else {
            transfer.reject()
        };
    }
}

/// Returns the descriptor of CCID § 5.1, without length and type.
pub fn functional_descriptor() -> [u8; 52] {
    let mut bytes = [0; 52];
    let mut fields = bytes.iter_mut();
    let mut put = |value: &[u8]| {
        // In this order: a zip that ends takes one more of what is on its left.
        for (from, to) in value.iter().zip(fields.by_ref()) {
            *to = *from;
        }
    };
    put(&[0x10, 0x01]); // bcdCCID 1.10
    put(&[0]); // bMaxSlotIndex
    put(&[0x07]); // bVoltageSupport: every one
    put(&2_u32.to_le_bytes()); // dwProtocols: T=1
    put(&CLOCK.to_le_bytes()); // dwDefaultClock
    put(&CLOCK.to_le_bytes()); // dwMaximumClock
    put(&[0]); // bNumClockSupported: the default one
    put(&DATA_RATE.to_le_bytes()); // dwDataRate
    put(&DATA_RATE.to_le_bytes()); // dwMaxDataRate
    put(&[0]); // bNumDataRatesSupported
    put(&254_u32.to_le_bytes()); // dwMaxIFSD
    put(&[0; 8]); // dwSynchProtocols, dwMechanical
    put(&FEATURES.to_le_bytes()); // dwFeatures
    put(&u32::try_from(MESSAGE).unwrap_or(u32::MAX).to_le_bytes()); // dwMaxCCIDMessageLength
    put(&[0xFF, 0xFF]); // bClassGetResponse, bClassEnvelope: as the command's
    put(&[0; 3]); // wLcdLayout, bPINSupport
    put(&[1]); // bMaxCCIDBusySlots
    bytes
}

/// `wMaxPacketSize` of the bulk pipes.
const PACKET_SIZE: u16 = 64;

/// `RDR_to_PC_NotifySlotChange`: a card is in slot 0, and that is new.
const CARD_IS_THERE: [u8; 2] = [0x50, 0x03];
const NOTICE_SIZE: u16 = 8;
/// In milliseconds; Linux refuses 0.
const NOTICE_INTERVAL: u8 = 255;

/// `bInterfaceClass`, and the type of the functional descriptor.
const SMART_CARD: u8 = 0x0B;
const FUNCTIONAL: u8 = 0x21;

/// Whole APDUs, short and extended; voltage, clock, baud rate and parameters are chosen by the reader.
const FEATURES: u32 = 0x0004_04BE;

/// Kilohertz and bits a second, of a wire that does not exist.
const CLOCK: u32 = 4000;
const DATA_RATE: u32 = 307_200;

/// Requests of the control pipe (CCID § 5.3).
const ABORT: u8 = 0x01;
const GET_CLOCK_FREQUENCIES: u8 = 0x02;
const GET_DATA_RATES: u8 = 0x03;
