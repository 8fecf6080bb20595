//! The API of operators.

use axum::http::StatusCode;
use license_portal::{
    clock,
    keys::OperatorKey,
    model::{NewOperator, Scope},
};
use license_token::{Holder, LicenseToken};
use serde_json::json;

use crate::{
    api::registration,
    visit::Visit,
    world::{Sold, World},
};

/// Adds an operator who may do everything.
pub(crate) async fn operator(world: &World) -> String {
    key(
        world,
        "shop",
        &[Scope::Issue, Scope::ReadAll, Scope::Revoke],
    )
    .await
}

/// Adds an operator whose key permits this for a day.
pub(crate) async fn key(world: &World, name: &str, scopes: &[Scope]) -> String {
    let key = OperatorKey::generate().unwrap();
    let now = world.portal.clock.now();
    let operator = NewOperator {
        name: name.into(),
        hash: OperatorKey::hash_of(key.expose()),
        scopes: scopes.to_vec(),
        expires_at: Some(clock::later(now, 24 * 3600)),
    };
    world
        .portal
        .store
        .add_operator(&operator, now)
        .await
        .unwrap();
    format!("Bearer {}", key.expose())
}

#[tokio::test]
async fn a_key_permits_what_its_scopes_say_until_it_expires() {
    let world = World::new().await;
    let visit = async |name: &str, scopes: &[Scope]| {
        let mut visit = Visit::new(&world.portal);
        let key = key(&world, name, scopes).await;
        visit.headers.push(("authorization", key));
        visit
    };
    let order = r#"{"email":"a@b.example"}"#;
    let mut partner = visit("partner", &[Scope::Issue, Scope::ReadOwn]).await;
    let mut other = visit("other", &[Scope::Issue, Scope::ReadOwn, Scope::Revoke]).await;
    let mut seller = visit("seller", &[Scope::Issue]).await;
    let mut auditor = visit("auditor", &[Scope::ReadAll]).await;
    let path = "/api/v1/operator/licenses";
    let (status, sold) = partner.json("POST", path, order).await;
    assert_eq!(status, StatusCode::CREATED);
    let one = format!("{path}/{}", sold["licenses"][0].as_str().unwrap());
    let (revoke, resend) = (format!("{one}/revoke"), format!("{one}/resend"));
    world.sell(false).await;

    let count = |(status, answer): (StatusCode, serde_json::Value)| {
        (status.as_u16(), answer["licenses"].as_array().map(Vec::len))
    };
    assert_eq!(count(partner.json("GET", path, "").await), (200, Some(1)));
    assert_eq!(count(other.json("GET", path, "").await), (200, Some(0)));
    assert_eq!(count(seller.json("GET", path, "").await), (403, None));
    assert_eq!(count(auditor.json("GET", path, "").await), (200, Some(2)));
    let status = async |visit: &mut Visit, method: &str, path: &str| {
        visit.json(method, path, r"{}").await.0.as_u16()
    };
    let (_, shown) = partner.json("GET", &one, "").await;
    assert_eq!(shown["sold_by"], "partner");
    // What another one sold does not exist.
    assert_eq!(status(&mut other, "GET", &one).await, 404);
    assert_eq!(status(&mut other, "POST", &revoke).await, 404);
    assert_eq!(status(&mut partner, "POST", &revoke).await, 403);
    assert_eq!(status(&mut auditor, "POST", &resend).await, 403);
    assert_eq!(auditor.json("POST", path, order).await.0.as_u16(), 403);
    assert_eq!(status(&mut partner, "POST", &resend).await, 202);
    for used in world.portal.store.operators().await.unwrap() {
        assert!(used.used_at.is_some(), "{}", used.name);
    }

    world.clock.forward(24 * 3600);
    assert_eq!(status(&mut partner, "GET", &one).await, 401);
}

#[tokio::test]
async fn a_license_that_is_sold_active_may_name_its_holder() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    visit.headers = vec![("authorization", operator(&world).await)];
    let order = |activated: bool, name: &str| {
        let holder = json!({ "name": name, "company": "Example Ltd" });
        json!({ "email": "a@b.example", "activated": activated, "holder": holder }).to_string()
    };
    for wrong in [
        order(false, "Zoë Doe"),
        order(true, ""),
        order(true, &"x".repeat(101)),
    ] {
        let answer = visit
            .json("POST", "/api/v1/operator/licenses", &wrong)
            .await;
        assert_eq!(answer.0, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let order = order(true, "Zoë Doe");
    let (status, _) = visit
        .json("POST", "/api/v1/operator/licenses", &order)
        .await;
    assert_eq!(status, StatusCode::CREATED);
    let mail = world.newest_mail().await.text;
    let sold = Sold {
        email: "a@b.example".into(),
        number: crate::world::after(&mail, "License number: "),
        pin: crate::world::after(&mail, "PIN number: "),
    };
    let (_, answer) = visit
        .json("POST", "/api/v1/register", &registration(&sold, &sold.pin))
        .await;
    let token = LicenseToken::parse(answer["token"].as_str().unwrap()).unwrap();
    let holder = Holder::new("Zoë Doe", "Example Ltd").unwrap();
    assert_eq!(token.unverified().holder, holder);
}

#[tokio::test]
async fn operators_need_a_key_for_everything() {
    let world = World::new().await;
    let key = operator(&world).await;
    let sold = world.sell(false).await;
    let mut routes = vec![
        ("GET", "/api/v1/operator/licenses".to_owned()),
        ("POST", "/api/v1/operator/licenses".to_owned()),
        ("GET", format!("/api/v1/operator/licenses/{}", sold.number)),
    ];
    for act in [
        "revoke", "restore", "resend", "forget", "seats", "correct", "transfer", "export", "erase",
    ] {
        let path = format!("/api/v1/operator/licenses/{}/{act}", sold.number);
        routes.push(("POST", path));
    }
    for shown in [
        None,
        Some("Bearer kwop_AAAA".to_owned()),
        Some(key.replace("Bearer ", "")),
        Some(key[..20].into()),
    ] {
        let mut visit = Visit::new(&world.portal);
        visit
            .headers
            .extend(shown.map(|key| ("authorization", key)));
        for (method, path) in &routes {
            let answer = visit.json(method, path, r#"{"email":"a@b.example"}"#).await;
            assert_eq!(
                answer,
                (StatusCode::UNAUTHORIZED, json!({ "error": "unauthorized" })),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn an_operator_issues_finds_resends_and_revokes() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    visit.headers = vec![("authorization", operator(&world).await)];
    let order = r#"{"email":"Partner@Example.com","count":3,"language":"de"}"#;
    let (status, answer) = visit.json("POST", "/api/v1/operator/licenses", order).await;
    assert_eq!(status, StatusCode::CREATED);
    let number = answer["licenses"][0].as_str().unwrap().to_owned();
    let (_, found) = visit
        .json(
            "GET",
            "/api/v1/operator/licenses?email=partner@example.com&limit=2",
            "",
        )
        .await;
    assert_eq!(found["licenses"].as_array().unwrap().len(), 2);
    let path = format!("/api/v1/operator/licenses/{number}");
    let (status, report) = visit.json("GET", &path, "").await;
    assert_eq!(
        (status, &report["state"], &report["language"]),
        (StatusCode::OK, &json!("issued"), &json!("de"))
    );
    assert!(!report.to_string().contains("argon2"));
    let (status, _) = visit.json("POST", &format!("{path}/resend"), "").await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let (status, report) = visit.json("POST", &format!("{path}/revoke"), "").await;
    assert_eq!(
        (status, &report["state"]),
        (StatusCode::OK, &json!("revoked"))
    );
    let (status, _) = visit.json("POST", &format!("{path}/resend"), "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    for wrong in [
        r#"{"email":"x"}"#,
        r#"{"email":"a@b.example","count":0}"#,
        r#"{"email":"a@b.example","count":101}"#,
    ] {
        let (status, _) = visit.json("POST", "/api/v1/operator/licenses", wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn the_api_changes_a_license_by_the_rules_of_the_pages() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let mut shop = Visit::new(&world.portal);
    shop.headers = vec![("authorization", operator(&world).await)];
    let path = format!("/api/v1/operator/licenses/{}", sold.number);
    let tell = async |visit: &mut Visit, act: &str, body: serde_json::Value| {
        let path = format!("{path}/{act}");
        let (status, answer) = visit.json("POST", &path, &body.to_string()).await;
        (status.as_u16(), answer)
    };
    let (_, seen) = shop.json("GET", &path, "").await;
    let corrected = tell(&mut shop, "correct", json!({ "email": "Jane@Example.com" })).await;
    assert_eq!(
        (corrected.0, &corrected.1["email"]),
        (200, &json!("jane@example.com"))
    );
    assert_eq!(corrected.1["state"], "active");
    let mail = world.newest_mail_to(&sold.email).await;
    assert!(mail.subject.contains("was removed"));
    // Who saw the license as it was before changes nothing.
    let late = json!({ "email": "x@example.com", "version": seen["version"] });
    for act in ["correct", "transfer"] {
        assert_eq!(tell(&mut shop, act, late.clone()).await.0, 409, "{act}");
    }
    let late = json!({ "version": seen["version"] });
    assert_eq!(tell(&mut shop, "erase", late).await.0, 409);
    for email in ["x", "jane@example.com"] {
        let answer = tell(&mut shop, "transfer", json!({ "email": email })).await;
        assert_eq!(answer.0, 422, "{email}");
    }
    assert_eq!(tell(&mut shop, "restore", json!({})).await.0, 409);
    assert_eq!(
        tell(&mut shop, "revoke", json!({})).await.1["state"],
        "revoked"
    );
    assert_eq!(
        tell(&mut shop, "restore", json!({})).await.1["state"],
        "active"
    );
    let version = corrected.1["version"].clone();
    assert_ne!(version, seen["version"]);
    let moved = tell(
        &mut shop,
        "transfer",
        json!({ "email": "office@example.org" }),
    )
    .await;
    assert_eq!((moved.0, &moved.1["state"]), (200, &json!("issued")));
    let known = tell(&mut shop, "export", json!({})).await;
    assert_eq!(
        (known.0, &known.1["log"][0]["act"]),
        (200, &json!("exported"))
    );

    let seller = key(&world, "seller", &[Scope::Issue, Scope::ReadAll]).await;
    let mut partner = Visit::new(&world.portal);
    partner.headers = vec![("authorization", seller)];
    for act in ["restore", "erase"] {
        assert_eq!(tell(&mut partner, act, json!({})).await.0, 403, "{act}");
    }
    let stranger = key(
        &world,
        "stranger",
        &[Scope::Issue, Scope::ReadOwn, Scope::Revoke],
    )
    .await;
    partner.headers[0].1 = stranger;
    for act in ["restore", "correct", "transfer", "export", "erase", "seats"] {
        let body = match act {
            "correct" | "transfer" => json!({ "email": "x@example.com" }),
            _ => json!({}),
        };
        assert_eq!(tell(&mut partner, act, body).await.0, 404, "{act}");
    }
    let erased = tell(&mut shop, "erase", json!({})).await;
    assert_eq!((erased.0, &erased.1["email"]), (200, &json!("")));
}
