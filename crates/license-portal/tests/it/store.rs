//! The contract of the store: one suite, on SQLite and on PostgreSQL.

use std::pin::Pin;

use license_portal::{
    email::EmailAddress,
    model::{Attempt, Filter, LicenseState, NewOperator, Pace, Scope},
    store::{Store, StoreError},
};

use license_token::Anchor;
use sqlx::{AnyPool, AssertSqlSafe, Executor as _};

use crate::{
    activation::{
        a_draft_is_kept_only_behind_an_opened_link_until_the_form_is_completed,
        a_lapsed_link_completes_nothing, a_link_completes_once_and_only_after_its_button,
        a_new_link_leaves_the_one_before_valid, a_revoked_license_is_out_of_reach,
        many_completions_at_once_activate_once,
    },
    desk_store::{
        a_handover_leaves_nothing_to_who_had_the_license,
        a_license_is_found_by_what_is_known_of_it, a_restored_license_is_as_it_was,
        a_session_ends_with_its_time_its_key_or_by_signing_out, an_erased_license_knows_nobody,
        every_act_is_in_the_log_the_newest_first,
    },
    hooks::what_happens_is_queued_for_every_webhook_and_told_once,
    installations::{
        a_forgotten_installation_makes_room_and_refreshes_no_more,
        a_license_has_its_own_number_of_computers,
        a_license_registers_so_many_installations_and_each_as_often_as_it_likes,
        a_license_that_was_sold_active_has_the_holder_it_was_sold_to,
        many_registrations_at_once_never_take_more_than_there_may_be,
        only_an_active_license_registers,
    },
    orders::{
        an_order_is_placed_once_with_its_key, many_repetitions_at_once_place_one_order,
        what_waits_for_one_address_with_one_order_is_one_mail,
    },
    outbox::{
        a_delivered_mail_is_wiped, a_mail_is_claimed_by_one_and_again_when_the_claim_lapses,
        a_new_pin_replaces_the_mail_that_waits, a_notice_that_cannot_be_delivered_is_nobodys_task,
        many_claims_at_once_never_take_one_mail_twice,
    },
    postgres::Postgres,
    sample::{DAY, at, hash, issue, number, order, sale, verify},
    throttle::{
        a_bucket_gives_its_burst_and_then_drips,
        a_clock_that_is_a_little_behind_refills_no_bucket_and_takes_no_claim,
        a_clock_that_steps_back_locks_nobody_out_for_longer_than_the_window,
        a_clock_that_was_ahead_empties_no_bucket,
        many_attempts_at_once_never_take_more_than_the_burst,
    },
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
    a_notice_that_cannot_be_delivered_is_nobodys_task
    many_claims_at_once_never_take_one_mail_twice
    a_bucket_gives_its_burst_and_then_drips
    a_clock_that_was_ahead_empties_no_bucket
    a_clock_that_is_a_little_behind_refills_no_bucket_and_takes_no_claim
    a_clock_that_steps_back_locks_nobody_out_for_longer_than_the_window
    many_attempts_at_once_never_take_more_than_the_burst
    operators_come_and_go
    what_happens_is_queued_for_every_webhook_and_told_once
    an_order_is_placed_once_with_its_key
    many_repetitions_at_once_place_one_order
    what_waits_for_one_address_with_one_order_is_one_mail
    a_license_has_its_own_number_of_computers
    a_license_is_found_by_what_is_known_of_it
    every_act_is_in_the_log_the_newest_first
    a_session_ends_with_its_time_its_key_or_by_signing_out
    a_restored_license_is_as_it_was
    a_handover_leaves_nothing_to_who_had_the_license
    an_erased_license_knows_nobody
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

#[tokio::test(flavor = "multi_thread")]
async fn of_two_instances_that_start_at_once_the_slower_one_changes_no_key() {
    let postgres = Postgres::start();
    let url = postgres.database();
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let [first, second] = [1, 2].map(|seed| Anchor::from_bytes([seed; 32]));
    let others = AnyPool::connect(&url).await.unwrap();
    let mut faster = others.begin().await.unwrap();
    let row = format!("INSERT INTO anchors VALUES ('{first}', 1, 0)");
    faster.execute(AssertSqlSafe(row)).await.unwrap();
    let slower = tokio::spawn({
        let store = store.clone();
        async move { store.sign_first(&[second], at(1)).await }
    });
    // It found no key, and waits for the one that it does not see yet.
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
    while !slower.is_finished() {
        let waiting: i64 = sqlx::query_scalar(waiting)
            .fetch_one(&others)
            .await
            .unwrap();
        if waiting > 0 {
            break;
        }
    }
    faster.commit().await.unwrap();
    slower.await.unwrap().unwrap();
    assert_eq!(store.anchors().await.unwrap(), [first]);
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
    let again = store.issue(&order([sale(1)]), at(0)).await;
    assert!(matches!(again, Err(StoreError::Exists)));
    assert_eq!(store.counts().await.unwrap().mails_waiting, 1);
    // Of an order with a number that is taken, nothing is issued.
    let again = store.issue(&order([2, 3, 1].map(sale)), at(0)).await;
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
        filter.after = Some(last.license.number.to_string());
        seen.extend(page.iter().map(|found| found.license.number.to_string()));
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
    assert!(store.remove_operator("shop", at(9)).await.unwrap());
    assert!(!store.remove_operator("shop", at(9)).await.unwrap());
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
