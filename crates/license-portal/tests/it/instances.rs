//! The real program: with the database down and up again, a backup, and the API under generated bad requests.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use license_portal::{
    clock::SystemClock, keys, model::LicenseState, portal::Settings, store::Store,
};
use serde_json::{Value, json};

use crate::{mail::python, postgres::Postgres, world};

/// A running `license-portal serve`.
pub(crate) struct Instance {
    process: Child,
    pub(crate) base: String,
}

impl Instance {
    pub(crate) fn start(data: &Path, database: Option<&str>, more: &[&str]) -> Self {
        Self::at("127.0.0.1:0", data, database, more)
    }

    /// Listens on a given address.
    pub(crate) fn at(place: &str, data: &Path, database: Option<&str>, more: &[&str]) -> Self {
        Self::run(program(data, database), place, more)
    }

    /// Limits how many PINs one address may enter at once.
    pub(crate) fn limited(mut command: Command, more: &[&str], burst: &str) -> Self {
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--address-burst", burst])
            .args(more);
        Self::started(command)
    }

    pub(crate) fn run(mut command: Command, place: &str, more: &[&str]) -> Self {
        command
            .args(["serve", "--listen", place, "--address-burst", "100000"])
            .args(more);
        Self::started(command)
    }

    fn started(mut command: Command) -> Self {
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let log = BufReader::new(process.stderr.take().unwrap()).lines();
        let base = loop {
            let Some(line) = lines.next() else {
                let why: Vec<_> = log.map_while(Result::ok).collect();
                panic!("the program ended: {}", why.join("\n"));
            };
            if let Some(base) = line.unwrap().strip_prefix("serving on ") {
                break base.to_owned();
            }
        };
        // Mails are printed, too: without a reader the pipes would fill up.
        std::thread::spawn(move || lines.for_each(drop));
        std::thread::spawn(move || log.for_each(drop));
        Self { process, base }
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(self.process.id(), name);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill();
        self.process.wait().unwrap();
    }
}

pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill")
        .arg(name)
        .arg(process.to_string())
        .status()
        .unwrap();
    assert!(status.success());
}

pub(crate) fn program(data: &Path, database: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_license-portal"));
    command
        .env("LICENSE_PORTAL_DATA", data)
        .env("LICENSE_PORTAL_URL", "http://127.0.0.1:8480")
        .env("LICENSE_PORTAL_MAIL_FOLDER", "true")
        .env("LICENSE_PORTAL_DEVELOPMENT", "true")
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null());
    if let Some(url) = database {
        command.env("DATABASE_URL", url);
    }
    command
}

pub(crate) fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) async fn call(method: &str, url: &str, body: &Value) -> Result<(u16, Value), String> {
    let (status, text) = fetch(method, url, body.to_string()).await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}

pub(crate) async fn fetch(method: &str, url: &str, body: String) -> Result<(u16, String), String> {
    let client: Client<HttpConnector, Body> = Client::builder(TokioExecutor::new()).build_http();
    let request = axum::http::Request::builder().method(method).uri(url);
    let request = request.body(Body::from(body)).unwrap();
    let exchange = async {
        let response = client
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = response.status().as_u16();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes();
        Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
    };
    tokio::time::timeout(Duration::from_secs(20), exchange)
        .await
        .map_err(|_late| "late".to_owned())?
}

/// Returns license numbers and PINs from the mails in the outbox folder.
pub(crate) fn mails(outbox: &Path) -> Vec<(String, String)> {
    let files = std::fs::read_dir(outbox)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let mails = files.filter(|text| text.contains("PIN number"));
    mails.flat_map(|text| world::sold_in(&text)).collect()
}

pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..300 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} did not happen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_told_and_comes_back() {
    let mut postgres = Postgres::start();
    let url = postgres.database();
    let data = tempfile::tempdir().unwrap();
    let mut instance = Instance::start(data.path(), Some(&url), &[]);
    let health = format!("{}/healthz", instance.base);
    assert_eq!(call("GET", &health, &Value::Null).await.unwrap().0, 200);
    postgres.stop();
    until("the alarm", async || {
        call("GET", &health, &Value::Null).await.unwrap().0 == 503
    })
    .await;
    let body = json!({ "license": "0000-0000-0000-0001", "pin": "12345678", "installation": "00".repeat(16) });
    let (status, answer) = call("POST", &format!("{}/api/v1/register", instance.base), &body)
        .await
        .unwrap();
    assert!(
        (status, answer["error"].as_str()) == (503, Some("unavailable")) || status == 400,
        "{status} {answer}"
    );
    postgres.resume();
    until("the recovery", async || {
        call("GET", &health, &Value::Null).await.unwrap().0 == 200
    })
    .await;
    instance.signal("-TERM");
    assert!(instance.process.wait().unwrap().success());
}

#[test]
fn operators_name_a_holder_and_see_and_forget_registrations_on_the_command_line() {
    let data = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| output(program(data.path(), None).args(words));
    run(&["init"]);
    let issue = [
        "issue",
        "--email",
        "a@b.example",
        "--activated",
        "--holder",
        "Zoë Doe",
    ];
    let number = run(&issue);
    let number = number.trim();
    let shown: Value = serde_json::from_str(&run(&["show", number, "--json"])).unwrap();
    assert_eq!(shown["holder"]["first_name"], "Zoë Doe");
    assert_eq!(shown["registrations"], json!([]));
    assert!(run(&["forget", number]).contains(number));
    let installation = "0".repeat(32);
    assert!(run(&["forget", number, "--installation", &installation]).contains(number));
    for wrong in [
        &["forget", number, "--installation", "0"][..],
        &["issue", "--email", "a@b.example", "--holder", "Zoë Doe"],
    ] {
        let refused = program(data.path(), None).args(wrong).output().unwrap();
        assert!(!refused.status.success(), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_service_is_whole() {
    let data = tempfile::tempdir().unwrap();
    let _instance = Instance::start(data.path(), None, &[]);
    output(program(data.path(), None).args(["issue", "--email", "a@b.example", "--count", "3"]));
    let file = data.path().join("backup.sqlite");
    output(program(data.path(), None).arg("backup").arg(&file));
    let store = Store::open(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    assert_eq!(store.counts().await.unwrap().issued, 3);
    let keys = keys::portal_keys(&data.path().join("portal.key")).unwrap();
    drop(keys);
    let portal = world::portal(store, Arc::new(SystemClock), Settings::default());
    let filter = license_portal::model::Filter {
        state: Some(LicenseState::Issued),
        limit: 9,
        ..Default::default()
    };
    assert_eq!(portal.list(&filter).await.unwrap().len(), 3);
}

#[test]
fn the_api_withstands_a_generator_of_bad_requests() {
    let data = tempfile::tempdir().unwrap();
    let instance = Instance::start(data.path(), None, &[]);
    let key = output(program(data.path(), None).args([
        "operator-key",
        "add",
        "schemathesis",
        "--scope",
        "issue,read-all,revoke",
    ]));
    let schemathesis: PathBuf = python().with_file_name("schemathesis");
    let mut run = Command::new(schemathesis);
    run.current_dir(data.path())
        .args(["run", &format!("{}/api/v1/openapi.json", instance.base)])
        .args(["--header", &format!("Authorization: Bearer {}", key.trim())])
        .args([
            "--max-examples",
            "25",
            "--seed",
            "1",
            "--phases",
            "examples,coverage,fuzzing",
            "--no-color",
        ])
        // A generated license number mostly has a wrong check character: `slip` is the right answer.
        .args(["--exclude-checks", "positive_data_acceptance"])
        .args(["--request-timeout", "20"]);
    let result = run.stdin(Stdio::null()).output().unwrap();
    let report = String::from_utf8_lossy(&result.stdout);
    assert!(result.status.success(), "{report}");
}
