//! What the three LEDs can show (`docs/LEDS.md`, with a timeline of each pattern).

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
    /// Blinks as many times as a read-out says, after the LED before it.
    Count,
}

/// A two-digit value and a flag: RED blinks the tens, GREEN the units, BLUE the flag, between two flashes of all
/// three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOut {
    /// Blinks of RED, 0 to 9.
    pub tens: u8,
    /// Blinks of GREEN, 0 to 9.
    pub units: u8,
    /// Whether BLUE blinks, once.
    pub flag: bool,
}

impl ReadOut {
    /// One flash or blink and the dark after it, in milliseconds.
    pub const BLINK: u64 = 500;

    pub(crate) const fn of(value: u8, flag: bool) -> Self {
        Self {
            tens: value / 10 % 10,
            units: value % 10,
            flag,
        }
    }

    /// Returns how long it takes, in milliseconds.
    pub fn duration(self) -> u64 {
        let blinks = u64::from(self.tens)
            .saturating_add(u64::from(self.units))
            .saturating_add(u64::from(self.flag))
            .saturating_add(2);
        blinks.saturating_mul(Self::BLINK)
    }
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
    /// The Admin PIN was erased.
    Reset,
    /// Unlocked.
    Unlocked,
    /// Configuration by keypad.
    AdminMode,
    /// Waiting for the Admin PIN, or for the code that gives more attempts.
    AwaitingAdminPin,
    /// Waiting for the User PIN.
    AwaitingUserPin,
    /// Waiting for the Recovery PIN.
    AwaitingRecoveryPin,
    /// Waiting for a new PIN or a setting's value.
    AwaitingNew,
    /// The deletion of a PIN waits for the same chord again.
    DeleteArmed,
    /// A complete reset waits for its second chord.
    ResetArmed,
    /// A setting's value, shown in blinks.
    ReadOut(ReadOut),
    /// A new User PIN or a setting was stored.
    Stored,
    /// A new Admin PIN was stored.
    AdminPinStored,
    /// Refused; the previous pattern follows.
    Refused,
    /// The Admin PIN is blocked for the first time.
    AdminBlocked,
    /// The Admin PIN is blocked for the second time.
    AdminBlockedAgain,
    /// A cloning run is under way.
    Cloning,
    /// A host asks for an act that a person must allow.
    Asks,
    /// A person allowed it; the host may repeat its command.
    Confirmed,
    /// The store cannot be trusted, or a self-test failed.
    Fault,
}

impl Pattern {
    /// Every pattern, for tables and tests.
    pub const ALL: [Self; 22] = [
        Self::Idle,
        Self::Standby,
        Self::Shipment,
        Self::Reset,
        Self::Unlocked,
        Self::AdminMode,
        Self::AwaitingAdminPin,
        Self::AwaitingUserPin,
        Self::AwaitingRecoveryPin,
        Self::AwaitingNew,
        Self::DeleteArmed,
        Self::ResetArmed,
        Self::ReadOut(ReadOut {
            tens: 1,
            units: 5,
            flag: true,
        }),
        Self::Stored,
        Self::AdminPinStored,
        Self::Refused,
        Self::AdminBlocked,
        Self::AdminBlockedAgain,
        Self::Cloning,
        Self::Asks,
        Self::Confirmed,
        Self::Fault,
    ];

    /// Returns its name in text and JSON.
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
            Self::AwaitingRecoveryPin => "awaiting-recovery-pin",
            Self::AwaitingNew => "awaiting-new",
            Self::DeleteArmed => "delete-armed",
            Self::ResetArmed => "reset-armed",
            Self::ReadOut(_) => "read-out",
            Self::Stored => "stored",
            Self::AdminPinStored => "admin-pin-stored",
            Self::Refused => "refused",
            Self::AdminBlocked => "admin-blocked",
            Self::AdminBlockedAgain => "admin-blocked-again",
            Self::Cloning => "cloning",
            Self::Asks => "asks",
            Self::Confirmed => "confirmed",
            Self::Fault => "fault",
        }
    }

    /// Returns what RED, GREEN and BLUE do.
    pub const fn leds(self) -> [Led; 3] {
        use Led::{Alternate, Blink, Count, Fast, Off, On, Pulse};
        match self {
            Self::Idle => [Off, Off, Off],
            Self::Standby => [On, Off, Off],
            Self::Shipment => [On, On, Off],
            Self::Reset => [On, Off, On],
            Self::Unlocked => [Off, On, Off],
            Self::AdminMode => [Off, Off, On],
            Self::AwaitingAdminPin => [Off, Blink, Blink],
            Self::AwaitingUserPin => [Blink, Blink, Blink],
            Self::AwaitingRecoveryPin => [Blink, Blink, Off],
            Self::AwaitingNew => [Off, Blink, On],
            Self::DeleteArmed => [Blink, Off, On],
            Self::ResetArmed => [Blink, Off, Blink],
            Self::ReadOut(_) => [Count, Count, Count],
            Self::Stored => [Off, Fast, Off],
            Self::AdminPinStored => [Off, Off, Fast],
            Self::Refused => [Blink, Off, Off],
            Self::AdminBlocked => [On, On, On],
            Self::AdminBlockedAgain => [Alternate, Alternate, Alternate],
            Self::Cloning => [Off, On, Pulse],
            Self::Asks => [Off, Alternate, Alternate],
            Self::Confirmed => [Off, On, On],
            Self::Fault => [Fast, Off, Off],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_patterns_look_the_same_or_have_one_name() {
        for (i, a) in Pattern::ALL.into_iter().enumerate() {
            for b in Pattern::ALL.into_iter().skip(i + 1) {
                assert_ne!(a.leds(), b.leds(), "{a:?} {b:?}");
                assert_ne!(a.name(), b.name());
            }
        }
    }
}
