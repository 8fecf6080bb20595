//! Every type that holds a critical security parameter (CSP) in the clear.
//!
//! None is `Clone`, `Copy`, `Debug` or compared with `==`, and each zeroizes itself when dropped. A move would leave
//! the old bytes in memory: so a CSP is created empty in the place where it stays, and filled there. A key that is
//! derived has a type of its own, is made only from its parent under a fixed label, and is lent to the one function
//! that uses it.
//!
//! | file | CSPs |
//! |---|---|
//! | `pin`, `slot` | PINs, typed and stretched, with the rules for a new one; the keys that wrap the KEK |
//! | `kek`, `part` | the key-encryption key; the keys of the sealed parts of the store |
//! | `contents`, `pin_records`, `keyring` | what the KEK protects: settings, stretched PINs, epoch keys |
//! | `epoch_keys`, `file_keys` | what is derived from an epoch's key |
//! | `shared`, `file_key` | secrets agreed with a peer; file keys of age |
//! | `run_keys`, `parcel` | the keys of a cloning run; what a Parcel carries |
//! | `letterbox`, `letter_key`, `epochs` | the key pairs for a letter; its key; what it brings to a member |
//! | `module_key` | the module's signing key |
//! | `receipt_key` | the key by which a master recognizes its own receipts |

pub(crate) mod contents;
pub(crate) mod epoch_keys;
pub(crate) mod epochs;
pub(crate) mod file_key;
pub(crate) mod file_keys;
pub(crate) mod kek;
pub(crate) mod keyring;
pub(crate) mod letter_key;
pub(crate) mod letterbox;
pub(crate) mod module_key;
pub(crate) mod parcel;
pub(crate) mod part;
pub mod pin;
pub(crate) mod pin_records;
pub(crate) mod receipt_key;
pub(crate) mod run_keys;
pub(crate) mod shared;
pub(crate) mod slot;

#[cfg(test)]
mod tests {
    use super::{
        contents::Csps,
        epoch_keys::{
            CommitmentKey, EcbKey, HybridScalar, HybridSeed, LetterSecret, ProofKey,
            RecipientScalar, XtsKey,
        },
        epochs::EpochContents,
        file_key::FileKey,
        file_keys::FileKeys,
        kek::Kek,
        keyring::{EpochKey, Keyring, LinkKey},
        letter_key::LetterKey,
        letterbox::LetterboxSecret,
        parcel::ParcelContents,
        part::PartKey,
        pin::{Pin, Stretched},
        pin_records::PinRecords,
        receipt_key::ReceiptKey,
        run_keys::RunKeys,
        shared::{EcdhShared, KemShared},
    };
    use core::fmt::Debug;
    use zeroize::ZeroizeOnDrop;

    /// Compiles only if each type is neither `Clone` nor `Debug` nor `PartialEq`: if it were, `name` would be ambiguous.
    macro_rules! assert_is_secret {
        ($($secret:ty),+ $(,)?) => { $(
            const _: fn() = || {
                trait Ambiguous<T> {
                    fn name() {}
                }
                enum ByClone {}
                enum ByDebug {}
                enum ByPartialEq {}
                impl<T> Ambiguous<()> for T {}
                impl<T: Clone> Ambiguous<ByClone> for T {}
                impl<T: Debug> Ambiguous<ByDebug> for T {}
                impl<T: PartialEq> Ambiguous<ByPartialEq> for T {}
                <$secret as Ambiguous<_>>::name();
            };
        )+ };
    }

    assert_is_secret!(
        CommitmentKey,
        Csps,
        EcbKey,
        EcdhShared,
        EpochContents,
        EpochKey,
        FileKey,
        FileKeys,
        HybridScalar,
        HybridSeed,
        Kek,
        KemShared,
        Keyring,
        LetterKey,
        LetterSecret,
        LetterboxSecret,
        LinkKey,
        ParcelContents,
        PartKey,
        Pin,
        PinRecords,
        ProofKey,
        ReceiptKey,
        RecipientScalar,
        RunKeys,
        Stretched,
        XtsKey,
    );

    #[test]
    fn what_holds_the_bytes_of_a_secret_wipes_them() {
        fn wipes<T: ZeroizeOnDrop>() {}
        wipes::<EcdhShared>();
        wipes::<EpochKey>();
        wipes::<FileKey>();
        wipes::<FileKeys>();
        wipes::<Kek>();
        wipes::<KemShared>();
        wipes::<LetterKey>();
        wipes::<LetterboxSecret>();
        wipes::<LinkKey>();
        wipes::<PartKey>();
        wipes::<Pin>();
        wipes::<ReceiptKey>();
        wipes::<RunKeys>();
        wipes::<Stretched>();
        wipes::<XtsKey>();
    }
}
