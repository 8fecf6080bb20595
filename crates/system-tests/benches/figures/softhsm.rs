//! Against `SoftHSM2`: RSA-OAEP wrap and unwrap of a bare AES key, which authenticates nobody.

use crate::timing::{median_wall, ms, ratio};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource},
    },
    object::{Attribute, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::AuthPin,
};
use std::time::Duration;

const LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Prints what a clone takes beside what wrapping and unwrapping takes.
pub(crate) fn run(clone: Duration) {
    println!(
        "One secondary in wall time ÷ SoftHSM2's RSA-OAEP wrap and unwrap of one AES key (wanted ≤ 1.0 at 3072 bits)"
    );
    let session = session();
    for bits in [2048_u64, 3072] {
        let (public, private) = key_pair(&session, bits);
        let wrapped = median_wall(10, || wrap_and_unwrap(&session, public, private));
        println!(
            "  RSA-{bits}    {} ÷ {} = {:.2}",
            ms(clone),
            ms(wrapped),
            ratio(clone, wrapped)
        );
    }
}

/// A fresh token; `SOFTHSM2_CONF` says where, and `cargo xtask bench` sets it.
fn session() -> Session {
    let library = Pkcs11::new(LIBRARY).expect("softhsm2 is installed");
    library
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .expect("initialized");
    let pin = AuthPin::new("24681357".into());
    let slot = library.get_slots_with_token().expect("slots")[0];
    library.init_token(slot, &pin, "bench").expect("a token");
    let slot = library.get_slots_with_initialized_token().expect("slots")[0];
    let session = library.open_rw_session(slot).expect("a session");
    session.login(UserType::So, Some(&pin)).expect("logged in");
    session.init_pin(&pin).expect("a PIN");
    session.logout().expect("logged out");
    session
        .login(UserType::User, Some(&pin))
        .expect("logged in");
    session
}

fn key_pair(session: &Session, bits: u64) -> (ObjectHandle, ObjectHandle) {
    let public = [
        Attribute::Token(false),
        Attribute::Wrap(true),
        Attribute::ModulusBits(bits.into()),
        Attribute::PublicExponent(vec![1, 0, 1]),
    ];
    let private = [
        Attribute::Token(false),
        Attribute::Unwrap(true),
        Attribute::Sensitive(true),
    ];
    session
        .generate_key_pair(&Mechanism::RsaPkcsKeyPairGen, &public, &private)
        .expect("a key pair")
}

fn wrap_and_unwrap(session: &Session, public: ObjectHandle, private: ObjectHandle) {
    let oaep = Mechanism::RsaPkcsOaep(PkcsOaepParams::new(
        MechanismType::SHA1,
        PkcsMgfType::MGF1_SHA1,
        PkcsOaepSource::empty(),
    ));
    let key = [
        Attribute::Token(false),
        Attribute::Extractable(true),
        Attribute::ValueLen(32.into()),
    ];
    let key = session
        .generate_key(&Mechanism::AesKeyGen, &key)
        .expect("a key");
    let wrapped = session.wrap_key(&oaep, public, key).expect("wrapped");
    let template = [
        Attribute::Token(false),
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Extractable(true),
    ];
    let back = session
        .unwrap_key(&oaep, private, &wrapped, &template)
        .expect("unwrapped");
    session.destroy_object(key).expect("destroyed");
    session.destroy_object(back).expect("destroyed");
}
