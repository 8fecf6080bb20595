//! `virtual-hub serve`: the hub itself.

use anyhow::Context;
use clap::ValueEnum;
use hsm_virtual::{
    clock::Clock,
    hub::{Hub, HubOptions},
    pcscd::{self, Pcscd},
    port::Delays,
    server::Server,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How the hub is set up.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many modules; those that are not there yet are made.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=9999))]
    modules: u16,
    /// Show the modules to other programs too, through a pcscd of the hub's own.
    #[arg(long)]
    pcsc: bool,
    /// Whether time passes by itself or by `virtual-hub wait` and holds.
    #[arg(long, value_enum, default_value_t = ClockKind::Real)]
    clock: ClockKind,
    /// Milliseconds added to every APDU.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    latency: u64,
    /// Milliseconds of computing added to every step of a cloning run.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    computing: u64,
    /// PBKDF2 iterations for PINs set on these modules.
    #[arg(long, default_value_t = 600_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1_000..=4_000_000))]
    pin_cost: u32,
    /// Certify new modules as hardware, to test what is open to hardware only.
    #[arg(long, hide = true)]
    pose_as_hardware: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ClockKind {
    Real,
    Manual,
}

/// Runs until a signal comes.
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
    println!("virtual hub in {}", folder.display());
    println!("{} modules, plugged in: {first} to {last}", serials.len());
    if let Some(pcscd) = &pcscd {
        println!(
            "pcscd runs; for its clients: export {}={}",
            pcscd::SOCKET_VARIABLE,
            pcscd.socket().display()
        );
    }
    println!("ready");
    server.run().context("the hub's sockets failed")
}

/// Each module needs a socket, and one more for each host that is connected to it.
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
        eprintln!(
            "virtual-hub: only {} file descriptors are allowed where {needed} may be needed; \
             raise the limit with `ulimit -n {needed}`, or run fewer modules",
            allowed.unwrap_or_default()
        );
    }
}

fn start_pcscd(hub: &Hub, serials: &[hsm_protocol::Serial]) -> anyhow::Result<Pcscd> {
    if serials.len() > pcscd::READERS_MAX {
        println!(
            "pcscd has at most {} readers: it shows the first of them",
            pcscd::READERS_MAX
        );
    }
    let readers: Vec<(String, PathBuf)> = serials
        .iter()
        .take(pcscd::READERS_MAX)
        .enumerate()
        .map(|(port, serial)| {
            (
                format!("KeyWriter virtual port {}", port + 1),
                hub.socket(*serial),
            )
        })
        .collect();
    let folder = hub
        .folder
        .canonicalize()?
        .join(hsm_protocol::frame::RUN_FOLDER);
    let readers: Vec<(String, PathBuf)> = readers
        .into_iter()
        .map(|(name, socket)| (name, folder.join(socket.file_name().unwrap_or_default())))
        .collect();
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
