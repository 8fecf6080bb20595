//! Certificates, chains and their verification.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::parsers::certificate(data));
