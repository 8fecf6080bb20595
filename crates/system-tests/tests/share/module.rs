//! FILE BEGIN, SEAL, OPEN, RECIPIENT and UNWRAP, by both providers (PROTOCOL § 2.9).

use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    command::ins,
    file::{CHUNK_OVERHEAD, FileHeader},
    limits,
};
use hsm_testbench::{ADMIN_PIN, Bench, files, relay, scan};
use hsm_virtual::aws_lc::AwsLc;

#[test]
fn a_file_of_any_length_opens_to_what_it_was_made_of() {
    fn with<C: Provider>() {
        let mut module = unlocked::<C>("MODULE-1");
        for len in [0, 1, 15, 16, 17, 63, 64, 65, 127, 128, 129] {
            let plain: Vec<u8> = (0..=255).cycle().take(len).collect();
            let file = files::file(&mut module, 64, &plain).unwrap();
            assert_eq!(open(&mut module, &file), Ok(plain), "{len}");
        }
    }
    with::<AwsLc>();
    with::<RustCrypto>();
}

#[test]
fn the_largest_chunk_goes_through() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let size = u32::try_from(limits::CIPHER_DATA).unwrap();
    let plain = vec![0xA5; limits::CIPHER_DATA + 1];
    let file = files::file(&mut module, size, &plain).unwrap();
    assert_eq!(open(&mut module, &file), Ok(plain));
}

#[test]
fn a_clone_of_either_provider_opens_it_and_another_group_does_not() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Bench::<AwsLc>::new("MASTER-1", &root);
    let mut clone = Bench::<RustCrypto>::new("SECOND-1", &root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, hsm_protocol::cloning::Options::default(), 1).unwrap();
    relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
    clone.unlock_user();
    let file = files::file(&mut master, 64, b"to the whole team").unwrap();
    assert_eq!(open(&mut clone, &file), Ok(b"to the whole team".into()));
    let mut stranger = unlocked::<AwsLc>("MODULE-9");
    assert_eq!(open(&mut stranger, &file), Err(Status::NotFound));
    assert_eq!(
        files::recipient(&mut master),
        files::recipient(&mut clone),
        "one recipient for the team"
    );
    let sealed = files::wrap::<AwsLc>(&files::recipient(&mut master).unwrap(), [9; 16]);
    let data = files::unwrap_data(&sealed);
    assert_eq!(clone.command(ins::FILE_UNWRAP, 0, &data), Ok(vec![9; 16]));
    assert_eq!(
        stranger.command(ins::FILE_UNWRAP, 0, &data),
        Err(Status::NotFound)
    );
}

#[test]
fn every_changed_bit_of_header_and_chunk_is_refused() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let file = files::file(&mut module, 64, b"twenty-one plain bytes").unwrap();
    refuses_every_changed_bit(&file, |changed| open(&mut module, changed));
}

#[test]
fn a_chunk_opens_only_in_its_own_place_and_its_own_file() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let plain = [7; 192];
    let (one, two) = (
        files::file(&mut module, 64, &plain).unwrap(),
        files::file(&mut module, 64, &plain).unwrap(),
    );
    let header = one[..FileHeader::SIZE].try_into().unwrap();
    let chunks: Vec<_> = one[FileHeader::SIZE..]
        .chunks(64 + CHUNK_OVERHEAD)
        .collect();
    let others: Vec<_> = two[FileHeader::SIZE..]
        .chunks(64 + CHUNK_OVERHEAD)
        .collect();
    for (place, index) in [(0, 1), (1, 0), (2, 0), (0, u64::MAX)] {
        assert_eq!(
            files::open(&mut module, &header, index, chunks[place]),
            Err(Status::NotAuthentic),
            "{place} at {index}"
        );
    }
    assert_eq!(
        files::open(&mut module, &header, 1, others[1]),
        Err(Status::NotAuthentic)
    );
    // "There is more" and "this is the end" cannot be exchanged.
    let mut end = chunks[1].to_vec();
    end[0] |= 0x80;
    assert_eq!(
        files::open(&mut module, &header, 1, &end),
        Err(Status::NotAuthentic)
    );
}

#[test]
fn an_index_is_sealed_once_and_in_its_turn() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let header = files::begin(&mut module, 64).unwrap();
    let full = [1; 64];
    let mut seal = |place, plain: &[u8]| files::seal(&mut module, &header, place, plain).map(drop);
    assert_eq!(seal((1, false), &full), Err(Status::OutOfOrder));
    assert_eq!(seal((0, false), &full), Ok(()));
    assert_eq!(seal((0, false), &full), Err(Status::OutOfOrder));
    assert_eq!(seal((2, false), &full), Err(Status::OutOfOrder));
    assert_eq!(
        seal((1, false), &full[1..]),
        Err(Status::Malformed),
        "short"
    );
    assert_eq!(seal((1, true), &[]), Err(Status::Malformed), "an empty end");
    assert_eq!(seal((1, true), &full), Ok(()));
    assert_eq!(seal((2, true), &full), Err(Status::OutOfOrder), "closed");
}

#[test]
fn a_header_from_elsewhere_seals_nothing() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let mut header = files::begin(&mut module, 64).unwrap();
    header[FileHeader::SIZE - 1] ^= 1;
    let sealed = files::seal(&mut module, &header, (0, true), b"x");
    assert_eq!(sealed, Err(Status::OutOfOrder));
    // Nor one from before it was locked.
    let header = files::begin(&mut module, 64).unwrap();
    module.power_up();
    module.unlock_user();
    let sealed = files::seal(&mut module, &header, (0, true), b"x");
    assert_eq!(sealed, Err(Status::OutOfOrder));
}

#[test]
fn eight_files_are_written_at_once_and_a_ninth_ends_the_one_silent_longest() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let mut headers: Vec<_> = (0..limits::FILES)
        .map(|_| files::begin(&mut module, 64).unwrap())
        .collect();
    files::seal(&mut module, &headers[0], (0, false), &[1; 64]).unwrap();
    headers.push(files::begin(&mut module, 64).unwrap());
    for (number, header) in headers.iter().enumerate() {
        let index = u64::from(number == 0);
        let sealed = files::seal(&mut module, header, (index, true), b"x");
        assert_eq!(sealed.is_ok(), number != 1, "{number}");
    }
}

#[test]
fn another_hosts_reset_does_not_end_a_file() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let header = files::begin(&mut module, 64).unwrap();
    module.link(hsm_core::Link::Reset);
    assert!(files::seal(&mut module, &header, (0, true), b"x").is_ok());
}

#[test]
fn files_keep_an_unattended_module_awake_and_asking_for_the_recipient_does_not() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    module.press("SHIFT:1s");
    module.power_up();
    module.press(&format!("KEY+1 {ADMIN_PIN} KEY KEY+5 05 SHIFT SHIFT:1s"));
    module.unlock_user();
    for _ in 0..3 {
        module.pass(240_000);
        files::file(&mut module, 64, b"x").unwrap();
    }
    module.pass(240_000);
    files::recipient(&mut module).unwrap();
    module.pass(120_000);
    assert_eq!(files::recipient(&mut module), Err(Status::Locked));
}

#[test]
fn ecb_shows_equal_blocks_and_opens_after_the_mode_was_changed() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let configure = |module: &mut Bench<AwsLc>, keys: &str| {
        module.power_up();
        module.press(&format!("KEY+1 {ADMIN_PIN} KEY {keys} SHIFT:1s"));
        module.unlock_user();
    };
    configure(&mut module, "KEY+9 2 SHIFT");
    let file = files::file(&mut module, 64, &[5; 128]).unwrap();
    assert_eq!(file[64..80], file[80..96]);
    configure(&mut module, "KEY+9 1 SHIFT");
    assert_eq!(open(&mut module, &file), Ok(vec![5; 128]));
    let file = files::file(&mut module, 64, &[5; 128]).unwrap();
    assert_ne!(file[64..80], file[80..96]);
}

#[test]
fn a_changed_file_key_is_refused() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let recipient = files::recipient(&mut module).unwrap();
    let data = files::unwrap_data(&files::wrap::<AwsLc>(&recipient, [9; 16]));
    for at in 0..data.len() {
        let mut changed = data.clone();
        changed[at] ^= 1;
        let status = module.command(ins::FILE_UNWRAP, 0, &changed).unwrap_err();
        // The tag covers the ephemeral point.
        let expected = if at < 16 + 97 {
            Status::NotFound
        } else {
            Status::NotAuthentic
        };
        assert_eq!(status, expected, "byte {at}");
    }
}

#[test]
fn no_key_crosses_the_host() {
    let mut module = unlocked::<RustCrypto>("MODULE-1");
    // The epoch's key is the 48 bytes that the module's generator gave after the 16 of the group.
    let drawn = module.recorded.all();
    let group = module.status().group;
    let at = drawn.iter().position(|bytes| bytes[..] == group).unwrap();
    let epoch: [u8; 48] = drawn[at + 1].as_slice().try_into().unwrap();
    module.host = Some(Vec::new());
    let file = files::file(&mut module, 64, &[5; 128]).unwrap();
    open(&mut module, &file).unwrap();
    let recipient = files::recipient(&mut module).unwrap();
    let data = files::unwrap_data(&files::wrap::<RustCrypto>(&recipient, [9; 16]));
    module.command(ins::FILE_UNWRAP, 0, &data).unwrap();
    let mut secrets = vec![scan::Known {
        name: "epoch".into(),
        bytes: epoch.to_vec(),
    }];
    for (label, len) in [
        ("file AES-256-XTS", 64),
        ("file AES-256-ECB", 32),
        ("file AES-256-GMAC", 32),
        ("recipient ECDH-P384", 48),
    ] {
        let mut bytes = vec![0; len];
        let name = format!("KeyWriter v1 {label}");
        let header = if len == 48 { &[][..] } else { &file[..60] };
        RustCrypto::hkdf_expand(&epoch, &[name.as_bytes(), header], &mut bytes).unwrap();
        secrets.push(scan::Known { name, bytes });
    }
    // These are the keys: the first block is what XTS makes of the plaintext.
    let mut block = [5; 64];
    let key = secrets[1].bytes.as_slice().try_into().unwrap();
    RustCrypto::xts(key, 0, hsm_core::crypto::Direction::Encipher, &mut block).unwrap();
    assert_eq!(file[64..128], block);
    let host = module.host.take().unwrap();
    assert!(scan::leaks(&host, &secrets).is_empty());
}

fn unlocked<C: Provider>(serial: &str) -> Bench<C> {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::new(serial, &root);
    module.set_up();
    module.unlock_user();
    module
}

fn open<C: Provider>(module: &mut Bench<C>, file: &[u8]) -> Result<Vec<u8>, Status> {
    let (header, body) = file.split_first_chunk::<60>().unwrap();
    let size = usize::try_from(u32::from_be_bytes(header[24..28].try_into().unwrap())).unwrap();
    let mut plain = Vec::new();
    for (index, chunk) in (0..).zip(body.chunks(size.saturating_add(CHUNK_OVERHEAD).min(70_000))) {
        plain.extend(files::open(module, header, index, chunk)?);
    }
    Ok(plain)
}

/// Each bit of a file of one chunk, changed alone.
pub(crate) fn refuses_every_changed_bit(
    file: &[u8],
    mut open: impl FnMut(&[u8]) -> Result<Vec<u8>, Status>,
) {
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut changed = file.to_vec();
            changed[at] ^= 1 << bit;
            let status = open(&changed).unwrap_err();
            let shape = matches!(
                status,
                Status::Malformed | Status::NotFound | Status::EpochMissing
            );
            assert!(
                status == Status::NotAuthentic || shape && at < 64,
                "byte {at} bit {bit}: {status:?}"
            );
        }
    }
}
