//! The key that signs licenses: a wrong one stops the service, and changing it stops no app.

use std::{fs, path::Path, process::Command};

use keywriter::license::{
    Anchor, Anchors, LicenseError, LicenseFile, LicenseNumber, Pin, Portal, PortalError,
};
use license_token::SigningKey;

use crate::instances::{Instance, mails, output, program, until};

const NOW: u64 = 1_795_507_200;

/// The portal of one folder, with the keys in files `a`, `b` and `c` there.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, seed) in SEEDS {
            let file = folder.path().join(name);
            fs::write(&file, hex(&[seed; 32])).unwrap();
            output(Command::new("chmod").arg("600").arg(&file));
        }
        Self(folder)
    }

    fn data(&self) -> &Path {
        self.0.path()
    }

    /// The program with these keys, the newest first.
    fn program(&self, keys: &[&str]) -> Command {
        let mut command = program(self.data(), None);
        command.env_remove("LICENSE_PORTAL_DEVELOPMENT");
        let mut options = ["--signing-key", "--old-signing-key"].into_iter();
        let mut option = "";
        for key in keys {
            option = options.next().unwrap_or(option);
            command.arg(option).arg(self.data().join(key));
        }
        command
    }

    fn serve(&self, keys: &[&str]) -> Instance {
        Instance::run(self.program(keys), "127.0.0.1:0", &[])
    }

    fn rotate(&self, keys: &[&str]) {
        output(self.program(keys).args(["signing-key", "rotate"]));
    }

    /// Returns why the service does not start.
    fn refused(&self, keys: &[&str]) -> String {
        let mut serve = self.program(keys);
        let ended = serve
            .args(["serve", "--listen", "127.0.0.1:0"])
            .output()
            .unwrap();
        assert!(!ended.status.success());
        String::from_utf8(ended.stderr).unwrap()
    }
}

const SEEDS: [(&str, u8); 3] = [("a", 1), ("b", 2), ("c", 3)];

fn anchor(name: &str) -> Anchor {
    let (_, seed) = SEEDS.into_iter().find(|(known, _)| *known == name).unwrap();
    SigningKey::from_seed(&[seed; 32]).anchor()
}

fn anchors(names: &[&str]) -> Anchors {
    names.iter().map(|name| anchor(name)).collect()
}

fn hex(bytes: &[u8]) -> String {
    Anchor::from_bytes(bytes.try_into().unwrap()).to_string()
}

#[test]
fn a_service_with_a_wrong_key_or_none_does_not_start() {
    let place = Place::new();
    assert!(place.refused(&[]).contains("signing_key is not set"));
    drop(place.serve(&["a"]));
    let said = place.refused(&["b"]);
    assert!(said.contains(&anchor("b").to_string()) && said.contains(&anchor("a").to_string()));
    let said = place.refused(&["a", "b"]);
    assert!(said.contains("old signing key") && said.contains(&anchor("b").to_string()));
    assert!(said.contains("Remove it") && !said.contains("rotate"));
    let mut development = program(place.data(), None);
    let development = development.arg("serve").output().unwrap();
    assert!(!development.status.success());
    drop(place.serve(&["a"]));
    let checked = place.program(&["b"]).arg("check-config").output().unwrap();
    assert!(String::from_utf8_lossy(&checked.stdout).contains("wrong signing key"));

    place.rotate(&["b", "a"]);
    assert!(place.refused(&["a"]).contains("wrong signing key"));
    drop(place.serve(&["b", "a"]));
    drop(place.serve(&["b"]));
    let listed = output(place.program(&[]).args(["signing-key", "list"]));
    assert_eq!(listed, format!("{}\n{}\n", anchor("b"), anchor("a")));
}

#[test]
fn a_key_is_forgotten_for_good_and_not_while_it_is_configured() {
    let place = Place::new();
    drop(place.serve(&["a"]));
    place.rotate(&["b", "a"]);
    let forget = |keys: &[&str]| {
        let mut command = place.program(keys);
        command.args(["signing-key", "forget", &anchor("a").to_string()]);
        command
    };
    let refused = forget(&["b", "a"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("Remove it from old_signing_key"), "{said}");
    drop(place.serve(&["b", "a"]));
    output(&mut forget(&["b"]));
    assert!(place.refused(&["b", "a"]).contains("forgotten"));
    drop(place.serve(&["b"]));
    let listed = output(place.program(&[]).args(["signing-key", "list"]));
    assert_eq!(listed, format!("{}\n", anchor("b")));
}

/// An app that knows these keys.
struct App(LicenseFile, Anchors);

impl App {
    fn new(folder: &Path, name: &str, keys: &[&str]) -> Self {
        Self(LicenseFile::new(folder.join(name)), anchors(keys))
    }

    fn register(
        &self,
        instance: &Instance,
        sold: &(LicenseNumber, Pin),
    ) -> Result<(), LicenseError> {
        let portal = Portal::new(&instance.base).unwrap();
        let now = now();
        self.0
            .register(&portal, (sold.0, &sold.1), &self.1, now)
            .map(drop)
    }

    fn refresh(&self, instance: &Instance) -> Result<(), LicenseError> {
        let portal = Portal::new(&instance.base).unwrap();
        self.0.refresh(&portal, &self.1, now()).map(drop)
    }

    fn is_revoked(&self) -> bool {
        self.0.registration().unwrap().unwrap().is_revoked()
    }
}

fn now() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH)
        .map_or(NOW, |since| since.as_secs())
}

fn is_other_key(outcome: &Result<(), LicenseError>) -> bool {
    matches!(outcome, Err(LicenseError::Portal(PortalError::OtherKey)))
}

/// Sells a license, and reads its mail.
async fn sell(place: &Place) -> (LicenseNumber, Pin) {
    let issue = ["issue", "--email", "a@b.example", "--activated"];
    output(place.program(&[]).args(issue));
    let outbox = place.data().join("outbox");
    until("the mail", async || {
        outbox.exists() && !mails(&outbox).is_empty()
    })
    .await;
    let (number, pin) = mails(&outbox).remove(0);
    (
        LicenseNumber::parse(&number).unwrap(),
        Pin::parse(&pin).unwrap(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_that_sells_forgets_the_key_that_it_was_evaluated_with() {
    let place = Place::new();
    let apps = tempfile::tempdir().unwrap();
    let evaluation = Instance::start(place.data(), None, &[]);
    let sold = sell(&place).await;
    let file = LicenseFile::new(apps.path().join("app"));
    let app = App(
        file,
        [anchor("a"), Anchor::development()].into_iter().collect(),
    );
    app.register(&evaluation, &sold).unwrap();
    app.refresh(&evaluation).unwrap();
    drop(evaluation);
    place.rotate(&["a"]);
    let instance = place.serve(&["a"]);
    assert!(is_other_key(&app.refresh(&instance)));
    let listed = output(place.program(&[]).args(["signing-key", "list"]));
    assert_eq!(listed, format!("{}\n", anchor("a")));
}

#[test]
fn the_published_key_is_no_key_of_a_file() {
    let place = Place::new();
    let file = place.data().join("published");
    fs::write(&file, hex(b"published: signs no real license")).unwrap();
    output(Command::new("chmod").arg("600").arg(&file));
    for keys in [&["published"][..], &["a", "published"]] {
        let said = place.refused(keys);
        assert!(said.contains("published development key"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_of_every_age_keep_working_while_the_key_changes_and_changes_back() {
    let place = Place::new();
    let apps = tempfile::tempdir().unwrap();
    let first = place.serve(&["a"]);
    let sold = sell(&place).await;
    let old = App::new(apps.path(), "old", &["a"]);
    let between = App::new(apps.path(), "between", &["b", "a"]);
    let new = App::new(apps.path(), "new", &["b"]);
    old.register(&first, &sold).unwrap();
    between.register(&first, &sold).unwrap();
    assert!(is_other_key(&new.register(&first, &sold)));

    // The first instance still runs with the old key while another one has the new.
    place.rotate(&["b", "a"]);
    let second = place.serve(&["b", "a"]);
    for instance in [&second, &first, &second] {
        old.refresh(instance).unwrap();
        between.refresh(instance).unwrap();
    }
    new.register(&second, &sold).unwrap();
    drop(first);

    // The old key is gone: old apps are told, and their licenses are not taken for revoked.
    let third = place.serve(&["b"]);
    assert!(is_other_key(&old.refresh(&third)) && !old.is_revoked());
    between.refresh(&third).unwrap();
    new.refresh(&third).unwrap();

    // And back.
    place.rotate(&["a", "b"]);
    let back = place.serve(&["a", "b"]);
    for app in [&old, &between, &new] {
        app.refresh(&back).unwrap();
    }
    // A portal that never had the key of a license says nothing about the license.
    let stranger = Place::new();
    let other = stranger.serve(&["c", "b"]);
    assert!(is_other_key(&between.refresh(&other)) && !between.is_revoked());
}
