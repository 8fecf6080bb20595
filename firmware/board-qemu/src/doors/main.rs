//! The firmware in an emulator, without time and USB of its own: both come through two files (`frames`), so that each act
//! takes exactly as many instructions as it takes.
//!
//! | frame | its body | the answer |
//! |---|---|---|
//! | `P` | seed, serial number | nothing: the module is powered up, as after a power cut |
//! | `T` | whether it is plugged in, pressed keys (16 bits) | the LEDs' brightness, the pattern's name |
//! | `U` | packets of a host, as one message | the reader's packets |
//!
//! Each answer says how many instructions it took, and how deep the stack was.

#![no_std]
#![no_main]

mod frames;
mod measure;

use crate::{
    frames::{Doors, Frame},
    measure::Meter,
};
use app::{
    Device, Mailbox, Watchdog,
    device::{Input, power_up},
    matrix::Scan,
};
use board_qemu::{
    board::{Qemu, platform},
    fail,
};
use hsm_ccid::{
    Ccid, Room,
    ccid::{MESSAGE, PACKET},
};
use hsm_core::{Module, time::Millis};
use hsm_protocol::limits;
use static_cell::{ConstStaticCell, StaticCell};

static MODULE: StaticCell<Option<Module<Qemu>>> = StaticCell::new();
static COMMAND: ConstStaticCell<[u8; limits::COMMAND_APDU]> =
    ConstStaticCell::new([0; limits::COMMAND_APDU]);
static RESPONSE: ConstStaticCell<[u8; limits::RESPONSE_APDU]> =
    ConstStaticCell::new([0; limits::RESPONSE_APDU]);
static IN: ConstStaticCell<[u8; MESSAGE]> = ConstStaticCell::new([0; MESSAGE]);
static OUT: ConstStaticCell<[u8; MESSAGE]> = ConstStaticCell::new([0; MESSAGE]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut doors = Doors::open(IN.take(), OUT.take());
    let mut ccid = Ccid::new(Room {
        command: COMMAND.take(),
        response: RESPONSE.take(),
    });
    let place = MODULE.init(None);
    let mut frame = doors.next();
    loop {
        if frame.kind != b'P' {
            fail("the first frame is not P");
        }
        let meter = Meter::start();
        // What was there before loses its power.
        *place = None;
        ccid.reset();
        let platform = match platform(doors.body()) {
            Some(Ok(platform)) => platform,
            Some(Err(_fault)) => fail("flash or fuses failed"),
            None => fail("the serial number is none"),
        };
        let mut device = Device::new(power_up(place, platform), frame.now);
        doors.answer(meter.stop());
        frame = serve(&mut doors, &mut ccid, &mut device);
    }
}

/// Answers frames until the power is cut: that frame is returned.
fn serve(doors: &mut Doors, ccid: &mut Ccid<'static>, device: &mut Device<'_, Qemu>) -> Frame {
    let mailbox = Mailbox::new();
    let mut input = Input {
        keys: Scan::default(),
        is_plugged: false,
        now: Millis(0),
    };
    loop {
        let frame = doors.next();
        input.now = frame.now;
        let meter = Meter::start();
        match (frame.kind, doors.body()) {
            (b'T', &[is_plugged, low, high]) => {
                input.is_plugged = is_plugged != 0;
                input.keys = Scan(u16::from_le_bytes([low, high]));
                let (lamps, _) = device.turn(input, &mailbox, &mut NoWatchdog);
                doors.put(&lamps.0);
                doors.put(device.pattern().name().as_bytes());
            }
            (b'U', message) => {
                message
                    .chunks(PACKET)
                    .for_each(|packet| ccid.packet(packet));
                mailbox.exchange(ccid);
                device.turn(input, &mailbox, &mut NoWatchdog);
                mailbox.exchange(ccid);
                let mut packet = [0; PACKET];
                while let Some(len) = ccid.next(&mut packet) {
                    doors.put(packet.get(..len).unwrap_or_default());
                    ccid.sent(len);
                }
            }
            (b'P', _) => return frame,
            _ => fail("a frame of a kind that does not exist"),
        }
        doors.answer(meter.stop());
    }
}

/// An emulated chip that hangs is stopped by its test.
struct NoWatchdog;

impl Watchdog for NoWatchdog {
    fn feed(&mut self) {}
}
