//! We never accept what webpki refuses; and where we refuse more, it is for a reason named here.

use crate::{
    by_hand::*,
    oracle::{accepted, ours, webpki},
};
use hsm_protocol::certificate::CertificateRefusal;

/// What a change does to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Nothing,
    /// Only we refuse.
    Stricter,
    /// Both refuse.
    Refused,
}
use Effect::{Nothing, Refused, Stricter};

type Change = (Effect, &'static str, fn(&mut Plan));

const EMPTY_SEQUENCE: &[u8] = &[0x30, 0];

fn both_algorithms(plan: &mut Plan, algorithm: &[u8]) {
    plan.algorithm = algorithm.to_vec();
    plan.outer_algorithm = algorithm.to_vec();
}

/// `2.5.29.37` with one purpose out of `1.3.6.1.5.5.7.3`.
fn purpose(last: u8) -> Vec<u8> {
    extension(
        37,
        &[],
        &tlv(0x30, &[&tlv(0x06, &[&[0x2B, 6, 1, 5, 5, 7, 3, last]])]),
    )
}

/// To any certificate.
const TO_EITHER: &[Change] = &[
    (Nothing, "as planned", |_| {}),
    (Nothing, "unknown extension", |p| {
        p.extensions.push(extension(99, &[], b"?"));
    }),
    (Refused, "unknown critical extension", |p| {
        p.extensions.push(extension(99, CRITICAL, b"?"));
    }),
    (Refused, "key usage twice", |p| {
        p.extensions.push(p.extensions[1].clone());
    }),
    (Refused, "basic constraints twice", |p| {
        p.extensions.push(p.extensions[0].clone());
    }),
    (Stricter, "unknown extension twice", |p| {
        p.extensions
            .extend([extension(99, &[], b"?"), extension(99, &[], b"!")]);
    }),
    (Stricter, "no key usage", |p| drop(p.extensions.pop())),
    (Stricter, "key agreement only", |p| {
        p.extensions[1] = usage(&[3, 0x08]);
    }),
    (Stricter, "a bit list with a zero at its end", |p| {
        p.extensions[1] = usage(&[0, 0x84]);
    }),
    (Stricter, "client authentication", |p| {
        p.extensions.push(purpose(2));
    }),
    (Refused, "server authentication", |p| {
        p.extensions.push(purpose(1));
    }),
    (Stricter, "policy constraints", |p| {
        p.extensions.push(extension(36, &[], EMPTY_SEQUENCE));
    }),
    (Refused, "version 1", |p| p.version.clear()),
    (Refused, "version 2", |p| p.version[4] = 1),
    (Stricter, "number zero", |p| p.number = vec![2, 1, 0]),
    (Stricter, "number negative", |p| p.number = vec![2, 1, 0x80]),
    (Stricter, "number of 21 bytes", |p| {
        p.number = tlv(2, &[&[1; 21]]);
    }),
    (Stricter, "number with a superfluous zero", |p| {
        p.number = vec![2, 2, 0, 1];
    }),
    (Refused, "a subject's unique identifier", |p| {
        p.unique = tlv(0x82, &[&[0, 1]]);
    }),
    (Refused, "ECDSA with SHA-256", |p| {
        both_algorithms(p, &ecdsa_with(2));
    }),
    (Refused, "ECDSA with SHA-512", |p| {
        both_algorithms(p, &ecdsa_with(4));
    }),
    (Refused, "SHA-512 inside", |p| p.algorithm = ecdsa_with(4)),
    (Refused, "SHA-512 outside", |p| {
        p.outer_algorithm = ecdsa_with(4);
    }),
    (Refused, "a parameter beside the algorithm", |p| {
        let bare = ecdsa_with(3);
        both_algorithms(p, &tlv(0x30, &[&bare[2..], &[5, 0]]));
    }),
    (Refused, "trailing data after the extensions", |p| {
        p.behind_extensions = vec![5, 0];
    }),
    (Refused, "trailing data after the signature", |p| {
        p.behind_signature = vec![5, 0];
    }),
    (Refused, "signed with another key", |p| p.key = key(0x77)),
    (Refused, "another issuer", |p| {
        p.issuer = name(&[common_name("unknown")]);
    }),
    (Stricter, "the default written out", |p| {
        p.extensions.push(extension(99, &[1, 1, 0], b"?"));
    }),
];

const TO_MODULE: &[Change] = &[
    (Stricter, "hardware, not critical", |p| {
        p.extensions.push(hardware_module(&[]));
    }),
    (Nothing, "no basic constraints", |p| {
        drop(p.extensions.remove(0));
    }),
    (Refused, "an authority", |p| {
        p.extensions[0] = authority(None);
    }),
    (Stricter, "signs certificates too", |p| {
        p.extensions[1] = usage(&[2, 0x84]);
    }),
    (Stricter, "no extensions", |p| p.extensions.clear()),
    (Stricter, "key compressed", |p| {
        p.public.truncate(49);
        p.public[0] = 2;
    }),
    (Stricter, "key hybrid", |p| p.public[0] = 6),
    (Stricter, "key too long", |p| p.public.push(0)),
    (Stricter, "curve P-256", |p| {
        p.curve = tlv(0x06, &[&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7]]);
    }),
    (Stricter, "no serial number", |p| {
        p.subject = name(&[common_name("module")]);
    }),
    (Stricter, "two serial numbers", |p| {
        p.subject = name(&[serial_number(0x13, "A"), serial_number(0x13, "A")]);
    }),
    (Stricter, "serial number in lower case", |p| {
        p.subject = name(&[serial_number(0x13, "a")]);
    }),
    (Stricter, "serial number in UTF-8", |p| {
        p.subject = name(&[serial_number(0x0C, "A")]);
    }),
    (Stricter, "a name with a sequence for a set", |p| {
        let mut serial = serial_number(0x13, "A");
        serial[0] = 0x30;
        p.subject = name(&[serial]);
    }),
    (Stricter, "a name with two attributes in a set", |p| {
        let [mut a, b] = ["A", "B"].map(|text| serial_number(0x13, text));
        a[1] += u8::try_from(b.len()).unwrap() - 2;
        p.subject = name(&[a, b[2..].to_vec()]);
    }),
    (Stricter, "a name with more than kind and value", |p| {
        let mut serial = serial_number(0x13, "A");
        serial[1] += 2;
        serial[3] += 2;
        p.subject = name(&[serial, vec![5, 0]]);
    }),
    (Stricter, "no subject", |p| {
        p.subject = EMPTY_SEQUENCE.to_vec();
    }),
];

const TO_AUTHORITY: &[Change] = &[
    (Nothing, "no path length", |p| {
        p.extensions[0] = authority(None);
    }),
    (Nothing, "path length 255", |p| {
        p.extensions[0] = extension(19, CRITICAL, &[0x30, 7, 1, 1, 0xFF, 2, 2, 0, 0xFF]);
    }),
    (Refused, "a module", |p| p.extensions[0] = module()),
    (Refused, "no basic constraints", |p| {
        drop(p.extensions.remove(0));
    }),
    (Stricter, "basic constraints not critical", |p| {
        p.extensions[0] = extension(19, &[], &authority_value(None));
    }),
    (Stricter, "signs data only", |p| {
        p.extensions[1] = usage(&[7, 0x80]);
    }),
    (Stricter, "hardware, not critical", |p| {
        p.extensions.push(hardware_module(&[]));
    }),
    (Refused, "hardware", |p| {
        p.extensions.push(hardware_module(CRITICAL));
    }),
    (Stricter, "key compressed", |p| {
        p.public.truncate(49);
        p.public[0] = 2;
    }),
];

fn root(path_len: Option<u8>) -> Vec<u8> {
    Plan::authority("root", "root", &key(1), path_len, key(1)).sign()
}

fn check(effect: Effect, what: &str, root: &[u8], certificates: &[&[u8]]) {
    assert_eq!(
        accepted(root, certificates),
        effect == Nothing,
        "we, {what}"
    );
    assert_eq!(
        webpki(root, certificates).is_ok(),
        effect < Refused,
        "webpki, {what}"
    );
}

#[test]
fn every_change_to_a_module_below_the_root_has_its_effect() {
    for path_len in [None, Some(0), Some(1)] {
        for (effect, what, change) in TO_EITHER.iter().chain(TO_MODULE) {
            let mut plan = Plan::module("root", key(1));
            change(&mut plan);
            check(*effect, what, &root(path_len), &[&plan.sign()]);
        }
    }
}

#[test]
fn every_pair_of_changes_to_a_module_and_its_authority_has_its_effect() {
    let root = root(Some(1));
    for (above_effect, above_what, above_change) in TO_EITHER.iter().chain(TO_AUTHORITY) {
        let mut above = Plan::authority("root", "authority", &key(2), Some(0), key(1));
        above_change(&mut above);
        let above = above.sign();
        for (effect, what, change) in TO_EITHER.iter().chain(TO_MODULE) {
            let mut plan = Plan::module("authority", key(2));
            change(&mut plan);
            let what = format!("{what} under {above_what}");
            check(
                *effect.max(above_effect),
                &what,
                &root,
                &[&plan.sign(), &above],
            );
        }
    }
}

#[test]
fn a_root_that_permits_no_authority_below_it_has_none() {
    let above = Plan::authority("root", "authority", &key(2), Some(0), key(1)).sign();
    let leaf = Plan::module("authority", key(2)).sign();
    // webpki does not ask what a trusted certificate says about itself.
    check(Stricter, "path length", &root(Some(0)), &[&leaf, &above]);
}

#[test]
fn a_root_that_does_not_say_what_it_is_is_no_root() {
    let leaf = Plan::module("root", key(1)).sign();
    let mut plan = Plan::authority("root", "root", &key(1), None, key(1));
    plan.extensions.pop();
    check(Stricter, "no key usage", &plan.sign(), &[&leaf]);
    plan.extensions[0] = module();
    check(Stricter, "a module", &plan.sign(), &[&leaf]);
    let mut plan = Plan::authority("root", "root", &key(1), None, key(1));
    plan.extensions.push(extension(99, &[], &[0; 1024]));
    check(Stricter, "too long", &plan.sign(), &[&leaf]);
    let plan = Plan::authority("other", "root", &key(1), None, key(1));
    check(Stricter, "issued by another", &plan.sign(), &[&leaf]);
}

#[test]
fn a_root_without_a_name_is_no_root() {
    let mut leaf = Plan::module("root", key(1));
    let mut root = Plan::authority("root", "root", &key(1), None, key(1));
    for name in [&mut leaf.issuer, &mut root.issuer, &mut root.subject] {
        *name = EMPTY_SEQUENCE.to_vec();
    }
    check(Stricter, "no name", &root.sign(), &[&leaf.sign()]);
}

#[test]
fn certificates_in_another_order_or_number_are_refused() {
    let root = root(None);
    let above = Plan::authority("root", "authority", &key(2), Some(0), key(1)).sign();
    let below = Plan::authority("authority", "third", &key(3), None, key(2)).sign();
    let leaf = Plan::module("authority", key(2)).sign();
    let deep = Plan::module("third", key(3)).sign();
    assert!(accepted(&root, &[&leaf, &above]));
    for chain in [
        &[&above[..], &leaf][..],
        &[&leaf],
        &[&above],
        &[&leaf, &leaf],
        &[&above, &above],
        &[&below, &above],
        &[&deep, &below],
        &[&deep, &above],
        &[&deep, &below, &above],
        &[&leaf, &above, &above],
    ] {
        assert!(!accepted(&root, chain));
    }
}

#[test]
fn a_module_under_a_root_of_the_same_name_but_another_key_is_refused() {
    let other = Plan::authority("root", "root", &key(9), None, key(9)).sign();
    let leaf = Plan::module("root", key(1)).sign();
    assert_eq!(ours(&other, &[&leaf]), Err(CertificateRefusal::NotGenuine));
    assert!(webpki(&other, &[&leaf]).is_err());
}

const CHANGES: [u8; 5] = [0x01, 0x02, 0x10, 0x80, 0xFF];

/// Every byte of `der`, changed in several ways.
fn changed(der: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..der.len()).flat_map(move |at| {
        CHANGES.map(|change| {
            let mut changed = der.to_vec();
            changed[at] ^= change;
            changed
        })
    })
}

fn two_links() -> [Vec<u8>; 3] {
    let mut leaf = Plan::module("authority", key(2));
    leaf.extensions
        .extend([extension(99, &[], b"?"), extension(14, &[], &[4, 2, 1, 2])]);
    let mut above = Plan::authority("root", "authority", &key(2), Some(0), key(1));
    above.extensions.push(extension(14, &[], &[4, 2, 1, 2]));
    [leaf.sign(), above.sign(), root(Some(1))]
}

#[test]
fn no_byte_of_a_chain_can_change() {
    let [leaf, above, root] = two_links();
    assert!(accepted(&root, &[&leaf, &above]));
    for leaf in changed(&leaf) {
        assert!(!accepted(&root, &[&leaf, &above]));
    }
    for above in changed(&above) {
        assert!(!accepted(&root, &[&leaf, &above]));
    }
}

#[test]
fn no_byte_of_a_chain_can_be_missing_or_added() {
    let [leaf, above, root] = two_links();
    for len in 0..leaf.len() {
        assert!(!accepted(&root, &[&leaf[..len], &above]));
    }
    for len in 0..above.len() {
        assert!(!accepted(&root, &[&leaf, &above[..len]]));
    }
    for byte in 0..=255 {
        assert!(!accepted(&root, &[&[&leaf[..], &[byte]].concat(), &above]));
        assert!(!accepted(&root, &[&leaf, &[&above[..], &[byte]].concat()]));
    }
}

/// The issuer itself signs nonsense, so that only the parsers can refuse it.
#[test]
fn what_we_accept_of_a_changed_and_signed_certificate_webpki_accepts() {
    let [leaf, above, root] = two_links();
    let (mut total, mut taken) = (0, 0);
    for signed in changed(signed_part(&leaf)) {
        total += 1;
        let leaf = sign_part(&signed, &key(2));
        taken += u32::from(accepted(&root, &[&leaf, &above]));
    }
    for signed in changed(signed_part(&above)) {
        total += 1;
        let above = sign_part(&signed, &key(1));
        taken += u32::from(accepted(&root, &[&leaf, &above]));
    }
    // Names, numbers, times and keys may be anything, so that some are taken; the test would else say nothing.
    assert!(taken > 100 && taken < total / 2, "{taken} of {total}");
}

#[test]
fn what_we_accept_under_a_changed_root_webpki_accepts() {
    let [leaf, above, root] = two_links();
    for root in changed(&root) {
        accepted(&root, &[&leaf, &above]);
    }
}
