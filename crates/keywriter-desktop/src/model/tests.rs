//! The model alone: user actions and backend events go in; what is shown and commanded comes out.

use super::*;
use keywriter::{
    Serial,
    cycle::Summary,
    protocol::EncryptionMode,
    settings::{MasterState, Settings},
};
use std::path::PathBuf;
use zeroize::Zeroizing;

fn serial(name: &str) -> Serial {
    name.parse().unwrap()
}

fn license() -> LicenseView {
    LicenseView {
        number: "AAAA-BBBB-CCCC-DDDD".into(),
        holder: String::new(),
        company: String::new(),
        last_day: None,
        problem: None,
    }
}

fn launched(license: LicenseState, master: Option<MasterState>) -> Event {
    Event::Launched {
        license,
        master: Ok(master),
        preferences: Preferences::default(),
        language: Language::German,
    }
}

fn pin(digits: &str) -> Zeroizing<String> {
    Zeroizing::new(digits.to_owned())
}

fn master(name: &str) -> ModuleView {
    ModuleView {
        serial: serial(name),
        firmware: [1, 0, 0],
        is_virtual: true,
        unfit: None,
        configured: Some(Configured {
            policy: Some((8, true)),
            user_pin: true,
            cloning: true,
            mode: EncryptionMode::Xts,
            self_destruct_pin: false,
            auto_lock: None,
        }),
        part: Part::None,
    }
}

fn secondary(name: &str, part: Part) -> ModuleView {
    ModuleView {
        serial: serial(name),
        unfit: Some(Reason::NotSetUp.into()),
        configured: None,
        part,
        ..master("M")
    }
}

fn surveyed(modules: Vec<ModuleView>) -> Event {
    Event::Surveyed(Surveyed {
        modules,
        ..Surveyed::default()
    })
}

/// On the page for cloning, without a license.
fn evaluating() -> Model {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Unregistered, None));
    model.act(Intent::Evaluate);
    model
}

/// With an active master and two fresh modules.
fn ready() -> Model {
    let mut model = evaluating();
    model.hear(surveyed(vec![master("M")]));
    model.act(Intent::SetMaster);
    model.hear(surveyed(vec![
        secondary("A", Part::Clone),
        secondary("B", Part::Clone),
        master("M"),
    ]));
    model
}

fn cycle(model: &mut Model, event: CycleEvent) {
    model.hear(Event::Cycle(event));
}

fn state_of(model: &Model, name: &str) -> CardState {
    let cards = model.cloning.cards();
    let card = cards.iter().find(|card| card.serial == Some(serial(name)));
    card.map(|card| card.state.clone()).unwrap_or_default()
}

#[test]
fn an_app_without_a_license_asks_for_one_and_one_with_a_license_for_its_pin() {
    let mut model = Model::default();
    assert_eq!(model.page, Page::Starting);
    model.hear(launched(LicenseState::Unregistered, None));
    assert_eq!(model.page, Page::Register);
    assert_eq!(model.language(), Language::German);
    model.hear(launched(LicenseState::Registered(license()), None));
    assert_eq!(model.page, Page::Login);
}

#[test]
fn a_typing_error_is_reported_before_the_portal_is_asked() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Unregistered, None));
    for (number, digits, reason) in [
        ("AAAA", "12345678", Reason::NumberInvalid),
        ("AAAA-BBBB-CCCC-DDDD", "12345678", Reason::NumberMistyped),
    ] {
        let commands = model.act(Intent::Register {
            portal: "https://portal.example".into(),
            number: number.into(),
            pin: pin(digits),
        });
        assert!(commands.is_empty());
        assert_eq!(model.refusal.as_ref().unwrap().reason, reason);
    }
    model.hear(launched(LicenseState::Registered(license()), None));
    assert!(model.act(Intent::LogIn { pin: pin("1234") }).is_empty());
    assert_eq!(model.refusal.as_ref().unwrap().reason, Reason::PinInvalid);
}

#[test]
fn a_wrong_pin_is_not_asked_again_before_its_wait_is_over() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    let try_it = |model: &mut Model| {
        model
            .act(Intent::LogIn {
                pin: pin("12345678"),
            })
            .len()
    };
    assert_eq!(try_it(&mut model), 1);
    assert_eq!(try_it(&mut model), 0, "one at a time");
    let mut wrong = Problem::new(Reason::PinWrong);
    wrong.retry_after = Some(2);
    model.hear(Event::LoggedIn(Err(wrong)));
    assert_eq!((try_it(&mut model), model.wait), (0, 2));
    model.hear(Event::Second);
    model.hear(Event::Second);
    assert_eq!(try_it(&mut model), 1);
    model.hear(Event::LoggedIn(Ok(license())));
    assert_eq!(model.page, Page::Clone);
}

#[test]
fn a_portals_rate_limit_does_not_block_the_pin() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    model.act(Intent::OpenPage(Page::Register));
    let mut slow = Problem::new(Reason::PortalRateLimit);
    slow.retry_after = Some(30);
    model.hear(Event::Registered(Err(slow)));
    model.act(Intent::OpenPage(Page::Login));
    assert_eq!(
        model
            .act(Intent::LogIn {
                pin: pin("12345678")
            })
            .len(),
        1
    );
}

#[test]
fn nothing_inside_opens_before_login() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    for page in [Page::Clone, Page::ChangePin, Page::About, Page::Registered] {
        model.act(Intent::OpenPage(page));
        assert_eq!(model.page, Page::Login);
    }
    model.act(Intent::OpenPage(Page::Register));
    assert_eq!(model.page, Page::Register, "a PIN that is forgotten");
}

#[test]
fn a_registered_app_is_not_entered_past_its_pin() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    model.act(Intent::OpenPage(Page::Register));
    assert!(!model.may_evaluate() && model.act(Intent::Evaluate).is_empty());
    assert_eq!(model.page, Page::Register);
}

#[test]
fn without_a_license_there_is_no_pin_to_change() {
    let mut model = evaluating();
    model.act(Intent::OpenPage(Page::ChangePin));
    assert_eq!(model.page, Page::Clone);
}

#[test]
fn a_pin_is_changed_only_if_the_new_ones_are_equal() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    model.hear(Event::LoggedIn(Ok(license())));
    model.act(Intent::OpenPage(Page::ChangePin));
    let mut change = |again: &str| {
        let commands = model.act(Intent::ChangePin {
            current: pin("12345678"),
            new: pin("24681357"),
            again: pin(again),
        });
        (commands.len(), model.pin_change.clone())
    };
    assert_eq!(
        change("24681358"),
        (0, PinChange::Refused(Reason::PinsDiffer.into()))
    );
    assert_eq!(change("24681357"), (1, PinChange::Busy));
    model.hear(Event::PinChanged(Ok(())));
    assert_eq!(model.pin_change, PinChange::Changed);
}

#[test]
fn a_module_that_is_fit_is_unassigned_until_it_is_set_and_then_active() {
    let mut model = evaluating();
    assert_eq!(model.cloning.master_card().status, MasterStatus::None);
    model.hear(surveyed(vec![secondary("A", Part::None), master("M")]));
    let card = model.cloning.master_card();
    assert_eq!(
        (card.status, card.serial),
        (MasterStatus::Unassigned, Some(serial("M")))
    );
    assert_eq!(card.checklist.policy, CheckState::Set);
    assert_eq!(card.checklist.auto_lock, CheckState::NotSet);
    let commands = model.act(Intent::SetMaster);
    assert!(matches!(
        commands.as_slice(),
        [Command::SaveMaster(Some(_)), Command::Look(Some(_))]
    ));
    assert_eq!(model.cloning.master_card().status, MasterStatus::Active);
}

#[test]
fn a_module_that_is_not_fit_cannot_be_set_and_its_card_says_why() {
    let mut model = evaluating();
    model.hear(surveyed(vec![secondary("A", Part::None)]));
    let card = model.cloning.master_card();
    assert_eq!(card.unfit.unwrap().reason, Reason::NotSetUp);
    assert_eq!(card.checklist.user_pin, CheckState::Unknown);
    assert!(!model.cloning.can_set_master());
    assert!(model.act(Intent::SetMaster).is_empty());
}

#[test]
fn a_master_that_is_unplugged_stays_the_master_and_is_absent() {
    let mut model = ready();
    model.hear(surveyed(vec![secondary("A", Part::None)]));
    let card = model.cloning.master_card();
    assert_eq!(
        (card.status, card.serial),
        (MasterStatus::NotReady, Some(serial("M")))
    );
    assert_eq!(card.unfit.unwrap().reason, Reason::Absent);
}

#[test]
fn the_master_of_the_last_launch_is_the_master_again_with_its_choices() {
    let state = MasterState {
        master: serial("M"),
        options: keywriter::Options {
            auto_lock: true,
            ..Default::default()
        },
    };
    let mut model = Model::default();
    model.hear(launched(LicenseState::Unregistered, Some(state)));
    let commands = model.act(Intent::Evaluate);
    assert!(
        matches!(commands.as_slice(), [Command::Look(Some(request))] if request.options.auto_lock)
    );
    model.hear(surveyed(vec![master("M")]));
    assert_eq!(model.cloning.master_card().status, MasterStatus::Active);
}

#[test]
fn there_are_nine_places_and_as_many_as_modules_are_there() {
    let mut model = ready();
    assert_eq!(model.cloning.cards().len(), 9);
    let many = (0..10).map(|number| secondary(&format!("S{number}"), Part::Clone));
    model.hear(surveyed(many.chain([master("M")]).collect()));
    assert_eq!(model.cloning.cards().len(), 12);
    assert_eq!(model.cloning.present(), 10);
}

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

#[test]
fn settings_that_are_imported_are_chosen_and_kept() {
    let mut model = ready();
    let settings = Settings {
        auto_lock: true,
        user_pin_policy: true,
    };
    let commands = model.hear(Event::Imported(Ok(settings)));
    let kept = commands.iter().any(|command| {
        matches!(command, Command::SaveMaster(Some(state)) if state.settings() == settings)
    });
    assert!(kept);
    assert_eq!(model.notice, Some(Notice::Imported));
    let commands = model.act(Intent::ExportSettings(PathBuf::from("s.json")));
    assert!(
        matches!(commands.as_slice(), [Command::ExportSettings(written, _)] if *written == settings)
    );
}

#[test]
fn nothing_but_virtual_modules_is_an_evaluation() {
    let mut model = evaluating();
    assert!(!model.cloning.is_evaluation(), "nothing is there");
    model.hear(surveyed(vec![master("M")]));
    assert!(model.cloning.is_evaluation());
    let mut hardware = secondary("A", Part::Clone);
    hardware.is_virtual = false;
    model.hear(surveyed(vec![master("M"), hardware]));
    assert!(!model.cloning.is_evaluation());
}

#[test]
fn a_license_that_was_revoked_meanwhile_is_shown_and_reported() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    model.hear(Event::LoggedIn(Ok(license())));
    assert!(matches!(
        model.act(Intent::RefreshLicense).as_slice(),
        [Command::RefreshLicense]
    ));
    let revoked = LicenseView {
        problem: Some(Reason::LicenseRevoked.into()),
        ..license()
    };
    let state = LicenseState::Registered(revoked);
    model.hear(Event::LicenseRefreshed(Err((
        state.clone(),
        Reason::LicenseRevoked.into(),
    ))));
    assert_eq!(model.license, state);
    assert!(!model.is_busy);
}

/// Any P-384 root will do.
fn some_root() -> keywriter::genuine::TrustedRoot {
    let root = hsm_factory::Root::generate("Some root").unwrap();
    keywriter::genuine::TrustedRoot::from_der(root.certificate_der().to_vec()).unwrap()
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

fn shows(root: Option<&keywriter::genuine::TrustedRoot>) -> Event {
    Event::Surveyed(Surveyed {
        unknown_root: root.cloned(),
        ..Surveyed::default()
    })
}

fn answer(root: &keywriter::genuine::TrustedRoot, is_right: bool) -> Intent {
    Intent::TrustRoot {
        fingerprint: root.fingerprint(),
        is_right,
    }
}
