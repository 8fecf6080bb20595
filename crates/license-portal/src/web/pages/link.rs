//! The mailed link: a button, then *Complete your activation*, then *Activation successful*.
//!
//! `GET` changes nothing, so a mail scanner that follows links activates nothing. Every form is answered with a
//! redirect back to the link, so that reloading the page sends nothing twice.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    Message, clean, explain,
    field::{Field, Problem},
    kept::{Kept, Outcome},
    say,
};
use crate::{
    email::EmailAddress,
    language::{Key, Language},
    mail::letter,
    model::{Holder, License},
    place::has_postcodes,
    portal::{Portal, Refusal},
    service::LinkPage,
    web::{
        client::ClientAddress,
        form::{HasToken, Intent, Posted, Pressed},
        frame::{Frame, Visitor, redirect, render},
    },
};

#[derive(Template)]
#[template(path = "link.html")]
struct ButtonPage {
    f: Frame,
    expires: String,
}

#[derive(Template)]
#[template(path = "lapsed.html")]
struct LapsedPage {
    f: Frame,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "complete.html")]
struct FormPage {
    f: Frame,
    license: String,
    fields: [Field; 9],
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "success.html")]
struct SuccessPage {
    f: Frame,
    email: String,
    license: String,
}

#[derive(Deserialize)]
pub(crate) struct Typed {
    token: String,
    first_name: String,
    last_name: String,
    #[serde(default)]
    company: String,
    #[serde(default)]
    company_email: String,
    phone: String,
    address: String,
    city: String,
    #[serde(default)]
    postcode: String,
    #[serde(default)]
    country: String,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(crate) async fn show(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(secret): Path<String>,
) -> Response {
    match portal.link_page(&secret).await {
        Ok(LinkPage::Button { expires_at }) => {
            let expires = letter::time(visitor.language, expires_at);
            render(
                StatusCode::OK,
                &ButtonPage {
                    f: visitor.frame(),
                    expires,
                },
            )
        }
        Ok(LinkPage::Form(license, typed)) => {
            let page = |f, fields, problem| FormPage::new(f, &license, fields, problem);
            Kept::show(&visitor, &path(&secret), fields(&typed), page)
        }
        Ok(LinkPage::Done(license)) => success(&visitor, license),
        Ok(LinkPage::Lapsed) => lapsed(&visitor, StatusCode::GONE, None),
        Ok(LinkPage::Unknown) => say(&visitor, StatusCode::GONE, Message::LINK_VOID),
        Err(refusal) => explain(&visitor, &refusal),
    }
}

pub(crate) async fn open(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Path(secret): Path<String>,
    Pressed: Pressed,
) -> Response {
    match portal.open_link(&address, &secret).await {
        Ok(()) => redirect(&path(&secret)),
        Err(refusal) => explain(&visitor.at(&path(&secret)), &refusal),
    }
}

pub(crate) async fn renew(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(secret): Path<String>,
    Pressed: Pressed,
) -> Response {
    let visitor = visitor.at(&path(&secret));
    match portal.renew_link(&secret).await {
        Ok(ticket) => redirect(&format!("/verification/{ticket}")),
        Err(refusal @ Refusal::SlowDown { .. }) => {
            let outcome = Outcome::of(visitor.language, &refusal);
            outcome.over(lapsed(&visitor, StatusCode::OK, Some(outcome.problem())))
        }
        Err(refusal) => explain(&visitor, &refusal),
    }
}

pub(crate) async fn complete(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(secret): Path<String>,
    Posted { typed, intent }: Posted<Typed>,
) -> Response {
    let language = visitor.language;
    let path = path(&secret);
    let holder = holder(typed);
    if intent == Intent::Stale {
        return match portal.link_page(&secret).await {
            Ok(LinkPage::Form(license, _kept)) => {
                let (f, problem) = (visitor.form_frame(), Some(Problem::stale(language)));
                let page = FormPage::new(f, &license, fields(&holder), problem);
                render(StatusCode::FORBIDDEN, &page)
            }
            Ok(_) => redirect(&path),
            Err(refusal) => explain(&visitor, &refusal),
        };
    }
    let fields = check(language, &holder);
    let is_fine = fields.iter().all(|field| field.error.is_none());
    let outcome = match intent {
        Intent::Send if is_fine => match portal.complete(&secret, &holder).await {
            Ok(()) => return redirect(&path),
            // Expired or revoked: the page that follows says so.
            Err(Refusal::Refused) => None,
            Err(other) => Some(Outcome::of(language, &other)),
        },
        Intent::Send => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Some(Outcome::check(language, status, String::new()))
        }
        Intent::Translate | Intent::Stale => None,
    };
    match (portal.keep(&secret, &holder).await, outcome) {
        (Ok(()), None) => {
            let mut answer = redirect(&path);
            visitor.forget(&mut answer);
            answer
        }
        (Ok(()), outcome) => Kept::new(&path, &fields, outcome)
            .without_values()
            .redirect(&visitor),
        // Until the database answers, the browser keeps what was typed.
        (Err(refusal), _) => {
            let outcome = Outcome::of(language, &refusal);
            Kept::new(&path, &fields, Some(outcome)).redirect(&visitor)
        }
    }
}

/// Renders *Activation successful* with the data to register with. It does not have the PIN: the portal has only its
/// hash.
pub(super) fn success(visitor: &Visitor, license: License) -> Response {
    let page = SuccessPage {
        f: visitor.frame(),
        email: license.email,
        license: license.number.to_string(),
    };
    let mut answer = render(StatusCode::OK, &page);
    visitor.forget(&mut answer);
    answer
}

impl FormPage {
    fn new(f: Frame, license: &License, fields: [Field; 9], problem: Option<Problem>) -> Self {
        Self {
            f,
            license: license.number.to_string(),
            fields,
            problem,
        }
    }
}

fn lapsed(visitor: &Visitor, status: StatusCode, problem: Option<Problem>) -> Response {
    let f = visitor.frame();
    render(status, &LapsedPage { f, problem })
}

/// Returns the path of a link.
fn path(secret: &str) -> String {
    format!("/activation/{}", clean(secret))
}

fn holder(typed: Typed) -> Holder {
    let clean = |text: String| text.trim().to_owned();
    Holder {
        first_name: clean(typed.first_name),
        last_name: clean(typed.last_name),
        company: clean(typed.company),
        company_email: EmailAddress::parse(&typed.company_email).map_or_else(
            |_form| clean(typed.company_email),
            |email| email.to_string(),
        ),
        phone: clean(typed.phone),
        address: clean(typed.address),
        city: clean(typed.city),
        postcode: clean(typed.postcode),
        country: typed.country,
    }
}

fn fields(holder: &Holder) -> [Field; 9] {
    let company = Field {
        optional: Some(Key("optional")),
        ..Field::text("company", Key("company-name"), "organization")
    };
    let company_email = Field {
        optional: Some(Key("optional-company-email")),
        ..Field::email("company_email", Key("company-email"))
    };
    let phone = Field {
        kind: "tel",
        keyboard: "tel",
        most: 40,
        ..Field::text("phone", Key("phone-number"), "tel")
    };
    let postcode = Field {
        most: 20,
        optional: Some(Key("optional-postcode")),
        ..Field::text("postcode", Key("postcode"), "postal-code")
    };
    let country = Field {
        kind: "country",
        ..Field::text("country", Key("country"), "country")
    };
    [
        Field::text("first_name", Key("first-name"), "given-name").with(&holder.first_name),
        Field::text("last_name", Key("last-name"), "family-name").with(&holder.last_name),
        company.with(&holder.company),
        company_email.with(&holder.company_email),
        phone.with(&holder.phone),
        Field::text("address", Key("address-line"), "street-address").with(&holder.address),
        Field::text("city", Key("city"), "address-level2").with(&holder.city),
        postcode.with(&holder.postcode),
        country.with(&holder.country),
    ]
}

/// Returns the fields with what is wrong with each.
fn check(language: Language, holder: &Holder) -> [Field; 9] {
    fields(holder).map(|field| {
        let text = field.value.as_str();
        let may_be_empty = match field.name {
            "company" => true,
            "company_email" => holder.company.is_empty(),
            "postcode" => !has_postcodes(&holder.country),
            _ => false,
        };
        let error = if field.kind == "country" {
            let is_known = language.countries().any(|(code, _)| code == text);
            (!is_known).then_some(Key("wrong-country"))
        } else if text.is_empty() {
            (!may_be_empty).then_some(Key("wrong-empty"))
        } else if text.chars().count() > field.most || text.chars().any(char::is_control) {
            Some(Key("wrong-text"))
        } else if field.keyboard == "email" && EmailAddress::parse(text).is_err() {
            Some(Key("wrong-email"))
        } else if field.keyboard == "tel" && !is_phone(text) {
            Some(Key("wrong-phone"))
        } else {
            None
        };
        field.wrong(language, error)
    })
}

fn is_phone(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_digit() || " +-/().".contains(c))
        && text.chars().filter(char::is_ascii_digit).count() >= 5
}
