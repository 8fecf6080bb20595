//! Screens as a person sees them, in `screens/`. `REWRITE=1` writes them anew: look at what changed.

use super::*;
use crate::panel::model::{
    Event, Report,
    tests::{panel, press, see},
};
use hsm_core::leds::{Pattern, ReadOut};
use ratatui::{Terminal, backend::TestBackend, crossterm::event::KeyCode};
use std::{fs, path::Path};

fn screen(panel: &Panel, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(panel, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let lines = buffer.content().chunks(usize::from(width));
    lines
        .map(|cells| {
            let line: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

#[track_caller]
fn assert_screen(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/panel/screens")
        .join(name)
        .with_extension("txt");
    if std::env::var_os("REWRITE").is_some() {
        fs::write(&path, drawn).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    assert!(drawn == expected, "{name} is another now:\n{drawn}");
}

fn ten() -> Panel {
    use Pattern::{
        AdminBlocked, AdminBlockedAgain, AdminMode, AwaitingNew, AwaitingUserPin, Cloning, Idle,
        Shipment, Standby, Unlocked,
    };
    let patterns = [
        Unlocked,
        Cloning,
        AwaitingUserPin,
        Idle,
        AwaitingNew,
        Standby,
        AdminBlocked,
        AdminBlockedAgain,
        AdminMode,
        Shipment,
    ];
    panel(ClockLine::Real, &patterns.map(|pattern| (pattern, 500)))
}

#[test]
fn ten_ports_and_the_selected_module_fit_into_a_small_terminal() {
    assert_screen("ten", &screen(&ten(), 80, 24));
}

#[test]
fn digits_that_were_sent_are_not_shown() {
    let mut panel = ten();
    press(&mut panel, "S13579k");
    let drawn = screen(&panel, 80, 24);
    assert!(drawn.contains("SHIFT+• • • • • KEY"), "{drawn}");
    press(&mut panel, "\nKEY 97531");
    assert!(screen(&panel, 80, 24).contains("KEY 97531▏"));
    press(&mut panel, "\n");
    assert!(!screen(&panel, 80, 24).contains("97531"));
}

#[test]
fn a_read_out_is_told_in_words_and_numbers_too() {
    let pattern = Pattern::ReadOut(ReadOut {
        tens: 1,
        units: 5,
        flag: true,
    });
    let mut panel = panel(ClockLine::Manual, &[(pattern, 0)]);
    press(&mut panel, "K");
    assert_screen("read-out", &screen(&panel, 80, 24));
}

#[test]
fn more_ports_than_fit_are_shown_by_the_page() {
    let mut panel = ten();
    see(&mut panel, ClockLine::Real, &[(Pattern::Standby, 0); 23]);
    panel.update(Event::Key(KeyCode::End.into()));
    assert_screen("many", &screen(&panel, 80, 24));
    assert!(screen(&panel, 120, 40).contains("VM0001"));
}

#[test]
fn help_names_every_sequence() {
    let mut panel = ten();
    press(&mut panel, "?");
    assert_screen("help", &screen(&panel, 80, 24));
}

#[test]
fn the_help_presses_what_the_keypad_document_names() {
    const KEYPAD: &str = include_str!("../../../../docs/KEYPAD.md");
    for [what, keys] in RECIPES {
        let mut panel = ten();
        let keys = keys.replace("new ", "").replace("PIN", "").replace('/', "");
        for asked in press(&mut panel, &keys) {
            let (_, keys) = asked.split_once("keys\":\"").unwrap();
            let keys = keys.trim_end_matches("\"}");
            let is_known = KEYPAD.contains(&format!("`{keys}`"));
            assert!(is_known || !keys.contains(['+', ':']), "{what}: {keys}");
        }
    }
}

#[test]
fn a_hub_that_is_gone_is_told_of() {
    let mut panel = ten();
    panel.update(Event::Hub(Report::Gone));
    assert!(screen(&panel, 80, 24).contains("NO HUB ANSWERS"));
    let empty = Panel::new("/tmp/hub".into());
    assert!(screen(&empty, 80, 24).contains("looking for the hub"));
}

#[test]
fn a_terminal_that_is_too_small_is_asked_to_grow() {
    for (width, height) in [(79, 24), (80, 23), (10, 2), (1, 1)] {
        let drawn = screen(&ten(), width, height);
        assert!(!drawn.contains("SERIAL"), "{drawn}");
    }
    assert!(screen(&ten(), 60, 20).contains("needs 80 × 24"));
}

#[test]
fn a_text_that_is_too_long_keeps_its_end() {
    assert_eq!(clipped_left("12345", 5), "12345");
    assert_eq!(clipped_left("123456", 5), "…3456");
    assert_eq!(clipped_left("123456", 0), "…");
}
