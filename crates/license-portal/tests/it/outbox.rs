//! The contract of the store: mails that wait for delivery.

use license_portal::{
    model::{Filter, Handover, MailKind, NewMail},
    store::Store,
};

use crate::sample::{DAY, at, issue, mail, number};

pub(crate) async fn a_new_pin_replaces_the_mail_that_waits(store: Store) {
    issue(&store, 1).await;
    let new = NewMail {
        sealed: b"newer".to_vec(),
        ..mail(1, MailKind::License)
    };
    assert!(
        store
            .replace_pin(number(1), "newer hash", &new, None, at(1))
            .await
            .unwrap()
    );
    assert_eq!(
        store.license(number(1)).await.unwrap().unwrap().pin_hash,
        "newer hash"
    );
    let mails = store.claim("me", at(1), at(60), 9, false).await.unwrap();
    let sealed: Vec<_> = mails
        .iter()
        .map(|mail| mail.parts[0].sealed.as_slice())
        .collect();
    assert_eq!(sealed, [b"newer"]);
}

pub(crate) async fn a_mail_is_claimed_by_one_and_again_when_the_claim_lapses(store: Store) {
    issue(&store, 1).await;
    let claimed = store.claim("one", at(0), at(60), 9, false).await.unwrap();
    assert!(claimed.len() == 1 && claimed[0].attempts == 1);
    assert!(
        store
            .claim("two", at(59), at(120), 9, false)
            .await
            .unwrap()
            .is_empty()
    );
    let claimed = store.claim("two", at(60), at(120), 9, false).await.unwrap();
    assert!(claimed.len() == 1 && claimed[0].attempts == 2);
    // The first one reports too late.
    assert!(!store.delivered(&claimed[0], "one", at(61)).await.unwrap());
    store
        .failed(&claimed[0], "one", at(900), "late")
        .await
        .unwrap();
    store
        .failed(&claimed[0], "two", at(200), "refused")
        .await
        .unwrap();
    assert!(
        store
            .claim("one", at(199), at(300), 9, false)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.counts().await.unwrap().mails_failing, 1);
    assert_eq!(
        store
            .claim("one", at(200), at(300), 9, false)
            .await
            .unwrap()
            .len(),
        1
    );
}

pub(crate) async fn a_delivered_mail_is_wiped(store: Store) {
    issue(&store, 1).await;
    let claimed = store.claim("me", at(0), at(60), 9, false).await.unwrap();
    assert!(store.delivered(&claimed[0], "me", at(1)).await.unwrap());
    assert!(!store.delivered(&claimed[0], "me", at(1)).await.unwrap());
    assert!(
        store
            .claim("me", at(9999), at(99_999), 9, false)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.counts().await.unwrap().mails_waiting, 0);
}

pub(crate) async fn many_claims_at_once_never_take_one_mail_twice(store: Store) {
    for seed in 1..=20 {
        issue(&store, seed).await;
    }
    let workers = (0..8).map(|worker| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..5 {
                let mails = store
                    .claim(&worker.to_string(), at(0), at(600), 3, false)
                    .await
                    .unwrap();
                taken.extend(mails.into_iter().map(|mail| mail.id()));
            }
            taken
        })
    });
    let mut all = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        all.extend(worker.await.unwrap());
    }
    all.sort_unstable();
    let count = all.len();
    all.dedup();
    assert_eq!((count, all.len()), (20, 20));
}

pub(crate) async fn a_notice_that_cannot_be_delivered_is_nobodys_task(store: Store) {
    issue(&store, 1).await;
    let handover = Handover {
        license: store.license(number(1)).await.unwrap().unwrap(),
        email: "new@example.com".into(),
        pin_hash: "new hash".into(),
        is_transfer: false,
        mails: [mail(1, MailKind::License), mail(1, MailKind::Notice)],
    };
    assert!(store.hand_over(&handover, None, at(1)).await.unwrap());
    let claimed = store.claim("a", at(2), at(60), 9, false).await.unwrap();
    for mail in &claimed {
        let gave_up = store.gave_up(mail, "a", at(3), "550 no such user");
        gave_up.await.unwrap();
    }
    assert_eq!(claimed.len(), 2);
    assert_eq!(store.counts().await.unwrap().mails_undeliverable, 1);
    let newest = async || {
        let all = Filter {
            limit: 1,
            ..Filter::default()
        };
        let found = store.list(&all).await.unwrap().pop().unwrap();
        found.delivery.unwrap().kind
    };
    store.prune(at(29 * DAY)).await.unwrap();
    assert_eq!(newest().await, "notice");
    store.prune(at(31 * DAY)).await.unwrap();
    assert_eq!(newest().await, "license");
}
