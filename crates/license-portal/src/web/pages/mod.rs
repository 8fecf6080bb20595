//! Pages for people. Each handler reads a form, asks the portal, and renders a page.

pub(super) mod activate;
pub(super) mod field;
pub(super) mod kept;
pub(super) mod link;
pub(super) mod offline;
pub(super) mod purchase;
pub(super) mod ticket;
pub(super) mod verify;

use askama::Template;
use axum::{http::StatusCode, response::Response};

use self::{field::Problem, kept::Outcome};
use crate::{
    language::{Key, Language},
    portal::Refusal,
    web::{
        error::Causes,
        frame::{Frame, Visitor, render},
    },
};

/// A page with a title and one text.
#[derive(Clone, Copy)]
pub(super) struct Message {
    title: Key,
    text: Key,
}

impl Message {
    pub(super) const CHANGED: Self = Self {
        title: Key("changed-title"),
        text: Key("changed-text"),
    };
    pub(super) const FORM_EXPIRED: Self = Self {
        title: Key("form-expired-title"),
        text: Key("form-expired-text"),
    };
    pub(super) const FORM_MALFORMED: Self = Self {
        title: Key("form-malformed-title"),
        text: Key("form-malformed-text"),
    };
    pub(super) const LINK_VOID: Self = Self {
        title: Key("link-void-title"),
        text: Key("link-void-text"),
    };
    pub(super) const NO_LICENSE: Self = Self {
        title: Key("no-such-license-title"),
        text: Key("no-such-license-text"),
    };
    pub(super) const NOT_PERMITTED: Self = Self {
        title: Key("not-permitted-title"),
        text: Key("not-permitted-text"),
    };
    pub(super) const NOT_FOUND: Self = Self {
        title: Key("not-found-title"),
        text: Key("not-found-text"),
    };
    pub(super) const REVOKED: Self = Self {
        title: Key("revoked-title"),
        text: Key("revoked-text"),
    };
    pub(super) const SLOW_DOWN: Self = Self {
        title: Key("slow-down-title"),
        text: Key("slow-down-text"),
    };
    pub(super) const TICKET_LAPSED: Self = Self {
        title: Key("ticket-lapsed-title"),
        text: Key("ticket-lapsed-text"),
    };
    pub(super) const UNAVAILABLE: Self = Self {
        title: Key("unavailable-title"),
        text: Key("unavailable-text"),
    };
    pub(super) const WRONG_METHOD: Self = Self {
        title: Key("wrong-method-title"),
        text: Key("wrong-method-text"),
    };
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    f: Frame,
    title: String,
    text: String,
}

/// Renders a message.
pub(super) fn say(visitor: &Visitor, status: StatusCode, message: Message) -> Response {
    let page = MessagePage {
        f: visitor.frame(),
        title: visitor.language.say(message.title.0),
        text: visitor.language.say(message.text.0),
    };
    render(status, &page)
}

/// Renders why the portal refused a request.
pub(super) fn explain(visitor: &Visitor, refusal: &Refusal) -> Response {
    let outcome = Outcome::of(visitor.language, refusal);
    let page = MessagePage {
        f: visitor.frame(),
        title: outcome.title.clone(),
        text: outcome.text.clone(),
    };
    outcome.over(render(StatusCode::OK, &page))
}

impl Outcome {
    /// Returns why the portal refused a request.
    pub(in crate::web) fn of(language: Language, refusal: &Refusal) -> Self {
        let (status, message, retry_after) = match refusal {
            Refusal::SlowDown { retry_after } => (
                StatusCode::TOO_MANY_REQUESTS,
                Message::SLOW_DOWN,
                Some(*retry_after),
            ),
            Refusal::Changed => (StatusCode::CONFLICT, Message::CHANGED, None),
            Refusal::Refused
            | Refusal::Full { .. }
            | Refusal::NoAddress(_)
            | Refusal::NoUtf8
            | Refusal::OtherKey
            | Refusal::NoHolder
            | Refusal::Seats
            | Refusal::SameAddress
            | Refusal::OtherOrder => (StatusCode::FORBIDDEN, Message::LINK_VOID, None),
            Refusal::NotConfigured(_)
            | Refusal::Courier(_)
            | Refusal::Hash(_)
            | Refusal::Store(_)
            | Refusal::Randomness(_) => {
                tracing::error!(cause = %Causes(refusal), "a page failed");
                (StatusCode::SERVICE_UNAVAILABLE, Message::UNAVAILABLE, None)
            }
        };
        let minutes = retry_after.unwrap_or_default().saturating_add(59) / 60;
        let values = [("minutes", &*minutes.to_string())];
        Self {
            status: status.as_u16(),
            title: language.say(message.title.0),
            text: language.say_with(message.text.0, &values),
            retry_after,
        }
    }

    /// Asks to check what was typed.
    pub(in crate::web) fn check(language: Language, status: StatusCode, text: String) -> Self {
        Self {
            status: status.as_u16(),
            title: language.say("problem-title"),
            text,
            retry_after: None,
        }
    }

    /// Returns it as a problem above a button.
    fn problem(&self) -> Problem {
        Problem::new(&self.title, &self.text, &[])
    }
}

pub(super) async fn not_found(visitor: Visitor) -> Response {
    say(&visitor, StatusCode::NOT_FOUND, Message::NOT_FOUND)
}

pub(super) async fn wrong_method(visitor: Visitor) -> Response {
    say(
        &visitor,
        StatusCode::METHOD_NOT_ALLOWED,
        Message::WRONG_METHOD,
    )
}

/// Returns the secret of a link, or a ticket, without characters that ours do not have, so that it can be redirected
/// to.
fn clean(received: &str) -> String {
    received
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .take(128)
        .collect()
}
