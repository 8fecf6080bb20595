//! What an attacker sends through the proxies that are shipped, and to the portal alone.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
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
        // Half-sent requests keep nobody out.
        let halves = halves(proxy.port, 300);
        assert!(
            get(proxy.port, "/").starts_with("HTTP/1.1 200"),
            "nginx: {nginx}"
        );
        drop(halves);
    }
}

/// Opens connections that send nothing, half a head, or half a body.
fn halves(port: u16, count: usize) -> Vec<TcpStream> {
    let parts = [
        "",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\ntoken=",
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
        (idle, head, body)
    });
    let (idle, head, body) = ends.await.unwrap();
    assert!(
        !idle.contains("200 OK") && !head.contains("200 OK"),
        "{idle} {head}"
    );
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    stop.send_replace(true);
}
