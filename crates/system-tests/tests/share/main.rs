//! Shared files: what a module does for them, what `keywriter` makes of it, and the plugin with age and rage.

#![expect(clippy::unwrap_used, reason = "a test that fails says so")]

mod age;
mod bad;
mod fast;
mod files;
mod format;
mod hybrid;
mod module;
mod played;
mod programs;
mod stanzas;
mod team;
