//! What the program says: for each reason of the library a text, an advice and an exit code (docs/CLI.md).

use keywriter::{
    problem::{Problem, Reason},
    text::counted,
};

/// How the program says a reason.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    /// The exit code of a command that ends with it.
    pub(crate) exit: u8,
    /// What is wrong; `{}` is the subject, which else comes before it.
    pub(crate) text: &'static str,
    /// What to do next.
    pub(crate) advice: &'static str,
}

/// Returns the error line of a problem: subject, text, detail, waiting time.
pub(crate) fn line(problem: &Problem) -> String {
    let Problem {
        reason,
        subject,
        retry_after,
        detail,
        roots: _,
    } = problem;
    let text = of(*reason).text;
    let mut line = if text.contains("{}") {
        text.replace("{}", subject)
    } else if subject.is_empty() {
        text.to_owned()
    } else {
        format!("{subject}: {text}")
    };
    if !detail.is_empty() {
        line.push_str(": ");
        line.push_str(detail);
    }
    if let Some(seconds) = retry_after {
        line = format!(
            "{line}; try again in {}",
            counted(*seconds, "second", "seconds")
        );
    }
    line
}

/// Defines the words of each reason: exit code, text; advice.
macro_rules! words {
    ($($reason:ident: $exit:expr, $text:expr, $advice:expr;)+) => {
        /// Returns the words of a reason.
        pub(crate) const fn of(reason: Reason) -> Words {
            let (exit, text, advice) = match reason {
                $(Reason::$reason => ($exit, $text, $advice),)+
            };
            Words { exit, text, advice }
        }
    };
}

words! {
    // Modules.
    Absent: ABSENT, "the module is not plugged in",
        "plug it in and run the same command again; `keywriter list` shows what is plugged in";
    DuplicateSerial: REFUSED, "the same serial number was found in several locations",
        "unplug all but one of them; `keywriter list` shows where they are";
    NotCertified: REFUSED, "the module has no certificate yet",
        "have it certified first";
    ForeignRoot: REFUSED, "the module is certified under another root of trust",
        "use modules of one root of trust; if yours were given a new root on purpose, `keywriter root forget` and then \
         `keywriter root pin FILE`; --root FILE names one for one command";
    NotGenuine: REFUSED, "the module is not genuine: its certificate or its signature does not verify",
        "do not trust this module; use another";
    NoRoot: REFUSED, "this computer has no root certificate to verify modules with",
        "get the root certificate from the supplier of your modules, then `keywriter root pin FILE`; a terminal asks at \
         the first use; --root FILE names one for one command";
    NotSetUp: REFUSED, "the module has no Admin PIN yet",
        "set it up on its keypad: SHIFT+1, an Admin PIN, KEY, the PIN again, KEY; KEY+8 1 SHIFT; hold SHIFT for a \
         second; KEY, the Admin PIN, KEY";
    Locked: REFUSED, "the module is locked",
        "unlock it on its keypad: KEY, the Admin PIN, KEY";
    UnlockedAsUser: REFUSED, "the module is unlocked by its User, not by its Administrator",
        "unplug it and plug it in again, then on its keypad: KEY, the Admin PIN, KEY";
    CloningDisabled: REFUSED, "cloning is disabled on the module",
        "unplug it and plug it in again, then on its keypad: KEY+1, the Admin PIN, KEY; KEY+8 1 SHIFT; hold SHIFT \
         for a second; KEY, the Admin PIN, KEY";
    SecondaryLocked: REFUSED, "the module is locked and holds keys of its own",
        "to replace what it holds, unlock it on its keypad: KEY, its Admin PIN, KEY; or unplug it";
    OlderEpoch: REFUSED, "the module lacks the present epoch of its team, which was re-keyed",
        "unlock it on its keypad (KEY, its Admin PIN, KEY) and run `keywriter clone` again";
    NotAgreed: REFUSED, "the module is in use, and nobody agreed to replace what it holds",
        "unplug it, or run `keywriter clone` again";
    OtherTeam: REFUSED, "the module is a clone of another team",
        "to replace what it holds, unlock it on its keypad as Administrator: KEY, its Admin PIN, KEY; or unplug it";
    Unplugged: IO, "the module was pulled out",
        "plug it in and run the same command again; `keywriter clone` does only what is missing";
    MasterLost: IO, "the master is no longer available",
        "plug it in, unlock it (KEY, the Admin PIN, KEY) and run `keywriter clone` again: it does only what is \
         missing";
    InUse: IO, "another program is using the module",
        "close the other program and try again";
    NoAnswer: IO, "the module does not answer",
        "unplug it, plug it in again, and try again";
    CannotConnect: IO, "cannot connect to the module",
        "check that this user may use the module's socket; a module on USB: unplug it and plug it in again";
    NotPermitted: IO, "this user may not use the module",
        if cfg!(windows) {
            "ask who runs the hub: the user needs its folder"
        } else {
            "ask who runs the hub or this computer: the user needs the hub's folder, the right to use pcscd, or \
             KeyWriter's udev rule for modules on USB"
        };
    NoService: IO, "the smart-card service failed",
        if cfg!(windows) {
            "check that the service `Smart Card` (SCardSvr) is running, and try again"
        } else {
            "check that pcscd is running, and try again"
        };
    NotConfirmed: REFUSED, "nobody confirmed it on the module's keypad in time",
        "run the same command again and, while the module's GREEN and BLUE alternate, hold the keys it names on the \
         module's keypad for one second";
    NotTyped: REFUSED, "nobody typed the ticket's code on the module's keypad in time",
        "run the same command again, read the code on the second screen, and type its 16 digits and KEY while the \
         module waits";
    AnswerNotSigned: REFUSED, "the module's answer was changed on its way: it is not signed with the module's key",
        "do not use what it said; look for what is between this computer and the module";
    RecipientDiffers: REFUSED, "the recipient is not the one that is known of this team",
        "do not use it; on another clone that you trust, `keywriter recipient --check RECIPIENT` says which is right";
    NotInReceipts: REFUSED, "the module is in no receipt of its team on this computer, and other modules are",
        "use a module that the receipts name; if the module is yours and its team has no receipts here, name it with \
         --module";
    PeerForeignRoot: REFUSED, "the other module is certified under another root of trust",
        "use modules of one root of trust; `keywriter list` shows which are genuine";
    PeerNotGenuine: REFUSED, "the other module is not genuine: its certificate or its signature does not verify",
        "do not trust that module; use another";
    OtherKind: REFUSED, "one of the two modules is virtual and the other is not",
        "clone hardware modules to hardware modules, and virtual ones to virtual ones";
    NotProved: REFUSED, "what the secondary stored is not what the master sent",
        "do not trust that module; use another";
    VersionDiffers: REFUSED, "the module uses another version of the protocol",
        "bring the firmware of all modules to the same version";
    Interrupted: REFUSED, "the exchange with the module was interrupted",
        "check that no other program uses the modules, and try again";
    MemoryFailed: REFUSED, "the module's memory failed, and nothing was changed",
        "unplug it and plug it in again; if it fails again, use another module";
    SelfTestFailed: REFUSED, "a self-test of the module failed, and the module stopped",
        "unplug it and plug it in again; if the test fails again, use another module";
    NotInModule: REFUSED, "the module has no such receipt, run, epoch or journal entry",
        "it may have been reset, or its journal may not go back that far; to clone it again, unlock the secondary \
         as its Administrator";
    TooLarge: REFUSED, "the module has no room for so much",
        "name fewer modules with --to SERIAL";
    NotAuthentic: REFUSED, "the data was changed, or was not made by a module of this group",
        "use the file as it was written, with a module of the group that wrote it";
    JournalFull: REFUSED, "the master's journal lists 256 modules, and has no room for another",
        "compare `keywriter journal` with the modules you own; then `keywriter journal --clear-table`";
    Retired: REFUSED, "the module was retired from this team when it was re-keyed",
        "use another module: a retired serial number stays retired";
    NotRekeyingMaster: REFUSED, "the module may not re-key its team",
        "use the module that made the team";
    OtherLetterbox: REFUSED, "the letter is not for the letterbox that the module has now",
        "it was taken already, or the module was set up or erased since: ask the master's side for a new letter";
    Forked: REFUSED, "two masters re-keyed this team apart, and the letter is not from the module's side",
        "ask who made the letter and who made the module's epoch: one side must be cloned anew by the other";
    OlderLetter: REFUSED, "the module has a newer epoch than the letter brings",
        "nothing is to be done with this letter";
    TicketNeeded: REFUSED, "the team's policy wants a ticket that enough custodians approved",
        "`keywriter ticket new` writes one, custodians approve it with `keywriter ticket approve`, and --ticket FILE \
         shows it to the module";
    OtherTicket: REFUSED, "the ticket allows something else",
        "`keywriter ticket show FILE` says what: it is for one master, one epoch and exactly these modules and choices";
    TicketUsed: REFUSED, "the ticket is used up or withdrawn",
        "have the custodians approve a new one: `keywriter ticket new`";
    NotCustodian: REFUSED, "the module is no custodian of its team",
        "`keywriter team show` says which modules are; a member learns a new policy by letter";
    EpochsFull: REFUSED, "the team has sixteen epochs, and a keyring holds no more",
        "decrypt what was encrypted in the oldest epoch and encrypt it anew; then repeat this with --drop-oldest";
    TooManyWrites: REFUSED, "the module wrote its memory as often as one unlock allows",
        "unplug it, plug it in again, unlock it, and go on";
    WornOut: REFUSED, "the module was written as often as its memory allows, and stores nothing any more",
        "erase it (0 for one second, then 2+7) and use another module in its place";
    JournalInconsistent: REFUSED, "the module's journal contradicts itself",
        "do not trust this connection or this module: read the journal on another computer";
    CommandRefused: REFUSED, "the module refused the command",
        "check that the versions of this program and of the module's firmware match";
    Incompatible: IO, "the module gave an invalid answer",
        "check that the versions of this program and of the module's firmware match";

    // Cycles.
    NoModule: ABSENT, "no module found",
        if cfg!(windows) {
            "plug one in, or name the hub's folder with --state DIR"
        } else {
            "plug one in, or name the hub's folder with --state DIR; PC/SC readers need pcscd"
        };
    NoMaster: REFUSED, "no master is set on this computer",
        "name one with `keywriter master set SERIAL`";
    TwoMasters: REFUSED, "two masters: {} could be the master too, and would be overwritten",
        "unplug the others and plug them in again to lock them, or name the secondaries with --to SERIAL";
    NoSecondary: ABSENT, "no secondary found",
        "plug in the modules to clone to; `keywriter list` shows what is plugged in";
    TooManySecondaries: REFUSED, "{} secondaries are too many for a cycle that disables its master",
        "name at most 64 with --to SERIAL, or leave out --disable-master in `keywriter master set`";
    SameModule: REFUSED, "the same module is named twice",
        "name each secondary once, and not the master";
    Stopped: REFUSED, "the cycle was stopped before its turn",
        "run `keywriter clone` again";

    // The license.
    NotRegistered: UNLICENSED, "this app is not registered",
        "register with `keywriter register --license XXXX-XXXX-XXXX-XXXX`; virtual modules need no license";
    LicenseNeeded: UNLICENSED, "cloning hardware modules needs a license",
        "see `keywriter license show`";
    LicenseExpired: UNLICENSED, "the license expired: its last day was {}",
        "renew it with `keywriter license refresh`; everything but new cycles on hardware modules still works";
    LicenseRevoked: UNLICENSED, "the license is revoked, or the portal does not know this registration any more",
        "contact your partner, then register again; everything but new cycles on hardware modules still works";
    ClockWrong: UNLICENSED, "the license was issued on {}, and this computer's clock shows an earlier day",
        "set this computer's clock, then try again";
    LicenseInvalid: UNLICENSED, "the stored license is not valid",
        "register again with `keywriter register`";
    OtherBuild: UNLICENSED, "the license is for another build of this program",
        "a development build accepts licenses of a development portal, a released one those of your portal: see \
         `keywriter --version`, then register again";
    LicenseRejected: UNLICENSED, "the license received was rejected",
        "check that the response belongs to the request, then register again";
    PortalAddress: USAGE, "not a usable address of a portal",
        "name it as https://HOST with --portal or KEYWRITER_PORTAL; http:// is only for a portal on this computer";
    PortalUnreachable: IO, "the portal does not answer",
        "check the network and the address (--portal), or register with --offline";
    PortalRefused: UNLICENSED, "the portal refused: license number or PIN is wrong, or the license is not active",
        "compare both with the e-mail, and activate the license on the portal's page first";
    PortalRateLimit: UNLICENSED, "too many requests to the portal",
        "wait, then try again";
    TooManyInstallations: UNLICENSED, "the license is already registered on {} computers, as many as it allows",
        "ask your partner to remove a computer that does not need it any more";
    PortalIncompatible: IO, "the portal's answer is not understood",
        "check that this is the address of a portal, and that this program is recent enough for it";

    // What is typed.
    NumberMistyped: USAGE, "a character of the license number is mistyped",
        "compare it with the e-mail";
    NumberInvalid: UNLICENSED, "not a license number",
        "compare it with the e-mail";
    ResponseCodeInvalid: BAD_FILE, "the response code is not valid",
        "compare it with the portal's page, and type it again or give it with --response FILE";
    PinInvalid: UNLICENSED, "a PIN has 8 digits",
        "nothing was changed: try again";
    PinWrong: UNLICENSED, "the PIN is wrong",
        "try again; if you forgot it, register again with a new PIN from your partner";
    PinWait: UNLICENSED, "too many wrong PINs",
        "wait, then try again; if you forgot it, register again with a new PIN from your partner";
    PinUnchanged: UNLICENSED, "the new PIN is the current one",
        "choose another";
    PinsDiffer: UNLICENSED, "the two PINs differ",
        "nothing was changed: try again";

    // Files.
    CannotRead: IO, "cannot read the file",
        "check that it exists and that this user may read it";
    CannotWrite: IO, "cannot write the output",
        "check that the folder exists, that there is room, and that this user may write there";
    FileExists: REFUSED, "the file already exists",
        "choose another name for the output, or replace it with --force";
    SameFile: USAGE, "input and output are the same file",
        "choose another name for the output";
    SameOutput: USAGE, "another output of the same run has this place",
        "give each output a name of its own";
    InputChanged: IO, "another program changed the file while it was read",
        "wait until no program writes to it, or copy it first; then run the same command again";
    NewerFile: BAD_FILE, "the file was made by a newer version",
        "use a newer keywriter";
    SettingsInvalid: BAD_FILE, "not a valid file of settings",
        "use a file that `keywriter settings export` wrote, unchanged; `keywriter master set` writes a new \
         master.json";
    LicenseFileInvalid: BAD_FILE, "not a valid license file",
        "move the file away and register again";
    RootInvalid: BAD_FILE, "not a root certificate of modules",
        "name a PEM file; a virtual hub's root certificate is run/root.pem in its folder";
    HubOpen: REFUSED, "others may write there, so the virtual hub's root is not trusted",
        "if it is yours, run `chmod go-w` on it; else `keywriter root pin FILE` trusts the root of the hub's owner";
    RootPinned: REFUSED, "another root of trust is pinned on this computer",
        "if yours was replaced on purpose, `keywriter root forget` first; if not, do not trust what shows another root";
    PostInvalid: BAD_FILE, "not a whole file of requests, letters, replies or tickets",
        "have it mailed again, as an attachment";
    PostNotVerified: BAD_FILE, "what came by mail was changed on its way, or no genuine module made it",
        "have it mailed again; if it stays so, find out who changes it";
    NoLetter: REFUSED, "the file has nothing for the modules that are plugged in",
        "plug in the module that the letter is for, or ask for a letter for this one: `keywriter letter request`";
    NoTicket: REFUSED, "the file holds no ticket, or more than one",
        "name a file that `keywriter ticket new` wrote, with the approvals that were added to it";
    TicketImpossible: REFUSED, "no ticket allows that",
        "name 1 to 250 modules with --count, or up to 16 with --to; a quorum is at most the number of custodians, of \
         which there are at most 8";
    CustodianUnknown: REFUSED, "the module is neither plugged in nor known by a receipt here",
        "plug it in, or name the folder of receipts with --receipts DIR";
    ReceiptNotKept: IO, "cannot write the receipt",
        "check that there is room and that this user may write there, or name a folder with --receipts DIR; then \
         run `keywriter clone` again, which fetches it";
    ReceiptInvalid: BAD_FILE, "not a receipt",
        "name a file that ends in .receipt.pem";
    ReceiptNotVerified: BAD_FILE, "the receipt does not verify",
        "do not rely on it; `keywriter clone` again fetches it from the modules";
    ReceiptForeignRoot: BAD_FILE, "the receipt is of modules under another root of trust",
        "name the root certificate of these modules with --root FILE";
    ReportInvalid: BAD_FILE, "not a valid report",
        "use a report as `keywriter clone --report` wrote it, unchanged";
    ReportInconsistent: BAD_FILE, "the report contradicts its receipts",
        "do not rely on it; verify the receipts themselves, each in its own file";
    NoReceipts: REFUSED, "there are no receipts",
        "name the folder of receipts with --receipts DIR, or a file that `keywriter team export` wrote";
    ReportEmpty: BAD_FILE, "the report has no receipt, and proves nothing",
        "the report says why each secondary failed";
    NoStateFolder: IO, keywriter::folders::NO_STATE_FOLDER,
        if cfg!(windows) {
            "sign in as a user who has a profile, and try again"
        } else {
            "set HOME to this user's folder"
        };
    NoBrowser: IO, "no web browser could be started",
        "open this address in a browser";
    SystemFailed: IO, "the operating system failed",
        "try again";

    // Encrypted files.
    NotEncrypted: BAD_FILE, "not an encrypted file",
        "name a file that ends in .kw";
    FileDamaged: BAD_FILE, "the encrypted file is damaged",
        "get the file again from its sender; nothing of it was kept";
    NoUnlockedModule: REFUSED, "the modules that could do this are locked",
        "unlock one on its keypad: SHIFT+KEY, the User PIN, KEY; then run the same command again";
    OtherGroup: REFUSED, "no unlocked module is of the team that this is for",
        "plug in and unlock a module of that team; the sender knows which one it is";
    EpochMissing: REFUSED, "the module has no key of the epoch that the file is from",
        "clone that module again from one that has the epoch";
    KeysStay: REFUSED, "the module releases no keys of files: its Administrator chose so",
        "age cannot open files with it; `keywriter` can, with --in-module; the Administrator allows it with 9+0 1 SHIFT";
    SeveralGroups: REFUSED, "modules of different groups are unlocked",
        "name one with --module SERIAL";
    NoOutputName: USAGE, "the name does not end in .kw, so the name of the output is unknown",
        "name the file to write with -o FILE";
    OutputNotFolder: USAGE, "not a folder, and there are several files",
        "name an existing folder with -o FOLDER";
    SpecialFile: IO, "neither a file nor a folder",
        "give its contents through a pipe: -";
    NothingToDo: IO, "the folder has no file to work on",
        "name the files themselves: in folders, `decrypt` takes those that end in .kw, `encrypt` all others, and no \
         links are followed";

    // Data units.
    UnitSize: USAGE, "the unit size is not a multiple of 16 up to 61440",
        "choose another with --unit-size";
    UnitNumbers: USAGE, "the unit numbers exceed 64 bits",
        "choose a lower number with --first";
    NotWholeBlocks: BAD_FILE, "data units are not padded",
        "give whole blocks of 16 bytes";
}

/// Some secondaries or files failed; the others are done.
pub(crate) const SOME_FAILED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// Refused, and nothing was done.
pub(crate) const REFUSED: u8 = 3;
/// No module, or not the one that was named.
const ABSENT: u8 = 4;
/// A file is not what it should be.
const BAD_FILE: u8 = 5;
/// Files, connections or the system failed.
pub(crate) const IO: u8 = 6;
/// A PIN or a license was not accepted.
const UNLICENSED: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_text_and_an_advice_of_one_line() {
        for reason in Reason::ALL {
            let Words { exit, text, advice } = of(*reason);
            assert!((USAGE..=UNLICENSED).contains(&exit), "{reason:?}");
            for words in [text, advice] {
                let is_line =
                    !words.is_empty() && !words.contains(['\n', '\t']) && !words.contains("  ");
                assert!(is_line && !words.ends_with('.'), "{reason:?}: {words}");
                assert!(
                    !words.starts_with(char::is_uppercase),
                    "{reason:?}: {words}"
                );
            }
        }
    }

    #[test]
    fn every_code_is_in_the_documentation_with_its_exit_code() {
        let page = include_str!("../../../docs/CLI.md");
        for reason in Reason::ALL {
            let row = format!("| `{}` | {} |", reason.code(), of(*reason).exit);
            assert!(page.contains(&row), "docs/CLI.md lacks: {row}");
        }
    }

    #[test]
    fn a_line_names_the_subject_the_detail_and_the_wait() {
        let problem = Problem::new(Reason::Locked).about("VM0001");
        assert_eq!(line(&problem), "VM0001: the module is locked");
        let problem = Problem::new(Reason::LicenseExpired).about("2026-06-30");
        assert_eq!(
            line(&problem),
            "the license expired: its last day was 2026-06-30"
        );
        let problem = Problem::new(Reason::PinWrong).after(5);
        assert_eq!(line(&problem), "the PIN is wrong; try again in 5 seconds");
        let problem = Problem::new(Reason::FileDamaged)
            .with_detail("its end is missing")
            .within("a.kw");
        assert_eq!(
            line(&problem),
            "a.kw: the encrypted file is damaged: its end is missing"
        );
    }
}
