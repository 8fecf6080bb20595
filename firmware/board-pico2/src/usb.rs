//! The reader on the chip's USB controller. The controller and the reader are the interrupt's; commands and responses go
//! through the mailbox.

use app::{Mailbox, Reader};
use core::cell::RefCell;
use critical_section::Mutex;
use hsm_ccid::Room;
use hsm_protocol::{Serial, limits};
use rp235x_hal::{
    clocks::UsbClock,
    pac::{self, interrupt},
    usb::UsbBus,
};
use static_cell::{ConstStaticCell, StaticCell};
use usb_device::bus::UsbBusAllocator;

/// Between the interrupt and the main loop.
pub(crate) static MAILBOX: Mailbox<'static> = Mailbox::new();

static USB: Mutex<RefCell<Option<Reader<'static, UsbBus>>>> = Mutex::new(RefCell::new(None));
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
    let reader = Reader::new(bus, room, SERIAL.init(serial).as_str());
    critical_section::with(|section| USB.replace(section, reader));
    unmask();
}

/// Does what there is to do: after a response of the module.
pub(crate) fn serve() {
    with(|reader| reader.serve(&MAILBOX));
}

/// Asks the host for time. To be called ten times a second.
pub(crate) fn tick() {
    with(Reader::tick);
}

/// Returns whether a host gives power and speaks.
pub(crate) fn has_power() -> bool {
    critical_section::with(|section| {
        let reader = USB.borrow_ref(section);
        reader.as_ref().is_some_and(Reader::has_power)
    })
}

fn with(act: impl FnOnce(&mut Reader<'static, UsbBus>)) {
    critical_section::with(|section| {
        if let Some(reader) = USB.borrow_ref_mut(section).as_mut() {
            act(reader);
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
