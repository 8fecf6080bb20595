//! A database of the first version is brought up to date with what is in it.

use license_portal::store::Store;
use license_token::Anchor;
use sqlx::{AnyPool, AssertSqlSafe, Executor as _};

use crate::{
    postgres::Postgres,
    sample::{at, hash, issue, number, verify},
};

/// Undoes what came after the first version.
const BACK: &str = "DROP TABLE drafts;
    DROP TABLE acts;
    DROP TABLE sessions;
    DROP INDEX anchors_by_position;
    DROP INDEX licenses_by_order;
    DROP INDEX outbox_by_order;
    ALTER TABLE licenses DROP COLUMN order_id;
    ALTER TABLE licenses DROP COLUMN seats;
    ALTER TABLE outbox DROP COLUMN order_id;
    DROP TABLE orders;
    DROP TABLE notices;
    DROP TABLE hooks;
    DELETE FROM _sqlx_migrations WHERE version > 1";

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_on_sqlite_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portal.sqlite");
    keeps_what_it_has(&format!("sqlite:{}", file.display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_on_postgresql_keeps_what_it_has() {
    let postgres = Postgres::start();
    keeps_what_it_has(&postgres.database()).await;
}

#[tokio::test]
async fn a_database_that_a_newer_program_changed_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::world::sqlite(folder.path()).await;
    let url = format!("sqlite:{}", folder.path().join("portal.sqlite").display());
    let pool = AnyPool::connect(&url).await.unwrap();
    let row = "INSERT INTO _sqlx_migrations VALUES (99, 'newer', 0, TRUE, x'00', 0)";
    pool.execute(row).await.unwrap();
    let error = store.migrate().await.unwrap_err().to_string();
    assert!(error.contains("newer license-portal"), "{error}");
}

async fn keeps_what_it_has(url: &str) {
    let store = Store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    issue(&store, 1).await;
    verify(&store, 1, 10).await;
    let pool = AnyPool::connect(url).await.unwrap();
    pool.execute(BACK).await.unwrap();
    // Two first starts at once could give two keys one position.
    let keys = [4, 1, 2, 3].map(|seed| Anchor::from_bytes([seed; 32]));
    for (anchor, position) in keys.iter().zip([3, 2, 2, 1]) {
        let row = format!("INSERT INTO anchors VALUES ('{anchor}', {position}, 0)");
        pool.execute(AssertSqlSafe(row)).await.unwrap();
    }
    pool.close().await;
    assert_eq!(store.anchors().await.unwrap(), keys);

    let store = Store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!(store.anchors().await.unwrap(), keys);
    assert!(store.license(number(1)).await.unwrap().is_some());
    assert_eq!(store.counts().await.unwrap().mails_waiting, 2);
    assert!(store.open_link(hash(10), at(1)).await.unwrap());
    store.keep_draft(hash(10), b"typed", at(2)).await.unwrap();
    assert!(store.draft(number(1)).await.unwrap().is_some());
    store.sign_with(&keys[3..], at(3)).await.unwrap();
    assert_eq!(store.anchors().await.unwrap()[0], keys[3]);
}
