//! What a blob holds, and how its parts are sealed: an image contains no CSP in the clear.
//!
//! ```text
//! "KWHSM" version(3) │ device part: under the store key │ module key: under the module's secret │ CSPs, journal: under the KEK
//! ```
//!
//! The device part holds the number of the blob and the tags of the other three: parts of different blobs cannot be
//! combined.

use super::{
    csp::{
        contents::Csps, kek::Kek, letterbox::LetterboxSecret, part::Part, pin::Stretched,
        slot::Slot,
    },
    device::{Device, Lifecycle},
    journal::Journal,
    sealed::{SealedPart, choose_bytes},
};
use crate::{
    crypto::{CryptoError, Provider, Rng},
    platform::{Board, Fault, Platform, StoreKeys},
};
use hsm_protocol::{Malformed, reader::Reader, writer::Writer};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// What the blob holds. Sealed parts stay sealed here.
#[derive(Clone)]
pub(crate) struct Image {
    /// The number of the blob that it is in, or will be in first.
    pub(crate) number: u64,
    /// The number of the store key that the device part and the slots are under.
    pub(super) store_key: u8,
    pub(crate) device: Device,
    pub(crate) module_key: SealedPart<48>,
    /// The private halves of the letterbox; blank while the module has none.
    pub(crate) letterbox: SealedPart<{ LetterboxSecret::SIZE }>,
    csps: SealedPart<{ Csps::SIZE }>,
    journal: SealedPart<{ Journal::SIZE }>,
}

impl Image {
    pub(super) fn blank(store_key: u8) -> Self {
        Self {
            number: 0,
            store_key,
            device: Device::blank(),
            module_key: SealedPart::blank(),
            letterbox: SealedPart::blank(),
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

    /// Tries a PIN on a slot. The first decision about it: the KEK in `kek` unwraps, or there is none.
    pub(crate) fn unwrap_slot<B: Board>(
        &self,
        platform: &Platform<B>,
        slot: Slot,
        stretched: &Stretched,
        kek: &mut Kek,
    ) -> Result<bool, Fault> {
        let wrapped = self.device.slot(slot).ok_or(Fault)?;
        let store_key = platform.store_keys.expose(self.store_key)?;
        let unwrapped = slot.unwrap_key::<B::Crypto>(store_key, stretched, wrapped, kek);
        Ok(unwrapped.is_ok())
    }

    /// The second decision about a PIN, in another way: the CSPs are under what its slot unwrapped to.
    pub(crate) fn is_under<C: Provider>(&self, kek: &Kek) -> bool {
        let mut csps = Zeroizing::new([0; Csps::SIZE]);
        self.csps.open::<C>(Part::csps(kek), &mut csps).is_ok()
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
        self.letterbox = SealedPart::blank();
        let retained = self.device.clone();
        self.device = Device {
            lifecycle: Lifecycle::Reset,
            public: retained.public,
            root: retained.root,
            chain: retained.chain,
            letterbox: retained.letterbox,
            ..Device::blank()
        };
        self.device.letterbox.close();
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
        let certificate = self.device.certificate::<B::Crypto>();
        csps.keyring
            .generate::<B::Crypto>(&mut platform.rng, certificate)
            .map_err(fault)?;
        csps.pins.set(Slot::User, stretched);
        let mut journal = Journal::default();
        journal.ledger.begin(&mut platform.rng).map_err(fault)?;
        self.seal_anew(platform, kek, &csps, &journal)
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
        self.letterbox.choose(&other.letterbox, choice);
        self.csps.choose(&other.csps, choice);
        self.journal.choose(&other.journal, choice);
        Ok(())
    }

    pub(super) fn encode<B: Board>(
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
        self.letterbox.write(&mut writer).map_err(malformed)?;
        self.csps.write(&mut writer).map_err(malformed)?;
        self.journal.write(&mut writer).map_err(malformed)
    }

    /// Opens a blob. It is under the first store key, or under the next one if power was cut before the erasure that
    /// wrote it could destroy the first.
    pub(super) fn decode<B: Board>(platform: &mut Platform<B>, blob: &[u8]) -> Result<Self, Fault> {
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
        image.letterbox.read(&mut reader).map_err(malformed)?;
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

    /// Returns whether the store key after this one exists, which an erasure needs.
    pub(super) fn can_be_erased<B: Board>(&self, platform: &Platform<B>) -> bool {
        next_store_key(platform, self.store_key) != self.store_key
    }

    const fn tags(&self) -> [&[u8; 16]; PARTS] {
        [
            self.module_key.tag(),
            self.letterbox.tag(),
            self.csps.tag(),
            self.journal.tag(),
        ]
    }
}

/// Returns the number of the store key after that one, or of that one if it is the last.
fn next_store_key<B: Board>(platform: &Platform<B>, number: u8) -> u8 {
    let last = platform.store_keys.count().saturating_sub(1);
    number.saturating_add(1).min(last)
}

type DevicePart = SealedPart<DEVICE_PLAIN>;

/// The parts that are sealed beside the device part, which holds their tags.
const PARTS: usize = 4;

const DEVICE_PLAIN: usize = 8 + Device::SIZE + PARTS * 16;

const MAGIC: [u8; 8] = *b"KWHSM\x00\x00\x01";

/// The size of a module's store, in bytes; always the same.
pub const BLOB: usize = MAGIC.len()
    + DevicePart::SIZE
    + SealedPart::<48>::SIZE
    + SealedPart::<{ LetterboxSecret::SIZE }>::SIZE
    + SealedPart::<{ Csps::SIZE }>::SIZE
    + SealedPart::<{ Journal::SIZE }>::SIZE;

fn fault(_: CryptoError) -> Fault {
    Fault
}

fn malformed(_: Malformed) -> Fault {
    Fault
}
