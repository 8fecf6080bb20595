//! The vectors below `vectors/attestation`: roots and chains, each with what a verifier answers.
//!
//! They are made with fixed keys, so that they are the same each time.

use crate::by_hand::{
    CRITICAL, Form, Plan, authority_value, common_name, ecdsa_with, extension, hardware_module,
    key, name, serial_number, tlv, usage,
};
use hsm_protocol::certificate::CertificateRefusal::{self, ForeignRoot, Malformed, NotGenuine};

/// A rule, and a root with a chain that shows it.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The file's name.
    pub name: &'static str,
    answer: Result<&'static str, CertificateRefusal>,
    made: fn() -> Case,
}

impl Rule {
    /// Returns the file's content.
    pub fn text(&self) -> String {
        let Case { root, chain } = (self.made)();
        let [root, chain] = [root, chain].map(|bytes| lines(&bytes));
        format!("{}\n\nroot:\n{root}\nchain:\n{chain}", head(self.answer))
    }
}

/// Returns the lines at the head of a vector. A genuine module has its serial number and kind there.
pub fn head(answer: Result<&str, CertificateRefusal>) -> String {
    match answer {
        Ok(module) => format!("expect: genuine\nsection: 4.1\nmodule: {module}"),
        Err(Malformed) => "expect: malformed\nsection: 4.1".to_owned(),
        Err(refusal) => format!("expect: refused {refusal:?}\nsection: 4.1"),
    }
}

/// Returns every rule.
pub fn rules() -> impl Iterator<Item = Rule> {
    RULES
        .iter()
        .map(|&(name, answer, made)| Rule { name, answer, made })
}

struct Case {
    root: Vec<u8>,
    chain: Vec<u8>,
}

type Row = (
    &'static str,
    Result<&'static str, CertificateRefusal>,
    fn() -> Case,
);

const HARDWARE: Result<&str, CertificateRefusal> = Ok("VM0001 hardware");
const VIRTUAL: Result<&str, CertificateRefusal> = Ok("VM0001 virtual");

const RULES: &[Row] = &[
    ("algorithm-with-parameters", Err(Malformed), || {
        module(|p| {
            let bare = ecdsa_with(3);
            let algorithm = tlv(0x30, &[&bare[2..], &[5, 0]]);
            p.algorithm.clone_from(&algorithm);
            p.outer_algorithm = algorithm;
        })
    }),
    ("algorithms-differ", Err(Malformed), || {
        module(|p| p.outer_algorithm = ecdsa_with(4))
    }),
    ("another-root", Err(ForeignRoot), || Case {
        root: Plan::authority("Another root", "Another root", &key(9), Some(1), key(9)).sign(),
        ..module(|_| {})
    }),
    ("authority-as-module", Err(NotGenuine), || {
        chain(&[&authority_plan().sign()])
    }),
    ("authority-certifies-module", VIRTUAL, || {
        below_authority(|_, _| {})
    }),
    ("authority-issued-by-itself", Err(Malformed), || {
        let plan = Plan::authority(AUTHORITY, AUTHORITY, &key(2), Some(0), key(2));
        chain(&[&Plan::module(AUTHORITY, key(2)).sign(), &plan.sign()])
    }),
    ("authority-left-out", Err(ForeignRoot), || {
        chain(&[&Plan::module(AUTHORITY, key(2)).sign()])
    }),
    (
        "authority-may-not-sign-certificates",
        Err(NotGenuine),
        || below_authority(|_, above| above.extensions[1] = usage(&[1, 0x02])),
    ),
    (
        "authority-signature-in-its-other-form",
        Err(NotGenuine),
        || below_authority(|_, above| above.form = Form::High),
    ),
    ("basic-constraints-may-be-absent", VIRTUAL, || {
        module(|p| drop(p.extensions.remove(0)))
    }),
    ("byte-behind-certificate", Err(Malformed), || {
        let mut leaf = Plan::module(ROOT, key(1)).sign();
        leaf.push(0);
        chain(&[&leaf])
    }),
    ("byte-behind-chain", Err(Malformed), || {
        let mut case = module(|_| {});
        case.chain.push(0);
        case
    }),
    ("certificate-too-long", Err(Malformed), || {
        module(|p| p.extensions.push(extension(99, &[], &[0; 700])))
    }),
    ("default-written-out", Err(Malformed), || {
        module(|p| p.extensions[1] = extension(15, &[1, 1, 0], &[3, 2, 7, 0x80]))
    }),
    ("ecdsa-with-sha256", Err(Malformed), || {
        module(|p| {
            p.algorithm = ecdsa_with(2);
            p.outer_algorithm = ecdsa_with(2);
        })
    }),
    ("expired-is-not-looked-at", VIRTUAL, || {
        module(|p| p.not_after = tlv(0x17, &[b"260102000000Z"]))
    }),
    ("expires-on-no-day", Err(Malformed), || {
        module(|p| p.not_after = tlv(0x17, &[b"260230000000Z"]))
    }),
    ("extended-key-usage", Err(Malformed), || {
        let purpose = tlv(0x06, &[&[0x2B, 6, 1, 5, 5, 7, 3, 2]]);
        let list = tlv(0x30, &[&purpose]);
        module(|p| p.extensions.push(extension(37, &[], &list)))
    }),
    ("extension-twice", Err(Malformed), || {
        module(|p| p.extensions.push(p.extensions[1].clone()))
    }),
    ("hardware-module-as-authority", Err(Malformed), || {
        below_authority(|_, above| above.extensions.push(hardware_module(CRITICAL)))
    }),
    ("hardware-not-critical", Err(Malformed), || {
        module(|p| p.extensions.push(hardware_module(&[])))
    }),
    ("hardware-twice", Err(Malformed), || {
        let twice = [hardware_module(CRITICAL), hardware_module(CRITICAL)];
        module(|p| p.extensions.extend(twice.clone()))
    }),
    ("module-as-authority", Err(NotGenuine), || {
        below_authority(|_, above| {
            let module = Plan::module(ROOT, key(1));
            above.subject = name(&[common_name(AUTHORITY), serial_number(0x13, "VM0002")]);
            above.extensions = module.extensions;
        })
    }),
    ("module-as-root", Err(Malformed), || Case {
        root: Plan::module(ROOT, key(1)).sign(),
        ..module(|_| {})
    }),
    ("module-last", Err(ForeignRoot), || {
        let leaf = Plan::module(AUTHORITY, key(2)).sign();
        chain(&[&authority_plan().sign(), &leaf])
    }),
    ("module-may-sign-certificates", Err(NotGenuine), || {
        module(|p| p.extensions[1] = usage(&[2, 0x84]))
    }),
    ("module-names-another-issuer", Err(NotGenuine), || {
        below_authority(|leaf, _| leaf.issuer = name(&[common_name(ROOT)]))
    }),
    ("module-with-two-serial-numbers", Err(Malformed), || {
        let serial = serial_number(0x13, "VM0001");
        module(|p| p.subject = name(&[serial.clone(), serial.clone()]))
    }),
    ("module-without-key-usage", Err(NotGenuine), || {
        module(|p| p.extensions.truncate(1))
    }),
    ("module-without-serial-number", Err(Malformed), || {
        module(|p| p.subject = name(&[common_name("module")]))
    }),
    ("no-certificate", Err(Malformed), || chain(&[])),
    ("point-compressed", Err(Malformed), || {
        module(|p| {
            p.public.truncate(49);
            p.public[0] = 2 | p.public[48] & 1;
        })
    }),
    ("root-certifies-module", VIRTUAL, || module(|_| {})),
    ("root-certifies-hardware-module", HARDWARE, || {
        module(|p| p.extensions.push(hardware_module(CRITICAL)))
    }),
    ("root-expired-is-not-looked-at", VIRTUAL, || {
        let mut root = root_plan();
        root.not_after = tlv(0x17, &[b"260102000000Z"]);
        Case {
            root: root.sign(),
            ..module(|_| {})
        }
    }),
    ("root-in-the-chain", Err(Malformed), || {
        chain(&[&Plan::module(ROOT, key(1)).sign(), &root_plan().sign()])
    }),
    ("root-issued-by-another", Err(Malformed), || Case {
        root: Plan::authority("Another root", ROOT, &key(1), Some(1), key(9)).sign(),
        ..module(|_| {})
    }),
    ("root-of-the-same-name", Err(NotGenuine), || Case {
        root: Plan::authority(ROOT, ROOT, &key(9), Some(1), key(9)).sign(),
        ..module(|_| {})
    }),
    ("root-signature-is-not-checked", VIRTUAL, || {
        let mut case = module(|_| {});
        if let Some(last) = case.root.last_mut() {
            *last ^= 1;
        }
        case
    }),
    ("root-permits-no-authority", Err(NotGenuine), || {
        let mut root = root_plan();
        root.extensions[0] = extension(19, CRITICAL, &authority_value(Some(0)));
        Case {
            root: root.sign(),
            ..below_authority(|_, _| {})
        }
    }),
    ("serial-number-altered", Err(NotGenuine), || {
        let mut leaf = Plan::module(ROOT, key(1)).sign();
        let at = leaf
            .windows(6)
            .position(|window| window == b"VM0001")
            .expect("the serial number");
        leaf[at + 5] = b'2';
        chain(&[&leaf])
    }),
    ("serial-number-in-lower-case", Err(Malformed), || {
        module(|p| p.subject = name(&[common_name("module"), serial_number(0x13, "vm0001")]))
    }),
    ("signature-in-its-other-form", Err(NotGenuine), || {
        module(|p| p.form = Form::High)
    }),
    ("signature-number-padded", Err(Malformed), || {
        chain(&[&padded()])
    }),
    ("signed-with-another-key", Err(NotGenuine), || {
        module(|p| p.key = key(9))
    }),
    ("three-certificates", Err(Malformed), || {
        let leaf = Plan::module(ROOT, key(1)).sign();
        chain(&[&leaf, &leaf, &leaf])
    }),
    ("unknown-critical-extension", Err(Malformed), || {
        module(|p| p.extensions.push(extension(99, CRITICAL, b"?")))
    }),
    ("unknown-extension-is-ignored", VIRTUAL, || {
        module(|p| p.extensions.push(extension(99, &[], b"?")))
    }),
    ("version-1", Err(Malformed), || {
        module(|p| p.version.clear())
    }),
];

const ROOT: &str = "KeyWriter vector root";
const AUTHORITY: &str = "KeyWriter vector authority";

fn root_plan() -> Plan {
    Plan::authority(ROOT, ROOT, &key(1), Some(1), key(1))
}

fn authority_plan() -> Plan {
    Plan::authority(ROOT, AUTHORITY, &key(2), Some(0), key(1))
}

/// A changed module below the root.
fn module(change: impl Fn(&mut Plan)) -> Case {
    let mut leaf = Plan::module(ROOT, key(1));
    change(&mut leaf);
    chain(&[&leaf.sign()])
}

/// A module below an authority, one of them changed.
fn below_authority(change: impl Fn(&mut Plan, &mut Plan)) -> Case {
    let (mut leaf, mut above) = (Plan::module(AUTHORITY, key(2)), authority_plan());
    change(&mut leaf, &mut above);
    chain(&[&leaf.sign(), &above.sign()])
}

/// Joins certificates to a chain below the root, however wrong they are.
fn chain(certificates: &[&[u8]]) -> Case {
    let mut wire = vec![u8::try_from(certificates.len()).expect("few")];
    for certificate in certificates {
        wire.extend(
            u16::try_from(certificate.len())
                .expect("short")
                .to_be_bytes(),
        );
        wire.extend_from_slice(certificate);
    }
    Case {
        root: root_plan().sign(),
        chain: wire,
    }
}

/// A certificate whose signature begins with a superfluous zero.
fn padded() -> Vec<u8> {
    let mut plan = Plan::module(ROOT, key(1));
    for number in 1.. {
        plan.number = vec![2, 1, number];
        let leaf = plan.sign();
        let at = leaf.len() - 2 * NUMBER;
        // Both numbers need 48 bytes: two tags, two lengths.
        if let [0x30, 0x64, 2, 48, ..] = leaf[at - 2..] {
            let mut numbers = leaf[at..].to_vec();
            numbers[1] += 1;
            numbers.insert(2, 0);
            let signature = tlv(0x30, &[&numbers]);
            let bits = tlv(0x03, &[&[0], &signature]);
            // The certificate's header has four bytes, the signature's as BIT STRING three, as SEQUENCE two.
            return tlv(0x30, &[&leaf[4..at - 5], &bits]);
        }
    }
    unreachable!("every second signature is such")
}

const NUMBER: usize = 50;

/// Hexadecimal digits, forty bytes a line.
fn lines(bytes: &[u8]) -> String {
    bytes
        .chunks(40)
        .map(|line| hex::encode(line) + "\n")
        .collect()
}
