//! *License activation*: email address, license number, PIN.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use license_token::{LicenseNumber, NumberError};
use serde::Deserialize;

use super::{explain, field::Field};
use crate::{
    email::EmailAddress,
    language::Key,
    portal::{Portal, Refusal},
    web::{
        client::ClientAddress,
        form::{HasToken, Posted, TypedPin},
        frame::{Frame, Visitor, redirect, render},
    },
};

#[derive(Template)]
#[template(path = "activate.html")]
struct Page {
    f: Frame,
    fields: Vec<Field>,
    problem: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Typed {
    token: String,
    email: String,
    license: String,
    pin: TypedPin,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) async fn show(visitor: Visitor) -> Response {
    page(&visitor, StatusCode::OK, ("", None), ("", None), None, None)
}

pub(crate) async fn submit(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Posted(typed): Posted<Typed>,
) -> Response {
    let email = EmailAddress::parse(&typed.email);
    let number = LicenseNumber::parse(&typed.license);
    let pin = typed.pin.parse();
    match (email, number, pin) {
        (Ok(email), Ok(number), Ok(pin)) => {
            match portal.activate(&address, &email, number, pin).await {
                Ok(ticket) => redirect(&format!("/verification/{ticket}")),
                Err(Refusal::Refused) => {
                    let problem = Some(Key("activation-refused"));
                    let status = StatusCode::FORBIDDEN;
                    page(
                        &visitor,
                        status,
                        (&typed.email, None),
                        (&typed.license, None),
                        None,
                        problem,
                    )
                }
                Err(other) => explain(&visitor, &other),
            }
        }
        (email, number, pin) => {
            let email = (
                typed.email.as_str(),
                email.is_err().then_some(Key("wrong-email")),
            );
            let license = (typed.license.as_str(), number.err().map(number_error));
            let pin = pin.is_err().then_some(Key("wrong-pin-form"));
            page(
                &visitor,
                StatusCode::UNPROCESSABLE_ENTITY,
                email,
                license,
                pin,
                None,
            )
        }
    }
}

/// Returns what is wrong with a typed license number. The number alone shows it.
pub(super) fn number_error(error: NumberError) -> Key {
    match error {
        NumberError::Slip => Key("wrong-license-slip"),
        NumberError::Malformed => Key("wrong-license-form"),
    }
}

fn page(
    visitor: &Visitor,
    status: StatusCode,
    email: (&str, Option<Key>),
    license: (&str, Option<Key>),
    pin: Option<Key>,
    problem: Option<Key>,
) -> Response {
    let fields = vec![
        Field::email("email", Key("email-address")).with(email.0, email.1),
        Field::license().with(license.0, license.1),
        Field::pin().with("", pin),
    ];
    render(
        status,
        &Page {
            f: visitor.frame(),
            fields,
            problem: problem.map(|problem| visitor.language.say(problem.0)),
        },
    )
}
