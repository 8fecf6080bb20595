//! Keys as text and as movements.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::keypad::run(data));
