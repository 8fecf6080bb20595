//! KeyWriter with a window: register, set a master, clone, change the PIN; in three languages.
//!
//! It drives [`keywriter`] as the command line does. No CSP and no module's PIN ever comes here; the app's own PIN passes through
//! on its way to the store.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | what is shown and what may be done: plain data, no toolkit, no text to read |
//! | [`backend`] | what takes time: modules, the portal, files; on threads of their own |
//! | [`screen`] | the window: the model's state to Slint, the user's acts to the model |

pub mod backend;
pub mod model;
pub mod screen;
