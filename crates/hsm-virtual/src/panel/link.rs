//! Two threads that ask the hub: one looks at the modules again and again, one does what the hands do, in order.

use super::model::Report;
use crate::control::{self, Client, Reply, Request};
use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Duration,
};
use zeroize::Zeroize;

/// The panel's end of both threads. They end with the program, or once this is dropped and they have something to tell.
#[derive(Debug)]
pub(crate) struct Link {
    requests: Sender<Request>,
    reports: Receiver<Report>,
}

impl Link {
    pub(crate) fn start(folder: &Path) -> io::Result<Self> {
        let (requests, asked) = mpsc::channel();
        let (reporter, reports) = mpsc::channel();
        let (looks_at, acts_in) = (PathBuf::from(folder), PathBuf::from(folder));
        let looker = reporter.clone();
        thread::Builder::new().spawn(move || while look(&looks_at, &looker) {})?;
        thread::Builder::new().spawn(move || act(&acts_in, &asked, &reporter))?;
        Ok(Self { requests, reports })
    }

    /// What has come in.
    pub(crate) fn reports(&self) -> impl Iterator<Item = Report> {
        self.reports.try_iter()
    }

    /// Has something done; what comes of it is reported.
    pub(crate) fn ask(&self, request: Request) {
        if self.requests.send(request).is_err() {
            tracing::debug!("the thread that asks is gone");
        }
    }
}

/// Looks at the modules until the hub is gone; `false` once nobody listens.
fn look(folder: &Path, reports: &Sender<Report>) -> bool {
    let looked = Client::connect(folder).and_then(|mut client| {
        loop {
            let reply = client.ask(&Request::List)?;
            if reports.send(Report::Seen(reply)).is_err() {
                return Ok(());
            }
            thread::sleep(INTERVAL);
        }
    });
    let Err(error) = looked else { return false };
    tracing::debug!(%error, "no hub answers");
    thread::sleep(RETRY);
    reports.send(Report::Gone).is_ok()
}

fn act(folder: &Path, requests: &Receiver<Request>, reports: &Sender<Report>) {
    for mut request in requests {
        // Asked once: a second time might be a second attempt at a PIN.
        let reply = control::ask(folder, &request).unwrap_or_else(|error| Reply::Refused {
            why: format!("the hub did not answer: {error}"),
        });
        if let Request::Press { keys, .. } = &mut request {
            keys.zeroize();
        }
        if reports.send(Report::Answered(reply)).is_err() {
            return;
        }
    }
}

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// Before a hub that is gone is looked for again.
const RETRY: Duration = Duration::from_millis(500);
