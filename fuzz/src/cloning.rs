//! The five messages that a module accepts, each sent to a module that waits for it. After an accepted message the run
//! continues to its end; a refused message changes no store. And a letterbox and a letter.

use crate::stage::{CheapBench, Run, has_failed};
use hsm_protocol::{Status, command::ins, letter::LetterKind};
use hsm_testbench::{letters, relay::Message};

/// An Offer, for a master in a cycle.
pub fn offer(data: &[u8]) {
    continue_run(Run::up_to(Message::Offer), Message::Grant, data);
}

/// A Grant, for a secondary that offered.
pub fn grant(data: &[u8]) {
    continue_run(Run::up_to(Message::Grant), Message::Consent, data);
}

/// A Consent, for a master that granted.
pub fn consent(data: &[u8]) {
    continue_run(Run::up_to(Message::Consent), Message::Parcel, data);
}

/// A Parcel, for a secondary that consented.
pub fn parcel(data: &[u8]) {
    continue_run(Run::up_to(Message::Parcel), Message::Receipt, data);
}

/// A Receipt, for a master that sent the Parcel.
pub fn receipt(data: &[u8]) {
    continue_run(
        Run::up_to(Message::Receipt),
        Message::Countersignature,
        data,
    );
}

/// A letterbox, for a master in a cycle.
pub fn write_letter(data: &[u8]) {
    let Run { mut master, .. } = Run::up_to(Message::Offer);
    refused_or_stored(&mut master, |master| {
        master.command(ins::LETTER_WRITE, LetterKind::Join.to_byte(), data)
    });
}

/// A letter, for a module that gave its letterbox.
pub fn take_letter(data: &[u8]) {
    let Run { mut secondary, .. } = Run::up_to(Message::Offer);
    drop(letters::letterbox(&mut secondary));
    refused_or_stored(&mut secondary, |module| {
        module.command(ins::LETTER_JOIN, 0, data)
    });
}

/// Checks that a command that is refused stores nothing.
fn refused_or_stored(
    module: &mut CheapBench,
    command: impl FnOnce(&mut CheapBench) -> Result<Vec<u8>, Status>,
) {
    let before = module.flash.blob();
    let outcome = command(module);
    assert_eq!(
        outcome.is_err(),
        before == module.flash.blob(),
        "{outcome:?}"
    );
    survives(module);
}

/// Sends `data` as the message before `next`, and continues the run.
fn continue_run(mut run: Run, next: Message, data: &[u8]) {
    let mut carried = data.to_vec();
    for message in Message::ALL
        .into_iter()
        .skip_while(|message| *message != next)
    {
        let before = [run.master.flash.blob(), run.secondary.flash.blob()];
        match run.step(message, &carried) {
            Ok(sent) => carried = sent,
            Err(status) => {
                assert!(matches!(status, s if s != Status::Success));
                assert!(
                    before == [run.master.flash.blob(), run.secondary.flash.blob()],
                    "{message:?} refused with {status:?}, and yet something was stored"
                );
                break;
            }
        }
    }
    survives(&mut run.master);
    survives(&mut run.secondary);
}

/// Checks that the module can open its store again.
fn survives(module: &mut CheapBench) {
    assert!(!has_failed(module));
    module.power_up();
    assert!(!has_failed(module));
}
