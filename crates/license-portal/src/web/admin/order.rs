//! *New order*: licenses for one buyer, in one mail.

use askama::Template;
use axum::{extract::RawQuery, http::StatusCode, response::Response};
use serde::Deserialize;

use super::{Denied, Desk, SignedIn};
use crate::{
    email::EmailAddress,
    keys::random,
    language::{Key, Language},
    model::Scope,
    portal::Refusal,
    service::{Order, OrderLine, SEATS, is_order_key},
    web::{
        form::{HasToken, Intent, Posted},
        frame::{Frame, redirect},
        pages::{
            field::{Field, Problem},
            kept::{Kept, Outcome},
        },
    },
};

#[derive(Template)]
#[template(path = "admin/order.html")]
struct Page {
    f: Frame,
    desk: Desk,
    fields: [Field; 6],
    problem: Option<Problem>,
    /// Names the order: a form that is sent twice places it once.
    key: String,
    /// The order that was just placed.
    placed: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct Typed {
    token: String,
    key: String,
    email: String,
    count: String,
    language: Language,
    seats: String,
    holder: String,
    company: String,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(super) async fn show(signed_in: SignedIn, RawQuery(query): RawQuery) -> Response {
    signed_in.answer(page(&signed_in, query.as_deref()))
}

fn page(signed_in: &SignedIn, query: Option<&str>) -> Result<Response, Denied> {
    signed_in.need(Scope::Issue)?;
    let key = hex::encode(random::<16>()?);
    let placed = query.and_then(|query| query.strip_prefix("placed=")?.parse().ok());
    let show = |f, fields, problem| Page {
        f,
        desk: signed_in.desk(),
        fields,
        problem,
        key,
        placed,
    };
    let fields = fields(signed_in);
    Ok(Kept::show(&signed_in.visitor, PATH, fields, show))
}

pub(super) async fn place(signed_in: SignedIn, posted: Posted<Typed>) -> Response {
    signed_in.answer(take(&signed_in, posted).await)
}

async fn take(
    signed_in: &SignedIn,
    Posted { typed, intent }: Posted<Typed>,
) -> Result<Response, Denied> {
    signed_in.need(Scope::Issue)?;
    if !is_order_key(&typed.key) {
        return Err(Denied::Malformed);
    }
    let language = signed_in.language();
    let mut fields = fields(signed_in);
    let [email, count, mails, seats, holder, company] = &mut fields;
    email.value.clone_from(&typed.email);
    count.value.clone_from(&typed.count);
    typed.language.as_str().clone_into(&mut mails.value);
    seats.value.clone_from(&typed.seats);
    holder.value.clone_from(&typed.holder);
    company.value.clone_from(&typed.company);
    let outcome = match intent {
        Intent::Translate => None,
        Intent::Stale => {
            let text = language.say("form-expired-text");
            Some(Outcome::check(language, StatusCode::FORBIDDEN, text))
        }
        Intent::Send => match line(&mut fields, typed.language, language) {
            None => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Some(Outcome::check(language, status, String::new()))
            }
            Some(line) => {
                let order = Order {
                    lines: vec![line],
                    sold_by: Some(signed_in.name().to_owned()),
                    key: Some(typed.key),
                };
                match signed_in.portal().issue(&order).await {
                    Ok(placed) => {
                        let mut response = redirect(&format!("{PATH}?placed={}", placed.order));
                        signed_in.visitor.forget(&mut response);
                        return Ok(response);
                    }
                    Err(refusal) => Some(refused(&mut fields, language, &refusal)),
                }
            }
        },
    };
    Ok(Kept::new(PATH, &fields, outcome).redirect(&signed_in.visitor))
}

/// Reads what was typed; `None`: fields say what is wrong.
fn line(fields: &mut [Field; 6], mails: Language, language: Language) -> Option<OrderLine> {
    let [email, count, _, seats, holder, company] = fields;
    let mut is_right = true;
    let mut wrong = |field: &mut Field, key| {
        field.error = Some(language.say(key));
        is_right = false;
    };
    let address = EmailAddress::parse(&email.value);
    if address.is_err() {
        wrong(email, "wrong-email");
    }
    let number = count.value.trim().parse().unwrap_or_default();
    if !(1..=MOST).contains(&number) {
        wrong(count, "wrong-count");
    }
    let places = match seats.value.trim() {
        "" => None,
        text => Some(text.parse().unwrap_or_default()),
    };
    if places.is_some_and(|places| !SEATS.contains(&places)) {
        wrong(seats, "wrong-seats");
    }
    let names = [holder.value.trim(), company.value.trim()].map(str::to_owned);
    let [name, firm] = names;
    if name.is_empty() && !firm.is_empty() {
        wrong(holder, "wrong-no-holder");
    }
    if license_token::Holder::new(&name, &firm).is_err() {
        wrong(holder, "wrong-text");
    }
    let address = address.ok().filter(|_| is_right)?;
    Some(OrderLine {
        email: address.to_string(),
        count: number,
        is_activated: !name.is_empty(),
        holder: (!name.is_empty()).then_some((name, firm)),
        language: mails,
        seats: places,
    })
}

/// Says why the portal refused the order.
fn refused(fields: &mut [Field; 6], language: Language, refusal: &Refusal) -> Outcome {
    let [email, ..] = fields;
    let text = match refusal {
        Refusal::NoUtf8 => {
            email.error = Some(language.say("operator-no-utf8"));
            String::new()
        }
        Refusal::OtherOrder => language.say("operator-other-order"),
        other => return Outcome::of(language, other),
    };
    Outcome::check(language, StatusCode::UNPROCESSABLE_ENTITY, text)
}

fn fields(signed_in: &SignedIn) -> [Field; 6] {
    let number = |name, label| Field {
        keyboard: "numeric",
        most: 5,
        ..Field::text(name, Key(label), "off")
    };
    let name = |name, label, optional| Field {
        optional: Some(Key(optional)),
        ..Field::text(name, Key(label), "off")
    };
    [
        Field {
            autocomplete: "off",
            ..Field::email("email", Key("operator-buyer"))
        },
        number("count", "operator-count").with("1"),
        Field {
            kind: "language",
            ..Field::text("language", Key("operator-mail-language"), "off")
        }
        .with(signed_in.language().as_str()),
        Field {
            optional: Some(Key("optional-seats")),
            ..number("seats", "operator-seats")
        },
        name("holder", "fact-holder", "optional-holder"),
        name("company", "company-name", "optional"),
    ]
}

const PATH: &str = "/operator/order";

/// The most licenses of one order.
pub(super) const MOST: u32 = 100;
