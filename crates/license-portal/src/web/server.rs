//! Connections: how many there may be, and how long a client may take to send a request.
//!
//! A client that sends nothing, or half a request, or does not read its answer, cannot keep others out: if all places
//! are taken, the connection that has waited longest for its client is closed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
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
    sync::{Notify, OwnedSemaphorePermit, Semaphore, watch},
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
    let places = Arc::new(Places::new(limits.connections));
    let mut tasks = JoinSet::new();
    loop {
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
        let place = tokio::select! {
            place = places.take() => place,
            () = stopped(&mut stop) => break,
        };
        let Some(place) = place else { break };
        let connection = Connection::new(Arc::clone(&places), place);
        let (router, stop) = (router.clone(), stop.clone());
        tasks.spawn(one((stream, peer), router, limits, connection, stop));
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
        () = connection.close.notified() => return,
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}

/// The places for connections.
struct Places {
    free: Arc<Semaphore>,
    queue: Mutex<Queue>,
    /// Notified when a connection begins to wait.
    more: Notify,
}

/// The connections that wait for their client, the one that has waited longest first.
#[derive(Default)]
struct Queue {
    newest: u64,
    waiting: BTreeMap<u64, Arc<Notify>>,
}

impl Places {
    fn new(count: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(count)),
            queue: Mutex::default(),
            more: Notify::new(),
        }
    }

    /// Takes a place. If none is free, it closes one connection that waits, as soon as there is one.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        let mut is_closing = false;
        loop {
            if !is_closing && self.free.available_permits() == 0 {
                is_closing = self.close_one();
            }
            tokio::select! {
                place = Arc::clone(&self.free).acquire_owned() => return place.ok(),
                () = self.more.notified(), if !is_closing => {}
            }
        }
    }

    /// Closes the connection that has waited longest. `false`: none waits.
    fn close_one(&self) -> bool {
        let longest = self.queue().waiting.pop_first();
        longest.is_some_and(|(_, close)| {
            close.notify_one();
            true
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection. It waits for its client, except while a request that was received completely is worked on.
struct Connection {
    places: Arc<Places>,
    /// Its number in the queue when it last waited.
    number: AtomicU64,
    close: Arc<Notify>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(places: Arc<Places>, place: OwnedSemaphorePermit) -> Self {
        let connection = Self {
            places,
            number: AtomicU64::new(0),
            close: Arc::default(),
            _place: place,
        };
        connection.wait();
        connection
    }

    /// Begins to wait, after all that wait already.
    fn wait(&self) {
        let mut queue = self.places.queue();
        queue.newest += 1;
        let number = queue.newest;
        queue.waiting.insert(number, Arc::clone(&self.close));
        let before = self.number.swap(number, Ordering::Relaxed);
        queue.waiting.remove(&before);
        drop(queue);
        self.places.more.notify_one();
    }

    /// Does not wait until the result is dropped.
    fn work(&self) -> Work<'_> {
        self.leave();
        Work(self)
    }

    fn leave(&self) {
        let mut queue = self.places.queue();
        queue.waiting.remove(&self.number.load(Ordering::Relaxed));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.leave();
    }
}

/// A connection whose request is worked on.
struct Work<'a>(&'a Connection);

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.0.wait();
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
    // What announces too much is not waited for, and refused by who reads it, in its own words.
    let announced = body.size_hint().lower();
    let body = if announced > u64::try_from(most).unwrap_or(u64::MAX) {
        Body::from(vec![0; most + 1])
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
    let response = {
        let _work = connection.as_deref().map(Connection::work);
        next.run(Request::from_parts(parts, body)).await
    };
    response.map(|body| Body::new(Answer { body, connection }))
}

/// The body of a response. As long as the client reads it, its connection has not waited long.
struct Answer {
    body: Body,
    connection: Option<Arc<Connection>>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let (Poll::Ready(_), Some(connection)) = (&frame, &self.connection) {
            connection.wait();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[tokio::test]
    async fn a_place_is_taken_as_soon_as_a_connection_waits() {
        let places = Arc::new(Places::new(1));
        let place = places.take().await.unwrap();
        let connection = Connection::new(Arc::clone(&places), place);
        let work = connection.work();
        let mut next = pin!(places.take());
        let mut context = Context::from_waker(Waker::noop());
        assert!(next.as_mut().poll(&mut context).is_pending());
        drop(work);
        tokio::select! {
            _place = &mut next => panic!("the connection still has the place"),
            () = connection.close.notified() => {}
        }
        drop(connection);
        assert!(next.await.is_some());
    }
}
