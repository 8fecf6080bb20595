//! How a module names itself on USB, so that a host knows it among other smart-card readers. It proves nothing: what is
//! plugged in there shows who it is as every module does.

/// `iManufacturer` of the device descriptor.
pub const MANUFACTURER: &str = "KeyWriter";

/// `iProduct` of the device descriptor. Its `iSerialNumber` is the module's serial number.
pub const PRODUCT: &str = "Hardware security module";
