//! The module as a smart card: APDU chaining (`exchange`), the match of states and commands (`dispatch`), and what the
//! commands do: `factory`, `cipher`, `file`, `recipient`, `rekey`, `letter`, `ticket`, `self_tests`. Those of a cloning run, and
//! the letters of a master, are in the room `cloning`.

mod cipher;
pub(crate) mod dispatch;
pub(crate) mod exchange;
mod factory;
pub(crate) mod file;
mod letter;
mod recipient;
mod rekey;
mod self_tests;
mod ticket;
