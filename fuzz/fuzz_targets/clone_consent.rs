//! A Consent, to a master that granted.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cloning::consent(data));
