//! A module's store and its counter.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::store::run(data));
