//! What survives a reset, a self-destruction and the Administrator's limit: what the module is; and nothing that it kept.

use super::{
    ALL, Module, Pattern, WRONG_PIN, Which, all_pins, cipher, lock_state, replug, settled,
};
use hsm_core::leds::ReadOut;
use hsm_factory::{P384Verifier, Root};
use hsm_protocol::{
    Status,
    certificate::{self, Chain},
    cloning::{Condition, Options},
    command::ins,
    identity::{LockState, SignedIdentity},
    receipt::FinishedReceipt,
    settings::EncryptionMode,
};
use hsm_testbench::{ADMIN_PIN, SELF_DESTRUCT_PIN, relay};

/// What erases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Erasure {
    Reset,
    AdminLimit,
    SelfDestruct,
}

impl Erasure {
    const ALL: [Self; 3] = [Self::Reset, Self::AdminLimit, Self::SelfDestruct];

    fn act(self, module: &mut Module) {
        match self {
            Self::Reset => {
                module.press("0:1s 2+7");
            }
            Self::AdminLimit => {
                for _ in 0..10 {
                    module.press(&format!("KEY {WRONG_PIN} KEY 47867243 KEY"));
                }
            }
            Self::SelfDestruct => {
                let leds = Which::SelfDestruct.enter(module, SELF_DESTRUCT_PIN);
                assert_eq!(leds, Pattern::Unlocked);
                replug(module);
            }
        }
        let expected = match self {
            Self::SelfDestruct => (Pattern::Standby, LockState::Locked),
            Self::Reset | Self::AdminLimit => (Pattern::Reset, LockState::Reset),
        };
        assert_eq!((settled(module), lock_state(module)), expected);
    }

    /// The module's next User, by whatever way there is one; nothing else is set on the way.
    fn next_user(self, module: &mut Module) {
        let pin = match self {
            Self::SelfDestruct => SELF_DESTRUCT_PIN,
            Self::Reset | Self::AdminLimit => {
                let pin = super::USER_PIN;
                module.press(&format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"));
                module.press(&format!("KEY+3 {pin} KEY {pin} KEY SHIFT:1s"));
                pin
            }
        };
        assert_eq!(Which::User.enter(module, pin), Pattern::Unlocked);
    }
}

#[test]
fn what_the_module_is_stays_byte_for_byte() {
    let root = Root::generate("Test root").unwrap();
    for erasure in Erasure::ALL {
        let mut module = in_use(&root);
        let before = public(&mut module);
        erasure.act(&mut module);
        assert_eq!(public(&mut module), before, "{erasure:?}");
        assert_genuine(&mut module, &root);
        module.power_up();
        assert_eq!(public(&mut module), before, "{erasure:?}");
        assert_genuine(&mut module, &root);
    }
}

#[test]
fn every_pin_is_gone() {
    let root = Root::generate("Test root").unwrap();
    for erasure in Erasure::ALL {
        let mut module = in_use(&root);
        erasure.act(&mut module);
        for which in ALL {
            let mut module = module.duplicate();
            let leds = which.enter(&mut module, which.pin());
            let is_user_now = erasure == Erasure::SelfDestruct && which == Which::SelfDestruct;
            let expected = if is_user_now {
                Pattern::Unlocked
            } else {
                Pattern::Refused
            };
            assert_eq!(leds, expected, "{erasure:?} {which:?}");
        }
    }
}

#[test]
fn what_was_enciphered_before_is_lost() {
    let root = Root::generate("Test root").unwrap();
    for erasure in Erasure::ALL {
        // One enciphers with ECB, the other with XTS, which every module does afterwards.
        for make in [in_use, |_: &Root| all_pins()] {
            let mut module = make(&root);
            module.unlock_user();
            let ciphered = cipher(&mut module, 0, &[9; 64]);
            assert_eq!(cipher(&mut module, 1, &ciphered), [9; 64]);
            let group = module.status().group;
            replug(&mut module);
            erasure.act(&mut module);
            erasure.next_user(&mut module);
            assert_ne!(module.status().group, group, "{erasure:?}");
            assert_ne!(cipher(&mut module, 1, &ciphered), [9; 64], "{erasure:?}");
            assert_ne!(cipher(&mut module, 0, &[9; 64]), ciphered, "{erasure:?}");
            if erasure != Erasure::SelfDestruct {
                replug(&mut module);
                module.configure("KEY+9 2 SHIFT");
                module.unlock_user();
                assert_ne!(cipher(&mut module, 1, &ciphered), [9; 64], "{erasure:?}");
            }
        }
    }
}

#[test]
fn settings_are_defaults_the_journal_is_empty_and_there_is_no_receipt() {
    let root = Root::generate("Test root").unwrap();
    for erasure in Erasure::ALL {
        let mut module = in_use(&root);
        assert!(module.command(ins::LAST_RECEIPT, 0, &[]).is_ok());
        erasure.act(&mut module);
        let receipt = module.command(ins::LAST_RECEIPT, 0, &[]);
        assert_eq!(receipt, Err(Status::NotFound), "{erasure:?}");
        erasure.next_user(&mut module);
        let status = module.status();
        assert_eq!(status.mode, EncryptionMode::Xts, "{erasure:?}");
        assert_eq!(
            (status.auto_lock, status.policy),
            (None, None),
            "{erasure:?}"
        );
        assert_eq!((status.epoch.number, status.admin), (1, None));
        replug(&mut module);
        if erasure == Erasure::SelfDestruct {
            continue;
        }
        module.unlock_admin();
        let admin = module.status().admin.unwrap();
        assert!(admin.user_pin && !admin.cloning);
        assert!(!admin.recovery_pin && !admin.self_destruct_pin);
        let journal = module.command(ins::JOURNAL, 0, &[]).unwrap();
        assert!(journal.iter().all(|byte| *byte == 0), "{erasure:?}");
        replug(&mut module);
        module.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
        for (chord, tens, units) in [
            ("SHIFT+5", 0, 0),
            ("SHIFT+7", 0, 7),
            ("SHIFT+8", 0, 0),
            ("SHIFT+9", 0, 1),
            ("2+0", 1, 0),
        ] {
            let expected = Pattern::ReadOut(ReadOut {
                tens,
                units,
                flag: false,
            });
            assert_eq!(module.press(&format!("{chord} KEY")), expected, "{chord}");
        }
    }
}

#[test]
fn attempts_are_as_many_as_at_first() {
    let root = Root::generate("Test root").unwrap();
    for erasure in [Erasure::Reset, Erasure::AdminLimit] {
        let mut module = in_use(&root);
        for _ in 0..2 {
            Which::User.enter(&mut module, WRONG_PIN);
            Which::Recovery.enter(&mut module, WRONG_PIN);
            Which::Admin.enter(&mut module, WRONG_PIN);
        }
        erasure.act(&mut module);
        module.set_all_pins();
        for _ in 0..4 {
            Which::Admin.enter(&mut module, WRONG_PIN);
            Which::Recovery.enter(&mut module, WRONG_PIN);
        }
        for _ in 0..9 {
            Which::User.enter(&mut module, WRONG_PIN);
        }
        for which in ALL {
            let mut module = module.duplicate();
            assert_eq!(which.enter(&mut module, which.pin()), which.opened());
        }
    }
}

#[test]
fn a_module_that_was_reset_is_cloned_to_as_such_and_one_that_destroyed_itself_is_not() {
    let root = Root::generate("Test root").unwrap();
    for erasure in Erasure::ALL {
        let mut module = in_use(&root);
        erasure.act(&mut module);
        let mut master = Module::new("MASTER-1", &root);
        master.set_up();
        master.unlock_admin();
        relay::begin(&mut master, Options::default(), 1).unwrap();
        let outcome = relay::run(&mut master, &mut module, 0, |_, _| {});
        if erasure == Erasure::SelfDestruct {
            let refused = Some((relay::Message::Offer, Status::Locked));
            assert_eq!(outcome.refused, refused);
        } else {
            let bytes = outcome.receipt();
            let receipt = FinishedReceipt::parse(&bytes).unwrap();
            let statement = receipt.receipt.statement().unwrap();
            assert_eq!(statement.condition, Condition::Reset);
            module.unlock_user();
        }
    }
}

/// A clone that is in use as a master: every setting is another than the default, there is a receipt and a journal.
pub(super) fn in_use(root: &Root) -> Module {
    let mut master = Module::new("MASTER-9", root);
    master.set_all_pins();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    let mut module = Module::new("MODULE-1", root);
    relay::run(&mut master, &mut module, 0, |_, _| {}).receipt();
    module.configure("KEY+5 42 SHIFT KEY+9 2 SHIFT KEY+8 1 SHIFT 7+0 04 SHIFT");
    let user = super::USER_PIN;
    module.configure(&format!("KEY+7 080 SHIFT KEY+3 {user} KEY {user} KEY"));
    module.unlock_admin();
    relay::begin(&mut module, Options::default(), 1).unwrap();
    let mut clone = Module::new("SECOND-9", root);
    relay::run(&mut module, &mut clone, 0, |_, _| {}).receipt();
    replug(&mut module);
    module
}

/// What anyone may read, but for the lock state and the receipt.
fn public(module: &mut Module) -> Vec<Vec<u8>> {
    let identity = module.command(ins::IDENTITY, 0, &[1; 32]).unwrap();
    let identity = SignedIdentity::parse(&identity).unwrap().identity;
    let says = format!(
        "{:?} {:?} {} {}",
        identity.version, identity.firmware, identity.serial, identity.certified
    );
    vec![
        says.into_bytes(),
        module.command(ins::CERTIFICATE, 0, &[]).unwrap(),
        module.command(ins::CERTIFICATE, 1, &[]).unwrap(),
    ]
}

/// The certificate verifies, and the module has its key: IDENTITY is signed with it.
fn assert_genuine(module: &mut Module, root: &Root) {
    let chain = module.command(ins::CERTIFICATE, 0, &[]).unwrap();
    let trusted = certificate::Root::parse(root.certificate_der()).unwrap();
    let genuine = trusted
        .verify::<P384Verifier>(&Chain::parse(&chain).unwrap())
        .unwrap();
    let bytes = module.command(ins::IDENTITY, 0, &[1; 32]).unwrap();
    let identity = SignedIdentity::parse(&bytes).unwrap();
    identity
        .verify::<P384Verifier>(genuine.public(), &[1; 32])
        .unwrap();
    assert_eq!(identity.identity.serial, genuine.serial());
}
