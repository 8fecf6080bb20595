//! The module on a computer: the same core as firmware, with state in files, a socket for each module, and a control
//! socket for what people do with their hands: keys, LEDs, plug and unplug (docs/HUB.md).
//!
//! | module | what it holds |
//! |---|---|
//! | [`board`], [`files`] | what a module's core needs from a board, from files |
//! | [`aws_lc`] | the provider at host speed |
//! | [`manufacture`] | makes a module: key, certificate |
//! | [`hub`] | modules, their ports, their plugs |
//! | [`port`], [`server`] | one module behind its socket; all sockets |
//! | [`control`] | the control socket: requests, answers, client |
//! | [`keys`] | keys as text |
//! | [`clock`] | real or virtual time |
//! | [`pcscd`] | a private pcscd that shows the modules |

pub mod aws_lc;
pub mod board;
pub mod clock;
pub mod control;
pub mod files;
pub mod hub;
pub mod keys;
pub mod manufacture;
pub mod pcscd;
pub mod port;
pub mod server;
mod xts;
