//! The vectors of docs/FORMAT.md §§ 5 and 6 by both providers, and the plugin held to them: driven as age does it, by hand.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bech32::{Checksum, Hrp, primitives::decode::CheckedHrpstring};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_protocol::{EpochName, file::Recipient};
use hsm_testbench::{
    files,
    hybrid::{Reference, seal},
};
use hsm_virtual::aws_lc::AwsLc;
use p384::{PublicKey, elliptic_curve::sec1::ToSec1Point};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use system_tests::lab::program;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/age");

/// The environment variable that has vectors written which are not there yet. None is ever replaced.
const RECORD: &str = "KEYWRITER_RECORD";

#[test]
fn the_vectors_open_as_they_say_by_both_providers() {
    if std::env::var_os(RECORD).is_some() {
        record();
    }
    let paths = paths();
    assert_eq!(paths.len(), 2 + CHANGED.len());
    for path in paths {
        let vector = Vector::load(&path);
        vector.check::<RustCrypto>(&path);
        vector.check::<AwsLc>(&path);
    }
}

#[test]
fn the_plugin_seals_to_the_recipients_of_the_vectors() {
    for (name, label) in [("classical", ""), ("hybrid", "postquantum")] {
        let vector = Vector::load(&Path::new(FOLDER).join(format!("{name}.txt")));
        let said = recipient_v1(&[&vector.recipient], true);
        assert_eq!(said.labels, label);
        let [stanza] = said.stanzas.as_slice() else {
            panic!("{said:?}");
        };
        let sealed = Stanza::parse(stanza);
        assert_eq!(sealed.open::<AwsLc>(vector.epoch_key), Some(FILE_KEY));
        assert_eq!(stanza.len(), vector.stanza.len(), "{name}");
    }
}

#[test]
fn the_plugin_seals_to_no_mixture_and_not_for_a_client_that_would_mix() {
    let recipient = |name: &str| Vector::load(&Path::new(FOLDER).join(name)).recipient;
    let (classical, hybrid) = (recipient("classical.txt"), recipient("hybrid.txt"));
    let refused = |recipients: &[&str], knows_labels, words: &[&str]| {
        let said = recipient_v1(recipients, knows_labels);
        assert!(said.stanzas.is_empty(), "{said:?}");
        let [error] = said.errors.as_slice() else {
            panic!("{said:?}");
        };
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    refused(
        &[&hybrid, &classical],
        true,
        &["recipient 1", "post-quantum"],
    );
    // age before 1.2 asks for no labels.
    refused(&[&hybrid], false, &["labels"]);
    let said = recipient_v1(&[&classical, &classical], false);
    assert_eq!((said.stanzas.len(), said.errors.len()), (2, 0), "{said:?}");
}

/// What the plugin answered in age's `recipient-v1`.
#[derive(Debug, Default)]
struct Said {
    labels: String,
    /// As in a header.
    stanzas: Vec<String>,
    errors: Vec<String>,
}

/// Plays age: every recipient, the file key, and an `ok` to whatever comes.
fn recipient_v1(recipients: &[&str], knows_labels: bool) -> Said {
    let mut plugin = Command::new(program("age-plugin-keywriter"))
        .arg("--age-plugin=recipient-v1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let recipients = recipients
        .iter()
        .map(|recipient| format!("-> add-recipient {recipient}\n\n"))
        .collect::<Vec<_>>()
        .concat();
    let labels = if knows_labels {
        "-> extension-labels\n\n"
    } else {
        ""
    };
    let file_key = STANDARD_NO_PAD.encode(FILE_KEY);
    let replies = "-> ok\n\n".repeat(8);
    let text = format!("{recipients}{labels}-> wrap-file-key\n{file_key}\n-> done\n\n{replies}");
    plugin
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = plugin.wait_with_output().unwrap();
    let mut said = Said::default();
    let answers = format!("\n{}", String::from_utf8(output.stdout).unwrap());
    for answer in answers.split("\n-> ").skip(1) {
        let (line, body) = answer.split_once('\n').unwrap();
        match line.split_once(' ').unwrap_or((line, "")) {
            ("labels", labels) => said.labels = labels.into(),
            ("recipient-stanza", stanza) => {
                let stanza = stanza.strip_prefix("0 ").unwrap();
                said.stanzas.push(format!("-> {stanza}\n{body}\n"));
            }
            ("error", what) => {
                let text = STANDARD_NO_PAD.decode(body.replace('\n', "")).unwrap();
                let text = String::from_utf8(text).unwrap();
                said.errors.push(format!("{what}: {text}"));
            }
            ("done", _) => {}
            // Put in so that clients learn to leave alone what they do not know.
            (grease, _) if grease.ends_with("-grease") => {}
            other => panic!("{other:?}"),
        }
    }
    said
}

/// A stanza of ours, cut into its parts.
struct Stanza {
    is_hybrid: bool,
    to: [u8; 16],
    ephemeral: Vec<u8>,
    body: Vec<u8>,
}

impl Stanza {
    fn parse(text: &str) -> Self {
        let (line, body) = text.split_once('\n').unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let ["->", tag, to, ephemeral] = words.as_slice() else {
            panic!("{line}");
        };
        assert!(matches!(*tag, "keywriter" | "keywriter-hybrid"), "{tag}");
        let mut lines: Vec<_> = body.lines().collect();
        assert!(lines.pop().is_some_and(|last| last.len() < 64), "{body}");
        assert!(lines.iter().all(|line| line.len() == 64), "{body}");
        Self {
            is_hybrid: tag.ends_with("hybrid"),
            to: hex::decode(to).unwrap().try_into().unwrap(),
            ephemeral: STANDARD_NO_PAD.decode(ephemeral).unwrap(),
            body: STANDARD_NO_PAD.decode(body.replace('\n', "")).unwrap(),
        }
    }

    fn open<P: Provider>(&self, epoch_key: [u8; 48]) -> Option<[u8; 16]> {
        if !self.is_hybrid {
            return self.open_classical::<P>(epoch_key);
        }
        let sealed = [&self.to[..], &self.ephemeral, &self.body].concat();
        Reference::<P>::new(epoch_key).open(GROUP, 1, &sealed)
    }

    /// § 5, step by step.
    fn open_classical<P: Provider>(&self, epoch_key: [u8; 48]) -> Option<[u8; 16]> {
        let (secret, point) = classical_pair::<P>(epoch_key);
        let epoch = epoch_1::<P>(epoch_key).to_bytes();
        let recipient = P::sha384(&[&GROUP, &epoch, &point]);
        if self.to != files::stanza_tag::<P>(&recipient, &self.ephemeral) {
            return None;
        }
        let (mut shared, mut prk, mut key) = ([0; 48], [0; 48], [0; 32]);
        P::ecdh_agree(&secret, self.ephemeral[..].try_into().ok()?, &mut shared).ok()?;
        P::hmac_sha384(
            &[&self.ephemeral[..], &point].concat(),
            &[&shared],
            &mut prk,
        );
        let label: &[u8] = b"KeyWriter v1 recipient AES-256-GCM";
        let info = [label, &GROUP, &epoch];
        P::hkdf_expand(&prk, &info, &mut key).ok()?;
        let (cipher, tag) = self.body.split_first_chunk()?;
        let mut file_key = *cipher;
        P::gcm_open(&key, &[0; 12], &[], &mut file_key, tag.try_into().ok()?).ok()?;
        Some(file_key)
    }
}

fn epoch_1<P: Provider>(epoch_key: [u8; 48]) -> EpochName {
    let mut check = [0; 8];
    let label: &[u8] = b"KeyWriter v1 epoch check value";
    P::hkdf_expand(&epoch_key, &[label], &mut check).unwrap();
    EpochName { number: 1, check }
}

fn classical_pair<P: Provider>(epoch_key: [u8; 48]) -> (P::EcdhSecret, [u8; 97]) {
    let mut scalar = [0; 48];
    P::hkdf_expand(
        &epoch_key,
        &[b"KeyWriter v1 recipient ECDH-P384"],
        &mut scalar,
    )
    .unwrap();
    let mut secret = P::EcdhSecret::default();
    let point = P::ecdh_from_scalar(&scalar, &mut secret).unwrap();
    (secret, point)
}

struct Vector {
    expect: String,
    epoch_key: [u8; 48],
    recipient: String,
    file_key: [u8; 16],
    stanza: String,
}

impl Vector {
    fn load(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let (head, stanza) = text.split_once("stanza:\n").unwrap();
        let fields: BTreeMap<_, _> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .collect();
        assert!(!fields["section"].is_empty(), "{}", path.display());
        let bytes = |name: &str| hex::decode(fields[name]).unwrap();
        Self {
            expect: fields["expect"].to_owned(),
            epoch_key: bytes("epoch-key").try_into().unwrap(),
            recipient: fields["recipient"].to_owned(),
            file_key: bytes("file-key").try_into().unwrap(),
            stanza: stanza.to_owned(),
        }
    }

    fn check<P: Provider>(&self, path: &Path) {
        let stanza = Stanza::parse(&self.stanza);
        let expected = match self.expect.as_str() {
            "opens" => Some(self.file_key),
            "changed" => None,
            other => panic!("{other}"),
        };
        assert_eq!(
            stanza.open::<P>(self.epoch_key),
            expected,
            "{}",
            path.display()
        );
        assert_eq!(
            self.recipient,
            recipient::<P>(stanza.is_hybrid, self.epoch_key),
            "{}",
            path.display()
        );
    }
}

fn paths() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

const EPOCH_KEY: [u8; 48] = [0x4B; 48];
const GROUP: [u8; 16] = [0x47; 16];
const FILE_KEY: [u8; 16] = [0x46; 16];

/// The recipient of epoch 1 as its text.
fn recipient<P: Provider>(is_hybrid: bool, epoch_key: [u8; 48]) -> String {
    let mut bytes = vec![1, if is_hybrid { 2 } else { 1 }];
    bytes.extend(GROUP);
    bytes.extend(epoch_1::<P>(epoch_key).to_bytes());
    if is_hybrid {
        let wire = Reference::<P>::new(epoch_key).recipient(GROUP, 1);
        bytes.extend(compressed(&wire[28..125]));
        bytes.extend(&wire[125..]);
    } else {
        bytes.extend(compressed(&classical_pair::<P>(epoch_key).1));
    }
    let text = bech32::encode::<Long>(Hrp::parse("age1keywriter").unwrap(), &bytes).unwrap();
    let back = CheckedHrpstring::new::<Long>(&text).unwrap();
    assert!(back.byte_iter().eq(bytes));
    text
}

fn compressed(point: &[u8]) -> Vec<u8> {
    let key = PublicKey::from_sec1_bytes(point).unwrap();
    key.to_sec1_point(true).as_bytes().to_vec()
}

/// Bech32 without a limit, as age has it.
enum Long {}

impl Checksum for Long {
    type MidstateRepr = u32;
    const CODE_LENGTH: usize = usize::MAX;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

/// Names of the invalid ones, and which byte of what FILE UNWRAP takes was changed how.
const CHANGED: [(&str, bool, usize, u8); 11] = [
    ("classical-to-changed", false, 0, 1),
    ("classical-ephemeral-is-no-point", false, 16 + 96, 1),
    ("classical-sealed-file-key-changed", false, 113, 1),
    ("classical-tag-changed", false, 144, 0x80),
    ("hybrid-to-changed", true, 15, 1),
    ("hybrid-ephemeral-is-no-point", true, 16 + 96, 1),
    ("hybrid-ciphertext-changed", true, 113, 1),
    (
        "hybrid-ciphertext-changed-at-its-end",
        true,
        113 + 1567,
        0x80,
    ),
    ("hybrid-sealed-file-key-changed", true, 1681, 1),
    ("hybrid-tag-changed", true, 1697, 1),
    ("hybrid-ephemeral-of-another", true, 16, 0),
];

fn record() {
    fs::create_dir_all(FOLDER).unwrap();
    let write = |name: &str, expect: &str, is_hybrid: bool, wire: &[u8]| {
        let path = Path::new(FOLDER).join(format!("{name}.txt"));
        let (tag, section) = if is_hybrid {
            ("keywriter-hybrid", 6)
        } else {
            ("keywriter", 5)
        };
        let body = STANDARD_NO_PAD.encode(&wire[113..]);
        let mut lines: Vec<_> = body.as_bytes().chunks(64).collect();
        if body.len().is_multiple_of(64) {
            lines.push(&[]);
        }
        let body = lines.join(&b"\n"[..]);
        let text = format!(
            "expect: {expect}\nsection: {section}\n\nepoch-key: {}\nrecipient: {}\nfile-key: {}\nstanza:\n-> {tag} {} {}\n{}\n",
            hex::encode(EPOCH_KEY),
            recipient::<RustCrypto>(is_hybrid, EPOCH_KEY),
            hex::encode(FILE_KEY),
            hex::encode(&wire[..16]),
            STANDARD_NO_PAD.encode(&wire[16..113]),
            String::from_utf8(body).unwrap(),
        );
        if !path.exists() {
            fs::write(path, text).unwrap();
        }
    };
    let to = Recipient {
        group: GROUP,
        epoch: epoch_1::<RustCrypto>(EPOCH_KEY),
        point: classical_pair::<RustCrypto>(EPOCH_KEY).1,
    };
    let classical = files::unwrap_data(&files::wrap::<RustCrypto>(&to, FILE_KEY));
    write("classical", "opens", false, &classical);
    let to = Reference::<RustCrypto>::new(EPOCH_KEY).recipient(GROUP, 1);
    let hybrid = seal::<RustCrypto>(&to, FILE_KEY);
    write("hybrid", "opens", true, &hybrid);
    for (name, is_hybrid, at, mask) in CHANGED {
        let mut changed = if is_hybrid { &hybrid } else { &classical }.clone();
        changed[at] ^= mask;
        if mask == 0 {
            let other = seal::<RustCrypto>(&to, FILE_KEY);
            changed[16..113].copy_from_slice(&other[16..113]);
        }
        write(name, "changed", is_hybrid, &changed);
    }
}
