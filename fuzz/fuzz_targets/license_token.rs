//! License tokens, numbers, request and response codes.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::license::run(data));
