//! The next epoch of a group (docs/PROTOCOL.md § 2.12): what it opens, to whom, who may make it, and what a power cut leaves.

use crate::{
    Crypto,
    team::{MISSING, OPENS, PLAIN, Team, assert_opened, clone_to, rekey, sealed, wire},
};
use hsm_core::{
    crypto::{Provider, rust_crypto::RustCrypto},
    leds::Pattern,
};
use hsm_protocol::{EpochName, Status, cloning::Options, command::ins, limits};
use hsm_testbench::{
    ADMIN_PIN, Bench,
    board::Cut,
    files,
    relay::{self, Message},
};

#[test]
fn a_lost_module_opens_nothing_new_and_the_others_open_old_and_new() {
    lost::<Crypto>();
    lost::<RustCrypto>();
}

fn lost<C: Provider>() {
    let mut team = Team::<C>::new(2);
    let [colleague, lost] = team.clones.as_mut_slice() else {
        panic!("two clones")
    };
    let old = sealed(lost);
    let before = team.master.status();
    let rekeyed = rekey(&mut team.master, 0, &["CLONE-2"]).unwrap();
    assert_eq!(rekeyed.dropped, None);
    assert_eq!(rekeyed.epoch.number, before.epoch.number + 1);
    let status = team.master.status();
    assert_eq!((status.group, status.epoch), (before.group, rekeyed.epoch));

    let new = sealed(&mut team.master);
    for module in [&mut *colleague, &mut *lost] {
        assert_opened(module, &old, OPENS);
        assert_opened(module, &new, MISSING);
    }
    clone_to(&mut team.master, colleague).unwrap();
    for module in [&mut team.master, &mut *colleague] {
        assert_opened(module, &old, OPENS);
        assert_opened(module, &new, OPENS);
        assert_eq!(module.status().epoch, rekeyed.epoch);
        // Stored, not only in the session.
        module.power_up();
        module.unlock_user();
        assert_opened(module, &old, OPENS);
        assert_opened(module, &new, OPENS);
        module.power_up();
        module.unlock_admin();
    }
    let refused = Err((Message::Grant, Status::Retired));
    assert_eq!(clone_to(&mut team.master, lost), refused);
    // The clone retired it, too.
    colleague.configure_cloning();
    assert_eq!(clone_to(colleague, lost), refused);
    // And takes nothing from it, though a person would let it be replaced.
    lost.configure_cloning();
    let refused = Err((Message::Consent, Status::Retired));
    assert_eq!(clone_to(lost, colleague), refused);
    assert_opened(colleague, &new, OPENS);
    assert_opened(lost, &new, MISSING);
}

/// Cloning enabled, unlocked by its Administrator.
trait ConfigureCloning {
    fn configure_cloning(&mut self);
}

impl<C: Provider> ConfigureCloning for Bench<C> {
    fn configure_cloning(&mut self) {
        self.power_up();
        self.configure("KEY+8 1 SHIFT");
        self.unlock_admin();
    }
}

#[test]
fn nobody_is_asked_for_what_is_refused_and_nothing_is_stored() {
    let mut team = Team::<Crypto>::new(1);
    let refused = |module: &mut Bench<Crypto>, p1, retired: &[&str], expected| {
        let (stored, leds) = (module.flash.blob(), module.leds());
        let answer = module.command(ins::REKEY, p1, &wire(retired));
        assert_eq!(answer, Err(expected), "{retired:?}");
        assert!(module.flash.blob() == stored);
        assert_eq!(module.leds(), leds);
    };
    let clone = &mut team.clones[0];
    clone.configure_cloning();
    refused(clone, 0, &[], Status::NotRekeyingMaster);
    clone.power_up();
    clone.unlock_user();
    refused(clone, 0, &[], Status::NotAdministrator);

    let master = &mut team.master;
    refused(master, 0, &["MASTER-1"], Status::SameModule);
    refused(master, 0, &["B", "A"], Status::Malformed);
    refused(master, 0, &["A", "A"], Status::Malformed);
    refused(master, 2, &[], Status::WrongParameters);
    let names: Vec<_> = (1..=limits::RETIRED)
        .map(|at| format!("R-{at:03}"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    rekey(master, 0, &names).unwrap();
    refused(master, 0, &["S-065"], Status::TooLarge);
    for _ in 2..limits::EPOCHS {
        rekey(master, 0, &names[..1]).unwrap();
    }
    refused(master, 0, &[], Status::EpochsFull);
    master.power_up();
    master.configure("KEY+8 0 SHIFT");
    master.unlock_admin();
    refused(master, 1, &[], Status::CloningDisabled);

    let mut bare = Bench::<Crypto>::bare("MODULE-1");
    bare.set_up();
    bare.unlock_admin();
    refused(&mut bare, 0, &[], Status::NotCertified);
}

#[test]
fn the_oldest_of_sixteen_epochs_is_dropped_only_on_request_and_named() {
    let mut team = Team::<Crypto>::new(0);
    let master = &mut team.master;
    let mut epochs = vec![master.status().epoch];
    let first = sealed(master);
    let second = loop {
        match rekey(master, 0, &[]) {
            Ok(rekeyed) => epochs.push(rekeyed.epoch),
            Err(refused) => {
                assert_eq!(refused, Status::EpochsFull);
                break epochs[1];
            }
        }
    };
    assert_eq!(epochs.len(), limits::EPOCHS);
    assert_opened(master, &first, OPENS);
    let rekeyed = rekey(master, 1, &[]).unwrap();
    assert_eq!(rekeyed.dropped, Some(epochs[0]));
    assert_eq!(rekeyed.epoch.number, 17);
    assert_opened(master, &first, MISSING);
    assert_eq!(rekey(master, 1, &[]).unwrap().dropped, Some(second));
    // A keyring that is full is cloned like any other.
    let new = sealed(master);
    let mut clone = Bench::new("CLONE-1", &team.root);
    clone_to(master, &mut clone).unwrap();
    assert_opened(&mut clone, &new, OPENS);
    assert_opened(&mut clone, &first, MISSING);
}

#[test]
fn a_confirmation_counts_once_and_for_these_modules_only() {
    let mut team = Team::<Crypto>::new(0);
    let master = &mut team.master;
    let before = master.status().epoch;
    let ask = |master: &mut Bench<Crypto>, p1, retired: &[&str]| {
        master.command(ins::REKEY, p1, &wire(retired))
    };
    let needs_person = Err(Status::NeedsPerson);
    for keys in ["KEY+1:1s", "KEY+4:1s", "2:1s", "KEY+2"] {
        assert_eq!(ask(master, 0, &["A"]), needs_person);
        master.press(keys);
        assert_eq!(ask(master, 0, &["A"]), needs_person, "{keys}");
    }
    for (p1, other) in [(0, &["B"][..]), (0, &["A", "B"]), (0, &[]), (1, &["A"])] {
        assert_eq!(ask(master, 0, &["A"]), needs_person);
        assert_eq!(master.press("KEY+2:1s"), Pattern::Confirmed);
        assert_eq!(ask(master, p1, other), needs_person, "{p1} {other:?}");
    }
    assert_eq!(master.status().epoch, before);
    master.power_up();
    master.unlock_admin();
    assert!(rekey(master, 0, &["A"]).is_ok());
    assert_eq!(ask(master, 0, &["A"]), needs_person);
}

#[test]
fn a_run_and_a_file_that_were_begun_before_end_with_the_epoch() {
    let mut team = Team::<Crypto>::new(0);
    let mut fresh = Bench::<Crypto>::new("CLONE-1", &team.root);
    let master = &mut team.master;
    relay::begin(master, Options::default(), 1).unwrap();
    let mut carried = Vec::new();
    for message in [Message::Offer, Message::Grant, Message::Consent] {
        carried = relay::step(master, &mut fresh, 0, message, &carried).unwrap();
    }
    let header = files::begin(master, 64).unwrap();
    // It was granted, and is retired before it has its Parcel.
    rekey(master, 0, &["CLONE-1"]).unwrap();
    let parcel = relay::step(master, &mut fresh, 0, Message::Parcel, &carried);
    assert_eq!(parcel, Err(Status::OutOfOrder));
    let chunk = files::seal(master, &header, (0, true), PLAIN);
    assert_eq!(chunk, Err(Status::OutOfOrder));
}

#[test]
fn a_receipt_of_before_is_countersigned_and_everything_else_stays() {
    let mut team = Team::<Crypto>::new(0);
    let mut clone = Bench::<Crypto>::new("CLONE-1", &team.root);
    let master = &mut team.master;
    relay::begin(master, Options::default(), 1).unwrap();
    let mut carried = Vec::new();
    for message in Message::ALL.into_iter().take(5) {
        carried = relay::step(master, &mut clone, 0, message, &carried).unwrap();
    }
    let journal = master.command(ins::JOURNAL, 0, &[]).unwrap();
    rekey(master, 0, &[]).unwrap();
    assert_eq!(master.command(ins::JOURNAL, 0, &[]).unwrap(), journal);
    let step = relay::step(master, &mut clone, 0, Message::Countersignature, &carried);
    assert!(step.is_ok());
    master.power_up();
    master.unlock_user();
    master.power_up();
    assert_eq!(
        master.press(&format!("KEY+1 {ADMIN_PIN} KEY")),
        Pattern::AdminMode
    );
}

#[test]
fn a_power_cut_at_any_write_of_a_rekey_leaves_old_or_new_and_a_repetition_finishes() {
    let mut team = Team::<Crypto>::new(0);
    let old = sealed(&mut team.master);
    let before = team.master.status();
    team.master.power_up();
    let confirmed = |master: &Bench<Crypto>, cut| {
        let mut master = master.duplicate();
        master.unlock_admin();
        let asks = master.command(ins::REKEY, 0, &wire(&["LOST-1"]));
        assert_eq!(asks, Err(Status::NeedsPerson));
        master.press("KEY+2:1s");
        master.flash.cut(cut);
        master
    };
    let mut uncut = confirmed(&team.master, Cut::Before(u32::MAX));
    uncut.command(ins::REKEY, 0, &wire(&["LOST-1"])).unwrap();
    let operations = uncut.flash.operations();
    let (mut tried, mut found_new) = (0, 0);
    for cut in Cut::every(operations) {
        let mut master = confirmed(&team.master, cut);
        let answer = master.command(ins::REKEY, 0, &wire(&["LOST-1"]));
        assert_eq!(answer, Err(Status::MemoryFailure), "{cut:?}");
        assert_eq!(master.leds(), Pattern::Fault);
        master.power_up();
        master.unlock_admin();
        let found: EpochName = master.status().epoch;
        let is_new = found.number == 2;
        assert!(is_new || found == before.epoch, "{cut:?}: {found}");
        assert_opened(&mut master, &old, OPENS);
        let mut lost = Bench::new("LOST-1", &team.root);
        let refused = clone_to(&mut master, &mut lost).is_err();
        assert_eq!(refused, is_new, "epoch and team are one write");
        let again = rekey(&mut master, 0, &["LOST-1"]).unwrap();
        assert_eq!(again.epoch.number, found.number + 1);
        assert_opened(&mut master, &old, OPENS);
        tried += 1;
        found_new += u32::from(is_new);
    }
    println!("power cuts in a re-key: {tried} tried, {found_new} new, all finished when repeated");
    assert!(found_new > 0 && found_new < tried);
}
