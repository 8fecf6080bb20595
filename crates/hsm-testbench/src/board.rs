//! A board in memory: flash whose power fails on request, a generator that remembers what it gave.

use crate::trace::note;
use hsm_core::{
    crypto::{
        CryptoError, Provider, Rng,
        drbg::{Entropy, HmacDrbg},
        health::HealthTested,
    },
    platform::{Board, Fault, ModuleSecret, Monotonic, Platform, Storage, StoreKeys},
};
use hsm_protocol::self_test::SelfTest;
use std::{
    cell::Cell,
    collections::BTreeMap,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard},
};

/// A board in memory, with the provider under test.
pub struct MemoryBoard<C>(PhantomData<C>);

impl<C: Provider> Board for MemoryBoard<C> {
    type Crypto = C;
    type Storage = Flash;
    type Rng = RecordingRng<C>;
    type Secret = FixedSecret;
    type StoreKeys = Fuses;
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
        is_stuck: recorded.draws().is_stuck,
    };
    let serial_number = serial.parse().expect("a serial number");
    let drbg = HmacDrbg::new(HealthTested::new(entropy), serial_number);
    Platform {
        serial: serial_number,
        pin_cost: hsm_core::pin::MIN_COST,
        storage: flash.clone(),
        rng: RecordingRng {
            drbg,
            recorded: recorded.clone(),
        },
        secret: FixedSecret(secret(serial)),
        store_keys: Fuses {
            flash: flash.clone(),
            keys: std::array::from_fn(|number| store_key(serial, number)),
        },
        counter: flash.clone(),
    }
}

/// The secret of the module of that serial number.
pub fn secret(serial: &str) -> [u8; 32] {
    let mut secret = [0x5A; 32];
    secret[..serial.len()].copy_from_slice(serial.as_bytes());
    secret
}

/// A store key of the module of that serial number.
pub fn store_key(serial: &str, number: usize) -> [u8; 32] {
    let mut key = secret(serial);
    key[31] = u8::try_from(number).expect("few");
    key
}

/// Blob and fuses, as they are in chips, and when the power fails.
#[derive(Clone, Default)]
pub struct Flash(Arc<Mutex<Cells>>);

#[derive(Clone)]
struct Cells {
    blob: Vec<u8>,
    /// Every blob that was ever stored, for an attacker who reads the flash all the time.
    kept: Option<Vec<Vec<u8>>>,
    counter: u64,
    last: u64,
    /// How many store keys are destroyed.
    destroyed: u8,
    /// Which of the two had its last fuse burnt in part.
    is_counter_torn: bool,
    is_key_torn: bool,
    /// How torn fuses read, bit by bit, again and again.
    noise: u64,
    operations: u32,
    cut: Option<Cut>,
    is_dead: bool,
    /// How many blobs are still lost, as glitches at their writes would do.
    to_lose: u32,
}

impl Default for Cells {
    fn default() -> Self {
        Self {
            blob: Vec::new(),
            kept: None,
            counter: 0,
            last: u64::MAX,
            destroyed: 0,
            is_counter_torn: false,
            is_key_torn: false,
            noise: 0x5555_5555_5555_5555,
            operations: 0,
            cut: None,
            is_dead: false,
            to_lose: 0,
        }
    }
}

impl Cells {
    /// How a torn fuse reads this time.
    const fn reads_as_burnt(&mut self) -> bool {
        self.noise = self.noise.rotate_left(1);
        self.noise & 1 == 1
    }
}

/// When the power fails: at the n-th operation from here, counted from 0. An operation replaces the blob, raises the
/// counter or destroys store keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Before the cells change.
    Before(u32),
    /// While a fuse is burnt: it reads either way from now on. A blob is replaced or not; here it is not.
    During(u32),
    /// After they changed, before anyone hears of it.
    After(u32),
}

impl Cut {
    /// The same cut for who counts from a later operation; `None` if it is before that.
    #[must_use]
    pub fn later(self, operations: u32) -> Option<Self> {
        Some(match self {
            Self::Before(number) => Self::Before(number.checked_sub(operations)?),
            Self::During(number) => Self::During(number.checked_sub(operations)?),
            Self::After(number) => Self::After(number.checked_sub(operations)?),
        })
    }

    /// Every cut at the first operations, that many of them.
    pub fn every(operations: u32) -> impl Iterator<Item = Self> {
        (0..operations).flat_map(|number| {
            [
                Self::Before(number),
                Self::During(number),
                Self::After(number),
            ]
        })
    }
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
            operations: 0,
            cut: None,
            is_dead: false,
            ..cells.clone()
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
        cells.operations = 0;
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

    /// From now on, keeps every blob that is stored.
    pub fn keep_blobs(&self) {
        let mut cells = self.cells();
        let blob = cells.blob.clone();
        cells.kept = Some(vec![blob]);
    }

    /// The blobs that were kept, oldest first.
    pub fn kept_blobs(&self) -> Vec<Vec<u8>> {
        self.cells().kept.clone().unwrap_or_default()
    }

    /// Loses the next blobs, that many of them; the board hears of no error.
    pub fn lose_blobs(&self, number: u32) {
        self.cells().to_lose = number;
    }

    /// Says how torn fuses read from now on, bit by bit, again and again.
    pub fn set_noise(&self, noise: u64) {
        self.cells().noise = noise;
    }

    /// Gives the counter so many steps from here, and no more.
    pub fn leave_steps(&self, steps: u64) {
        let mut cells = self.cells();
        cells.last = cells.counter + steps;
    }

    /// Which value the counter was raised to last.
    pub fn counter(&self) -> u64 {
        self.cells().counter
    }

    /// How many store keys are destroyed.
    pub fn destroyed(&self) -> u8 {
        self.cells().destroyed
    }

    fn operate(
        &self,
        tear: impl FnOnce(&mut Cells),
        act: impl FnOnce(&mut Cells),
    ) -> Result<(), Fault> {
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
        if cells.cut == Some(Cut::During(number)) {
            tear(&mut cells);
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
        self.operate(
            |_| {},
            |cells| {
                if let Some(more) = cells.to_lose.checked_sub(1) {
                    cells.to_lose = more;
                    return;
                }
                cells.blob = blob.to_vec();
                if let Some(kept) = &mut cells.kept {
                    kept.push(blob.to_vec());
                }
            },
        )
    }
}

impl Monotonic for Flash {
    fn value(&mut self) -> Result<u64, Fault> {
        let mut cells = self.cells();
        let reads_more = cells.is_counter_torn && cells.reads_as_burnt();
        let value = cells.counter + u64::from(reads_more);
        note("counter", [usize::try_from(value).expect("few"), 0, 0]);
        Ok(value)
    }

    fn raise_to(&mut self, value: u64) -> Result<(), Fault> {
        let now = self.counter();
        assert!(
            value == now || value == now + 1,
            "raised from {now} to {value}"
        );
        if value > self.cells().last {
            return Err(Fault);
        }
        note("raise", [usize::try_from(value).expect("few"), 0, 0]);
        self.operate(
            // A fuse that is burnt already stays so.
            |cells| cells.is_counter_torn |= value > cells.counter,
            |cells| {
                cells.is_counter_torn &= value == cells.counter;
                cells.counter = value;
            },
        )
    }

    fn last(&self) -> u64 {
        self.cells().last
    }
}

/// How many store keys a board in memory has.
pub const STORE_KEYS: u8 = 32;

/// The store keys of one module.
pub struct Fuses {
    flash: Flash,
    keys: [[u8; 32]; STORE_KEYS as usize],
}

impl StoreKeys for Fuses {
    fn count(&self) -> u8 {
        STORE_KEYS
    }

    fn first(&mut self) -> Result<u8, Fault> {
        let mut cells = self.flash.cells();
        let reads_more = cells.is_key_torn && cells.reads_as_burnt();
        Ok(cells.destroyed + u8::from(reads_more))
    }

    fn expose(&self, number: u8) -> Result<&[u8; 32], Fault> {
        let cells = self.flash.cells();
        let is_torn = cells.is_key_torn && number == cells.destroyed;
        if number < cells.destroyed {
            return Err(Fault);
        }
        // Of a key that is destroyed in part, something is read.
        let key = if is_torn {
            Some(&TORN_KEY)
        } else {
            self.keys.get(usize::from(number))
        };
        key.ok_or(Fault)
    }

    fn destroy_below(&mut self, number: u8) -> Result<(), Fault> {
        note("destroy", [0; 3]);
        let now = self.flash.destroyed();
        assert!(
            number == now || number == now + 1,
            "destroyed {now}, now {number}"
        );
        self.flash.operate(
            |cells| cells.is_key_torn |= number > cells.destroyed,
            |cells| {
                cells.is_key_torn &= number == cells.destroyed;
                cells.destroyed = number;
            },
        )
    }
}

const TORN_KEY: [u8; 32] = [0xFF; 32];

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
    is_stuck: bool,
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

    /// From the next power-up on, the source of entropy gives the same byte for ever.
    pub fn stick(&self) {
        self.draws().is_stuck = true;
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
pub struct RecordingRng<C> {
    drbg: HmacDrbg<HealthTested<SeededEntropy>, C>,
    recorded: Recorded,
}

impl<C: Provider> Rng for RecordingRng<C> {
    fn self_test(&mut self, test: SelfTest) -> Result<(), CryptoError> {
        generating(|| self.drbg.self_test(test))
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        note("random", [out.len(), 0, 0]);
        generating(|| self.drbg.fill(out))?;
        self.recorded.enter(out);
        Ok(())
    }
}

/// Whether the generator is what uses the primitives now, for those who treat its MACs otherwise.
pub fn is_generating() -> bool {
    GENERATING.get()
}

fn generating<T>(act: impl FnOnce() -> T) -> T {
    GENERATING.set(true);
    let outcome = act();
    GENERATING.set(false);
    outcome
}

thread_local! {
    static GENERATING: Cell<bool> = const { Cell::new(false) };
}

/// Entropy that is the same in every run of a test, and differs between modules and power-ups.
pub struct SeededEntropy {
    serial: String,
    count: u64,
    is_stuck: bool,
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        if self.is_stuck {
            out.fill(7);
            return Ok(());
        }
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
