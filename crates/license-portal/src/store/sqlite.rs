//! SQLite: one file, the default.

mod holders;
mod installations;

use std::{path::Path, str::FromStr, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{
    Sqlite, SqlitePool, Transaction, query, query_as, query_scalar,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    Embedded, KEPT, PATIENCE, Store, StoreError, Stored, exists, new_private_file,
    rows::{LicenseRow, LinkRow, MailRow},
    seconds,
};
use crate::model::{
    Attempt, ClaimedMail, Completion, Counts, Filter, Holder, License, LicenseState, Link,
    LinkHash, NewLink, NewMail, Noted, Pace, Registration,
};

/// The store in a file.
pub struct SqliteStore(SqlitePool);

impl SqliteStore {
    /// Opens or makes the file of a URL `sqlite:FILE`, with mode 0600.
    pub async fn open(url: &str) -> Stored<Self> {
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With WAL, FULL is what makes a commit survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(PATIENCE));
        let file = options.get_filename().to_owned();
        make_private(&file)?;
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(PATIENCE))
            .connect_with(options)
            .await?;
        Ok(Self(pool))
    }

    /// A transaction that writes: it takes the lock at once, so that it never fails half-way for want of it.
    async fn write(&self) -> Stored<Transaction<'static, Sqlite>> {
        Ok(self.0.begin_with("BEGIN IMMEDIATE").await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn migrate(&self) -> Stored<()> {
        let migrator = Embedded(MIGRATIONS).migrator().await?;
        Ok(migrator.run(&self.0).await?)
    }

    async fn ping(&self) -> Stored<()> {
        query("SELECT count(*) FROM operator_keys")
            .execute(&self.0)
            .await?;
        Ok(())
    }

    async fn backup(&self, file: &Path) -> Stored<()> {
        let name = file
            .to_str()
            .ok_or_else(|| StoreError::Backup("the file's name is not UTF-8".into()))?;
        // SQLite takes an empty file for a new database; so the copy is never readable by others.
        new_private_file(file)?;
        query("VACUUM INTO $1").bind(name).execute(&self.0).await?;
        Ok(())
    }

    async fn issue(
        &self,
        license: &License,
        holder: Option<&Holder>,
        mail: &NewMail,
        now: Timestamp,
    ) -> Stored<()> {
        let mut tx = self.write().await?;
        query(
            "INSERT INTO licenses (number, email, language, state, pin_hash, issued_at, changed_at, activated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(license.number.to_string())
        .bind(&license.email)
        .bind(license.language.as_str())
        .bind(license.state.as_str())
        .bind(&license.pin_hash)
        .bind(seconds(license.issued_at))
        .bind(seconds(license.changed_at))
        .bind(license.activated_at.map(seconds))
        .execute(&mut *tx)
        .await
        .map_err(exists)?;
        if let Some(holder) = holder {
            holders::name(&mut tx, &license.number.to_string(), holder).await?;
        }
        queue(&mut tx, mail, now).await?;
        Ok(tx.commit().await?)
    }

    async fn license(&self, number: LicenseNumber) -> Stored<Option<License>> {
        let row: Option<LicenseRow> = query_as("SELECT * FROM licenses WHERE number = $1")
            .bind(number.to_string())
            .fetch_optional(&self.0)
            .await?;
        row.map(License::try_from).transpose()
    }

    async fn holder(&self, number: LicenseNumber) -> Stored<Option<Holder>> {
        let holder = query_as("SELECT * FROM holders WHERE license = $1").bind(number.to_string());
        Ok(holder.fetch_optional(&self.0).await?)
    }

    async fn registrations(&self, number: LicenseNumber) -> Stored<Vec<Registration>> {
        installations::all(&self.0, number).await
    }

    async fn list(&self, filter: &Filter) -> Stored<Vec<License>> {
        let rows: Vec<LicenseRow> = query_as(
            "SELECT * FROM licenses
             WHERE ($1 IS NULL OR state = $1) AND ($2 IS NULL OR email = $2) AND ($3 IS NULL OR number > $3)
             ORDER BY number LIMIT $4",
        )
        .bind(filter.state.map(LicenseState::as_str))
        .bind(&filter.email)
        .bind(&filter.after)
        .bind(i64::from(filter.limit))
        .fetch_all(&self.0)
        .await?;
        rows.into_iter().map(License::try_from).collect()
    }

    async fn verify(
        &self,
        number: LicenseNumber,
        link: &NewLink,
        mail: &NewMail,
        now: Timestamp,
    ) -> Stored<bool> {
        let number = number.to_string();
        let mut tx = self.write().await?;
        let moved = query(
            "UPDATE licenses SET state = 'verifying', changed_at = $2
             WHERE number = $1 AND state IN ('issued', 'verifying')",
        )
        .bind(&number)
        .bind(seconds(now))
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        query("DELETE FROM links WHERE license = $1 AND used_at IS NULL")
            .bind(&number)
            .execute(&mut *tx)
            .await?;
        query("INSERT INTO links (hash, license, expires_at) VALUES ($1, $2, $3)")
            .bind(link.hash.0.as_slice())
            .bind(&number)
            .bind(seconds(link.expires_at))
            .execute(&mut *tx)
            .await?;
        queue(&mut tx, mail, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn replace_pin(
        &self,
        number: LicenseNumber,
        pin_hash: &str,
        mail: &NewMail,
        now: Timestamp,
    ) -> Stored<bool> {
        let mut tx = self.write().await?;
        let changed =
            query("UPDATE licenses SET pin_hash = $2, changed_at = $3 WHERE number = $1 AND state <> 'revoked'")
                .bind(number.to_string())
                .bind(pin_hash)
                .bind(seconds(now))
                .execute(&mut *tx)
                .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        queue(&mut tx, mail, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn revoke(&self, number: LicenseNumber, now: Timestamp) -> Stored<bool> {
        let number = number.to_string();
        let mut tx = self.write().await?;
        let changed =
            query("UPDATE licenses SET state = 'revoked', changed_at = $2 WHERE number = $1 AND state <> 'revoked'")
                .bind(&number)
                .bind(seconds(now))
                .execute(&mut *tx)
                .await?;
        query("DELETE FROM links WHERE license = $1")
            .bind(&number)
            .execute(&mut *tx)
            .await?;
        query("DELETE FROM outbox WHERE license = $1 AND delivered_at IS NULL")
            .bind(&number)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(changed.rows_affected() == 1)
    }

    async fn link(&self, hash: LinkHash) -> Stored<Option<Link>> {
        let row: Option<LinkRow> = query_as("SELECT * FROM links WHERE hash = $1")
            .bind(hash.0.as_slice())
            .fetch_optional(&self.0)
            .await?;
        row.map(Link::try_from).transpose()
    }

    async fn open_link(&self, hash: LinkHash, now: Timestamp) -> Stored<bool> {
        let opened = query(
            "UPDATE links SET opened_at = coalesce(opened_at, $2)
             WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
        )
        .bind(hash.0.as_slice())
        .bind(seconds(now))
        .execute(&self.0)
        .await?;
        Ok(opened.rows_affected() == 1)
    }

    async fn complete(
        &self,
        hash: LinkHash,
        holder: &Holder,
        now: Timestamp,
    ) -> Stored<Completion> {
        let mut tx = self.write().await?;
        let spent: Option<String> = query_scalar(
            "UPDATE links SET used_at = $2
             WHERE hash = $1 AND used_at IS NULL AND opened_at IS NOT NULL AND expires_at > $2
             RETURNING license",
        )
        .bind(hash.0.as_slice())
        .bind(seconds(now))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(number) = spent else {
            let used: Option<i64> = query_scalar(
                "SELECT l.used_at FROM links l JOIN licenses n ON n.number = l.license
                 WHERE l.hash = $1 AND l.used_at IS NOT NULL AND n.state = 'active'",
            )
            .bind(hash.0.as_slice())
            .fetch_optional(&mut *tx)
            .await?;
            return Ok(used.map_or(Completion::Refused, |_at| Completion::AlreadyActivated));
        };
        let moved = query(
            "UPDATE licenses SET state = 'active', changed_at = $2, activated_at = $2
             WHERE number = $1 AND state = 'verifying'",
        )
        .bind(&number)
        .bind(seconds(now))
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(Completion::Refused);
        }
        holders::name(&mut tx, &number, holder).await?;
        tx.commit().await?;
        Ok(Completion::Activated)
    }

    async fn register(
        &self,
        number: LicenseNumber,
        installation: &str,
        most: u32,
        now: Timestamp,
    ) -> Stored<Noted> {
        let tx = self.write().await?;
        installations::register(tx, number, installation, most, now).await
    }

    async fn refresh(
        &self,
        number: LicenseNumber,
        installation: &str,
        now: Timestamp,
    ) -> Stored<bool> {
        installations::refresh(&self.0, number, installation, now).await
    }

    async fn forget(&self, number: LicenseNumber, installation: Option<&str>) -> Stored<u64> {
        installations::forget(&self.0, number, installation).await
    }

    async fn take(&self, bucket: &str, pace: Pace, now: Timestamp) -> Stored<Attempt> {
        let now = now.as_millisecond();
        let taken = query(
            "INSERT INTO throttles (bucket, full_at) VALUES ($1, $2 + $3)
             ON CONFLICT (bucket) DO UPDATE SET full_at = max(throttles.full_at, $2) + $3
             WHERE max(throttles.full_at, $2) + $3 <= $2 + $3 * $4",
        )
        .bind(bucket)
        .bind(now)
        .bind(pace.every)
        .bind(i64::from(pace.burst))
        .execute(&self.0)
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(Attempt::Paid);
        }
        let full_at: Option<i64> = query_scalar("SELECT full_at FROM throttles WHERE bucket = $1")
            .bind(bucket)
            .fetch_optional(&self.0)
            .await?;
        Ok(pace.wait(full_at.unwrap_or(now), now))
    }

    async fn forgive(&self, bucket: &str) -> Stored<()> {
        query("DELETE FROM throttles WHERE bucket = $1")
            .bind(bucket)
            .execute(&self.0)
            .await?;
        Ok(())
    }

    async fn claim(
        &self,
        by: &str,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Stored<Vec<ClaimedMail>> {
        let rows: Vec<MailRow> = query_as(
            "UPDATE outbox SET claimed_by = $1, claimed_until = $3, attempts = attempts + 1
             WHERE id IN (SELECT id FROM outbox
                          WHERE delivered_at IS NULL AND next_at <= $2 AND coalesce(claimed_until, 0) <= $2
                          ORDER BY next_at, id LIMIT $4)
             RETURNING id, license, recipient, sealed, attempts",
        )
        .bind(by)
        .bind(seconds(now))
        .bind(seconds(until))
        .bind(i64::from(limit))
        .fetch_all(&self.0)
        .await?;
        Ok(rows.into_iter().map(ClaimedMail::from).collect())
    }

    async fn delivered(&self, id: i64, by: &str, now: Timestamp) -> Stored<bool> {
        let wiped = query(
            "UPDATE outbox SET delivered_at = $3, sealed = x'', claimed_by = NULL, claimed_until = NULL,
                               last_error = NULL
             WHERE id = $1 AND claimed_by = $2",
        )
        .bind(id)
        .bind(by)
        .bind(seconds(now))
        .execute(&self.0)
        .await?;
        Ok(wiped.rows_affected() == 1)
    }

    async fn failed(&self, id: i64, by: &str, next: Timestamp, error: &str) -> Stored<()> {
        query(
            "UPDATE outbox SET next_at = $3, last_error = $4, claimed_by = NULL, claimed_until = NULL
             WHERE id = $1 AND claimed_by = $2",
        )
        .bind(id)
        .bind(by)
        .bind(seconds(next))
        .bind(error)
        .execute(&self.0)
        .await?;
        Ok(())
    }

    async fn add_operator(&self, name: &str, hash: &[u8; 32], now: Timestamp) -> Stored<()> {
        query("INSERT INTO operator_keys (name, hash, created_at) VALUES ($1, $2, $3)")
            .bind(name)
            .bind(hash.as_slice())
            .bind(seconds(now))
            .execute(&self.0)
            .await
            .map_err(exists)?;
        Ok(())
    }

    async fn operators(&self) -> Stored<Vec<(String, Vec<u8>)>> {
        Ok(
            query_as("SELECT name, hash FROM operator_keys ORDER BY name")
                .fetch_all(&self.0)
                .await?,
        )
    }

    async fn remove_operator(&self, name: &str) -> Stored<bool> {
        let removed = query("DELETE FROM operator_keys WHERE name = $1")
            .bind(name)
            .execute(&self.0)
            .await?;
        Ok(removed.rows_affected() == 1)
    }

    async fn counts(&self) -> Stored<Counts> {
        let counts = query_as(
            "SELECT (SELECT count(*) FROM licenses WHERE state = 'issued') AS issued,
                    (SELECT count(*) FROM licenses WHERE state = 'verifying') AS verifying,
                    (SELECT count(*) FROM licenses WHERE state = 'active') AS active,
                    (SELECT count(*) FROM licenses WHERE state = 'revoked') AS revoked,
                    (SELECT count(*) FROM outbox WHERE delivered_at IS NULL) AS mails_waiting,
                    (SELECT count(*) FROM outbox WHERE delivered_at IS NULL AND last_error IS NOT NULL)
                        AS mails_failing",
        );
        Ok(counts.fetch_one(&self.0).await?)
    }

    async fn prune(&self, now: Timestamp) -> Stored<()> {
        let long_ago = seconds(now) - KEPT;
        let mut tx = self.write().await?;
        query("DELETE FROM throttles WHERE full_at <= $1")
            .bind(now.as_millisecond())
            .execute(&mut *tx)
            .await?;
        query("DELETE FROM links WHERE expires_at < $1")
            .bind(long_ago)
            .execute(&mut *tx)
            .await?;
        query("DELETE FROM outbox WHERE delivered_at < $1")
            .bind(long_ago)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}

/// Queues a mail in the place of a waiting one of the same kind, which would carry a void PIN or link.
async fn queue(
    tx: &mut Transaction<'static, Sqlite>,
    mail: &NewMail,
    now: Timestamp,
) -> Stored<()> {
    query("DELETE FROM outbox WHERE license = $1 AND kind = $2 AND delivered_at IS NULL")
        .bind(mail.number.to_string())
        .bind(mail.kind.as_str())
        .execute(&mut **tx)
        .await?;
    query("INSERT INTO outbox (license, kind, recipient, sealed, next_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(mail.number.to_string())
        .bind(mail.kind.as_str())
        .bind(&mail.recipient)
        .bind(mail.sealed.as_slice())
        .bind(seconds(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Makes a database file readable by its owner alone, before anything is in it; SQLite's side files follow suit.
fn make_private(file: &Path) -> Stored<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if file.as_os_str().is_empty() || file == Path::new(":memory:") {
        return Ok(());
    }
    let made = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(file);
    made.map(drop)
        .map_err(|error| StoreError::Database(sqlx::Error::Io(error)))
}

const MIGRATIONS: &[(i64, &str, &str)] = &[(
    1,
    "licenses",
    include_str!("../../migrations/sqlite/0001_licenses.sql"),
)];
