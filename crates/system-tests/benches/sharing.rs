//! Sharing a file, as ratios of what was measured in one run: against age, rage, gpg, and the processor's own limit.
//! `cargo xtask bench` runs it with `TMPDIR` in memory; a disk would be what is measured.

#![expect(clippy::expect_used, reason = "a benchmark that fails has no figures")]

use hsm_factory::Root;
use hsm_protocol::{
    apdu::encode_extended,
    command::{CLA, ins},
    file::{CHUNK_OVERHEAD, FileHeader},
    limits,
};
use hsm_testbench::{Bench, files};
use hsm_virtual::aws_lc::AwsLc;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use system_tests::lab::{Lab, Over, program};

#[path = "sharing/carry.rs"]
mod carry;

fn main() {
    if carry::is_client() {
        return;
    }
    // `cargo test --benches` asks for nothing but a build.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let limit = openssl();
    println!("AES-256-XTS by openssl speed: {limit:.2} GB/s");
    module_alone(limit);
    over_sockets(limit);
    over_readers(limit);
    let lab = ready(Over::Socket);
    small_files(&lab);
    one_kibibyte(&lab);
}

/// The lab and its files, 12 GiB in the end, are gone with each of these: memory would not hold both.
fn over_sockets(limit: f64) {
    let lab = ready(Over::Socket);
    for mib in [256, 4096] {
        against_others(&lab, "socket", mib, limit);
    }
}

fn over_readers(limit: f64) {
    let lab = ready(Over::Pcsc);
    over_pcscd(&lab, limit);
    against_others(&lab, "pcscd", 4096, limit);
}

/// Beside it, what a pcscd takes for the same bytes to a card that does nothing: before and after, in the same weather.
fn over_pcscd(lab: &Lab, limit: f64) {
    let before = carry::measure();
    let [encrypt, decrypt] = against_others(lab, "pcscd", 256, limit);
    let after = carry::measure();
    let chunks = (256_u32 << 20).div_ceil(u32::try_from(limits::CIPHER_DATA).expect("small"));
    let carried = |one: Duration, other: Duration| (one + other) / 2 * chunks;
    let (one, two) = (
        carried(before.one, after.one),
        carried(before.two, after.two),
    );
    println!(
        "What pcscd itself carries: the same bytes to a card that does nothing, answers as long"
    );
    println!(
        "  one handle {:.0} ms = {:.1} µs a chunk; two handles at once {:.0} ms",
        one.as_secs_f64() * 1e3,
        one.as_secs_f64() * 1e6 / f64::from(chunks),
        two.as_secs_f64() * 1e3
    );
    for (name, ours) in [("encrypt", encrypt), ("decrypt", decrypt)] {
        println!(
            "  {name}: pcscd alone ÷ keywriter = {:.2} of what pcscd can carry",
            one.as_secs_f64() / ours.as_secs_f64()
        );
    }
}

/// A hub with one module, unlocked, and keys for the others.
fn ready(over: Over) -> Lab {
    let lab = Lab::start(over, 1);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    assert!(lab.shows(&["VM0001".into()]), "it is there");
    lab
}

/// What the module takes for itself, without any connection.
fn module_alone(limit: f64) {
    let root = Root::generate("Bench root").expect("a root");
    let mut module = Bench::<AwsLc>::new("MODULE-1", &root);
    module.set_up();
    module.unlock_user();
    let size = u32::try_from(limits::CIPHER_DATA).expect("small");
    let header = files::begin(&mut module, size).expect("unlocked");
    let plain = vec![7; limits::CIPHER_DATA];
    // Buffers are made once: a fresh one for each call would be what is measured.
    let mut response = vec![0; limits::RESPONSE_APDU];
    let mut seal = apdu(ins::FILE_SEAL, &[&header, &[0; 9], &plain]);
    let mut index = 0_u64;
    let sealed = median(2000, || {
        seal[INDEX..INDEX + 8].copy_from_slice(&index.to_be_bytes());
        index += 1;
        let now = module.now;
        let len = module.module().apdu(&seal, now, &mut response);
        assert_eq!(len, limits::CIPHER_DATA + CHUNK_OVERHEAD + 2, "sealed");
    });
    let file = files::file(&mut module, size, &plain).expect("sealed");
    let (header, chunk) = file
        .split_first_chunk::<{ FileHeader::SIZE }>()
        .expect("a header");
    let open = apdu(ins::FILE_OPEN, &[header, &[0; 8], chunk]);
    let opened = median(2000, || {
        let now = module.now;
        let len = module.module().apdu(&open, now, &mut response);
        assert_eq!(len, limits::CIPHER_DATA + 2, "opened");
    });
    println!("The module alone, for each chunk of {size} bytes");
    for (name, time) in [("seal", sealed), ("open", opened)] {
        let speed = f64::from(size) / time.as_secs_f64() / 1e9;
        println!(
            "  {name}  {:.1} µs = {speed:.2} GB/s = {:.0} % of the limit",
            time.as_secs_f64() * 1e6,
            100.0 * speed / limit
        );
    }
}

/// Where the index stands in a FILE SEAL command: behind the APDU's seven bytes and the header.
const INDEX: usize = 7 + FileHeader::SIZE;

fn apdu(ins: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut apdu = vec![0; limits::COMMAND_APDU];
    let len = encode_extended([CLA, ins, 0, 0], &parts.concat(), &mut apdu).expect("fits");
    apdu.truncate(len);
    apdu
}

/// Each tool in turn, round after round, so that all meet the same weather; what `keywriter` took to encrypt and to decrypt.
///
/// Memory that nobody used for a while is dearer than what was just freed, several times so on a virtual machine: the first
/// round warms it and is not counted, and each round begins with another tool.
fn against_others(lab: &Lab, over: &str, mib: usize, limit: f64) -> [Duration; 2] {
    let folder = lab.folder.path();
    let plain: Vec<u8> = (0..=250).cycle().take(mib << 20).collect();
    fs::write(folder.join("plain"), plain).expect("room");
    let mut tools = tools(folder);
    let mut stages = [String::new(), String::new()];
    for round in 0..=ROUNDS {
        for at in 0..tools.len() {
            let turn = (round + at) % tools.len();
            let tool = &mut tools[turn];
            for (act, arguments) in tool.arguments.iter().enumerate() {
                let output = folder.join(OUTPUTS[act]);
                drop(fs::remove_file(&output));
                let (time, log) = timed(lab, over, &tool.path, arguments);
                if round > 0 {
                    tool.took[act].push(time);
                }
                if tool.name == IN_MODULE {
                    stages[act] = log;
                }
            }
        }
    }
    let best = |tool: &Tool, act: usize| tool.took[act].iter().min().copied().unwrap_or_default();
    let bytes = f64::from(u32::try_from(mib).expect("small")) * f64::from(1 << 20);
    for (act, title) in ["encrypt", "decrypt"].into_iter().enumerate() {
        println!(
            "{title} {mib} MiB over {over} (other tool ÷ keywriter; wanted ≥ 2 for the faster of age and rage)"
        );
        let ours = middle(&tools[0].took[act]);
        for tool in &tools {
            let took = middle(&tool.took[act]);
            let speed = bytes / took.as_secs_f64() / 1e9;
            println!(
                "  {:10} {:>7.0} ms  {speed:.2} GB/s  ÷ keywriter = {:.2}; fastest of each {:.2}",
                tool.name,
                took.as_secs_f64() * 1e3,
                took.as_secs_f64() / ours.as_secs_f64(),
                best(tool, act).as_secs_f64() / best(&tools[0], act).as_secs_f64()
            );
        }
        let share = 100.0 * bytes / ours.as_secs_f64() / 1e9 / limit;
        println!(
            "  keywriter's share of the limit: {share:.0} %; stages of {IN_MODULE}, at the same time: {}",
            stages_of(&stages[act])
        );
    }
    let in_module = tools.iter().find(|tool| tool.name == IN_MODULE);
    [0, 1].map(|act| in_module.map_or(Duration::ZERO, |tool| middle(&tool.took[act])))
}

/// The way on which every byte passes through the module.
const IN_MODULE: &str = "in-module";

/// Many small files and one a little larger, each beside age, which is started for each file, and beside copying.
fn small_files(lab: &Lab) {
    let folder = lab.folder.path();
    let shown = |what: &str, ours: Duration, others: &[(&str, Duration)]| {
        print!("{what}: keywriter {:.0} ms", ours.as_secs_f64() * 1e3);
        for (name, time) in others {
            print!(
                "; {name} {:.0} ms, ÷ keywriter = {:.2}",
                time.as_secs_f64() * 1e3,
                time.as_secs_f64() / ours.as_secs_f64()
            );
        }
        println!();
    };
    let keywriter = |line: &str| {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        timed(lab, "socket", &program("keywriter"), &arguments).0
    };
    let shell = |line: &str| {
        let began = Instant::now();
        let ran = Command::new("sh")
            .args(["-c", line])
            .current_dir(folder)
            .status();
        assert!(ran.expect("sh starts").success(), "{line}");
        began.elapsed()
    };
    let to = "$(grep -o 'age1.*' key.txt)";
    for size in [1 << 10, 1 << 20] {
        fs::write(folder.join("plain"), vec![7; size]).expect("room");
        let ours: Vec<_> = (0..9)
            .map(|_| keywriter("encrypt plain -o sealed --force"))
            .collect();
        let age: Vec<_> = (0..9)
            .map(|_| shell(&format!("age -r {to} -o x.age plain")))
            .collect();
        let name = format!("encrypt {size} bytes");
        shown(&name, middle(&ours), &[("age", middle(&age))]);
    }
    let count = 10_000;
    fs::create_dir(folder.join("many")).expect("room");
    for number in 0..count {
        fs::write(folder.join(format!("many/{number}")), [7; 10 << 10]).expect("room");
    }
    for name in ["sealed-many", "back-many"] {
        fs::create_dir(folder.join(name)).expect("room");
    }
    let copied = shell("cp -r many copy && rm -r copy");
    let age = shell(&format!(
        "for f in many/?00*; do age -r {to} -o x.age $f; done"
    ));
    let files = fs::read_dir(folder.join("many")).expect("there");
    let aged = files
        .filter_map(Result::ok)
        .filter(|file| file.file_name().to_string_lossy().get(1..3) == Some("00"))
        .count();
    let age = age * count / u32::try_from(aged.max(1)).expect("few");
    let ours = keywriter("encrypt many -o sealed-many");
    let others = [("cp", copied), ("age, for each file", age)];
    shown("encrypt 10,000 files of 10 KiB", ours, &others);
    let ours = keywriter("decrypt sealed-many -o back-many");
    shown("decrypt 10,000 files of 10 KiB", ours, &[("cp", copied)]);
}

/// Those that count.
const ROUNDS: usize = 5;

/// What encrypting and decrypting write.
const OUTPUTS: [&str; 2] = ["sealed", "back"];

struct Tool {
    name: &'static str,
    path: PathBuf,
    arguments: [Vec<String>; 2],
    took: [Vec<Duration>; 2],
}

fn tools(folder: &Path) -> Vec<Tool> {
    let tool = |name, path: PathBuf, encrypt: &str, decrypt: &str| Tool {
        name,
        path,
        arguments: [encrypt, decrypt]
            .map(|line| line.split_whitespace().map(str::to_owned).collect()),
        took: [vec![], vec![]],
    };
    let mut tools = vec![tool(
        "keywriter",
        program("keywriter"),
        "encrypt plain -o sealed",
        "decrypt sealed -o back",
    )];
    tools.push(tool(
        IN_MODULE,
        program("keywriter"),
        "encrypt --in-module plain -o sealed",
        "decrypt --in-module sealed -o back",
    ));
    tools.push(tool("cp", "/bin/cp".into(), "plain sealed", "sealed back"));
    let rage = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/tools/released/bin/rage"
    ));
    let key = folder.join("key.txt");
    if !key.exists() {
        let made = Command::new("age-keygen")
            .arg("-o")
            .arg(&key)
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("age is installed").success(), "a key");
    }
    let key = fs::read_to_string(key).expect("a key");
    let to = key
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "))
        .expect("a recipient");
    for (name, path) in [("age", Path::new("/usr/bin/age")), ("rage", rage)] {
        if path.exists() {
            tools.push(tool(
                name,
                path.to_owned(),
                &format!("-r {to} -o sealed plain"),
                "-d -i key.txt -o back sealed",
            ));
        }
    }
    let gpg = "--homedir . --batch --quiet --pinentry-mode loopback --passphrase bench --compress-algo none";
    tools.push(tool(
        "gpg",
        "/usr/bin/gpg".into(),
        &format!("{gpg} --cipher-algo AES256 -o sealed --symmetric plain"),
        &format!("{gpg} -o back -d sealed"),
    ));
    tools
}

fn timed(lab: &Lab, over: &str, path: &Path, arguments: &[String]) -> (Duration, String) {
    let mut command = if path.ends_with("keywriter") {
        let mut command = lab.program("keywriter");
        let kind = if over == "socket" { "socket" } else { "pcsc" };
        command.args(["--log", "keywriter::pipeline=debug", "--transport", kind]);
        command
    } else {
        Command::new(path)
    };
    command
        .args(arguments)
        .current_dir(lab.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let began = Instant::now();
    let output = command.output().expect("the program starts");
    let took = began.elapsed();
    assert!(
        output.status.success(),
        "{} {arguments:?}: {output:?}",
        path.display()
    );
    (took, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A team has one recipient, whoever is in it; age writes a stanza for each.
fn one_kibibyte(lab: &Lab) {
    let folder = lab.folder.path();
    fs::write(folder.join("plain"), [7; 1024]).expect("room");
    let keywriter = tools(folder).swap_remove(0);
    drop(timed(
        lab,
        "socket",
        &keywriter.path,
        &keywriter.arguments[0],
    ));
    let ours = fs::metadata(folder.join("sealed")).expect("written").len();
    let to = lab.keywriter(&["recipient"]).expect(0).out;
    let age = |recipients: &str| {
        fs::write(folder.join("recipients"), recipients).expect("room");
        sealed_size(folder, &["-R", "recipients"])
    };
    println!("1 KiB for a team, in bytes");
    println!("  members  keywriter    age, a key for each");
    for members in [1_usize, 10, 100, 250] {
        let keys: String = (0..members).map(|_| age_recipient()).collect();
        println!("  {members:7}  {ours:9}  {:>21}", age(&keys));
    }
    println!(
        "  age with the team's recipient, for any number: {}",
        sealed_size(folder, &["-r", to.trim()])
    );
}

/// What age makes of `plain`, in bytes.
fn sealed_size(folder: &Path, to: &[&str]) -> u64 {
    let plugins = program("age-plugin-keywriter");
    let search = std::env::var("PATH").unwrap_or_default();
    let sealed = Command::new("age")
        .args(to)
        .args(["-o", "x.age", "plain"])
        .env(
            "PATH",
            format!("{}:{search}", plugins.parent().expect("a folder").display()),
        )
        .current_dir(folder)
        .status();
    assert!(sealed.expect("age is installed").success(), "sealed");
    fs::metadata(folder.join("x.age")).expect("written").len()
}

fn age_recipient() -> String {
    let made = Command::new("age-keygen")
        .output()
        .expect("age is installed");
    let text = String::from_utf8_lossy(&made.stdout).into_owned();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    format!("{}\n", line.expect("a recipient"))
}

/// GB/s with 16 KiB a call.
fn openssl() -> f64 {
    let output = Command::new("openssl")
        .args([
            "speed",
            "-mr",
            "-seconds",
            "1",
            "-bytes",
            "16384",
            "-evp",
            "aes-256-xts",
        ])
        .output()
        .expect("openssl is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let figure = text.lines().rev().find_map(|line| {
        line.strip_prefix("+F:")?
            .rsplit(':')
            .next()?
            .parse::<f64>()
            .ok()
    });
    figure.expect("a figure") / 1e9
}

/// How long each stage of the pipeline took, as its log says.
fn stages_of(log: &str) -> &str {
    let line = log.lines().last().unwrap_or_default();
    line.split_once("took ").map_or("", |(_, stages)| stages)
}

fn median(calls: usize, mut work: impl FnMut()) -> Duration {
    let times: Vec<_> = (0..calls)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    middle(&times)
}

fn middle(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}
