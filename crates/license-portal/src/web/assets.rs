//! Style sheet, scripts and icon, part of the program.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};

/// `GET /assets/{file}`
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let (kind, bytes) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "page.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "ticket.js" => ("text/javascript; charset=utf-8", TICKET_SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    // Pages name style sheet and scripts with their hashes, so an old copy is never used.
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, bytes).into_response()
}

/// Returns the path of the style sheet.
pub(crate) fn style_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| path("style.css", STYLE));
    &PATH
}

/// Returns the path of the script.
pub(crate) fn script_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| path("page.js", SCRIPT));
    &PATH
}

/// Returns the path of the script of the page of a ticket.
pub(crate) fn ticket_script_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| path("ticket.js", TICKET_SCRIPT));
    &PATH
}

fn path(name: &str, text: &str) -> String {
    let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(text).into();
    let hash = u32::from_be_bytes([a, b, c, d]);
    format!("/assets/{name}?{hash:08x}")
}

const STYLE: &str = include_str!("../../assets/style.css");
const SCRIPT: &str = include_str!("../../assets/page.js");
const TICKET_SCRIPT: &str = include_str!("../../assets/ticket.js");
const ICON: &str = include_str!("../../assets/icon.svg");
