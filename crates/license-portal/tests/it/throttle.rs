//! The contract of the store: limits, and clocks that differ or jump.

use license_portal::{
    model::{Attempt, Pace},
    store::{CLOCKS, LONGEST_PAUSE, Store},
};

use crate::sample::{DAY, at, issue};

pub(crate) async fn a_bucket_gives_its_burst_and_then_drips(store: Store) {
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

pub(crate) async fn a_clock_that_was_ahead_empties_no_bucket(store: Store) {
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

pub(crate) async fn a_clock_that_is_a_little_behind_refills_no_bucket_and_takes_no_claim(
    store: Store,
) {
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
    store.failed(mail, "one", next, "down").await.unwrap();
    for second in [0, 1 - CLOCKS] {
        assert!(claim("two", second).await.is_empty());
    }
    assert_eq!(claim("two", 1 + LONGEST_PAUSE).await.len(), 1);
}

pub(crate) async fn a_clock_that_steps_back_locks_nobody_out_for_longer_than_the_window(
    store: Store,
) {
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

pub(crate) async fn many_attempts_at_once_never_take_more_than_the_burst(store: Store) {
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
