//! AES-256-XTS by AWS-LC (SP 800-38E, IEEE 1619-2018 § 5), which the safe interface of aws-lc-rs lacks.

#![allow(
    unsafe_code,
    reason = "the functions of AWS-LC are C; this module is the only one that calls them"
)]

use aws_lc_sys::{
    EVP_CIPHER_CTX, EVP_CIPHER_CTX_free, EVP_CIPHER_CTX_new, EVP_CipherInit_ex, EVP_CipherUpdate,
    EVP_aes_256_xts,
};
use hsm_core::crypto::{CryptoError, Direction};
use std::ptr::{self, NonNull};

/// Ciphers one data unit in place. AWS-LC refuses equal key halves and more than 2²⁰ blocks before it changes the
/// buffer; a length that is not a whole number of blocks is refused here, because AWS-LC would use ciphertext stealing.
pub(crate) fn run(
    key: &[u8; 64],
    unit: u128,
    direction: Direction,
    buffer: &mut [u8],
) -> Result<(), CryptoError> {
    if buffer.is_empty() || !buffer.len().is_multiple_of(16) {
        return Err(CryptoError);
    }
    Context::new(key, unit, direction)?.cipher(buffer)
}

/// A context with key and data unit set; it is zeroized and freed when dropped.
struct Context(NonNull<EVP_CIPHER_CTX>);

impl Context {
    fn new(key: &[u8; 64], unit: u128, direction: Direction) -> Result<Self, CryptoError> {
        // SAFETY: takes nothing, and returns a new context that is ours alone, or null.
        let context = Self(NonNull::new(unsafe { EVP_CIPHER_CTX_new() }).ok_or(CryptoError)?);
        let encipher = match direction {
            Direction::Encipher => 1,
            Direction::Decipher => 0,
        };
        let tweak = unit.to_le_bytes();
        // SAFETY: the context is live; the cipher is a static; no engine is named by null; the cipher reads 64 bytes of
        // key and 16 of tweak, which both arrays hold, and keeps copies only.
        let ready = unsafe {
            EVP_CipherInit_ex(
                context.0.as_ptr(),
                EVP_aes_256_xts(),
                ptr::null_mut(),
                key.as_ptr(),
                tweak.as_ptr(),
                encipher,
            )
        };
        if ready == 1 {
            Ok(context)
        } else {
            Err(CryptoError)
        }
    }

    fn cipher(self, buffer: &mut [u8]) -> Result<(), CryptoError> {
        let len = buffer.len().try_into().or(Err(CryptoError))?;
        let bytes = buffer.as_mut_ptr();
        let mut written = 0;
        // SAFETY: the context is live and set up; `bytes` may be read and written for `len` bytes; input and output
        // may be the same buffer; XTS writes as many bytes as it reads, and `written` outlives the call.
        let done =
            unsafe { EVP_CipherUpdate(self.0.as_ptr(), bytes, &raw mut written, bytes, len) };
        if done == 1 && written == len {
            Ok(())
        } else {
            Err(CryptoError)
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context came from `EVP_CIPHER_CTX_new` and is freed only here.
        unsafe { EVP_CIPHER_CTX_free(self.0.as_ptr()) }
    }
}
