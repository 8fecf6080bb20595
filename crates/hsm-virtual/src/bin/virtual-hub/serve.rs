//! `virtual-hub serve`: runs the hub.

#[cfg(target_os = "linux")]
use super::pcscd::{self, Watched};
use crate::output;
use anyhow::Context;
use clap::ValueEnum;
use hsm_virtual::{
    clock::Clock,
    hub::{Hub, HubOptions},
    port::Delays,
    server::Server,
};
use local_socket::TooFewFiles;
use plain_text::shown_path;
use std::{path::Path, sync::Arc, time::Duration};

/// How to run the hub.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many modules; those that do not exist yet are made.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=9999))]
    modules: u16,
    /// Show the modules to PC/SC programs too, through a private pcscd.
    #[cfg(target_os = "linux")]
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

/// Runs the hub until it is interrupted.
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
    #[cfg(target_os = "linux")]
    let pcscd = if options.pcsc {
        Some(pcscd::start(&hub, &serials)?)
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
    #[cfg(target_os = "linux")]
    if let Some(pcscd) = &pcscd {
        pcscd::print_variable(pcscd)?;
    }
    output::line("ready")?;
    #[cfg(target_os = "linux")]
    let watched = pcscd.map(|pcscd| Watched::begin(pcscd, Arc::clone(&hub), serials));
    let ran = server.run().context("the hub's sockets failed");
    #[cfg(target_os = "linux")]
    if let Some(watched) = watched {
        watched.end();
    }
    ran
}

/// Raises the limit of open files: a module needs one socket, and one more for each connected host.
fn allow_descriptors(modules: u16) {
    let needed = u64::from(modules) * 4 + 64;
    if let Err(TooFewFiles { allowed }) = local_socket::allow_files(needed) {
        output::note(&format!(
            "{allowed} open files are allowed, but {needed} may be needed: raise the limit with `ulimit -n {needed}`, or \
             run fewer modules"
        ));
    }
}

/// On SIGINT and SIGTERM. A hub that was started with `nohup` goes on without its terminal.
#[cfg(unix)]
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

/// On Ctrl-C, and when the console is closed.
#[cfg(windows)]
fn stop_on_signal(server: &Arc<Server>) -> anyhow::Result<()> {
    let server = Arc::clone(server);
    Ok(ctrlc::set_handler(move || server.stop())?)
}
