//! Orders: licenses that are sold together.

use license_token::LicenseNumber;

use super::{Holder, License, NewMail};

/// A license to be issued.
#[derive(Clone)]
pub struct Sale {
    /// The license.
    pub license: License,
    /// Its holder, if already known.
    pub holder: Option<Holder>,
    /// The mail with its PIN.
    pub mail: NewMail,
}

/// Licenses to be issued together.
#[derive(Clone)]
pub struct NewOrder {
    /// The MACs of the key that makes repeating the order harmless, and of what was ordered.
    pub repeat: Option<Repeat>,
    /// The licenses.
    pub sales: Vec<Sale>,
}

/// How a repeated order is recognized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Names the order.
    pub key: String,
    /// Names what was ordered.
    pub body: String,
}

/// An order that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its number.
    pub order: i64,
    /// Its licenses, in the order of their numbers.
    pub licenses: Vec<LicenseNumber>,
}

/// The outcome of placing an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placing {
    /// It was placed, now or before with the same key.
    Done(Placed),
    /// Something else was ordered with the same key.
    OtherBody,
}
