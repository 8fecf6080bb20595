//! The programs themselves: whether the master ever waits, and how time and memory grow with the number of modules.

use crate::timing::{ms, ratio};
use std::{
    fs,
    io::{BufRead, BufReader},
    time::{Duration, Instant},
};
use system_tests::lab::{Lab, Over};

pub(crate) fn run() {
    at_rest();
    master_never_waits();
    growth();
}

fn at_rest() {
    let (few, many) = (Lab::start(Over::Socket, 10), Lab::start(Over::Socket, 1010));
    let each = (resident(many.hub_id()) - resident(few.hub_id())) / 1000;
    println!("Memory of a module at rest in the hub (wanted ≤ 64 KiB): {each} KiB");
}

/// Nine secondaries, with time added so that modules look like hardware.
fn master_never_waits() {
    const LATENCY: u64 = 3;
    const COMPUTING: u64 = 50;
    let undelayed = cycle(&Lab::start(Over::Socket, 2).with_master(&[]), &[]).time;
    let delays = [
        "--latency",
        &LATENCY.to_string(),
        "--computing",
        &COMPUTING.to_string(),
    ];
    // Three steps on each side; what they take by themselves is split evenly.
    let share = Duration::from_millis(3 * (LATENCY + COMPUTING)) + undelayed / 2;
    let bound = share * 9 + share;
    println!(
        "Nine secondaries, {LATENCY} ms for each APDU and {COMPUTING} ms for each step (wanted ≤ 1.15)"
    );
    println!(
        "  nine times the master's share and one secondary's: {}",
        ms(bound)
    );
    for (name, choices) in [("all at once", vec![]), ("--jobs 1", vec!["--jobs", "1"])] {
        let lab = Lab::start_with(Over::Socket, 10, &delays).with_master(&[]);
        let took = cycle(&lab, &choices).time;
        println!(
            "  {name:11}  {} ÷ {} = {:.2}",
            ms(took),
            ms(bound),
            ratio(took, bound)
        );
    }
}

fn growth() {
    println!("Growth (each wanted no more than linear)");
    println!("  secondaries  time for each   hub for each   keywriter for each");
    for secondaries in [9_u16, 63, 250] {
        let lab = Lab::start(Over::Socket, secondaries + 1).with_master(&[]);
        let measured = cycle(&lab, &[]);
        let each = |kib: u64| kib / u64::from(secondaries);
        let time = measured.time / u32::from(secondaries);
        let (hub, host) = (each(measured.hub), each(measured.host));
        println!(
            "  {secondaries:11}  {:>13}  {hub:>9} KiB  {host:>15} KiB",
            ms(time)
        );
    }
}

struct Measured {
    /// From the cycle's beginning to its end, as `keywriter` reports them.
    time: Duration,
    /// The hub's resident memory after it, in KiB.
    hub: u64,
    /// The most that `keywriter` had, in KiB.
    host: u64,
}

fn cycle(lab: &Lab, choices: &[&str]) -> Measured {
    let mut clone =
        lab.spawn_keywriter(&[&["--transport", "socket", "clone", "--json"], choices].concat());
    let lines = BufReader::new(clone.stdout.take().expect("piped")).lines();
    let (mut began, mut time, mut host) = (None, None, 0);
    for line in lines {
        let line = line.expect("text");
        host = host.max(status(clone.id(), "VmHWM:"));
        if line.contains("\"cycle-began\"") {
            began = Some(Instant::now());
        } else if line.contains("\"cycle-ended\"") {
            time = began.map(|began: Instant| began.elapsed());
        }
    }
    assert!(
        clone.wait().expect("ends").success(),
        "every secondary is cloned"
    );
    Measured {
        time: time.expect("a whole cycle"),
        hub: resident(lab.hub_id()),
        host,
    }
}

fn resident(process: u32) -> u64 {
    status(process, "VmRSS:")
}

/// A number of KiB that the kernel tells of a process; 0 of one that has ended.
fn status(process: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value
        .and_then(|value| value.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}
