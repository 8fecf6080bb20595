//! The desktop app beside a window that says hello, drawn by the same toolkit: start, memory, processor, size; in one run.

#![expect(clippy::expect_used, reason = "a benchmark that fails has no figures")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};
use system_tests::{
    lab::{Lab, Over, program},
    screen::Screen,
};
use x11rb::{
    connection::Connection as _,
    protocol::xproto::{ConnectionExt as _, ImageFormat},
    rust_connection::RustConnection,
};

fn main() {
    // `cargo test --benches` asks for nothing but a build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let screen = Screen::start();
    let lab = Lab::start(Over::Socket, 10);
    println!("The app beside a window that says hello (app / hello)");
    start(&screen, &lab);
    rest(&screen, &lab);
    size();
}

/// From the start of the program to the first pixel that is not the screen's.
fn start(screen: &Screen, lab: &Lab) {
    let (server, _) = x11rb::connect(Some(screen.display())).expect("the X server");
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..=STARTS {
        for (times, mut program) in times.iter_mut().zip(programs(lab)) {
            let before = Instant::now();
            let window = Ended(screen.show(&mut program));
            while is_blank(&server) {
                thread::sleep(Duration::from_micros(500));
            }
            // The first round warms the caches.
            if round > 0 {
                times.push(before.elapsed().as_secs_f64());
            }
            drop(window);
            while !is_blank(&server) {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
    let [app, hello] = times.map(median);
    println!(
        "  start to first frame, median of {STARTS}: {:.0} ms / {:.0} ms = {:.2} (wanted 1.5 at most)",
        app * 1e3,
        hello * 1e3,
        app / hello
    );
}

/// Memory and processor once nothing happens any more, with ten modules in sight.
fn rest(screen: &Screen, lab: &Lab) {
    let [app, hello] = programs(lab).map(|mut program| {
        let is_app = program
            .get_program()
            .to_string_lossy()
            .ends_with("keywriter-desktop");
        let window = Ended(screen.show(&mut program));
        if is_app {
            screen.focus("KeyWriter");
            screen.click("Try with virtual modules");
            screen.wait("Set as Master");
        } else {
            screen.wait("Hello");
        }
        // What was looked at is over; then nothing is asked of it.
        thread::sleep(Duration::from_secs(3));
        let before = cpu(&window.0);
        thread::sleep(Duration::from_secs(IDLE));
        let ticks = cpu(&window.0) - before;
        (memory(&window.0), ticks)
    });
    println!(
        "  memory at rest, ten modules in sight (PSS): {:.1} MiB / {:.1} MiB = {:.2} (wanted 1.5 at most)",
        app.0,
        hello.0,
        app.0 / hello.0
    );
    println!(
        "  processor at rest, of one core: {:.2} % / {:.2} % (wanted: none)",
        app.1 / HZ / seconds() * 100.0,
        hello.1 / HZ / seconds() * 100.0
    );
}

/// Of the stripped programs.
fn size() {
    let folder = tempfile::tempdir().expect("a folder");
    let [app, hello] = [program("keywriter-desktop"), hello()].map(|path| {
        let stripped = folder.path().join("stripped");
        let status = Command::new("strip")
            .arg("-o")
            .arg(&stripped)
            .arg(&path)
            .status();
        assert!(status.is_ok_and(|status| status.success()), "strip");
        let bytes = fs::metadata(&stripped).expect("it is there").len();
        f64::from(u32::try_from(bytes).expect("less than 4 GiB")) / MIB
    });
    println!(
        "  size, stripped: {app:.1} MiB / {hello:.1} MiB = {:.2}",
        app / hello
    );
}

fn programs(lab: &Lab) -> [Command; 2] {
    [lab.program("keywriter-desktop"), Command::new(hello())]
}

fn hello() -> PathBuf {
    let path = program("keywriter-desktop").with_file_name("examples/hello-window");
    assert!(
        path.exists(),
        "build it: cargo build --release -p keywriter-desktop --examples"
    );
    path
}

/// Whether the middle of the windows' upper edge is the bare screen.
fn is_blank(server: &RustConnection) -> bool {
    const ALL: u32 = u32::MAX;
    let root = server.setup().roots[0].root;
    let image = server
        .get_image(ImageFormat::Z_PIXMAP, root, 600, 40, 1, 1, ALL)
        .expect("asked")
        .reply()
        .expect("answered");
    image.data.iter().take(3).all(|byte| *byte == 0)
}

/// Proportional set size, MiB.
fn memory(process: &Child) -> f64 {
    let rollup = read(process, "smaps_rollup");
    let line = rollup
        .lines()
        .find(|line| line.starts_with("Pss:"))
        .expect("a line");
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number");
    kib / 1024.0
}

/// Ticks in user and kernel mode.
fn cpu(process: &Child) -> f64 {
    let stat = read(process, "stat");
    let (_, after_name) = stat.rsplit_once(')').expect("a name");
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields
        .map(|ticks| ticks.parse::<f64>().expect("ticks"))
        .sum()
}

fn read(process: &Child, file: &str) -> String {
    let path = Path::new("/proc").join(process.id().to_string()).join(file);
    fs::read_to_string(path).expect("it runs")
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn seconds() -> f64 {
    Duration::from_secs(IDLE).as_secs_f64()
}

/// A program that ends with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("it did not end: {error}");
        }
    }
}

/// Starts of each that are measured.
const STARTS: usize = 15;

/// Seconds at rest.
const IDLE: u64 = 20;

/// Ticks a second, as Linux tells them to programs.
const HZ: f64 = 100.0;

const MIB: f64 = 1024.0 * 1024.0;
