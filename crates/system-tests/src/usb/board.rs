//! A board in its emulator: the image `qemu-usb`, with a cable, keys, LEDs and power.

use super::{
    connect,
    device::{Device, Done, Message, Urb},
};
use hsm_virtual::keys::{Stroke, parse};
use rustix::fs::OFlags;
use serde_json::{Value, json};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{fs::OpenOptionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// A running board. Dropped, its emulator ends.
pub struct Board {
    emulator: Child,
    folder: TempDir,
    serial: String,
    inner: Arc<Inner>,
    /// Empties the cable while nothing runs.
    drain: File,
    monitor: BufReader<UnixStream>,
}

/// What the board's threads share.
pub(super) struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    device: Device,
    to: File,
    /// Each byte is an interrupt.
    bell: UnixStream,
    /// How often it has powered up.
    starts: u32,
    now: u64,
    pattern: String,
    is_plugged: bool,
    /// The connection of a host that has found it.
    host: Option<Host>,
}

type Host = Box<dyn FnMut(Event) -> io::Result<()> + Send>;

/// What a host hears.
pub(super) enum Event {
    /// What it asked for has ended.
    Done(Done),
    /// Its question whether it could be forgotten is answered.
    Unlinked { seq: u32, was_under_way: bool },
    /// The plug is pulled.
    Gone,
}

/// How fast the board's processor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// As fast as this computer makes it.
    Full,
    /// Four million instructions a second: commands take tens of seconds.
    Slow,
}

impl Board {
    /// Returns the emulator and the image for it, if `cargo xtask firmware build` has left them.
    pub fn built() -> Option<(PathBuf, PathBuf)> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
        let emulator = target.join("tools/firmware/bin/qemu-system-arm");
        let image = target.join("firmware/thumbv8m.main-none-eabihf/release/qemu-usb");
        (emulator.exists() && image.exists()).then_some((emulator, image))
    }

    /// Starts a new board, which nobody has found yet.
    pub fn start((emulator, image): &(PathBuf, PathBuf), serial: &str, speed: Speed) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let fifos = [path("usb.in"), path("usb.out")];
        let made = Command::new("mkfifo").args(&fifos).status();
        assert!(made.expect("mkfifo runs").success());
        let mut command = Command::new(emulator);
        command
            .current_dir(folder.path())
            .args("-M mps2-an505 -display none -monitor none".split(' '))
            .args(["-qmp", "unix:monitor,server=on,wait=off"])
            .args(["-chardev", "socket,id=bell,path=bell,server=on,wait=on"])
            .args(["-serial", "chardev:bell"])
            .args(["-semihosting-config", "enable=on,target=native"])
            .arg("-kernel")
            .arg(image)
            .stdin(Stdio::null())
            .stdout(File::create(path("log")).expect("a file"))
            .stderr(File::create(path("errors")).expect("a file"));
        if speed == Speed::Slow {
            command.args(["-icount", "shift=8,align=on,sleep=on"]);
        }
        let emulator = command.spawn().expect("the emulator starts");
        let bell = connect(&path("bell"));
        let monitor = BufReader::new(connect(&path("monitor")));
        let (to, from) = (open(&fifos[0], false), File::open(&fifos[1]));
        let inner = Arc::new(Inner {
            state: Mutex::new(State {
                device: Device::default(),
                to,
                bell,
                starts: 0,
                now: 0,
                pattern: String::new(),
                is_plugged: true,
                host: None,
            }),
            changed: Condvar::new(),
        });
        let reading = Arc::clone(&inner);
        let from = from.expect("the firmware opens it");
        thread::spawn(move || reading.read(from));
        let mut board = Self {
            emulator,
            drain: open(&fifos[0], true),
            folder,
            serial: serial.into(),
            inner,
            monitor,
        };
        board.monitor("qmp_capabilities");
        board.begin(0);
        board
    }

    /// Its serial number.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Cuts the power at whatever instruction the firmware is, and gives it back. A host sees the board go and come.
    pub fn cut_power(&mut self) {
        self.pull();
        self.plug();
    }

    /// Pulls the board out, which cuts its power.
    pub fn pull(&mut self) {
        self.monitor("stop");
        let mut state = self.inner.lock();
        state.is_plugged = false;
        state.hang_up();
        let starts = state.starts;
        drop(state);
        // Nothing reads the cable now; what was on its way is lost.
        let mut rest = Vec::new();
        let end = self.drain.read_to_end(&mut rest).map_err(|end| end.kind());
        assert_eq!(end, Err(io::ErrorKind::WouldBlock));
        self.monitor("system_reset");
        self.monitor("cont");
        self.begin(starts);
    }

    /// Plugs it in again.
    pub fn plug(&mut self) {
        self.inner.lock().is_plugged = true;
        self.inner.changed.notify_all();
    }

    /// Lets the firmware begin, and waits until it has powered up once more than so often.
    fn begin(&self, starts: u32) {
        let seed_and_serial = [&[1], self.serial.as_bytes()].concat();
        let mut state = self.inner.lock();
        state.write(b'C', 0, &seed_and_serial);
        state.bell.write_all(&[START]).expect("the emulator runs");
        drop(state);
        self.wait("to power up", |state| state.starts > starts);
    }

    /// Types keys; returns the pattern that the LEDs show once nothing blinks for a moment only.
    pub fn press(&self, text: &str) -> String {
        for stroke in parse(text).expect("strokes") {
            let (keys, held) = match stroke {
                Stroke::Press(key) => (vec![key], 0),
                Stroke::Chord(first, second) => (vec![first, second], 0),
                Stroke::Hold(key, held) => (vec![key], held),
                Stroke::HoldChord(first, second, held) => (vec![first, second], held),
            };
            let mut pressed = 0;
            for key in &keys {
                pressed |= place(&format!("{key:?}"));
                self.keys(pressed);
                self.pass(STEADY);
            }
            self.pass(held);
            self.keys(0);
            self.pass(2 * STEADY);
        }
        self.pass(2000);
        self.pattern()
    }

    /// Returns the name of what the LEDs show.
    pub fn pattern(&self) -> String {
        self.inner.lock().pattern.clone()
    }

    /// Returns how many packets passed.
    pub fn packets(&self) -> u64 {
        self.inner.lock().device.packets
    }

    fn keys(&self, pressed: u16) {
        let mut state = self.inner.lock();
        state.send(&Message {
            kind: b'K',
            endpoint: 0,
            data: pressed.to_le_bytes().to_vec(),
        });
    }

    /// Lets so many milliseconds of the board's time pass.
    fn pass(&self, milliseconds: u64) {
        let end = self.inner.lock().now + milliseconds;
        self.wait("for time to pass", |state| state.now > end);
    }

    fn wait(&self, what: &str, is_there: impl Fn(&State) -> bool) {
        let state = self.inner.lock();
        let (state, late) = self
            .inner
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !is_there(state))
            .expect("no thread panics");
        drop(state);
        if late.timed_out() {
            let said = ["log", "errors"].map(|name| self.folder.path().join(name));
            panic!(
                "{} takes too long {what}: {:?}",
                self.serial,
                said.map(fs::read_to_string)
            );
        }
    }

    /// Gives the emulator an order of its monitor (QMP), and waits until it is done.
    fn monitor(&mut self, order: &str) {
        let order = json!({ "execute": order }).to_string();
        let sent = self.monitor.get_mut().write_all(order.as_bytes());
        sent.expect("the emulator runs");
        loop {
            let mut line = String::new();
            self.monitor.read_line(&mut line).expect("an answer");
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            assert!(answer.get("error").is_none(), "{order}: {answer}");
            if answer.get("return").is_some() {
                return;
            }
        }
    }

    pub(super) fn inner(&self) -> Arc<Inner> {
        Arc::clone(&self.inner)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        let ended = self.emulator.kill().and_then(|()| self.emulator.wait());
        if let Err(error) = ended {
            eprintln!("the emulator did not end: {error}");
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics")
    }

    /// Reads the cable until the emulator ends.
    fn read(&self, mut from: File) {
        let mut bytes = [0; MESSAGE];
        while from.read_exact(&mut bytes).is_ok() {
            let [kind, endpoint, len, _, data @ ..] = bytes;
            let data = data[..usize::from(len)].to_vec();
            let mut state = self.lock();
            match kind {
                b'H' => {
                    state.starts += 1;
                    state.now = 0;
                    state.device = Device::default();
                }
                b'L' => state.pattern = String::from_utf8(data).expect("a name"),
                b't' => state.now = u64::from_le_bytes(data.try_into().expect("8 bytes")),
                _ => state.take(Message {
                    kind,
                    endpoint,
                    data,
                }),
            }
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Waits until the board is plugged in and free, and connects a host to it.
    pub(super) fn attach(&self, host: Host) {
        let state = self.lock();
        let mut state = self
            .changed
            .wait_while(state, |state| !state.is_plugged || state.host.is_some())
            .expect("no thread panics");
        state.host = Some(host);
        state.device.connect();
        state.flush();
    }

    /// The host has gone.
    pub(super) fn detach(&self) {
        self.lock().host = None;
        self.changed.notify_all();
    }

    pub(super) fn submit(&self, urb: Urb) {
        let mut state = self.lock();
        state.device.submit(urb);
        state.flush();
    }

    pub(super) fn unlink(&self, seq: u32, victim: u32) {
        let mut state = self.lock();
        let was_under_way = state.device.unlink(victim);
        state.flush();
        state.tell(Event::Unlinked { seq, was_under_way });
    }
}

impl State {
    fn take(&mut self, message: Message) {
        self.device.take(message);
        self.flush();
    }

    /// Sends what the device has for the cable and for the host.
    fn flush(&mut self) {
        for message in self.device.messages() {
            self.send(&message);
        }
        for done in self.device.done() {
            self.tell(Event::Done(done));
        }
    }

    fn tell(&mut self, event: Event) {
        if let Some(host) = &mut self.host
            && host(event).is_err()
        {
            self.host = None;
        }
    }

    fn hang_up(&mut self) {
        self.tell(Event::Gone);
        self.host = None;
    }

    fn send(&mut self, message: &Message) {
        self.write(message.kind, message.endpoint, &message.data);
        self.bell
            .write_all(&[INTERRUPT])
            .expect("the emulator runs");
    }

    fn write(&mut self, kind: u8, endpoint: u8, data: &[u8]) {
        let mut bytes = [0; MESSAGE];
        let len = u8::try_from(data.len()).expect("a packet");
        bytes[..4].copy_from_slice(&[kind, endpoint, len, 0]);
        bytes[4..4 + data.len()].copy_from_slice(data);
        self.to.write_all(&bytes).expect("the cable holds");
    }
}

/// Opens a FIFO without waiting for its other end.
fn open(path: &Path, to_read: bool) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(!to_read);
    if to_read {
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path).expect("a FIFO")
}

/// Where a key is: 1 2 3, 4 5 6, 7 8 9, SHIFT 0 KEY.
fn place(key: &str) -> u16 {
    let number = match key {
        "Shift" => 9,
        "Key" => 11,
        digit => match digit.chars().find_map(|c| c.to_digit(10)).expect("a key") {
            0 => 10,
            digit => digit - 1,
        },
    };
    1 << number
}

/// A message's length, in bytes.
const MESSAGE: usize = 68;

/// Bytes of the bell.
const START: u8 = 0xFF;
const INTERRUPT: u8 = 1;

/// Longer than keys bounce, in milliseconds.
const STEADY: u64 = 50;

/// How long anything may take that is waited for, on a computer with much else to do.
const PATIENCE: Duration = Duration::from_mins(5);
