//! The firmware of a module on a Raspberry Pi Pico 2. Wiring, and what was never tried on a chip: `docs/HARDWARE.md`.
//!
//! | file | what is in it |
//! |---|---|
//! | [`board`] | the parts that the module's core asks for |
//! | [`flash`], [`otp`], [`trng`] | the chip's memory, fuses and random numbers |
//! | [`keypad`] | pins of keys and LEDs |
//! | [`usb`] | the reader on the USB controller, in its interrupt |

#![no_std]
#![no_main]

mod board;
mod flash;
mod keypad;
mod otp;
mod trng;
mod usb;

use crate::{board::Pico, flash::Flash, keypad::Keypad, trng::Trng};
use app::{
    Device, Watchdog,
    device::{Input, power_up},
    matrix,
};
use cortex_m::peripheral::syst::SystClkSource;
use hsm_core::{Module, keypad::Key, time::Millis};
use rp235x_hal::{
    self as hal, Sio, block::ImageDef, clocks::init_clocks_and_plls, fugit::ExtU32, gpio::Pins, pac,
};
use static_cell::StaticCell;

/// What the boot ROM looks for.
#[allow(unsafe_code, reason = "the boot ROM finds it by its place")]
// SAFETY: nothing but this definition is in the section, which the linker script puts into the first 4 KB of the image.
#[unsafe(link_section = ".start_block")]
#[used]
static IMAGE: ImageDef = ImageDef::secure_exe();

static MODULE: StaticCell<Option<Module<Pico>>> = StaticCell::new();

#[hal::entry]
fn main() -> ! {
    let (Some(pac), Some(core)) = (pac::Peripherals::take(), cortex_m::Peripherals::take()) else {
        stop()
    };
    guard_the_stack();
    run(pac, core)
}

fn run(pac: pac::Peripherals, mut core: cortex_m::Peripherals) -> ! {
    let mut resets = pac.RESETS;
    let mut watchdog = hal::Watchdog::new(pac.WATCHDOG);
    let clocks = init_clocks_and_plls(
        CRYSTAL,
        pac.XOSC,
        pac.CLOCKS,
        pac.PLL_SYS,
        pac.PLL_USB,
        &mut resets,
        &mut watchdog,
    );
    let Ok(clocks) = clocks else { stop() };
    let timer = hal::Timer::new_timer0(pac.TIMER0, &mut resets, &clocks);
    let now = || Millis(timer.get_counter().ticks() / 1000);
    let sio = Sio::new(pac.SIO);
    let pins = Pins::new(pac.IO_BANK0, pac.PADS_BANK0, sio.gpio_bank0, &mut resets);
    let mut keypad = Keypad::new(pins);
    let trng = Trng::new(pac.TRNG, &mut resets);

    // A new chip burns its secrets only if someone holds KEY and SHIFT.
    let held = keypad.scan().0;
    let is_asked = held == matrix::place(Key::Key).0 | matrix::place(Key::Shift).0;
    let platform = board::platform(trng, Flash::new(), is_asked);
    let Ok((platform, place)) = platform.map(|platform| (platform, MODULE.init(None))) else {
        keypad.alarm(now)
    };
    let module = power_up(place, platform);
    let serial = module.serial();
    usb::start(
        pac.USB,
        pac.USB_DPRAM,
        clocks.usb_clock,
        &mut resets,
        serial,
    );
    core.SYST.set_clock_source(SystClkSource::Core);
    core.SYST.set_reload(TICK - 1);
    core.SYST.clear_current();
    core.SYST.enable_counter();
    core.SYST.enable_interrupt();

    // Longer than any command takes.
    watchdog.start(8.secs());
    let mut dog = Dog(watchdog);
    let mut device = Device::new(module, now());
    loop {
        let input = Input {
            keys: keypad.scan(),
            is_plugged: usb::has_power(),
            now: now(),
        };
        let (lamps, has_response) = device.turn(input, &usb::MAILBOX, &mut dog);
        if has_response {
            usb::serve();
        }
        keypad.show(lamps);
    }
}

/// Lets the processor stop if the stack meets the variables.
#[allow(unsafe_code, reason = "a register of the processor")]
fn guard_the_stack() {
    let end = u32::try_from(cortex_m_rt::heap_start().addr()).unwrap_or(u32::MAX);
    // SAFETY: the stack grows down towards the end of the variables, and is above it now.
    unsafe { cortex_m::register::msplim::write(end) }
}

/// Asks for time while the module computes.
#[cortex_m_rt::exception]
fn SysTick() {
    usb::tick();
}

struct Dog(hal::Watchdog);

impl Watchdog for Dog {
    fn feed(&mut self) {
        self.0.feed();
    }
}

/// The chip cannot go on: the watchdog, if it runs, resets it.
fn stop() -> ! {
    loop {
        cortex_m::asm::nop();
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    stop()
}

/// Of the crystal, in hertz.
const CRYSTAL: u32 = 12_000_000;

/// Cycles of the processor, at 150 MHz, between two calls of [`SysTick`]: 100 milliseconds.
const TICK: u32 = 15_000_000;
