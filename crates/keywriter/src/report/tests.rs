//! Reports of real receipts, and reports that were changed.

use super::*;
use crate::{
    cycle::{How, plan::SecondaryRefusal},
    problem::{Problem, Reason},
    test_hub::{
        module::{TestModule, Unlocked, trusted_root},
        world::World,
    },
};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;

/// A folder with the report of a cycle in it.
struct Saved {
    folder: TempDir,
    report: Report,
}

impl Saved {
    fn new(report: Report) -> Self {
        let folder = tempfile::tempdir().unwrap();
        report.save(&folder.path().join("report.json")).unwrap();
        Self { folder, report }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("report.json")
    }

    /// What loading says after a change to the JSON.
    fn refused(&self, change: impl FnOnce(&mut Value)) -> ReportError {
        let mut json = serde_json::from_slice(&fs::read(self.path()).unwrap()).unwrap();
        change(&mut json);
        let path = self.folder.path().join("changed.json");
        fs::write(&path, json.to_string()).unwrap();
        Report::load(&path).unwrap_err()
    }

    fn page(&self, root: Option<&TrustedRoot>, language: Language) -> String {
        let path = self.folder.path().join("report.html");
        self.report.save_page(&path, root, language).unwrap();
        fs::read_to_string(path).unwrap()
    }
}

/// Two clones, and one that failed.
fn report() -> Report {
    let world = World::new(&[("A", Unlocked::Fresh), ("B", Unlocked::Fresh)]);
    let mut report = Report::new(1_790_000_000, "M".parse().unwrap(), Options::default());
    report.receipts = ["A", "B"].map(|name| world.receipt_of(name)).to_vec();
    report.note(&failed("C"));
    report
}

fn failed(name: &str) -> Event {
    Event::Failed {
        serial: name.parse().unwrap(),
        failure: SecondaryRefusal::LockedNotFresh.into(),
    }
}

fn entry_error(error: ReportError) -> (usize, EntryError) {
    match error {
        ReportError::Entry { number, what, .. } => (number, what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_report_reads_back_and_its_receipts_verify() {
    let saved = Saved::new(report());
    let loaded = Report::load(&saved.path()).unwrap();
    assert_eq!(loaded, saved.report);
    let verified = loaded.verify(&trusted_root(0)).unwrap();
    let serials = verified.iter().map(|one| one.statement().secondary.serial);
    assert_eq!(
        serials.map(|serial| serial.to_string()).collect::<Vec<_>>(),
        ["A", "B"]
    );
    loaded.save(&saved.path()).unwrap();
    assert_eq!(Report::load(&saved.path()).unwrap(), saved.report);
}

#[test]
fn no_receipt_verifies_under_another_root() {
    let error = report().verify(&trusted_root(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the receipt of A: the secondary is certified under another root"
    );
    assert_eq!(Problem::from(&error).reason, Reason::ReceiptForeignRoot);
}

#[test]
fn a_report_without_a_receipt_proves_nothing() {
    let mut report = report();
    report.receipts.clear();
    let saved = Saved::new(report);
    let loaded = Report::load(&saved.path()).unwrap();
    assert!(matches!(
        loaded.verify(&trusted_root(0)),
        Err(ReportError::NoReceipt)
    ));
}

#[test]
fn every_field_of_a_clone_is_what_its_receipt_says() {
    let saved = Saved::new(report());
    let json: Value = serde_json::from_slice(&fs::read(saved.path()).unwrap()).unwrap();
    let fields = json["clones"][1].as_object().unwrap();
    assert_eq!(fields.len(), 16);
    for (name, value) in fields.iter().filter(|(name, _)| *name != "receipt") {
        let other = match value {
            Value::Bool(value) => json!(!value),
            Value::Number(value) => json!(value.as_u64().unwrap() + 1),
            Value::Array(items) => json!(items[1..]),
            Value::String(value) => json!(format!("{value}0")),
            other => panic!("{other}"),
        };
        let error = saved.refused(|json| json["clones"][1][name] = other);
        let (number, what) = entry_error(error);
        assert_eq!(number, 2);
        assert_eq!(
            what.to_string(),
            format!("field \"{name}\" is not what the receipt says")
        );
    }
}

#[test]
fn a_receipt_belongs_where_it_is_and_has_one_form() {
    let saved = Saved::new(report());
    let swapped = saved.refused(|json| {
        let other = json["clones"][1]["receipt"].clone();
        json["clones"][0]["receipt"] = other;
    });
    assert_eq!(entry_error(swapped), (1, EntryError::Field("serial")));
    let twice = saved.refused(|json| json["clones"][1] = json["clones"][0].clone());
    assert_eq!(entry_error(twice), (2, EntryError::Twice));
    let other_armor = saved.refused(|json| {
        let receipt = json["clones"][0]["receipt"].as_str().unwrap();
        json["clones"][0]["receipt"] = json!(receipt.replace('\n', "\r\n"));
    });
    assert_eq!(entry_error(other_armor), (1, EntryError::Field("receipt")));
    let none = saved.refused(|json| json["clones"][0]["receipt"] = json!("PIN"));
    assert_eq!(entry_error(none), (1, EntryError::NotReceipt));
    let master = saved.refused(|json| json["master"] = json!("N"));
    assert_eq!(
        entry_error(master),
        (1, EntryError::OtherMaster("M".parse().unwrap()))
    );
}

#[test]
fn a_text_of_another_form_is_refused_with_its_reason() {
    let saved = Saved::new(report());
    let wrong = |change: fn(&mut Value)| with_sources(&saved.refused(change));
    let mut words = vec![
        wrong(|json| json["format"] = json!("keywriter-settings")),
        wrong(|json| json["version"] = json!(2)),
        wrong(|json| json["version"] = json!(0)),
        wrong(|json| json["pin"] = json!("1")),
        wrong(|json| drop(json.as_object_mut().unwrap().remove("made"))),
        wrong(|json| json["clones"][0]["pin"] = json!("1")),
        wrong(|json| drop(json["clones"][0].as_object_mut().unwrap().remove("epoch"))),
        wrong(|json| json["failed"][0]["pin"] = json!("1")),
        wrong(|json| json["master"] = json!("m")),
        wrong(|json| json["made"] = json!(-1)),
    ];
    for (word, expected) in words.iter_mut().zip([
        "not a keywriter-report file",
        "version 2 is newer than this program knows (1)",
        "not a version of this format",
        "unknown field `pin`",
        "missing field `made`",
        "unknown field `pin`",
        "missing field `epoch`",
        "unknown field `pin`",
        "malformed bytes",
        "invalid value: integer `-1`",
    ]) {
        assert!(word.contains(expected), "{word}");
    }
    let text = fs::read_to_string(saved.path()).unwrap();
    let double = text.replacen("\"epoch\": 1,", "\"epoch\": 1, \"epoch\": 1,", 1);
    for text in [&double, &text[..text.len() / 2], ""] {
        fs::write(saved.path(), text).unwrap();
        assert!(matches!(
            Report::load(&saved.path()),
            Err(ReportError::Wrong { .. })
        ));
    }
}

#[test]
fn a_changed_signature_is_read_and_does_not_verify() {
    let mut report = report();
    let last = report.receipts[1].last_mut().unwrap();
    *last ^= 1;
    let saved = Saved::new(report);
    let error = Report::load(&saved.path())
        .unwrap()
        .verify(&trusted_root(0))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the receipt of B: the master did not countersign this receipt"
    );
    assert!(
        saved
            .page(Some(&trusted_root(0)), Language::English)
            .contains("does not verify</td>")
    );
}

#[test]
fn what_is_no_receipt_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let mut report = report();
    report.receipts.push(vec![1]);
    let error = report.save(&path).unwrap_err();
    assert_eq!(entry_error(error), (3, EntryError::NotReceipt));
    let error = report.verify(&trusted_root(0)).unwrap_err();
    assert!(matches!(error, ReportError::Malformed { number: 3 }));
    assert!(!path.exists());
}

#[test]
fn the_last_word_on_a_secondary_counts_and_a_run_is_saved_once() {
    let world = World::new(&[("A", Unlocked::Fresh), ("B", Unlocked::Fresh)]);
    let receipt = world.proof_of("A");
    let mut report = Report::new(0, "M".parse().unwrap(), Options::default());
    report.receipts = vec![receipt.as_bytes().to_vec(), world.receipt_of("B")];
    report.note(&failed("C"));
    report.note(&failed("A"));
    report.note(&failed("A"));
    assert_eq!(report.failed.len(), 2);
    let done = |how| Event::Done {
        serial: "A".parse().unwrap(),
        receipt: receipt.clone(),
        kept: None,
        how,
    };
    report.note(&done(How::Completed));
    report.note(&done(How::Already));
    assert_eq!((report.receipts.len(), report.failed.len()), (3, 1));
    let saved = Saved::new(report);
    assert_eq!(Report::load(&saved.path()).unwrap().receipts.len(), 2);
}

#[test]
fn the_page_says_what_came_of_each_receipt() {
    let saved = Saved::new(report());
    let count = |page: &str, words: &str| page.matches(&format!("{words}</td>")).count();
    let page = saved.page(Some(&trusted_root(0)), Language::English);
    assert_eq!(count(&page, "verified"), 2);
    assert!(page.contains("2026-09-21 14:13 UTC"));
    let page = saved.page(None, Language::English);
    assert_eq!(
        (count(&page, "verified"), count(&page, "not checked")),
        (0, 2)
    );
    let page = saved.page(Some(&trusted_root(1)), Language::English);
    assert_eq!(
        (count(&page, "verified"), count(&page, "other root")),
        (0, 2)
    );
    for (language, lang, title) in [
        (Language::English, "en", "Report of a cloning cycle"),
        (Language::German, "de", "Bericht über einen Klonvorgang"),
        (Language::French, "fr", "Rapport d’un cycle de clonage"),
    ] {
        let page = saved.page(Some(&trusted_root(0)), language);
        assert!(page.contains(&format!("<html lang=\"{lang}\">")));
        assert!(page.contains(&format!("<h1>{title}</h1>")));
    }
}

#[test]
fn the_page_runs_nothing_that_a_failure_says() {
    let mut report = report();
    report.failed[0].why = "<script>alert(1)</script>\"'&<img src=x onerror=y>".to_owned();
    let page = Saved::new(report).page(None, Language::French);
    assert!(
        !page.contains("<script") && !page.contains("<img"),
        "{page}"
    );
    assert!(page.contains("&#60;script&#62;"), "{page}");
}

#[test]
fn the_page_tells_virtual_modules() {
    let world = World::default();
    let master = Unlocked::Admin { cloning: true };
    world.plug(TestModule::new_virtual("M", master));
    world.plug(TestModule::new_virtual("A", Unlocked::Fresh));
    let mut report = Report::new(0, "M".parse().unwrap(), Options::default());
    report.receipts.push(world.receipt_of("A"));
    let remark = "Virtual modules took part";
    let saved = Saved::new(report);
    assert!(
        saved
            .page(Some(&trusted_root(0)), Language::English)
            .contains(remark)
    );
    assert!(
        !Saved::new(self::report())
            .page(Some(&trusted_root(0)), Language::English)
            .contains(remark)
    );
}
