//! The vectors below `vectors/receipts`: finished receipts, each with what a reader answers under the root.
//!
//! They are made with fixed keys, so that they are the same each time, and by hand, so that also those exist that no two
//! modules would sign.

use crate::by_hand::{
    self, CRITICAL, Form, common_name, hardware_module, key, name, public, serial_number, signature,
};
use hsm_core::crypto::rust_crypto::RustCrypto;
use hsm_protocol::{
    EpochName, Verifier,
    certificate::{CertificateRefusal::ForeignRoot, Chain, encode_chain},
    cloning::{Condition, Cycle, Options, Permission},
    limits,
    receipt::{
        Commitments, Countersignature, FinishedReceipt, Item, Party, Receipt,
        ReceiptRefusal::{
            self, Impossible, Malformed, Master, MasterSignature, OtherModule, Secondary,
            SecondarySignature, Version,
        },
        Statement,
    },
    writer::Writer,
};
use p384::ecdsa::SigningKey;

/// A rule, and a root with a receipt that shows it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The file's name.
    pub name: &'static str,
    answer: Result<(), ReceiptRefusal>,
    change: fn(&mut Plan),
}

impl Rule {
    /// Returns the file's content.
    pub fn text(&self) -> String {
        let mut plan = Plan::default();
        (self.change)(&mut plan);
        let (root, receipt) = (hex::encode(root(ROOT)), hex::encode(plan.receipt()));
        let answer = head(self.answer);
        format!("{answer}\n\nroot: {root}\nreceipt: {receipt}\n")
    }
}

/// Returns the lines at the head of a vector.
pub fn head(answer: Result<(), ReceiptRefusal>) -> String {
    let answer = match answer {
        Ok(()) => "verified".to_owned(),
        Err(refusal) => format!("refused {refusal:?}"),
    };
    format!("expect: {answer}\nsection: 4.7")
}

/// Returns every rule.
pub fn rules() -> impl Iterator<Item = Rule> {
    RULES.iter().map(|&(name, answer, change)| Rule {
        name,
        answer,
        change,
    })
}

type Row = (&'static str, Result<(), ReceiptRefusal>, fn(&mut Plan));

const RULES: &[Row] = &[
    ("two-virtual-modules", Ok(()), |_| {}),
    ("two-hardware-modules", Ok(()), |p| {
        p.master.is_hardware = true;
        p.secondary.is_hardware = true;
    }),
    ("with-every-option", Ok(()), |p| {
        p.items = Item::ALL.to_vec();
        p.options.auto_lock = true;
        p.options.user_pin_policy = true;
    }),
    ("byte-behind", Err(Malformed), |p| p.behind = vec![0]),
    ("statement-of-another-version", Err(Version), |p| {
        p.lead[0] = 2;
    }),
    ("statement-of-another-kind", Err(Malformed), |p| {
        p.lead[1] = 6;
    }),
    ("statement-of-another-suite", Err(Version), |p| {
        p.lead[2] = 2;
    }),
    (
        "secondary-under-another-root",
        Err(Secondary(ForeignRoot)),
        |p| p.secondary.root = "Another root",
    ),
    ("master-under-another-root", Err(Master(ForeignRoot)), |p| {
        p.master.root = "Another root";
    }),
    ("another-secondary-is-named", Err(OtherModule), |p| {
        p.named_secondary = Some("VM0003");
    }),
    ("secondary-did-not-sign", Err(SecondarySignature), |p| {
        p.secondary.signs_with = key(0x33);
    }),
    ("master-did-not-sign", Err(MasterSignature), |p| {
        p.master.signs_with = key(0x33);
    }),
    (
        "secondarys-signature-in-its-other-form",
        Err(SecondarySignature),
        |p| p.secondary.form = Form::High,
    ),
    (
        "masters-signature-in-its-other-form",
        Err(MasterSignature),
        |p| p.master.form = Form::High,
    ),
    ("virtual-and-hardware", Err(Impossible), |p| {
        p.secondary.is_hardware = true;
    }),
    ("one-serial-number", Err(Impossible), |p| {
        p.secondary.serial = p.master.serial;
    }),
    ("nothing-was-copied", Err(Impossible), |p| p.items.clear()),
    ("without-the-keyring", Err(Impossible), |p| {
        p.items.remove(0);
    }),
    ("auto-lock-that-no-option-names", Err(Impossible), |p| {
        p.items.push(Item::AutoLock);
    }),
    ("policy-that-no-option-names", Err(Impossible), |p| {
        p.options.auto_lock = true;
        p.items.extend([Item::AutoLock, Item::UserPinPolicy]);
    }),
];

const ROOT: &str = "KeyWriter vector root";

/// A receipt, field by field.
struct Plan {
    master: Module,
    secondary: Module,
    /// Whom the statement names in place of the secondary.
    named_secondary: Option<&'static str>,
    options: Options,
    items: Vec<Item>,
    lead: [u8; 3],
    behind: Vec<u8>,
}

/// One of the two.
struct Module {
    serial: &'static str,
    is_hardware: bool,
    root: &'static str,
    own: SigningKey,
    signs_with: SigningKey,
    form: Form,
}

impl Default for Plan {
    fn default() -> Self {
        let module = |serial, seed| Module {
            serial,
            is_hardware: false,
            root: ROOT,
            own: key(seed),
            signs_with: key(seed),
            form: Form::Low,
        };
        Self {
            master: module("VM0001", 0x11),
            secondary: module("VM0002", 0x22),
            named_secondary: None,
            options: Options::default(),
            items: Item::ALL[..7].to_vec(),
            lead: [1, 5, 1],
            behind: Vec::new(),
        }
    }
}

impl Plan {
    fn receipt(&self) -> Vec<u8> {
        let chains = [&self.secondary, &self.master].map(Module::chain);
        let [secondary, master] = chains
            .each_ref()
            .map(|wire| Chain::parse(wire).expect("a chain"));
        let statement_bytes = &self.statement(&secondary, &master);
        let signed = Receipt::signed::<RustCrypto>(statement_bytes);
        let by_secondary = &self.secondary.sign(&signed);
        let countersigned = Countersignature::signed::<RustCrypto>(statement_bytes, by_secondary);
        let mut bytes = vec![0; FinishedReceipt::MAX];
        let mut writer = Writer::new(&mut bytes);
        Receipt {
            statement_bytes,
            chain: secondary,
            signature: by_secondary,
        }
        .write(&mut writer)
        .expect("fits");
        Countersignature {
            chain: master,
            signature: &self.master.sign(&countersigned),
        }
        .write(&mut writer)
        .expect("fits");
        [writer.written(), &self.behind].concat()
    }

    fn statement(&self, secondary: &Chain<'_>, master: &Chain<'_>) -> Vec<u8> {
        let party = |serial: &str, chain: &Chain<'_>| Party {
            serial: serial.parse().expect("a serial number"),
            certificate: RustCrypto::sha384(&[chain.leaf().as_der()]),
        };
        let mut commitments = Commitments::default();
        for item in &self.items {
            commitments.insert(*item, [9; 48]);
        }
        let statement = Statement {
            transcript: [1; 48],
            number: 7,
            cycle: Cycle {
                number: 2,
                options: self.options,
                secondaries: 1,
            },
            permission: Permission::Unrestricted,
            master: party(self.master.serial, master),
            secondary: party(
                self.named_secondary.unwrap_or(self.secondary.serial),
                secondary,
            ),
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
        let mut bytes = vec![0; limits::STATEMENT];
        let mut writer = Writer::new(&mut bytes);
        statement.write(&mut writer).expect("fits");
        let mut bytes = writer.written().to_vec();
        bytes[..3].copy_from_slice(&self.lead);
        bytes
    }
}

impl Module {
    fn chain(&self) -> Vec<u8> {
        let mut plan = by_hand::Plan::module(self.root, key(1));
        plan.subject = name(&[common_name("module"), serial_number(0x13, self.serial)]);
        plan.public = public(&self.own);
        if self.is_hardware {
            plan.extensions.push(hardware_module(CRITICAL));
        }
        let mut wire = vec![0; limits::CHAIN];
        let len = encode_chain(&[&plan.sign()], &mut wire).expect("a chain");
        wire.truncate(len);
        wire
    }

    fn sign(&self, message: &[u8]) -> [u8; 96] {
        signature(&self.signs_with, self.form, message)
    }
}

fn root(subject: &str) -> Vec<u8> {
    by_hand::Plan::authority(subject, subject, &key(1), Some(1), key(1)).sign()
}
