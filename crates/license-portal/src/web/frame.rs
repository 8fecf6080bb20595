//! The visitor of a page: the language, and the cookie that forms are tied to.

use std::{borrow::Cow, sync::Arc};

use askama::Template;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{Html, IntoResponse as _, Redirect, Response},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    keys::{Typed, random},
    language::Language,
    portal::Portal,
    web::{assets, pages::kept::Kept},
};

/// The visitor of a page.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// The portal.
    pub(crate) portal: Arc<Portal>,
    /// The language to show.
    pub(crate) language: Language,
    /// Whether the visitor has just chosen the language, with a form on the page.
    pub(crate) has_chosen: bool,
    cookie: Arc<str>,
    /// The cookie with what to show in a form, if there is one.
    kept: Option<Arc<str>>,
    path: Arc<str>,
}

impl FromRequestParts<Arc<Portal>> for Visitor {
    type Rejection = StatusCode;

    async fn from_request_parts(
        parts: &mut Parts,
        _portal: &Arc<Portal>,
    ) -> Result<Self, StatusCode> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What every template needs.
pub(crate) struct Frame {
    pub(crate) language: Language,
    pub(crate) path: Arc<str>,
    pub(crate) form_token: String,
    /// Whether the page has a form to fill in: then the links to other languages are its buttons, to keep what was
    /// typed.
    pub(crate) has_form: bool,
    portal: Arc<Portal>,
}

impl Visitor {
    /// Returns what every template needs.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            language: self.language,
            path: Arc::clone(&self.path),
            form_token: self.portal.keys.form_token(&self.cookie),
            has_form: false,
            portal: Arc::clone(&self.portal),
        }
    }

    /// Returns what the template of a page with a form to fill in needs. The form must have the ID `form`.
    pub(crate) fn form_frame(&self) -> Frame {
        Frame {
            has_form: true,
            ..self.frame()
        }
    }

    /// Returns what this browser keeps of a form.
    pub(crate) fn kept(&self) -> Option<Kept> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(self.kept.as_deref()?).ok()?;
        let browser = Typed::Browser(&self.cookie);
        let text = self.portal.keys.open_typed(browser, &sealed).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Makes this browser keep what to show in a form, for half an hour; without the values if they are too long.
    pub(crate) fn keep(&self, response: &mut Response, kept: Kept) {
        let value = self
            .sealed(&kept)
            .or_else(|| self.sealed(&kept.without_values()));
        if let Some(value) = value {
            self.set_kept(response, &value, 1800);
        }
    }

    /// Makes this browser forget what it keeps: others who use it later need not see it.
    pub(crate) fn forget(&self, response: &mut Response) {
        if self.kept.is_some() {
            self.set_kept(response, "", 0);
        }
    }

    /// Returns the value of the cookie, unless it is too long for one.
    fn sealed(&self, kept: &Kept) -> Option<String> {
        let text = serde_json::to_string(kept).ok()?;
        let browser = Typed::Browser(&self.cookie);
        let sealed = self.portal.keys.seal_typed(browser, &text).ok()?;
        Some(BASE64_URL_SAFE_NO_PAD.encode(sealed)).filter(|value| value.len() <= COOKIE)
    }

    fn set_kept(&self, response: &mut Response, value: &str, seconds: u32) {
        let (name, secure) = (cookie_name(&self.portal, KEPT), secure(&self.portal));
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        add_cookie(response, &cookie);
    }

    /// Gives this browser another cookie for its forms: the tokens of forms before no longer count.
    pub(crate) fn renew(&self, response: &mut Response) {
        // Without random bytes the old one stays, which belongs to nobody else either.
        if let Ok(bytes) = random::<16>() {
            let value = BASE64_URL_SAFE_NO_PAD.encode(bytes);
            add_cookie(response, &form_cookie(&self.portal, &value));
        }
    }

    /// Returns the same visitor at another address: the one that the page can be reloaded from.
    pub(crate) fn at(&self, path: &str) -> Self {
        Self {
            path: local(path).into(),
            ..self.clone()
        }
    }

    /// Returns whether a form token belongs to this visitor's cookie.
    pub(crate) fn is_form_token(&self, token: &str) -> bool {
        self.portal.keys.is_form_token(&self.cookie, token)
    }
}

impl Frame {
    /// Returns the text of a key.
    pub(crate) fn t(&self, key: &str) -> String {
        self.language.say(key)
    }

    /// Returns the text of a key, with one value inserted.
    pub(crate) fn t1(&self, key: &str, name: &str, value: &str) -> String {
        self.language.say_with(key, &[(name, value)])
    }

    /// Returns whether a link to a page leads to where the visitor is.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        &*self.path == path
    }

    /// Returns the links that the law of some places asks for: text and address.
    pub(crate) fn legal(&self) -> impl Iterator<Item = (String, &str)> {
        let settings = &self.portal.settings;
        let links = [
            ("imprint", &settings.imprint_url),
            ("privacy", &settings.privacy_url),
        ];
        let links = links.into_iter();
        links.filter_map(|(key, url)| Some((self.t(key), url.as_deref()?)))
    }

    pub(crate) fn support_email(&self) -> &str {
        &self.portal.settings.support_email
    }

    pub(crate) fn support_phone(&self) -> &str {
        &self.portal.settings.support_phone
    }

    /// Returns the phone number for a `tel:` link.
    pub(crate) fn support_dial(&self) -> String {
        self.support_phone()
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(crate) fn style(&self) -> &'static str {
        assets::style_path()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(crate) fn script(&self) -> &'static str {
        assets::script_path()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(crate) fn ticket_script(&self) -> &'static str {
        assets::ticket_script_path()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(crate) fn languages(&self) -> [Language; 3] {
        Language::ALL
    }
}

/// Redirects to a path on this site.
pub(crate) fn redirect(path: &str) -> Response {
    Redirect::to(&local(path)).into_response()
}

/// Returns a path that stays on this site. Browsers read `//host` and `/\host` as another one.
fn local(path: &str) -> String {
    format!("/{}", path.trim_start_matches(['/', '\\']))
}

/// Renders a template.
pub(crate) fn render(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot render a page");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Determines language and cookie, and sets the cookie if there is none.
pub(super) async fn visit(
    State(portal): State<Arc<Portal>>,
    mut request: Request,
    next: Next,
) -> Response {
    let chosen = chosen(request.uri());
    let choice = chosen.map(|language| {
        format!(
            "lang={}; Path=/; Max-Age=31536000; SameSite=Lax{}",
            language.as_str(),
            secure(&portal)
        )
    });
    if let Some(cookie) = choice.as_ref().filter(|_| request.method() != Method::POST) {
        let mut response = redirect(request.uri().path());
        add_cookie(&mut response, cookie);
        return response;
    }
    let headers = request.headers();
    let accepted = || {
        let header = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        Language::accepted(header.unwrap_or_default())
    };
    let language = chosen
        .or_else(|| cookie(headers, "lang").and_then(|code| Language::parse(&code)))
        .unwrap_or_else(accepted);
    let known = cookie(headers, &cookie_name(&portal, FORM)).filter(|value| value.len() == 22);
    let is_new = known.is_none();
    let value = match known {
        Some(value) => value.into_owned(),
        None => match random::<16>() {
            Ok(bytes) => BASE64_URL_SAFE_NO_PAD.encode(bytes),
            Err(_none) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
    };
    let visitor = Visitor {
        portal: Arc::clone(&portal),
        language,
        has_chosen: chosen.is_some(),
        cookie: value.as_str().into(),
        kept: cookie(headers, &cookie_name(&portal, KEPT)).map(Into::into),
        path: local(request.uri().path()).into(),
    };
    request.extensions_mut().insert(visitor);
    let mut response = next.run(request).await;
    if let Some(cookie) = choice {
        add_cookie(&mut response, &cookie);
    }
    if is_new {
        add_cookie(&mut response, &form_cookie(&portal, &value));
    }
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(language.as_str()),
    );
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Accept-Language, Cookie"),
    );
    response
}

/// Returns the language that the visitor switches to.
fn chosen(uri: &Uri) -> Option<Language> {
    uri.query()?
        .split('&')
        .find_map(|pair| Language::parse(pair.strip_prefix("lang=")?))
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<Cow<'h, str>> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(found, _)| *found == name)
        .map(|(_, value)| Cow::Borrowed(value))
}

/// Returns the value of a cookie of ours.
pub(crate) fn named_cookie(portal: &Portal, headers: &HeaderMap, name: &str) -> Option<String> {
    cookie(headers, &cookie_name(portal, name)).map(Cow::into_owned)
}

/// Sets a cookie that the browser forgets at its end, and sends only from our own pages; an empty one is forgotten now.
pub(crate) fn set_session(portal: &Portal, response: &mut Response, name: &str, value: &str) {
    let end = if value.is_empty() { "; Max-Age=0" } else { "" };
    let (name, secure) = (cookie_name(portal, name), secure(portal));
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{end}{secure}");
    add_cookie(response, &cookie);
}

/// Returns the cookie that forms are tied to.
fn form_cookie(portal: &Portal, value: &str) -> String {
    let (name, secure) = (cookie_name(portal, FORM), secure(portal));
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}")
}

fn add_cookie(response: &mut Response, cookie: &str) {
    // Our cookies contain only characters that are valid in a header.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Returns the name of a cookie. With the prefix, no other host of the domain can set it.
fn cookie_name(portal: &Portal, name: &str) -> String {
    let prefix = if portal.is_https() { "__Host-" } else { "" };
    format!("{prefix}{name}")
}

fn secure(portal: &Portal) -> &'static str {
    if portal.is_https() { "; Secure" } else { "" }
}

/// The cookie that forms are tied to.
const FORM: &str = "form";

/// The cookie with what to show in a form.
const KEPT: &str = "kept";

/// The most bytes of its value: nginx takes answers whose head has up to 4096 bytes, unless it is told otherwise, and
/// our other headers have about 1000.
const COOKIE: usize = 2800;
