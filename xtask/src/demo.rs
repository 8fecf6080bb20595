//! Shows the product in one minute: a master and nine secondaries in a virtual hub are configured, cloned and compared.

use crate::{debian, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
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
const MASTER: &str = "VM0001";
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
    let demo = Demo::start(folder.path(), options)?;

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
    let receipt = first_receipt(&demo.folder.join("receipts"))?;
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
    let plan = demo.folder.join("plan.md");
    let text = fs::read(run::root().join("README.md"))?;
    fs::write(&plan, &text)?;
    demo.keywriter(&["encrypt", "--module", MASTER, &demo.path("plan.md")])?;
    let encrypted = demo.path("plan.md.kw");
    if contains(&fs::read(&encrypted)?, b"KeyWriter clones") {
        bail!("plan.md.kw is not encrypted");
    }
    demo.keywriter(&["inspect", &encrypted])?;
    for number in 2..=MODULES {
        let serial = format!("VM{number:04}");
        demo.press(&serial, &format!("SHIFT+KEY {USER_PIN} KEY"))?;
        let copy = demo.path(&format!("plan-{serial}.md"));
        demo.keywriter(&["decrypt", "--module", &serial, &encrypted, "-o", &copy])?;
        if fs::read(&copy)? != text {
            bail!("{serial} decrypted something else");
        }
    }
    say(&format!(
        "{} bytes, the same from all nine clones. The PC relayed the keys, and learned nothing.",
        text.len()
    ));
    Ok(())
}

struct Demo {
    folder: PathBuf,
    programs: PathBuf,
    transport: &'static str,
    environment: Vec<(String, String)>,
    hub: Child,
}

impl Demo {
    fn start(folder: &Path, options: &Options) -> Result<Self> {
        let programs = run::root().join("target/debug");
        let hub_folder = folder.join("hub");
        let modules = MODULES.to_string();
        let mut command = Command::new(programs.join("virtual-hub"));
        command
            .args([
                "serve",
                "--modules",
                &modules,
                "--clock",
                "manual",
                "--state",
            ])
            .arg(&hub_folder);
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
        self.program("virtual-hub", &["press", serial, keys])
    }

    fn keywriter(&self, arguments: &[&str]) -> Result<()> {
        let folder = self.folder.to_str().context("UTF-8")?;
        println!("\n$ keywriter {}", arguments.join(" ").replace(folder, "."));
        let arguments = [&["--transport", self.transport], arguments].concat();
        self.program("keywriter", &arguments)
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(self.programs.join(name));
        command
            .args(arguments)
            .env("KEYWRITER_HUB", self.folder.join("hub"))
            .env("XDG_STATE_HOME", self.folder.join("user"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        run::finish(&mut command, name)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
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

fn first_receipt(folder: &Path) -> Result<String> {
    let mut files: Vec<_> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    Ok(files
        .first()
        .context("no receipt was written")?
        .display()
        .to_string())
}
