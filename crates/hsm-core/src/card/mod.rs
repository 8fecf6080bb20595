//! The module as a smart card: APDU chaining (`exchange`), the match of states and commands (`dispatch`), and what the
//! commands do: `factory`, `cipher`, `file`, `recipient`, `self_tests`. Those of a cloning run are in the room
//! `cloning`.

mod cipher;
pub(crate) mod dispatch;
pub(crate) mod exchange;
mod factory;
pub(crate) mod file;
mod recipient;
mod rekey;
mod self_tests;
