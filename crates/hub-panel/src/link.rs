//! The thread that asks the hub: it does what the hands do, in order, and looks at the modules in between.

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
    /// Starts to ask the hub in a folder; `wake` is called when there is a report.
    pub fn start(folder: &Path, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (requests, asked) = mpsc::channel();
        let (reporter, reports) = mpsc::channel();
        let worker = Worker {
            folder: folder.into(),
            asked,
            reporter,
            wake,
        };
        thread::Builder::new()
            .name("hub".into())
            .spawn(move || worker.work())?;
        Ok(Self { requests, reports })
    }

    /// What has come in.
    pub fn reports(&self) -> impl Iterator<Item = Report> {
        self.reports.try_iter()
    }

    /// Has something done; what comes of it is reported.
    pub fn ask(&self, request: Request) {
        if self.requests.send(request).is_err() {
            tracing::debug!("the thread that asks is gone");
        }
    }
}

struct Worker<W> {
    folder: PathBuf,
    asked: Receiver<Request>,
    reporter: Sender<Report>,
    wake: W,
}

/// The window is gone.
struct Closed;

/// Why a hub is asked no longer.
enum End {
    Closed,
    Gone(io::Error),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl<W: Fn()> Worker<W> {
    fn work(&self) {
        while self.find_hub().is_ok() {}
    }

    /// Serves the window until the hub is gone, and waits a little before it is looked for again.
    fn find_hub(&self) -> Result<(), Closed> {
        let served = Client::connect(&self.folder)
            .map_err(End::Gone)
            .and_then(|client| self.serve(client));
        match served {
            Ok(()) => {}
            Err(End::Closed) => return Err(Closed),
            Err(End::Gone(error)) => tracing::debug!(%error, "no hub answers"),
        }
        self.tell(Report::Gone)?;
        let until = Instant::now() + RETRY;
        loop {
            let patience = until.saturating_duration_since(Instant::now());
            match self.asked.recv_timeout(patience) {
                // Nobody is there to do it: a PIN typed into the void must not reach the hub that comes next.
                Ok(mut request) => wipe(&mut request),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Closed),
            }
        }
    }

    /// Looks and acts until the hub is gone.
    fn serve(&self, mut client: Client) -> Result<(), End> {
        let mut last = Vec::new();
        // While a key is down, it may become a hold at any moment.
        let mut held = 0_usize;
        loop {
            let Reply::Modules { clock, modules } = client.ask(&Request::List)? else {
                return Ok(());
            };
            let is_lively = modules.iter().any(blinks);
            let look = looks(&modules);
            if is_lively || look != last {
                last = look;
                self.tell(Report::Seen { clock, modules })?;
            }
            let is_soon = is_lively || held > 0;
            let mut request = match self
                .asked
                .recv_timeout(if is_soon { LIVELY } else { QUIET })
            {
                Ok(request) => request,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Err(End::Closed),
            };
            held = match request {
                Request::Down { .. } => held.saturating_add(1),
                Request::Up { .. } => held.saturating_sub(1),
                _ => held,
            };
            // Asked once: a second time might be a second attempt at a PIN.
            let reply = client.ask(&request);
            wipe(&mut request);
            if let Reply::Refused { why } = reply? {
                self.tell(Report::Refused(why))?;
            }
        }
    }

    fn tell(&self, report: Report) -> Result<(), Closed> {
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

/// What is to be seen of modules that do not blink.
fn looks(modules: &[ModuleLine]) -> Vec<(String, bool, String)> {
    modules
        .iter()
        .map(|module| {
            let (serial, pattern) = (module.serial.clone(), module.leds.pattern.clone());
            (serial, module.plugged, pattern)
        })
        .collect()
}

/// Between two looks while something blinks or a key is down. LEDs blink by the window's clock; this is how soon it sees
/// that they do not any more.
const LIVELY: Duration = Duration::from_millis(80);

/// Between two looks otherwise.
const QUIET: Duration = Duration::from_millis(300);

/// Before a hub that is gone is looked for again.
const RETRY: Duration = Duration::from_millis(500);
