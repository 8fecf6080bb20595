//! A whole shared file, decrypted.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::files::whole(data));
