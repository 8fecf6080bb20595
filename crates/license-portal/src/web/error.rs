//! Errors of the API.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{language::Language, portal::Refusal, service::table::WrongLine, web::operator::MOST};

/// What a program receives. The cause is logged, never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// 400: the license number is mistyped.
    Slip,
    /// 401: the request has no valid operator key.
    Unauthorized,
    /// 403: license number and PIN do not match, or the license is not active.
    Refused,
    /// 403: the operator's key does not permit it.
    NotPermitted,
    /// 404: no such route or, for operators only, no such license.
    NotFound,
    /// 405: wrong method.
    WrongMethod,
    /// 409: the license is registered on as many installations as it allows.
    Full { most: u32 },
    /// 409: the app has another key than the portal.
    OtherKey,
    /// 409, for operators only: the license was changed in the meantime, or is revoked.
    Changed,
    /// 413: the body is too large.
    TooLarge,
    /// 422: the request does not match `openapi.json`.
    Malformed,
    /// 422, for operators only: another order was placed with the same key.
    OtherOrder,
    /// 422, for operators only: a line of the table of an order is wrong.
    WrongLine(WrongLine),
    /// 422, for operators only: the mail server does not deliver to this address.
    NoUtf8,
    /// 429: too many attempts.
    SlowDown { retry_after: i64 },
    /// 503: the database is down, or too many PINs are waiting to be compared.
    Unavailable,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Refused => Self::Refused,
            Refusal::SlowDown { retry_after } => Self::SlowDown { retry_after },
            Refusal::Full { most } => Self::Full { most },
            Refusal::OtherKey => Self::OtherKey,
            Refusal::Changed => Self::Changed,
            Refusal::NoAddress(_) | Refusal::NoHolder | Refusal::Seats | Refusal::SameAddress => {
                Self::Malformed
            }
            Refusal::OtherOrder => Self::OtherOrder,
            Refusal::NoUtf8 => Self::NoUtf8,
            Refusal::NotConfigured(_)
            | Refusal::Courier(_)
            | Refusal::Hash(_)
            | Refusal::Store(_)
            | Refusal::Randomness(_) => {
                tracing::error!(cause = %Causes(&refusal), "a request failed");
                Self::Unavailable
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Slip => (StatusCode::BAD_REQUEST, "slip"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Refused => (StatusCode::FORBIDDEN, "refused"),
            Self::NotPermitted => (StatusCode::FORBIDDEN, "not-permitted"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "wrong-method"),
            Self::Full { most } => {
                let body = json!({ "error": "too-many-installations", "most": most });
                return (StatusCode::CONFLICT, Json(body)).into_response();
            }
            Self::OtherKey => (StatusCode::CONFLICT, "other-key"),
            Self::Changed => (StatusCode::CONFLICT, "changed"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Self::Malformed => (StatusCode::UNPROCESSABLE_ENTITY, "malformed"),
            Self::NoUtf8 => (StatusCode::UNPROCESSABLE_ENTITY, "no-smtputf8"),
            Self::OtherOrder => {
                let message = Refusal::OtherOrder.to_string();
                let body = json!({ "error": "other-order", "message": message });
                return (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response();
            }
            Self::WrongLine(wrong) => {
                let body = json!({
                    "error": "wrong-line",
                    "line": wrong.line,
                    "reason": wrong.reason(),
                    "message": wrong.text(Language::En, MOST),
                });
                return (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response();
            }
            Self::SlowDown { retry_after } => {
                let body = Json(json!({ "error": "slow-down", "retry_after": retry_after }));
                let header = [(header::RETRY_AFTER, HeaderValue::from(retry_after))];
                return (StatusCode::TOO_MANY_REQUESTS, header, body).into_response();
            }
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        let mut response = (status, Json(json!({ "error": error }))).into_response();
        if self == Self::Unauthorized {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Displays an error and its causes in one line.
pub(crate) struct Causes<'a>(pub(crate) &'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut next = Some(self.0);
        let mut separator = "";
        while let Some(error) = next {
            write!(f, "{separator}{error}")?;
            separator = ": ";
            next = error.source();
        }
        Ok(())
    }
}
