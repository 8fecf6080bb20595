//! Health and metrics, for monitoring.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts as _, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use crate::{
    model::Scope,
    portal::Portal,
    web::{client::is_local, error::ApiError, operator::Caller},
};

/// `GET /healthz`: 200 if the database answers, else 503. It also says what the portal lacks to sell licenses.
pub(super) async fn health(State(portal): State<Arc<Portal>>) -> (StatusCode, String) {
    if let Err(error) = portal.store.ping().await {
        tracing::warn!(%error, "the database does not answer");
        let text = "the database does not answer\n".into();
        return (StatusCode::SERVICE_UNAVAILABLE, text);
    }
    let missing = portal.settings.missing.iter();
    let text = missing.fold("ok\n".to_owned(), |text, missing| {
        format!("{text}no license can be sold: {missing}\n")
    });
    (StatusCode::OK, text)
}

/// `GET /metrics`: for this machine, or with an operator's key that may read all.
pub(super) async fn metrics(
    State(portal): State<Arc<Portal>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut parts, _body) = request.into_parts();
    if !is_local(&parts) {
        let caller = Caller::from_request_parts(&mut parts, &portal).await?;
        caller.need(Scope::ReadAll)?;
    }
    let counts = portal.store.counts().await.ok();
    let format = [(
        header::CONTENT_TYPE,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )];
    match portal.metrics.text(counts) {
        Ok(text) => Ok((format, text).into_response()),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            Err(ApiError::Unavailable)
        }
    }
}
