//! Other programs that hold or reset a card, a hub that is stopped, and places that a user may not look into.

use hsm_protocol::frame::{FrameHeader, FrameKind};
use pcsc::{Context, Disposition, Protocols, Scope, ShareMode};
use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    os::unix::{fs::PermissionsExt, net::UnixListener},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use system_tests::lab::{Lab, Over, Ran, program};

/// Says to the peer what it does.
const ACT: &str = "KEYWRITER_TEST_PEER";

/// The other program that uses a card; no test of its own. It ends with its standard input.
#[test]
#[ignore = "a program that the tests here start"]
fn peer() {
    let Ok(act) = env::var(ACT) else {
        return;
    };
    let context = Context::establish(Scope::User).unwrap();
    let readers = context.list_readers_owned().unwrap();
    let reader = readers
        .iter()
        .find(|name| name.to_str().unwrap().contains("VM0001"));
    let reader = reader.or(readers.first()).unwrap();
    let mode = match act.as_str() {
        "exclusive" => ShareMode::Exclusive,
        _ => ShareMode::Shared,
    };
    let mut card = context.connect(reader, mode, Protocols::T1).unwrap();
    if act == "reset" {
        println!("ready");
        thread::spawn(move || {
            loop {
                let reset = card.reconnect(mode, Protocols::T1, Disposition::ResetCard);
                reset.unwrap();
                thread::sleep(Duration::from_millis(30));
            }
        });
        io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let transaction = (act == "transaction").then(|| card.transaction().unwrap());
    println!("ready");
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(transaction);
}

/// A running peer. Dropping it ends it.
struct Peer {
    child: Child,
    input: Option<ChildStdin>,
}

impl Peer {
    fn start(lab: &Lab, act: &str) -> Self {
        let mut command = lab.at(&env::current_exe().unwrap());
        command
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "programs::busy::peer",
            ])
            .env(ACT, act)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("ready")));
        // Nobody reads the rest.
        thread::spawn(move || lines.for_each(drop));
        let input = child.stdin.take();
        Self { child, input }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        self.child.wait().unwrap();
    }
}

/// Asserts that a command fails, says the cause, and does not tell to plug in what is plugged in.
#[track_caller]
fn says(ran: Ran, words: &[&str]) {
    assert_ne!(ran.code, 0, "{ran:#?}");
    for wrong in ["not plugged in", "plug one in", "no module found"] {
        let text = format!("{}{}", ran.out, ran.err);
        assert!(!text.contains(wrong), "'{wrong}' in {ran:#?}");
    }
    let _: Ran = ran.says(words);
}

/// The commands that need the master or any module, with files in the lab's folder.
fn commands(lab: &Lab) -> Vec<Vec<String>> {
    let at = |name: &str| lab.path(name).to_str().unwrap().to_owned();
    let (plain, encrypted, new) = (at("plain"), at("plain.kw"), at("new"));
    let lines: [&[&str]; 10] = [
        &["list"],
        &["encrypt", &plain, "-o", &new],
        &["encrypt", &plain, "-o", &new, "--module", "VM0001"],
        &["decrypt", &encrypted, "-o", &new],
        &["journal", "VM0001"],
        &["recipient"],
        &["recipient", "--check", "x"],
        &["data-units", "encipher", "VM0001", &plain, &new],
        &["master", "set", "VM0001"],
        &["clone"],
    ];
    let owned = |line: &[&str]| line.iter().map(|&word| word.to_owned()).collect();
    lines.into_iter().map(owned).collect()
}

/// A master with an encrypted file.
fn lab(over: Over, modules: u16) -> Lab {
    let lab = Lab::start(over, modules).with_master(&[]);
    fs::write(lab.path("plain"), [0; 4096]).unwrap();
    let plain = lab.path("plain");
    lab.keywriter(&["encrypt", plain.to_str().unwrap()])
        .expect(0);
    lab
}

#[test]
fn a_reader_that_another_program_holds_is_named_by_every_command() {
    let lab = lab(Over::Pcsc, 1);
    let peer = Peer::start(&lab, "exclusive");
    let words = [
        "another program is using the module",
        "close the other program",
    ];
    for line in commands(&lab) {
        let line: Vec<_> = line.iter().map(String::as_str).collect();
        says(lab.keywriter(&line), &words);
        if line[0] != "clone" {
            let ran = lab.keywriter(&[&["--json"], &line[..]].concat());
            assert_eq!(
                ran.json().last().unwrap()["reason"],
                "module-in-use",
                "{line:?}"
            );
        }
    }
    let shown = lab.keywriter(&["master", "show"]).expect(0).out;
    assert!(
        shown.contains("not active") && shown.contains(words[0]),
        "{shown}"
    );
    drop(peer);
    lab.keywriter(&["journal", "VM0001"]).expect(0);
}

#[test]
fn a_transaction_of_another_program_is_waited_for_and_the_others_are_listed() {
    let lab = lab(Over::Pcsc, 2);
    let peer = Peer::start(&lab, "transaction");
    let begin = Instant::now();
    let listed = lab.keywriter(&["list"]).expect(0);
    assert!(
        begin.elapsed() < Duration::from_secs(25),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(listed.out.lines().count(), 2, "the other one: {listed:#?}");
    let _: Ran = listed.says(&["waiting for reader", "another program is using the module"]);
    // A short one is waited for.
    let ending = thread::spawn(move || {
        thread::sleep(Duration::from_secs(3));
        drop(peer);
    });
    lab.keywriter(&["journal", "VM0001"]).expect(0);
    ending.join().unwrap();
}

#[test]
fn a_card_that_another_program_resets_does_its_work_all_the_same() {
    let lab = lab(Over::Pcsc, 2);
    fs::write(lab.path("plain"), vec![7; 3_000_000]).unwrap();
    let _peer = Peer::start(&lab, "reset");
    for line in commands(&lab) {
        if line[0] == "clone" || line.contains(&"--check".into()) {
            continue;
        }
        let line: Vec<_> = line.iter().map(String::as_str).collect();
        let force: &[&str] = match line[0] {
            "encrypt" | "decrypt" => &["--force"],
            _ => &[],
        };
        for _ in 0..3 {
            lab.keywriter(&[&line[..], force].concat()).expect(0);
        }
    }
    // A run that a reset broke is begun anew.
    lab.keywriter(&["clone"]).expect(0);
}

#[test]
fn a_hub_that_is_stopped_is_given_up_in_time() {
    let lab = lab(Over::Socket, 2);
    let signal = |name: &str| {
        let id = lab.hub_id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
    };
    signal("-STOP");
    let socket = lab.path("hub/run/VM0001.sock");
    let begin = Instant::now();
    let listed = lab.keywriter(&["list"]);
    let took = begin.elapsed();
    // One to whose hub nobody can even connect: its queue is full.
    let _queue: Vec<_> = (0..)
        .map_while(|_| {
            let socket = rustix::net::socket_with(
                rustix::net::AddressFamily::UNIX,
                rustix::net::SocketType::STREAM,
                rustix::net::SocketFlags::NONBLOCK,
                None,
            );
            let socket = socket.unwrap();
            let address =
                rustix::net::SocketAddrUnix::new(lab.path("hub/run/VM0001.sock")).unwrap();
            rustix::net::connect(&socket, &address)
                .ok()
                .map(|()| socket)
        })
        .collect();
    let begin = Instant::now();
    let journal = lab.keywriter(&["journal", "VM0001"]);
    let other = begin.elapsed();
    let asked = lab.program("virtual-hub").arg("list").output().unwrap();
    signal("-CONT");
    assert!(
        socket.exists() && took.as_secs() < 20 && other.as_secs() < 20,
        "{took:?} {other:?}"
    );
    says(
        listed,
        &["waiting for socket", "VM0001.sock", "does not answer"],
    );
    says(journal, &["VM0001", "does not answer"]);
    let asked = String::from_utf8(asked.stderr).unwrap();
    assert!(asked.contains("does not answer"), "{asked}");
}

#[test]
fn a_module_that_trickles_is_given_up_and_the_others_are_listed() {
    let lab = lab(Over::Socket, 1);
    // A frame of each answer, a byte now and then.
    let listener = UnixListener::bind(lab.path("hub/run/VM0009.sock")).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let header = FrameHeader::encode(FrameKind::PowerUp, &[0; 200]).unwrap();
                while stream.read(&mut [0; 8]).is_ok_and(|read| read > 0) {
                    let answer = [&header[..], &[0; 200]].concat();
                    for byte in answer {
                        thread::sleep(Duration::from_millis(500));
                        if io::Write::write_all(&mut stream, &[byte]).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    let begin = Instant::now();
    let listed = lab.keywriter(&["list"]).expect(0);
    assert!(begin.elapsed() < Duration::from_secs(30));
    let _: Ran = listed.says(&["VM0001", "waiting for socket", "VM0009.sock"]);
}

#[test]
fn what_a_user_may_not_use_is_named_by_every_command() {
    let lab = lab(Over::Socket, 1);
    if !rustix::process::geteuid().is_root() {
        hsm_testbench::not_tested("what another user may not use: only root can become one");
        return;
    }
    // Another user, who may read the state but not the hub's folder, or not its sockets.
    let open = |name: &str, mode| {
        fs::set_permissions(lab.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    fs::copy(lab.path("hub/run/root.pem"), lab.path("root.pem")).unwrap();
    let keywriter = lab.path("keywriter");
    fs::copy(program("keywriter"), &keywriter).unwrap();
    let everything = Command::new("chmod")
        .args(["-R", "a+rX"])
        .arg(lab.path(""))
        .status();
    assert!(everything.unwrap().success());
    for closed in ["hub", "hub/run", "hub/run/VM0001.sock"] {
        let mode = lab.path(closed).metadata().unwrap().permissions().mode();
        open(closed, 0o700);
        for line in commands(&lab) {
            if line[0] == "clone" || line[0] == "master" {
                // These write the user's state.
                continue;
            }
            let mut command = lab.at("setpriv".as_ref());
            command
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(&keywriter)
                .args(["--transport", "socket"])
                .arg("--root")
                .arg(lab.path("root.pem"))
                .args(&line)
                .stdin(Stdio::null());
            let ran = command.output().unwrap();
            let ran = Ran {
                code: ran.status.code().unwrap(),
                out: String::from_utf8(ran.stdout).unwrap(),
                err: String::from_utf8(ran.stderr).unwrap(),
            };
            says(
                ran,
                &["this user may not use the module", "Permission denied"],
            );
        }
        open(closed, mode);
    }
}

#[test]
fn a_hub_whose_pcscd_died_starts_it_again_and_says_so() {
    let lab = Lab::start(Over::Pcsc, 1);
    let serials = ["VM0001".to_owned()];
    assert!(lab.shows(&serials));
    let children = || children(&lab);
    // One that ends at once is not started again.
    thread::sleep(Duration::from_secs(2));
    let died = children();
    let killed = Command::new("kill").args(["-KILL", &died]).status();
    assert!(killed.unwrap().success());
    let begin = Instant::now();
    while children() == died || children().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(10), "another one");
        thread::sleep(Duration::from_millis(50));
    }
    assert!(lab.shows(&serials));
    let log = fs::read_to_string(lab.path("hub.log")).unwrap();
    assert!(log.contains("pcscd ended, and was started again"));
}

/// The process of the hub's pcscd.
fn children(lab: &Lab) -> String {
    let tasks = fs::read_dir(format!("/proc/{}/task", lab.hub_id())).unwrap();
    let of = |task: io::Result<fs::DirEntry>| {
        fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()
    };
    tasks.map(of).collect::<String>().trim().to_owned()
}

#[test]
fn a_pcscd_or_a_hub_behind_it_that_is_stopped_is_given_up_in_time() {
    let lab = Lab::start(Over::Pcsc, 2);
    assert!(lab.shows(&["VM0001".to_owned(), "VM0002".to_owned()]));
    let hub = lab.hub_id().to_string();
    for (id, words) in [
        (children(&lab), ["reader pcscd", "does not answer"]),
        (hub, ["waiting for reader", "does not answer"]),
    ] {
        let signal = |name: &str| {
            let sent = Command::new("kill").args([name, &id]).status();
            assert!(sent.unwrap().success());
        };
        signal("-STOP");
        let begin = Instant::now();
        let listed = lab.keywriter(&["list"]);
        let took = begin.elapsed();
        signal("-CONT");
        assert!(took < Duration::from_secs(40), "{took:?}");
        says(listed, &words);
    }
}
