//! Pages for operators and partners: who is signed in with a key finds, helps and revokes as the key's scopes permit.

mod hand_over;
mod hooks;
mod license;
mod log;
mod order;
mod search;
mod sign_in;
mod table;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use license_token::LicenseNumber;
use plain_text::shown;

use crate::{
    language::{Key, Language},
    mail::letter,
    model::{Act, Deed, LicenseState, MailState, Operator, Scope},
    portal::{Portal, Refusal},
    service::LicenseReport,
    web::{
        frame::{self, Visitor, redirect},
        pages::{Message, explain, say},
    },
};

/// Returns the routes below `/operator`.
pub(super) fn routes() -> Router<Arc<Portal>> {
    Router::new()
        .route("/", get(search::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-out", post(sign_in::leave))
        .route("/log", get(log::show))
        .route("/licenses.csv", get(table::export))
        .route("/webhooks", get(hooks::show))
        .route("/import", get(table::show).post(table::place))
        .route("/order", get(order::show).post(order::place))
        .route("/licenses/{number}", get(license::show))
        .route("/licenses/{number}/resend", post(license::resend))
        .route("/licenses/{number}/revoke", post(license::revoke))
        .route("/licenses/{number}/restore", post(license::restore))
        .route("/licenses/{number}/correct", post(hand_over::correct))
        .route("/licenses/{number}/transfer", post(hand_over::transfer))
        .route("/licenses/{number}/seats", post(hand_over::reseat))
        .route("/licenses/{number}/forget", post(license::forget))
        .route("/licenses/{number}/export", post(license::export))
        .route("/licenses/{number}/erase", post(license::erase))
}

/// An operator who is signed in.
pub(super) struct SignedIn {
    operator: Operator,
    visitor: Visitor,
}

/// What is above the pages of an operator.
struct Desk {
    name: String,
    may_read: bool,
    may_issue: bool,
    reads_all: bool,
}

impl FromRequestParts<Arc<Portal>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Arc<Portal>) -> Result<Self, Response> {
        let visitor = Visitor::from_request_parts(parts, portal)
            .await
            .map_err(StatusCode::into_response)?;
        let Some(secret) = frame::named_cookie(portal, &parts.headers, SESSION) else {
            return Err(redirect(sign_in::PATH));
        };
        match portal.signed_in(&secret).await {
            Ok(Some(operator)) => Ok(Self { operator, visitor }),
            // Its key was removed, or it has expired.
            Ok(None) => Err(redirect(&format!("{}?{}", sign_in::PATH, sign_in::ENDED))),
            Err(refusal) => Err(explain(&visitor, &refusal)),
        }
    }
}

impl SignedIn {
    fn portal(&self) -> &Portal {
        &self.visitor.portal
    }

    fn language(&self) -> Language {
        self.visitor.language
    }

    fn name(&self) -> &str {
        &self.operator.name
    }

    fn desk(&self) -> Desk {
        Desk {
            name: self.name().to_owned(),
            may_read: self.operator.reads().is_some(),
            may_issue: self.operator.may(Scope::Issue),
            reads_all: self.operator.may(Scope::ReadAll),
        }
    }

    /// Returns whose licenses the operator may read: everybody's if there is no name.
    fn reads(&self) -> Result<Option<&str>, Denied> {
        self.operator.reads().ok_or(Denied::NotPermitted)
    }

    /// Fails unless the key permits something.
    fn need(&self, scope: Scope) -> Result<(), Denied> {
        if self.operator.may(scope) {
            Ok(())
        } else {
            Err(Denied::NotPermitted)
        }
    }

    /// Reads a license that the operator may read.
    async fn license(&self, number: &str) -> Result<(LicenseNumber, LicenseReport), Denied> {
        self.reads()?;
        let number = LicenseNumber::parse(number).map_err(|_form| Refusal::Refused)?;
        let report = self.portal().show_to(&self.operator, number).await?;
        Ok((number, report))
    }

    /// Answers with a page, or says why there is none.
    fn answer(&self, outcome: Result<Response, Denied>) -> Response {
        let (status, message) = match outcome {
            Ok(page) => return page,
            Err(Denied::NotPermitted) => (StatusCode::FORBIDDEN, Message::NOT_PERMITTED),
            Err(Denied::Malformed) => (StatusCode::UNPROCESSABLE_ENTITY, Message::FORM_MALFORMED),
            Err(Denied::Refusal(Refusal::Refused)) => (StatusCode::NOT_FOUND, Message::NO_LICENSE),
            Err(Denied::Refusal(other)) => return explain(&self.visitor, &other),
        };
        say(&self.visitor, status, message)
    }

    fn acts(&self, acts: Vec<Act>) -> Vec<Entry> {
        let language = self.language();
        let entry = |act: Act| Entry {
            id: act.id,
            at: letter::time(language, act.at),
            operator: doer(language, act.operator.as_deref()),
            deed: language.say(deed(act.deed).0),
            license: act.license,
            detail: shown(&act.detail),
        };
        acts.into_iter().map(entry).collect()
    }
}

/// Returns whose key did something.
fn doer(language: Language, operator: Option<&str>) -> String {
    operator.map_or_else(|| language.say("operator-command-line"), shown)
}

/// Why an operator sees or does nothing.
#[derive(Debug)]
enum Denied {
    /// The key does not permit it.
    NotPermitted,
    /// The form has what ours never has.
    Malformed,
    /// The portal refused; [`Refusal::Refused`]: there is no such license.
    Refusal(Refusal),
}

impl<E: Into<Refusal>> From<E> for Denied {
    fn from(error: E) -> Self {
        Self::Refusal(error.into())
    }
}

/// An act as pages show it.
struct Entry {
    id: i64,
    at: String,
    operator: String,
    deed: String,
    license: Option<String>,
    detail: String,
}

/// Returns the name of an act.
fn deed(deed: Deed) -> Key {
    Key(match deed {
        Deed::SignedIn => "deed-signed-in",
        Deed::Sold => "deed-sold",
        Deed::Resent => "deed-resent",
        Deed::Revoked => "deed-revoked",
        Deed::Restored => "deed-restored",
        Deed::Corrected => "deed-corrected",
        Deed::Transferred => "deed-transferred",
        Deed::Exported => "deed-exported",
        Deed::Erased => "deed-erased",
        Deed::Unregistered => "deed-unregistered",
        Deed::Reseated => "deed-reseated",
        Deed::KeyAdded => "deed-key-added",
        Deed::KeyRemoved => "deed-key-removed",
        Deed::HookAdded => "deed-hook-added",
        Deed::HookRemoved => "deed-hook-removed",
    })
}

/// Returns the name of a state.
fn state(state: LicenseState) -> Key {
    Key(match state {
        LicenseState::Issued => "state-issued",
        LicenseState::Verifying => "state-verifying",
        LicenseState::Active => "state-active",
        LicenseState::Revoked => "state-revoked",
    })
}

/// Returns what became of a mail.
fn mail(state: MailState) -> Key {
    Key(match state {
        MailState::Waiting => "mail-waiting",
        MailState::Delivered => "mail-delivered",
        MailState::Failed => "mail-failed",
    })
}

/// The cookie of who is signed in.
const SESSION: &str = "operator";
