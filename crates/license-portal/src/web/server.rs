//! Connections: how many there may be, and how long a client may take to send a request.
//!
//! A client that sends nothing, or half a request, cannot keep others out: if all places are taken, the connection
//! that has waited longest for the rest of a request is closed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use hyper::{body::Frame, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
};
use tower::Service as _;

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once.
    pub connections: usize,
    /// How long the head of a request may take, or the pause before it.
    pub head: Duration,
    /// How long the body of a request may take.
    pub body: Duration,
}

impl Limits {
    /// Returns the limits of a service: as many connections as half of its file descriptors permit, at most 4096.
    pub fn of_this_process() -> Self {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = Some(limit.maximum.unwrap_or(FILES).min(FILES));
        // Where it is not permitted, the present limit stays.
        let _unchanged = setrlimit(Resource::Nofile, limit);
        let files = getrlimit(Resource::Nofile).current.unwrap_or(FILES);
        let half = usize::try_from(files / 2).unwrap_or(CONNECTIONS);
        Self {
            connections: half.clamp(16, CONNECTIONS),
            ..Self::default()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            head: Duration::from_secs(10),
            body: Duration::from_secs(10),
        }
    }
}

/// The most connections at once.
const CONNECTIONS: usize = 4096;
/// The most file descriptors that are asked for.
const FILES: u64 = 16 * 1024;
/// The most bytes of a request's head.
const HEAD: usize = 32 * 1024;

/// Serves until `stop` is set, then finishes the requests in progress.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let waiting = Arc::new(Waiting::default());
    let mut tasks = JoinSet::new();
    for number in 0_u64.. {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                // Out of file descriptors: others end meanwhile.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if places.available_permits() == 0 {
            waiting.close_oldest();
        }
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = stopped(&mut stop) => break,
        };
        let Ok(place) = place else { break };
        let connection = waiting.add(number);
        let (router, stop) = (router.clone(), stop.clone());
        tasks.spawn(async move {
            let _place = place;
            one((stream, peer), router, limits, connection, stop).await;
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

/// Waits until the service has to stop, also because nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Serves one connection.
async fn one(
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    limits: Limits,
    connection: Connection,
    mut stop: watch::Receiver<bool>,
) {
    let connection = Arc::new(connection);
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        let extensions = request.extensions_mut();
        extensions.insert(ConnectInfo(peer));
        extensions.insert(Arc::clone(&connection));
        extensions.insert(BodyTime(limits.body));
        router.clone().call(request)
    });
    let mut served = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(HEAD)
            .serve_connection(TokioIo::new(stream), service)
    );
    let outcome: Result<(), hyper::Error> = tokio::select! {
        outcome = &mut served => outcome,
        () = connection.entry.close.notified() => return,
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}

/// The connections, the oldest first.
#[derive(Default)]
struct Waiting(Mutex<BTreeMap<u64, Arc<Entry>>>);

#[derive(Default)]
struct Entry {
    /// Requests that were received completely and are not answered completely.
    requests: AtomicUsize,
    close: Notify,
}

/// A connection in the list; it leaves the list when it is dropped.
struct Connection {
    number: u64,
    list: Arc<Waiting>,
    entry: Arc<Entry>,
}

impl Waiting {
    fn add(self: &Arc<Self>, number: u64) -> Connection {
        let entry = Arc::new(Entry::default());
        self.list().insert(number, Arc::clone(&entry));
        Connection {
            number,
            list: Arc::clone(self),
            entry,
        }
    }

    /// Closes the oldest connection that waits for a request, or for the rest of one.
    fn close_oldest(&self) {
        let list = self.list();
        let mut idle = list
            .values()
            .filter(|entry| entry.requests.load(Ordering::Acquire) == 0);
        if let Some(oldest) = idle.next() {
            oldest.close.notify_one();
        }
    }

    fn list(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.list.list().remove(&self.number);
    }
}

/// How long the body of a request may take.
#[derive(Clone, Copy)]
struct BodyTime(Duration);

/// Reads the whole body before the request is worked on, so that half a request holds nothing but its connection.
pub(super) async fn receive(State(most): State<usize>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let time = parts.extensions.get::<BodyTime>().copied();
    let time = time.map_or(Limits::default().body, |BodyTime(time)| time);
    // What announces too much is refused by who reads it, in its own words.
    let announced = body.size_hint().lower();
    let body = if announced > u64::try_from(most).unwrap_or(u64::MAX) {
        parts
            .headers
            .insert(header::CONTENT_LENGTH, announced.into());
        body
    } else {
        match tokio::time::timeout(time, to_bytes(body, most + 1)).await {
            Ok(Ok(bytes)) => Body::from(bytes),
            Ok(Err(_broken)) => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            Err(_late) => {
                let close = [(header::CONNECTION, "close")];
                return (StatusCode::REQUEST_TIMEOUT, close).into_response();
            }
        }
    };
    let connection = parts.extensions.remove::<Arc<Connection>>();
    let answered = connection.map(|connection| Answered::new(&connection));
    let response = next.run(Request::from_parts(parts, body)).await;
    response.map(|body| {
        Body::new(Answer {
            body,
            _answered: answered,
        })
    })
}

/// Counts a request until it is dropped.
struct Answered(Arc<Entry>);

impl Answered {
    fn new(connection: &Connection) -> Self {
        connection.entry.requests.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(&connection.entry))
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The body of a response; its request counts until all of it is sent.
struct Answer {
    body: Body,
    _answered: Option<Answered>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
