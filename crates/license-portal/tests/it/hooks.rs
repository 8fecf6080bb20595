//! Webhooks: what is told, how often, and whom the portal does not call.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    sync::{Arc, mpsc},
};

use axum::http::StatusCode;
use license_portal::{
    hook::{Teller, signature},
    keys::{HookSecret, Typed},
    model::{Deed, Event, Hook, Scope},
    store::{Store, StoreError},
};
use license_token::LicenseNumber;

use crate::{
    admin::sign_in,
    sample::{DAY, activate, at, number},
    visit::Visit,
    world::World,
};

/// A program that is told: it answers with each status once, and then with the last one.
struct Listener {
    port: u16,
    told: mpsc::Receiver<(String, String)>,
}

fn listen(statuses: &'static [&'static str]) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, told) = mpsc::channel();
    std::thread::spawn(move || {
        for (turn, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut signed, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let line = line.trim_end().to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("webhook-signature: ") {
                    value.clone_into(&mut signed);
                }
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().unwrap();
                }
                if line.is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = statuses.get(turn).or(statuses.last()).unwrap();
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if sender
                .send((signed, String::from_utf8(body).unwrap()))
                .is_err()
            {
                return;
            }
        }
    });
    Listener { port, told }
}

/// Adds a webhook, and returns its secret.
async fn add(world: &World, url: String) -> HookSecret {
    let secret = HookSecret::generate().unwrap();
    let sealed = world
        .portal
        .keys
        .seal_typed(Typed::Hook("shop"), secret.expose());
    let hook = Hook {
        name: "shop".into(),
        url,
        sealed: sealed.unwrap(),
    };
    world
        .portal
        .store
        .add_hook(&hook, world.portal.clock.now())
        .await
        .unwrap();
    secret
}

async fn world(is_private: bool) -> World {
    World::with(|settings| settings.webhook_private = is_private).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_told_what_happens_and_knows_that_the_portal_tells_it() {
    let world = world(true).await;
    let listener = listen(&[
        "503 no",
        "302 elsewhere\r\nlocation: http://127.0.0.1:1/",
        "204 ok",
    ]);
    let secret = add(&world, format!("http://127.0.0.1:{}/hook", listener.port)).await;
    let teller = Teller::new(Arc::clone(&world.portal));
    let sold = world.sell(false).await;
    let number = LicenseNumber::parse(&sold.number).unwrap();
    // It fails twice, and the redirect is not followed.
    for error in ["status 503", "status 302"] {
        assert_eq!(teller.round().await.unwrap(), 1);
        assert_eq!(teller.round().await.unwrap(), 0);
        let hook = world.portal.store.hooks().await.unwrap().remove(0);
        assert_eq!((hook.waiting, hook.last_error.as_deref()), (1, Some(error)));
        world.clock.forward(20);
    }
    let mut visit = Visit::new(&world.portal);
    crate::pages::enter(&mut visit, &sold).await;
    let link = world.newest_link().await;
    let page = visit.get(&link).await;
    let page = visit.send(&page, &format!("{link}/open"), &[]).await;
    visit.send(&page, &link, &crate::pages::HOLDER).await;
    let portal = &world.portal;
    portal.revoke(number, Some("shop")).await.unwrap();
    portal.restore(number, Some("shop")).await.unwrap();
    world.transfer(number, "jane@example.com").await;
    while teller.round().await.unwrap() > 0 {}
    let told: Vec<_> = listener.told.try_iter().collect();
    let mut events: Vec<_> = told
        .iter()
        .skip(2)
        .map(|(signed, body)| {
            let (time, mac) = signed.split_once(",v1=").unwrap();
            let time = time.strip_prefix("t=").unwrap().parse().unwrap();
            assert_eq!(mac, signature(secret.expose(), time, body));
            assert_ne!(mac, signature("kwhs_other", time, body));
            // It names no person.
            assert!(!body.contains('@') && !body.contains("John"), "{body}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(body["license"], sold.number);
            (
                body["id"].as_i64().unwrap(),
                body["event"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    events.sort();
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    assert_eq!(
        events,
        ["issued", "activated", "revoked", "restored", "transferred"]
    );
    let hook = world.portal.store.hooks().await.unwrap().remove(0);
    assert_eq!((hook.told, hook.waiting, hook.last_error), (5, 0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_portal_calls_nobody_in_its_own_network() {
    let world = world(false).await;
    let listener = listen(&["204 ok"]);
    let teller = Teller::new(Arc::clone(&world.portal));
    for (url, error) in [
        (format!("http://127.0.0.1:{}/", listener.port), "not https"),
        (format!("https://127.0.0.1:{}/", listener.port), "private"),
        (
            format!("https://[::ffff:127.0.0.1]:{}/", listener.port),
            "private",
        ),
        (format!("https://localhost:{}/", listener.port), "private"),
        (format!("https://0x7f000001:{}/", listener.port), "private"),
    ] {
        add(&world, url.clone()).await;
        let said = teller.test("shop").await.unwrap().unwrap().unwrap_err();
        let hook = world.portal.store.hooks().await.unwrap().remove(0);
        assert!(said.contains(error), "{url}: {said}");
        assert_eq!((hook.waiting, hook.last_error), (1, Some(said)));
        let now = world.portal.clock.now();
        assert!(world.portal.store.remove_hook("shop", now).await.unwrap());
    }
    assert!(listener.told.try_recv().is_err());
}

#[tokio::test]
async fn what_cannot_be_told_is_given_up_after_a_day() {
    let world = world(true).await;
    add(&world, "http://127.0.0.1:1/".into()).await;
    let teller = Teller::new(Arc::clone(&world.portal));
    assert!(teller.test("shop").await.unwrap().unwrap().is_err());
    let mut tries = 1;
    for _ in 0..40 {
        world.clock.forward(3600);
        tries += teller.round().await.unwrap();
    }
    let hook = world.portal.store.hooks().await.unwrap().remove(0);
    assert_eq!((tries, hook.waiting, hook.failed), (30, 0, 1));
    assert_eq!(hook.last_error.as_deref(), Some("no connection"));
}

#[tokio::test]
async fn a_trial_says_what_became_of_it_whatever_became_of_others() {
    let world = world(true).await;
    let teller = Teller::new(Arc::clone(&world.portal));
    assert_eq!(teller.test("shop").await.unwrap(), None);
    let listener = listen(&["410 gone", "204 ok"]);
    add(&world, format!("http://127.0.0.1:{}/", listener.port)).await;
    // One that waits, with an error, for another try.
    let gone = teller.test("shop").await.unwrap().unwrap();
    assert_eq!(gone, Err("status 410".to_owned()));
    // Nobody else takes the trial, and it tells nothing else.
    let (left, right) = tokio::join!(teller.test("shop"), teller.round());
    assert_eq!((left.unwrap(), right.unwrap()), (Some(Ok(())), 0));
    let hook = world.portal.store.hooks().await.unwrap().remove(0);
    assert_eq!((hook.told, hook.waiting), (1, 1));
}

#[tokio::test]
async fn the_page_shows_webhooks_to_who_reads_everything() {
    let world = world(true).await;
    add(&world, "http://127.0.0.1:1/\"><script>".into()).await;
    let mut admin = sign_in(&world, "admin", &[Scope::ReadAll]).await;
    let page = admin.get("/operator/webhooks").await;
    assert!(
        page.html.contains("Told: 0 · waiting: 0 · given up: 0"),
        "{}",
        page.html
    );
    let mut partner = sign_in(&world, "partner", &[Scope::Issue, Scope::ReadOwn]).await;
    assert!(
        !partner
            .get("/operator")
            .await
            .html
            .contains("/operator/webhooks")
    );
    assert_eq!(
        partner.get("/operator/webhooks").await.status,
        StatusCode::FORBIDDEN
    );
}

pub(crate) async fn what_happens_is_queued_for_every_webhook_and_told_once(store: Store) {
    let hook = |name: &str| Hook {
        name: name.into(),
        url: "https://a.example/".into(),
        sealed: vec![1, 2],
    };
    store.add_hook(&hook("a"), at(0)).await.unwrap();
    assert!(matches!(
        store.add_hook(&hook("a"), at(0)).await,
        Err(StoreError::Exists)
    ));
    store.add_hook(&hook("b"), at(0)).await.unwrap();
    activate(&store, 1).await;
    assert_eq!(
        store.acts(None, None, None, 1).await.unwrap()[0].deed,
        Deed::Sold
    );
    let claims = (0..4).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.claim_notices(at(9), at(99), 3).await.unwrap() })
    });
    let mut notices = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        notices.extend(claim.await.unwrap());
    }
    notices.sort_by_key(|notice| notice.id);
    notices.dedup_by_key(|notice| notice.id);
    let events: Vec<_> = notices.iter().map(|notice| &*notice.event).collect();
    let [issued, activated] = [Event::Issued, Event::Activated].map(Event::as_str);
    assert_eq!(events, [issued, issued, activated, activated]);
    assert!(
        notices
            .iter()
            .all(|notice| notice.attempts == 1 && notice.sealed == [1, 2])
    );
    assert_eq!(notices[0].license.as_deref(), Some(&*number(1).to_string()));
    store.told(notices[0].id, at(10)).await.unwrap();
    // Somebody slower, whose claim has ended, had no answer.
    store
        .not_told(notices[0].id, None, at(11), "late")
        .await
        .unwrap();
    store
        .not_told(notices[1].id, Some(at(20)), at(10), "down")
        .await
        .unwrap();
    store
        .not_told(notices[2].id, None, at(10), "gone")
        .await
        .unwrap();
    assert!(
        store
            .claim_notices(at(19), at(98), 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.claim_notices(at(20), at(98), 9).await.unwrap().len(),
        1
    );
    // Whose claim has ended without an answer is told again.
    assert_eq!(
        store.claim_notices(at(99), at(200), 9).await.unwrap().len(),
        2
    );
    store.prune(at(31 * DAY)).await.unwrap();
    let states = store.hooks().await.unwrap();
    let sums = states.iter().fold((0, 0, 0), |sum, hook| {
        (sum.0 + hook.told, sum.1 + hook.waiting, sum.2 + hook.failed)
    });
    assert_eq!((states.len(), sums), (2, (0, 2, 0)));
    assert!(store.remove_hook("a", at(9)).await.unwrap());
    assert!(!store.remove_hook("a", at(9)).await.unwrap());
    assert_eq!(store.hooks().await.unwrap().len(), 1);
}
