//! The question whether a root of trust is the right one.

use super::*;
use keywriter::genuine::TrustedRoot;

/// Any P-384 root will do.
fn some_root() -> TrustedRoot {
    let root = hsm_factory::Root::generate("Some root").unwrap();
    TrustedRoot::from_der(root.certificate_der().to_vec()).unwrap()
}

#[test]
fn an_unknown_root_is_asked_about_once_and_pinned_only_if_it_is_right() {
    let root = some_root();
    let mut model = Model::default();
    model.hear(shows(Some(&root)));
    assert_eq!(model.root_question, Some(root.clone()));
    assert!(model.act(answer(&root, false)).is_empty());
    model.hear(shows(Some(&root)));
    assert_eq!(model.root_question, None, "asked once");

    let mut model = Model::default();
    model.hear(shows(Some(&root)));
    let commands = model.act(answer(&root, true));
    assert!(
        matches!(&commands[..], [Command::PinRoot(pinned), Command::Look(_)] if *pinned == root)
    );
    assert_eq!(model.root_question, None);
}

#[test]
fn the_root_that_is_pinned_is_the_one_that_was_read() {
    let (read, other) = (some_root(), some_root());
    for between in [Some(&other), None] {
        let mut model = Model::default();
        model.hear(shows(Some(&read)));
        model.hear(shows(between));
        model.hear(shows(Some(&other)));
        assert_eq!(model.root_question, Some(read.clone()));
        assert!(model.act(answer(&other, true)).is_empty(), "not asked");
        let commands = model.act(answer(&read, true));
        assert!(
            matches!(&commands[..], [Command::PinRoot(pinned), Command::Look(_)] if *pinned == read)
        );
    }
    let mut model = Model::default();
    model.hear(shows(Some(&read)));
    model.act(answer(&read, false));
    model.hear(shows(Some(&other)));
    assert_eq!(
        model.root_question,
        Some(other),
        "another is a new question"
    );
}

fn shows(root: Option<&TrustedRoot>) -> Event {
    Event::Surveyed(Surveyed {
        unknown_root: root.cloned(),
        ..Surveyed::default()
    })
}

fn answer(root: &TrustedRoot, is_right: bool) -> Intent {
    Intent::TrustRoot {
        fingerprint: root.fingerprint(),
        is_right,
    }
}
