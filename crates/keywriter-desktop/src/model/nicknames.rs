//! The names that the user gives to devices. They stay on this computer, and prove nothing.

use keywriter::Serial;
use std::collections::BTreeMap;

/// A name for some devices, by serial number.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Nicknames(BTreeMap<String, String>);

/// The most characters of a name.
const MOST: usize = 40;

impl Nicknames {
    /// Returns a device's name; empty if it has none.
    pub fn of(&self, serial: Serial) -> &str {
        self.0.get(serial.as_str()).map_or("", String::as_str)
    }

    /// Gives a device a name, or takes it away. What cannot be shown in a line is left out.
    pub(super) fn set(&mut self, serial: Serial, name: &str) {
        let letters = name.trim().chars().filter(|letter| !letter.is_control());
        let name: String = letters.take(MOST).collect();
        if name.is_empty() {
            self.0.remove(serial.as_str());
        } else {
            self.0.insert(serial.to_string(), name);
        }
    }
}
