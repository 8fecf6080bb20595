//! Events in, acts and views out.

use super::*;
use hsm_core::leds::ReadOut;

/// A panel on so many modules, the first of them in the first pattern and so on.
pub(crate) fn panel(clock: ClockLine, patterns: &[(Pattern, u64)]) -> Panel {
    let mut panel = Panel::new("/tmp/hub".into());
    see(&mut panel, clock, patterns);
    panel
}

pub(crate) fn see(panel: &mut Panel, clock: ClockLine, patterns: &[(Pattern, u64)]) {
    let modules = patterns
        .iter()
        .enumerate()
        .map(|(i, shown)| ModuleLine {
            serial: format!("VM{:04}", i + 1),
            plugged: i % 4 != 3,
            leds: LedsLine::of(*shown),
        })
        .collect();
    panel.update(Event::Hub(Report::Seen(Reply::Modules { clock, modules })));
}

/// Presses keys of the keyboard: `\n` is Enter, `\x1b` Esc, `\x08` Backspace. What the hub is asked, as JSON.
pub(crate) fn press(panel: &mut Panel, text: &str) -> Vec<String> {
    let code = |c| match c {
        '\n' => KeyCode::Enter,
        '\x1b' => KeyCode::Esc,
        '\x08' => KeyCode::Backspace,
        c => KeyCode::Char(c),
    };
    text.chars()
        .filter_map(|c| match panel.update(Event::Key(code(c).into()))? {
            Act::Ask(request) => Some(serde_json::to_string(&request).unwrap()),
            Act::Quit => Some("quit".into()),
        })
        .collect()
}

fn go(panel: &mut Panel, code: KeyCode) {
    assert!(panel.update(Event::Key(code.into())).is_none());
}

fn asks(keys: &str) -> String {
    format!(r#"{{"do":"press","serial":"VM0001","keys":"{keys}"}}"#)
}

fn standby() -> Panel {
    panel(ClockLine::Real, &[(Pattern::Standby, 0); 12])
}

#[test]
fn keys_go_to_the_selected_module_one_by_one() {
    assert_eq!(
        press(&mut standby(), "1 K 8 :s"),
        [asks("1"), asks("KEY+8"), asks("SHIFT:1s")]
    );
    let mut panel = standby();
    go(&mut panel, KeyCode::Down);
    assert_eq!(
        press(&mut panel, "k"),
        [asks("KEY").replace("VM0001", "VM0002")]
    );
}

#[test]
fn a_line_is_sent_whole_in_either_case() {
    assert_eq!(
        press(&mut standby(), "\nkey+8 1 SHIFT\n"),
        [asks("KEY+8 1 SHIFT")]
    );
    assert_eq!(press(&mut standby(), "\n12\x083\n"), [asks("13")]);
    assert_eq!(press(&mut standby(), "\n12\x1b"), [""; 0]);
    assert_eq!(press(&mut standby(), "\n\n1"), [asks("1")]);
}

#[test]
fn a_line_that_is_no_keys_is_not_sent_and_not_repeated() {
    let mut panel = standby();
    assert_eq!(press(&mut panel, "\n2468x\n"), [""; 0]);
    assert!(matches!(panel.mode, Mode::Line(_)));
    assert!(!panel.message.contains("2468"));
}

#[test]
fn what_was_sent_is_shown_without_its_digits() {
    let mut panel = standby();
    press(&mut panel, "S12468k\n13572468 KEY\n");
    assert_eq!(panel.trail, "SHIFT+• • • • • KEY •••••••• KEY");
    go(&mut panel, KeyCode::End);
    assert_eq!(panel.trail, "");
}

#[test]
fn letters_that_are_commands_do_nothing_between_the_keys_of_a_chord() {
    let mut panel = standby();
    assert_eq!(press(&mut panel, "Kq"), [""; 0]);
    assert_eq!(panel.typing, Typing::Nothing);
    assert_eq!(press(&mut panel, "q"), ["quit"]);
}

#[test]
fn escape_lets_go_of_a_key_that_is_held() {
    let mut panel = standby();
    assert_eq!(press(&mut panel, "K\x1b8"), [asks("8")]);
}

#[test]
fn p_pulls_out_what_is_plugged_in_and_plugs_in_what_is_not() {
    let mut panel = standby();
    assert_eq!(
        press(&mut panel, "p"),
        [r#"{"do":"unplug","serial":"VM0001"}"#]
    );
    for _ in 0..3 {
        go(&mut panel, KeyCode::Down);
    }
    assert_eq!(
        press(&mut panel, "p"),
        [r#"{"do":"plug","serial":"VM0004"}"#]
    );
}

#[test]
fn time_is_let_pass_under_a_manual_clock_only() {
    let mut panel = standby();
    assert_eq!(press(&mut panel, "w"), [""; 0]);
    assert!(panel.message.contains("real"));
    let mut panel = super::tests::panel(ClockLine::Manual, &[(Pattern::Standby, 0)]);
    assert_eq!(
        press(&mut panel, "w31\n"),
        [r#"{"do":"wait","seconds":31.0}"#]
    );
    assert_eq!(press(&mut panel, "w\n"), [""; 0]);
    assert_eq!(press(&mut panel, "w.\n"), [""; 0]);
}

#[test]
fn the_selection_stays_within_the_modules() {
    let mut panel = standby();
    go(&mut panel, KeyCode::Up);
    assert_eq!(panel.selected, 0);
    go(&mut panel, KeyCode::PageDown);
    assert_eq!(panel.selected, 10);
    go(&mut panel, KeyCode::PageDown);
    assert_eq!(panel.selected, 11);
    go(&mut panel, KeyCode::Down);
    assert_eq!(panel.selected, 11);
    see(&mut panel, ClockLine::Real, &[(Pattern::Idle, 0)]);
    assert_eq!(panel.selected, 0);
}

#[test]
fn without_modules_no_key_asks_for_anything() {
    let mut panel = Panel::new(String::new());
    assert_eq!(press(&mut panel, "1kKSp+70"), [""; 0]);
}

#[test]
fn a_refusal_of_the_hub_is_shown_until_the_next_key() {
    let mut panel = standby();
    press(&mut panel, "p");
    assert_eq!(panel.pending, 1);
    let why = "no".to_owned();
    panel.update(Event::Hub(Report::Answered(Reply::Refused { why })));
    assert_eq!((panel.pending, panel.message.as_str()), (0, "no"));
    press(&mut panel, "1");
    assert_eq!(panel.message, "");
}

#[test]
fn under_a_real_clock_leds_blink_with_the_module() {
    let mut panel = panel(ClockLine::Real, &[(Pattern::Refused, 450)]);
    let brightness = |panel: &Panel| panel.brightness(panel.row().unwrap());
    assert_eq!(brightness(&panel), [100, 0, 0]);
    panel.update(Event::Time(50));
    assert_eq!(brightness(&panel), [0, 0, 0]);
}

#[test]
fn where_time_stands_still_leds_blink_by_the_panel() {
    let pattern = Pattern::ReadOut(ReadOut {
        tens: 0,
        units: 1,
        flag: false,
    });
    let mut panel = panel(ClockLine::Manual, &[(pattern, 0)]);
    let mut at = |time, clock_ms| {
        panel.update(Event::Time(time));
        see(&mut panel, ClockLine::Manual, &[(pattern, clock_ms)]);
        panel.brightness(panel.row().unwrap())
    };
    assert_eq!(at(0, 0), [100; 3]);
    assert_eq!(at(500, 0), [0, 100, 0]);
    assert_eq!(at(1_000, 0), [100; 3]);
    assert_eq!(at(1_500, 0), [0; 3], "the pause");
    assert_eq!(at(2_500, 0), [100; 3], "and again");
}

#[test]
fn a_hub_that_goes_and_comes_back_is_shown_as_such() {
    let mut panel = standby();
    panel.update(Event::Hub(Report::Gone));
    assert_eq!((panel.hub, panel.rows.len()), (Hub::Gone, 0));
    see(&mut panel, ClockLine::Manual, &[(Pattern::Idle, 0)]);
    assert_eq!(panel.hub, Hub::Running(ClockLine::Manual));
}

#[test]
fn any_key_closes_the_help() {
    let mut panel = standby();
    assert_eq!(press(&mut panel, "?q1"), [asks("1")]);
}
