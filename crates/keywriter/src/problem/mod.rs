//! What went wrong, once for every front end: a reason with a stable code, and what it concerns.
//!
//! Errors of this library stay typed where callers branch on them; each converts to a [`Problem`]. A problem names no
//! command, option or key and gives no advice: each front end has words and advice of its own for every [`Reason`].

mod from;

use crate::{survey::OtherRoot, text::shown};
use std::{error::Error, fmt::Display};

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is.
    pub reason: Reason,
    /// What it concerns: a serial number, a location, a file, a day or a number, as [`Reason`] says; may be empty.
    pub subject: String,
    /// Seconds until the next attempt is accepted, for reasons that are a matter of time.
    pub retry_after: Option<u64>,
    /// What reason and subject do not say, in English, for those who look for the cause; may be empty.
    pub detail: String,
    /// The roots that differ, if that is why; the detail says them, too.
    pub roots: Option<Box<OtherRoot>>,
}

impl Problem {
    /// Makes a problem of a reason that says all.
    pub const fn new(reason: Reason) -> Self {
        Self {
            reason,
            subject: String::new(),
            retry_after: None,
            detail: String::new(),
            roots: None,
        }
    }

    /// Sets what it concerns.
    #[must_use]
    pub fn about(mut self, subject: impl Display) -> Self {
        self.subject = shown(&subject.to_string());
        self
    }

    /// Names what it happened in, before what it concerns.
    #[must_use]
    pub fn within(mut self, outer: impl Display) -> Self {
        self.subject = match self.subject.as_str() {
            "" => shown(&outer.to_string()),
            inner => shown(&format!("{outer}: {inner}")),
        };
        self
    }

    /// Sets the detail.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Display) -> Self {
        self.detail = shown(&detail.to_string());
        self
    }

    /// Sets the roots that differ, as the detail, too.
    #[must_use]
    pub fn with_roots(mut self, roots: Option<&OtherRoot>) -> Self {
        self.roots = roots.cloned().map(Box::new);
        match roots {
            Some(roots) => self.with_detail(roots),
            None => self,
        }
    }

    /// Sets an error and its sources as the detail.
    #[must_use]
    pub fn because(self, error: &dyn Error) -> Self {
        self.with_detail(crate::error::with_sources(error))
    }

    /// Sets when the next attempt is accepted; 0 seconds: at once.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = (seconds > 0).then_some(seconds);
        self
    }
}

impl From<Reason> for Problem {
    fn from(reason: Reason) -> Self {
        Self::new(reason)
    }
}

/// Defines the reasons, each with its code.
macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident = $code:literal,)+) => {
        /// Why something went wrong. Exhaustive: a front end that lacks words for a reason does not compile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])+ $name,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Returns the code for programs. It never changes (docs/CLI.md).
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)+
                }
            }
        }
    };
}

reasons! {
    // Modules. The subject is the module's serial number or location.
    /// Not plugged in.
    Absent = "module-absent",
    /// One serial number in several locations.
    DuplicateSerial = "duplicate-serial",
    /// No certificate yet.
    NotCertified = "module-not-certified",
    /// Certified under another root of trust than this computer's.
    ForeignRoot = "module-foreign-root",
    /// Certificate or signature does not verify on this computer.
    NotGenuine = "module-not-genuine",
    /// This computer has no root certificate to verify modules with.
    NoRoot = "no-root-certificate",
    /// No Admin PIN yet.
    NotSetUp = "module-not-set-up",
    /// Locked, and its Administrator is needed.
    Locked = "module-locked",
    /// Unlocked by its User, and its Administrator is needed.
    UnlockedAsUser = "module-unlocked-as-user",
    /// A master on which cloning is disabled.
    CloningDisabled = "cloning-disabled",
    /// A secondary that holds keys of its own and is locked.
    SecondaryLocked = "secondary-locked",
    /// A secondary that is locked, and a clone of a master of another group.
    OtherTeam = "secondary-other-team",
    /// A secondary that is locked, and a clone from before the master's group was re-keyed.
    OlderEpoch = "secondary-older-epoch",
    /// A secondary in use, and its user did not agree that it loses what it holds.
    NotAgreed = "secondary-not-agreed",
    /// Pulled out during the work.
    Unplugged = "module-unplugged",
    /// The master is no longer available: unplugged, or locked.
    MasterLost = "master-lost",
    /// Another program uses the module.
    InUse = "module-in-use",
    /// No answer in time.
    NoAnswer = "module-no-answer",
    /// The operating system could not connect to the module.
    CannotConnect = "module-connection-failed",
    /// This user may not use the module, the folder of sockets or the smart-card service.
    NotPermitted = "module-not-permitted",
    /// The smart-card service failed.
    NoService = "pcsc-failed",
    /// Nobody confirmed on the module's keypad, in time, what was asked for.
    NotConfirmed = "not-confirmed",
    /// Nobody typed a ticket's code on the module's keypad in time.
    NotTyped = "not-typed",
    /// The module's answer is not signed with its certified key: it was changed on its way.
    AnswerNotSigned = "answer-not-signed",
    /// The recipient is not the one that is known of that team.
    RecipientDiffers = "recipient-differs",
    /// The module that told a recipient is in no receipt of that team, and other modules are.
    NotInReceipts = "not-in-receipts",
    /// Another module found its peer certified under another root of trust.
    PeerForeignRoot = "peer-foreign-root",
    /// Another module found that its peer's certificate or signature does not verify.
    PeerNotGenuine = "peer-not-genuine",
    /// One of the two modules is virtual, and the other is not.
    OtherKind = "module-kind-differs",
    /// What the secondary stored is not what the master sent.
    NotProved = "clone-not-proved",
    /// The modules speak different versions of the protocol.
    VersionDiffers = "protocol-version-differs",
    /// A run was changed on its way or abandoned, or another program used the module in between.
    Interrupted = "run-interrupted",
    /// The module's memory failed.
    MemoryFailed = "module-memory-failed",
    /// A self-test of the module failed, and the module stopped.
    SelfTestFailed = "module-self-test-failed",
    /// The module has no such receipt, run, epoch or journal entry.
    NotInModule = "not-in-module",
    /// More than the module has room for.
    TooLarge = "too-large-for-module",
    /// Data that was changed, or that no module of the group made.
    NotAuthentic = "not-authentic",
    /// The table of the master's journal is full.
    JournalFull = "journal-full",
    /// The other module was retired from the group.
    Retired = "module-retired",
    /// The module may not re-key its group.
    NotRekeyingMaster = "may-not-rekey",
    /// The group has as many epochs as a keyring holds.
    EpochsFull = "epochs-full",
    /// A letter is for another letterbox than the module has now: it was taken, or the module was set up or erased since.
    OtherLetterbox = "letter-other-letterbox",
    /// Two masters re-keyed the group apart, and the letter and the module are of different sides.
    Forked = "team-forked",
    /// The module has a newer epoch than the letter brings.
    OlderLetter = "letter-older",
    /// The group's policy wants a ticket with more approvals than were shown.
    TicketNeeded = "ticket-needed",
    /// The ticket allows something else, or to another master, or was made in another epoch.
    OtherTicket = "ticket-other",
    /// The ticket is used up or withdrawn.
    TicketUsed = "ticket-used",
    /// The module is no custodian of its group.
    NotCustodian = "not-custodian",
    /// The module's host caused as many writes as one unlock allows.
    TooManyWrites = "too-many-writes",
    /// The module is worn out: it can still be used for data until it locks, and erased.
    WornOut = "worn-out",
    /// The entries and hashes of a journal contradict each other.
    JournalInconsistent = "journal-inconsistent",
    /// Any other refusal of a module.
    CommandRefused = "command-refused",
    /// An answer that this program does not understand.
    Incompatible = "module-incompatible",

    // Cycles.
    /// No module is plugged in.
    NoModule = "no-module",
    /// No master is set on this computer.
    NoMaster = "no-master",
    /// Other modules could be the master too; the subject lists them.
    TwoMasters = "two-masters",
    /// No module to clone to.
    NoSecondary = "no-secondary",
    /// Too many secondaries for a cycle that disables its master; the subject is their number.
    TooManySecondaries = "too-many-secondaries",
    /// The same module was named twice.
    SameModule = "same-module-twice",
    /// The cycle was stopped before this secondary's turn.
    Stopped = "cycle-stopped",

    // The license.
    /// This app is not registered.
    NotRegistered = "not-registered",
    /// A hardware module would be cloned, and there is no license for that.
    LicenseNeeded = "license-needed",
    /// The license expired; the subject is its last day.
    LicenseExpired = "license-expired",
    /// The license is revoked.
    LicenseRevoked = "license-revoked",
    /// This computer's clock is before the day on which the license was issued, which is the subject.
    ClockWrong = "clock-wrong",
    /// The stored license is damaged, or for another installation.
    LicenseInvalid = "license-invalid",
    /// The license is signed for another kind of build.
    OtherBuild = "license-other-build",
    /// The license that was received is not the one that was asked for.
    LicenseRejected = "license-rejected",
    /// The portal's address cannot be used.
    PortalAddress = "portal-address-invalid",
    /// The portal does not answer.
    PortalUnreachable = "portal-unreachable",
    /// License number or PIN is wrong, or the license is not active.
    PortalRefused = "portal-refused",
    /// Too many requests to the portal.
    PortalRateLimit = "portal-rate-limit",
    /// The license is registered on as many computers as it allows; the subject is their number.
    TooManyInstallations = "too-many-installations",
    /// The portal gave an answer that this program does not understand.
    PortalIncompatible = "portal-incompatible",

    // What is typed.
    /// A character of the license number is mistyped.
    NumberMistyped = "license-number-mistyped",
    /// Not a license number.
    NumberInvalid = "license-number-invalid",
    /// Not a valid response code.
    ResponseCodeInvalid = "response-code-invalid",
    /// Not a PIN of the app.
    PinInvalid = "pin-invalid",
    /// The PIN is wrong.
    PinWrong = "pin-wrong",
    /// Too early for the next attempt.
    PinWait = "pin-wait",
    /// The new PIN is the current one.
    PinUnchanged = "pin-unchanged",
    /// The two PINs differ.
    PinsDiffer = "pins-differ",

    // Files of this computer. The subject is the file.
    /// A file cannot be read.
    CannotRead = "cannot-read",
    /// A file cannot be written.
    CannotWrite = "cannot-write",
    /// A file of this name exists.
    FileExists = "file-exists",
    /// Input and output are the same file.
    SameFile = "same-file",
    /// Two outputs of one run have the same place.
    SameOutput = "same-output",
    /// A file was changed while it was read.
    InputChanged = "input-changed",
    /// A file was made by a newer version.
    NewerFile = "file-too-new",
    /// Not a valid file of settings.
    SettingsInvalid = "settings-invalid",
    /// Not a valid license file.
    LicenseFileInvalid = "license-file-invalid",
    /// Not a root certificate of modules.
    RootInvalid = "root-certificate-invalid",
    /// Others may write to the folder of the virtual hub, or to its root: the root is not trusted.
    HubOpen = "hub-open",
    /// Another root is pinned on this computer.
    RootPinned = "root-pinned",
    /// Not a whole file of requests, letters, replies or tickets.
    PostInvalid = "mail-file-invalid",
    /// A letterbox, a letter or a receipt of such a file does not verify.
    PostNotVerified = "mail-not-verified",
    /// The file has nothing for the modules that are plugged in.
    NoLetter = "no-letter",
    /// The file holds no ticket, or more than one where one is meant.
    NoTicket = "no-ticket",
    /// A ticket would allow nothing, or more than one has room for.
    TicketImpossible = "ticket-impossible",
    /// A custodian is neither plugged in nor known by a receipt.
    CustodianUnknown = "custodian-unknown",
    /// A receipt cannot be written.
    ReceiptNotKept = "receipt-not-written",
    /// Not a receipt.
    ReceiptInvalid = "receipt-invalid",
    /// A receipt does not verify.
    ReceiptNotVerified = "receipt-not-verified",
    /// A receipt is of modules under another root of trust.
    ReceiptForeignRoot = "receipt-foreign-root",
    /// Not a valid report.
    ReportInvalid = "report-invalid",
    /// A report contradicts its receipts.
    ReportInconsistent = "report-inconsistent",
    /// No receipt where some were looked for.
    NoReceipts = "no-receipts",
    /// A report without receipts.
    ReportEmpty = "report-empty",
    /// There is no folder for this user's state.
    NoStateFolder = "no-state-folder",
    /// No web browser could be started; the subject is the address.
    NoBrowser = "no-browser",
    /// The operating system failed.
    SystemFailed = "system-failed",

    // Encrypted files.
    /// Not an encrypted file.
    NotEncrypted = "not-encrypted",
    /// An encrypted file is damaged, cut off or changed.
    FileDamaged = "file-damaged",
    /// A module that could do it is locked; its User is enough.
    NoUnlockedModule = "no-unlocked-module",
    /// The unlocked modules belong to other groups than the file.
    OtherGroup = "other-group",
    /// The module has no key of the epoch in which the file was encrypted.
    EpochMissing = "epoch-missing",
    /// The module releases no keys of files.
    KeysStay = "keys-stay",
    /// Unlocked modules belong to different groups.
    SeveralGroups = "several-groups",
    /// The input's name does not say what to call the output.
    NoOutputName = "no-output-name",
    /// Several files, and an output that is not a folder.
    OutputNotFolder = "output-not-folder",
    /// Neither a file nor a folder.
    SpecialFile = "special-file",
    /// A folder without a file to work on.
    NothingToDo = "nothing-to-do",

    // Data units.
    /// Not a size of data units.
    UnitSize = "unit-size-invalid",
    /// The numbers of data units exceed 64 bits.
    UnitNumbers = "unit-numbers-exhausted",
    /// The input is empty or not whole blocks.
    NotWholeBlocks = "not-whole-blocks",
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_kebab_case() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for code in codes {
            let is_kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(code.chars().all(is_kebab), "{code}");
        }
    }

    #[test]
    fn a_problem_within_something_keeps_its_subject() {
        let problem = Problem::new(Reason::Absent);
        assert_eq!(problem.clone().within("a.kw").subject, "a.kw");
        assert_eq!(problem.about("VM1").within("a.kw").subject, "a.kw: VM1");
    }
}
