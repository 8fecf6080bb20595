//! The vectors of docs/FORMAT.md played on whole modules: their generators give the vectors' keys and salts.

use crate::format::{Vector, paths};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    file::{CHUNK_OVERHEAD, FileHeader, FileMode, Lead},
    settings::EncryptionMode,
};
use hsm_testbench::{Bench, files};
use hsm_virtual::aws_lc::AwsLc;

#[test]
fn a_module_makes_the_bytes_of_every_valid_vector_and_reads_them_back() {
    made_and_read::<RustCrypto>();
    made_and_read::<AwsLc>();
}

fn made_and_read<P: Provider>() {
    let mut team = Team::<P>::new();
    let mut count = 0;
    for (path, vector) in all().filter(|(_, vector)| vector.expect == "opens") {
        let header = FileHeader::parse(vector.file.first_chunk().unwrap()).unwrap();
        let module = team.in_mode(header.mode);
        let next = module.recorded.all().len();
        module.recorded.plan(next, &header.salt);
        let made = if header.mode == FileMode::Fast {
            let begun = files::begin_fast(module, header.chunk_size, 1).unwrap();
            files::seal_fast(&begun[0], &vector.plain)
        } else {
            files::file(module, header.chunk_size, &vector.plain).unwrap()
        };
        assert!(made == vector.file, "{path}");
        // In the other mode: a module reads what its header says.
        for module in &mut team.0 {
            assert_eq!(
                read(module, &vector.file),
                Ok(vector.plain.clone()),
                "{path}"
            );
        }
        count += 1;
    }
    assert!(count > 5, "{count}");
}

#[test]
fn a_module_refuses_what_the_vectors_say_was_changed_and_what_has_not_the_shape() {
    refused::<RustCrypto>();
    refused::<AwsLc>();
}

fn refused<P: Provider>() {
    let mut team = Team::<P>::new();
    for (path, vector) in all().filter(|(_, vector)| vector.expect != "opens") {
        let read = read(&mut team.0[0], &vector.file);
        let is_right = match vector.expect.as_str() {
            "another group" => read == Err(Status::NotFound),
            "an epoch that is not there" => read == Err(Status::EpochMissing),
            "changed" => read == Err(Status::NotAuthentic),
            // Where the file ends, only its reader knows.
            "cut off" => read.is_ok() || read == Err(Status::Malformed),
            _ => read == Err(Status::Malformed),
        };
        assert!(is_right, "{path}: {read:?}");
    }
}

fn all() -> impl Iterator<Item = (String, Vector)> {
    paths().into_iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, Vector::load(&path))
    })
}

/// Two modules with the vectors' keys, unlocked: one in each mode.
struct Team<P: Provider>([Bench<P>; 2]);

impl<P: Provider> Team<P> {
    fn new() -> Self {
        let root = Root::generate("Test root").unwrap();
        // A first one shows which draws become the group and, behind it, the epoch key and the link key.
        let mut first = Bench::<P>::new("MODULE-1", &root);
        first.set_up();
        first.unlock_user();
        let group = first.status().group;
        let drawn = first.recorded.all();
        let at = drawn.iter().position(|bytes| bytes[..] == group).unwrap();
        let (_, vector) = all().find(|(name, _)| name == "empty").unwrap();
        let module = |mode: &str| {
            let mut module = Bench::<P>::new("MODULE-1", &root);
            module.recorded.plan(at + 1, &vector.epoch_key);
            module.recorded.plan(at + 2, &vector.link_key);
            module.set_up();
            module.configure(mode);
            module.unlock_user();
            module
        };
        Self([module("KEY+9 1 SHIFT"), module("KEY+9 2 SHIFT")])
    }

    fn in_mode(&mut self, mode: FileMode) -> &mut Bench<P> {
        match mode {
            FileMode::InModule(EncryptionMode::Xts) | FileMode::Fast => &mut self.0[0],
            FileMode::InModule(EncryptionMode::Ecb) => &mut self.0[1],
        }
    }
}

/// Chunk by chunk, as their leads cut the file.
fn read<P: Provider>(module: &mut Bench<P>, file: &[u8]) -> Result<Vec<u8>, Status> {
    let (header, mut rest) = file.split_first_chunk().unwrap();
    let mode = FileHeader::parse(header).map_or(FileMode::Fast, |header| header.mode);
    let mut plain = Vec::new();
    for index in 0.. {
        let Some(word) = rest.first_chunk() else {
            break;
        };
        let len = u32::from_be_bytes(*word) & 0x7FFF_FFFF;
        let whole = Lead { last: true, len }.cipher_len(mode) + CHUNK_OVERHEAD;
        let (chunk, behind) = rest.split_at(whole.min(rest.len()));
        plain.extend(files::open(module, header, index, chunk)?);
        rest = behind;
    }
    if rest.is_empty() {
        Ok(plain)
    } else {
        // Too little for a chunk.
        Err(Status::Malformed)
    }
}
