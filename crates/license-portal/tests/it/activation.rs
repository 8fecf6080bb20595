//! The contract of the store: mailed links, and the activation that they complete.

use license_portal::{
    model::{Completion, Holder, LicenseState, MailKind},
    store::Store,
};

use crate::sample::{at, hash, holder, issue, link, mail, number, verify};

pub(crate) async fn a_new_link_leaves_the_one_before_valid(store: Store) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    verify(&store, 1, 11).await;
    assert!(store.open_link(hash(10), at(1)).await.unwrap());
    let link = store.link(hash(11)).await.unwrap().unwrap();
    assert!(link.number == number(1) && !link.opened && !link.used && link.expires_at == at(3600));
    assert_eq!(
        store.license(number(1)).await.unwrap().unwrap().state,
        LicenseState::Verifying
    );
    // One mail with the PIN, and one with the newest link.
    assert_eq!(store.counts().await.unwrap().mails_waiting, 2);
    assert!(matches!(
        store.complete(hash(10), &holder(), at(2)).await.unwrap(),
        Completion::Activated
    ));
    // The other one completes nothing more, and harms nothing.
    assert!(store.open_link(hash(11), at(3)).await.unwrap());
    assert!(matches!(
        store.complete(hash(11), &holder(), at(4)).await.unwrap(),
        Completion::Refused
    ));
    let license = store.license(number(1)).await.unwrap().unwrap();
    assert!(license.state == LicenseState::Active && license.activated_at == Some(at(2)));
}

pub(crate) async fn a_draft_is_kept_only_behind_an_opened_link_until_the_form_is_completed(
    store: Store,
) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    let draft = || async { store.draft(number(1)).await.unwrap() };
    store.keep_draft(hash(10), b"early", at(1)).await.unwrap();
    store.keep_draft(hash(99), b"other", at(1)).await.unwrap();
    assert_eq!(draft().await, None);
    store.open_link(hash(10), at(2)).await.unwrap();
    store.keep_draft(hash(10), b"first", at(3)).await.unwrap();
    // An expired link keeps one, too: what was typed comes back with the next link.
    store.keep_draft(hash(10), b"late", at(9999)).await.unwrap();
    assert_eq!(draft().await.as_deref(), Some(b"late".as_slice()));
    store.prune(at(9999)).await.unwrap();
    assert!(draft().await.is_some());
    store.prune(at(9999 + 31 * 24 * 3600)).await.unwrap();
    assert_eq!(draft().await, None);
    verify(&store, 1, 11).await;
    store.open_link(hash(11), at(1)).await.unwrap();
    store.keep_draft(hash(11), b"again", at(2)).await.unwrap();
    assert!(matches!(
        store.complete(hash(11), &holder(), at(3)).await.unwrap(),
        Completion::Activated
    ));
    assert_eq!(draft().await, None);
}

pub(crate) async fn a_link_completes_once_and_only_after_its_button(store: Store) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    assert!(matches!(
        store.complete(hash(10), &holder(), at(1)).await.unwrap(),
        Completion::Refused
    ));
    assert!(store.open_link(hash(10), at(2)).await.unwrap());
    assert!(store.open_link(hash(10), at(3)).await.unwrap());
    assert!(matches!(
        store.complete(hash(10), &holder(), at(4)).await.unwrap(),
        Completion::Activated
    ));
    let other = Holder {
        city: "Elsewhere".into(),
        ..holder()
    };
    assert!(matches!(
        store.complete(hash(10), &other, at(5)).await.unwrap(),
        Completion::AlreadyActivated
    ));
    assert!(!store.open_link(hash(10), at(6)).await.unwrap());
    assert_eq!(store.holder(number(1)).await.unwrap(), Some(holder()));
    let license = store.license(number(1)).await.unwrap().unwrap();
    assert!(license.state == LicenseState::Active && license.activated_at == Some(at(4)));
    let (link, mail) = (link(11), mail(1, MailKind::Verification));
    assert!(!store.verify(number(1), &link, &mail, at(7)).await.unwrap());
}

pub(crate) async fn a_lapsed_link_completes_nothing(store: Store) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    assert!(store.open_link(hash(10), at(3599)).await.unwrap());
    assert!(!store.open_link(hash(10), at(3600)).await.unwrap());
    assert!(matches!(
        store.complete(hash(10), &holder(), at(3600)).await.unwrap(),
        Completion::Refused
    ));
    assert!(matches!(
        store.complete(hash(99), &holder(), at(1)).await.unwrap(),
        Completion::Refused
    ));
    assert!(store.holder(number(1)).await.unwrap().is_none());
}

pub(crate) async fn many_completions_at_once_activate_once(store: Store) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    store.open_link(hash(10), at(1)).await.unwrap();
    let tries = (0..12).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.complete(hash(10), &holder(), at(2)).await.unwrap() })
    });
    let (mut activated, mut already) = (0, 0);
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Completion::Activated => activated += 1,
            Completion::AlreadyActivated => already += 1,
            Completion::Refused => {}
        }
    }
    assert_eq!((activated, already), (1, 11));
}

pub(crate) async fn a_revoked_license_is_out_of_reach(store: Store) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    store.open_link(hash(10), at(1)).await.unwrap();
    store.keep_draft(hash(10), b"typed", at(1)).await.unwrap();
    assert!(store.revoke(number(1), None, at(2)).await.unwrap());
    assert_eq!(store.draft(number(1)).await.unwrap(), None);
    assert!(!store.revoke(number(1), None, at(3)).await.unwrap());
    assert!(!store.revoke(number(2), None, at(3)).await.unwrap());
    assert!(matches!(
        store.complete(hash(10), &holder(), at(4)).await.unwrap(),
        Completion::Refused
    ));
    assert!(
        !store
            .verify(
                number(1),
                &link(11),
                &mail(1, MailKind::Verification),
                at(5)
            )
            .await
            .unwrap()
    );
    assert!(
        !store
            .replace_pin(number(1), "new", &mail(1, MailKind::License), None, at(5))
            .await
            .unwrap()
    );
    assert_eq!(store.counts().await.unwrap().mails_waiting, 0);
}
