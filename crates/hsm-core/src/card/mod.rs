//! The module as a smart card: APDU chaining (`exchange`), commands against states (`dispatch`), and what commands do.

mod cipher;
pub(crate) mod dispatch;
pub(crate) mod exchange;
pub(crate) mod factory;
pub(crate) mod file;
mod recipient;
