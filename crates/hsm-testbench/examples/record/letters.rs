//! Letters, to the byte: one of each kind with its secrets, and what is refused.

use crate::{
    flip,
    script::{Script, record},
};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{EpochName, command::ins};
use hsm_testbench::{
    secrets::letter::{LETTERBOX_SHARE, LetterDrawn},
    vector::Player,
};

pub(crate) fn all(root: &Root) {
    join(root);
    epochs(root);
    refused(root);
}

/// A script with a master whose cycle has begun.
fn script<'a>(point: &str, section: &str, root: &'a Root) -> Script<'a> {
    let mut script = Script::new(point, section, root);
    script.master();
    script.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    script
}

fn join(root: &Root) {
    let mut s = script(
        "a letter makes a module in Shipment State a clone",
        "5",
        root,
    );
    s.module("SECOND-1");
    let letterbox = s.done("SECOND-1", ins::LETTERBOX, 0, "");
    let letter = s.done("MASTER-1", ins::LETTER_WRITE, 0, &letterbox);
    let receipt = s.done("SECOND-1", ins::LETTER_JOIN, 0, &letter);
    s.done("SECOND-1", ins::LETTERBOX, 0, "");
    s.done("MASTER-1", ins::COUNTERSIGN, 0, &receipt);
    s.done("MASTER-1", ins::JOURNAL, 0, "");
    secrets(&s.player, "join", None, &letterbox, &letter);
    s.save("letters/join");
}

fn epochs(root: &Root) {
    let mut s = script(
        "a letter brings a member, unlocked by its User, the next epoch; the retired one gets none",
        "5",
        root,
    );
    for serial in ["SECOND-1", "SECOND-2"] {
        s.module(serial);
        s.run(serial, 6);
    }
    let status = s.done("MASTER-1", ins::STATUS, 0, "");
    let shared = status[2 * 17..2 * 29].to_owned();
    let retired = hex::encode("SECOND-2") + &"00".repeat(8);
    s.send("MASTER-1", ins::REKEY, 0, &retired);
    s.keys("MASTER-1", "KEY+2:1s");
    s.done("MASTER-1", ins::REKEY, 0, &retired);
    s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    let theirs = s.done("SECOND-2", ins::LETTERBOX, 0, "");
    s.send(
        "MASTER-1",
        ins::LETTER_WRITE,
        1,
        &(shared.clone() + &theirs),
    );
    let letterbox = s.done("SECOND-1", ins::LETTERBOX, 0, "");
    let letter = s.done(
        "MASTER-1",
        ins::LETTER_WRITE,
        1,
        &(shared.clone() + &letterbox),
    );
    s.send("SECOND-1", ins::LETTER_EPOCHS, 0, &letter);
    s.keys("SECOND-1", "SHIFT+KEY 13572468 KEY");
    let receipt = s.done("SECOND-1", ins::LETTER_EPOCHS, 0, &letter);
    s.done("SECOND-1", ins::STATUS, 0, "");
    s.done("MASTER-1", ins::COUNTERSIGN, 0, &receipt);
    s.keys("SECOND-2", "SHIFT+KEY 13572468 KEY");
    s.send("SECOND-2", ins::LETTER_EPOCHS, 0, &letter);
    let key = epoch_key(&s.player, &shared);
    secrets(&s.player, "epochs", Some(key), &letterbox, &letter);
    s.save("letters/epochs");
}

fn refused(root: &Root) {
    let mut s = script(
        "a letter is taken once, whole, and by the module that it is for, as it was then",
        "5.3",
        root,
    );
    for serial in ["SECOND-1", "SECOND-2"] {
        s.module(serial);
    }
    let letterbox = s.done("SECOND-1", ins::LETTERBOX, 0, "");
    s.send("MASTER-1", ins::LETTER_WRITE, 0, &flip(&letterbox, 20));
    let own = s.done("MASTER-1", ins::LETTERBOX, 0, "");
    s.send("MASTER-1", ins::LETTER_WRITE, 0, &own);
    let first = s.done("MASTER-1", ins::LETTER_WRITE, 0, &letterbox);
    let second = s.done("MASTER-1", ins::LETTER_WRITE, 0, &letterbox);
    s.done("SECOND-2", ins::LETTERBOX, 0, "");
    s.send("SECOND-2", ins::LETTER_JOIN, 0, &first);
    s.send("SECOND-1", ins::LETTER_JOIN, 0, &flip(&first, 100));
    s.send(
        "SECOND-1",
        ins::LETTER_JOIN,
        0,
        &flip(&first, first.len() / 2 - 100),
    );
    s.send("SECOND-1", ins::LETTER_JOIN, 0, &(first.clone() + "00"));
    s.done("SECOND-1", ins::LETTER_JOIN, 0, &second);
    s.keys("SECOND-1", "KEY 24681357 KEY");
    s.send("SECOND-1", ins::LETTER_JOIN, 0, &first);
    s.keys("SECOND-1", "KEY+1:1s");
    s.send("SECOND-1", ins::LETTER_JOIN, 0, &first);
    s.save("letters/refused");
}

/// Records what the modules drew for a letter, and what follows from it.
fn secrets(
    player: &Player,
    name: &str,
    shared_epoch: Option<[u8; 48]>,
    letterbox: &str,
    letter: &str,
) {
    let [letterbox, letter] = [letterbox, letter].map(|text| hex::decode(text).expect("hex"));
    let (second, master) = (player.draws("SECOND-1"), player.draws("MASTER-1"));
    let mine = drawn(&second, &letterbox[LETTERBOX_SHARE..][..97]);
    let share = letter.len();
    let theirs = (0..share - 97).find_map(|at| {
        let point = &letter[at..at + 97];
        (point[0] == 4).then(|| place(&master, point)).flatten()
    });
    let theirs = theirs.expect("the share was drawn");
    let drawn = LetterDrawn {
        letterbox_scalar: array(&second[mine]),
        letterbox_seed: array(&second[mine + 1]),
        master_scalar: array(&master[theirs]),
        master_message: array(&master[theirs + 1]),
        shared_epoch,
    };
    let text = drawn.text::<RustCrypto>(&format!("letters/{name}"), &letterbox, &letter);
    record(&format!("secrets/letter-{name}"), &text);
}

fn drawn(draws: &[Vec<u8>], point: &[u8]) -> usize {
    place(draws, point).expect("the scalar was drawn")
}

/// Which draw is the scalar of a point.
fn place(draws: &[Vec<u8>], point: &[u8]) -> Option<usize> {
    draws.iter().position(|draw| {
        let Ok(scalar) = <&[u8; 48]>::try_from(draw.as_slice()) else {
            return false;
        };
        let mut secret = <RustCrypto as Provider>::EcdhSecret::default();
        RustCrypto::ecdh_from_scalar(scalar, &mut secret).is_ok_and(|made| made == point)
    })
}

/// Which draw of the master is the key of the epoch of that name.
fn epoch_key(player: &Player, name: &str) -> [u8; 48] {
    let name = hex::decode(name).expect("hex");
    let draws = player.draws("MASTER-1");
    let is_key = |draw: &&Vec<u8>| {
        let Ok(key) = <&[u8; 48]>::try_from(draw.as_slice()) else {
            return false;
        };
        let mut check = [0; 8];
        RustCrypto::hkdf_expand(key, &[EpochName::LABEL], &mut check).is_ok()
            && name.ends_with(&check)
    };
    array(
        draws
            .iter()
            .find(is_key)
            .expect("the epoch's key was drawn"),
    )
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("of that size")
}
