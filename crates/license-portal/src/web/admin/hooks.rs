//! *Webhooks*: which there are, and how far they were told.

use askama::Template;
use axum::{http::StatusCode, response::Response};
use plain_text::shown;

use super::{Denied, Desk, SignedIn};
use crate::{
    model::Scope,
    web::frame::{Frame, render},
};

#[derive(Template)]
#[template(path = "admin/hooks.html")]
struct Page {
    f: Frame,
    desk: Desk,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    url: String,
    told: String,
    error: Option<String>,
}

pub(super) async fn show(signed_in: SignedIn) -> Response {
    let page = hooks(&signed_in).await;
    signed_in.answer(page.map(|page| render(StatusCode::OK, &page)))
}

async fn hooks(signed_in: &SignedIn) -> Result<Page, Denied> {
    signed_in.need(Scope::ReadAll)?;
    let language = signed_in.language();
    let hooks = signed_in.portal().store.hooks().await?;
    let rows = hooks.into_iter().map(|hook| {
        let counts = [hook.told, hook.waiting, hook.failed].map(|count| count.to_string());
        let [told, waiting, failed] = &counts;
        let values = [("told", &**told), ("waiting", waiting), ("failed", failed)];
        Row {
            name: shown(&hook.name),
            url: shown(&hook.url),
            told: language.say_with("operator-hook-told", &values),
            error: hook.last_error.as_deref().map(shown),
        }
    });
    Ok(Page {
        f: signed_in.visitor.frame(),
        desk: signed_in.desk(),
        rows: rows.collect(),
    })
}
