//! What a module keeps: the sealed store, the attempts at its PINs, and every secret in the clear (`csp`).

pub mod attempt;
pub(crate) mod csp;
pub(crate) mod device;
pub(crate) mod image;
pub(crate) mod journal;
pub(crate) mod ledger;
pub(crate) mod sealed;
pub(crate) mod store;
pub(crate) mod team;
pub(crate) mod writes;
