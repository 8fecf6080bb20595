//! A master that is ready to clone, and a secondary as it was delivered.

use crate::{
    Bench,
    relay::{self, Message, Outcome},
};
use hsm_core::{crypto::Provider, leds::Pattern};
use hsm_factory::Root;
use hsm_protocol::{
    Status, certificate,
    cloning::Options,
    command::{DataUnits, ins},
    journal::{JournalEntry, JournalPage, JournalPart, JournalRow},
    receipt::{FinishedReceipt, VerifiedReceipt},
    writer::Writer,
};

/// The two modules of a run, with the root that certified both.
pub struct Pair<C: Provider> {
    /// The root.
    pub root: Root,
    /// Unlocked by its Administrator, in a cycle.
    pub master: Bench<C>,
    /// In Shipment State.
    pub secondary: Bench<C>,
    as_delivered: Vec<u8>,
    sample: Vec<u8>,
}

impl<C: Provider> Pair<C> {
    /// Both modules, in a cycle of the default options.
    pub fn new() -> Self {
        let root = Root::generate("Test root").expect("random");
        let mut master = Bench::new("MASTER-1", &root);
        let secondary = Bench::new("SECOND-1", &root);
        master.set_up();
        master.unlock_admin();
        relay::begin(&mut master, Options::default(), 1).expect("cloning is enabled");
        let sample = cipher(&mut master, 0, &PLAIN).expect("unlocked");
        Self {
            as_delivered: secondary.flash.blob(),
            root,
            master,
            secondary,
            sample,
        }
    }

    /// A run whose messages `tamper` may change.
    pub fn run(&mut self, tamper: impl FnMut(Message, &mut Vec<u8>)) -> Outcome {
        relay::run(&mut self.master, &mut self.secondary, 0, tamper)
    }

    /// One step of a run.
    pub fn step(&mut self, message: Message, before: &[u8]) -> Result<Vec<u8>, Status> {
        relay::step(&mut self.master, &mut self.secondary, 0, message, before)
    }

    /// The messages of a run up to the Parcel, which is not delivered.
    pub fn abandoned(&mut self) -> [Vec<u8>; 4] {
        let mut step = |message, before: &[u8]| self.step(message, before).expect("not altered");
        let offer = step(Message::Offer, &[]);
        let grant = step(Message::Grant, &offer);
        let consent = step(Message::Consent, &grant);
        let parcel = step(Message::Parcel, &consent);
        [offer, grant, consent, parcel]
    }

    /// The secondary is what it was, in store and in state.
    pub fn assert_nothing_committed(&mut self) {
        assert!(self.secondary.flash.blob() == self.as_delivered);
        let leds = self.secondary.leds();
        assert!(
            matches!(leds, Pattern::Shipment | Pattern::Cloning),
            "{leds:?}"
        );
    }

    /// A clean run ends well: the receipt verifies, the clone takes the master's PINs and reads what it wrote.
    pub fn assert_clones(&mut self) {
        let outcome = self.run(|_, _| {});
        self.verify(&outcome.receipt());
        self.assert_same();
    }

    /// The master's keys are what they were, and the secondary has them.
    pub fn assert_same(&mut self) {
        assert_eq!(cipher(&mut self.master, 0, &PLAIN), Ok(self.sample.clone()));
        self.secondary.unlock_user();
        assert_eq!(
            cipher(&mut self.secondary, 1, &self.sample),
            Ok(PLAIN.to_vec())
        );
    }

    /// Checks a finished receipt.
    pub fn verify(&self, receipt: &[u8]) -> VerifiedReceipt {
        let root = certificate::Root::parse(self.root.certificate_der()).expect("a root");
        FinishedReceipt::parse(receipt)
            .expect("a receipt")
            .verify::<C>(&root)
            .expect("verifies")
    }

    /// The master's journal: Parcels ever released, and the newest entries.
    pub fn journal(&mut self) -> (u64, Vec<JournalEntry>) {
        let bytes = self.master.command(ins::JOURNAL, 0, &[]).expect("unlocked");
        let page = JournalPage::parse(&bytes).expect("a page");
        (page.summary.total, page.listed().collect())
    }

    /// The first page of the table in the master's journal.
    pub fn table(&mut self) -> Vec<JournalRow> {
        let first = JournalPart::Table(0).to_p1();
        let bytes = self.master.command(ins::JOURNAL, first, &[]);
        let page = JournalPage::parse(bytes.as_ref().expect("unlocked")).expect("a page");
        page.listed().collect()
    }
}

impl<C: Provider> Default for Pair<C> {
    fn default() -> Self {
        Self::new()
    }
}

/// Enciphers (`p1` = 0) or deciphers (`p1` = 1) units of 512 bytes under the first epoch.
pub fn cipher<C: Provider>(bench: &mut Bench<C>, p1: u8, data: &[u8]) -> Result<Vec<u8>, Status> {
    let epoch = bench.epoch();
    let mut out = vec![0; data.len() + DataUnits::HEADER];
    let mut writer = Writer::new(&mut out);
    DataUnits {
        epoch,
        unit_size: 512,
        first: 7,
        data,
    }
    .write(&mut writer)
    .expect("fits");
    bench.command(ins::CIPHER, p1, writer.written())
}

/// What the sample of each pair deciphers to.
pub const PLAIN: [u8; 1024] = [0xA5; 1024];
