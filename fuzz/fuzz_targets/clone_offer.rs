//! An Offer, to a master in a cycle.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cloning::offer(data));
