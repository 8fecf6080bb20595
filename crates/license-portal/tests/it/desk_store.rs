//! The contract of the store with the operators' pages: search, log, sessions, and what changes a license's holder.

use license_portal::{
    model::{
        Deed, Filter, Handover, Holder, LicenseState, MailKind, NewOperator, Noted, Sale, Scope,
    },
    store::Store,
};

use crate::sample::{activate, at, hash, issue, link, mail, number, order, sale, verify};

pub(crate) async fn a_license_is_found_by_what_is_known_of_it(store: Store) {
    issue(&store, 1).await;
    let holder = Holder {
        first_name: "Zoë".into(),
        last_name: "Öztürk".into(),
        company: "100% Safe_Co!".into(),
        ..Holder::default()
    };
    let sale = Sale {
        holder: Some(holder),
        ..sale(2)
    };
    store.issue(&order([sale]), at(0)).await.unwrap();
    let found = async |words: &str| {
        let filter = Filter {
            words: Some(words.into()),
            limit: 9,
            ..Filter::default()
        };
        let found = store.list(&filter).await.unwrap();
        let numbers = found.into_iter().map(|found| found.license.number);
        numbers.collect::<Vec<_>>()
    };
    for words in [
        "zoë öztürk",
        "Zoë Öz",
        "öztürk",
        "SAFE_co!",
        "100% s",
        &number(2).to_string()[..9].to_lowercase(),
    ] {
        assert_eq!(found(words).await, [number(2)], "{words}");
    }
    // The characters of a pattern are ordinary ones.
    for words in ["safe%co", "1_0%", "nobody"] {
        assert_eq!(found(words).await, [], "{words}");
    }
    assert_eq!(found("@").await.len(), 2);
}

pub(crate) async fn every_act_is_in_the_log_the_newest_first(store: Store) {
    issue(&store, 1).await;
    let Sale { license, mail, .. } = sale(1);
    let by = Some("shop");
    assert!(
        store
            .replace_pin(license.number, "new", &mail, by, at(1))
            .await
            .unwrap()
    );
    assert!(store.revoke(license.number, by, at(2)).await.unwrap());
    // What changes nothing is no act.
    assert!(!store.revoke(license.number, by, at(3)).await.unwrap());
    assert_eq!(store.forget(number(1), None, by, at(3)).await.unwrap(), 0);
    issue(&store, 2).await;
    let deeds = async |operator, license, before| {
        let acts = store.acts(operator, license, before, 9).await.unwrap();
        acts.iter().map(|act| act.deed).collect::<Vec<_>>()
    };
    let all = [Deed::Sold, Deed::Revoked, Deed::Resent, Deed::Sold];
    assert_eq!(deeds(None, None, None).await, all);
    assert_eq!(deeds(None, Some(number(1)), None).await, all[1..]);
    assert_eq!(deeds(by, None, None).await, all[1..3]);
    let newest = store.acts(None, None, None, 2).await.unwrap();
    assert_eq!(deeds(None, None, Some(newest[1].id)).await, all[2..]);
    assert_eq!((newest[1].operator.as_deref(), newest[1].at), (by, at(2)));
    assert_eq!(newest[0].operator, None);
    for deed in Deed::ALL {
        assert_eq!(Deed::parse(deed.as_str()), Some(deed));
    }
}

pub(crate) async fn a_session_ends_with_its_time_its_key_or_by_signing_out(store: Store) {
    let add = async |end| {
        let operator = NewOperator {
            name: "shop".into(),
            hash: [1; 32],
            scopes: vec![Scope::Issue],
            expires_at: Some(at(end)),
        };
        store.add_operator(&operator, at(0)).await.unwrap();
    };
    add(50).await;
    let is_open = async |seed, time| {
        let found = store.session([seed; 32], at(time)).await.unwrap();
        found.is_some_and(|operator| operator.name == "shop")
    };
    for (seed, end) in [(1, 10), (2, 100), (3, 100)] {
        let opened = store.open_session([seed; 32], "shop", at(end), at(0)).await;
        opened.unwrap();
    }
    assert!(is_open(1, 9).await && !is_open(1, 10).await);
    assert!(is_open(2, 49).await && !is_open(2, 50).await && !is_open(4, 1).await);
    store.close_session([2; 32]).await.unwrap();
    assert!(!is_open(2, 1).await && is_open(3, 1).await);
    // Another key of the same name opens no session again.
    assert!(store.remove_operator("shop", at(1)).await.unwrap());
    add(50).await;
    assert!(!is_open(3, 1).await);
}

pub(crate) async fn a_restored_license_is_as_it_was(store: Store) {
    issue(&store, 1).await;
    assert!(!store.restore(number(1), None, at(1)).await.unwrap());
    activate(&store, 2).await;
    for (seed, state) in [(1, LicenseState::Issued), (2, LicenseState::Active)] {
        assert!(store.revoke(number(seed), None, at(5)).await.unwrap());
        assert!(store.restore(number(seed), None, at(6)).await.unwrap());
        let license = store.license(number(seed)).await.unwrap().unwrap();
        assert_eq!(license.state, state);
        let newest = store.acts(None, Some(number(seed)), None, 1).await.unwrap();
        assert_eq!(newest[0].deed, Deed::Restored);
    }
    assert!(store.holder(number(2)).await.unwrap().is_some());
}

pub(crate) async fn a_handover_leaves_nothing_to_who_had_the_license(store: Store) {
    let moved = async |seed: u8, is_transfer| {
        let license = store.license(number(seed)).await.unwrap().unwrap();
        let handover = Handover {
            license,
            email: "new@example.com".into(),
            pin_hash: "new hash".into(),
            is_transfer,
            mails: [mail(seed, MailKind::Notice), mail(seed, MailKind::License)],
        };
        assert!(store.hand_over(&handover, None, at(20)).await.unwrap());
        // Of two operators with the same page, the slower one changes nothing.
        assert!(!store.hand_over(&handover, None, at(20)).await.unwrap());
        store.license(number(seed)).await.unwrap().unwrap()
    };
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    store.open_link(hash(10), at(1)).await.unwrap();
    store.keep_draft(hash(10), b"typed", at(1)).await.unwrap();
    let corrected = moved(1, false).await;
    assert_eq!(
        (corrected.state, corrected.email.as_str()),
        (LicenseState::Issued, "new@example.com")
    );
    assert!(store.link(hash(10)).await.unwrap().is_none());
    assert_eq!(store.draft(number(1)).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().mails_waiting, 2);

    for (seed, is_transfer, state, kept) in [
        (2, false, LicenseState::Active, 1),
        (3, true, LicenseState::Issued, 0),
    ] {
        activate(&store, seed).await;
        let noted = store.register(number(seed), "aa", 5, at(9)).await.unwrap();
        assert_eq!(noted, Noted::Yes);
        let license = moved(seed, is_transfer).await;
        assert_eq!(
            (license.state, license.pin_hash.as_str()),
            (state, "new hash")
        );
        assert_eq!(license.activated_at.is_none(), is_transfer);
        assert_eq!(
            store.holder(number(seed)).await.unwrap().is_none(),
            is_transfer
        );
        let registrations = store.registrations(number(seed)).await.unwrap();
        assert_eq!(registrations.len(), kept);
    }
    let newest = store.acts(None, None, None, 1).await.unwrap();
    assert_eq!(newest[0].deed, Deed::Transferred);
    assert!(newest[0].detail.ends_with(" → new@example.com"));
    // A PIN or a link that was drawn for who had it before is of no use.
    let late = mail(3, MailKind::License);
    let replaced = store.replace_pin(number(3), "late", &late, None, at(21));
    assert!(!replaced.await.unwrap());
    let late = mail(3, MailKind::Verification);
    assert!(
        !store
            .verify(number(3), &link(30), &late, at(21))
            .await
            .unwrap()
    );
    store.revoke(number(3), None, at(30)).await.unwrap();
    let license = store.license(number(3)).await.unwrap().unwrap();
    let handover = Handover {
        license,
        email: "x@example.com".into(),
        pin_hash: "x".into(),
        is_transfer: true,
        mails: [mail(3, MailKind::Notice), mail(3, MailKind::License)],
    };
    assert!(!store.hand_over(&handover, None, at(31)).await.unwrap());
}

pub(crate) async fn an_erased_license_knows_nobody(store: Store) {
    activate(&store, 1).await;
    store.register(number(1), "aa", 5, at(9)).await.unwrap();
    let license = store.license(number(1)).await.unwrap().unwrap();
    let handover = Handover {
        license,
        email: "new@example.com".into(),
        pin_hash: "new hash".into(),
        is_transfer: false,
        mails: [mail(1, MailKind::Notice), mail(1, MailKind::License)],
    };
    assert!(store.hand_over(&handover, None, at(10)).await.unwrap());
    let by = Some("shop");
    // Who had it before is not who has it now.
    assert!(!store.erase(&handover.license, by, at(19)).await.unwrap());
    let license = store.license(number(1)).await.unwrap().unwrap();
    assert!(store.erase(&license, by, at(20)).await.unwrap());
    assert!(!store.erase(&license, by, at(21)).await.unwrap());
    let license = store.license(number(1)).await.unwrap().unwrap();
    assert!(!store.erase(&license, by, at(21)).await.unwrap());
    assert_eq!(
        (license.state, license.email.as_str()),
        (LicenseState::Revoked, "")
    );
    assert!(store.holder(number(1)).await.unwrap().is_none());
    assert!(store.registrations(number(1)).await.unwrap().is_empty());
    assert_eq!(store.counts().await.unwrap().mails_waiting, 0);
    let acts = store.acts(None, Some(number(1)), None, 9).await.unwrap();
    assert_eq!(acts[0].deed, Deed::Erased);
    assert!(acts.iter().all(|act| act.detail.is_empty()));
    // Nobody is left whom it could be restored for.
    assert!(!store.restore(number(1), None, at(30)).await.unwrap());
}
