//! Attacks on every page of operators.

use axum::http::{StatusCode, header};
use license_portal::{
    model::{Hook, Scope},
    service::{Order, OrderLine},
};
use license_token::LicenseNumber;

use crate::{
    admin::{hidden, sign_in},
    visit::{Page, Visit},
    world::World,
};

const EVIL: &str = "\"'></textarea><script>alert(1)</script>";

/// Returns the paths of a method below `/operator`, from the source, so that none is forgotten.
fn routes(method: &str, number: &str) -> Vec<String> {
    let source = include_str!("../../src/web/admin/mod.rs");
    let routes = source.lines().filter_map(|line| {
        let (path, handlers) = line.trim().strip_prefix(".route(\"")?.split_once('"')?;
        handlers
            .contains(&format!("{method}("))
            .then(|| format!("/operator{path}").replace("{number}", number))
    });
    routes
        .map(|path| path.trim_end_matches('/').to_owned())
        .collect()
}

/// Sells an active license, to somebody whose names are code.
async fn sell(world: &World) -> String {
    let line = OrderLine {
        is_activated: true,
        holder: Some((EVIL.into(), EVIL.into())),
        ..OrderLine::to("buyer@example.com")
    };
    let order = Order {
        sold_by: Some(EVIL.into()),
        ..line.into()
    };
    world.portal.issue(&order).await.unwrap().licenses[0].to_string()
}

/// Returns right values for the fields of every form.
fn fields(seen: &str) -> Vec<(&'static str, String)> {
    [
        ("seen", seen),
        ("correct", "heir@example.com"),
        ("transfer", "heir@example.com"),
        ("seats", "3"),
        ("installation", &"0".repeat(32)),
        ("key", &"0".repeat(32)),
        ("email", "heir@example.com"),
        ("count", "1"),
        ("language", "en"),
        ("holder", ""),
        ("company", ""),
        ("table", "email\nheir@example.com\n"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

async fn send(visit: &mut Visit, page: &Page, path: &str, fields: &[(&str, String)]) -> Page {
    // An address has one name in each form.
    let addresses = ["correct", "transfer", "email"];
    let own = addresses.into_iter().find(|name| path.ends_with(name));
    let own = own.unwrap_or("email");
    let fields: Vec<_> = fields
        .iter()
        .filter(|(name, _)| !addresses.contains(name) || *name == own)
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    visit.send(page, path, &fields).await
}

/// Returns all that an operator can change.
async fn state(world: &World, number: &str) -> (String, i64, usize) {
    let (store, number) = (&world.portal.store, LicenseNumber::parse(number).unwrap());
    let license = store.license(number).await.unwrap().unwrap();
    let acts = store.acts(None, None, None, 99).await.unwrap();
    let counts = store.counts().await.unwrap();
    (license.version(), counts.issued + counts.active, acts.len())
}

#[tokio::test]
async fn no_form_is_taken_from_another_site_browser_scope_or_a_removed_key() {
    let world = World::new().await;
    let number = sell(&world).await;
    let all = [Scope::Issue, Scope::ReadAll, Scope::Revoke];
    let mut admin = sign_in(&world, "admin", &all).await;
    let mut reader = sign_in(&world, "reader", &[Scope::ReadAll]).await;
    let mut partner = sign_in(&world, "partner", &[Scope::Issue, Scope::ReadOwn]).await;
    let page = admin.get(&format!("/operator/licenses/{number}")).await;
    let fields = fields(&hidden(&page, "seen"));
    let before = state(&world, &number).await;
    let forms = routes("post", &number);
    assert!(forms.len() >= 13, "{forms:?}");
    for path in &forms {
        for foreign in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            admin.headers = vec![(foreign.0, foreign.1.into())];
            let answer = send(&mut admin, &page, path, &fields).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {foreign:?}");
        }
        admin.headers.clear();
        let foreign = Visit::new(&world.portal).get("/operator/sign-in").await;
        let answer = send(&mut admin, &foreign, path, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        if path.ends_with("/sign-in") || path.ends_with("/sign-out") {
            continue;
        }
        let mut stranger = Visit::new(&world.portal);
        let own = stranger.get("/operator/sign-in").await;
        let answer = send(&mut stranger, &own, path, &fields).await;
        assert_eq!(answer.heading(), "Operator sign-in", "{path}");
        let own = reader.get("/operator").await;
        let answer = send(&mut reader, &own, path, &fields).await;
        let is_reading = path.ends_with("/export");
        assert_eq!(
            answer.status == StatusCode::FORBIDDEN,
            !is_reading,
            "{path}"
        );
        if path.contains(&number) {
            let own = partner.get("/operator").await;
            let answer = send(&mut partner, &own, path, &fields).await;
            let refused = [StatusCode::FORBIDDEN, StatusCode::NOT_FOUND];
            assert!(refused.contains(&answer.status), "{path}");
        }
    }
    let now = world.portal.clock.now();
    let store = &world.portal.store;
    assert!(store.remove_operator("admin", now).await.unwrap());
    for path in forms.iter().filter(|path| !path.contains("/sign-")) {
        let answer = send(&mut admin, &page, path, &fields).await;
        assert_eq!(answer.heading(), "Operator sign-in", "{path}");
    }
    let after = state(&world, &number).await;
    // The export that the reader may have, and the removal of the key.
    assert_eq!(after, (before.0, before.1, before.2 + 2));
}

/// Checks that an answer is a page, which `Visit` has searched for code, or a file to save.
fn is_harmless(answer: &Page, what: &str) {
    let kind = answer.headers.get(header::CONTENT_TYPE);
    let is_page = kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/html"));
    let is_file = answer.headers.contains_key(header::CONTENT_DISPOSITION);
    assert!(is_page || is_file, "{what}");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[tokio::test]
async fn code_in_any_field_of_any_page_is_text() {
    let world = World::new().await;
    let number = sell(&world).await;
    let now = world.portal.clock.now();
    let hook = Hook {
        name: EVIL.into(),
        url: format!("https://a.example/{EVIL}"),
        sealed: Vec::new(),
    };
    world.portal.store.add_hook(&hook, now).await.unwrap();
    let all = [Scope::Issue, Scope::ReadAll, Scope::Revoke];
    let mut admin = sign_in(&world, EVIL, &all).await;
    let evil: String = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for path in routes("get", &number) {
        for query in [
            "", "words", "show", "order", "after", "before", "placed", "done", "lang",
        ] {
            let asked = format!("{path}?{query}={evil}");
            is_harmless(&admin.get(&asked).await, &asked);
        }
    }
    let answer = admin.get(&format!("/operator/licenses/{evil}")).await;
    is_harmless(&answer, "a number");
    let page = admin.get(&format!("/operator/licenses/{number}")).await;
    assert!(page.html.contains("alert(1)"), "{}", page.html);
    let right = fields(&hidden(&page, "seen"));
    for path in routes("post", &number) {
        // An erased license has nothing to show, and who signed out sees nothing.
        if path.ends_with("/erase") || path.ends_with("/sign-out") {
            continue;
        }
        for wrong in 0..=right.len() {
            let mut sent = right.clone();
            for (place, field) in sent.iter_mut().enumerate() {
                if place == wrong || wrong == right.len() {
                    field.1 = EVIL.into();
                }
            }
            let what = format!("{path} {wrong}");
            is_harmless(&send(&mut admin, &page, &path, &sent).await, &what);
        }
    }
}
