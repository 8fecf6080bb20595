//! What the window shows, and what each event changes. Nothing here draws, waits or asks.

mod fingers;
mod keyboard;
mod language;
mod rows;
mod timeline;

pub use fingers::Pad;
pub use keyboard::{Act, act_of};
pub use language::Language;
pub use rows::{Row, is_steady};
pub use timeline::FULL;

use fingers::{Fingers, Move};
use hsm_virtual::control::{ClockLine, ModuleLine, Request};

/// What happens. No `Debug`: keys are PINs.
pub enum Event {
    /// So many milliseconds since the window began.
    Time(u64),
    /// The hub reports.
    Hub(Report),
    /// A module is chosen, by its place among the rows.
    Select(usize),
    /// The mouse presses a key of the keypad.
    Down(Pad),
    /// The mouse lets a key of the keypad go.
    Up(Pad),
    /// A key of the keypad, pressed and let go at once.
    Press(Pad),
    /// A key of the keypad that goes down with the next one.
    Latch(Pad),
    /// Keys as text (docs/HUB.md), out of the window's own list: never a PIN.
    Strokes(String),
    /// A key of the keyboard goes down that means something: what it says, and what it means.
    Typed(char, Act),
    /// A key of the keyboard comes up.
    Released(char),
    /// Nobody holds anything any more: the window lost the keyboard.
    LetGo,
    /// Plug the selected module in, or pull it out.
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
    /// The hub did not do what was asked, and why.
    Refused(String),
    /// No hub answers.
    Gone,
}

/// Whether a hub answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubState {
    /// Not yet.
    Sought,
    /// It does, and has this clock.
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
    /// Why the hub did not do what was asked last.
    pub refusal: String,
    selected: usize,
    fingers: Fingers,
    now: u64,
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            hub: HubState::Sought,
            rows: Vec::new(),
            refusal: String::new(),
            selected: 0,
            fingers: Fingers::default(),
            now: 0,
        }
    }
}

impl Panel {
    /// Takes in what happened; what the hub is to be asked, in order.
    pub fn update(&mut self, event: Event) -> Vec<Request> {
        match event {
            Event::Time(now) => self.now = now,
            Event::Hub(report) => self.report(report),
            Event::Select(index) => return self.select(index),
            Event::Down(pad) => return self.down(pad, None),
            Event::Up(pad) => return self.moved(|fingers| fingers.up(pad)),
            Event::Press(pad) => {
                let mut requests = self.down(pad, None);
                requests.extend(self.moved(|fingers| fingers.up(pad)));
                return requests;
            }
            Event::Latch(pad) => self.fingers.latch(pad),
            Event::Strokes(keys) => return self.ask(|serial| Request::Press { serial, keys }),
            Event::Typed(key, act) => return self.act(key, act),
            Event::Released(key) => return self.moved(|fingers| fingers.released(key)),
            Event::LetGo => return self.moved(Fingers::let_go),
            Event::Plug => return self.plug(),
            Event::LetTimePass => return self.let_time_pass(),
        }
        Vec::new()
    }

    /// The selected module's place among the rows.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// The selected module.
    pub fn row(&self) -> Option<&Row> {
        self.rows.get(self.selected)
    }

    /// The key that goes down with the next one.
    pub fn latched(&self) -> Option<Pad> {
        self.fingers.latched()
    }

    /// How bright a module's LEDs are now, 0 to 100. Where the modules' time stands still they blink by the window's.
    pub fn brightness(&self, row: &Row) -> [u8; 3] {
        row.brightness(self.now, self.hub == HubState::Running(ClockLine::Manual))
    }

    /// Whether anything blinks.
    pub fn is_lively(&self) -> bool {
        self.rows
            .iter()
            .any(|row| !row.pattern.is_some_and(is_steady))
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Seen { clock, modules } => {
                let chosen = self.row().map(|row| row.serial.clone());
                self.hub = HubState::Running(clock);
                self.rows = rows::seen(&self.rows, modules, self.now);
                let place = self
                    .rows
                    .iter()
                    .position(|row| Some(&row.serial) == chosen.as_ref());
                let last = self.rows.len().saturating_sub(1);
                self.selected = place.unwrap_or(self.selected).min(last);
            }
            Report::Refused(why) => self.refusal = why,
            Report::Gone => {
                self.hub = HubState::Stopped;
                // What they showed last may be long over, and a hub lets go of what a lost connection held.
                self.rows.clear();
                self.refusal.clear();
                self.fingers = Fingers::default();
            }
        }
    }

    fn select(&mut self, index: usize) -> Vec<Request> {
        if index == self.selected || index >= self.rows.len() {
            return Vec::new();
        }
        // Hands leave one keypad before they touch another.
        let requests = self.moved(Fingers::let_go);
        self.selected = index;
        self.refusal.clear();
        requests
    }

    fn act(&mut self, key: char, act: Act) -> Vec<Request> {
        match act {
            Act::Pad(pad) => self.down(pad, Some(key)),
            Act::Choose(by) => {
                let last = self.rows.len().saturating_sub(1);
                self.select(self.selected.saturating_add_signed(by).min(last))
            }
            Act::Plug => self.plug(),
            Act::LetTimePass => self.let_time_pass(),
            Act::LetGo => self.moved(Fingers::let_go),
        }
    }

    fn down(&mut self, pad: Pad, key: Option<char>) -> Vec<Request> {
        if self.row().is_none() {
            return Vec::new();
        }
        self.refusal.clear();
        self.moved(|fingers| fingers.down(pad, key))
    }

    fn plug(&mut self) -> Vec<Request> {
        let is_plugged = self.row().is_some_and(|row| row.is_plugged);
        self.ask(|serial| {
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
            HubState::Sought | HubState::Stopped | HubState::Running(ClockLine::Real) => Vec::new(),
        }
    }

    fn ask(&mut self, request: impl FnOnce(String) -> Request) -> Vec<Request> {
        self.refusal.clear();
        self.row()
            .map(|row| request(row.serial.clone()))
            .into_iter()
            .collect()
    }

    fn moved(&mut self, movement: impl FnOnce(&mut Fingers) -> Vec<Move>) -> Vec<Request> {
        let Some(serial) = self.row().map(|row| row.serial.clone()) else {
            return Vec::new();
        };
        movement(&mut self.fingers)
            .into_iter()
            .map(|moved| match moved {
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
