//! *License activation*: email address, license number, PIN.

use std::{ops::ControlFlow, sync::Arc};

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use license_token::{LicenseNumber, NumberError};
use serde::Deserialize;

use super::{
    field::{Field, Problem},
    kept::{Form, Kept, Outcome},
};
use crate::{
    email::EmailAddress,
    language::Key,
    portal::{Portal, Refusal},
    web::{
        client::ClientAddress,
        form::{HasToken, Posted, TypedSecret},
        frame::{Frame, Visitor, redirect},
    },
};

#[derive(Template)]
#[template(path = "activate.html")]
struct Page {
    f: Frame,
    fields: [Field; 3],
    problem: Option<Problem>,
}

#[derive(Deserialize)]
pub(crate) struct Typed {
    token: String,
    email: String,
    license: String,
    pin: TypedSecret,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) async fn show(visitor: Visitor) -> Response {
    FORM.show(&visitor, fields("", ""))
}

pub(crate) async fn submit(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Posted { typed, intent }: Posted<Typed>,
) -> Response {
    let language = visitor.language;
    let fields = fields(&typed.email, &typed.license);
    let mut fields = match FORM.take(&visitor, intent, fields) {
        ControlFlow::Continue(fields) => fields,
        ControlFlow::Break(answer) => return answer,
    };
    let email = EmailAddress::parse(&typed.email);
    let number = LicenseNumber::parse(&typed.license);
    let outcome = match (email, number, typed.pin.pin()) {
        (Ok(email), Ok(number), Ok(pin)) => {
            match portal.activate(&address, &email, number, pin).await {
                Ok(ticket) => {
                    let mut response = redirect(&format!("/verification/{ticket}"));
                    // For the browser's back button.
                    visitor.keep(&mut response, Kept::new(FORM.path, &fields, None));
                    return response;
                }
                Err(Refusal::Refused) => {
                    let text = language.say("activation-refused");
                    Outcome::check(language, StatusCode::FORBIDDEN, text)
                }
                Err(other) => Outcome::of(language, &other),
            }
        }
        (email, number, pin) => {
            let errors = [
                email.err().map(|_form| Key("wrong-email")),
                number.err().map(number_error),
                pin.err().map(|_form| Key("wrong-pin-form")),
            ];
            for (field, error) in fields.iter_mut().zip(errors) {
                field.error = error.map(|error| language.say(error.0));
            }
            Outcome::check(language, StatusCode::UNPROCESSABLE_ENTITY, String::new())
        }
    };
    FORM.again(&visitor, &fields, Some(outcome))
}

/// Returns what is wrong with a typed license number. The number alone shows it.
fn number_error(error: NumberError) -> Key {
    match error {
        NumberError::Slip => Key("wrong-license-slip"),
        NumberError::Malformed => Key("wrong-license-form"),
    }
}

fn fields(email: &str, license: &str) -> [Field; 3] {
    [
        Field::email("email", Key("email-address")).with(email),
        Field::license().with(license),
        Field::pin(),
    ]
}

const FORM: Form<3, Page> = Form {
    path: "/",
    page: |f, fields, problem| Page { f, fields, problem },
};
