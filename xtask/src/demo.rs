//! Shows the product in one minute: a master and nine secondaries in a virtual hub are configured, cloned and compared.

use crate::{debian, run};
use anyhow::{Context, Result, anyhow, bail};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

/// Options of `cargo xtask demo`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Use a real pcscd to reach the modules, nothing else.
    #[arg(long)]
    pcsc: bool,
}

const ADMIN_PIN: &str = "24681357";
const USER_PIN: &str = "13572468";
/// The serial number of the master.
pub(crate) const MASTER: &str = "VM0001";
const MODULES: usize = 10;

pub(crate) fn run(options: &Options) -> Result<()> {
    debian::install(&[debian::BUILD, if options.pcsc { debian::TEST } else { &[] }])?;
    let mut build = vec!["cargo", "build", "-p", "hsm-virtual", "-p", "keywriter-cli"];
    if options.pcsc {
        build.extend(["-p", "hsm-ifd"]);
    }
    run::shown(&build)?;
    run_built(options)
}

/// Runs the demo with programs that are already built.
pub(crate) fn run_built(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    Demo::start(folder.path(), options, Programs::of_this_system())?.show()
}

/// Programs, and how they are run.
pub(crate) struct Programs {
    /// Where they are.
    pub(crate) folder: PathBuf,
    /// How their files' names end.
    pub(crate) ending: &'static str,
    /// What runs them, if this system does not.
    pub(crate) runner: Option<PathBuf>,
    /// What it needs in its environment.
    pub(crate) environment: Vec<(String, String)>,
    /// The folder that they know as drive C.
    pub(crate) drive: Option<PathBuf>,
}

impl Programs {
    fn of_this_system() -> Self {
        Self {
            folder: run::root().join("target/debug"),
            ending: "",
            runner: None,
            environment: Vec::new(),
            drive: None,
        }
    }

    fn command(&self, name: &str) -> Command {
        let program = self.folder.join(format!("{name}{}", self.ending));
        let mut command = match &self.runner {
            Some(runner) => {
                let mut command = Command::new(runner);
                command.arg(program);
                command
            }
            None => Command::new(program),
        };
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Returns a path as the programs name it.
    fn path(&self, path: &Path) -> String {
        let below = self
            .drive
            .as_ref()
            .and_then(|drive| path.strip_prefix(drive).ok());
        match below {
            Some(below) => format!("C:\\{}", below.display()).replace('/', "\\"),
            None => path.display().to_string(),
        }
    }
}

impl Demo {
    /// Sets a master up, clones it, and lets every clone read what it encrypted.
    pub(crate) fn show(&self) -> Result<()> {
        let demo = self;
        say(
            "The master is set up on its keypad: Admin PIN, User PIN, auto-lock after 15 minutes, cloning enabled.",
        );
        demo.press(MASTER, &format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"))?;
        demo.press(MASTER, &format!("KEY+3 {USER_PIN} KEY {USER_PIN} KEY"))?;
        demo.press(MASTER, "KEY+5 15 SHIFT")?;
        demo.press(MASTER, "KEY+8 1 SHIFT")?;
        demo.press(MASTER, "SHIFT:1s")?;
        say("The Administrator unlocks the master. The nine secondaries are new.");
        demo.press(MASTER, &format!("KEY {ADMIN_PIN} KEY"))?;

        demo.keywriter(&["list"])?;
        demo.keywriter(&["master", "set", MASTER, "--auto-lock"])?;
        demo.keywriter(&["clone", "--receipts", &demo.path("receipts")])?;
        demo.keywriter(&["list"])?;

        say("Anyone can verify a receipt with only the root certificate.");
        let receipt = demo.path(&format!(
            "receipts/{}",
            first_receipt(&demo.file("receipts"))?
        ));
        demo.keywriter(&[
            "receipt",
            "verify",
            &receipt,
            "--root",
            &demo.path("hub/run/root.pem"),
        ])?;

        say(
            "The team's file: encrypted on the master, and read by every clone with the same User PIN.",
        );
        let plan = demo.file("plan.md");
        let text = fs::read(run::root().join("README.md"))?;
        fs::write(&plan, &text)?;
        demo.keywriter(&["encrypt", "--module", MASTER, &demo.path("plan.md")])?;
        let encrypted = demo.path("plan.md.kw");
        if contains(&fs::read(demo.file("plan.md.kw"))?, b"KeyWriter clones") {
            bail!("plan.md.kw is not encrypted");
        }
        demo.keywriter(&["inspect", &encrypted])?;
        for number in 2..=MODULES {
            let serial = format!("VM{number:04}");
            demo.press(&serial, &format!("SHIFT+KEY {USER_PIN} KEY"))?;
            let copy = format!("plan-{serial}.md");
            let written = demo.path(&copy);
            demo.keywriter(&["decrypt", "--module", &serial, &encrypted, "-o", &written])?;
            if fs::read(demo.file(&copy))? != text {
                bail!("{serial} decrypted something else");
            }
        }
        say(&format!(
            "{} bytes, the same from all nine clones. The PC relayed the keys, and learned nothing.",
            text.len()
        ));
        Ok(())
    }
}

/// A hub with ten modules, and programs that talk to it.
pub(crate) struct Demo {
    folder: PathBuf,
    programs: Programs,
    transport: &'static str,
    environment: Vec<(String, String)>,
    hub: Child,
}

impl Demo {
    /// Starts the hub.
    pub(crate) fn start(folder: &Path, options: &Options, programs: Programs) -> Result<Self> {
        let modules = MODULES.to_string();
        let mut command = programs.command("virtual-hub");
        command
            .args([
                "serve",
                "--modules",
                &modules,
                "--clock",
                "manual",
                "--state",
            ])
            .arg(programs.path(&folder.join("hub")));
        if options.pcsc {
            command.arg("--pcsc");
        }
        println!(
            "\n$ virtual-hub serve --modules {modules} --clock manual{}",
            if options.pcsc { " --pcsc" } else { "" }
        );
        let hub = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start virtual-hub")?;
        let transport = if options.pcsc { "pcsc" } else { "socket" };
        let mut demo = Self {
            folder: folder.into(),
            programs,
            transport,
            environment: Vec::new(),
            hub,
        };
        demo.wait_until_ready()?;
        Ok(demo)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let output = self.hub.stdout.take().context("no output")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            println!("{line}");
            if let Some((name, value)) = line
                .split_once("export ")
                .and_then(|(_, rest)| rest.split_once('='))
            {
                self.environment.push((name.into(), value.into()));
            }
            if line == "ready" {
                return Ok(());
            }
        }
        bail!("the hub ended before it was ready")
    }

    fn press(&self, serial: &str, keys: &str) -> Result<()> {
        println!("\n$ virtual-hub press {serial} \"{keys}\"");
        run::finish(
            &mut self.command("virtual-hub", &["press", serial, keys]),
            "virtual-hub",
        )
    }

    /// Runs a command of the hub.
    pub(crate) fn hub(&self, arguments: &[&str]) -> Result<()> {
        println!("\n$ virtual-hub {}", arguments.join(" "));
        run::finish(&mut self.command("virtual-hub", arguments), "virtual-hub")
    }

    /// Runs a command of the hub that must fail, and returns what it says.
    pub(crate) fn hub_fails(&self, arguments: &[&str]) -> Result<String> {
        println!("\n$ virtual-hub {}", arguments.join(" "));
        self.fails(&mut self.command("virtual-hub", arguments), 1)
    }

    fn keywriter(&self, arguments: &[&str]) -> Result<()> {
        run::finish(&mut self.keywriter_command(arguments), "keywriter")
    }

    /// Runs a command that must fail with that exit code, and say that.
    pub(crate) fn keywriter_fails(&self, arguments: &[&str], code: i32, text: &str) -> Result<()> {
        let said = self.fails(&mut self.keywriter_command(arguments), code)?;
        if !said.contains(text) {
            bail!(
                "`keywriter {}` says not '{text}': {said}",
                arguments.join(" ")
            );
        }
        Ok(())
    }

    /// Runs a command with that input, and returns its output.
    pub(crate) fn keywriter_piped(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>> {
        let mut child = self
            .keywriter_command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run keywriter")?;
        let mut pipe = child.stdin.take().context("no input")?;
        let input = input.to_owned();
        let writing = thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output()?;
        let written = writing
            .join()
            .map_err(|_panic| anyhow!("the writer panicked"))?;
        written.context("keywriter did not read its input")?;
        if !output.status.success() {
            bail!("keywriter failed: {}", output.status);
        }
        Ok(output.stdout)
    }

    fn fails(&self, command: &mut Command, code: i32) -> Result<String> {
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr).replace(&self.path(""), "");
        print!("{said}");
        if output.status.code() != Some(code) {
            bail!(
                "{code} was expected as its exit code, not {:?}",
                output.status.code()
            );
        }
        Ok(said)
    }

    fn keywriter_command(&self, arguments: &[&str]) -> Command {
        let folder = self.path("");
        println!(
            "\n$ keywriter {}",
            arguments.join(" ").replace(&folder, "./")
        );
        self.command(
            "keywriter",
            &[&["--transport", self.transport], arguments].concat(),
        )
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.programs.command(name);
        command
            .args(arguments)
            .env("KEYWRITER_HUB", self.path("hub"))
            .env("XDG_STATE_HOME", self.path("user"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Returns where a file of the demo is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns the same as the programs name it.
    pub(crate) fn path(&self, name: &str) -> String {
        self.programs.path(&self.file(name))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // On SIGTERM the hub also ends its pcscd.
        let id = self.hub.id().to_string();
        if let Err(error) = run::output(&["kill", "-TERM", &id]) {
            eprintln!("xtask: {error:#}");
        }
        if let Err(error) = self.hub.wait() {
            eprintln!("xtask: {error}");
        }
    }
}

fn say(text: &str) {
    println!("\n── {text}");
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Returns the name of a receipt in a folder.
fn first_receipt(folder: &Path) -> Result<String> {
    let files =
        fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    files.min().context("no receipt was written")
}
