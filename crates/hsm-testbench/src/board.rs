//! A board in memory: flash whose power fails on request, a generator that remembers what it gave.

use crate::trace::note;
use hsm_core::{
    crypto::{
        CryptoError, Provider, Rng,
        drbg::{Entropy, HmacDrbg},
    },
    platform::{Board, Fault, ModuleSecret, Monotonic, Platform, Storage},
};
use std::{
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard},
};

/// A board in memory, with the provider under test.
pub struct MemoryBoard<C>(PhantomData<C>);

impl<C: Provider> Board for MemoryBoard<C> {
    type Crypto = C;
    type Storage = Flash;
    type Rng = RecordingRng;
    type Secret = FixedSecret;
    type Counter = Flash;
}

/// The parts of a module's board; what outlives the module is shared.
pub fn platform<C: Provider>(
    serial: &str,
    flash: &Flash,
    recorded: &Recorded,
) -> Platform<MemoryBoard<C>> {
    let seed = u64::try_from(recorded.all().len()).expect("few");
    let entropy = SeededEntropy {
        serial: serial.into(),
        count: seed,
    };
    let drbg = HmacDrbg::instantiate(entropy, serial.as_bytes()).expect("entropy");
    Platform {
        serial: serial.parse().expect("a serial number"),
        pin_cost: hsm_core::pin::MIN_COST,
        storage: flash.clone(),
        rng: RecordingRng {
            drbg,
            recorded: recorded.clone(),
        },
        secret: FixedSecret(secret(serial)),
        counter: flash.clone(),
    }
}

/// The secret of the module of that serial number.
pub fn secret(serial: &str) -> [u8; 32] {
    let mut secret = [0x5A; 32];
    secret[..serial.len()].copy_from_slice(serial.as_bytes());
    secret
}

/// Blob and counter, as they are in chips, and when the power fails.
#[derive(Clone, Default)]
pub struct Flash(Arc<Mutex<Cells>>);

#[derive(Default)]
struct Cells {
    blob: Vec<u8>,
    counter: u64,
    operations: u32,
    cut: Option<Cut>,
    is_dead: bool,
}

/// When the power fails: at the n-th operation from here, counted from 0. A write of the store is two operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the cells change.
    Before(u32),
    /// After they changed, before anyone hears of it.
    After(u32),
}

impl Flash {
    /// Plans a cut.
    pub fn cut(&self, cut: Cut) {
        let mut cells = self.cells();
        cells.operations = 0;
        cells.cut = Some(cut);
    }

    /// How many operations were asked for since a cut was planned, those after it included.
    pub fn operations(&self) -> u32 {
        self.cells().operations
    }

    /// Other chips with the same contents and full power.
    #[must_use]
    pub fn copy(&self) -> Self {
        let cells = self.cells();
        Self(Arc::new(Mutex::new(Cells {
            blob: cells.blob.clone(),
            counter: cells.counter,
            ..Cells::default()
        })))
    }

    /// Whether the power failed as planned.
    pub fn was_cut(&self) -> bool {
        self.cells().is_dead
    }

    /// Gives power back and plans nothing.
    pub fn restore_power(&self) {
        let mut cells = self.cells();
        cells.is_dead = false;
        cells.cut = None;
    }

    /// The store as it lies in flash.
    pub fn blob(&self) -> Vec<u8> {
        self.cells().blob.clone()
    }

    /// Puts a store into flash, as a thief would; the counter stays.
    pub fn set_blob(&self, blob: Vec<u8>) {
        self.cells().blob = blob;
    }

    fn operate(&self, act: impl FnOnce(&mut Cells)) -> Result<(), Fault> {
        let mut cells = self.cells();
        let number = cells.operations;
        cells.operations += 1;
        if cells.is_dead {
            return Err(Fault);
        }
        if cells.cut == Some(Cut::Before(number)) {
            cells.is_dead = true;
            return Err(Fault);
        }
        act(&mut cells);
        if cells.cut == Some(Cut::After(number)) {
            cells.is_dead = true;
            return Err(Fault);
        }
        Ok(())
    }

    fn cells(&self) -> MutexGuard<'_, Cells> {
        self.0.lock().expect("no panic while held")
    }
}

impl Storage for Flash {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let cells = self.cells();
        note("read", [cells.blob.len(), 0, 0]);
        if cells.is_dead {
            return Err(Fault);
        }
        into.get_mut(..cells.blob.len())
            .ok_or(Fault)?
            .copy_from_slice(&cells.blob);
        Ok(cells.blob.len())
    }

    fn replace(&mut self, blob: &[u8]) -> Result<(), Fault> {
        note("replace", [blob.len(), 0, 0]);
        self.operate(|cells| cells.blob = blob.to_vec())
    }
}

impl Monotonic for Flash {
    fn value(&mut self) -> Result<u64, Fault> {
        let value = self.cells().counter;
        note("counter", [usize::try_from(value).expect("few"), 0, 0]);
        Ok(value)
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.operate(|cells| {
            cells.counter += 1;
            let value = usize::try_from(cells.counter).expect("few");
            note("advance", [value, 0, 0]);
        })
    }
}

/// A secret that the test knows.
pub struct FixedSecret([u8; 32]);

impl ModuleSecret for FixedSecret {
    fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Every answer that a generator gave, in order.
#[derive(Clone, Default)]
pub struct Recorded(Arc<Mutex<Draws>>);

#[derive(Clone, Default)]
struct Draws {
    given: Vec<Vec<u8>>,
    /// By their numbers from 0.
    planned: BTreeMap<usize, Vec<u8>>,
}

impl Recorded {
    /// The same answers, in a record of their own.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.draws().clone())))
    }

    /// All of them.
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.draws().given.clone()
    }

    /// The draw of that number, from 0, will give these bytes: a module makes the keys of a vector.
    pub fn plan(&self, number: usize, bytes: &[u8]) {
        self.draws().planned.insert(number, bytes.to_vec());
    }

    fn enter(&self, out: &mut [u8]) {
        let mut draws = self.draws();
        let number = draws.given.len();
        if let Some(planned) = draws.planned.remove(&number) {
            out.copy_from_slice(&planned);
        }
        draws.given.push(out.to_vec());
    }

    fn draws(&self) -> MutexGuard<'_, Draws> {
        self.0.lock().expect("no panic while held")
    }
}

/// The product's generator over entropy that the test supplies.
pub struct RecordingRng {
    drbg: HmacDrbg<SeededEntropy>,
    recorded: Recorded,
}

impl Rng for RecordingRng {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        note("random", [out.len(), 0, 0]);
        self.drbg.fill(out)?;
        self.recorded.enter(out);
        Ok(())
    }
}

/// Entropy that is the same in every run of a test, and differs between modules and power-ups.
pub struct SeededEntropy {
    serial: String,
    count: u64,
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        for part in out.chunks_mut(48) {
            let hash = <hsm_factory::P384Verifier as hsm_protocol::Verifier>::sha384(&[
                self.serial.as_bytes(),
                &self.count.to_be_bytes(),
            ]);
            self.count += 1 << 32;
            part.copy_from_slice(&hash[..part.len()]);
        }
        Ok(())
    }
}
