//! Messages through two files of the emulator's folder, `usb.in` and `usb.out`: the cable and the keys. Each has 68 bytes and
//! goes in one piece, so that a reset at any instruction leaves none half read.
//!
//! | from the test | endpoint | data |
//! |---|---|---|
//! | `C`, the first one | | seed, serial number: the firmware starts once the serial port gave the byte `FF` |
//! | `R` | | the host resets the bus |
//! | `S` | | a SETUP packet |
//! | `O` | number | a packet to the endpoint |
//! | `A` | number | none: the host has taken the endpoint's packet |
//! | `K` | | the pressed keys, 16 bits, little-endian |
//!
//! | to the test | endpoint | data |
//! |---|---|---|
//! | `H` | | none: the firmware has powered up, and lets the host see it |
//! | `I` | number | a packet of the endpoint |
//! | `T` | address | none: the endpoint stalls |
//! | `o` | number | none: the endpoint has room again |
//! | `L` | | the name of what the LEDs show |
//! | `t` | | the time in milliseconds, 8 bytes: the main loop has seen the keys at that time |

use board_qemu::files::File;
use core::cell::RefCell;
use critical_section::Mutex;

/// What goes through the cable.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) endpoint: u8,
    data: [u8; Self::DATA],
    len: u8,
}

impl Message {
    const DATA: usize = 64;

    /// Returns a message with so much of the data as it takes.
    pub(crate) fn new(kind: u8, endpoint: u8, data: &[u8]) -> Self {
        let mut message = Self {
            kind,
            endpoint,
            data: [0; Self::DATA],
            len: 0,
        };
        for (to, from) in message.data.iter_mut().zip(data) {
            *to = *from;
            message.len = message.len.saturating_add(1);
        }
        message
    }

    pub(crate) fn data(&self) -> &[u8] {
        self.data.get(..self.len.into()).unwrap_or_default()
    }
}

struct Cable {
    input: File,
    output: File,
}

static CABLE: Mutex<RefCell<Option<Cable>>> = Mutex::new(RefCell::new(None));

/// Opens both files.
pub(crate) fn open() {
    let cable = Cable {
        input: File::input(c"usb.in"),
        output: File::output(c"usb.out"),
    };
    critical_section::with(|section| CABLE.replace(section, Some(cable)));
}

/// Waits for a message.
pub(crate) fn next() -> Message {
    let mut bytes = [0; Message::DATA + 4];
    with(|cable| cable.input.read(&mut bytes));
    let [kind, endpoint, len, _, data @ ..] = bytes;
    Message {
        kind,
        endpoint,
        data,
        len,
    }
}

/// Sends a message.
pub(crate) fn send(kind: u8, endpoint: u8, data: &[u8]) {
    let message = Message::new(kind, endpoint, data);
    let mut bytes = [0; Message::DATA + 4];
    let head = [kind, endpoint, message.len, 0];
    for (to, from) in bytes.iter_mut().zip(head.iter().chain(&message.data)) {
        *to = *from;
    }
    with(|cable| cable.output.write(&bytes));
}

fn with(act: impl FnOnce(&Cable)) {
    critical_section::with(|section| {
        if let Some(cable) = CABLE.borrow_ref(section).as_ref() {
            act(cable);
        }
    });
}
