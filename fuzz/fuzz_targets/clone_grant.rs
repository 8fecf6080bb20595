//! A Grant, to a secondary that offered.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cloning::grant(data));
