//! Debian's `HAProxy` and nginx with the configurations in `deploy`: load balancing and TLS.

use std::{
    fs,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::driver::free_port;

/// A load balancer for portals on this machine; it stops when this is dropped.
pub(crate) struct Proxy {
    process: Child,
    pub(crate) port: u16,
    /// Where requests without TLS are sent on to HTTPS.
    pub(crate) plain: u16,
    _folder: TempDir,
}

impl Proxy {
    /// `portals`: where they listen. `pem`: certificate and key; without it, HTTP.
    pub(crate) fn start(portals: &[&str], pem: Option<&Path>) -> Self {
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("haproxy.cfg");
        let plain = free_port();
        fs::write(&file, configuration(portals, pem, [plain, port])).unwrap();
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
            plain,
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

impl Proxy {
    /// Debian's nginx with the configuration in `deploy`, without TLS.
    pub(crate) fn nginx(portals: &[&str]) -> Self {
        let (port, plain) = (free_port(), free_port());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nginx.conf");
        let mut servers = portals.iter();
        let mut listens = [plain, port].into_iter();
        let mut text = String::new();
        for line in include_str!("../../deploy/nginx.conf").lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            let line = match words.as_slice() {
                ["user", ..] => continue,
                ["pid", ..] => format!("pid {};", folder.path().join("pid").display()),
                ["listen", ..] => format!("listen 127.0.0.1:{};", listens.next().unwrap()),
                ["server", place] if place.ends_with(';') => match servers.next() {
                    Some(portal) => format!("server {portal};"),
                    None => continue,
                },
                [option, ..] if option.starts_with("ssl_") => continue,
                ["http", "{"] => {
                    let temporary = |name: &str| {
                        let folder = folder.path().join(name);
                        format!("{name}_temp_path {};", folder.display())
                    };
                    let names = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
                    format!("http {{ {}", names.map(temporary).concat())
                }
                _ => line.to_owned(),
            };
            text.push_str(&line);
            text.push('\n');
        }
        fs::write(&file, text).unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("nginx");
        command
            .arg("-c")
            .arg(&file)
            .arg("-p")
            .arg(folder.path())
            .arg("-e")
            .arg(&log);
        let process = command
            .args(["-g", "daemon off; master_process off;"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's package nginx-light is needed");
        let proxy = Self {
            process,
            port,
            plain,
            _folder: folder,
        };
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "{:?}", fs::read_to_string(&log));
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

fn configuration(portals: &[&str], pem: Option<&Path>, ports: [u16; 2]) -> String {
    let tls = pem.map_or(String::new(), |pem| format!(" ssl crt {}", pem.display()));
    let mut ports = ports.into_iter();
    let mut servers = portals.iter().enumerate();
    let lines = include_str!("../../deploy/haproxy.cfg").lines();
    let mut text = String::new();
    for line in lines {
        let word = line.split_whitespace().next();
        let line = match word {
            // Only root may become somebody else.
            Some("user" | "group") => continue,
            Some("bind") => {
                let port = ports.next().unwrap();
                let tls = if line.contains("ssl") { &tls } else { "" };
                format!("    bind 127.0.0.1:{port}{tls}")
            }
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
