//! Whom licenses belong to.

use sqlx::{Postgres, Transaction, query};

use super::super::Stored;
use crate::model::Holder;

/// Notes whom a license belongs to.
pub(super) async fn name(
    tx: &mut Transaction<'static, Postgres>,
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
