//! Debian's `HAProxy` with the configuration in `deploy`: load balancing and TLS.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::browser::free_port;

/// A load balancer for portals on this machine; it stops when this is dropped.
pub(crate) struct Proxy {
    process: Child,
    pub(crate) port: u16,
    _folder: TempDir,
}

impl Proxy {
    /// `portals`: where they listen. `pem`: certificate and key; without it, HTTP.
    pub(crate) fn start(portals: &[&str], pem: Option<&Path>) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration(portals, pem, port)).unwrap();
        let process = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .expect("Debian's package haproxy is needed");
        let proxy = Self {
            process,
            port,
            _folder: folder,
        };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = file.with_file_name("log");
            assert!(Instant::now() < end, "{:?}", fs::read_to_string(log));
            sleep(Duration::from_millis(50));
        }
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn configuration(portals: &[&str], pem: Option<&Path>, port: u16) -> String {
    let tls = pem.map_or(String::new(), |pem| format!(" ssl crt {}", pem.display()));
    let mut servers = portals.iter().enumerate();
    let lines = include_str!("../../deploy/haproxy.cfg").lines();
    let mut text = String::new();
    for line in lines {
        let word = line.split_whitespace().next();
        let line = match word {
            Some("bind") => format!("    bind 127.0.0.1:{port}{tls}"),
            Some("server") => match servers.next() {
                Some((number, portal)) => format!("    server portal{number} {portal}"),
                None => continue,
            },
            _ => line.to_owned(),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}
