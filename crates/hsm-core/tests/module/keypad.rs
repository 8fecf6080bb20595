//! What hands can do, and what the LEDs answer.

mod attempts;
mod auto_lock;
mod destruction;
mod documents;
mod erasure;
mod limits;
mod own_pin;
mod pins;
mod read_outs;
mod recovery;
mod reset;
mod settings;
mod timeouts;
mod traces;

use crate::Crypto;
use hsm_core::{leds::Pattern, time::FLASH};
use hsm_factory::Root;
use hsm_protocol::{
    command::{DataUnits, ins},
    identity::{LockState, SignedIdentity},
    settings::AdminStatus,
    writer::Writer,
};
use hsm_testbench::{ADMIN_PIN, Bench, RECOVERY_PIN, SELF_DESTRUCT_PIN, USER_PIN};

type Module = Bench<Crypto>;

/// A valid PIN that was never set.
const WRONG_PIN: &str = "97531864";

const UNBLOCK: &str = "47867243 KEY";

#[test]
fn a_new_module_takes_its_first_admin_pin_twice_and_is_in_admin_mode() {
    let mut module = shipment();
    assert_eq!(module.leds(), Pattern::Shipment);
    assert_eq!(lock_state(&mut module), LockState::Shipment);
    assert_eq!(module.press("SHIFT+1"), Pattern::AwaitingNew);
    assert_eq!(module.press(ADMIN_PIN), Pattern::AwaitingNew);
    assert_eq!(module.press("KEY"), Pattern::AwaitingNew);
    assert_eq!(module.press(ADMIN_PIN), Pattern::AwaitingNew);
    assert_eq!(module.press("KEY"), Pattern::AdminPinStored);
    assert_eq!(settled(&mut module), Pattern::AdminMode);
    assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
    module.unlock_admin();
}

#[test]
fn a_first_admin_pin_mistyped_abandoned_or_left_alone_keeps_shipment() {
    let mut module = shipment();
    let blob = module.flash.blob();
    for keys in [
        format!("SHIFT+1 {ADMIN_PIN} KEY {WRONG_PIN} KEY"),
        format!("SHIFT+1 {ADMIN_PIN} KEY KEY"),
        format!("SHIFT+1 {ADMIN_PIN} KEY KEY+3"),
        "SHIFT+1 246 SHIFT".into(),
        "SHIFT+1 246 SHIFT+KEY".into(),
    ] {
        assert_eq!(module.press(&keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::Shipment, "{keys}");
    }
    module.press(&format!("SHIFT+1 {ADMIN_PIN} KEY 2468"));
    module.pass(10_050);
    assert_eq!(module.leds(), Pattern::Shipment);
    assert_eq!(module.flash.blob(), blob);
    module.set_up();
}

#[test]
fn shipment_and_standby_know_no_other_chord() {
    let mut module = shipment();
    for keys in every_chord().filter(|keys| keys != "SHIFT+1") {
        assert_eq!(module.press(&keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::Shipment, "{keys}");
    }
    let mut module = configured();
    let blob = module.flash.blob();
    let known = ["KEY", "KEY+1", "KEY+4", "SHIFT+KEY"];
    for keys in every_chord().filter(|keys| !known.contains(&keys.as_str())) {
        assert_eq!(module.press(&keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::Standby, "{keys}");
    }
    assert_eq!(module.flash.blob(), blob);
}

#[test]
fn admin_mode_knows_nineteen_chords() {
    let mut module = admin_mode();
    let blob = module.flash.blob();
    for keys in every_chord() {
        let expected = match keys.as_str() {
            "KEY+2" | "KEY+3" | "KEY+4" | "KEY+5" | "KEY+6" | "KEY+7" | "KEY+8" | "KEY+9"
            | "7+0" | "0+7" | "9+0" | "0+9" => Pattern::AwaitingNew,
            "SHIFT+3" | "SHIFT+4" | "SHIFT+6" => Pattern::DeleteArmed,
            "SHIFT+5" | "SHIFT+7" | "SHIFT+8" | "SHIFT+9" | "2+0" | "0+2" | "4+0" | "0+4" => {
                Pattern::AdminMode
            }
            _ => Pattern::Refused,
        };
        assert_eq!(module.press(&keys), expected, "{keys}");
        module.pass(10_050);
        assert_eq!(module.leds(), Pattern::AdminMode, "{keys}");
        // Something that is known keeps Admin mode awake.
        module.press("SHIFT+0");
    }
    assert_eq!(module.flash.blob(), blob);
}

#[test]
fn an_unlocked_module_refuses_every_key_and_stays_unlocked() {
    let mut module = configured();
    module.unlock_admin();
    let blob = module.flash.blob();
    for keys in every_chord().chain(["SHIFT:1s".into()]) {
        assert_eq!(module.press(&keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::Unlocked, "{keys}");
    }
    assert_eq!(module.flash.blob(), blob);
}

#[test]
fn the_administrator_unlocks_with_key_and_is_told_everything() {
    let mut module = configured();
    assert_eq!(module.press("KEY"), Pattern::AwaitingAdminPin);
    assert_eq!(module.press(ADMIN_PIN), Pattern::AwaitingAdminPin);
    assert_eq!(module.press("KEY"), Pattern::Unlocked);
    assert_eq!(lock_state(&mut module), LockState::Unlocked);
    let admin = module.status().admin.unwrap();
    assert!(admin.cloning && admin.user_pin);
    assert!(!admin.recovery_pin && !admin.self_destruct_pin);
}

#[test]
fn the_user_unlocks_with_shift_and_key_and_is_not_told_of_cloning() {
    let mut module = configured();
    assert_eq!(module.press("SHIFT+KEY"), Pattern::AwaitingUserPin);
    assert_eq!(module.press(USER_PIN), Pattern::AwaitingUserPin);
    assert_eq!(module.press("KEY"), Pattern::Unlocked);
    assert_eq!(lock_state(&mut module), LockState::Unlocked);
    assert_eq!(module.status().admin, None);
}

#[test]
fn each_pin_opens_its_own_path_only() {
    let mut module = configured();
    for keys in [
        format!("KEY {USER_PIN} KEY"),
        format!("KEY+1 {USER_PIN} KEY"),
        format!("SHIFT+KEY {ADMIN_PIN} KEY"),
        format!("KEY {WRONG_PIN} KEY"),
    ] {
        assert_eq!(module.press(&keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::Standby, "{keys}");
    }
}

#[test]
fn admin_mode_is_locked_to_the_host_and_left_by_holding_shift() {
    let mut module = configured();
    assert_eq!(module.press("KEY+1"), Pattern::AwaitingAdminPin);
    assert_eq!(
        module.press(&format!("{ADMIN_PIN} KEY")),
        Pattern::AdminMode
    );
    assert_eq!(lock_state(&mut module), LockState::Locked);
    assert_eq!(module.press("SHIFT:0.9s"), Pattern::Refused);
    assert_eq!(settled(&mut module), Pattern::AdminMode);
    assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
}

#[test]
fn leaving_admin_mode_in_the_middle_of_an_entry_keeps_the_old() {
    let mut module = admin_mode();
    module.press(&format!("KEY+3 {WRONG_PIN} KEY 9753"));
    assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
    module.unlock_user();
}

#[test]
fn a_pin_typed_fast_with_overlapping_keys_is_the_same_pin() {
    let mut module = configured();
    let pairs = format!(
        "{}+{} {}",
        &ADMIN_PIN[..1],
        &ADMIN_PIN[1..2],
        &ADMIN_PIN[2..]
    );
    assert_eq!(module.press(&format!("KEY {pairs} KEY")), Pattern::Unlocked);
}

/// Certified, without an Admin PIN.
fn shipment() -> Module {
    Bench::new("MODULE-1", &Root::generate("Test root").unwrap())
}

/// Both PINs set, cloning enabled, in Standby.
fn configured() -> Module {
    let mut module = shipment();
    module.set_up();
    module
}

/// All four PINs set, cloning enabled, in Standby.
fn all_pins() -> Module {
    let mut module = shipment();
    module.set_all_pins();
    module
}

/// The four PINs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Admin,
    User,
    Recovery,
    SelfDestruct,
}

const ALL: [Which; 4] = [
    Which::Admin,
    Which::User,
    Which::Recovery,
    Which::SelfDestruct,
];

impl Which {
    /// What [`all_pins`] sets it to.
    const fn pin(self) -> &'static str {
        match self {
            Self::Admin => ADMIN_PIN,
            Self::User => USER_PIN,
            Self::Recovery => RECOVERY_PIN,
            Self::SelfDestruct => SELF_DESTRUCT_PIN,
        }
    }

    /// What sets it in Admin mode.
    const fn chord(self) -> &'static str {
        match self {
            Self::Admin => "KEY+2",
            Self::User => "KEY+3",
            Self::Recovery => "KEY+4",
            Self::SelfDestruct => "KEY+6",
        }
    }

    /// What deletes it there, typed twice.
    const fn deletion(self) -> Option<&'static str> {
        match self {
            Self::Admin => None,
            Self::User => Some("SHIFT+3"),
            Self::Recovery => Some("SHIFT+4"),
            Self::SelfDestruct => Some("SHIFT+6"),
        }
    }

    /// Sets it in Admin mode.
    fn set(self, module: &mut Module, pin: &str) -> Pattern {
        module.press(&format!("{} {pin} KEY {pin} KEY", self.chord()))
    }

    const fn stored(self) -> Pattern {
        match self {
            Self::Admin => Pattern::AdminPinStored,
            Self::User | Self::Recovery | Self::SelfDestruct => Pattern::Stored,
        }
    }

    /// Types it in Standby, where it belongs.
    fn enter(self, module: &mut Module, pin: &str) -> Pattern {
        let chord = match self {
            Self::Admin => "KEY",
            Self::User | Self::SelfDestruct => "SHIFT+KEY",
            Self::Recovery => "KEY+4",
        };
        module.press(&format!("{chord} {pin} KEY"))
    }

    const fn opened(self) -> Pattern {
        match self {
            Self::Admin | Self::User | Self::SelfDestruct => Pattern::Unlocked,
            Self::Recovery => Pattern::AwaitingNew,
        }
    }

    /// Whether it is set, as STATUS reports to the Administrator; the Admin PIN is not reported.
    const fn is_set(self, status: AdminStatus) -> Option<bool> {
        match self {
            Self::Admin => None,
            Self::User => Some(status.user_pin),
            Self::Recovery => Some(status.recovery_pin),
            Self::SelfDestruct => Some(status.self_destruct_pin),
        }
    }
}

/// Admin and User PIN set, in Admin mode.
fn admin_mode() -> Module {
    let mut module = configured();
    enter_admin_mode(&mut module);
    module
}

fn enter_admin_mode(module: &mut Module) {
    let leds = module.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
    assert_eq!(leds, Pattern::AdminMode);
}

/// From wherever a hand can leave: the plug locks.
fn replug(module: &mut Module) {
    module.link(hsm_core::Link::Unplugged);
    module.link(hsm_core::Link::Plugged);
    module.pass(FLASH);
}

/// What the LEDs show once the passing pattern has passed.
fn settled(module: &mut Module) -> Pattern {
    module.pass(FLASH);
    module.leds()
}

fn lock_state(module: &mut Module) -> LockState {
    let bytes = module.command(ins::IDENTITY, 0, &[1; 32]).unwrap();
    SignedIdentity::parse(&bytes).unwrap().identity.lock
}

/// Every key alone and every pair of two.
fn every_chord() -> impl Iterator<Item = String> {
    let digits = || (0..10).map(|digit| digit.to_string());
    let of = |key: &'static str| digits().map(move |digit| format!("{key}+{digit}"));
    let pairs = digits()
        .flat_map(move |a| digits().map(move |b| format!("{a}+{b}")))
        .filter(|pair| pair[..1] != pair[2..]);
    digits()
        .chain(["KEY".into(), "SHIFT".into(), "SHIFT+KEY".into()])
        .chain(of("KEY"))
        .chain(of("SHIFT"))
        .chain(pairs)
}

/// Ciphers one data unit in the module's epoch.
fn cipher(module: &mut Module, p1: u8, data: &[u8]) -> Vec<u8> {
    let epoch = module.status().epoch;
    let mut out = vec![0; DataUnits::HEADER + data.len()];
    let mut writer = Writer::new(&mut out);
    DataUnits {
        epoch,
        unit_size: 64,
        first: 3,
        data,
    }
    .write(&mut writer)
    .unwrap();
    module.command(ins::CIPHER, p1, writer.written()).unwrap()
}
