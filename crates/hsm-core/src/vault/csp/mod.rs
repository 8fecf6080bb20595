//! Every type that holds a critical security parameter (CSP) in the clear. None is `Clone`, `Copy`, `Debug` or compared
//! with `==`; each zeroizes itself. They are created empty where they will live, and filled in place.

mod keyring;
mod parcel;
pub mod pin;
mod pin_records;

pub(crate) use keyring::{EpochKey, Keyring};
pub(crate) use parcel::ParcelContents;
pub(crate) use pin_records::PinRecords;

use hsm_protocol::{
    Malformed,
    reader::Reader,
    settings::{EncryptionMode, UserPinPolicy, read_auto_lock},
    writer::Writer,
};
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key-encryption key: everything at rest is under it, and each PIN's slot wraps it.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Kek([u8; 32]);

impl Kek {
    pub(crate) const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) const fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }

    /// Becomes the second of two keys, or the first, in constant time.
    pub(crate) fn choose(&mut self, first: &Self, second: &Self, is_second: bool) {
        let choice = Choice::from(u8::from(is_second));
        for (byte, (first, second)) in self.0.iter_mut().zip(first.0.iter().zip(&second.0)) {
            *byte = u8::conditional_select(first, second, choice);
        }
    }
}

/// A PIN after PBKDF2, before the module's secret: what clones need to accept the same PIN.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Stretched([u8; 32]);

impl Stretched {
    pub(crate) const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) const fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

/// What an Administrator configures, besides PINs. Kept under the KEK: it can be read only once unlocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) mode: EncryptionMode,
    pub(crate) auto_lock: Option<u8>,
    pub(crate) policy: Option<UserPinPolicy>,
    pub(crate) cloning: bool,
}

impl Settings {
    const SIZE: usize = 1 + 1 + 2 + 1;

    fn write(self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.mode.to_byte())?;
        writer.u8(self.auto_lock.unwrap_or(0))?;
        UserPinPolicy::write(self.policy, writer)?;
        writer.flag(self.cloning)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            mode: EncryptionMode::from_byte(reader.u8()?)?,
            auto_lock: read_auto_lock(reader)?,
            policy: UserPinPolicy::read(reader)?,
            cloning: reader.flag()?,
        })
    }
}

/// All CSPs that a PIN opens.
#[derive(Default)]
pub(crate) struct Csps {
    pub(crate) keyring: Keyring,
    pub(crate) pins: PinRecords,
    pub(crate) settings: Settings,
}

impl Csps {
    /// The size of the stored form, in bytes; always the same.
    pub(crate) const SIZE: usize = Keyring::SIZE + PinRecords::SIZE + Settings::SIZE;

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.keyring.write(writer)?;
        self.pins.write(writer)?;
        self.settings.write(writer)
    }

    /// Takes over keyring, PINs and mode of a Parcel, in place.
    pub(crate) fn fill_from(&mut self, contents: &ParcelContents) {
        self.keyring.copy_from(&contents.keyring);
        self.pins.copy_from(&contents.pins);
        self.settings.mode = contents.mode;
    }

    /// Fills in place.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        self.keyring.fill(&mut reader)?;
        self.pins.fill(&mut reader)?;
        self.settings = Settings::read(&mut reader)?;
        reader.finish()
    }
}
