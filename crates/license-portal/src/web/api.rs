//! The API of the app (`openapi.json`).

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, State, rejection::BytesRejection},
    http::header,
    response::{IntoResponse, Response},
};
use license_token::{Anchor, Installation, KeyId, LicenseNumber, NumberError};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    portal::Portal,
    web::{client::ClientAddress, error::ApiError, form::TypedSecret},
};

/// A body of any media type.
pub(super) struct Sent(pub(super) Bytes);

impl FromRequest<Arc<Portal>> for Sent {
    type Rejection = ApiError;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, ApiError> {
        match Bytes::from_request(request, portal).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(BytesRejection::FailedToBufferBody(failed)) if failed.status() == 413 => {
                Err(ApiError::TooLarge)
            }
            Err(_broken) => Err(ApiError::Malformed),
        }
    }
}

/// A JSON body, whatever media type it names. All that is not valid is one error.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Portal>> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, ApiError> {
        let Sent(bytes) = Sent::from_request(request, portal).await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|_form| ApiError::Malformed)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    license: String,
    pin: TypedSecret,
    installation: String,
    keys: Option<Vec<String>>,
}

/// `POST /api/v1/register`
pub(super) async fn register(
    State(portal): State<Arc<Portal>>,
    ClientAddress(address): ClientAddress,
    Body(body): Body<Register>,
) -> Result<Json<Value>, ApiError> {
    let number = number(&body.license)?;
    let pin = body.pin.pin().map_err(|_form| ApiError::Malformed)?;
    let installation = installation(&body.installation)?;
    let keys = keys(body.keys.as_deref())?;
    let token = portal
        .register(&address, number, pin, installation, keys.as_deref())
        .await?;
    Ok(Json(json!({ "token": token.to_string() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    token: String,
    installation: String,
    keys: Option<Vec<String>>,
}

/// `POST /api/v1/refresh`
pub(super) async fn refresh(
    State(portal): State<Arc<Portal>>,
    ClientAddress(address): ClientAddress,
    Body(body): Body<Refresh>,
) -> Result<Json<Value>, ApiError> {
    let installation = installation(&body.installation)?;
    let keys = keys(body.keys.as_deref())?;
    portal
        .take("address", &address, portal.settings.paces.address)
        .await?;
    let token = portal
        .refresh(&body.token, installation, keys.as_deref())
        .await?;
    Ok(Json(json!({ "token": token.to_string() })))
}

/// `GET /api/v1/anchor`
pub(super) async fn anchor(State(portal): State<Arc<Portal>>) -> Json<Value> {
    let anchors = portal.signers.anchors();
    let is_development = anchors.iter().any(Anchor::is_development);
    let anchors: Vec<_> = anchors.iter().map(Anchor::to_string).collect();
    Json(json!({ "anchors": anchors, "development": is_development }))
}

/// `GET /api/v1/openapi.json`
pub(super) async fn openapi() -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        include_str!("../../openapi.json"),
    )
        .into_response()
}

pub(super) async fn no_route() -> ApiError {
    ApiError::NotFound
}

pub(super) async fn wrong_method() -> ApiError {
    ApiError::WrongMethod
}

pub(super) fn number(text: &str) -> Result<LicenseNumber, ApiError> {
    LicenseNumber::parse(text).map_err(|error| match error {
        NumberError::Slip => ApiError::Slip,
        NumberError::Malformed => ApiError::Malformed,
    })
}

/// Reads the names of the keys that an app verifies with.
fn keys(names: Option<&[String]>) -> Result<Option<Vec<KeyId>>, ApiError> {
    let Some(names) = names else { return Ok(None) };
    if names.is_empty() || names.len() > KEYS {
        return Err(ApiError::Malformed);
    }
    let keys = names.iter().map(|name| KeyId::parse(name));
    let keys: Result<_, _> = keys.collect();
    keys.map(Some).map_err(|_form| ApiError::Malformed)
}

/// The most keys that an app may name.
const KEYS: usize = 16;

pub(super) fn installation(text: &str) -> Result<Installation, ApiError> {
    Installation::parse(text).map_err(|_form| ApiError::Malformed)
}
