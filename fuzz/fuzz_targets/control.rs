//! Falls over at some bytes that nobody tells the fuzzer: it has to find them, or it would find nothing elsewhere.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let number = data.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    assert_ne!(number, Some(u64::from_be_bytes(*b"planted!")), "found");
});
