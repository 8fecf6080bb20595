//! The program as its visitors meet it, in one run: `cargo bench -p license-portal --bench field`.
//!
//! A page is compared with nginx that serves the same bytes, a page beside 2,000 half-sent requests with the same page
//! alone. Needs Debian's packages nginx-light and wrk.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn main() {
    raise_limit();
    let folder = tempfile::tempdir().unwrap();
    let packages = folder.path().join("packages");
    fs::create_dir(&packages).unwrap();
    for name in ["keywriter_0.1.0_amd64.deb", "KeyWriter-0.1.0.dmg"] {
        fs::write(packages.join(name), vec![0; 3_400_000]).unwrap();
    }
    let data = folder.path();
    done(portal(data).arg("init"));
    done(portal(data).args([
        "issue",
        "--activated",
        "--email",
        "a@b.example",
        "--count",
        "64",
    ]));
    let port = free_port();
    let mut serve = portal(data);
    serve.args(["serve", "--listen", &format!("127.0.0.1:{port}")]);
    let server = Running(serve.spawn().unwrap());
    wait_for(port);
    let sold = mails(&data.join("outbox"), 64);

    pages(data, port);
    memory(&server, port, &sold);
    slow(port);
}

/// Compares pages with nginx.
fn pages(folder: &Path, port: u16) {
    let answer = exchange(port, GET);
    let (_head, page) = answer.split_once("\r\n\r\n").unwrap();
    let nginx_port = free_port();
    let _nginx = nginx(folder, nginx_port, page);
    let bare = wrk(nginx_port, "/");
    let ours = wrk(port, "/");
    let download = wrk(port, "/download");
    println!(
        "nginx, same bytes  {:>8.0} /s   p99 {:.1} ms",
        bare.0, bare.1
    );
    println!(
        "activation page    {:>8.0} /s   p99 {:.1} ms   {:.2} of nginx",
        ours.0,
        ours.1,
        ours.0 / bare.0
    );
    println!(
        "/download          {:>8.0} /s   p99 {:.1} ms   {:.2} times that of the activation page",
        download.0,
        download.1,
        download.1 / ours.1
    );
}

/// Measures the most memory while 64 apps register at once.
fn memory(server: &Running, port: u16, sold: &[(String, String)]) {
    let before = server.peak_mib();
    let start = Instant::now();
    let apps: Vec<_> = (0_u32..)
        .zip(sold.to_vec())
        .map(|(app, (license, pin))| {
            thread::spawn(move || {
                let body = format!(
                    r#"{{"license":"{license}","pin":"{pin}","installation":"{app:032x}"}}"#
                );
                let length = body.len();
                exchange(
                    port,
                    &format!(
                        "POST /api/v1/register HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\
                         Connection: close\r\n\r\n{body}"
                    ),
                )
            })
        })
        .collect();
    for app in apps {
        let answer = app.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    println!(
        "64 registrations   {:>8.2} s    at most {:.0} MiB of memory, {:.0} MiB before",
        start.elapsed().as_secs_f64(),
        server.peak_mib(),
        before
    );
}

/// Measures a buyer's page beside half-sent requests.
fn slow(port: u16) {
    let alone = page_time(port);
    let halves: Vec<_> = (0..SLOW)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a").unwrap();
            stream
        })
        .collect();
    let beside = page_time(port);
    println!(
        "a buyer's page     {:>8.2} ms   beside {} half-sent requests, {:.2} times that without",
        beside * 1000.0,
        halves.len(),
        beside / alone
    );
}

/// Returns the mean seconds of a page, with a connection of its own for each.
fn page_time(port: u16) -> f64 {
    let start = Instant::now();
    for _ in 0..PAGES {
        assert!(exchange(port, GET).starts_with("HTTP/1.1 200"));
    }
    start.elapsed().as_secs_f64() / f64::from(PAGES)
}

/// A program that ends when this is dropped.
struct Running(Child);

impl Running {
    /// Returns the most memory that it ever had.
    fn peak_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn portal(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_license-portal"));
    command
        .args([
            "--public-url",
            "http://127.0.0.1:8480",
            "--mail-folder",
            "--development",
        ])
        .args(["--address-burst", "1000000", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .env("RUST_LOG", "error");
    command
}

fn done(command: &mut Command) {
    assert!(command.status().unwrap().success());
}

/// Returns numbers and PINs, when the mail of the order has been written.
fn mails(outbox: &Path, count: usize) -> Vec<(String, String)> {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let files = fs::read_dir(outbox).into_iter().flatten();
        let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        let sold: Vec<_> = texts.flat_map(|text| sold_in(&text)).collect();
        if sold.len() == count {
            return sold;
        }
        assert!(Instant::now() < end, "{} licenses", sold.len());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Returns license numbers and PINs of a mail with several.
fn sold_in(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.split_once("   PIN "));
    lines
        .map(|(number, pin)| (number.to_owned(), pin.to_owned()))
        .collect()
}

/// nginx with as many processes as cores, like the portal's threads.
fn nginx(folder: &Path, port: u16, page: &str) -> Running {
    let root = folder.join("nginx");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("index.html"), page).unwrap();
    let place = root.display();
    let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = paths.map(|name| format!("{name}_temp_path {place}/{name};"));
    let text = format!(
        "pid {place}/pid; daemon off; worker_processes auto; events {{}} \
         http {{ access_log off; {} default_type text/html; \
         server {{ listen 127.0.0.1:{port}; root {place}; }} }}",
        paths.concat()
    );
    let file = root.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let mut nginx = Command::new("nginx");
    nginx.arg("-c").arg(&file).arg("-e").arg(root.join("log"));
    let running = Running(nginx.stdin(Stdio::null()).spawn().unwrap());
    wait_for(port);
    running
}

/// Returns answers per second, and the time within which 99 of 100 came, in milliseconds.
fn wrk(port: u16, path: &str) -> (f64, f64) {
    let url = format!("http://127.0.0.1:{port}{path}");
    let mut wrk = Command::new("wrk");
    wrk.args(["-t", "1", "-c", "16", "-d", "4s", "--latency", &url]);
    let output = wrk.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{text}");
    let value = |word: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(word));
        line.unwrap().trim().to_owned()
    };
    let p99 = value("99%");
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    let milliseconds = units.iter().find_map(|(unit, factor)| {
        let number: f64 = p99.strip_suffix(unit)?.parse().ok()?;
        Some(number * factor)
    });
    (
        value("Requests/sec:").parse().unwrap(),
        milliseconds.unwrap(),
    )
}

fn exchange(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn wait_for(port: u16) {
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nothing listens");
        thread::sleep(Duration::from_millis(20));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// For the half-sent requests, here and in the portal.
fn raise_limit() {
    let most = getrlimit(Resource::Nofile).maximum;
    let most = Some(most.map_or(16384, |most| most.min(16384)));
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const SLOW: u32 = 2000;
const PAGES: u32 = 200;
