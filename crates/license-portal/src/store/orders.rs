//! Orders: licenses that are issued together.

use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{Any, Transaction, query, query_as, query_scalar};

use super::{
    Store, StoreError, Stored, acts::record, exists, licenses::insert_holder, outbox::queue,
    rows::number, seconds,
};
use crate::model::{Deed, NewOrder, Placed, Placing, Repeat, Sale};

impl Store {
    /// Adds all licenses of an order, or none: each with its holder if known, and with the queued mail that has its PIN.
    /// An order that was placed before changes nothing. [`StoreError::Exists`]: a number is taken.
    pub async fn issue(&self, order: &NewOrder, now: Timestamp) -> Stored<Placing> {
        let mut tx = self.write().await?;
        let repeat = order.repeat.as_ref();
        // Waits for another instance that places an order with the same key.
        let id: Option<i64> = query_scalar(
            "INSERT INTO orders (placed_at, repeat_key, body) VALUES ($1, $2, $3)
             ON CONFLICT (repeat_key) DO NOTHING RETURNING id",
        )
        .bind(seconds(now))
        .bind(repeat.map(|repeat| &repeat.key))
        .bind(repeat.map(|repeat| &repeat.body))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(id) = id else {
            tx.rollback().await?;
            let before = match repeat {
                Some(repeat) => self.placed(repeat).await?,
                None => None,
            };
            return before.ok_or(StoreError::Corrupt("order"));
        };
        for sale in &order.sales {
            insert(&mut tx, id, sale, now).await?;
        }
        tx.commit().await?;
        let mut licenses: Vec<_> = order.sales.iter().map(|sale| sale.license.number).collect();
        licenses.sort_by_key(LicenseNumber::to_string);
        Ok(Placing::Done(Placed {
            order: id,
            licenses,
        }))
    }

    /// Returns what was ordered with a key before; `None`: nothing.
    pub async fn placed(&self, repeat: &Repeat) -> Stored<Option<Placing>> {
        let before: Option<(i64, String)> =
            query_as("SELECT id, body FROM orders WHERE repeat_key = $1")
                .bind(&repeat.key)
                .fetch_optional(&self.pool)
                .await?;
        let Some((order, body)) = before else {
            return Ok(None);
        };
        if body != repeat.body {
            return Ok(Some(Placing::OtherBody));
        }
        let numbers: Vec<String> =
            query_scalar("SELECT number FROM licenses WHERE order_id = $1 ORDER BY number")
                .bind(order)
                .fetch_all(&self.pool)
                .await?;
        let licenses = numbers.iter().map(|text| number(text));
        Ok(Some(Placing::Done(Placed {
            order,
            licenses: licenses.collect::<Result<_, _>>()?,
        })))
    }
}

async fn insert(
    tx: &mut Transaction<'static, Any>,
    order: i64,
    sale: &Sale,
    now: Timestamp,
) -> Stored<()> {
    let (license, number) = (&sale.license, sale.license.number.to_string());
    query(
        "INSERT INTO licenses (number, email, language, state, pin_hash, issued_at, changed_at, activated_at,
                               sold_by, order_id, seats)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&number)
    .bind(&license.email)
    .bind(license.language.as_str())
    .bind(license.state.as_str())
    .bind(&license.pin_hash)
    .bind(seconds(license.issued_at))
    .bind(seconds(license.changed_at))
    .bind(license.activated_at.map(seconds))
    .bind(&license.sold_by)
    .bind(order)
    .bind(license.seats.map(i64::from))
    .execute(&mut **tx)
    .await
    .map_err(exists)?;
    if let Some(holder) = &sale.holder {
        insert_holder(tx, &number, holder).await?;
    }
    queue(tx, &sale.mail, Some(order), now).await?;
    let by = license.sold_by.as_deref();
    record(tx, by, Deed::Sold, Some(&number), "", now).await
}
