//! *Verification email*: says that it was sent, and sends it again.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::Response,
};

use super::{Message, clean, explain, field::Problem, kept::Outcome, link::success, say};
use crate::{
    model::License,
    portal::{Portal, Refusal},
    service::TicketPage,
    web::{
        form::Pressed,
        frame::{Frame, Visitor, redirect, render},
    },
};

#[derive(Template)]
#[template(path = "verify.html")]
struct Page {
    f: Frame,
    email: String,
    minutes: String,
    /// Whether another email has just been sent.
    is_again: bool,
    problem: Option<Problem>,
}

pub(crate) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(ticket): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    match portal.ticket_page(&ticket).await {
        Ok(TicketPage::Sent(license)) => {
            let mut page = Page::about(&visitor, license);
            page.is_again = query.as_deref() == Some(AGAIN);
            render(StatusCode::OK, &page)
        }
        Ok(TicketPage::Active(license)) => success(&visitor, license),
        Ok(TicketPage::Revoked) => say(&visitor, StatusCode::FORBIDDEN, Message::REVOKED),
        Ok(TicketPage::Lapsed) => say(&visitor, StatusCode::GONE, Message::TICKET_LAPSED),
        Err(refusal) => explain(&visitor, &refusal),
    }
}

pub(crate) async fn again(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(ticket): Path<String>,
    Pressed: Pressed,
) -> Response {
    let refusal = match portal.resend_link(&ticket).await {
        Ok(()) => return redirect(&format!("/verification/{}?{AGAIN}", clean(&ticket))),
        Err(refusal) => refusal,
    };
    match portal.ticket_page(&ticket).await {
        Ok(TicketPage::Sent(license)) if matches!(refusal, Refusal::SlowDown { .. }) => {
            let outcome = Outcome::of(visitor.language, &refusal);
            let mut page = Page::about(&visitor, license);
            page.problem = Some(outcome.problem());
            outcome.over(render(StatusCode::OK, &page))
        }
        _ => explain(&visitor, &refusal),
    }
}

impl Page {
    fn about(visitor: &Visitor, license: License) -> Self {
        Self {
            f: visitor.frame(),
            email: license.email,
            minutes: visitor.portal.settings.link_minutes.to_string(),
            is_again: false,
            problem: None,
        }
    }
}

/// The query of the page that says that another email was sent.
const AGAIN: &str = "again";
