//! What is on the screen, and what each event changes. Nothing here draws, waits or asks.

use super::{
    timeline,
    typing::{Typed, Typing, masked},
};
use crate::{
    control::{ClockLine, LedsLine, ModuleLine, Reply, Request},
    keys,
};
use hsm_core::leds::Pattern;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use zeroize::Zeroizing;

/// What happens.
pub(crate) enum Event {
    /// So many milliseconds since the panel began.
    Time(u64),
    /// The hub reports.
    Hub(Report),
    /// A key of the keyboard.
    Key(KeyEvent),
}

/// What the hub's threads report.
#[derive(Debug)]
pub(crate) enum Report {
    /// The modules, as they are now.
    Seen(Reply),
    /// What came of an act.
    Answered(Reply),
    /// No hub answers.
    Gone,
}

/// What is to be done about an event.
pub(crate) enum Act {
    /// Have the hub do something.
    Ask(Request),
    /// End the panel.
    Quit,
}

/// What the keyboard is for.
pub(crate) enum Mode {
    /// The module's keypad.
    Keypad,
    /// A line of keys.
    Line(Zeroizing<String>),
    /// How many seconds are to pass.
    Wait(String),
    /// Reading the help.
    Help,
}

/// Whether a hub answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hub {
    /// Not yet.
    Sought,
    /// It does, and has this clock.
    Running(ClockLine),
    /// No more.
    Gone,
}

/// A module on its port.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) serial: String,
    pub(crate) is_plugged: bool,
    pub(crate) leds: LedsLine,
    /// When the hub said so, and when it first said this pattern, in the panel's milliseconds.
    seen: u64,
    first_seen: u64,
}

/// The panel.
pub(crate) struct Panel {
    pub(crate) folder: String,
    pub(crate) hub: Hub,
    pub(crate) rows: Vec<Row>,
    pub(crate) selected: usize,
    pub(crate) mode: Mode,
    pub(crate) typing: Typing,
    /// What was sent to the selected module, digits hidden.
    pub(crate) trail: String,
    pub(crate) message: String,
    /// Acts that the hub has not answered yet.
    pub(crate) pending: usize,
    now: u64,
}

impl Panel {
    pub(crate) const fn new(folder: String) -> Self {
        Self {
            folder,
            hub: Hub::Sought,
            rows: Vec::new(),
            selected: 0,
            mode: Mode::Keypad,
            typing: Typing::Nothing,
            trail: String::new(),
            message: String::new(),
            pending: 0,
            now: 0,
        }
    }

    /// Takes in what happened.
    pub(crate) fn update(&mut self, event: Event) -> Option<Act> {
        match event {
            Event::Time(now) => self.now = now,
            Event::Hub(report) => self.report(report),
            Event::Key(key) if key.kind == KeyEventKind::Release => {}
            Event::Key(key) => return self.key(key),
        }
        None
    }

    /// The selected module.
    pub(crate) fn row(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    /// How bright a module's LEDs are now. Where the modules' time stands still they blink by the panel's.
    pub(crate) fn brightness(&self, row: &Row) -> [u8; 3] {
        let Some(pattern) = row.leds.pattern() else {
            return [0; 3];
        };
        let time = match self.hub {
            Hub::Running(ClockLine::Manual) => self.now.saturating_sub(row.first_seen),
            Hub::Sought | Hub::Gone | Hub::Running(ClockLine::Real) => row
                .leds
                .since_ms
                .saturating_add(self.now.saturating_sub(row.seen)),
        };
        let time = match pattern {
            // It passes only with the modules' time: shown over and over, with a pause.
            Pattern::ReadOut(read_out) => time % (read_out.duration() + PAUSE),
            _ => time,
        };
        timeline::brightness(pattern, time)
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Seen(Reply::Modules { clock, modules }) => {
                self.hub = Hub::Running(clock);
                self.see(modules);
            }
            Report::Seen(_) => {}
            Report::Answered(reply) => {
                self.pending = self.pending.saturating_sub(1);
                if let Reply::Refused { why } = reply {
                    self.message = why;
                }
            }
            Report::Gone => {
                self.hub = Hub::Gone;
                // What they showed last may be long over.
                self.rows.clear();
            }
        }
    }

    fn see(&mut self, modules: Vec<ModuleLine>) {
        let (now, before) = (self.now, std::mem::take(&mut self.rows));
        self.rows = modules
            .into_iter()
            .map(
                |ModuleLine {
                     serial,
                     plugged,
                     leds,
                 }| {
                    let same = before.iter().find(|row| {
                        row.serial == serial
                            && row.leds.pattern() == leds.pattern()
                            && row.leds.since_ms <= leds.since_ms
                    });
                    Row {
                        first_seen: same.map_or(now, |row| row.first_seen),
                        seen: now,
                        is_plugged: plugged,
                        serial,
                        leds,
                    }
                },
            )
            .collect();
        self.selected = self.selected.min(self.rows.len().saturating_sub(1));
    }

    fn key(&mut self, key: KeyEvent) -> Option<Act> {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control && key.code == KeyCode::Char('c') {
            return Some(Act::Quit);
        }
        self.message.clear();
        match &mut self.mode {
            Mode::Help => {
                self.mode = Mode::Keypad;
                None
            }
            Mode::Line(_) => self.line(key.code),
            Mode::Wait(_) => self.wait(key.code),
            Mode::Keypad if self.typing != Typing::Nothing => self.keypad(key.code),
            Mode::Keypad => self.command(key.code),
        }
    }

    fn command(&mut self, code: KeyCode) -> Option<Act> {
        let last = self.rows.len().saturating_sub(1);
        match code {
            KeyCode::Char('q') => return Some(Act::Quit),
            KeyCode::Char('?') => self.mode = Mode::Help,
            KeyCode::Char('p') => return self.plug(),
            KeyCode::Char('w') if self.hub == Hub::Running(ClockLine::Real) => {
                self.message = "The hub's clock is real: time passes by itself.".into();
            }
            KeyCode::Char('w') => self.mode = Mode::Wait(String::new()),
            KeyCode::Enter => {
                // Room for all of it: a string that grows leaves its old bytes behind.
                self.mode = Mode::Line(Zeroizing::new(String::with_capacity(LINE)));
            }
            KeyCode::Up => self.select(self.selected.saturating_sub(1)),
            KeyCode::Down => self.select(last.min(self.selected + 1)),
            KeyCode::PageUp => self.select(self.selected.saturating_sub(PAGE)),
            KeyCode::PageDown => self.select(last.min(self.selected + PAGE)),
            KeyCode::Home => self.select(0),
            KeyCode::End => self.select(last),
            code => return self.keypad(code),
        }
        None
    }

    fn select(&mut self, row: usize) {
        if row != self.selected {
            self.selected = row;
            self.trail.clear();
        }
    }

    fn plug(&mut self) -> Option<Act> {
        let row = self.row()?;
        let serial = row.serial.clone();
        let request = if row.is_plugged {
            Request::Unplug { serial }
        } else {
            Request::Plug { serial }
        };
        Some(self.ask(request))
    }

    fn keypad(&mut self, code: KeyCode) -> Option<Act> {
        // For the eye: sequences may be typed as they are written.
        if code == KeyCode::Char(' ') {
            return None;
        }
        let typing = std::mem::take(&mut self.typing);
        let KeyCode::Char(c) = code else { return None };
        match typing.take(c) {
            Typed::More(more) => {
                self.typing = more;
                None
            }
            Typed::Word(word) => self.press(&word),
            Typed::Unknown => {
                self.message = format!("'{c}' is no key here; ? shows what is.");
                None
            }
        }
    }

    fn line(&mut self, code: KeyCode) -> Option<Act> {
        let Mode::Line(line) = &mut self.mode else {
            return None;
        };
        match code {
            KeyCode::Esc => self.mode = Mode::Keypad,
            KeyCode::Char(c) if line.len() + c.len_utf8() <= LINE => line.push(c),
            KeyCode::Backspace => {
                line.pop();
            }
            KeyCode::Enter => {
                let upper = Zeroizing::new(line.replace("key", "KEY"));
                let keys = Zeroizing::new(upper.replace("shift", "SHIFT"));
                match keys::parse(&keys) {
                    Ok(strokes) if strokes.is_empty() => self.mode = Mode::Keypad,
                    Ok(_) => {
                        self.mode = Mode::Keypad;
                        return self.press(&keys);
                    }
                    // Without the word: it may be a PIN.
                    Err(_unknown) => {
                        self.message =
                            "Not keys: write digits, KEY, SHIFT, a chord KEY+8, a hold SHIFT:1s."
                                .into();
                    }
                }
            }
            _ => {}
        }
        None
    }

    fn wait(&mut self, code: KeyCode) -> Option<Act> {
        let Mode::Wait(seconds) = &mut self.mode else {
            return None;
        };
        match code {
            KeyCode::Esc => self.mode = Mode::Keypad,
            KeyCode::Char(c) if (c.is_ascii_digit() || c == '.') && seconds.len() < SECONDS => {
                seconds.push(c);
            }
            KeyCode::Backspace => {
                seconds.pop();
            }
            KeyCode::Enter => {
                let seconds = seconds.parse();
                self.mode = Mode::Keypad;
                match seconds {
                    Ok(seconds) => return Some(self.ask(Request::Wait { seconds })),
                    Err(_no_number) => self.message = "No number of seconds.".into(),
                }
            }
            _ => {}
        }
        None
    }

    fn press(&mut self, keys: &str) -> Option<Act> {
        let serial = self.row()?.serial.clone();
        if !self.trail.is_empty() {
            self.trail.push(' ');
        }
        self.trail.push_str(&masked(keys));
        Some(self.ask(Request::Press {
            serial,
            keys: keys.into(),
        }))
    }

    fn ask(&mut self, request: Request) -> Act {
        self.pending += 1;
        Act::Ask(request)
    }
}

/// The longest line of keys, in bytes.
const LINE: usize = 1_000;

/// The most characters of a number of seconds.
const SECONDS: usize = 6;

/// How many modules a page key goes on: the ports of a hub.
const PAGE: usize = 10;

/// Between two showings of a read-out, in milliseconds.
const PAUSE: u64 = 1_000;

#[cfg(test)]
#[path = "model_tests.rs"]
pub(crate) mod tests;
