//! The pages: activation as in the manual, and everything that can go wrong.

use axum::http::{StatusCode, header};
use license_portal::model::LicenseState;
use license_token::{Installation, LicenseNumber, RequestCode};

use crate::{
    visit::{Page, Visit},
    world::{Sold, World},
};

pub(crate) const HOLDER: [(&str, &str); 9] = [
    ("first_name", "John"),
    ("last_name", "Doe"),
    ("company", "Example Ltd"),
    ("company_email", "office@example.com"),
    ("phone", "+44 20 7946 0123"),
    ("address", "1 Main Street"),
    ("city", "London"),
    ("postcode", "N1 9GU"),
    ("country", "GB"),
];

pub(crate) async fn enter(visit: &mut Visit, sold: &Sold) -> Page {
    let page = visit.get("/").await;
    let fields = [
        ("email", &*sold.email),
        ("license", &*sold.number),
        ("pin", &*sold.pin),
    ];
    visit.send(&page, "/", &fields).await
}

/// Opens the link and presses its button.
pub(crate) async fn open(visit: &mut Visit, link: &str) -> Page {
    let page = visit.get(link).await;
    visit.send(&page, &format!("{link}/open"), &[]).await
}

pub(crate) async fn state(world: &World, sold: &Sold) -> LicenseState {
    let number = LicenseNumber::parse(&sold.number).unwrap();
    world
        .portal
        .store
        .license(number)
        .await
        .unwrap()
        .unwrap()
        .state
}

#[tokio::test]
async fn a_license_is_activated_as_the_manual_says() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let notice = enter(&mut visit, &sold).await;
    assert_eq!(notice.heading(), "Verification email");
    assert!(notice.html.contains("john.doe@email.com"));
    let link = world.newest_link().await;

    // A mail scanner may follow the link any number of times.
    let mut scanner = Visit::new(&world.portal);
    for _ in 0..3 {
        let page = scanner.get(&link).await;
        assert_eq!(page.heading(), "Complete your activation");
        assert!(page.html.contains("2026-11-24, 09:00 UTC"), "{}", page.html);
        assert!(!page.html.contains(&sold.number));
    }
    assert_eq!(state(&world, &sold).await, LicenseState::Verifying);

    let form = open(&mut visit, &link).await;
    assert!(form.html.contains(&sold.number) && form.html.contains("Postcode"));
    assert_eq!(state(&world, &sold).await, LicenseState::Verifying);
    let done = visit.send(&form, &link, &HOLDER).await;
    assert_eq!(done.heading(), "Activation successful");
    assert!(!done.html.contains("XXXX") && !done.html.contains(&sold.pin));
    assert!(done.html.contains(&sold.number) && done.html.contains("data-copies=\"license\""));
    assert!(done.html.contains("in the email “Your KeyWriter license”"));
    assert_eq!(state(&world, &sold).await, LicenseState::Active);
    // Reloading the earlier page shows it, too.
    assert_eq!(
        visit.get(&notice.path).await.heading(),
        "Activation successful"
    );
}

#[tokio::test]
async fn a_typing_slip_is_told_from_a_wrong_number() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut number = sold.number.clone().into_bytes();
    number[0] = if number[0] == b'7' { b'8' } else { b'7' };
    let mut visit = Visit::new(&world.portal);
    let slip = Sold {
        number: String::from_utf8(number).unwrap(),
        ..sold.clone()
    };
    let page = enter(&mut visit, &slip).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.html.contains("The license number is mistyped"));
    assert!(page.html.contains("aria-describedby=\"license-error\""));
    let page = enter(
        &mut visit,
        &Sold {
            number: "ABC".into(),
            pin: "12".into(),
            email: "x".into(),
        },
    )
    .await;
    for said in [
        "has 16 letters and digits",
        "has 8 digits",
        "email address is not valid",
    ] {
        assert!(page.html.contains(said), "{said}");
    }
    let small = Sold {
        number: sold.number.to_lowercase().replace('-', " "),
        ..sold
    };
    assert_eq!(
        enter(&mut visit, &small).await.heading(),
        "Verification email"
    );
}

#[tokio::test]
async fn an_expired_link_is_renewed_by_its_owner() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    enter(&mut visit, &sold).await;
    let old = world.newest_link().await;
    let form = open(&mut visit, &old).await;
    world.clock.forward(3600);
    let late = visit.send(&form, &old, &HOLDER).await;
    assert_eq!(
        (late.status, late.heading().as_str()),
        (StatusCode::GONE, "This link has expired")
    );
    assert_eq!(state(&world, &sold).await, LicenseState::Verifying);
    let notice = visit.send(&late, &format!("{old}/renew"), &[]).await;
    assert_eq!(notice.heading(), "Verification email");
    let new = world.newest_link().await;
    assert_ne!(new, old);
    assert_eq!(visit.get(&old).await.heading(), "This link has expired");
    // What was typed is still there, also in another browser.
    let mut elsewhere = Visit::new(&world.portal);
    let form = open(&mut elsewhere, &new).await;
    assert_eq!(form.typed(), HOLDER.map(|(_, value)| value));
    let form = open(&mut visit, &new).await;
    assert_eq!(
        visit.send(&form, &new, &HOLDER).await.heading(),
        "Activation successful"
    );
}

#[tokio::test]
async fn asking_again_sends_a_new_link_but_not_without_end() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let notice = enter(&mut visit, &sold).await;
    assert!(!notice.html.contains("another email"));
    let first = world.newest_link().await;
    for _ in 0..2 {
        let again = visit.send(&notice, &notice.path, &[]).await;
        assert_eq!(again.heading(), "Verification email");
        assert!(
            again
                .html
                .contains("sent another email to john.doe@email.com")
        );
    }
    assert_ne!(world.newest_link().await, first);
    let button = visit.get(&first).await;
    assert_eq!(button.heading(), "Complete your activation");
    let slow = visit.send(&notice, &notice.path, &[]).await;
    assert_eq!(
        (slow.status, slow.heading().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "Verification email")
    );
    assert!(slow.html.contains("Too many attempts") && slow.html.contains("in 5 min"));
    assert_eq!(slow.headers[header::RETRY_AFTER], "300");
    world.clock.forward(300);
    assert_eq!(
        visit.send(&notice, &notice.path, &[]).await.status,
        StatusCode::OK
    );
    world.clock.forward(24 * 3600);
    assert_eq!(
        visit.get(&notice.path).await.heading(),
        "This page has expired"
    );
    assert_eq!(
        visit.get("/verification/forged.1.AAAA").await.heading(),
        "This page has expired"
    );
}

#[tokio::test]
async fn the_mailed_link_unlocks_what_the_wrong_pins_of_others_locked() {
    let world = World::with(|settings| {
        settings.paces.license.burst = 2;
        settings.paces.everyone.burst = 4;
    })
    .await;
    let sold = world.sell(false).await;
    let mut owner = Visit::new(&world.portal);
    enter(&mut owner, &sold).await;
    let link = world.newest_link().await;
    let wrong = Sold {
        pin: other_pin(&sold.pin),
        ..sold.clone()
    };
    // From the owner's own address, and from everywhere.
    for address in ["127.0.0.1", "192.0.2.1", "192.0.2.2"] {
        let number = LicenseNumber::parse(&wrong.number).unwrap();
        let email = license_portal::email::EmailAddress::parse(&wrong.email).unwrap();
        for _ in 0..2 {
            let pin = license_token::Pin::parse(&wrong.pin).unwrap();
            let tried = world.portal.activate(address, &email, number, pin).await;
            assert!(tried.is_err());
        }
    }
    let locked = enter(&mut owner, &sold).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    open(&mut owner, &link).await;
    let right = enter(&mut owner, &sold).await;
    assert_eq!(right.heading(), "Verification email");
}

#[tokio::test]
async fn a_form_sent_twice_activates_once_and_shows_success_twice() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    enter(&mut visit, &sold).await;
    let link = world.newest_link().await;
    let form = open(&mut visit, &link).await;
    for _ in 0..2 {
        assert_eq!(
            visit.send(&form, &link, &HOLDER).await.heading(),
            "Activation successful"
        );
    }
    assert_eq!(world.portal.metrics.activations.get(), 1);
    assert_eq!(visit.get(&link).await.heading(), "Activation successful");
    world.clock.forward(3600);
    assert_eq!(
        visit.get(&link).await.heading(),
        "This link is no longer valid"
    );
}

#[tokio::test]
async fn a_revoked_license_is_stopped_at_every_step() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let notice = enter(&mut visit, &sold).await;
    let link = world.newest_link().await;
    let form = open(&mut visit, &link).await;
    world
        .portal
        .revoke(LicenseNumber::parse(&sold.number).unwrap(), None)
        .await
        .unwrap();
    assert_eq!(
        visit.send(&form, &link, &HOLDER).await.heading(),
        "This link is no longer valid"
    );
    assert_eq!(
        visit.get(&link).await.heading(),
        "This link is no longer valid"
    );
    assert_eq!(
        visit.get(&notice.path).await.heading(),
        "This license has been revoked"
    );
    assert_eq!(
        enter(&mut visit, &sold).await.heading(),
        "This license has been revoked"
    );
    assert_eq!(state(&world, &sold).await, LicenseState::Revoked);
}

#[tokio::test]
async fn the_first_of_two_links_activates_and_the_second_shows_it() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let notice = enter(&mut visit, &sold).await;
    let first = world.newest_link().await;
    visit.send(&notice, &notice.path, &[]).await;
    let second = world.newest_link().await;
    let form = open(&mut visit, &first).await;
    let done = visit.send(&form, &first, &HOLDER).await;
    assert_eq!(done.heading(), "Activation successful");
    assert_eq!(visit.get(&second).await.heading(), "Activation successful");
}

#[tokio::test]
async fn the_switch_outlives_what_the_browser_prefers() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    visit.headers = vec![("accept-language", "fr".into())];
    assert_eq!(visit.get("/").await.heading(), "Activez votre licence");
    assert_eq!(
        visit.get("/purchase?lang=de").await.heading(),
        "Sie haben noch keine Lizenz?"
    );
    assert_eq!(visit.get("/").await.heading(), "Aktivieren Sie Ihre Lizenz");
    assert_eq!(
        visit.get("/?lang=xx").await.heading(),
        "Aktivieren Sie Ihre Lizenz"
    );
}

#[tokio::test]
async fn an_app_without_a_network_registers_through_the_page() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let request = RequestCode {
        number: LicenseNumber::parse(&sold.number).unwrap(),
        installation: Installation::new([5; 16]),
    };
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/offline").await;
    let code = request.to_string();
    let wrong = visit
        .send(
            &page,
            "/offline",
            &[("code", &code), ("pin", &other_pin(&sold.pin))],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    let slip = code.replacen(&code[..1], if code.starts_with('2') { "3" } else { "2" }, 1);
    let wrong = visit
        .send(&page, "/offline", &[("code", &slip), ("pin", &sold.pin)])
        .await;
    assert!(wrong.html.contains("Line 1 of the code is mistyped"));
    let right = visit
        .send(&page, "/offline", &[("code", &code), ("pin", &sold.pin)])
        .await;
    let lines: Vec<_> = right
        .html
        .split("<code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    let response = license_token::ResponseCode::parse(&lines.join("\n")).unwrap();
    let anchor = license_token::Anchor::development();
    let token = response
        .complete(&request, anchor.id())
        .verify(&anchor)
        .unwrap();
    assert_eq!(token.claims().installation, request.installation);
}

pub(crate) fn other_pin(pin: &str) -> String {
    pin.chars()
        .map(|digit| if digit == '1' { '2' } else { '1' })
        .collect()
}
