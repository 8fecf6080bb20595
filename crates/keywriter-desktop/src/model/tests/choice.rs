//! Which secondaries a cycle takes, and the question before any loses its key.

use super::*;

fn answers(model: &mut Model, modules: Vec<ModuleView>) {
    model.hear(surveyed(modules));
}

/// With a master, a fresh module A and the modules R and S, which are in use.
fn in_use() -> Model {
    let mut model = ready();
    answers(
        &mut model,
        vec![
            secondary("A", Part::Clone),
            secondary("R", Part::Replace),
            secondary("S", Part::Replace),
            master("M"),
        ],
    );
    model
}

fn asked(model: &Model) -> Option<Vec<Serial>> {
    let replacement = model.cloning.replacement();
    replacement.map(|replacement| replacement.replaced.clone())
}

/// The devices in use that a cycle may replace, as it starts.
fn agreed(commands: &[Command]) -> Vec<Serial> {
    let [Command::Start(request)] = commands else {
        panic!("it starts");
    };
    match &request.replace {
        Replace::All => panic!("only what was named"),
        Replace::Agreed(serials) => serials.clone(),
    }
}

fn included(model: &Model, name: &str) -> Option<bool> {
    let cards = model.cloning.cards();
    let card = cards.iter().find(|card| card.serial == Some(serial(name)));
    card.and_then(|card| card.is_included)
}

#[test]
fn a_device_that_is_left_out_gets_nothing_and_can_be_taken_in_again() {
    let mut model = ready();
    assert_eq!(included(&model, "A"), Some(true));
    let commands = model.act(Intent::Include(serial("A"), false));
    assert!(
        matches!(commands.as_slice(), [Command::Look(Some(request))] if request.except == [serial("A")])
    );
    assert_eq!(state_of(&model, "A"), CardState::Preflight(Part::LeftOut));
    assert_eq!(model.cloning.bar(), ready_to_clone(1));
    let commands = model.act(Intent::Start);
    assert!(
        matches!(commands.as_slice(), [Command::Start(request)] if request.except == [serial("A")] && request.to.is_empty())
    );
    assert_eq!(included(&model, "A"), None, "not while it runs");
    assert!(model.act(Intent::Include(serial("A"), true)).is_empty());

    let mut model = ready();
    model.act(Intent::Include(serial("A"), false));
    model.act(Intent::Include(serial("A"), true));
    assert_eq!(model.cloning.bar(), ready_to_clone(2));
    assert!(model.act(Intent::Include(serial("A"), true)).is_empty());
}

#[test]
fn leaving_every_device_out_is_no_problem_and_no_start() {
    let mut model = ready();
    for name in ["A", "B"] {
        model.act(Intent::Include(serial(name), false));
    }
    let refused = |modules| {
        Event::Surveyed(Surveyed {
            modules,
            refusal: Some(Reason::NoSecondary.into()),
            ..Surveyed::default()
        })
    };
    let all = |part: Part| {
        let names = ["A", "B"].map(|name| secondary(name, part.clone()));
        names.into_iter().chain([master("M")]).collect()
    };
    model.hear(refused(all(Part::None)));
    assert_eq!(model.cloning.refusal(), None);
    assert!(!model.cloning.can_start());
    model.hear(refused(vec![master("M")]));
    assert!(
        model.cloning.refusal().is_some(),
        "no secondary is connected any more"
    );
}

#[test]
fn another_master_starts_with_every_device() {
    let mut model = ready();
    model.act(Intent::Include(serial("A"), false));
    model.act(Intent::ReleaseMaster);
    assert_eq!(included(&model, "A"), None);
    model.act(Intent::SetMaster);
    assert_eq!(included(&model, "A"), Some(true));
}

#[test]
fn nothing_loses_its_key_before_it_was_named() {
    let mut model = in_use();
    assert!(model.act(Intent::Start).is_empty());
    assert_eq!(asked(&model), Some(vec![serial("R"), serial("S")]));
    assert!(model.act(Intent::AnswerReplacement(false)).is_empty());
    assert!(asked(&model).is_none() && model.cloning.can_start());
    assert!(model.act(Intent::AnswerReplacement(true)).is_empty());

    model.act(Intent::Include(serial("S"), false));
    model.act(Intent::Start);
    assert_eq!(asked(&model), Some(vec![serial("R")]));
    let commands = model.act(Intent::AnswerReplacement(true));
    assert_eq!(agreed(&commands), [serial("R")]);

    let mut model = ready();
    assert!(agreed(&model.act(Intent::Start)).is_empty());
}

#[test]
fn a_device_that_was_not_named_is_asked_about() {
    let mut model = in_use();
    model.act(Intent::Start);
    answers(
        &mut model,
        vec![
            secondary("A", Part::Replace),
            secondary("R", Part::Replace),
            master("M"),
        ],
    );
    assert_eq!(asked(&model), Some(vec![serial("R"), serial("S")]));
    assert!(model.act(Intent::AnswerReplacement(true)).is_empty());
    assert_eq!(asked(&model), Some(vec![serial("A"), serial("R")]));
    model.hear(Event::Surveyed(Surveyed {
        refusal: Some(Reason::Absent.into()),
        ..Surveyed::default()
    }));
    assert!(model.act(Intent::AnswerReplacement(true)).is_empty());
    assert!(!model.cloning.is_running(), "the master is gone");
}

#[test]
fn a_retry_asks_about_the_failed_ones_alone() {
    let mut model = in_use();
    model.act(Intent::Start);
    model.act(Intent::AnswerReplacement(true));
    let failed = serial("R");
    cycle(
        &mut model,
        CycleEvent::Failed(failed, Reason::NotConfirmed.into()),
    );
    cycle(&mut model, CycleEvent::Ended(Ok(Summary::default())));
    assert!(model.act(Intent::Retry).is_empty());
    assert_eq!(asked(&model), Some(vec![failed]));
    let commands = model.act(Intent::AnswerReplacement(true));
    assert!(matches!(commands.as_slice(), [Command::Start(request)] if request.to == [failed]));
}
