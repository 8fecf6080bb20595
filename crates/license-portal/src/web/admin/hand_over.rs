//! What a license has instead: a corrected email address, another holder, or another number of computers.

use axum::{extract::Path, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{Denied, SignedIn};
use crate::{
    email::EmailAddress,
    language::{Key, Language},
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
    let [correct, transfer, _] = &mut fields;
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

#[derive(Deserialize)]
pub(super) struct Places {
    token: String,
    /// The version of the license that the operator saw.
    seen: String,
    seats: String,
}

impl HasToken for Places {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(super) async fn reseat(
    signed_in: SignedIn,
    Path(number): Path<String>,
    posted: Posted<Places>,
) -> Response {
    signed_in.answer(change_seats(&signed_in, &number, posted).await)
}

async fn change_seats(
    signed_in: &SignedIn,
    number: &str,
    Posted { typed, intent }: Posted<Places>,
) -> Result<Response, Denied> {
    signed_in.need(Scope::Issue)?;
    let (number, report) = signed_in.license(number).await?;
    let (language, path) = (signed_in.language(), path(&report.license));
    let mut fields = fields("");
    let [_, _, field] = &mut fields;
    field.value.clone_from(&typed.seats);
    let seats = match typed.seats.trim() {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    };
    let outcome = match seats {
        _ if intent != Intent::Send => {
            let text = language.say("form-expired-text");
            Outcome::check(language, StatusCode::FORBIDDEN, text)
        }
        None => wrong_seats(language, field),
        Some(seats) => {
            let (portal, by) = (signed_in.portal(), Some(signed_in.name()));
            match portal.reseat(number, Some(&typed.seen), seats, by).await {
                Ok(()) => {
                    let mut response = redirect(&format!("{path}?reseated"));
                    signed_in.visitor.forget(&mut response);
                    return Ok(response);
                }
                Err(Refusal::Seats) => wrong_seats(language, field),
                Err(other) => Outcome::of(language, &other),
            }
        }
    };
    Ok(Kept::new(&path, &fields, Some(outcome)).redirect(&signed_in.visitor))
}

fn wrong_seats(language: Language, field: &mut Field) -> Outcome {
    field.error = Some(language.say("wrong-seats"));
    Outcome::check(language, StatusCode::UNPROCESSABLE_ENTITY, String::new())
}

/// Returns the fields of all forms, on one page.
pub(super) fn fields(email: &str) -> [Field; 3] {
    let [correct, transfer] = ["correct", "transfer"].map(|name| {
        let label = Key("operator-new-email");
        let field = Field::email(name, label).with(email);
        Field {
            autocomplete: "off",
            ..field
        }
    });
    let seats = Field {
        keyboard: "numeric",
        most: 5,
        optional: Some(Key("optional-seats")),
        ..Field::text("seats", Key("operator-seats"), "off")
    };
    [correct, transfer, seats]
}

/// Returns the path of a license.
pub(super) fn path(number: &str) -> String {
    format!("/operator/licenses/{number}")
}

/// Title and text of each form.
pub(super) const TEXTS: [[Key; 2]; 3] = [
    [Key("operator-correct"), Key("operator-correct-text")],
    [Key("operator-transfer"), Key("operator-transfer-text")],
    [Key("operator-reseat"), Key("operator-reseat-text")],
];
