//! Modules on their ports, and how bright their LEDs are.

use super::timeline;
use hsm_core::leds::{Led, Pattern};
use hsm_virtual::control::ModuleLine;

/// A module on its port.
#[derive(Debug)]
pub struct Row {
    /// Its serial number.
    pub serial: String,
    /// Whether it is plugged in.
    pub is_plugged: bool,
    /// What its LEDs show; `None` if this program does not know the pattern.
    pub pattern: Option<Pattern>,
    since_ms: u64,
    /// When the hub reported this, in the window's milliseconds.
    seen: u64,
    /// When it first reported this pattern.
    first_seen: u64,
}

impl Row {
    pub(super) fn brightness(&self, now: u64, is_clock_manual: bool) -> [u8; 3] {
        let Some(pattern) = self.pattern else {
            return [0; 3];
        };
        let time = if is_clock_manual {
            now.saturating_sub(self.first_seen)
        } else {
            self.since_ms.saturating_add(now.saturating_sub(self.seen))
        };
        let time = match pattern {
            // It ends only as the modules' time passes: until then it is repeated, with a pause.
            Pattern::ReadOut(read_out) => time % (read_out.duration() + PAUSE),
            _ => time,
        };
        timeline::brightness(pattern, time)
    }
}

/// Returns the rows for what the hub reports `now`.
pub(super) fn seen(before: &[Row], modules: Vec<ModuleLine>, now: u64) -> Vec<Row> {
    modules
        .into_iter()
        .map(|module| {
            let (pattern, since_ms) = (module.leds.pattern(), module.leds.since_ms);
            let same = before.iter().find(|row| {
                row.serial == module.serial && row.pattern == pattern && row.since_ms <= since_ms
            });
            Row {
                serial: module.serial,
                is_plugged: module.plugged,
                pattern,
                since_ms,
                seen: now,
                first_seen: same.map_or(now, |row| row.first_seen),
            }
        })
        .collect()
}

/// Whether a pattern's LEDs neither blink nor fade.
pub fn is_steady(pattern: Pattern) -> bool {
    let is_steady = |led| matches!(led, Led::Off | Led::On);
    pattern.leds().into_iter().all(is_steady)
}

/// Between two repetitions of a read-out, in milliseconds.
const PAUSE: u64 = 1_000;
