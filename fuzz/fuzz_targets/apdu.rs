//! The shape of a command.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::parsers::apdu(data));
