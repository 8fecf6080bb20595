//! What operators change of a license, by the same rules as on their pages.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use license_token::LicenseNumber;
use serde::Deserialize;
use serde_json::Value;

use super::{Caller, known_to_operators};
use crate::{
    email::EmailAddress,
    model::Scope,
    portal::{Portal, Refusal},
    service::LicenseReport,
    web::{
        api::{Body, installation, number},
        error::ApiError,
    },
};

/// Does something to a license that the caller may read and do this to, and returns the license as it is then.
async fn act(
    caller: &Caller,
    portal: &Portal,
    text: &str,
    scope: Scope,
    deed: impl AsyncFnOnce(LicenseNumber, &LicenseReport) -> Result<(), Refusal>,
) -> Result<Json<LicenseReport>, ApiError> {
    caller.need(scope)?;
    let number = number(text)?;
    let report = caller.license(portal, number).await?;
    deed(number, &report).await.map_err(known_to_operators)?;
    tracing::info!(operator = caller.name(), license = %number, "license changed");
    let report = portal.show(number).await;
    report.map(Json).map_err(known_to_operators)
}

type Answer = Result<Json<LicenseReport>, ApiError>;

/// `POST /api/v1/operator/licenses/{number}/revoke`
pub(in crate::web) async fn revoke(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
) -> Answer {
    let by = Some(caller.name());
    act(&caller, &portal, &text, Scope::Revoke, async |number, _| {
        portal.revoke(number, by).await
    })
    .await
}

/// `POST /api/v1/operator/licenses/{number}/restore`
pub(in crate::web) async fn restore(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
) -> Answer {
    let by = Some(caller.name());
    act(&caller, &portal, &text, Scope::Revoke, async |number, _| {
        portal.restore(number, by).await
    })
    .await
}

/// `POST /api/v1/operator/licenses/{number}/resend`
pub(in crate::web) async fn resend(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
) -> Result<(StatusCode, Json<LicenseReport>), ApiError> {
    let by = Some(caller.name());
    let report = act(&caller, &portal, &text, Scope::Issue, async |number, _| {
        portal.resend(number, by).await
    });
    Ok((StatusCode::ACCEPTED, report.await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Forget {
    installation: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/forget`
pub(in crate::web) async fn forget(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
    Body(body): Body<Forget>,
) -> Answer {
    let one = body.installation.as_deref().map(installation).transpose()?;
    let by = Some(caller.name());
    act(&caller, &portal, &text, Scope::Issue, async |number, _| {
        portal.forget(number, one, by).await
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Seats {
    seats: Option<u32>,
    version: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/seats`
pub(in crate::web) async fn reseat(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
    Body(body): Body<Seats>,
) -> Answer {
    let by = Some(caller.name());
    act(&caller, &portal, &text, Scope::Issue, async |number, _| {
        portal
            .reseat(number, body.version.as_deref(), body.seats, by)
            .await
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct HandOver {
    email: String,
    version: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/correct`
pub(in crate::web) async fn correct(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
    Body(body): Body<HandOver>,
) -> Answer {
    hand_over(&caller, &portal, &text, &body, false).await
}

/// `POST /api/v1/operator/licenses/{number}/transfer`
pub(in crate::web) async fn transfer(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
    Body(body): Body<HandOver>,
) -> Answer {
    hand_over(&caller, &portal, &text, &body, true).await
}

async fn hand_over(
    caller: &Caller,
    portal: &Portal,
    text: &str,
    body: &HandOver,
    is_transfer: bool,
) -> Answer {
    let email = EmailAddress::parse(&body.email).map_err(|_form| ApiError::Malformed)?;
    let by = Some(caller.name());
    act(
        caller,
        portal,
        text,
        Scope::Issue,
        async |number, report| {
            if email.as_str() == report.email {
                return Err(Refusal::SameAddress);
            }
            let seen = body.version.as_ref().unwrap_or(&report.version);
            portal
                .hand_over(number, seen, &email, is_transfer, by)
                .await
        },
    )
    .await
}

/// `POST /api/v1/operator/licenses/{number}/export`
pub(in crate::web) async fn export(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let number = number(&text)?;
    caller.license(&portal, number).await?;
    let known = portal.export(number, Some(caller.name())).await;
    known.map(Json).map_err(known_to_operators)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Erase {
    version: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/erase`
pub(in crate::web) async fn erase(
    caller: Caller,
    State(portal): State<Arc<Portal>>,
    Path(text): Path<String>,
    Body(body): Body<Erase>,
) -> Answer {
    let by = Some(caller.name());
    act(&caller, &portal, &text, Scope::Revoke, async |number, _| {
        portal.erase(number, body.version.as_deref(), by).await
    })
    .await
}
