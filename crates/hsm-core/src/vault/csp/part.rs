//! The keys of the sealed parts of the store.

use super::kek::Kek;
use crate::{
    crypto::{Provider, derive_key},
    platform::ModuleSecret,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A part of the store: its label, and the key under which it is. Each part is under one key only.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    label: &'static [u8],
    parent: &'a [u8; 32],
}

/// The key of one sealing: HMAC-SHA-384(parent, label ‖ salt), cut to 32 bytes.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct PartKey([u8; 32]);

impl<'a> Part<'a> {
    pub(crate) const fn device(store_key: &'a [u8; 32]) -> Self {
        Self {
            label: b"KeyWriter v1 store device",
            parent: store_key,
        }
    }

    pub(crate) fn module_key(secret: &'a impl ModuleSecret) -> Self {
        Self {
            label: b"KeyWriter v1 store module key",
            parent: secret.expose(),
        }
    }

    pub(crate) const fn letterbox(store_key: &'a [u8; 32]) -> Self {
        Self {
            label: b"KeyWriter v1 store letterbox",
            parent: store_key,
        }
    }

    pub(crate) const fn csps(kek: &'a Kek) -> Self {
        Self {
            label: b"KeyWriter v1 store csps",
            parent: kek.expose(),
        }
    }

    pub(crate) const fn journal(kek: &'a Kek) -> Self {
        Self {
            label: b"KeyWriter v1 store journal",
            parent: kek.expose(),
        }
    }

    /// Returns the additional data that the part is sealed with.
    pub(crate) const fn label(self) -> &'static [u8] {
        self.label
    }

    /// Derives the salt of a sealing from random bytes, the number of the blob and what is sealed: a generator that
    /// repeats itself makes no two sealings with one key, unless they are the same sealing.
    pub(crate) fn salt<C: Provider>(
        self,
        random: &[u8; 32],
        number: u64,
        plaintext: &[u8],
        salt: &mut [u8; 32],
    ) {
        let parts: [&[u8]; 5] = [
            b"KeyWriter v1 store salt",
            self.label,
            random,
            &number.to_be_bytes(),
            plaintext,
        ];
        derive_key::<C>(self.parent, &parts, salt);
    }

    /// Derives the key of the sealing with that salt, and lends it to `act`.
    pub(crate) fn with_key<C: Provider, T>(
        self,
        salt: &[u8; 32],
        act: impl FnOnce(&PartKey) -> T,
    ) -> T {
        let mut key = PartKey::default();
        derive_key::<C>(self.parent, &[self.label, salt], &mut key.0);
        act(&key)
    }
}

impl PartKey {
    pub(crate) const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}
