//! The outbox, against a real SMTP server (aiosmtpd) that is down, slow, refuses, or works.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use license_portal::mail::{
    courier::{Courier, SmtpCourier},
    outbox::Postman,
};

use crate::world::World;

/// A real mail server that saves accepted mails in a folder.
pub(crate) struct SmtpServer {
    process: Child,
}

impl SmtpServer {
    /// `mood`: `good`, `slow` (answers nothing), `refusing` (450) or `full` (552).
    pub(crate) fn start(port: u16, folder: &Path, mood: &str) -> Self {
        let script = folder.join("server.py");
        fs::write(&script, SERVER).unwrap();
        let process = Command::new(python())
            .arg(script)
            .arg(port.to_string())
            .arg(folder)
            .arg(mood)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the mail server did not start");
            sleep(Duration::from_millis(50));
        }
        Self { process }
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Returns Python in `target/tools/portal`: `python3 -m venv target/tools/portal`, then `pip install aiosmtpd
/// schemathesis` in it.
pub(crate) fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let python = target.join("tools/portal/bin/python");
    assert!(
        python.exists(),
        "needed: python3 -m venv {0}; {0}/bin/pip install aiosmtpd schemathesis",
        target.join("tools/portal").display()
    );
    python
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn received(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|kind| kind == "eml"))
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

#[tokio::test]
async fn a_mail_survives_a_server_that_is_down_slow_or_refusing_and_arrives_once() {
    let world = World::new().await;
    let order = license_portal::service::IssueOrder {
        email: "zoe@example.com".into(),
        count: 2,
        is_activated: false,
        holder: None,
        language: license_portal::language::Language::De,
    };
    world.portal.issue(&order).await.unwrap();
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let url = format!("smtp://127.0.0.1:{port}");
    let courier: Arc<dyn Courier> =
        Arc::new(SmtpCourier::new(&url, Duration::from_millis(700)).unwrap());
    let postman = Postman::new(Arc::clone(&world.portal), courier).unwrap();
    let waiting = || async {
        let counts = world.portal.store.counts().await.unwrap();
        (counts.mails_waiting, counts.mails_failing)
    };

    assert_eq!(postman.round().await.unwrap(), 2);
    assert_eq!(waiting().await, (2, 2));
    // It is not tried again at once.
    assert_eq!(postman.round().await.unwrap(), 0);
    for mood in ["slow", "refusing", "full"] {
        world.clock.forward(3600);
        let _server = SmtpServer::start(port, folder.path(), mood);
        assert_eq!(postman.round().await.unwrap(), 2, "{mood}");
        assert_eq!(waiting().await, (2, 2), "{mood}");
    }
    assert!(received(folder.path()).is_empty());

    world.clock.forward(3600);
    let _server = SmtpServer::start(port, folder.path(), "good");
    assert_eq!(postman.round().await.unwrap(), 2);
    assert_eq!(waiting().await, (0, 0));
    world.clock.forward(7 * 24 * 3600);
    assert_eq!(postman.round().await.unwrap(), 0);
    let mails = received(folder.path());
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| mail.contains("To: zoe@example.com")
        && mail.contains("Auto-Submitted: auto-generated")));
    assert_eq!(world.portal.metrics.mails_delivered.get(), 2);
    assert_eq!(world.portal.metrics.mails_failed.get(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_deliver_each_mail_once() {
    let world = World::new().await;
    let order = license_portal::service::IssueOrder {
        email: "a@example.com".into(),
        count: 30,
        is_activated: true,
        holder: None,
        language: license_portal::language::Language::Fr,
    };
    world.portal.issue(&order).await.unwrap();
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let _server = SmtpServer::start(port, folder.path(), "good");
    let url = format!("smtp://127.0.0.1:{port}");
    let instances = (0..4).map(|_| {
        let courier: Arc<dyn Courier> =
            Arc::new(SmtpCourier::new(&url, Duration::from_secs(10)).unwrap());
        let postman = Postman::new(Arc::clone(&world.portal), courier).unwrap();
        tokio::spawn(async move { while postman.round().await.unwrap() > 0 {} })
    });
    for instance in instances.collect::<Vec<_>>() {
        instance.await.unwrap();
    }
    let mut ids: Vec<_> = received(folder.path())
        .iter()
        .map(|mail| {
            mail.lines()
                .find(|line| line.starts_with("Message-ID"))
                .unwrap()
                .to_owned()
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), received(folder.path()).len()), (30, 30));
}

#[test]
fn a_malformed_mail_server_is_refused_without_its_password() {
    let Err(error) = SmtpCourier::new("smtp//me:secret@host", Duration::from_secs(1)) else {
        panic!()
    };
    assert!(!format!("{error} {error:?}").contains("secret"));
}

const SERVER: &str = r#"
import asyncio, itertools, sys
from aiosmtpd.controller import Controller
port, folder, mood = int(sys.argv[1]), sys.argv[2], sys.argv[3]
numbers = itertools.count()

class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if mood == "slow":
            await asyncio.sleep(60)
        if mood == "refusing":
            return "450 come again"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if mood == "full":
            return "552 full"
        with open(f"{folder}/{next(numbers)}.eml", "wb") as file:
            file.write(envelope.content)
        return "250 OK"

Controller(Handler(), hostname="127.0.0.1", port=port).start()
sys.stdin.read()
"#;
