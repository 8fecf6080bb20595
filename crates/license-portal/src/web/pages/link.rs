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

use super::{Message, clean, explain, field::Field, say, verify::Button};
use crate::{
    email::EmailAddress,
    language::Key,
    mail::letter,
    model::{Holder, License},
    portal::{Portal, Refusal},
    service::LinkPage,
    web::{
        form::{HasToken, Posted},
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
}

#[derive(Template)]
#[template(path = "complete.html")]
struct FormPage {
    f: Frame,
    license: String,
    fields: Vec<Field>,
    country: String,
    country_error: Option<Key>,
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
    company: String,
    company_email: String,
    phone: String,
    address: String,
    city: String,
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
        Ok(LinkPage::Form(license)) => {
            let fields = fields(&Holder::default());
            form(
                &visitor,
                StatusCode::OK,
                &license,
                fields,
                String::new(),
                None,
            )
        }
        Ok(LinkPage::Done(license)) => success(&visitor, license),
        Ok(LinkPage::Lapsed) => render(StatusCode::GONE, &LapsedPage { f: visitor.frame() }),
        Ok(LinkPage::Unknown) => say(&visitor, StatusCode::GONE, Message::LINK_VOID),
        Err(refusal) => explain(&visitor, &refusal),
    }
}

pub(crate) async fn open(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(secret): Path<String>,
    Posted(_button): Posted<Button>,
) -> Response {
    match portal.open_link(&secret).await {
        Ok(()) => redirect(&format!("/activation/{}", clean(&secret))),
        Err(refusal) => explain(&visitor, &refusal),
    }
}

pub(crate) async fn renew(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(secret): Path<String>,
    Posted(_button): Posted<Button>,
) -> Response {
    match portal.renew_link(&secret).await {
        Ok(ticket) => redirect(&format!("/verification/{ticket}")),
        Err(refusal) => explain(&visitor, &refusal),
    }
}

pub(crate) async fn complete(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    Path(secret): Path<String>,
    Posted(typed): Posted<Typed>,
) -> Response {
    let holder = holder(typed);
    let fields = check(fields(&holder));
    let is_country = visitor
        .language
        .countries()
        .any(|(code, _)| code == holder.country);
    let outcome = if is_country && fields.iter().all(|field| field.error.is_none()) {
        portal.complete(&secret, &holder).await
    } else {
        match portal.link_page(&secret).await {
            Ok(LinkPage::Form(license)) => {
                let error = (!is_country).then_some(Key("wrong-country"));
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                return form(&visitor, status, &license, fields, holder.country, error);
            }
            // Done, expired or replaced: the page that follows says so.
            Ok(_) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    };
    match outcome {
        Ok(()) | Err(Refusal::Refused) => redirect(&format!("/activation/{}", clean(&secret))),
        Err(refusal) => explain(&visitor, &refusal),
    }
}

/// Renders *Activation successful* with the data to register with. The PIN is masked: the portal has only its hash.
pub(super) fn success(visitor: &Visitor, license: License) -> Response {
    let page = SuccessPage {
        f: visitor.frame(),
        email: license.email,
        license: license.number.to_string(),
    };
    render(StatusCode::OK, &page)
}

fn form(
    visitor: &Visitor,
    status: StatusCode,
    license: &License,
    fields: Vec<Field>,
    country: String,
    country_error: Option<Key>,
) -> Response {
    let page = FormPage {
        f: visitor.frame(),
        license: license.number.to_string(),
        fields,
        country,
        country_error,
    };
    render(status, &page)
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

fn fields(holder: &Holder) -> Vec<Field> {
    let phone = Field {
        kind: "tel",
        keyboard: "tel",
        most: 40,
        ..Field::text("phone", Key("phone-number"), "tel")
    };
    let postcode = Field {
        most: 20,
        ..Field::text("postcode", Key("postcode"), "postal-code")
    };
    vec![
        Field::text("first_name", Key("first-name"), "given-name").with(&holder.first_name, None),
        Field::text("last_name", Key("last-name"), "family-name").with(&holder.last_name, None),
        Field::text("company", Key("company-name"), "organization").with(&holder.company, None),
        Field::email("company_email", Key("company-email")).with(&holder.company_email, None),
        phone.with(&holder.phone, None),
        Field::text("address", Key("address-line"), "street-address").with(&holder.address, None),
        Field::text("city", Key("city"), "address-level2").with(&holder.city, None),
        postcode.with(&holder.postcode, None),
    ]
}

/// Sets what is wrong with each field.
fn check(fields: Vec<Field>) -> Vec<Field> {
    let checked = fields.into_iter().map(|field| {
        let text = field.value.as_str();
        let error = if text.is_empty() {
            Some(Key("wrong-empty"))
        } else if text.chars().count() > field.most || text.chars().any(char::is_control) {
            Some(Key("wrong-text"))
        } else if field.keyboard == "email" && EmailAddress::parse(text).is_err() {
            Some(Key("wrong-email"))
        } else if field.keyboard == "tel" && !is_phone(text) {
            Some(Key("wrong-phone"))
        } else {
            None
        };
        Field { error, ..field }
    });
    checked.collect()
}

fn is_phone(text: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_digit() || " +-/().".contains(c))
        && text.chars().filter(char::is_ascii_digit).count() >= 5
}
