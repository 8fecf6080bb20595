//! Debian's chromedriver and its browsers.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use license_portal::language::Language;
use serde_json::json;

/// chromedriver; it stops when this is dropped.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    profiles: tempfile::TempDir,
}

impl Driver {
    pub(crate) async fn start() -> Self {
        let port = free_port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's package chromium-driver is needed");
        for _ in 0..200 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Self {
            process,
            port,
            profiles: tempfile::tempdir().unwrap(),
        }
    }

    /// Opens a browser with a profile of its own.
    pub(crate) async fn browser(
        &self,
        name: &str,
        language: Language,
        (width, height): (u32, u32),
        dark: bool,
    ) -> Client {
        let mut args = vec![
            "--headless".to_owned(),
            "--no-sandbox".into(),
            "--disable-gpu".into(),
            "--disable-quic".into(),
            "--no-first-run".into(),
            "--disable-background-networking".into(),
            "--disable-component-update".into(),
            "--disable-sync".into(),
            "--hide-scrollbars".into(),
            format!("--window-size={width},{height}"),
            format!(
                "--user-data-dir={}",
                self.profiles.path().join(name).display()
            ),
        ];
        if dark {
            args.push("--blink-settings=preferredColorScheme=0".into());
        }
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": {
                "args": args,
                "prefs": { "intl.accept_languages": language.as_str() },
                "mobileEmulation": { "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.5 } },
            },
        });
        let serde_json::Value::Object(capabilities) = capabilities else {
            unreachable!()
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        builder
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .unwrap()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // After a failure, its browsers still run.
        let id = self.process.id();
        let threads = fs::read_dir(format!("/proc/{id}/task"))
            .into_iter()
            .flatten();
        let browsers: String = threads
            .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok())
            .collect();
        if !browsers.trim().is_empty() {
            let killed = Command::new("kill")
                .args(browsers.split_whitespace())
                .status();
            assert!(killed.is_ok() || std::thread::panicking());
        }
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Returns a port that is free, and stays so before its server starts and while it is down: it is below those that the
/// system gives to whoever asks for any (32768 and more).
pub(crate) fn free_port() -> u16 {
    static TURN: AtomicU32 = AtomicU32::new(0);
    loop {
        // Another process begins elsewhere.
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let place = std::process::id().wrapping_mul(97).wrapping_add(turn);
        let port = 10_000 + (place % 20_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
