//! *License activation*: email address, license number, PIN.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::StatusCode, response::Response};
use license_token::{LicenseNumber, NumberError};
use serde::Deserialize;

use super::{
    Reason,
    field::{Field, Problem},
    retry,
};
use crate::{
    email::EmailAddress,
    language::Key,
    portal::{Portal, Refusal},
    web::{
        client::ClientAddress,
        form::{HasToken, Intent, Posted, TypedPin},
        frame::{Frame, Visitor, redirect, render},
    },
};

#[derive(Template)]
#[template(path = "activate.html")]
struct Page {
    f: Frame,
    fields: Vec<Field>,
    problem: Option<Problem>,
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
    let page = Page {
        f: visitor.form_frame(),
        fields: fields("", "").into(),
        problem: None,
    };
    render(StatusCode::OK, &page)
}

pub(crate) async fn submit(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Posted { typed, intent }: Posted<Typed>,
) -> Response {
    let language = visitor.language;
    let [email_field, license_field, pin_field] = fields(&typed.email, &typed.license);
    let show = |status, fields: [Field; 3], problem| {
        let page = Page {
            f: visitor.form_frame(),
            fields: fields.into(),
            problem,
        };
        render(status, &page)
    };
    match intent {
        Intent::Send => {}
        Intent::Translate => {
            return show(
                StatusCode::OK,
                [email_field, license_field, pin_field],
                None,
            );
        }
        Intent::Stale => {
            let fields = [email_field, license_field, pin_field];
            return show(
                StatusCode::FORBIDDEN,
                fields,
                Some(Problem::stale(language)),
            );
        }
    }
    let email = EmailAddress::parse(&typed.email);
    let number = LicenseNumber::parse(&typed.license);
    match (email, number, typed.pin.parse()) {
        (Ok(email), Ok(number), Ok(pin)) => {
            let (status, problem, retry_after) =
                match portal.activate(&address, &email, number, pin).await {
                    Ok(ticket) => return redirect(&format!("/verification/{ticket}")),
                    Err(Refusal::Refused) => {
                        let text = language.say("activation-refused");
                        let problem = Problem::with_text(language, text);
                        (StatusCode::FORBIDDEN, problem, None)
                    }
                    Err(other) => {
                        let reason = Reason::of(language, &other);
                        let after = reason.retry_after;
                        (reason.status, reason.problem(), after)
                    }
                };
            let fields = [email_field, license_field, pin_field];
            retry(show(status, fields, Some(problem)), retry_after)
        }
        (email, number, pin) => {
            let fields = [
                email_field.wrong(language, email.is_err().then_some(Key("wrong-email"))),
                license_field.wrong(language, number.err().map(number_error)),
                pin_field.wrong(language, pin.is_err().then_some(Key("wrong-pin-form"))),
            ];
            let problem = Problem::with_fields(language, &fields);
            show(StatusCode::UNPROCESSABLE_ENTITY, fields, Some(problem))
        }
    }
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
