//! An error with its sources, and status words in words.

use hsm_protocol::Status;
use std::error::Error;

/// Returns an error's text with those of its sources, as far as they say more.
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

/// Returns what a module means by a status.
pub const fn reason(status: Status) -> &'static str {
    match status {
        Status::Success | Status::More(_) => "it gave an answer that was not expected",
        Status::MemoryFailure => "its memory failed, and nothing was changed",
        Status::WrongLength => "it refused the length of a command",
        Status::ChainBroken => "another program sent it a command in between",
        Status::Locked => "it is locked",
        Status::OutOfOrder => "it no longer knows this run or cycle",
        Status::Malformed => "it refused a malformed command",
        Status::TooLarge => "it has no room for so much",
        Status::WrongParameters => "it refused the parameters of a command",
        Status::NotFound => "it has no such receipt, run, epoch or journal entry",
        Status::UnknownInstruction | Status::UnknownClass => "it does not know the command",
        Status::NotAdministrator => "it is unlocked by its User, not by its Administrator",
        Status::CloningDisabled => "cloning is disabled on it",
        Status::ForeignRoot => "the other module is certified under another root of trust",
        Status::NotGenuine => {
            "the other module is not genuine: its certificate or its signature does not verify"
        }
        Status::SameModule => "master and secondary are the same module",
        Status::VersionRefused => "it uses another version of the protocol",
        Status::RunBroken => "a message was changed on its way, and the run was ended",
        Status::NotProved => "what the secondary stored is not what the master sent",
        Status::AlreadyCertified => "it has a certificate already",
        Status::NotCertified => "it has no certificate yet",
        Status::OtherKind => "one of the two modules is virtual and the other is not",
        Status::NeedsPerson => "nobody confirmed it on its keypad",
        Status::NotAuthentic => "the data was changed, or was not made by a module of its group",
        Status::JournalFull => "the table of its journal is full",
        Status::TooManyWrites => "too many writes since it was unlocked",
        Status::EpochMissing => "it has no key of the epoch that the file is from",
        Status::KeysStay => "it releases no keys of files: its Administrator chose so",
        Status::Retired => "the other module was retired from its group",
        Status::NotRekeyingMaster => "it may not re-key its group",
        Status::EpochsFull => "its keyring has sixteen epochs already",
        Status::OtherLetterbox => "the letter is not for the letterbox that it has now",
        Status::Forked => "the letter's epochs contradict its own: the team was re-keyed apart",
        Status::OlderLetter => "it has a newer epoch than the letter brings",
        Status::NeedsTicket => "its group wants a ticket that enough custodians approved",
        Status::OtherTicket => "the ticket allows something else",
        Status::TicketUsed => "the ticket is used up or withdrawn",
        Status::NotCustodian => "it is no custodian of its group",
        Status::WornOut => "it is worn out, and stores nothing any more",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_words_of_one_line() {
        for status in Status::ALL {
            let text = reason(status);
            let is_line = !text.is_empty() && !text.ends_with('.') && !text.contains('\n');
            assert!(
                is_line && text.starts_with(|first: char| first.is_lowercase()),
                "{text}"
            );
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
