//! Pages and registrations per second, each beside what bounds it, in one run: `cargo bench -p license-portal`.
//!
//! A page is compared with a bare handler of the same framework; a registration, which has to compare a PIN, with the
//! Argon2id hash that it consists of.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark may panic"
)]

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::{Router, body::Body, http::Request, routing::get};
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use license::{Pin, SigningKey};
use license_portal::{
    clock::SystemClock,
    keys::PortalKeys,
    language::Language,
    mail::{
        courier::{Courier, CourierError, Parcel},
        outbox::Postman,
    },
    metrics::Metrics,
    model::Pace,
    pin_hash::PinHasher,
    portal::{Paces, Portal, Settings},
    service::IssueOrder,
    store, web,
};
use tokio::sync::Notify;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let portal = Arc::new(portal(folder.path()).await);
    let sold = sell(&portal, 20).await;
    let bare = serve(Router::new().route("/", get(async || "bare"))).await;
    let ours = serve(web::router(Arc::clone(&portal))).await;

    let page = |base: SocketAddr| {
        move |_| {
            Request::get(format!("http://{base}/"))
                .body(Body::empty())
                .unwrap()
        }
    };
    let bare_rate = rate(page(bare)).await;
    let page_rate = rate(page(ours)).await;
    println!("bare handler       {bare_rate:>8.0} /s");
    println!(
        "activation page    {page_rate:>8.0} /s   {:.2} of the bare handler",
        page_rate / bare_rate
    );

    let hash_rate = hashes(&portal.hasher).await;
    let register_rate = rate(|turn: usize| {
        let (license, pin) = &sold[turn % sold.len()];
        let body =
            format!(r#"{{"license":"{license}","pin":"{pin}","installation":"{turn:032x}"}}"#);
        Request::post(format!("http://{ours}/api/v1/register"))
            .body(Body::from(body))
            .unwrap()
    })
    .await;
    println!("Argon2id hashes    {hash_rate:>8.0} /s");
    println!(
        "registrations      {register_rate:>8.0} /s   {:.2} of the hashes",
        register_rate / hash_rate
    );
}

/// Requests per second over some connections; every answer has to be a success.
async fn rate(request: impl Fn(usize) -> Request<Body>) -> f64 {
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    let start = Instant::now();
    let mut done = 0_u32;
    while start.elapsed() < SPAN {
        let turns = (0..CONNECTIONS).map(|place| client.request(request(done as usize + place)));
        let turns: Vec<_> = turns.map(tokio::spawn).collect();
        for turn in turns {
            let response = turn.await.unwrap().unwrap();
            assert!(response.status().is_success(), "{}", response.status());
            response.into_body().collect().await.unwrap();
            done += 1;
        }
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

async fn hashes(hasher: &PinHasher) -> f64 {
    let start = Instant::now();
    let mut done = 0_u32;
    while start.elapsed() < SPAN {
        let turns = (0..CONNECTIONS).map(|_| {
            let hasher = hasher.clone();
            tokio::spawn(async move { hasher.compare(None, Pin::generate([1; 8])).await.is_ok() })
        });
        for turn in turns.collect::<Vec<_>>() {
            assert!(turn.await.unwrap());
            done += 1;
        }
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, service).into_future());
    address
}

async fn portal(folder: &std::path::Path) -> Portal {
    let store = store::open(&format!(
        "sqlite:{}",
        folder.join("portal.sqlite").display()
    ))
    .await
    .unwrap();
    store.migrate().await.unwrap();
    let free = Pace {
        burst: 1_000_000,
        every: 1,
    };
    Portal {
        store,
        clock: Arc::new(SystemClock),
        keys: PortalKeys::derive_from(&[7; 32]),
        hasher: PinHasher::new().unwrap(),
        signer: SigningKey::development(),
        metrics: Metrics::default(),
        settings: Settings {
            paces: Paces {
                address: free,
                license: free,
                mail: free,
            },
            ..Settings::default()
        },
        bell: Notify::new(),
    }
}

/// Licenses with their PINs, which only mails tell.
async fn sell(portal: &Arc<Portal>, count: u32) -> Vec<(String, String)> {
    let order = IssueOrder {
        email: "a@b.example".into(),
        count,
        is_activated: true,
        language: Language::En,
    };
    portal.issue(&order).await.unwrap();
    let mails = Arc::new(Mails::default());
    let courier: Arc<dyn Courier> = Arc::<Mails>::clone(&mails);
    let postman = Postman::new(Arc::clone(portal), courier).unwrap();
    while postman.round().await.unwrap() > 0 {}
    let texts = mails.0.lock().unwrap();
    let word = |text: &str, word: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(word))
            .expect("no such line")
            .to_owned()
    };
    texts
        .iter()
        .map(|text| (word(text, "License number: "), word(text, "PIN number: ")))
        .collect()
}

#[derive(Default)]
struct Mails(Mutex<Vec<String>>);

#[async_trait]
impl Courier for Mails {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        self.0.lock().unwrap().push(parcel.text.to_owned());
        Ok(())
    }
}

const SPAN: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 16;
