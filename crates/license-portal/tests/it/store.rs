//! The contract of the store: one suite, on SQLite and on PostgreSQL.

use std::pin::Pin;

use license_portal::{
    email::EmailAddress,
    model::{
        Attempt, Completion, Filter, Holder, LicenseState, MailKind, NewMail, NewOperator, Pace,
        Scope,
    },
    store::{CLOCKS, LONGEST_PAUSE, Store, StoreError},
};

use license_token::Anchor;

use crate::{
    installations::{
        a_forgotten_installation_makes_room_and_refreshes_no_more,
        a_license_registers_so_many_installations_and_each_as_often_as_it_likes,
        a_license_that_was_sold_active_has_the_holder_it_was_sold_to,
        many_registrations_at_once_never_take_more_than_there_may_be,
        only_an_active_license_registers,
    },
    postgres::Postgres,
    sample::{DAY, at, hash, holder, issue, license, link, mail, number, verify},
    world::sqlite,
};

type Check = fn(Store) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! checks {
    ($($check:ident)*) => {
        const CHECKS: &[(&str, Check)] = &[$((stringify!($check), |store| Box::pin($check(store)))),*];
    };
}

checks! {
    a_license_is_read_as_it_was_written
    a_number_is_given_once
    of_two_first_keys_one_wins
    a_list_goes_on_where_it_ended
    a_new_link_leaves_the_one_before_valid
    a_draft_is_kept_only_behind_an_opened_link_until_the_form_is_completed
    a_link_completes_once_and_only_after_its_button
    a_lapsed_link_completes_nothing
    many_completions_at_once_activate_once
    a_revoked_license_is_out_of_reach
    only_an_active_license_registers
    a_license_registers_so_many_installations_and_each_as_often_as_it_likes
    a_forgotten_installation_makes_room_and_refreshes_no_more
    many_registrations_at_once_never_take_more_than_there_may_be
    a_license_that_was_sold_active_has_the_holder_it_was_sold_to
    a_new_pin_replaces_the_mail_that_waits
    a_mail_is_claimed_by_one_and_again_when_the_claim_lapses
    a_delivered_mail_is_wiped
    many_claims_at_once_never_take_one_mail_twice
    a_bucket_gives_its_burst_and_then_drips
    a_clock_that_was_ahead_empties_no_bucket
    a_clock_that_is_a_little_behind_refills_no_bucket_and_takes_no_claim
    a_clock_that_steps_back_locks_nobody_out_for_longer_than_the_window
    many_attempts_at_once_never_take_more_than_the_burst
    operators_come_and_go
    anchors_are_kept_the_newest_first
    the_development_key_is_forgotten_once_another_signs
    pruning_forgets_only_what_is_old
    migrating_again_changes_nothing
    a_backup_is_a_file_of_its_own
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    for (name, check) in CHECKS {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        check(sqlite(folder.path()).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_keeps_the_contract() {
    let postgres = Postgres::start();
    for (name, check) in CHECKS {
        println!("{name}");
        let store = Store::open(&postgres.database()).await.unwrap();
        store.migrate().await.unwrap();
        check(store).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_at_once_all_find_the_tables() {
    let postgres = Postgres::start();
    let url = postgres.database();
    let starts = (0..4).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { Store::open(&url).await.unwrap().migrate().await })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.unwrap().unwrap();
    }
}

async fn a_license_is_read_as_it_was_written(store: Store) {
    let license = issue(&store, 1).await;
    let read = store.license(license.number).await.unwrap().unwrap();
    assert!(
        read.number == license.number && read.email == license.email && read.state == license.state
    );
    assert!(read.language == license.language && read.pin_hash == license.pin_hash);
    assert!(read.issued_at == license.issued_at && read.activated_at.is_none());
    assert!(store.license(number(2)).await.unwrap().is_none());
    assert!(store.holder(license.number).await.unwrap().is_none());
}

async fn a_number_is_given_once(store: Store) {
    issue(&store, 1).await;
    let again = store
        .issue(&license(1), None, &mail(1, MailKind::License), at(0))
        .await;
    assert!(matches!(again, Err(StoreError::Exists)));
    assert_eq!(store.counts().await.unwrap().mails_waiting, 1);
    // Of an order with a number that is taken, nothing is issued.
    let order = [2, 3, 1].map(|seed| (license(seed), mail(seed, MailKind::License)));
    let again = store.issue_all(&order, None, at(0)).await;
    assert!(matches!(again, Err(StoreError::Exists)));
    assert!(store.license(number(2)).await.unwrap().is_none());
    assert_eq!(store.counts().await.unwrap().mails_waiting, 1);
}

async fn of_two_first_keys_one_wins(store: Store) {
    let keys = [3, 4].map(|seed| license_token::SigningKey::from_seed(&[seed; 32]).anchor());
    let starts = keys.map(|key| {
        let store = store.clone();
        tokio::spawn(async move { store.sign_first(&[key], at(1)).await.unwrap() })
    });
    for start in starts {
        start.await.unwrap();
    }
    let known = store.anchors().await.unwrap();
    assert!(known.len() == 1 && keys.contains(&known[0]));
}

async fn a_list_goes_on_where_it_ended(store: Store) {
    for seed in 1..=5 {
        issue(&store, seed).await;
    }
    let mut filter = Filter {
        limit: 2,
        ..Filter::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.list(&filter).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.after = Some(last.0.number.to_string());
        seen.extend(page.iter().map(|license| license.0.number.to_string()));
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted());
    let found = |state, email: Option<&str>| {
        let filter = Filter {
            state,
            email: email.map(|email| EmailAddress::parse(email).unwrap()),
            after: None,
            limit: 9,
            ..Filter::default()
        };
        let store = store.clone();
        async move { store.list(&filter).await.unwrap().len() }
    };
    assert_eq!(found(Some(LicenseState::Issued), None).await, 5);
    assert_eq!(found(Some(LicenseState::Active), None).await, 0);
    assert_eq!(found(None, Some("holder3@example.com")).await, 1);
}

async fn a_new_link_leaves_the_one_before_valid(store: Store) {
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

async fn a_draft_is_kept_only_behind_an_opened_link_until_the_form_is_completed(store: Store) {
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

async fn a_link_completes_once_and_only_after_its_button(store: Store) {
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

async fn a_lapsed_link_completes_nothing(store: Store) {
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

async fn many_completions_at_once_activate_once(store: Store) {
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

async fn a_revoked_license_is_out_of_reach(store: Store) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    store.open_link(hash(10), at(1)).await.unwrap();
    assert!(store.revoke(number(1), at(2)).await.unwrap());
    assert!(!store.revoke(number(1), at(3)).await.unwrap());
    assert!(!store.revoke(number(2), at(3)).await.unwrap());
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
            .replace_pin(number(1), "new", &mail(1, MailKind::License), at(5))
            .await
            .unwrap()
    );
    assert_eq!(store.counts().await.unwrap().mails_waiting, 0);
}

async fn a_new_pin_replaces_the_mail_that_waits(store: Store) {
    issue(&store, 1).await;
    let new = NewMail {
        sealed: b"newer".to_vec(),
        ..mail(1, MailKind::License)
    };
    assert!(
        store
            .replace_pin(number(1), "newer hash", &new, at(1))
            .await
            .unwrap()
    );
    assert_eq!(
        store.license(number(1)).await.unwrap().unwrap().pin_hash,
        "newer hash"
    );
    let mails = store.claim("me", at(1), at(60), 9, false).await.unwrap();
    let sealed: Vec<_> = mails.iter().map(|mail| mail.sealed.as_slice()).collect();
    assert_eq!(sealed, [b"newer"]);
}

async fn a_mail_is_claimed_by_one_and_again_when_the_claim_lapses(store: Store) {
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
    assert!(!store.delivered(claimed[0].id, "one", at(61)).await.unwrap());
    store
        .failed(claimed[0].id, "one", at(900), "late")
        .await
        .unwrap();
    store
        .failed(claimed[0].id, "two", at(200), "refused")
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

async fn a_delivered_mail_is_wiped(store: Store) {
    issue(&store, 1).await;
    let claimed = store.claim("me", at(0), at(60), 9, false).await.unwrap();
    assert!(store.delivered(claimed[0].id, "me", at(1)).await.unwrap());
    assert!(!store.delivered(claimed[0].id, "me", at(1)).await.unwrap());
    assert!(
        store
            .claim("me", at(9999), at(99_999), 9, false)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.counts().await.unwrap().mails_waiting, 0);
}

async fn many_claims_at_once_never_take_one_mail_twice(store: Store) {
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
                taken.extend(mails.into_iter().map(|mail| mail.id));
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

async fn a_bucket_gives_its_burst_and_then_drips(store: Store) {
    let pace = Pace {
        burst: 3,
        every: 10_000,
    };
    let take = |name: &'static str, second| {
        let store = store.clone();
        async move { store.take(name, pace, at(second)).await.unwrap() }
    };
    for _ in 0..3 {
        assert_eq!(take("a", 0).await, Attempt::Paid);
    }
    assert_eq!(take("a", 0).await, Attempt::Wait(10_000));
    assert_eq!(take("a", 4).await, Attempt::Wait(6_000));
    assert_eq!(take("b", 4).await, Attempt::Paid);
    assert_eq!(take("a", 10).await, Attempt::Paid);
    assert_eq!(take("a", 10).await, Attempt::Wait(10_000));
    store.forgive("a").await.unwrap();
    for _ in 0..3 {
        assert_eq!(take("a", 10).await, Attempt::Paid);
    }
    // However long the wait, the bucket holds no more than the burst.
    for _ in 0..3 {
        assert_eq!(take("a", 10_000).await, Attempt::Paid);
    }
    assert!(matches!(take("a", 10_000).await, Attempt::Wait(_)));
}

async fn a_clock_that_was_ahead_empties_no_bucket(store: Store) {
    let pace = Pace {
        burst: 2,
        every: 10_000,
    };
    let take = |second| {
        let store = store.clone();
        async move { store.take("a", pace, at(second)).await.unwrap() }
    };
    // For a moment, the clock shows another year.
    for _ in 0..3 {
        take(400 * DAY).await;
    }
    assert_eq!(take(0).await, Attempt::Paid);
    assert_eq!(take(0).await, Attempt::Paid);
    assert_eq!(take(0).await, Attempt::Wait(10_000));
    issue(&store, 1).await;
    let claimed = store.claim("me", at(400 * DAY), at(401 * DAY), 9, false);
    assert_eq!(claimed.await.unwrap().len(), 1);
    let claimed = store.claim("me", at(0), at(300), 9, false);
    assert_eq!(claimed.await.unwrap().len(), 1);
}

async fn a_clock_that_is_a_little_behind_refills_no_bucket_and_takes_no_claim(store: Store) {
    let pace = Pace {
        burst: 2,
        every: 1000 * CLOCKS,
    };
    let take = |second| {
        let store = store.clone();
        async move { store.take("a", pace, at(second)).await.unwrap() }
    };
    for _ in 0..2 {
        assert_eq!(take(1).await, Attempt::Paid);
    }
    assert_eq!(take(0).await, Attempt::Wait(301_000));
    assert_eq!(take(1 - CLOCKS).await, Attempt::Wait(600_000));
    assert_eq!(take(-CLOCKS).await, Attempt::Paid);
    issue(&store, 1).await;
    let claim = |by, second: i64| {
        let store = store.clone();
        async move {
            let claimed = store.claim(by, at(second), at(second + 300), 9, false);
            claimed.await.unwrap()
        }
    };
    let [mail] = &claim("one", 1).await[..] else {
        panic!()
    };
    for second in [0, 1 - CLOCKS] {
        assert!(claim("two", second).await.is_empty());
    }
    let next = at(1 + LONGEST_PAUSE);
    store.failed(mail.id, "one", next, "down").await.unwrap();
    for second in [0, 1 - CLOCKS] {
        assert!(claim("two", second).await.is_empty());
    }
    assert_eq!(claim("two", 1 + LONGEST_PAUSE).await.len(), 1);
}

async fn a_clock_that_steps_back_locks_nobody_out_for_longer_than_the_window(store: Store) {
    for (burst, every) in [(1, 60_000), (2, 10_000), (20, 3_000), (5, 180_000)] {
        let pace = Pace { burst, every };
        let window = i64::from(burst) * every;
        for step in [1, 9, 11, 57, 59, 61, 299, 301, 719, 901, DAY, 400 * DAY] {
            let bucket = format!("{burst} {step}");
            for _ in 0..=burst {
                store.take(&bucket, pace, at(step)).await.unwrap();
            }
            match store.take(&bucket, pace, at(0)).await.unwrap() {
                Attempt::Paid => {}
                Attempt::Wait(wait) => {
                    assert!(wait <= window, "{bucket}: {wait}");
                    let after = at((wait + 999) / 1000);
                    let next = store.take(&bucket, pace, after).await.unwrap();
                    assert_eq!(next, Attempt::Paid, "{bucket}");
                }
            }
        }
    }
}

async fn many_attempts_at_once_never_take_more_than_the_burst(store: Store) {
    let pace = Pace {
        burst: 5,
        every: 60_000,
    };
    let tries = (0..20).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.take("a", pace, at(0)).await.unwrap() })
    });
    let mut paid = 0;
    for attempt in tries.collect::<Vec<_>>() {
        paid += u32::from(attempt.await.unwrap() == Attempt::Paid);
    }
    assert_eq!(paid, 5);
}

async fn operators_come_and_go(store: Store) {
    let operator = |seed| NewOperator {
        name: "shop".into(),
        hash: [seed; 32],
        scopes: vec![Scope::Issue, Scope::ReadOwn],
        expires_at: Some(at(DAY)),
    };
    store.add_operator(&operator(1), at(0)).await.unwrap();
    assert!(matches!(
        store.add_operator(&operator(2), at(0)).await,
        Err(StoreError::Exists)
    ));
    let shop = async || store.operators().await.unwrap().pop().unwrap();
    let found = shop().await;
    assert_eq!((found.name.as_str(), found.hash), ("shop", vec![1; 32]));
    assert!(found.scopes == [Scope::Issue, Scope::ReadOwn] && found.expires_at == Some(at(DAY)));
    assert_eq!(found.used_at, None);
    // Once a minute, and again after a clock that was ahead.
    for (now, used) in [(5, 5), (64, 5), (65, 65), (9000, 9000), (70, 70)] {
        store.operator_used("shop", at(now)).await.unwrap();
        assert_eq!(shop().await.used_at, Some(at(used)));
    }
    assert!(store.remove_operator("shop").await.unwrap());
    assert!(!store.remove_operator("shop").await.unwrap());
}

async fn anchors_are_kept_the_newest_first(store: Store) {
    let [a, b, c] = [1, 2, 3].map(|seed| Anchor::from_bytes([seed; 32]));
    assert_eq!(store.anchors().await.unwrap(), []);
    store.sign_with(&[a], at(0)).await.unwrap();
    store.sign_with(&[c, b], at(1)).await.unwrap();
    assert_eq!(store.anchors().await.unwrap(), [c, b, a]);
    store.sign_with(&[a], at(2)).await.unwrap();
    assert_eq!(store.anchors().await.unwrap(), [a, c, b]);
    assert!(store.forget_anchor(c).await.unwrap());
    assert!(!store.forget_anchor(c).await.unwrap());
    assert_eq!(store.anchors().await.unwrap(), [a, b]);
}

async fn the_development_key_is_forgotten_once_another_signs(store: Store) {
    let (published, a) = (Anchor::development(), Anchor::from_bytes([1; 32]));
    store.sign_with(&[published], at(0)).await.unwrap();
    assert_eq!(store.anchors().await.unwrap(), [published]);
    store.sign_with(&[a, published], at(1)).await.unwrap();
    assert_eq!(store.anchors().await.unwrap(), [a]);
}

async fn pruning_forgets_only_what_is_old(store: Store) {
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    let pace = Pace {
        burst: 1,
        every: 60_000,
    };
    store.take("a", pace, at(0)).await.unwrap();
    store.prune(at(59)).await.unwrap();
    assert!(matches!(
        store.take("a", pace, at(59)).await.unwrap(),
        Attempt::Wait(1_000)
    ));
    store.prune(at(3600 + 29 * DAY)).await.unwrap();
    assert!(store.link(hash(10)).await.unwrap().is_some());
    store.prune(at(3600 + 31 * DAY)).await.unwrap();
    assert!(store.link(hash(10)).await.unwrap().is_none());
    // A waiting mail is never deleted.
    assert_eq!(store.counts().await.unwrap().mails_waiting, 2);
}

async fn migrating_again_changes_nothing(store: Store) {
    issue(&store, 1).await;
    store.migrate().await.unwrap();
    assert_eq!(store.counts().await.unwrap().issued, 1);
    store.ping().await.unwrap();
}

async fn a_backup_is_a_file_of_its_own(store: Store) {
    use std::os::unix::fs::PermissionsExt as _;
    issue(&store, 1).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    store.backup(&file).await.unwrap();
    assert!(file.metadata().unwrap().len() > 1000);
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
    assert!(matches!(
        store.backup(&file).await,
        Err(StoreError::Backup(_))
    ));
}
