//! The pages of operators, and what the store keeps for them.

use axum::http::{StatusCode, header};
use license_portal::{
    model::{Deed, Filter, Holder, NewOperator, Scope},
    service::IssueOrder,
    store::Store,
};
use license_token::LicenseNumber;

use crate::{
    operators::key,
    sample::{at, issue, number, sale},
    visit::{Page, Visit},
    world::World,
};

pub(crate) async fn a_license_is_found_by_what_is_known_of_it(store: Store) {
    issue(&store, 1).await;
    let holder = Holder {
        first_name: "Zoë".into(),
        last_name: "Öztürk".into(),
        company: "100% Safe_Co!".into(),
        ..Holder::default()
    };
    store.issue(&[sale(2)], Some(&holder), at(0)).await.unwrap();
    let found = async |words: &str| {
        let filter = Filter {
            words: Some(words.into()),
            limit: 9,
            ..Filter::default()
        };
        let found = store.list(&filter).await.unwrap();
        let numbers = found.into_iter().map(|found| found.license.number);
        numbers.collect::<Vec<_>>()
    };
    for words in [
        "zoë öztürk",
        "Zoë Öz",
        "öztürk",
        "SAFE_co!",
        "100% s",
        &number(2).to_string()[..9].to_lowercase(),
    ] {
        assert_eq!(found(words).await, [number(2)], "{words}");
    }
    // The characters of a pattern are ordinary ones.
    for words in ["safe%co", "1_0%", "nobody"] {
        assert_eq!(found(words).await, [], "{words}");
    }
    assert_eq!(found("@").await.len(), 2);
}

pub(crate) async fn every_act_is_in_the_log_the_newest_first(store: Store) {
    issue(&store, 1).await;
    let (license, mail) = sale(1);
    let by = Some("shop");
    assert!(
        store
            .replace_pin(license.number, "new", &mail, by, at(1))
            .await
            .unwrap()
    );
    assert!(store.revoke(license.number, by, at(2)).await.unwrap());
    // What changes nothing is no act.
    assert!(!store.revoke(license.number, by, at(3)).await.unwrap());
    assert_eq!(store.forget(number(1), None, by, at(3)).await.unwrap(), 0);
    issue(&store, 2).await;
    let deeds = async |operator, license, before| {
        let acts = store.acts(operator, license, before, 9).await.unwrap();
        acts.iter().map(|act| act.deed).collect::<Vec<_>>()
    };
    let all = [Deed::Sold, Deed::Revoked, Deed::Resent, Deed::Sold];
    assert_eq!(deeds(None, None, None).await, all);
    assert_eq!(deeds(None, Some(number(1)), None).await, all[1..]);
    assert_eq!(deeds(by, None, None).await, all[1..3]);
    let newest = store.acts(None, None, None, 2).await.unwrap();
    assert_eq!(deeds(None, None, Some(newest[1].id)).await, all[2..]);
    assert_eq!((newest[1].operator.as_deref(), newest[1].at), (by, at(2)));
    assert_eq!(newest[0].operator, None);
    for deed in Deed::ALL {
        assert_eq!(Deed::parse(deed.as_str()), Some(deed));
    }
}

pub(crate) async fn a_session_ends_with_its_time_its_key_or_by_signing_out(store: Store) {
    let add = async |end| {
        let operator = NewOperator {
            name: "shop".into(),
            hash: [1; 32],
            scopes: vec![Scope::Issue],
            expires_at: Some(at(end)),
        };
        store.add_operator(&operator, at(0)).await.unwrap();
    };
    add(50).await;
    let is_open = async |seed, time| {
        let found = store.session([seed; 32], at(time)).await.unwrap();
        found.is_some_and(|operator| operator.name == "shop")
    };
    for (seed, end) in [(1, 10), (2, 100), (3, 100)] {
        let opened = store.open_session([seed; 32], "shop", at(end), at(0)).await;
        opened.unwrap();
    }
    assert!(is_open(1, 9).await && !is_open(1, 10).await);
    assert!(is_open(2, 49).await && !is_open(2, 50).await && !is_open(4, 1).await);
    store.close_session([2; 32]).await.unwrap();
    assert!(!is_open(2, 1).await && is_open(3, 1).await);
    // Another key of the same name opens no session again.
    assert!(store.remove_operator("shop", at(1)).await.unwrap());
    add(50).await;
    assert!(!is_open(3, 1).await);
}

/// Signs an operator in.
async fn sign_in(world: &World, name: &str, scopes: &[Scope]) -> Visit {
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
    let order = IssueOrder {
        email: "buyer@example.com".into(),
        count: 1,
        is_activated: holder.is_some(),
        holder: holder.map(|(name, company)| (name.into(), company.into())),
        language: license_portal::language::Language::En,
        sold_by: by.map(str::to_owned),
    };
    world.portal.issue(&order).await.unwrap()[0].to_string()
}

/// The numbers on a page of licenses.
fn numbers(page: &Page) -> Vec<String> {
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
    let page = visit.send(&page, &format!("{path}/revoke"), &[]).await;
    assert!(page.html.contains("The license is revoked.") && !page.html.contains("/resend"));
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
