//! What modules mean by their status words, and what to do next.

use crate::{
    cycle::{CycleError, Failure, run::StepError},
    module::ModuleError,
    transport::TransportError,
};
use hsm_protocol::Status;
use std::error::Error;

/// An error with what caused it, as far as the causes say more.
pub fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = source.source();
    }
    text
}

/// A status as words that follow "it", or stand for themselves.
pub const fn reason(status: Status) -> &'static str {
    match status {
        Status::Success | Status::More(_) => "it answered out of turn",
        Status::MemoryFailure => "its store failed, and nothing was changed",
        Status::WrongLength => "it refused a command's length",
        Status::ChainBroken => "another program sent it a command in between",
        Status::Locked => "it is locked",
        Status::OutOfOrder => "it knows of no such run or cycle any more",
        Status::Malformed => "it refused a malformed command",
        Status::TooLarge => "that is more than it has room for",
        Status::WrongParameters => "it refused a command's parameters",
        Status::NotFound => "it has no such receipt, run, epoch or journal entry",
        Status::UnknownInstruction | Status::UnknownClass => "it does not know the command",
        Status::NotAdministrator => "it is unlocked by its User, not by its Administrator",
        Status::CloningDisabled => "cloning is disabled on it",
        Status::ForeignRoot => "the other module is certified under another root of trust",
        Status::NotGenuine => {
            "the other module is not genuine: its certificate or its signature does not verify"
        }
        Status::SameModule => "master and secondary are the same module",
        Status::VersionRefused => "it speaks another version of the protocol",
        Status::RunBroken => "a message was changed on its way, and the run is over",
        Status::NotProved => "what the secondary stored is not what the master sent",
        Status::AlreadyCertified => "it has a certificate already",
        Status::NotCertified => "it has no certificate yet",
        Status::OtherKind => "one of the two modules is virtual and the other is not",
        Status::NotAuthentic => "that was changed, or no module of its group made it",
    }
}

/// What to do after a refusal with that status.
pub const fn advice_on(status: Status) -> &'static str {
    match status {
        Status::Locked => "unlock it on its keypad: KEY, the Admin PIN, KEY",
        Status::NotAdministrator => {
            "unplug it and plug it in again, then on its keypad: KEY, the Admin PIN, KEY"
        }
        Status::CloningDisabled => {
            "unplug it and plug it in again, then on its keypad: KEY+1, the Admin PIN, KEY; KEY+8 1 SHIFT; \
             hold SHIFT for a second; KEY, the Admin PIN, KEY"
        }
        Status::ForeignRoot => "use modules of one root of trust, and see `keywriter list`",
        Status::NotGenuine | Status::NotProved => "do not trust that module; use another",
        Status::SameModule => "name each module once",
        Status::VersionRefused => "bring the firmware of both modules to the same version",
        Status::NotCertified => "have it certified first",
        Status::OtherKind => "clone hardware to hardware, and virtual modules to virtual ones",
        Status::NotAuthentic => {
            "use the file as it was written, with a module of the group that wrote it"
        }
        Status::MemoryFailure => "unplug it, plug it in again, and see `keywriter list`",
        Status::NotFound => {
            "it may have been reset, or its journal may reach no further back; to clone anew, \
             unlock the secondary as its Administrator"
        }
        Status::TooLarge => "name fewer modules with --to SERIAL",
        Status::RunBroken | Status::OutOfOrder | Status::ChainBroken => {
            "see that no other program uses the modules, and try again"
        }
        Status::Success
        | Status::More(_)
        | Status::WrongLength
        | Status::Malformed
        | Status::WrongParameters
        | Status::UnknownInstruction
        | Status::UnknownClass
        | Status::AlreadyCertified => {
            "see that this program and the module's firmware belong together"
        }
    }
}

impl TransportError {
    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Absent { .. } | Self::PulledOut { .. } => {
                "plug it in and run the same command again"
            }
            Self::InUse { .. } => "end the other program and try again",
            Self::Silent { .. } => "unplug it, plug it in again, and try again",
            Self::Malformed { .. } | Self::TooLong { .. } => {
                "see that this program and the module's firmware belong together"
            }
            Self::Io { .. } => "see that this user may use the module's socket",
            Self::Service { .. } => "see that pcscd runs, and try again",
        }
    }
}

impl ModuleError {
    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Transport(error) => error.advice(),
            Self::Refused(status) => advice_on(*status),
            Self::UnknownStatus { .. } | Self::Malformed { .. } => {
                "see that this program and the module's firmware belong together"
            }
            Self::Random(_) => "try again",
        }
    }
}

impl StepError {
    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Secondary(error) if error.is_link() => {
                "plug it in and run `keywriter clone` again: what is missing is finished then"
            }
            Self::MasterLost(error) if error.is_link() => {
                "plug the master in, unlock it (KEY, the Admin PIN, KEY) and run `keywriter clone` again"
            }
            Self::Secondary(error) | Self::Master(error) => error.advice(),
            Self::MasterLost(error) => error.advice(),
        }
    }
}

impl Failure {
    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.advice(),
            Self::Step(error) => error.advice(),
        }
    }
}

impl CycleError {
    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.advice(),
            Self::License(refusal) => refusal.advice(),
            Self::Master { source, .. } => source.advice(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_words_and_advice_of_one_line() {
        for status in Status::ALL {
            for text in [reason(status), advice_on(status)] {
                assert!(
                    !text.is_empty() && !text.ends_with('.') && !text.contains('\n'),
                    "{text}"
                );
                assert!(
                    text.starts_with(|first: char| first.is_lowercase()),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn the_refusals_that_people_meet_have_words_of_their_own() {
        let met = [
            Status::Locked,
            Status::NotAdministrator,
            Status::CloningDisabled,
            Status::ForeignRoot,
            Status::NotGenuine,
            Status::SameModule,
            Status::RunBroken,
            Status::NotProved,
        ];
        let words: std::collections::BTreeSet<_> =
            met.iter().map(|status| reason(*status)).collect();
        assert_eq!(words.len(), met.len());
    }
}
