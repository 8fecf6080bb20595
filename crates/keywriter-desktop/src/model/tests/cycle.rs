//! Cycles from their start to their end.

use super::*;

#[test]
fn a_cycle_goes_from_start_to_check_marks() {
    let mut model = ready();
    assert_eq!(model.cloning.bar(), Bar::Ready(2));
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
    for serial in [a, b] {
        cycle(
            &mut model,
            CycleEvent::Done {
                serial,
                already: false,
            },
        );
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
    cycle(
        &mut model,
        CycleEvent::Done {
            serial: a,
            already: false,
        },
    );
    cycle(&mut model, CycleEvent::Failed(b, Reason::Unplugged.into()));
    let summary = Summary {
        done: 1,
        failed: 1,
        began: true,
        ..Summary::default()
    };
    cycle(&mut model, CycleEvent::Ended(Ok(summary)));
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
