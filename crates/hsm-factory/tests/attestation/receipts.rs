//! Receipts that both modules signed, and that no honest run gives.

use crate::{by_hand, issued::request};
use hsm_factory::{P384Verifier, Profile, Root};
use hsm_protocol::{
    EpochName,
    certificate::{self, Chain},
    cloning::{Condition, Cycle, Options, Ticket},
    receipt::{
        Commitments, Countersignature, FinishedReceipt, Item, Party, Receipt, ReceiptRefusal,
        Statement,
    },
    writer::Writer,
};
use hsm_testbench::{Forgetful, by_hand::Form};
use p384::ecdsa::SigningKey;

/// Two modules under one root, each of its kind.
struct Signers {
    root: Root,
    master: (SigningKey, Vec<u8>),
    secondary: (SigningKey, Vec<u8>),
}

impl Signers {
    fn new(master: (&str, bool), secondary: (&str, bool)) -> Self {
        let root = Root::generate("Test root").unwrap();
        let module = |seed, (serial, is_virtual)| {
            let key = by_hand::key(seed);
            let request = request(serial, &key);
            let chain = root.certify(&request, Profile { is_virtual }, &mut Forgetful);
            (key, chain.unwrap())
        };
        let (master, secondary) = (module(1, master), module(2, secondary));
        Self {
            root,
            master,
            secondary,
        }
    }

    /// Verifies what both sign: a statement with these items.
    fn verify(&self, items: &[Item]) -> Result<(), ReceiptRefusal> {
        let root = certificate::Root::parse(self.root.certificate_der()).unwrap();
        let [master, secondary] =
            [&self.master, &self.secondary].map(|(_, chain)| Chain::parse(chain).unwrap());
        let party = |chain: &Chain<'_>| {
            let genuine = root.verify::<P384Verifier>(chain).unwrap();
            Party {
                serial: genuine.serial(),
                certificate: *genuine.hash(),
            }
        };
        let mut commitments = Commitments::default();
        for item in items {
            commitments.insert(*item, [9; 48]);
        }
        let statement = Statement {
            transcript: [1; 48],
            number: 7,
            cycle: Cycle {
                number: 2,
                options: Options::default(),
                secondaries: 1,
            },
            ticket: Ticket::Unrestricted,
            master: party(&master),
            secondary: party(&secondary),
            condition: Condition::Shipment,
            group: [4; 16],
            epoch: EpochName {
                number: 1,
                check: [7; 8],
            },
            commitments,
            proof: [5; 48],
            token: [6; 48],
        };
        let mut bytes = [0; FinishedReceipt::MAX];
        let mut writer = Writer::new(&mut bytes);
        statement.write(&mut writer).unwrap();
        let statement_bytes = &writer.written().to_vec();
        let sign = |key, message: &[u8]| by_hand::signature(key, Form::Low, message);
        let signed = Receipt::signed::<P384Verifier>(statement_bytes);
        let signature = &sign(&self.secondary.0, &signed);
        let countersigned = Countersignature::signed::<P384Verifier>(statement_bytes, signature);
        let finished = FinishedReceipt {
            receipt: Receipt {
                statement_bytes,
                chain: secondary,
                signature,
            },
            countersignature: Countersignature {
                chain: master,
                signature: &sign(&self.master.0, &countersigned),
            },
        };
        finished.verify::<P384Verifier>(&root).map(drop)
    }
}

const ALWAYS: &[Item] = Item::ALL.split_at(7).0;

#[test]
fn two_modules_of_one_kind_make_a_receipt() {
    for is_virtual in [false, true] {
        let signers = Signers::new(("A", is_virtual), ("B", is_virtual));
        assert_eq!(signers.verify(ALWAYS), Ok(()));
    }
}

#[test]
fn a_virtual_and_a_hardware_module_make_none() {
    for is_virtual in [false, true] {
        let signers = Signers::new(("A", is_virtual), ("B", !is_virtual));
        assert_eq!(signers.verify(ALWAYS), Err(ReceiptRefusal::Impossible));
    }
}

#[test]
fn one_serial_number_makes_none() {
    let signers = Signers::new(("A", true), ("A", true));
    assert_eq!(signers.verify(ALWAYS), Err(ReceiptRefusal::Impossible));
}

#[test]
fn nothing_copied_makes_none() {
    let signers = Signers::new(("A", true), ("B", true));
    for items in [&[], &ALWAYS[1..], &Item::ALL] {
        assert_eq!(
            signers.verify(items),
            Err(ReceiptRefusal::Impossible),
            "{items:?}"
        );
    }
}
