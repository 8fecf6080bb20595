//! `virtual-hub serve --pcsc`: a private pcscd beside the hub.

use crate::output;
use hsm_protocol::Serial;
use hsm_virtual::{
    hub::Hub,
    pcscd::{Pcscd, READERS_MAX, SOCKET_VARIABLE},
};
use plain_text::shown_path;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Starts pcscd with a reader for each module.
pub(crate) fn start(hub: &Hub, serials: &[Serial]) -> anyhow::Result<Pcscd> {
    if serials.len() > READERS_MAX {
        output::line(&format!(
            "pcscd can show {READERS_MAX} readers: only that many modules are visible to PC/SC programs"
        ))?;
    }
    let readers: Vec<(String, PathBuf)> = (1..)
        .zip(serials)
        .take(READERS_MAX)
        .map(|(port, serial)| {
            let name = format!("KeyWriter virtual port {port}");
            (name, hub.socket(*serial))
        })
        .collect();
    let folder = hub.folder.join(hsm_protocol::frame::RUN_FOLDER);
    Ok(Pcscd::start(
        &folder,
        &hsm_virtual::pcscd::find_driver()?,
        &readers,
    )?)
}

/// Says where PC/SC programs find it.
pub(crate) fn print_variable(pcscd: &Pcscd) -> anyhow::Result<()> {
    // Programs that start a hub read the variable from the end of this line.
    output::line(&format!(
        "for PC/SC programs: export {SOCKET_VARIABLE}={}",
        shown_path(pcscd.socket())
    ))
}

/// A pcscd that is started again if it ends by itself.
pub(crate) struct Watched {
    /// Dropped when the hub ends.
    hub: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watched {
    pub(crate) fn begin(mut pcscd: Pcscd, hub: Arc<Hub>, serials: Vec<Serial>) -> Self {
        let (sender, ended) = channel();
        let thread = thread::spawn(move || {
            let mut started = Instant::now();
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
                if pcscd.is_running() {
                    continue;
                }
                let again = "restart the hub to show its modules to PC/SC programs again";
                if started.elapsed() < WORKED {
                    output::note(&format!("pcscd ended at once; {again}"));
                    return;
                }
                // Its socket is free only without the old one.
                drop(pcscd);
                pcscd = match start(&hub, &serials) {
                    Ok(pcscd) => pcscd,
                    Err(error) => {
                        let error = plain_text::shown(&format!("{error:#}"));
                        output::note(&format!("pcscd ended: {error}; {again}"));
                        return;
                    }
                };
                started = Instant::now();
                output::note("pcscd ended, and was started again");
            }
        });
        Self {
            hub: sender,
            thread,
        }
    }

    /// Ends pcscd.
    pub(crate) fn end(self) {
        drop(self.hub);
        if self.thread.join().is_err() {
            output::note("pcscd may still run");
        }
    }
}

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long it must have run to be started again.
const WORKED: Duration = Duration::from_secs(1);
