//! Mailed links, and the activation that they complete.

use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{AssertSqlSafe, query, query_as, query_scalar};

use super::{
    Store, Stored, hooks::announce, licenses::insert_holder, outbox::queue, rows::LinkRow, seconds,
};
use crate::model::{Completion, Event, Holder, Link, LinkHash, NewLink, NewMail};

impl Store {
    /// Moves an issued or verifying license to verifying, adds this link to its links, and replaces a waiting mail with
    /// a link by this one. `false`: the license is in another state or has another address, and nothing changed.
    pub async fn verify(
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
             WHERE number = $1 AND state IN ('issued', 'verifying') AND email = $3",
        )
        .bind(&number)
        .bind(seconds(now))
        .bind(&mail.recipient)
        .execute(&mut *tx)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        query("INSERT INTO links (hash, license, expires_at) VALUES ($1, $2, $3)")
            .bind(link.hash.0.as_slice())
            .bind(&number)
            .bind(seconds(link.expires_at))
            .execute(&mut *tx)
            .await?;
        queue(&mut tx, mail, None, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Returns the link with this hash.
    pub async fn link(&self, hash: LinkHash) -> Stored<Option<Link>> {
        let row: Option<LinkRow> = query_as("SELECT * FROM links WHERE hash = $1")
            .bind(hash.0.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        row.map(Link::try_from).transpose()
    }

    /// Records that the link's button was pressed. `false`: unknown, expired or used.
    pub async fn open_link(&self, hash: LinkHash, now: Timestamp) -> Stored<bool> {
        let opened = query(
            "UPDATE links SET opened_at = coalesce(opened_at, $2)
             WHERE hash = $1 AND used_at IS NULL AND expires_at > $2",
        )
        .bind(hash.0.as_slice())
        .bind(seconds(now))
        .execute(&self.pool)
        .await?;
        Ok(opened.rows_affected() == 1)
    }

    /// Keeps what was typed into the form that an unused link leads to, sealed, in place of an earlier draft.
    pub async fn keep_draft(&self, hash: LinkHash, sealed: &[u8], now: Timestamp) -> Stored<()> {
        query(
            "INSERT INTO drafts (license, sealed, saved_at)
             SELECT l.license, $2, $3 FROM links l JOIN licenses n ON n.number = l.license
             WHERE l.hash = $1 AND l.opened_at IS NOT NULL AND n.state = 'verifying'
             ON CONFLICT (license) DO UPDATE SET sealed = excluded.sealed, saved_at = excluded.saved_at",
        )
        .bind(hash.0.as_slice())
        .bind(sealed)
        .bind(seconds(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the sealed draft of a license's form.
    pub async fn draft(&self, number: LicenseNumber) -> Stored<Option<Vec<u8>>> {
        let draft = query_scalar("SELECT sealed FROM drafts WHERE license = $1");
        Ok(draft
            .bind(number.to_string())
            .fetch_optional(&self.pool)
            .await?)
    }

    /// Uses up the link and makes its license active, exactly once.
    pub async fn complete(
        &self,
        hash: LinkHash,
        holder: &Holder,
        now: Timestamp,
    ) -> Stored<Completion> {
        let mut tx = self.write().await?;
        // Locks the license first, as every other writer does: otherwise two of them could wait for each other.
        query(AssertSqlSafe(format!(
            "SELECT 1 FROM licenses WHERE number = (SELECT license FROM links WHERE hash = $1){}",
            self.dialect.for_update
        )))
        .bind(hash.0.as_slice())
        .execute(&mut *tx)
        .await?;
        let used: Option<String> = query_scalar(
            "UPDATE links SET used_at = $2
             WHERE hash = $1 AND used_at IS NULL AND opened_at IS NOT NULL AND expires_at > $2
             RETURNING license",
        )
        .bind(hash.0.as_slice())
        .bind(seconds(now))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(number) = used else {
            let used_before: Option<i64> = query_scalar(
                "SELECT l.used_at FROM links l JOIN licenses n ON n.number = l.license
                 WHERE l.hash = $1 AND l.used_at IS NOT NULL AND n.state = 'active'",
            )
            .bind(hash.0.as_slice())
            .fetch_optional(&mut *tx)
            .await?;
            return Ok(used_before.map_or(Completion::Refused, |_at| Completion::AlreadyActivated));
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
        insert_holder(&mut tx, &number, holder).await?;
        query("DELETE FROM drafts WHERE license = $1")
            .bind(&number)
            .execute(&mut *tx)
            .await?;
        announce(&mut tx, Event::Activated, Some(&number), now).await?;
        tx.commit().await?;
        Ok(Completion::Activated)
    }
}
