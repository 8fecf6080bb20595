//! STATUS, IDENTITY, status words, serial numbers.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::parsers::status(data));
