//! The five messages that a module takes, each given to a module that waits for it; what is accepted goes on to the end of
//! the run. A message that is refused changes no store.

use crate::stage::{CheapBench, Run, has_failed};
use hsm_protocol::Status;
use hsm_testbench::relay::Message;

/// An Offer, for a master in a cycle.
pub fn offer(data: &[u8]) {
    go_on(Run::up_to(Message::Offer), Message::Grant, data);
}

/// A Grant, for a secondary that offered.
pub fn grant(data: &[u8]) {
    go_on(Run::up_to(Message::Grant), Message::Consent, data);
}

/// A Consent, for a master that granted.
pub fn consent(data: &[u8]) {
    go_on(Run::up_to(Message::Consent), Message::Parcel, data);
}

/// A Parcel, for a secondary that consented.
pub fn parcel(data: &[u8]) {
    go_on(Run::up_to(Message::Parcel), Message::Receipt, data);
}

/// A Receipt, for a master that sent the Parcel.
pub fn receipt(data: &[u8]) {
    go_on(Run::up_to(Message::Receipt), Message::Seal, data);
}

/// Asks for `next`, giving `data` for the message before it, and for what follows.
fn go_on(mut run: Run, next: Message, data: &[u8]) {
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

/// Whatever happened, the store is one that the module opens again.
fn survives(module: &mut CheapBench) {
    assert!(!has_failed(module));
    module.power_up();
    assert!(!has_failed(module));
}
