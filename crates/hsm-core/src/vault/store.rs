//! The sealed store: one blob of one size, replaced atomically, older blobs refused.
//!
//! ```text
//! "KWHSM" version(3) │ device part, module key: under the module's secret │ CSPs, journal: under the KEK
//! ```
//!
//! The device part holds the value of the monotonic counter and the tags of the other three: parts of different blobs
//! cannot be combined. A write first replaces the blob, then raises the counter; if power is cut in between, the next
//! power-up raises it. Nothing is compared or released before both are done.

use super::{
    csp::{contents::Csps, kek::Kek, part::Part, pin::Stretched, slot::Slot},
    device::{Device, Lifecycle},
    journal::Journal,
    sealed::{SealedPart, choose_bytes},
};
use crate::{
    crypto::{CryptoError, Provider, Rng},
    platform::{Board, Fault, Monotonic, Platform, Storage},
};
use hsm_protocol::{Malformed, reader::Reader, writer::Writer};
use subtle::Choice;
use zeroize::Zeroizing;

/// What the blob holds. Sealed parts stay sealed here: an image contains no CSP.
#[derive(Clone)]
pub(crate) struct Image {
    pub(crate) device: Device,
    pub(crate) module_key: SealedPart<48>,
    csps: SealedPart<{ Csps::SIZE }>,
    journal: SealedPart<{ Journal::SIZE }>,
}

impl Image {
    fn blank() -> Self {
        Self {
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

    pub(crate) fn seal_csps<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &Kek,
        csps: &Csps,
    ) -> Result<(), Fault> {
        self.csps
            .seal::<B::Crypto>(&mut platform.rng, Part::csps(kek), |writer| {
                csps.write(writer)
            })
            .map_err(fault)
    }

    pub(crate) fn open_journal<C: Provider>(&self, kek: &Kek) -> Result<Journal, Fault> {
        let mut bytes = [0; Journal::SIZE];
        self.journal
            .open::<C>(Part::journal(kek), &mut bytes)
            .map_err(fault)?;
        Journal::read(&bytes).map_err(malformed)
    }

    pub(crate) fn seal_journal<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &Kek,
        journal: &Journal,
    ) -> Result<(), Fault> {
        self.journal
            .seal::<B::Crypto>(&mut platform.rng, Part::journal(kek), |writer| {
                journal.write(writer)
            })
            .map_err(fault)
    }

    /// Wraps the KEK for a PIN.
    pub(crate) fn set_slot<B: Board>(
        &mut self,
        platform: &Platform<B>,
        slot: Slot,
        stretched: &Stretched,
        kek: &Kek,
    ) -> Result<(), Fault> {
        let wrapped = slot
            .wrap_key::<B::Crypto>(&platform.secret, stretched, kek)
            .map_err(fault)?;
        self.device.set_slot(slot, wrapped);
        Ok(())
    }

    /// Fills a slot with random bytes: no PIN opens it, and it looks like any other.
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

    /// Fills all slots with random bytes.
    pub(crate) fn fill_slots<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), Fault> {
        Slot::ALL
            .into_iter()
            .try_for_each(|slot| self.fill_slot(platform, slot))
    }

    /// Erases, beyond recovery, what is encrypted under the KEK and the slots that wrap the KEK. The module's identity
    /// stays: key, certificates, root, version floor.
    pub(crate) fn erase<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), Fault> {
        self.csps = SealedPart::blank();
        self.journal = SealedPart::blank();
        let retained = self.device.clone();
        self.device = Device {
            lifecycle: Lifecycle::Reset,
            public: retained.public,
            root: retained.root,
            chain: retained.chain,
            floor: retained.floor,
            ..Device::blank()
        };
        self.fill_slots(platform)
    }

    /// Becomes what the Self-Destruct PIN leaves: a new group, and no PIN but this one, which is the User PIN from
    /// now on. Failure counts stay: an Admin PIN that was blocked and no longer is would reveal the destruction.
    pub(crate) fn destroy<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &Kek,
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
        self.set_slot(platform, Slot::User, stretched, kek)?;
        self.seal_csps(platform, kek, &csps)?;
        self.seal_journal(platform, kek, &Journal::default())
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
        self.module_key.choose(&other.module_key, choice);
        self.csps.choose(&other.csps, choice);
        self.journal.choose(&other.journal, choice);
        Ok(())
    }

    fn encode<B: Board>(
        &self,
        platform: &mut Platform<B>,
        counter: u64,
        blob: &mut [u8; BLOB],
    ) -> Result<(), Fault> {
        let mut sealed = DevicePart::blank();
        sealed
            .seal::<B::Crypto>(
                &mut platform.rng,
                Part::device(&platform.secret),
                |writer| {
                    writer.u64(counter)?;
                    self.device.write(writer)?;
                    self.tags()
                        .into_iter()
                        .try_for_each(|tag| writer.bytes(tag))
                },
            )
            .map_err(fault)?;
        let mut writer = Writer::new(blob);
        writer.bytes(&MAGIC).map_err(malformed)?;
        sealed.write(&mut writer).map_err(malformed)?;
        self.module_key.write(&mut writer).map_err(malformed)?;
        self.csps.write(&mut writer).map_err(malformed)?;
        self.journal.write(&mut writer).map_err(malformed)
    }

    fn decode<B: Board>(platform: &Platform<B>, blob: &[u8]) -> Result<(u64, Self), Fault> {
        let mut image = Self::blank();
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
        sealed
            .open::<B::Crypto>(Part::device(&platform.secret), &mut plain)
            .map_err(fault)?;
        let mut reader = Reader::new(&plain);
        let counter = reader.u64().map_err(malformed)?;
        image.device = Device::read(&mut reader).map_err(malformed)?;
        for tag in image.tags() {
            if reader.array().map_err(malformed)? != tag {
                return Err(Fault);
            }
        }
        Ok((counter, image))
    }

    const fn tags(&self) -> [&[u8; 16]; 3] {
        [self.module_key.tag(), self.csps.tag(), self.journal.tag()]
    }
}

/// The store of a module that is powered up.
pub(crate) struct Store {
    counter: u64,
    image: Image,
}

impl Store {
    /// Returns the store of a new module; it also replaces a store that cannot be read.
    pub(crate) fn blank() -> Self {
        Self {
            counter: 0,
            image: Image::blank(),
        }
    }

    /// Reads the blob, refuses an older one, and raises the counter if a power cut kept the last write from doing so.
    pub(crate) fn power_up<B: Board>(platform: &mut Platform<B>) -> Result<Self, Fault> {
        let raised = platform.counter.value()?;
        let mut blob = [0; BLOB];
        let len = platform.storage.read(&mut blob)?;
        if len == 0 {
            // A blob that is missing after the first write is an old state too.
            return if raised == 0 {
                Ok(Self::blank())
            } else {
                Err(Fault)
            };
        }
        let (counter, image) = Image::decode(platform, blob.get(..len).ok_or(Fault)?)?;
        if counter == raised.saturating_add(1) {
            platform.counter.advance()?;
        } else if counter != raised {
            return Err(Fault);
        }
        Ok(Self { counter, image })
    }

    pub(crate) const fn image(&self) -> &Image {
        &self.image
    }

    pub(crate) const fn device(&self) -> &Device {
        &self.image.device
    }

    /// Changes the image in a transaction: the change happens in storage and in memory, or in neither. After a
    /// [`Fault`] while writing, it is unknown which: the module must power up again.
    pub(crate) fn update<B: Board, T, E: From<Fault>>(
        &mut self,
        platform: &mut Platform<B>,
        change: impl FnOnce(&mut Image, &mut Platform<B>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut next = self.image.clone();
        let outcome = change(&mut next, platform)?;
        let counter = self.counter.checked_add(1).ok_or(Fault)?;
        let mut blob = [0; BLOB];
        next.encode(platform, counter, &mut blob)?;
        platform.storage.replace(&blob)?;
        platform.counter.advance()?;
        self.image = next;
        self.counter = counter;
        Ok(outcome)
    }

    /// Reads the blob back from storage, and returns what a power-up would find.
    pub(crate) fn read_back<B: Board>(&self, platform: &mut Platform<B>) -> Result<Image, Fault> {
        let mut blob = [0; BLOB];
        let len = platform.storage.read(&mut blob)?;
        let (counter, image) = Image::decode(platform, blob.get(..len).ok_or(Fault)?)?;
        if counter == self.counter {
            Ok(image)
        } else {
            Err(Fault)
        }
    }
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
