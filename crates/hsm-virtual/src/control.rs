//! The control socket: what people do with their hands, as JSON lines (docs/HUB.md). It carries PINs, so only programs
//! of the secret side open it.

use crate::{clock::Clock, port::Port};
use hsm_core::leds::{Led, Pattern, ReadOut};
use local_socket::Stream;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    time::Duration,
};

/// A request. No `Debug`: keys are PINs.
#[derive(Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// List the hub's modules.
    List,
    /// Type on a keypad.
    Press {
        /// Which module.
        serial: String,
        /// Keys as text: [`crate::keys`].
        keys: String,
    },
    /// Press a key of a keypad and hold it, until [`Self::Up`] or the end of the connection.
    Down {
        /// Which module.
        serial: String,
        /// One key, as in [`crate::keys`].
        key: String,
    },
    /// Release a key of a keypad.
    Up {
        /// Which module.
        serial: String,
        /// One key, as in [`crate::keys`].
        key: String,
    },
    /// Show a module's LEDs.
    Leds {
        /// Which module.
        serial: String,
    },
    /// Plug a module in.
    Plug {
        /// Which module.
        serial: String,
    },
    /// Unplug a module.
    Unplug {
        /// Which module.
        serial: String,
    },
    /// Let time pass: virtual time under a manual clock.
    Wait {
        /// How long.
        seconds: f64,
    },
}

/// A reply.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Reply {
    /// The request was carried out.
    Done,
    /// The hub's modules.
    Modules {
        /// The kind of the hub's clock.
        clock: ClockLine,
        /// By serial number.
        modules: Vec<ModuleLine>,
    },
    /// What the LEDs show.
    Leds(LedsLine),
    /// The request was refused.
    Refused {
        /// Why, and what to do.
        why: String,
    },
}

/// The kind of a hub's clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ClockLine {
    /// Time passes by itself.
    Real,
    /// Time passes only in holds and with [`Request::Wait`].
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

/// What three LEDs show, and the name of their pattern.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct LedsLine {
    /// The pattern's name (docs/LEDS.md).
    pub pattern: String,
    /// RED.
    pub red: String,
    /// GREEN.
    pub green: String,
    /// BLUE.
    pub blue: String,
    /// In a read-out, how often each blinks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub count: Option<CountLine>,
    /// How long they have shown it, in milliseconds of the modules' time: the position in the pattern's timeline.
    pub since_ms: u64,
}

/// How often each LED blinks in a read-out, which is a two-digit value and a flag.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct CountLine {
    /// RED: the tens.
    pub red: u8,
    /// GREEN: the units.
    pub green: u8,
    /// BLUE: the flag, 0 or 1.
    pub blue: u8,
}

impl Reply {
    pub(crate) fn leds(shown: (Pattern, u64)) -> Self {
        Self::Leds(LedsLine::of(shown))
    }
}

impl LedsLine {
    /// Describes a pattern that has been shown for so many milliseconds.
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

    /// Returns the lights as text: `RED on, GREEN off, BLUE blink`; in a read-out, how often each blinks.
    pub fn lights(&self) -> String {
        match self.count {
            Some(CountLine { red, green, blue }) => {
                format!("RED {red} times, GREEN {green} times, BLUE {blue} times")
            }
            None => format!("RED {}, GREEN {}, BLUE {}", self.red, self.green, self.blue),
        }
    }

    /// Returns the named pattern; `None` if this program does not know it.
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

/// Connects to a running hub, sends one request, and returns the reply. A hub that answers nobody meanwhile is given up.
pub fn ask(folder: &Path, request: &Request) -> io::Result<Reply> {
    let mut client = Client::connect(folder)?;
    client.0.get_ref().set_read_timeout(Some(PATIENCE))?;
    client.send(request)?;
    let mut answer = String::new();
    loop {
        match client.receive(&mut answer) {
            // Holds and waits take their time: another connection tells whether the hub still works.
            Err(error) if is_timeout(&error) => check(folder)?,
            reply => return reply,
        }
    }
}

/// Checks that a hub answers at all.
fn check(folder: &Path) -> io::Result<()> {
    let mut client = Client::connect(folder)?;
    client.0.get_ref().set_read_timeout(Some(PATIENCE))?;
    let listed = client.ask(&Request::List).map(drop);
    listed.map_err(|error| {
        if is_timeout(&error) {
            io::Error::new(io::ErrorKind::TimedOut, "it does not answer")
        } else {
            error
        }
    })
}

/// Returns whether a wait ended. It is one or the other, depending on the system.
fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// How long a hub may take for an answer before it is asked whether it still works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a running hub, for any number of requests.
#[derive(Debug)]
pub struct Client(BufReader<Stream>);

impl Client {
    /// Connects to the hub in a folder.
    pub fn connect(folder: &Path) -> io::Result<Self> {
        local_socket::connect(&crate::server::control_socket(folder), PATIENCE)
            .map(|stream| Self(BufReader::new(stream)))
    }

    /// Sends a request, and waits for the reply.
    pub fn ask(&mut self, request: &Request) -> io::Result<Reply> {
        self.send(request)?;
        self.receive(&mut String::new())
    }

    fn send(&mut self, request: &Request) -> io::Result<()> {
        let mut line = zeroize::Zeroizing::new(serde_json::to_string(request)?);
        line.push('\n');
        self.0.get_mut().write_all(line.as_bytes())
    }

    /// Reads a reply, after what was read of it before.
    fn receive(&mut self, answer: &mut String) -> io::Result<Reply> {
        if self.0.read_line(answer)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_str(answer)?)
    }
}

/// Answers requests until the client hangs up, or `act` returns no reply.
pub(crate) fn answer(
    stream: &Stream,
    mut act: impl FnMut(Request) -> Option<Reply>,
) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let mut line = zeroize::Zeroizing::new(String::new());
        if reader.by_ref().take(REQUEST_MAX).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let reply = match serde_json::from_str(&line) {
            Ok(request) => act(request),
            Err(error) => Some(Reply::Refused {
                why: format!("this is not a request: {error}"),
            }),
        };
        let Some(reply) = reply else { return Ok(()) };
        let mut text = serde_json::to_string(&reply)?;
        text.push('\n');
        writer.write_all(text.as_bytes())?;
    }
}

/// The longest request, in bytes.
const REQUEST_MAX: u64 = 4096;
