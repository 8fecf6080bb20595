//! Values for the tests of the store.

use jiff::Timestamp;
use license_portal::{
    language::Language,
    model::{Holder, License, LicenseState, LinkHash, MailKind, NewLink, NewMail, NewOrder, Sale},
    store::Store,
};
use license_token::LicenseNumber;

use crate::world::START;

pub(crate) async fn issue(store: &Store, seed: u8) -> License {
    store.issue(&order([sale(seed)]), at(0)).await.unwrap();
    license(seed)
}

/// An order that cannot be repeated.
pub(crate) fn order(sales: impl IntoIterator<Item = Sale>) -> NewOrder {
    NewOrder {
        repeat: None,
        sales: sales.into_iter().collect(),
    }
}

/// A license, and the mail with its PIN.
pub(crate) fn sale(seed: u8) -> Sale {
    Sale {
        license: license(seed),
        holder: None,
        mail: mail(seed, MailKind::License),
    }
}

pub(crate) async fn verify(store: &Store, seed: u8, link_seed: u8) {
    let mail = mail(seed, MailKind::Verification);
    assert!(
        store
            .verify(number(seed), &link(link_seed), &mail, at(0))
            .await
            .unwrap()
    );
}

/// Issues a license and activates it.
pub(crate) async fn activate(store: &Store, seed: u8) {
    issue(store, seed).await;
    verify(store, seed, 10).await;
    store.open_link(hash(10), at(1)).await.unwrap();
    store.complete(hash(10), &holder(), at(2)).await.unwrap();
}

pub(crate) fn number(seed: u8) -> LicenseNumber {
    LicenseNumber::generate([seed; 15])
}

pub(crate) fn license(seed: u8) -> License {
    License {
        number: number(seed),
        email: format!("holder{seed}@example.com"),
        language: Language::Fr,
        state: LicenseState::Issued,
        pin_hash: format!("hash {seed}"),
        issued_at: at(0),
        changed_at: at(0),
        activated_at: None,
        sold_by: None,
        order: None,
        seats: None,
    }
}

pub(crate) fn mail(seed: u8, kind: MailKind) -> NewMail {
    let recipient = format!("holder{seed}@example.com");
    NewMail {
        number: number(seed),
        kind,
        recipient,
        sealed: vec![seed; 40],
    }
}

pub(crate) fn link(seed: u8) -> NewLink {
    NewLink {
        hash: hash(seed),
        expires_at: at(3600),
    }
}

pub(crate) fn hash(seed: u8) -> LinkHash {
    LinkHash([seed; 32])
}

pub(crate) fn holder() -> Holder {
    Holder {
        first_name: "Zoë".into(),
        last_name: "O'Brien".into(),
        company: "Example \"Ltd\"".into(),
        company_email: "office@example.com".into(),
        phone: "+44 20 7946 0123".into(),
        address: "1 Main St".into(),
        city: "Łódź".into(),
        postcode: "90-001".into(),
        country: "PL".into(),
    }
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

pub(crate) const DAY: i64 = 24 * 3600;
