//! Tables for spreadsheets: an order in, licenses out.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use askama::Template;
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::RawQuery,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use hyper::body::Frame as BodyFrame;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::{
    Denied, Desk, SignedIn,
    order::{done, new_key, next_key, placed, refused, wrong},
    search::filter,
};
use crate::{
    language::{Key, Language},
    model::{Filter, Scope},
    portal::{Portal, Refusal},
    service::{
        is_order_key,
        table::{self, NotImported},
    },
    web::{
        form::{HasToken, Intent, Posted},
        frame::{Frame, render},
        operator::MOST,
        pages::{
            field::{Field, Problem},
            kept::Outcome,
        },
    },
};

#[derive(Template)]
#[template(path = "admin/import.html")]
struct Page {
    f: Frame,
    desk: Desk,
    field: Field,
    problem: Option<Problem>,
    /// Names the order: a form that is sent twice places it once.
    key: String,
    /// The order that was just placed.
    placed: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Typed {
    token: String,
    key: String,
    table: String,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(super) async fn show(signed_in: SignedIn, RawQuery(query): RawQuery) -> Response {
    let page = new_key().and_then(|key| {
        let page = page(&signed_in, key, String::new(), None)?;
        let placed = placed(query.as_deref());
        Ok(render(StatusCode::OK, &Page { placed, ..page }))
    });
    signed_in.answer(page)
}

fn page(
    signed_in: &SignedIn,
    key: String,
    typed: String,
    outcome: Option<&Outcome>,
) -> Result<Page, Denied> {
    signed_in.need(Scope::Issue)?;
    let field = Field {
        kind: "table",
        most: 12_000,
        ..Field::text("table", Key("operator-table"), "off").with(typed)
    };
    let problem = outcome.map(|outcome| Problem::new(&outcome.title, &outcome.text, &[]));
    Ok(Page {
        f: signed_in.visitor.form_frame(),
        desk: signed_in.desk(),
        field,
        problem,
        key,
        placed: None,
    })
}

pub(super) async fn place(signed_in: SignedIn, posted: Posted<Typed>) -> Response {
    signed_in.answer(take(&signed_in, posted).await)
}

/// Places the order. What is wrong with it is said on the page with the table, which is too large for a cookie.
async fn take(
    signed_in: &SignedIn,
    Posted { typed, intent }: Posted<Typed>,
) -> Result<Response, Denied> {
    signed_in.need(Scope::Issue)?;
    if !is_order_key(&typed.key) {
        return Err(Denied::Malformed);
    }
    let language = signed_in.language();
    let (mut key, mut outcome) = (typed.key, None);
    match intent {
        Intent::Translate => {}
        Intent::Stale => {
            let text = language.say("form-expired-text");
            outcome = Some(Outcome::check(language, StatusCode::FORBIDDEN, text));
        }
        Intent::Send => {
            let (table, by) = (typed.table.as_bytes(), Some(signed_in.name().to_owned()));
            let placing = signed_in
                .portal()
                .import(table, MOST, by, Some(key.clone()));
            match placing.await {
                Ok(placed) => return Ok(done(PATH, placed.order)),
                Err(NotImported::Line(line)) => {
                    outcome = Some(wrong(language, line.text(language, MOST)));
                }
                Err(NotImported::Refused(refusal)) => {
                    key = next_key(key, &refusal)?;
                    outcome = Some(refused(language, &refusal));
                }
            }
        }
    }
    let page = page(signed_in, key, typed.table, outcome.as_ref())?;
    let response = render(StatusCode::OK, &page);
    Ok(match outcome {
        Some(outcome) => outcome.over(response),
        None => response,
    })
}

/// Answers with a table of the licenses that were looked for.
pub(super) async fn export(signed_in: SignedIn, RawQuery(query): RawQuery) -> Response {
    let file = async {
        let query = query.unwrap_or_default();
        let (filter, _) = filter(&signed_in, &query)?;
        let portal = Arc::clone(&signed_in.visitor.portal);
        portal.export_table(Some(signed_in.name())).await?;
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"licenses.csv\"",
            ),
        ];
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(write(portal, signed_in.language(), filter, sender));
        Ok((headers, Body::new(Lines(receiver))).into_response())
    };
    signed_in.answer(file.await)
}

/// Writes the table, so many lines at once. A reader who goes away ends it; what fails breaks the answer off.
async fn write(
    portal: Arc<Portal>,
    language: Language,
    mut filter: Filter,
    to: mpsc::Sender<Result<Bytes, Refusal>>,
) {
    filter.limit = 100;
    let mut is_first = true;
    loop {
        let (lines, next) = match portal.page(&filter).await {
            Ok((found, next)) => (
                Ok(table::write(Some(language), is_first, &found).into()),
                next,
            ),
            Err(refusal) => (Err(refusal), None),
        };
        is_first = false;
        if to.send(lines).await.is_err() || next.is_none() {
            return;
        }
        filter.after = next;
    }
}

/// The body of an answer that is written while it is read.
struct Lines(mpsc::Receiver<Result<Bytes, Refusal>>);

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = Refusal;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Refusal>>> {
        let lines = self.0.poll_recv(context);
        lines.map(|lines| lines.map(|lines| lines.map(BodyFrame::data)))
    }
}

const PATH: &str = "/operator/import";
