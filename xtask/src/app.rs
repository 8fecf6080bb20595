//! Opens the app and the hub's window side by side, for a first try.

use crate::{debian, run};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Options of `cargo xtask app`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many modules the hub has.
    #[arg(long, default_value_t = 10)]
    modules: u16,
    /// Where hub, portal and app keep their state from one run to the next.
    #[arg(long, value_name = "DIR", default_value = "target/app")]
    state: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .all(|name| std::env::var_os(name).is_none())
    {
        bail!(
            "there is no display: run this in a desktop session, or with `xvfb-run -s '-screen 0 1920x1080x24'`"
        );
    }
    debian::install(&[debian::BUILD, debian::WINDOW])?;
    run::shown(&[
        "cargo",
        "build",
        "--quiet",
        "-p",
        "hsm-virtual",
        "-p",
        "hub-panel",
        "-p",
        "keywriter-desktop",
        "-p",
        "license-portal",
    ])?;
    let state = run::root().join(&options.state);
    fs::create_dir_all(&state).with_context(|| format!("cannot create {}", state.display()))?;
    let hub = state.join("hub");

    let mut serve = program("virtual-hub");
    serve
        .args(["serve", "--modules"])
        .arg(options.modules.to_string());
    let _hub = Running::until(serve.arg("--state").arg(&hub), |line| line == "ready")?;
    let portal = Portal::start(&state.join("portal"))?;
    println!("\nThe hub's window and the app open now. To begin:");
    println!("  1. in the app: register, or try with virtual modules;");
    println!("  2. in the hub's window: set the first module up as \"Key sequences\" shows;");
    println!("  3. in the app: Set as Master, Start.");
    portal.advertise()?;
    println!("Closing the app also ends the hub and the portal.");

    let _window = Running(
        program("hub-panel")
            .arg("--state")
            .arg(&hub)
            .spawn()
            .context("cannot run hub-panel")?,
    );
    let app = program("keywriter-desktop")
        .arg("--state")
        .arg(&hub)
        .env("XDG_STATE_HOME", state.join("user"))
        .env("KEYWRITER_PORTAL", &portal.url)
        .status()
        .context("cannot run keywriter-desktop")?;
    if app.success() {
        Ok(())
    } else {
        bail!("keywriter-desktop failed: {app}")
    }
}

/// A license portal that has issued a license to register with.
struct Portal {
    data: PathBuf,
    url: String,
    _running: Running,
}

impl Portal {
    fn start(data: &Path) -> Result<Self> {
        // A free port: a browser could associate a fixed one with another portal.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let url = format!("http://127.0.0.1:{port}");
        let mut serve = program("license-portal");
        serve
            .args(["serve", "--development", "--listen"])
            .arg(format!("127.0.0.1:{port}"))
            .args(["--public-url", &url, "--mail-folder", "--data"])
            .arg(data);
        let running = Running::until(&mut serve, |line| line.contains(&url))?;
        Ok(Self {
            data: data.to_owned(),
            url,
            _running: running,
        })
    }

    /// Issues a license at the first start, and prints where its email is.
    fn advertise(&self) -> Result<()> {
        let outbox = self.data.join("outbox");
        if !outbox.exists() || fs::read_dir(&outbox)?.next().is_none() {
            let mut issue = program("license-portal");
            issue
                .args(["issue", "--activated", "--email", "you@example.com"])
                .args(["--public-url", &self.url, "--mail-folder", "--data"])
                .arg(&self.data)
                .stdout(Stdio::null());
            run::finish(&mut issue, "license-portal issue")?;
        }
        println!(
            "A license was issued to you. The email with its number and PIN is in {}; the portal is at {}",
            outbox.display(),
            self.url
        );
        Ok(())
    }
}

/// A program that ends when this one ends.
struct Running(Child);

impl Running {
    /// Starts the program and waits until it has printed an expected text.
    fn until(command: &mut Command, is_ready: impl Fn(&str) -> bool) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        let out = child.stdout.take().context("its output is piped")?;
        let running = Self(child);
        let mut lines = BufReader::new(out).lines();
        for line in lines.by_ref() {
            if is_ready(&line?) {
                // Later output is read too, so that the program never blocks on a full pipe.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(running);
            }
        }
        bail!("{name} ended before it was ready")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // On SIGTERM each program cleans up.
        let id = self.0.id().to_string();
        let ended = Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .and_then(|_| self.0.wait());
        if let Err(error) = ended {
            eprintln!("process {id} did not end: {error}");
        }
    }
}

fn program(name: &str) -> Command {
    Command::new(run::root().join("target/debug").join(name))
}
