//! Whether new cloning cycles on hardware modules may be started.

use super::store::Registration;
use license_token::{Anchor, Day, Installation, LicenseToken, Malformed, Standing, VerifyError};

/// Proof that a current license of this installation was verified, and its app's PIN given.
#[derive(Clone, Debug)]
pub struct HardwarePermit {
    last: Option<Day>,
    _verified: (),
}

/// Why hardware modules are not cloned. Everything else works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateRefusal {
    /// No license is stored.
    #[error("cloning hardware modules needs a license, and this app is not registered")]
    Unregistered,
    /// Its last day is over.
    #[error("the license lapsed: its last day was {0}")]
    Lapsed(Day),
    /// The portal said so.
    #[error("the license is revoked, or the portal knows this registration no more")]
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
    /// It is no license token.
    #[error("the stored license is damaged")]
    Damaged,
}

impl HardwarePermit {
    /// The license's last day; `None`: it does not lapse.
    pub const fn last_day(&self) -> Option<Day> {
        self.last
    }

    /// For tests of what lies behind the gate.
    #[cfg(test)]
    pub(crate) const fn for_tests() -> Self {
        Self {
            last: None,
            _verified: (),
        }
    }
}

impl GateRefusal {
    /// What to do next.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unregistered => {
                "register with `keywriter register --license XXXX-XXXX-XXXX-XXXX`; virtual modules need no license"
            }
            Self::Lapsed(_) => {
                "renew it with `keywriter license refresh`; all but new cycles on hardware modules still works"
            }
            Self::Revoked => {
                "ask your partner, then register again; all but new cycles on hardware modules still works"
            }
            Self::NotYet(_) => "set this computer's clock, then try again",
            Self::Unverified(VerifyError::OtherKey { .. }) => {
                "a development build takes licenses of a development portal, a released one those of yours: \
                 see `keywriter --version`, then register again"
            }
            Self::OtherInstallation | Self::Damaged | Self::Unverified(_) => {
                "register again with `keywriter register`"
            }
        }
    }
}

/// Judges a stored license on a day.
pub(super) fn judge(
    registration: &Registration,
    anchor: &Anchor,
    now: u64,
) -> Result<HardwarePermit, GateRefusal> {
    if registration.is_revoked() {
        return Err(GateRefusal::Revoked);
    }
    let token =
        LicenseToken::parse(registration.token()).map_err(|Malformed| GateRefusal::Damaged)?;
    // A clock that was moved back does not make a lapsed license current.
    let today = Day::from_unix(now.max(registration.seen()));
    judge_token(token, registration.installation(), anchor, today)
}

/// Judges a token for an installation.
pub(super) fn judge_token(
    token: LicenseToken,
    installation: Installation,
    anchor: &Anchor,
    today: Day,
) -> Result<HardwarePermit, GateRefusal> {
    let license = token.verify(anchor).map_err(GateRefusal::Unverified)?;
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
