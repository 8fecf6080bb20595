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
    image::Image,
    journal::Journal,
};
use crate::platform::{Board, Fault, Monotonic, Platform, Storage, StoreKeys};
use hsm_protocol::Status;

/// The store of a module that is powered up. There is one image, which an update changes where it is: a chip has no
/// room for another.
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
    /// Returns the store of a new module.
    pub(crate) const fn blank() -> Self {
        Self {
            image: Image::blank(),
            is_sole: false,
        }
    }

    /// Becomes that of a new module again: what was read cannot be trusted.
    pub(crate) fn clear(&mut self) {
        self.image.clear();
        self.is_sole = false;
    }

    /// Reads the blob, refuses an older one, and completes a write that a power cut interrupted after the blob was
    /// replaced: the counter is raised, the store key of what was erased is destroyed. Both are done again even if they
    /// seem done: a fuse that was burnt in part may read either way.
    pub(crate) fn load<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), Fault> {
        let counter = platform.counter.value()?;
        let image = &mut self.image;
        if !image.load(platform)? {
            // A blob that is missing after the first write is an old state too.
            return if counter == 0 { Ok(()) } else { Err(Fault) };
        }
        if image.number != counter && image.number != counter.saturating_add(1) {
            return Err(Fault);
        }
        platform.counter.raise_to(image.number)?;
        platform.store_keys.destroy_below(image.store_key)
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

    /// Changes the image and stores it. A worn-out store is left as it is, here and in storage. After a [`Fault`], also
    /// of the change, what is here is not what is stored: the module must power up again, and shows which blob it has.
    pub(crate) fn update<B: Board, T>(
        &mut self,
        platform: &mut Platform<B>,
        change: impl FnOnce(&mut Image, &mut Platform<B>) -> Result<T, Fault>,
    ) -> Result<T, NotStored> {
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
            image.seal_anew(platform, &mut new_kek, csps, journal)
        })?;
        kek.copy_from(&new_kek);
        Ok(())
    }

    /// Erases everything but the module's identity.
    pub(crate) fn erase<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), NotStored> {
        self.update_or_erase(platform, Image::erase)
    }

    /// Changes the image and stores it, as an update that may erase. If it does, the store key of all that was stored
    /// before is destroyed. Whether it does, does not show in the steps.
    pub(crate) fn update_or_erase<B: Board, T>(
        &mut self,
        platform: &mut Platform<B>,
        change: impl FnOnce(&mut Image, &mut Platform<B>) -> Result<T, Fault>,
    ) -> Result<T, NotStored> {
        let outcome = self.write(platform, Purpose::Erasure, change)?;
        platform.store_keys.destroy_below(self.image.store_key)?;
        Ok(outcome)
    }

    fn write<B: Board, T>(
        &mut self,
        platform: &mut Platform<B>,
        purpose: Purpose,
        change: impl FnOnce(&mut Image, &mut Platform<B>) -> Result<T, Fault>,
    ) -> Result<T, NotStored> {
        if purpose == Purpose::Ordinary {
            self.check_wear(platform)?;
        }
        let Self { image, is_sole } = self;
        image.number = image.number.saturating_add(1);
        let outcome = change(image, platform)?;
        step(image, platform)?;
        if !*is_sole {
            // Before this power-up, another blob with the same number may have been stored and kept by an attacker.
            // None has the next number.
            image.number = image.number.saturating_add(1);
            step(image, platform)?;
        }
        *is_sole = true;
        Ok(outcome)
    }

    /// Reads the blob back from storage: the image is what a power-up would find from now on.
    pub(crate) fn read_back<B: Board>(&mut self, platform: &mut Platform<B>) -> Result<(), Fault> {
        let number = self.image.number;
        if self.image.load(platform)? && self.image.number == number {
            Ok(())
        } else {
            Err(Fault)
        }
    }
}

/// Steps of the counter that only an erasure may use. It needs two; the rest is for power cuts during erasures.
const RESERVED_STEPS: u64 = 16;

/// Replaces the blob, then raises the counter to its number.
fn step<B: Board>(image: &mut Image, platform: &mut Platform<B>) -> Result<(), Fault> {
    let number = image.number;
    let blob = image.encode(platform)?;
    platform.storage.replace(blob)?;
    platform.counter.raise_to(number)
}
