//! The model alone: user actions and backend events go in; what is shown and commanded comes out.

mod choice;
mod cycle;
mod entry;
mod files;
mod roots;
mod team;

use super::*;
use keywriter::{
    Serial,
    cycle::{Summary, plan::Replace},
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
        few_writes: None,
        configured: Some(Configured {
            policy: Some((8, true)),
            user_pin: true,
            cloning: true,
            mode: EncryptionMode::Xts,
            self_destruct_pin: false,
            auto_lock: None,
        }),
        part: Part::None,
        sharing: Sharing::Locked,
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

const fn ready_to_clone(ready: usize) -> Bar {
    Bar::Ready { ready, clones: 0 }
}

fn state_of(model: &Model, name: &str) -> CardState {
    let cards = model.cloning.cards();
    let card = cards.iter().find(|card| card.serial == Some(serial(name)));
    card.map(|card| card.state.clone()).unwrap_or_default()
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
    assert_eq!(model.cloning.cards().len(), 10);
    assert_eq!(model.cloning.present(), 10);
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
