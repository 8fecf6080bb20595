//! Branches and addresses: what memcheck says when secrets go through primitives, keypad and cloning.

use crate::{
    memcheck::{is_watching, poison, reports},
    watched::{Fault, Watched, plant, with_secret_macs},
};
use hsm_core::{
    crypto::{Provider, rust_crypto::RustCrypto},
    keypad::{Digit, Key, KeyEvent},
    leds::Pattern,
};
use hsm_factory::Root;
use hsm_protocol::{Status, receipt::Receipt};
use hsm_testbench::{
    ADMIN_PIN, Bench, RECOVERY_PIN, SELF_DESTRUCT_PIN, USER_PIN, pair::Pair, relay::Message,
};
use std::hint::black_box;

type Module = Bench<Watched<RustCrypto>>;

/// Runs every case; whether only the planted fault was reported.
pub(crate) fn run() -> bool {
    if !is_watching() {
        eprintln!("run it under valgrind: `cargo xtask constant-time`");
        return false;
    }
    let root = Root::generate("Test root").expect("random");
    let cases: [(&str, &dyn Fn()); 9] = [
        ("a PIN stretched, a slot wrapped and unwrapped", &slot),
        ("a tag checked, good and bad", &tag),
        ("unlock as User, right and wrong", &|| {
            let mut module = configured(&root);
            types(&mut module, "SHIFT+KEY 99999999 KEY", Pattern::Refused);
            types(
                &mut module,
                &format!("SHIFT+KEY {USER_PIN} KEY"),
                Pattern::Unlocked,
            );
        }),
        ("unlock with the Self-Destruct PIN", &|| {
            let typed = format!("SHIFT+KEY {SELF_DESTRUCT_PIN} KEY");
            types(&mut configured(&root), &typed, Pattern::Unlocked);
        }),
        ("unlock as Administrator, right and wrong", &|| {
            let mut module = configured(&root);
            types(&mut module, "KEY 99999999 KEY", Pattern::Refused);
            types(
                &mut module,
                &format!("KEY {ADMIN_PIN} KEY"),
                Pattern::Unlocked,
            );
        }),
        ("the Recovery PIN", &|| {
            let mut module = configured(&root);
            types(&mut module, "KEY+4 99999999 KEY", Pattern::Refused);
            module.press(&format!("KEY+4 {RECOVERY_PIN} KEY"));
            types(&mut module, "55667788 KEY 55667788 KEY", Pattern::Stored);
        }),
        ("a new PIN, free and taken", &|| {
            let mut module = configured(&root);
            module.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
            types(
                &mut module,
                "KEY+3 55667788 KEY 55667788 KEY",
                Pattern::Stored,
            );
            let taken = format!("KEY+3 {RECOVERY_PIN} KEY {RECOVERY_PIN} KEY");
            types(&mut module, &taken, Pattern::Refused);
        }),
        ("a PIN typed twice, the same and another", &|| twice(&root)),
        ("a receipt's token, good and bad", &token),
    ];
    let mut is_good = true;
    for (name, case) in cases {
        let count = counted(case);
        println!("{count:3} reports  {name}");
        is_good &= count == 0;
    }
    plant(Fault::Branch);
    let count = counted(&|| {
        let typed = format!("SHIFT+KEY {USER_PIN} KEY");
        types(&mut configured(&root), &typed, Pattern::Unlocked);
    });
    plant(Fault::None);
    println!("{count:3} reports  control: a planted branch on a slot's key");
    is_good && count > 0
}

fn counted(case: &dyn Fn()) -> usize {
    let before = reports();
    case();
    reports() - before
}

fn configured(root: &Root) -> Module {
    let mut module = Module::new("VM0001", root);
    module.set_all_pins();
    module
}

fn types(module: &mut Module, keys: &str, expected: Pattern) {
    assert_eq!(module.press(keys), expected, "{keys}");
}

fn slot() {
    let mut pin = *b"24681357";
    poison(&mut pin);
    let mut kek = [7; 32];
    poison(&mut kek);
    let mut stretched = [0; 32];
    RustCrypto::pbkdf2(&pin, b"salt", 10, &mut stretched).expect("a cost");
    let wrapped = RustCrypto::wrap_key(&stretched, &kek).expect("32 bytes");
    let mut opened = [0; 32];
    black_box(RustCrypto::unwrap_key(&stretched, &wrapped, &mut opened).is_ok());
    stretched[0] ^= 1;
    black_box(RustCrypto::unwrap_key(&stretched, &wrapped, &mut opened).is_ok());
}

fn tag() {
    let mut key = [7; 32];
    poison(&mut key);
    let mut buffer = *b"a CSP, or a part of one";
    poison(&mut buffer);
    let mut tag = RustCrypto::gcm_seal(&key, &[0; 12], b"aad", &mut buffer).expect("short");
    let mut again = buffer;
    black_box(RustCrypto::gcm_open(&key, &[0; 12], b"aad", &mut again, &tag).is_ok());
    tag[15] ^= 1;
    black_box(RustCrypto::gcm_open(&key, &[0; 12], b"aad", &mut buffer, &tag).is_ok());
}

/// The digits themselves are secret here, from the moment at which the keypad reports them.
fn twice(root: &Root) {
    let mut module = configured(root);
    module.press(&format!("KEY+1 {ADMIN_PIN} KEY KEY+3"));
    for second in [b"55667781", b"55667788"] {
        for (typed, end) in [(b"55667788", "KEY"), (second, "KEY")] {
            for c in typed {
                secret_key(&mut module, c - b'0');
            }
            module.press(end);
        }
        if second == b"55667781" {
            assert_eq!(module.leds(), Pattern::Refused);
            module.press("KEY+3");
        }
    }
    assert_eq!(module.leds(), Pattern::Stored);
}

fn secret_key(module: &mut Module, value: u8) {
    let mut digit = Digit::new(value).expect("a digit");
    poison(&mut digit);
    let now = module.now;
    for event in [KeyEvent::Down, KeyEvent::Up] {
        module.module().key(event(Key::Digit(digit)), now);
    }
}

/// What the master expects is secret, until it is equal to what it was given.
fn token() {
    let mut pair = Pair::<Watched<RustCrypto>>::new();
    let parcel = pair.abandoned()[3].clone();
    let receipt = pair.step(Message::Receipt, &parcel).expect("a Parcel");
    // The token is the end of the statement, which is the Receipt's beginning.
    let mut other = receipt.clone();
    let statement = Receipt::parse(&receipt).expect("a Receipt").statement_bytes;
    other[statement.len() - 1] ^= 1;
    with_secret_macs(|| {
        assert_eq!(
            pair.step(Message::Countersignature, &other),
            Err(Status::NotProved)
        );
        assert!(pair.step(Message::Countersignature, &receipt).is_ok());
    });
}
