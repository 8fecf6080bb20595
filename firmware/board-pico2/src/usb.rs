//! The reader on the chip's USB controller. The controller and the reader are the interrupt's; commands and responses go
//! through the mailbox.

use app::Mailbox;
use core::cell::RefCell;
use critical_section::Mutex;
use hsm_ccid::{CcidClass, Room};
use hsm_protocol::{
    Serial, limits,
    usb::{MANUFACTURER, PRODUCT},
};
use rp235x_hal::{
    clocks::UsbClock,
    pac::{self, interrupt},
    usb::UsbBus,
};
use static_cell::{ConstStaticCell, StaticCell};
use usb_device::{
    bus::UsbBusAllocator,
    device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid},
};

/// Between the interrupt and the main loop.
pub(crate) static MAILBOX: Mailbox<'static> = Mailbox::new();

struct Usb {
    device: UsbDevice<'static, UsbBus>,
    class: CcidClass<'static, 'static, UsbBus>,
    ticks: u32,
}

impl Usb {
    /// Moves packets, and exchanges what there is with the module.
    fn serve(&mut self) {
        while self.device.poll(&mut [&mut self.class]) {}
        MAILBOX.exchange(&mut self.class.ccid);
        self.class.pump();
    }
}

static USB: Mutex<RefCell<Option<Usb>>> = Mutex::new(RefCell::new(None));
static BUS: StaticCell<UsbBusAllocator<UsbBus>> = StaticCell::new();
static SERIAL: StaticCell<Serial> = StaticCell::new();
static COMMAND: ConstStaticCell<[u8; limits::COMMAND_APDU]> =
    ConstStaticCell::new([0; limits::COMMAND_APDU]);
static RESPONSE: ConstStaticCell<[u8; limits::RESPONSE_APDU]> =
    ConstStaticCell::new([0; limits::RESPONSE_APDU]);

/// Connects the module to its host.
pub(crate) fn start(
    controller: pac::USB,
    memory: pac::USB_DPRAM,
    clock: UsbClock,
    resets: &mut pac::RESETS,
    serial: Serial,
) {
    let bus = UsbBus::new(controller, memory, clock, true, resets);
    let bus = BUS.init(UsbBusAllocator::new(bus));
    let room = Room {
        command: COMMAND.take(),
        response: RESPONSE.take(),
    };
    let class = CcidClass::new(bus, room);
    let names = StringDescriptors::default()
        .manufacturer(MANUFACTURER)
        .product(PRODUCT)
        .serial_number(SERIAL.init(serial).as_str());
    let device = UsbDeviceBuilder::new(bus, TEST_IDS)
        .strings(&[names])
        .and_then(|builder| builder.max_packet_size_0(64))
        .and_then(|builder| builder.max_power(100));
    let Ok(device) = device else { return };
    let device = device.build();
    critical_section::with(|section| {
        USB.borrow_ref_mut(section).replace(Usb {
            device,
            class,
            ticks: 0,
        });
    });
    unmask();
}

/// Does what there is to do: after a response of the module.
pub(crate) fn serve() {
    with(Usb::serve);
}

/// Asks the host for time every half second, if it waits for the module. To be called ten times a second.
pub(crate) fn tick() {
    with(|usb| {
        usb.ticks = usb.ticks.wrapping_add(1);
        if usb.ticks.is_multiple_of(5) {
            usb.class.ccid.ask_for_time();
            usb.class.pump();
        }
    });
}

/// Returns whether a host gives power and speaks.
pub(crate) fn has_power() -> bool {
    critical_section::with(|section| {
        let usb = USB.borrow_ref(section);
        let state = usb.as_ref().map(|usb| usb.device.state());
        matches!(
            state,
            Some(UsbDeviceState::Addressed | UsbDeviceState::Configured)
        )
    })
}

fn with(act: impl FnOnce(&mut Usb)) {
    critical_section::with(|section| {
        if let Some(usb) = USB.borrow_ref_mut(section).as_mut() {
            act(usb);
        }
    });
}

#[allow(unsafe_code, reason = "a register of the processor")]
fn unmask() {
    // SAFETY: the handler takes what it shares with the main loop within critical sections only.
    unsafe { cortex_m::peripheral::NVIC::unmask(pac::Interrupt::USBCTRL_IRQ) }
}

#[interrupt]
fn USBCTRL_IRQ() {
    serve();
}

/// The test identity of pid.codes: never to be shipped (`docs/HARDWARE.md`).
const TEST_IDS: UsbVidPid = UsbVidPid(0x1209, 0x0001);
