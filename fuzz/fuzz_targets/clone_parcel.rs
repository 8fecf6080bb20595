//! A Parcel, to a secondary that consented.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cloning::parcel(data));
