//! A board made of files: one for the store, one for what a chip has in fuses.

use crate::{aws_lc::AwsLc, files};
use hsm_core::{
    crypto::{
        CryptoError,
        drbg::{Entropy, HmacDrbg},
        health::HealthTested,
    },
    platform::{Board, Fault, ModuleSecret, Monotonic, Platform, Storage, StoreKeys},
};
use hsm_protocol::Serial;
use plain_text::shown_path;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use zeroize::{Zeroize, Zeroizing};

/// The board of a virtual module, made of files.
#[derive(Debug)]
pub enum VirtualBoard {}

impl Board for VirtualBoard {
    type Crypto = AwsLc;
    type Storage = FileStorage;
    type Rng = HmacDrbg<HealthTested<SystemEntropy>, AwsLc>;
    type Secret = ChipSecret;
    type StoreKeys = ChipKeys;
    type Counter = ChipCounter;
}

/// Opens the board in a module's folder; creates it if it does not exist.
pub fn open(folder: &Path, serial: Serial, pin_cost: u32) -> io::Result<Platform<VirtualBoard>> {
    fs::create_dir_all(folder)?;
    let chip = Chip::open(folder.join(CHIP_FILE))?;
    let secret = ChipSecret(chip.secret.clone());
    let keys = chip.keys.clone();
    let chip = SharedChip(Arc::new(Mutex::new(chip)));
    let rng = HmacDrbg::new(HealthTested::new(SystemEntropy), serial);
    let storage = FileStorage(folder.join(STORE_FILE));
    Ok(Platform {
        serial,
        pin_cost,
        storage,
        rng,
        secret,
        store_keys: ChipKeys {
            chip: chip.clone(),
            keys,
        },
        counter: ChipCounter(chip),
    })
}

/// The sealed store's file.
pub const STORE_FILE: &str = "store.bin";

/// The file of the chip's secret, counter and store keys, which a real chip keeps in fuses and never outputs.
pub const CHIP_FILE: &str = "chip.bin";

/// The store in a file.
#[derive(Debug)]
pub struct FileStorage(PathBuf);

impl Storage for FileStorage {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let Some(bytes) = files::read(&self.0).map_err(fault)? else {
            return Ok(0);
        };
        into.get_mut(..bytes.len())
            .ok_or(Fault)?
            .copy_from_slice(&bytes);
        Ok(bytes.len())
    }

    fn replace(&mut self, blob: &[u8]) -> Result<(), Fault> {
        files::replace(&self.0, blob).map_err(fault)
    }
}

/// The operating system's random number generator as a source of entropy.
#[derive(Debug)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        getrandom::fill(out).map_err(|_error| CryptoError)
    }
}

/// The chip's secret.
pub struct ChipSecret(Zeroizing<[u8; 32]>);

impl ModuleSecret for ChipSecret {
    fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The chip's counter. It has no last value that could ever be reached.
pub struct ChipCounter(SharedChip);

impl Monotonic for ChipCounter {
    fn value(&mut self) -> Result<u64, Fault> {
        Ok(self.0.lock().counter)
    }

    fn raise_to(&mut self, value: u64) -> Result<(), Fault> {
        let mut chip = self.0.lock();
        let mut next = chip.clone();
        next.counter = next.counter.max(value);
        chip.become_durably(next)
    }

    fn last(&self) -> u64 {
        u64::MAX
    }
}

/// The chip's store keys. One that is destroyed is all zeros in the file.
pub struct ChipKeys {
    chip: SharedChip,
    keys: Zeroizing<Keys>,
}

type Keys = [[u8; 32]; STORE_KEYS as usize];

/// How many store keys a virtual module has: as many as a chip has room for.
pub const STORE_KEYS: u8 = 32;

impl StoreKeys for ChipKeys {
    fn count(&self) -> u8 {
        STORE_KEYS
    }

    fn first(&mut self) -> Result<u8, Fault> {
        let first = self.keys.iter().position(|key| *key != DESTROYED);
        first
            .and_then(|number| u8::try_from(number).ok())
            .ok_or(Fault)
    }

    fn expose(&self, number: u8) -> Result<&[u8; 32], Fault> {
        self.keys
            .get(usize::from(number))
            .filter(|key| **key != DESTROYED)
            .ok_or(Fault)
    }

    fn destroy_below(&mut self, number: u8) -> Result<(), Fault> {
        let mut chip = self.chip.lock();
        let mut next = chip.clone();
        next.keys
            .iter_mut()
            .take(usize::from(number))
            .for_each(Zeroize::zeroize);
        chip.become_durably(next)?;
        *self.keys = *chip.keys;
        Ok(())
    }
}

const DESTROYED: [u8; 32] = [0; 32];

/// The chip that counter and store keys share.
#[derive(Clone)]
struct SharedChip(Arc<Mutex<Chip>>);

impl SharedChip {
    fn lock(&self) -> MutexGuard<'_, Chip> {
        // What is in memory is always what the file holds.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct Chip {
    path: PathBuf,
    secret: Zeroizing<[u8; 32]>,
    counter: u64,
    keys: Zeroizing<Keys>,
}

impl Chip {
    fn open(path: PathBuf) -> io::Result<Self> {
        if let Some(mut bytes) = files::read(&path)? {
            let chip = Self::decode(&path, &bytes);
            bytes.zeroize();
            return chip;
        }
        let mut chip = Self {
            path,
            secret: Zeroizing::new([0; 32]),
            counter: 0,
            keys: Zeroizing::new([[0; 32]; STORE_KEYS as usize]),
        };
        getrandom::fill(chip.secret.as_mut_slice())?;
        getrandom::fill(chip.keys.as_flattened_mut())?;
        chip.write()?;
        Ok(chip)
    }

    fn decode(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let damaged = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is damaged", shown_path(path)),
            )
        };
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (secret, rest) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        let (counter, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let mut keys = Zeroizing::new([[0; 32]; STORE_KEYS as usize]);
        if magic != CHIP_MAGIC || rest.len() != keys.as_flattened().len() {
            return Err(damaged());
        }
        keys.as_flattened_mut().copy_from_slice(rest);
        Ok(Self {
            path: path.into(),
            secret: Zeroizing::new(*secret),
            counter: u64::from_be_bytes(*counter),
            keys,
        })
    }

    /// Becomes another chip once the file says so.
    fn become_durably(&mut self, next: Self) -> Result<(), Fault> {
        next.write().map_err(fault)?;
        *self = next;
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let size = 8 + 32 + 8 + self.keys.as_flattened().len();
        let mut bytes = Zeroizing::new(Vec::with_capacity(size));
        bytes.extend_from_slice(CHIP_MAGIC);
        bytes.extend_from_slice(self.secret.as_slice());
        bytes.extend_from_slice(&self.counter.to_be_bytes());
        bytes.extend_from_slice(self.keys.as_flattened());
        files::replace(&self.path, &bytes)
    }
}

const CHIP_MAGIC: &[u8; 8] = b"KWCHIP\x00\x01";

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err takes"
)]
fn fault(error: io::Error) -> Fault {
    tracing::error!(%error, "the module's board failed");
    Fault
}
