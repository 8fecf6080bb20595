//! Forms: what was typed is checked, and kept for who typed it.

use axum::http::{StatusCode, header};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use license_portal::{
    keys::{PortalKeys, Typed},
    model::LicenseState,
};
use license_token::{Installation, LicenseNumber, RequestCode};
use sqlx::{AnyPool, Executor as _};

use crate::{
    pages::{HOLDER, enter, open, other_pin, state},
    visit::{Page, Visit},
    world::World,
};

#[tokio::test]
async fn a_form_keeps_what_was_typed_in_another_language_after_errors_and_without_its_cookie() {
    let world = World::with(|settings| settings.paces.license.burst = 1).await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/").await;
    let typed = [
        ("email", "john.doe@email.com"),
        ("license", &*sold.number),
        ("pin", &*other_pin(&sold.pin)),
    ];
    let kept = ["john.doe@email.com", &sold.number, ""];
    let german = visit.send(&page, "/?lang=de", &typed).await;
    assert_eq!(german.status, StatusCode::OK);
    assert_eq!(german.heading(), "Aktivieren Sie Ihre Lizenz");
    assert_eq!(german.typed(), kept);
    assert!(!german.html.contains("autofocus"));
    assert_eq!(visit.get("/").await.heading(), "Aktivieren Sie Ihre Lizenz");
    let english = visit.send(&german, "/?lang=en", &typed).await;
    for (status, said) in [
        (StatusCode::FORBIDDEN, "do not match"),
        (StatusCode::TOO_MANY_REQUESTS, "Too many attempts"),
    ] {
        let page = visit.send(&english, "/", &typed).await;
        assert_eq!(
            (page.status, page.typed()),
            (status, kept.map(str::to_owned).into())
        );
        assert!(page.html.contains(said) && page.html.contains("tabindex=\"-1\" autofocus"));
        assert!(!page.html.contains(typed[2].1));
    }
    let mut other = Visit::new(&world.portal);
    let again = other.send(&page, "/", &typed).await;
    assert_eq!(
        (again.status, again.typed()),
        (StatusCode::FORBIDDEN, kept.map(str::to_owned).into())
    );
    assert!(again.html.contains("Please send the form again"));
    let offline = visit.get("/offline").await;
    let lines = [("code", "AAAA"), ("pin", "1")];
    for path in ["/offline?lang=fr", "/offline?lang=en", "/offline"] {
        let page = visit.send(&offline, path, &lines).await;
        assert!(page.html.contains(">AAAA</textarea>"), "{path}");
    }
    assert_eq!(state(&world, &sold).await, LicenseState::Issued);
}

#[tokio::test]
async fn the_holders_form_keeps_what_was_typed() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    enter(&mut visit, &sold).await;
    let link = world.newest_link().await;
    let form = open(&mut visit, &link).await;
    let mut typed = HOLDER;
    typed[4].1 = "none";
    let kept = typed.map(|(_, value)| value);
    let french = visit.send(&form, &format!("{link}?lang=fr"), &typed).await;
    assert_eq!(french.heading(), "Terminez l’activation");
    assert_eq!(french.typed(), kept);
    let wrong = visit.send(&form, &link, &typed).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.typed(), kept);
    assert!(wrong.html.contains("<li><a href=\"#phone\">"));
    // As after *back*.
    assert_eq!(visit.get(&link).await.typed(), kept);
    // What another site makes a browser send is not kept.
    let mut other = Visit::new(&world.portal);
    typed[0].1 = "Mallory";
    let page = other.send(&form, &link, &typed).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert_eq!(visit.get(&link).await.typed(), kept);
    assert_eq!(state(&world, &sold).await, LicenseState::Verifying);
}

#[tokio::test]
async fn company_and_postcode_are_needed_only_where_there_are_any() {
    let world = World::new().await;
    for (empty, country, is_fine) in [
        (vec!["company", "company_email"], "GB", true),
        (vec!["company"], "GB", true),
        (vec!["company_email"], "GB", false),
        (vec!["postcode"], "GB", false),
        (vec!["postcode"], "HK", true),
        (vec!["postcode", "company", "company_email"], "AE", true),
    ] {
        let sold = world.sell(false).await;
        let mut visit = Visit::new(&world.portal);
        enter(&mut visit, &sold).await;
        let link = world.newest_link().await;
        let form = open(&mut visit, &link).await;
        let fields = HOLDER.map(|(name, value)| match name {
            "country" => (name, country),
            _ if empty.contains(&name) => (name, ""),
            _ => (name, value),
        });
        visit.send(&form, &link, &fields).await;
        let is_active = state(&world, &sold).await == LicenseState::Active;
        assert_eq!(is_active, is_fine, "{empty:?} {country}");
    }
}

#[tokio::test]
async fn every_field_of_the_holder_is_checked() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    enter(&mut visit, &sold).await;
    let link = world.newest_link().await;
    let form = open(&mut visit, &link).await;
    for place in 0..HOLDER.len() {
        let mut fields = HOLDER;
        for wrong in ["", "  ", "\u{7}", &"x".repeat(300)] {
            fields[place].1 = wrong;
            if place == 2 && wrong.trim().is_empty() {
                continue;
            }
            let page = visit.send(&form, &link, &fields).await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            assert!(page.html.contains("aria-invalid=\"true\""));
        }
    }
    let mut fields = HOLDER;
    fields[0].1 = "<script>alert('x')</script>";
    fields[8].1 = "XX";
    let page = visit.send(&form, &link, &fields).await;
    assert!(!page.html.contains("<script") && page.html.contains("Please choose a country."));
    assert_eq!(state(&world, &sold).await, LicenseState::Verifying);
}

/// Returns the cookie with what a browser keeps, as it was set.
fn kept(page: &Page) -> Option<&str> {
    let cookies = page.headers.get_all(header::SET_COOKIE).iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap());
    cookies.find(|cookie| cookie.contains("kept="))
}

#[tokio::test]
async fn what_a_browser_keeps_is_sealed_for_it_alone_and_without_the_pin() {
    let world = World::with(|settings| settings.public_url = "https://portal.example".into()).await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/").await;
    let pin = other_pin(&sold.pin);
    let typed = [
        ("email", &*sold.email),
        ("license", &*sold.number),
        ("pin", &*pin),
    ];
    visit.follows = false;
    let answer = visit.send(&page, "/", &typed).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cookie = kept(&answer).unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(
        attributes,
        "Path=/; Max-Age=1800; HttpOnly; SameSite=Lax; Secure"
    );
    let (name, value) = pair.split_once('=').unwrap();
    assert_eq!(name, "__Host-kept");
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).unwrap();
    let browser = visit.cookie("__Host-form").to_owned();
    let open = |whose| world.portal.keys.open_typed(whose, &sealed);
    let text = open(Typed::Browser(&browser)).unwrap();
    assert!(text.contains(&sold.number) && !text.contains(&pin));
    assert!(open(Typed::Browser(&"A".repeat(22))).is_err());
    // In another browser, it shows nothing.
    let mut other = Visit::new(&world.portal);
    other.get("/").await;
    other.set_cookie("__Host-kept", value);
    assert_eq!(other.get("/").await.typed(), ["", "", ""]);
    assert_eq!(visit.get("/").await.typed()[1], sold.number);
}

#[test]
fn no_cookie_reads_as_a_license() {
    let keys = PortalKeys::derive_from(&[7; 32]);
    let number = LicenseNumber::generate([1; 15]);
    let sealed = keys.seal_typed(Typed::License(number), "typed").unwrap();
    assert!(keys.open_typed(Typed::License(number), &sealed).is_ok());
    for cookie in [number.to_string(), format!("license {number}")] {
        assert!(keys.open_typed(Typed::Browser(&cookie), &sealed).is_err());
    }
}

#[tokio::test]
async fn a_browser_forgets_what_was_typed_when_it_is_done_with_it() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    enter(&mut visit, &sold).await;
    // For the back button.
    assert_eq!(visit.get("/").await.typed()[1], sold.number);
    let link = world.newest_link().await;
    let form = open(&mut visit, &link).await;
    let done = visit.send(&form, &link, &HOLDER).await;
    assert_eq!(done.heading(), "Activation successful");
    assert!(kept(&done).unwrap().contains("Max-Age=0"));
    assert_eq!(visit.get("/").await.typed(), ["", "", ""]);

    let request = RequestCode {
        number: LicenseNumber::parse(&sold.number).unwrap(),
        installation: Installation::new([5; 16]),
    };
    let page = visit.get("/offline").await;
    let code = request.to_string();
    visit
        .send(&page, "/offline", &[("code", &code), ("pin", "1")])
        .await;
    let fields = [("code", &*code), ("pin", &*sold.pin)];
    let done = visit.send(&page, "/offline", &fields).await;
    assert_eq!(done.heading(), "Response code");
    assert!(!visit.get("/offline").await.html.contains(&code[..16]));
}

#[tokio::test]
async fn an_error_is_told_even_if_what_was_typed_is_too_long_to_keep() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/offline").await;
    for (typed, is_kept) in [("x", true), ("\u{1}", false)] {
        let code = typed.repeat(400);
        let answer = visit
            .send(&page, "/offline", &[("code", &code), ("pin", "1")])
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.html.contains("has 8 digits"));
        assert_eq!(answer.html.contains(&code), is_kept);
    }
}

#[tokio::test]
async fn a_database_that_fails_loses_nothing_that_was_typed() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    enter(&mut visit, &sold).await;
    let link = world.newest_link().await;
    let form = open(&mut visit, &link).await;
    let folder = world.portal.settings.packages.parent().unwrap();
    let file = format!("sqlite:{}", folder.join("portal.sqlite").display());
    let database = AnyPool::connect(&file).await.unwrap();
    database
        .execute("ALTER TABLE drafts RENAME TO gone")
        .await
        .unwrap();
    let failed = visit.send(&form, &link, &HOLDER).await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failed.heading(), "Temporarily unavailable");
    database
        .execute("ALTER TABLE gone RENAME TO drafts")
        .await
        .unwrap();
    let typed = HOLDER.map(|(_, value)| value);
    let form = visit.get(&link).await;
    assert!(form.typed() == typed && form.html.contains("Temporarily unavailable"));
    // What is typed later counts.
    let mut later = HOLDER;
    later[0].1 = "Jane";
    let german = visit.send(&form, &format!("{link}?lang=de"), &later).await;
    assert_eq!(german.typed()[0], "Jane");
    let done = visit.send(&german, &link, &later).await;
    assert_eq!(done.heading(), "Aktivierung erfolgreich");
    assert_eq!(state(&world, &sold).await, LicenseState::Active);
}
