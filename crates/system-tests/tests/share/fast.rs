//! Fast files at the module: FILE BEGIN and FILE IDENTIFY with P1 = 1, by both providers (PROTOCOL § 2.9, FORMAT § 3.2).

use crate::module::refuses_every_changed_bit;
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    cloning::Options,
    command::ins,
    file::{CHUNK_OVERHEAD, FastKey, FileHeader, NewFastFile},
    limits,
};
use hsm_testbench::{Bench, files, relay};
use hsm_virtual::aws_lc::AwsLc;

fn unlocked<C: Provider>(serial: &str) -> Bench<C> {
    let mut module = Bench::new(serial, &Root::generate("Test root").unwrap());
    module.set_up();
    module.unlock_user();
    module
}

fn one(module: &mut Bench<impl Provider>) -> files::Fast {
    files::begin_fast(module, 64, 1).unwrap()[0]
}

/// What the module itself makes of the file, chunk by chunk.
fn open_inside(module: &mut Bench<impl Provider>, file: &[u8]) -> Result<Vec<u8>, Status> {
    let (header, chunks) = file.split_first_chunk().unwrap();
    let mut plain = Vec::new();
    for (index, chunk) in (0..).zip(chunks.chunks(64 + CHUNK_OVERHEAD)) {
        plain.extend(files::open(module, header, index, chunk)?);
    }
    Ok(plain)
}

#[test]
fn a_module_opens_what_a_host_made_with_a_key_that_it_released() {
    fn with<C: Provider>() {
        let mut module = unlocked::<C>("MODULE-1");
        for len in [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129] {
            let plain: Vec<u8> = (0..=255).cycle().take(len).collect();
            let fast = one(&mut module);
            assert_eq!(files::release(&mut module, &fast.0), Ok(Ok(fast.1)));
            let file = files::seal_fast(&fast, &plain);
            assert_eq!(open_inside(&mut module, &file), Ok(plain), "{len}");
        }
    }
    with::<AwsLc>();
    with::<RustCrypto>();
}

#[test]
fn a_clone_releases_the_same_key_and_another_group_none() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Bench::<AwsLc>::new("MASTER-1", &root);
    let mut clone = Bench::<RustCrypto>::new("SECOND-1", &root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
    clone.unlock_user();
    let (header, key) = one(&mut master);
    assert_eq!(files::release(&mut clone, &header), Ok(Ok(key)));
    let mut stranger = unlocked::<AwsLc>("MODULE-9");
    let none = files::release(&mut stranger, &header);
    assert_eq!(none, Ok(Err(Status::NotFound)));
    // One that is not there keeps no other from being released.
    let (own, own_key) = one(&mut stranger);
    let answer = stranger
        .command(ins::FILE_IDENTIFY, 1, &[own, header, own].concat())
        .unwrap();
    assert_eq!(answer.len(), FastKey::answer(3));
    assert_eq!(
        answer.windows(32).filter(|part| *part == own_key).count(),
        2
    );
}

#[test]
fn a_key_is_released_for_no_file_whose_keys_stay() {
    fn with<C: Provider>() {
        let mut module = unlocked::<C>("MODULE-1");
        let kept = files::file(&mut module, 64, b"kept in the module").unwrap();
        let mut header: [u8; FileHeader::SIZE] = kept[..FileHeader::SIZE].try_into().unwrap();
        let refused = files::release(&mut module, &header);
        assert_eq!(refused, Err(Status::Malformed));
        // Its header says now that the host ciphers it: that is another file, with another key.
        header[7] = 3;
        let key = files::release(&mut module, &header).unwrap().unwrap();
        let chunk = &kept[FileHeader::SIZE..];
        let mut cipher = chunk[4..chunk.len() - 16].to_vec();
        let tag = chunk.last_chunk().unwrap();
        let nonces = [[0; 12], hsm_protocol::file::fast_nonce(0, true)];
        for nonce in nonces {
            assert!(C::gcm_open(&key, &nonce, &[], &mut cipher, tag).is_err());
            assert!(C::gcm_open(&key, &nonce, &chunk[..chunk.len() - 16], &mut [], tag).is_err());
        }
        // The other way round, too.
        let fast = one(&mut module);
        let mut file = files::seal_fast(&fast, &[5; 64]);
        for mode in [1, 2] {
            file[7] = mode;
            assert_eq!(open_inside(&mut module, &file), Err(Status::NotAuthentic));
        }
    }
    with::<AwsLc>();
    with::<RustCrypto>();
}

#[test]
fn every_changed_bit_and_every_other_order_is_refused_inside() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let fast = one(&mut module);
    let file = files::seal_fast(&fast, b"twenty-one plain bytes");
    refuses_every_changed_bit(&file, |changed| open_inside(&mut module, changed));
    let file = files::seal_fast(&fast, &[7; 192]);
    let (header, chunks) = file.split_first_chunk().unwrap();
    let chunks: Vec<_> = chunks.chunks(64 + CHUNK_OVERHEAD).collect();
    for (place, index) in [(0, 1), (1, 0), (2, 0), (0, u64::MAX)] {
        let opened = files::open(&mut module, header, index, chunks[place]);
        assert_eq!(opened, Err(Status::NotAuthentic), "{place} at {index}");
    }
    // The file ends a chunk earlier.
    let mut last = chunks[1].to_vec();
    last[0] |= 0x80;
    let opened = files::open(&mut module, header, 1, &last);
    assert_eq!(opened, Err(Status::NotAuthentic));
}

#[test]
fn an_administrator_forbids_it_and_clones_obey() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Bench::<AwsLc>::new("MASTER-1", &root);
    let mut clone = Bench::<RustCrypto>::new("SECOND-1", &root);
    master.set_up();
    master.unlock_admin();
    let fast = one(&mut master);
    let file = files::seal_fast(&fast, b"made before");
    master.power_up();
    master.configure("9+0 0 SHIFT");
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
    clone.unlock_user();
    refuses(&mut master, &fast.0);
    refuses(&mut clone, &fast.0);
    assert_eq!(open_inside(&mut master, &file), Ok(b"made before".into()));
    assert_eq!(open_inside(&mut clone, &file), Ok(b"made before".into()));
    clone.power_up();
    clone.configure("9+0 1 SHIFT");
    clone.unlock_user();
    assert_eq!(files::release(&mut clone, &fast.0), Ok(Ok(fast.1)));
}

/// No key of a file leaves the module.
fn refuses(module: &mut Bench<impl Provider>, header: &[u8; FileHeader::SIZE]) {
    let stays = Err(Status::KeysStay);
    assert_eq!(files::begin_fast(module, 64, 1).map(drop), stays);
    assert_eq!(files::release(module, header).map(drop), stays);
    let sealed = files::unwrap_command(module);
    let unwrapped = module.command(ins::FILE_UNWRAP, 0, &sealed);
    assert_eq!(unwrapped.map(drop), stays);
    let sealed = hsm_testbench::hybrid::unwrap_command(module);
    let unwrapped = module.command(ins::FILE_UNWRAP, 1, &sealed);
    assert_eq!(unwrapped.map(drop), stays);
}

#[test]
fn as_many_as_one_answer_holds_are_begun_and_each_differs() {
    let mut module = unlocked::<RustCrypto>("MODULE-1");
    let most = u16::try_from(limits::FAST_KEYS).unwrap();
    let mut all = files::begin_fast(&mut module, 61_440, most).unwrap();
    let headers: Vec<u8> = all.iter().flat_map(|(header, _)| *header).collect();
    let answer = module.command(ins::FILE_IDENTIFY, 1, &headers).unwrap();
    assert_eq!(answer.len(), FastKey::answer(all.len()));
    let (keys, rest) = answer[16..].as_chunks::<46>();
    assert!(rest.is_empty());
    assert!(
        keys.iter()
            .zip(&all)
            .all(|(entry, (_, key))| entry.ends_with(key))
    );
    all.sort_unstable();
    all.dedup_by_key(|(_, key)| *key);
    assert_eq!(all.len(), limits::FAST_KEYS);
    let more = (most + 1).to_be_bytes();
    for (count, status) in [([0, 0], Status::Malformed), (more, Status::TooLarge)] {
        let data = [&files::CHUNK_SIZE[..], &count].concat();
        let begun = module.command(ins::FILE_BEGIN, 1, &data);
        assert_eq!(begun, Err(status));
    }
    // Keys are given in one piece, or not at all: nothing of them waits in the module.
    let short = u16::try_from(NewFastFile::answer(1) - 1)
        .unwrap()
        .to_be_bytes();
    let apdu = [
        &[0x80, ins::FILE_BEGIN, 1, 0, 6][..],
        &files::BEGIN_ONE,
        &short[1..],
    ]
    .concat();
    assert_eq!(module.raw(&apdu), [0x67, 0x00]);
}
