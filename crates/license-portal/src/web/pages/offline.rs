//! *Offline registration*: a request code and the PIN for a response code.

use std::{ops::ControlFlow, sync::Arc};

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use license_token::{CodeError, RequestCode};
use serde::Deserialize;

use super::{
    field::{Field, Problem},
    kept::{Form, Outcome},
};
use crate::{
    language::{Key, Language},
    portal::{Portal, Refusal},
    web::{
        client::ClientAddress,
        form::{HasToken, Posted, TypedSecret},
        frame::{Frame, Visitor, render},
    },
};

#[derive(Template)]
#[template(path = "offline.html")]
struct Page {
    f: Frame,
    fields: [Field; 2],
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "response.html")]
struct ResponsePage {
    f: Frame,
    lines: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Typed {
    token: String,
    code: String,
    pin: TypedSecret,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) async fn show(visitor: Visitor) -> Response {
    FORM.show(&visitor, fields(""))
}

pub(crate) async fn submit(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Posted { typed, intent }: Posted<Typed>,
) -> Response {
    let language = visitor.language;
    let mut fields = match FORM.take(&visitor, intent, fields(&typed.code)) {
        ControlFlow::Continue(fields) => fields,
        ControlFlow::Break(answer) => return answer,
    };
    let outcome = match (RequestCode::parse(&typed.code), typed.pin.pin()) {
        (Ok(request), Ok(pin)) => match portal.register_offline(&address, request, pin).await {
            Ok(response) => {
                let page = ResponsePage {
                    f: visitor.frame(),
                    lines: response.to_string().lines().map(str::to_owned).collect(),
                };
                let mut answer = render(StatusCode::OK, &page);
                visitor.forget(&mut answer);
                return answer;
            }
            Err(Refusal::Refused) => {
                let text = language.say("offline-refused");
                Outcome::check(language, StatusCode::FORBIDDEN, text)
            }
            Err(Refusal::Full { most }) => {
                let text = language.say_with("offline-full", &[("most", &most.to_string())]);
                Outcome::check(language, StatusCode::CONFLICT, text)
            }
            Err(other) => Outcome::of(language, &other),
        },
        (request, pin) => {
            let [code_field, pin_field] = &mut fields;
            code_field.error = request.err().map(|error| code_error(language, error));
            pin_field.error = pin.err().map(|_form| language.say("wrong-pin-form"));
            Outcome::check(language, StatusCode::UNPROCESSABLE_ENTITY, String::new())
        }
    };
    FORM.again(&visitor, &fields, Some(outcome))
}

fn fields(code: &str) -> [Field; 2] {
    let code_field = Field {
        kind: "code",
        most: 400,
        ..Field::text("code", Key("offline-request"), "off")
    };
    [code_field.with(code), Field::pin()]
}

fn code_error(language: Language, error: CodeError) -> String {
    match error {
        CodeError::Slip(line) => {
            language.say_with("wrong-code-slip", &[("line", &line.to_string())])
        }
        CodeError::Malformed { lines } => {
            language.say_with("wrong-code-form", &[("lines", &lines.to_string())])
        }
        CodeError::Mixed => language.say("wrong-code-mixed"),
    }
}

const FORM: Form<2, Page> = Form {
    path: "/offline",
    page: |f, fields, problem| Page { f, fields, problem },
};
