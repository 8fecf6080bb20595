//! The portal's database: SQLite or PostgreSQL.
//!
//! Every statement is written once, in SQL that both databases understand; `dialect` has the few words that differ.
//! Each method is one transaction: it happens completely or not at all. `tests/it/store.rs` runs one suite on both.

mod activation;
mod acts;
mod anchors;
mod dialect;
mod hooks;
mod installations;
mod licenses;
mod operators;
mod orders;
mod outbox;
mod postgres;
mod rows;
mod sessions;
mod sqlite;
mod throttle;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use sqlx::{
    Any, AnyPool, Executor as _, Transaction,
    any::{AnyPoolOptions, install_default_drivers},
    migrate::MigrateError,
    query, query_as,
};

use crate::model::Counts;
use dialect::{Dialect, Embedded};

pub use outbox::LONGEST_PAUSE;

/// Why a database operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database did not answer, or refused the statement.
    #[error("database error")]
    Database(#[from] sqlx::Error),
    /// The tables could not be brought up to date.
    #[error("cannot update the database tables")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A newer program has changed the tables.
    #[error(
        "a newer license-portal has used this database: install that version again, or restore a backup from before \
         the update"
    )]
    Newer,
    /// A row has a value that this program never writes.
    #[error("invalid value in the database: {0}")]
    Corrupt(&'static str),
    /// The unique key is taken.
    #[error("already exists")]
    Exists,
    /// The backup failed.
    #[error("backup failed: {0}")]
    Backup(String),
}

/// The result of every store method.
pub type Stored<T> = Result<T, StoreError>;

/// The database. Clones share one pool of connections.
#[derive(Clone)]
pub struct Store {
    pool: AnyPool,
    dialect: &'static Dialect,
    url: String,
}

impl Store {
    /// Opens the database of a URL: `sqlite:FILE` or `postgres://…`. A SQLite file that does not exist is created,
    /// with mode 0600.
    pub async fn open(url: &str) -> Stored<Self> {
        install_default_drivers();
        let dialect = if is_postgres(url) {
            &postgres::DIALECT
        } else {
            sqlite::create(url)?;
            &sqlite::DIALECT
        };
        let pool = AnyPoolOptions::new()
            .max_connections(dialect.connections)
            .acquire_timeout(ACQUIRE)
            .after_connect(move |connection, _meta| {
                Box::pin(async move { connection.execute(dialect.session).await.map(drop) })
            })
            .connect(url)
            .await?;
        Ok(Self {
            pool,
            dialect,
            url: url.to_owned(),
        })
    }

    /// Brings the tables up to date. Several instances may call it at once.
    pub async fn migrate(&self) -> Stored<()> {
        let migrator = Embedded(self.dialect.migrations).migrator().await?;
        migrator.run(&self.pool).await.map_err(|error| match error {
            MigrateError::VersionMissing(_) => StoreError::Newer,
            other => other.into(),
        })
    }

    /// Succeeds if the database answers.
    pub async fn ping(&self) -> Stored<()> {
        query("SELECT count(*) FROM operator_keys")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes the whole database into a new file.
    pub async fn backup(&self, file: &Path) -> Stored<()> {
        if self.dialect.is_server {
            postgres::backup(&self.url, file).await
        } else {
            sqlite::backup(&self.pool, file).await
        }
    }

    /// Counts licenses by state, and mails. A notice that cannot be delivered needs no one: the address was wrong.
    pub async fn counts(&self) -> Stored<Counts> {
        let counts = query_as(
            "SELECT (SELECT count(*) FROM licenses WHERE state = 'issued') AS issued,
                    (SELECT count(*) FROM licenses WHERE state = 'verifying') AS verifying,
                    (SELECT count(*) FROM licenses WHERE state = 'active') AS active,
                    (SELECT count(*) FROM licenses WHERE state = 'revoked') AS revoked,
                    (SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND failed_at IS NULL)
                        AS mails_waiting,
                    (SELECT count(*) FROM outbox
                     WHERE delivered_at IS NULL AND failed_at IS NULL AND last_error IS NOT NULL) AS mails_failing,
                    (SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL AND kind <> 'notice')
                        AS mails_undeliverable",
        );
        Ok(counts.fetch_one(&self.pool).await?)
    }

    /// Deletes full buckets and expired sessions, and links, drafts, delivered mails, failed notices, what webhooks
    /// were told and the keys of orders that are older than `RETENTION`.
    pub async fn prune(&self, now: Timestamp) -> Stored<()> {
        let oldest = seconds(now) - RETENTION;
        let mut tx = self.write().await?;
        for (statement, before) in [
            (
                "DELETE FROM throttles WHERE full_at <= $1",
                now.as_millisecond(),
            ),
            ("DELETE FROM sessions WHERE expires_at < $1", seconds(now)),
            (
                "UPDATE orders SET repeat_key = NULL, body = NULL WHERE placed_at < $1 AND repeat_key IS NOT NULL",
                oldest,
            ),
            ("DELETE FROM notices WHERE told_at < $1", oldest),
            ("DELETE FROM notices WHERE failed_at < $1", oldest),
            ("DELETE FROM links WHERE expires_at < $1", oldest),
            ("DELETE FROM drafts WHERE saved_at < $1", oldest),
            ("DELETE FROM outbox WHERE delivered_at < $1", oldest),
            (
                "DELETE FROM outbox WHERE failed_at < $1 AND kind = 'notice'",
                oldest,
            ),
        ] {
            query(statement).bind(before).execute(&mut *tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Begins a transaction that writes.
    async fn write(&self) -> Stored<Transaction<'static, Any>> {
        Ok(self.pool.begin_with(self.dialect.begin).await?)
    }
}

/// Returns the file of a database, if it is SQLite.
pub fn file(url: &str) -> Stored<Option<PathBuf>> {
    if is_postgres(url) {
        Ok(None)
    } else {
        sqlite::file(url).map(Some)
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres:") || url.starts_with("postgresql:")
}

/// Returns a time as the tables store it.
fn seconds(time: Timestamp) -> i64 {
    time.as_second()
}

/// Separates a taken unique key from other errors.
fn exists(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => StoreError::Exists,
        _ => StoreError::Database(error),
    }
}

/// By how much the clocks of two instances may differ, in seconds.
pub const CLOCKS: i64 = 300;

/// How long expired links, drafts, delivered mails and the keys of orders are kept: 30 days, in seconds.
const RETENTION: i64 = 30 * 24 * 3600;

/// How long a statement waits for a free connection before it fails.
const ACQUIRE: Duration = Duration::from_secs(5);
