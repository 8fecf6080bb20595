//! Letters between modules on the bench (docs/PROTOCOL.md § 5), for a test to keep, change, lose or take twice.

use crate::{Bench, relay};
use hsm_core::{crypto::Provider, leds::Pattern};
use hsm_protocol::{EpochName, Status, cloning::Options, command::ins, letter::LetterKind};

/// The module's letterbox.
pub fn letterbox<C: Provider>(module: &mut Bench<C>) -> Result<Vec<u8>, Status> {
    module.command(ins::LETTERBOX, 0, &[])
}

/// Has a master, unlocked by its Administrator, write a letter that makes a clone. Begins a cycle.
pub fn join<C: Provider>(master: &mut Bench<C>, letterbox: &[u8]) -> Result<Vec<u8>, Status> {
    relay::begin(master, Options::default(), 1)?;
    master.command(ins::LETTER_WRITE, LetterKind::Join.to_byte(), letterbox)
}

/// Has a master write a letter with its group's epochs, for a member that has the shared one. Begins a cycle.
pub fn epochs<C: Provider>(
    master: &mut Bench<C>,
    shared: EpochName,
    letterbox: &[u8],
) -> Result<Vec<u8>, Status> {
    relay::begin(master, Options::default(), 1)?;
    let data = [&shared.to_bytes()[..], letterbox].concat();
    master.command(ins::LETTER_WRITE, LetterKind::Epoch.to_byte(), &data)
}

/// Takes a letter that makes the module a clone; if it asks for a person, one is there and allows it. Returns the
/// Receipt.
pub fn take_join<C: Provider>(module: &mut Bench<C>, letter: &[u8]) -> Result<Vec<u8>, Status> {
    match module.command(ins::LETTER_JOIN, 0, letter) {
        Err(Status::NeedsPerson) => {
            assert_eq!(module.press("KEY+1:1s"), Pattern::Confirmed);
            module.command(ins::LETTER_JOIN, 0, letter)
        }
        answer => answer,
    }
}

/// Takes a letter with the group's epochs. Returns the Receipt.
pub fn take_epochs<C: Provider>(module: &mut Bench<C>, letter: &[u8]) -> Result<Vec<u8>, Status> {
    module.command(ins::LETTER_EPOCHS, 0, letter)
}
