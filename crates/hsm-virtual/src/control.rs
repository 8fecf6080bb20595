//! The control socket: what people do with their hands, as JSON lines (docs/HUB.md). It carries PINs: only programs of the
//! secret side open it.

use crate::{clock::Clock, port::Port};
use hsm_core::leds::{Led, Pattern, ReadOut};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

/// What is asked. No `Debug`: keys are PINs.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// The hub's modules.
    List,
    /// Type on a keypad.
    Press {
        /// Which module.
        serial: String,
        /// Keys as text: [`crate::keys`].
        keys: String,
    },
    /// Press a key of a keypad, and keep it down: until [`Self::Up`], or until the connection ends.
    Down {
        /// Which module.
        serial: String,
        /// One key, as in [`crate::keys`].
        key: String,
    },
    /// Let a key of a keypad go.
    Up {
        /// Which module.
        serial: String,
        /// One key, as in [`crate::keys`].
        key: String,
    },
    /// What the LEDs show.
    Leds {
        /// Which module.
        serial: String,
    },
    /// Plug a module in.
    Plug {
        /// Which module.
        serial: String,
    },
    /// Pull a module out.
    Unplug {
        /// Which module.
        serial: String,
    },
    /// Let time pass: virtual where the hub's clock is.
    Wait {
        /// How long.
        seconds: f64,
    },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Reply {
    /// It is done.
    Done,
    /// The hub's modules.
    Modules {
        /// What lets the modules' time pass.
        clock: ClockLine,
        /// By serial number.
        modules: Vec<ModuleLine>,
    },
    /// What the LEDs show.
    Leds(LedsLine),
    /// It is not done.
    Refused {
        /// Why not, and what to do.
        why: String,
    },
}

/// What lets the modules' time pass.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ClockLine {
    /// It passes by itself.
    Real,
    /// Holds and [`Request::Wait`].
    Manual,
}

/// A module of the hub.
#[derive(Debug, Serialize, Deserialize)]
pub struct ModuleLine {
    /// Its serial number.
    pub serial: String,
    /// Whether it is plugged in.
    pub plugged: bool,
    /// What its LEDs show.
    #[serde(flatten)]
    pub leds: LedsLine,
}

/// Three LEDs and what they mean together.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct LedsLine {
    /// The pattern's name: docs/LEDS.md.
    pub pattern: String,
    /// RED.
    pub red: String,
    /// GREEN.
    pub green: String,
    /// BLUE.
    pub blue: String,
    /// How often each blinks, in a read-out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<CountLine>,
    /// For how many milliseconds of the modules' time they have shown it: where in its timeline the pattern is.
    pub since_ms: u64,
}

/// A read-out's blinks: a two-digit value and a flag.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct CountLine {
    /// Of RED: the tens.
    pub red: u8,
    /// Of GREEN: the units.
    pub green: u8,
    /// Of BLUE: the flag, 0 or 1.
    pub blue: u8,
}

impl Reply {
    pub(crate) fn leds(shown: (Pattern, u64)) -> Self {
        Self::Leds(LedsLine::of(shown))
    }
}

impl LedsLine {
    /// A pattern in words, and for how many milliseconds it has been shown.
    pub fn of((pattern, since_ms): (Pattern, u64)) -> Self {
        let [red, green, blue] = pattern.leds().map(|led| led_name(led).to_owned());
        let count = match pattern {
            Pattern::ReadOut(ReadOut { tens, units, flag }) => Some(CountLine {
                red: tens,
                green: units,
                blue: u8::from(flag),
            }),
            _ => None,
        };
        Self {
            pattern: pattern.name().into(),
            red,
            green,
            blue,
            count,
            since_ms,
        }
    }

    /// The pattern that the words name; `None` where this program knows no such pattern.
    pub fn pattern(&self) -> Option<Pattern> {
        let named = |pattern: &Pattern| pattern.name() == self.pattern;
        Pattern::ALL
            .into_iter()
            .find(named)
            .map(|pattern| match (pattern, self.count) {
                (Pattern::ReadOut(_), Some(CountLine { red, green, blue })) => {
                    Pattern::ReadOut(ReadOut {
                        tens: red,
                        units: green,
                        flag: blue == 1,
                    })
                }
                (pattern, _) => pattern,
            })
    }
}

impl ClockLine {
    pub(crate) const fn of(clock: &Clock) -> Self {
        match clock {
            Clock::Real(_) => Self::Real,
            Clock::Manual(_) => Self::Manual,
        }
    }
}

impl ModuleLine {
    pub(crate) fn of(port: &Port, clock: &Clock) -> Self {
        Self {
            serial: port.serial.to_string(),
            plugged: port.is_plugged(),
            leds: LedsLine::of(port.leds(clock)),
        }
    }
}

const fn led_name(led: Led) -> &'static str {
    match led {
        Led::Off => "off",
        Led::On => "on",
        Led::Blink => "blink",
        Led::Fast => "fast",
        Led::Pulse => "pulse",
        Led::Alternate => "alternate",
        Led::Count => "count",
    }
}

/// Asks a running hub, once.
pub fn ask(folder: &Path, request: &Request) -> io::Result<Reply> {
    Client::connect(folder)?.ask(request)
}

/// A connection to a running hub, for any number of requests.
#[derive(Debug)]
pub struct Client(BufReader<UnixStream>);

impl Client {
    /// Connects to the hub in a folder.
    pub fn connect(folder: &Path) -> io::Result<Self> {
        UnixStream::connect(crate::server::control_socket(folder))
            .map(|stream| Self(BufReader::new(stream)))
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        let mut line = zeroize::Zeroizing::new(serde_json::to_string(request)?);
        line.push('\n');
        self.0.get_mut().write_all(line.as_bytes())?;
        let mut answer = String::new();
        if self.0.read_line(&mut answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

/// Answers requests until the other side hangs up, or until there is no answer.
pub(crate) fn answer(
    stream: &UnixStream,
    mut act: impl FnMut(Request) -> Option<Reply>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut line = zeroize::Zeroizing::new(String::new());
        if reader.by_ref().take(REQUEST).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let reply = match serde_json::from_str(&line) {
            Ok(request) => act(request),
            Err(error) => Some(Reply::Refused {
                why: format!("no such request: {error}"),
            }),
        };
        let Some(reply) = reply else { return Ok(()) };
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        writer.write_all(text.as_bytes())?;
    }
}

/// The longest request, in bytes.
const REQUEST: u64 = 4096;
