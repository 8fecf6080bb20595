//! The thread that talks to the hub: it sends requests in order, and polls the modules in between.

use crate::model::{Report, is_steady};
use hsm_virtual::control::{Client, ModuleLine, Reply, Request};
use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};
use zeroize::Zeroize;

/// The window's end of the thread, which ends once this is dropped.
#[derive(Debug)]
pub struct Link {
    requests: Sender<Request>,
    reports: Receiver<Report>,
}

impl Link {
    /// Starts the thread for the hub in a folder; `wake` is called when there is a report.
    pub fn start(folder: &Path, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (requests, queue) = mpsc::channel();
        let (reporter, reports) = mpsc::channel();
        let worker = Worker {
            folder: folder.into(),
            queue,
            reporter,
            wake,
        };
        thread::Builder::new()
            .name("hub".into())
            .spawn(move || worker.work())?;
        Ok(Self { requests, reports })
    }

    /// Returns the reports that have arrived.
    pub fn reports(&self) -> impl Iterator<Item = Report> {
        self.reports.try_iter()
    }

    /// Sends a request to the hub. A refusal arrives as a report.
    pub fn ask(&self, request: Request) {
        if self.requests.send(request).is_err() {
            tracing::debug!("the hub's thread has ended");
        }
    }
}

struct Worker<W> {
    folder: PathBuf,
    queue: Receiver<Request>,
    reporter: Sender<Report>,
    wake: W,
}

/// The window was closed.
struct Closed;

/// Why the connection to a hub ended.
enum End {
    Closed,
    Lost(io::Error),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl<W: Fn()> Worker<W> {
    fn work(&self) {
        while self.serve_next_hub().is_ok() {}
    }

    /// Serves the window until the hub is gone, then waits a little before the next try.
    fn serve_next_hub(&self) -> Result<(), Closed> {
        let served = Client::connect(&self.folder)
            .map_err(End::Lost)
            .and_then(|client| self.serve(client));
        match served {
            Ok(()) => {}
            Err(End::Closed) => return Err(Closed),
            Err(End::Lost(error)) => tracing::debug!(%error, "no hub answers"),
        }
        self.report(Report::Gone)?;
        let until = Instant::now() + RETRY;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.queue.recv_timeout(left) {
                // Dropped: a PIN typed while there is no hub must not reach the next one.
                Ok(mut request) => wipe(&mut request),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Closed),
            }
        }
    }

    /// Polls the modules and sends requests until the hub is gone.
    fn serve(&self, mut client: Client) -> Result<(), End> {
        let mut last = Vec::new();
        // While a key is down, the LEDs may change at any moment: it may become a hold.
        let mut held = 0_usize;
        loop {
            let Reply::Modules { clock, modules } = client.ask(&Request::List)? else {
                return Ok(());
            };
            let is_blinking = modules.iter().any(blinks);
            let look = looks(&modules);
            if is_blinking || look != last {
                last = look;
                self.report(Report::Seen { clock, modules })?;
            }
            let interval = if is_blinking || held > 0 {
                BLINKING
            } else {
                STEADY
            };
            let mut request = match self.queue.recv_timeout(interval) {
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Err(End::Closed),
            };
            held = match request {
                Request::Down { .. } => held.saturating_add(1),
                Request::Up { .. } => held.saturating_sub(1),
                _ => held,
            };
            // Sent once: a repetition might be a second attempt at a PIN.
            let reply = client.ask(&request);
            wipe(&mut request);
            if let Reply::Refused { why } = reply? {
                self.report(Report::Refused(why))?;
            }
        }
    }

    fn report(&self, report: Report) -> Result<(), Closed> {
        self.reporter.send(report).map_err(|_report| Closed)?;
        (self.wake)();
        Ok(())
    }
}

fn wipe(request: &mut Request) {
    match request {
        Request::Press { keys, .. } => keys.zeroize(),
        Request::Down { key, .. } | Request::Up { key, .. } => key.zeroize(),
        Request::List
        | Request::Leds { .. }
        | Request::Plug { .. }
        | Request::Unplug { .. }
        | Request::Wait { .. } => {}
    }
}

fn blinks(module: &ModuleLine) -> bool {
    !module.leds.pattern().is_some_and(is_steady)
}

/// Returns what the window shows of modules whose LEDs are steady.
fn looks(modules: &[ModuleLine]) -> Vec<(String, bool, String)> {
    modules
        .iter()
        .map(|module| {
            let (serial, pattern) = (module.serial.clone(), module.leds.pattern.clone());
            (serial, module.plugged, pattern)
        })
        .collect()
}

/// Between two polls while an LED blinks or a key is down. LEDs blink by the window's clock; this is how soon it
/// notices that they stop.
const BLINKING: Duration = Duration::from_millis(80);

/// Between two polls otherwise.
const STEADY: Duration = Duration::from_millis(300);

/// Before the next try to connect to a hub.
const RETRY: Duration = Duration::from_millis(500);
