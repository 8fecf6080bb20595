//! The `keywriter-desktop` program.

#![deny(clippy::print_stdout, clippy::print_stderr)]
// No console behind the window.
#![cfg_attr(windows, windows_subsystem = "windows")]

#[cfg(windows)]
#[path = "../../../packaging/windows/dialog.rs"]
mod dialog;

use anyhow::{Context, Result};
use clap::Parser;
use keywriter::{
    discovery::{Discovery, Kinds},
    folders::Folders,
    license::is_development_build,
};
use keywriter_desktop::{
    backend::{Backend, Environment},
    model::{Command, Event, Intent},
    screen::{App, AppInfo},
};
use std::{
    cell::{OnceCell, RefCell},
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    sync::Arc,
};
use tracing_subscriber::EnvFilter;

#[cfg(target_os = "linux")]
use keywriter_desktop::instance::Window;

/// Clones a master security module to others, and shares files with them.
#[derive(Debug, Parser)]
#[command(name = "keywriter-desktop", version = VERSION)]
struct Args {
    /// The folder of a virtual hub [default: `KEYWRITER_HUB`, else keywriter/hub in the user's state folder]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// The root certificate of your modules, PEM [default: the hub's]
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// The license portal
    #[arg(long, value_name = "URL", env = "KEYWRITER_PORTAL")]
    portal: Option<String>,
    /// Files and folders to encrypt or decrypt
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What to log on standard error, as in `RUST_LOG`
    #[arg(long, value_name = "FILTER", default_value = "warn,winit=error")]
    log: String,
}

const VERSION: &str = if is_development_build() {
    concat!(env!("CARGO_PKG_VERSION"), " (development build)")
} else {
    env!("CARGO_PKG_VERSION")
};

fn main() -> ExitCode {
    #[cfg(windows)]
    dialog::show_panics();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = plain_text::shown(&format!("{error:#}"));
            // Nothing can be done if standard error is closed.
            drop(writeln!(io::stderr(), "keywriter-desktop: {text}"));
            #[cfg(windows)]
            dialog::show(&text);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Args = plain_text::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_new(&args.log).context("--log: not a filter")?)
        .with_writer(std::io::stderr)
        // It would panic if standard error is full.
        .log_internal_errors(false)
        .init();
    let files = args.files.iter().map(std::path::absolute);
    let files: Vec<_> = files
        .collect::<Result<_, _>>()
        .context("a file has no name")?;
    // As long as this lives, later starts pass their files to the window.
    #[cfg(target_os = "linux")]
    let _window = match find_window(&args, &files) {
        Window::Open => return Ok(()),
        own @ Window::Own(_) => own,
    };
    let folders = Folders::find(args.state)?;
    let environment = Environment {
        discovery: Discovery::new(folders.run(), Kinds::All),
        root: args.root,
        folders,
        portal: args.portal,
    };
    let info = AppInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        is_development_build: is_development_build(),
        portal: environment.portal(),
        place: Backend::window_place(&environment.folders),
        home: std::env::home_dir().unwrap_or_default(),
    };

    let backend = Rc::new(OnceCell::<RefCell<Backend>>::new());
    let sink = {
        let backend = Rc::clone(&backend);
        Box::new(move |commands: Vec<Command>| {
            if let Some(backend) = backend.get() {
                let mut backend = backend.borrow_mut();
                for command in commands {
                    let is_end = matches!(command, Command::Quit);
                    backend.perform(command);
                    // Fails only if there is no event loop, and so no window.
                    if is_end && let Err(error) = slint::quit_event_loop() {
                        tracing::warn!(%error, "cannot end");
                    }
                }
            }
        })
    };
    let app = App::new(info, sink).context("cannot open a window")?;
    // The name of the desktop file, so that the system shows its icon and name. Before the window is shown.
    slint::set_xdg_app_id("keywriter").context("cannot open a window")?;
    WINDOW.set(Some(Rc::clone(&app)));
    drop(backend.set(RefCell::new(Backend::start(
        environment,
        Arc::new(send_to_window),
    ))));
    app.act(Intent::AddFiles(files));
    app.run().context("the window failed")?;
    WINDOW.set(None);
    Ok(())
}

thread_local! {
    /// The window, on its own thread: events from other threads find it here.
    static WINDOW: RefCell<Option<Rc<App>>> = const { RefCell::new(None) };
}

/// Passes an event to the window's thread.
fn send_to_window(event: Event) {
    in_window(|app| app.hear(event));
}

/// Finds the window for these files. A start with folders or a portal of its own has a window of its own.
#[cfg(target_os = "linux")]
fn find_window(args: &Args, files: &[PathBuf]) -> Window {
    if args.state.is_none() && args.root.is_none() && args.portal.is_none() {
        Window::find(files, Box::new(show_in_window))
    } else {
        Window::Own(None)
    }
}

/// Shows files that a later start was given; returns whether there is a window.
#[cfg(target_os = "linux")]
fn show_in_window(files: Vec<PathBuf>) -> bool {
    in_window(|app| {
        app.act(Intent::AddFiles(files));
        app.come_forward();
    })
}

/// Does something on the window's thread; returns whether there is one.
fn in_window(act: impl FnOnce(&App) + Send + 'static) -> bool {
    let sent = slint::invoke_from_event_loop(|| {
        let app = WINDOW.with_borrow(Option::clone);
        if let Some(app) = app {
            act(&app);
        }
    });
    if let Err(error) = &sent {
        tracing::debug!(%error, "there is no window");
    }
    sent.is_ok()
}
