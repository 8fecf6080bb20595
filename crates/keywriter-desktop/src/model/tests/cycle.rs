//! Cycles from their start to their end.

use super::*;

#[test]
fn a_cycle_goes_from_start_to_check_marks() {
    let mut model = ready();
    assert_eq!(model.cloning.bar(), ready_to_clone(2));
    let commands = model.act(Intent::Start);
    assert!(matches!(commands.as_slice(), [Command::Start(request)] if request.to.is_empty()));
    assert!(!model.cloning.can_start() && !model.cloning.can_choose());
    let (a, b) = (serial("A"), serial("B"));
    cycle(
        &mut model,
        CycleEvent::Preflight {
            secondaries: vec![a, b],
        },
    );
    assert_eq!(state_of(&model, "A"), CardState::Waiting);
    cycle(&mut model, CycleEvent::Step(a, 3));
    let Bar::Running { share, .. } = model.cloning.bar() else {
        panic!("it runs");
    };
    assert!((share - 0.25).abs() < 1e-6, "3 steps of 12");
    for name in ["A", "B"] {
        done(&mut model, name);
    }
    let summary = Summary {
        done: 2,
        began: true,
        ..Summary::default()
    };
    let commands = model.hear(Event::Cycle(CycleEvent::Ended(Ok(summary))));
    assert!(matches!(commands.as_slice(), [Command::Look(Some(_))]));
    assert_eq!(state_of(&model, "B"), CardState::Cloned { already: false });
    assert!(model.cloning.has_report());
    // The next survey finds locked clones: the check marks stay.
    model.hear(surveyed(vec![secondary("A", Part::IsClone), master("M")]));
    assert_eq!(state_of(&model, "A"), CardState::Cloned { already: false });
    assert_eq!(state_of(&model, "B"), CardState::Empty, "it was taken away");
}

#[test]
fn a_failure_stays_in_sight_and_retry_takes_the_failed_ones_alone() {
    let mut model = ready();
    model.act(Intent::Start);
    let (a, b) = (serial("A"), serial("B"));
    cycle(
        &mut model,
        CycleEvent::Preflight {
            secondaries: vec![a, b],
        },
    );
    done(&mut model, "A");
    fails(&mut model, "B");
    end(&mut model);
    model.hear(surveyed(vec![secondary("A", Part::IsClone), master("M")]));
    assert!(
        matches!(state_of(&model, "B"), CardState::Failed(_)),
        "and it is gone"
    );
    assert!(!model.cloning.can_retry(), "it is not there");
    model.hear(surveyed(vec![
        secondary("A", Part::IsClone),
        secondary("B", Part::Clone),
        master("M"),
    ]));
    let commands = model.act(Intent::Retry);
    assert!(matches!(commands.as_slice(), [Command::Start(request)] if request.to == [b]));
}

fn end(model: &mut Model) {
    let summary = Summary {
        began: true,
        ..Summary::default()
    };
    cycle(model, CycleEvent::Ended(Ok(summary)));
}

fn done(model: &mut Model, name: &str) {
    let serial = serial(name);
    cycle(
        model,
        CycleEvent::Done {
            serial,
            already: false,
        },
    );
}

fn fails(model: &mut Model, name: &str) {
    let problem = Reason::Unplugged.into();
    cycle(model, CycleEvent::Failed(serial(name), problem));
}

#[test]
fn a_retry_adds_to_what_was_done_before() {
    let mut model = ready();
    model.act(Intent::Start);
    done(&mut model, "A");
    fails(&mut model, "B");
    end(&mut model);
    model.act(Intent::Retry);
    assert_eq!(state_of(&model, "A"), CardState::Cloned { already: false });
    done(&mut model, "B");
    end(&mut model);
    let ended = |done| Bar::Ended {
        done,
        failed: 0,
        left_out: 0,
        disabled: false,
    };
    assert_eq!(model.cloning.bar(), ended(2));
    model.hear(surveyed(vec![secondary("A", Part::IsClone), master("M")]));
    assert_eq!(model.cloning.bar(), ended(2), "B was taken away as a clone");
    model.hear(surveyed(vec![secondary("C", Part::Clone), master("M")]));
    model.act(Intent::Start);
    done(&mut model, "C");
    end(&mut model);
    assert_eq!(model.cloning.bar(), ended(1), "a cycle of its own");
}

#[test]
fn what_was_not_tried_is_left_out_and_not_failed() {
    let mut model = ready();
    model.act(Intent::Start);
    cycle(
        &mut model,
        CycleEvent::Refused(serial("A"), Reason::SecondaryLocked.into()),
    );
    done(&mut model, "B");
    end(&mut model);
    assert_eq!(
        model.cloning.bar(),
        Bar::Ended {
            done: 1,
            failed: 0,
            left_out: 1,
            disabled: false
        }
    );
    assert!(matches!(state_of(&model, "A"), CardState::Refused(_)));
    assert!(!model.cloning.can_retry());
    // Its Administrator has unlocked it meanwhile: the card says what would happen now.
    model.hear(surveyed(vec![secondary("A", Part::Replace), master("M")]));
    assert_eq!(state_of(&model, "A"), CardState::Preflight(Part::Replace));
}

#[test]
fn clones_are_counted_where_nothing_is_left_to_clone() {
    let mut model = ready();
    model.hear(surveyed(vec![secondary("A", Part::IsClone), master("M")]));
    let bar = Bar::Ready {
        ready: 0,
        clones: 1,
    };
    assert_eq!(model.cloning.bar(), bar);
}

fn places(model: &Model) -> Vec<String> {
    let cards = model.cloning.cards();
    let name = |serial: Option<Serial>| serial.map_or_else(String::new, |it| it.to_string());
    let mut names: Vec<_> = cards.iter().map(|card| name(card.serial)).collect();
    names.truncate(4);
    names
}

#[test]
fn a_card_keeps_its_place_while_others_come_and_go() {
    let mut model = ready();
    assert_eq!(places(&model), ["A", "B", "", ""]);
    model.hear(surveyed(vec![secondary("B", Part::Clone), master("M")]));
    assert_eq!(places(&model), ["", "B", "", ""]);
    let names = ["0", "1", "B"].map(|name| secondary(name, Part::Clone));
    model.hear(surveyed(names.into_iter().chain([master("M")]).collect()));
    assert_eq!(places(&model), ["0", "B", "1", ""]);
}

#[test]
fn after_a_cycle_failures_come_first() {
    let mut model = ready();
    model.act(Intent::Start);
    done(&mut model, "A");
    fails(&mut model, "B");
    assert_eq!(places(&model), ["A", "B", "", ""], "not while it runs");
    end(&mut model);
    assert_eq!(places(&model), ["B", "A", "", ""]);
}

#[test]
fn a_problem_stays_until_it_is_closed_or_solved_and_a_success_does_not() {
    let mut model = ready();
    model.hear(Event::Exported(Ok("/home/ada/s.json".into())));
    assert!(!model.notice.as_ref().unwrap().is_lasting());
    assert!(matches!(
        model.act(Intent::ShowInFolder).as_slice(),
        [Command::ShowInFolder(file)] if file.ends_with("s.json")
    ));
    model.act(Intent::SetAutoLock(true));
    assert!(model.notice.is_some(), "it goes by itself");
    model.act(Intent::ExportSettings("/home/ada/s.json".into()));
    assert_eq!(model.notice, None);

    let lost = Summary {
        master_lost: true,
        ..Summary::default()
    };
    cycle(&mut model, CycleEvent::Ended(Ok(lost)));
    model.act(Intent::SetAutoLock(false));
    model.hear(surveyed(vec![]));
    assert!(model.notice.as_ref().unwrap().is_lasting());
    model.hear(surveyed(vec![master("M")]));
    assert_eq!(model.notice, None, "it is back");
    assert!(model.act(Intent::ShowInFolder).is_empty());
}

const fn ends(commands: &[Command]) -> bool {
    matches!(commands, [Command::SavePreferences(_), Command::Quit])
}

#[test]
fn the_app_ends_during_a_cycle_only_if_that_is_wanted() {
    let mut model = ready();
    assert!(ends(&model.act(Intent::Quit(None))));
    assert!(model.act(Intent::AnswerQuit(true)).is_empty(), "not asked");
    model.act(Intent::Start);
    assert!(model.act(Intent::Quit(None)).is_empty() && model.quit_question);
    assert!(model.act(Intent::AnswerQuit(false)).is_empty() && !model.quit_question);
    model.act(Intent::Quit(None));
    assert!(ends(&model.act(Intent::AnswerQuit(true))));
    model.act(Intent::Quit(None));
    end(&mut model);
    assert!(!model.quit_question, "there is nothing left to ask");
}

#[test]
fn the_windows_place_is_kept() {
    let mut model = ready();
    let place = WindowPlace {
        x: 7,
        y: 8,
        width: 900,
        height: 700,
    };
    let commands = model.act(Intent::Quit(Some(place)));
    assert!(
        matches!(commands.as_slice(), [Command::SavePreferences(it), _] if it.window == Some(place))
    );
}

#[test]
fn a_master_that_is_disabled_as_chosen_is_not_an_error() {
    let mut model = ready();
    let disabled = |model: &mut Model| {
        let mut master = master("M");
        master.unfit = Some(Reason::CloningDisabled.into());
        model.hear(surveyed(vec![master]));
        model.cloning.master_card().status
    };
    assert_eq!(disabled(&mut model), MasterStatus::NotReady);
    model.act(Intent::SetDisableMaster(true));
    assert_eq!(disabled(&mut model), MasterStatus::Disabled);
}

#[test]
fn stop_is_asked_for_once_and_the_bar_says_so() {
    let mut model = ready();
    assert!(model.act(Intent::Stop).is_empty());
    model.act(Intent::Start);
    cycle(
        &mut model,
        CycleEvent::Preflight {
            secondaries: vec![serial("A")],
        },
    );
    assert!(matches!(
        model.act(Intent::Stop).as_slice(),
        [Command::Stop]
    ));
    assert!(model.act(Intent::Stop).is_empty());
    assert!(matches!(
        model.cloning.bar(),
        Bar::Running { stopping: true, .. }
    ));
}

#[test]
fn a_cycle_that_does_not_begin_says_why_and_leaves_everything() {
    let mut model = ready();
    model.act(Intent::Start);
    cycle(
        &mut model,
        CycleEvent::Ended(Err(Reason::LicenseExpired.into())),
    );
    assert_eq!(
        model.notice,
        Some(Notice::Problem(Reason::LicenseExpired.into()))
    );
    assert!(model.cloning.can_start());
}

#[test]
fn a_cycle_that_ends_early_leaves_nobody_waiting() {
    let mut model = ready();
    model.act(Intent::Start);
    cycle(
        &mut model,
        CycleEvent::Preflight {
            secondaries: vec![serial("A"), serial("B")],
        },
    );
    cycle(
        &mut model,
        CycleEvent::Ended(Err(Reason::CommandRefused.into())),
    );
    assert_eq!(state_of(&model, "A"), CardState::Preflight(Part::Clone));
    assert!(model.cloning.can_start());
}

#[test]
fn start_is_not_possible_with_a_refusal_or_without_work() {
    let mut model = ready();
    model.hear(Event::Surveyed(Surveyed {
        modules: vec![secondary("A", Part::Clone), master("M")],
        refusal: Some(Reason::TwoMasters.into()),
        ..Surveyed::default()
    }));
    assert!(!model.cloning.can_start() && model.act(Intent::Start).is_empty());
    model.hear(surveyed(vec![secondary("A", Part::IsClone), master("M")]));
    assert!(!model.cloning.can_start());
}
