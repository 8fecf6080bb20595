//! The module on a computer: the same core as in firmware, with state in files, a socket per module, and a control
//! socket for what people do with their hands: press keys, look at LEDs, plug and unplug (docs/HUB.md).
//!
//! | module | what it holds |
//! |---|---|
//! | [`board`], [`files`] | the board of a module, made of files; files replaced atomically |
//! | [`aws_lc`] | the cryptographic provider at host speed |
//! | [`manufacture`] | gives a module its key and certificate |
//! | [`hub`] | a hub's folder, its modules, their keypads |
//! | [`port`], [`server`] | the connections of one module; all sockets |
//! | [`control`] | the control socket: requests, replies, client |
//! | [`keys`] | keys as text |
//! | [`clock`] | real time, or time that requests advance |
//! | `pcscd` | Linux: a private pcscd that shows the modules |

pub mod aws_lc;
pub mod board;
pub mod clock;
pub mod control;
pub mod files;
pub mod hub;
pub mod keys;
pub mod manufacture;
#[cfg(target_os = "linux")]
pub mod pcscd;
pub mod port;
pub mod server;
mod xts;
