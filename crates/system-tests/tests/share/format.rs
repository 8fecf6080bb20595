//! The vectors of docs/FORMAT.md by both providers, and what modules make read step by step from its text.

use crate::team::{file, shell};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_testbench::{ADMIN_PIN, Bench, files};
use hsm_virtual::aws_lc::AwsLc;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use system_tests::{
    format::{Header, Reference},
    lab::{Lab, Over},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/format");

/// The environment variable that has vectors written which are not there yet. None is ever replaced.
const RECORD: &str = "KEYWRITER_RECORD";

#[test]
fn what_a_module_makes_reads_by_the_text_of_the_format() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<RustCrypto>::new("MODULE-1", &root);
    module.set_up();
    module.unlock_user();
    let (group, drawn) = (module.status().group, module.recorded.all());
    let at = drawn.iter().position(|bytes| bytes[..] == group).unwrap();
    let epoch_key = drawn[at + 1].as_slice().try_into().unwrap();
    let link_key = drawn[at + 2].as_slice().try_into().unwrap();
    for mode in ["KEY+9 1 SHIFT", "KEY+9 2 SHIFT"] {
        module.power_up();
        module.press(&format!("KEY+1 {ADMIN_PIN} KEY {mode} SHIFT:1s"));
        module.unlock_user();
        for len in [0, 5, 64, 150] {
            let file = files::file(&mut module, 64, &vec![9; len]).unwrap();
            let read = Reference::<AwsLc>::new(epoch_key, link_key).read(&file);
            assert_eq!(read, Ok(vec![9; len]));
        }
    }
}

#[test]
fn the_vectors_are_read_as_they_say_by_both_providers() {
    if std::env::var_os(RECORD).is_some() {
        record();
    }
    let mut count = 0;
    for path in paths() {
        let vector = Vector::load(&path);
        vector.check::<RustCrypto>(&path);
        vector.check::<AwsLc>(&path);
        count += 1;
    }
    assert_eq!(count, VALID.len() + invalid().len());
}

#[test]
fn the_program_refuses_the_vectors_whose_frame_is_wrong() {
    let lab = Lab::start(Over::Socket, 1);
    for path in paths() {
        let vector = Vector::load(&path);
        file(&lab, "vector.kw", &vector.file);
        let ran = shell(&lab, "$KEYWRITER inspect vector.kw");
        // Without a key nobody can tell what was changed inside.
        let is_framed = matches!(
            vector.expect.as_str(),
            "opens" | "changed" | "another group" | "an epoch that is not there"
        );
        let expected = if is_framed { 0 } else { 5 };
        assert_eq!(ran.status.code(), Some(expected), "{path:?}: {ran:?}");
    }
}

pub(crate) fn paths() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

pub(crate) struct Vector {
    pub(crate) expect: String,
    pub(crate) epoch_key: [u8; 48],
    pub(crate) link_key: [u8; 32],
    pub(crate) file: Vec<u8>,
    pub(crate) plain: Vec<u8>,
}

impl Vector {
    pub(crate) fn load(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let fields: BTreeMap<_, _> = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name, value.trim()))
            .collect();
        assert!(!fields["section"].is_empty(), "{}", path.display());
        let bytes = |name: &str| hex::decode(fields[name]).unwrap();
        Self {
            expect: fields["expect"].to_owned(),
            epoch_key: bytes("epoch-key").try_into().unwrap(),
            link_key: bytes("link-key").try_into().unwrap(),
            file: bytes("file"),
            plain: bytes("plain"),
        }
    }

    fn check<P: Provider>(&self, path: &Path) {
        let read = Reference::<P>::new(self.epoch_key, self.link_key).read(&self.file);
        match &read {
            Ok(plain) => assert!(
                self.expect == "opens" && *plain == self.plain,
                "{}",
                path.display()
            ),
            Err(why) => assert_eq!(*why, self.expect, "{}", path.display()),
        }
    }
}

/// Names, modes and lengths of the valid ones.
const VALID: [(&str, u8, usize); 11] = [
    ("empty", 1, 0),
    ("one-byte", 1, 1),
    ("whole-blocks", 1, 48),
    ("one-full-chunk", 1, 64),
    ("full-chunk-and-one-byte", 1, 65),
    ("three-chunks", 1, 150),
    ("ecb-shows-equal-blocks", 2, 150),
    ("fast-empty", 3, 0),
    ("fast-one-byte", 3, 1),
    ("fast-one-full-chunk", 3, 64),
    ("fast-three-chunks", 3, 150),
];

const EPOCH_KEY: [u8; 48] = [0x4B; 48];

const LINK_KEY: [u8; 32] = [0x4C; 32];

const HEADER: Header = Header {
    mode: 1,
    chunk_size: 64,
    salt: [0x53; 32],
};

const HEADER_FAST: Header = Header { mode: 3, ..HEADER };

/// Names, what is said of them, the section, and the bytes of the invalid ones.
fn invalid() -> Vec<Invalid> {
    let mut all = invalid_in_module();
    all.extend(invalid_fast());
    all
}

type Invalid = (&'static str, &'static str, u8, Vec<u8>);

fn invalid_in_module() -> Vec<Invalid> {
    let whole = Reference::<RustCrypto>::new(EPOCH_KEY, LINK_KEY).write(&HEADER, &plain(150));
    let with = |at: usize, value: u8| {
        let mut file = whole.clone();
        file[at] = value;
        file
    };
    let (header, body) = whole.split_at(60);
    let [a, b, c]: [&[u8]; 3] = body.chunks(84).collect::<Vec<_>>().try_into().unwrap();
    let empty_end = {
        let mut file = [header, a].concat();
        file.extend([0x80, 0, 0, 0]);
        file.extend([0; 16]);
        file
    };
    vec![
        ("another-magic", "no file of ours", 1, with(5, b'S')),
        ("another-version", "another version", 1, with(6, 2)),
        ("no-such-mode", "damaged header", 1, with(7, 4)),
        (
            "chunks-of-no-whole-blocks",
            "damaged header",
            1,
            with(27, 65),
        ),
        ("chunks-too-large", "damaged header", 1, with(24, 1)),
        ("another-group", "another group", 1, with(8, !whole[8])),
        ("salt-changed", "another group", 1, with(59, 0)),
        (
            "another-epoch",
            "an epoch that is not there",
            1,
            with(16, !whole[16]),
        ),
        ("other-mode", "changed", 2, with(7, 2)),
        ("ciphertext-changed", "changed", 3, with(64, !whole[64])),
        ("tag-changed", "changed", 3, with(143, !whole[143])),
        ("length-changed", "changed", 3, with(60 + 168 + 3, 21)),
        ("chunks-swapped", "changed", 3, [header, b, a, c].concat()),
        ("chunk-left-out", "changed", 3, [header, a, c].concat()),
        ("chunk-doubled", "changed", 3, [header, a, a, b, c].concat()),
        ("empty-last-chunk", "damaged chunk", 3, empty_end),
        ("chunk-not-full", "damaged chunk", 3, with(63, 63)),
        ("cut-between-chunks", "cut off", 4, [header, a, b].concat()),
        (
            "cut-within-a-chunk",
            "cut off",
            4,
            whole[..whole.len() - 1].to_vec(),
        ),
        ("cut-behind-the-header", "cut off", 4, header.to_vec()),
        (
            "byte-behind-the-end",
            "goes on behind its end",
            4,
            [&whole[..], &[0]].concat(),
        ),
    ]
}

fn invalid_fast() -> Vec<Invalid> {
    let reference = Reference::<RustCrypto>::new(EPOCH_KEY, LINK_KEY);
    let fast = reference.write(&HEADER_FAST, &plain(150));
    let (header, body) = fast.split_at(60);
    let [a, b, c]: [&[u8]; 3] = body.chunks(84).collect::<Vec<_>>().try_into().unwrap();
    // Of full chunks, which have one length in both kinds.
    let taken_for = |mode| {
        let header = if mode == 1 { HEADER_FAST } else { HEADER };
        let mut file = reference.write(&header, &plain(128));
        file[7] = mode;
        file
    };
    let mut ciphertext = fast.clone();
    ciphertext[64] ^= 0xFF;
    // The second chunk says that it is the last one.
    let mut earlier = [header, a, b].concat();
    earlier[60 + 84] |= 0x80;
    let swapped = [header, b, a, c].concat();
    vec![
        ("in-module-as-fast", "changed", 2, taken_for(3)),
        ("fast-as-in-module", "changed", 2, taken_for(1)),
        ("fast-ciphertext-changed", "changed", 3, ciphertext),
        ("fast-chunks-swapped", "changed", 3, swapped),
        ("fast-chunk-left-out", "changed", 3, [header, a, c].concat()),
        ("fast-ends-earlier", "changed", 3, earlier),
        ("fast-cut", "cut off", 4, [header, a, b].concat()),
    ]
}

fn plain(len: usize) -> Vec<u8> {
    b"sixteen letters."
        .iter()
        .copied()
        .cycle()
        .take(len)
        .collect()
}

fn record() {
    fs::create_dir_all(FOLDER).unwrap();
    let write = |name: &str, expect: &str, section: u8, file: &[u8], plain: &[u8]| {
        let path = Path::new(FOLDER).join(format!("{name}.txt"));
        if !path.exists() {
            let text = format!(
                "expect: {expect}\nsection: {section}\n\nepoch-key: {}\nlink-key: {}\nfile: {}\nplain: {}\n",
                hex::encode(EPOCH_KEY),
                hex::encode(LINK_KEY),
                hex::encode(file),
                hex::encode(plain)
            );
            fs::write(path, text).unwrap();
        }
    };
    for (name, mode, len) in VALID {
        let header = Header { mode, ..HEADER };
        let file = Reference::<RustCrypto>::new(EPOCH_KEY, LINK_KEY).write(&header, &plain(len));
        write(name, "opens", 3, &file, &plain(len));
    }
    for (name, expect, section, file) in invalid() {
        write(name, expect, section, &file, &[]);
    }
}
