//! Licenses and their holders.

use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{Any, AssertSqlSafe, Transaction, query, query_as};

use super::{
    Store, Stored,
    acts::record,
    outbox::queue,
    rows::{LicenseRow, ReportRow},
    seconds,
};
use crate::{
    email::EmailAddress,
    model::{Deed, Filter, Found, Handover, Holder, License, LicenseState, MailState, NewMail},
};

impl Store {
    /// Returns the license with this number.
    pub async fn license(&self, number: LicenseNumber) -> Stored<Option<License>> {
        let row: Option<LicenseRow> = query_as("SELECT * FROM licenses WHERE number = $1")
            .bind(number.to_string())
            .fetch_optional(&self.pool)
            .await?;
        row.map(License::try_from).transpose()
    }

    /// Returns the holder of a license, if it is known.
    pub async fn holder(&self, number: LicenseNumber) -> Stored<Option<Holder>> {
        let holder = query_as("SELECT * FROM holders WHERE license = $1").bind(number.to_string());
        Ok(holder.fetch_optional(&self.pool).await?)
    }

    /// Returns licenses in the order of their numbers, each with its holder's name and the newest mail about it.
    pub async fn list(&self, filter: &Filter) -> Stored<Vec<Found>> {
        let words = filter.words.as_deref().unwrap_or_default();
        let patterns: Vec<_> = words.split_whitespace().take(WORDS).map(like).collect();
        // The first eight values are those of the other conditions.
        let contain = (0..patterns.len()).map(|word| 9 + 2 * word).fold(
            String::new(),
            |all, at| {
                format!(
                    "{all} AND (lower(words) LIKE ${at} ESCAPE '!' OR words LIKE ${} ESCAPE '!')",
                    at + 1
                )
            },
        );
        let mut found = query_as(AssertSqlSafe(format!(
            "SELECT * FROM (
                 SELECT l.*, h.first_name, h.last_name, h.company,
                        l.number || ' ' || l.email || ' ' || coalesce(h.first_name, '') || ' '
                            || coalesce(h.last_name, '') || ' ' || coalesce(h.company, '') || ' '
                            || coalesce(h.company_email, '') AS words,
                        o.kind AS mail_kind, o.attempts AS mail_attempts, o.last_error AS mail_error,
                        CASE WHEN o.id IS NULL THEN NULL
                             WHEN o.failed_at IS NOT NULL THEN 'failed'
                             WHEN o.delivered_at IS NOT NULL THEN 'delivered'
                             ELSE 'waiting' END AS mail_state
                 FROM licenses l LEFT JOIN outbox o
                   ON o.id = (SELECT max(id) FROM outbox WHERE license = l.number)
                 LEFT JOIN holders h ON h.license = l.number
             ) AS reports
             WHERE (CAST($1 AS TEXT) IS NULL OR state = $1)
               AND (CAST($2 AS TEXT) IS NULL OR email = $2)
               AND (CAST($3 AS TEXT) IS NULL OR number > $3)
               AND (CAST($4 AS TEXT) IS NULL OR number = $4)
               AND (CAST($5 AS TEXT) IS NULL OR mail_state = $5)
               AND (CAST($6 AS TEXT) IS NULL OR sold_by = $6)
               AND (CAST($8 AS BIGINT) IS NULL OR order_id = $8)
               {contain}
             ORDER BY number LIMIT $7"
        )))
        .bind(filter.state.map(LicenseState::as_str))
        .bind(filter.email.as_ref().map(EmailAddress::as_str))
        .bind(&filter.after)
        .bind(filter.number.map(|number| number.to_string()))
        .bind(filter.mail.map(MailState::as_str))
        .bind(&filter.sold_by)
        .bind(i64::from(filter.limit))
        .bind(filter.order);
        for [small, capital] in &patterns {
            found = found.bind(small).bind(capital);
        }
        let rows: Vec<ReportRow> = found.fetch_all(&self.pool).await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Replaces the PIN, and a waiting mail with a PIN by this one. `false`: unknown or revoked, or the license has
    /// another address than the mail: its PIN would be a stranger's.
    pub async fn replace_pin(
        &self,
        number: LicenseNumber,
        pin_hash: &str,
        mail: &NewMail,
        by: Option<&str>,
        now: Timestamp,
    ) -> Stored<bool> {
        let mut tx = self.write().await?;
        let changed = query(
            "UPDATE licenses SET pin_hash = $2, changed_at = $3
             WHERE number = $1 AND state <> 'revoked' AND email = $4",
        )
        .bind(number.to_string())
        .bind(pin_hash)
        .bind(seconds(now))
        .bind(&mail.recipient)
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        queue(&mut tx, mail, None, now).await?;
        let number = number.to_string();
        record(&mut tx, by, Deed::Resent, Some(&number), "", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Revokes a license, and deletes its links, its draft and waiting mails. `false`: unknown, or already revoked.
    pub async fn revoke(
        &self,
        number: LicenseNumber,
        by: Option<&str>,
        now: Timestamp,
    ) -> Stored<bool> {
        let number = number.to_string();
        let mut tx = self.write().await?;
        let changed = query(
            "UPDATE licenses SET state = 'revoked', changed_at = $2 WHERE number = $1 AND state <> 'revoked'",
        )
        .bind(&number)
        .bind(seconds(now))
        .execute(&mut *tx)
        .await?;
        void(&mut tx, &number).await?;
        let is_changed = changed.rows_affected() == 1;
        if is_changed {
            record(&mut tx, by, Deed::Revoked, Some(&number), "", now).await?;
        }
        tx.commit().await?;
        Ok(is_changed)
    }

    /// Undoes a revocation: the license is active if it was activated before. `false`: it is not revoked.
    pub async fn restore(
        &self,
        number: LicenseNumber,
        by: Option<&str>,
        now: Timestamp,
    ) -> Stored<bool> {
        let number = number.to_string();
        let mut tx = self.write().await?;
        let changed = query(
            "UPDATE licenses SET changed_at = $2,
                                 state = CASE WHEN activated_at IS NULL THEN 'issued' ELSE 'active' END
             WHERE number = $1 AND state = 'revoked' AND email <> ''",
        )
        .bind(&number)
        .bind(seconds(now))
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        record(&mut tx, by, Deed::Restored, Some(&number), "", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Revokes a license, and erases what is known of the person who has it: address, holder, computers, mails, and what
    /// operators noted. `false`: already erased, or somebody else has it by now. The number stays, so that it is never
    /// given again.
    pub async fn erase(&self, license: &License, by: Option<&str>, now: Timestamp) -> Stored<bool> {
        let number = license.number.to_string();
        let mut tx = self.write().await?;
        let changed = query(
            "UPDATE licenses SET state = 'revoked', email = '', pin_hash = '', changed_at = $2
             WHERE number = $1 AND email = $3 AND email <> ''",
        )
        .bind(&number)
        .bind(seconds(now))
        .bind(&license.email)
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        for statement in [
            "DELETE FROM links WHERE license = $1",
            "DELETE FROM drafts WHERE license = $1",
            "DELETE FROM outbox WHERE license = $1",
            "DELETE FROM holders WHERE license = $1",
            "DELETE FROM installations WHERE license = $1",
            "UPDATE acts SET detail = '' WHERE license = $1",
        ] {
            query(statement).bind(&number).execute(&mut *tx).await?;
        }
        record(&mut tx, by, Deed::Erased, Some(&number), "", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Gives a license another address and PIN, and queues both mails. `false`: it is revoked, or was changed in the
    /// meantime.
    pub async fn hand_over(
        &self,
        handover: &Handover,
        by: Option<&str>,
        now: Timestamp,
    ) -> Stored<bool> {
        let (license, number) = (&handover.license, handover.license.number.to_string());
        let mut tx = self.write().await?;
        let changed = query(
            "UPDATE licenses SET email = $2, pin_hash = $3, changed_at = $4,
                                 activated_at = CASE WHEN $5 = 1 THEN NULL ELSE activated_at END,
                                 state = CASE WHEN $5 = 0 AND state = 'active' THEN 'active' ELSE 'issued' END
             WHERE number = $1 AND state = $6 AND state <> 'revoked' AND email = $7 AND changed_at = $8
               AND pin_hash = $9",
        )
        .bind(&number)
        .bind(&handover.email)
        .bind(&handover.pin_hash)
        .bind(seconds(now))
        .bind(i64::from(handover.is_transfer))
        .bind(license.state.as_str())
        .bind(&license.email)
        .bind(seconds(license.changed_at))
        .bind(&license.pin_hash)
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        void(&mut tx, &number).await?;
        let mut deed = Deed::Corrected;
        if handover.is_transfer {
            deed = Deed::Transferred;
            for statement in [
                "DELETE FROM holders WHERE license = $1",
                "DELETE FROM installations WHERE license = $1",
            ] {
                query(statement).bind(&number).execute(&mut *tx).await?;
            }
        }
        for mail in &handover.mails {
            queue(&mut tx, mail, None, now).await?;
        }
        let addresses = format!("{} → {}", license.email, handover.email);
        record(&mut tx, by, deed, Some(&number), &addresses, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Deletes what only who had a license before could use: links, what was typed behind them, and waiting mails.
async fn void(tx: &mut Transaction<'static, Any>, number: &str) -> Stored<()> {
    for statement in [
        "DELETE FROM links WHERE license = $1",
        "DELETE FROM drafts WHERE license = $1",
        "DELETE FROM outbox WHERE license = $1 AND kind <> 'notice' AND delivered_at IS NULL",
    ] {
        query(statement).bind(number).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Returns patterns of LIKE for what contains a typed word: in small letters, and with a capital first one. SQLite knows
/// capital letters of ASCII only.
fn like(word: &str) -> [String; 2] {
    let small = word.to_lowercase();
    let mut rest = small.chars();
    let capital: String = rest
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    [small.clone(), capital + rest.as_str()].map(|words| {
        let escaped = words
            .replace('!', "!!")
            .replace('%', "!%")
            .replace('_', "!_");
        format!("%{escaped}%")
    })
}

/// Adds the holder of a license.
pub(super) async fn insert_holder(
    tx: &mut Transaction<'static, Any>,
    number: &str,
    holder: &Holder,
) -> Stored<()> {
    query(
        "INSERT INTO holders (license, first_name, last_name, company, company_email, phone, address, city,
                              postcode, country)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(number)
    .bind(&holder.first_name)
    .bind(&holder.last_name)
    .bind(&holder.company)
    .bind(&holder.company_email)
    .bind(&holder.phone)
    .bind(&holder.address)
    .bind(&holder.city)
    .bind(&holder.postcode)
    .bind(&holder.country)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The most words that are looked for.
const WORDS: usize = 8;
