//! What operators change of a license, by the same rules as on their pages.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
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

/// Who asks, and for which license.
pub(in crate::web) struct Asked {
    caller: Caller,
    portal: Arc<Portal>,
    license: String,
}

impl FromRequestParts<Arc<Portal>> for Asked {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, portal).await?;
        let Path(license) = Path::from_request_parts(parts, portal)
            .await
            .map_err(|_form| ApiError::Malformed)?;
        Ok(Self {
            caller,
            portal: Arc::clone(portal),
            license,
        })
    }
}

impl Asked {
    /// Returns who asks.
    fn name(&self) -> &str {
        self.caller.name()
    }

    /// Returns the license, if the caller may read it.
    async fn license(&self) -> Result<(LicenseNumber, LicenseReport), ApiError> {
        let number = number(&self.license)?;
        let report = self.caller.license(&self.portal, number).await?;
        Ok((number, report))
    }

    /// Does something to the license, if the caller may read it and do this to it, and returns it as it is then.
    async fn act(
        &self,
        scope: Scope,
        deed: impl AsyncFnOnce(LicenseNumber, &LicenseReport) -> Result<(), Refusal>,
    ) -> Answer {
        self.caller.need(scope)?;
        let (number, report) = self.license().await?;
        deed(number, &report).await.map_err(known_to_operators)?;
        tracing::info!(operator = self.name(), license = %number, "license changed");
        let report = self.portal.show(number).await;
        report.map(Json).map_err(known_to_operators)
    }

    async fn hand_over(&self, body: &HandOver, is_transfer: bool) -> Answer {
        let email = EmailAddress::parse(&body.email).map_err(|_form| ApiError::Malformed)?;
        self.act(Scope::Issue, async |number, report| {
            if email.as_str() == report.email {
                return Err(Refusal::SameAddress);
            }
            let seen = body.version.as_ref().unwrap_or(&report.version);
            self.portal
                .hand_over(number, seen, &email, is_transfer, Some(self.name()))
                .await
        })
        .await
    }
}

type Answer = Result<Json<LicenseReport>, ApiError>;

/// `POST /api/v1/operator/licenses/{number}/revoke`
pub(in crate::web) async fn revoke(asked: Asked) -> Answer {
    let revoke = async |number, _: &_| asked.portal.revoke(number, Some(asked.name())).await;
    asked.act(Scope::Revoke, revoke).await
}

/// `POST /api/v1/operator/licenses/{number}/restore`
pub(in crate::web) async fn restore(asked: Asked) -> Answer {
    let restore = async |number, _: &_| asked.portal.restore(number, Some(asked.name())).await;
    asked.act(Scope::Revoke, restore).await
}

/// `POST /api/v1/operator/licenses/{number}/resend`
pub(in crate::web) async fn resend(
    asked: Asked,
) -> Result<(StatusCode, Json<LicenseReport>), ApiError> {
    let resend = async |number, _: &_| asked.portal.resend(number, Some(asked.name())).await;
    let report = asked.act(Scope::Issue, resend).await?;
    Ok((StatusCode::ACCEPTED, report))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Forget {
    installation: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/forget`
pub(in crate::web) async fn forget(asked: Asked, Body(body): Body<Forget>) -> Answer {
    let one = body.installation.as_deref().map(installation).transpose()?;
    let forget = async |number, _: &_| asked.portal.forget(number, one, Some(asked.name())).await;
    asked.act(Scope::Issue, forget).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Seats {
    seats: Option<u32>,
    version: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/seats`
pub(in crate::web) async fn reseat(asked: Asked, Body(body): Body<Seats>) -> Answer {
    let (portal, seen) = (&asked.portal, body.version.as_deref());
    let reseat = async |number, _: &_| {
        portal
            .reseat(number, seen, body.seats, Some(asked.name()))
            .await
    };
    asked.act(Scope::Issue, reseat).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct HandOver {
    email: String,
    version: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/correct`
pub(in crate::web) async fn correct(asked: Asked, Body(body): Body<HandOver>) -> Answer {
    asked.hand_over(&body, false).await
}

/// `POST /api/v1/operator/licenses/{number}/transfer`
pub(in crate::web) async fn transfer(asked: Asked, Body(body): Body<HandOver>) -> Answer {
    asked.hand_over(&body, true).await
}

/// `POST /api/v1/operator/licenses/{number}/export`
pub(in crate::web) async fn export(asked: Asked) -> Result<Json<Value>, ApiError> {
    let (number, _) = asked.license().await?;
    let known = asked.portal.export(number, Some(asked.name())).await;
    known.map(Json).map_err(known_to_operators)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Erase {
    version: Option<String>,
}

/// `POST /api/v1/operator/licenses/{number}/erase`
pub(in crate::web) async fn erase(asked: Asked, Body(body): Body<Erase>) -> Answer {
    let (portal, seen) = (&asked.portal, body.version.as_deref());
    let erase = async |number, _: &_| portal.erase(number, seen, Some(asked.name())).await;
    asked.act(Scope::Revoke, erase).await
}
