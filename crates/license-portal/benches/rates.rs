//! Pages, activations, registrations and verified tokens per second, each beside its lower bound, in one run:
//! `cargo bench -p license-portal`.
//!
//! A page is compared with a bare handler of the same framework, an activation and a registration with the Argon2id
//! hash of their PIN comparison, a token with its Ed25519 signature.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a benchmark may panic"
)]

use std::{
    hint::black_box,
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
use license_portal::{
    clock::SystemClock,
    keys::{PortalKeys, Signers},
    mail::{
        courier::{Courier, CourierError, Parcel},
        outbox::Postman,
    },
    metrics::Metrics,
    model::Pace,
    pin_hash::PinHasher,
    portal::{Paces, Portal, Settings},
    service::OrderLine,
    store::Store,
    web,
};
use license_token::{
    Claims, Day, Holder, Installation, LicenseNumber, LicenseToken, Pin, SigningKey, TokenId,
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
    let activation_rate = activations(&portal, ours).await;
    println!(
        "activations        {activation_rate:>8.0} /s   {:.2} of the hashes",
        activation_rate / hash_rate
    );
    tokio::task::spawn_blocking(verifications).await.unwrap();
}

/// Measures complete activations per second: number and PIN, the mail, its link's button, the form.
async fn activations(portal: &Arc<Portal>, ours: SocketAddr) -> f64 {
    let mails = Arc::new(Mails::default());
    let order = OrderLine {
        count: ACTIVATIONS,
        ..OrderLine::to("a@b.example")
    }
    .into();
    portal.issue(&order).await.unwrap();
    let courier: Arc<dyn Courier> = Arc::<Mails>::clone(&mails);
    let postman = Arc::new(Postman::new(Arc::clone(portal), courier).unwrap());
    while postman.round().await.unwrap() > 0 {}
    let sold = std::mem::take(&mut *mails.0.lock().unwrap());
    let sold: Vec<_> = sold.iter().flat_map(|text| sold_in(text)).collect();
    let browser = Browser::open(ours).await;
    let start = Instant::now();
    for some in sold.chunks(CONNECTIONS) {
        let entries = some.iter().map(|(license, pin)| {
            let entry = [("email", "a@b.example"), ("license", license), ("pin", pin)];
            browser.send("/", &entry)
        });
        all(entries).await;
        while postman.round().await.unwrap() > 0 {}
        let links = std::mem::take(&mut *mails.0.lock().unwrap());
        let links: Vec<_> = links
            .iter()
            .map(|text| after(text, "http://127.0.0.1:8480"))
            .collect();
        assert_eq!(links.len(), some.len());
        all(links
            .iter()
            .map(|link| browser.send(&format!("{link}/open"), &[])))
        .await;
        all(links.iter().map(|link| browser.send(link, &HOLDER))).await;
    }
    let rate = f64::from(ACTIVATIONS) / start.elapsed().as_secs_f64();
    assert_eq!(portal.metrics.activations.get(), u64::from(ACTIVATIONS));
    rate
}

/// What sends forms: a cookie and the token that belongs to it.
struct Browser {
    base: SocketAddr,
    client: Client<HttpConnector, Body>,
    cookie: String,
    token: String,
}

impl Browser {
    async fn open(base: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let page = client.get(format!("http://{base}/").parse().unwrap());
        let page = page.await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let html = page.into_body().collect().await.unwrap().to_bytes();
        let html = String::from_utf8(html.to_vec()).unwrap();
        let (_, rest) = html.split_once("name=\"token\" value=\"").unwrap();
        Self {
            base,
            client,
            cookie,
            token: rest.split('"').next().unwrap().to_owned(),
        }
    }

    /// Sends a form, and expects a redirect.
    fn send(&self, path: &str, fields: &[(&str, &str)]) -> impl Future<Output = ()> + use<> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", &self.token)
            .extend_pairs(fields)
            .finish();
        let request = Request::post(format!("http://{}{path}", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", &self.cookie)
            .body(Body::from(body))
            .unwrap();
        let turn = self.client.request(request);
        async move {
            let response = turn.await.unwrap();
            assert!(response.status().is_redirection(), "{}", response.status());
            response.into_body().collect().await.unwrap();
        }
    }
}

async fn all(turns: impl Iterator<Item = impl Future<Output = ()> + Send + 'static>) {
    for turn in turns.map(tokio::spawn).collect::<Vec<_>>() {
        turn.await.unwrap();
    }
}

/// Measures tokens that are read and verified, and signatures alone, on one core.
fn verifications() {
    let key = SigningKey::development();
    let claims = Claims {
        token: TokenId::new([7; 7]),
        number: LicenseNumber::generate([9; 15]),
        installation: Installation::new([1; 16]),
        issued: Day::new(20_600),
        expires: Some(Day::new(21_000)),
        holder: Holder::new("John Doe", "Example Ltd").unwrap(),
    };
    let (text, anchor) = (key.sign(claims).to_string(), key.anchor());
    let token_rate = turns(|| {
        let token = LicenseToken::parse(black_box(&text)).unwrap();
        black_box(token.verify(&anchor).unwrap());
    });
    let signer = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    // As long as the signed part of a token.
    let message = [7; 120];
    let signature = ed25519_dalek::Signer::sign(&signer, &message);
    let public = signer.verifying_key().to_bytes();
    let bare_rate = turns(|| {
        let key = ed25519_dalek::VerifyingKey::from_bytes(black_box(&public)).unwrap();
        key.verify_strict(black_box(&message), &signature).unwrap();
    });
    println!("bare signatures    {bare_rate:>8.0} /s   verified on one core");
    println!(
        "license tokens     {token_rate:>8.0} /s   {:.2} of the signatures",
        token_rate / bare_rate
    );
}

fn turns(mut turn: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut done = 0_u32;
    while start.elapsed() < SPAN {
        turn();
        done += 1;
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

/// Measures requests per second over some connections; every response must be a success.
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
    let store = Store::open(&format!(
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
        signers: Signers::development(),
        metrics: Metrics::default(),
        settings: Settings {
            installations: u32::MAX,
            paces: Paces {
                address: free,
                license: free,
                everyone: free,
                mail: free,
            },
            ..Settings::default()
        },
        courier: Some(Arc::new(Mails::default())),
        bell: Notify::new(),
    }
}

/// Issues licenses, and reads their PINs from the mails.
async fn sell(portal: &Arc<Portal>, count: u32) -> Vec<(String, String)> {
    let order = OrderLine {
        count,
        is_activated: true,
        ..OrderLine::to("a@b.example")
    }
    .into();
    portal.issue(&order).await.unwrap();
    let mails = Arc::new(Mails::default());
    let courier: Arc<dyn Courier> = Arc::<Mails>::clone(&mails);
    let postman = Postman::new(Arc::clone(portal), courier).unwrap();
    while postman.round().await.unwrap() > 0 {}
    let texts = mails.0.lock().unwrap();
    texts.iter().flat_map(|text| sold_in(text)).collect()
}

/// Returns license numbers and PINs of a mail with several.
fn sold_in(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().filter_map(|line| line.split_once("   PIN "));
    lines
        .map(|(number, pin)| (number.to_owned(), pin.to_owned()))
        .collect()
}

/// Returns the rest of the line that begins with a word.
fn after(text: &str, word: &str) -> String {
    text.lines()
        .find_map(|line| line.trim().strip_prefix(word))
        .expect("no such line")
        .to_owned()
}

#[derive(Default)]
struct Mails(Mutex<Vec<String>>);

#[async_trait]
impl Courier for Mails {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        self.0.lock().unwrap().push(parcel.text.to_owned());
        Ok(())
    }

    async fn takes_utf8(&self) -> Result<bool, CourierError> {
        Ok(true)
    }
}

const SPAN: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 16;
/// How many licenses to activate: enough for some seconds.
const ACTIVATIONS: u32 = 160;

const HOLDER: [(&str, &str); 9] = [
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
