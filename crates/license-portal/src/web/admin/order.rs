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
        operator::MOST,
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
    fields: [Field; 7],
    problem: Option<Problem>,
    /// The order that was just placed.
    placed: Option<i64>,
}

/// Returns a name for the next order of a page: a form that is sent twice places it once.
pub(super) fn new_key() -> Result<String, Denied> {
    Ok(hex::encode(random::<16>()?))
}

/// Returns the name for the order that is sent after a refusal: the same, since it may have been placed without an
/// answer.
pub(super) fn next_key(key: String, refusal: &Refusal) -> Result<String, Denied> {
    match refusal {
        Refusal::OtherOrder => new_key(),
        _ => Ok(key),
    }
}

/// Returns the order that was just placed, by the query of the page.
pub(super) fn placed(query: Option<&str>) -> Option<i64> {
    query?.strip_prefix("placed=")?.parse().ok()
}

impl SignedIn {
    /// Places an order with the key of its page, and returns its number.
    pub(super) async fn order(&self, lines: Vec<OrderLine>, key: &str) -> Result<i64, Refusal> {
        let order = Order {
            lines,
            sold_by: Some(self.name().to_owned()),
            key: Some(key.to_owned()),
        };
        Ok(self.portal().issue(&order).await?.order)
    }
}

/// Says why the portal refused an order.
pub(super) fn refused(language: Language, refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::OtherOrder => wrong(language, language.say("operator-other-order")),
        other => Outcome::of(language, other),
    }
}

/// Says that an order is wrong.
pub(super) fn wrong(language: Language, text: String) -> Outcome {
    Outcome::check(language, StatusCode::UNPROCESSABLE_ENTITY, text)
}

/// Returns the page that says which order was placed.
pub(super) fn done(path: &str, order: i64) -> Response {
    redirect(&format!("{path}?placed={order}"))
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
    let placed = placed(query);
    let show = |f, fields, problem| Page {
        f,
        desk: signed_in.desk(),
        fields,
        problem,
        placed,
    };
    let fields = fields(signed_in, new_key()?);
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
    let mut fields = fields(signed_in, typed.key.clone());
    let [email, count, mails, seats, holder, company, _] = &mut fields;
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
            None => Some(wrong(language, String::new())),
            Some(line) => match signed_in.order(vec![line], &typed.key).await {
                Ok(order) => {
                    let mut response = done(PATH, order);
                    signed_in.visitor.forget(&mut response);
                    return Ok(response);
                }
                Err(Refusal::NoUtf8) => {
                    let [email, ..] = &mut fields;
                    email.error = Some(language.say("wrong-no-smtputf8"));
                    Some(wrong(language, String::new()))
                }
                Err(refusal) => {
                    let [.., key] = &mut fields;
                    key.value = next_key(typed.key, &refusal)?;
                    Some(refused(language, &refusal))
                }
            },
        },
    };
    Ok(Kept::new(PATH, &fields, outcome).redirect(&signed_in.visitor))
}

/// Reads what was typed; `None`: fields say what is wrong.
fn line(fields: &mut [Field; 7], mails: Language, language: Language) -> Option<OrderLine> {
    let [email, count, _, seats, holder, company, _] = fields;
    let mut is_right = true;
    let mut wrong = |field: &mut Field, key| {
        field.error = Some(language.say_with(key, &[("most", &MOST.to_string())]));
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

fn fields(signed_in: &SignedIn, key: String) -> [Field; 7] {
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
        Field {
            kind: "hidden",
            ..Field::text("key", Key("operator-order"), "off").with(key)
        },
    ]
}

const PATH: &str = "/operator/order";
