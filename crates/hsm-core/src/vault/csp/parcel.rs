//! What a Parcel carries (PROTOCOL § 4.5): everything that makes a clone, and its number in the master's journal.

use super::{contents::Csps, keyring::Keyring, pin_records::PinRecords};
use crate::vault::device::{AttemptLimits, Device};
use hsm_protocol::{
    Malformed,
    cloning::Options,
    reader::Reader,
    settings::{EncryptionMode, UserPinPolicy, read_auto_lock},
    writer::Writer,
};

/// A Parcel's plaintext, once it is opened.
pub(crate) struct ParcelContents {
    pub(crate) number: u64,
    pub(crate) salt: [u8; 32],
    pub(crate) cost: u32,
    pub(crate) keyring: Keyring,
    pub(crate) pins: PinRecords,
    pub(crate) mode: EncryptionMode,
    pub(crate) releases_keys: bool,
    pub(crate) limits: AttemptLimits,
    pub(crate) auto_lock: Option<u8>,
    pub(crate) policy: Option<UserPinPolicy>,
    /// Comes back in the Receipt: see [`hsm_protocol::receipt::Statement::token`].
    pub(crate) token: [u8; 48],
}

impl Default for ParcelContents {
    fn default() -> Self {
        Self {
            number: 0,
            salt: [0; 32],
            cost: 0,
            keyring: Keyring::default(),
            pins: PinRecords::default(),
            mode: EncryptionMode::default(),
            releases_keys: true,
            limits: AttemptLimits::MOST,
            auto_lock: None,
            policy: None,
            token: [0; 48],
        }
    }
}

impl ParcelContents {
    /// Its size, in bytes; always the same.
    pub(crate) const SIZE: usize =
        8 + 32 + 4 + Keyring::SIZE + PinRecords::SIZE + 1 + 1 + AttemptLimits::SIZE + 1 + 2 + 48;

    /// Writes what a master sends. An option that is not chosen, or not configured, is sent as "not set".
    pub(crate) fn write(
        writer: &mut Writer<'_>,
        number: u64,
        device: &Device,
        csps: &Csps,
        options: Options,
        token: &[u8; 48],
    ) -> Result<(), Malformed> {
        writer.u64(number)?;
        writer.bytes(&device.salt)?;
        writer.u32(device.cost)?;
        csps.keyring.write(writer)?;
        csps.pins.write(writer)?;
        writer.u8(csps.settings.mode.to_byte())?;
        writer.flag(csps.settings.releases_keys)?;
        device.limits.write(writer)?;
        writer.u8(csps
            .settings
            .auto_lock
            .filter(|_| options.auto_lock)
            .unwrap_or(0))?;
        UserPinPolicy::write(
            csps.settings.policy.filter(|_| options.user_pin_policy),
            writer,
        )?;
        writer.bytes(token)
    }

    /// Returns whether it carries no setting but those that the options name.
    pub(crate) const fn is_within(&self, options: Options) -> bool {
        (self.auto_lock.is_none() || options.auto_lock)
            && (self.policy.is_none() || options.user_pin_policy)
    }

    /// Gives keyring, PINs and the settings that every clone takes to `csps`, in place.
    pub(crate) fn copy_to(&self, csps: &mut Csps) {
        csps.keyring.copy_from(&self.keyring);
        csps.pins.copy_from(&self.pins);
        csps.settings.mode = self.mode;
        csps.settings.releases_keys = self.releases_keys;
    }

    /// Fills these, which were empty, in place.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        self.number = reader.u64()?;
        self.salt = *reader.array()?;
        self.cost = reader.u32()?;
        self.keyring.fill(&mut reader)?;
        self.pins.fill(&mut reader)?;
        self.mode = EncryptionMode::from_byte(reader.u8()?)?;
        self.releases_keys = reader.flag()?;
        self.limits = AttemptLimits::read(&mut reader)?;
        self.auto_lock = read_auto_lock(&mut reader)?;
        self.policy = UserPinPolicy::read(&mut reader)?;
        self.token = *reader.array()?;
        reader.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_needs_its_option() {
        for auto_lock in [false, true] {
            for user_pin_policy in [false, true] {
                let options = Options {
                    auto_lock,
                    user_pin_policy,
                    disable_master: false,
                };
                let mut contents = ParcelContents::default();
                assert!(contents.is_within(options));
                contents.auto_lock = Some(15);
                assert_eq!(contents.is_within(options), auto_lock);
                contents.auto_lock = None;
                contents.policy = Some(UserPinPolicy {
                    min_length: 8,
                    needs_shift: true,
                });
                assert_eq!(contents.is_within(options), user_pin_policy);
            }
        }
    }
}
