//! A portal with a clock that tests set, and a courier that keeps the mails.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use jiff::Timestamp;
use license_portal::{
    clock::Clock,
    email::EmailAddress,
    keys::{PortalKeys, Signers},
    mail::{
        courier::{Courier, CourierError, Parcel},
        outbox::Postman,
    },
    metrics::Metrics,
    pin_hash::PinHasher,
    portal::{Portal, Settings},
    service::OrderLine,
    store::Store,
};
use license_token::LicenseNumber;
use tempfile::TempDir;
use tokio::sync::Notify;

/// 2026-11-24 08:00 UTC.
pub(crate) const START: i64 = 1_795_507_200;

/// A clock that changes only when a test moves it.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicI64>);

impl TestClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A courier that keeps the mails.
#[derive(Default)]
pub(crate) struct Mailbox(pub(crate) Mutex<Vec<Mail>>);

#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

#[async_trait]
impl Courier for Mailbox {
    async fn deliver(&self, parcel: &Parcel<'_>) -> Result<(), CourierError> {
        let mail = Mail {
            to: parcel.to.into(),
            subject: parcel.subject.into(),
            text: parcel.text.into(),
            html: parcel.html.unwrap_or_default().into(),
        };
        self.0.lock().unwrap().push(mail);
        Ok(())
    }

    async fn takes_utf8(&self) -> Result<bool, CourierError> {
        Ok(true)
    }
}

pub(crate) struct World {
    pub(crate) portal: Arc<Portal>,
    pub(crate) clock: TestClock,
    pub(crate) mailbox: Arc<Mailbox>,
    postman: Postman,
    _folder: TempDir,
}

/// A license as its owner knows it.
#[derive(Clone)]
pub(crate) struct Sold {
    pub(crate) email: String,
    pub(crate) number: String,
    pub(crate) pin: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_settings| {}).await
    }

    /// With a way to send mail of its own; the mailbox stays the postman's.
    pub(crate) async fn through(courier: Arc<dyn Courier>) -> Self {
        Self::build(|_settings| {}, Some(courier)).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::build(change, None).await
    }

    async fn build(
        change: impl FnOnce(&mut Settings),
        own_courier: Option<Arc<dyn Courier>>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = sqlite(folder.path()).await;
        let clock = TestClock::new();
        let mut settings = Settings {
            packages: folder.path().join("packages"),
            ..Settings::default()
        };
        change(&mut settings);
        let mut portal = portal(store, Arc::new(clock.clone()), settings);
        if own_courier.is_some() {
            portal.courier = own_courier;
        }
        let anchors = portal.signers.anchors();
        portal.store.sign_with(&anchors, clock.now()).await.unwrap();
        let portal = Arc::new(portal);
        let mailbox = Arc::new(Mailbox::default());
        let courier: Arc<dyn Courier> = Arc::<Mailbox>::clone(&mailbox);
        let postman = Postman::new(Arc::clone(&portal), courier).unwrap();
        Self {
            portal,
            clock,
            mailbox,
            postman,
            _folder: folder,
        }
    }

    /// Sells a license and reads its mail.
    pub(crate) async fn sell(&self, is_activated: bool) -> Sold {
        let email = "john.doe@email.com".to_owned();
        let order = OrderLine {
            is_activated,
            ..OrderLine::to(email.clone())
        }
        .into();
        self.portal.issue(&order).await.unwrap();
        let text = self.newest_mail().await.text;
        Sold {
            email,
            number: after(&text, "License number: "),
            pin: after(&text, "PIN number: "),
        }
    }

    /// Gives a license to somebody else.
    pub(crate) async fn transfer(&self, number: LicenseNumber, email: &str) {
        let license = self.portal.store.license(number).await.unwrap().unwrap();
        let (seen, to) = (license.version(), EmailAddress::parse(email).unwrap());
        let handed = self.portal.hand_over(number, &seen, &to, true, None);
        handed.await.unwrap();
    }

    /// Delivers all waiting mails, and returns the newest.
    pub(crate) async fn newest_mail(&self) -> Mail {
        while self.postman.round().await.unwrap() > 0 {}
        self.mailbox.0.lock().unwrap().last().unwrap().clone()
    }

    /// Delivers all waiting mails, and returns the newest to an address.
    pub(crate) async fn newest_mail_to(&self, address: &str) -> Mail {
        self.newest_mail().await;
        let mails = self.mailbox.0.lock().unwrap();
        mails
            .iter()
            .rfind(|mail| mail.to == address)
            .unwrap()
            .clone()
    }

    /// Returns the path of the link in the newest mail.
    pub(crate) async fn newest_link(&self) -> String {
        let text = self.newest_mail().await.text;
        let link = text
            .lines()
            .find(|line| line.contains("/activation/"))
            .unwrap();
        link.trim()
            .strip_prefix(&self.portal.settings.public_url)
            .unwrap()
            .to_owned()
    }
}

/// Returns license numbers and PINs of a mail in English.
pub(crate) fn sold_in(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .filter_map(|line| line.trim().split_once("   PIN "));
    let mut sold: Vec<_> = lines
        .map(|(number, pin)| (number.to_owned(), pin.to_owned()))
        .collect();
    if sold.is_empty() {
        sold.push((after(text, "License number: "), after(text, "PIN number: ")));
    }
    sold
}

/// Returns the rest of the line that begins with a word.
pub(crate) fn after(text: &str, word: &str) -> String {
    text.lines()
        .find_map(|line| line.trim().strip_prefix(word))
        .unwrap()
        .trim()
        .to_owned()
}

pub(crate) async fn sqlite(folder: &Path) -> Store {
    let store = Store::open(&format!(
        "sqlite:{}",
        folder.join("portal.sqlite").display()
    ))
    .await
    .unwrap();
    store.migrate().await.unwrap();
    store
}

pub(crate) fn portal(store: Store, clock: Arc<dyn Clock>, settings: Settings) -> Portal {
    Portal {
        store,
        clock,
        keys: PortalKeys::derive_from(&[7; 32]),
        hasher: PinHasher::new().unwrap(),
        signers: Signers::development(),
        metrics: Metrics::default(),
        settings,
        courier: Some(Arc::new(Mailbox::default())),
        bell: Notify::new(),
    }
}
