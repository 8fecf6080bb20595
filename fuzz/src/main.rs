//! The fuzzer: runs the target that the variable `FUZZ_TARGET` names, with libFuzzer's options.

#![no_main]

use fuzz::Target;
use std::{env, sync::LazyLock};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = env::var("FUZZ_TARGET").unwrap_or_default();
    fuzz::target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET names no target: '{name}'"))
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
