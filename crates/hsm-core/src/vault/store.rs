//! The store: one blob of one size, replaced atomically, every blob but the newest refused (docs/STORE.md).
//!
//! A step replaces the blob, whose number is one more than the counter's value, and then raises the counter. The first
//! update after a power-up takes two steps. Nothing is compared or released before all of them are done.
//!
//! Why this refuses every blob but the newest, whatever an attacker saves, restores and cuts: see "Rollback" in
//! docs/STORE.md.

use super::{
    csp::{contents::Csps, kek::Kek},
    device::Device,
    image::{BLOB, Image},
    journal::Journal,
};
use crate::platform::{Board, Fault, Monotonic, Platform, Storage, StoreKeys};
use hsm_protocol::Status;

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
            NotStored::WornOut => Self::WornOut,
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

    /// Checks that an update is still possible. What a session holds is changed only after this.
    pub(crate) fn check_wear<B: Board>(&self, platform: &Platform<B>) -> Result<(), NotStored> {
        let steps = if self.is_sole { 1 } else { 2 };
        if self.writes_left(platform) < steps {
            Err(NotStored::WornOut)
        } else {
            Ok(())
        }
    }

    /// Returns how often the store can still be written before only erasures are possible.
    pub(crate) fn writes_left<B: Board>(&self, platform: &Platform<B>) -> u64 {
        let steps_left = platform.counter.last().saturating_sub(self.image.number);
        steps_left.saturating_sub(RESERVED_STEPS)
    }

    /// Returns whether what a PIN protects may be stored: it could not be erased beyond recovery if it were under the
    /// last store key.
    pub(crate) fn can_be_erased<B: Board>(&self, platform: &Platform<B>) -> bool {
        self.image.can_be_erased(platform)
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
        if purpose == Purpose::Ordinary {
            self.check_wear(platform)?;
        }
        let mut next = self.image.clone();
        next.number = next.number.saturating_add(1);
        let outcome = change(&mut next, platform)?;
        step(&next, platform).map_err(NotStored::from)?;
        if !self.is_sole {
            // Before this power-up, another blob with the same number may have been stored and kept by an attacker.
            // None has the next number.
            next.number = next.number.saturating_add(1);
            step(&next, platform).map_err(NotStored::from)?;
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
const RESERVED_STEPS: u64 = 16;

/// Replaces the blob, then raises the counter to its number.
fn step<B: Board>(image: &Image, platform: &mut Platform<B>) -> Result<(), Fault> {
    let mut blob = [0; BLOB];
    image.encode(platform, &mut blob)?;
    platform.storage.replace(&blob)?;
    platform.counter.raise_to(image.number)
}
