//! A display without a monitor, for a window in the clean Debian: it is reached by an abstract socket, so nothing is shared.

use crate::run;
use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    thread,
    time::Duration,
};

/// A running Xvfb, which ends on drop.
pub(super) struct Display {
    server: Child,
    name: String,
}

impl Display {
    pub(super) fn start() -> Result<Self> {
        // Xvfb picks a free number and prints it when it is ready.
        let mut server = run::command(&[
            "Xvfb",
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1280x900x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run Xvfb")?;
        let out = server.stdout.take().context("its output is piped")?;
        let mut display = Self {
            server,
            name: String::new(),
        };
        let mut number = String::new();
        BufReader::new(out).read_line(&mut number)?;
        if number.trim().is_empty() {
            bail!("Xvfb did not start");
        }
        display.name = format!(":{}", number.trim());
        Ok(display)
    }

    /// Returns the name for `DISPLAY`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits up to 30 seconds for a window with this title.
    pub(super) fn wait_for(&self, title: &str) -> Result<()> {
        let pattern = format!("^{title}$");
        let mut search = run::command(&[
            "timeout",
            "30",
            "xdotool",
            "search",
            "--sync",
            "--onlyvisible",
            "--name",
            &pattern,
        ]);
        search.env("DISPLAY", &self.name).stdout(Stdio::null());
        run::finish(&mut search, &format!("waiting for the window {title:?}"))
    }

    /// Takes a screenshot once the window has contents, for up to five seconds.
    pub(super) fn picture(&self, file: &Path) -> Result<()> {
        fs::create_dir_all(file.parent().unwrap_or(file))?;
        let to = file.to_str().context("UTF-8")?;
        for _ in 0..50 {
            // The full path, because another program may have this name.
            run::output(&[
                "/usr/bin/import",
                "-display",
                &self.name,
                "-window",
                "root",
                to,
            ])?;
            if fs::metadata(file)?.len() > EMPTY {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("the window stayed empty: {to}")
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Err(error) = self
            .server
            .kill()
            .and_then(|()| self.server.wait().map(drop))
        {
            eprintln!("xtask: {error}");
        }
    }
}

/// The largest size of a screenshot of an empty screen, in bytes.
const EMPTY: u64 = 10_000;
