//! What the portal remembers, on SQLite or PostgreSQL.
//!
//! Each method is one transaction: it happened or it did not. Plain SQL in both modules; one suite of tests
//! (`tests/it/store.rs`) is the check on both.

mod dump;
mod postgres;
mod rows;
mod sqlite;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration, MigrationSource, MigrationType, Migrator},
};

use crate::model::{
    Attempt, ClaimedMail, Completion, Counts, Filter, Holder, License, Link, LinkHash, NewLink,
    NewMail, Noted, Pace, Registration,
};

pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// Why the store did not do as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database did not answer, or refused.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Its tables could not be brought up to date.
    #[error("the database's tables could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A row holds what this program never writes.
    #[error("the database holds a value that is none: {0}")]
    Corrupt(&'static str),
    /// It is there already.
    #[error("it exists already")]
    Exists,
    /// A backup went wrong.
    #[error("the backup failed: {0}")]
    Backup(String),
}

/// The result of every store method.
pub type Stored<T> = Result<T, StoreError>;

/// What both databases do.
#[async_trait]
pub trait Store: Send + Sync {
    /// Brings the tables up to date. Several instances may call it at once.
    async fn migrate(&self) -> Stored<()>;

    /// Answers if the database does.
    async fn ping(&self) -> Stored<()>;

    /// Writes all that there is into a new file.
    async fn backup(&self, file: &Path) -> Stored<()>;

    /// Adds a license, its holder if that is known, and queues the mail with its PIN. [`StoreError::Exists`]: the number is
    /// taken.
    async fn issue(
        &self,
        license: &License,
        holder: Option<&Holder>,
        mail: &NewMail,
        now: Timestamp,
    ) -> Stored<()>;

    /// The license of this number.
    async fn license(&self, number: LicenseNumber) -> Stored<Option<License>>;

    /// Its holder, once it is active.
    async fn holder(&self, number: LicenseNumber) -> Stored<Option<Holder>>;

    /// Where it was registered.
    async fn registrations(&self, number: LicenseNumber) -> Stored<Vec<Registration>>;

    /// Licenses in the order of their numbers.
    async fn list(&self, filter: &Filter) -> Stored<Vec<License>>;

    /// Moves an issued or verifying license to verifying, replaces its unused links by this one, and replaces a
    /// waiting mail with a link by this one. `false`: it is in another state, and nothing changed.
    async fn verify(
        &self,
        number: LicenseNumber,
        link: &NewLink,
        mail: &NewMail,
        now: Timestamp,
    ) -> Stored<bool>;

    /// Replaces the PIN, and a waiting mail with a PIN by this one. `false`: unknown or revoked.
    async fn replace_pin(
        &self,
        number: LicenseNumber,
        pin_hash: &str,
        mail: &NewMail,
        now: Timestamp,
    ) -> Stored<bool>;

    /// Revokes a license, and drops its links and waiting mails. `false`: unknown or revoked before.
    async fn revoke(&self, number: LicenseNumber, now: Timestamp) -> Stored<bool>;

    /// The link of this hash.
    async fn link(&self, hash: LinkHash) -> Stored<Option<Link>>;

    /// Notes that the link's button was pressed. `false`: unknown, lapsed or used.
    async fn open_link(&self, hash: LinkHash, now: Timestamp) -> Stored<bool>;

    /// Spends the link and makes its license active, exactly once.
    async fn complete(&self, hash: LinkHash, holder: &Holder, now: Timestamp)
    -> Stored<Completion>;

    /// Notes that an installation registered, if the license is active and has it already, or has fewer than `most`.
    async fn register(
        &self,
        number: LicenseNumber,
        installation: &str,
        most: u32,
        now: Timestamp,
    ) -> Stored<Noted>;

    /// Notes that a registered installation refreshed, if the license is active. `false`: it is not, or it was forgotten.
    async fn refresh(
        &self,
        number: LicenseNumber,
        installation: &str,
        now: Timestamp,
    ) -> Stored<bool>;

    /// Forgets one registered installation, or all. How many there were.
    async fn forget(&self, number: LicenseNumber, installation: Option<&str>) -> Stored<u64>;

    /// Takes an attempt out of a bucket, if one is left.
    async fn take(&self, bucket: &str, pace: Pace, now: Timestamp) -> Stored<Attempt>;

    /// Fills a bucket.
    async fn forgive(&self, bucket: &str) -> Stored<()>;

    /// Claims mails that are due and that no other instance holds, until `until`.
    async fn claim(
        &self,
        by: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Stored<Vec<ClaimedMail>>;

    /// Marks a mail that this instance holds as delivered, and wipes its text. `false`: the claim was lost.
    async fn delivered(&self, id: i64, by: &str, now: Timestamp) -> Stored<bool>;

    /// Gives back a mail that this instance holds, to be tried again.
    async fn failed(&self, id: i64, by: &str, next: Timestamp, error: &str) -> Stored<()>;

    /// Adds an operator's key. [`StoreError::Exists`]: the name is taken.
    async fn add_operator(&self, name: &str, hash: &[u8; 32], now: Timestamp) -> Stored<()>;

    /// Every operator's name and the hash of the key.
    async fn operators(&self) -> Stored<Vec<(String, Vec<u8>)>>;

    /// Removes an operator's key. `false`: no such name.
    async fn remove_operator(&self, name: &str) -> Stored<bool>;

    /// Numbers for `/metrics`.
    async fn counts(&self) -> Stored<Counts>;

    /// Forgets full buckets, links long lapsed and mails long delivered.
    async fn prune(&self, now: Timestamp) -> Stored<()>;
}

/// Opens the database that a URL names: `sqlite:FILE` or `postgres://…`.
pub async fn open(url: &str) -> Stored<Arc<dyn Store>> {
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        Ok(Arc::new(PostgresStore::open(url).await?))
    } else {
        Ok(Arc::new(SqliteStore::open(url).await?))
    }
}

/// Migrations that are part of the program.
#[derive(Debug)]
struct Embedded(&'static [(i64, &'static str, &'static str)]);

impl Embedded {
    async fn migrator(self) -> Stored<Migrator> {
        Ok(Migrator::new(self).await?)
    }
}

impl MigrationSource<'static> for Embedded {
    fn resolve(
        self,
    ) -> std::pin::Pin<
        Box<dyn Future<Output = Result<Vec<Migration>, sqlx::error::BoxDynError>> + Send + 'static>,
    > {
        let migrations = self.0.iter().map(|(version, name, sql)| {
            Migration::new(
                *version,
                (*name).into(),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        });
        let migrations = migrations.collect();
        Box::pin(async { Ok(migrations) })
    }
}

/// Makes an empty file that its owner alone may read, for a backup.
fn new_private_file(file: &Path) -> Stored<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file);
    made.map(drop)
        .map_err(|error| StoreError::Backup(error.to_string()))
}

/// A time as the tables hold it.
fn seconds(time: Timestamp) -> i64 {
    time.as_second()
}

/// A unique key that is there already, told from other errors.
fn exists(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => StoreError::Exists,
        _ => StoreError::Database(error),
    }
}

/// How long lapsed links and delivered mails are kept: 30 days, in seconds.
const KEPT: i64 = 30 * 24 * 3600;

/// How long a statement waits for a connection before it fails, in seconds.
const PATIENCE: u64 = 5;
