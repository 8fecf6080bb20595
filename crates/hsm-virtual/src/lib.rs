//! Placeholder.

pub mod aws_lc;
pub mod pcscd;
mod xts;
