//! What the three LEDs show. The table is `docs/LEDS.md`; timelines of each pattern stand there.

/// One LED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Led {
    /// Dark.
    Off,
    /// Solid.
    On,
    /// 1 Hz, together with the other blinking LEDs.
    Blink,
    /// 5 Hz.
    Fast,
    /// Fades in and out over two seconds.
    Pulse,
    /// 1 Hz, in turn with the other alternating LEDs.
    Alternate,
}

/// What the LEDs mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Asleep and locked.
    Idle,
    /// Awake and locked.
    Standby,
    /// No Admin PIN was ever set.
    Shipment,
    /// No Admin PIN any more.
    Reset,
    /// Unlocked.
    Unlocked,
    /// Configuration by keypad.
    AdminMode,
    /// Waiting for the Admin PIN, or for the code that gives more attempts.
    AwaitingAdminPin,
    /// Waiting for the User PIN.
    AwaitingUserPin,
    /// Waiting for a new PIN or a setting's value.
    AwaitingNew,
    /// A new User PIN or a setting was stored.
    Stored,
    /// A new Admin PIN was stored.
    AdminPinStored,
    /// Refused; the former state follows.
    Refused,
    /// The Admin PIN is blocked for the first time.
    AdminBlocked,
    /// The Admin PIN is blocked for the second time.
    AdminBlockedAgain,
    /// A cloning run is under way.
    Cloning,
    /// The store cannot be trusted.
    Fault,
}

impl Pattern {
    /// Every pattern, for tables and tests.
    pub const ALL: [Self; 16] = [
        Self::Idle,
        Self::Standby,
        Self::Shipment,
        Self::Reset,
        Self::Unlocked,
        Self::AdminMode,
        Self::AwaitingAdminPin,
        Self::AwaitingUserPin,
        Self::AwaitingNew,
        Self::Stored,
        Self::AdminPinStored,
        Self::Refused,
        Self::AdminBlocked,
        Self::AdminBlockedAgain,
        Self::Cloning,
        Self::Fault,
    ];

    /// Its name in text and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Standby => "standby",
            Self::Shipment => "shipment",
            Self::Reset => "reset",
            Self::Unlocked => "unlocked",
            Self::AdminMode => "admin-mode",
            Self::AwaitingAdminPin => "awaiting-admin-pin",
            Self::AwaitingUserPin => "awaiting-user-pin",
            Self::AwaitingNew => "awaiting-new",
            Self::Stored => "stored",
            Self::AdminPinStored => "admin-pin-stored",
            Self::Refused => "refused",
            Self::AdminBlocked => "admin-blocked",
            Self::AdminBlockedAgain => "admin-blocked-again",
            Self::Cloning => "cloning",
            Self::Fault => "fault",
        }
    }

    /// RED, GREEN and BLUE.
    pub const fn leds(self) -> [Led; 3] {
        use Led::{Alternate, Blink, Fast, Off, On, Pulse};
        match self {
            Self::Idle => [Off, Off, Off],
            Self::Standby => [On, Off, Off],
            Self::Shipment => [On, On, Off],
            Self::Reset => [On, Off, On],
            Self::Unlocked => [Off, On, Off],
            Self::AdminMode => [Off, Off, On],
            Self::AwaitingAdminPin => [Off, Blink, Blink],
            Self::AwaitingUserPin => [Blink, Blink, Blink],
            Self::AwaitingNew => [Off, Blink, On],
            Self::Stored => [Off, Fast, Off],
            Self::AdminPinStored => [Off, Off, Fast],
            Self::Refused => [Blink, Off, Off],
            Self::AdminBlocked => [On, On, On],
            Self::AdminBlockedAgain => [Alternate, Alternate, Alternate],
            Self::Cloning => [Off, On, Pulse],
            Self::Fault => [Fast, Off, Off],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_patterns_look_or_sound_the_same() {
        for (i, a) in Pattern::ALL.into_iter().enumerate() {
            for b in Pattern::ALL.into_iter().skip(i + 1) {
                assert_ne!(a.leds(), b.leds(), "{a:?} {b:?}");
                assert_ne!(a.name(), b.name());
            }
        }
    }
}
