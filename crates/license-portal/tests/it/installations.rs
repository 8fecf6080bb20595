//! The part of the store's contract that is about installations of the app.

use license_portal::{
    model::{Deed, License, Noted, Sale},
    store::Store,
};

use crate::{
    sample::{activate, at, holder, issue, license, number, order, sale},
    world::START,
};

pub(crate) async fn only_an_active_license_registers(store: Store) {
    let register = async |installation, second| {
        let noted = store.register(number(1), installation, 9, at(second));
        noted.await.unwrap()
    };
    assert_eq!(register("aa", 0).await, Noted::NotActive);
    issue(&store, 1).await;
    assert_eq!(register("aa", 1).await, Noted::NotActive);
    store.revoke(number(1), None, at(1)).await.unwrap();
    assert_eq!(register("aa", 2).await, Noted::NotActive);
    activate(&store, 2).await;
    let register = async |installation, second| {
        let noted = store.register(number(2), installation, 9, at(second));
        noted.await.unwrap()
    };
    assert_eq!(register("aa", 3).await, Noted::Yes);
    assert_eq!(register("aa", 9).await, Noted::Yes);
    assert_eq!(register("bb", 4).await, Noted::Yes);
    let registrations = store.registrations(number(2)).await.unwrap();
    let times: Vec<_> = registrations
        .iter()
        .map(|one| (one.first_at - START, one.last_at - START))
        .collect();
    assert_eq!(times, [(3, 9), (4, 4)]);
    store.revoke(number(2), None, at(10)).await.unwrap();
    assert_eq!(register("aa", 11).await, Noted::NotActive);
}

pub(crate) async fn a_license_registers_so_many_installations_and_each_as_often_as_it_likes(
    store: Store,
) {
    activate(&store, 1).await;
    let register = async |installation, most| {
        let noted = store.register(number(1), installation, most, at(5));
        noted.await.unwrap()
    };
    for installation in ["aa", "bb", "aa"] {
        assert_eq!(register(installation, 2).await, Noted::Yes);
    }
    assert_eq!(register("cc", 2).await, Noted::Full(2));
    assert_eq!(register("bb", 2).await, Noted::Yes);
    // A lower limit does not remove registered installations.
    assert_eq!(register("bb", 1).await, Noted::Yes);
    assert_eq!(store.registrations(number(1)).await.unwrap().len(), 2);
    assert_eq!(register("cc", 3).await, Noted::Yes);
}

pub(crate) async fn a_license_has_its_own_number_of_computers(store: Store) {
    activate(&store, 1).await;
    let before = |seats| License {
        seats,
        ..license(1)
    };
    let change = async |from, to| {
        let changed = store.reseat(&before(from), to, Some("shop"), at(3)).await;
        changed.unwrap()
    };
    assert!(change(None, Some(7)).await);
    // Somebody who saw the license as it was before changes nothing.
    assert!(!change(None, Some(9)).await);
    let tries = (0..12).map(|app| {
        let store = store.clone();
        tokio::spawn(async move {
            let app = format!("{app:02}");
            let noted = store.register(number(1), &app, 5, at(5));
            noted.await.unwrap()
        })
    });
    let mut noted = 0;
    for attempt in tries.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Noted::Yes => noted += 1,
            other => assert_eq!(other, Noted::Full(7)),
        }
    }
    assert_eq!(noted, 7);
    let known = store.registrations(number(1)).await.unwrap();
    let (first, stranger) = (known[0].installation.clone(), "ff");
    let register = async |app: &str| store.register(number(1), app, 5, at(6)).await.unwrap();
    // Fewer computers take none away, and let none in.
    assert!(change(Some(7), Some(2)).await);
    assert_eq!(register(&first).await, Noted::Yes);
    assert_eq!(register(stranger).await, Noted::Full(2));
    assert_eq!(store.registrations(number(1)).await.unwrap().len(), 7);
    assert!(change(Some(2), None).await);
    assert_eq!(register(stranger).await, Noted::Full(5));
    let newest = store.acts(None, Some(number(1)), None, 3).await.unwrap();
    let newest: Vec<_> = newest.iter().map(|act| (act.deed, &*act.detail)).collect();
    let changes = ["2 → –", "7 → 2", "– → 7"].map(|change| (Deed::Reseated, change));
    assert_eq!(newest, changes);
    store.revoke(number(1), None, at(9)).await.unwrap();
    assert!(!change(None, Some(9)).await);
}

pub(crate) async fn a_forgotten_installation_makes_room_and_refreshes_no_more(store: Store) {
    activate(&store, 1).await;
    let register = async |installation| {
        let noted = store.register(number(1), installation, 2, at(5));
        noted.await.unwrap()
    };
    for installation in ["aa", "bb"] {
        register(installation).await;
        let refreshed = store.refresh(number(1), installation, at(6));
        assert!(refreshed.await.unwrap());
    }
    assert!(!store.refresh(number(1), "cc", at(6)).await.unwrap());
    assert_eq!(
        store
            .forget(number(1), Some("aa"), None, at(9))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .forget(number(1), Some("aa"), None, at(9))
            .await
            .unwrap(),
        0
    );
    assert!(!store.refresh(number(1), "aa", at(7)).await.unwrap());
    assert!(store.refresh(number(1), "bb", at(8)).await.unwrap());
    assert_eq!(register("cc").await, Noted::Yes);
    assert_eq!(register("aa").await, Noted::Full(2));
    let last: Vec<_> = store.registrations(number(1)).await.unwrap();
    let last: Vec<_> = last.iter().map(|one| one.last_at - START).collect();
    assert_eq!(last, [8, 5]);
    assert_eq!(store.forget(number(1), None, None, at(9)).await.unwrap(), 2);
    assert!(store.registrations(number(1)).await.unwrap().is_empty());
    register("bb").await;
    store.revoke(number(1), None, at(9)).await.unwrap();
    assert!(!store.refresh(number(1), "bb", at(10)).await.unwrap());
}

pub(crate) async fn many_registrations_at_once_never_take_more_than_there_may_be(store: Store) {
    activate(&store, 1).await;
    let tries = (0..12).map(|app| {
        let store = store.clone();
        tokio::spawn(async move {
            let app = app.to_string();
            let noted = store.register(number(1), &app, 5, at(5));
            noted.await.unwrap() == Noted::Yes
        })
    });
    let mut noted = 0;
    for attempt in tries.collect::<Vec<_>>() {
        noted += u32::from(attempt.await.unwrap());
    }
    assert_eq!(noted, 5);
    assert_eq!(store.registrations(number(1)).await.unwrap().len(), 5);
}

pub(crate) async fn a_license_that_was_sold_active_has_the_holder_it_was_sold_to(store: Store) {
    let holder = holder();
    let sale = Sale {
        holder: Some(holder.clone()),
        ..sale(1)
    };
    store.issue(&order([sale]), at(0)).await.unwrap();
    assert_eq!(store.holder(number(1)).await.unwrap(), Some(holder));
}
