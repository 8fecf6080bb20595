//! Each state has its own words.

use super::{hands, pictures::LANGUAGES, scenes};
use keywriter_desktop::{
    model::{
        Configured, CycleEvent, Event, Intent, LicenseState, Page, Part, Preferences, Problem,
        Reason, Surveyed,
    },
    screen::ui::{self, Problems},
};
use slint::ComponentHandle as _;
use std::collections::BTreeSet;

#[test]
fn every_reason_has_a_title_and_an_advice_in_every_language() {
    let (app, _) = hands::open();
    for (code, language) in LANGUAGES {
        app.act(Intent::Prefer(Preferences {
            language: Some(language),
            ..Preferences::default()
        }));
        let problems = app.window().global::<Problems>();
        let mut titles = BTreeSet::new();
        for reason in Reason::ALL {
            let ui::Words { title, advice } = problems.invoke_words(ui::Problem {
                is_some: true,
                reason: reason.code().into(),
                subject: "2026-06-30".into(),
                retry_after: 5,
                ..ui::Problem::default()
            });
            assert!(!title.is_empty(), "{code}: {reason:?}");
            assert!(
                advice.ends_with('.') && !title.ends_with('.'),
                "{code}: {title} {advice}"
            );
            assert!(titles.insert(title.clone()), "{code}: twice {title}");
        }
    }
}

#[test]
fn every_state_of_a_secondary_is_said_and_never_by_color_alone() {
    let (app, _) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    let refused = Part::Refused(Problem::new(Reason::SecondaryLocked));
    let parts = [
        (Part::None, "Plugged in"),
        (Part::Clone, "Will be cloned"),
        (Part::Replace, "Contents will be replaced"),
        (Part::Finish, "Only the countersignature is missing"),
        (Part::IsClone, "Already a clone"),
        (refused, "Locked and in use"),
    ];
    for (part, word) in parts {
        app.hear(scenes::survey(vec![
            scenes::master(&scenes::name(0)),
            scenes::secondary("KW-1", part.clone()),
        ]));
        let card = hands::find(&app, &format!("Place 1: KW-1, {word}"));
        if part == Part::Replace || matches!(part, Part::Refused(_)) {
            assert!(
                card.accessible_description()
                    .is_some_and(|text| text.ends_with('.')),
                "{word}"
            );
        }
        assert!(hands::shows(&app, "Place 2: empty"));
    }
    app.hear(scenes::survey(vec![
        scenes::master(&scenes::name(0)),
        scenes::secondary("KW-1", Part::Clone),
    ]));
    app.act(Intent::Start);
    let serial = scenes::serial("KW-1");
    let problem = Problem::new(Reason::Unplugged);
    let events = [
        (
            CycleEvent::Preflight {
                secondaries: vec![serial],
            },
            "Waiting",
        ),
        (CycleEvent::Step(serial, 0), "Cloning…"),
        (CycleEvent::Step(serial, 6), "Cloning…"),
        (CycleEvent::Failed(serial, problem), "Cloning failed"),
        (
            CycleEvent::Done {
                serial,
                already: true,
            },
            "Device cloned",
        ),
        (
            CycleEvent::Done {
                serial,
                already: false,
            },
            "Device cloned",
        ),
    ];
    for (event, word) in events {
        scenes::cycle(&app, event);
        hands::find(&app, &format!("Place 1: KW-1, {word}"));
    }
}

#[test]
fn each_step_of_a_run_is_named() {
    let (app, _) = hands::open();
    scenes::clone_half(&app);
    let serial = scenes::serial(&scenes::name(3));
    let mut words = BTreeSet::new();
    for step in 0..=6 {
        scenes::cycle(&app, CycleEvent::Step(serial, step));
        let card = hands::find(&app, &format!("Place 3: {serial}, Cloning…"));
        assert!(
            words.insert(card.accessible_description().unwrap()),
            "{step}"
        );
    }
}

#[test]
fn every_status_of_the_master_is_said() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    hands::find(&app, "Status: No device");
    app.hear(scenes::connected(1));
    hands::find(&app, "Status: Unassigned");
    hands::press(&app, "Set as Master");
    hands::find(&app, "Status: Active");
    app.hear(scenes::survey(vec![]));
    hands::find(&app, "Status: Not ready");
    assert!(hands::says(&app, "Not plugged in: KW-20418 Plug it in."));
    // The second click of a double click on "Set as Master" hits this button, and is ignored.
    assert!(!hands::is_enabled(&app, "Change master"));
    hands::wait();
    hands::press(&app, "Change master");
    hands::find(&app, "Status: No device");
}

#[test]
fn the_six_items_tell_set_from_not_set_from_unknown() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    app.hear(scenes::survey(vec![scenes::master("KW-1")]));
    for item in [
        "User PIN Policy: set",
        "User PIN: set",
        "KeyWriter cloning: enabled",
        "Encryption mode: AES-XTS",
        "Self-Destruct PIN: not set",
        "Auto-Lock: set",
    ] {
        hands::find(&app, item);
    }
    let description = hands::find(&app, "Self-Destruct PIN: not set").accessible_description();
    assert_eq!(description.as_deref(), Some("KEY+6"));
    let mut module = scenes::master("KW-1");
    module.configured = Some(Configured {
        cloning: false,
        mode: keywriter::protocol::EncryptionMode::Ecb,
        ..module.configured.unwrap()
    });
    app.hear(scenes::survey(vec![module]));
    hands::find(&app, "KeyWriter cloning: disabled");
    let mode = hands::find(&app, "Encryption mode: AES-ECB");
    assert_eq!(
        mode.accessible_description().as_deref(),
        Some("KEY+9 1 SHIFT"),
        "no green tick, and the way to the better one"
    );
    app.hear(scenes::survey(vec![scenes::secondary("KW-1", Part::None)]));
    hands::find(&app, "Encryption mode: unknown");
    hands::find(&app, "User PIN: unknown");
}

#[test]
fn the_choices_name_the_masters_values() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    app.hear(scenes::survey(vec![scenes::master("KW-1")]));
    let hint = |label| hands::find(&app, label).accessible_description().unwrap();
    assert_eq!(hint("Auto-Lock"), "On the master: after 15 minutes.");
    assert_eq!(
        hint("User PIN Policy"),
        "On the master: at least 8 positions, one with SHIFT."
    );
    hands::press(&app, "Auto-Lock");
    assert!(app.model().cloning.options().auto_lock);
    assert_eq!(
        hands::find(&app, "Auto-Lock").accessible_checked(),
        Some(true)
    );
}

#[test]
fn another_module_can_be_chosen_as_long_as_there_is_no_master() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    app.hear(scenes::survey(vec![
        scenes::master("KW-1"),
        scenes::master("KW-2"),
    ]));
    assert_eq!(hands::find(&app, "KW-1").accessible_checked(), Some(true));
    hands::press(&app, "KW-2");
    assert_eq!(
        app.model().cloning.master_card().serial,
        Some(scenes::serial("KW-2"))
    );
    assert_eq!(hands::find(&app, "KW-2").accessible_checked(), Some(true));
    hands::press(&app, "Set as Master");
    assert!(
        !hands::shows(&app, "KW-2"),
        "there is nothing left to choose"
    );
}

#[test]
fn each_choice_says_its_state_and_a_click_on_a_card_chooses_too() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    app.hear(scenes::survey(vec![
        scenes::master("KW-1"),
        scenes::secondary("KW-2", Part::None),
    ]));
    let state = |name| hands::find(&app, name).accessible_description().unwrap();
    assert_eq!(state("KW-1"), "Can be the master");
    assert_eq!(state("KW-2"), "Locked");
    let card = hands::find(&app, "Place 1: KW-2, Plugged in");
    card.mock_single_click(slint::platform::PointerEventButton::Left);
    hands::pass(&app);
    let shown = app.model().cloning.master_card().serial;
    assert_eq!(shown, Some(scenes::serial("KW-2")));
    hands::press(&app, "Place 1: KW-1, Plugged in");
    hands::press(&app, "Set as Master");
    hands::press(&app, "Place 1: KW-2, Plugged in");
    let shown = app.model().cloning.master_card().serial;
    assert_eq!(shown, Some(scenes::serial("KW-1")), "the master stays");
}

#[test]
fn the_bar_is_empty_again_without_a_master() {
    let (app, _) = hands::open();
    scenes::clone_half(&app);
    let share = || hands::find(&app, "Overall progress").accessible_value();
    assert_ne!(share().as_deref(), Some("0"));
    scenes::cycle(&app, CycleEvent::Ended(Err(Reason::MasterLost.into())));
    app.act(Intent::ReleaseMaster);
    hands::pass(&app);
    assert_eq!(share().as_deref(), Some("0"));
}

#[test]
fn a_long_list_of_modules_is_shown_when_it_is_asked_for() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    app.hear(scenes::connected(9));
    assert!(!hands::shows(&app, &scenes::name(3)));
    hands::press(&app, "Choose another device");
    hands::press(&app, &scenes::name(3));
    let shown = app.model().cloning.master_card().serial;
    assert_eq!(shown, Some(scenes::serial(&scenes::name(3))));
    hands::press(&app, "Close the list");
    assert!(!hands::shows(&app, &scenes::name(2)));
}

#[test]
fn more_than_nine_secondaries_are_all_shown() {
    let (app, _) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    app.hear(scenes::connected(13));
    hands::find(
        &app,
        &format!("Place 13: {}, Will be cloned", scenes::name(13)),
    );
    assert!(!hands::shows(&app, "Place 14: empty"));
    app.hear(scenes::connected(2));
    hands::find(&app, "Place 9: empty");
    assert!(!hands::shows(&app, "Place 10: empty"));
}

#[test]
fn a_wider_window_has_more_cards_in_a_row() {
    let (app, _) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    let in_first_row = |width: f32| {
        let size = slint::LogicalSize::new(width, 2400.0);
        app.window().window().set_size(size);
        hands::pass(&app);
        let top = |place| {
            hands::find(&app, &format!("Place {place}: empty"))
                .absolute_position()
                .y
        };
        (1..=9)
            .filter(|place| (top(*place) - top(1)).abs() < 1.0)
            .count()
    };
    assert_eq!(
        [800.0, 960.0, 1180.0, 1600.0, 3840.0].map(in_first_row),
        [2, 2, 3, 5, 8]
    );
}

#[test]
fn what_blocks_start_is_said_beside_it() {
    let (app, _) = hands::open();
    scenes::refusals(&app);
    assert!(!hands::is_enabled(&app, "Start"));
    for said in [
        "The license has expired",
        "Another device could also be the master: KW-20640",
        "In use by another program: Reader 3",
    ] {
        assert!(hands::says(&app, said), "{said}");
    }
    hands::press(&app, "Renew");
    assert!(!hands::is_enabled(&app, "Renewing…"));
    app.hear(Event::LicenseRefreshed(Ok(scenes::license())));
    hands::find(&app, "License renewed");
    assert!(!hands::says(&app, "The license has expired"));
}

#[test]
fn wear_a_foreign_root_and_a_damaged_receipt_are_told() {
    let (app, _) = hands::open();
    scenes::warnings(&app);
    let unusable = app.model().cloning.unusable().to_vec();
    let roots = unusable[0].roots.as_deref().unwrap();
    let [shown, trusted] = [&roots.shown, roots.trusted.as_ref().unwrap()];
    for said in [
        "KW-20418: its memory is wearing out It can be written 1 more time. Clone it to another",
        &format!("Root shown: {}", shown.summary()),
        &format!("Root on this computer: {}", trusted.summary()),
        "A damaged receipt was set aside It is fetched again. The damaged file is now /home/ada/",
    ] {
        assert!(
            hands::says(&app, said),
            "{said}: {:#?}",
            hands::labels(&app)
        );
    }
    assert!(!hands::says(&app, "its root is"), "the cause in English");
    app.hear(scenes::connected(2));
    assert!(!hands::says(&app, "wearing out"));
}

#[test]
fn a_refusal_on_the_masters_card_is_not_repeated() {
    let (app, _) = hands::open();
    scenes::enter(&app, Some("KW-1"));
    app.hear(Event::Surveyed(Surveyed {
        unknown_root: None,
        modules: vec![scenes::secondary("KW-1", Part::None)],
        unusable: vec![],
        refusal: Some(Problem::new(Reason::Locked).about("KW-1")),
    }));
    let count = hands::labels(&app)
        .iter()
        .filter(|label| label.contains("On its keypad"))
        .count();
    assert_eq!(count, 1);
}

#[test]
fn an_evaluation_says_so() {
    let (app, _) = hands::open();
    app.hear(scenes::launched(LicenseState::Unregistered, None));
    hands::press(&app, "Try with virtual modules");
    let mut module = scenes::master("VM0001");
    module.is_virtual = true;
    app.hear(scenes::survey(vec![module]));
    assert!(hands::says(&app, "Evaluation: virtual modules only"));
    hands::find(&app, "Not registered");
    assert!(
        !hands::shows(&app, "Change PIN"),
        "there is no PIN to change"
    );
    hands::press(&app, "Register");
    assert_eq!(app.model().page, Page::Register);
    hands::press(&app, "Back");
    assert_eq!(app.model().page, Page::Clone);
    hands::press(&app, "Register");
    hands::pass(&app);
    hands::key(&app, slint::platform::Key::Escape);
    assert_eq!(app.model().page, Page::Clone);
}
