//! The post-quantum recipient in modules of both providers (docs/FORMAT.md § 6).

use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{Status, cloning::Options, command::ins};
use hsm_testbench::{
    ADMIN_PIN, Bench,
    hybrid::{RECIPIENT, Reference, SEALED, recipient, seal, unwrap_command},
    relay, scan,
};
use hsm_virtual::aws_lc::AwsLc;

#[test]
fn a_module_derives_and_opens_by_the_text_of_the_format() {
    fn with<M: Provider, R: Provider>() {
        let mut module = unlocked::<M>("MODULE-1");
        let group = module.status().group;
        let reference = Reference::<R>::new(epoch_key(&module, group));
        let to = recipient(&mut module).unwrap();
        assert!(to == reference.recipient(group, 1));
        let sealed = seal::<R>(&to, [9; 16]);
        assert_eq!(reference.open(group, 1, &sealed), Some([9; 16]));
        assert_eq!(unwrap(&mut module, &sealed), Ok(vec![9; 16]));
    }
    with::<RustCrypto, AwsLc>();
    with::<AwsLc, RustCrypto>();
}

#[test]
fn a_clone_of_either_provider_opens_it_and_another_group_does_not() {
    let root = Root::generate("Test root").unwrap();
    let mut master = master(&root, 1);
    let mut clone = Bench::<RustCrypto>::new("SECOND-1", &root);
    relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
    clone.unlock_user();
    let to = recipient(&mut master).unwrap();
    assert!(to == recipient(&mut clone).unwrap());
    for sealed in [
        seal::<AwsLc>(&to, [9; 16]),
        seal::<RustCrypto>(&to, [9; 16]),
    ] {
        assert_eq!(unwrap(&mut master, &sealed), Ok(vec![9; 16]));
        assert_eq!(unwrap(&mut clone, &sealed), Ok(vec![9; 16]));
        let mut stranger = unlocked::<AwsLc>("MODULE-9");
        assert_eq!(unwrap(&mut stranger, &sealed), Err(Status::NotFound));
    }
}

#[test]
fn every_changed_byte_is_refused_and_all_that_decides_is_refused_alike() {
    fn with<C: Provider>(step: usize) {
        let mut module = unlocked::<C>("MODULE-1");
        let sealed = unwrap_command(&mut module);
        assert_eq!(unwrap(&mut module, &sealed), Ok(vec![7; 16]));
        for at in (0..SEALED).step_by(step) {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            // The tag covers the point: with another one it is no stanza of this team. Of the rest nothing tells a wrong
            // ciphertext from a wrong tag.
            let expected = if at < 16 + 97 {
                Status::NotFound
            } else {
                Status::NotAuthentic
            };
            assert_eq!(unwrap(&mut module, &changed), Err(expected), "byte {at}");
        }
        for changed in [&sealed[1..], &[&sealed[..], &[0]].concat()] {
            assert_eq!(unwrap(&mut module, changed), Err(Status::Malformed));
        }
    }
    with::<AwsLc>(1);
    with::<RustCrypto>(7);
}

#[test]
fn neither_kind_of_sealed_key_is_taken_for_the_other() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    let hybrid = unwrap_command(&mut module);
    let classical = hsm_testbench::files::unwrap_command(&mut module);
    let p1_0 = module.command(ins::FILE_UNWRAP, 0, &hybrid);
    assert_eq!(p1_0, Err(Status::Malformed));
    assert_eq!(unwrap(&mut module, &classical), Err(Status::Malformed));
    // Nor are their points the same: what one opens says nothing of the other.
    let points = [0, 1].map(|p1| {
        let answer = hsm_testbench::files::recipient_fields(&mut module, p1).unwrap();
        answer[28..125].to_vec()
    });
    assert_ne!(points[0], points[1]);
}

#[test]
fn a_team_of_250_has_the_recipient_of_a_team_of_one() {
    let root = Root::generate("Test root").unwrap();
    let mut master = master(&root, 250);
    let alone = recipient(&mut master).unwrap();
    let sealed = seal::<AwsLc>(&alone, [9; 16]);
    assert_eq!((alone.len(), sealed.len()), (RECIPIENT, SEALED));
    for number in 1..250 {
        let mut clone = Bench::<AwsLc>::new(&format!("CLONE-{number}"), &root);
        relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
        if number % 83 == 0 {
            clone.unlock_user();
            assert!(recipient(&mut clone).unwrap() == alone, "{number}");
            // What was sealed before there was a clone.
            assert_eq!(unwrap(&mut clone, &sealed), Ok(vec![9; 16]));
        }
    }
    let to = recipient(&mut master).unwrap();
    assert_eq!(seal::<AwsLc>(&to, [9; 16]).len(), sealed.len());
}

#[test]
fn no_secret_of_it_crosses_the_host() {
    let mut module = unlocked::<RustCrypto>("MODULE-1");
    let group = module.status().group;
    let epoch_key = epoch_key(&module, group);
    module.host = Some(Vec::new());
    let sealed = unwrap_command(&mut module);
    unwrap(&mut module, &sealed).unwrap();
    let mut secrets = Reference::<RustCrypto>::new(epoch_key).secrets();
    secrets.push(("epoch", epoch_key.to_vec()));
    let known: Vec<_> = secrets
        .into_iter()
        .map(|(name, bytes)| scan::Known {
            name: name.into(),
            bytes,
        })
        .collect();
    let host = module.host.take().unwrap();
    assert!(host.windows(SEALED).any(|window| window == sealed));
    assert!(scan::leaks(&host, &known).is_empty());
}

#[test]
fn opening_keeps_an_unattended_module_awake_and_asking_for_the_recipient_does_not() {
    let mut module = unlocked::<AwsLc>("MODULE-1");
    module.press("SHIFT:1s");
    module.power_up();
    module.press(&format!("KEY+1 {ADMIN_PIN} KEY KEY+5 05 SHIFT SHIFT:1s"));
    module.unlock_user();
    let sealed = unwrap_command(&mut module);
    for _ in 0..3 {
        module.pass(240_000);
        unwrap(&mut module, &sealed).unwrap();
    }
    module.pass(240_000);
    recipient(&mut module).unwrap();
    module.pass(120_000);
    assert_eq!(recipient(&mut module), Err(Status::Locked));
}

fn unwrap<C: Provider>(module: &mut Bench<C>, sealed: &[u8]) -> Result<Vec<u8>, Status> {
    module.command(ins::FILE_UNWRAP, 1, sealed)
}

fn unlocked<C: Provider>(serial: &str) -> Bench<C> {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::new(serial, &root);
    module.set_up();
    module.unlock_user();
    module
}

fn master(root: &Root, secondaries: u16) -> Bench<AwsLc> {
    let mut master = Bench::new("MASTER-1", root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), secondaries).unwrap();
    master
}

/// The 48 bytes that the module's generator gave after the 16 of the group.
fn epoch_key<C: Provider>(module: &Bench<C>, group: [u8; 16]) -> [u8; 48] {
    let drawn = module.recorded.all();
    let at = drawn.iter().position(|bytes| bytes[..] == group).unwrap();
    drawn[at + 1].as_slice().try_into().unwrap()
}
