//! *What a ticket allows*: a page on a second screen, for a custodian of a team. The ticket follows the `#` of the address,
//! which a browser sends to nobody; the page's own script reads it.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use crate::web::frame::{Frame, Visitor, render};

#[derive(Template)]
#[template(path = "ticket.html")]
struct Page {
    f: Frame,
    words: [(&'static str, &'static str); 23],
}

pub(crate) async fn show(visitor: Visitor) -> Response {
    render(
        StatusCode::OK,
        &Page {
            f: visitor.frame(),
            words: WORDS,
        },
    )
}

/// The texts that the script inserts values into, by the names that it has for them.
const WORDS: [(&str, &str); 23] = [
    ("allows", "ticket-allows"),
    ("choices", "ticket-choices"),
    ("master", "ticket-master"),
    ("team", "ticket-team"),
    ("ticket", "ticket-number"),
    ("clone", "ticket-clone"),
    ("letter", "ticket-letter"),
    ("named", "ticket-named"),
    ("any", "ticket-any"),
    ("any-one", "ticket-any-one"),
    ("rekey", "ticket-rekey"),
    ("rekey-nobody", "ticket-rekey-nobody"),
    ("drops", "ticket-drops"),
    ("policy", "ticket-policy"),
    ("ask-nobody", "ticket-ask-nobody"),
    ("certificate", "ticket-certificate"),
    ("group", "ticket-group"),
    ("none", "ticket-none"),
    ("auto-lock", "ticket-auto-lock"),
    ("pin-policy", "ticket-pin-policy"),
    ("disable-master", "ticket-disable-master"),
    ("malformed", "ticket-malformed"),
    ("no-code", "ticket-no-code"),
];
