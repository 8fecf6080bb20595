//! *Verification email*: says that it was sent, and sends it again.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{Message, clean, explain, link::success, say};
use crate::{
    portal::Portal,
    service::TicketPage,
    web::{
        form::{HasToken, Posted},
        frame::{Frame, Visitor, redirect, render},
    },
};

#[derive(Template)]
#[template(path = "verify.html")]
struct Page {
    f: Frame,
    email: String,
    minutes: String,
}

/// A form that has only a button.
#[derive(Deserialize)]
pub(crate) struct Button {
    token: String,
}

impl HasToken for Button {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(ticket): Path<String>,
) -> Response {
    match portal.ticket_page(&ticket).await {
        Ok(TicketPage::Sent(license)) => {
            let minutes = portal.settings.link_minutes.to_string();
            render(
                StatusCode::OK,
                &Page {
                    f: visitor.frame(),
                    email: license.email,
                    minutes,
                },
            )
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
    Posted(_button): Posted<Button>,
) -> Response {
    match portal.resend_link(&ticket).await {
        Ok(()) => redirect(&format!("/verification/{}", clean(&ticket))),
        Err(refusal) => explain(&visitor, &refusal),
    }
}
