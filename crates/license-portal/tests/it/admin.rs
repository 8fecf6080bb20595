//! The pages of operators.

use axum::http::{StatusCode, header};
use license_portal::{
    email::EmailAddress,
    model::{Deed, Scope},
    service::{Order, OrderLine},
};
use license_token::LicenseNumber;

use crate::{
    operators::key,
    visit::{Page, Visit},
    world::World,
};

/// Signs an operator in.
pub(crate) async fn sign_in(world: &World, name: &str, scopes: &[Scope]) -> Visit {
    let key = key(world, name, scopes).await;
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/operator").await;
    assert_eq!(page.path, "/operator/sign-in");
    let key = key.trim_start_matches("Bearer ");
    let page = visit
        .send(&page, "/operator/sign-in", &[("key", key)])
        .await;
    assert_eq!(
        (page.status, page.path.as_str()),
        (StatusCode::OK, "/operator")
    );
    visit
}

async fn sell(world: &World, by: Option<&str>, holder: Option<(&str, &str)>) -> String {
    let line = OrderLine {
        is_activated: holder.is_some(),
        holder: holder.map(|(name, company)| (name.into(), company.into())),
        ..OrderLine::to("buyer@example.com")
    };
    let order = Order {
        sold_by: by.map(str::to_owned),
        ..line.into()
    };
    world.portal.issue(&order).await.unwrap().licenses[0].to_string()
}

/// The numbers on a page of licenses.
pub(crate) fn numbers(page: &Page) -> Vec<String> {
    let links = page.html.split("href=\"/operator/licenses/").skip(1);
    links
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_operator_signs_in_finds_a_license_and_helps() {
    let world = World::new().await;
    let sold = sell(
        &world,
        Some("shop"),
        Some(("Zoë <b>Doe", "\"><script>x</script>")),
    )
    .await;
    sell(&world, None, None).await;
    let all = [Scope::Issue, Scope::ReadAll, Scope::Revoke];
    let mut visit = sign_in(&world, "<i>admin", &all).await;
    let page = visit.get("/operator").await;
    assert_eq!(numbers(&page).len(), 2);
    for query in [
        "words=zo%C3%AB",
        "words=%22%3E%3Cscript",
        "show=active",
        "words=buyer&show=active",
    ] {
        let page = visit.get(&format!("/operator?{query}")).await;
        assert_eq!(numbers(&page), std::slice::from_ref(&sold), "{query}");
    }
    assert_eq!(
        numbers(&visit.get("/operator?show=undelivered").await).len(),
        0
    );
    let path = format!("/operator/licenses/{sold}");
    let page = visit.get(&path).await;
    for text in [
        "Zoë &#60;b&#62;Doe",
        "buyer@example.com",
        "Email is waiting",
        "shop",
    ] {
        assert!(page.html.contains(text), "{text}: {}", page.html);
    }
    world.newest_mail().await;
    let page = visit.send(&page, &format!("{path}/resend"), &[]).await;
    assert!(page.html.contains("A new PIN number is on its way."));
    let mail = world.newest_mail().await;
    assert_eq!(
        (mail.to.as_str(), mail.text.contains(&sold)),
        ("buyer@example.com", true)
    );
    let other_tab = visit.get(&path).await;
    let page = visit.send(&page, &format!("{path}/revoke"), &[]).await;
    assert!(page.html.contains("The license is revoked.") && !page.html.contains("/resend"));
    let late = visit.send(&other_tab, &format!("{path}/resend"), &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let log = visit.get("/operator/log").await.html;
    for text in [
        "Revoked",
        "New PIN number mailed",
        "Signed in",
        "&#60;i&#62;admin",
    ] {
        assert!(log.contains(text), "{text}: {log}");
    }
    let acts = world
        .portal
        .store
        .acts(Some("<i>admin"), None, None, 9)
        .await
        .unwrap();
    let deeds: Vec<_> = acts.iter().map(|act| act.deed).collect();
    assert_eq!(deeds, [Deed::Revoked, Deed::Resent, Deed::SignedIn]);

    let page = visit.send(&page, "/operator/sign-out", &[]).await;
    assert_eq!(page.heading(), "Operator sign-in");
    assert_eq!(visit.get(&path).await.path, "/operator/sign-in");
}

#[tokio::test]
async fn a_registered_computer_is_removed() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let body = crate::api::registration(&sold, &sold.pin);
    let mut app = Visit::new(&world.portal);
    assert_eq!(
        app.json("POST", "/api/v1/register", &body).await.0,
        StatusCode::OK
    );
    let mut visit = sign_in(&world, "shop", &[Scope::Issue, Scope::ReadAll]).await;
    let path = format!("/operator/licenses/{}", sold.number);
    let page = visit.get(&path).await;
    let (_, rest) = page
        .html
        .split_once("name=\"installation\" value=\"")
        .unwrap();
    let installation = rest.split('"').next().unwrap().to_owned();
    let forget = format!("{path}/forget");
    let malformed = visit.send(&page, &forget, &[("installation", "x")]).await;
    assert_eq!(malformed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = visit
        .send(&page, &forget, &[("installation", &installation)])
        .await;
    assert!(page.html.contains("The computer was removed.") && !page.html.contains(&forget));
}

#[tokio::test]
async fn a_partner_sees_and_does_only_what_its_key_permits() {
    let world = World::new().await;
    let (mine, other) = (
        sell(&world, Some("partner"), None).await,
        sell(&world, Some("other"), None).await,
    );
    let mut partner = sign_in(&world, "partner", &[Scope::Issue, Scope::ReadOwn]).await;
    let page = partner.get("/operator").await;
    assert_eq!(numbers(&page), std::slice::from_ref(&mine));
    let searched = partner.get(&format!("/operator?words={other}")).await;
    assert_eq!(numbers(&searched), Vec::<String>::new());
    for (number, act, status) in [
        (&other, "resend", StatusCode::NOT_FOUND),
        (&other, "forget", StatusCode::NOT_FOUND),
        (&other, "revoke", StatusCode::FORBIDDEN),
        (&mine, "revoke", StatusCode::FORBIDDEN),
    ] {
        let fields = [("installation", &*"0".repeat(32))];
        let path = format!("/operator/licenses/{number}/{act}");
        let answer = partner.send(&page, &path, &fields).await;
        assert_eq!(answer.status, status, "{path}");
    }
    let hidden = partner.get(&format!("/operator/licenses/{other}")).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    assert!(!partner.get("/operator/log").await.html.contains(&other));
    let shown = partner.get(&format!("/operator/licenses/{mine}")).await;
    assert!(shown.html.contains("/resend") && !shown.html.contains("/revoke"));
    let mut seller = sign_in_without_reading(&world).await;
    for path in ["/operator", "/operator/log"] {
        assert_eq!(
            seller.get(path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

async fn sign_in_without_reading(world: &World) -> Visit {
    let key = key(world, "seller", &[Scope::Issue]).await;
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/operator/sign-in").await;
    let key = key.trim_start_matches("Bearer ");
    visit
        .send(&page, "/operator/sign-in", &[("key", key)])
        .await;
    visit
}

#[tokio::test]
async fn a_key_that_was_removed_does_nothing_more_in_an_open_page() {
    let world = World::new().await;
    let sold = sell(&world, None, None).await;
    let mut visit = sign_in(
        &world,
        "shop",
        &[Scope::Issue, Scope::ReadAll, Scope::Revoke],
    )
    .await;
    let path = format!("/operator/licenses/{sold}");
    let page = visit.get(&path).await;
    let now = world.portal.clock.now();
    assert!(
        world
            .portal
            .store
            .remove_operator("shop", now)
            .await
            .unwrap()
    );
    let answer = visit.send(&page, &format!("{path}/revoke"), &[]).await;
    assert_eq!(answer.heading(), "Operator sign-in");
    assert!(answer.html.contains("You are no longer signed in."));
    let number = LicenseNumber::parse(&sold).unwrap();
    let license = world.portal.store.license(number).await.unwrap().unwrap();
    assert_eq!(license.state.as_str(), "issued");
}

#[tokio::test]
async fn no_other_site_or_browser_acts_for_an_operator() {
    let world = World::new().await;
    let sold = sell(&world, None, None).await;
    let revoke = format!("/operator/licenses/{sold}/revoke");
    let key = key(&world, "shop", &[Scope::ReadAll, Scope::Revoke]).await;
    let key = key.trim_start_matches("Bearer ");
    let mut visit = Visit::new(&world.portal);
    // Who set a cookie of this browser before knows the token of its forms, and a session of the same secret.
    let before = visit.get("/operator/sign-in").await;
    visit.set_cookie("operator", "planted");
    visit
        .send(&before, "/operator/sign-in", &[("key", key)])
        .await;
    assert_ne!(visit.cookie("operator"), "planted");
    assert_eq!(
        visit.send(&before, &revoke, &[]).await.status,
        StatusCode::FORBIDDEN
    );
    let page = visit.get(&format!("/operator/licenses/{sold}")).await;
    visit.headers.push(("sec-fetch-site", "cross-site".into()));
    assert_eq!(
        visit.send(&page, &revoke, &[]).await.status,
        StatusCode::FORBIDDEN
    );
    visit.headers.clear();
    let mut stranger = Visit::new(&world.portal);
    stranger.set_cookie("form", visit.cookie("form"));
    assert_eq!(
        stranger.send(&page, &revoke, &[]).await.path,
        "/operator/sign-in"
    );
    assert_eq!(visit.send(&page, &revoke, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_key_signs_nobody_in_and_is_not_tried_without_end() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    visit.follows = false;
    let page = visit.get("/operator/sign-in").await;
    let mut last = StatusCode::OK;
    for turn in 0..25 {
        let key = format!("kwop_{turn}");
        let sent = visit
            .send(&page, "/operator/sign-in", &[("key", &key)])
            .await;
        assert_eq!(sent.headers[header::LOCATION], "/operator/sign-in");
        let shown = visit.get("/operator/sign-in").await;
        assert!(!shown.html.contains(&key));
        last = shown.status;
        assert_eq!(last == StatusCode::FORBIDDEN, turn < 20, "{turn}");
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_mistyped_address_is_corrected_and_both_addresses_hear_of_it() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    // Who got the mail by mistake has begun to activate.
    let mut wrong_owner = Visit::new(&world.portal);
    let notice = crate::pages::enter(&mut wrong_owner, &sold).await;
    let link = world.newest_link().await;
    let mut visit = sign_in(&world, "shop", &[Scope::Issue, Scope::ReadAll]).await;
    let path = format!("/operator/licenses/{}", sold.number);
    let correct = format!("{path}/correct");
    let page = visit.get(&path).await;
    let seen = hidden(&page, "seen");
    for wrong in ["x", "john.doe@email.com"] {
        let fields = [("seen", &*seen), ("correct", wrong)];
        let page = visit.send(&page, &correct, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            page.html.contains(&format!("value=\"{wrong}\"")),
            "{}",
            page.html
        );
    }
    let fields = [("seen", &*seen), ("correct", "Jane@Example.com")];
    let done = visit.send(&page, &correct, &fields).await;
    assert!(
        done.html.contains("The address is corrected."),
        "{}",
        done.html
    );
    assert!(!done.html.contains("john.doe@email.com\""));
    world.newest_mail().await;
    let mails = world.mailbox.0.lock().unwrap().clone();
    let to = |address: &str| mails.iter().rfind(|mail| mail.to == address).unwrap();
    let told = to("john.doe@email.com");
    assert!(told.text.contains(&sold.number[..4]) && !told.text.contains(&sold.number));
    assert!(!told.text.contains("jane@") && !told.text.contains(&sold.pin));
    let mail = to("jane@example.com");
    assert!(mail.text.contains(&sold.number) && !mail.text.contains(&sold.pin));
    // Nothing is left to who had it.
    assert_eq!(wrong_owner.get(&link).await.status, StatusCode::GONE);
    let ticket = wrong_owner.get(&notice.path).await;
    assert!(ticket.status == StatusCode::GONE && !ticket.html.contains("jane@"));
    // A second tab still shows what was before.
    let fields = [("seen", &*seen), ("transfer", "third@example.com")];
    let stale = visit
        .send(&page, &format!("{path}/transfer"), &fields)
        .await;
    assert_eq!(
        (stale.status, stale.html.contains("third@")),
        (StatusCode::CONFLICT, true)
    );
    let number = LicenseNumber::parse(&sold.number).unwrap();
    let license = world.portal.store.license(number).await.unwrap().unwrap();
    assert_eq!(license.email, "jane@example.com");
}

#[tokio::test]
async fn a_license_goes_to_another_company_and_a_revoked_one_comes_back() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let body = crate::api::registration(&sold, &sold.pin);
    let mut app = Visit::new(&world.portal);
    let (_, answer) = app.json("POST", "/api/v1/register", &body).await;
    let all = [Scope::Issue, Scope::ReadAll, Scope::Revoke];
    let mut visit = sign_in(&world, "shop", &all).await;
    let path = format!("/operator/licenses/{}", sold.number);
    let page = visit.get(&path).await;
    let revoked = visit.send(&page, &format!("{path}/revoke"), &[]).await;
    let restored = visit.send(&revoked, &format!("{path}/restore"), &[]).await;
    assert!(restored.html.contains("as it was before it was revoked"));
    let token = answer["token"].as_str().unwrap();
    let installation = serde_json::from_str::<serde_json::Value>(&body).unwrap();
    let refresh =
        serde_json::json!({ "token": token, "installation": installation["installation"] });
    let refreshed = app
        .json("POST", "/api/v1/refresh", &refresh.to_string())
        .await;
    assert_eq!(refreshed.0, StatusCode::OK);

    let seen = hidden(&restored, "seen");
    let fields = [("seen", &*seen), ("transfer", "office@other.example")];
    let moved = visit
        .send(&restored, &format!("{path}/transfer"), &fields)
        .await;
    assert!(
        moved.html.contains("The license is transferred."),
        "{}",
        moved.html
    );
    let refreshed = app
        .json("POST", "/api/v1/refresh", &refresh.to_string())
        .await;
    assert_eq!(refreshed.0, StatusCode::FORBIDDEN);
    let mail = world.newest_mail_to("office@other.example").await;
    let new = crate::world::Sold {
        email: "office@other.example".into(),
        number: sold.number.clone(),
        pin: crate::world::after(&mail.text, "PIN number: "),
    };
    let mut buyer = Visit::new(&world.portal);
    crate::pages::enter(&mut buyer, &new).await;
    let again = visit.send(&moved, &format!("{path}/restore"), &[]).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
}

pub(crate) fn hidden(page: &Page, name: &str) -> String {
    let (_, rest) = page
        .html
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn personal_data_is_exported_and_erased() {
    let world = World::new().await;
    let sold = sell(&world, None, Some(("Zoë Doe", "Example Ltd"))).await;
    let mut visit = sign_in(&world, "shop", &[Scope::ReadAll, Scope::Revoke]).await;
    let path = format!("/operator/licenses/{sold}");
    let page = visit.get(&path).await;
    let file = visit.send(&page, &format!("{path}/export"), &[]).await;
    let name = file.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(name, format!("attachment; filename=\"{sold}.json\""));
    let known: serde_json::Value = serde_json::from_str(&file.html).unwrap();
    assert_eq!(known["license"]["holder"]["first_name"], "Zoë Doe");
    assert_eq!(known["log"][0]["act"], "exported");
    assert!(!file.html.contains("argon2"));
    let (erase, seen) = (format!("{path}/erase"), hidden(&page, "seen"));
    let heir = EmailAddress::parse("heir@example.com").unwrap();
    let moved = world.portal.hand_over(
        LicenseNumber::parse(&sold).unwrap(),
        &seen,
        &heir,
        true,
        None,
    );
    moved.await.unwrap();
    let stale = visit.send(&page, &erase, &[("seen", &seen)]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let page = visit.get(&path).await;
    let file = visit.send(&page, &format!("{path}/export"), &[]).await;
    assert!(file.html.contains("heir@example.com") && !file.html.contains("buyer@"));
    let seen = hidden(&page, "seen");
    let page = visit.send(&page, &erase, &[("seen", &seen)]).await;
    assert!(page.html.contains("The personal data is erased."));
    for known in [
        "Zoë",
        "Example Ltd",
        "buyer@example.com",
        "heir@example.com",
        "/restore",
        "/erase",
    ] {
        assert!(!page.html.contains(known), "{known}: {}", page.html);
    }
    let mut partner = sign_in(&world, "partner", &[Scope::Issue, Scope::ReadOwn]).await;
    let page = partner.get("/operator").await;
    for (act, status) in [
        ("export", StatusCode::NOT_FOUND),
        ("erase", StatusCode::FORBIDDEN),
    ] {
        let path = format!("{path}/{act}");
        let answer = partner.send(&page, &path, &[("seen", &seen)]).await;
        assert_eq!(answer.status, status, "{act}");
    }
}
