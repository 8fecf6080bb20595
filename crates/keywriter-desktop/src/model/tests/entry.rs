//! Registration, login and the app's PIN.

use super::*;

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
fn a_locked_app_opens_where_it_was_and_an_app_without_a_pin_is_not_locked() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    model.act(Intent::Lock);
    model.hear(Event::LoggedIn(Ok(license())));
    assert_eq!(model.page, Page::Clone);
    model.act(Intent::OpenPage(Page::About));
    model.act(Intent::Lock);
    assert_eq!(model.page, Page::Login);
    assert!(!model.may_evaluate(), "the PIN is not got around");
    for page in [Page::Clone, Page::Files, Page::Team, Page::About] {
        model.act(Intent::OpenPage(page));
        assert_eq!(model.page, Page::Login);
    }
    model.hear(Event::LoggedIn(Ok(license())));
    assert_eq!(model.page, Page::Files, "the page that was asked for since");

    let mut model = evaluating();
    model.act(Intent::Lock);
    assert_eq!(model.page, Page::Clone);
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
fn registration_that_was_opened_from_inside_leads_back() {
    let mut model = evaluating();
    model.act(Intent::OpenPage(Page::Register));
    assert!(model.can_go_back());
    model.act(Intent::OpenPage(Page::Clone));
    assert_eq!(model.page, Page::Clone);

    let mut model = Model::default();
    model.hear(launched(LicenseState::Unregistered, None));
    assert!(!model.can_go_back());
    model.act(Intent::OpenPage(Page::Clone));
    assert_eq!(model.page, Page::Register);
}

#[test]
fn there_is_no_login_without_a_license() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Unregistered, None));
    model.act(Intent::OpenPage(Page::Login));
    assert_eq!(model.page, Page::Register);
}

#[test]
fn a_wrong_pin_delays_its_change_too() {
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    model.hear(Event::LoggedIn(Ok(license())));
    model.act(Intent::OpenPage(Page::ChangePin));
    model.hear(Event::PinChanged(Err(
        Problem::new(Reason::PinWrong).after(1)
    )));
    assert_eq!(model.wait, 1);
    let change = |model: &mut Model| {
        model.act(Intent::ChangePin {
            current: pin("12345678"),
            new: pin("24681357"),
            again: pin("24681357"),
        })
    };
    assert!(change(&mut model).is_empty(), "too early");
    model.hear(Event::Second);
    assert_eq!(change(&mut model).len(), 1);
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
