//! Selecting a module, pressing keys, accessible names; with reports that the tests make up.

use crate::hands::{all, button, click, controls, down, one, port, screen, see, type_keys, up};
use hsm_core::leds::Pattern;
use hub_panel::{
    model::{Event, Report},
    screen::Screen,
    ui::{Hub, Shown},
};
use slint::{
    ComponentHandle,
    platform::{Key, PointerEventButton},
};

fn selected(screen: &Screen) -> String {
    screen.window().global::<Hub>().get_module().serial.into()
}

#[test]
fn a_click_selects_a_module_and_arrows_select_the_next() {
    let screen = screen();
    see(&screen, &[Pattern::Standby; 3]);
    assert_eq!(selected(&screen), "VM0001");
    let third = port(&screen, "VM0003");
    click(&third);
    assert_eq!(selected(&screen), "VM0003");
    assert_eq!(
        port(&screen, "VM0003").accessible_item_selected(),
        Some(true)
    );
    down(&screen, Key::UpArrow);
    assert_eq!(selected(&screen), "VM0002");
    one(&screen, "Keypad of VM0002");
}

#[test]
fn the_window_says_what_the_leds_mean() {
    let screen = screen();
    see(&screen, &[Pattern::Standby, Pattern::AwaitingNew]);
    one(&screen, "Awake and locked.");
    one(&screen, "RED: on");
    click(&port(&screen, "VM0002"));
    one(&screen, "Waiting for a new PIN or a setting's value.");
    one(&screen, "GREEN: blinks");
    one(&screen, "BLUE: on");
    let row = port(&screen, "VM0001");
    assert_eq!(
        row.accessible_description().unwrap(),
        "Plugged in. Awake and locked."
    );
}

#[test]
fn the_keypad_is_reached_and_held_by_keyboard_and_digits_are_counted() {
    let screen = screen();
    see(&screen, &[Pattern::Standby]);
    let digit = one(&screen, "5");
    digit.mock_single_click(PointerEventButton::Left);
    one(&screen, "1 digit typed");
    let typed = || screen.window().global::<Hub>().get_typed();
    // The languages, the colors, About, and the first key of the keypad.
    for _ in 0..4 {
        down(&screen, Key::Tab);
        up(&screen, Key::Tab);
    }
    down(&screen, Key::Space);
    assert_eq!(typed(), 2, "it is 1");
    up(&screen, Key::Space);
    for _ in 0..9 {
        down(&screen, Key::Tab);
        up(&screen, Key::Tab);
    }
    // Nine further: SHIFT.
    down(&screen, Key::Return);
    assert_eq!(typed(), 0);
    up(&screen, Key::Return);
}

#[test]
fn a_right_click_latches_a_key_until_the_next() {
    let screen = screen();
    see(&screen, &[Pattern::Standby]);
    let latched = || screen.window().global::<Hub>().get_latched();
    one(&screen, "KEY").mock_single_click(PointerEventButton::Right);
    assert_eq!(latched(), 11);
    let description = one(&screen, "KEY").accessible_description();
    assert_eq!(description.unwrap(), "held for the next key");
    click(&one(&screen, "8"));
    assert_eq!(latched(), -1);
}

#[test]
fn a_hub_that_comes_and_goes_is_shown_with_advice() {
    let screen = screen();
    assert_eq!(
        all(&screen, "Looking for the hub").len(),
        2,
        "badge and card"
    );
    screen.update(Event::Hub(Report::Gone));
    one(&screen, "No hub is running in this folder");
    let command = one(&screen, "Start one in a terminal:");
    assert_eq!(
        command.accessible_value().unwrap(),
        "virtual-hub serve --state /var/lib/hub"
    );
    see(&screen, &[Pattern::Idle; 10]);
    assert!(all(&screen, "No hub is running in this folder").is_empty());
    port(&screen, "VM0001");
    screen.update(Event::Hub(Report::Gone));
    one(&screen, "No hub is running in this folder");
}

#[test]
fn more_modules_than_fit_are_scrolled_to() {
    let screen = screen();
    see(&screen, &[Pattern::Idle; 40]);
    down(&screen, Key::End);
    assert_eq!(selected(&screen), "VM0040");
    click(&port(&screen, "VM0040"));
    assert!(all(&screen, "VM0001").is_empty(), "out of sight");
}

#[test]
fn the_buttons_press_what_the_keypad_document_names() {
    const KEYPAD: &str = include_str!("../../../../docs/KEYPAD.md");
    let guide = include_str!("../../ui/guide.slint");
    let chords: Vec<&str> = guide
        .split("Chord { keys: \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(chords.len() > 15, "{chords:?}");
    for keys in chords {
        assert!(hsm_virtual::keys::parse(keys).is_ok(), "{keys}");
        let is_known = KEYPAD.contains(&format!("`{keys}`"));
        assert!(is_known || !keys.contains(['+', ':']), "{keys}");
    }
}

#[test]
fn every_control_has_a_name_in_every_language() {
    let screen = screen();
    see(&screen, &[Pattern::Standby; 10]);
    for language in ["English", "Deutsch", "Français"] {
        click(&one(&screen, language));
        let controls = controls(&screen);
        assert!(controls.len() > 40, "{}", controls.len());
        for control in controls {
            let label = control.accessible_label().unwrap_or_default();
            assert!(
                !label.is_empty(),
                "{:?} {:?}",
                control.id(),
                control.type_name()
            );
        }
    }
}

#[test]
fn enter_on_a_control_presses_that_and_not_the_keypad() {
    let screen = screen();
    see(&screen, &[Pattern::Standby]);
    // The language that is spoken.
    down(&screen, Key::Tab);
    down(&screen, Key::RightArrow);
    down(&screen, Key::Return);
    up(&screen, Key::Return);
    one(&screen, "Wach und gesperrt.");
}

#[test]
fn the_about_box_closes_by_escape_and_keeps_keys_from_the_module() {
    let screen = screen();
    see(&screen, &[Pattern::Standby, Pattern::Standby]);
    click(&button(&screen, "About"));
    one(&screen, "Close");
    type_keys(&screen, "12");
    down(&screen, Key::DownArrow);
    assert_eq!(selected(&screen), "VM0001");
    down(&screen, Key::Escape);
    assert!(all(&screen, "Close").is_empty());
    down(&screen, Key::DownArrow);
    assert_eq!(selected(&screen), "VM0002");
}

#[test]
fn a_pattern_of_a_later_hub_is_shown_as_unknown() {
    let screen = screen();
    let mut line = hsm_virtual::control::LedsLine::of((Pattern::Idle, 0));
    line.pattern = "dancing".into();
    let module = hsm_virtual::control::ModuleLine {
        serial: "VM0001".into(),
        plugged: true,
        leds: line,
    };
    let (clock, modules) = (hsm_virtual::control::ClockLine::Real, vec![module]);
    screen.update(Event::Hub(Report::Seen { clock, modules }));
    assert_eq!(
        screen.window().global::<Hub>().get_module().shown,
        Shown::Unknown
    );
    one(&screen, "Unknown LED pattern. Is the hub a newer version?");
}
