//! `virtual-hub serve`: runs the hub.

use crate::output;
use anyhow::Context;
use clap::ValueEnum;
use hsm_protocol::Serial;
use hsm_virtual::{
    clock::Clock,
    hub::{Hub, HubOptions},
    pcscd::{self, Pcscd},
    port::Delays,
    server::Server,
};
use plain_text::shown_path;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How to run the hub.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many modules; those that do not exist yet are made.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=9999))]
    modules: u16,
    /// Show the modules to PC/SC programs too, through a private pcscd.
    #[arg(long)]
    pcsc: bool,
    /// Whether time passes by itself, or only with `virtual-hub wait` and holds.
    #[arg(long, value_enum, default_value_t = ClockKind::Real)]
    clock: ClockKind,
    /// Delay every APDU by so many milliseconds.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Delay every step of a cloning run by so many milliseconds more.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    computing: u64,
    /// PBKDF2 iterations for PINs set on these modules.
    #[arg(
        long,
        default_value_t = 600_000,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1_000..=4_000_000)
    )]
    pin_cost: u32,
    /// Certify new modules as hardware, to test what only hardware may do.
    #[arg(long, hide = true)]
    pose_as_hardware: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ClockKind {
    Real,
    Manual,
}

/// Runs the hub until SIGINT or SIGTERM.
pub(crate) fn serve(folder: &Path, options: &Options) -> anyhow::Result<()> {
    allow_descriptors(options.modules);
    let hub = Arc::new(Hub::open(
        folder,
        HubOptions {
            modules: options.modules,
            pin_cost: options.pin_cost,
            delays: Delays {
                latency: Duration::from_millis(options.latency),
                computing: Duration::from_millis(options.computing),
            },
            clock: match options.clock {
                ClockKind::Real => Clock::real(),
                ClockKind::Manual => Clock::manual(),
            },
            pose_as_hardware: options.pose_as_hardware,
        },
    )?);
    let server = Server::bind(Arc::clone(&hub))?;
    let serials: Vec<_> = hub.ports().map(|port| port.serial).collect();
    for serial in &serials {
        server.plug(*serial)?;
    }
    let pcscd = if options.pcsc {
        Some(start_pcscd(&hub, &serials)?)
    } else {
        None
    };
    stop_on_signal(&server)?;

    let (first, last) = (
        serials.first().context("no module")?,
        serials.last().context("no module")?,
    );
    output::line(&format!("hub folder: {}", shown_path(folder)))?;
    output::line(&format!(
        "modules:    {}, {first} to {last}, all plugged in",
        serials.len()
    ))?;
    if let Some(pcscd) = &pcscd {
        // Programs that start a hub read the variable from the end of this line.
        output::line(&format!(
            "for PC/SC programs: export {}={}",
            pcscd::SOCKET_VARIABLE,
            shown_path(pcscd.socket())
        ))?;
    }
    output::line("ready")?;
    let watched = pcscd.map(|pcscd| Watched::begin(pcscd, Arc::clone(&hub), serials));
    let ran = server.run().context("the hub's sockets failed");
    if let Some(watched) = watched {
        watched.end();
    }
    ran
}

/// A pcscd that is started again if it ends by itself.
struct Watched {
    /// Dropped when the hub ends.
    hub: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watched {
    fn begin(mut pcscd: Pcscd, hub: Arc<Hub>, serials: Vec<Serial>) -> Self {
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
                pcscd = match start_pcscd(&hub, &serials) {
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
    fn end(self) {
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

/// Raises the limit of open files: a module needs one socket, and one more for each connected host.
fn allow_descriptors(modules: u16) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = u64::from(modules) * 4 + 64;
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_refused) => limit.current,
    };
    if allowed.is_some_and(|allowed| allowed < needed) {
        output::note(&format!(
            "{} open files are allowed, but {needed} may be needed: raise the limit with `ulimit -n {needed}`, or run \
             fewer modules",
            allowed.unwrap_or_default()
        ));
    }
}

fn start_pcscd(hub: &Hub, serials: &[Serial]) -> anyhow::Result<Pcscd> {
    if serials.len() > pcscd::READERS_MAX {
        output::line(&format!(
            "pcscd can show {} readers: only that many modules are visible to PC/SC programs",
            pcscd::READERS_MAX
        ))?;
    }
    let readers: Vec<(String, PathBuf)> = (1..)
        .zip(serials)
        .take(pcscd::READERS_MAX)
        .map(|(port, serial)| {
            let name = format!("KeyWriter virtual port {port}");
            (name, hub.socket(*serial))
        })
        .collect();
    let folder = hub.folder.join(hsm_protocol::frame::RUN_FOLDER);
    Ok(Pcscd::start(&folder, &pcscd::find_driver()?, &readers)?)
}

fn stop_on_signal(server: &Arc<Server>) -> anyhow::Result<()> {
    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        iterator::Signals,
    };
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let server = Arc::clone(server);
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            server.stop();
        }
    });
    Ok(())
}
