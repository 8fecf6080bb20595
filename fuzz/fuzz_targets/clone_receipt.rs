//! A Receipt, to a master that sent the Parcel.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cloning::receipt(data));
