//! The real programs: a hub, and `keywriter` beside it, over sockets or over a real pcscd.

#![expect(
    clippy::return_self_not_must_use,
    reason = "assertions may be the last of a chain"
)]

use serde_json::Value;
use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// How `keywriter` reaches the modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// The hub's sockets.
    Socket,
    /// Debian's pcscd with our reader driver.
    Pcsc,
}

/// A running hub in a folder of its own, and a user's state beside it.
pub struct Lab {
    /// Where everything lies.
    pub folder: TempDir,
    over: Over,
    environment: HashMap<String, String>,
    hub: Child,
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard output as JSON, one object a line.
    pub fn json(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"))
            })
            .collect()
    }

    /// The objects of one kind of event.
    pub fn events(&self, name: &str) -> Vec<Value> {
        self.json()
            .into_iter()
            .filter(|event| event["event"] == name)
            .collect()
    }

    /// Asserts the exit code; shows everything where it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Asserts that standard error (or JSON output) speaks of each of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.err.contains(word) || self.out.contains(word),
                "nothing of '{word}' in {self:#?}"
            );
        }
        self
    }
}

impl Lab {
    /// Starts a hub with so many modules, all in Shipment State, under a clock that stands still.
    pub fn start(over: Over, modules: u16) -> Self {
        Self::start_with(over, modules, &[])
    }

    /// Likewise, with further options of `virtual-hub serve`.
    pub fn start_with(over: Over, modules: u16, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(program("virtual-hub"));
        command.args([
            "serve",
            "--pin-cost",
            "1000",
            "--clock",
            "manual",
            "--modules",
        ]);
        command
            .arg(modules.to_string())
            .args(options)
            .arg("--state")
            .arg(folder.path().join("hub"));
        if over == Over::Pcsc {
            command.arg("--pcsc");
        }
        let log = File::create(folder.path().join("hub.log")).expect("a file");
        command
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut hub = command.spawn().expect("virtual-hub starts");
        let mut environment = HashMap::new();
        let mut lines = BufReader::new(hub.stdout.take().expect("piped")).lines();
        loop {
            let line = lines.next().expect("the hub gets ready").expect("text");
            if let Some((name, value)) = line
                .split_once("export ")
                .and_then(|(_, rest)| rest.split_once('='))
            {
                environment.insert(name.to_owned(), value.to_owned());
            }
            if line == "ready" {
                break;
            }
        }
        Self {
            folder,
            over,
            environment,
            hub,
        }
    }

    /// Below the lab's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The hub's process.
    pub fn hub_id(&self) -> u32 {
        self.hub.id()
    }

    /// Runs `virtual-hub`, which must succeed; what it printed.
    #[track_caller]
    pub fn hub(&self, arguments: &[&str]) -> String {
        self.run("virtual-hub", arguments).expect(0).out
    }

    /// Runs `keywriter`.
    pub fn keywriter(&self, arguments: &[&str]) -> Ran {
        let transport = match self.over {
            Over::Socket => "socket",
            Over::Pcsc => "pcsc",
        };
        self.run(
            "keywriter",
            &[&["--transport", transport], arguments].concat(),
        )
    }

    /// Types on a keypad; the name of the pattern that the LEDs end on.
    #[track_caller]
    pub fn press(&self, serial: &str, keys: &str) -> String {
        self.pattern(&["press", serial, keys, "--json"])
    }

    /// Looks at a module; the name of the pattern that its LEDs show.
    #[track_caller]
    pub fn leds(&self, serial: &str) -> String {
        self.pattern(&["leds", serial, "--json"])
    }

    #[track_caller]
    fn pattern(&self, arguments: &[&str]) -> String {
        let leds: Value = serde_json::from_str(&self.hub(arguments)).expect("JSON");
        leds["pattern"].as_str().expect("a pattern").to_owned()
    }

    /// Gives a module an Admin PIN, a User PIN and cloning, from Shipment; ends locked.
    #[track_caller]
    pub fn set_up(&self, serial: &str) {
        let (admin, user) = (hsm_testbench::ADMIN_PIN, hsm_testbench::USER_PIN);
        self.press(
            serial,
            &format!("SHIFT+1 {admin} KEY {admin} KEY KEY+3 {user} KEY {user} KEY"),
        );
        assert_eq!(self.press(serial, "KEY+8 1 SHIFT"), "stored");
        assert_eq!(self.press(serial, "SHIFT:1s"), "standby");
    }

    /// Unlocks as Administrator.
    #[track_caller]
    pub fn unlock_admin(&self, serial: &str) {
        assert_eq!(
            self.press(serial, &format!("KEY {} KEY", hsm_testbench::ADMIN_PIN)),
            "unlocked"
        );
    }

    /// Unlocks as User.
    #[track_caller]
    pub fn unlock_user(&self, serial: &str) {
        assert_eq!(
            self.press(
                serial,
                &format!("SHIFT+KEY {} KEY", hsm_testbench::USER_PIN)
            ),
            "unlocked"
        );
    }

    /// A master that is set up, unlocked and named: `VM0001`.
    #[track_caller]
    pub fn with_master(self, options: &[&str]) -> Self {
        self.set_up("VM0001");
        self.unlock_admin("VM0001");
        self.keywriter(&[&["master", "set", "VM0001"], options].concat())
            .expect(0);
        self
    }

    /// Whether `keywriter list` comes to show just these. pcscd hears of a plug some milliseconds later.
    pub fn shows(&self, serials: &[String]) -> bool {
        (0..100).any(|_| {
            let listed = self.keywriter(&["list", "--json"]).events("module");
            listed
                .iter()
                .map(|module| module["serial"].as_str().unwrap_or_default())
                .eq(serials)
        })
    }

    /// Waits until a module asks for a person; `false` if it does not.
    pub fn asks(&self, serial: &str) -> bool {
        let began = Instant::now();
        while self.leds(serial) != "asks" {
            if began.elapsed() > Duration::from_mins(1) {
                return false;
            }
            thread::yield_now();
        }
        true
    }

    /// Starts `keywriter` and leaves it running.
    pub fn spawn_keywriter(&self, arguments: &[&str]) -> Child {
        let mut command = self.command("keywriter");
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().expect("keywriter starts")
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Ran {
        let output = self
            .command(name)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the program starts");
        Ran {
            code: output.status.code().expect("an exit code"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// A program in the lab's environment.
    pub fn program(&self, name: &str) -> Command {
        self.command(name)
    }

    fn command(&self, name: &str) -> Command {
        self.at(&program(name))
    }

    /// Any program in the lab's environment.
    pub fn at(&self, path: &Path) -> Command {
        let mut command = Command::new(path);
        command
            .env("KEYWRITER_HUB", self.path("hub"))
            .env("XDG_STATE_HOME", self.path("user"))
            .env_remove("PCSCLITE_CSOCK_NAME")
            .envs(&self.environment);
        command
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // SIGTERM: the hub ends its pcscd before it ends.
        let id = self.hub.id().to_string();
        let ended = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .and_then(|_| self.hub.wait());
        if let Err(error) = ended {
            eprintln!("the hub did not end: {error}");
        }
    }
}

/// A program of the workspace, beside the tests.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: cargo build --workspace",
        path.display()
    );
    path
}
