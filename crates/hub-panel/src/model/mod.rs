//! What the window shows, and what each event changes. Nothing here draws, waits or talks to the hub.

mod held;
mod keyboard;
mod language;
mod rows;
mod timeline;

pub use held::Pad;
pub use keyboard::{Action, action_of};
pub use language::Language;
pub use rows::{Row, is_steady};
pub use timeline::FULL;

use held::{HeldKeys, Move};
use hsm_virtual::control::{ClockLine, ModuleLine, Request};

/// What happens. No `Debug`: keys are PINs.
pub enum Event {
    /// So many milliseconds since the window began.
    Time(u64),
    /// The hub reports.
    Hub(Report),
    /// A row is selected, by its index.
    Select(usize),
    /// The mouse presses a key of the keypad.
    Down(Pad),
    /// The mouse releases a key of the keypad.
    Up(Pad),
    /// A key of the keypad is pressed and released at once.
    Press(Pad),
    /// A key of the keypad is latched: it goes down together with the next one.
    Latch(Pad),
    /// Keys as text (docs/HUB.md), from a button of the window: never a PIN.
    Strokes(String),
    /// A key of the keyboard goes down: its character, and what it does.
    KeyDown(char, Action),
    /// A key of the keyboard comes up.
    KeyUp(char),
    /// The window lost the keyboard's focus: every key is released.
    ReleaseAll,
    /// Plug the selected module in, or unplug it.
    Plug,
    /// Let a second pass, under a manual clock.
    LetTimePass,
}

/// What the hub's thread reports.
#[derive(Debug)]
pub enum Report {
    /// The modules, as they are now.
    Seen {
        /// What lets their time pass.
        clock: ClockLine,
        /// By serial number.
        modules: Vec<ModuleLine>,
    },
    /// Why the hub refused a request.
    Refused(String),
    /// No hub answers.
    Gone,
}

/// Whether a hub answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubState {
    /// None has answered yet.
    Searching,
    /// One does, and has this clock.
    Running(ClockLine),
    /// None does.
    Stopped,
}

/// The window.
pub struct Panel {
    /// Whether a hub answers.
    pub hub: HubState,
    /// The modules, by serial number; none while no hub answers.
    pub rows: Vec<Row>,
    /// Why the hub refused the last request; empty if it did not.
    pub refusal: String,
    selected: usize,
    held: HeldKeys,
    /// How many digits were typed since the last other key.
    typed: usize,
    now: u64,
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            hub: HubState::Searching,
            rows: Vec::new(),
            refusal: String::new(),
            selected: 0,
            held: HeldKeys::default(),
            typed: 0,
            now: 0,
        }
    }
}

impl Panel {
    /// Processes an event; returns the requests for the hub, in order.
    pub fn update(&mut self, event: Event) -> Vec<Request> {
        match event {
            Event::Time(now) => self.now = now,
            Event::Hub(report) => self.report(report),
            Event::Select(index) => return self.select(index),
            Event::Down(pad) => return self.down(pad, None),
            Event::Up(pad) => return self.move_keys(|held| held.up(pad)),
            Event::Press(pad) => {
                let mut requests = self.down(pad, None);
                requests.extend(self.move_keys(|held| held.up(pad)));
                return requests;
            }
            Event::Latch(pad) => self.held.latch(pad),
            Event::Strokes(keys) => return self.request(|serial| Request::Press { serial, keys }),
            Event::KeyDown(key, action) => return self.key_down(key, action),
            Event::KeyUp(key) => return self.move_keys(|held| held.key_up(key)),
            Event::ReleaseAll => return self.move_keys(HeldKeys::release_all),
            Event::Plug => return self.plug(),
            Event::LetTimePass => return self.let_time_pass(),
        }
        Vec::new()
    }

    /// Returns the index of the selected row.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Returns the selected module.
    pub fn row(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    /// Returns the key that goes down together with the next one.
    pub fn latched(&self) -> Option<Pad> {
        self.held.latched()
    }

    /// Returns how many digits were typed since the last other key; never which.
    pub fn typed(&self) -> usize {
        self.typed
    }

    /// Returns the brightness of a module's LEDs, 0 to 100. Under a manual clock they blink by the window's clock.
    pub fn brightness(&self, row: &Row) -> [u8; 3] {
        row.brightness(self.now, self.hub == HubState::Running(ClockLine::Manual))
    }

    /// Whether any LED blinks or fades.
    pub fn is_blinking(&self) -> bool {
        self.rows
            .iter()
            .any(|row| !row.pattern.is_some_and(is_steady))
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Seen { clock, modules } => {
                let selected = self.row().map(|row| row.serial.clone());
                let before = self.row().and_then(|row| row.pattern);
                self.hub = HubState::Running(clock);
                self.rows = rows::seen(&self.rows, modules, self.now);
                let index = self
                    .rows
                    .iter()
                    .position(|row| Some(&row.serial) == selected.as_ref());
                let last = self.rows.len().saturating_sub(1);
                self.selected = index.unwrap_or(self.selected).min(last);
                // What was typed is over: accepted, refused, or too slow.
                if index.is_none() || self.row().and_then(|row| row.pattern) != before {
                    self.typed = 0;
                }
            }
            Report::Refused(why) => self.refusal = why,
            Report::Gone => {
                self.hub = HubState::Stopped;
                // What the LEDs showed may be over, and a hub releases the keys of a lost connection.
                self.rows.clear();
                self.refusal.clear();
                self.held = HeldKeys::default();
                self.typed = 0;
            }
        }
    }

    fn select(&mut self, index: usize) -> Vec<Request> {
        if index == self.selected || index >= self.rows.len() {
            return Vec::new();
        }
        // Keys are released on one keypad before any is pressed on another.
        let requests = self.move_keys(HeldKeys::release_all);
        self.selected = index;
        self.typed = 0;
        self.refusal.clear();
        requests
    }

    fn key_down(&mut self, key: char, action: Action) -> Vec<Request> {
        match action {
            Action::Pad(pad) => self.down(pad, Some(key)),
            Action::Choose(by) => {
                let last = self.rows.len().saturating_sub(1);
                self.select(self.selected.saturating_add_signed(by).min(last))
            }
            Action::Plug => self.plug(),
            Action::LetTimePass => self.let_time_pass(),
            Action::ReleaseAll => self.move_keys(HeldKeys::release_all),
        }
    }

    fn down(&mut self, pad: Pad, key: Option<char>) -> Vec<Request> {
        if self.row().is_none() {
            return Vec::new();
        }
        self.refusal.clear();
        // A digit that goes down with another key belongs to a chord.
        self.typed = if pad.is_digit() && self.held.is_empty() {
            self.typed.saturating_add(1)
        } else {
            0
        };
        self.move_keys(|held| held.down(pad, key))
    }

    fn plug(&mut self) -> Vec<Request> {
        let is_plugged = self.row().is_some_and(|row| row.is_plugged);
        self.request(|serial| {
            if is_plugged {
                Request::Unplug { serial }
            } else {
                Request::Plug { serial }
            }
        })
    }

    fn let_time_pass(&self) -> Vec<Request> {
        match self.hub {
            HubState::Running(ClockLine::Manual) => vec![Request::Wait { seconds: 1.0 }],
            HubState::Searching | HubState::Stopped | HubState::Running(ClockLine::Real) => {
                Vec::new()
            }
        }
    }

    fn request(&mut self, request: impl FnOnce(String) -> Request) -> Vec<Request> {
        self.refusal.clear();
        self.row()
            .map(|row| request(row.serial.clone()))
            .into_iter()
            .collect()
    }

    fn move_keys(&mut self, change: impl FnOnce(&mut HeldKeys) -> Vec<Move>) -> Vec<Request> {
        let Some(serial) = self.row().map(|row| row.serial.clone()) else {
            return Vec::new();
        };
        change(&mut self.held)
            .into_iter()
            .map(|key| match key {
                Move::Down(pad) => Request::Down {
                    serial: serial.clone(),
                    key: pad.word().into(),
                },
                Move::Up(pad) => Request::Up {
                    serial: serial.clone(),
                    key: pad.word().into(),
                },
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
