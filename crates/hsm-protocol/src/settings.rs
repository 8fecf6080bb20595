//! A module's settings, and what STATUS answers once the module is unlocked (PROTOCOL § 2.6).

use crate::{EpochName, Malformed, reader::Reader, writer::Writer};

/// Who unlocked a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The User: data only.
    User,
    /// The Administrator.
    Administrator,
}

/// How data units are enciphered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncryptionMode {
    /// AES-256-XTS, the default.
    #[default]
    Xts,
    /// AES-256-ECB: equal blocks have equal ciphertexts.
    Ecb,
}

impl EncryptionMode {
    /// Returns the byte on the wire, which is also the digit on the keypad.
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Xts => 1,
            Self::Ecb => 2,
        }
    }

    /// Parses the byte on the wire.
    pub const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match byte {
            1 => Ok(Self::Xts),
            2 => Ok(Self::Ecb),
            _ => Err(Malformed),
        }
    }
}

/// Rules for a User PIN, beyond the rules for every PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserPinPolicy {
    /// The minimum number of positions, 7 to 15.
    pub min_length: u8,
    /// Whether one position must be a SHIFT symbol.
    pub needs_shift: bool,
}

impl UserPinPolicy {
    /// Appends two bytes; a policy that is not set is `00 00`.
    pub fn write(policy: Option<Self>, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        let Self {
            min_length,
            needs_shift,
        } = policy.unwrap_or(Self {
            min_length: 0,
            needs_shift: false,
        });
        writer.u8(min_length)?;
        writer.flag(needs_shift)
    }

    /// Reads the two bytes.
    pub fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, Malformed> {
        match (reader.u8()?, reader.flag()?) {
            (0, false) => Ok(None),
            (min_length @ 7..=15, needs_shift) => Ok(Some(Self {
                min_length,
                needs_shift,
            })),
            _ => Err(Malformed),
        }
    }
}

/// What STATUS answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleStatus {
    /// Who unlocked the module.
    pub role: Role,
    /// The group's identity.
    pub group: [u8; 16],
    /// The epoch that enciphers.
    pub epoch: EpochName,
    /// How data units are enciphered.
    pub mode: EncryptionMode,
    /// Minutes until an unattended module locks, 5 to 99; `None` is off.
    pub auto_lock: Option<u8>,
    /// The rules for a User PIN.
    pub policy: Option<UserPinPolicy>,
    /// Whether it releases keys of files: those of fast files, and those that were sealed to the team's recipient.
    pub releases_keys: bool,
    /// How often its store can still be written before only erasures are possible; more than fit are the greatest
    /// number.
    pub writes_left: u32,
    /// What only the Administrator can read.
    pub admin: Option<AdminStatus>,
}

/// The part of [`ModuleStatus`] for the Administrator.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four independent facts, as on the wire"
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdminStatus {
    /// Whether this module may serve as a master.
    pub cloning: bool,
    /// Whether a User PIN is set.
    pub user_pin: bool,
    /// Whether a Recovery PIN is set.
    pub recovery_pin: bool,
    /// Whether a Self-Destruct PIN is set.
    pub self_destruct_pin: bool,
}

impl ModuleStatus {
    /// Its maximum size, in bytes.
    pub const MAX: usize = 1 + 16 + EpochName::SIZE + 1 + 1 + 2 + 1 + 4 + 4;

    /// So many writes or fewer left: the module should be cloned and replaced.
    pub const FEW_WRITES: u32 = 2_000;

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(match self.role {
            Role::User => 0,
            Role::Administrator => 1,
        })?;
        writer.bytes(&self.group)?;
        self.epoch.write(writer)?;
        writer.u8(self.mode.to_byte())?;
        writer.u8(self.auto_lock.unwrap_or(0))?;
        UserPinPolicy::write(self.policy, writer)?;
        writer.flag(self.releases_keys)?;
        writer.u32(self.writes_left)?;
        if let Some(admin) = self.admin {
            for flag in [
                admin.cloning,
                admin.user_pin,
                admin.recovery_pin,
                admin.self_destruct_pin,
            ] {
                writer.flag(flag)?;
            }
        }
        Ok(())
    }

    /// Parses a whole status.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let role = if reader.flag()? {
            Role::Administrator
        } else {
            Role::User
        };
        let status = Self {
            role,
            group: *reader.array()?,
            epoch: EpochName::read(&mut reader)?,
            mode: EncryptionMode::from_byte(reader.u8()?)?,
            auto_lock: read_auto_lock(&mut reader)?,
            policy: UserPinPolicy::read(&mut reader)?,
            releases_keys: reader.flag()?,
            writes_left: reader.u32()?,
            admin: match role {
                Role::User => None,
                Role::Administrator => Some(AdminStatus {
                    cloning: reader.flag()?,
                    user_pin: reader.flag()?,
                    recovery_pin: reader.flag()?,
                    self_destruct_pin: reader.flag()?,
                }),
            },
        };
        reader.finish()?;
        Ok(status)
    }
}

/// Reads minutes of auto-lock: 0 for off, or 5 to 99.
pub fn read_auto_lock(reader: &mut Reader<'_>) -> Result<Option<u8>, Malformed> {
    match reader.u8()? {
        0 => Ok(None),
        minutes @ 5..=99 => Ok(Some(minutes)),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_reads_back_in_both_roles() {
        let user = ModuleStatus {
            role: Role::User,
            group: [1; 16],
            epoch: EpochName {
                number: 3,
                check: [4; 8],
            },
            mode: EncryptionMode::Ecb,
            auto_lock: Some(5),
            policy: Some(UserPinPolicy {
                min_length: 8,
                needs_shift: true,
            }),
            releases_keys: true,
            writes_left: 72_000,
            admin: None,
        };
        let admin = AdminStatus {
            cloning: true,
            user_pin: true,
            recovery_pin: false,
            self_destruct_pin: false,
        };
        for status in [
            user,
            ModuleStatus {
                role: Role::Administrator,
                admin: Some(admin),
                ..user
            },
        ] {
            let mut out = [0; ModuleStatus::MAX];
            let mut writer = Writer::new(&mut out);
            status.write(&mut writer).unwrap();
            assert_eq!(ModuleStatus::parse(writer.written()), Ok(status));
        }
    }

    #[test]
    fn settings_outside_their_ranges_are_refused() {
        for minutes in 0..=255 {
            assert_eq!(
                read_auto_lock(&mut Reader::new(&[minutes])).is_ok(),
                minutes == 0 || (5..=99).contains(&minutes)
            );
            assert_eq!(
                UserPinPolicy::read(&mut Reader::new(&[minutes, 0])).is_ok(),
                minutes == 0 || (7..=15).contains(&minutes)
            );
        }
        assert!(UserPinPolicy::read(&mut Reader::new(&[0, 1])).is_err());
    }
}
