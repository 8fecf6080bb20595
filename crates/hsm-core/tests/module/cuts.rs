//! Link and power cut at every step of a clone: afterwards a module is what it was or what it was to become, and
//! cloning once more finishes.

mod attempts;
mod setup;

use crate::Crypto;
use hsm_core::Link;
use hsm_factory::Root;
use hsm_protocol::{
    Status, certificate,
    cloning::Options,
    command::ins,
    identity::LockState,
    journal::{JournalEntry, JournalPage},
    receipt::{FinishedReceipt, Receipt},
};
use hsm_testbench::{
    ADMIN_PIN, Bench,
    board::Cut,
    pair::{PLAIN, cipher},
    relay::{self, Message},
};

/// Two modules as they lie on the table: a master that is set up, and a secondary that is fresh or in use.
struct Scene {
    root: Root,
    master: Bench<Crypto>,
    secondary: Bench<Crypto>,
    /// What the secondary's store was.
    before: Vec<u8>,
    /// Deciphers to [`PLAIN`] on the master and its clones.
    sample: Vec<u8>,
    /// The same of a secondary that is in use.
    own_sample: Option<Vec<u8>>,
}

/// Which of the two is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Master,
    Secondary,
}

#[test]
fn a_power_cut_at_any_write_of_a_clone_leaves_old_or_new_and_cloning_again_finishes() {
    cut_at_every_write(&Scene::new());
}

#[test]
fn a_power_cut_at_any_write_that_replaces_a_module_in_use_leaves_old_or_new() {
    cut_at_every_write(&Scene::with_secondary_in_use());
}

fn cut_at_every_write(scene: &Scene) {
    let (mut old, mut new) = (0, 0);
    for side in [Side::Master, Side::Secondary] {
        let mut uncut = scene.copy();
        uncut.side(side).flash.cut(Cut::Before(u32::MAX));
        uncut.clone_once();
        let operations = uncut.side(side).flash.operations();
        assert!(uncut.assert_old_or_new(), "uncut, it is a clone");
        for cut in Cut::every(operations) {
            let mut scene = scene.copy();
            scene.side(side).flash.cut(cut);
            scene.clone_once();
            assert!(scene.side(side).flash.was_cut(), "{side:?} {cut:?}");
            scene.side(side).power_up();
            let is_new = scene.assert_old_or_new();
            *(if is_new { &mut new } else { &mut old }) += 1;
            scene.finish(is_new);
        }
    }
    println!(
        "power cuts in a clone: {} tried, {old} left the secondary old, {new} new, all finished by a second clone",
        old + new
    );
    assert!(old > 0 && new > 0);
}

#[test]
fn a_link_cut_around_any_message_leaves_old_or_new_and_cloning_again_finishes() {
    let scene = Scene::new();
    let mut tried = 0;
    for side in [Side::Master, Side::Secondary] {
        for link in [Link::Unplugged, Link::Reset] {
            for at in Message::ALL {
                for is_before in [true, false] {
                    let mut scene = scene.copy();
                    scene.begin();
                    let mut carried = Vec::new();
                    for message in Message::ALL {
                        if message == at && is_before {
                            scene.side(side).link(link);
                        }
                        let sent = scene.step(message, &carried);
                        if message == at && !is_before {
                            scene.side(side).link(link);
                        }
                        let Ok(sent) = sent else { break };
                        carried = sent;
                    }
                    scene.side(side).link(Link::Plugged);
                    let is_new = scene.assert_old_or_new();
                    scene.finish(is_new);
                    tried += 1;
                }
            }
        }
    }
    println!("link cuts in a clone: {tried} tried, {tried} finished by a second clone");
}

#[test]
fn a_power_cut_between_any_two_messages_leaves_old_or_new_and_cloning_again_finishes() {
    let scene = Scene::new();
    let mut tried = 0;
    for side in [Side::Master, Side::Secondary] {
        for after in Message::ALL {
            let mut scene = scene.copy();
            scene.begin();
            let mut carried = Vec::new();
            for message in Message::ALL {
                let Ok(sent) = scene.step(message, &carried) else {
                    break;
                };
                carried = sent;
                if message == after {
                    scene.side(side).power_up();
                }
            }
            let is_new = scene.assert_old_or_new();
            scene.finish(is_new);
            tried += 1;
        }
    }
    println!("power cuts between messages: {tried} tried, {tried} finished by a second clone");
}

impl Scene {
    fn new() -> Self {
        let root = Root::generate("Test root").unwrap();
        let mut master = Bench::new("MASTER-1", &root);
        let secondary = Bench::new("SECOND-1", &root);
        Self {
            sample: set_up(&mut master),
            before: secondary.flash.blob(),
            own_sample: None,
            master,
            secondary,
            root,
        }
    }

    fn with_secondary_in_use() -> Self {
        let mut scene = Self::new();
        scene.own_sample = Some(set_up(&mut scene.secondary));
        scene
    }

    /// The same two modules at their next power-up.
    fn copy(&self) -> Self {
        Self {
            root: Root::from_pem(&self.root.to_pem().unwrap()).unwrap(),
            master: self.master.duplicate(),
            secondary: self.secondary.duplicate(),
            before: self.secondary.flash.blob(),
            sample: self.sample.clone(),
            own_sample: self.own_sample.clone(),
        }
    }

    fn side(&mut self, side: Side) -> &mut Bench<Crypto> {
        match side {
            Side::Master => &mut self.master,
            Side::Secondary => &mut self.secondary,
        }
    }

    fn step(&mut self, message: Message, before: &[u8]) -> Result<Vec<u8>, Status> {
        relay::step(&mut self.master, &mut self.secondary, 0, message, before)
    }

    /// The master in a new cycle, and a secondary that is in use unlocked.
    fn begin(&mut self) {
        if self.master.lock_state() == LockState::Locked {
            self.master.unlock_admin();
        }
        if self.secondary.lock_state() == LockState::Locked {
            self.secondary.unlock_admin();
        }
        relay::begin(&mut self.master, Options::default(), 1).unwrap();
    }

    /// Tries unlock, cycle and run, with any result.
    fn clone_once(&mut self) {
        let unlock = format!("KEY {ADMIN_PIN} KEY");
        self.master.press(&unlock);
        if self.own_sample.is_some() {
            self.secondary.press(&unlock);
        }
        let _begun = relay::begin(&mut self.master, Options::default(), 1);
        relay::run(&mut self.master, &mut self.secondary, 0, |_, _| {});
    }

    /// The secondary is what it was, or a clone that works. Says which.
    fn assert_old_or_new(&self) -> bool {
        let receipt = self
            .secondary
            .duplicate()
            .command(ins::LAST_RECEIPT, 0, &[]);
        match (&receipt, &self.own_sample) {
            (Err(Status::NotFound), None) => {
                assert!(self.secondary.flash.blob() == self.before, "to the byte");
                false
            }
            (Err(Status::NotFound), Some(own_sample)) => {
                self.assert_works(own_sample, Some(true));
                false
            }
            (Ok(receipt), _) => {
                let receipt = Receipt::parse(receipt).unwrap();
                assert_eq!(receipt.statement().unwrap().number, 1);
                self.assert_works(&self.sample, Some(false));
                true
            }
            other => panic!("{other:?}"),
        }
    }

    /// After a power-up: both PINs, the keys, and the cloning flag of a module in use or of a clone.
    fn assert_works(&self, sample: &[u8], cloning: Option<bool>) {
        let mut module = self.secondary.duplicate();
        assert_eq!(module.lock_state(), LockState::Locked);
        module.unlock_user();
        assert_eq!(cipher(&mut module, 1, sample), Ok(PLAIN.to_vec()));
        let mut module = self.secondary.duplicate();
        module.unlock_admin();
        assert_eq!(module.status().admin.map(|admin| admin.cloning), cloning);
    }

    /// What `clone` does when it is asked again: the receipt of a clone that is there already, or a run.
    fn finish(&mut self, was_committed: bool) {
        self.begin();
        let (before, _) = self.journal();
        let receipt = if was_committed {
            let receipt = self.secondary.command(ins::LAST_RECEIPT, 0, &[]).unwrap();
            let countersignature = self.step(Message::Countersignature, &receipt).unwrap();
            [receipt, countersignature].concat()
        } else {
            relay::run(&mut self.master, &mut self.secondary, 0, |_, _| {}).receipt()
        };
        let root = certificate::Root::parse(self.root.certificate_der()).unwrap();
        let finished = FinishedReceipt::parse(&receipt).unwrap();
        let verified = finished.verify::<Crypto>(&root).unwrap();
        let (total, countersigned) = self.journal();
        assert_eq!(verified.statement().number, total);
        assert_eq!(total, before + u64::from(!was_committed), "one Parcel each");
        assert_eq!(countersigned, 1);
        if was_committed {
            assert_eq!(total, 1, "no second Parcel");
        }
    }

    /// Parcels ever released, and how many of them are countersigned.
    fn journal(&mut self) -> (u64, usize) {
        let bytes = self.master.command(ins::JOURNAL, 0, &[]).unwrap();
        let page = JournalPage::<JournalEntry>::parse(&bytes).unwrap();
        let countersigned = page.listed().filter(|entry| entry.countersigned).count();
        (page.summary.total, countersigned)
    }
}

/// Sets a module up; what it makes of [`PLAIN`].
fn set_up(module: &mut Bench<Crypto>) -> Vec<u8> {
    module.set_up();
    module.unlock_user();
    let sample = cipher(module, 0, &PLAIN).unwrap();
    module.power_up();
    sample
}
