//! *Operator sign-in*.

use std::{ops::ControlFlow, sync::Arc};

use askama::Template;
use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;

use super::SESSION;
use crate::{
    language::Key,
    portal::{Portal, Refusal},
    web::{
        client::ClientAddress,
        form::{HasToken, Posted, Pressed, TypedSecret},
        frame::{self, Frame, Visitor, redirect},
        pages::{
            explain,
            field::{Field, Problem},
            kept::{Form, Outcome},
        },
    },
};

#[derive(Template)]
#[template(path = "admin/sign-in.html")]
struct Page {
    f: Frame,
    fields: [Field; 1],
    problem: Option<Problem>,
}

#[derive(Deserialize)]
pub(super) struct Typed {
    token: String,
    key: TypedSecret,
}

impl HasToken for Typed {
    fn token(&self) -> &str {
        &self.token
    }
}

pub(super) async fn show(visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    if query.as_deref() == Some(ENDED) {
        let text = visitor.language.say("operator-ended");
        let outcome = Outcome::check(visitor.language, StatusCode::UNAUTHORIZED, text);
        return FORM.again(&visitor, &[Field::operator_key()], Some(outcome));
    }
    FORM.show(&visitor, [Field::operator_key()])
}

pub(super) async fn submit(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    ClientAddress(address): ClientAddress,
    Posted { typed, intent }: Posted<Typed>,
) -> Response {
    let language = visitor.language;
    let mut fields = match FORM.take(&visitor, intent, [Field::operator_key()]) {
        ControlFlow::Continue(fields) => fields,
        ControlFlow::Break(answer) => return answer,
    };
    let outcome = match portal.sign_in(&address, typed.key.expose()).await {
        Ok(secret) => {
            let mut response = redirect("/operator");
            frame::set_session(&portal, &mut response, SESSION, secret.expose());
            // Who knew the token of the forms before must not know it now.
            visitor.renew(&mut response);
            return response;
        }
        Err(Refusal::Refused) => {
            let [field] = &mut fields;
            field.error = Some(language.say("operator-wrong-key"));
            Outcome::check(language, StatusCode::FORBIDDEN, String::new())
        }
        Err(other) => Outcome::of(language, &other),
    };
    FORM.again(&visitor, &fields, Some(outcome))
}

pub(super) async fn leave(
    State(portal): State<Arc<Portal>>,
    visitor: Visitor,
    headers: HeaderMap,
    Pressed: Pressed,
) -> Response {
    if let Some(secret) = frame::named_cookie(&portal, &headers, SESSION)
        && let Err(refusal) = portal.sign_out(&secret).await
    {
        return explain(&visitor, &refusal);
    }
    let mut response = redirect(PATH);
    frame::set_session(&portal, &mut response, SESSION, "");
    response
}

impl Field {
    fn operator_key() -> Self {
        Self {
            kind: "password",
            most: 64,
            ..Self::text("key", Key("operator-key"), "off")
        }
    }
}

const FORM: Form<1, Page> = Form {
    path: PATH,
    page: |f, fields, problem| Page { f, fields, problem },
};

pub(super) const PATH: &str = "/operator/sign-in";

/// The query of the page that says that one is no longer signed in.
pub(super) const ENDED: &str = "ended";
