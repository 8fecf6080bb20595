//! What pages must not reveal, and what they must refuse.

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use license_portal::{language::Language, model::LicenseState};
use license_token::LicenseNumber;

use crate::{
    pages::{HOLDER, enter, open, other_pin, state},
    visit::Visit,
    world::{Sold, World},
};

#[tokio::test]
async fn what_is_wrong_is_not_told_and_costs_the_same() {
    let world = World::with(|settings| settings.paces.license.burst = 100).await;
    let sold = world.sell(false).await;
    let wrong = [
        Sold {
            pin: other_pin(&sold.pin),
            ..sold.clone()
        },
        Sold {
            number: LicenseNumber::generate([3; 15]).to_string(),
            ..sold.clone()
        },
        Sold {
            email: "someone.else@email.com".into(),
            ..sold.clone()
        },
    ];
    let mut pages = Vec::new();
    let mut times = Vec::new();
    for sold in &wrong {
        let mut visit = Visit::new(&world.portal);
        let mut fastest = Duration::MAX;
        for _ in 0..4 {
            let page = visit.get("/").await;
            let fields = [
                ("email", &*sold.email),
                ("license", &*sold.number),
                ("pin", &*sold.pin),
            ];
            let start = Instant::now();
            let answer = visit.send(&page, "/", &fields).await;
            fastest = fastest.min(start.elapsed());
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            let html = answer
                .html
                .replace(&answer.token(), "")
                .replace(&sold.email, "")
                .replace(&sold.number, "");
            assert!(!html.contains(&sold.pin));
            pages.push(html);
        }
        times.push(fastest);
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    // Each costs one Argon2id hash: without it, an answer would take a hundredth of the time.
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    // On a busy machine two hashes may differ by a multiple.
    assert!(*most < *least * 20, "{times:?}");
    assert_eq!(state(&world, &sold).await, LicenseState::Issued);
}

#[tokio::test]
async fn a_form_that_is_not_ours_does_nothing() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let fields = [
        ("email", &*sold.email),
        ("license", &*sold.number),
        ("pin", &*sold.pin),
    ];
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/").await;

    let mut stranger = Visit::new(&world.portal);
    let answer = stranger.send(&page, "/", &fields).await;
    assert_eq!(
        (answer.status, answer.heading().as_str()),
        (StatusCode::FORBIDDEN, "Activate your license")
    );
    assert!(answer.html.contains("Please send the form again"));

    let mut forged = vec![("token", "AAAA")];
    forged.extend(fields);
    assert_eq!(visit.post("/", &forged).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        visit.post("/", &fields).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        visit.headers = vec![(name, value.into())];
        assert_eq!(
            visit.send(&page, "/", &fields).await.status,
            StatusCode::FORBIDDEN,
            "{name}"
        );
    }
    visit.headers = vec![
        ("sec-fetch-site", "same-origin".into()),
        ("origin", "http://127.0.0.1:8480".into()),
    ];
    assert_eq!(state(&world, &sold).await, LicenseState::Issued);
    assert_eq!(
        visit.send(&page, "/", &fields).await.heading(),
        "Verification email"
    );
}

#[tokio::test]
async fn a_button_that_another_site_presses_does_nothing() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let notice = enter(&mut visit, &sold).await;
    let link = world.newest_link().await;
    let button = visit.get(&link).await;
    let mut stranger = Visit::new(&world.portal);
    stranger.get("/").await;
    for language in ["", "?lang=de"] {
        for action in [
            &notice.path,
            &format!("{link}/open"),
            &format!("{link}/renew"),
        ] {
            let pressed = stranger
                .send(&button, &format!("{action}{language}"), &[])
                .await;
            assert_eq!(pressed.status, StatusCode::FORBIDDEN, "{action}");
        }
    }
    let mails = world.mailbox.0.lock().unwrap().len();
    world.newest_mail().await;
    assert_eq!(world.mailbox.0.lock().unwrap().len(), mails);
    assert_eq!(visit.get(&link).await.heading(), "Complete your activation");
    assert!(!visit.get(&link).await.html.contains(&sold.number));
}

#[tokio::test]
async fn after_a_few_wrong_pins_even_the_right_one_has_to_wait() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let unknown = LicenseNumber::generate([9; 15]).to_string();
    for number in [&sold.number, &unknown] {
        let mut visit = Visit::new(&world.portal);
        let wrong = Sold {
            number: number.clone(),
            pin: other_pin(&sold.pin),
            ..sold.clone()
        };
        for _ in 0..5 {
            assert_eq!(
                enter(&mut visit, &wrong).await.status,
                StatusCode::FORBIDDEN
            );
        }
        let slow = enter(
            &mut visit,
            &Sold {
                number: number.clone(),
                ..sold.clone()
            },
        )
        .await;
        assert_eq!(slow.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(slow.html.contains("in 3 min"));
    }
    world.clock.forward(180);
    let mut visit = Visit::new(&world.portal);
    assert_eq!(
        enter(&mut visit, &sold).await.heading(),
        "Verification email"
    );
}

#[tokio::test]
async fn an_address_that_tries_many_numbers_has_to_wait() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    for seed in 0..20 {
        let number = LicenseNumber::generate([seed; 15]).to_string();
        let answer = enter(
            &mut visit,
            &Sold {
                number,
                ..sold.clone()
            },
        )
        .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(
        enter(&mut visit, &sold).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    // The header counts only from a trusted proxy.
    visit.headers = vec![("x-forwarded-for", "198.51.100.7".into())];
    assert_eq!(
        enter(&mut visit, &sold).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn every_page_in_every_language_is_complete_strict_and_labeled() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    let mut visit = Visit::new(&world.portal);
    let notice = enter(&mut visit, &sold).await.path;
    let link = world.newest_link().await;
    let paths = [
        "/",
        &notice,
        &link,
        "/purchase",
        "/download",
        "/offline",
        "/nothing",
        "/activation/none",
    ];
    for language in Language::ALL {
        visit.headers = vec![(
            "accept-language",
            format!("{}-XX,xx;q=0.5", language.as_str()),
        )];
        for path in paths {
            let page = visit.get(path).await;
            let html = &page.html;
            assert!(
                html.contains(&format!("<html lang=\"{}\">", language.as_str())),
                "{path}"
            );
            assert!(
                html.contains("support@keywriter.example") && html.contains("tel:+442079460123"),
                "{path}"
            );
            assert!(!html.contains("style="), "{path}");
            assert_eq!(html.matches("<h1>").count(), 1, "{path}");
            let texts = html.split('>').filter_map(|part| part.split('<').next());
            assert!(
                texts.clone().all(|text| !text.trim().starts_with('[')),
                "{path}"
            );
            for input in html
                .split("<input")
                .skip(1)
                .chain(html.split("<textarea").skip(1))
            {
                let tag = input.split('>').next().unwrap();
                let id = tag
                    .split("id=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                let is_labeled =
                    id.is_some_and(|id| html.contains(&format!("<label for=\"{id}\">")));
                assert!(
                    tag.contains("type=\"hidden\"") || is_labeled,
                    "{path}: {tag}"
                );
            }
            let policy = page.headers[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
            assert_eq!(page.headers[header::CACHE_CONTROL], "no-store");
            assert_eq!(page.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(page.headers[header::CONTENT_LANGUAGE], language.as_str());
        }
    }
}

#[tokio::test]
async fn malformed_and_oversized_forms_get_a_clear_page() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    let page = visit.get("/").await;
    let large = "x".repeat(license_portal::web::BODY);
    let answer = visit.send(&page, "/", &[("email", &large)]).await;
    assert_eq!(
        (answer.status, answer.heading().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "The form could not be read")
    );
    let answer = visit.send(&page, "/", &[("email", "a@b.example")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let answer = visit.send(&page, "/purchase", &[]).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn no_path_leads_to_another_site() {
    let world = World::new().await;
    let mut visit = Visit::new(&world.portal);
    for path in [
        "//evil.example/login",
        "///evil.example",
        "/\\evil.example",
        "/\\/evil.example",
        "//evil.example/activation/x/renew",
    ] {
        let request = Request::get(format!("{path}?lang=de")).body(Body::empty());
        let page = visit.once(request.unwrap(), path).await;
        let location = page.headers[header::LOCATION].to_str().unwrap();
        assert!(location.starts_with("/evil.example"), "{path}: {location}");
        let page = visit.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        for attribute in ["href=\"", "action=\""] {
            for link in page.html.split(attribute).skip(1) {
                assert!(
                    !link.starts_with("//") && !link.starts_with("/\\"),
                    "{path}: {link}"
                );
            }
        }
    }
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_pin_link_or_token_is_ever_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Global: the databases log from their own threads. Logs of other tests do no harm.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let secrets = {
        let world = World::new().await;
        let sold = world.sell(false).await;
        let mut visit = Visit::new(&world.portal);
        enter(&mut visit, &sold).await;
        let link = world.newest_link().await;
        let form = open(&mut visit, &link).await;
        visit.send(&form, &link, &HOLDER).await;
        let body = format!(
            r#"{{"license":"{}","pin":"{}","installation":"{}"}}"#,
            sold.number,
            sold.pin,
            "05".repeat(16)
        );
        let (status, answer) = visit.json("POST", "/api/v1/register", &body).await;
        assert_eq!(status, StatusCode::OK);
        let token = answer["token"]
            .as_str()
            .unwrap()
            .lines()
            .nth(1)
            .unwrap()
            .to_owned();
        [
            sold.pin,
            link.rsplit('/').next().unwrap().to_owned(),
            token,
            form.token(),
        ]
    };
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("INSERT INTO licenses"), "nothing was captured");
    for secret in secrets {
        assert!(!log.contains(&secret));
    }
}
