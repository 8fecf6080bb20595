//! A module as it lies on the table, with everything set up once for all tests.

use crate::Crypto;
use hsm_factory::Root;
use hsm_testbench::{
    Bench,
    board::{Flash, Recorded},
    observed::Observed,
};
use std::sync::LazyLock;

/// A module whose primitives are watched.
pub(crate) type Module = Bench<Observed<Crypto>>;

static CHIPS: LazyLock<Flash> = LazyLock::new(|| {
    let root = Root::generate("Test root").unwrap();
    let mut module = Module::new("MODULE-1", &root);
    module.set_all_pins();
    module.flash.copy()
});

/// Returns a copy of a module with all PINs, locked.
pub(crate) fn with_all_pins() -> Module {
    Bench::over("MODULE-1", CHIPS.copy(), Recorded::default())
}
