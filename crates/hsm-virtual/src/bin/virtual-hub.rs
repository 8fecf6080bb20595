//! `virtual-hub`: modules without hardware, and the hands to press their keys.

use anyhow::{Context, bail};
use clap::{Parser, Subcommand, ValueEnum};
use hsm_virtual::{
    clock::Clock,
    control::{self, LedsLine, Reply, Request},
    hub::{self, Hub, HubOptions},
    pcscd::{self, Pcscd},
    port::Delays,
    server::Server,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

/// A hub of virtual modules: the same core as firmware, with its state in a folder.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// The hub's folder [default: `$KEYWRITER_HUB`, else one below the user's state folder].
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the hub until it is interrupted. All modules start plugged in.
    Serve(Serve),
    /// Type on a module's keypad; prints the LEDs it ends on.
    ///
    /// Keys: digits one after another, KEY, SHIFT, a chord such as KEY+8, a hold such as SHIFT:1s.
    Press {
        /// The module's serial number.
        serial: String,
        /// What to type, as one argument.
        keys: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a module's LEDs.
    Leds {
        /// The module's serial number.
        serial: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the hub's modules.
    List {
        /// Print JSON, a line for each module.
        #[arg(long)]
        json: bool,
    },
    /// Plug a module in.
    Plug {
        /// The module's serial number.
        serial: String,
    },
    /// Pull a module out.
    Unplug {
        /// The module's serial number.
        serial: String,
    },
    /// Let time pass for all modules: virtual where the hub runs with --clock manual.
    Wait {
        /// How long.
        seconds: f64,
    },
}

#[derive(clap::Args)]
struct Serve {
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

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("virtual-hub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let folder = hub::folder(arguments.state)?;
    match arguments.command {
        Command::Serve(options) => serve(&folder, &options),
        Command::Press { serial, keys, json } => {
            show(&ask(&folder, &Request::Press { serial, keys })?, json)
        }
        Command::Leds { serial, json } => show(&ask(&folder, &Request::Leds { serial })?, json),
        Command::List { json } => show(&ask(&folder, &Request::List)?, json),
        Command::Plug { serial } => ask(&folder, &Request::Plug { serial }).map(|_done| ()),
        Command::Unplug { serial } => ask(&folder, &Request::Unplug { serial }).map(|_done| ()),
        Command::Wait { seconds } => ask(&folder, &Request::Wait { seconds }).map(|_done| ()),
    }
}

fn ask(folder: &Path, request: &Request) -> anyhow::Result<Reply> {
    let reply = control::ask(folder, request).with_context(|| {
        format!(
            "no hub answers in {}: start one with `virtual-hub serve`, or name its folder",
            folder.display()
        )
    })?;
    match reply {
        Reply::Refused { why } => bail!(why),
        reply => Ok(reply),
    }
}

fn show(reply: &Reply, json: bool) -> anyhow::Result<()> {
    match reply {
        Reply::Leds(leds) if json => println!("{}", serde_json::to_string(leds)?),
        Reply::Leds(LedsLine {
            pattern,
            count: Some(count),
            ..
        }) => {
            println!(
                "{pattern}  (RED {}x, GREEN {}x, BLUE {}x)",
                count.red, count.green, count.blue
            );
        }
        Reply::Leds(LedsLine {
            pattern,
            red,
            green,
            blue,
            ..
        }) => {
            println!("{pattern}  (RED {red}, GREEN {green}, BLUE {blue})");
        }
        Reply::Modules { modules } => {
            for module in modules {
                if json {
                    println!("{}", serde_json::to_string(module)?);
                } else {
                    let place = if module.plugged {
                        "plugged in"
                    } else {
                        "pulled out"
                    };
                    println!("{}  {place}  {}", module.serial, module.pattern);
                }
            }
        }
        Reply::Done | Reply::Refused { .. } => {}
    }
    Ok(())
}

fn serve(folder: &Path, options: &Serve) -> anyhow::Result<()> {
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
