//! A group on the bench: a master and its clones, a re-key, and what each module opens of what another one sealed.

use hsm_core::{
    crypto::{Provider, rust_crypto::RustCrypto},
    leds::Pattern,
};
use hsm_factory::Root;
use hsm_protocol::{Serial, Status, cloning::Options, command::ins, rekey::Rekeyed};
use hsm_testbench::{
    Bench, files,
    relay::{self, Message},
};

/// A master and its clones, all unlocked by their Administrator.
pub(crate) struct Team<C: Provider> {
    pub(crate) root: Root,
    pub(crate) master: Bench<C>,
    pub(crate) clones: Vec<Bench<C>>,
}

impl<C: Provider> Team<C> {
    pub(crate) fn new(clones: usize) -> Self {
        let root = Root::generate("Test root").unwrap();
        let mut master = Bench::new("MASTER-1", &root);
        master.set_up();
        master.unlock_admin();
        let mut team = Self {
            root,
            master,
            clones: Vec::new(),
        };
        for number in 1..=clones {
            let mut clone = Bench::new(&format!("CLONE-{number}"), &team.root);
            clone_to(&mut team.master, &mut clone).unwrap();
            team.clones.push(clone);
        }
        team
    }
}

/// Clones, and unlocks the clone.
pub(crate) fn clone_to<C: Provider>(
    master: &mut Bench<C>,
    clone: &mut Bench<C>,
) -> Result<(), (Message, Status)> {
    relay::begin(master, Options::default(), 1).unwrap();
    let outcome = relay::run(master, clone, 0, |_, _| {});
    outcome.refused.map_or(Ok(()), Err)?;
    clone.unlock_admin();
    Ok(())
}

pub(crate) fn wire(retired: &[&str]) -> Vec<u8> {
    let mut data = Vec::new();
    for serial in retired {
        data.extend_from_slice(serial.as_bytes());
        data.resize(data.len().next_multiple_of(Serial::MAX), 0);
    }
    data
}

/// Re-keys, with a person who allows it.
pub(crate) fn rekey<C: Provider>(
    module: &mut Bench<C>,
    p1: u8,
    retired: &[&str],
) -> Result<Rekeyed, Status> {
    let data = wire(retired);
    let answer = match module.command(ins::REKEY, p1, &data) {
        Err(Status::NeedsPerson) => {
            assert_eq!(module.leds(), Pattern::Asks);
            assert_eq!(module.press("KEY+2:1s"), Pattern::Confirmed);
            module.command(ins::REKEY, p1, &data)
        }
        answer => answer,
    };
    answer.map(|bytes| Rekeyed::parse(&bytes).unwrap())
}

/// What a module of the group did with something of its current epoch.
pub(crate) struct Sealed {
    pub(crate) file: Vec<u8>,
    pub(crate) unwrap: Vec<u8>,
}

pub(crate) const PLAIN: &[u8] = b"of this epoch";
pub(crate) const FILE_KEY: [u8; 16] = [7; 16];

pub(crate) fn sealed<C: Provider>(module: &mut Bench<C>) -> Sealed {
    let recipient = files::recipient(module).unwrap();
    Sealed {
        file: files::file(module, 64, PLAIN).unwrap(),
        unwrap: files::unwrap_data(&files::wrap::<RustCrypto>(&recipient, FILE_KEY)),
    }
}

/// What a module answers to the file and to the file key.
pub(crate) fn opened<C: Provider>(
    module: &mut Bench<C>,
    sealed: &Sealed,
) -> [Result<Vec<u8>, Status>; 2] {
    let (header, chunk) = sealed.file.split_first_chunk().unwrap();
    [
        files::open(module, header, 0, chunk),
        module.command(ins::FILE_UNWRAP, 0, &sealed.unwrap),
    ]
}

pub(crate) const OPENS: [Result<&[u8], Status>; 2] = [Ok(PLAIN), Ok(&FILE_KEY)];
pub(crate) const MISSING: [Result<&[u8], Status>; 2] =
    [Err(Status::EpochMissing), Err(Status::NotFound)];

pub(crate) fn assert_opened<C: Provider>(
    module: &mut Bench<C>,
    sealed: &Sealed,
    expected: [Result<&[u8], Status>; 2],
) {
    let opened = opened(module, sealed);
    assert_eq!(opened, expected.map(|one| one.map(<[u8]>::to_vec)));
}
