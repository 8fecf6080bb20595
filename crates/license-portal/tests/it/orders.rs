//! Orders: many licenses in one mail, placed once.

use axum::http::StatusCode;
use license_portal::{
    model::{ClaimedMail, MailKind, NewMail, NewOrder, Placing, Repeat, Sale, Scope},
    store::Store,
};
use serde_json::json;

use crate::{
    admin::{hidden, numbers, sign_in},
    operators::{key, operator},
    sample::{DAY, at, issue, mail, number, order, sale},
    visit::Visit,
    world::{World, sold_in},
};

fn repeated(body: &str, seeds: impl IntoIterator<Item = u8>) -> NewOrder {
    NewOrder {
        repeat: Some(Repeat {
            key: "key".into(),
            body: body.into(),
        }),
        ..order(seeds.into_iter().map(sale))
    }
}

pub(crate) async fn an_order_is_placed_once_with_its_key(store: Store) {
    issue(&store, 9).await;
    let first = store.issue(&repeated("a", [2, 1]), at(0)).await.unwrap();
    let Placing::Done(placed) = &first else {
        panic!("{first:?}")
    };
    let mut numbers = [number(1), number(2)];
    numbers.sort_by_key(ToString::to_string);
    assert_eq!(placed.licenses, numbers);
    let again = store.issue(&repeated("a", [3, 4]), at(29 * DAY)).await;
    assert_eq!(again.unwrap(), first);
    let other = store.issue(&repeated("b", [3]), at(1)).await.unwrap();
    assert_eq!(other, Placing::OtherBody);
    assert!(store.license(number(3)).await.unwrap().is_none());
    let license = store.license(number(1)).await.unwrap().unwrap();
    assert_eq!(license.order, Some(placed.order));
    // Of an order with a number that is taken, its key is free again.
    store.prune(at(29 * DAY)).await.unwrap();
    assert_eq!(
        store.issue(&repeated("a", [5]), at(2)).await.unwrap(),
        first
    );
    store.prune(at(31 * DAY)).await.unwrap();
    assert!(store.issue(&repeated("b", [9]), at(2)).await.is_err());
    let new = store.issue(&repeated("b", [6]), at(2)).await.unwrap();
    assert!(matches!(new, Placing::Done(new) if new.licenses == [number(6)]));
}

pub(crate) async fn many_repetitions_at_once_place_one_order(store: Store) {
    let tries = (1..=8).map(|seed| {
        let store = store.clone();
        tokio::spawn(async move { store.issue(&repeated("a", [seed]), at(0)).await.unwrap() })
    });
    let mut answers = Vec::new();
    for attempt in tries.collect::<Vec<_>>() {
        answers.push(attempt.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(store.counts().await.unwrap().issued, 1);
}

pub(crate) async fn what_waits_for_one_address_with_one_order_is_one_mail(store: Store) {
    let to = |seed, recipient: &str| Sale {
        mail: NewMail {
            recipient: recipient.into(),
            ..mail(seed, MailKind::License)
        },
        ..sale(seed)
    };
    let sales = [to(1, "a"), to(2, "b"), to(3, "a"), to(4, "a")];
    store.issue(&order(sales), at(0)).await.unwrap();
    let parts = |mails: &[ClaimedMail]| {
        let parts = mails.iter().map(|mail| mail.parts.iter());
        let mut seeds: Vec<Vec<_>> = parts
            .map(|parts| parts.map(|part| part.sealed[0]).collect())
            .collect();
        seeds.sort();
        seeds
    };
    let first = store.claim("one", at(0), at(60), 1, false).await.unwrap();
    let second = store.claim("two", at(0), at(60), 9, false).await.unwrap();
    assert_eq!(parts(&first), [vec![1, 3, 4]]);
    assert_eq!(parts(&second), [vec![2]]);
    store.failed(&first[0], "one", at(9), "down").await.unwrap();
    assert!(
        store
            .claim("two", at(8), at(60), 9, false)
            .await
            .unwrap()
            .is_empty()
    );
    // Who has got another PIN meanwhile gets a mail of its own; the others stay together.
    let resent = NewMail {
        sealed: vec![7],
        ..mail(1, MailKind::License)
    };
    assert!(
        store
            .replace_pin(number(1), "new", &resent, None, at(9))
            .await
            .unwrap()
    );
    let again = store.claim("two", at(9), at(60), 9, false).await.unwrap();
    assert_eq!(parts(&again), [vec![3, 4], vec![7]]);
    for mail in &again {
        assert!(store.delivered(mail, "two", at(10)).await.unwrap());
    }
    assert!(store.delivered(&second[0], "two", at(10)).await.unwrap());
    assert_eq!(store.counts().await.unwrap().mails_waiting, 0);
    // What is refused for good fails for each of its licenses.
    store
        .issue(&order([to(5, "c"), to(6, "c")]), at(20))
        .await
        .unwrap();
    let mails = store.claim("one", at(20), at(60), 9, false).await.unwrap();
    store
        .gave_up(&mails[0], "one", at(21), "no such user")
        .await
        .unwrap();
    assert_eq!(store.counts().await.unwrap().mails_undeliverable, 2);
}

#[tokio::test]
async fn an_order_is_one_mail_and_repeating_it_sells_nothing_more() {
    let world = World::new().await;
    let mut shop = Visit::new(&world.portal);
    shop.headers = vec![
        ("authorization", operator(&world).await),
        ("idempotency-key", "invoice-17".into()),
    ];
    let path = "/api/v1/operator/licenses";
    let body = json!({ "email": "office@example.com", "count": 10, "seats": 2 }).to_string();
    let first = shop.json("POST", path, &body).await;
    assert_eq!(first.0, StatusCode::CREATED);
    assert_eq!(shop.json("POST", path, &body).await, first);
    let other = body.replace("10", "11");
    let (status, answer) = shop.json("POST", path, &other).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer["error"], "other-order");
    assert!(answer["message"].as_str().unwrap().contains("new key"));
    let mail = world.newest_mail().await;
    assert_eq!(world.mailbox.0.lock().unwrap().len(), 1);
    let sold = sold_in(&mail.text);
    assert_eq!(sold.len(), 10);
    let known = first.1["licenses"].as_array().unwrap();
    for (number, pin) in &sold {
        assert!(known.contains(&json!(number)) && pin.len() == 8, "{number}");
    }
    let (_, found) = shop
        .json(
            "GET",
            &format!("{path}?order={}&limit=4", first.1["order"]),
            "",
        )
        .await;
    let found = (
        found["licenses"].as_array().unwrap().len(),
        found["next"].as_str(),
    );
    assert_eq!((found.0, found.1.is_some()), (4, true));
    // Another operator's key of the same name is another order's.
    let mut partner = Visit::new(&world.portal);
    partner.headers = vec![
        (
            "authorization",
            key(&world, "partner", &[Scope::Issue]).await,
        ),
        ("idempotency-key", "invoice-17".into()),
    ];
    assert_eq!(
        partner.json("POST", path, &other).await.0,
        StatusCode::CREATED
    );
    for wrong in ["", "a b", &"x".repeat(129)] {
        partner.headers[1].1 = wrong.into();
        let (status, _) = partner.json("POST", path, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
}

#[tokio::test]
async fn an_operator_changes_the_number_of_computers() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let mut shop = Visit::new(&world.portal);
    shop.headers = vec![("authorization", operator(&world).await)];
    let path = format!("/api/v1/operator/licenses/{}/seats", sold.number);
    let (status, report) = shop.json("POST", &path, r#"{"seats":1}"#).await;
    assert_eq!((status, &report["seats"]), (StatusCode::OK, &json!(1)));
    let mut app = Visit::new(&world.portal);
    let first = crate::api::registration(&sold, &sold.pin);
    assert_eq!(
        app.json("POST", "/api/v1/register", &first).await.0,
        StatusCode::OK
    );
    let mut second: serde_json::Value = serde_json::from_str(&first).unwrap();
    second["installation"] = json!("f".repeat(32));
    let (status, answer) = app
        .json("POST", "/api/v1/register", &second.to_string())
        .await;
    assert_eq!((status, &answer["most"]), (StatusCode::CONFLICT, &json!(1)));
    for wrong in [r#"{"seats":0}"#, r#"{"seats":10001}"#, r#"{"seats":-1}"#] {
        let (status, _) = shop.json("POST", &path, wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let (_, report) = shop.json("POST", &path, r#"{"seats":null}"#).await;
    assert_eq!(report["seats"], json!(null));
    assert_eq!(
        app.json("POST", "/api/v1/register", &second.to_string())
            .await
            .0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_order_on_the_page_is_placed_once() {
    let world = World::new().await;
    let mut shop = sign_in(&world, "shop", &[Scope::Issue, Scope::ReadOwn]).await;
    let path = "/operator/order";
    let page = shop.get(path).await;
    let key = hidden(&page, "key");
    let long = "x".repeat(101);
    let evil = "\"><script>alert(1)</script>";
    let fields = |email: &'static str, count, seats, holder, company| {
        [
            ("key", key.clone()),
            ("email", email.to_owned()),
            ("count", String::from(count)),
            ("language", "de".to_owned()),
            ("seats", String::from(seats)),
            ("holder", String::from(holder)),
            ("company", String::from(company)),
        ]
    };
    let send = async |shop: &mut Visit, fields: [(&str, String); 7]| {
        let fields = fields
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        shop.send(&page, path, &fields).await
    };
    for (email, count, seats, holder, company) in [
        ("x", "2", "", "", ""),
        ("a@b.example", "0", "", "", ""),
        ("a@b.example", "101", "", "", ""),
        ("a@b.example", "2", "0", "", ""),
        ("a@b.example", "2", "many", "", ""),
        ("a@b.example", "2", "", "", evil),
        ("a@b.example", "2", "", &*long, ""),
    ] {
        let page = send(&mut shop, fields(email, count, seats, holder, company)).await;
        assert_eq!(
            page.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{email} {count} {seats}"
        );
        assert!(
            page.html.contains(&format!("value=\"{email}\"")),
            "{}",
            page.html
        );
        // It may have been placed without an answer: what is sent again is the same order.
        assert_eq!(hidden(&page, "key"), key);
    }
    assert!(world.mailbox.0.lock().unwrap().is_empty());
    let right = || fields("a@b.example", "3", "2", evil, "A & B");
    let placed = send(&mut shop, right()).await;
    assert!(
        placed.html.contains("Order 1 is placed."),
        "{}",
        placed.html
    );
    // The button was pressed twice.
    let again = send(&mut shop, right()).await;
    assert!(again.html.contains("Order 1 is placed."), "{}", again.html);
    let found = shop.get("/operator?order=1").await;
    let sold = numbers(&found);
    assert_eq!(sold.len(), 3);
    let license = shop.get(&format!("/operator/licenses/{}", sold[0])).await;
    assert!(
        license
            .html
            .contains("Registered on 0 of 2 possible computers.")
    );
    assert!(license.html.contains("href=\"/operator?order=1\""));
    let mail = world.newest_mail().await;
    assert!(mail.text.contains("Ihre Lizenzen sind aktiv.") && mail.text.contains(&sold[2]));
    // Another order of the same page is another one.
    let other = send(&mut shop, fields("a@b.example", "4", "", "", "")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    let next = hidden(&other, "key");
    assert_ne!(next, key);
    let mut another = fields("a@b.example", "4", "", "", "");
    another[0].1 = next;
    let other = send(&mut shop, another).await;
    assert!(other.html.contains("Order 2 is placed."), "{}", other.html);
    assert_ne!(hidden(&shop.get(path).await, "key"), key);
    let mut auditor = sign_in(&world, "auditor", &[Scope::ReadAll]).await;
    assert_eq!(auditor.get(path).await.status, StatusCode::FORBIDDEN);
    let page = auditor.get("/operator").await;
    let fields = right();
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let answer = auditor.send(&page, path, &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    // What a partner did not sell is in no order of its own.
    let mut partner = sign_in(&world, "partner", &[Scope::Issue, Scope::ReadOwn]).await;
    assert!(numbers(&partner.get("/operator?order=1").await).is_empty());
}

#[tokio::test]
async fn of_two_tabs_that_change_the_number_of_computers_the_second_is_told() {
    let world = World::new().await;
    let sold = world.sell(true).await;
    let mut shop = sign_in(&world, "shop", &[Scope::Issue, Scope::ReadAll]).await;
    let path = format!("/operator/licenses/{}", sold.number);
    let change = format!("{path}/seats");
    let page = shop.get(&path).await;
    let seen = hidden(&page, "seen");
    for wrong in ["0", "10001", "-1", "five"] {
        let fields = [("seen", &*seen), ("seats", wrong)];
        let page = shop.send(&page, &change, &fields).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let done = shop
        .send(&page, &change, &[("seen", &*seen), ("seats", "7")])
        .await;
    assert!(
        done.html.contains("Registered on 0 of 7 possible"),
        "{}",
        done.html
    );
    let late = shop
        .send(&page, &change, &[("seen", &*seen), ("seats", "3")])
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let seen = hidden(&done, "seen");
    let usual = shop
        .send(&done, &change, &[("seen", &*seen), ("seats", "")])
        .await;
    assert!(usual.html.contains("Registered on 0 of 5 possible"));
}
