//! What a person does to the window, and sees in it.

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

/// Opens a window that has the keyboard's focus and no hub yet.
pub(crate) fn screen() -> Screen {
    i_slint_backend_testing::init_no_event_loop();
    open(Path::new("/var/lib/hub"))
}

/// Opens the window on the current backend.
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

/// Returns every element that a screen reader finds by this name.
pub(crate) fn all(screen: &Screen, label: &str) -> Vec<ElementHandle> {
    ElementHandle::find_by_accessible_label(screen.window(), label).collect()
}

/// Returns the only element of this name.
pub(crate) fn one(screen: &Screen, label: &str) -> ElementHandle {
    let found = all(screen, label);
    assert_eq!(found.len(), 1, "elements called {label:?}");
    found.into_iter().next().unwrap()
}

/// Returns the button of this name; the first if there are several.
pub(crate) fn button(screen: &Screen, label: &str) -> ElementHandle {
    all(screen, label)
        .into_iter()
        .find(|element| element.accessible_role() == Some(AccessibleRole::Button))
        .unwrap_or_else(|| panic!("no button {label:?}"))
}

/// Returns the row of this module.
pub(crate) fn port(screen: &Screen, serial: &str) -> ElementHandle {
    all(screen, serial)
        .into_iter()
        .find(|element| element.accessible_role() == Some(AccessibleRole::ListItem))
        .unwrap_or_else(|| panic!("no port {serial}"))
}

/// Returns everything that can be pressed or selected.
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

/// Clicks an element.
pub(crate) fn click(element: &ElementHandle) {
    element.mock_single_click(PointerEventButton::Left);
}

/// Presses the mouse on an element, or releases it.
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

/// Presses a key of the keyboard.
pub(crate) fn down(screen: &Screen, key: impl Into<SharedString>) {
    let text = key.into();
    let event = WindowEvent::KeyPressed { text };
    screen.window().window().dispatch_event(event);
}

/// Releases a key of the keyboard.
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
