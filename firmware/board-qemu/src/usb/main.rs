//! The firmware in an emulator, in the emulator's own time: the reader and the emulated USB controller in the interrupt, the
//! module in the main loop, as on a board. What happens outside comes through the cable (`cable`), and a byte on the serial
//! port is the controller's interrupt.

#![no_std]
#![no_main]

mod cable;
mod controller;
mod port;

use app::{
    Device, Mailbox, Reader, Watchdog,
    device::{Input, power_up},
    matrix::Scan,
};
use board_qemu::{
    board::{Qemu, platform},
    fail,
};
use controller::Controller;
use core::cell::{Cell, RefCell};
use cortex_m::peripheral::syst::SystClkSource;
use critical_section::Mutex;
use hsm_ccid::Room;
use hsm_core::{Module, leds::Pattern, time::Millis};
use hsm_protocol::{Serial, limits};
use static_cell::{ConstStaticCell, StaticCell};
use usb_device::bus::UsbBusAllocator;

static MODULE: StaticCell<Option<Module<Qemu>>> = StaticCell::new();
static SERIAL: StaticCell<Serial> = StaticCell::new();
static BUS: StaticCell<UsbBusAllocator<Controller>> = StaticCell::new();
static COMMAND: ConstStaticCell<[u8; limits::COMMAND_APDU]> =
    ConstStaticCell::new([0; limits::COMMAND_APDU]);
static RESPONSE: ConstStaticCell<[u8; limits::RESPONSE_APDU]> =
    ConstStaticCell::new([0; limits::RESPONSE_APDU]);

/// What interrupts and the main loop share.
static MAILBOX: Mailbox<'static> = Mailbox::new();
static READER: Mutex<RefCell<Option<Reader<'static, Controller>>>> = Mutex::new(RefCell::new(None));
static KEYS: Mutex<Cell<u16>> = Mutex::new(Cell::new(0));
static NOW: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

#[cortex_m_rt::entry]
fn main() -> ! {
    cable::open();
    port::synchronize();
    let first = cable::next();
    let platform = match (first.kind, platform(first.data())) {
        (b'C', Some(Ok(platform))) => platform,
        (b'C', Some(Err(_fault))) => fail("flash or fuses failed"),
        _ => fail("the first message is not C with a serial number"),
    };
    let module = power_up(MODULE.init(None), platform);
    let room = Room {
        command: COMMAND.take(),
        response: RESPONSE.take(),
    };
    let bus = BUS.init(UsbBusAllocator::new(Controller));
    let serial = SERIAL.init(module.serial()).as_str();
    let Some(reader) = Reader::new(bus, room, serial) else {
        fail("the controller has too few endpoints")
    };
    critical_section::with(|section| READER.replace(section, Some(reader)));
    start_interrupts();
    let mut device = Device::new(module, now());
    let (mut shown, mut told) = (None, 0);
    loop {
        let input = Input {
            keys: Scan(critical_section::with(|section| KEYS.borrow(section).get())),
            is_plugged: with_reader(|reader| reader.has_power()),
            now: now(),
        };
        let (_, has_response) = device.turn(input, &MAILBOX, &mut NoWatchdog);
        if has_response {
            with_reader(|reader| reader.serve(&MAILBOX));
        }
        show(device.pattern(), &mut shown);
        if input.now.0.saturating_sub(told) >= TELL {
            told = input.now.0;
            cable::send(b't', 0, &told.to_le_bytes());
        }
        cortex_m::asm::wfi();
    }
}

/// Tells the test what the LEDs show, if that is new.
fn show(pattern: Pattern, shown: &mut Option<Pattern>) {
    if shown.replace(pattern) != Some(pattern) {
        cable::send(b'L', 0, pattern.name().as_bytes());
    }
}

fn start_interrupts() {
    let Some(mut core) = cortex_m::Peripherals::take() else {
        fail("the processor has no timer")
    };
    core.SYST.set_clock_source(SystClkSource::Core);
    core.SYST.set_reload(TICK - 1);
    core.SYST.clear_current();
    core.SYST.enable_counter();
    core.SYST.enable_interrupt();
    port::start();
}

/// Time passes; ten times a second, the reader may ask its host for some.
#[cortex_m_rt::exception]
fn SysTick() {
    let now = critical_section::with(|section| {
        let now = NOW.borrow(section);
        now.set(now.get().saturating_add(TICK_MILLISECONDS));
        now.get()
    });
    if now.is_multiple_of(100) {
        with_reader(Reader::tick);
    }
}

/// The controller's interrupt: there is a message.
pub(crate) fn on_message() {
    let message = cable::next();
    match (message.kind, message.data()) {
        (b'K', &[low, high]) => critical_section::with(|section| {
            KEYS.borrow(section).set(u16::from_le_bytes([low, high]));
        }),
        _ if controller::take(message) => with_reader(|reader| reader.serve(&MAILBOX)),
        _ => fail("a message of a kind that does not exist"),
    }
}

fn with_reader<T>(act: impl FnOnce(&mut Reader<'static, Controller>) -> T) -> T {
    critical_section::with(|section| match READER.borrow_ref_mut(section).as_mut() {
        Some(reader) => act(reader),
        None => fail("an interrupt came too early"),
    })
}

fn now() -> Millis {
    Millis(critical_section::with(|section| NOW.borrow(section).get()))
}

/// An emulated chip that hangs is stopped by its test.
struct NoWatchdog;

impl Watchdog for NoWatchdog {
    fn feed(&mut self) {}
}

/// Between two calls of [`SysTick`], at 20 MHz.
const TICK: u32 = 200_000;
const TICK_MILLISECONDS: u64 = 10;

/// How often a test is told the time, in milliseconds.
const TELL: u64 = 20;
