//! *Log*: what operators did.

use askama::Template;
use axum::{extract::RawQuery, http::StatusCode, response::Response};

use super::{Denied, Desk, Entry, SignedIn};
use crate::web::frame::{Frame, render};

#[derive(Template)]
#[template(path = "admin/log.html")]
struct Page {
    f: Frame,
    desk: Desk,
    acts: Vec<Entry>,
    /// The ID before which the next page begins.
    next: Option<i64>,
}

pub(super) async fn show(signed_in: SignedIn, RawQuery(query): RawQuery) -> Response {
    let page = acts(&signed_in, &query.unwrap_or_default()).await;
    signed_in.answer(page.map(|page| render(StatusCode::OK, &page)))
}

async fn acts(signed_in: &SignedIn, query: &str) -> Result<Page, Denied> {
    let before = query.strip_prefix("before=");
    let before = before.and_then(|id| id.parse().ok());
    let (store, seller) = (&signed_in.portal().store, signed_in.reads()?);
    let mut acts = signed_in.acts(store.acts(seller, None, before, ROWS + 1).await?);
    let has_more = acts.len() > ROWS as usize;
    acts.truncate(ROWS as usize);
    Ok(Page {
        f: signed_in.visitor.frame(),
        desk: signed_in.desk(),
        next: acts.last().filter(|_| has_more).map(|act| act.id),
        acts,
    })
}

/// The acts of a page.
const ROWS: u32 = 100;
