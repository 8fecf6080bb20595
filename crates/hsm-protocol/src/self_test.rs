//! What a module says of its self-tests (SELF TEST, PROTOCOL § 2.11).

use crate::{Malformed, reader::Reader, writer::Writer};

/// A self-test: a known answer of an algorithm, or a test of the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTest {
    /// SHA-384.
    Sha384,
    /// HMAC-SHA-384.
    Hmac,
    /// HKDF-SHA-384.
    Hkdf,
    /// PBKDF2-HMAC-SHA-256.
    Pbkdf2,
    /// AES-256-GCM.
    Gcm,
    /// AES-256-KW.
    KeyWrap,
    /// AES-256-XTS.
    Xts,
    /// AES-256-ECB.
    Ecb,
    /// ECDSA P-384.
    Ecdsa,
    /// ECDH P-384.
    Ecdh,
    /// ML-KEM-1024.
    MlKem,
    /// `HMAC_DRBG`.
    Drbg,
    /// The source of entropy.
    Entropy,
}

impl SelfTest {
    /// Every test, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Sha384,
        Self::Hmac,
        Self::Hkdf,
        Self::Pbkdf2,
        Self::Gcm,
        Self::KeyWrap,
        Self::Xts,
        Self::Ecb,
        Self::Ecdsa,
        Self::Ecdh,
        Self::MlKem,
        Self::Drbg,
        Self::Entropy,
    ];

    /// Returns its number on the wire, from 1.
    pub const fn number(self) -> u8 {
        match self {
            Self::Sha384 => 1,
            Self::Hmac => 2,
            Self::Hkdf => 3,
            Self::Pbkdf2 => 4,
            Self::Gcm => 5,
            Self::KeyWrap => 6,
            Self::Xts => 7,
            Self::Ecb => 8,
            Self::Ecdsa => 9,
            Self::Ecdh => 10,
            Self::MlKem => 11,
            Self::Drbg => 12,
            Self::Entropy => 13,
        }
    }

    /// Returns its name, the same in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha384 => "SHA-384",
            Self::Hmac => "HMAC-SHA-384",
            Self::Hkdf => "HKDF-SHA-384",
            Self::Pbkdf2 => "PBKDF2-HMAC-SHA-256",
            Self::Gcm => "AES-256-GCM",
            Self::KeyWrap => "AES-256-KW",
            Self::Xts => "AES-256-XTS",
            Self::Ecb => "AES-256-ECB",
            Self::Ecdsa => "ECDSA P-384",
            Self::Ecdh => "ECDH P-384",
            Self::MlKem => "ML-KEM-1024",
            Self::Drbg => "HMAC_DRBG",
            Self::Entropy => "entropy source",
        }
    }

    /// Returns its bit in [`SelfTestReport::passed`].
    pub fn bit(self) -> u16 {
        1_u16.rotate_left(u32::from(self.number()).wrapping_sub(1))
    }

    fn from_number(number: u8) -> Result<Self, Malformed> {
        let find = |test: &Self| test.number() == number;
        Self::ALL.into_iter().find(find).ok_or(Malformed)
    }
}

/// What stopped a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A self-test failed.
    By(SelfTest),
    /// The store failed, or a check did, and no self-test finds a reason.
    ByFault,
}

/// Whether what a host has the module do now is approved (FIPS 140-3, service indicator).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The module is locked, and ciphers nothing.
    None,
    /// It ciphers data units in XTS.
    Approved,
    /// It ciphers data units in ECB, which shows equal blocks.
    NotApproved,
}

/// The answer to SELF TEST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfTestReport {
    /// What stopped the module; nothing did if it works.
    pub stopped: Option<Stopped>,
    /// The tests that were passed since the power-up, a bit each.
    pub passed: u16,
    /// Whether what it does is approved.
    pub service: Service,
}

impl SelfTestReport {
    /// Its size, in bytes.
    pub const SIZE: usize = 4;

    /// Parses a whole answer.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let stopped = match reader.u8()? {
            0 => None,
            FAULT => Some(Stopped::ByFault),
            number => Some(Stopped::By(SelfTest::from_number(number)?)),
        };
        let passed = reader.u16()?;
        let known = SelfTest::ALL.iter().fold(0, |all, test| all | test.bit());
        if passed & !known != 0 {
            return Err(Malformed);
        }
        let service = match reader.u8()? {
            0 => Service::None,
            1 => Service::Approved,
            2 => Service::NotApproved,
            _ => return Err(Malformed),
        };
        reader.finish()?;
        Ok(Self {
            stopped,
            passed,
            service,
        })
    }

    /// Writes it.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(match self.stopped {
            None => 0,
            Some(Stopped::By(test)) => test.number(),
            Some(Stopped::ByFault) => FAULT,
        })?;
        writer.u16(self.passed)?;
        writer.u8(match self.service {
            Service::None => 0,
            Service::Approved => 1,
            Service::NotApproved => 2,
        })
    }
}

const FAULT: u8 = 0xFF;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_that_parses_is_written_to_the_same_bytes() {
        let mut good = 0;
        for first in 0..=255 {
            for high in 0..=255 {
                for last in [0, 1, 2, 3, 255] {
                    let bytes = [first, high, 0x5A, last];
                    let Ok(report) = SelfTestReport::parse(&bytes) else {
                        continue;
                    };
                    let mut out = [0; SelfTestReport::SIZE];
                    let mut writer = Writer::new(&mut out);
                    report.write(&mut writer).unwrap();
                    assert_eq!(writer.written(), bytes);
                    good += 1;
                }
            }
        }
        // No error, thirteen tests, a fault; five bits of the first byte; three services.
        assert_eq!(good, 15 * 32 * 3);
        assert!(SelfTestReport::parse(&[0; 3]).is_err() && SelfTestReport::parse(&[0; 5]).is_err());
    }
}
