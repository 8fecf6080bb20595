//! The API of the app, and the document of the whole API.

use axum::http::{Method, StatusCode};
use license_token::{Anchor, Installation, LicenseNumber, LicenseToken, RequestCode};
use serde_json::{Value, json};

use crate::{
    operators::operator,
    visit::Visit,
    world::{Sold, World},
};

const INSTALLATION: &str = "000102030405060708090a0b0c0d0e0f";

/// A request to register an installation.
pub(crate) fn registration(sold: &Sold, pin: &str) -> String {
    json!({ "license": sold.number, "pin": pin, "installation": INSTALLATION }).to_string()
}

#[tokio::test]
async fn an_active_license_and_its_pin_register_an_installation() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let mut visit = Visit::new(&world.portal);
    let (status, answer) = visit
        .json("POST", "/api/v1/register", &registration(&sold, &sold.pin))
        .await;
    assert_eq!(status, StatusCode::OK);
    let token = LicenseToken::parse(answer["token"].as_str().unwrap()).unwrap();
    let license = token.verify(&Anchor::development()).unwrap();
    assert_eq!(license.claims().number.to_string(), sold.number);
    assert_eq!(license.claims().installation.to_string(), INSTALLATION);
    assert_eq!(
        license
            .claims()
            .expires
            .unwrap()
            .since(license.claims().issued),
        365
    );
}

#[tokio::test]
async fn wrong_pins_from_one_address_lock_out_no_other() {
    let world = World::with(|settings| {
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let sold = world.sell(true).await;
    let from = |address: &str| {
        let mut visit = Visit::new(&world.portal);
        visit.headers.push(("x-forwarded-for", address.to_owned()));
        visit
    };
    let wrong = registration(
        &sold,
        if sold.pin == "00000000" {
            "1"
        } else {
            "00000000"
        },
    );
    let mut stranger = from("198.51.100.1");
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let (status, _) = stranger.json("POST", "/api/v1/register", &wrong).await;
        statuses.push(status.as_u16());
    }
    assert_eq!(statuses, [403, 403, 403, 403, 403, 429, 429]);
    let right = registration(&sold, &sold.pin);
    let (status, _) = from("203.0.113.1")
        .json("POST", "/api/v1/register", &right)
        .await;
    assert_eq!(status, StatusCode::OK);
    // Guessing from many addresses is limited, too.
    let mut refused = 0;
    for network in 0..60 {
        let mut visit = from(&format!("192.0.2.{network}"));
        for _ in 0..5 {
            let (status, _) = visit.json("POST", "/api/v1/register", &wrong).await;
            refused += u32::from(status == StatusCode::FORBIDDEN);
        }
    }
    assert_eq!(refused, world.portal.settings.paces.everyone.burst);
}

#[tokio::test]
async fn every_refusal_is_the_documented_one() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let mut slip = sold.number.clone().into_bytes();
    slip[2] = if slip[2] == b'0' { b'1' } else { b'0' };
    let slip = Sold {
        number: String::from_utf8(slip).unwrap(),
        ..sold.clone()
    };
    let unknown = Sold {
        number: LicenseNumber::generate([1; 15]).to_string(),
        ..sold.clone()
    };
    for (body, status, error) in [
        (registration(&sold, &sold.pin), 403, "refused"),
        (registration(&unknown, &sold.pin), 403, "refused"),
        (registration(&slip, &sold.pin), 400, "slip"),
        (registration(&sold, "1234567"), 422, "malformed"),
        (
            registration(&sold, &sold.pin).replace(INSTALLATION, "0G"),
            422,
            "malformed",
        ),
        (
            registration(&sold, &sold.pin).replace('}', ",\"more\":1}"),
            422,
            "malformed",
        ),
        ("{".into(), 422, "malformed"),
        (String::new(), 422, "malformed"),
        ("x".repeat(license_portal::web::BODY + 1), 413, "too-large"),
    ] {
        let answer = visit.json("POST", "/api/v1/register", &body).await;
        assert_eq!(
            answer,
            (
                StatusCode::from_u16(status).unwrap(),
                json!({ "error": error })
            ),
            "{body}"
        );
    }
    assert_eq!(
        visit.json("GET", "/api/v1/register", "").await.0,
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        visit.json("GET", "/api/v1/none", "").await,
        (StatusCode::NOT_FOUND, json!({"error": "not-found"}))
    );
}

#[tokio::test]
async fn guessing_pins_is_slowed_down() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let mut visit = Visit::new(&world.portal);
    for _ in 0..5 {
        let (status, _) = visit
            .json("POST", "/api/v1/register", &registration(&sold, "00000000"))
            .await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
    let slow = visit
        .json("POST", "/api/v1/register", &registration(&sold, &sold.pin))
        .await;
    assert_eq!(
        slow,
        (
            StatusCode::TOO_MANY_REQUESTS,
            json!({ "error": "slow-down", "retry_after": 180 })
        )
    );
    world.clock.forward(180);
    let (status, _) = visit
        .json("POST", "/api/v1/register", &registration(&sold, &sold.pin))
        .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_is_refreshed_for_its_installation_until_the_license_is_revoked() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let mut visit = Visit::new(&world.portal);
    let (_, answer) = visit
        .json("POST", "/api/v1/register", &registration(&sold, &sold.pin))
        .await;
    // The token expired long ago.
    world.clock.forward(500 * 24 * 3600);
    let refresh = |token: &Value, installation: &str| {
        json!({ "token": token, "installation": installation }).to_string()
    };
    let body = refresh(&answer["token"], INSTALLATION);
    let (status, newer) = visit.json("POST", "/api/v1/refresh", &body).await;
    assert_eq!(status, StatusCode::OK);
    let issued = |answer: &Value| {
        LicenseToken::parse(answer["token"].as_str().unwrap())
            .unwrap()
            .unverified()
            .issued
    };
    assert_eq!(issued(&newer).since(issued(&answer)), 500);
    let other = refresh(&newer["token"], &"aa".repeat(16));
    let forged = refresh(
        &json!(newer["token"].as_str().unwrap().replace('A', "B")),
        INSTALLATION,
    );
    for body in [other, forged, refresh(&json!("no token"), INSTALLATION)] {
        let answer = visit.json("POST", "/api/v1/refresh", &body).await;
        assert_eq!(
            answer,
            (StatusCode::FORBIDDEN, json!({ "error": "refused" }))
        );
    }
    world
        .portal
        .revoke(LicenseNumber::parse(&sold.number).unwrap(), None)
        .await
        .unwrap();
    let (status, _) = visit.json("POST", "/api/v1/refresh", &body).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = visit
        .json("POST", "/api/v1/register", &registration(&sold, &sold.pin))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_license_is_registered_on_so_many_installations_until_some_are_forgotten() {
    let world = World::with(|settings| settings.installations = 2).await;
    let sold = world.sell(true).await;
    let mut visit = Visit::new(&world.portal);
    visit.headers = vec![("authorization", operator(&world).await)];
    let on =
        |app: u8, pin: &str| registration(&sold, pin).replace(INSTALLATION, &format!("{app:032x}"));
    let mut register =
        async |app, pin: &str| visit.json("POST", "/api/v1/register", &on(app, pin)).await;
    let (_, first) = register(1, &sold.pin).await;
    for app in [2, 1] {
        assert_eq!(register(app, &sold.pin).await.0, StatusCode::OK);
    }
    let full = json!({ "error": "too-many-installations", "most": 2 });
    assert_eq!(register(3, &sold.pin).await, (StatusCode::CONFLICT, full));
    // Without the PIN, it is not revealed.
    let refused = (StatusCode::FORBIDDEN, json!({ "error": "refused" }));
    assert_eq!(register(3, "00000000").await, refused);

    let request = RequestCode {
        number: LicenseNumber::parse(&sold.number).unwrap(),
        installation: Installation::new([5; 16]),
    };
    let page = visit.get("/offline").await;
    let fields = [("code", &*request.to_string()), ("pin", &*sold.pin)];
    let page = visit.send(&page, "/offline", &fields).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.html.contains("already registered on 2 computers"));

    let forget = format!("/api/v1/operator/licenses/{}/forget", sold.number);
    let one = json!({ "installation": format!("{:032x}", 1) }).to_string();
    let (status, report) = visit.json("POST", &forget, &one).await;
    assert_eq!(
        (status, &report["registrations"][0]["installation"]),
        (StatusCode::OK, &json!(format!("{:032x}", 2)))
    );
    let refresh = json!({ "token": first["token"], "installation": format!("{:032x}", 1) });
    let answer = visit
        .json("POST", "/api/v1/refresh", &refresh.to_string())
        .await;
    assert_eq!(answer, refused);
    let (status, _) = visit
        .json("POST", "/api/v1/register", &on(3, &sold.pin))
        .await;
    assert_eq!(status, StatusCode::OK);
    let (_, report) = visit.json("POST", &forget, "{}").await;
    assert_eq!(report["registrations"], json!([]));
}

#[tokio::test]
async fn a_new_pin_voids_the_old_one() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    world
        .portal
        .resend(LicenseNumber::parse(&sold.number).unwrap(), None)
        .await
        .unwrap();
    let mail = world.newest_mail().await;
    assert_eq!(
        (mail.to.as_str(), mail.subject.as_str()),
        (sold.email.as_str(), "Your KeyWriter license")
    );
    let new = crate::world::after(&mail.text, "PIN number: ");
    let mut visit = Visit::new(&world.portal);
    let (status, _) = visit
        .json("POST", "/api/v1/register", &registration(&sold, &sold.pin))
        .await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = visit
        .json("POST", "/api/v1/register", &registration(&sold, &new))
        .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn the_anchor_says_that_it_is_for_development() {
    let world = World::new().await;
    let (status, answer) = Visit::new(&world.portal)
        .json("GET", "/api/v1/anchor", "")
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer,
        json!({ "anchors": [Anchor::development().to_string()], "development": true })
    );
}

#[tokio::test]
async fn the_document_names_every_route_of_the_api_and_no_other() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    visit.headers = vec![("authorization", operator(&world).await)];
    let (_, document) = visit.json("GET", "/api/v1/openapi.json", "").await;
    let committed: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert_eq!(document, committed);
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let number = LicenseNumber::generate([1; 15]).to_string();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in &methods {
            let path = path.replace("{number}", &number);
            let (status, answer) = visit.json(method.as_str(), &path, "").await;
            let is_documented = operations.get(method.as_str().to_lowercase()).is_some();
            assert_eq!(
                status != StatusCode::METHOD_NOT_ALLOWED,
                is_documented,
                "{method} {path}"
            );
            // Only an unknown license is not found; a documented route exists.
            assert!(
                status != StatusCode::NOT_FOUND || path.contains(&number),
                "{method} {path} {answer}"
            );
        }
    }
    let source = include_str!("../../src/web/mod.rs");
    let (_, api) = source.split_once("let operator").unwrap();
    let (api, _) = api.split_once("Router::new()\n        .nest").unwrap();
    let routes = api.matches(".route(").count();
    assert_eq!(document["paths"].as_object().unwrap().len(), routes);
}

#[tokio::test]
async fn watchers_see_health_and_figures_but_strangers_only_health() {
    let world = World::new().await;
    world.sell(true).await;
    let mut visit = Visit::new(&world.portal);
    assert_eq!(visit.get("/healthz").await.html, "ok\n");
    let figures = visit.get("/metrics").await.html;
    assert!(
        figures.contains("license_portal_licenses{state=\"active\"} 1\n"),
        "{figures}"
    );
    assert!(figures.contains("license_portal_mails_delivered_total 1\n"));
    visit.headers = vec![("x-forwarded-for", "198.51.100.7".into())];
    assert_eq!(visit.get("/metrics").await.status, StatusCode::UNAUTHORIZED);
    visit
        .headers
        .push(("authorization", operator(&world).await));
    assert_eq!(visit.get("/metrics").await.status, StatusCode::OK);
}
