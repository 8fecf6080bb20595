//! A board made of files: one for the store, one for the chip's secret and counter.

use crate::{aws_lc::AwsLc, files};
use hsm_core::{
    crypto::{
        CryptoError,
        drbg::{Entropy, HmacDrbg},
    },
    platform::{Board, Fault, ModuleSecret, Monotonic, Platform, Storage},
};
use hsm_protocol::Serial;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use zeroize::{Zeroize, Zeroizing};

/// The board of a virtual module, made of files.
#[derive(Debug)]
pub enum VirtualBoard {}

impl Board for VirtualBoard {
    type Crypto = AwsLc;
    type Storage = FileStorage;
    type Rng = HmacDrbg<SystemEntropy>;
    type Secret = ChipSecret;
    type Counter = ChipCounter;
}

/// Opens the board in a module's folder; creates it if it does not exist.
pub fn open(folder: &Path, serial: Serial, pin_cost: u32) -> io::Result<Platform<VirtualBoard>> {
    fs::create_dir_all(folder)?;
    let chip = Chip::open(folder.join(CHIP_FILE))?;
    let secret = ChipSecret(chip.secret.clone());
    let rng = HmacDrbg::instantiate(SystemEntropy, serial.as_str().as_bytes())
        .map_err(|CryptoError| io::Error::other("the operating system returned no random bytes"))?;
    let storage = FileStorage(folder.join(STORE_FILE));
    Ok(Platform {
        serial,
        pin_cost,
        storage,
        rng,
        secret,
        counter: ChipCounter(chip),
    })
}

/// The sealed store's file.
pub const STORE_FILE: &str = "store.bin";

/// The file of the chip's secret and counter, which a real chip keeps in fuses and never outputs.
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

/// The chip's counter.
pub struct ChipCounter(Chip);

impl Monotonic for ChipCounter {
    fn value(&mut self) -> Result<u64, Fault> {
        Ok(self.0.counter)
    }

    fn advance(&mut self) -> Result<(), Fault> {
        let counter = self.0.counter.checked_add(1).ok_or(Fault)?;
        self.0.write(counter).map_err(fault)?;
        self.0.counter = counter;
        Ok(())
    }
}

struct Chip {
    path: PathBuf,
    secret: Zeroizing<[u8; 32]>,
    counter: u64,
}

impl Chip {
    fn open(path: PathBuf) -> io::Result<Self> {
        if let Some(mut bytes) = files::read(&path)? {
            let chip = Self::decode(&path, &bytes);
            bytes.zeroize();
            return chip;
        }
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice())?;
        let chip = Self {
            path,
            secret,
            counter: 0,
        };
        chip.write(0)?;
        Ok(chip)
    }

    fn decode(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let damaged = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{} is damaged", path.display()),
            )
        };
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (secret, rest) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
        let counter = <[u8; 8]>::try_from(rest).map_err(|_length| damaged())?;
        if magic != CHIP_MAGIC {
            return Err(damaged());
        }
        Ok(Self {
            path: path.into(),
            secret: Zeroizing::new(*secret),
            counter: u64::from_be_bytes(counter),
        })
    }

    fn write(&self, counter: u64) -> io::Result<()> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(48));
        bytes.extend_from_slice(CHIP_MAGIC);
        bytes.extend_from_slice(self.secret.as_slice());
        bytes.extend_from_slice(&counter.to_be_bytes());
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
