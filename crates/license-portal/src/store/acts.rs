//! The log of what operators did.

use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{Any, Transaction, query, query_as};

use super::{Store, Stored, hooks::announce, rows::ActRow, seconds};
use crate::model::{Act, Deed};

impl Store {
    /// Returns acts, the newest first: those of one operator or of all, on one license or on all, before an ID.
    pub async fn acts(
        &self,
        operator: Option<&str>,
        license: Option<LicenseNumber>,
        before: Option<i64>,
        limit: u32,
    ) -> Stored<Vec<Act>> {
        let rows: Vec<ActRow> = query_as(
            "SELECT * FROM acts
             WHERE (CAST($1 AS TEXT) IS NULL OR operator = $1)
               AND (CAST($2 AS TEXT) IS NULL OR license = $2)
               AND (CAST($3 AS BIGINT) IS NULL OR id < $3)
             ORDER BY id DESC LIMIT $4",
        )
        .bind(operator)
        .bind(license.map(|number| number.to_string()))
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(Act::try_from).collect()
    }
}

impl Store {
    /// Records that an operator exported what is known of a license; `None`: a table of licenses.
    pub async fn exported(
        &self,
        number: Option<LicenseNumber>,
        by: Option<&str>,
        now: Timestamp,
    ) -> Stored<()> {
        let (mut tx, number) = (self.write().await?, number.map(|number| number.to_string()));
        record(&mut tx, by, Deed::Exported, number.as_deref(), "", now).await?;
        Ok(tx.commit().await?)
    }
}

/// Records an act in the transaction that does it, and queues what webhooks are told of it. `by`: the operator; `None`:
/// the command line.
pub(super) async fn record(
    tx: &mut Transaction<'static, Any>,
    by: Option<&str>,
    deed: Deed,
    license: Option<&str>,
    detail: &str,
    now: Timestamp,
) -> Stored<()> {
    query("INSERT INTO acts (at, operator, act, license, detail) VALUES ($1, $2, $3, $4, $5)")
        .bind(seconds(now))
        .bind(by)
        .bind(deed.as_str())
        .bind(license)
        .bind(detail)
        .execute(&mut **tx)
        .await?;
    match deed.event() {
        Some(event) => announce(tx, event, license, now).await,
        None => Ok(()),
    }
}
