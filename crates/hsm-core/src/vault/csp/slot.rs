//! Slots: the KEK, wrapped for one PIN on one module (SP 800-38F).

use super::{kek::Kek, pin::Stretched};
use crate::crypto::{CryptoError, Provider, derive_key};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The four PINs. Their numbers are part of the slot keys' labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Admin,
    User,
    Recovery,
    SelfDestruct,
}

/// The key that wraps the KEK in a slot: derived from the store key and the stretched PIN.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
struct SlotKey([u8; 32]);

impl Slot {
    pub(crate) const ALL: [Self; 4] = [Self::Admin, Self::User, Self::Recovery, Self::SelfDestruct];

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Admin => 0,
            Self::User => 1,
            Self::Recovery => 2,
            Self::SelfDestruct => 3,
        }
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.number())
    }

    /// Wraps the KEK so that this PIN opens it again on this module.
    pub(crate) fn wrap_key<C: Provider>(
        self,
        store_key: &[u8; 32],
        stretched: &Stretched,
        kek: &Kek,
    ) -> Result<[u8; 40], CryptoError> {
        let mut key = SlotKey::default();
        key.derive::<C>(self, store_key, stretched);
        C::wrap_key(&key.0, kek.expose())
    }

    /// Unwraps a slot into `kek`. Fails in the same way for a wrong PIN and for a slot without a PIN.
    pub(crate) fn unwrap_key<C: Provider>(
        self,
        store_key: &[u8; 32],
        stretched: &Stretched,
        wrapped: &[u8; 40],
        kek: &mut Kek,
    ) -> Result<(), CryptoError> {
        let mut key = SlotKey::default();
        key.derive::<C>(self, store_key, stretched);
        C::unwrap_key(&key.0, wrapped, kek.expose_mut())
    }
}

impl SlotKey {
    fn derive<C: Provider>(&mut self, slot: Slot, store_key: &[u8; 32], stretched: &Stretched) {
        let parts: [&[u8]; 3] = [
            b"KeyWriter v1 slot key",
            &[slot.number()],
            stretched.expose(),
        ];
        derive_key::<C>(store_key, &parts, &mut self.0);
    }
}
