//! A PC/SC reader driver that shows virtual modules to pcscd (docs/IFD.md).
//!
//! A reader is a module's socket (`hsm_protocol::frame`): while somebody listens there, a card is in the reader.
//! The driver carries whole APDUs and knows nothing of what they mean. It logs nothing.
//!
//! | module | what it holds |
//! |---|---|
//! | [`ffi`] | the functions that pcscd calls, and all `unsafe` |
//! | [`reader`] | a reader's connection, and what pcscd has been told about it |

pub mod ffi;
pub mod reader;
