//! The reader on a board's USB controller. It is the interrupt's; commands and responses go through the mailbox.

use crate::Mailbox;
use hsm_ccid::{CcidClass, Room};
use hsm_protocol::usb::{MANUFACTURER, PRODUCT};
use usb_device::{
    bus::{UsbBus, UsbBusAllocator},
    device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid},
};

/// A reader, and the USB device that it is.
pub struct Reader<'a, B: UsbBus> {
    device: UsbDevice<'a, B>,
    class: CcidClass<'a, 'a, B>,
    ticks: u32,
}

impl<'a, B: UsbBus> Reader<'a, B> {
    /// Returns the reader of the module with this serial number. `None`: the controller has too few endpoints.
    pub fn new(bus: &'a UsbBusAllocator<B>, room: Room<'a>, serial: &'a str) -> Option<Self> {
        let class = CcidClass::new(bus, room);
        let names = StringDescriptors::default()
            .manufacturer(MANUFACTURER)
            .product(PRODUCT)
            .serial_number(serial);
        let device = UsbDeviceBuilder::new(bus, TEST_IDS)
            .strings(&[names])
            .and_then(|builder| builder.max_packet_size_0(64))
            .and_then(|builder| builder.max_power(MILLIAMPERES))
            .ok()?;
        Some(Self {
            device: device.build(),
            class,
            ticks: 0,
        })
    }

    /// Moves packets, and exchanges what there is with the module: in the interrupt, and after a response of the module.
    pub fn serve(&mut self, mailbox: &Mailbox<'a>) {
        while self.device.poll(&mut [&mut self.class]) {}
        mailbox.exchange(&mut self.class.ccid);
        self.class.pump();
    }

    /// Asks the host for time every half second, if it waits for the module. To be called ten times a second.
    pub fn tick(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks.is_multiple_of(5) {
            self.class.ccid.ask_for_time();
            self.class.pump();
        }
    }

    /// Returns whether a host gives power and speaks.
    pub fn has_power(&self) -> bool {
        matches!(
            self.device.state(),
            UsbDeviceState::Addressed | UsbDeviceState::Configured
        )
    }
}

/// What the board may take from the bus.
const MILLIAMPERES: usize = 100;

/// The test identity of pid.codes: never to be shipped (`docs/HARDWARE.md`).
const TEST_IDS: UsbVidPid = UsbVidPid(0x1209, 0x0001);
