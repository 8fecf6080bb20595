//! Errors of the license, the app's PIN and the portal.

use super::{
    super::{Problem, Reason},
    cannot_read, cannot_write, causes, wrong,
};
use crate::license::{
    CodeError, GateRefusal, LicenseError, NumberError, PinError, PortalError, VerifyError,
    pin::PinRefusal,
};

impl From<&GateRefusal> for Problem {
    fn from(refusal: &GateRefusal) -> Self {
        match refusal {
            GateRefusal::Unregistered => Self::new(Reason::NotRegistered)
                .with_detail("cloning hardware modules needs a license"),
            GateRefusal::Lapsed(day) => Self::new(Reason::LicenseExpired).about(day),
            GateRefusal::Revoked => Reason::LicenseRevoked.into(),
            GateRefusal::NotYet(day) => Self::new(Reason::ClockWrong).about(day),
            GateRefusal::Unverified(VerifyError::OtherKey { .. }) => {
                Self::new(Reason::OtherBuild).because(refusal)
            }
            GateRefusal::OtherInstallation | GateRefusal::Unverified(_) | GateRefusal::Damaged => {
                Self::new(Reason::LicenseInvalid).because(refusal)
            }
        }
    }
}

impl From<&LicenseError> for Problem {
    fn from(error: &LicenseError) -> Self {
        match error {
            LicenseError::NotRegistered => Reason::NotRegistered.into(),
            LicenseError::Pin(refusal) => {
                let reason = match refusal {
                    PinRefusal::Wrong { .. } => Reason::PinWrong,
                    PinRefusal::Wait { .. } => Reason::PinWait,
                };
                Self::new(reason).after(refusal.wait())
            }
            LicenseError::SamePin => Reason::PinUnchanged.into(),
            LicenseError::Portal(error) => error.into(),
            LicenseError::Gate(refusal) => refusal.into(),
            LicenseError::Useless(refusal) => match Self::from(refusal) {
                Self {
                    reason: Reason::LicenseInvalid,
                    detail,
                    ..
                } => Self::new(Reason::LicenseRejected).with_detail(detail),
                other => other,
            },
            LicenseError::OtherNumber(_) => Self::new(Reason::LicenseRejected).because(error),
            LicenseError::Read { path, source } => cannot_read(path, source),
            LicenseError::Write { path, source } => cannot_write(path, source),
            LicenseError::Wrong { path, what } => wrong(Reason::LicenseFileInvalid, path, what),
            LicenseError::Hash(_) | LicenseError::Random(_) => {
                Self::new(Reason::SystemFailed).because(error)
            }
        }
    }
}

impl From<&PortalError> for Problem {
    fn from(error: &PortalError) -> Self {
        match error {
            PortalError::BadAddress(url) => Self::new(Reason::PortalAddress).about(url),
            PortalError::Insecure(url) => Self::new(Reason::PortalAddress)
                .about(url)
                .with_detail("without HTTPS, the PIN would cross the network in the clear"),
            PortalError::Unreachable { url, .. } => Self::new(Reason::PortalUnreachable)
                .about(url)
                .with_detail(causes(error)),
            PortalError::Refused => Reason::PortalRefused.into(),
            PortalError::TooManyInstallations { most } => {
                Self::new(Reason::TooManyInstallations).about(most)
            }
            PortalError::OtherKey => Self::new(Reason::OtherBuild).because(error),
            PortalError::BadNumber => Reason::NumberInvalid.into(),
            PortalError::SlowDown { retry_after } => {
                Self::new(Reason::PortalRateLimit).after(*retry_after)
            }
            PortalError::Unexpected { url, status } => Self::new(Reason::PortalIncompatible)
                .about(url)
                .with_detail(format_args!("HTTP status {status}")),
        }
    }
}

impl From<&NumberError> for Problem {
    fn from(error: &NumberError) -> Self {
        match error {
            NumberError::Slip => Reason::NumberMistyped.into(),
            NumberError::Malformed => Reason::NumberInvalid.into(),
        }
    }
}

impl From<&PinError> for Problem {
    fn from(_: &PinError) -> Self {
        Reason::PinInvalid.into()
    }
}

impl From<&CodeError> for Problem {
    fn from(error: &CodeError) -> Self {
        Self::new(Reason::ResponseCodeInvalid).because(error)
    }
}
