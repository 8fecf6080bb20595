//! What a pattern means, in words: color is never the only sign.

use hsm_core::leds::Pattern;

/// What the module tells by a pattern.
pub const fn meaning(pattern: Pattern) -> &'static str {
    match pattern {
        Pattern::Idle => "Asleep and locked. Hold SHIFT for 1 s to wake it.",
        Pattern::Standby => "Awake and locked.",
        Pattern::Shipment => "No Admin PIN was ever set.",
        Pattern::Reset => "No Admin PIN any more; everything is erased.",
        Pattern::Unlocked => "Unlocked for data and for the host.",
        Pattern::AdminMode => "Admin mode: configure by keypad.",
        Pattern::AwaitingAdminPin => "Waiting for the Admin PIN, or the unblock code.",
        Pattern::AwaitingUserPin => "Waiting for the User PIN.",
        Pattern::AwaitingRecoveryPin => "Waiting for the Recovery PIN.",
        Pattern::AwaitingNew => "Waiting for a new PIN or a value.",
        Pattern::DeleteArmed => "The same chord again deletes the PIN.",
        Pattern::ResetArmed => "2+7 erases everything.",
        Pattern::ReadOut(_) => "A setting's value: count the blinks.",
        Pattern::Stored => "A new PIN, a deletion or a setting is stored.",
        Pattern::AdminPinStored => "New Admin PIN stored.",
        Pattern::Refused => "Refused: nothing was changed.",
        Pattern::AdminBlocked => "Admin PIN blocked. The unblock code gives 3 more.",
        Pattern::AdminBlockedAgain => "Admin PIN blocked. The unblock code gives the last.",
        Pattern::Cloning => "A cloning run is under way.",
        Pattern::Fault => "The store cannot be trusted: power up again.",
    }
}
