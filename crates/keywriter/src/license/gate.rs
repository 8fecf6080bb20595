//! Whether new cloning cycles on hardware modules may be started.

use super::store::Registration;
use license_token::{Anchors, Day, Installation, LicenseToken, Malformed, Standing, VerifyError};

/// Proof that a valid license of this installation was verified, and the app's PIN was given.
#[derive(Clone, Debug)]
pub struct HardwarePermit {
    last: Option<Day>,
    _verified: (),
}

/// Why hardware modules are not cloned. Everything else works without a license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateRefusal {
    /// No license is stored.
    #[error("cloning hardware modules needs a license, and this app is not registered")]
    Unregistered,
    /// Its last day is over.
    #[error("the license expired: its last day was {0}")]
    Lapsed(Day),
    /// The portal revoked it.
    #[error("the license is revoked, or the portal does not know this registration any more")]
    Revoked,
    /// It was issued later than this computer's clock shows.
    #[error("the license was issued on {0}, and this computer's clock shows an earlier day")]
    NotYet(Day),
    /// It was issued for another app.
    #[error("the license is for another installation of the app")]
    OtherInstallation,
    /// It does not verify.
    #[error("{0}")]
    Unverified(VerifyError),
    /// It is not a license token.
    #[error("the stored license is damaged")]
    Damaged,
}

impl HardwarePermit {
    /// Returns the license's last day; `None`: it does not expire.
    pub const fn last_day(&self) -> Option<Day> {
        self.last
    }

    /// Makes a permit for tests.
    #[cfg(test)]
    pub(crate) const fn for_tests() -> Self {
        Self {
            last: None,
            _verified: (),
        }
    }
}

/// Decides about a stored license at a time.
pub(super) fn decide(
    registration: &Registration,
    anchors: &Anchors,
    now: u64,
) -> Result<HardwarePermit, GateRefusal> {
    if registration.is_revoked() {
        return Err(GateRefusal::Revoked);
    }
    let token =
        LicenseToken::parse(registration.token()).map_err(|Malformed| GateRefusal::Damaged)?;
    // Moving the clock back does not make an expired license valid.
    let today = Day::from_unix(now.max(registration.seen()));
    decide_token(token, registration.installation(), anchors, today)
}

/// Decides about a token of an installation.
pub(super) fn decide_token(
    token: LicenseToken,
    installation: Installation,
    anchors: &Anchors,
    today: Day,
) -> Result<HardwarePermit, GateRefusal> {
    let license = token.verify(anchors).map_err(GateRefusal::Unverified)?;
    let claims = license.claims();
    if claims.installation != installation {
        return Err(GateRefusal::OtherInstallation);
    }
    match (license.standing(today), claims.expires) {
        (Standing::Current, last) => Ok(HardwarePermit {
            last,
            _verified: (),
        }),
        (Standing::NotYet, _) => Err(GateRefusal::NotYet(claims.issued)),
        (Standing::Lapsed, last) => Err(GateRefusal::Lapsed(last.unwrap_or(today))),
    }
}
