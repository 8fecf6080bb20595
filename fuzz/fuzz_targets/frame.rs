//! Frames on a module's socket.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::parsers::frame(data));
