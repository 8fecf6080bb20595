//! *Offline registration*: a request code and the PIN for a response code.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use license_token::{CodeError, RequestCode};
use serde::Deserialize;

use super::{explain, field::Field};
use crate::{
    language::Key,
    portal::{Portal, Refusal},
    web::{
        client::ClientAddress,
        form::{HasToken, Posted, TypedPin},
        frame::{Frame, Visitor, render},
    },
};

#[derive(Template)]
#[template(path = "offline.html")]
struct Page {
    f: Frame,
    code: String,
    code_error: Option<String>,
    pin: Field,
    problem: Option<String>,
    lines: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Typed {
    token: String,
    code: String,
    pin: TypedPin,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) async fn show(visitor: Visitor) -> Response {
    render(StatusCode::OK, &Page::empty(&visitor))
}

pub(crate) async fn submit(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Posted(typed): Posted<Typed>,
) -> Response {
    let mut page = Page {
        code: typed.code.clone(),
        ..Page::empty(&visitor)
    };
    let (request, pin) = match (RequestCode::parse(&typed.code), typed.pin.parse()) {
        (Ok(request), Ok(pin)) => (request, pin),
        (request, pin) => {
            page.code_error = request.err().map(|error| code_error(&visitor, error));
            page.pin.error = pin.is_err().then_some(Key("wrong-pin-form"));
            return render(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    match portal.register_offline(&address, request, pin).await {
        Ok(response) => {
            page.lines = response.to_string().lines().map(str::to_owned).collect();
            render(StatusCode::OK, &page)
        }
        Err(Refusal::Refused) => {
            page.problem = Some(visitor.language.say("offline-refused"));
            render(StatusCode::FORBIDDEN, &page)
        }
        Err(Refusal::Full { most }) => {
            let most = most.to_string();
            page.problem = Some(
                visitor
                    .language
                    .say_with("offline-full", &[("most", &most)]),
            );
            render(StatusCode::CONFLICT, &page)
        }
        Err(other) => explain(&visitor, &other),
    }
}

impl Page {
    fn empty(visitor: &Visitor) -> Self {
        Self {
            f: visitor.frame(),
            code: String::new(),
            code_error: None,
            pin: Field::pin(),
            problem: None,
            lines: Vec::new(),
        }
    }
}

fn code_error(visitor: &Visitor, error: CodeError) -> String {
    match error {
        CodeError::Slip(line) => visitor
            .language
            .say_with("wrong-code-slip", &[("line", &line.to_string())]),
        CodeError::Malformed { lines } => visitor
            .language
            .say_with("wrong-code-form", &[("lines", &lines.to_string())]),
        CodeError::Mixed => visitor.language.say("wrong-code-mixed"),
    }
}
