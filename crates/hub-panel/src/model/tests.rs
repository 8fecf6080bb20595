use super::*;
use hsm_core::leds::{Pattern, ReadOut};
use hsm_virtual::control::LedsLine;

/// Requests as text: `VM0001 down SHIFT`.
fn said(requests: Vec<Request>) -> Vec<String> {
    requests
        .into_iter()
        .map(|request| match request {
            Request::Down { serial, key } => format!("{serial} down {key}"),
            Request::Up { serial, key } => format!("{serial} up {key}"),
            Request::Press { serial, keys } => format!("{serial} press {keys}"),
            Request::Plug { serial } => format!("{serial} plug"),
            Request::Unplug { serial } => format!("{serial} unplug"),
            Request::Wait { seconds } => format!("wait {seconds}"),
            Request::List => "list".into(),
            Request::Leds { serial } => format!("{serial} leds"),
        })
        .collect()
}

fn module(serial: &str, pattern: Pattern, since_ms: u64) -> ModuleLine {
    ModuleLine {
        serial: serial.into(),
        plugged: true,
        leds: LedsLine::of((pattern, since_ms)),
    }
}

fn see(panel: &mut Panel, modules: Vec<ModuleLine>) {
    let clock = ClockLine::Real;
    panel.update(Event::Hub(Report::Seen { clock, modules }));
}

/// A window on two modules; the first is selected.
fn panel() -> Panel {
    let mut panel = Panel::default();
    let modules = ["VM0001", "VM0002"].map(|serial| module(serial, Pattern::Standby, 0));
    see(&mut panel, modules.into());
    panel
}

fn typed(panel: &mut Panel, key: char) -> Vec<String> {
    let action = action_of(key).expect("a key that does something");
    said(panel.update(Event::KeyDown(key, action)))
}

fn released(panel: &mut Panel, key: char) -> Vec<String> {
    said(panel.update(Event::KeyUp(key)))
}

fn digit(digit: char) -> Pad {
    Pad::digit(digit).expect("a digit")
}

#[test]
fn digits_that_are_typed_are_counted_until_another_key() {
    let mut panel = panel();
    let strike = |panel: &mut Panel, key| {
        typed(panel, key);
        released(panel, key);
        panel.typed()
    };
    let counts = ['k', '1', '2', '2', '3', 'k', '7'].map(|key| strike(&mut panel, key));
    assert_eq!(counts, [0, 1, 2, 3, 4, 0, 1]);
    typed(&mut panel, 'k');
    assert_eq!(strike(&mut panel, '8'), 0, "a chord");
    released(&mut panel, 'k');
    panel.update(Event::Latch(Pad::KEY));
    assert_eq!(strike(&mut panel, '8'), 0, "a latched chord");
    assert_eq!(strike(&mut panel, '5'), 1);
    see(&mut panel, vec![module("VM0001", Pattern::Standby, 100)]);
    assert_eq!(panel.typed(), 1, "nothing happened");
    see(&mut panel, vec![module("VM0001", Pattern::Refused, 0)]);
    assert_eq!(panel.typed(), 0);
}

#[test]
fn the_mouse_presses_a_key_for_as_long_as_it_is_down() {
    let mut panel = panel();
    let down = panel.update(Event::Down(Pad::SHIFT));
    assert_eq!(said(down), ["VM0001 down SHIFT"]);
    let up = panel.update(Event::Up(Pad::SHIFT));
    assert_eq!(said(up), ["VM0001 up SHIFT"]);
    assert!(panel.update(Event::Up(Pad::SHIFT)).is_empty());
}

#[test]
fn two_keys_of_the_keyboard_make_a_chord() {
    let mut panel = panel();
    assert_eq!(typed(&mut panel, 'k'), ["VM0001 down KEY"]);
    assert_eq!(typed(&mut panel, '8'), ["VM0001 down 8"]);
    assert_eq!(released(&mut panel, '8'), ["VM0001 up 8"]);
    assert_eq!(released(&mut panel, 'k'), ["VM0001 up KEY"]);
}

#[test]
fn a_latched_key_goes_down_and_up_with_the_next() {
    let mut panel = panel();
    assert!(panel.update(Event::Latch(Pad::KEY)).is_empty());
    assert!(panel.latched().is_some_and(|pad| pad == Pad::KEY));
    let down = panel.update(Event::Down(digit('8')));
    assert_eq!(said(down), ["VM0001 down KEY", "VM0001 down 8"]);
    assert!(panel.latched().is_none());
    let up = panel.update(Event::Up(digit('8')));
    assert_eq!(said(up), ["VM0001 up 8", "VM0001 up KEY"]);
}

#[test]
fn latching_again_lets_the_key_be() {
    let mut panel = panel();
    panel.update(Event::Latch(Pad::KEY));
    panel.update(Event::Latch(Pad::KEY));
    let down = panel.update(Event::Down(digit('8')));
    assert_eq!(said(down), ["VM0001 down 8"]);
}

#[test]
fn a_key_that_is_down_goes_down_no_second_time() {
    let mut panel = panel();
    typed(&mut panel, 's');
    assert!(panel.update(Event::Down(Pad::SHIFT)).is_empty());
    assert!(panel.update(Event::Up(Pad::SHIFT)).is_empty());
    assert_eq!(released(&mut panel, 's'), ["VM0001 up SHIFT"]);
}

#[test]
fn a_digit_that_comes_up_under_another_name_comes_up() {
    let mut panel = panel();
    typed(&mut panel, 's');
    typed(&mut panel, '1');
    assert!(released(&mut panel, '\u{10}').is_empty(), "Shift alone");
    assert_eq!(released(&mut panel, '&'), ["VM0001 up 1"]);
    assert_eq!(released(&mut panel, 's'), ["VM0001 up SHIFT"]);
}

#[test]
fn hands_leave_one_keypad_before_they_touch_another() {
    let mut panel = panel();
    typed(&mut panel, 's');
    typed(&mut panel, '3');
    panel.update(Event::Latch(Pad::KEY));
    let moved = panel.update(Event::Select(1));
    assert_eq!(said(moved), ["VM0001 up 3", "VM0001 up SHIFT"]);
    assert!(panel.latched().is_none());
    assert_eq!(typed(&mut panel, '3'), ["VM0002 down 3"]);
}

#[test]
fn a_window_without_the_keyboard_holds_nothing() {
    let mut panel = panel();
    typed(&mut panel, '0');
    let moved = panel.update(Event::ReleaseAll);
    assert_eq!(said(moved), ["VM0001 up 0"]);
    assert!(panel.update(Event::ReleaseAll).is_empty());
}

#[test]
fn arrows_choose_a_module_and_stop_at_the_ends() {
    let mut panel = panel();
    for (key, selected) in [
        ('\u{f701}', 1),
        ('\u{f701}', 1),
        ('\u{f72c}', 0),
        ('\u{f72b}', 1),
        ('\u{f729}', 0),
        ('\u{f700}', 0),
    ] {
        typed(&mut panel, key);
        assert_eq!(panel.selected(), selected);
    }
}

#[test]
fn the_plug_is_pulled_or_put_in() {
    let mut panel = panel();
    assert_eq!(typed(&mut panel, 'p'), ["VM0001 unplug"]);
    let mut out = module("VM0001", Pattern::Idle, 0);
    out.plugged = false;
    see(&mut panel, vec![out]);
    assert_eq!(said(panel.update(Event::Plug)), ["VM0001 plug"]);
}

#[test]
fn time_is_let_pass_only_where_it_stands_still() {
    let mut panel = panel();
    assert!(panel.update(Event::LetTimePass).is_empty());
    let modules = vec![module("VM0001", Pattern::Idle, 0)];
    let clock = ClockLine::Manual;
    panel.update(Event::Hub(Report::Seen { clock, modules }));
    assert_eq!(typed(&mut panel, 'w'), ["wait 1"]);
}

#[test]
fn without_a_hub_nothing_is_asked() {
    let mut panel = panel();
    typed(&mut panel, 's');
    panel.update(Event::Hub(Report::Gone));
    assert_eq!(panel.hub, HubState::Stopped);
    assert!(panel.rows.is_empty());
    for key in ['1', 'p', '\u{f701}'] {
        assert!(typed(&mut panel, key).is_empty());
    }
    assert!(released(&mut panel, 's').is_empty());
}

#[test]
fn the_selected_module_stays_so_when_others_come_before_it() {
    let mut panel = panel();
    panel.update(Event::Select(1));
    let modules = ["VM0000", "VM0001", "VM0002"].map(|serial| module(serial, Pattern::Idle, 0));
    see(&mut panel, modules.into());
    assert_eq!(panel.row().expect("a row").serial, "VM0002");
    see(&mut panel, vec![module("VM0007", Pattern::Idle, 0)]);
    assert_eq!(panel.row().expect("a row").serial, "VM0007");
}

#[test]
fn a_refusal_is_shown_until_the_next_act() {
    let mut panel = panel();
    panel.update(Event::Hub(Report::Refused("no module".into())));
    assert_eq!(panel.refusal, "no module");
    panel.update(Event::Press(Pad::KEY));
    assert!(panel.refusal.is_empty());
}

#[test]
fn leds_blink_on_from_where_the_hub_said_they_were() {
    let mut panel = Panel::default();
    panel.update(Event::Time(10_000));
    see(
        &mut panel,
        vec![module("VM0001", Pattern::AwaitingUserPin, 400)],
    );
    let bright = |panel: &Panel| panel.brightness(panel.row().expect("a row"));
    assert_eq!(bright(&panel), [100; 3]);
    panel.update(Event::Time(10_099));
    assert_eq!(bright(&panel), [100; 3]);
    panel.update(Event::Time(10_100));
    assert_eq!(bright(&panel), [0; 3]);
    assert!(panel.is_blinking());
}

#[test]
fn under_a_manual_clock_they_blink_by_the_windows() {
    let mut panel = Panel::default();
    for now in [0, 300, 600] {
        panel.update(Event::Time(now));
        let modules = vec![module("VM0001", Pattern::AwaitingUserPin, 0)];
        let clock = ClockLine::Manual;
        panel.update(Event::Hub(Report::Seen { clock, modules }));
    }
    assert_eq!(panel.brightness(panel.row().expect("a row")), [0; 3]);
}

#[test]
fn a_read_out_is_shown_again_after_a_pause() {
    let read_out = ReadOut {
        tens: 0,
        units: 1,
        flag: false,
    };
    let mut panel = Panel::default();
    see(
        &mut panel,
        vec![module("VM0001", Pattern::ReadOut(read_out), 0)],
    );
    let mut bright = |now| {
        panel.update(Event::Time(now));
        panel.brightness(panel.row().expect("a row"))
    };
    assert_eq!(bright(500), [0, 100, 0]);
    assert_eq!(bright(1_600), [0; 3]);
    assert_eq!(bright(2_500), [100; 3]);
    assert_eq!(bright(3_000), [0, 100, 0]);
}

#[test]
fn what_neither_blinks_nor_fades_is_steady() {
    for pattern in Pattern::ALL {
        let levels = |time| timeline::brightness(pattern, time);
        let changes = (0..4_000).step_by(50).any(|time| levels(time) != levels(0));
        assert_eq!(is_steady(pattern), !changes, "{}", pattern.name());
    }
}
