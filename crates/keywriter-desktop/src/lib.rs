//! The KeyWriter desktop app: register, set a master, clone, share files, carry a team's letters; in three languages.
//!
//! It drives [`keywriter`] as the command line does. It never sees a CSP or a module's PIN; the app's own PIN only passes
//! through to the license store.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | what is shown and what the user may do: plain data, no toolkit, no texts |
//! | [`backend`] | what takes time: modules, the portal, files; on its own threads |
//! | [`screen`] | the window: passes the model's state to Slint and the user's actions to the model |
//! | [`instance`] | one window for a session |

pub mod backend;
#[cfg(target_os = "linux")]
pub mod instance;
pub mod model;
pub mod screen;
