//! Registration, the app's PIN, and what needs a license.
//!
//! A license is needed for one thing: to start a new cloning cycle on hardware modules. Virtual modules need none, and
//! everything else works without one. Times are seconds since 1970-01-01 00:00 UTC, passed in.
//!
//! | module | what it holds |
//! |---|---|
//! | [`store`] | the one file: license and PIN of this user, and what may be done with it |
//! | [`pin`] | hashes, and the growing delay |
//! | [`portal`] | the portal's API |
//! | [`gate`] | whether hardware may be cloned |

pub mod gate;
pub mod pin;
pub mod portal;
pub mod store;
#[cfg(test)]
mod tests;

pub use gate::{GateRefusal, HardwarePermit};
pub use license_token::{
    Anchor, Anchors, Claims, CodeError, Day, Installation, LicenseNumber, LicenseToken,
    NumberError, Pin, PinError, RequestCode, ResponseCode, Standing, VerifyError,
    is_development_build,
};
pub use portal::{DEFAULT_PORTAL, Portal, PortalError};
pub use store::{Launched, LicenseError, LicenseFile, Registration};
