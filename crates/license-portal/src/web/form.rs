//! Forms that our own pages sent.

use std::{ops::ControlFlow, sync::Arc};

use axum::{
    Form,
    extract::{FromRequest, FromRequestParts as _, Request},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use license_token::{Pin, PinError};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    portal::Portal,
    web::{
        frame::Visitor,
        pages::{Message, say},
    },
};

/// A form that contains the token of our page.
pub(crate) trait HasToken: DeserializeOwned {
    /// Returns the token.
    fn token(&self) -> &str;
}

/// A form that a browser sent from our site.
pub(crate) struct Posted<T> {
    /// What was typed.
    pub(crate) typed: T,
    /// What to do with it.
    pub(crate) intent: Intent,
}

/// What to do with a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// Its button was pressed.
    Send,
    /// Another language was chosen: show the page again with what was typed, and do nothing.
    Translate,
    /// The page was not sent to this browser, or the browser has lost its cookie: show the page again, with what was
    /// typed, to be sent again.
    Stale,
}

/// A form that has only a button, pressed on a page that this browser received.
pub(crate) struct Pressed;

#[derive(Deserialize)]
struct Button {
    token: String,
}

impl HasToken for Button {
    fn token(&self) -> &str {
        &self.token
    }
}

impl FromRequest<Arc<Portal>> for Pressed {
    type Rejection = Response;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, portal)
            .await
            .map_err(IntoResponse::into_response)?;
        let request = Request::from_parts(parts, body);
        let Posted { intent, .. } = Posted::<Button>::from_request(request, portal).await?;
        match intent.pressed(&visitor) {
            ControlFlow::Continue(()) => Ok(Self),
            ControlFlow::Break(page) => Err(page),
        }
    }
}

impl Intent {
    /// `Break` with a page: a form into which nothing is typed, so that another language loses nothing, is not to be
    /// sent.
    pub(crate) fn pressed(self, visitor: &Visitor) -> ControlFlow<Response> {
        match self {
            Self::Send | Self::Translate => ControlFlow::Continue(()),
            Self::Stale => {
                let status = StatusCode::FORBIDDEN;
                ControlFlow::Break(say(visitor, status, Message::FORM_EXPIRED))
            }
        }
    }
}

impl<T: HasToken> FromRequest<Arc<Portal>> for Posted<T> {
    type Rejection = Response;

    async fn from_request(request: Request, portal: &Arc<Portal>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::from_request_parts(&mut parts, portal)
            .await
            .map_err(IntoResponse::into_response)?;
        if !is_same_site(&parts.headers, &portal.settings.public_url) {
            return Err(say(&visitor, StatusCode::FORBIDDEN, Message::FORM_EXPIRED));
        }
        match Form::<T>::from_request(Request::from_parts(parts, body), portal).await {
            Ok(Form(typed)) => {
                let intent = if !visitor.is_form_token(typed.token()) {
                    Intent::Stale
                } else if visitor.has_chosen {
                    Intent::Translate
                } else {
                    Intent::Send
                };
                Ok(Self { typed, intent })
            }
            Err(rejection) => Err(say(
                &visitor,
                rejection.into_response().status(),
                Message::FORM_MALFORMED,
            )),
        }
    }
}

/// A typed PIN or key: zeroized when dropped, and never shown again.
pub(crate) struct TypedSecret(Zeroizing<String>);

impl<'de> Deserialize<'de> for TypedSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl TypedSecret {
    /// Returns it without spaces around it.
    pub(crate) fn expose(&self) -> &str {
        self.0.trim()
    }

    /// Reads 8 digits.
    pub(crate) fn pin(&self) -> Result<Pin, PinError> {
        Pin::parse(self.expose())
    }
}

/// Returns whether the browser says that the form comes from our site. A program that says nothing still needs the
/// token.
fn is_same_site(headers: &HeaderMap, public_url: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_fetched_here =
        text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let is_origin_here = text("origin").is_none_or(|origin| {
        origin == public_url
            || origin
                .split_once("://")
                .is_some_and(|(_scheme, authority)| authority == host)
    });
    is_fetched_here && is_origin_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_from_another_site_is_recognized_by_its_headers() {
        let here = |pairs: &[(&'static str, &str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            is_same_site(&headers.collect(), "https://portal.example")
        };
        assert!(here(&[]));
        assert!(here(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://portal.example")
        ]));
        assert!(here(&[
            ("host", "127.0.0.1:8480"),
            ("origin", "http://127.0.0.1:8480")
        ]));
        assert!(!here(&[("sec-fetch-site", "cross-site")]));
        assert!(!here(&[("sec-fetch-site", "same-site")]));
        assert!(!here(&[
            ("host", "portal.example"),
            ("origin", "https://evil.example")
        ]));
        assert!(!here(&[("host", "portal.example"), ("origin", "null")]));
    }
}
