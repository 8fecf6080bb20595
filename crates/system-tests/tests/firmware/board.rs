//! A board in an emulator: its key matrix, its LEDs, and a host at the other end of its USB cable.

use hsm_factory::{Profile, Root};
use hsm_protocol::{
    Status,
    apdu::encode_extended,
    command::{CLA, ins, write_install},
    limits,
    writer::Writer,
};
use hsm_testbench::{Forgetful, files::Commands};
use hsm_virtual::keys::{Stroke, parse};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// What `cargo xtask firmware build` leaves: the emulator and the image for it.
pub(crate) fn built() -> Option<(PathBuf, PathBuf)> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let emulator = target.join("tools/firmware/bin/qemu-system-arm");
    let image = target.join("firmware/thumbv8m.main-none-eabihf/release/qemu-doors");
    (emulator.exists() && image.exists()).then_some((emulator, image))
}

/// A running emulator.
pub(crate) struct Board {
    emulator: Child,
    folder: TempDir,
    to: File,
    from: File,
    serial: String,
    now: u64,
    seq: u8,
    keys: u16,
    is_plugged: bool,
    /// What each kind of act took at most.
    pub(crate) figures: BTreeMap<String, Figure>,
}

/// Instructions, and how deep the stack was in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figure {
    pub(crate) instructions: u64,
    pub(crate) stack: u32,
}

impl Board {
    /// Starts a new board and plugs it in.
    pub(crate) fn start((emulator, image): &(PathBuf, PathBuf), serial: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let doors = ["doors.in", "doors.out"].map(|name| folder.path().join(name));
        assert!(
            Command::new("mkfifo")
                .args(&doors)
                .status()
                .unwrap()
                .success()
        );
        let emulator = Command::new(emulator)
            .current_dir(folder.path())
            .args("-M mps2-an505 -display none -monitor none -serial null".split(' '))
            .args(["-semihosting-config", "enable=on,target=native"])
            .args(["-icount", "shift=0", "-kernel"])
            .arg(image)
            .stdin(Stdio::null())
            .stdout(File::create(folder.path().join("log")).unwrap())
            .stderr(File::create(folder.path().join("errors")).unwrap())
            .spawn()
            .unwrap();
        let mut board = Self {
            emulator,
            to: File::options().write(true).open(&doors[0]).unwrap(),
            from: File::open(&doors[1]).unwrap(),
            folder,
            serial: serial.into(),
            now: 0,
            seq: 0,
            keys: 0,
            is_plugged: true,
            figures: BTreeMap::new(),
        };
        board.power_up();
        board
    }

    /// Cuts the power and gives it back.
    pub(crate) fn power_up(&mut self) {
        let body = [&[1], self.serial.as_bytes()].concat();
        self.frame(b'P', &body, "power-up");
        let (answer, atr) = self.message(0x62, &[]);
        assert_eq!((answer[7], &*atr), (0, &hsm_protocol::command::ATR[..]));
        self.pass(10);
    }

    /// Types keys; returns the pattern that the LEDs show once nothing blinks for a moment only.
    pub(crate) fn press(&mut self, text: &str) -> String {
        for stroke in parse(text).unwrap() {
            let (keys, held) = match stroke {
                Stroke::Press(key) => (vec![key], 0),
                Stroke::Chord(first, second) => (vec![first, second], 0),
                Stroke::Hold(key, held) => (vec![key], held),
                Stroke::HoldChord(first, second, held) => (vec![first, second], held),
            };
            for key in &keys {
                self.keys |= place(&format!("{key:?}"));
                self.pass(STEADY);
            }
            self.pass(held);
            self.keys = 0;
            self.pass(2 * STEADY);
        }
        self.pass(2000);
        self.pattern()
    }

    /// Lets time pass, with many scans of the keys while one is down.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        let step = if self.keys == 0 { 50 } else { 10 };
        let end = self.now + milliseconds;
        while self.now < end {
            self.now = end.min(self.now + step);
            self.turn();
        }
    }

    /// Plugs it in or pulls it out.
    pub(crate) fn plug(&mut self, is_plugged: bool) {
        self.is_plugged = is_plugged;
        self.pass(10);
    }

    /// Returns the name of what the LEDs show.
    pub(crate) fn pattern(&mut self) -> String {
        let answer = self.turn();
        String::from_utf8(answer[3..].to_vec()).unwrap()
    }

    /// Returns how bright the LEDs are.
    pub(crate) fn lamps(&mut self) -> [u8; 3] {
        *self.turn().first_chunk().unwrap()
    }

    fn turn(&mut self) -> Vec<u8> {
        let [low, high] = self.keys.to_le_bytes();
        self.frame(b'T', &[self.is_plugged.into(), low, high], "keys and time")
    }

    /// Sends an APDU through the cable; returns the response.
    pub(crate) fn apdu(&mut self, apdu: &[u8], what: &str) -> Vec<u8> {
        self.seq = self.seq.wrapping_add(1);
        let bytes = message(0x6F, self.seq, apdu);
        let answer = self.frame(b'U', &bytes, what);
        let (header, data) = answer.split_first_chunk::<10>().unwrap();
        assert_eq!((header[0], header[6], header[7]), (0x80, self.seq, 0));
        data.to_vec()
    }

    /// Sends the packets of a host's message; returns what the board answers.
    pub(crate) fn packets(&mut self, message: &[u8]) -> Vec<u8> {
        self.frame(b'U', message, "usb")
    }

    /// Sends any other message of a host; returns the answer's header and data.
    pub(crate) fn message(&mut self, kind: u8, data: &[u8]) -> ([u8; 10], Vec<u8>) {
        self.seq = self.seq.wrapping_add(1);
        let answer = self.frame(b'U', &message(kind, self.seq, data), "reader");
        let (header, data) = answer.split_first_chunk().unwrap();
        (*header, data.to_vec())
    }

    /// Makes the board's module a genuine one.
    pub(crate) fn certify(&mut self, root: &Root) {
        self.command(ins::GENERATE_KEY, 0, &[]).unwrap();
        let request = self.command(ins::READ_CSR, 0, &[]).unwrap();
        let profile = Profile { is_virtual: false };
        let chain = root.certify(&request, profile, &mut Forgetful).unwrap();
        let mut data = vec![0; 2 + limits::CERTIFICATE + limits::CHAIN];
        let mut writer = Writer::new(&mut data);
        write_install(&mut writer, root.certificate_der(), &chain).unwrap();
        let data = writer.written().to_vec();
        self.command(ins::INSTALL, 0, &data).unwrap();
    }

    /// From Shipment State: both PINs, cloning enabled; ends locked.
    pub(crate) fn set_up(&mut self) {
        assert_eq!(
            self.press("SHIFT+1 24681357 KEY 24681357 KEY"),
            "admin-mode"
        );
        assert_eq!(self.press("KEY+3 13572468 KEY 13572468 KEY"), "admin-mode");
        assert_eq!(self.press("KEY+8 1 SHIFT"), "admin-mode");
        assert_eq!(self.press("SHIFT:1s"), "standby");
    }

    fn frame(&mut self, kind: u8, body: &[u8], what: &str) -> Vec<u8> {
        let len = u32::try_from(body.len()).unwrap();
        let mut frame = vec![kind];
        frame.extend(self.now.to_le_bytes());
        frame.extend(len.to_le_bytes());
        frame.extend(body);
        let mut head = [0; 16];
        let exchanged = self
            .to
            .write_all(&frame)
            .and_then(|()| self.from.read_exact(&mut head));
        if let Err(error) = exchanged {
            let said = ["log", "errors"].map(|name| self.folder.path().join(name));
            panic!("{what}: {error}; {:?}", said.map(fs::read_to_string));
        }
        let (len, rest) = head.split_first_chunk().unwrap();
        let (instructions, stack) = rest.split_first_chunk().unwrap();
        let stack = u32::from_le_bytes(stack.try_into().unwrap());
        let figure = self.figures.entry(what.into()).or_default();
        figure.instructions = figure.instructions.max(u64::from_le_bytes(*instructions));
        figure.stack = figure.stack.max(stack);
        let mut answer = vec![0; usize::try_from(u32::from_le_bytes(*len)).unwrap()];
        self.from.read_exact(&mut answer).unwrap();
        answer
    }
}

impl Commands for Board {
    fn command(&mut self, ins: u8, p1: u8, data: &[u8]) -> Result<Vec<u8>, Status> {
        let mut apdu = vec![0; limits::COMMAND_APDU];
        let len = encode_extended([CLA, ins, p1, 0], data, &mut apdu).unwrap();
        let response = self.apdu(&apdu[..len], &format!("command {ins:02X}"));
        let (data, word) = response.split_last_chunk::<2>().unwrap();
        match Status::from_word(u16::from_be_bytes(*word)).expect("a known status") {
            Status::Success => Ok(data.to_vec()),
            other => Err(other),
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.emulator.kill().unwrap();
        self.emulator.wait().unwrap();
    }
}

/// Longer than keys bounce.
const STEADY: u64 = 50;

/// Where a key is: 1 2 3, 4 5 6, 7 8 9, SHIFT 0 KEY.
fn place(key: &str) -> u16 {
    let number = match key {
        "Shift" => 9,
        "Key" => 11,
        digit => match digit.chars().find_map(|c| c.to_digit(10)).unwrap() {
            0 => 10,
            digit => digit - 1,
        },
    };
    1 << number
}

fn message(kind: u8, seq: u8, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    bytes.extend([0, seq, 0, 0, 0]);
    bytes.extend(data);
    bytes
}
