//! What an attacker sends through the proxies that are shipped, and to the portal alone.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use license_portal::web::{
    self,
    server::{Limits, serve},
};
use tokio::sync::watch;

use crate::{instances::Instance, proxy::Proxy, world::World};

/// Sends bytes, and returns the answer until the connection is closed.
fn exchange(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // Some proxies reset a connection that they refuse; what they said counts.
    let _end = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(port: u16, path: &str) -> String {
    exchange(
        port,
        &format!("GET {path} HTTP/1.1\r\nHost: licenses.example\r\nConnection: close\r\n\r\n"),
    )
}

#[test]
fn no_header_makes_one_address_look_like_many() {
    for nginx in [false, true] {
        let data = tempfile::tempdir().unwrap();
        let trust = [
            "--trusted-proxy",
            "127.0.0.1/32",
            "--address-every",
            "600000",
        ];
        let command = crate::instances::program(data.path(), None);
        let instance = Instance::limited(command, &trust, "3");
        let place = instance.base.strip_prefix("http://").unwrap();
        let proxy = if nginx {
            Proxy::nginx(&[place])
        } else {
            Proxy::start(&[place], None)
        };
        let forged = [
            "X-Forwarded-For: 198.51.100.1\r\n",
            "X-Forwarded-For: 198.51.100.2, 127.0.0.1\r\n",
            "X-Forwarded-For: 198.51.100.3\r\nX-Forwarded-For: 198.51.100.4\r\n",
            "x-forwarded-for: [2001:db8::1]:443\r\n",
            "X-Forwarded-For: ,,nonsense,\r\n",
            "Forwarded: for=198.51.100.5\r\n",
            "X-Real-IP: 198.51.100.6\r\n",
            "X_Forwarded_For: 198.51.100.7\r\n",
        ];
        let token = |headers| {
            let body = format!(r#"{{"token":"x","installation":"{}"}}"#, "0".repeat(32));
            let answer = exchange(
                proxy.port,
                &format!(
                    "POST /api/v1/refresh HTTP/1.1\r\nHost: a\r\n{headers}Connection: close\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    body.len()
                ),
            );
            answer.split(' ').nth(1).unwrap_or_default().to_owned()
        };
        let mut seen = Vec::new();
        for headers in forged {
            seen.push(token(headers));
        }
        assert_eq!(seen[..3], ["403"; 3], "nginx: {nginx} {seen:?}");
        assert_eq!(seen[3..], ["429"; 5], "nginx: {nginx} {seen:?}");
        // Nobody outside reads the metrics, and port 80 leads to HTTPS.
        assert!(get(proxy.port, "/metrics").starts_with("HTTP/1.1 404"));
        let answer = get(proxy.plain, "/offline");
        assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
        assert!(
            answer
                .to_lowercase()
                .contains("location: https://licenses.example/offline"),
            "{answer}"
        );
    }
}

#[test]
fn a_portal_behind_a_proxy_sees_no_half_of_a_request() {
    for nginx in [false, true] {
        // In place of the portal, a listener that answers everything and remembers what it was asked.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(String::new()));
        thread::spawn({
            let asked = Arc::clone(&asked);
            move || {
                for stream in listener.incoming() {
                    let asked = Arc::clone(&asked);
                    thread::spawn(move || remember(stream.unwrap(), &asked));
                }
            }
        });
        let proxy = if nginx {
            Proxy::nginx(&[&place])
        } else {
            Proxy::start(&[&place], None)
        };
        let whole = || get(proxy.port, "/whole").starts_with("HTTP/1.1 200");
        // HAProxy first finds out that the portal is there.
        while !whole() {
            thread::sleep(Duration::from_millis(50));
        }
        let mut halves = halves(proxy.port, 300);
        assert!(whole());
        let seen = asked.lock().unwrap().clone();
        assert!(
            seen.contains("/whole") && !seen.contains("/half"),
            "nginx: {nginx} {seen}"
        );
        // Completed, one of them is seen: those before were not lost elsewhere.
        for half in halves.iter_mut().skip(2).step_by(4) {
            half.write_all(&[b'x'; 999]).unwrap();
        }
        while !asked.lock().unwrap().contains("/half") {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Answers every request on a connection, and remembers its first bytes.
fn remember(mut stream: TcpStream, asked: &Mutex<String>) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
        asked.lock().unwrap().push_str(&text);
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[test]
fn what_is_typed_comes_back_through_a_proxy_however_long_it_is() {
    let data = tempfile::tempdir().unwrap();
    let instance = Instance::start(data.path(), None, &[]);
    let place = instance.base.strip_prefix("http://").unwrap();
    for proxy in [Proxy::start(&[place], None), Proxy::nginx(&[place])] {
        let page = get(proxy.port, "/offline");
        let part = |from: &str, to: char| {
            let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("{page}"));
            rest.split(to).next().unwrap().to_owned()
        };
        let (cookie, token) = (part("form=", ';'), part("name=\"token\" value=\"", '"'));
        // Characters that take the most bytes: in UTF-8, and in JSON.
        for typed in ["%F0%9F%94%91", "%01"] {
            let body = format!("token={token}&pin=1&code={}", typed.repeat(400));
            let answer = exchange(
                proxy.port,
                &format!(
                    "POST /offline HTTP/1.1\r\nHost: a\r\nCookie: form={cookie}\r\nConnection: close\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ),
            );
            assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
            assert!(
                answer.to_lowercase().contains("set-cookie: kept="),
                "{answer}"
            );
        }
    }
}

/// Opens connections that send nothing, half a head, or a part of a body.
fn halves(port: u16, count: usize) -> Vec<TcpStream> {
    let parts = [
        "",
        "GET /half HTTP/1.1\r\nHost: a\r\n",
        "POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\ntoken=",
        "POST /api/v1/half HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n{",
    ];
    let open = |part: &&str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(part.as_bytes()).unwrap();
        stream
    };
    parts.iter().cycle().take(count).map(open).collect()
}

/// A portal without a proxy, with few places.
async fn alone(limits: Limits) -> (u16, watch::Sender<bool>, World) {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, stopped) = watch::channel(false);
    let router = web::router(Arc::clone(&world.portal));
    tokio::spawn(serve(listener, router, limits, stopped));
    (port, stop, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_alone_answers_beside_more_half_requests_than_it_has_places() {
    let limits = Limits {
        connections: 20,
        head: Duration::from_mins(10),
        body: Duration::from_mins(10),
    };
    let (port, _stop, _world) = alone(limits).await;
    let all = tokio::task::spawn_blocking(move || {
        let halves = halves(port, 200);
        for _ in 0..30 {
            assert!(get(port, "/").starts_with("HTTP/1.1 200"));
        }
        halves
    });
    all.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_does_not_come_to_its_end_is_ended() {
    let limits = Limits {
        connections: 20,
        head: Duration::from_millis(200),
        body: Duration::from_millis(200),
    };
    let (port, stop, _world) = alone(limits).await;
    let ends = tokio::task::spawn_blocking(move || {
        let idle = exchange(port, "");
        let head = exchange(port, "GET / HTTP/1.1\r\nHost: a\r\n");
        let body = exchange(
            port,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
        );
        let large = exchange(
            port,
            "POST /api/v1/refresh HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n{",
        );
        (idle, head, body, large)
    });
    let (idle, head, body, large) = ends.await.unwrap();
    assert!(
        !idle.contains("200 OK") && !head.contains("200 OK"),
        "{idle} {head}"
    );
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    for answer in [body, large] {
        let policy = "content-security-policy: default-src 'none'";
        assert!(answer.contains(policy), "{answer}");
    }
    stop.send_replace(true);
}

/// Opens a connection, and asks for something.
fn client(port: u16, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).unwrap();
    ask(&mut stream, path);
    stream
}

/// Sends a request.
fn ask(stream: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
}

/// Reads an answer to its last bytes. `false`: the connection was closed before.
fn answers(stream: &mut TcpStream, end: &[u8]) -> bool {
    let mut answer = Vec::new();
    while !answer.ends_with(end) {
        let mut byte = [0];
        if stream.read_exact(&mut byte).is_err() {
            return false;
        }
        answer.extend(byte);
    }
    true
}

/// Reads and drops so many bytes. `false`: the connection was closed before.
fn reads(stream: &mut TcpStream, mut bytes: usize) -> bool {
    let mut buffer = vec![0; 64 * 1024];
    while bytes > 0 {
        let part = bytes.min(buffer.len());
        match stream.read(&mut buffer[..part]) {
            Ok(0) | Err(_) => return false,
            Ok(read) => bytes -= read,
        }
    }
    true
}

const PATIENT: Limits = Limits {
    connections: 2,
    head: Duration::from_mins(10),
    body: Duration::from_mins(10),
};

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_that_waited_longest_is_closed_and_not_the_oldest() {
    let (port, _stop, _world) = alone(PATIENT).await;
    let all = tokio::task::spawn_blocking(move || {
        let mut busy = client(port, "/healthz");
        assert!(answers(&mut busy, b"ok\n"));
        let mut idle = client(port, "/healthz");
        assert!(answers(&mut idle, b"ok\n"));
        ask(&mut busy, "/healthz");
        assert!(answers(&mut busy, b"ok\n"));
        assert!(get(port, "/").starts_with("HTTP/1.1 200"));
        assert!(!answers(&mut idle, b"ok\n"));
        ask(&mut busy, "/healthz");
        assert!(answers(&mut busy, b"ok\n"));
    });
    all.await.unwrap();
}

/// Adds a large package to a portal, and returns its path.
fn package(world: &World) -> &'static str {
    let folder = &world.portal.settings.packages;
    fs::create_dir(folder).unwrap();
    let file = fs::File::create(folder.join("large.deb")).unwrap();
    file.set_len(LARGE).unwrap();
    "/download/large.deb"
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_an_answer_keeps_nobody_out() {
    let (port, _stop, world) = alone(PATIENT).await;
    let path = package(&world);
    let all = tokio::task::spawn_blocking(move || {
        let mut unread = [client(port, path), client(port, path)];
        for stream in &mut unread {
            assert!(answers(stream, b"\r\n\r\n"));
        }
        for _ in 0..3 {
            assert!(get(port, "/").starts_with("HTTP/1.1 200"));
        }
    });
    all.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_long_answer_has_not_waited_long() {
    let (port, _stop, world) = alone(PATIENT).await;
    let path = package(&world);
    let all = tokio::task::spawn_blocking(move || {
        let half = usize::try_from(LARGE / 2).unwrap();
        let mut slow = client(port, path);
        assert!(answers(&mut slow, b"\r\n\r\n"));
        let mut idle = client(port, "/healthz");
        assert!(answers(&mut idle, b"ok\n"));
        assert!(reads(&mut slow, half));
        assert!(get(port, "/").starts_with("HTTP/1.1 200"));
        assert!(!answers(&mut idle, b"ok\n"));
        assert!(reads(&mut slow, half));
    });
    all.await.unwrap();
}

/// More than the system buffers for a connection, in bytes.
const LARGE: u64 = 64 << 20;
