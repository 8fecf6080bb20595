//! The app's own client over TLS, provided by `HAProxy`, with a certificate that the system trusts and with others.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use keywriter::license::{Anchors, Portal, PortalError};
use license_portal::store::Store;
use license_token::{Installation, LicenseNumber, Pin};

use crate::{
    instances::{Instance, mails, output, program, until},
    proxy::Proxy,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_app_registers_by_https_where_the_system_trusts_the_certificate_and_nowhere_else() {
    let data = tempfile::tempdir().unwrap();
    output(program(data.path(), None).arg("init"));
    let mut issue = program(data.path(), None);
    output(issue.args(["issue", "--email", "a@b.example", "--activated"]));
    let instance = Instance::start(data.path(), None, &[]);
    let outbox = data.path().join("outbox");
    until("the delivery", async || mails(&outbox).len() == 1).await;
    let (number, pin) = mails(&outbox).remove(0);
    let ours = Authority::new(data.path(), "ours");
    let other = Authority::new(data.path(), "other");
    let listens = instance.base.strip_prefix("http://").unwrap();
    let proxy = Proxy::start(&[listens], Some(&ours.server));
    let app = |host: &str, trusted: &Path| {
        let url = format!("https://{host}:{}", proxy.port);
        ask(&url, &number, &pin, trusted)
    };

    for (host, trusted) in [
        ("localhost", &other.certificate),
        ("127.0.0.1", &ours.certificate),
    ] {
        let said = app(host, trusted);
        assert!(said.contains("APP: certificate"), "{host}: {said}");
    }
    let file = data.path().join("portal.sqlite");
    let store = Store::open(&format!("sqlite:{}", file.display()))
        .await
        .unwrap();
    let number = LicenseNumber::parse(&number).unwrap();
    assert!(store.registrations(number).await.unwrap().is_empty());

    let said = app("localhost", &ours.certificate);
    assert!(said.contains("APP: registered"), "{said}");
    assert_eq!(store.registrations(number).await.unwrap().len(), 1);
}

/// Trusted certificates are loaded when a process starts, so the app runs as a separate process.
fn ask(url: &str, number: &str, pin: &str, trusted: &Path) -> String {
    let mut app = Command::new(std::env::current_exe().unwrap());
    app.args(["--exact", "https::app", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .envs([("APP_URL", url), ("APP_LICENSE", number), ("APP_PIN", pin)]);
    output(&mut app)
}

#[test]
#[ignore = "the app of the test above, which starts it"]
fn app() {
    let variable = |name| std::env::var(name).unwrap();
    let number = LicenseNumber::parse(&variable("APP_LICENSE")).unwrap();
    let pin = Pin::parse(&variable("APP_PIN")).unwrap();
    let portal = Portal::new(&variable("APP_URL")).unwrap();
    let anchors = Anchors::development();
    match portal.register(number, &pin, Installation::new([5; 16]), &anchors) {
        Ok(_token) => println!("APP: registered"),
        Err(PortalError::Unreachable { source, .. })
            if source.to_string().contains("certificate") =>
        {
            println!("APP: certificate: {source}");
        }
        Err(error) => println!("APP: {error:?}"),
    }
}

/// A certification authority, and its certificate for `localhost`.
struct Authority {
    certificate: PathBuf,
    /// Certificate and key, as `HAProxy` reads them.
    server: PathBuf,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let path = |kind: &str| folder.join(format!("{name}-{kind}.pem"));
        let [certificate, ca_key, key, request, leaf, server] =
            ["ca", "ca-key", "key", "request", "leaf", "server"].map(path);
        let extensions = folder.join(format!("{name}.ext"));
        let names = "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n";
        fs::write(&extensions, names).unwrap();
        let new_key = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
        openssl(
            &format!("{new_key} -x509 -subj /CN={name}"),
            &[("-keyout", &ca_key), ("-out", &certificate)],
        );
        openssl(
            &format!("{new_key} -subj /CN=localhost"),
            &[("-keyout", &key), ("-out", &request)],
        );
        openssl(
            "x509 -req -days 2",
            &[
                ("-in", &request),
                ("-CA", &certificate),
                ("-CAkey", &ca_key),
                ("-extfile", &extensions),
                ("-out", &leaf),
            ],
        );
        let both = [fs::read(&leaf).unwrap(), fs::read(&key).unwrap()].concat();
        fs::write(&server, both).unwrap();
        Self {
            certificate,
            server,
        }
    }
}

fn openssl(words: &str, files: &[(&str, &PathBuf)]) {
    let mut openssl = Command::new("openssl");
    openssl.args(words.split(' ')).stdin(Stdio::null());
    for (option, file) in files {
        openssl.arg(option).arg(file);
    }
    output(&mut openssl);
}
