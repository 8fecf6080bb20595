//! Files that are encrypted and decrypted.

use super::*;
use keywriter::share::paths::Act;

fn sharer(name: &str, sharing: Sharing) -> ModuleView {
    ModuleView {
        sharing,
        ..secondary(name, Part::None)
    }
}

fn unlocked(group: u8) -> Sharing {
    Sharing::Unlocked { group: [group; 16] }
}

/// On the page for files, with these devices.
fn with(devices: &[(&str, Sharing)]) -> Model {
    let mut model = evaluating();
    model.act(Intent::OpenPage(Page::Files));
    let devices = devices.iter().cloned();
    let devices = devices.map(|(name, sharing)| sharer(name, sharing));
    model.hear(surveyed(devices.collect()));
    model
}

fn add(model: &mut Model, names: &[&str]) {
    model.act(Intent::AddFiles(names.iter().map(PathBuf::from).collect()));
}

fn start(model: &mut Model) -> Option<FilesOrder> {
    match model.act(Intent::StartFiles).pop() {
        Some(Command::ShareFiles(order)) => Some(order),
        _ => None,
    }
}

#[test]
fn files_are_encrypted_and_those_that_are_encrypted_are_decrypted() {
    let mut model = with(&[("A", unlocked(1))]);
    assert_eq!(start(&mut model), None, "nothing is chosen");
    add(&mut model, &["/a.pdf", "/b.kw", "/a.pdf"]);
    let order = start(&mut model).unwrap();
    assert_eq!((order.act, order.inputs.len()), (Act::Encrypt, 2));
    assert_eq!((order.named, order.existing), (None, Existing::Ask));
    add(&mut model, &["/c"]);
    assert_eq!(
        model.files.inputs().len(),
        2,
        "not while they are worked on"
    );
    model.hear(Event::Files(FilesEvent::Ended(FilesOutcome::default())));
    assert_eq!(start(&mut model), None, "not the same ones again");
    add(&mut model, &["/b.kw", "/c.kw"]);
    assert_eq!(start(&mut model).unwrap().act, Act::Decrypt);
}

#[test]
fn what_is_missing_is_told_before_anything_is_begun() {
    let lack = |devices: &[(&str, Sharing)]| {
        let mut model = with(devices);
        add(&mut model, &["/a"]);
        let lack = model.files.lack();
        assert_eq!(start(&mut model).is_none(), lack.is_some());
        lack.map(|problem| (problem.reason, problem.subject))
    };
    let unfit = Sharing::Unfit(Reason::NotSetUp.into());
    let is = |reason, subject: &str| Some((reason, subject.to_owned()));
    assert_eq!(lack(&[]), is(Reason::NoModule, ""));
    assert_eq!(
        lack(&[("A", Sharing::Locked), ("B", unfit), ("C", Sharing::Locked)]),
        is(Reason::NoUnlockedModule, "A, C")
    );
    assert_eq!(lack(&[("A", Sharing::Locked), ("B", unlocked(1))]), None);
    assert_eq!(lack(&[("A", unlocked(1)), ("B", unlocked(1))]), None);
    let two = [("A", unlocked(1)), ("B", unlocked(2))];
    assert_eq!(lack(&two), is(Reason::SeveralGroups, ""));
}

#[test]
fn with_several_groups_the_user_chooses_for_what_is_encrypted() {
    let mut model = with(&[("A", unlocked(1)), ("B", unlocked(2))]);
    add(&mut model, &["/a.kw"]);
    assert_eq!(
        start(&mut model).unwrap().named,
        None,
        "the file says which one"
    );
    model.hear(Event::Files(FilesEvent::Ended(FilesOutcome::default())));
    add(&mut model, &["/a"]);
    model.act(Intent::ChooseSharer(serial("B")));
    assert_eq!(start(&mut model).unwrap().named, Some(serial("B")));
}

#[test]
fn only_the_files_that_were_named_are_replaced() {
    let there = vec![PathBuf::from("/a.kw")];
    let asked = || {
        let mut model = with(&[("A", unlocked(1))]);
        add(&mut model, &["/a", "/b"]);
        start(&mut model).unwrap();
        model.hear(Event::Files(FilesEvent::Existing(there.clone())));
        assert_eq!(model.files.existing(), there);
        model
    };
    let answer = |wanted| match asked().act(Intent::AnswerExisting(wanted)).pop() {
        Some(Command::ShareFiles(order)) => Some(order.existing),
        _ => None,
    };
    assert_eq!(answer(None), None);
    assert_eq!(answer(Some(false)), Some(Existing::Keep));
    let agreed = there.iter().cloned().collect();
    assert_eq!(answer(Some(true)), Some(Existing::Replace(agreed)));
}

#[test]
fn what_was_not_begun_stays_chosen_and_the_devices_are_watched_again() {
    let mut model = with(&[("A", unlocked(1))]);
    add(&mut model, &["/a"]);
    let there = FilesEvent::Existing(vec!["/a.kw".into()]);
    let locked = Problem::new(Reason::NoUnlockedModule);
    for event in [there, FilesEvent::Refused(locked.clone())] {
        start(&mut model).unwrap();
        model.act(Intent::Quit(None));
        let commands = model.hear(Event::Files(event));
        assert!(matches!(commands[..], [Command::Look(_)]));
        assert!(!model.quit_question, "nothing is under way");
        if !model.files.existing().is_empty() {
            model.act(Intent::AnswerExisting(None));
        }
        assert_eq!(model.files.inputs().len(), 1);
    }
    assert_eq!(model.notice, Some(Notice::Problem(locked)));
    start(&mut model).unwrap();
    assert_eq!(model.notice, None, "it is tried again");
}

#[test]
fn results_go_where_the_user_wants_until_that_changes() {
    let mut model = with(&[("A", unlocked(1))]);
    let out = PathBuf::from("/out");
    for (chosen, output) in [(Some(out.clone()), Some(out)), (None, None)] {
        add(&mut model, &["/a"]);
        model.act(Intent::SetOutput(chosen));
        assert_eq!(start(&mut model).unwrap().output, output);
        model.act(Intent::SetOutput(Some("/late".into())));
        assert_eq!(model.files.output(), output.as_deref(), "too late");
        model.hear(Event::Files(FilesEvent::Ended(FilesOutcome::default())));
        model.act(Intent::ClearFiles);
    }
}

#[test]
fn files_that_come_too_early_are_not_lost_in_silence() {
    let mut model = with(&[("A", unlocked(1))]);
    add(&mut model, &["/a"]);
    start(&mut model).unwrap();
    model.act(Intent::OpenPage(Page::Clone));
    add(&mut model, &["/b"]);
    assert_eq!(model.notice, Some(Notice::NotAdded));
    assert_eq!((model.page, model.files.inputs().len()), (Page::Files, 1));
}

#[test]
fn devices_do_one_thing_at_a_time() {
    let mut model = ready();
    model.act(Intent::OpenPage(Page::Files));
    add(&mut model, &["/a"]);
    let mut master = master("M");
    master.sharing = unlocked(1);
    model.hear(surveyed(vec![master, secondary("S1", Part::Clone)]));
    start(&mut model).unwrap();
    assert!(model.act(Intent::Start).is_empty(), "no cycle meanwhile");
    assert!(matches!(
        model.act(Intent::StopFiles)[..],
        [Command::StopFiles]
    ));
    assert!(model.act(Intent::StopFiles).is_empty(), "once");
    let ended = Event::Files(FilesEvent::Ended(FilesOutcome::default()));
    assert!(matches!(model.hear(ended)[..], [Command::Look(_)]));
    assert!(!model.act(Intent::Start).is_empty());
    add(&mut model, &["/b"]);
    assert_eq!(start(&mut model), None, "no files during a cycle");
    assert!(model.act(Intent::AskRecipient).is_empty());
}

#[test]
fn files_that_are_under_way_are_not_left_without_asking() {
    let mut model = with(&[("A", unlocked(1))]);
    add(&mut model, &["/a"]);
    start(&mut model).unwrap();
    assert!(model.act(Intent::Quit(None)).is_empty() && model.quit_question);
    model.hear(Event::Files(FilesEvent::Ended(FilesOutcome::default())));
    assert!(!model.quit_question, "the question is out of date");
}

#[test]
fn a_recipient_is_forgotten_with_the_device_of_its_team() {
    let mut model = with(&[("A", unlocked(1))]);
    let asked = model.act(Intent::AskRecipient);
    assert!(matches!(asked[..], [Command::AskRecipient(None)]));
    let told = Recipient {
        serial: serial("A"),
        group: [1; 16],
        text: "age1keywriter1".into(),
    };
    model.hear(Event::Files(FilesEvent::Recipient(Ok(told.clone()))));
    model.hear(surveyed(vec![sharer("B", unlocked(1))]));
    assert_eq!(
        *model.files.recipient(),
        RecipientView::Told(told),
        "a clone"
    );
    model.hear(surveyed(vec![sharer("C", unlocked(2))]));
    assert_eq!(*model.files.recipient(), RecipientView::None);
    model.act(Intent::AskRecipient);
    let problem = Problem::new(Reason::RecipientDiffers);
    model.hear(Event::Files(FilesEvent::Recipient(Err(problem.clone()))));
    assert_eq!(model.notice, Some(Notice::Problem(problem)));
}

#[test]
fn the_bar_grows_with_bytes_and_with_files_that_have_none() {
    let progress = |finished, bytes, size| FilesProgress {
        finished,
        bytes,
        size,
        total: 4,
        ..FilesProgress::default()
    };
    assert!(progress(0, 0, 0).share() == 0.0 && progress(4, 0, 0).share() >= 1.0);
    let half = progress(2, 500, 1000).share();
    assert!((0.49..0.51).contains(&half), "{half}");
}
