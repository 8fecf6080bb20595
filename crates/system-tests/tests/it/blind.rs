//! A host that keeps every byte it relays learns no secret: all of them are known here, and all are looked for.

mod session;

use hmac::{Hmac, KeyInit, Mac};
use hsm_core::{
    crypto::{Provider, rust_crypto::RustCrypto},
    leds::Pattern,
    pin::MIN_COST,
};
use hsm_factory::{P384Verifier, Root};
use hsm_protocol::{
    certificate::{self, Chain},
    cloning::{Grant, Offer, Options},
    command::ins,
    identity::{LockState, SignedIdentity},
    journal::{JournalEntry, JournalPage, JournalPart, JournalRow},
    receipt::FinishedReceipt,
};
use hsm_testbench::{
    Bench, board,
    pair::{PLAIN, cipher},
    relay::{self, Outcome},
    scan::{Known, leaks},
};
use session::{Session, drawn};
use sha2::Sha384;
use std::fmt::{Debug, Write};

/// As it is typed, and as the module writes it down: `C` is SHIFT and 2.
const ADMIN: (&str, &str) = ("8642SHIFT+29731", "8642C9731");
const USER: (&str, &str) = ("5173SHIFT+0SHIFT+946", "5173AJ46");
const RECOVERY: (&str, &str) = ("6482SHIFT+39157", "6482D9157");
const SELF_DESTRUCT: (&str, &str) = ("9371SHIFT+4SHIFT+508", "9371EF08");

type Module = Bench<RustCrypto>;

/// A cycle as a host sees it, and what only the modules know.
struct Cycle {
    heard: Vec<u8>,
    secrets: Vec<Known>,
    /// Drawn at random and public by protocol.
    public: Vec<Vec<u8>>,
}

#[test]
fn no_secret_crosses_the_host_in_a_cycle() {
    let Cycle {
        heard,
        secrets,
        public,
    } = cycle();
    let found = leaks(&heard, &secrets);
    assert!(found.is_empty(), "{found:#?}");
    println!(
        "{} bytes crossed the host: none of {} secrets among them; {} random values are public by protocol",
        heard.len(),
        secrets.len(),
        public.len()
    );
    // What the protocol publishes is there: the search looks where something is to be found.
    for value in public {
        let name = "public".into();
        assert!(!leaks(&heard, &[Known { name, bytes: value }]).is_empty());
    }
}

#[test]
fn a_leak_at_the_end_of_a_cycle_is_found() {
    let Cycle { heard, secrets, .. } = cycle();
    for secret in &secrets {
        let planted = [
            heard.as_slice(),
            hex::encode(&secret.bytes).as_bytes(),
            b".",
        ]
        .concat();
        let found = leaks(&planted, &secrets);
        let name = format!("{} (hex)", secret.name);
        assert!(found.contains(&name), "{name}");
    }
}

/// Master and three secondaries, from set-up to the last deciphered unit.
fn cycle() -> Cycle {
    let root = Root::generate("Test root").unwrap();
    let mut master = Module::new("MASTER-1", &root);
    let mut secondaries = ["SECOND-1", "SECOND-2", "SECOND-3"].map(|s| Module::new(s, &root));
    let mut printed = String::new();

    master.host = Some(Vec::new());
    look_at(&mut master, &mut printed);
    set_up(&mut master);
    look_at(&mut master, &mut printed);
    assert_eq!(
        press(&mut master, &format!("KEY {} KEY", ADMIN.0)),
        Pattern::Unlocked
    );
    relay::begin(&mut master, Options::default(), 3).unwrap();
    let ciphered = cipher(&mut master, 0, &PLAIN).unwrap();
    let mut sessions = Vec::new();
    for (run, secondary) in (0..).zip(&mut secondaries) {
        secondary.host = Some(Vec::new());
        look_at(secondary, &mut printed);
        let outcome = relay::run(&mut master, secondary, run, |_, _| {});
        print_run(&outcome, &root, &mut printed);
        sessions.push(Session::recompute(
            &outcome,
            &master.recorded,
            &secondary.recorded,
        ));
        look_at(secondary, &mut printed);
        assert_eq!(
            press(secondary, &format!("SHIFT+KEY {} KEY", USER.0)),
            Pattern::Unlocked
        );
        assert_eq!(cipher(secondary, 1, &ciphered), Ok(PLAIN.to_vec()));
        look_at(secondary, &mut printed);
    }
    look_at(&mut master, &mut printed);
    master.command(ins::CYCLE_END, 0, &[]).unwrap();

    let group = master.status().group.to_vec();
    let modules: Vec<&Module> = [&master].into_iter().chain(&secondaries).collect();
    let mut public: Vec<Vec<u8>> = sessions.iter().flat_map(|s| s.nonces.clone()).collect();
    public.push(group.clone());
    let mut secrets = drawn_secrets(&modules, &public);
    secrets.extend(derived_secrets(&modules, &sessions, &group));
    let mut heard = printed.into_bytes();
    for module in modules {
        heard.extend(module.host.as_deref().unwrap());
    }
    Cycle {
        heard,
        secrets,
        public,
    }
}

/// Every value that a generator gave, but for those that are public by protocol: the nonces of Offer and Grant, and the
/// group's identity. Salts count as secrets here: they stay in the store, or travel inside the Parcel.
fn drawn_secrets(modules: &[&Module], public: &[Vec<u8>]) -> Vec<Known> {
    let mut published = 0;
    let mut secrets = Vec::new();
    for module in modules {
        for (number, bytes) in module.recorded.all().into_iter().enumerate() {
            if public.contains(&bytes) {
                published += 1;
            } else {
                let name = format!("draw {number} of {}", module.serial());
                secrets.push(Known { name, bytes });
            }
        }
    }
    assert_eq!(published, public.len(), "each of them was drawn, once");
    secrets
}

/// Everything that is made from the draws, from PINs and from module secrets.
fn derived_secrets(modules: &[&Module], sessions: &[Session], group: &[u8]) -> Vec<Known> {
    let mut secrets = Vec::new();
    let mut know = |name: String, bytes: &[u8]| {
        let bytes = bytes.to_vec();
        secrets.push(Known { name, bytes });
    };
    // The first Admin PIN draws salt, group, epoch key, link key and what the KEK is made of, in this order.
    let (draws, at) = drawn(&modules[0].recorded, group);
    let (salt, epoch, link, kek) = (
        &draws[at - 1],
        &draws[at + 1],
        &draws[at + 2],
        &draws[at + 3],
    );
    know("epoch key".into(), epoch);
    know("link key".into(), link);
    let secret = board::secret(modules[0].serial());
    for number in 0_u64..8 {
        let mut mac = Hmac::<Sha384>::new_from_slice(&secret).unwrap();
        mac.update(b"KeyWriter v1 key-encryption key");
        mac.update(kek);
        mac.update(&number.to_be_bytes());
        let kek = mac.finalize().into_bytes();
        know(format!("KEK of the master in blob {number}"), &kek[..32]);
    }
    let epoch: &[u8; 48] = epoch.as_slice().try_into().unwrap();
    for (label, size) in [
        ("KeyWriter v1 data AES-256-XTS", 64),
        ("KeyWriter v1 data AES-256-ECB", 32),
        ("KeyWriter v1 receipt commitment", 48),
        ("KeyWriter v1 receipt proof", 48),
    ] {
        let mut key = vec![0; size];
        RustCrypto::hkdf_expand(epoch, &[label.as_bytes()], &mut key).unwrap();
        know(label.into(), &key);
    }
    for (slot, (typed, symbols)) in [ADMIN, USER, RECOVERY, SELF_DESTRUCT]
        .into_iter()
        .enumerate()
    {
        know(format!("PIN {slot} as typed"), typed.as_bytes());
        know(format!("PIN {slot} as symbols"), symbols.as_bytes());
        let mut stretched = [0; 32];
        RustCrypto::pbkdf2(symbols.as_bytes(), salt, MIN_COST, &mut stretched).unwrap();
        know(format!("PIN {slot} stretched"), &stretched);
        for session in sessions {
            assert!(contains(&session.parcel, &stretched));
        }
        for module in modules {
            let store_key = board::store_key(module.serial(), 0);
            let mut mac = Hmac::<Sha384>::new_from_slice(&store_key).unwrap();
            mac.update(b"KeyWriter v1 slot key");
            mac.update(&[u8::try_from(slot).unwrap()]);
            mac.update(&stretched);
            let key = mac.finalize().into_bytes();
            know(
                format!("key of slot {slot} of {}", module.serial()),
                &key[..32],
            );
        }
    }
    for module in modules {
        let secret = board::secret(module.serial());
        know(format!("secret of {}", module.serial()), &secret);
        let store_key = board::store_key(module.serial(), 0);
        know(format!("store key of {}", module.serial()), &store_key);
        let mut mac = Hmac::<Sha384>::new_from_slice(&secret).unwrap();
        mac.update(b"KeyWriter v1 receipt key");
        let key = mac.finalize().into_bytes();
        know(format!("receipt key of {}", module.serial()), &key[..32]);
    }
    for (run, session) in sessions.iter().enumerate() {
        assert!(
            contains(&session.parcel, epoch),
            "the Parcel carries the key"
        );
        assert!(contains(&session.parcel, salt) && contains(&session.parcel, link));
        for (name, key) in &session.keys {
            know(format!("{name} of run {run}"), key);
        }
    }
    secrets
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// From Shipment: all four PINs, cloning enabled; ends locked.
fn set_up(module: &mut Module) {
    let admin = ADMIN.0;
    let keys = format!("SHIFT+1 {admin} KEY {admin} KEY");
    assert_eq!(press(module, &keys), Pattern::AdminPinStored);
    for (chord, (pin, _)) in [
        ("KEY+3", USER),
        ("KEY+4", RECOVERY),
        ("KEY+6", SELF_DESTRUCT),
    ] {
        let keys = format!("{chord} {pin} KEY {pin} KEY");
        assert_eq!(press(module, &keys), Pattern::Stored);
    }
    assert_eq!(press(module, "KEY+8 1 SHIFT"), Pattern::Stored);
    assert_eq!(press(module, "SHIFT:1s"), Pattern::Standby);
}

/// PINs stand in one word above, as a person would write them; chords are words of their own.
fn press(module: &mut Module, keys: &str) -> Pattern {
    let spaced: Vec<String> = keys.split(' ').map(spell).collect();
    module.press(&spaced.join(" "))
}

fn spell(word: &str) -> String {
    match word.find("SHIFT+") {
        Some(at) if word.len() > "SHIFT+1".len() && word != "SHIFT+KEY" => {
            let (before, rest) = word.split_at(at);
            let (chord, after) = rest.split_at("SHIFT+1".len());
            format!("{before} {chord} {}", spell(after)).trim().into()
        }
        _ => word.into(),
    }
}

/// Asks for everything that a host may ask for, and prints all that can be printed.
fn look_at(module: &mut Module, printed: &mut String) {
    let mut print = |what: &dyn Debug| writeln!(printed, "{what:?} {what:#?}").unwrap();
    let identity = module.command(ins::IDENTITY, 0, &[9; 32]).unwrap();
    let identity = SignedIdentity::parse(&identity).unwrap();
    print(&identity);
    for p1 in [0, 1] {
        print(&module.command(ins::CERTIFICATE, p1, &[]));
    }
    print(&module.command(ins::LAST_RECEIPT, 0, &[]));
    print(&module.command(ins::STATUS, 0, &[]));
    for part in (0..=u8::MAX).map_while(JournalPart::from_p1) {
        let journal = module.command(ins::JOURNAL, part.to_p1(), &[]);
        let journal = journal.as_deref();
        match part {
            JournalPart::Entries(_) => print(&journal.map(JournalPage::<JournalEntry>::parse)),
            JournalPart::Table(_) => print(&journal.map(JournalPage::<JournalRow>::parse)),
        }
    }
    if identity.identity.lock == LockState::Unlocked {
        print(&module.status());
    }
    print(&module.leds());
    print(module.module());
}

fn print_run(outcome: &Outcome, root: &Root, printed: &mut String) {
    let mut print = |what: &dyn Debug| writeln!(printed, "{what:?} {what:#?}").unwrap();
    print(outcome);
    let offer = Offer::parse(&outcome.messages[0]).unwrap();
    print(&offer);
    print(&Chain::parse(offer.chain.as_wire()));
    print(&Grant::parse(&outcome.messages[1]).unwrap());
    let receipt = outcome.receipt();
    let receipt = FinishedReceipt::parse(&receipt).unwrap();
    print(&receipt);
    let root = certificate::Root::parse(root.certificate_der()).unwrap();
    print(&receipt.verify::<P384Verifier>(&root).unwrap());
}
