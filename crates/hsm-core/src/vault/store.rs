//! The sealed store: one blob of one size, replaced atomically, older blobs refused (docs/STORE.md).
//!
//! ```text
//! "KWHSM" version(3) │ device part: under the store key │ module key: under the module's secret │ CSPs, journal: under the KEK
//! ```
//!
//! The device part holds the number of the blob and the tags of the other three: parts of different blobs cannot be
//! combined. A write replaces the blob, whose number is one more than the counter's value, and then raises the counter.
//! The first update after a power-up does that twice. Nothing is compared or released before all of it is done.
//!
//! Why this refuses every blob but the newest, whatever an attacker saves, restores and cuts: see "Rollback" in
//! docs/STORE.md.

use super::{
    csp::{contents::Csps, kek::Kek, part::Part, pin::Stretched, slot::Slot},
    device::{Device, Lifecycle},
    journal::Journal,
    sealed::{SealedPart, choose_bytes},
};
use crate::{
    crypto::{CryptoError, Provider, Rng},
    platform::{Board, Fault, Monotonic, Platform, Storage, StoreKeys},
};
use hsm_protocol::{Malformed, Status, reader::Reader, writer::Writer};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// What the blob holds. Sealed parts stay sealed here: an image contains no CSP.
#[derive(Clone)]
pub(crate) struct Image {
    /// The number of the blob that it is in, or will be in first.
    pub(crate) number: u64,
    /// The number of the store key that the device part and the slots are under.
    store_key: u8,
    pub(crate) device: Device,
    pub(crate) module_key: SealedPart<48>,
    csps: SealedPart<{ Csps::SIZE }>,
    journal: SealedPart<{ Journal::SIZE }>,
}

impl Image {
    fn blank(store_key: u8) -> Self {
        Self {
            number: 0,
            store_key,
            device: Device::blank(),
            module_key: SealedPart::blank(),
            csps: SealedPart::blank(),
            journal: SealedPart::blank(),
        }
    }

    /// Opens the CSPs in place.
    pub(crate) fn open_csps<C: Provider>(&self, kek: &Kek, csps: &mut Csps) -> Result<(), Fault> {
        let mut bytes = Zeroizing::new([0; Csps::SIZE]);
        self.csps
            .open::<C>(Part::csps(kek), &mut bytes)
            .map_err(fault)?;
        csps.fill(bytes.as_slice()).map_err(malformed)
    }

    fn seal_csps<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &Kek,
        csps: &Csps,
    ) -> Result<(), Fault> {
        let (rng, part) = (&mut platform.rng, Part::csps(kek));
        self.csps
            .seal::<B::Crypto>(rng, part, self.number, |writer| csps.write(writer))
            .map_err(fault)
    }

    /// Opens the journal in place.
    pub(crate) fn open_journal<C: Provider>(
        &self,
        kek: &Kek,
        journal: &mut Journal,
    ) -> Result<(), Fault> {
        let mut bytes = [0; Journal::SIZE];
        self.journal
            .open::<C>(Part::journal(kek), &mut bytes)
            .map_err(fault)?;
        journal.fill(&bytes).map_err(malformed)
    }

    pub(crate) fn seal_journal<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &Kek,
        journal: &Journal,
    ) -> Result<(), Fault> {
        let (rng, part) = (&mut platform.rng, Part::journal(kek));
        self.journal
            .seal::<B::Crypto>(rng, part, self.number, |writer| journal.write(writer))
            .map_err(fault)
    }

    /// Seals everything that the KEK protects, and makes each PIN's slot wrap it. A slot without a PIN gets random
    /// bytes: no PIN opens it, and it looks like any other. The steps are the same whichever PINs are set.
    fn seal_under<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &Kek,
        csps: &Csps,
        journal: &Journal,
    ) -> Result<(), Fault> {
        for slot in Slot::ALL {
            let mut filled = [0; 40];
            platform.rng.fill(&mut filled).map_err(fault)?;
            let store_key = platform.store_keys.expose(self.store_key)?;
            let wrapped = slot
                .wrap_key::<B::Crypto>(store_key, csps.pins.stretched(slot), kek)
                .map_err(fault)?;
            choose_bytes(&mut filled, &wrapped, csps.pins.is_set(slot));
            self.device.set_slot(slot, filled);
        }
        self.seal_csps(platform, kek, csps)?;
        self.seal_journal(platform, kek, journal)
    }

    /// Makes a new KEK, and seals everything that it protects.
    pub(crate) fn seal_anew<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &mut Kek,
        csps: &Csps,
        journal: &Journal,
    ) -> Result<(), Fault> {
        kek.generate(platform, self.number).map_err(fault)?;
        self.seal_under(platform, kek, csps, journal)
    }

    /// Tries a PIN on a slot; a match puts the KEK into `kek`.
    pub(crate) fn open_slot<B: Board>(
        &self,
        platform: &Platform<B>,
        slot: Slot,
        stretched: &Stretched,
        kek: &mut Kek,
    ) -> Result<bool, Fault> {
        let wrapped = self.device.slot(slot).ok_or(Fault)?;
        let store_key = platform.store_keys.expose(self.store_key)?;
        Ok(slot
            .unwrap_key::<B::Crypto>(store_key, stretched, wrapped, kek)
            .is_ok())
    }

    /// Fills a slot with random bytes.
    pub(crate) fn fill_slot<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        slot: Slot,
    ) -> Result<(), Fault> {
        let mut random = [0; 40];
        platform.rng.fill(&mut random).map_err(fault)?;
        self.device.set_slot(slot, random);
        Ok(())
    }

    /// Erases what is encrypted under the KEK and the slots that wrap the KEK, and goes on to the next store key, so
    /// that [`Store::erase`] can destroy the one that every former blob is under. The module's identity stays: key,
    /// certificates, root.
    pub(crate) fn erase<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), Fault> {
        self.store_key = next_store_key(platform, self.store_key);
        self.csps = SealedPart::blank();
        self.journal = SealedPart::blank();
        let retained = self.device.clone();
        self.device = Device {
            lifecycle: Lifecycle::Reset,
            public: retained.public,
            root: retained.root,
            chain: retained.chain,
            ..Device::blank()
        };
        Slot::ALL
            .into_iter()
            .try_for_each(|slot| self.fill_slot(platform, slot))
    }

    /// Becomes what the Self-Destruct PIN leaves: a new group, and no PIN but this one, which is the User PIN from
    /// now on. Failure counts stay: an Admin PIN that was blocked and no longer is would reveal the destruction.
    pub(crate) fn destroy<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &mut Kek,
        stretched: &Stretched,
    ) -> Result<(), Fault> {
        let Device {
            salt,
            cost,
            failures,
            ..
        } = self.device;
        self.erase(platform)?;
        self.device.lifecycle = Lifecycle::Configured;
        self.device.salt = salt;
        self.device.cost = cost;
        self.device.failures = failures;
        let mut csps = Csps::default();
        csps.keyring.generate(&mut platform.rng).map_err(fault)?;
        csps.pins.set(Slot::User, stretched);
        self.seal_anew(platform, kek, &csps, &Journal::default())
    }

    /// Becomes the other image, or stays the same, in constant time: no branch, and the same bytes are read and
    /// written either way.
    pub(crate) fn choose(&mut self, other: &Self, is_other: bool) -> Result<(), Fault> {
        let choice = Choice::from(u8::from(is_other));
        let mut device = [0; Device::SIZE];
        let mut others = [0; Device::SIZE];
        self.device
            .write(&mut Writer::new(&mut device))
            .and_then(|()| other.device.write(&mut Writer::new(&mut others)))
            .map_err(malformed)?;
        choose_bytes(&mut device, &others, choice);
        self.device = Device::read(&mut Reader::new(&device)).map_err(malformed)?;
        self.store_key.conditional_assign(&other.store_key, choice);
        self.module_key.choose(&other.module_key, choice);
        self.csps.choose(&other.csps, choice);
        self.journal.choose(&other.journal, choice);
        Ok(())
    }

    fn encode<B: Board>(
        &self,
        platform: &mut Platform<B>,
        blob: &mut [u8; BLOB],
    ) -> Result<(), Fault> {
        let mut sealed = DevicePart::blank();
        let part = Part::device(platform.store_keys.expose(self.store_key)?);
        sealed
            .seal::<B::Crypto>(&mut platform.rng, part, self.number, |writer| {
                writer.u64(self.number)?;
                self.device.write(writer)?;
                self.tags()
                    .into_iter()
                    .try_for_each(|tag| writer.bytes(tag))
            })
            .map_err(fault)?;
        let mut writer = Writer::new(blob);
        writer.bytes(&MAGIC).map_err(malformed)?;
        sealed.write(&mut writer).map_err(malformed)?;
        self.module_key.write(&mut writer).map_err(malformed)?;
        self.csps.write(&mut writer).map_err(malformed)?;
        self.journal.write(&mut writer).map_err(malformed)
    }

    /// Opens a blob. It is under the first store key, or under the next one if power was cut before the erasure that
    /// wrote it could destroy the first.
    fn decode<B: Board>(platform: &mut Platform<B>, blob: &[u8]) -> Result<Self, Fault> {
        let first = platform.store_keys.first()?;
        Self::decode_under(platform, first, blob)
            .or_else(|Fault| Self::decode_under(platform, next_store_key(platform, first), blob))
    }

    fn decode_under<B: Board>(
        platform: &Platform<B>,
        store_key: u8,
        blob: &[u8],
    ) -> Result<Self, Fault> {
        let mut image = Self::blank(store_key);
        let mut sealed = DevicePart::blank();
        let mut reader = Reader::new(blob);
        if reader.array().map_err(malformed)? != &MAGIC {
            return Err(Fault);
        }
        sealed.read(&mut reader).map_err(malformed)?;
        image.module_key.read(&mut reader).map_err(malformed)?;
        image.csps.read(&mut reader).map_err(malformed)?;
        image.journal.read(&mut reader).map_err(malformed)?;
        reader.finish().map_err(malformed)?;

        let mut plain = [0; DEVICE_PLAIN];
        let part = Part::device(platform.store_keys.expose(store_key)?);
        sealed.open::<B::Crypto>(part, &mut plain).map_err(fault)?;
        let mut reader = Reader::new(&plain);
        image.number = reader.u64().map_err(malformed)?;
        image.device = Device::read(&mut reader).map_err(malformed)?;
        for tag in image.tags() {
            if reader.array().map_err(malformed)? != tag {
                return Err(Fault);
            }
        }
        Ok(image)
    }

    /// Replaces the blob, then raises the counter to its number.
    fn store<B: Board>(&self, platform: &mut Platform<B>) -> Result<(), Fault> {
        let mut blob = [0; BLOB];
        self.encode(platform, &mut blob)?;
        platform.storage.replace(&blob)?;
        platform.counter.raise_to(self.number)
    }

    const fn tags(&self) -> [&[u8; 16]; 3] {
        [self.module_key.tag(), self.csps.tag(), self.journal.tag()]
    }
}

/// The store of a module that is powered up.
pub(crate) struct Store {
    image: Image,
    /// Whether every blob that was ever stored, other than this image's, is refused at the next power-up. The first
    /// update after a power-up makes it so.
    is_sole: bool,
}

/// Why nothing was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotStored {
    /// The board failed. What the storage holds shows at the next power-up.
    Fault,
    /// The counter or the store keys are nearly used up: what is left is for erasures.
    WornOut,
}

impl From<Fault> for NotStored {
    fn from(_: Fault) -> Self {
        Self::Fault
    }
}

impl From<NotStored> for Status {
    fn from(reason: NotStored) -> Self {
        match reason {
            NotStored::Fault => Self::MemoryFailure,
            NotStored::WornOut => Self::TooLarge,
        }
    }
}

/// What an update is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Ordinary,
    /// It may erase, and may use what is kept for that.
    Erasure,
}

impl Store {
    /// Returns the store of a new module; it also replaces a store that cannot be read.
    pub(crate) fn blank() -> Self {
        Self {
            image: Image::blank(0),
            is_sole: false,
        }
    }

    /// Reads the blob, refuses an older one, and completes a write that a power cut interrupted after the blob was
    /// replaced: the counter is raised, the store key of what was erased is destroyed. Both are done again even if they
    /// seem done: a fuse that was burnt in part may read either way.
    pub(crate) fn power_up<B: Board>(platform: &mut Platform<B>) -> Result<Self, Fault> {
        let counter = platform.counter.value()?;
        let mut blob = [0; BLOB];
        let len = platform.storage.read(&mut blob)?;
        if len == 0 {
            // A blob that is missing after the first write is an old state too.
            return if counter == 0 {
                Ok(Self::blank())
            } else {
                Err(Fault)
            };
        }
        let image = Image::decode(platform, blob.get(..len).ok_or(Fault)?)?;
        if image.number != counter && image.number != counter.saturating_add(1) {
            return Err(Fault);
        }
        platform.counter.raise_to(image.number)?;
        platform.store_keys.destroy_below(image.store_key)?;
        Ok(Self {
            image,
            is_sole: false,
        })
    }

    pub(crate) const fn image(&self) -> &Image {
        &self.image
    }

    pub(crate) const fn device(&self) -> &Device {
        &self.image.device
    }

    /// Returns how often the store can still be written before only erasures are possible.
    pub(crate) fn writes_left<B: Board>(&self, platform: &Platform<B>) -> u64 {
        let steps_left = platform.counter.last().saturating_sub(self.image.number);
        steps_left.saturating_sub(RESERVED_STEPS)
    }

    /// Returns whether what a PIN protects may be stored: it could not be erased beyond recovery if it were under the
    /// last store key.
    pub(crate) fn can_be_erased<B: Board>(&self, platform: &Platform<B>) -> bool {
        next_store_key(platform, self.image.store_key) != self.image.store_key
    }

    /// Changes the image in a transaction: the change happens in storage and in memory, or in neither. After a
    /// [`Fault`] while writing, it is unknown which: the module must power up again.
    pub(crate) fn update<B: Board, T, E: From<NotStored>>(
        &mut self,
        platform: &mut Platform<B>,
        change: impl FnOnce(&mut Image, &mut Platform<B>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.write(platform, Purpose::Ordinary, change)
    }

    /// Stores an unlocked module's CSPs and journal, under a new KEK.
    pub(crate) fn seal_anew<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &mut Kek,
        csps: &Csps,
        journal: &Journal,
    ) -> Result<(), NotStored> {
        let mut new_kek = Kek::default();
        self.update(platform, |image, platform| {
            Ok::<_, NotStored>(image.seal_anew(platform, &mut new_kek, csps, journal)?)
        })?;
        kek.copy_from(&new_kek);
        Ok(())
    }

    /// Erases everything but the module's identity.
    pub(crate) fn erase<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), NotStored> {
        self.update_or_erase(platform, |image, platform| Ok(image.erase(platform)?))
    }

    /// Changes the image in a transaction that may erase it. If it does, the store key of all that was stored before is
    /// destroyed. Whether it does, does not show in the steps.
    pub(crate) fn update_or_erase<B: Board, T, E: From<NotStored>>(
        &mut self,
        platform: &mut Platform<B>,
        change: impl FnOnce(&mut Image, &mut Platform<B>) -> Result<T, E>,
    ) -> Result<T, E> {
        let outcome = self.write(platform, Purpose::Erasure, change)?;
        let destroyed = platform.store_keys.destroy_below(self.image.store_key);
        destroyed.map_err(NotStored::from)?;
        Ok(outcome)
    }

    fn write<B: Board, T, E: From<NotStored>>(
        &mut self,
        platform: &mut Platform<B>,
        purpose: Purpose,
        change: impl FnOnce(&mut Image, &mut Platform<B>) -> Result<T, E>,
    ) -> Result<T, E> {
        let steps = if self.is_sole { 1 } else { 2 };
        if purpose == Purpose::Ordinary && self.writes_left(platform) < steps {
            return Err(NotStored::WornOut.into());
        }
        let mut next = self.image.clone();
        next.number = next.number.saturating_add(1);
        let outcome = change(&mut next, platform)?;
        next.store(platform).map_err(NotStored::from)?;
        if !self.is_sole {
            // Before this power-up, another blob with the same number may have been stored and kept by an attacker.
            // None has the next number.
            next.number = next.number.saturating_add(1);
            next.store(platform).map_err(NotStored::from)?;
        }
        self.is_sole = true;
        self.image = next;
        Ok(outcome)
    }

    /// Reads the blob back from storage, and returns what a power-up would find.
    pub(crate) fn read_back<B: Board>(&self, platform: &mut Platform<B>) -> Result<Image, Fault> {
        let mut blob = [0; BLOB];
        let len = platform.storage.read(&mut blob)?;
        let image = Image::decode(platform, blob.get(..len).ok_or(Fault)?)?;
        if image.number == self.image.number {
            Ok(image)
        } else {
            Err(Fault)
        }
    }
}

/// Steps of the counter that only an erasure may use. It needs two; the rest is for power cuts during erasures.
pub(crate) const RESERVED_STEPS: u64 = 16;

/// Returns the number of the store key after that one, or of that one if it is the last.
fn next_store_key<B: Board>(platform: &Platform<B>, number: u8) -> u8 {
    let last = platform.store_keys.count().saturating_sub(1);
    number.saturating_add(1).min(last)
}

type DevicePart = SealedPart<DEVICE_PLAIN>;

const DEVICE_PLAIN: usize = 8 + Device::SIZE + 3 * 16;

const MAGIC: [u8; 8] = *b"KWHSM\x00\x00\x01";

/// The size of a module's store, in bytes; always the same.
pub const BLOB: usize = MAGIC.len()
    + DevicePart::SIZE
    + SealedPart::<48>::SIZE
    + SealedPart::<{ Csps::SIZE }>::SIZE
    + SealedPart::<{ Journal::SIZE }>::SIZE;

fn fault(_: CryptoError) -> Fault {
    Fault
}

fn malformed(_: Malformed) -> Fault {
    Fault
}
