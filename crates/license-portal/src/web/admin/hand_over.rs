//! Another email address for a license: a correction, or a transfer to somebody else.

use axum::{extract::Path, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{Denied, SignedIn};
use crate::{
    email::EmailAddress,
    language::Key,
    model::Scope,
    portal::Refusal,
    web::{
        form::{HasToken, Intent, Posted},
        frame::redirect,
        pages::{
            field::Field,
            kept::{Kept, Outcome},
        },
    },
};

#[derive(Deserialize)]
pub(super) struct Typed {
    token: String,
    /// The version of the license that the operator saw.
    seen: String,
    #[serde(alias = "correct", alias = "transfer")]
    email: String,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(super) async fn correct(
    signed_in: SignedIn,
    Path(number): Path<String>,
    posted: Posted<Typed>,
) -> Response {
    signed_in.answer(hand_over(&signed_in, &number, posted, false).await)
}

pub(super) async fn transfer(
    signed_in: SignedIn,
    Path(number): Path<String>,
    posted: Posted<Typed>,
) -> Response {
    signed_in.answer(hand_over(&signed_in, &number, posted, true).await)
}

async fn hand_over(
    signed_in: &SignedIn,
    number: &str,
    Posted { typed, intent }: Posted<Typed>,
    is_transfer: bool,
) -> Result<Response, Denied> {
    signed_in.need(Scope::Issue)?;
    let (number, report) = signed_in.license(number).await?;
    let (language, path) = (signed_in.language(), path(&report.license));
    let mut fields = fields("");
    let [correct, transfer] = &mut fields;
    let field = if is_transfer { transfer } else { correct };
    field.value.clone_from(&typed.email);
    let wrong = |field: &mut Field, key| {
        field.error = Some(language.say(key));
        Outcome::check(language, StatusCode::UNPROCESSABLE_ENTITY, String::new())
    };
    let outcome = match EmailAddress::parse(&typed.email) {
        _ if intent != Intent::Send => {
            let text = language.say("form-expired-text");
            Outcome::check(language, StatusCode::FORBIDDEN, text)
        }
        Err(_form) => wrong(field, "wrong-email"),
        Ok(email) if email.as_str() == report.email => wrong(field, "operator-same-email"),
        Ok(email) => {
            let portal = signed_in.portal();
            match portal
                .hand_over(
                    number,
                    &typed.seen,
                    &email,
                    is_transfer,
                    Some(signed_in.name()),
                )
                .await
            {
                Ok(()) => {
                    let done = if is_transfer {
                        "transferred"
                    } else {
                        "corrected"
                    };
                    let mut response = redirect(&format!("{path}?{done}"));
                    signed_in.visitor.forget(&mut response);
                    return Ok(response);
                }
                Err(Refusal::NoUtf8) => wrong(field, "operator-no-utf8"),
                Err(other) => Outcome::of(language, &other),
            }
        }
    };
    Ok(Kept::new(&path, &fields, Some(outcome)).redirect(&signed_in.visitor))
}

/// Returns the fields of both forms, on one page.
pub(super) fn fields(email: &str) -> [Field; 2] {
    ["correct", "transfer"].map(|name| {
        let label = Key("operator-new-email");
        let field = Field::email(name, label).with(email);
        Field {
            autocomplete: "off",
            ..field
        }
    })
}

/// Returns the path of a license.
pub(super) fn path(number: &str) -> String {
    format!("/operator/licenses/{number}")
}

/// Title and text of each form.
pub(super) const TEXTS: [[Key; 2]; 2] = [
    [Key("operator-correct"), Key("operator-correct-text")],
    [Key("operator-transfer"), Key("operator-transfer-text")],
];
