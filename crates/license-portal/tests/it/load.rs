//! Load: wrk through `HAProxy` on two instances with one PostgreSQL, while one instance is killed. No client sees an
//! error, and nothing is lost or done twice.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use axum::{body::Body, http::header};
use http_body_util::BodyExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use license_portal::{
    keys::LinkSecret,
    model::{Filter, License, LicenseState},
    store::Store,
};
use license_token::{Anchor, LicenseToken};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    driver::free_port,
    instances::{Instance, mails, output, program, signal, until},
    pages::HOLDER,
    postgres::Postgres,
    proxy::Proxy,
};

/// Two instances behind a load balancer.
struct Shop {
    database: String,
    data: tempfile::TempDir,
    places: [String; 2],
    instances: [Instance; 2],
    proxy: Proxy,
    /// The cookie of a browser, which its forms need.
    cookie: String,
    token: String,
    postgres: Postgres,
}

impl Shop {
    async fn open(count: usize) -> Self {
        let postgres = Postgres::start();
        let database = postgres.database();
        let data = tempfile::tempdir().unwrap();
        let count = count.to_string();
        output(program(data.path(), Some(&database)).arg("init"));
        output(program(data.path(), Some(&database)).args([
            "issue",
            "--email",
            "a@b.example",
            "--count",
            &count,
        ]));
        let places = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let start = |place| Instance::at(place, data.path(), Some(&database), &[]);
        let instances = [start(&places[0]), start(&places[1])];
        let proxy = Proxy::start(&[&places[0], &places[1]], None);
        let (cookie, token) = browse(proxy.port).await;
        Self {
            database,
            data,
            places,
            instances,
            proxy,
            cookie,
            token,
            postgres,
        }
    }

    fn outbox(&self) -> std::path::PathBuf {
        self.data.path().join("outbox")
    }

    /// Sends a list of requests, with so many pages before each. Kills an instance when a third of them is answered,
    /// and starts it again at the end.
    async fn load(&mut self, victim: usize, list: &[String], pages: u32) -> Load {
        let folder = tempfile::tempdir().unwrap();
        let (file, notes) = (folder.path().join("list"), folder.path().join("notes"));
        fs::write(&file, list.join("\n")).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/load.lua");
        let threads = THREADS.to_string();
        let mut wrk = Command::new("wrk");
        wrk.args([
            "-t",
            &threads,
            "-c",
            "16",
            "-d",
            "60s",
            "--timeout",
            "20s",
            "-s",
        ])
        .arg(script)
        .arg(format!("http://127.0.0.1:{}/", self.proxy.port))
        .arg("--")
        .args([&file, &notes])
        .args([&threads, &self.cookie, &pages.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
        let wrk = wrk.spawn().expect("Debian's package wrk is needed");
        let end = Instant::now() + Duration::from_secs(30);
        while noted(&notes).len() * 3 < list.len() {
            assert!(Instant::now() < end, "{:?}", noted(&notes));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.instances[victim].signal("-KILL");
        let before = noted(&notes).len();
        assert!(before < list.len(), "all was over before the kill");
        let end = Instant::now() + Duration::from_secs(30);
        while noted(&notes).len() < list.len() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // wrk prints its summary and ends.
        signal(wrk.id(), "-INT");
        let output = tokio::task::spawn_blocking(|| wrk.wait_with_output().unwrap());
        let output = String::from_utf8(output.await.unwrap().stdout).unwrap();
        let figures = output.lines().find(|line| line.starts_with('{'));
        let figures: Figures = serde_json::from_str(figures.expect("no figures")).unwrap();
        println!(
            "{} questions and pages in {:.1} s: {:.0}/s; {before} of {} answered before the kill; half within {} ms, \
             99 of 100 within {} ms",
            figures.requests,
            figures.seconds,
            f64::from(figures.requests) / figures.seconds,
            list.len(),
            figures.p50,
            figures.p99
        );
        self.instances[victim] = Instance::at(
            &self.places[victim],
            self.data.path(),
            Some(&self.database),
            &[],
        );
        // The load balancer must use it again before the other one is killed.
        let mut asked = 0;
        let metrics = format!("{}/metrics", self.instances[victim].base);
        until("the balancer's question", async || {
            asked += 1;
            answered(&metrics).await > asked
        })
        .await;
        Load {
            figures,
            answers: noted(&notes),
        }
    }

    /// The other instance delivers what the killed one had claimed once the claims expire; this expires them now.
    async fn deliver(&self, store: &Store) {
        self.postgres
            .tell("UPDATE outbox SET claimed_until = 0 WHERE delivered_at IS NULL");
        until("the delivery", async || {
            store.counts().await.unwrap().mails_waiting == 0
        })
        .await;
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", &self.token)
            .extend_pairs(fields)
            .finish();
        format!("{path}\tapplication/x-www-form-urlencoded\t{body}")
    }
}

/// The results of a load.
struct Load {
    figures: Figures,
    /// Status, and the redirect or the body.
    answers: Vec<(u16, String)>,
}

impl Load {
    /// Checks that no client noticed anything.
    fn is_flawless(&self, questions: usize, status: u16) {
        let odd = self.answers.iter().find(|answer| answer.0 != status);
        assert_eq!(odd, None);
        let seen = (
            self.answers.len(),
            self.figures.broken,
            self.figures.late,
            self.figures.refused,
        );
        assert_eq!(seen, (questions, 0, 0, 0));
    }
}

#[derive(Deserialize)]
struct Figures {
    requests: u32,
    seconds: f64,
    /// Connections that failed or were cut.
    broken: u32,
    /// Requests that timed out.
    late: u32,
    /// Responses from 400.
    refused: u32,
    /// Milliseconds.
    p50: f64,
    p99: f64,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_told_under_load_loses_and_doubles_nothing_when_an_instance_is_killed() {
    let count = std::env::var("LOAD_LICENSES").map_or(LICENSES, |count| count.parse().unwrap());
    let mut shop = Shop::open(count).await;
    let store = Store::open(&shop.database).await.unwrap();
    let outbox = shop.outbox();
    until("the delivery", async || mails(&outbox).len() == count).await;
    let sold = mails(&outbox);

    let entered = sold.iter().map(|(license, pin)| {
        let fields = [("email", "a@b.example"), ("license", license), ("pin", pin)];
        shop.form("/", &fields)
    });
    let entered: Vec<_> = entered.collect();
    let load = shop.load(0, &entered, 1).await;
    load.is_flawless(count, 303);
    let tickets = load.answers.iter().map(|(_, path)| {
        path.strip_prefix("/verification/")
            .and_then(|ticket| ticket.split('.').next())
            .unwrap()
    });
    assert_eq!(tickets.collect::<BTreeSet<_>>().len(), count);
    assert_eq!(in_state(&store, LicenseState::Verifying).await.len(), count);

    shop.deliver(&store).await;
    let links = links(&store, &outbox).await;
    assert_eq!(links.len(), count);
    let opened: Vec<_> = links
        .iter()
        .map(|link| shop.form(&format!("{link}/open"), &[]))
        .collect();
    shop.load(1, &opened, QUICK).await.is_flawless(count, 303);
    // Two browsers for each license.
    let completed = links
        .iter()
        .chain(&links)
        .map(|link| shop.form(link, &HOLDER));
    let completed: Vec<_> = completed.collect();
    shop.load(0, &completed, QUICK)
        .await
        .is_flawless(2 * count, 303);
    let active = in_state(&store, LicenseState::Active).await;
    assert_eq!(active.len(), count);
    for license in &active {
        assert_eq!(
            store.holder(license.number).await.unwrap().unwrap().city,
            "London"
        );
    }

    let apps: Vec<_> = (0..APPS * count)
        .map(|app| (&sold[app % count], app))
        .collect();
    let registered = apps.iter().map(|((license, pin), app)| {
        let body = json!({ "license": license, "pin": pin, "installation": format!("{app:032x}") });
        format!("/api/v1/register\tapplication/json\t{body}")
    });
    let registered: Vec<_> = registered.collect();
    let load = shop.load(1, &registered, 1).await;
    load.is_flawless(APPS * count, 200);
    let told: BTreeSet<_> = load
        .answers
        .iter()
        .map(|(_, answer)| app_of(answer))
        .collect();
    let asked = apps
        .iter()
        .map(|((license, _), app)| (license.clone(), format!("{app:032x}")));
    assert_eq!(told, asked.collect());
    let mut kept = BTreeSet::new();
    for license in &active {
        let here = store.registrations(license.number).await.unwrap();
        assert_eq!(here.len(), APPS);
        kept.extend(
            here.into_iter()
                .map(|one| (license.number.to_string(), one.installation)),
        );
    }
    assert_eq!(told, kept);
    // One mail with number and PIN and one with a link for each license, and none waits.
    assert_eq!(store.counts().await.unwrap().mails_waiting, 0);
    assert_eq!(mails(&outbox).len(), count);
}

/// A browser's cookie, and the token of its form.
async fn browse(port: u16) -> (String, String) {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let url = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let response = client.get(url).await.unwrap();
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = response.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap();
    (cookie, rest.split('"').next().unwrap().to_owned())
}

/// Returns how many requests an instance has answered, sometimes including this one.
async fn answered(metrics: &str) -> u32 {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).build_http();
    let response = client.get(metrics.parse().unwrap()).await.unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let word = "responses_total{class=\"answered\"} ";
    let (_, rest) = text.split_once(word).unwrap();
    rest.lines().next().unwrap().parse().unwrap()
}

/// Returns the complete lines that the threads have written so far.
fn noted(notes: &Path) -> Vec<(u16, String)> {
    let files =
        (0..THREADS).map(|thread| fs::read_to_string(format!("{}.{thread}", notes.display())));
    let texts: Vec<_> = files.map(Result::unwrap_or_default).collect();
    let lines = texts.iter().flat_map(|text| text.split_inclusive('\n'));
    let lines = lines.filter_map(|line| line.strip_suffix('\n')?.split_once('\t'));
    lines
        .map(|(status, answer)| (status.parse().unwrap(), answer.to_owned()))
        .collect()
}

/// Returns the paths of the newest mailed link of each license.
async fn links(store: &Store, outbox: &Path) -> Vec<String> {
    let mut links = Vec::new();
    for file in fs::read_dir(outbox).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let line = text.lines().find(|line| line.contains("/activation/"));
        if let Some((_, secret)) = line.and_then(|line| line.trim().split_once("/activation/"))
            && store
                .link(LinkSecret::hash_of(secret))
                .await
                .unwrap()
                .is_some()
        {
            links.push(format!("/activation/{secret}"));
        }
    }
    links
}

async fn in_state(store: &Store, state: LicenseState) -> Vec<License> {
    let filter = Filter {
        state: Some(state),
        limit: 100_000,
        ..Filter::default()
    };
    let found = store.list(&filter).await.unwrap();
    found.into_iter().map(|found| found.license).collect()
}

/// Returns license and installation of a received token, if the portal signed it.
fn app_of(answer: &str) -> (String, String) {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let token = LicenseToken::parse(answer["token"].as_str().unwrap()).unwrap();
    let license = token.verify(&Anchor::development()).unwrap();
    let claims = license.claims();
    (claims.number.to_string(), claims.installation.to_string())
}

/// Enough for some seconds; more with `LOAD_LICENSES`.
const LICENSES: usize = 40;
/// Installations for each license: as many as it allows.
const APPS: usize = 5;
/// Pages before a fast request, so that the load takes long enough to kill an instance in the middle.
const QUICK: u32 = 40;
const THREADS: usize = 4;
