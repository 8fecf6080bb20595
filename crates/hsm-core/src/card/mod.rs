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

use crate::{
    platform::{Board, Fault},
    vault::{csp::kek::Kek, journal::Journal, store::Store},
};
use hsm_protocol::Status;

/// Opens the journal in place: it is too large to be moved about.
fn open_journal<B: Board>(store: &Store, kek: &Kek, journal: &mut Journal) -> Result<(), Status> {
    let opened = store.image().open_journal::<B::Crypto>(kek, journal);
    opened.map_err(|Fault| Status::MemoryFailure)
}
