//! On which installations of the app a license is registered.

use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{Sqlite, SqlitePool, Transaction, query, query_as, query_scalar};

use super::super::{Stored, seconds};
use crate::model::{Noted, Registration};

/// [`Store::registrations`](super::Store::registrations)
pub(super) async fn all(pool: &SqlitePool, number: LicenseNumber) -> Stored<Vec<Registration>> {
    let found =
        query_as("SELECT * FROM installations WHERE license = $1 ORDER BY first_at, installation");
    Ok(found.bind(number.to_string()).fetch_all(pool).await?)
}

/// [`Store::register`](super::Store::register)
pub(super) async fn register(
    mut tx: Transaction<'static, Sqlite>,
    number: LicenseNumber,
    installation: &str,
    most: u32,
    now: Timestamp,
) -> Stored<Noted> {
    let number = number.to_string();
    let active: Option<i64> =
        query_scalar("SELECT issued_at FROM licenses WHERE number = $1 AND state = 'active'")
            .bind(&number)
            .fetch_optional(&mut *tx)
            .await?;
    if active.is_none() {
        return Ok(Noted::NotActive);
    }
    let noted = query(
        "INSERT INTO installations (license, installation, first_at, last_at)
         SELECT $1, $2, $3, $3
         WHERE EXISTS (SELECT 1 FROM installations WHERE license = $1 AND installation = $2)
            OR (SELECT count(*) FROM installations WHERE license = $1) < $4
         ON CONFLICT (license, installation) DO UPDATE SET last_at = excluded.last_at",
    )
    .bind(&number)
    .bind(installation)
    .bind(seconds(now))
    .bind(i64::from(most))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(match noted.rows_affected() {
        0 => Noted::Full,
        _ => Noted::Yes,
    })
}

/// [`Store::refresh`](super::Store::refresh)
pub(super) async fn refresh(
    pool: &SqlitePool,
    number: LicenseNumber,
    installation: &str,
    now: Timestamp,
) -> Stored<bool> {
    let noted = query(
        "UPDATE installations SET last_at = $3 WHERE license = $1 AND installation = $2
         AND EXISTS (SELECT 1 FROM licenses WHERE number = $1 AND state = 'active')",
    )
    .bind(number.to_string())
    .bind(installation)
    .bind(seconds(now))
    .execute(pool)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// [`Store::forget`](super::Store::forget)
pub(super) async fn forget(
    pool: &SqlitePool,
    number: LicenseNumber,
    installation: Option<&str>,
) -> Stored<u64> {
    let forgotten =
        query("DELETE FROM installations WHERE license = $1 AND ($2 IS NULL OR installation = $2)")
            .bind(number.to_string())
            .bind(installation)
            .execute(pool)
            .await?;
    Ok(forgotten.rows_affected())
}
