//! The inputs that each target starts with: from the vectors, and from modules that run here.

use crate::{
    license, reader,
    sequence::{PHRASES, op},
    stage::{self, Run},
    store::counter_of,
};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_protocol::{
    apdu::CommandApdu,
    command::{CLA, ins},
    limits,
    reader::Reader,
    receipt::Receipt,
};
use hsm_testbench::{Bench, files, letters, relay::Message};
use license_token::LicenseToken;
use std::{fs, io, path::Path};

/// Targets, each with one of its seeds.
pub type Seeds = Vec<(&'static str, Vec<u8>)>;

/// Returns all seeds; `vectors` is the folder of vectors.
pub fn all(vectors: &Path) -> io::Result<Seeds> {
    let mut seeds = Vec::new();
    for folder in ["apdu", "cloning", "letters", "tickets", "v1"] {
        for file in fs::read_dir(vectors.join(folder))? {
            let path = file?.path();
            if path.extension().is_some_and(|ending| ending == "txt") {
                conversation(&fs::read_to_string(path)?, &mut seeds);
            }
        }
    }
    for file in fs::read_dir(vectors.join("attestation"))? {
        attestation(&fs::read_to_string(file?.path())?, &mut seeds);
    }
    for file in fs::read_dir(vectors.join("format"))? {
        shared_file(&fs::read_to_string(file?.path())?, &mut seeds);
    }
    files_on_stage(&mut seeds);
    for file in fs::read_dir(vectors.join("license"))? {
        seeds.extend(license(&fs::read_to_string(file?.path())?));
    }
    on_stage(&mut seeds);
    sequences(&mut seeds);
    seeds.extend(reader::seeds().into_iter().map(|seed| ("usb_reader", seed)));
    Ok(seeds)
}

/// Adds the commands and answers of a vector.
fn conversation(text: &str, seeds: &mut Seeds) {
    let mut answers = vec![0];
    let mut last_ins = 0;
    for line in text.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(direction), Some(Ok(bytes))) = (words.next(), words.next().map(hex::decode))
        else {
            continue;
        };
        match direction {
            ">" => {
                if let Ok(apdu) = CommandApdu::parse(&bytes)
                    && apdu.cla == CLA
                {
                    last_ins = apdu.ins;
                    message(apdu.ins, apdu.data, seeds);
                }
                seeds.push(("apdu", bytes.clone()));
                seeds.push(("command", bytes));
            }
            "<" => {
                let Some((data, _word)) = bytes.split_last_chunk::<2>() else {
                    continue;
                };
                match last_ins {
                    ins::READ_CSR => seeds.push(("request", data.to_vec())),
                    ins::JOURNAL => seeds.push(("journal", data.to_vec())),
                    ins::STATUS | ins::IDENTITY => seeds.push(("status", data.to_vec())),
                    _ => {}
                }
                push_answer(&mut answers, &bytes);
            }
            _ => {}
        }
    }
    seeds.push(("host_response", answers));
}

/// Adds the data of a command, for the target that takes it.
fn message(instruction: u8, data: &[u8], seeds: &mut Seeds) {
    let target = match instruction {
        ins::INSTALL => {
            let mut reader = Reader::new(data);
            if let Ok(root) = reader.prefixed(limits::CERTIFICATE) {
                seeds.push(("certificate", certificate(root, reader.rest())));
            }
            return;
        }
        ins::LETTER_WRITE | ins::LETTER_JOIN | ins::LETTER_EPOCHS => "letter",
        ins::TICKET_APPROVE | ins::TICKET_PRESENT => "ticket",
        ins::GRANT => "clone_offer",
        ins::CONSENT => "clone_grant",
        ins::PARCEL => "clone_consent",
        ins::COMMIT => "clone_parcel",
        ins::COUNTERSIGN => {
            seeds.push(("receipt", data.to_vec()));
            if let Ok(receipt) = Receipt::parse(data) {
                seeds.push(("receipt", receipt.statement_bytes.to_vec()));
            }
            "clone_receipt"
        }
        _ => return,
    };
    seeds.push((target, data.to_vec()));
}

/// Adds the file of a vector. The module here is in another group, so it refuses the file.
fn shared_file(text: &str, seeds: &mut Seeds) {
    let file = text.lines().find_map(|line| line.strip_prefix("file: "));
    if let Some(Ok(file)) = file.map(hex::decode) {
        seeds.push(("file_header", file.clone()));
        seeds.push(("shared_file", file));
    }
}

/// Adds files that a module made, and for each a copy with an invalid tag.
fn files_on_stage(seeds: &mut Seeds) {
    let mut module = stage::locked();
    module.unlock_user();
    for (chunk_size, len) in [(64, 0), (64, 64), (64, 150), (16, 100), (61_440, 61_441)] {
        let file = files::file(&mut module, chunk_size, &vec![7; len]).expect("unlocked");
        let mut changed = file.clone();
        // The first bit of the last byte marks the tag as invalid.
        if let Some(last) = changed.last_mut() {
            *last |= 0x80;
        }
        seeds.push(("shared_file", changed));
        seeds.push(("shared_file", file));
    }
}

/// Adds the root and chain of a vector, in hex on several lines each.
fn attestation(text: &str, seeds: &mut Seeds) {
    let part = |name: &str| {
        let lines = text.lines().skip_while(|line| *line != name).skip(1);
        let hex: String = lines.take_while(|line| !line.is_empty()).collect();
        hex::decode(hex).unwrap_or_default()
    };
    seeds.push(("certificate", certificate(&part("root:"), &part("chain:"))));
}

/// Returns the seeds of a license vector.
fn license(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let (Some(kind), Some((_, text))) = (
        text.lines().find_map(|line| line.strip_prefix("kind: ")),
        text.split_once("\n\n"),
    ) else {
        return Vec::new();
    };
    let seed = |kind: u8, bytes: &[u8]| ("license_token", [&[kind], bytes].concat());
    match kind {
        "number" => vec![seed(license::NUMBER, text.as_bytes())],
        "request" => vec![seed(license::REQUEST, text.as_bytes())],
        "response" => vec![seed(license::RESPONSE, text.as_bytes())],
        _ => {
            let token = LicenseToken::parse(text).map(|token| token.encode());
            let bytes = token.map(|bytes| seed(license::TOKEN_BYTES, &bytes));
            let text = seed(license::TOKEN, text.as_bytes());
            bytes.into_iter().chain([text]).collect()
        }
    }
}

/// Returns a seed for `certificate` in which every signature is valid.
fn certificate(root: &[u8], chain: &[u8]) -> Vec<u8> {
    let mut seed = vec![0xFF];
    push_answer(&mut seed, root);
    seed.extend_from_slice(chain);
    seed
}

fn push_answer(seed: &mut Vec<u8>, answer: &[u8]) {
    seed.extend(
        u16::try_from(answer.len())
            .unwrap_or_default()
            .to_be_bytes(),
    );
    seed.extend_from_slice(answer);
}

/// Adds what modules with cheap primitives send and store.
fn on_stage(seeds: &mut Seeds) {
    for (target, message) in [
        ("clone_offer", Message::Offer),
        ("clone_grant", Message::Grant),
        ("clone_consent", Message::Consent),
        ("clone_parcel", Message::Parcel),
        ("clone_receipt", Message::Receipt),
    ] {
        seeds.push((target, Run::up_to(message).message));
    }
    let Run {
        mut master,
        mut secondary,
        ..
    } = Run::up_to(Message::Offer);
    if let Ok(letterbox) = letters::letterbox(&mut secondary) {
        let letter = letters::join(&mut master, &letterbox);
        seeds.push(("write_letter", letterbox));
        seeds.extend(letter.ok().map(|letter| ("take_letter", letter)));
    }
    let receipt = Run::up_to(Message::Receipt).message;
    if let Ok(parsed) = Receipt::parse(&receipt) {
        seeds.push(("receipt", parsed.statement_bytes.to_vec()));
    }
    let mut run = Run::up_to(Message::Countersignature);
    seeds.push(("receipt", [receipt, run.message.clone()].concat()));
    // The cycle has disabled its master, as configured, after its only secondary.
    run.master.power_up();
    run.master.unlock_admin();
    for (target, instruction, data) in [
        ("journal", ins::JOURNAL, &[][..]),
        ("status", ins::STATUS, &[]),
        ("status", ins::IDENTITY, &[7; 32]),
    ] {
        let answer = run.master.command(instruction, 0, data);
        seeds.push((target, answer.expect("unlocked")));
    }
    seeds.push(("stored_blob", stored(&run.master)));
    seeds.push(("stored_blob", stored(&run.secondary)));
    seeds.push(("stored_blob", stored(&stage::configured::<RustCrypto>())));
    for kind in *b"PDRT" {
        seeds.push(("frame", vec![kind, 0, 1, 0, 0x0C]));
    }
}

fn stored<C: Provider>(module: &Bench<C>) -> Vec<u8> {
    let counter = u8::try_from(counter_of(&module.flash)).unwrap_or(u8::MAX);
    [vec![counter], module.flash.blob()].concat()
}

/// Adds each phrase on each module, and longer programs.
fn sequences(seeds: &mut Seeds) {
    for (number, phrase) in (0..).zip(PHRASES) {
        for module in 0..4 {
            seeds.push(("keypad", [&[module], phrase.as_bytes()].concat()));
        }
        let story = [op::TYPE, 3, op::TYPE, number, op::TYPE, 5, op::TYPE, 0];
        seeds.push(("device_sequence", story.to_vec()));
        seeds.push(("device_sequence", [op::TYPE, number].repeat(12)));
    }
    let movements = [11, 0, 10, 9, 0x8A, 9, 0x8B, 9, 1, 0x7F, 0x81, 0];
    for module in 0x80..0x84 {
        seeds.push(("keypad", [&[module], &movements[..]].concat()));
    }
    let cycle = [op::TYPE, 0, op::COMMAND, 8, 0, 3, 7, 0, 1];
    let steps: Vec<u8> = (0..6).flat_map(|message| [op::RELAY, message, 0]).collect();
    let whole = [&cycle[..], &steps].concat();
    seeds.push(("device_sequence", whole.clone()));
    for when in 0..8 {
        seeds.push((
            "device_sequence",
            [&cycle[..], &[op::CUT, when], &steps].concat(),
        ));
        let cut = 0x80 | op::CUT;
        seeds.push((
            "device_sequence",
            [&cycle[..], &[cut, when], &steps].concat(),
        ));
    }
    let rolled_back = [&whole[..], &[op::ROLL_BACK, op::TYPE, 0, op::PASS, 31, 10]].concat();
    seeds.push(("device_sequence", rolled_back));
}
