//! A PC/SC reader driver that shows virtual modules to pcscd (docs/IFD.md).
//!
//! A reader is a module's socket (`hsm_protocol::frame`): while it accepts connections, a card is in the reader. The
//! driver carries whole APDUs, does not interpret them, and logs nothing.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ffi`] | the functions that pcscd calls, and all `unsafe` |
//! | [`reader`] | a reader's connection, and what pcscd knows about it |

pub mod ffi;
pub mod reader;
