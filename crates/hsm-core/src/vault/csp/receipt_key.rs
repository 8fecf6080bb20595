//! The key by which a master recognizes its own receipts.

use crate::{
    crypto::{Provider, derive_key},
    platform::ModuleSecret,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// HMAC-SHA-384(module secret, label), cut to 32 bytes. It never leaves the module, and no other module has it.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct ReceiptKey([u8; 32]);

impl ReceiptKey {
    /// Computes the token of a statement: HMAC-SHA-384 over everything before the token.
    pub(crate) fn token<C: Provider>(secret: &impl ModuleSecret, before_token: &[u8]) -> [u8; 48] {
        let mut key = Self::default();
        derive_key::<C>(secret.expose(), &[b"KeyWriter v1 receipt key"], &mut key.0);
        let mut token = [0; 48];
        C::hmac_sha384(&key.0, &[before_token], &mut token);
        token
    }
}
