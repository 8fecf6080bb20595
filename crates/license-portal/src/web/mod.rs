//! HTTP: pages for people, an API for the app, and one for operators.

mod admin;
mod api;
mod assets;
mod client;
mod download;
mod error;
mod form;
mod frame;
mod headers;
mod operator;
mod pages;
pub mod server;
mod status;
mod system;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware::{from_fn_with_state, map_response_with_state},
    routing::{get, post},
};
use tower_http::timeout::TimeoutLayer;

use self::operator::change;
use crate::portal::Portal;

/// Returns all routes. They must be served with the address of the peer as connect info.
pub fn router(portal: Arc<Portal>) -> Router {
    let shelf = Arc::new(download::Shelf::default());
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        // No visitor waits for the first SHA-256 values. If the folder cannot be read, the page says so.
        let (shelf, folder) = (Arc::clone(&shelf), portal.settings.packages.clone());
        runtime.spawn(async move { shelf.packages(&folder).await.map(drop) });
    }
    let pages = Router::new()
        .route(
            "/",
            get(pages::activate::show).post(pages::activate::submit),
        )
        .route(
            "/verification/{ticket}",
            get(pages::verify::show).post(pages::verify::again),
        )
        .route(
            "/activation/{secret}",
            get(pages::link::show).post(pages::link::complete),
        )
        .route("/activation/{secret}/open", post(pages::link::open))
        .route("/activation/{secret}/renew", post(pages::link::renew))
        .route(
            "/offline",
            get(pages::offline::show).post(pages::offline::submit),
        )
        .route("/purchase", get(pages::purchase::show))
        .route("/ticket", get(pages::ticket::show))
        .route("/download", get(download::page))
        .nest("/operator", admin::routes())
        .layer(Extension(shelf))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(pages::wrong_method)
        .layer(from_fn_with_state(Arc::clone(&portal), frame::visit));
    let operator = Router::new()
        .route("/licenses", get(operator::list).post(operator::issue))
        .route("/orders", post(operator::import))
        .route("/licenses/{number}", get(operator::show))
        .route("/licenses/{number}/revoke", post(change::revoke))
        .route("/licenses/{number}/restore", post(change::restore))
        .route("/licenses/{number}/resend", post(change::resend))
        .route("/licenses/{number}/forget", post(change::forget))
        .route("/licenses/{number}/seats", post(change::reseat))
        .route("/licenses/{number}/correct", post(change::correct))
        .route("/licenses/{number}/transfer", post(change::transfer))
        .route("/licenses/{number}/export", post(change::export))
        .route("/licenses/{number}/erase", post(change::erase))
        .fallback(api::no_route)
        .method_not_allowed_fallback(api::wrong_method);
    let api = Router::new()
        .route("/register", post(api::register))
        .route("/refresh", post(api::refresh))
        .route("/anchor", get(api::anchor))
        .route("/openapi.json", get(api::openapi))
        .nest("/operator", operator)
        .fallback(api::no_route)
        .method_not_allowed_fallback(api::wrong_method);
    Router::new()
        .nest("/api/v1", api)
        .route("/download/{file}", get(download::file))
        .route("/assets/{file}", get(assets::file))
        .route("/healthz", get(status::health))
        .route("/metrics", get(status::metrics))
        .merge(pages)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            TIME_LIMIT,
        ))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(BODY, server::receive))
        // The outermost: what the layers above answer themselves needs its headers, too.
        .layer(map_response_with_state(
            Arc::clone(&portal),
            headers::complete,
        ))
        .with_state(portal)
}

/// The most bytes of a request body.
pub const BODY: usize = 16 * 1024;

/// How long a request may take.
const TIME_LIMIT: Duration = Duration::from_secs(30);
