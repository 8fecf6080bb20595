//! The API of operators and partners. Every request needs a key.

pub(super) mod change;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header, request::Parts},
};
use license_token::LicenseNumber;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    email::EmailAddress,
    language::Language,
    model::{Filter, LicenseState, MailState, Operator, Placed, Scope},
    portal::{Portal, Refusal},
    service::{LicenseReport, Order, OrderLine, is_order_key, table::NotImported},
    web::{
        api::{Body, Sent, number},
        error::ApiError,
    },
};

/// The operator whose key a request carries. The key has not expired.
pub(super) struct Caller(Operator);

impl FromRequestParts<Arc<Portal>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, ApiError> {
        let header = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let key = header
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or(ApiError::Unauthorized)?;
        match portal.operator(key).await {
            Ok(operator) => Ok(Self(operator)),
            Err(Refusal::Refused) => Err(ApiError::Unauthorized),
            Err(other) => Err(other.into()),
        }
    }
}

impl Caller {
    /// Fails unless the key permits something.
    pub(super) fn need(&self, scope: Scope) -> Result<(), ApiError> {
        if self.0.may(scope) {
            Ok(())
        } else {
            Err(ApiError::NotPermitted)
        }
    }

    /// Returns whose licenses the key may read; `None`: everybody's.
    fn reads(&self) -> Result<Option<String>, ApiError> {
        let seller = self.0.reads().ok_or(ApiError::NotPermitted)?;
        Ok(seller.map(str::to_owned))
    }

    /// Reads a license. One that the key may not read does not exist for it.
    async fn license(
        &self,
        portal: &Portal,
        number: LicenseNumber,
    ) -> Result<LicenseReport, ApiError> {
        self.reads()?;
        let report = portal.show_to(&self.0, number).await;
        report.map_err(known_to_operators)
    }

    fn name(&self) -> &str {
        &self.0.name
    }

    /// Answers with the order that the caller placed.
    fn sold(&self, placed: &Placed) -> (StatusCode, Json<Value>) {
        tracing::info!(
            operator = self.name(),
            order = placed.order,
            count = placed.licenses.len(),
            "licenses issued"
        );
        let numbers = placed.licenses.iter().map(LicenseNumber::to_string);
        let numbers: Vec<_> = numbers.collect();
        let answer = json!({ "order": placed.order, "licenses": numbers });
        (StatusCode::CREATED, Json(answer))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issue {
    email: String,
    #[serde(default = "one")]
    count: u32,
    #[serde(default)]
    activated: bool,
    holder: Option<NewHolder>,
    #[serde(default)]
    language: Language,
    seats: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewHolder {
    name: String,
    #[serde(default)]
    company: String,
}

fn one() -> u32 {
    1
}

/// The header `Idempotency-Key`: who repeats an order with it gets the same answer.
pub(super) struct RepeatKey(Option<String>);

impl<S: Sync> FromRequestParts<S> for RepeatKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        let key = value.to_str().ok().filter(|key| is_order_key(key));
        key.map(|key| Self(Some(key.to_owned())))
            .ok_or(ApiError::Malformed)
    }
}

/// `POST /api/v1/operator/licenses`
pub(super) async fn issue(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    RepeatKey(key): RepeatKey,
    Body(body): Body<Issue>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.need(Scope::Issue)?;
    if !(1..=MOST).contains(&body.count) {
        return Err(ApiError::Malformed);
    }
    let line = OrderLine {
        email: body.email,
        count: body.count,
        is_activated: body.activated,
        holder: body.holder.map(|holder| (holder.name, holder.company)),
        language: body.language,
        seats: body.seats,
    };
    let order = Order {
        lines: vec![line],
        sold_by: Some(caller.name().to_owned()),
        key,
    };
    Ok(caller.sold(&portal.issue(&order).await?))
}

/// `POST /api/v1/operator/orders`
pub(super) async fn import(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    RepeatKey(key): RepeatKey,
    Sent(table): Sent,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    caller.need(Scope::Issue)?;
    let by = Some(caller.name().to_owned());
    match portal.import(&table, MOST, by, key).await {
        Ok(placed) => Ok(caller.sold(&placed)),
        Err(NotImported::Line(wrong)) => Err(ApiError::WrongLine(wrong)),
        Err(NotImported::Refused(refusal)) => Err(refusal.into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    state: Option<LicenseState>,
    email: Option<String>,
    mail: Option<MailState>,
    order: Option<i64>,
    after: Option<String>,
    limit: Option<u32>,
}

/// `GET /api/v1/operator/licenses`
pub(super) async fn list(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    search: Result<Query<Search>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let sold_by = caller.reads()?;
    let Query(search) = search.map_err(|_form| ApiError::Malformed)?;
    let limit = search.limit.unwrap_or(MOST);
    let after = search
        .after
        .as_deref()
        .map(number)
        .transpose()?
        .map(|number| number.to_string());
    let email = search.email.as_deref().map(EmailAddress::parse).transpose();
    let email = email.map_err(|_form| ApiError::Malformed)?;
    if !(1..=MOST).contains(&limit) || search.order.is_some_and(|order| !ORDERS.contains(&order)) {
        return Err(ApiError::Malformed);
    }
    let (found, next) = portal
        .page(&Filter {
            state: search.state,
            email,
            mail: search.mail,
            order: search.order,
            after,
            limit,
            sold_by,
            ..Filter::default()
        })
        .await?;
    Ok(Json(json!({ "licenses": found, "next": next })))
}

/// `GET /api/v1/operator/licenses/{number}`
pub(super) async fn show(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
) -> Result<Json<LicenseReport>, ApiError> {
    caller.license(&portal, number(&text)?).await.map(Json)
}

/// Turns `refused` into `not-found`: operators may know that a license does not exist.
fn known_to_operators(refusal: Refusal) -> ApiError {
    match ApiError::from(refusal) {
        ApiError::Refused => ApiError::NotFound,
        other => other,
    }
}

/// The numbers that an order may have: those that every program reads exactly from JSON.
const ORDERS: std::ops::RangeInclusive<i64> = 1..=(1 << 53) - 1;

/// The most licenses in one order and on one page.
pub(super) const MOST: u32 = 100;
