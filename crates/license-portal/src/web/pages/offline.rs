//! *Offline registration*: a request code and the PIN for a response code.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use license_token::{CodeError, RequestCode};
use serde::Deserialize;

use super::{
    Reason,
    field::{Field, Problem},
    retry,
};
use crate::{
    language::{Key, Language},
    portal::{Portal, Refusal},
    web::{
        client::ClientAddress,
        form::{HasToken, Intent, Posted, TypedPin},
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
    pin: TypedPin,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) async fn show(visitor: Visitor) -> Response {
    render(StatusCode::OK, &Page::with(&visitor, ""))
}

pub(crate) async fn submit(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Posted { typed, intent }: Posted<Typed>,
) -> Response {
    let language = visitor.language;
    let mut page = Page::with(&visitor, &typed.code);
    match intent {
        Intent::Send => {}
        Intent::Translate => return render(StatusCode::OK, &page),
        Intent::Stale => {
            page.problem = Some(Problem::stale(language));
            return render(StatusCode::FORBIDDEN, &page);
        }
    }
    let (request, pin) = match (RequestCode::parse(&typed.code), typed.pin.parse()) {
        (Ok(request), Ok(pin)) => (request, pin),
        (request, pin) => {
            let [code_field, pin_field] = &mut page.fields;
            code_field.error = request.err().map(|error| code_error(language, error));
            pin_field.error = pin.err().map(|_form| language.say("wrong-pin-form"));
            page.problem = Some(Problem::with_fields(language, &page.fields));
            return render(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    let refusal = match portal.register_offline(&address, request, pin).await {
        Ok(response) => {
            let page = ResponsePage {
                f: visitor.frame(),
                lines: response.to_string().lines().map(str::to_owned).collect(),
            };
            return render(StatusCode::OK, &page);
        }
        Err(refusal) => refusal,
    };
    let (status, problem, retry_after) = match refusal {
        Refusal::Refused => {
            let text = language.say("offline-refused");
            let problem = Problem::with_text(language, text);
            (StatusCode::FORBIDDEN, problem, None)
        }
        Refusal::Full { most } => {
            let text = language.say_with("offline-full", &[("most", &most.to_string())]);
            let problem = Problem::with_text(language, text);
            (StatusCode::CONFLICT, problem, None)
        }
        other => {
            let reason = Reason::of(language, &other);
            let after = reason.retry_after;
            (reason.status, reason.problem(), after)
        }
    };
    page.problem = Some(problem);
    retry(render(status, &page), retry_after)
}

impl Page {
    fn with(visitor: &Visitor, code: &str) -> Self {
        let code_field = Field {
            kind: "code",
            most: 400,
            ..Field::text("code", Key("offline-request"), "off")
        };
        Self {
            f: visitor.form_frame(),
            fields: [code_field.with(code), Field::pin()],
            problem: None,
        }
    }
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
