//! Status words (ISO 7816-4 § 5.6). `98xx` is proprietary: `9XXX` other than `9000` is left to the application.

/// How a command ended: one variant for each status word that a module sends (PROTOCOL § 2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Success,
    /// Done. So many more bytes wait for GET RESPONSE; 0 means 256 or more.
    More(u8),
    /// The store could not be read or written; nothing was changed.
    MemoryFailure,
    /// Lc, Le or the data's length is not valid for this command.
    WrongLength,
    /// A chain is open and this command is not its next link.
    ChainBroken,
    /// The module is locked.
    Locked,
    /// Not now: the previous step is missing, or the module is in another state.
    OutOfOrder,
    /// A field has an invalid value.
    Malformed,
    /// More than the module has room for.
    TooLarge,
    /// P1 or P2 has an invalid value.
    WrongParameters,
    /// There is no such receipt, run, epoch or journal entry.
    NotFound,
    /// No such instruction.
    UnknownInstruction,
    /// No such class.
    UnknownClass,
    /// Unlocked by its User; this needs the Administrator.
    NotAdministrator,
    /// Cloning is disabled on this master.
    CloningDisabled,
    /// The peer's certificate comes from another root of trust.
    ForeignRoot,
    /// The peer's certificate or signature does not verify.
    NotGenuine,
    /// Master and secondary are the same module.
    SameModule,
    /// The peer's protocol version is another.
    VersionRefused,
    /// A message was changed in transit, or belongs to another run; the run is over.
    RunBroken,
    /// What the secondary stored is not what the master sent.
    NotProved,
    /// A certificate is installed already.
    AlreadyCertified,
    /// The module has no certificate yet.
    NotCertified,
    /// One of the two modules is virtual and the other is not.
    OtherKind,
    /// A chunk or a sealed file key was not made by a module of this group, or was changed.
    NotAuthentic,
    /// A person must confirm this on the module's keypad; then the same command does it.
    NeedsPerson,
    /// The journal's table is full: no Parcel to a module that is not in it.
    JournalFull,
    /// The host caused as many writes as one session allows.
    TooManyWrites,
    /// The module's counter or its store keys are used up but for erasures: it stores nothing any more.
    WornOut,
    /// The file is of this module's group, and of an epoch whose key the module does not hold.
    EpochMissing,
    /// The module releases no keys of files: its Administrator chose so.
    KeysStay,
    /// The peer was retired from this module's group.
    Retired,
    /// This module may not re-key its group: its keyring does not name it.
    NotRekeyingMaster,
    /// The keyring has as many epochs as it holds, and dropping the oldest was not permitted.
    EpochsFull,
    /// The letter is not for the letterbox that the module has now.
    OtherLetterbox,
    /// The group was re-keyed apart: the letter's epochs and those of the module contradict each other.
    Forked,
    /// The module has a newer epoch than the letter brings.
    OlderLetter,
    /// The group's policy wants a ticket for this, with enough approvals.
    NeedsTicket,
    /// The ticket allows something else than this.
    OtherTicket,
    /// The ticket is used up or withdrawn.
    TicketUsed,
    /// The module is no custodian of its group, or a retired one.
    NotCustodian,
}

impl Status {
    /// Returns SW1 and SW2.
    pub const fn to_word(self) -> u16 {
        match self {
            Self::Success => 0x9000,
            // No `u16::from` in a const fn; the two bytes are put together instead.
            Self::More(left) => u16::from_be_bytes([0x61, left]),
            Self::MemoryFailure => 0x6581,
            Self::WrongLength => 0x6700,
            Self::ChainBroken => 0x6883,
            Self::Locked => 0x6982,
            Self::OutOfOrder => 0x6985,
            Self::Malformed => 0x6A80,
            Self::TooLarge => 0x6A84,
            Self::WrongParameters => 0x6A86,
            Self::NotFound => 0x6A88,
            Self::UnknownInstruction => 0x6D00,
            Self::UnknownClass => 0x6E00,
            Self::NotAdministrator => 0x9801,
            Self::CloningDisabled => 0x9802,
            Self::ForeignRoot => 0x9803,
            Self::NotGenuine => 0x9804,
            Self::SameModule => 0x9805,
            Self::VersionRefused => 0x9806,
            Self::RunBroken => 0x9807,
            Self::NotProved => 0x9808,
            Self::AlreadyCertified => 0x9809,
            Self::NotCertified => 0x980A,
            Self::OtherKind => 0x980B,
            Self::NotAuthentic => 0x980C,
            Self::NeedsPerson => 0x980D,
            Self::JournalFull => 0x980E,
            Self::TooManyWrites => 0x980F,
            Self::WornOut => 0x9810,
            Self::EpochMissing => 0x9811,
            Self::KeysStay => 0x9812,
            Self::Retired => 0x9813,
            Self::NotRekeyingMaster => 0x9814,
            Self::EpochsFull => 0x9815,
            Self::OtherLetterbox => 0x9816,
            Self::Forked => 0x9817,
            Self::OlderLetter => 0x9818,
            Self::NeedsTicket => 0x9819,
            Self::OtherTicket => 0x981A,
            Self::TicketUsed => 0x981B,
            Self::NotCustodian => 0x981C,
        }
    }

    /// Parses SW1 and SW2; `None` for a word that no module sends.
    pub fn from_word(word: u16) -> Option<Self> {
        if let [0x61, left] = word.to_be_bytes() {
            return Some(Self::More(left));
        }
        Self::ALL
            .into_iter()
            .find(|status| status.to_word() == word)
    }

    /// Every status but [`Self::More`], for tables and tests.
    pub const ALL: [Self; 40] = [
        Self::Success,
        Self::MemoryFailure,
        Self::WrongLength,
        Self::ChainBroken,
        Self::Locked,
        Self::OutOfOrder,
        Self::Malformed,
        Self::TooLarge,
        Self::WrongParameters,
        Self::NotFound,
        Self::UnknownInstruction,
        Self::UnknownClass,
        Self::NotAdministrator,
        Self::CloningDisabled,
        Self::ForeignRoot,
        Self::NotGenuine,
        Self::SameModule,
        Self::VersionRefused,
        Self::RunBroken,
        Self::NotProved,
        Self::AlreadyCertified,
        Self::NotCertified,
        Self::OtherKind,
        Self::NotAuthentic,
        Self::NeedsPerson,
        Self::JournalFull,
        Self::TooManyWrites,
        Self::WornOut,
        Self::EpochMissing,
        Self::KeysStay,
        Self::Retired,
        Self::NotRekeyingMaster,
        Self::EpochsFull,
        Self::OtherLetterbox,
        Self::Forked,
        Self::OlderLetter,
        Self::NeedsTicket,
        Self::OtherTicket,
        Self::TicketUsed,
        Self::NotCustodian,
    ];
}

impl From<crate::Malformed> for Status {
    fn from(_: crate::Malformed) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_one_status() {
        let known = (0..=u16::MAX)
            .filter(|w| Status::from_word(*w).is_some_and(|s| s.to_word() == *w))
            .count();
        assert_eq!(known, Status::ALL.len() + 256);
    }
}
