//! A header of a shared file.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::files::header(data));
