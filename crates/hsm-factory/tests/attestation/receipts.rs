//! Runs `vectors/receipts`. A file's name is its rule; it holds what to expect, the section of PROTOCOL, then the root and
//! the finished receipt in hexadecimal.

use hsm_factory::P384Verifier;
use hsm_protocol::{
    certificate::Root,
    receipt::{FinishedReceipt, ReceiptRefusal},
};
use hsm_testbench::{
    receipts,
    vector::{field, fields},
};
use std::{collections::BTreeSet, fs, path::Path};

fn judge(root: &[u8], receipt: &[u8]) -> Result<(), ReceiptRefusal> {
    let root = Root::parse(root).expect("a root");
    FinishedReceipt::parse(receipt)?
        .verify::<P384Verifier>(&root)
        .map(drop)
}

#[test]
fn every_receipt_is_judged_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/receipts");
    let mut known = BTreeSet::new();
    for rule in receipts::rules() {
        let path = folder.join(rule.name).with_extension("txt");
        let text = fs::read_to_string(&path).unwrap();
        let (head, rest) = text.split_once("\n\n").unwrap();
        let rest = fields(rest);
        let answer = judge(&field(&rest, "root"), &field(&rest, "receipt"));
        assert_eq!(receipts::head(answer), head, "{}", rule.name);
        assert_eq!(rule.text(), text, "{}", rule.name);
        known.insert(path);
    }
    let there = fs::read_dir(&folder).unwrap();
    let there: BTreeSet<_> = there.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(there, known);
}
