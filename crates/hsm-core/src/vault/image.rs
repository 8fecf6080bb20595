//! What a blob holds, and how its parts are sealed: an image contains no CSP in the clear.
//!
//! ```text
//! "KWHSM" version(3) │ device part: under the store key │ module key: under the module's secret │
//! letterbox: under the store key │ CSPs, journal: under the KEK
//! ```
//!
//! The device part holds the number of the blob and the tags of the other four: parts of different blobs cannot be
//! combined.

use super::{
    csp::{
        contents::Csps, kek::Kek, letterbox::LetterboxSecret, part::Part, pin::Stretched,
        pin_records::PinRecords, slot::Slot,
    },
    device::{Device, Lifecycle},
    journal::Journal,
    sealed::{self, Sealed, SealedMut, TAG, choose_bytes},
};
use crate::{
    crypto::{CryptoError, Provider, Rng},
    platform::{Board, Fault, Platform, Storage, StoreKeys},
};
use core::ops::Range;
use hsm_protocol::{Malformed, reader::Reader};
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroizing;

/// What the blob holds: its bytes, of which only the device part is kept in the clear beside them. It is large, and
/// stays where it was made.
pub(crate) struct Image {
    /// The number of the blob that it is in, or will be in first.
    pub(crate) number: u64,
    /// The number of the store key that the device part and the slots are under.
    pub(super) store_key: u8,
    pub(crate) device: Device,
    blob: [u8; BLOB],
}

impl Image {
    pub(super) const fn blank() -> Self {
        Self {
            number: 0,
            store_key: 0,
            device: Device::blank(),
            blob: [0; BLOB],
        }
    }

    /// Forgets what it holds.
    pub(super) fn clear(&mut self) {
        self.number = 0;
        self.store_key = 0;
        self.device = Device::blank();
        self.blob.fill(0);
    }

    pub(crate) fn module_key(&self) -> Result<Sealed<'_>, Fault> {
        self.part(MODULE_KEY)
    }

    pub(crate) fn module_key_mut(&mut self) -> Result<SealedMut<'_>, Fault> {
        self.part_mut(MODULE_KEY)
    }

    /// Returns the private halves of the letterbox; blank while the module has none.
    pub(crate) fn letterbox(&self) -> Result<Sealed<'_>, Fault> {
        self.part(LETTERBOX)
    }

    pub(crate) fn letterbox_mut(&mut self) -> Result<SealedMut<'_>, Fault> {
        self.part_mut(LETTERBOX)
    }

    fn part(&self, place: Range<usize>) -> Result<Sealed<'_>, Fault> {
        Sealed::of(self.blob.get(place).ok_or(Fault)?).map_err(malformed)
    }

    fn part_mut(&mut self, place: Range<usize>) -> Result<SealedMut<'_>, Fault> {
        SealedMut::of(self.blob.get_mut(place).ok_or(Fault)?).map_err(malformed)
    }

    /// Opens the CSPs in place.
    #[inline(never)]
    pub(crate) fn open_csps<C: Provider>(&self, kek: &Kek, csps: &mut Csps) -> Result<(), Fault> {
        let mut bytes = Zeroizing::new([0; Csps::SIZE]);
        let sealed = self.part(CSPS)?;
        sealed
            .open::<C>(Part::csps(kek), bytes.as_mut_slice())
            .map_err(fault)?;
        csps.fill(bytes.as_slice()).map_err(malformed)
    }

    /// Opens the journal in place.
    #[inline(never)]
    pub(crate) fn open_journal<C: Provider>(
        &self,
        kek: &Kek,
        journal: &mut Journal,
    ) -> Result<(), Fault> {
        let mut bytes = [0; Journal::SIZE];
        let sealed = self.part(JOURNAL)?;
        sealed
            .open::<C>(Part::journal(kek), &mut bytes)
            .map_err(fault)?;
        journal.fill(&bytes).map_err(malformed)
    }

    /// Makes a new KEK, and seals everything that it protects, and makes each PIN's slot wrap it.
    #[inline(never)]
    pub(crate) fn seal_anew<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        kek: &mut Kek,
        csps: &Csps,
        journal: &Journal,
    ) -> Result<(), Fault> {
        kek.generate(platform, self.number).map_err(fault)?;
        let under = (self.store_key, &*kek);
        wrap_slots(&mut self.device, platform, under, &csps.pins)?;
        let number = self.number;
        seal_csps(self.part_mut(CSPS)?, platform, kek, number, csps)?;
        seal_journal(self.part_mut(JOURNAL)?, platform, kek, number, journal)
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
    #[inline(never)]
    pub(crate) fn is_under<C: Provider>(&self, kek: &Kek) -> bool {
        let mut bytes = Zeroizing::new([0; Csps::SIZE]);
        self.part(CSPS).is_ok_and(|sealed| {
            let opened = sealed.open::<C>(Part::csps(kek), bytes.as_mut_slice());
            opened.is_ok()
        })
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
    ///
    /// [`Store::erase`]: super::store::Store::erase
    pub(super) fn erase<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), Fault> {
        self.store_key = next_store_key(platform, self.store_key);
        for place in [LETTERBOX, CSPS, JOURNAL] {
            self.blob.get_mut(place).ok_or(Fault)?.fill(0);
        }
        self.device.erase();
        Slot::ALL
            .into_iter()
            .try_for_each(|slot| self.fill_slot(platform, slot))
    }

    /// Becomes what the Self-Destruct PIN leaves, or stays the same, in constant time: the same is made, and the same
    /// bytes are read and written, either way. It leaves an erased module with a new group, and no PIN but this one,
    /// which is the User PIN from now on; its KEK is in `kek`. Failure counts stay: an Admin PIN that was blocked and
    /// no longer is would reveal the destruction.
    #[inline(never)]
    pub(crate) fn destroy_if<B: Board>(
        &mut self,
        is_destroyed: bool,
        platform: &mut Platform<B>,
        kek: &mut Kek,
        stretched: &Stretched,
    ) -> Result<(), Fault> {
        let choice = Choice::from(u8::from(is_destroyed));
        let store_key = next_store_key(platform, self.store_key);
        kek.generate(platform, self.number).map_err(fault)?;
        let mut csps = Csps::default();
        let certificate = self.device.certificate::<B::Crypto>();
        csps.keyring
            .generate::<B::Crypto>(&mut platform.rng, certificate)
            .map_err(fault)?;
        csps.pins.set(Slot::User, stretched);

        self.choose_device(choice, platform, (store_key, kek), &csps.pins)?;
        self.store_key.conditional_assign(&store_key, choice);
        self.choose_csps(choice, platform, kek, &csps)?;
        self.choose_new_journal(choice, platform, kek)?;
        let letterbox = self.blob.get_mut(LETTERBOX).ok_or(Fault)?;
        choose_bytes(letterbox, &[0; sealed::size(LetterboxSecret::SIZE)], choice);
        Ok(())
    }

    #[inline(never)]
    fn choose_device<B: Board>(
        &mut self,
        choice: Choice,
        platform: &mut Platform<B>,
        under: (u8, &Kek),
        pins: &PinRecords,
    ) -> Result<(), Fault> {
        let mut other = self.device.clone();
        other.erase();
        other.lifecycle = Lifecycle::Configured;
        other.salt = self.device.salt;
        other.cost = self.device.cost;
        other.failures = self.device.failures;
        wrap_slots(&mut other, platform, under, pins)?;
        self.device.choose(&other, choice).map_err(malformed)
    }

    #[inline(never)]
    fn choose_csps<B: Board>(
        &mut self,
        choice: Choice,
        platform: &mut Platform<B>,
        kek: &Kek,
        csps: &Csps,
    ) -> Result<(), Fault> {
        let mut other = [0; sealed::size(Csps::SIZE)];
        let place = SealedMut::of(&mut other).map_err(malformed)?;
        seal_csps(place, platform, kek, self.number, csps)?;
        choose_bytes(self.blob.get_mut(CSPS).ok_or(Fault)?, &other, choice);
        Ok(())
    }

    #[inline(never)]
    fn choose_new_journal<B: Board>(
        &mut self,
        choice: Choice,
        platform: &mut Platform<B>,
        kek: &Kek,
    ) -> Result<(), Fault> {
        let mut journal = Journal::default();
        journal.ledger.begin(&mut platform.rng).map_err(fault)?;
        let mut other = [0; sealed::size(Journal::SIZE)];
        let place = SealedMut::of(&mut other).map_err(malformed)?;
        seal_journal(place, platform, kek, self.number, &journal)?;
        choose_bytes(self.blob.get_mut(JOURNAL).ok_or(Fault)?, &other, choice);
        Ok(())
    }

    /// Seals the device part, which has the number, and returns the blob.
    #[inline(never)]
    pub(super) fn encode<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
    ) -> Result<&[u8; BLOB], Fault> {
        let tags = self.tags()?;
        let Self {
            number,
            store_key,
            device,
            blob,
        } = self;
        *blob.first_chunk_mut().ok_or(Fault)? = MAGIC;
        let place = blob.get_mut(DEVICE).ok_or(Fault)?;
        let part = Part::device(platform.store_keys.expose(*store_key)?);
        SealedMut::of(place)
            .map_err(malformed)?
            .seal::<B::Crypto>(&mut platform.rng, part, *number, |writer| {
                writer.u64(*number)?;
                device.write(writer)?;
                tags.iter().try_for_each(|tag| writer.bytes(tag))
            })
            .map_err(fault)?;
        Ok(blob)
    }

    /// Becomes what the storage holds. Returns whether it holds anything. The blob is under the first store key, or
    /// under the next one if power was cut before the erasure that wrote it could destroy the first.
    pub(super) fn load<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<bool, Fault> {
        match platform.storage.read(&mut self.blob)? {
            0 => return Ok(false),
            BLOB => {}
            _ => return Err(Fault),
        }
        let first = platform.store_keys.first()?;
        self.open_device(platform, first)
            .or_else(|Fault| self.open_device(platform, next_store_key(platform, first)))?;
        Ok(true)
    }

    #[inline(never)]
    fn open_device<B: Board>(
        &mut self,
        platform: &Platform<B>,
        store_key: u8,
    ) -> Result<(), Fault> {
        if self.blob.first_chunk() != Some(&MAGIC) {
            return Err(Fault);
        }
        let mut plain = [0; DEVICE_PLAIN];
        let part = Part::device(platform.store_keys.expose(store_key)?);
        let sealed = self.part(DEVICE)?;
        sealed.open::<B::Crypto>(part, &mut plain).map_err(fault)?;
        let mut reader = Reader::new(&plain);
        self.number = reader.u64().map_err(malformed)?;
        self.store_key = store_key;
        self.device = Device::read(&mut reader).map_err(malformed)?;
        for tag in self.tags()? {
            if reader.array().map_err(malformed)? != &tag {
                return Err(Fault);
            }
        }
        Ok(())
    }

    /// Returns whether the store key after this one exists, which an erasure needs.
    pub(super) fn can_be_erased<B: Board>(&self, platform: &Platform<B>) -> bool {
        next_store_key(platform, self.store_key) != self.store_key
    }

    fn tags(&self) -> Result<[[u8; TAG]; PARTS], Fault> {
        let tag = |place| self.part(place).map(|sealed| *sealed.tag());
        Ok([tag(MODULE_KEY)?, tag(LETTERBOX)?, tag(CSPS)?, tag(JOURNAL)?])
    }
}

/// Makes each PIN's slot wrap the KEK. A slot without a PIN gets random bytes: no PIN opens it, and it looks like any
/// other. The steps are the same whichever PINs are set.
fn wrap_slots<B: Board>(
    device: &mut Device,
    platform: &mut Platform<B>,
    (store_key, kek): (u8, &Kek),
    pins: &PinRecords,
) -> Result<(), Fault> {
    for slot in Slot::ALL {
        let mut filled = [0; 40];
        platform.rng.fill(&mut filled).map_err(fault)?;
        let store_key = platform.store_keys.expose(store_key)?;
        let wrapped = slot
            .wrap_key::<B::Crypto>(store_key, pins.stretched(slot), kek)
            .map_err(fault)?;
        choose_bytes(&mut filled, &wrapped, pins.is_set(slot));
        device.set_slot(slot, filled);
    }
    Ok(())
}

fn seal_csps<B: Board>(
    place: SealedMut<'_>,
    platform: &mut Platform<B>,
    kek: &Kek,
    number: u64,
    csps: &Csps,
) -> Result<(), Fault> {
    let (rng, part) = (&mut platform.rng, Part::csps(kek));
    place
        .seal::<B::Crypto>(rng, part, number, |writer| csps.write(writer))
        .map_err(fault)
}

fn seal_journal<B: Board>(
    place: SealedMut<'_>,
    platform: &mut Platform<B>,
    kek: &Kek,
    number: u64,
    journal: &Journal,
) -> Result<(), Fault> {
    let (rng, part) = (&mut platform.rng, Part::journal(kek));
    place
        .seal::<B::Crypto>(rng, part, number, |writer| journal.write(writer))
        .map_err(fault)
}

/// Returns the number of the store key after that one, or of that one if it is the last.
fn next_store_key<B: Board>(platform: &Platform<B>, number: u8) -> u8 {
    let last = platform.store_keys.count().saturating_sub(1);
    number.saturating_add(1).min(last)
}

/// The parts that are sealed beside the device part, which holds their tags.
const PARTS: usize = 4;

const DEVICE_PLAIN: usize = 8 + Device::SIZE + PARTS * TAG;

const MAGIC: [u8; 8] = *b"KWHSM\x00\x00\x01";

// Where the parts are.
const DEVICE: Range<usize> = after(MAGIC.len(), DEVICE_PLAIN);
const MODULE_KEY: Range<usize> = after(DEVICE.end, 48);
const LETTERBOX: Range<usize> = after(MODULE_KEY.end, LetterboxSecret::SIZE);
const CSPS: Range<usize> = after(LETTERBOX.end, Csps::SIZE);
const JOURNAL: Range<usize> = after(CSPS.end, Journal::SIZE);

const fn after(start: usize, plain: usize) -> Range<usize> {
    start..start.saturating_add(sealed::size(plain))
}

/// The size of a module's store, in bytes; always the same.
pub const BLOB: usize = JOURNAL.end;

fn fault(_: CryptoError) -> Fault {
    Fault
}

fn malformed(_: Malformed) -> Fault {
    Fault
}
