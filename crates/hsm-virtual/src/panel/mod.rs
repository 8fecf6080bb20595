//! A hub in a terminal: ports, LEDs as they blink, and a keypad to drive by hand (docs/HUB.md).
//!
//! | module | what it holds |
//! |---|---|
//! | `model` | what is on the screen, and what each event changes |
//! | `typing` | keyboard → keypad |
//! | [`timeline`], [`words`] | how bright an LED is; what a pattern means |
//! | `draw` | the model on a screen |
//! | `link` | threads that ask the hub |

mod draw;
mod link;
mod model;
pub mod timeline;
mod typing;
pub mod words;

use link::Link;
use model::{Act, Event, Panel};
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event as TerminalEvent},
};
use signal_hook::consts::{SIGHUP, SIGTERM};
use std::{
    io::{self, IsTerminal},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// Shows the hub in a folder until the person quits. The terminal is as it was afterwards, after a panic too.
pub fn run(folder: &Path) -> io::Result<()> {
    if !io::stdout().is_terminal() {
        return Err(io::Error::other(
            "the panel needs a terminal: run it in one, or use `virtual-hub press` and `leds`",
        ));
    }
    let is_over = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&is_over))?;
    }
    let link = Link::start(folder)?;
    let mut terminal = ratatui::try_init()?;
    let shown = show(&mut terminal, folder, &link, &is_over);
    ratatui::restore();
    shown
}

fn show(
    terminal: &mut DefaultTerminal,
    folder: &Path,
    link: &Link,
    is_over: &AtomicBool,
) -> io::Result<()> {
    let mut panel = Panel::new(folder.display().to_string());
    let start = Instant::now();
    while !is_over.load(Ordering::SeqCst) {
        let now = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        panel.update(Event::Time(now));
        for report in link.reports() {
            panel.update(Event::Hub(report));
        }
        terminal.draw(|frame| draw::draw(&panel, frame))?;
        let mut patience = FRAME;
        while event::poll(patience)? {
            patience = Duration::ZERO;
            let TerminalEvent::Key(key) = event::read()? else {
                continue;
            };
            match panel.update(Event::Key(key)) {
                None => {}
                Some(Act::Ask(request)) => link.ask(request),
                Some(Act::Quit) => return Ok(()),
            }
        }
    }
    Ok(())
}

/// Often enough for the fastest blinking LED.
const FRAME: Duration = Duration::from_millis(40);
