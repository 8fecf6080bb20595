//! A browser without a screen: cookies, forms, redirects.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use license_portal::{portal::Portal, web};
use tower::ServiceExt as _;

pub(crate) struct Visit {
    router: Router,
    cookies: Vec<(String, String)>,
    /// Whether it follows redirects.
    pub(crate) follows: bool,
    /// Sent with every request.
    pub(crate) headers: Vec<(&'static str, String)>,
}

#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) html: String,
    /// The path after redirects.
    pub(crate) path: String,
}

impl Visit {
    pub(crate) fn new(portal: &Arc<Portal>) -> Self {
        Self {
            router: web::router(Arc::clone(portal)),
            cookies: Vec::new(),
            follows: true,
            headers: Vec::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.follow(request, path).await
    }

    /// Sends the form of a page, with the page's token.
    pub(crate) async fn send(
        &mut self,
        page: &Page,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let token = page.token();
        let fields: Vec<_> = [("token", token.as_str())]
            .iter()
            .chain(fields)
            .copied()
            .collect();
        self.post(action, &fields).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        self.follow(request, path).await
    }

    pub(crate) async fn json(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, serde_json::Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body.to_owned()))
            .unwrap();
        let page = self.once(request, path).await;
        let value = serde_json::from_str(&page.html).unwrap_or(serde_json::Value::Null);
        (page.status, value)
    }

    /// Returns the value of a cookie.
    pub(crate) fn cookie(&self, name: &str) -> &str {
        let mut cookies = self.cookies.iter();
        &cookies.find(|(known, _)| known == name).unwrap().1
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    async fn follow(&mut self, request: Request<Body>, path: &str) -> Page {
        let mut page = self.once(request, path).await;
        let mut hops = 0;
        while self.follows && page.status == StatusCode::SEE_OTHER && hops < 5 {
            let next = page.headers[header::LOCATION].to_str().unwrap().to_owned();
            page = self
                .once(Request::get(&next).body(Body::empty()).unwrap(), &next)
                .await;
            hops += 1;
        }
        page
    }

    pub(crate) async fn once(&mut self, mut request: Request<Body>, path: &str) -> Page {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let headers = request.headers_mut();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        for (name, value) in &self.headers {
            headers.insert(*name, value.parse().unwrap());
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (name, value) = cookie
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .split_once('=')
                .unwrap();
            self.set_cookie(name, value);
            if cookie.to_str().unwrap().contains("Max-Age=0;") {
                self.cookies.pop();
            }
        }
        let bytes = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8_lossy(&bytes).into_owned();
        let kind = parts.headers.get(header::CONTENT_TYPE);
        // Others are no pages: browsers do not guess what they are.
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
            assert_no_script(&html);
        }
        Page {
            status: parts.status,
            headers: parts.headers,
            html,
            path: path.to_owned(),
        }
    }
}

/// Checks that a page has no JavaScript but the file that only adds buttons: everything works without.
fn assert_no_script(html: &str) {
    let mut html = html.to_lowercase();
    if let Some((before, rest)) = html.split_once("<script src=\"/assets/page.js?") {
        let (_hash, after) = rest.split_once("\" defer></script>").unwrap();
        html = format!("{before}{after}");
    }
    assert!(
        !html.contains("<script") && !html.contains("javascript:"),
        "{html}"
    );
    for tag in html.split('<').filter_map(|tag| tag.split('>').next()) {
        let mut names = tag
            .split_whitespace()
            .filter_map(|part| part.split_once('='));
        assert!(!names.any(|(name, _)| name.starts_with("on")), "{tag}");
    }
}

impl Page {
    pub(crate) fn token(&self) -> String {
        let (_, rest) = self
            .html
            .split_once("name=\"token\" value=\"")
            .expect("no form on the page");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Returns what is in the fields that people fill in, in their order on the page.
    pub(crate) fn typed(&self) -> Vec<String> {
        let (_, form) = self.html.split_once("id=\"form\"").expect("no form");
        let fields = form.split('<').filter_map(|tag| {
            let is_input =
                tag.starts_with("input") && tag.contains(" name=") && !tag.contains("hidden");
            let is_chosen = tag.starts_with("option") && tag.contains(" selected");
            tag.split("value=\"")
                .nth(1)
                .filter(|_| is_input || is_chosen)
        });
        fields
            .map(|value| value.split('"').next().unwrap().to_owned())
            .collect()
    }

    pub(crate) fn heading(&self) -> String {
        let (_, rest) = self.html.split_once("<h1>").expect("no heading");
        let text = rest.split("</h1>").next().unwrap();
        text.rsplit("</span>").next().unwrap().replace("&#39;", "'")
    }
}
