//! Hands and eyes.

use hsm_core::leds::Pattern;
use hsm_virtual::control::{ClockLine, LedsLine, ModuleLine};
use hub_panel::{
    model::{Event, Language, Report},
    screen::Screen,
};
use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementQuery};
use slint::{
    ComponentHandle, LogicalPosition, LogicalSize, SharedString,
    platform::{PointerEventButton, WindowEvent},
};
use std::path::Path;

/// A window that is shown, has the keyboard and knows no hub yet.
pub(crate) fn screen() -> Screen {
    i_slint_backend_testing::init_no_event_loop();
    open(Path::new("/var/lib/hub"))
}

/// A window on whatever backend there is.
pub(crate) fn open(folder: &Path) -> Screen {
    let screen = Screen::new(folder, false, Language::English).unwrap();
    let window = screen.window();
    window.window().set_size(LogicalSize::new(1180.0, 800.0));
    window.show().unwrap();
    window
        .window()
        .dispatch_event(WindowEvent::WindowActiveChanged(true));
    screen
}

/// Shows modules `VM0001` on, plugged in, with these patterns.
pub(crate) fn see(screen: &Screen, patterns: &[Pattern]) {
    let modules = (1..).zip(patterns).map(|(number, pattern)| ModuleLine {
        serial: format!("VM{number:04}"),
        plugged: true,
        leds: LedsLine::of((*pattern, 100)),
    });
    let (clock, modules) = (ClockLine::Real, modules.collect());
    screen.update(Event::Hub(Report::Seen { clock, modules }));
}

/// Everything that a screen reader finds under a name.
pub(crate) fn all(screen: &Screen, label: &str) -> Vec<ElementHandle> {
    ElementHandle::find_by_accessible_label(screen.window(), label).collect()
}

/// The one thing of that name.
pub(crate) fn one(screen: &Screen, label: &str) -> ElementHandle {
    let found = all(screen, label);
    assert_eq!(found.len(), 1, "things called {label:?}");
    found.into_iter().next().unwrap()
}

/// The button of that name: the first where a sequence has it twice.
pub(crate) fn button(screen: &Screen, label: &str) -> ElementHandle {
    all(screen, label)
        .into_iter()
        .find(|element| element.accessible_role() == Some(AccessibleRole::Button))
        .unwrap_or_else(|| panic!("no button {label:?}"))
}

/// The port of that module.
pub(crate) fn port(screen: &Screen, serial: &str) -> ElementHandle {
    all(screen, serial)
        .into_iter()
        .find(|element| element.accessible_role() == Some(AccessibleRole::ListItem))
        .unwrap_or_else(|| panic!("no port {serial}"))
}

/// Everything that can be pressed or chosen.
pub(crate) fn controls(screen: &Screen) -> Vec<ElementHandle> {
    ElementQuery::from_root(screen.window())
        .match_descendants()
        .match_predicate(|element| {
            matches!(
                element.accessible_role(),
                Some(
                    AccessibleRole::Button
                        | AccessibleRole::RadioButton
                        | AccessibleRole::ListItem
                        | AccessibleRole::TextInput
                        | AccessibleRole::Image
                )
            )
        })
        .find_all()
}

/// The mouse goes down and up on something.
pub(crate) fn click(element: &ElementHandle) {
    element.mock_single_click(PointerEventButton::Left);
}

/// The mouse goes down on something, or comes up.
pub(crate) fn mouse(screen: &Screen, element: &ElementHandle, is_down: bool) {
    let (at, size) = (element.absolute_position(), element.size());
    let position = LogicalPosition::new(at.x + size.width / 2.0, at.y + size.height / 2.0);
    let button = PointerEventButton::Left;
    let window = screen.window().window();
    if is_down {
        window.dispatch_event(WindowEvent::PointerMoved { position });
        window.dispatch_event(WindowEvent::PointerPressed { position, button });
    } else {
        window.dispatch_event(WindowEvent::PointerReleased { position, button });
    }
}

/// A key of the keyboard goes down.
pub(crate) fn down(screen: &Screen, key: impl Into<SharedString>) {
    let text = key.into();
    let event = WindowEvent::KeyPressed { text };
    screen.window().window().dispatch_event(event);
}

/// A key of the keyboard comes up.
pub(crate) fn up(screen: &Screen, key: impl Into<SharedString>) {
    let text = key.into();
    let event = WindowEvent::KeyReleased { text };
    screen.window().window().dispatch_event(event);
}

/// Types characters one after another.
pub(crate) fn type_keys(screen: &Screen, keys: &str) {
    for key in keys.chars() {
        down(screen, key);
        up(screen, key);
    }
}
