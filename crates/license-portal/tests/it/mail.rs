//! The outbox, against a real SMTP server (aiosmtpd) that is down, slow, refuses, or works.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use license_portal::{
    email::EmailAddress,
    language::Key,
    mail::{
        courier::{Courier, CourierError, Parcel, SmtpCourier},
        outbox::Postman,
    },
    model::{Filter, MailState},
    portal::Refusal,
    service::{
        OrderLine,
        table::{NotImported, WrongLine},
    },
};
use license_token::LicenseNumber;

use crate::{driver::free_port, world::World};

/// A real mail server that saves accepted mails in a folder.
pub(crate) struct SmtpServer {
    process: Child,
}

impl SmtpServer {
    /// `mood`: `good`, `plain` (without SMTPUTF8), `slow` (answers nothing), `refusing` (450), `locked` (no log-in),
    /// `unknown` (550 for the recipient), `full` (552 for the text), `foreign` (550 for the sender) or `closed` (530).
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
    for _ in 0..2 {
        order(&world, "zoe@example.com").await;
    }
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let short = Duration::from_millis(700);
    let postman = postman(&world, &format!("smtp://127.0.0.1:{port}"), short);
    let waiting = || async {
        let counts = world.portal.store.counts().await.unwrap();
        (counts.mails_waiting, counts.mails_failing)
    };

    assert_eq!(postman.round().await.unwrap(), 2);
    assert_eq!(waiting().await, (2, 2));
    // It is not tried again at once.
    assert_eq!(postman.round().await.unwrap(), 0);
    for mood in ["slow", "refusing"] {
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
    assert_eq!(world.portal.metrics.mails_failed.get(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_instances_deliver_each_mail_once() {
    let world = World::new().await;
    for _ in 0..30 {
        order(&world, "a@example.com").await;
    }
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let _server = SmtpServer::start(port, folder.path(), "good");
    let url = format!("smtp://127.0.0.1:{port}");
    let instances = (0..4).map(|_| {
        let courier: Arc<dyn Courier> = Arc::new(SmtpCourier::new(&url, LIMIT).unwrap());
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

const LIMIT: Duration = Duration::from_secs(20);

fn postman(world: &World, url: &str, time_limit: Duration) -> Postman {
    let courier = SmtpCourier::new(url, time_limit).unwrap();
    Postman::new(Arc::clone(&world.portal), Arc::new(courier)).unwrap()
}

async fn order(world: &World, email: &str) -> LicenseNumber {
    let order = OrderLine::to(email).into();
    world.portal.issue(&order).await.unwrap().licenses[0]
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_fails_once_and_operators_see_it() {
    let world = World::new().await;
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let postman = postman(&world, &format!("smtp://127.0.0.1:{port}"), LIMIT);
    let good = order(&world, "zoe@example.com").await;
    let bad = order(&world, "nobody@example.com").await;
    let _server = SmtpServer::start(port, folder.path(), "good");
    assert_eq!(postman.round().await.unwrap(), 2);
    let shown = async |number| {
        let report = world.portal.show(number).await.unwrap();
        (report.line(), serde_json::to_value(&report).unwrap())
    };
    let (line, report) = shown(bad).await;
    assert!(
        line.contains("mail failed: the mail server refused the mail: status 550"),
        "{line}"
    );
    assert_eq!(report["mail"]["state"], "failed");
    assert_eq!(report["mail"]["kind"], "license");
    assert_eq!(shown(good).await.1["mail"]["state"], "delivered");
    let failed = Filter {
        mail: Some(MailState::Failed),
        limit: 9,
        ..Filter::default()
    };
    let found = world.portal.list(&failed).await.unwrap();
    assert!(found.len() == 1 && found[0].number() == bad.to_string());
    let counts = world.portal.store.counts().await.unwrap();
    assert_eq!((counts.mails_waiting, counts.mails_undeliverable), (0, 1));
    // It is not tried again, and its PIN is erased.
    world.clock.forward(7 * 24 * 3600);
    assert_eq!(postman.round().await.unwrap(), 0);
    // A new PIN is a new mail.
    world.portal.resend(bad, None).await.unwrap();
    assert_eq!(shown(bad).await.1["mail"]["state"], "waiting");
    assert_eq!(
        world
            .portal
            .store
            .counts()
            .await
            .unwrap()
            .mails_undeliverable,
        0
    );
}

#[tokio::test]
async fn only_a_refusal_of_the_text_or_the_recipient_is_final() {
    for (mood, login, state) in [
        ("full", "", "failed"),
        ("unknown", "", "failed"),
        ("locked", "me:secret@", "waiting"),
        ("foreign", "", "waiting"),
        ("closed", "", "waiting"),
    ] {
        let world = World::new().await;
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let _server = SmtpServer::start(port, folder.path(), mood);
        let number = order(&world, "zoe@example.com").await;
        let postman = postman(&world, &format!("smtp://{login}127.0.0.1:{port}"), LIMIT);
        assert_eq!(postman.round().await.unwrap(), 1);
        let report = world.portal.show(number).await.unwrap();
        let report = serde_json::to_value(&report).unwrap();
        assert_eq!(report["mail"]["state"], state, "{mood} {report}");
        assert!(
            report["mail"]["error"]
                .as_str()
                .unwrap()
                .contains("status 5"),
            "{report}"
        );
    }
}

#[tokio::test]
async fn an_address_in_utf8_is_sold_only_where_the_server_delivers_to_it() {
    for (mood, takes) in [("good", true), ("plain", false)] {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let url = format!("smtp://127.0.0.1:{port}");
        let courier = Arc::new(SmtpCourier::new(&url, LIMIT).unwrap());
        let world = World::through(courier).await;
        let sell = async |email: &str| {
            let order = OrderLine::to(email).into();
            world.portal.issue(&order).await
        };
        assert!(matches!(
            sell("josé@example.com").await,
            Err(Refusal::Courier(_))
        ));
        let _server = SmtpServer::start(port, folder.path(), mood);
        let sold = sell("Jose\u{301}@Bücher.example").await;
        assert_eq!(sold.is_ok(), takes, "{mood}");
        if let Err(refusal) = sold {
            assert!(refusal.to_string().contains("SMTPUTF8"), "{refusal}");
            let table = "email\na@b.example\n\njosé@example.com\n".as_bytes();
            let refused = world.portal.import(table, 9, None, None).await;
            let why = Key("wrong-no-smtputf8");
            let Err(NotImported::Line(wrong)) = refused else {
                panic!("{refused:?}")
            };
            assert_eq!(wrong, WrongLine { line: 4, why });
        }
        // The domain alone needs nothing of the server.
        sell("zoe@bücher.example").await.unwrap();
        let postman = postman(&world, &url, LIMIT);
        while postman.round().await.unwrap() > 0 {}
        let mails = received(folder.path());
        assert_eq!(mails.len(), if takes { 2 } else { 1 });
        assert!(
            mails
                .iter()
                .any(|mail| mail.contains("To: zoe@xn--bcher-kva.example"))
        );
        let found = async |email: &str| {
            let filter = Filter {
                email: Some(EmailAddress::parse(email).unwrap()),
                limit: 9,
                ..Filter::default()
            };
            world.portal.list(&filter).await.unwrap().len()
        };
        assert_eq!(found("ZOE@XN--BCHER-KVA.example").await, 1);
        assert_eq!(found("josé@bücher.example").await, usize::from(takes));
    }
}

/// A courier that never finishes the mails of licenses.
struct Stuck(tokio::sync::mpsc::UnboundedSender<String>);

#[async_trait::async_trait]
impl Courier for Stuck {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        if parcel.text.contains("/activation/") {
            self.0.send(parcel.text.to_owned()).unwrap();
            return Ok(());
        }
        std::future::pending().await
    }

    async fn takes_utf8(&self) -> Result<bool, CourierError> {
        Ok(true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_somebody_waits_for_passes_by_a_thousand_that_are_stuck() {
    let world = World::new().await;
    let sold = world.sell(false).await;
    for _ in 0..40 {
        order(&world, "bulk@example.com").await;
    }
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let postman = Postman::new(Arc::clone(&world.portal), Arc::new(Stuck(sender))).unwrap();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let delivery = tokio::spawn(async move { postman.run(stopped).await });
    // All places for bulk are taken.
    crate::instances::until("the claims", async || {
        let filter = Filter {
            limit: 99,
            ..Filter::default()
        };
        let found = world.portal.list(&filter).await.unwrap();
        let found = serde_json::to_value(&found).unwrap();
        let tried = |report: &&serde_json::Value| report["mail"]["attempts"] == 1;
        found.as_array().unwrap().iter().filter(tried).count() >= 7
    })
    .await;
    let mut visit = crate::visit::Visit::new(&world.portal);
    crate::pages::enter(&mut visit, &sold).await;
    let text = receiver.recv().await.unwrap();
    assert!(text.contains("/activation/"));
    delivery.abort();
}

#[test]
fn a_password_goes_to_another_machine_only_encrypted() {
    let new = |url: &str| SmtpCourier::new(url, Duration::from_secs(1));
    for fine in [
        "smtps://me:secret@mail.example",
        "smtp://me:secret@mail.example?tls=required",
        "smtp://me:secret@localhost",
        "smtp://me:secret@127.0.0.1:2525",
        "smtp://me:secret@[::1]:2525",
        "smtp://mail.example",
    ] {
        assert!(new(fine).is_ok(), "{fine}");
    }
    for open in [
        "smtp://me:secret@mail.example",
        "smtp://me:secret@mail.example:587?tls=opportunistic",
        "smtp://me:secret@10.0.0.1",
        "smtp://me:secret@localhost.example",
    ] {
        let Err(error) = new(open) else {
            panic!("{open}")
        };
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("unencrypted") && !text.contains("secret"),
            "{text}"
        );
    }
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
from aiosmtpd.smtp import AuthResult
port, folder, mood = int(sys.argv[1]), sys.argv[2], sys.argv[3]
numbers = itertools.count()

class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if mood == "slow":
            await asyncio.sleep(60)
        if mood == "refusing":
            return "450 come again"
        if mood == "foreign":
            return "550 not your sender"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if mood == "closed":
            return "530 log in first"
        if mood == "unknown" or "nobody" in address:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if mood == "full":
            return "552 full"
        with open(f"{folder}/{next(numbers)}.eml", "wb") as file:
            file.write(envelope.content)
        return "250 OK"

def refuse(server, session, envelope, mechanism, data):
    return AuthResult(success=False, handled=False)

Controller(Handler(), hostname="127.0.0.1", port=port, enable_SMTPUTF8=mood != "plain",
           authenticator=refuse, auth_require_tls=False).start()
sys.stdin.read()
"#;
