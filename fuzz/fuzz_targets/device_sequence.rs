//! Keys, commands, time, plugs and power cuts.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::sequence::run(data));
